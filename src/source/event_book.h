/*
 * The events that were told: what waits to be written, and what was written lately, so that a repeat becomes one more
 * of a series (R14.17) and not a new object.
 *
 * Times are given, nothing here asks a clock. The first of the queue may be under way; it is never dropped for room.
 */
#ifndef KUBE_IPVS_SOURCE_EVENT_BOOK_H
#define KUBE_IPVS_SOURCE_EVENT_BOOK_H

#include "base/vector.h"
#include "source/api_events.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
	EVENT_QUEUE_MOST = 256,
	EVENT_KNOWN_MOST = 512,            /* those that wait included */
	EVENT_SERIES_MS = 6 * 60 * 1000,   /* so long after the last one a repeat is one of the series */
	EVENT_NAME_MOST = 253,             /* a DNS subdomain */
	EVENT_NAME_NUMBER_LENGTH = 1 + 16, /* ".0123456789abcdef" */
};

/* Where in time something was told. */
struct event_time {
	int64_t ms;           /* on a clock that does not jump */
	struct timespec wall; /* for people */
};

struct noted_event {
	/* What makes two of them the same; owned. */
	enum event_type type;
	char *reason, *action, *note;
	char *service_namespace, *service_name; /* NULL: the Node */
	char *name;                             /* of the object */
	struct event_time first, last;
	uint32_t count;
	uint32_t written; /* the count that the server knows; 0: it has no object yet */
	bool waiting;     /* in the queue */
};

struct event_book {
	const char *node_name; /* borrowed */
	/* In the order in which they were first told. */
	vector_of(struct noted_event *) known;
	vector_of(struct noted_event *) queue;
	uint64_t last_number;
	bool overflowed; /* something was dropped since the queue was empty last */
};

void event_book_done(struct event_book *book);
/* True: an event had to be dropped for it, for the first time since the queue was empty. */
bool event_book_tell(struct event_book *book, const struct api_event *event, const struct event_time *now);
/* NULL: nothing waits. */
struct noted_event *event_book_first(const struct event_book *book);
/* The first was written with this count. What was told meanwhile makes it wait again, behind the others. */
void event_book_written(struct event_book *book, uint32_t count);
/* The first will not be written; a repeat of it is a new event. */
void event_book_drop(struct event_book *book);

#endif
