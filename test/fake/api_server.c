/*
 * The scripted API server: listening, TLS, who may ask, and which part answers.
 */
#include "api_server_private.h"

#include "base/check.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- who asks, and for what */

static bool is_allowed(const struct api_server *server, struct evhttp_request *request)
{
	const char *given = evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");
	if (server->token == NULL)
		return true;
	return given != NULL && strncmp(given, "Bearer ", 7) == 0 && strcmp(given + 7, server->token) == 0;
}

static const char *method_of(struct evhttp_request *request)
{
	switch (evhttp_request_get_command(request)) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_PATCH:
		return "PATCH";
	case EVHTTP_REQ_PUT:
		return "PUT";
	case EVHTTP_REQ_DELETE:
		return "DELETE";
	default:
		return "OTHER";
	}
}

static void refuse(struct api_server *server, struct evhttp_request *request,
                   const struct api_question *question, int code, const char *message)
{
	api_answer_status(server, request, &(struct api_status){.code = code, .message = message}, question);
}

/* Takes the question. */
static void answer_question(struct api_server *server, struct evhttp_request *request,
                            struct api_question *question, enum api_cut cut, size_t budget)
{
	auto_text why = {0};
	const char *wrong = api_question_check_selectors(question, &why);
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	if (method == EVHTTP_REQ_GET && wrong == NULL) {
		if (question->is_watch && question->name == NULL)
			api_watch(server, request, question, cut, budget);
		else
			api_list(server, request, question, cut, budget);
		return;
	}
	if (wrong != NULL)
		refuse(server, request, question, 400, wrong);
	else if (method == EVHTTP_REQ_POST || method == EVHTTP_REQ_PATCH)
		api_events(server, request, question);
	else
		refuse(server, request, question, 405, NULL);
	api_question_free(question);
}

/* Takes the question, whose path is one of ours. */
static void answer_as_ordered(struct api_server *server, struct evhttp_request *request,
                              struct api_question *question)
{
	struct api_order order = {0};
	enum api_cut cut = API_CUT_NONE;
	if (api_order_take(server, evhttp_request_get_uri(request), question, &order)) {
		if (api_order_perform(server, request, question, &order.order)) {
			api_order_done(&order);
			api_question_free(question);
			return;
		}
		if (order.order.failure == API_FAIL_IGNORE_STREAMING)
			question->wants_initial_events = false;
		else
			cut = order.order.failure == API_FAIL_STALL ? API_CUT_STALL : API_CUT_HANG_UP;
	}
	answer_question(server, request, question, cut, order.order.after_bytes);
	api_order_done(&order);
}

static void request_came(struct evhttp_request *request, void *context)
{
	struct api_server *server = context;
	const char *uri = evhttp_request_get_uri(request);
	if (strncmp(uri, "/fake/", 6) == 0) {
		api_control(server, request);
		return;
	}
	text_addf(&server->requests, "%s %s\n", method_of(request), uri);
	if (!is_allowed(server, request)) {
		refuse(server, request, NULL, 401, NULL);
		return;
	}
	int status;
	struct api_question *question = api_question_new(request, &status);
	if (status == 0) {
		answer_as_ordered(server, request, question);
	} else {
		refuse(server, request, NULL, status, NULL);
		api_question_free(question);
	}
}

/* ---- starting */

static void must(bool good, const char *what)
{
	if (good)
		return;
	ERR_print_errors_fp(stderr);
	fprintf(stderr, "api_server: %s: %m\n", what);
	abort();
}

static SSL_CTX *tls_of(const struct api_server_options *options)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	must(tls != NULL, "TLS");
	must(SSL_CTX_use_certificate_chain_file(tls, options->certificate) == 1, options->certificate);
	must(SSL_CTX_use_PrivateKey_file(tls, options->key, SSL_FILETYPE_PEM) == 1, options->key);
	if (options->client_authority != NULL) {
		must(SSL_CTX_load_verify_locations(tls, options->client_authority, NULL) == 1,
		     options->client_authority);
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return tls;
}

static struct bufferevent *connection_came(struct event_base *base, void *context)
{
	struct api_server *server = context;
	server->connections++;
	if (server->tls == NULL)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	struct bufferevent *events =
	        bufferevent_openssl_socket_new(base, -1, SSL_new(server->tls), BUFFEREVENT_SSL_ACCEPTING,
	                                       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	bufferevent_openssl_set_allow_dirty_shutdown(events, 1);
	return events;
}

static uint16_t port_of(struct evhttp_bound_socket *socket)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	must(getsockname(evhttp_bound_socket_get_fd(socket), (struct sockaddr *)&address, &length) == 0,
	     "getsockname");
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
	                                           : ((struct sockaddr_in *)&address)->sin_port);
}

