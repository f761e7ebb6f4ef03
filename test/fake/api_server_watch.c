/*
 * Watches: what there is at the beginning, if that was asked for, and then the history from where the client is, as
 * far as it is in the selection.
 */
#include "api_server_private.h"

#include "base/memory.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 256 * 1024 };

struct watch {
	struct api_question *question; /* owned */
	uint64_t version;              /* the client has everything up to here */
	api_objects initial;
	size_t sent;   /* of the initial ones */
	bool told_end; /* of the initial ones, or there is nothing to tell */
	bool bookmark; /* one is due */
	bool is_over;  /* an ERROR was sent */
	bool ends;     /* well, as soon as everything was told */
};

static void watch_free(void *context)
{
	struct watch *watch = context;
	api_question_free(watch->question);
	api_objects_done(&watch->initial);
	free(watch);
}

/* ---- events */

static void add_event(struct api_answer *answer, const char *type, const struct api_kind *kind,
                      const char *text)
{
	auto_text line = {0};
	text_addf(&line, "{\"type\":\"%s\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\",", type,
	          kind->kind, kind->api_version);
	text_add(&line, text + 1);
	text_add(&line, "}\n");
	api_answer_add(answer, line.bytes, line.length);
}

/* Gone: the last that was in the selection, with the version of its going. */
static void add_gone(struct api_answer *answer, const struct api_object *object, uint64_t version)
{
	json_t *value = json_loads(object->text, 0, NULL);
	json_t *metadata = json_object_get(value, "metadata");
	char number[24];
	snprintf(number, sizeof(number), "%llu", (unsigned long long)version);
	json_object_set_new(metadata, "resourceVersion", json_string(number));
	char *text = json_dumps(value, JSON_COMPACT);
	add_event(answer, "DELETED", object->kind, text);
	free(text);
	json_decref(value);
}

static void add_change(struct api_answer *answer, const struct watch *watch, const struct api_change *change)
{
	bool was = change->before != NULL && api_question_selects(watch->question, change->before);
	bool is = change->after != NULL && api_question_selects(watch->question, change->after);
	if (is)
		add_event(answer, was ? "MODIFIED" : "ADDED", change->after->kind, change->after->text);
	else if (was)
		add_gone(answer, change->before, change->version);
}

static void add_bookmark(struct api_answer *answer, const struct watch *watch, bool ends_initial)
{
	auto_text line = {0};
	text_addf(&line, "{\"metadata\":{\"resourceVersion\":\"%llu\"%s},%s}",
	          (unsigned long long)watch->version,
	          ends_initial ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "",
	          watch->question->kind->bookmark_rest);
	add_event(answer, "BOOKMARK", watch->question->kind, text_string(&line));
}

static void add_too_old(struct api_answer *answer, struct watch *watch)
{
	auto_text message = {0}, line = {0};
	text_addf(&message, "too old resource version: %llu (%llu)", (unsigned long long)watch->version,
	          (unsigned long long)answer->server->store.compacted);
	text_add(&line, "{\"type\":\"ERROR\",\"object\":");
	api_status_write(&line, &(struct api_status){.code = 410, .message = text_string(&message)},
	                 watch->question);
	text_add(&line, "}\n");
	api_answer_add(answer, line.bytes, line.length);
	watch->is_over = true;
}

/* ---- the flow */

static bool is_full(const struct api_answer *answer)
{
	return evbuffer_get_length(answer->pending) >= PIECE_BYTES;
}

static void add_initial(struct api_answer *answer, struct watch *watch)
{
	while (watch->sent < watch->initial.count && !is_full(answer)) {
		const struct api_object *object = watch->initial.items[watch->sent++];
		add_event(answer, "ADDED", object->kind, object->text);
	}
	if (watch->sent < watch->initial.count)
		return;
	api_objects_done(&watch->initial);
	watch->sent = 0;
	if (!watch->told_end)
		add_bookmark(answer, watch, true);
	watch->told_end = true;
}

static void add_history(struct api_answer *answer, struct watch *watch)
{
	const struct api_store *store = &answer->server->store;
	if (watch->version < store->compacted) {
		add_too_old(answer, watch);
		return;
	}
	for (size_t i = api_store_changes_behind(store, watch->version); i < store->history.count; i++) {
		if (is_full(answer))
			return;
		add_change(answer, watch, &store->history.items[i]);
		watch->version = store->history.items[i].version;
	}
	/* A version from the future is waited for. */
	if (watch->version < store->version)
		watch->version = store->version;
	if (watch->bookmark)
		add_bookmark(answer, watch, false);
	watch->bookmark = false;
}

void api_watch_pump(struct api_answer *answer)
{
	struct watch *watch = answer->context;
	if (answer->writing || answer->more == NULL)
		return;
	if (watch->is_over) {
		api_answer_end(answer);
		return;
	}
	if (watch->initial.count > 0 || !watch->told_end)
		add_initial(answer, watch);
	if (watch->initial.count == 0)
		add_history(answer, watch);
	if (watch->ends && !watch->is_over && !is_full(answer))
		api_answer_end(answer);
	else
		api_answer_send(answer);
}

void api_watch_end(struct api_answer *answer)
{
	struct watch *watch = answer->context;
	watch->ends = true;
	api_watch_pump(answer);
}

void api_watch_bookmark(struct api_answer *answer)
{
	struct watch *watch = answer->context;
	watch->bookmark = api_question_is_true(watch->question, "allowWatchBookmarks");
	api_watch_pump(answer);
}

void api_watch_skip(struct api_answer *answer)
{
	struct watch *watch = answer->context;
	if (watch->version + 1 == answer->server->store.version)
		watch->version++;
}

static struct watch *watch_new(const struct api_store *store, struct api_question *question)
{
	struct watch *watch = memory_alloc(sizeof(*watch));
	const api_objects *all = &store->objects[question->kind - api_kinds];
	watch->question = question;
	watch->version = api_question_number(question, "resourceVersion");
	watch->told_end =
	        !question->wants_initial_events || !api_question_is_true(question, "allowWatchBookmarks");
	/* Without a version to begin at, what there is comes first (as if it was added just now). */
	if (watch->version > 0 && !question->wants_initial_events)
		return watch;
	watch->version = store->version;
	for (size_t i = 0; i < all->count; i++) {
		if (api_question_selects(question, all->items[i]))
			vector_push(&watch->initial, api_object_hold(all->items[i]));
	}
	return watch;
}

void api_watch(struct api_server *server, struct evhttp_request *request, struct api_question *question,
               enum api_cut cut, size_t budget)
{
	bool is_not_older = strcmp(api_question_value(question, "resourceVersionMatch"), "NotOlderThan") == 0;
	uint64_t seconds = api_question_number(question, "timeoutSeconds");
	if (question->wants_initial_events && !is_not_older) {
		api_answer_status(server, request,
		                  &(struct api_status){.code = 422,
		                                       .message = "resourceVersionMatch: Forbidden: "
		                                                  "sendInitialEvents requires setting "
		                                                  "resourceVersionMatch to NotOlderThan"},
		                  question);
		api_question_free(question);
		return;
	}
	struct api_answer *answer = api_answer_new(server, request);
	answer->is_watch = true;
	answer->context = watch_new(&server->store, question);
	answer->forget = watch_free;
	answer->more = api_watch_pump;
	answer->cut = cut;
	answer->budget = budget;
	if (seconds > 0)
		api_answer_end_after(answer, seconds);
	api_answer_start(answer, 200);
	api_watch_pump(answer);
}
