/*
 * A client for the servers under test, in the same thread: while it waits, the servers' loop runs.
 */
#ifndef KUBE_IPVS_TEST_UNIT_OBSERVE_HTTP_CLIENT_H
#define KUBE_IPVS_TEST_UNIT_OBSERVE_HTTP_CLIENT_H

#include "base/address.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;

struct http_client {
	struct event_base *base;
	int fd;           /* -1: nobody listens */
	struct text got;  /* everything, since the last question */
	bool ended;       /* the server has closed */
	bool reset;       /* and thrown away what was sent to it */
	size_t body_from; /* of the answer in `got` */
};

struct http_client client_open(struct event_base *base, enum family family, uint16_t port);
void client_close(struct http_client *client);
void client_send(struct http_client *client, const char *bytes);
/* Sends as much of it as fits without reading; returns how much. False if the server is gone. */
bool client_push(struct http_client *client, const char *bytes, size_t length);
/* Waits for a whole answer and returns its status; 0: the connection ended before. `without_body`: of HEAD. */
int client_wait_answer(struct http_client *client, bool without_body);
/* Waits until so many bytes have come, or the connection ends. */
void client_wait_bytes(struct http_client *client, size_t count);
/* Waits until the server closes. */
void client_wait_end(struct http_client *client);
/* Sends a whole request without a body, and waits. */
int client_ask(struct http_client *client, const char *method, const char *path);
/* Connects, asks, closes; the body is the caller's to release. 0: nobody listens. */
int client_ask_once(struct event_base *base, enum family family, uint16_t port, struct text *ret_answer);

/* Lets the loop run for a while. */
void run_loop(struct event_base *base, unsigned milliseconds);
size_t count_open_files(void);

#endif
