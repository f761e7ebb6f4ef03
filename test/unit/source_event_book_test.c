/*
 * Which events are kept, which are one of a series, and what is written of them.
 */
#include "event_book.h"
#include "event_object.h"
#include "support.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NODE "n1"

static struct event_book book;

static struct event_time at(int64_t ms)
{
	return (struct event_time){ms, {1795262400 + ms / 1000, ms % 1000 * 1000000 + 123456}};
}

static bool tell(const char *note, int64_t ms)
{
	const struct api_event event = {
	        .type = EVENT_NORMAL, .reason = "Starting", .action = "StartKubeProxy", .note = note};
	const struct event_time now = at(ms);
	return event_book_tell(&book, &event, &now);
}

static const struct noted_event *first(void)
{
	const struct noted_event *noted = event_book_first(&book);
	ck_assert_ptr_nonnull(noted);
	return noted;
}

static void set_up(void)
{
	book = (struct event_book){.node_name = NODE};
}

static void tear_down(void)
{
	event_book_done(&book);
}

START_TEST(events_wait_in_the_order_in_which_they_were_told)
{
	tell("a", 0);
	tell("b", 1);
	ck_assert_str_eq(first()->note, "a");
	event_book_written(&book, 1);
	ck_assert_str_eq(first()->note, "b");
	event_book_written(&book, 1);
	ck_assert_ptr_null(event_book_first(&book));
}
END_TEST

START_TEST(a_repeat_that_still_waits_is_counted_and_waits_once)
{
	tell("a", 0);
	tell("a", 5);
	tell("a", 7);
	ck_assert_uint_eq(book.queue.count, 1);
	ck_assert_uint_eq(first()->count, 3);
	ck_assert_int_eq(first()->first.ms, 0);
	ck_assert_int_eq(first()->last.ms, 7);
}
END_TEST

START_TEST(a_repeat_within_six_minutes_is_one_of_the_series)
{
	tell("a", 0);
	event_book_written(&book, 1);
	tell("a", 360000);
	ck_assert_uint_eq(first()->count, 2);
	ck_assert_uint_eq(first()->written, 1);
	event_book_written(&book, 2);
	tell("a", 720000);
	ck_assert_uint_eq(first()->count, 3);
}
END_TEST

START_TEST(a_repeat_after_six_minutes_is_a_new_event)
{
	tell("a", 0);
	char *name = strdup(first()->name);
	event_book_written(&book, 1);
	tell("a", 360001);
	ck_assert_uint_eq(first()->count, 1);
	ck_assert_uint_eq(first()->written, 0);
	ck_assert_str_ne(first()->name, name);
	ck_assert_uint_eq(book.known.count, 1);
	free(name);
}
END_TEST

START_TEST(an_event_that_waits_longer_than_six_minutes_is_kept)
{
	tell("a", 0);
	tell("b", 400000);
	ck_assert_str_eq(first()->note, "a");
	ck_assert_uint_eq(book.queue.count, 2);
}
END_TEST

START_TEST(a_repeat_during_the_writing_waits_behind_the_others)
{
	tell("a", 0);
	tell("b", 0);
	tell("a", 1);
	event_book_written(&book, 1);
	ck_assert_str_eq(first()->note, "b");
	event_book_written(&book, 1);
	ck_assert_str_eq(first()->note, "a");
	ck_assert_uint_eq(first()->written, 1);
	ck_assert_uint_eq(first()->count, 2);
}
END_TEST

START_TEST(events_that_differ_in_anything_are_different)
{
	static const struct api_event events[] = {
	        {EVENT_NORMAL, "R", "A", "N", NULL, NULL},   {EVENT_WARNING, "R", "A", "N", NULL, NULL},
	        {EVENT_NORMAL, "r", "A", "N", NULL, NULL},   {EVENT_NORMAL, "R", "a", "N", NULL, NULL},
	        {EVENT_NORMAL, "R", "A", "n", NULL, NULL},   {EVENT_NORMAL, "R", "A", "N", "ns", "s"},
	        {EVENT_NORMAL, "R", "A", "N", "other", "s"}, {EVENT_NORMAL, "R", "A", "N", "ns", "t"},
	};
	const struct event_time now = at(0);
	size_t count = sizeof(events) / sizeof(*events);
	for (size_t i = 0; i < count; i++)
		event_book_tell(&book, &events[i], &now);
	ck_assert_uint_eq(book.queue.count, count);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(book.queue.items[i]->name, book.queue.items[j]->name);
}
END_TEST

