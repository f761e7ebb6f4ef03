/*
 * Where a field stands: the text is read once more, which happens for faults only, and its events are
 * followed along the path.
 */
#include "yaml_tree.h"

#include "field_path.h"

#include <stdbool.h>
#include <string.h>
#include <yaml.h>

struct walk {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	bool has_event;
	size_t line;
};

/* False at the end and at a syntax error. */
static bool advance(struct walk *walk)
{
	if (walk->has_event)
		yaml_event_delete(&walk->event);
	walk->has_event = yaml_parser_parse(&walk->parser, &walk->event) && walk->event.type != YAML_NO_EVENT;
	return walk->has_event;
}

static void note_line(struct walk *walk)
{
	walk->line = walk->event.start_mark.line + 1;
}

/* From a node's first event to the one behind its last. */
static bool skip_node(struct walk *walk)
{
	size_t depth = 0;
	do {
		yaml_event_type_t type = walk->event.type;
		if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
			depth++;
		else if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT)
			depth--;
		if (!advance(walk))
			return false;
	} while (depth > 0);
	return true;
}

static bool enter_element(struct walk *walk, size_t index)
{
	if (walk->event.type != YAML_SEQUENCE_START_EVENT || !advance(walk))
		return false;
	for (; walk->event.type != YAML_SEQUENCE_END_EVENT; index--) {
		if (index == 0) {
			note_line(walk);
			return true;
		}
		if (!skip_node(walk))
			return false;
	}
	return false;
}

static bool at_key(const struct walk *walk, const struct field_step *step)
{
	return walk->event.type == YAML_SCALAR_EVENT && walk->event.data.scalar.length == step->key_length &&
	       memcmp(walk->event.data.scalar.value, step->key, step->key_length) == 0;
}

static bool enter_member(struct walk *walk, const struct field_step *step)
{
	if (walk->event.type != YAML_MAPPING_START_EVENT || !advance(walk))
		return false;
	while (walk->event.type != YAML_MAPPING_END_EVENT) {
		if (at_key(walk, step)) {
			note_line(walk);
			return advance(walk);
		}
		if (!skip_node(walk) || !skip_node(walk))
			return false;
	}
	return false;
}

/* To the root of the document of that index. */
static bool enter_document(struct walk *walk, size_t index)
{
	size_t seen = 0;
	while (advance(walk))
		if (walk->event.type == YAML_DOCUMENT_START_EVENT && seen++ == index)
			break;
	if (!walk->has_event || !advance(walk))
		return false;
	note_line(walk);
	return true;
}

size_t yaml_place(const char *text, size_t length, size_t document, const char *path)
{
	struct walk walk = {.line = 1};
	struct field_step step;
	yaml_parser_initialize(&walk.parser);
	yaml_parser_set_input_string(&walk.parser, (const unsigned char *)text, length);
	yaml_parser_set_encoding(&walk.parser, YAML_UTF8_ENCODING);
	bool going = enter_document(&walk, document);
	while (going && field_path_next(&path, &step))
		going = step.is_index ? enter_element(&walk, step.index) : enter_member(&walk, &step);
	if (walk.has_event)
		yaml_event_delete(&walk.event);
	yaml_parser_delete(&walk.parser);
	return walk.line;
}
