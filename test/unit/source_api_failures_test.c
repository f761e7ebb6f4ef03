/*
 * Every way in which an API server can fail: it is said, it is tried again, what is in force stays, and in the end the
 * store is right (R1.6, R1.7).
 */
#include "source_follower.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SERVICES "/api/v1/services?"
#define STREAM   "services?watch=1&sendInitialEvents"
#define PAGES    "services?limit="
#define WATCH    "services?watch=1&resourceVersion="

#define THREE "default/a 10.0.0.1\ndefault/a-1 of a 2\ndefault/b 10.0.0.2\nnode n1 in z1\n"
#define FOUR  "default/a 10.0.0.1\ndefault/a-1 of a 2\ndefault/b 10.0.0.2\ndefault/c 10.0.0.3\nnode n1 in z1\n"
#define TWO   "default/a 10.0.0.1\ndefault/a-1 of a 2\nnode n1 in z1\n"

static struct follower f;

static void put_three(void)
{
	follower_put_service(&f, "a", "10.0.0.1");
	follower_put_service(&f, "b", "10.0.0.2");
	follower_put_slice(&f, "a-1", "a", 2);
	follower_put_node(&f, "n1", "z1");
}

static void setup(void)
{
	follower_init(&f);
	put_three();
}

static void teardown(void)
{
	follower_done(&f);
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void must_be_told(const char *part)
{
	ck_assert_msg(strstr(text_string(&f.told), part), "'%s' was not told, but:\n%s", part,
	              text_string(&f.told));
}

static void nothing_must_fail(void)
{
	ck_assert_msg(!strstr(text_string(&f.told), "failing"), "%s", text_string(&f.told));
}

/* Everything is listed and watched, and long enough for a watch to count as no short one. */
static void settle(void)
{
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_watches(&f);
	follower_wait_store(&f, THREE);
	follower_run(&f, 50);
}

/* ---- one table for lists and watches */

/*
 * A failure of the streaming list, of a page or of a watch, a few times; then all is well. What must be told with it.
 */
struct row {
	enum api_failure failure;
	const char *part; /* of the requests that fail */
	int status;
	size_t after_bytes;
	const char *told;
	bool quietly; /* once is too usual to be told */
};

static const struct row rows[] = {
        {API_FAIL_STATUS, STREAM, 500, 0, "Services cannot be listed: the API server answers 500", false},
        {API_FAIL_STATUS, STREAM, 503, 0, "Services cannot be listed: the API server answers 503", false},
        {API_FAIL_STATUS, STREAM, 429, 0, "Services cannot be listed: the API server answers 429", false},
        {API_FAIL_STATUS, STREAM, 401, 0,
         "Services cannot be listed: the API server does not accept our credentials (401", false},
        {API_FAIL_STATUS, PAGES, 403, 0, "Services cannot be listed: ", false},
        {API_FAIL_STATUS, PAGES, 404, 0, "Services cannot be listed: the API server answers 404", false},
        {API_FAIL_STATUS, PAGES, 504, 0, "Services cannot be listed: the API server answers 504", false},
        {API_FAIL_STATUS, WATCH, 500, 0, "Services cannot be watched: the API server answers 500", false},
        {API_FAIL_STATUS, WATCH, 503, 0, "Services cannot be watched: the API server answers 503", false},
        {API_FAIL_STATUS, WATCH, 429, 0, "Services cannot be watched: the API server answers 429", false},
        {API_FAIL_STATUS, WATCH, 401, 0,
         "Services cannot be watched: the API server does not accept our credentials", false},
        {API_FAIL_STATUS, WATCH, 403, 0, "Services cannot be watched: ", false},
        {API_FAIL_STATUS, WATCH, 400, 0, "Services cannot be watched: the API server answers 400", false},
        {API_FAIL_STATUS, WATCH, 504, 0, "Services cannot be watched: the API server answers 504", false},
        {API_FAIL_STATUS, WATCH, 410, 0, NULL, true},
        {API_FAIL_ERROR_EVENT, WATCH, 410, 0, NULL, true},
        {API_FAIL_ERROR_EVENT, WATCH, 500, 0, "Services cannot be watched: the API server answers 500",
         false},
        {API_FAIL_ERROR_EVENT, STREAM, 500, 0, "Services cannot be listed: the API server answers 500",
         false},
        {API_FAIL_REFUSE, STREAM, 0, 0, "Services cannot be listed: http://127.0.0.1", false},
        {API_FAIL_REFUSE, PAGES, 0, 0, "Services cannot be listed: http://127.0.0.1", false},
        {API_FAIL_REFUSE, WATCH, 0, 0, "Services cannot be watched: http://127.0.0.1", false},
        /* In the middle of a line, of an item, or of what surrounds them. */
        {API_FAIL_HANG_UP, STREAM, 0, 30, "Services cannot be listed: ", false},
        {API_FAIL_HANG_UP, STREAM, 0, 400, "Services cannot be listed: ", false},
        {API_FAIL_HANG_UP, PAGES, 0, 30, "Services cannot be listed: ", false},
        {API_FAIL_HANG_UP, PAGES, 0, 400, "Services cannot be listed: ", false},
        {API_FAIL_HANG_UP, WATCH, 0, 30, NULL, true},
        {API_FAIL_GARBAGE, STREAM, 0, 0,
         "Services cannot be listed: the API server's answer cannot be read: not valid JSON: '<html>", false},
        {API_FAIL_GARBAGE, PAGES, 0, 0,
         "Services cannot be listed: the API server's answer cannot be read: not valid JSON", false},
        {API_FAIL_GARBAGE, WATCH, 0, 0,
         "Services cannot be watched: the API server's answer cannot be read: not valid JSON", false},
        {API_FAIL_ENDLESS_LINE, STREAM, 0, 0,
         "Services cannot be listed: the API server's answer cannot be read: a value has not ended after",
         false},
        {API_FAIL_ENDLESS_LINE, PAGES, 0, 0,
         "Services cannot be listed: the API server's answer cannot be read: a value has not ended after",
         false},
        {API_FAIL_ENDLESS_LINE, WATCH, 0, 0,
         "Services cannot be watched: the API server's answer cannot be read: a value has not ended after",
         false},
};

static void order(const struct row *row, int times)
{
	const struct api_failure_order failure = {.failure = row->failure,
	                                          .path_part = row->part,
	                                          .times = times,
	                                          .status = row->status,
	                                          .after_bytes = row->after_bytes};
	api_server_fail(f.server, &failure);
}

static bool is_watch(const struct row *row)
{
	return strcmp(row->part, WATCH) == 0;
}

START_TEST(after_each_failure_the_store_is_right_again)
{
	const struct row *row = &rows[_i];
	f.options.no_streaming_lists = strcmp(row->part, STREAM) != 0;
	f.options.object_bytes = 10000;
	if (is_watch(row)) {
		settle();
		order(row, 2);
		api_server_end_watches(f.server);
		follower_wait_requests(&f, WATCH, 2);
	} else {
		order(row, 2);
		follower_follow(&f);
	}
	if (!row->quietly)
		follower_wait_told(&f, row->told);
	follower_wait_complete(&f);
	follower_wait_watches(&f);
	follower_put_service(&f, "c", "10.0.0.3");
	follower_wait_store(&f, FOUR);
	if (row->quietly)
		nothing_must_fail();
	else
		follower_wait_told(&f, "recovered Services\n");
	/* Told once, though it happened more than once. */
	ck_assert_uint_le(follower_count_told(&f, "failing Services"), 1);
	ck_assert_uint_le(follower_count_told(&f, "recovered Services"), 1);
	ck_assert_uint_eq(follower_count_told(&f, "complete Services"), 1);
}
END_TEST

START_TEST(while_it_fails_everything_in_force_stays)
{
	const struct row *row = &rows[_i];
	f.options.no_streaming_lists = strcmp(row->part, STREAM) != 0;
	f.options.object_bytes = 10000;
	settle();
	/* An expired watch leads to a new list, which fails. */
	if (!is_watch(row))
		follower_fail(&f, API_FAIL_STATUS, WATCH, 1, 410);
	order(row, -1);
	const size_t before = follower_requests(&f, row->part);
	api_server_delete(f.server, "Service", "default", "b");
	follower_wait_store(&f, TWO);
	api_server_compact(f.server);
	api_server_end_watches(f.server);
	/* Streaming lists that break off a third time are no longer tried. */
	follower_wait_requests(&f, row->part, before + 2);
	follower_wait_store(&f, TWO);
	/* What came meanwhile comes; what went, goes. */
	follower_put_service(&f, "b", "10.0.0.2");
	api_server_delete(f.server, "Service", "default", "a");
	api_server_clear_failures(f.server);
	follower_wait_store(&f, "default/a-1 of a 2\ndefault/b 10.0.0.2\nnode n1 in z1\n");
}
END_TEST

/* ---- relists */

START_TEST(what_vanished_is_removed_when_the_new_list_is_complete_and_not_before)
{
	/* Streamed, and when that breaks off again and again in pages; or in pages from the start. */
	const struct api_failure_order broken_stream = {
	        .failure = API_FAIL_HANG_UP, .path_part = STREAM, .times = -1, .after_bytes = 420};
	const struct api_failure_order broken_page = {
	        .failure = API_FAIL_HANG_UP, .path_part = "continue=", .times = -1, .after_bytes = 60};
	f.options.no_streaming_lists = _i;
	f.options.page_limit = 1;
	settle();
	follower_put_service(&f, "c", "10.0.0.3");
	follower_wait_store(&f, FOUR);
	follower_fail(&f, API_FAIL_STATUS, WATCH, 1, 410);
	api_server_fail(f.server, &broken_stream);
	api_server_fail(f.server, &broken_page);
	const size_t before = follower_requests(&f, "continue=");
	api_server_drop_connections(f.server);
	api_server_delete(f.server, "Service", "default", "a");
	follower_wait_requests(&f, "continue=", before + 3);
	follower_wait_store(&f, FOUR);
	api_server_clear_failures(f.server);
	follower_wait_store(&f,
	                    "default/a-1 of a 2\ndefault/b 10.0.0.2\ndefault/c 10.0.0.3\nnode n1 in z1\n");
}
END_TEST

START_TEST(an_answer_that_is_not_the_list_deletes_nothing)
{
	static const char *const bodies[] = {
	        "{}",
	        "{\"kind\":\"Status\",\"apiVersion\":\"v1\"}",
	        "{\"kind\":\"NodeList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"},"
	        "\"items\":[]}",
	        "{\"kind\":\"ServiceList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[]}",
	        "{\"kind\":\"ServiceList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"}}",
	        "{\"kind\":\"ServiceList\",\"apiVersion\":\"v2\",\"metadata\":{\"resourceVersion\":\"7\"},"
	        "\"items\":[]}",
	        "",
	};
	char path[] = "/tmp/answer-XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	dprintf(fd,
	        "GET / \n\nHTTP/1.1 200 OK\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n%s",
	        bodies[_i]);
	close(fd);
	f.options.no_streaming_lists = true;
	settle();
	const struct api_failure_order replay = {
	        .failure = API_FAIL_REPLAY, .path_part = PAGES, .times = 3, .path = path};
	follower_fail(&f, API_FAIL_STATUS, WATCH, 1, 410);
	api_server_fail(f.server, &replay);
	api_server_end_watches(f.server);
	follower_wait_told(
	        &f, "failing Services: Services cannot be listed: the API server's answer cannot be read: ");
	follower_wait_store(&f, THREE);
	follower_wait_told(&f, "recovered Services");
	follower_wait_store(&f, THREE);
	unlink(path);
}
END_TEST

