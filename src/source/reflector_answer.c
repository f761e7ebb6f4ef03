/*
 * What an answer says: events one after the other, or the items of a list and then the list's own metadata.
 */
#include "api_status.h"
#include "reflector.h"

#include "base/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define INITIAL_EVENTS_END "k8s.io/initial-events-end"

/* We end the call; `own` says why. */
enum { ENOUGH = -ECANCELED };

enum { BUFFER_KEPT = 65536 };

static void set_text(char **place, const char *text)
{
	if (*place && text && strcmp(*place, text) == 0)
		return;
	char *copy = text ? memory_copy_text(text) : NULL;
	free(*place);
	*place = copy;
}

static const char *metadata_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(json_object_get(object, "metadata"), key));
}

static int broken(struct reflector *reflector, const char *sentence)
{
	ending_fill(reflector, VERDICT_RETRY, REASON_BROKEN, "the API server's answer cannot be read: %s",
	            sentence);
	return ENOUGH;
}

void reflector_begin_list(struct reflector *reflector)
{
	inlet_begin_list(reflector->shared->inlet, reflector->kind);
	reflector->node_listed = false;
}

/* Everything was put that there is: what was not, is gone. The own Node stays all the same (R1.35). */
static void end_list(struct reflector *reflector)
{
	struct inlet *inlet = reflector->shared->inlet;
	if (reflector->kind == KIND_NODE && !reflector->node_listed) {
		const struct object_name name = {"", reflector->shared->options.node_name};
		inlet_keep(inlet, KIND_NODE, name);
		reflector->node_changed |= reflector->node_present;
		reflector->node_present = false;
	}
	reflector->changed |= inlet_end_list(inlet, reflector->kind);
	reflector->list_ended = true;
	reflector->whole_list = false;
	set_text(&reflector->next_page, NULL);
	reflector->phase = PHASE_WATCH;
}

/* ---- values that are not parsed */

/* By its name, so that a list keeps what is there, and a deletion is one. False: no name was found. */
static bool leave_out(struct reflector *reflector, const char *head, size_t length)
{
	struct object_head found;
	const bool is_event = reflector->phase != PHASE_PAGES;
	if (!object_head_read(head, length, is_event, &found))
		return false;
	const char *namespace = found.namespace;
	if (!reflector->row->namespaced)
	namespace = "";
	else if (!*namespace) namespace = "default";
	const struct object_name name = {namespace, found.name};
	if (is_event && strcmp(found.type, "DELETED") == 0)
		reflector_remove(reflector, name);
	else
		reflector_refuse(reflector, name);
	if (reflector->phase == PHASE_WATCH && *found.version)
		set_text(&reflector->version, found.version);
	return true;
}

/* The sentence for an object whose name is known only from its text. */
static void name_fault(struct reflector *reflector, const char *head, size_t length, const char *reason)
{
	struct object_head found;
	object_head_read(head, length, reflector->phase != PHASE_PAGES, &found);
	fault_set(&reflector->fault, NULL, "%s \"%s%s%s\": left out, %s", reflector->row->kind,
	          found.namespace, *found.namespace ? "/" : "", found.name, reason);
}

static int on_oversized(void *context, const char *head, size_t head_length, size_t length)
{
	struct reflector *reflector = context;
	auto_text reason = {0};
	text_addf(&reason, "it has %zu bytes of JSON; at most %zu are taken", length,
	          reflector->shared->options.object_bytes);
	name_fault(reflector, head, head_length, text_string(&reason));
	if (leave_out(reflector, head, head_length))
		return 0;
	text_clear(&reason);
	text_addf(&reason, "a value without a name has %zu bytes; at most %zu are taken", length,
	          reflector->shared->options.object_bytes);
	return broken(reflector, text_string(&reason));
}

static int unreadable(struct reflector *reflector, const char *text, size_t length, const json_error_t *error)
{
	auto_text reason = {0};
	text_addf(&reason, "it is not valid JSON: %s", error->text);
	name_fault(reflector, text, length, text_string(&reason));
	if (leave_out(reflector, text, length))
		return 0;
	return broken(reflector, text_string(&reason));
}

