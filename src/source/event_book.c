#include "event_book.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
	return text ? memory_copy_text(text) : NULL;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void noted_free(struct noted_event *noted)
{
	free(noted->reason);
	free(noted->action);
	free(noted->note);
	free(noted->service_namespace);
	free(noted->service_name);
	free(noted->name);
	free(noted);
}

void event_book_done(struct event_book *book)
{
	vector_for_each (&book->known, noted)
		noted_free(*noted);
	vector_done(&book->known);
	vector_done(&book->queue);
}

/* The name of what it is about, and a number that no other has: the time, as finely as there is. What is cut off
 * must not end in a dot or a dash, or the name would be none. */
static char *make_name(struct event_book *book, const struct api_event *event, const struct timespec *wall)
{
	auto_text name = {0};
	const char *about = event->service_name ? event->service_name : book->node_name;
	size_t length = strlen(about);
	if (length > EVENT_NAME_MOST - EVENT_NAME_NUMBER_LENGTH)
		length = EVENT_NAME_MOST - EVENT_NAME_NUMBER_LENGTH;
	while (length && (about[length - 1] == '.' || about[length - 1] == '-'))
		length--;
	uint64_t number = (uint64_t)wall->tv_sec * 1000000000u + (uint64_t)wall->tv_nsec;
	if (number <= book->last_number)
		number = book->last_number + 1;
	book->last_number = number;
	text_add_bytes(&name, about, length);
	text_addf(&name, ".%llx", (unsigned long long)number);
	return memory_copy_text(name.bytes);
}

static struct noted_event *find(const struct event_book *book, const struct api_event *event)
{
	for (size_t i = 0; i < book->known.count; i++) {
		struct noted_event *noted = book->known.items[i];
		if (noted->type == event->type && same(noted->reason, event->reason) &&
		    same(noted->action, event->action) && same(noted->note, event->note) &&
		    same(noted->service_name, event->service_name) &&
		    same(noted->service_namespace, event->service_namespace))
			return noted;
	}
	return NULL;
}

static void forget(struct event_book *book, size_t index)
{
	noted_free(book->known.items[index]);
	book->known.count--;
	memmove(book->known.items + index, book->known.items + index + 1,
	        (book->known.count - index) * sizeof(*book->known.items));
}

/* Series that ended; and of those that did not, the oldest when there are too many. */
static void forget_old(struct event_book *book, int64_t now_ms)
{
	for (size_t i = 0; i < book->known.count;) {
		const struct noted_event *noted = book->known.items[i];
		bool over = now_ms - noted->last.ms > EVENT_SERIES_MS || book->known.count > EVENT_KNOWN_MOST;
		if (over && !noted->waiting)
			forget(book, i);
		else
			i++;
	}
}

/* Takes the event at that place out of the queue. */
static struct noted_event *leave_queue(struct event_book *book, size_t index)
{
	CHECK(index < book->queue.count);
	struct noted_event *noted = book->queue.items[index];
	noted->waiting = false;
	book->queue.count--;
	memmove(book->queue.items + index, book->queue.items + index + 1,
	        (book->queue.count - index) * sizeof(*book->queue.items));
	if (!book->queue.count)
		book->overflowed = false;
	return noted;
}

static void forget_this(struct event_book *book, const struct noted_event *noted)
{
	for (size_t i = 0; i < book->known.count; i++)
		if (book->known.items[i] == noted) {
			forget(book, i);
			return;
		}
}

static void enter_queue(struct event_book *book, struct noted_event *noted)
{
	if (noted->waiting)
		return;
	noted->waiting = true;
	vector_push(&book->queue, noted);
}

static bool make_room(struct event_book *book)
{
	if (book->queue.count < EVENT_QUEUE_MOST)
		return false;
	forget_this(book, leave_queue(book, 1));
	bool first = !book->overflowed;
	book->overflowed = true;
	return first;
}

bool event_book_tell(struct event_book *book, const struct api_event *event, const struct event_time *now)
{
	forget_old(book, now->ms);
	struct noted_event *noted = find(book, event);
	bool overflowed = (!noted || !noted->waiting) && make_room(book);
	if (!noted) {
		noted = memory_alloc(sizeof(*noted));
		*noted = (struct noted_event){
		        .type = event->type,
		        .reason = copy(event->reason),
		        .action = copy(event->action),
		        .note = copy(event->note),
		        .service_namespace = copy(event->service_namespace),
		        .service_name = copy(event->service_name),
		        .name = make_name(book, event, &now->wall),
		        .first = *now,
		};
		vector_push(&book->known, noted);
	}
	noted->count += noted->count < INT32_MAX;
	noted->last = *now;
	enter_queue(book, noted);
	return overflowed;
}

struct noted_event *event_book_first(const struct event_book *book)
{
	return book->queue.count ? book->queue.items[0] : NULL;
}

void event_book_written(struct event_book *book, uint32_t count)
{
	struct noted_event *noted = leave_queue(book, 0);
	noted->written = count;
	if (noted->count > count)
		enter_queue(book, noted);
}

void event_book_drop(struct event_book *book)
{
	forget_this(book, leave_queue(book, 0));
}
