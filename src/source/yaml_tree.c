/*
 * libyaml's events, one document at a time, as jansson's values.
 *
 * An alias shares the anchored value instead of copying it. What walks over the result sees it as often as it
 * is named, so the number of nodes that aliases stand for is bounded: nine lists of nine aliases each must
 * not become nine to the ninth.
 */
#include "yaml_tree.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MOST = 100, ALIASED_NODES_MOST = 1000000 };

struct anchor {
	char *name;
	json_t *value;
	size_t nodes;
};

struct yaml_reader {
	yaml_parser_t parser;
	const char *text;
	size_t length;
	vector_of(struct anchor) anchors; /* of this document */
	size_t nodes;                     /* of this document, aliases counted with what they stand for */
	size_t aliased_nodes;
	size_t line; /* of the refusal */
	struct fault *fault;
	bool ended;
	yaml_duplicate_found *duplicate_found; /* NULL: a duplicate is refused */
	void *context;
	struct text path; /* of the node being built; kept only where duplicates are told */
};

struct yaml_reader *yaml_reader_new(const char *text, size_t length)
{
	struct yaml_reader *reader = memory_alloc(sizeof(*reader));
	reader->text = text;
	reader->length = length;
	yaml_parser_initialize(&reader->parser);
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, length);
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	return reader;
}

static void forget_anchors(struct yaml_reader *reader)
{
	for (size_t i = 0; i < reader->anchors.count; i++) {
		free(reader->anchors.items[i].name);
		json_decref(reader->anchors.items[i].value);
	}
	vector_clear(&reader->anchors);
	reader->nodes = reader->aliased_nodes = 0;
}

void yaml_reader_tell_duplicates(struct yaml_reader *reader, yaml_duplicate_found *found, void *context)
{
	reader->duplicate_found = found;
	reader->context = context;
}

void yaml_reader_free(struct yaml_reader *reader)
{
	if (!reader)
		return;
	text_done(&reader->path);
	forget_anchors(reader);
	vector_done(&reader->anchors);
	yaml_parser_delete(&reader->parser);
	free(reader);
}

