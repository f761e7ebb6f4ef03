/*
 * The server's two halves: http_server.c has the listeners, http_connection.c keeps evhttp's connections within bounds.
 */
#ifndef KUBE_IPVS_OBSERVE_HTTP_PRIVATE_H
#define KUBE_IPVS_OBSERVE_HTTP_PRIVATE_H

#include "observe/http_server.h"

#include <stddef.h>
#include <sys/queue.h>

struct bufferevent;
struct evconnlistener;
struct event;
struct evhttp;
struct evhttp_connection;
struct evhttp_request;

/* evhttp reads a body of this length before it hands the request on; nobody looks at it. */
enum { HTTP_BODY_BYTES_MAX = 16384 };

enum http_state {
	HTTP_IDLE,      /* nothing of a request is there */
	HTTP_ASKING,    /* some of it is */
	HTTP_ANSWERING, /* the client has not taken all of the answer */
	HTTP_LINGERING, /* all is said; what the client still sends is thrown away */
	HTTP_REFUSED,   /* there is no place for it */
};

struct http_connection {
	TAILQ_ENTRY(http_connection) next;
	struct http_listener *listener;
	struct bufferevent *stream;     /* evhttp's; NULL when lingering */
	struct evhttp_connection *talk; /* NULL until adopted, and when lingering */
	struct event *deadline;
	struct event *rest; /* when lingering: there is more to throw away */
	enum http_state state;
	bool cut;        /* the end is ours, and immediate */
	unsigned pieces; /* in which evhttp has taken the request so far */
	size_t thrown_away;
};

struct http_listener {
	TAILQ_ENTRY(http_listener) next;
	struct http_server *server;
	struct evhttp *http; /* one for each, since it tells its connections' maker nothing else */
	struct evconnlistener *accepting;
	struct event *acceptable;
	unsigned accepted; /* since it was looked at last */
	bool resting;      /* until server->rest ends: there was no file descriptor to be had */
	uint16_t port;
	bool ipv6;
};

struct http_server {
	struct event_base *base;
	struct http_limits limits;
	void (*handle)(void *context, const struct http_question *question, struct http_answer *answer);
	void *context;
	bool handling;
	struct event *rest;
	struct event *adopt; /* the connections that are new */
	TAILQ_HEAD(, http_listener) listeners;
	/* The one whose state is the oldest comes first. */
	TAILQ_HEAD(http_connections, http_connection) connections;
	unsigned connection_count;
};

/* Gives the stream, which evhttp takes and connects. */
struct bufferevent *http_connection_open(struct http_listener *listener, bool refused);
/* What evhttp has made of the streams of new connections. */
void http_connections_adopt(struct http_server *server);
/* evhttp's callback for a request; the context is the listener. */
void http_connection_answer(struct evhttp_request *request, void *context);
void http_connection_close(struct http_connection *connection);

#endif
