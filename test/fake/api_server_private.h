/*
 * Inside the scripted API server: the store, a question, an answer, and what connects them.
 */
#ifndef KUBE_IPVS_TEST_FAKE_API_SERVER_PRIVATE_H
#define KUBE_IPVS_TEST_FAKE_API_SERVER_PRIVATE_H

#include "api_server.h"
#include "base/text.h"
#include "base/vector.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <sys/queue.h>

/* ---- the store */

enum { API_KINDS = 4 };

struct api_kind {
	const char *kind, *list_kind, *api_version;
	const char *prefix; /* "/api/v1" */
	const char *plural;
	const char *group; /* "" for the core */
	bool namespaced;
	const char *bookmark_rest; /* what a bookmark holds behind its metadata */
};
extern const struct api_kind api_kinds[API_KINDS];
const struct api_kind *api_kind_find(const char *kind); /* "Service"; NULL: none */

/* One version of one object: immutable, counted. */
struct api_object {
	size_t references;
	const struct api_kind *kind;
	char *namespace, *name;
	uint64_t version;
	json_t *labels; /* NULL: none */
	char *cluster_ip, *type;
	char *text; /* compact JSON without kind and apiVersion, as in a list */
	size_t length;
};
typedef vector_of(struct api_object *) api_objects;

void api_object_release(struct api_object *object); /* NULL is allowed */
struct api_object *api_object_hold(struct api_object *object);
void api_objects_done(api_objects *objects);

/* A change: before NULL: created; after NULL: deleted. */
struct api_change {
	uint64_t version;
	struct api_object *before, *after;
};

struct api_store {
	uint64_t version;               /* the last that was given */
	uint64_t compacted;             /* changes up to here are forgotten */
	api_objects objects[API_KINDS]; /* ordered by namespace and name */
	vector_of(struct api_change) history;
};

void api_store_done(struct api_store *store);
/* Takes a kind, metadata... as JSON, borrowed. `version` 0: the next. `silent`: not in the history. NULL: that is no
 * object of ours, and `ret_why` is a sentence. What is given is the store's. */
struct api_object *api_store_put(struct api_store *store, const json_t *value, uint64_t version, bool silent,
                                 const char **ret_why);
struct api_object *api_store_find(const struct api_store *store, const struct api_kind *kind,
                                  const char *namespace, const char *name);
bool api_store_delete(struct api_store *store, const struct api_kind *kind, const char *namespace,
                      const char *name, uint64_t version);
void api_store_compact(struct api_store *store);
/* The index of the first object of the kind behind "namespace/name"; of the first change behind a version. */
size_t api_store_behind(const struct api_store *store, const struct api_kind *kind, const char *namespace,
                        const char *name);
size_t api_store_changes_behind(const struct api_store *store, uint64_t version);

/* ---- questions */

struct api_question {
	const struct api_kind *kind;
	char *namespace; /* NULL: all */
	char *name;      /* NULL: a list or watch */
	struct evkeyvalq query;
	bool is_watch;
	bool wants_initial_events;
};

/* Never NULL; the status is 0 or that of the refusal. */
struct api_question *api_question_new(struct evhttp_request *request, int *ret_status);
void api_question_free(struct api_question *question);
const char *api_question_value(const struct api_question *question, const char *name); /* "" when not there */
bool api_question_is_true(const struct api_question *question, const char *name);
uint64_t api_question_number(const struct api_question *question, const char *name); /* 0 when not there */
/* NULL or why the selectors mean nothing ("field label not supported: nonsense"); borrowed until the next call. */
const char *api_question_check_selectors(const struct api_question *question, struct text *why);
bool api_question_selects(const struct api_question *question, const struct api_object *object);

/* ---- answers */

enum api_cut { API_CUT_NONE, API_CUT_STALL, API_CUT_HANG_UP };

/* An answer that is being given. It ends by api_answer_end or api_answer_drop, or when the client goes away. */
struct api_answer {
	struct api_answer *previous, *next;
	struct api_server *server;
	struct evhttp_request *request;
	struct evbuffer *pending;
	struct event *timer;
	bool writing; /* what was given last has not left yet */
	enum api_cut cut;
	size_t budget; /* until the cut */
	bool is_watch;
	/* What was written has left: write more, or end. NULL: nothing more. */
	void (*more)(struct api_answer *answer);
	void (*forget)(void *context); /* releases the context; NULL: nothing to do */
	void *context;
};

