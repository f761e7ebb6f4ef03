/*
 * libevent's HTTP server (evhttp) within bounds: answers made from memory, for probes and dashboards.
 *
 * It never does anything slow and never grows with its clients: so many connections at once (the oldest idle one goes
 * first), so many bytes and lines of header, no body to speak of, so many seconds for a whole request and for taking
 * the whole answer, and one request a connection at a time. Who takes too long, or sends too many lines, is cut off. A
 * request that is not well-formed gets its 4xx or 505 and the end of the connection. HEAD is answered as GET is,
 * without the body. After a request with a body the connection ends.
 *
 * The program ignores SIGPIPE: clients go away.
 */
#ifndef KUBE_IPVS_OBSERVE_HTTP_SERVER_H
#define KUBE_IPVS_OBSERVE_HTTP_SERVER_H

#include "base/address.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct http_server;
struct http_listener;

struct http_question {
	const char *path;    /* without the query, and not decoded */
	const char *method;  /* "" for one that evhttp does not know */
	uint16_t local_port; /* on which it came */
	bool over_ipv6;
};

/* Filled in by the handler; begins as 200, empty, text/plain. */
struct http_answer {
	int status;
	const char *content_type; /* borrowed until the answer is on its way: a literal, as a rule */
	struct text body;         /* released by the server */
	char header_name[64];     /* one header more; "" for none */
	char header_value[64];
};

struct http_limits {
	unsigned connections;     /* 0: 64 */
	unsigned header_bytes;    /* 0: 16 KiB */
	unsigned request_seconds; /* 0: 10 */
};

/*
 * `handle` is called for every request that is well-formed, whatever its method and path; it closes nothing of this
 * server. Copies the limits; NULL is all defaults.
 */
struct http_server *http_server_open(struct event_base *base, const struct http_limits *limits,
                                     void (*handle)(void *context, const struct http_question *question,
                                                    struct http_answer *answer),
                                     void *context);
void http_server_close(struct http_server *server); /* with its listeners; idempotent; NULL is allowed */

/* Listens on one more address (IPv6 only, if it is one); port 0 is any. 0 or a negative errno. The
 * listener is the server's; `ret_listener` may be NULL. */
int http_server_listen(struct http_server *server, const struct address *address, uint16_t port,
                       struct http_listener **ret_listener);
void http_listener_close(struct http_listener *listener); /* its connections end; NULL is allowed */
uint16_t http_listener_port(const struct http_listener *listener);

#endif
