/*
 * A JSON file, one list item at a time: jansson reads each item by itself, so that the tree of the whole file
 * never exists.
 *
 * The kind of a list may stand behind its items (kubectl sorts keys). Items that name their own kind are
 * decoded on the guess that the object is a list; the kind is looked for ahead only when an item names none,
 * or is refused, and checked at the end in any case.
 */
#include "json_scan.h"
#include "manifest_text.h"

#include <stdio.h>
#include <string.h>

struct stream {
	const char *name;
	struct json_cursor cursor;
	struct decoder *decoder;
};

/* The "items" of one top-level object, and what is known of that object so far. */
struct items {
	bool seen;
	bool looked_ahead;
	bool skipped;            /* the object is no list of ours */
	const char *kind;        /* the object's own, NULL: not known yet */
	const char *api_version; /* likewise */
	json_t *owners[2];       /* of what looking ahead has found */
	struct decoded mark;
};

static int refuse_at(struct stream *stream, size_t line, const char *sentence)
{
	fault_place(stream->decoder->fault, "%s:%zu", stream->name, line);
	return fault_set(stream->decoder->fault, NULL, "%s", sentence);
}

static int refuse_here(struct stream *stream, const char *sentence)
{
	json_skip_blanks(&stream->cursor);
	return refuse_at(stream, json_line(stream->cursor.text, stream->cursor.at), sentence);
}

/* jansson's reasons in words; its own text for what is not listed. */
static int refuse_syntax(struct stream *stream, const json_error_t *error)
{
	static const struct {
		enum json_error_code code;
		const char *sentence;
	} reasons[] = {
	        {json_error_premature_end_of_input, "the JSON text ends before its last bracket is closed"},
	        {json_error_invalid_utf8, "this is not UTF-8 text"},
	        {json_error_stack_overflow, "brackets are nested too deeply"},
	        {json_error_null_character, "a NUL character is not allowed"},
	        {json_error_null_byte_in_key, "a NUL character is not allowed"},
	        {json_error_numeric_overflow, "a number is too large"},
	};
	size_t line = json_line(stream->cursor.text, stream->cursor.at) + (size_t)error->line - 1;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].code == json_error_code(error))
			return refuse_at(stream, line, reasons[i].sentence);
	char sentence[JSON_ERROR_TEXT_LENGTH + 32];
	snprintf(sentence, sizeof(sentence), "not valid JSON: %s", error->text);
	return refuse_at(stream, line, sentence);
}

static int read_value(struct stream *stream, json_t **ret_value)
{
	struct json_cursor *cursor = &stream->cursor;
	json_error_t error;
	json_skip_blanks(cursor);
	*ret_value = json_loadb(cursor->text + cursor->at, cursor->length - cursor->at,
	                        JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!*ret_value)
		return refuse_syntax(stream, &error);
	cursor->at += (size_t)error.position;
	return 0;
}

/* Adds the line to a refusal of the value at `at`. */
static int place_fault(struct stream *stream, size_t at)
{
	struct fault *fault = stream->decoder->fault;
	if (!fault)
		return FAULT_REFUSED;
	char path[sizeof(fault->field) + sizeof(stream->decoder->item) + 1];
	const char *item = stream->decoder->item;
	snprintf(path, sizeof(path), "%s%s%s", item, *item && *fault->field ? "." : "", fault->field);
	fault_place(fault, "%s:%zu", stream->name,
	            json_place(stream->cursor.text, stream->cursor.length, at, path));
	return FAULT_REFUSED;
}

/* A member's value, if it is a text, without moving on. Its owner is kept for as long as the text is used. */
static void peek_text(const struct json_cursor *cursor, const char **text, json_t **owner)
{
	if (*text)
		return;
	json_t *value = json_loadb(cursor->text + cursor->at, cursor->length - cursor->at,
	                           JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, NULL);
	*text = json_string_value(value);
	if (*text)
		*owner = value;
	else
		json_decref(value);
}

/* From behind an item: what the object's later members say about it. */
static void look_ahead(const struct stream *stream, struct items *items)
{
	struct json_cursor cursor = stream->cursor;
	bool first = false;
	while (json_next(&cursor, &first))
		json_skip_value(&cursor);
	while (first = false, json_next(&cursor, &first)) {
		struct json_cursor key = cursor;
		if (json_take_key(&cursor, "kind", 4))
			peek_text(&cursor, &items->kind, &items->owners[0]);
		else if (json_take_key(&key, "apiVersion", 10))
			peek_text(&cursor, &items->api_version, &items->owners[1]);
		size_t before = cursor.at;
		json_skip_value(&cursor);
		if (cursor.at == before)
			return;
	}
}