/* ---- events */

static int on_put(struct reflector *reflector, const json_t *object)
{
	reflector_put(reflector, object);
	return 0;
}

static int on_deleted(struct reflector *reflector, const json_t *object)
{
	struct object_name name;
	if (!reflector_name(reflector, object, &name))
		return broken(reflector, "a DELETED event names no object");
	reflector_remove(reflector, name);
	return 0;
}

static int on_bookmark(struct reflector *reflector, const json_t *object)
{
	const json_t *annotations = json_object_get(json_object_get(object, "metadata"), "annotations");
	const char *ended = json_string_value(json_object_get(annotations, INITIAL_EVENTS_END));
	if (reflector->phase == PHASE_STREAM && ended && strcmp(ended, "true") == 0) {
		const char *version = metadata_text(object, "resourceVersion");
		if (!version || !*version)
			return broken(reflector, "the initial list ends without a resourceVersion");
		end_list(reflector);
	}
	return 0;
}

static int on_error(struct reflector *reflector, const json_t *object)
{
	struct api_status status;
	api_status_read(object, &status);
	reflector_judge_event(reflector, &status);
	return ENOUGH;
}

static const struct {
	const char *type;
	int (*handle)(struct reflector *reflector, const json_t *object);
} event_types[] = {
        {"ADDED", on_put},         {"MODIFIED", on_put}, {"DELETED", on_deleted},
        {"BOOKMARK", on_bookmark}, {"ERROR", on_error},
};

enum { EVENT_TYPES = sizeof(event_types) / sizeof(*event_types) };

/* A kind of event that is not known to this version is passed over; that is told once. */
static void pass_over(struct reflector *reflector, const char *type)
{
	fault_set(&reflector->fault, NULL,
	          "%s: the API server sends events of the unknown type \"%.40s\", which are passed over",
	          reflector->row->subject, type);
	reflector_refuse(reflector, (struct object_name){"", ""});
}

static int handle_event(struct reflector *reflector, const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	const json_t *object = json_object_get(event, "object");
	size_t i = 0;
	if (!type || !json_is_object(object))
		return broken(reflector, "an event has no type or no object");
	while (i < EVENT_TYPES && strcmp(event_types[i].type, type) != 0)
		i++;
	if (i == EVENT_TYPES) {
		pass_over(reflector, type);
		return 0;
	}
	int r = event_types[i].handle(reflector, object);
	if (r)
		return r;
	const char *version = metadata_text(object, "resourceVersion");
	/* Initial events come in no order, so only their end says where the watch goes on. */
	if (reflector->phase == PHASE_WATCH && version && *version)
		set_text(&reflector->version, version);
	if (reflector->phase == PHASE_WATCH)
		reflector_is_well(reflector);
	return 0;
}

static int on_event(void *context, char *text, size_t length)
{
	struct reflector *reflector = context;
	json_error_t error;
	length = json_push_cut_managed_fields(text, length);
	json_t *event = json_loadb(text, length, 0, &error);
	if (!event)
		return unreadable(reflector, text, length, &error);
	int r = handle_event(reflector, event);
	json_decref(event);
	return r;
}

/* ---- lists */

static int on_item(void *context, char *text, size_t length)
{
	struct reflector *reflector = context;
	json_error_t error;
	length = json_push_cut_managed_fields(text, length);
	json_t *item = json_loadb(text, length, 0, &error);
	if (!item)
		return unreadable(reflector, text, length, &error);
	reflector_put(reflector, item);
	json_decref(item);
	return 0;
}

static bool text_is(const json_t *object, const char *key, const char *wanted)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text && strcmp(text, wanted) == 0;
}

