/*
 * A small HTTP server on the caller's event base, plain or with TLS, that writes down what it is asked. What it answers
 * is the test's own function, by libevent's evhttp.
 */
#ifndef KUBE_IPVS_TEST_FAKE_WEB_SERVER_H
#define KUBE_IPVS_TEST_FAKE_WEB_SERVER_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct evhttp_request;
struct web_server;

struct web_server_options {
	const char *address;     /* NULL: 127.0.0.1 */
	const char *certificate; /* PEM files; NULL: plain */
	const char *key;
	const char *client_authority; /* clients must show a certificate signed by it; NULL: need not */
	/* Answers now, or later: then it calls web_server_hold. What was asked is in web_server_log already. */
	void (*answer)(struct evhttp_request *request, void *context);
	void *context;
};

/* Never NULL: a test that cannot have its server ends. */
struct web_server *web_server_start(struct event_base *base, const struct web_server_options *options);
void web_server_stop(struct web_server *server); /* NULL is allowed */
/* Releases a request that is never answered to its end, when the server stops. */
void web_server_hold(struct web_server *server, struct evhttp_request *request);
uint16_t web_server_port(const struct web_server *server);
/* Each request: "GET /path", then its headers as "Name: value", one a line; the SNI as "sni NAME" where TLS had one;
 * the body, if there is one, as "body TEXT". */
struct text *web_server_log(struct web_server *server);
size_t web_server_count_connections(const struct web_server *server); /* accepted since the start */

#endif