START_TEST(what_was_dropped_is_new_when_it_is_told_again)
{
	tell("a", 0);
	event_book_drop(&book);
	ck_assert_ptr_null(event_book_first(&book));
	tell("a", 1);
	ck_assert_uint_eq(first()->count, 1);
	ck_assert_uint_eq(first()->written, 0);
}
END_TEST

START_TEST(a_full_queue_drops_the_oldest_but_the_one_under_way_and_says_so_once)
{
	char note[16];
	for (int i = 0; i < EVENT_QUEUE_MOST; i++) {
		snprintf(note, sizeof(note), "%d", i);
		ck_assert(!tell(note, i));
	}
	ck_assert(!tell("7", 300));
	ck_assert(tell("more", 300));
	ck_assert(!tell("and more", 300));
	ck_assert_uint_eq(book.queue.count, EVENT_QUEUE_MOST);
	ck_assert_str_eq(first()->note, "0");
	event_book_written(&book, 1);
	ck_assert_str_eq(first()->note, "3");
	while (event_book_first(&book))
		event_book_written(&book, event_book_first(&book)->count);
	for (int i = 0; i < EVENT_QUEUE_MOST; i++) {
		snprintf(note, sizeof(note), "again %d", i);
		ck_assert(!tell(note, i));
	}
	ck_assert(tell("once more", 300));
}
END_TEST

START_TEST(series_are_forgotten_before_there_are_too_many)
{
	char note[16];
	for (int i = 0; i < 2000; i++) {
		snprintf(note, sizeof(note), "%d", i);
		tell(note, i);
		event_book_written(&book, 1);
	}
	ck_assert_uint_le(book.known.count, EVENT_KNOWN_MOST + 1);
	tell("1999", 2001);
	ck_assert_uint_eq(first()->count, 2);
}
END_TEST

START_TEST(an_event_about_the_node_is_written_in_default)
{
	auto_text path = {0}, title = {0};
	tell("kube-ipvs started", 0);
	char *body = event_object_create(first(), NODE);
	ck_assert_texts("the body",
	                "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\","
	                "\"metadata\":{\"name\":\"n1.18ea0da41e9f6240\",\"namespace\":\"default\"},"
	                "\"eventTime\":\"2026-11-21T12:00:00.000123Z\","
	                "\"reportingController\":\"kube-proxy\",\"reportingInstance\":\"kube-proxy-n1\","
	                "\"action\":\"StartKubeProxy\",\"reason\":\"Starting\","
	                "\"regarding\":{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"n1\"},"
	                "\"note\":\"kube-ipvs started\",\"type\":\"Normal\"}",
	                body);
	free(body);
	event_object_path(first(), false, &path);
	ck_assert_str_eq(path.bytes, "/apis/events.k8s.io/v1/namespaces/default/events");
	event_object_title(first(), NODE, &title);
	ck_assert_str_eq(title.bytes, "Event Starting about Node n1");
}
END_TEST

START_TEST(an_event_about_a_service_is_written_beside_it)
{
	const struct api_event event = {EVENT_WARNING, "FailedToStartServiceHealthcheck",
	                                "Listen",      "port 30000 is taken",
	                                "shop",        "web"};
	const struct event_time now = at(1500);
	auto_text path = {0};
	event_book_tell(&book, &event, &now);
	event_book_tell(&book, &event, &now);
	char *body = event_object_create(first(), NODE);
	ck_assert_texts("the body",
	                "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\","
	                "\"metadata\":{\"name\":\"web.18ea0da478079140\",\"namespace\":\"shop\"},"
	                "\"eventTime\":\"2026-11-21T12:00:01.500123Z\","
	                "\"reportingController\":\"kube-proxy\",\"reportingInstance\":\"kube-proxy-n1\","
	                "\"action\":\"Listen\",\"reason\":\"FailedToStartServiceHealthcheck\","
	                "\"regarding\":{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"web\","
	                "\"namespace\":\"shop\"},"
	                "\"note\":\"port 30000 is taken\",\"type\":\"Warning\","
	                "\"series\":{\"count\":2,\"lastObservedTime\":\"2026-11-21T12:00:01.500123Z\"}}",
	                body);
	free(body);
	event_object_path(first(), true, &path);
	ck_assert_str_eq(path.bytes, "/apis/events.k8s.io/v1/namespaces/shop/events/web.18ea0da478079140");
}
END_TEST

