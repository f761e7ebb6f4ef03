/*
 * One client, whom evhttp talks with. What is ours: every state has a deadline, which no single byte can put off; what
 * waits to be read is bounded; while an answer is on its way nothing is read, so a client that sends many requests at
 * once waits in its own socket; and a connection whose end is evhttp's wish lingers, since a socket that is closed
 * with something unread takes the answer back.
 *
 * evhttp tells that a connection ends to whoever has set its close callback, but names no connection before the first
 * request is complete. It can be had earlier: evhttp is the context of the callbacks that it sets on the stream.
 */
#include "http_private.h"

#include "base/check.h"
#include "base/memory.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* A scraper comes again within a minute; a linger only has to outlast what is on its way. */
enum { IDLE_SECONDS = 120, LINGER_SECONDS = 2, LINGER_BYTES = 262144 };
/* A line comes in two; what evhttp keeps of the shortest is fifty times its length. */
enum { PIECES_MAX = 400 };

static void enter(struct http_connection *connection, enum http_state state, unsigned seconds)
{
	struct http_connections *connections = &connection->listener->server->connections;
	connection->state = state;
	TAILQ_REMOVE(connections, connection, next);
	TAILQ_INSERT_TAIL(connections, connection, next);
	const struct timeval delay = {.tv_sec = seconds};
	event_add(connection->deadline, &delay);
}

/* ---- the end */

static void release(struct http_connection *connection)
{
	struct http_server *server = connection->listener->server;
	TAILQ_REMOVE(&server->connections, connection, next);
	server->connection_count--;
	event_free(connection->deadline);
	free(connection);
}

static void end_linger(struct http_connection *connection)
{
	close(event_get_fd(connection->rest));
	event_free(connection->rest);
	release(connection);
}

static void throw_away(evutil_socket_t fd, short what, void *context)
{
	struct http_connection *connection = context;
	char bytes[16384];
	ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	(void)what;
	if (got > 0)
		connection->thrown_away += (size_t)got;
	if (got <= 0 || connection->thrown_away > LINGER_BYTES)
		end_linger(connection);
}

/* Takes the descriptor away from evhttp. */
static void linger(struct http_connection *connection)
{
	int fd = bufferevent_getfd(connection->stream);
	bufferevent_setfd(connection->stream, -1);
	shutdown(fd, SHUT_WR);
	connection->talk = NULL;
	connection->stream = NULL;
	connection->rest = event_new(connection->listener->server->base, fd, EV_READ | EV_PERSIST, throw_away,
	                             connection);
	CHECK(connection->rest);
	event_add(connection->rest, NULL);
	enter(connection, HTTP_LINGERING, LINGER_SECONDS);
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context);

/* evhttp will free the stream next. */
static void on_closed(struct evhttp_connection *talk, void *context)
{
	struct http_connection *connection = context;
	(void)talk;
	evbuffer_remove_cb(bufferevent_get_input(connection->stream), on_input, connection);
	if (connection->cut)
		release(connection);
	else
		linger(connection);
}

static void adopt(struct http_connection *connection)
{
	void *context = NULL;
	bufferevent_getcb(connection->stream, NULL, NULL, NULL, &context);
	connection->talk = context;
	CHECK(evhttp_connection_get_bufferevent(connection->talk) == connection->stream);
	evhttp_connection_set_closecb(connection->talk, on_closed, connection);
}

void http_connection_close(struct http_connection *connection)
{
	if (connection->state == HTTP_LINGERING) {
		end_linger(connection);
		return;
	}
	if (!connection->talk)
		adopt(connection);
	connection->cut = true;
	evhttp_connection_free(connection->talk);
}

/* As much as one packet can say, to whoever is still there to read it. */
static void refuse(struct http_connection *connection)
{
	static const char FULL[] =
	        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	send(bufferevent_getfd(connection->stream), FULL, sizeof(FULL) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	http_connection_close(connection);
}

void http_connections_adopt(struct http_server *server)
{
	for (struct http_connection *connection = TAILQ_FIRST(&server->connections), *next; connection;
	     connection = next) {
		next = TAILQ_NEXT(connection, next);
		if (connection->state == HTTP_REFUSED)
			refuse(connection);
		else if (!connection->talk && connection->stream)
			adopt(connection);
	}
}

/* ---- reading */

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	http_connection_close(context);
}