/* ---- being told to wait */

START_TEST(retry_after_is_honoured)
{
	static const int statuses[] = {429, 503};
	const struct api_failure_order busy = {.failure = API_FAIL_STATUS,
	                                       .path_part = STREAM,
	                                       .times = 1,
	                                       .status = statuses[_i],
	                                       .retry_after_seconds = 1};
	api_server_fail(f.server, &busy);
	const int64_t start = now_ms();
	follower_follow(&f);
	follower_wait_requests(&f, STREAM, 2);
	ck_assert_int_ge(now_ms() - start, 1000);
	follower_wait_complete(&f);
}
END_TEST

START_TEST(the_wait_in_a_status_object_is_honoured_too)
{
	const struct api_failure_order future = {.failure = API_FAIL_REPLAY,
	                                         .path_part = STREAM,
	                                         .times = 1,
	                                         .path = TEST_DATA
	                                         "/data/apiserver/error-504-future-version"};
	api_server_fail(f.server, &future);
	const int64_t start = now_ms();
	follower_follow(&f);
	follower_wait_requests(&f, STREAM, 2);
	ck_assert_int_ge(now_ms() - start, 1000);
	must_be_told(
	        "the API server answers 504: Timeout: Too large resource version: 99999999, current: 7521");
	follower_wait_complete(&f);
}
END_TEST

