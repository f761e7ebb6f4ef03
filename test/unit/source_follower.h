/*
 * The API server source against the scripted API server, in one process and on one event loop.
 */
#ifndef KUBE_IPVS_TEST_UNIT_SOURCE_FOLLOWER_H
#define KUBE_IPVS_TEST_UNIT_SOURCE_FOLLOWER_H

#include "../fake/api_server.h"
#include "base/text.h"
#include "source/api_source.h"

struct follower {
	struct event_base *base;
	struct api_server *server; /* NULL while it is away */
	uint16_t port;
	struct api_client *client;
	struct cluster *cluster;
	struct inlet inlet;
	struct api_source_options options;
	struct api_source *source;
	struct text told; /* what the listener heard, a line each, but for `changed` */
	size_t changed;
};

/* A server and an empty store; quick options, which the test may change before it begins to follow. */
void follower_init(struct follower *follower);
void follower_follow(struct follower *follower);
void follower_done(struct follower *follower);

/* The server goes away, and comes back on the same port with nothing in it. */
void follower_stop_server(struct follower *follower);
void follower_start_server(struct follower *follower);

/* Each runs the loop until it is so, and fails with everything that was told when that takes too long. */
void follower_wait_complete(struct follower *follower);
void follower_wait_told(struct follower *follower, const char *part);
void follower_wait_store(struct follower *follower, const char *wanted);
/* At least so many requests with that part. */
void follower_wait_requests(struct follower *follower, const char *part, size_t count);
/* All three kinds are watched. */
void follower_wait_watches(struct follower *follower);
/* Runs the loop for a while. */
void follower_run(struct follower *follower, int64_t milliseconds);

/* "default/web 10.0.0.1" and "default/web-x of web 2" (endpoints), "node n1": a line each, sorted. */
void follower_print_store(struct follower *follower, struct text *text);
size_t follower_requests(const struct follower *follower, const char *part);
size_t follower_count_told(const struct follower *follower, const char *part);

void follower_put_service(struct follower *follower, const char *name, const char *address);
void follower_put_slice(struct follower *follower, const char *name, const char *service, unsigned endpoints);
void follower_put_node(struct follower *follower, const char *name, const char *zone);

/* An order for requests with that part; -1 times: until cleared. */
void follower_fail(struct follower *follower, enum api_failure failure, const char *part, int times,
                   int status);

#endif
