#include "api_client_private.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "clock.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_LIMIT_MS = 10 * 1000, EXEC_LIMIT_MS = 60 * 1000, QUIET_LIMIT_MS = 30 * 1000 };

static void soon(struct event *event)
{
	event_active(event, EV_TIMEOUT, 0);
}

static bool inside_curl(const struct api_client *client)
{
	bool inside = client->loop && curl_loop_is_inside(client->loop);
	for (size_t i = 0; i < client->retired.count; i++)
		inside |= curl_loop_is_inside(client->retired.items[i]);
	return inside;
}

void api_call_move(struct api_call *call, struct api_calls *list)
{
	if (call->list)
		TAILQ_REMOVE(call->list, call, link);
	call->list = list;
	if (list)
		TAILQ_INSERT_TAIL(list, call, link);
}

static void call_free(struct api_call *call)
{
	api_call_move(call, NULL);
	limits_stop(call);
	transfer_stop(call);
	free(call->method);
	free(call->path);
	free(call->body);
	free(call->content_type);
	free(call->sentence);
	free(call);
}

static void calls_free(struct api_calls *calls)
{
	struct api_call *call;
	while ((call = TAILQ_FIRST(calls)))
		call_free(call);
}

void api_call_end(struct api_call *call, int error, char *sentence)
{
	struct api_client *client = call->client;
	limits_stop(call);
	transfer_stop(call);
	call->error = error;
	call->sentence = sentence;
	api_call_move(call, &client->over);
	soon(client->tell);
	soon(client->pump);
}

void api_client_retire_connections(struct api_client *client)
{
	vector_push(&client->retired, client->loop);
	client->loop = curl_loop_open(client->base, transfer_done);
}

/* Tells of one call and touches nothing afterwards: the client may be closed in there. */
static void on_tell(evutil_socket_t fd, short what, void *context)
{
	struct api_client *client = context;
	struct api_call *call = TAILQ_FIRST(&client->over);
	(void)fd;
	(void)what;
	if (!call)
		return;
	api_call_move(call, NULL);
	if (!TAILQ_EMPTY(&client->over))
		soon(client->tell);
	const struct api_end end = {.error = call->error,
	                            .status = call->status,
	                            .retry_after_ms = call->retry_after_ms,
	                            .sentence = call->sentence ? call->sentence : ""};
	if (call->handler.ended)
		call->handler.ended(call->handler.context, &end);
	call_free(call);
}

/* Says why with the server in front, as all sentences have it. */
static char *with_server(const struct api_client *client, const struct fault *fault)
{
	struct text sentence = {0};
	text_addf(&sentence, "%s: %s", client->access->server, fault->sentence);
	return sentence.bytes;
}

/* A call that has to wait for credentials stays where it is. */
static void try_to_start(struct api_client *client, struct api_call *call)
{
	struct credential credential;
	struct fault fault = {0};
	int result = api_credentials_get(client->credentials, &credential, &fault);
	if (result < 0) {
		api_call_end(call, result, with_server(client, &fault));
	} else if (result != CREDENTIALS_WAIT) {
		api_call_move(call, &client->running);
		transfer_start(call, &credential);
	}
}

static void start_waiting(struct api_client *client)
{
	struct api_call *call, *next;
	int64_t wait_ms = 0;
	for (call = TAILQ_FIRST(&client->waiting); call; call = next) {
		next = TAILQ_NEXT(call, link);
		if (!call->has_turn && !call->is_watch && !wait_ms)
			wait_ms = rate_limit_take(&client->rate, clock_ms());
		call->has_turn |= call->is_watch || !wait_ms;
		if (call->has_turn)
			try_to_start(client, call);
	}
	const struct timeval delay = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	if (wait_ms)
		event_add(client->pump, &delay);
}

