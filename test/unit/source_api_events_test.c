/*
 * Events on their way to an API server that takes them, refuses them, is busy, or is not there.
 */
#include "source/api_events.h"

#include "api_events_pace.h"
#include "api_server.h"
#include "base/memory.h"
#include "base/text.h"
#include "support.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PATH "/apis/events.k8s.io/v1/namespaces/default/events"

enum { PATIENCE_SECONDS = 60, FIRST_MS = 1, MOST_MS = 20 };

static struct event_base *base;
static struct api_server *server;
static struct api_client *client;
static struct api_events *events;
static struct text dropped; /* a line each */
static uint16_t port;

static void on_dropped(void *context, const char *sentence)
{
	(void)context;
	text_addf(&dropped, "%s\n", sentence);
}

static void start_server(uint16_t wanted)
{
	const struct api_server_options options = {.port = wanted};
	server = api_server_start(base, &options);
	ck_assert_ptr_nonnull(server);
	port = api_server_port(server);
}

static void open_events(void)
{
	struct api_access *access = memory_alloc(sizeof(*access));
	const struct api_client_options options = {.user_agent = "test"};
	const struct api_events_listener listener = {.dropped = on_dropped};
	auto_text url = {0};
	text_addf(&url, "http://127.0.0.1:%u", port);
	access->server = memory_copy_text(url.bytes);
	ck_assert_int_eq(api_client_open(base, access, &options, &client, NULL), 0);
	events = api_events_open(base, client, "n1", &listener);
	api_events_set_pace(events, FIRST_MS, MOST_MS);
}

static void set_up(void)
{
	base = event_base_new();
	start_server(0);
	open_events();
}

static void tear_down(void)
{
	api_events_close(events);
	api_client_close(client);
	api_server_stop(server);
	text_done(&dropped);
	event_base_free(base);
}

static void on_impatience(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	*(bool *)context = true;
}

static bool is_idle(void)
{
	return api_events_idle(events);
}

static void run_until(bool (*there)(void), const char *what)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	bool impatient = false;
	struct event *timer = event_new(base, -1, 0, on_impatience, &impatient);
	event_add(timer, &patience);
	while (!there() && !impatient)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(timer);
	ck_assert_msg(there(), "waited for: %s; requests so far:\n%s", what,
	              server ? api_server_requests(server) : "");
}

static void finish(void)
{
	run_until(is_idle, "nothing waits any more");
}

static void tell(const char *note)
{
	const struct api_event event = {EVENT_NORMAL, "Starting", "StartKubeProxy", note, NULL, NULL};
	api_events_tell(events, &event);
}

static void answer_with(int status, int times, int retry_after_seconds)
{
	const struct api_failure_order order = {.failure = API_FAIL_STATUS,
	                                        .times = times,
	                                        .status = status,
	                                        .retry_after_seconds = retry_after_seconds};
	api_server_fail(server, &order);
}

/* The notes of the Events that were written and the counts of their series, as "a b 2 c". */
static void written_must_be(const char *wanted)
{
	auto_text got = {0};
	char *copy = memory_copy_text(api_server_events(server));
	for (char *rest = copy, *line; (line = strsep(&rest, "\n")) && *line;) {
		json_t *event = json_loads(line, 0, NULL);
		const char *note = json_string_value(json_object_get(event, "note"));
		const json_t *count = json_object_get(json_object_get(event, "series"), "count");
		text_addf(&got, "%s%s", got.length ? " " : "", note ? note : "");
		if (count)
			text_addf(&got, "%s%d", note ? "*" : "+", (int)json_integer_value(count));
		json_decref(event);
	}
	ck_assert_texts("what was written", wanted, text_string(&got));
	free(copy);
}

static void dropped_must_be(const char *wanted)
{
	ck_assert_texts("what was dropped", wanted, text_string(&dropped));
}

START_TEST(events_are_written_one_after_the_other)
{
	const struct api_event about_service = {
	        EVENT_WARNING, "FailedToStartServiceHealthcheck", "Listen", "c", "shop", "web"};
	tell("a");
	tell("b");
	api_events_tell(events, &about_service);
	ck_assert(!api_events_idle(events));
	finish();
	written_must_be("a b c");
	dropped_must_be("");
	ck_assert_uint_eq(api_server_count_requests(server, "POST " PATH), 2);
	ck_assert_uint_eq(
	        api_server_count_requests(server, "POST /apis/events.k8s.io/v1/namespaces/shop/events"), 1);
}
END_TEST

START_TEST(a_repeat_becomes_a_series)
{
	tell("a");
	finish();
	tell("a");
	finish();
	tell("a");
	tell("a");
	finish();
	written_must_be("a +2 +3 +4");
	dropped_must_be("");
	ck_assert_uint_eq(api_server_count_requests(server, "POST "), 1);
	ck_assert_uint_eq(api_server_count_requests(server, "PATCH " PATH "/n1."), 3);
}
END_TEST

START_TEST(what_is_repeated_during_the_writing_is_not_lost)
{
	tell("a");
	tell("a");
	tell("a");
	finish();
	written_must_be("a +3");
}
END_TEST

START_TEST(a_busy_server_is_asked_again)
{
	answer_with(503, 2, 0);
	answer_with(500, 1, 0);
	answer_with(401, 1, 0);
	tell("a");
	tell("b");
	finish();
	written_must_be("a b");
	dropped_must_be("");
	ck_assert_uint_eq(api_server_count_requests(server, "POST "), 6);
}
END_TEST

