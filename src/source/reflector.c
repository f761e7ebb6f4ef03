/*
 * One request after the other: a list, streamed or in pages, then watches that each go on where the last one ended.
 *
 * Everything that happens ends in conclude(): it goes on at once, or after a wait, from where it was or from the
 * beginning. Nothing of what is in force is touched by that. A list that was begun and failed counts for nothing: the
 * next one begins anew, and only a complete one removes anything. A list in pages goes on with the page that failed.
 */
#include "reflector.h"

#include "base/memory.h"
#include "clock.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	WATCH_LEAST_S = 300,
	WATCH_SPREAD_S = 301,
	STREAM_MARGINS = 4, /* a streaming list may take so many quiet margins */
	ERROR_BODY_MOST = 65536,
	STRIKES_RELIST = 3,
};

const struct reflected reflected_kinds[OBJECT_KINDS] = {
        [KIND_SERVICE] = {"Services", "Service", "v1", "", "services", "/api/v1/services",
                          "labelSelector=%21service.kubernetes.io%2Fservice-proxy-name"
                          "&fieldSelector=spec.clusterIP%21%3DNone",
                          .namespaced = true},
        [KIND_SLICE] = {"EndpointSlices", "EndpointSlice", "discovery.k8s.io/v1", "discovery.k8s.io",
                        "endpointslices", "/apis/discovery.k8s.io/v1/endpointslices",
                        "labelSelector=%21service.kubernetes.io%2Fheadless", .namespaced = true},
        [KIND_NODE] = {"Node", "Node", "v1", "", "nodes", "/api/v1/nodes", "fieldSelector=metadata.name%3D",
                       .by_name = true},
};

static void start_request(struct reflector *reflector);

static uint32_t chance(void)
{
	uint32_t number = 0;
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint32_t)clock_ms();
	return number;
}

static void arm(struct event *timer, int64_t delay_ms)
{
	const struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
	event_add(timer, &delay);
}

/* ---- requests */

static void add_escaped(struct text *path, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	for (; *text; text++)
		if (strchr(plain, *text))
			text_add_char(path, *text);
		else
			text_addf(path, "%%%02X", (unsigned char)*text);
}

/* "?..." of each phase, before the selectors. */
static void add_question(const struct reflector *reflector, uint32_t watch_seconds, struct text *path)
{
	switch (reflector->phase) {
	case PHASE_STREAM:
		text_addf(path,
		          "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
		          "&allowWatchBookmarks=true&timeoutSeconds=%u&",
		          watch_seconds);
		return;
	case PHASE_PAGES:
		text_add(path, "?");
		/* Without resourceVersion=0, for which the server would send all pages at once. */
		if (!reflector->whole_list)
			text_addf(path, "limit=%u&", reflector->shared->options.page_limit);
		return;
	case PHASE_WATCH:
		text_add(path, "?watch=1&resourceVersion=");
		add_escaped(path, reflector->version);
		text_addf(path, "&allowWatchBookmarks=true&timeoutSeconds=%u&", watch_seconds);
	}
}

static void add_path(const struct reflector *reflector, uint32_t watch_seconds, struct text *path)
{
	text_add(path, reflector->row->path);
	add_question(reflector, watch_seconds, path);
	text_add(path, reflector->row->selectors);
	if (reflector->row->by_name)
		add_escaped(path, reflector->shared->options.node_name);
	if (reflector->phase == PHASE_PAGES && reflector->next_page) {
		text_add(path, "&continue=");
		add_escaped(path, reflector->next_page);
	}
}

/* ---- ends */

static void start_over(struct reflector *reflector)
{
	free(reflector->version);
	free(reflector->next_page);
	reflector->version = reflector->next_page = NULL;
	reflector->phase = reflector->no_streaming ? PHASE_PAGES : PHASE_STREAM;
}

