/*
 * Requests to the API server: libcurl's multi interface on the event loop.
 *
 * TLS, credentials, proxies, HTTP/2 with one connection for everything where the server speaks it, gzip. A token file
 * that changed is read again; an exec plug-in runs beside the loop with a time limit, and its answer is kept until it
 * expires; requests wait meanwhile. A 401 makes the next request obtain its credentials anew. Nothing here retries,
 * and nothing here blocks the loop.
 */
#ifndef KUBE_IPVS_SOURCE_API_CLIENT_H
#define KUBE_IPVS_SOURCE_API_CLIENT_H

#include "source/api_access.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct api_client;
struct api_call;

struct api_client_options {
	const char *user_agent;
	/* Requests that are no watch start at most at this rate (R1.9); qps 0: without limit. */
	double qps;
	uint32_t burst;
	int64_t connect_limit_ms; /* 0: 10 s */
	int64_t exec_limit_ms;    /* how long an exec plug-in may take; 0: 60 s */
};

/* Borrowed for the call that starts it. */
struct api_request {
	const char *method; /* "GET", "POST", "PATCH" */
	const char *path;   /* with its query, escaped: "/api/v1/services?watch=1" */
	const char *body;   /* NULL: none */
	size_t body_length;
	const char *content_type;
	bool is_watch;          /* not counted against the rate */
	int64_t quiet_limit_ms; /* ends with -ETIMEDOUT when so long not a byte came; 0: 30 s */
	int64_t total_limit_ms; /* the same for the whole call; 0: none */
};

/* How a call ended. Texts are borrowed for the callback. */
struct api_end {
	int error;              /* 0: a complete answer, whatever its status; else a negative errno */
	int status;             /* HTTP status; 0: none came */
	int64_t retry_after_ms; /* -1: the server did not say */
	const char *sentence;   /* for error: subject first, "https://192.0.2.1:6443: connection refused" */
};

struct api_handler {
	void *context;
	/* The status line and headers are there. May be NULL. */
	void (*began)(void *context, int status);
	/* Bytes of the body, unpacked. Not 0: no more of them, the call ends with that error. */
	int (*received)(void *context, const char *bytes, size_t length);
	/* Once, the last word; the call is gone after it. A new call may be started from here. */
	void (*ended)(void *context, const struct api_end *end);
};

/* Takes the access, borrows the base. 0 or a negative errno with a sentence. */
int api_client_open(struct event_base *base, struct api_access *access,
                    const struct api_client_options *options, struct api_client **ret_client,
                    struct fault *fault);
/* Calls that still run are cancelled without a word. From everywhere but `began` and `received`; NULL is allowed. */
void api_client_close(struct api_client *client);
const char *api_client_server(const struct api_client *client);

/* Never NULL; never calls back before it has returned. Copies the handler. */
struct api_call *api_client_start(struct api_client *client, const struct api_request *request,
                                  const struct api_handler *handler);
/* No callback comes any more. */
void api_call_cancel(struct api_call *call);

#endif