/* Whatever is not exactly the list that was asked for must not delete anything. */
static const char *check_list(const struct reflector *reflector, const json_t *list)
{
	char kind[64] = "";
	strncat(kind, reflector->row->kind, sizeof(kind) - 8);
	strcat(kind, "List");
	const char *version = metadata_text(list, "resourceVersion");
	const json_t *items = json_object_get(list, "items");
	if (!text_is(list, "kind", kind) || !text_is(list, "apiVersion", reflector->row->api_version))
		return "it is not the list that was asked for";
	if (!version || !*version)
		return "a list has no resourceVersion";
	if (!json_is_array(items) && !json_is_null(items))
		return "a list has no items";
	return NULL;
}

static void end_page(struct reflector *reflector, const json_t *list)
{
	const char *next = metadata_text(list, "continue");
	set_text(&reflector->version, metadata_text(list, "resourceVersion"));
	if (next && *next)
		set_text(&reflector->next_page, next);
	else
		end_list(reflector);
}

static int on_rest(void *context, const char *text, size_t length)
{
	struct reflector *reflector = context;
	json_error_t error;
	json_t *list = json_loadb(text, length, 0, &error);
	if (!list)
		return broken(reflector, error.text);
	const char *fault = check_list(reflector, list);
	if (!fault)
		end_page(reflector, list);
	json_decref(list);
	return fault ? broken(reflector, fault) : 0;
}

/* ---- the answer as a whole */

void reflector_begin_answer(struct reflector *reflector)
{
	const bool pages = reflector->phase == PHASE_PAGES;
	const struct json_push_handler handler = {
	        .context = reflector,
	        .value = pages ? on_item : on_event,
	        .oversized = on_oversized,
	        .rest = on_rest,
	};
	json_push_done(&reflector->push);
	json_push_init(&reflector->push, pages ? JSON_PUSH_LIST : JSON_PUSH_SEQUENCE,
	               reflector->shared->options.object_bytes, &handler);
}

static void refuse_answer(struct reflector *reflector, int r)
{
	if (reflector->own.verdict)
		return;
	const bool endless = r == JSON_PUSH_E_ENDLESS;
	ending_fill(reflector, VERDICT_RETRY, endless ? REASON_ENDLESS : REASON_BROKEN,
	            "the API server's answer cannot be read: %s", reflector->fault.sentence);
}

int reflector_read(struct reflector *reflector, const char *bytes, size_t length)
{
	int r = json_push_feed(&reflector->push, bytes, length, &reflector->fault);
	if (r)
		refuse_answer(reflector, r);
	reflector_tell(reflector);
	return r ? ENOUGH : 0;
}

void reflector_read_end(struct reflector *reflector)
{
	int r = json_push_end(&reflector->push, &reflector->fault);
	if (r)
		refuse_answer(reflector, r);
	reflector_tell(reflector);
}

/* What a large object let grow, or a list, is given back behind it. */
static void give_back(struct reflector *reflector, bool list_ended)
{
	struct text *value = &reflector->push.value;
	if (value->length == 0 && value->capacity > BUFFER_KEPT)
		text_done(value);
	if (!list_ended)
		return;
	decoder_done(&reflector->decoder);
	decoder_init(&reflector->decoder, &reflector->decoded, &reflector->fault);
	malloc_trim(0);
}

static void tell_complete(struct reflector *reflector)
{
	struct reflector_shared *shared = reflector->shared;
	if (shared->complete[reflector->kind])
		return;
	shared->complete[reflector->kind] = true;
	shared->listener.complete(shared->listener.context, reflector->kind);
}

void reflector_tell(struct reflector *reflector)
{
	const struct api_source_listener *listener = &reflector->shared->listener;
	const bool changed = reflector->changed, node_changed = reflector->node_changed;
	const bool ended = reflector->list_ended;
	reflector->changed = reflector->node_changed = reflector->list_ended = false;
	give_back(reflector, ended);
	if (changed)
		listener->changed(listener->context);
	if (node_changed)
		listener->node_told(listener->context, !reflector->node_present);
	if (ended)
		tell_complete(reflector);
}