/* Called within evhttp's reading, which must find its connection afterwards: too much is thrown away, the rest waits. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
	struct http_connection *connection = context;
	if (info->n_added && connection->state == HTTP_IDLE)
		enter(connection, HTTP_ASKING, connection->listener->server->limits.request_seconds);
	if (info->n_deleted && connection->state == HTTP_ASKING && ++connection->pieces > PIECES_MAX) {
		evbuffer_drain(input, evbuffer_get_length(input));
		event_active(connection->deadline, EV_TIMEOUT, 0);
	}
}

struct bufferevent *http_connection_open(struct http_listener *listener, bool refused)
{
	struct http_server *server = listener->server;
	struct http_connection *connection = memory_alloc(sizeof(*connection));
	size_t longest = server->limits.header_bytes > HTTP_BODY_BYTES_MAX ? server->limits.header_bytes
	                                                                   : HTTP_BODY_BYTES_MAX;
	connection->listener = listener;
	connection->stream = bufferevent_socket_new(server->base, -1, BEV_OPT_CLOSE_ON_FREE);
	connection->deadline = evtimer_new(server->base, on_deadline, connection);
	CHECK(connection->stream && connection->deadline);
	TAILQ_INSERT_TAIL(&server->connections, connection, next);
	server->connection_count++;
	/* evhttp finds a line too long, or a body whole, when it is there. */
	bufferevent_setwatermark(connection->stream, EV_READ, 0, longest + 1);
	evbuffer_add_cb(bufferevent_get_input(connection->stream), on_input, connection);
	enter(connection, refused ? HTTP_REFUSED : HTTP_IDLE, server->limits.request_seconds);
	return connection->stream;
}

/* ---- a request */

static const char *method_of(const struct evhttp_request *request)
{
	static const struct {
		enum evhttp_cmd_type type;
		const char *name;
	} METHODS[] = {
	        {EVHTTP_REQ_GET, "GET"},         {EVHTTP_REQ_HEAD, "HEAD"},       {EVHTTP_REQ_POST, "POST"},
	        {EVHTTP_REQ_PUT, "PUT"},         {EVHTTP_REQ_DELETE, "DELETE"},   {EVHTTP_REQ_PATCH, "PATCH"},
	        {EVHTTP_REQ_OPTIONS, "OPTIONS"}, {EVHTTP_REQ_CONNECT, "CONNECT"}, {EVHTTP_REQ_TRACE, "TRACE"},
	};
	for (size_t i = 0; i < sizeof(METHODS) / sizeof(*METHODS); i++)
		if (METHODS[i].type == evhttp_request_get_command(request))
			return METHODS[i].name;
	return "";
}

/* "/path?query", "http://host/path?query" or "*": cut to the path. NULL: none of these. */
static char *path_of(char *target)
{
	static const char SCHEME[] = "http://";
	for (const char *c = target; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 127)
			return NULL;
	target[strcspn(target, "?#")] = '\0';
	if (strncasecmp(target, SCHEME, strlen(SCHEME)) == 0) {
		target += strlen(SCHEME);
		target += strcspn(target, "/");
		return *target ? target : "/";
	}
	return *target == '/' || strcmp(target, "*") == 0 ? target : NULL;
}

/* What evhttp lets pass although it is not well-formed, or two readers could read it differently. */
static bool has_sound_fields(struct evhttp_request *request)
{
	unsigned hosts = 0, bodies = 0;
	const struct evkeyval *field;
	TAILQ_FOREACH(field, evhttp_request_get_input_headers(request), next)
	{
		if (!*field->key || strpbrk(field->key, " \t"))
			return false;
		hosts += strcasecmp(field->key, "Host") == 0;
		bodies += strcasecmp(field->key, "Content-Length") == 0 ||
		          strcasecmp(field->key, "Transfer-Encoding") == 0;
	}
	return bodies <= 1 && (hosts == 1 || (hosts == 0 && request->minor == 0));
}

