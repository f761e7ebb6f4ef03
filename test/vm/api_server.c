/*
 * The scripted API server as a program.
 *
 *	vm-api_server --port PORT [--address ADDRESS] [--cert FILE --key FILE] [--client-ca FILE] [--token TOKEN]
 *	              [--version NUMBER] [--gzip] [--script-port PORT] FILE...
 *	vm-api_server --make-certificates DIRECTORY [NAME...]
 *
 * The first serves the objects in the files (JSON: objects, lists, recordings) until it is killed. Versions go on
 * behind --version. It is scripted by requests to the same port, for which no token is needed, or to --script-port, which
 * is without TLS:
 *
 *	PUT /fake/objects                           a JSON object or List: added or changed
 *	DELETE /fake/objects/KIND/NAMESPACE/NAME    a Node's namespace is -
 *	POST /fake/fail?failure=F[&path=PART][&times=N][&status=CODE][&retry-after=SECONDS][&after-bytes=N][&file=PATH]
 *	                                            F: status refuse silent stall hang-up garbage endless-line error-event
 *	                                            no-streaming ignore-streaming watch-ends replay; times -1: until cleared
 *	POST /fake/clear, /fake/compact, /fake/bookmark, /fake/end, /fake/drop, /fake/token?token=T
 *	                                            forget failures; forget history; send bookmarks; end watches well;
 *	                                            drop open answers; another token is asked for
 *	GET /fake/requests, /fake/events, /fake/watches, /fake/connections, /fake/version, /fake/orders
 *	                                            what was asked and written; how many watches are open, connections
 *	                                            were made; the last version; how many failures are still to come
 */
#include "api_server.h"
#include "certificates.h"

#include <event2/event.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"address", required_argument, NULL, 'a'},
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"client-ca", required_argument, NULL, 'C'},
        {"token", required_argument, NULL, 't'},
        {"version", required_argument, NULL, 'v'},
        {"gzip", no_argument, NULL, 'z'},
        {"script-port", required_argument, NULL, 's'},
        {"make-certificates", required_argument, NULL, 'm'},
        {0},
};

static int usage(void)
{
	fputs("usage: vm-api_server --port PORT [--address ADDRESS] [--cert FILE --key FILE] [--client-ca "
	      "FILE]\n"
	      "                     [--token TOKEN] [--version NUMBER] [--gzip] [--script-port PORT] "
	      "FILE...\n"
	      "       vm-api_server --make-certificates DIRECTORY [NAME...]\n",
	      stderr);
	return EXIT_FAILURE;
}

/* False: there is no such option. */
static bool read_options(int argc, char **argv, struct api_server_options *ret_options,
                         const char **ret_directory)
{
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			ret_options->port = (uint16_t)atoi(optarg);
			break;
		case 'a':
			ret_options->address = optarg;
			break;
		case 'c':
			ret_options->certificate = optarg;
			break;
		case 'k':
			ret_options->key = optarg;
			break;
		case 'C':
			ret_options->client_authority = optarg;
			break;
		case 't':
			ret_options->token = optarg;
			break;
		case 'v':
			ret_options->first_version = strtoull(optarg, NULL, 10);
			break;
		case 'z':
			ret_options->pack = true;
			break;
		case 's':
			ret_options->script_port = (uint16_t)atoi(optarg);
			break;
		case 'm':
			*ret_directory = optarg;
			break;
		default:
			return false;
		}
	}
	return *ret_directory != NULL || (ret_options->certificate == NULL) == (ret_options->key == NULL);
}

int main(int argc, char **argv)
{
	struct api_server_options wanted = {0};
	const char *directory = NULL;
	if (!read_options(argc, argv, &wanted, &directory))
		return usage();
	if (directory != NULL)
		return certificates_make(directory, (const char *const *)argv + optind,
		                         (size_t)(argc - optind)) == 0
		               ? EXIT_SUCCESS
		               : EXIT_FAILURE;
	struct event_base *base = event_base_new();
	struct api_server *server = api_server_start(base, &wanted);
	for (int i = optind; i < argc; i++)
		api_server_load(server, argv[i]);
	printf("listening on port %u\n", api_server_port(server));
	fflush(stdout);
	event_base_dispatch(base);
	api_server_stop(server);
	event_base_free(base);
	return EXIT_SUCCESS;
}