/* ---- what the operator reads */

START_TEST(a_403_says_what_is_missing_and_shows_the_rule_to_add)
{
	const struct api_failure_order forbidden = {.failure = API_FAIL_REPLAY,
	                                            .path_part = SERVICES,
	                                            .times = 2,
	                                            .path = TEST_DATA "/data/apiserver/error-403"};
	api_server_fail(f.server, &forbidden);
	follower_follow(&f);
	follower_wait_complete(&f);
	must_be_told("failing Services: Services cannot be listed: services is forbidden: User "
	             "\"system:anonymous\" "
	             "cannot list resource \"services\" in API group \"\" at the cluster scope; add this "
	             "rule to a "
	             "ClusterRole that is bound to this user:\n"
	             "- apiGroups: [\"\"]\n"
	             "  resources: [\"services\"]\n"
	             "  verbs: [\"list\", \"watch\"]\n");
}
END_TEST

START_TEST(a_403_on_endpointslices_names_their_api_group)
{
	follower_fail(&f, API_FAIL_STATUS, "endpointslices?", 2, 403);
	follower_follow(&f);
	follower_wait_complete(&f);
	must_be_told("\n- apiGroups: [\"discovery.k8s.io\"]\n  resources: [\"endpointslices\"]\n"
	             "  verbs: [\"list\", \"watch\"]\n");
}
END_TEST

