/*
 * Giving an answer through evhttp, piece by piece, with an end in the middle if so ordered.
 */
#include "api_server_private.h"

#include "base/memory.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

static struct evhttp_connection *connection_of(const struct api_answer *answer)
{
	return evhttp_request_get_connection(answer->request);
}

/* The answer itself goes; the request is evhttp's again. */
static void forget(struct api_answer *answer)
{
	if (connection_of(answer) != NULL)
		evhttp_connection_set_closecb(connection_of(answer), NULL, NULL);
	if (answer->previous != NULL)
		answer->previous->next = answer->next;
	else
		answer->server->answers = answer->next;
	if (answer->next != NULL)
		answer->next->previous = answer->previous;
	if (answer->forget != NULL)
		answer->forget(answer->context);
	if (answer->timer != NULL)
		event_free(answer->timer);
	evbuffer_free(answer->pending);
	free(answer);
}

/* The client went away, or the server stops. A request without connection is left to us to free. */
static void connection_closed(struct evhttp_connection *connection, void *context)
{
	struct api_answer *answer = context;
	struct evhttp_request *request = answer->request;
	(void)connection;
	bool is_ours = connection_of(answer) == NULL;
	forget(answer);
	if (is_ours)
		evhttp_request_free(request);
}

struct api_answer *api_answer_new(struct api_server *server, struct evhttp_request *request)
{
	struct api_answer *answer = memory_alloc(sizeof(*answer));
	*answer = (struct api_answer){
	        .server = server, .request = request, .pending = evbuffer_new(), .next = server->answers};
	if (server->answers != NULL)
		server->answers->previous = answer;
	server->answers = answer;
	evhttp_connection_set_closecb(connection_of(answer), connection_closed, answer);
	return answer;
}

void api_answer_start(struct api_answer *answer, int status)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(answer->request);
	if (evhttp_find_header(headers, "Content-Type") == NULL)
		evhttp_add_header(headers, "Content-Type", "application/json");
	evhttp_add_header(headers, "Cache-Control", "no-cache, private");
	evhttp_send_reply_start(answer->request, status, NULL);
}

/* ---- pieces */

static void cut_now(struct api_answer *answer)
{
	answer->more = NULL;
	if (answer->cut == API_CUT_HANG_UP)
		api_answer_drop(answer);
}

static void was_written(struct evhttp_connection *connection, void *context)
{
	struct api_answer *answer = context;
	(void)connection;
	answer->writing = false;
	if (answer->cut != API_CUT_NONE && answer->budget == 0)
		cut_now(answer);
	else if (answer->more != NULL)
		answer->more(answer);
}

void api_answer_add(struct api_answer *answer, const char *bytes, size_t length)
{
	if (answer->cut != API_CUT_NONE) {
		if (length > answer->budget)
			length = answer->budget;
		answer->budget -= length;
	}
	evbuffer_add(answer->pending, bytes, length);
}

void api_answer_add_text(struct api_answer *answer, const char *text)
{
	api_answer_add(answer, text, strlen(text));
}

void api_answer_send(struct api_answer *answer)
{
	if (evbuffer_get_length(answer->pending) == 0) {
		if (answer->cut != API_CUT_NONE && answer->budget == 0 && !answer->writing)
			api_answer_drop_soon(answer);
		return;
	}
	answer->writing = true;
	evhttp_send_reply_chunk_with_cb(answer->request, answer->pending, was_written, answer);
}

void api_answer_end(struct api_answer *answer)
{
	struct evhttp_request *request = answer->request;
	if (answer->cut != API_CUT_NONE) {
		/* What should have been cut is shorter than that: it is cut here. */
		answer->budget = 0;
		answer->more = NULL;
		api_answer_send(answer);
		return;
	}
	if (evbuffer_get_length(answer->pending) > 0)
		evhttp_send_reply_chunk(request, answer->pending);
	forget(answer);
	evhttp_send_reply_end(request);
}

/* ---- other ends */

void api_answer_drop(struct api_answer *answer)
{
	struct evhttp_connection *connection = connection_of(answer);
	forget(answer);
	evhttp_connection_free(connection);
}

static void timer_ended(evutil_socket_t none, short what, void *context)
{
	struct api_answer *answer = context;
	(void)none;
	(void)what;
	api_answer_end(answer);
}

static void timer_drops(evutil_socket_t none, short what, void *context)
{
	struct api_answer *answer = context;
	(void)none;
	(void)what;
	if (answer->cut == API_CUT_STALL)
		answer->more = NULL;
	else
		api_answer_drop(answer);
}

static void set_timer(struct api_answer *answer, uint64_t seconds, event_callback_fn then)
{
	struct timeval time = {.tv_sec = (time_t)seconds};
	if (answer->timer != NULL)
		event_free(answer->timer);
	answer->timer = evtimer_new(answer->server->base, then, answer);
	evtimer_add(answer->timer, &time);
}

void api_answer_watch_client(struct api_answer *answer)
{
	bufferevent_enable(evhttp_connection_get_bufferevent(connection_of(answer)), EV_READ);
}

void api_answer_drop_soon(struct api_answer *answer)
{
	set_timer(answer, 0, timer_drops);
}

void api_answer_end_after(struct api_answer *answer, uint64_t seconds)
{
	set_timer(answer, seconds, timer_ended);
}

void api_answer_whole(struct api_server *server, struct evhttp_request *request, int status, const char *type,
                      const char *bytes, size_t length)
{
	struct evbuffer *body = evbuffer_new();
	(void)server;
	evbuffer_add(body, bytes, length);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
	evhttp_send_reply(request, status, NULL, body);
	evbuffer_free(body);
}