static const enum evhttp_cmd_type methods =
        EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PATCH | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE;

static void script_came(struct evhttp_request *request, void *context)
{
	if (strncmp(evhttp_request_get_uri(request), "/fake/", 6) == 0)
		api_control(context, request);
	else
		evhttp_send_error(request, 404, NULL);
}

static struct evhttp *script_at(struct api_server *server, const char *address, uint16_t port)
{
	struct evhttp *script = evhttp_new(server->base);
	evhttp_set_gencb(script, script_came, server);
	evhttp_set_allowed_methods(script, methods);
	must(evhttp_bind_socket(script, address, port) == 0, "the port for the script");
	return script;
}

struct api_server *api_server_start(struct event_base *base, const struct api_server_options *options)
{
	struct api_server *server = memory_alloc(sizeof(*server));
	/* A client that goes away in the middle of an answer must not end the program. */
	signal(SIGPIPE, SIG_IGN);
	server->base = base;
	server->http = evhttp_new(base);
	server->pack = options->pack;
	server->store.version = server->store.compacted = options->first_version;
	api_server_set_token(server, options->token);
	if (options->certificate != NULL)
		server->tls = tls_of(options);
	evhttp_set_bevcb(server->http, connection_came, server);
	evhttp_set_gencb(server->http, request_came, server);
	evhttp_set_timeout(server->http, 24 * 3600);
	evhttp_set_allowed_methods(server->http, methods);
	const char *address = options->address == NULL ? "127.0.0.1" : options->address;
	struct evhttp_bound_socket *socket =
	        evhttp_bind_socket_with_handle(server->http, address, options->port);
	must(socket != NULL, address);
	server->port = port_of(socket);
	if (options->script_port != 0)
		server->script = script_at(server, address, options->script_port);
	return server;
}

void api_server_stop(struct api_server *server)
{
	if (server == NULL)
		return;
	if (server->script != NULL)
		evhttp_free(server->script);
	evhttp_free(server->http);
	CHECK(server->answers == NULL);
	SSL_CTX_free(server->tls);
	api_server_clear_failures(server);
	vector_done(&server->orders);
	api_store_done(&server->store);
	text_done(&server->requests);
	text_done(&server->events);
	free(server->token);
	free(server);
}

/* ---- the script */

uint16_t api_server_port(const struct api_server *server)
{
	return server->port;
}

void api_server_set_token(struct api_server *server, const char *token)
{
	free(server->token);
	server->token = token == NULL ? NULL : memory_copy_text(token);
}

/* Answers may end while they are gone through: the next is known before. */
static void for_each_answer(struct api_server *server, bool watches_only,
                            void (*perform)(struct api_answer *answer))
{
	for (struct api_answer *answer = server->answers, *next; answer != NULL; answer = next) {
		next = answer->next;
		if (answer->is_watch || !watches_only)
			perform(answer);
	}
}

void api_server_changed(struct api_server *server)
{
	for_each_answer(server, true, api_watch_pump);
}

void api_server_bookmark(struct api_server *server)
{
	for_each_answer(server, true, api_watch_bookmark);
}

void api_server_end_watches(struct api_server *server)
{
	for_each_answer(server, true, api_watch_end);
}

void api_server_drop_connections(struct api_server *server)
{
	for_each_answer(server, false, api_answer_drop);
}

void api_server_delete(struct api_server *server, const char *kind, const char *namespace, const char *name)
{
	const struct api_kind *found = api_kind_find(kind);
	CHECK(found != NULL);
	CHECK(api_store_delete(&server->store, found, namespace == NULL ? "" : namespace, name, 0));
	api_server_changed(server);
}

/* Whoever watches is up to date, unless it reads too slowly. */
void api_server_compact(struct api_server *server)
{
	api_server_changed(server);
	api_store_compact(&server->store);
	for_each_answer(server, true, api_watch_skip);
}

/* ---- what happened */

const char *api_server_requests(const struct api_server *server)
{
	return text_string(&server->requests);
}

size_t api_server_count_requests(const struct api_server *server, const char *part)
{
	size_t count = 0;
	for (const char *line = text_string(&server->requests); *line != '\0';) {
		const char *end = strchr(line, '\n');
		count += memmem(line, (size_t)(end - line), part, strlen(part)) != NULL;
		line = end + 1;
	}
	return count;
}

size_t api_server_count_connections(const struct api_server *server)
{
	return server->connections;
}

size_t api_server_count_watches(const struct api_server *server)
{
	size_t count = 0;
	for (const struct api_answer *answer = server->answers; answer != NULL; answer = answer->next)
		count += answer->is_watch;
	return count;
}

const char *api_server_events(const struct api_server *server)
{
	return text_string(&server->events);
}
