/*
 * For tests of the API client: a directory, an event loop, a client, a real server, and calls whose course is written
 * down. Nothing sleeps; the loop runs until what is waited for is there.
 */
#ifndef KUBE_IPVS_TEST_UNIT_SOURCE_CLIENT_H
#define KUBE_IPVS_TEST_UNIT_SOURCE_CLIENT_H

#include "base/text.h"
#include "source/api_client.h"
#include "test_directory.h"
#include "web_server.h"

#include <event2/event.h>
#include <stdbool.h>

struct api_test {
	char directory[TEST_DIRECTORY_SIZE];
	struct event_base *base;
	struct web_server *server;
	struct api_client *client;
	struct text told; /* what the calls told, one line for each callback of the calls of api_test_ask */
	size_t running;   /* calls of api_test_ask that have not ended */
	int error;        /* of the last call that ended */
	int status;
	int64_t retry_after_ms;
	struct text sentence, body;
};

void api_test_init(struct api_test *test);
void api_test_done(struct api_test *test);

/* Files in the directory. */
const char *api_test_path(const struct api_test *test, const char *name, char path[static TEST_PATH_SIZE]);
void api_test_put(const struct api_test *test, const char *name, const char *content);

/* The usual server: see the table of its paths in source_client.c. `certificates`: with TLS. */
void api_test_serve(struct api_test *test, const char *address, bool tls, const char *client_authority);
void api_test_make_certificates(const struct api_test *test, const char *name);
/* An access to that server, to be filled in further. */
struct api_access *api_test_access(const struct api_test *test, const char *host);
/* Sets a text of the access. */
void api_test_set(char **field, const char *value);
void api_test_set_file(const struct api_test *test, char **field, const char *name);
void api_test_open(struct api_test *test, struct api_access *access,
                   const struct api_client_options *options);

/* Starts a GET whose end is written to the test. */
struct api_call *api_test_ask(struct api_test *test, const char *path);
struct api_call *api_test_request(struct api_test *test, const struct api_request *request);
/* Runs the loop until all calls of api_test_ask ended. */
void api_test_finish(struct api_test *test);
/* Both, from a clean slate. */
void api_test_get(struct api_test *test, const char *path);
/* Runs the loop once, waiting at most a second; fails the test after two minutes of it. */
void api_test_turn(struct api_test *test);

/* How often a line occurs in what the server wrote down. */
size_t api_test_count(struct api_test *test, const char *line);

#endif