/* When the same place fails again and again, the place may be what is wrong. */
static bool place_is_bad(const struct reflector *reflector, const struct ending *ending)
{
	const bool has_place = reflector->phase == PHASE_WATCH || reflector->next_page;
	const bool about_place = ending->reason == REASON_BROKEN || ending->reason == REASON_ENDLESS ||
	                         ending->reason == 500 || ending->reason == 504 ||
	                         ending->reason >= REASON_EVENT;
	return has_place && about_place && reflector->strikes >= STRIKES_RELIST;
}

static void try_later(struct reflector *reflector, const struct ending *ending)
{
	const int64_t wait_ms = backoff_wait(&reflector->backoff, clock_ms(), chance(), ending->asked_ms);
	/* Pages that expire while they are fetched would do so again. */
	if (ending->verdict == VERDICT_RELIST && reflector->next_page)
		reflector->whole_list = true;
	if (ending->verdict == VERDICT_RELIST || place_is_bad(reflector, ending))
		start_over(reflector);
	/* A streaming list that breaks off again and again: shorter answers may get through. */
	else if (reflector->phase == PHASE_STREAM && reflector->status == 200 &&
	         reflector->strikes >= STRIKES_RELIST)
		reflector->phase = PHASE_PAGES;
	arm(reflector->retry, wait_ms);
}

static void conclude(struct reflector *reflector, const struct ending *ending)
{
	reflector->call = NULL;
	event_del(reflector->watchdog);
	switch (ending->verdict) {
	case VERDICT_PAGES:
		/* Who may not watch may still be allowed to list. */
		reflector->no_streaming = ending->reason != 403;
		reflector->phase = PHASE_PAGES;
		start_request(reflector);
		return;
	case VERDICT_RETRY:
	case VERDICT_RELIST:
		reflector_tell_trouble(reflector, ending);
		try_later(reflector, ending);
		return;
	case VERDICT_NONE:
	case VERDICT_GO_ON:
		start_request(reflector);
	}
}

/* A watch that ends as soon as it begins, asked for again at once, would be a storm. */
static bool is_short(const struct reflector *reflector, enum phase before)
{
	return before == PHASE_WATCH && clock_ms() - reflector->started_ms < reflector->backoff.first_ms;
}

static void on_ended(void *context, const struct api_end *end)
{
	struct reflector *reflector = context;
	const enum phase before = reflector->phase;
	struct ending ending = reflector_judge(reflector, end);
	if (ending.verdict == VERDICT_GO_ON && is_short(reflector, before)) {
		ending_fill(reflector, VERDICT_RETRY, REASON_SHORT,
		            "the API server ends each watch as soon as it has begun");
		ending = reflector->own;
		ending.usual = true;
	}
	conclude(reflector, &ending);
}

/* ---- what comes of a call */

static void on_began(void *context, int status)
{
	struct reflector *reflector = context;
	reflector->status = status;
	if (status != 200)
		return;
	reflector_begin_answer(reflector);
	if (reflector->phase == PHASE_STREAM || (reflector->phase == PHASE_PAGES && !reflector->next_page))
		reflector_begin_list(reflector);
	if (reflector->phase == PHASE_WATCH)
		arm(reflector->watchdog, reflector->backoff.first_ms);
}

static void keep_error_body(struct reflector *reflector, const char *bytes, size_t length)
{
	const size_t room = ERROR_BODY_MOST - reflector->error_body.length;
	text_add_bytes(&reflector->error_body, bytes, length < room ? length : room);
}

/* The initial events may pause, but neither for long nor again and again. */
static void wait_for_stream(struct reflector *reflector)
{
	const int64_t margin_ms = reflector->shared->options.quiet_margin_ms;
	const int64_t left_ms = reflector->started_ms + STREAM_MARGINS * margin_ms - clock_ms();
	if (reflector->phase != PHASE_STREAM)
		event_del(reflector->watchdog);
	else
		arm(reflector->watchdog, left_ms < 0 ? 0 : left_ms < margin_ms ? left_ms : margin_ms);
}