struct api_answer *api_answer_new(struct api_server *server, struct evhttp_request *request);
void api_answer_start(struct api_answer *answer, int status);
void api_answer_add(struct api_answer *answer, const char *bytes, size_t length);
void api_answer_add_text(struct api_answer *answer, const char *text);
/* Sends what was added; `more` follows when it has left. */
void api_answer_send(struct api_answer *answer);
void api_answer_end(struct api_answer *answer);
void api_answer_drop(struct api_answer *answer);
void api_answer_drop_soon(struct api_answer *answer); /* for use within a request's own callback */
/* Before anything is sent: notices when the client goes away. */
void api_answer_watch_client(struct api_answer *answer);
void api_answer_end_after(struct api_answer *answer, uint64_t seconds);
/* A whole answer at once. */
void api_answer_whole(struct api_server *server, struct evhttp_request *request, int status, const char *type,
                      const char *bytes, size_t length);

/* ---- Status objects */

struct api_status {
	int code;
	const char *message; /* NULL: the usual one */
	int retry_after_seconds;
	bool is_version_from_future;
};

void api_status_write(struct text *text, const struct api_status *status,
                      const struct api_question *question);
void api_answer_status(struct api_server *server, struct evhttp_request *request,
                       const struct api_status *status, const struct api_question *question);

/* ---- lists, watches, Events, failures, the control by HTTP */

/* Each of these takes the request: it answers it, at once or later. */
void api_list(struct api_server *server, struct evhttp_request *request, struct api_question *question,
              enum api_cut cut, size_t budget); /* takes the question */
void api_watch(struct api_server *server, struct evhttp_request *request, struct api_question *question,
               enum api_cut cut, size_t budget); /* takes the question */
void api_watch_pump(struct api_answer *answer);
void api_watch_bookmark(struct api_answer *answer);
void api_watch_end(struct api_answer *answer);
/* The history was compacted: a watch that has everything goes on. */
void api_watch_skip(struct api_answer *answer);
void api_events(struct api_server *server, struct evhttp_request *request,
                const struct api_question *question);
void api_control(struct api_server *server, struct evhttp_request *request);

struct api_order {
	struct api_failure_order order; /* its texts are owned */
};

/* The first order that fits, taken; its texts are released by api_order_done. False: none. */
bool api_order_take(struct api_server *server, const char *uri, const struct api_question *question,
                    struct api_order *ret_order);
void api_order_done(struct api_order *order);
/* Answers as ordered. False: the order only changes how the question is answered. */
bool api_order_perform(struct api_server *server, struct evhttp_request *request,
                       const struct api_question *question, const struct api_failure_order *order);
bool api_failure_find(const char *name, enum api_failure *ret_failure);

/* ---- the server */

struct api_server {
	struct event_base *base; /* borrowed */
	struct evhttp *http;
	struct evhttp *script; /* for /fake/ alone; may be NULL */
	void *tls;             /* SSL_CTX */
	uint16_t port;
	char *token;
	struct api_store store;
	vector_of(struct api_order) orders;
	struct api_answer *answers; /* open now */
	struct text requests, events;
	size_t connections;
	bool pack; /* long lists are sent as gzip when the client takes it */
};

/* Objects of a JSON value or recording; false with a sentence. Told to the watchers, if there are any. */
bool api_server_read(struct api_server *server, const char *bytes, size_t length, struct text *why);
bool api_server_read_file(struct api_server *server, const char *path, struct text *why);
/* The same as changes: each object gets a new version. One object or a list. */
bool api_server_replace(struct api_server *server, const char *bytes, size_t length, struct text *why);
/* Watchers look what is new. */
void api_server_changed(struct api_server *server);

/* A recording taken apart; parts point into `bytes`. False: it is none. */
struct api_recording {
	int status;
	const char *headers, *headers_end;
	const char *body, *end;
	bool chunked;
};
bool api_recording_read(const char *bytes, size_t length, struct api_recording *ret_recording);

#endif
