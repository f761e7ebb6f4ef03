/*
 * One request at a time: the first of the queue, until it is written, refused, or was tried often enough.
 *
 * While no answer ever came from the server, a connection that fails is no try: who starts before the API server can be
 * reached has not lost the event that says so.
 */
#include "source/api_events.h"

#include "api_events_pace.h"
#include "backoff.h"
#include "base/check.h"
#include "base/memory.h"
#include "clock.h"
#include "event_book.h"
#include "event_object.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TRIES_MOST = 5, ANSWER_MOST = 16384, TOTAL_LIMIT_MS = 60000 };

struct api_events {
	struct api_client *client; /* borrowed */
	struct api_events_listener listener;
	char *node_name;
	struct event_book book;
	struct api_call *call; /* NULL: none is under way */
	struct event *again;   /* pending: the first of the queue waits to be tried again */
	struct backoff backoff;
	unsigned tries;     /* of the first of the queue that count */
	uint32_t sent;      /* the count that is under way */
	bool reached;       /* an answer came, whatever it was */
	struct text answer; /* its beginning */
};

static void send_first(struct api_events *events);

static void tell_dropped(struct api_events *events, const char *sentence)
{
	if (events->listener.dropped)
		events->listener.dropped(events->listener.context, sentence);
}

/* What a Status object says; "" when the answer is none. */
static void read_message(const struct text *answer, struct text *message)
{
	json_t *status = json_loadb(text_string(answer), answer->length, 0, NULL);
	const char *said = json_string_value(json_object_get(status, "message"));
	if (said)
		text_addf(message, ": %s", said);
	json_decref(status);
}

static void drop_first(struct api_events *events, const struct api_end *end)
{
	const struct noted_event *noted = event_book_first(&events->book);
	auto_text sentence = {0};
	event_object_title(noted, events->node_name, &sentence);
	text_add(&sentence, " is not written: ");
	if (end->error)
		text_add(&sentence, end->sentence);
	else {
		text_addf(&sentence, "the API server answered %d", end->status);
		read_message(&events->answer, &sentence);
	}
	if (!end->error && end->status == 403)
		text_addf(&sentence,
		          "; allow it with the RBAC rule {apiGroups: [events.k8s.io], resources: [events], "
		          "verbs: [create, patch]}");
	event_book_drop(&events->book);
	events->tries = 0;
	tell_dropped(events, sentence.bytes);
}

static uint32_t chance(void)
{
	uint32_t number = 0;
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
		number = (uint32_t)clock_ms();
	return number;
}

/* True: it will be tried again. */
static bool try_again(struct api_events *events, const struct api_end *end)
{
	if (events->reached && ++events->tries >= TRIES_MOST)
		return false;
	int64_t wait_ms = backoff_wait(&events->backoff, clock_ms(), chance(),
	                               end->retry_after_ms > 0 ? end->retry_after_ms : 0);
	const struct timeval delay = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	event_add(events->again, &delay);
	return true;
}

/* 401: the client obtains its credentials anew for the next try. 409: somebody else changed the object just now. */
static bool may_pass(const struct api_end *end)
{
	return end->error || end->status == 401 || end->status == 408 || end->status == 409 ||
	       end->status == 429 || end->status >= 500;
}

/* 409: an earlier try arrived, only its answer was lost. */
static bool is_written(const struct api_events *events, const struct api_end *end)
{
	bool created = event_book_first(&events->book)->written == 0;
	return !end->error && ((end->status >= 200 && end->status < 300) || (created && end->status == 409));
}

static int on_received(void *context, const char *bytes, size_t length)
{
	struct api_events *events = context;
	size_t room = ANSWER_MOST - events->answer.length;
	text_add_bytes(&events->answer, bytes, length < room ? length : room);
	return 0;
}

static void on_ended(void *context, const struct api_end *end)
{
	struct api_events *events = context;
	events->call = NULL;
	events->reached |= end->status != 0;
	if (is_written(events, end)) {
		events->tries = 0;
		backoff_init(&events->backoff, events->backoff.first_ms, events->backoff.most_ms);
		event_book_written(&events->book, events->sent);
	} else if (!may_pass(end) || !try_again(events, end)) {
		drop_first(events, end);
	}
	send_first(events);
}

static void send_first(struct api_events *events)
{
	const struct noted_event *noted = event_book_first(&events->book);
	if (!noted || events->call || event_pending(events->again, EV_TIMEOUT, NULL))
		return;
	bool is_new = noted->written == 0;
	auto_text path = {0};
	char *body auto_free =
	        is_new ? event_object_create(noted, events->node_name) : event_object_patch(noted);
	event_object_path(noted, !is_new, &path);
	const struct api_request request = {
	        .method = is_new ? "POST" : "PATCH",
	        .path = path.bytes,
	        .body = body,
	        .body_length = strlen(body),
	        .content_type = is_new ? "application/json" : "application/merge-patch+json",
	        .total_limit_ms = TOTAL_LIMIT_MS,
	};
	const struct api_handler handler = {.context = events, .received = on_received, .ended = on_ended};
	events->sent = noted->count;
	text_clear(&events->answer);
	events->call = api_client_start(events->client, &request, &handler);
}

static void on_again(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	send_first(context);
}

struct api_events *api_events_open(struct event_base *base, struct api_client *client, const char *node_name,
                                   const struct api_events_listener *listener)
{
	struct api_events *events = memory_alloc(sizeof(*events));
	*events = (struct api_events){
	        .client = client,
	        .listener = *listener,
	        .node_name = memory_copy_text(node_name),
	        .again = event_new(base, -1, 0, on_again, events),
	};
	CHECK(events->again != NULL);
	events->book.node_name = events->node_name;
	api_events_set_pace(events, 0, 0);
	return events;
}

void api_events_set_pace(struct api_events *events, int64_t first_ms, int64_t most_ms)
{
	backoff_init(&events->backoff, first_ms, most_ms);
}

void api_events_close(struct api_events *events)
{
	if (!events)
		return;
	if (events->call)
		api_call_cancel(events->call);
	event_free(events->again);
	event_book_done(&events->book);
	text_done(&events->answer);
	free(events->node_name);
	free(events);
}

void api_events_tell(struct api_events *events, const struct api_event *event)
{
	struct event_time now = {.ms = clock_ms()};
	clock_gettime(CLOCK_REALTIME, &now.wall);
	if (event_book_tell(&events->book, event, &now))
		tell_dropped(events,
		             "Events: more wait to be written than are kept; the oldest of them are dropped");
	send_first(events);
}

bool api_events_idle(const struct api_events *events)
{
	return !event_book_first(&events->book);
}
