/*
 * How long a call may be silent, and how long it may take in all. curl's own low-speed limit counts whole seconds and
 * averages; a stalled watch has to be told from a quiet one exactly.
 */
#include "api_client_private.h"
#include "base/check.h"
#include "base/text.h"
#include "clock.h"

#include <errno.h>
#include <event2/event.h>

static void add_after(struct event *event, int64_t ms)
{
	const struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	event_add(event, &delay);
}

static void end_late(struct api_call *call, const char *what, int64_t limit_ms)
{
	struct text sentence = {0};
	text_addf(&sentence, "%s: %s within %g s", call->client->access->server, what,
	          (double)limit_ms / 1000);
	api_call_end(call, -ETIMEDOUT, sentence.bytes);
}

/* The connection may be dead without a word; calls that come should not find out one after the other. */
static void on_quiet(evutil_socket_t fd, short what, void *context)
{
	struct api_call *call = context;
	(void)fd;
	(void)what;
	int64_t left = call->heard_ms + call->quiet_limit_ms - clock_ms();
	if (left > 0) {
		add_after(call->quiet, left);
		return;
	}
	if (call->loop == call->client->loop)
		api_client_retire_connections(call->client);
	end_late(call, call->status ? "the answer stopped, no more bytes came" : "no answer came",
	         call->quiet_limit_ms);
}

static void on_total(evutil_socket_t fd, short what, void *context)
{
	struct api_call *call = context;
	(void)fd;
	(void)what;
	end_late(call, "the answer was not complete", call->total_limit_ms);
}

void limits_start_total(struct api_call *call)
{
	if (!call->total_limit_ms)
		return;
	call->total = event_new(call->client->base, -1, 0, on_total, call);
	CHECK(call->total);
	add_after(call->total, call->total_limit_ms);
}

void limits_start_quiet(struct api_call *call)
{
	call->heard_ms = clock_ms();
	call->quiet = event_new(call->client->base, -1, 0, on_quiet, call);
	CHECK(call->quiet);
	add_after(call->quiet, call->quiet_limit_ms);
}

void limits_stop(struct api_call *call)
{
	if (call->quiet)
		event_free(call->quiet);
	if (call->total)
		event_free(call->total);
	call->quiet = call->total = NULL;
}
