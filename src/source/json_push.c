/*
 * Two scanners over the same three classes of bytes. The one for values runs over almost everything that arrives, so
 * it is a loop over a table with nothing in it; the one for what surrounds the items of a list sees a few hundred
 * bytes and also watches for the name "items".
 */
#include "json_push.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	STATE_BEFORE,  /* nothing yet, or between two values of a sequence */
	STATE_VALUE,   /* inside a value */
	STATE_REST,    /* inside a list's object, outside its items */
	STATE_FIRST,   /* behind the bracket of the items */
	STATE_ELEMENT, /* behind a comma of the items */
	STATE_COMMA,   /* behind an element of the items */
	STATE_AFTER,   /* behind a list's object */
};

enum { QUOTE = 1, BACKSLASH = 2, OPENING = 4, CLOSING = 8, NUL = 16 };
enum { ENDS_STRING = QUOTE | BACKSLASH | NUL, ENDS_PLAIN = QUOTE | OPENING | CLOSING | NUL };

static const uint8_t classes[256] = {
        ['"'] = QUOTE,   ['\\'] = BACKSLASH, ['{'] = OPENING, ['['] = OPENING,
        ['}'] = CLOSING, [']'] = CLOSING,    [0] = NUL,
};

static const char items_name[] = "\"items\"";

void json_push_init(struct json_push *push, enum json_push_mode mode, size_t limit,
                    const struct json_push_handler *handler)
{
	*push = (struct json_push){.mode = mode, .handler = *handler, .limit = limit};
}

void json_push_done(struct json_push *push)
{
	text_done(&push->value);
	text_done(&push->rest);
}

static int refuse(struct json_push *push, struct fault *fault, const char *sentence)
{
	push->failed = JSON_PUSH_E_BROKEN;
	return fault_set(fault, NULL, "%s", sentence);
}

