/*
 * Walking over JSON text without reading it: where values end, and on which line a field stands.
 *
 * Safe on any text, right on text that a JSON parser has accepted.
 */
#ifndef KUBE_IPVS_SOURCE_JSON_SCAN_H
#define KUBE_IPVS_SOURCE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct json_cursor {
	const char *text;
	size_t length;
	size_t at;
};

void json_skip_blanks(struct json_cursor *cursor);
/* The next byte that is no blank, 0 at the end. */
char json_peek(struct json_cursor *cursor);
/* Steps over `c` if it is next. */
bool json_take(struct json_cursor *cursor, char c);
void json_skip_value(struct json_cursor *cursor);

/*
 * Steps from member to member of an object, or from element to element of a list, whose bracket was taken.
 * True: the cursor is at a key or an element. False: there is none left, and the closing bracket is taken.
 */
bool json_next(struct json_cursor *cursor, bool *first);
/* With the cursor at a key: whether it is `key`. Leaves the cursor at the value. */
bool json_take_key(struct json_cursor *cursor, const char *key, size_t key_length);

/* The line of byte `at`, from 1. */
size_t json_line(const char *text, size_t at);
/*
 * The line of a field, by its path, of the value at `at`; that of the nearest parent when there is no such
 * field.
 */
size_t json_place(const char *text, size_t length, size_t at, const char *path);

#endif
