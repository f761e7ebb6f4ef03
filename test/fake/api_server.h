/*
 * A scripted API server: a small store of objects with resource versions, served as Kubernetes serves them, that fails
 * on demand in every way a real one can.
 *
 * Serves Services, EndpointSlices and Nodes (lists with limit/continue, label and field selectors of R1, watches with
 * bookmarks, resumption, sendInitialEvents, 410 when history was compacted), accepts Events, and replays recorded
 * answers. Runs on the caller's event base, on which somebody must run the loop; test/vm/api_server.c wraps it as a
 * program, which other programs script by requests under /fake/. What it cannot do it says, and aborts.
 */
#ifndef KUBE_IPVS_TEST_FAKE_API_SERVER_H
#define KUBE_IPVS_TEST_FAKE_API_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct api_server;

struct api_server_options {
	const char *address;     /* NULL: 127.0.0.1 */
	uint16_t port;           /* 0: any */
	uint16_t script_port;    /* answers requests under /fake/ as well, without TLS; 0: none */
	const char *certificate; /* PEM files; NULL: plain HTTP */
	const char *key;
	const char *client_authority; /* clients must show a certificate signed by it; NULL: need not */
	const char *token;            /* requests without "Bearer TOKEN" get 401; NULL: no matter */
	uint64_t first_version; /* versions go on behind it, as after a restart; older ones are forgotten */
	bool pack;              /* long lists are sent as gzip to clients that take it, as real servers do */
};

struct api_server *api_server_start(struct event_base *base, const struct api_server_options *options);
void api_server_stop(struct api_server *server); /* closes every connection at once; NULL is allowed */
uint16_t api_server_port(const struct api_server *server);
void api_server_set_token(struct api_server *server, const char *token);

/* Adds or replaces an object (JSON text with kind, metadata...); watchers whose selection it enters, changes in or
 * leaves hear of it. */
void api_server_put(struct api_server *server, const char *json);
/* Every object of a recorded or written list ("...List" or a file of the recordings, headers and all; of a recorded
 * watch, every change). What is loaded before anybody watches keeps its version. */
void api_server_load(struct api_server *server, const char *path);
/* The object must be there. A Node's namespace is NULL. */
void api_server_delete(struct api_server *server, const char *kind, const char *namespace, const char *name);
/* Forgets the history: whoever resumes from before gets 410. */
void api_server_compact(struct api_server *server);
/* Sends a bookmark to every watcher that asked for them. */
void api_server_bookmark(struct api_server *server);

enum api_failure {
	API_FAIL_STATUS,  /* `status` (with `retry_after_seconds` > 0 as header) and a Status object */
	API_FAIL_REFUSE,  /* the connection is closed before an answer */
	API_FAIL_SILENT,  /* the request is taken and never answered */
	API_FAIL_STALL,   /* headers and `after_bytes` of the body, then nothing, the connection stays open */
	API_FAIL_HANG_UP, /* headers and `after_bytes` of the body, then the connection is closed */
	API_FAIL_GARBAGE, /* a body that is no JSON, on a 200 */
	API_FAIL_ENDLESS_LINE,     /* a body that never ends its first value, on a 200 */
	API_FAIL_ERROR_EVENT,      /* a watch whose first event is ERROR with a Status of `status` */
	API_FAIL_NO_STREAMING,     /* 400 or 422 to sendInitialEvents, as servers without it answer */
	API_FAIL_IGNORE_STREAMING, /* sendInitialEvents is not known: an ordinary watch */
	API_FAIL_WATCH_ENDS,       /* every watch ends well at once */
	API_FAIL_REPLAY,           /* answers with the recorded file `path` */
};

struct api_failure_order {
	enum api_failure failure;
	const char *path_part; /* requests whose path and query contain this; NULL: all */
	int times;             /* how many requests; -1: until cleared */
	int status;
	int retry_after_seconds;
	size_t after_bytes;
	const char *path;
};

/* Orders queue up; the first that fits a request is used. Copies. */
void api_server_fail(struct api_server *server, const struct api_failure_order *order);
void api_server_clear_failures(struct api_server *server);
/* Ends all watches well, as at the server's own time limit. */
void api_server_end_watches(struct api_server *server);
/* Ends all open answers, as a server that goes away. */
void api_server_drop_connections(struct api_server *server);

/* What was asked so far: "GET /api/v1/services?..." one a line; borrowed until the next request. */
const char *api_server_requests(const struct api_server *server);
size_t api_server_count_requests(const struct api_server *server, const char *part);
size_t api_server_count_connections(const struct api_server *server); /* accepted since the start */
size_t api_server_count_watches(const struct api_server *server);     /* open now */
/* Bodies of the Events that were written, one a line. */
const char *api_server_events(const struct api_server *server);

#endif