START_TEST(a_repeat_changes_nothing_but_the_series)
{
	tell("a", 0);
	event_book_written(&book, 1);
	tell("a", 2000);
	char *body = event_object_patch(first());
	ck_assert_texts("the body",
	                "{\"series\":{\"count\":2,\"lastObservedTime\":\"2026-11-21T12:00:02.000123Z\"}}",
	                body);
	free(body);
}
END_TEST

/* The value of a text in the body that creates the first event. */
static char *created(const char *node_name, const char *field)
{
	char *body = event_object_create(first(), node_name);
	json_t *value = json_loads(body, 0, NULL);
	ck_assert_ptr_nonnull(value);
	const char *found = json_string_value(json_object_get(value, field));
	char *copy = strdup(found ? found : "(none)");
	json_decref(value);
	free(body);
	return copy;
}

START_TEST(long_texts_are_cut_to_what_the_server_takes)
{
	char note[1100], node[200];
	memset(note, 'x', sizeof(note));
	memcpy(note + EVENT_NOTE_MOST - 1, "\xc3\xa4", 2); /* one character on both sides of the limit */
	note[sizeof(note) - 1] = '\0';
	memset(node, 'n', sizeof(node));
	node[sizeof(node) - 1] = '\0';
	tell(note, 0);
	char *written = created(node, "note"), *instance = created(node, "reportingInstance");
	ck_assert_uint_eq(strlen(written), EVENT_NOTE_MOST - 1);
	ck_assert_uint_eq(strlen(instance), EVENT_INSTANCE_MOST);
	free(written);
	free(instance);
}
END_TEST

START_TEST(text_that_is_no_utf8_is_written_with_question_marks)
{
	tell("caf\xe9 is closed", 0);
	char *written = created(NODE, "note");
	ck_assert_str_eq(written, "caf? is closed");
	free(written);
}
END_TEST

START_TEST(a_long_name_is_cut_to_one_that_may_be_used)
{
	char node[EVENT_NAME_MOST + 1];
	memset(node, 'n', sizeof(node));
	node[EVENT_NAME_MOST - EVENT_NAME_NUMBER_LENGTH - 1] = '.';
	node[EVENT_NAME_MOST - EVENT_NAME_NUMBER_LENGTH - 2] = '-';
	node[EVENT_NAME_MOST] = '\0';
	book.node_name = node;
	tell("a", 0);
	ck_assert_uint_le(strlen(first()->name), EVENT_NAME_MOST);
	const char *dot = strchr(first()->name, '.');
	ck_assert_ptr_nonnull(dot);
	ck_assert_int_eq(dot[-1], 'n');
	ck_assert_str_eq(dot, ".18ea0da41e9f6240");
}
END_TEST

START_TEST(names_in_a_path_are_escaped)
{
	const struct api_event event = {EVENT_NORMAL, "R", "A", "", "a/b?c", "x y"};
	const struct event_time now = at(0);
	auto_text path = {0};
	event_book_tell(&book, &event, &now);
	event_object_path(first(), true, &path);
	ck_assert_str_eq(path.bytes,
	                 "/apis/events.k8s.io/v1/namespaces/a%2Fb%3Fc/events/x%20y.18ea0da41e9f6240");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	        events_wait_in_the_order_in_which_they_were_told,
	        a_repeat_that_still_waits_is_counted_and_waits_once,
	        a_repeat_within_six_minutes_is_one_of_the_series,
	        a_repeat_after_six_minutes_is_a_new_event,
	        an_event_that_waits_longer_than_six_minutes_is_kept,
	        a_repeat_during_the_writing_waits_behind_the_others,
	        events_that_differ_in_anything_are_different,
	        what_was_dropped_is_new_when_it_is_told_again,
	        a_full_queue_drops_the_oldest_but_the_one_under_way_and_says_so_once,
	        series_are_forgotten_before_there_are_too_many,
	        an_event_about_the_node_is_written_in_default,
	        an_event_about_a_service_is_written_beside_it,
	        a_repeat_changes_nothing_but_the_series,
	        long_texts_are_cut_to_what_the_server_takes,
	        text_that_is_no_utf8_is_written_with_question_marks,
	        a_long_name_is_cut_to_one_that_may_be_used,
	        names_in_a_path_are_escaped,
	};
	Suite *suite = suite_create("source: event book");
	TCase *events = tcase_create("events");
	tcase_add_checked_fixture(events, set_up, tear_down);
	tcase_set_timeout(events, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(events, tests[i]);
	suite_add_tcase(suite, events);
	return run_suite(suite);
}