static void release_retired(struct api_client *client)
{
	size_t kept = 0;
	for (size_t i = 0; i < client->retired.count; i++) {
		struct curl_loop *loop = client->retired.items[i];
		if (curl_loop_count(loop))
			client->retired.items[kept++] = loop;
		else
			curl_loop_close(loop);
	}
	client->retired.count = kept;
}

static void on_pump(evutil_socket_t fd, short what, void *context)
{
	struct api_client *client = context;
	(void)fd;
	(void)what;
	calls_free(&client->dropped);
	start_waiting(client);
	api_credentials_settle(client->credentials);
	release_retired(client);
}

static void on_credentials(void *context)
{
	struct api_client *client = context;
	soon(client->pump);
}

int api_client_open(struct event_base *base, struct api_access *access,
                    const struct api_client_options *options, struct api_client **ret_client,
                    struct fault *fault)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		fault_set(fault, NULL, "%s: the TLS library cannot be set up", access->server);
		api_access_free(access);
		return -EIO;
	}
	struct api_client *client = memory_alloc(sizeof(*client));
	client->base = base;
	client->access = access;
	client->user_agent = memory_copy_text(options->user_agent ? options->user_agent : "kube-ipvs");
	client->connect_limit_ms = options->connect_limit_ms ? options->connect_limit_ms : CONNECT_LIMIT_MS;
	rate_limit_init(&client->rate, options->qps, options->burst, clock_ms());
	TAILQ_INIT(&client->waiting);
	TAILQ_INIT(&client->running);
	TAILQ_INIT(&client->over);
	TAILQ_INIT(&client->dropped);
	client->pump = event_new(base, -1, 0, on_pump, client);
	client->tell = event_new(base, -1, 0, on_tell, client);
	CHECK(client->pump && client->tell);
	client->credentials = api_credentials_open(
	        base, access, options->exec_limit_ms ? options->exec_limit_ms : EXEC_LIMIT_MS, on_credentials,
	        client);
	client->loop = curl_loop_open(base, transfer_done);
	*ret_client = client;
	return 0;
}

void api_client_close(struct api_client *client)
{
	if (!client)
		return;
	CHECK(!inside_curl(client));
	calls_free(&client->waiting);
	calls_free(&client->running);
	calls_free(&client->over);
	calls_free(&client->dropped);
	api_credentials_close(client->credentials);
	release_retired(client);
	vector_done(&client->retired);
	curl_loop_close(client->loop);
	event_free(client->pump);
	event_free(client->tell);
	api_access_free(client->access);
	free(client->user_agent);
	free(client);
	curl_global_cleanup();
}

const char *api_client_server(const struct api_client *client)
{
	return client->access->server;
}

struct api_call *api_client_start(struct api_client *client, const struct api_request *request,
                                  const struct api_handler *handler)
{
	struct api_call *call = memory_alloc(sizeof(*call));
	call->client = client;
	call->handler = *handler;
	call->method = memory_copy_text(request->method);
	call->path = memory_copy_text(request->path);
	call->is_watch = request->is_watch;
	call->quiet_limit_ms = request->quiet_limit_ms ? request->quiet_limit_ms : QUIET_LIMIT_MS;
	call->total_limit_ms = request->total_limit_ms;
	call->retry_after_ms = -1;
	if (request->content_type)
		call->content_type = memory_copy_text(request->content_type);
	if (request->body) {
		call->body = memory_alloc(request->body_length);
		memcpy(call->body, request->body, request->body_length);
		call->body_length = request->body_length;
	}
	limits_start_total(call);
	api_call_move(call, &client->waiting);
	soon(client->pump);
	return call;
}

/* A transfer cannot be taken away from under curl; it goes when curl has returned. */
void api_call_cancel(struct api_call *call)
{
	struct api_client *client = call->client;
	if (call->loop && inside_curl(client)) {
		call->handler = (struct api_handler){0};
		limits_stop(call);
		api_call_move(call, &client->dropped);
	} else {
		call_free(call);
	}
	soon(client->pump);
}