/* The first bytes of what should have been JSON, as far as they can be printed. */
static int refuse_bytes(struct json_push *push, struct fault *fault, const char *wanted, const char *bytes,
                        size_t length)
{
	char shown[33];
	size_t count = length < sizeof(shown) - 1 ? length : sizeof(shown) - 1;
	for (size_t i = 0; i < count; i++)
		shown[i] = bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '.';
	shown[count] = '\0';
	push->failed = JSON_PUSH_E_BROKEN;
	return fault_set(fault, NULL, "not valid JSON: '%s' where %s belongs", shown, wanted);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int refuse_endless(struct json_push *push, struct fault *fault)
{
	push->failed = JSON_PUSH_E_ENDLESS;
	fault_set(fault, NULL, "a value has not ended after %zu bytes; at most %zu are allowed",
	          push->value_length, push->limit);
	return push->failed;
}

/* Up to the end of the value, or of what is there. NULL: refused. */
static const char *skip_value(struct json_push *push, const char *at, const char *end, struct fault *fault)
{
	while (at < end) {
		if (push->escaped) {
			push->escaped = false;
			if (!*at++)
				break;
			continue;
		}
		const uint8_t stop = push->in_string ? ENDS_STRING : ENDS_PLAIN;
		while (at < end && !(classes[(uint8_t)*at] & stop))
			at++;
		if (at == end)
			return at;
		const uint8_t class = classes[(uint8_t)*at++];
		if (class == NUL)
			break;
		if (class == QUOTE)
			push->in_string = !push->in_string;
		else if (class == BACKSLASH)
			push->escaped = true;
		else if (class == CLOSING && --push->depth == 0)
			return at;
		else if (class == OPENING && ++push->depth > JSON_PUSH_DEPTH) {
			refuse(push, fault, "brackets are nested too deeply");
			return NULL;
		}
	}
	if (!at[-1]) {
		refuse(push, fault, "not valid JSON: a NUL byte is not allowed");
		return NULL;
	}
	return at;
}

static int tell_value(struct json_push *push)
{
	struct json_push_handler *handler = &push->handler;
	struct text *value = &push->value;
	int r;
	if (push->value_length > push->limit)
		r = handler->oversized(handler->context, value->bytes, value->length, push->value_length);
	else
		r = handler->value(handler->context, value->bytes, value->length);
	text_clear(value);
	push->value_length = 0;
	push->state = push->mode == JSON_PUSH_LIST ? STATE_COMMA : STATE_BEFORE;
	return r;
}

/* Keeps bytes of a value as long as it is not too large; then only its head. */
static void keep_bytes(struct json_push *push, const char *bytes, size_t length)
{
	struct text *value = &push->value;
	push->value_length += length;
	if (push->value_length <= push->limit) {
		text_add_bytes(value, bytes, length);
		return;
	}
	if (value->length < JSON_PUSH_HEAD) {
		size_t room = JSON_PUSH_HEAD - value->length;
		text_add_bytes(value, bytes, length < room ? length : room);
	}
	if (value->length <= JSON_PUSH_HEAD)
		return;
	struct text head = {0};
	text_add_bytes(&head, value->bytes, JSON_PUSH_HEAD);
	text_done(value);
	*value = head;
}

static int feed_value(struct json_push *push, const char **at, const char *end, struct fault *fault)
{
	const char *start = *at;
	const char *stop = skip_value(push, start, end, fault);
	if (!stop)
		return push->failed;
	*at = stop;
	keep_bytes(push, start, (size_t)(stop - start));
	if (push->depth == 0)
		return tell_value(push);
	if (push->value_length / JSON_PUSH_ENDLESS > push->limit)
		return refuse_endless(push, fault);
	return 0;
}

static void begin_value(struct json_push *push)
{
	push->state = STATE_VALUE;
	push->depth = 0;
	push->in_string = push->escaped = false;
}

/* Whether the string that ends here, at depth 1, is the name "items". */
static bool ends_items_name(const struct json_push *push)
{
	return push->depth == 1 && push->rest.length - push->string_start == sizeof(items_name) - 1 &&
	       memcmp(push->rest.bytes + push->string_start, items_name, sizeof(items_name) - 1) == 0;
}

/* One byte of the rest that is in a string. */
static void feed_string_byte(struct json_push *push, uint8_t class)
{
	if (push->escaped)
		push->escaped = false;
	else if (class == BACKSLASH)
		push->escaped = true;
	else if (class == QUOTE) {
		push->in_string = false;
		push->items_next = ends_items_name(push);
	}
}

static int feed_bracket(struct json_push *push, char c, struct fault *fault)
{
	if (classes[(uint8_t)c] == CLOSING) {
		if (--push->depth == 0)
			push->state = STATE_AFTER;
		return 0;
	}
	if (c == '[' && push->depth == 1 && push->items_next) {
		if (push->items_seen)
			return refuse(push, fault, "not valid JSON: \"items\" stands twice");
		push->items_seen = true;
		push->state = STATE_FIRST;
		return 0;
	}
	if (++push->depth > JSON_PUSH_DEPTH)
		return refuse(push, fault, "brackets are nested too deeply");
	return 0;
}

/* One byte of what surrounds the items. */
static int feed_rest(struct json_push *push, char c, struct fault *fault)
{
	const uint8_t class = classes[(uint8_t)c];
	int r = 0;
	if (class == NUL)
		return refuse(push, fault, "not valid JSON: a NUL byte is not allowed");
	if (class == QUOTE && !push->in_string) {
		push->string_start = push->rest.length;
		push->in_string = true;
		push->items_next = false;
		text_add_char(&push->rest, c);
	} else if (push->in_string) {
		text_add_char(&push->rest, c);
		feed_string_byte(push, class);
	} else {
		text_add_char(&push->rest, c);
		if (class & (OPENING | CLOSING))
			r = feed_bracket(push, c, fault);
		if (c != ':' && !is_blank(c))
			push->items_next = false;
	}
	push->value_length = push->rest.length;
	if (!r && push->rest.length > push->limit)
		return refuse_endless(push, fault);
	return r;
}

/* A byte between the values. */
static int feed_between(struct json_push *push, const char **at, const char *end, struct fault *fault)
{
	const char c = **at;
	const int state = push->state;
	if (is_blank(c)) {
		++*at;
		return 0;
	}
	if (state == STATE_BEFORE && c == '{' && push->mode == JSON_PUSH_LIST) {
		push->state = STATE_REST;
		return 0;
	}
	if ((state == STATE_BEFORE || state == STATE_FIRST || state == STATE_ELEMENT) && c == '{') {
		push->value_length = 0;
		begin_value(push);
		return 0;
	}
	if (state == STATE_COMMA && c == ',') {
		push->state = STATE_ELEMENT;
		++*at;
		return 0;
	}
	if ((state == STATE_COMMA || state == STATE_FIRST) && c == ']') {
		push->state = STATE_REST;
		push->depth = 1;
		push->in_string = push->escaped = push->items_next = false;
		text_add_char(&push->rest, c);
		++*at;
		return 0;
	}
	const char *wanted = state == STATE_AFTER   ? "the end"
	                     : state == STATE_COMMA ? "',' or ']'"
	                     : state == STATE_FIRST ? "an object or ']'"
	                                            : "an object, which begins with {,";
	return refuse_bytes(push, fault, wanted, *at, (size_t)(end - *at));
}

int json_push_feed(struct json_push *push, const char *bytes, size_t length, struct fault *fault)
{
	const char *at = bytes, *end = bytes + length;
	while (at < end) {
		int r;
		if (push->failed)
			return push->failed;
		if (push->state == STATE_VALUE)
			r = feed_value(push, &at, end, fault);
		else if (push->state == STATE_REST)
			r = feed_rest(push, *at++, fault);
		else
			r = feed_between(push, &at, end, fault);
		if (r)
			return r;
	}
	return 0;
}

int json_push_end(struct json_push *push, struct fault *fault)
{
	if (push->failed)
		return push->failed;
	const int last = push->mode == JSON_PUSH_LIST ? STATE_AFTER : STATE_BEFORE;
	if (push->state == STATE_BEFORE && push->mode == JSON_PUSH_LIST)
		return refuse(push, fault, "the answer is empty");
	if (push->state == STATE_VALUE) {
		push->failed = JSON_PUSH_E_BROKEN;
		return fault_set(fault, NULL,
		                 "the answer ends in the middle of a value, after %zu bytes of it",
		                 push->value_length);
	}
	if (push->state != last)
		return refuse(push, fault, "the answer ends in the middle of a list");
	if (push->mode != JSON_PUSH_LIST)
		return 0;
	return push->handler.rest(push->handler.context, push->rest.bytes, push->rest.length);
}

/* The end of the list whose bracket is behind `at`; NULL: it has none. */
static const char *skip_list(const char *at, const char *end)
{
	struct json_push scan = {.limit = (size_t)(end - at)};
	at = skip_value(&scan, at, end, NULL);
	return at && scan.depth == 0 ? at : NULL;
}

/*
 * A quotation mark inside a string has a backslash before it, so these bytes, comma included, can only be a member's
 * name.
 */
size_t json_push_cut_managed_fields(char *text, size_t length)
{
	static const char name[] = ",\"managedFields\":[";
	char *start = memmem(text, length, name, sizeof(name) - 1);
	if (!start)
		return length;
	const char *stop = skip_list(start + sizeof(name) - 2, text + length);
	if (!stop)
		return length;
	memmove(start, stop, (size_t)(text + length - stop));
	return length - (size_t)(stop - start);
}
