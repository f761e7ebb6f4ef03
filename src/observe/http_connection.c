/*
 * One client. A request is read into memory up to its empty line and no further: while an answer is on its way
 * nothing is read, so a client that sends many requests at once waits in its own socket.
 *
 * Every state has a deadline of its own, which no single byte can put off.
 */
#include "http_head.h"
#include "http_private.h"

#include "base/memory.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A scraper comes again within a minute; a linger only has to outlast what is on its way. */
enum { IDLE_SECONDS = 120, LINGER_SECONDS = 2, LINGER_BYTES = 262144 };

static void enter(struct http_connection *connection, enum http_state state, unsigned seconds)
{
	struct http_connections *connections = &connection->listener->server->connections;
	connection->state = state;
	TAILQ_REMOVE(connections, connection, next);
	TAILQ_INSERT_TAIL(connections, connection, next);
	const struct timeval delay = {.tv_sec = seconds};
	event_add(connection->deadline, &delay);
}

void http_connection_close(struct http_connection *connection)
{
	struct http_server *server = connection->listener->server;
	TAILQ_REMOVE(&server->connections, connection, next);
	server->connection_count--;
	event_free(connection->deadline);
	bufferevent_free(connection->stream);
	free(connection);
}

/* ---- answering */

static void release_body(const void *bytes, size_t length, void *context)
{
	(void)bytes;
	(void)length;
	free(context);
}

/* Takes the body. */
static void send_answer(struct http_connection *connection, struct http_answer *answer, bool without_body)
{
	auto_text head = {0};
	struct evbuffer *output = bufferevent_get_output(connection->stream);
	http_head_render(answer, connection->close, time(NULL), &head);
	evbuffer_add(output, head.bytes, head.length);
	if (!without_body && answer->body.length) {
		evbuffer_add_reference(output, answer->body.bytes, answer->body.length, release_body,
		                       answer->body.bytes);
		answer->body = (struct text){0};
	}
	text_done(&answer->body);
	bufferevent_disable(connection->stream, EV_READ);
	enter(connection, HTTP_ANSWERING, connection->listener->server->limits.request_seconds);
}

/* The connection ends with it: where the next request would begin is not known. */
static void send_refusal(struct http_connection *connection, int status)
{
	struct http_answer answer = {.status = status, .content_type = "text/plain"};
	text_addf(&answer.body, "%d %s\n", status, http_status_phrase(status));
	connection->close = connection->linger = true;
	send_answer(connection, &answer, false);
}

static void answer_request(struct http_connection *connection, char *bytes, size_t length)
{
	struct http_server *server = connection->listener->server;
	struct http_head head;
	struct http_answer answer = {.status = 200, .content_type = "text/plain"};
	int status = http_head_parse(bytes, length, &head);
	if (status) {
		send_refusal(connection, status);
		return;
	}
	const struct http_question question = {.path = head.path,
	                                       .method = head.method,
	                                       .local_port = connection->listener->port,
	                                       .over_ipv6 = connection->listener->ipv6};
	server->handling = true;
	server->handle(server->context, &question, &answer);
	server->handling = false;
	connection->close = head.close;
	connection->linger = head.body;
	send_answer(connection, &answer, strcmp(head.method, "HEAD") == 0);
}

/* ---- reading */

/* Empty lines before a request are allowed, and nothing. */
static void skip_empty_lines(struct evbuffer *input)
{
	char c;
	while (evbuffer_copyout(input, &c, 1) == 1 && (c == '\r' || c == '\n'))
		evbuffer_drain(input, 1);
}

static void read_request(struct http_connection *connection)
{
	const struct http_limits *limits = &connection->listener->server->limits;
	struct evbuffer *input = bufferevent_get_input(connection->stream);
	if (!connection->scanned)
		skip_empty_lines(input);
	size_t length = evbuffer_get_length(input);
	if (!length)
		return;
	if (connection->state == HTTP_IDLE)
		enter(connection, HTTP_ASKING, limits->request_seconds);
	const char *waiting = (const char *)evbuffer_pullup(input, -1);
	size_t end = http_head_find_end(waiting, length, &connection->scanned);
	if (end > limits->header_bytes || (!end && length >= limits->header_bytes)) {
		send_refusal(connection, 431);
		return;
	}
	if (!end)
		return;
	char *bytes auto_free = memory_alloc(end + 1);
	evbuffer_remove(input, bytes, end);
	connection->scanned = 0;
	answer_request(connection, bytes, end);
}

static void throw_away(struct http_connection *connection)
{
	struct evbuffer *input = bufferevent_get_input(connection->stream);
	connection->thrown_away += evbuffer_get_length(input);
	evbuffer_drain(input, evbuffer_get_length(input));
	if (connection->thrown_away > LINGER_BYTES)
		http_connection_close(connection);
}

static void on_readable(struct bufferevent *stream, void *context)
{
	struct http_connection *connection = context;
	(void)stream;
	if (connection->state == HTTP_LINGERING)
		throw_away(connection);
	else if (connection->state != HTTP_ANSWERING)
		read_request(connection);
}

/* All of the answer is with the kernel. A socket that is closed with something unread would take it back. */
static void on_written(struct bufferevent *stream, void *context)
{
	struct http_connection *connection = context;
	if (connection->state != HTTP_ANSWERING || evbuffer_get_length(bufferevent_get_output(stream)))
		return;
	if (connection->close && !connection->linger) {
		http_connection_close(connection);
		return;
	}
	bufferevent_enable(stream, EV_READ);
	if (connection->close) {
		shutdown(bufferevent_getfd(stream), SHUT_WR);
		enter(connection, HTTP_LINGERING, LINGER_SECONDS);
		throw_away(connection);
	} else {
		enter(connection, HTTP_IDLE, IDLE_SECONDS);
		read_request(connection);
	}
}

static void on_end(struct bufferevent *stream, short what, void *context)
{
	(void)stream;
	(void)what;
	http_connection_close(context);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct http_connection *connection = context;
	(void)fd;
	(void)what;
	if (connection->state == HTTP_ASKING)
		send_refusal(connection, 408);
	else
		http_connection_close(connection);
}

void http_connection_open(struct http_listener *listener, int fd)
{
	struct http_server *server = listener->server;
	struct http_connection *connection = memory_alloc(sizeof(*connection));
	connection->listener = listener;
	connection->stream = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	connection->deadline = evtimer_new(server->base, on_deadline, connection);
	TAILQ_INSERT_TAIL(&server->connections, connection, next);
	server->connection_count++;
	bufferevent_setcb(connection->stream, on_readable, on_written, on_end, connection);
	bufferevent_setwatermark(connection->stream, EV_READ, 0, server->limits.header_bytes);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	enter(connection, HTTP_IDLE, server->limits.request_seconds);
}
