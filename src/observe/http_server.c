/*
 * evhttp reads the requests and writes the answers. What it lacks (libevent 2.1) is here and in http_connection.c: it
 * bounds neither its connections nor the time for a whole request, whose limit begins anew with every byte, nor the
 * number of header lines, and without a free file descriptor it would try to accept without a pause.
 *
 * Who may stay: when all places are taken, the connection that has waited longest for its client goes, first of those
 * with nothing to answer, then of those whose request is not complete. If all are being answered, the new one is
 * refused.
 *
 * Accepting: evhttp's listener knows nobody but evhttp. So an event of our own on the same descriptor looks first
 * whether a descriptor is to be had, and lets the listener go on that was stopped after so many clients. In which order
 * the two are called does not matter: what one leaves undone, the next turn of the loop does.
 */
#include "http_private.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEFAULT_CONNECTIONS = 64, DEFAULT_HEADER_BYTES = 16384, DEFAULT_REQUEST_SECONDS = 10 };
enum { BACKLOG = 128, ACCEPTS_AT_ONCE = 16, REST_MICROSECONDS = 200000 };
/* All that evhttp knows, and those that it does not. */
enum { ANY_METHOD = 0xffff };

/* ---- letting clients in */

static struct http_connection *find_waiting(struct http_server *server, bool unasked)
{
	struct http_connection *connection;
	TAILQ_FOREACH(connection, &server->connections, next)
	if (unasked ? connection->state == HTTP_IDLE || connection->state == HTTP_LINGERING
	            : connection->state == HTTP_ASKING)
		return connection;
	return NULL;
}

static bool make_room(struct http_server *server)
{
	if (server->connection_count < server->limits.connections)
		return true;
	struct http_connection *oldest = find_waiting(server, true);
	if (!oldest)
		oldest = find_waiting(server, false);
	if (!oldest)
		return false;
	http_connection_close(oldest);
	return true;
}

/* evhttp has accepted a client, and asks for the stream to it. */
static struct bufferevent *on_accepted(struct event_base *base, void *context)
{
	struct http_listener *listener = context;
	bool refused = !make_room(listener->server);
	(void)base;
	if (refused || ++listener->accepted >= ACCEPTS_AT_ONCE)
		evconnlistener_disable(listener->accepting);
	event_active(listener->server->adopt, EV_TIMEOUT, 0);
	return http_connection_open(listener, refused);
}

static void on_new_connections(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	http_connections_adopt(context);
}

/* on_acceptable deals with it. Were there no such callback, libevent would write a line to the standard error. */
static void on_accept_failed(struct evconnlistener *accepting, void *context)
{
	(void)accepting;
	(void)context;
}

/* By what accepting needs, too: a number, and a place in the system's table, which a copy would not take. */
static bool can_have_a_descriptor(void)
{
	int trial = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (trial >= 0)
		close(trial);
	return trial >= 0;
}

/* The client stays in the backlog, and the loop has other things to do meanwhile. */
static void take_a_rest(struct http_listener *listener)
{
	const struct timeval delay = {.tv_usec = REST_MICROSECONDS};
	listener->resting = true;
	event_del(listener->acceptable);
	evconnlistener_disable(listener->accepting);
	if (!evtimer_pending(listener->server->rest, NULL))
		event_add(listener->server->rest, &delay);
}

static void on_rested(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;
	struct http_listener *listener;
	(void)fd;
	(void)what;
	TAILQ_FOREACH(listener, &server->listeners, next)
	{
		if (listener->resting)
			event_add(listener->acceptable, NULL);
		listener->resting = false;
	}
}

static void on_acceptable(evutil_socket_t fd, short what, void *context)
{
	struct http_listener *listener = context;
	(void)fd;
	(void)what;
	listener->accepted = 0;
	if (can_have_a_descriptor())
		evconnlistener_enable(listener->accepting);
	else
		take_a_rest(listener);
}

/* ---- listeners */

static socklen_t build_socket_address(const struct address *address, uint16_t port,
                                      struct sockaddr_storage *ret_storage)
{
	*ret_storage = (struct sockaddr_storage){0};
	if (address->family == FAMILY_IPV6) {
		struct sockaddr_in6 *ipv6 = (void *)ret_storage;
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(port);
		memcpy(&ipv6->sin6_addr, address->bytes, sizeof(ipv6->sin6_addr));
		return sizeof(*ipv6);
	}
	struct sockaddr_in *ipv4 = (void *)ret_storage;
	ipv4->sin_family = AF_INET;
	ipv4->sin_port = htons(port);
	memcpy(&ipv4->sin_addr, address->bytes, sizeof(ipv4->sin_addr));
	return sizeof(*ipv4);
}

