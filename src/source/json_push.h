/*
 * Finds where JSON values end in bytes that arrive in arbitrary pieces: the events of a watch, the items of a list.
 *
 * Only brackets and strings are looked at; whether a value is well formed is for the parser that it is handed to. One
 * value is in memory at a time. What is larger than the limit is not kept: its beginning is handed over, with how
 * large it was, and what follows goes on. A value that has not ended after JSON_PUSH_ENDLESS times the limit, brackets
 * that are nested deeper than JSON_PUSH_DEPTH, NUL bytes, and anything but blanks between values are refused.
 */
#ifndef KUBE_IPVS_SOURCE_JSON_PUSH_H
#define KUBE_IPVS_SOURCE_JSON_PUSH_H

#include "base/fault.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

#define JSON_PUSH_DEPTH   256
#define JSON_PUSH_ENDLESS 4
#define JSON_PUSH_HEAD    4096 /* how much is handed over of a value that is too large */

enum json_push_mode {
	JSON_PUSH_SEQUENCE, /* one object after the other, with or without blanks between them */
	JSON_PUSH_LIST,     /* one object; each element of its "items" is a value of its own */
};

/* Above 0, with a sentence in the fault; the bytes that follow are refused as well. */
enum {
	JSON_PUSH_E_BROKEN = FAULT_REFUSED,
	JSON_PUSH_E_ENDLESS,
};

/*
 * What is told of each value. A return other than 0 ends the feeding with it. The text may be changed in place; it is
 * gone after the call.
 */
struct json_push_handler {
	void *context;
	int (*value)(void *context, char *text, size_t length);
	/* A value that is larger than the limit: its beginning, and how large it was. */
	int (*oversized)(void *context, const char *head, size_t head_length, size_t length);
	/* JSON_PUSH_LIST: what is left of the object, its items taken out. Told by json_push_end. */
	int (*rest)(void *context, const char *text, size_t length);
};

struct json_push {
	enum json_push_mode mode;
	struct json_push_handler handler;
	size_t limit;
	/* Below is the parser's own. */
	int state;
	int failed;
	struct text value; /* what came of the value under way, up to the limit */
	struct text rest;
	size_t value_length; /* all of it, kept or not */
	size_t depth;
	bool in_string, escaped;
	/* At depth 1 of the rest: how much of the name "items" the last string was, and whether it was that. */
	size_t string_start;
	bool items_next, items_seen;
};

void json_push_init(struct json_push *push, enum json_push_mode mode, size_t limit,
                    const struct json_push_handler *handler);
void json_push_done(struct json_push *push);

int json_push_feed(struct json_push *push, const char *bytes, size_t length, struct fault *fault);
/* No more bytes come. Refuses an end in the middle of something. */
int json_push_end(struct json_push *push, struct fault *fault);

/* Takes `,"managedFields":[...]` out, of which nothing is ever read; returns the length that is left. */
size_t json_push_cut_managed_fields(char *text, size_t length);

#endif
