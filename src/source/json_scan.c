/*
 * A light scanner. It knows strings and brackets, which is all that finding the end of a value takes.
 */
#include "json_scan.h"

#include "field_path.h"

#include <jansson.h>
#include <string.h>

void json_skip_blanks(struct json_cursor *cursor)
{
	while (cursor->at < cursor->length && strchr(" \t\r\n", cursor->text[cursor->at]) &&
	       cursor->text[cursor->at])
		cursor->at++;
}

char json_peek(struct json_cursor *cursor)
{
	json_skip_blanks(cursor);
	return cursor->at < cursor->length ? cursor->text[cursor->at] : '\0';
}

bool json_take(struct json_cursor *cursor, char c)
{
	if (json_peek(cursor) != c || cursor->at == cursor->length)
		return false;
	cursor->at++;
	return true;
}

static void skip_string(struct json_cursor *cursor)
{
	for (cursor->at++; cursor->at < cursor->length; cursor->at++) {
		char c = cursor->text[cursor->at];
		if (c == '\\')
			cursor->at++;
		else if (c == '"')
			break;
	}
	cursor->at = cursor->at < cursor->length ? cursor->at + 1 : cursor->length;
}

static void skip_scalar(struct json_cursor *cursor)
{
	while (cursor->at < cursor->length && !strchr(",]} \t\r\n", cursor->text[cursor->at]))
		cursor->at++;
}

static void skip_brackets(struct json_cursor *cursor)
{
	size_t depth = 0;
	while (cursor->at < cursor->length) {
		char c = cursor->text[cursor->at];
		if (c == '"') {
			skip_string(cursor);
			continue;
		}
		cursor->at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return;
	}
}

void json_skip_value(struct json_cursor *cursor)
{
	switch (json_peek(cursor)) {
	case '"':
		skip_string(cursor);
		return;
	case '{':
	case '[':
		skip_brackets(cursor);
		return;
	default:
		skip_scalar(cursor);
	}
}

bool json_next(struct json_cursor *cursor, bool *first)
{
	bool was_first = *first;
	*first = false;
	char c = json_peek(cursor);
	if (c == '\0' || c == '}' || c == ']') {
		cursor->at += c != '\0';
		return false;
	}
	if (!was_first && !json_take(cursor, ','))
		return false;
	return json_peek(cursor) != '\0';
}

/* A key with escapes is read by the parser, which alone knows them all. */
static bool escaped_key_is(const char *text, size_t length, const char *key, size_t key_length)
{
	json_t *value = json_loadb(text, length, JSON_DECODE_ANY, NULL);
	bool same = json_is_string(value) && json_string_length(value) == key_length &&
	            memcmp(json_string_value(value), key, key_length) == 0;
	json_decref(value);
	return same;
}

bool json_take_key(struct json_cursor *cursor, const char *key, size_t key_length)
{
	size_t start = cursor->at;
	json_skip_value(cursor);
	const char *text = cursor->text + start;
	size_t length = cursor->at - start;
	json_take(cursor, ':');
	json_skip_blanks(cursor);
	if (memchr(text, '\\', length))
		return escaped_key_is(text, length, key, key_length);
	return length == key_length + 2 && memcmp(text + 1, key, key_length) == 0;
}

size_t json_line(const char *text, size_t at)
{
	size_t line = 1;
	for (const char *c = text, *end = text + at; (c = memchr(c, '\n', (size_t)(end - c))); c++)
		line++;
	return line;
}

/* One step down. True: the cursor is at the value, and *ret_at is where its key or element begins. */
static bool step_down(struct json_cursor *cursor, const struct field_step *step, size_t *ret_at)
{
	bool first = true;
	bool object = !step->is_index;
	if (!json_take(cursor, object ? '{' : '['))
		return false;
	for (size_t i = 0; json_next(cursor, &first); i++) {
		*ret_at = cursor->at;
		if (object ? json_take_key(cursor, step->key, step->key_length) : i == step->index)
			return true;
		size_t before = cursor->at;
		json_skip_value(cursor);
		if (cursor->at == before)
			return false;
	}
	return false;
}

size_t json_place(const char *text, size_t length, size_t at, const char *path)
{
	struct json_cursor cursor = {text, length, at};
	struct field_step step;
	json_skip_blanks(&cursor);
	at = cursor.at;
	for (size_t found; field_path_next(&path, &step); at = found)
		if (!step_down(&cursor, &step, &found))
			break;
	return json_line(text, at);
}