START_TEST(a_server_that_says_when_is_not_asked_earlier)
{
	struct timeval before, after, passed;
	answer_with(429, 1, 1);
	tell("a");
	evutil_gettimeofday(&before, NULL);
	finish();
	evutil_gettimeofday(&after, NULL);
	evutil_timersub(&after, &before, &passed);
	written_must_be("a");
	ck_assert_int_ge(passed.tv_sec * 1000 + passed.tv_usec / 1000, 950);
}
END_TEST

START_TEST(after_a_few_tries_an_event_is_dropped_and_the_next_is_written)
{
	answer_with(503, 5, 0);
	tell("a");
	tell("b");
	finish();
	written_must_be("b");
	ck_assert_ptr_nonnull(strstr(text_string(&dropped), "Event Starting about Node n1 is not written: "));
	ck_assert_ptr_nonnull(strstr(text_string(&dropped), "the API server answered 503"));
	ck_assert_uint_eq(api_server_count_requests(server, "POST "), 6);
}
END_TEST

START_TEST(an_event_that_is_refused_is_dropped_at_once)
{
	static const int statuses[] = {403, 404, 422};
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		auto_text wanted = {0};
		text_clear(&dropped);
		answer_with(statuses[i], 1, 0);
		tell("a");
		finish();
		text_addf(&wanted, "is not written: the API server answered %d", statuses[i]);
		ck_assert_ptr_nonnull(strstr(text_string(&dropped), wanted.bytes));
		ck_assert_uint_eq(api_server_count_requests(server, "POST "), i + 1);
		ck_assert(!strstr(text_string(&dropped), "RBAC") == (statuses[i] != 403));
	}
	written_must_be("");
	tell("a");
	finish();
	written_must_be("a");
}
END_TEST

START_TEST(an_object_that_is_there_already_was_written_by_an_earlier_try)
{
	answer_with(409, 1, 0);
	tell("a");
	finish();
	dropped_must_be("");
	ck_assert_uint_eq(api_server_count_requests(server, "POST "), 1);
}
END_TEST

static bool asked_thrice(void)
{
	return api_server_count_requests(server, "POST ") >= 3;
}

START_TEST(a_lost_connection_is_tried_again)
{
	const struct api_failure_order order = {.failure = API_FAIL_REFUSE, .times = 2};
	api_server_fail(server, &order);
	tell("a");
	run_until(asked_thrice, "the third request");
	finish();
	written_must_be("a");
	dropped_must_be("");
}
END_TEST

static unsigned rounds;

static bool some_time_passed(void)
{
	return ++rounds > 100;
}

/* more failures than an event has tries. */
START_TEST(what_is_told_before_the_server_can_be_reached_waits)
{
	api_server_stop(server);
	server = NULL;
	tell("a");
	tell("b");
	rounds = 0;
	run_until(some_time_passed, "a hundred turns of the loop");
	ck_assert(!api_events_idle(events));
	dropped_must_be("");
	start_server(port);
	finish();
	written_must_be("a b");
	dropped_must_be("");
}
END_TEST

START_TEST(a_server_that_goes_away_costs_its_events_and_no_more)
{
	tell("a");
	finish();
	api_server_stop(server);
	server = NULL;
	tell("b");
	finish();
	ck_assert_ptr_nonnull(strstr(text_string(&dropped), "Event Starting about Node n1 is not written: "));
	start_server(port);
	tell("c");
	finish();
	written_must_be("c");
}
END_TEST

START_TEST(a_flood_is_bounded_and_told_once)
{
	char note[16];
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(note, sizeof(note), "%u", i);
		tell(note);
	}
	dropped_must_be("Events: more wait to be written than are kept; the oldest of them are dropped\n");
	finish();
	ck_assert_uint_eq(api_server_count_requests(server, "POST "), 256);
	ck_assert_ptr_nonnull(strstr(api_server_events(server), "\"note\":\"999\""));
}
END_TEST

static bool asked(void)
{
	return api_server_count_requests(server, "POST ") > 0;
}

START_TEST(closing_cancels_what_is_under_way)
{
	const struct api_failure_order order = {.failure = API_FAIL_SILENT, .times = 1};
	api_server_fail(server, &order);
	tell("a");
	tell("b");
	run_until(asked, "the request");
	api_events_close(events);
	events = NULL;
	dropped_must_be("");
}
END_TEST

START_TEST(closing_forgets_what_would_be_tried_again)
{
	answer_with(429, 1, 60);
	tell("a");
	run_until(asked, "the request");
	api_events_close(events);
	events = NULL;
	dropped_must_be("");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	        events_are_written_one_after_the_other,
	        a_repeat_becomes_a_series,
	        what_is_repeated_during_the_writing_is_not_lost,
	        a_busy_server_is_asked_again,
	        a_server_that_says_when_is_not_asked_earlier,
	        after_a_few_tries_an_event_is_dropped_and_the_next_is_written,
	        an_event_that_is_refused_is_dropped_at_once,
	        an_object_that_is_there_already_was_written_by_an_earlier_try,
	        a_lost_connection_is_tried_again,
	        what_is_told_before_the_server_can_be_reached_waits,
	        a_server_that_goes_away_costs_its_events_and_no_more,
	        a_flood_is_bounded_and_told_once,
	        closing_cancels_what_is_under_way,
	        closing_forgets_what_would_be_tried_again,
	};
	Suite *suite = suite_create("source: API events");
	TCase *writing = tcase_create("writing");
	tcase_add_checked_fixture(writing, set_up, tear_down);
	tcase_set_timeout(writing, 120);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(writing, tests[i]);
	suite_add_tcase(suite, writing);
	return run_suite(suite);
}