static int on_received(void *context, const char *bytes, size_t length)
{
	struct reflector *reflector = context;
	if (reflector->status != 200) {
		keep_error_body(reflector, bytes, length);
		return 0;
	}
	const bool streaming = reflector->phase == PHASE_STREAM;
	int r = reflector_read(reflector, bytes, length);
	if (streaming)
		wait_for_stream(reflector);
	return r;
}

/*
 * A streaming list that does not end: a server that knows sendInitialEvents no more than any other word, and answers
 * with an ordinary watch, whose events look the same but for the bookmark behind the first ones.
 */
static void give_up_stream(struct reflector *reflector)
{
	api_call_cancel(reflector->call);
	if (reflector->status == 200)
		ending_fill(reflector, VERDICT_PAGES, 0, "the streaming list does not end");
	else
		ending_fill(reflector, VERDICT_RETRY, -ETIMEDOUT, "%s does not answer",
		            api_client_server(reflector->shared->client));
	const struct ending ending = reflector->own;
	conclude(reflector, &ending);
}

static void on_watchdog(evutil_socket_t fd, short what, void *context)
{
	struct reflector *reflector = context;
	(void)fd;
	(void)what;
	if (!reflector->call)
		return;
	if (reflector->phase == PHASE_STREAM)
		give_up_stream(reflector);
	else
		reflector_is_well(reflector);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	start_request(context);
}

void reflector_is_well(struct reflector *reflector)
{
	const struct api_source_listener *listener = &reflector->shared->listener;
	reflector->strikes = 0;
	if (!reflector->failing)
		return;
	reflector->failing = false;
	listener->recovered(listener->context, reflector->row->subject);
}

/* ---- life */

static void start_request(struct reflector *reflector)
{
	const struct api_source_options *options = &reflector->shared->options;
	const bool list = reflector->phase == PHASE_PAGES;
	const uint32_t seconds =
	        options->watch_seconds ? options->watch_seconds : WATCH_LEAST_S + chance() % WATCH_SPREAD_S;
	auto_text path = {0};
	add_path(reflector, seconds, &path);
	const struct api_request request = {
	        .method = "GET",
	        .path = text_string(&path),
	        .is_watch = !list,
	        .quiet_limit_ms = options->quiet_margin_ms + (list ? 0 : 1000 * (int64_t)seconds),
	};
	const struct api_handler handler = {
	        .context = reflector, .began = on_began, .received = on_received, .ended = on_ended};
	text_done(&reflector->error_body);
	reflector->own = (struct ending){0};
	reflector->status = 0;
	reflector->started_ms = clock_ms();
	if (reflector->phase == PHASE_STREAM)
		arm(reflector->watchdog, options->quiet_margin_ms);
	reflector->call = api_client_start(reflector->shared->client, &request, &handler);
}

void reflector_init(struct reflector *reflector, struct reflector_shared *shared, enum object_kind kind)
{
	*reflector = (struct reflector){
	        .shared = shared,
	        .kind = kind,
	        .row = &reflected_kinds[kind],
	        .no_streaming = shared->options.no_streaming_lists,
	};
	backoff_init(&reflector->backoff, shared->options.backoff_first_ms, shared->options.backoff_most_ms);
	decoder_init(&reflector->decoder, &reflector->decoded, &reflector->fault);
	reflector->retry = evtimer_new(shared->base, on_retry, reflector);
	reflector->watchdog = evtimer_new(shared->base, on_watchdog, reflector);
}

void reflector_start(struct reflector *reflector)
{
	start_over(reflector);
	start_request(reflector);
}

void reflector_done(struct reflector *reflector)
{
	if (reflector->call)
		api_call_cancel(reflector->call);
	if (reflector->retry)
		event_free(reflector->retry);
	if (reflector->watchdog)
		event_free(reflector->watchdog);
	json_push_done(&reflector->push);
	text_done(&reflector->error_body);
	decoded_done(&reflector->decoded);
	decoder_done(&reflector->decoder);
	free(reflector->version);
	free(reflector->next_page);
}
