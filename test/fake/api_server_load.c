/*
 * Objects from files: one object, a list of them, or a recording of a list or a watch.
 */
#include "api_server_private.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- recordings */

/* Behind the next empty line; NULL: there is none. */
static const char *behind_empty_line(const char *from)
{
	const char *unix_end = strstr(from, "\n\n"), *net_end = strstr(from, "\r\n\r\n");
	if (net_end != NULL && (unix_end == NULL || net_end < unix_end))
		return net_end + 4;
	return unix_end == NULL ? NULL : unix_end + 2;
}

bool api_recording_read(const char *bytes, size_t length, struct api_recording *ret_recording)
{
	const char *answer = strncmp(bytes, "GET ", 4) == 0 ? behind_empty_line(bytes) : NULL;
	const char *body = answer == NULL ? NULL : behind_empty_line(answer);
	if (body == NULL || strncmp(answer, "HTTP/1.1 ", 9) != 0)
		return false;
	const char *chunked = strstr(answer, "\nTransfer-Encoding: chunked");
	*ret_recording = (struct api_recording){.status = atoi(answer + 9),
	                                        .headers = strchr(answer, '\n') + 1,
	                                        .headers_end = body,
	                                        .body = body,
	                                        .end = bytes + length,
	                                        .chunked = chunked != NULL && chunked < body};
	return true;
}

/* ---- objects */

static uint64_t version_of(const json_t *value)
{
	const json_t *metadata = json_object_get(value, "metadata");
	const char *version = json_string_value(json_object_get(metadata, "resourceVersion"));
	return version == NULL ? 0 : strtoull(version, NULL, 10);
}

static bool is_watched(const struct api_server *server)
{
	for (const struct api_answer *answer = server->answers; answer != NULL; answer = answer->next) {
		if (answer->is_watch)
			return true;
	}
	return false;
}

/* Loaded before anybody watches, an object keeps its version, and the history begins behind it. */
static bool load_object(struct api_server *server, const json_t *value, struct text *why)
{
	struct api_store *store = &server->store;
	const char *reason;
	bool silent = store->history.count == 0 && !is_watched(server);
	uint64_t version = version_of(value);
	if (!silent && version <= store->version)
		version = 0;
	const struct api_object *object = api_store_put(store, value, version, silent, &reason);
	if (object == NULL) {
		text_addf(why, "an object is refused: %s", reason);
		return false;
	}
	if (silent)
		store->compacted = store->version;
	return true;
}

static bool ends_with_list(const char *kind)
{
	size_t length = kind == NULL ? 0 : strlen(kind);
	return length >= 4 && strcmp(kind + length - 4, "List") == 0;
}

/* The items of a typed list do not say their kind. */
static void say_kind(json_t *item, const json_t *list)
{
	const char *kind = json_string_value(json_object_get(list, "kind"));
	if (json_object_get(item, "kind") != NULL)
		return;
	json_object_set_new(item, "kind", json_stringn(kind, strlen(kind) - 4));
	json_object_set(item, "apiVersion", json_object_get(list, "apiVersion"));
}

static bool load_list(struct api_server *server, const json_t *list, struct text *why)
{
	json_t *items = json_object_get(list, "items"), *item;
	size_t i;
	json_array_foreach(items, i, item)
	{
		say_kind(item, list);
		if (!load_object(server, item, why))
			return false;
	}
	if (version_of(list) > server->store.version) {
		server->store.version = version_of(list);
		if (server->store.history.count == 0)
			server->store.compacted = server->store.version;
	}
	return true;
}

static void load_deleted(struct api_server *server, const json_t *value)
{
	const json_t *metadata = json_object_get(value, "metadata");
	const char *namespace = json_string_value(json_object_get(metadata, "namespace"));
	const char *name = json_string_value(json_object_get(metadata, "name"));
	const char *kind = json_string_value(json_object_get(value, "kind"));
	const struct api_kind *found = kind == NULL ? NULL : api_kind_find(kind);
	if (found != NULL && name != NULL)
		api_store_delete(&server->store, found, namespace == NULL ? "" : namespace, name,
		                 version_of(value));
}