static int bind_and_listen(int fd, const struct address *address, uint16_t port)
{
	const int on = 1;
	struct sockaddr_storage storage;
	socklen_t size = build_socket_address(address, port, &storage);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (address->family == FAMILY_IPV6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&storage, size) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

/* Both families keep the port in the same place. */
static uint16_t bound_port(int fd)
{
	struct sockaddr_in6 name = {0};
	socklen_t size = sizeof(name);
	getsockname(fd, (struct sockaddr *)&name, &size);
	return ntohs(name.sin6_port);
}

/* Takes the fd. */
static void serve(struct http_listener *listener, int fd)
{
	struct http_server *server = listener->server;
	listener->http = evhttp_new(server->base);
	listener->accepting = evconnlistener_new(server->base, NULL, NULL,
	                                         LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	listener->acceptable = event_new(server->base, fd, EV_READ | EV_PERSIST, on_acceptable, listener);
	CHECK(listener->http && listener->accepting && listener->acceptable);
	evhttp_set_max_headers_size(listener->http, server->limits.header_bytes);
	evhttp_set_max_body_size(listener->http, HTTP_BODY_BYTES_MAX);
	evhttp_set_allowed_methods(listener->http, ANY_METHOD);
	evhttp_set_bevcb(listener->http, on_accepted, listener);
	evhttp_set_gencb(listener->http, http_connection_answer, listener);
	CHECK(evhttp_bind_listener(listener->http, listener->accepting));
	evconnlistener_set_error_cb(listener->accepting, on_accept_failed);
	event_add(listener->acceptable, NULL);
}

int http_server_listen(struct http_server *server, const struct address *address, uint16_t port,
                       struct http_listener **ret_listener)
{
	CHECK(address->family != FAMILY_NONE);
	int domain = address->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
	int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int error = bind_and_listen(fd, address, port);
	if (error) {
		close(fd);
		return error;
	}
	struct http_listener *listener = memory_alloc(sizeof(*listener));
	*listener =
	        (struct http_listener){.server = server, .port = bound_port(fd), .ipv6 = domain == AF_INET6};
	serve(listener, fd);
	TAILQ_INSERT_TAIL(&server->listeners, listener, next);
	if (ret_listener)
		*ret_listener = listener;
	return 0;
}

void http_listener_close(struct http_listener *listener)
{
	if (!listener)
		return;
	struct http_server *server = listener->server;
	CHECK(!server->handling);
	for (struct http_connection *connection = TAILQ_FIRST(&server->connections), *next; connection;
	     connection = next) {
		next = TAILQ_NEXT(connection, next);
		if (connection->listener == listener)
			http_connection_close(connection);
	}
	TAILQ_REMOVE(&server->listeners, listener, next);
	event_free(listener->acceptable);
	evhttp_free(listener->http);
	free(listener);
}

uint16_t http_listener_port(const struct http_listener *listener)
{
	return listener->port;
}

/* ---- the server */

static unsigned or_default(unsigned given, unsigned value)
{
	return given ? given : value;
}

struct http_server *http_server_open(struct event_base *base, const struct http_limits *limits,
                                     void (*handle)(void *context, const struct http_question *question,
                                                    struct http_answer *answer),
                                     void *context)
{
	struct http_server *server = memory_alloc(sizeof(*server));
	*server = (struct http_server){.base = base, .handle = handle, .context = context};
	server->limits.connections = or_default(limits ? limits->connections : 0, DEFAULT_CONNECTIONS);
	server->limits.header_bytes = or_default(limits ? limits->header_bytes : 0, DEFAULT_HEADER_BYTES);
	server->limits.request_seconds =
	        or_default(limits ? limits->request_seconds : 0, DEFAULT_REQUEST_SECONDS);
	server->rest = evtimer_new(base, on_rested, server);
	server->adopt = event_new(base, -1, 0, on_new_connections, server);
	CHECK(server->rest && server->adopt);
	TAILQ_INIT(&server->listeners);
	TAILQ_INIT(&server->connections);
	return server;
}

void http_server_close(struct http_server *server)
{
	if (!server)
		return;
	CHECK(!server->handling);
	while (!TAILQ_EMPTY(&server->listeners))
		http_listener_close(TAILQ_FIRST(&server->listeners));
	event_free(server->rest);
	event_free(server->adopt);
	free(server);
}
