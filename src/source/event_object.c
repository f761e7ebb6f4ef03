#include "event_object.h"

#include "base/check.h"
#include "base/memory.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At most so many bytes, cut where a character begins. What is no UTF-8 is not sent: question marks stand for it. */
static json_t *bounded_text(const char *text, size_t most)
{
	size_t length = strlen(text);
	if (length > most) {
		length = most;
		while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	json_t *value = json_stringn(text, length);
	if (value)
		return value;
	char *plain auto_free = memory_copy_text(text);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)plain[i] >= 0x80)
			plain[i] = '?';
	return json_stringn(plain, length);
}

/* MicroTime: RFC 3339 with exactly six digits. */
static json_t *micro_time(const struct timespec *time)
{
	struct tm parts;
	char text[64];
	gmtime_r(&time->tv_sec, &parts);
	size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + length, sizeof(text) - length, ".%06uZ", (unsigned)(time->tv_nsec / 1000 % 1000000));
	return json_string(text);
}

static json_t *series(const struct noted_event *noted)
{
	json_t *value = json_object();
	json_object_set_new(value, "count", json_integer(noted->count));
	json_object_set_new(value, "lastObservedTime", micro_time(&noted->last.wall));
	return value;
}

/* Events about the Node, which has no namespace, live in "default". */
static const char *namespace_of(const struct noted_event *noted)
{
	return noted->service_name ? noted->service_namespace : "default";
}

static json_t *regarding(const struct noted_event *noted, const char *node_name)
{
	json_t *value = json_object();
	json_object_set_new(value, "apiVersion", json_string("v1"));
	json_object_set_new(value, "kind", json_string(noted->service_name ? "Service" : "Node"));
	json_object_set_new(
	        value, "name",
	        bounded_text(noted->service_name ? noted->service_name : node_name, EVENT_NAME_MOST));
	if (noted->service_name)
		json_object_set_new(value, "namespace",
		                    bounded_text(noted->service_namespace, EVENT_NAME_MOST));
	return value;
}

static char *dump_and_release(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	CHECK(text != NULL);
	json_decref(value);
	return text;
}

char *event_object_create(const struct noted_event *noted, const char *node_name)
{
	auto_text instance = {0};
	json_t *value = json_object(), *metadata = json_object();
	text_addf(&instance, "kube-proxy-%s", node_name);
	json_object_set_new(metadata, "name", bounded_text(noted->name, EVENT_NAME_MOST));
	json_object_set_new(metadata, "namespace", bounded_text(namespace_of(noted), EVENT_NAME_MOST));
	json_object_set_new(value, "apiVersion", json_string("events.k8s.io/v1"));
	json_object_set_new(value, "kind", json_string("Event"));
	json_object_set_new(value, "metadata", metadata);
	json_object_set_new(value, "eventTime", micro_time(&noted->first.wall));
	json_object_set_new(value, "reportingController", json_string("kube-proxy"));
	json_object_set_new(value, "reportingInstance", bounded_text(instance.bytes, EVENT_INSTANCE_MOST));
	json_object_set_new(value, "action", json_string(noted->action));
	json_object_set_new(value, "reason", json_string(noted->reason));
	json_object_set_new(value, "regarding", regarding(noted, node_name));
	json_object_set_new(value, "note", bounded_text(noted->note, EVENT_NOTE_MOST));
	json_object_set_new(value, "type", json_string(noted->type == EVENT_WARNING ? "Warning" : "Normal"));
	if (noted->count > 1)
		json_object_set_new(value, "series", series(noted));
	return dump_and_release(value);
}

char *event_object_patch(const struct noted_event *noted)
{
	json_t *value = json_object();
	json_object_set_new(value, "series", series(noted));
	return dump_and_release(value);
}

static void add_escaped(struct text *path, const char *text)
{
	for (const char *c = text; *c; c++)
		if (isalnum((unsigned char)*c) || *c == '-' || *c == '.')
			text_add_char(path, *c);
		else
			text_addf(path, "%%%02X", (unsigned char)*c);
}

void event_object_path(const struct noted_event *noted, bool with_name, struct text *path)
{
	text_add(path, "/apis/events.k8s.io/v1/namespaces/");
	add_escaped(path, namespace_of(noted));
	text_add(path, "/events");
	if (!with_name)
		return;
	text_add_char(path, '/');
	add_escaped(path, noted->name);
}

void event_object_title(const struct noted_event *noted, const char *node_name, struct text *title)
{
	text_addf(title, "Event %s about ", noted->reason);
	if (noted->service_name)
		text_addf(title, "Service %s/%s", noted->service_namespace, noted->service_name);
	else
		text_addf(title, "Node %s", node_name);
}