START_TEST(who_may_list_but_not_watch_has_at_least_the_list)
{
	follower_fail(&f, API_FAIL_STATUS, "services?watch", -1, 403);
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
	follower_wait_told(&f, "failing Services: Services cannot be watched: ");
	api_server_clear_failures(f.server);
	follower_wait_told(&f, "recovered Services");
	follower_put_service(&f, "c", "10.0.0.3");
	follower_wait_store(&f, FOUR);
}
END_TEST

START_TEST(another_reason_is_told_and_the_same_one_is_not)
{
	follower_fail(&f, API_FAIL_STATUS, STREAM, 4, 500);
	follower_fail(&f, API_FAIL_STATUS, STREAM, 4, 503);
	follower_follow(&f);
	follower_wait_complete(&f);
	ck_assert_uint_eq(follower_count_told(&f, "failing Services"), 2);
	ck_assert_uint_eq(follower_count_told(&f, "answers 500"), 1);
	ck_assert_uint_eq(follower_count_told(&f, "answers 503"), 1);
	follower_wait_told(&f, "recovered Services");
	ck_assert_uint_eq(follower_count_told(&f, "recovered Services"), 1);
}
END_TEST

/* ---- silence */

START_TEST(a_server_that_takes_a_request_and_says_nothing_is_told_and_asked_again)
{
	f.options.quiet_margin_ms = 200;
	f.options.no_streaming_lists = _i;
	follower_fail(&f, API_FAIL_SILENT, SERVICES, 2, 0);
	follower_follow(&f);
	follower_wait_told(&f, "failing Services: Services cannot be listed: http://127.0.0.1:");
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
}
END_TEST

START_TEST(a_streaming_list_that_stalls_is_fetched_in_pages)
{
	const struct api_failure_order stall = {
	        .failure = API_FAIL_STALL, .path_part = STREAM, .times = -1, .after_bytes = 100};
	f.options.quiet_margin_ms = 1000;
	api_server_fail(f.server, &stall);
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
	ck_assert_uint_ge(follower_requests(&f, PAGES), 1);
}
END_TEST

