/*
 * The server's two halves: http_server.c has the listeners and lets clients in, http_connection.c talks with them.
 */
#ifndef KUBE_IPVS_OBSERVE_HTTP_PRIVATE_H
#define KUBE_IPVS_OBSERVE_HTTP_PRIVATE_H

#include "observe/http_server.h"

#include <stddef.h>
#include <sys/queue.h>

struct bufferevent;
struct event;

enum http_state {
	HTTP_IDLE,      /* nothing of a request is there */
	HTTP_ASKING,    /* some of it is */
	HTTP_ANSWERING, /* the client has not taken all of the answer */
	HTTP_LINGERING, /* all is said; what the client still sends is thrown away */
};

struct http_connection {
	TAILQ_ENTRY(http_connection) next;
	struct http_listener *listener;
	struct bufferevent *stream;
	struct event *deadline;
	enum http_state state;
	bool close;     /* after this answer */
	bool linger;    /* before closing, since more may be on its way */
	size_t scanned; /* of the bytes that wait, those without an end of the head */
	size_t thrown_away;
};

struct http_listener {
	TAILQ_ENTRY(http_listener) next;
	struct http_server *server;
	int fd;
	struct event *acceptable;
	bool resting; /* until server->rest ends: there was no file descriptor to be had */
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
	TAILQ_HEAD(, http_listener) listeners;
	/* The one whose state is the oldest comes first. */
	TAILQ_HEAD(http_connections, http_connection) connections;
	unsigned connection_count;
};

/* Takes the fd. */
void http_connection_open(struct http_listener *listener, int fd);
void http_connection_close(struct http_connection *connection);

#endif
