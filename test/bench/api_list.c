/*
 * Listing a cluster from an API server: the source alone, from opening it until both lists are complete, and what it
 * holds then.
 *
 *	bench-api_list KUBECONFIG SERVICES SLICES
 *
 * Prints seconds, peak and steady resident KiB. Fails when the lists hold something else than so many objects.
 */
#include "model/cluster.h"
#include "model/inlet.h"
#include "source/api_client.h"
#include "source/api_source.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEADY_AFTER_SECONDS 2

struct bench {
	struct event_base *base;
	struct api_source *source;
	struct timespec start, end;
	bool complete, failed;
};

static void complete(void *context, enum object_kind kind)
{
	struct bench *bench = context;
	struct timeval steady = {.tv_sec = STEADY_AFTER_SECONDS};
	(void)kind;
	if (bench->complete || bench->source == NULL || !api_source_is_complete(bench->source))
		return;
	bench->complete = true;
	clock_gettime(CLOCK_MONOTONIC, &bench->end);
	event_base_loopexit(bench->base, &steady);
}

static void failing(void *context, const char *subject, const char *sentence)
{
	struct bench *bench = context;
	fprintf(stderr, "bench-api_list: %s: %s\n", subject, sentence);
	bench->failed = true;
	event_base_loopbreak(bench->base);
}

static void refused(void *context, const struct fault *fault)
{
	char text[FAULT_TEXT_SIZE];
	failing(context, "an object", fault_format(fault, text));
}

static void nothing(void *context)
{
	(void)context;
}

static void nothing_of_node(void *context, bool deleted)
{
	(void)context;
	(void)deleted;
}

static void nothing_of_subject(void *context, const char *subject)
{
	(void)context;
	(void)subject;
}

/* From /proc/self/status: "VmHWM:   1234 kB". */
static long resident_kib(const char *name)
{
	char line[256];
	long value = -1;
	FILE *file = fopen("/proc/self/status", "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name) + 1, NULL, 10);
	}
	if (file != NULL)
		fclose(file);
	return value;
}

static struct api_client *open_client(struct event_base *base, const char *kubeconfig)
{
	struct api_access *access;
	struct api_client *client;
	struct fault fault = {0};
	char text[FAULT_TEXT_SIZE];
	const struct api_client_options options = {.user_agent = "bench-api_list"};
	if (api_access_read(&(struct api_access_options){.kubeconfig = kubeconfig}, &access, &fault) != 0 ||
	    api_client_open(base, access, &options, &client, &fault) != 0) {
		fprintf(stderr, "bench-api_list: %s\n", fault_format(&fault, text));
		exit(EXIT_FAILURE);
	}
	return client;
}

static int report(const struct bench *bench, const struct inlet *inlet, size_t services, size_t slices)
{
	if (bench->failed || inlet->count[KIND_SERVICE] != services || inlet->count[KIND_SLICE] != slices) {
		fprintf(stderr, "bench-api_list: %zu Services and %zu EndpointSlices came\n",
		        inlet->count[KIND_SERVICE], inlet->count[KIND_SLICE]);
		return EXIT_FAILURE;
	}
	printf("%.3f %ld %ld\n",
	       (double)(bench->end.tv_sec - bench->start.tv_sec) +
	               (double)(bench->end.tv_nsec - bench->start.tv_nsec) / 1e9,
	       resident_kib("VmHWM"), resident_kib("VmRSS"));
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: bench-api_list KUBECONFIG SERVICES SLICES\n", stderr);
		return EXIT_FAILURE;
	}
	struct bench bench = {.base = event_base_new()};
	struct cluster *cluster = cluster_new();
	struct inlet inlet;
	inlet_init(&inlet, cluster, ORIGIN_API_SERVER);
	const struct api_source_listener listener = {.context = &bench,
	                                             .changed = nothing,
	                                             .complete = complete,
	                                             .node_told = nothing_of_node,
	                                             .failing = failing,
	                                             .recovered = nothing_of_subject,
	                                             .refused = refused};
	const struct api_source_options options = {.node_name = "node-1"};
	clock_gettime(CLOCK_MONOTONIC, &bench.start);
	struct api_client *client = open_client(bench.base, argv[1]);
	bench.source = api_source_open(bench.base, client, &inlet, &options, &listener);
	event_base_dispatch(bench.base);
	int status = report(&bench, &inlet, strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	api_source_close(bench.source);
	api_client_close(client);
	cluster_free(cluster);
	event_base_free(bench.base);
	return status;
}