/* 0, or the status that it has earned. */
static int judge(struct evhttp_request *request, const char *path)
{
	if (request->major != 1 || request->minor < 0 || request->minor > 1)
		return 505;
	return path && has_sound_fields(request) ? 0 : HTTP_BADREQUEST;
}

/* Where a request with a body ends is safer not to be known. */
static bool wants_close(struct evhttp_request *request)
{
	struct evkeyvalq *fields = evhttp_request_get_input_headers(request);
	const char *connection = evhttp_find_header(fields, "Connection");
	return (connection && strcasestr(connection, "close")) ||
	       evhttp_find_header(fields, "Content-Length") ||
	       evhttp_find_header(fields, "Transfer-Encoding");
}

/* ---- answering */

/* The next request may be there already. */
static void on_answered(struct evhttp_request *request, void *context)
{
	struct http_connection *connection = context;
	(void)request;
	connection->pieces = 0;
	if (evbuffer_get_length(bufferevent_get_input(connection->stream)))
		enter(connection, HTTP_ASKING, connection->listener->server->limits.request_seconds);
	else
		enter(connection, HTTP_IDLE, IDLE_SECONDS);
}

static void release_body(const void *bytes, size_t length, void *context)
{
	(void)bytes;
	(void)length;
	free(context);
}

static void add_fields(struct evhttp_request *request, const struct http_answer *answer)
{
	struct evkeyvalq *fields = evhttp_request_get_output_headers(request);
	char date[64], length[24];
	evutil_date_rfc1123(date, sizeof(date), NULL);
	snprintf(length, sizeof(length), "%zu", answer->body.length);
	evhttp_add_header(fields, "Content-Type", answer->content_type);
	evhttp_add_header(fields, "X-Content-Type-Options", "nosniff");
	if (*answer->header_name)
		evhttp_add_header(fields, answer->header_name, answer->header_value);
	evhttp_add_header(fields, "Date", date);
	evhttp_add_header(fields, "Content-Length", length);
	if (wants_close(request))
		evhttp_add_header(fields, "Connection", "close");
}

/* Takes the body. */
static void send_answer(struct evhttp_request *request, struct http_answer *answer)
{
	add_fields(request, answer);
	if (answer->body.length) {
		evbuffer_add_reference(evhttp_request_get_output_buffer(request), answer->body.bytes,
		                       answer->body.length, release_body, answer->body.bytes);
		answer->body = (struct text){0};
	}
	text_done(&answer->body);
	evhttp_send_reply(request, answer->status, NULL, NULL);
}

static void answer_question(struct http_listener *listener, struct evhttp_request *request, const char *path)
{
	struct http_server *server = listener->server;
	struct http_answer answer = {.status = 200, .content_type = "text/plain"};
	const struct http_question question = {.path = path,
	                                       .method = method_of(request),
	                                       .local_port = listener->port,
	                                       .over_ipv6 = listener->ipv6};
	server->handling = true;
	server->handle(server->context, &question, &answer);
	server->handling = false;
	send_answer(request, &answer);
}

/* The connection ends with it. evhttp would repeat whatever version was asked in. */
static void send_refusal(struct evhttp_request *request, int status)
{
	request->major = request->minor = 1;
	evhttp_send_error(request, status, NULL);
}

static struct http_connection *connection_of(struct http_server *server, struct evhttp_request *request)
{
	struct http_connection *connection;
	TAILQ_FOREACH(connection, &server->connections, next)
	if (connection->talk == evhttp_request_get_connection(request))
		break;
	CHECK(connection);
	return connection;
}

void http_connection_answer(struct evhttp_request *request, void *context)
{
	struct http_listener *listener = context;
	struct http_connection *connection = connection_of(listener->server, request);
	char *target auto_free = memory_copy_text(evhttp_request_get_uri(request));
	const char *path = path_of(target);
	int status = judge(request, path);
	enter(connection, HTTP_ANSWERING, listener->server->limits.request_seconds);
	evhttp_request_set_on_complete_cb(request, on_answered, connection);
	if (status)
		send_refusal(request, status);
	else
		answer_question(listener, request, path);
	/* For evhttp, a client that closes its side has gone. */
	bufferevent_disable(connection->stream, EV_READ);
}