START_TEST(a_list_that_stalls_is_asked_for_again)
{
	const struct api_failure_order stall = {
	        .failure = API_FAIL_STALL, .path_part = PAGES, .times = 1, .after_bytes = 100};
	f.options.quiet_margin_ms = 200;
	f.options.no_streaming_lists = true;
	api_server_fail(f.server, &stall);
	follower_follow(&f);
	follower_wait_told(&f, "failing Services: Services cannot be listed: ");
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
}
END_TEST

START_TEST(a_watch_that_is_silent_beyond_its_time_is_taken_up_again)
{
	f.options.watch_seconds = 1;
	f.options.quiet_margin_ms = 1000;
	const struct api_failure_order stall = {.failure = API_FAIL_STALL, .path_part = WATCH, .times = 1};
	api_server_fail(f.server, &stall);
	follower_follow(&f);
	follower_wait_told(&f, "failing Services: Services cannot be watched: ");
	follower_wait_told(&f, "recovered Services");
	follower_put_service(&f, "c", "10.0.0.3");
	follower_wait_store(&f, FOUR);
	ck_assert_uint_ge(follower_requests(&f, WATCH), 2);
}
END_TEST

START_TEST(a_watch_ends_at_its_own_time_without_a_word)
{
	f.options.watch_seconds = 1;
	follower_follow(&f);
	follower_wait_requests(&f, WATCH, 2);
	nothing_must_fail();
	ck_assert_uint_eq(follower_requests(&f, STREAM), 1);
}
END_TEST

/* ---- no storms */

START_TEST(a_server_that_ends_every_watch_at_once_meets_back_off)
{
	f.options.backoff_first_ms = 200;
	f.options.backoff_most_ms = 400;
	follower_fail(&f, API_FAIL_WATCH_ENDS, "watch=1", -1, 0);
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
	const size_t before = follower_requests(&f, WATCH);
	follower_run(&f, 1000);
	/* Evenly between nothing and 400 ms: more than 40 in a second is out of all chance. */
	ck_assert_uint_lt(follower_requests(&f, WATCH) - before, 40);
	follower_wait_told(
	        &f, "failing Services: Services cannot be watched: the API server ends each watch as soon as "
	            "it has begun\n");
	api_server_clear_failures(f.server);
	follower_wait_told(&f, "recovered Services");
	follower_put_service(&f, "c", "10.0.0.3");
	follower_wait_store(&f, FOUR);
}
END_TEST

START_TEST(a_server_that_refuses_everything_meets_back_off)
{
	f.options.backoff_first_ms = 200;
	f.options.backoff_most_ms = 400;
	follower_fail(&f, API_FAIL_STATUS, SERVICES, -1, 500);
	follower_follow(&f);
	follower_run(&f, 1000);
	ck_assert_uint_lt(follower_requests(&f, SERVICES), 40);
}
END_TEST

START_TEST(a_place_that_always_fails_is_left_for_a_new_list)
{
	settle();
	follower_fail(&f, API_FAIL_ERROR_EVENT, WATCH, 20, 500);
	api_server_end_watches(f.server);
	follower_wait_requests(&f, STREAM, 2);
	follower_wait_watches(&f);
	ck_assert_uint_lt(follower_requests(&f, WATCH), 20);
	follower_put_service(&f, "c", "10.0.0.3");
	follower_wait_store(&f, FOUR);
}
END_TEST

START_TEST(streaming_lists_that_always_break_are_replaced_by_pages)
{
	const struct api_failure_order half = {
	        .failure = API_FAIL_HANG_UP, .path_part = STREAM, .times = -1, .after_bytes = 100};
	api_server_fail(f.server, &half);
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
	ck_assert_uint_eq(follower_requests(&f, PAGES), 1);
}
END_TEST

/* ---- a server that is away */