/* Finds out of what kind the object is, as far as its text says it. */
static void know_list(struct stream *stream, struct items *items)
{
	if (!items->looked_ahead)
		look_ahead(stream, items);
	items->looked_ahead = true;
	items->skipped = !items->kind || !list_item_kind(items->kind);
	if (items->skipped)
		decoded_rewind(stream->decoder->decoded, &items->mark);
}

static int decode_element(struct stream *stream, struct items *items, const json_t *value)
{
	bool complete = json_object_get(value, "kind") && json_object_get(value, "apiVersion");
	if (!complete && !(items->kind && items->api_version))
		know_list(stream, items);
	if (items->skipped)
		return 0;
	const char *kind = items->kind ? list_item_kind(items->kind) : "";
	int r = *kind ? decode_item(stream->decoder, value, kind, items->api_version)
	              : decode_item(stream->decoder, value, NULL, NULL);
	if (r)
		know_list(stream, items);
	return items->skipped ? 0 : r;
}

static int read_items(struct stream *stream, struct items *items)
{
	bool first = true;
	items->seen = true;
	json_take(&stream->cursor, '[');
	for (;;) {
		if (json_take(&stream->cursor, ']'))
			return 0;
		if (!first && !json_take(&stream->cursor, ','))
			return refuse_here(stream,
			                   "not valid JSON: ',' or ']' belongs behind a list's element");
		first = false;
		json_skip_blanks(&stream->cursor);
		size_t at = stream->cursor.at;
		json_t *value;
		int r = read_value(stream, &value);
		if (r)
			return r;
		r = decode_element(stream, items, value);
		json_decref(value);
		if (r)
			return place_fault(stream, at);
	}
}

/* One member of the top-level object. */
static int read_member(struct stream *stream, json_t *top, struct items *items)
{
	json_t *key, *value;
	if (json_peek(&stream->cursor) != '"')
		return refuse_here(stream, "not valid JSON: a name in quotes belongs here");
	int r = read_value(stream, &key);
	if (r)
		return r;
	const char *name = json_string_value(key);
	bool is_items = strcmp(name, "items") == 0;
	const char *kind = json_string_value(json_object_get(top, "kind"));
	if (!json_take(&stream->cursor, ':'))
		r = refuse_here(stream, "not valid JSON: ':' belongs behind a name");
	else if (json_object_get(top, name) || (is_items && items->seen))
		r = refuse_here(stream, "the same name stands twice in one object");
	else if (is_items && json_peek(&stream->cursor) == '[' && (!kind || list_item_kind(kind))) {
		items->kind = kind;
		items->api_version = json_string_value(json_object_get(top, "apiVersion"));
		r = read_items(stream, items);
	} else if (!(r = read_value(stream, &value)))
		json_object_set_new(top, name, value);
	json_decref(key);
	return r;
}

static int read_members(struct stream *stream, json_t *top, struct items *items)
{
	bool first = true;
	json_take(&stream->cursor, '{');
	for (;;) {
		if (json_take(&stream->cursor, '}'))
			return 0;
		if (!first && !json_take(&stream->cursor, ','))
			return refuse_here(stream, "not valid JSON: ',' or '}' belongs behind a member");
		first = false;
		int r = read_member(stream, top, items);
		if (r)
			return r;
	}
}

/* A list whose items were decoded is done; anything else is decoded now. */
static int finish_document(struct stream *stream, const json_t *top, struct items *items, size_t at)
{
	const char *kind = json_string_value(json_object_get(top, "kind"));
	if (items->seen && kind && list_item_kind(kind))
		return 0;
	decoded_rewind(stream->decoder->decoded, &items->mark);
	int r = decode_item(stream->decoder, top, NULL, NULL);
	return r ? place_fault(stream, at) : 0;
}

static int read_document(struct stream *stream)
{
	if (json_peek(&stream->cursor) != '{')
		return refuse_here(stream, "a manifest is a JSON object, which begins with {");
	struct items items = {.mark = *stream->decoder->decoded};
	size_t at = stream->cursor.at;
	json_t *top = json_object();
	int r = read_members(stream, top, &items);
	if (!r)
		r = finish_document(stream, top, &items, at);
	json_decref(top);
	json_decref(items.owners[0]);
	json_decref(items.owners[1]);
	return r;
}

int json_stream_decode(const char *name, const char *text, size_t length, struct decoder *decoder)
{
	struct stream stream = {name, {text, length, 0}, decoder};
	int r = 0;
	while (!r && (json_skip_blanks(&stream.cursor), stream.cursor.at < length))
		r = read_document(&stream);
	return r;
}