/* One event of a watch; a bookmark only moves the version on. */
static bool load_event(struct api_server *server, const json_t *event, struct text *why)
{
	const json_t *object = json_object_get(event, "object");
	const char *type = json_string_value(json_object_get(event, "type")), *reason;
	if (strcmp(type, "DELETED") == 0) {
		load_deleted(server, object);
	} else if (strcmp(type, "BOOKMARK") == 0) {
		if (version_of(object) > server->store.version)
			server->store.version = version_of(object);
	} else {
		uint64_t version = version_of(object) > server->store.version ? version_of(object) : 0;
		if (api_store_put(&server->store, object, version, false, &reason) == NULL) {
			text_addf(why, "an event is refused: %s", reason);
			return false;
		}
	}
	return true;
}

static bool load_value(struct api_server *server, const json_t *value, struct text *why)
{
	if (json_is_string(json_object_get(value, "type")) && json_object_get(value, "object") != NULL)
		return load_event(server, value, why);
	if (ends_with_list(json_string_value(json_object_get(value, "kind"))))
		return load_list(server, value, why);
	return load_object(server, value, why);
}

/* One JSON value after the other. */
static bool load_values(struct api_server *server, const char *bytes, size_t length, struct text *why)
{
	for (size_t at = strspn(bytes, " \r\n\t"); at < length;) {
		json_error_t error;
		json_t *value = json_loadb(bytes + at, length - at, JSON_DISABLE_EOF_CHECK, &error);
		if (value == NULL) {
			text_addf(why, "this is no JSON (line %d): %s", error.line, error.text);
			return false;
		}
		bool good = load_value(server, value, why);
		json_decref(value);
		if (!good)
			return false;
		at += (size_t)error.position;
		at += strspn(bytes + at, " \r\n\t");
	}
	return true;
}

bool api_server_read(struct api_server *server, const char *bytes, size_t length, struct text *why)
{
	struct api_recording recording;
	if (api_recording_read(bytes, length, &recording)) {
		bytes = recording.body;
		length = (size_t)(recording.end - recording.body);
	}
	bool good = load_values(server, bytes, length, why);
	api_server_changed(server);
	return good;
}

bool api_server_read_file(struct api_server *server, const char *path, struct text *why)
{
	auto_text file = {0};
	int error = text_read_file(path, SIZE_MAX / 2, &file);
	if (error != 0) {
		text_addf(why, "cannot be read: %s", strerror(-error));
		return false;
	}
	return api_server_read(server, text_string(&file), file.length, why);
}

static void must(bool good, const char *what, const struct text *why)
{
	if (good)
		return;
	fprintf(stderr, "api_server: %s: %s\n", what, text_string(why));
	abort();
}

void api_server_load(struct api_server *server, const char *path)
{
	auto_text why = {0};
	must(api_server_read_file(server, path, &why), path, &why);
}

void api_server_put(struct api_server *server, const char *json)
{
	auto_text why = {0};
	must(api_server_replace(server, json, strlen(json), &why), json, &why);
}

/* ---- changes while the server runs: always a new version */

bool api_server_replace(struct api_server *server, const char *bytes, size_t length, struct text *why)
{
	json_error_t error;
	json_t *value = json_loadb(bytes, length, 0, &error), *items, *item;
	size_t i;
	const char *reason = NULL;
	bool good = value != NULL;
	if (!good) {
		text_addf(why, "this is no JSON (line %d): %s", error.line, error.text);
	} else if (!ends_with_list(json_string_value(json_object_get(value, "kind")))) {
		good = api_store_put(&server->store, value, 0, false, &reason) != NULL;
	} else {
		items = json_object_get(value, "items");
		json_array_foreach(items, i, item)
		{
			say_kind(item, value);
			good = good && api_store_put(&server->store, item, 0, false, &reason) != NULL;
		}
	}
	if (reason != NULL)
		text_addf(why, "an object is refused: %s", reason);
	json_decref(value);
	api_server_changed(server);
	return good;
}