START_TEST(nothing_is_removed_while_the_server_is_away)
{
	settle();
	follower_stop_server(&f);
	follower_wait_told(&f, "failing Services: ");
	follower_wait_told(&f, "failing EndpointSlices: ");
	follower_wait_told(&f, "failing Node: ");
	follower_run(&f, 300);
	follower_wait_store(&f, THREE);
	/* It comes back with another state. */
	follower_start_server(&f);
	follower_put_service(&f, "a", "10.0.0.1");
	follower_put_service(&f, "d", "10.0.0.4");
	follower_put_node(&f, "n1", "z1");
	api_server_compact(f.server);
	follower_wait_store(&f, "default/a 10.0.0.1\ndefault/d 10.0.0.4\nnode n1 in z1\n");
	follower_wait_told(&f, "recovered Services");
	follower_wait_told(&f, "recovered EndpointSlices");
	follower_wait_told(&f, "recovered Node");
}
END_TEST

START_TEST(a_server_that_is_away_at_the_start_is_waited_for)
{
	follower_stop_server(&f);
	follower_follow(&f);
	follower_wait_told(&f, "failing Services: Services cannot be listed: http://127.0.0.1:");
	ck_assert(!api_source_is_complete(f.source));
	follower_start_server(&f);
	put_three();
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
}
END_TEST

START_TEST(many_lost_connections_leave_no_wrong_store)
{
	char address[32];
	settle();
	for (unsigned i = 0; i < 50; i++) {
		snprintf(address, sizeof(address), "10.0.1.%u", i);
		follower_put_service(&f, "c", address);
		if (i % 3 == 0)
			api_server_delete(f.server, "Service", "default", "c");
		if (i % 7 == 0)
			api_server_compact(f.server);
		follower_run(&f, 5);
		api_server_drop_connections(f.server);
	}
	follower_put_service(&f, "c", "10.0.0.3");
	follower_wait_store(&f, FOUR);
}
END_TEST

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(*rows) };
	Suite *suite = suite_create("source: an API server that fails");
	TCase *source = tcase_create("failures");
	tcase_add_checked_fixture(source, setup, teardown);
	tcase_set_timeout(source, 120);
	tcase_add_loop_test(source, after_each_failure_the_store_is_right_again, 0, ROWS);
	tcase_add_loop_test(source, while_it_fails_everything_in_force_stays, 0, ROWS);
	tcase_add_loop_test(source, what_vanished_is_removed_when_the_new_list_is_complete_and_not_before, 0,
	                    2);
	tcase_add_loop_test(source, an_answer_that_is_not_the_list_deletes_nothing, 0, 7);
	tcase_add_loop_test(source, retry_after_is_honoured, 0, 2);
	tcase_add_test(source, the_wait_in_a_status_object_is_honoured_too);
	tcase_add_test(source, a_403_says_what_is_missing_and_shows_the_rule_to_add);
	tcase_add_test(source, a_403_on_endpointslices_names_their_api_group);
	tcase_add_test(source, who_may_list_but_not_watch_has_at_least_the_list);
	tcase_add_test(source, another_reason_is_told_and_the_same_one_is_not);
	tcase_add_loop_test(source, a_server_that_takes_a_request_and_says_nothing_is_told_and_asked_again, 0,
	                    2);
	tcase_add_test(source, a_streaming_list_that_stalls_is_fetched_in_pages);
	tcase_add_test(source, a_list_that_stalls_is_asked_for_again);
	tcase_add_test(source, a_watch_that_is_silent_beyond_its_time_is_taken_up_again);
	tcase_add_test(source, a_watch_ends_at_its_own_time_without_a_word);
	tcase_add_test(source, a_server_that_ends_every_watch_at_once_meets_back_off);
	tcase_add_test(source, a_server_that_refuses_everything_meets_back_off);
	tcase_add_test(source, a_place_that_always_fails_is_left_for_a_new_list);
	tcase_add_test(source, streaming_lists_that_always_break_are_replaced_by_pages);
	tcase_add_test(source, nothing_is_removed_while_the_server_is_away);
	tcase_add_test(source, a_server_that_is_away_at_the_start_is_waited_for);
	tcase_add_test(source, many_lost_connections_leave_no_wrong_store);
	suite_add_tcase(suite, source);
	return run_suite(suite);
}
