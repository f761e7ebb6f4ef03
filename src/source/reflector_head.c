/*
 * The beginning of an object that is too large to be kept, or that no parser takes: its name is there all the same,
 * because the API server writes metadata first.
 */
#include "json_scan.h"
#include "reflector.h"

#include <string.h>

/* A text without escapes that ends within what is there; others are no names. */
static void read_text(struct json_cursor *cursor, char *to, size_t size)
{
	struct json_cursor end = *cursor;
	if (json_peek(&end) != '"')
		return;
	const size_t start = end.at + 1;
	json_skip_value(&end);
	if (end.at >= end.length || end.at < start + 1)
		return;
	const size_t length = end.at - 1 - start;
	if (length >= size || memchr(end.text + start, '\\', length))
		return;
	memcpy(to, end.text + start, length);
	to[length] = '\0';
}

/* Steps to the next member's value. True: it is that of `key`, or none is wanted. */
static bool next_member(struct json_cursor *cursor, bool *first, size_t *ret_key)
{
	if (!json_next(cursor, first) || cursor->text[cursor->at] != '"')
		return false;
	*ret_key = cursor->at;
	json_skip_value(cursor);
	if (!json_take(cursor, ':'))
		return false;
	json_skip_blanks(cursor);
	return cursor->at < cursor->length;
}

static bool key_is(const struct json_cursor *cursor, size_t key, const char *name)
{
	const size_t length = strlen(name);
	return cursor->length - key > length + 2 && memcmp(cursor->text + key + 1, name, length) == 0 &&
	       cursor->text[key + 1 + length] == '"';
}

static void read_metadata(struct json_cursor *cursor, struct object_head *head)
{
	bool first = true;
	size_t key;
	if (!json_take(cursor, '{'))
		return;
	while (next_member(cursor, &first, &key)) {
		if (key_is(cursor, key, "name"))
			read_text(cursor, head->name, sizeof(head->name));
		else if (key_is(cursor, key, "namespace"))
			read_text(cursor, head->namespace, sizeof(head->namespace));
		else if (key_is(cursor, key, "resourceVersion"))
			read_text(cursor, head->version, sizeof(head->version));
		json_skip_value(cursor);
	}
}

static void read_object(struct json_cursor *cursor, struct object_head *head)
{
	bool first = true;
	size_t key;
	if (!json_take(cursor, '{'))
		return;
	while (next_member(cursor, &first, &key)) {
		if (key_is(cursor, key, "metadata")) {
			read_metadata(cursor, head);
			return;
		}
		json_skip_value(cursor);
	}
}

static void read_event(struct json_cursor *cursor, struct object_head *head)
{
	bool first = true;
	size_t key;
	if (!json_take(cursor, '{'))
		return;
	while (next_member(cursor, &first, &key)) {
		if (key_is(cursor, key, "type"))
			read_text(cursor, head->type, sizeof(head->type));
		if (key_is(cursor, key, "object")) {
			read_object(cursor, head);
			return;
		}
		json_skip_value(cursor);
	}
}

bool object_head_read(const char *text, size_t length, bool is_event, struct object_head *ret_head)
{
	struct json_cursor cursor = {text, length, 0};
	*ret_head = (struct object_head){0};
	if (is_event)
		read_event(&cursor, ret_head);
	else
		read_object(&cursor, ret_head);
	return ret_head->name[0] != '\0';
}