static int refuse_here(struct yaml_reader *reader, const yaml_event_t *event, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static int refuse_here(struct yaml_reader *reader, const yaml_event_t *event, const char *format, ...)
{
	char sentence[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	reader->line = event->start_mark.line + 1;
	return fault_set(reader->fault, NULL, "%s", sentence);
}

static int refuse_syntax(struct yaml_reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem ? parser->problem : "it cannot be read";
	reader->line = parser->problem_mark.line + 1;
	if (parser->error == YAML_READER_ERROR) {
		reader->line = 1;
		for (size_t i = 0; i < parser->problem_offset && i < reader->length; i++)
			reader->line += reader->text[i] == '\n';
	}
	return fault_set(reader->fault, NULL, "not valid YAML: %s%s%s", problem, parser->context ? " " : "",
	                 parser->context ? parser->context : "");
}

static int next_event(struct yaml_reader *reader, yaml_event_t *ret_event)
{
	return yaml_parser_parse(&reader->parser, ret_event) ? 0 : refuse_syntax(reader);
}

/* An event is released by whoever fetched it. */
static int build_node(struct yaml_reader *reader, const yaml_event_t *event, int depth, json_t **ret_node);

static int build_next(struct yaml_reader *reader, int depth, json_t **ret_node)
{
	yaml_event_t event;
	int r = next_event(reader, &event);
	if (r)
		return r;
	r = build_node(reader, &event, depth, ret_node);
	yaml_event_delete(&event);
	return r;
}

static bool same_type(const json_t *value, const char *tag)
{
	static const struct {
		const char *tag;
		json_type types[2];
	} tags[] = {
	        {YAML_INT_TAG, {JSON_INTEGER, JSON_INTEGER}},     {YAML_FLOAT_TAG, {JSON_REAL, JSON_INTEGER}},
	        {YAML_BOOL_TAG, {JSON_TRUE, JSON_FALSE}},         {YAML_NULL_TAG, {JSON_NULL, JSON_NULL}},
	        {YAML_TIMESTAMP_TAG, {JSON_STRING, JSON_STRING}},
	};
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (strcmp(tags[i].tag, tag) == 0)
			return json_typeof(value) == tags[i].types[0] ||
			       json_typeof(value) == tags[i].types[1];
	return false;
}

static int build_scalar(struct yaml_reader *reader, const yaml_event_t *event, json_t **ret_node)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	size_t length = event->data.scalar.length;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (memchr(text, '\0', length))
		return refuse_here(reader, event, "a NUL character is not allowed");
	bool is_text = tag ? strcmp(tag, "!") == 0 || strcmp(tag, YAML_STR_TAG) == 0 : !plain;
	json_t *value = is_text ? json_stringn(text, length) : yaml_plain_scalar(text, length);
	if (!value)
		return refuse_here(reader, event, "this is not UTF-8 text");
	if (tag && !is_text && !same_type(value, tag)) {
		json_decref(value);
		return refuse_here(reader, event,
		                   "\"%.60s\" is nothing that the tag %.60s could stand before", text, tag);
	}
	*ret_node = value;
	return 0;
}

/* Each returns the length that leave_path goes back to. */
static size_t enter_index(struct yaml_reader *reader, size_t index)
{
	size_t before = reader->path.length;
	if (reader->duplicate_found)
		text_addf(&reader->path, "[%zu]", index);
	return before;
}

static size_t enter_key(struct yaml_reader *reader, const char *key)
{
	size_t before = reader->path.length;
	if (reader->duplicate_found)
		text_addf(&reader->path, "%s%s", before > 0 ? "." : "", key);
	return before;
}

static void leave_path(struct yaml_reader *reader, size_t length)
{
	if (!reader->path.bytes)
		return;
	reader->path.length = length;
	reader->path.bytes[length] = '\0';
}

static int build_sequence(struct yaml_reader *reader, int depth, json_t **ret_node)
{
	json_t *list = json_array();
	bool end = false;
	int r = 0;
	while (!r && !end) {
		yaml_event_t event;
		json_t *item = NULL;
		r = next_event(reader, &event);
		if (r)
			break;
		end = event.type == YAML_SEQUENCE_END_EVENT;
		if (!end) {
			size_t outside = enter_index(reader, json_array_size(list));
			r = build_node(reader, &event, depth, &item);
			leave_path(reader, outside);
		}
		if (item)
			json_array_append_new(list, item);
		yaml_event_delete(&event);
	}
	if (r)
		json_decref(list);
	else
		*ret_node = list;
	return r;
}

/* Keys are text in JSON: a number or a truth value that stands as one is written out. */
static int read_key(struct yaml_reader *reader, const yaml_event_t *event, char **ret_key)
{
	json_t *value = NULL;
	if (event->type != YAML_SCALAR_EVENT)
		return refuse_here(reader, event, "only a word can be a key");
	int r = build_scalar(reader, event, &value);
	if (r)
		return r;
	*ret_key = json_is_string(value) ? memory_copy_text(json_string_value(value))
	                                 : json_dumps(value, JSON_ENCODE_ANY);
	json_decref(value);
	return 0;
}

static bool is_merge_key(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       strcmp((const char *)event->data.scalar.value, "<<") == 0;
}

/* Members that the mapping has not itself; of several, the first one's. */
static int merge(struct yaml_reader *reader, const yaml_event_t *event, json_t *mapping, json_t *merged)
{
	size_t index;
	json_t *item;
	if (json_is_object(merged)) {
		json_object_update_missing(mapping, merged);
		return 0;
	}
	if (!json_is_array(merged))
		return refuse_here(reader, event, "'<<' merges a mapping, or a list of mappings");
	json_array_foreach(merged, index, item)
	{
		if (!json_is_object(item))
			return refuse_here(reader, event, "'<<' merges a mapping, or a list of mappings");
		json_object_update_missing(mapping, item);
	}
	return 0;
}

/* One pair; the merged values are kept until the mapping's own keys are all known. */
static int build_pair(struct yaml_reader *reader, const yaml_event_t *key_event, int depth, json_t *mapping,
                      json_t *merges)
{
	char *key auto_free = NULL;
	json_t *value = NULL;
	if (is_merge_key(key_event)) {
		json_t *checked = json_object();
		int r = build_next(reader, depth, &value);
		if (!r)
			r = merge(reader, key_event, checked, value);
		json_decref(checked);
		if (!r)
			json_array_append(merges, value);
		json_decref(value);
		return r;
	}
	int r = read_key(reader, key_event, &key);
	if (r)
		return r;
	bool twice = json_object_get(mapping, key) != NULL;
	if (twice && !reader->duplicate_found)
		return refuse_here(reader, key_event, "the key \"%.80s\" stands twice in one mapping", key);
	size_t outside = enter_key(reader, key);
	if (twice)
		reader->duplicate_found(reader->context, text_string(&reader->path),
		                        key_event->start_mark.line + 1);
	r = build_next(reader, depth, &value);
	leave_path(reader, outside);
	if (!r)
		json_object_set_new(mapping, key, value);
	return r;
}

static int build_mapping(struct yaml_reader *reader, int depth, json_t **ret_node)
{
	json_t *mapping = json_object(), *merges = json_array();
	bool end = false;
	int r = 0;
	while (!r && !end) {
		yaml_event_t event;
		r = next_event(reader, &event);
		if (r)
			break;
		end = event.type == YAML_MAPPING_END_EVENT;
		if (!end)
			r = build_pair(reader, &event, depth, mapping, merges);
		if (end)
			for (size_t i = 0; i < json_array_size(merges); i++)
				merge(reader, &event, mapping, json_array_get(merges, i));
		yaml_event_delete(&event);
	}
	json_decref(merges);
	if (r)
		json_decref(mapping);
	else
		*ret_node = mapping;
	return r;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

/* A later anchor of the same name takes the earlier one's place. */
static void remember_anchor(struct yaml_reader *reader, const yaml_event_t *event, json_t *node, size_t nodes)
{
	const char *name = (const char *)anchor_of(event);
	if (name)
		vector_push(&reader->anchors,
		            (struct anchor){memory_copy_text(name), json_incref(node), nodes});
}

static int build_alias(struct yaml_reader *reader, const yaml_event_t *event, json_t **ret_node)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct anchor *found = NULL;
	for (size_t i = reader->anchors.count; i-- > 0 && !found;)
		if (strcmp(reader->anchors.items[i].name, name) == 0)
			found = &reader->anchors.items[i];
	if (!found)
		return refuse_here(reader, event, "there is no anchor &%.80s before this alias", name);
	reader->nodes += found->nodes;
	reader->aliased_nodes += found->nodes;
	if (reader->aliased_nodes > ALIASED_NODES_MOST)
		return refuse_here(reader, event, "aliases stand for more than %d values",
		                   ALIASED_NODES_MOST);
	*ret_node = json_incref(found->value);
	return 0;
}

static int build_node(struct yaml_reader *reader, const yaml_event_t *event, int depth, json_t **ret_node)
{
	size_t before = reader->nodes++;
	int r;
	if (depth == DEPTH_MOST)
		return refuse_here(reader, event, "this is nested too deeply");
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return build_alias(reader, event, ret_node);
	case YAML_SCALAR_EVENT:
		r = build_scalar(reader, event, ret_node);
		break;
	case YAML_SEQUENCE_START_EVENT:
		r = build_sequence(reader, depth + 1, ret_node);
		break;
	case YAML_MAPPING_START_EVENT:
		r = build_mapping(reader, depth + 1, ret_node);
		break;
	default:
		return refuse_here(reader, event, "not valid YAML: a value belongs here");
	}
	if (!r)
		remember_anchor(reader, event, *ret_node, reader->nodes - before);
	return r;
}

int yaml_read_document(struct yaml_reader *reader, json_t **ret_document, size_t *ret_line,
                       struct fault *fault)
{
	json_t *document = NULL;
	int r = 0;
	reader->fault = fault;
	forget_anchors(reader);
	for (bool done = false; !done && !r && !reader->ended;) {
		yaml_event_t event;
		r = next_event(reader, &event);
		if (r)
			break;
		if (event.type == YAML_DOCUMENT_START_EVENT)
			r = build_next(reader, 0, &document);
		done = event.type == YAML_DOCUMENT_END_EVENT;
		reader->ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	*ret_line = reader->line;
	if (r) {
		json_decref(document);
		document = NULL;
	}
	*ret_document = document;
	return r;
}
