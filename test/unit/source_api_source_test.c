/*
 * List and watch against the scripted API server, as long as all goes well (R1.1-R1.8, R1.35).
 */
#include "source_follower.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICES "/api/v1/services?"
#define SLICES   "/apis/discovery.k8s.io/v1/endpointslices?"
#define NODES    "/api/v1/nodes?"
#define STREAM   "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&"
#define SERVICES_OF \
	"labelSelector=%21service.kubernetes.io%2Fservice-proxy-name&fieldSelector=spec.clusterIP%21%3DNone"

static struct follower f;

static void setup(void)
{
	follower_init(&f);
}

static void teardown(void)
{
	follower_done(&f);
}

static void put_three(void)
{
	follower_put_service(&f, "a", "10.0.0.1");
	follower_put_service(&f, "b", "10.0.0.2");
	follower_put_slice(&f, "a-1", "a", 2);
	follower_put_node(&f, "n1", "z1");
	follower_put_node(&f, "n2", "z2");
}

static void nothing_must_fail(void)
{
	ck_assert_msg(!strstr(text_string(&f.told), "failing"), "%s", text_string(&f.told));
}

#define THREE "default/a 10.0.0.1\ndefault/a-1 of a 2\ndefault/b 10.0.0.2\nnode n1 in z1\n"

START_TEST(a_streaming_list_brings_everything_with_one_request_a_kind)
{
	put_three();
	follower_follow(&f);
	ck_assert(!api_source_is_complete(f.source));
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
	ck_assert_uint_eq(follower_requests(&f, "GET"), 3);
	const char *asked = api_server_requests(f.server);
	ck_assert_ptr_nonnull(strstr(asked, "GET " SERVICES STREAM "timeoutSeconds=300&" SERVICES_OF "\n"));
	ck_assert_ptr_nonnull(strstr(asked, "GET " SLICES STREAM "timeoutSeconds=300&"
	                                    "labelSelector=%21service.kubernetes.io%2Fheadless\n"));
	ck_assert_ptr_nonnull(
	        strstr(asked, "GET " NODES STREAM "timeoutSeconds=300&fieldSelector=metadata.name%3Dn1\n"));
	nothing_must_fail();
}
END_TEST

START_TEST(a_watch_goes_on_behind_the_streaming_list_on_the_same_request)
{
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_put_service(&f, "c", "10.0.0.3");
	follower_put_slice(&f, "a-1", "a", 5);
	api_server_delete(f.server, "Service", "default", "b");
	follower_wait_store(&f,
	                    "default/a 10.0.0.1\ndefault/a-1 of a 5\ndefault/c 10.0.0.3\nnode n1 in z1\n");
	ck_assert_uint_eq(follower_requests(&f, "GET"), 3);
}
END_TEST

START_TEST(a_server_that_refuses_to_stream_is_asked_for_pages_and_not_again)
{
	follower_fail(&f, API_FAIL_NO_STREAMING, NULL, -1, _i);
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_watches(&f);
	follower_wait_store(&f, THREE);
	ck_assert_uint_eq(follower_requests(&f, "GET " SERVICES "limit=500&" SERVICES_OF), 1);
	ck_assert_uint_eq(follower_requests(&f, "sendInitialEvents"), 3);
	nothing_must_fail();
	/* A new list does not try it again. */
	follower_put_service(&f, "c", "10.0.0.3");
	api_server_compact(f.server);
	follower_fail(&f, API_FAIL_ERROR_EVENT, "services?watch", 1, 410);
	api_server_end_watches(f.server);
	follower_wait_requests(&f, SERVICES "limit=500", 2);
	ck_assert_uint_eq(follower_requests(&f, "sendInitialEvents"), 3);
}
END_TEST

START_TEST(a_server_that_does_not_know_streaming_lists_is_found_out)
{
	f.options.quiet_margin_ms = 1000;
	follower_fail(&f, API_FAIL_IGNORE_STREAMING, NULL, -1, 0);
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_watches(&f);
	follower_wait_store(&f, THREE);
	ck_assert_uint_ge(follower_requests(&f, SERVICES "limit=500"), 1);
}
END_TEST

START_TEST(streaming_lists_can_be_switched_off)
{
	f.options.no_streaming_lists = true;
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
	ck_assert_uint_eq(follower_requests(&f, "sendInitialEvents"), 0);
}
END_TEST

START_TEST(a_long_list_is_fetched_in_pages)
{
	f.options.no_streaming_lists = true;
	f.options.page_limit = 2;
	put_three();
	follower_put_service(&f, "c", "10.0.0.3");
	follower_put_service(&f, "d", "10.0.0.4");
	follower_put_service(&f, "e", "10.0.0.5");
	follower_follow(&f);
	follower_wait_complete(&f);
	ck_assert_uint_eq(follower_requests(&f, SERVICES "limit=2"), 3);
	ck_assert_uint_eq(follower_requests(&f, "continue="), 2);
	ck_assert_uint_eq(f.inlet.count[KIND_SERVICE], 5);
	follower_wait_watches(&f);
	ck_assert_uint_eq(follower_requests(&f, "continue="), 2);
}
END_TEST

START_TEST(pages_that_expire_under_way_are_listed_as_a_whole)
{
	f.options.no_streaming_lists = true;
	f.options.page_limit = 1;
	put_three();
	follower_fail(&f, API_FAIL_STATUS, "services?limit=1&" SERVICES_OF "&continue=", 1, 410);
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
	ck_assert_uint_eq(follower_requests(&f, "GET " SERVICES SERVICES_OF), 1);
	nothing_must_fail();
}
END_TEST

START_TEST(a_page_that_failed_is_asked_for_again_and_not_the_whole_list)
{
	f.options.no_streaming_lists = true;
	f.options.page_limit = 1;
	put_three();
	follower_fail(&f, API_FAIL_STATUS, "services?limit=1&" SERVICES_OF "&continue=", 1, 500);
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
	ck_assert_uint_eq(follower_requests(&f, SERVICES "limit=1&" SERVICES_OF), 3);
	ck_assert_uint_eq(follower_requests(&f, SERVICES "limit=1&" SERVICES_OF "&continue="), 2);
}
END_TEST

START_TEST(a_watch_that_ended_goes_on_where_it_was)
{
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_run(&f, 50); /* so that the watches are not short ones */
	follower_put_service(&f, "c", "10.0.0.3");
	follower_wait_told(&f, "complete Node");
	follower_run(&f, 20);
	api_server_end_watches(f.server);
	follower_wait_requests(&f, SERVICES "watch=1&resourceVersion=", 1);
	follower_wait_watches(&f);
	follower_put_service(&f, "d", "10.0.0.4");
	follower_wait_store(&f, "default/a 10.0.0.1\ndefault/a-1 of a 2\ndefault/b 10.0.0.2\ndefault/c "
	                        "10.0.0.3\ndefault/d 10.0.0.4\nnode n1 in z1\n");
	ck_assert_uint_eq(follower_requests(&f, "sendInitialEvents"), 3);
	ck_assert_uint_eq(follower_requests(&f, "limit="), 0);
	nothing_must_fail();
}
END_TEST

/* Where the first watch of this kind that goes on did so. */
static unsigned long resumed_at(const char *path)
{
	auto_text part = {0};
	text_addf(&part, "%swatch=1&resourceVersion=", path);
	follower_wait_requests(&f, text_string(&part), 1);
	return strtoul(strstr(api_server_requests(f.server), text_string(&part)) + part.length, NULL, 10);
}

START_TEST(a_bookmark_moves_the_place_where_the_watch_goes_on)
{
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	/* Versions go up, and no Service has changed. */
	for (unsigned i = 0; i < 90; i++)
		follower_put_slice(&f, "a-1", "a", i + 1);
	follower_wait_store(&f,
	                    "default/a 10.0.0.1\ndefault/a-1 of a 90\ndefault/b 10.0.0.2\nnode n1 in z1\n");
	if (_i)
		api_server_bookmark(f.server);
	follower_run(&f, 100);
	api_server_end_watches(f.server);
	unsigned long services = resumed_at(SERVICES), slices = resumed_at(SLICES);
	ck_assert_uint_gt(services, 0);
	if (_i)
		ck_assert_uint_eq(services, slices);
	else
		ck_assert_uint_ge(slices, services + 90);
}
END_TEST

START_TEST(a_kind_is_complete_only_after_its_objects_and_the_source_after_both)
{
	put_three();
	follower_fail(&f, API_FAIL_STATUS, "services?", 5, 500);
	follower_follow(&f);
	follower_wait_told(&f, "complete EndpointSlices");
	ck_assert(!api_source_is_complete(f.source));
	ck_assert_ptr_null(strstr(text_string(&f.told), "complete Services"));
	follower_wait_complete(&f);
	follower_wait_store(&f, THREE);
	ck_assert_uint_eq(follower_count_told(&f, "complete "), 3);
}
END_TEST

START_TEST(an_empty_cluster_is_complete_too)
{
	f.options.no_streaming_lists = _i;
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, "");
	ck_assert_ptr_null(strstr(text_string(&f.told), "node"));
}
END_TEST

START_TEST(the_store_is_told_once_for_a_batch_and_not_for_each_object)
{
	char name[32];
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		follower_put_service(&f, name, "10.0.0.9");
	}
	follower_follow(&f);
	follower_wait_complete(&f);
	ck_assert_uint_eq(f.inlet.count[KIND_SERVICE], 300);
	ck_assert_uint_ge(f.changed, 1);
	ck_assert_uint_lt(f.changed, 100);
}
END_TEST

START_TEST(a_service_that_leaves_the_selection_is_deleted_and_comes_back)
{
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	api_server_put(
	        f.server,
	        "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"b\",\"namespace\":"
	        "\"default\",\"labels\":{\"service.kubernetes.io/service-proxy-name\":\"\"}},\"spec\":{"
	        "\"clusterIP\":\"10.0.0.2\",\"clusterIPs\":[\"10.0.0.2\"],\"ports\":[{\"port\":80}]}}");
	follower_wait_store(&f, "default/a 10.0.0.1\ndefault/a-1 of a 2\nnode n1 in z1\n");
	follower_put_service(&f, "b", "10.0.0.2");
	follower_wait_store(&f, THREE);
}
END_TEST

START_TEST(the_last_object_of_a_deleted_node_stays_in_use)
{
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	ck_assert_uint_eq(follower_count_told(&f, "node told\n"), 1);
	api_server_delete(f.server, "Node", NULL, "n1");
	follower_wait_told(&f, "node deleted\n");
	follower_wait_store(&f, THREE);
	follower_put_node(&f, "n1", "z1");
	follower_run(&f, 100);
	ck_assert_uint_eq(follower_count_told(&f, "node told\n"), 2);
	follower_put_node(&f, "n1", "z3");
	follower_wait_store(&f,
	                    "default/a 10.0.0.1\ndefault/a-1 of a 2\ndefault/b 10.0.0.2\nnode n1 in z3\n");
	ck_assert_uint_eq(follower_count_told(&f, "node told\n"), 3);
	ck_assert_uint_eq(follower_count_told(&f, "node deleted\n"), 1);
}
END_TEST

START_TEST(a_node_that_is_not_in_a_new_list_is_deleted_and_stays_in_use)
{
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_run(&f, 50);
	follower_fail(&f, API_FAIL_REFUSE, "nodes?", 3, 0);
	api_server_end_watches(f.server);
	api_server_delete(f.server, "Node", NULL, "n1");
	follower_put_node(&f, "n2", "z9");
	api_server_compact(f.server);
	follower_wait_told(&f, "node deleted\n");
	follower_wait_store(&f, THREE);
}
END_TEST

START_TEST(unset_options_have_the_documented_defaults)
{
	f.options = (struct api_source_options){.node_name = "node/1", .no_streaming_lists = true};
	put_three();
	follower_follow(&f);
	follower_wait_complete(&f);
	ck_assert_uint_eq(follower_requests(&f, SERVICES "limit=500&"), 1);
	ck_assert_uint_eq(follower_requests(&f, "limit=500&fieldSelector=metadata.name%3Dnode%2F1"), 1);
	follower_wait_requests(&f, SERVICES "watch=1", 1);
	const char *seconds =
	        strstr(strstr(api_server_requests(f.server), SERVICES "watch=1"), "timeoutSeconds=");
	int asked = atoi(seconds + strlen("timeoutSeconds="));
	ck_assert_int_ge(asked, 300);
	ck_assert_int_le(asked, 600);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: list and watch");
	TCase *source = tcase_create("list and watch");
	tcase_add_checked_fixture(source, setup, teardown);
	tcase_set_timeout(source, 120);
	tcase_add_test(source, a_streaming_list_brings_everything_with_one_request_a_kind);
	tcase_add_test(source, a_watch_goes_on_behind_the_streaming_list_on_the_same_request);
	tcase_add_loop_test(source, a_server_that_refuses_to_stream_is_asked_for_pages_and_not_again, 0, 1);
	tcase_add_loop_test(source, a_server_that_refuses_to_stream_is_asked_for_pages_and_not_again, 400,
	                    401);
	tcase_add_test(source, a_server_that_does_not_know_streaming_lists_is_found_out);
	tcase_add_test(source, streaming_lists_can_be_switched_off);
	tcase_add_test(source, a_long_list_is_fetched_in_pages);
	tcase_add_test(source, pages_that_expire_under_way_are_listed_as_a_whole);
	tcase_add_test(source, a_page_that_failed_is_asked_for_again_and_not_the_whole_list);
	tcase_add_test(source, a_watch_that_ended_goes_on_where_it_was);
	/* 0: without a bookmark, to see that it is the bookmark that does it. */
	tcase_add_loop_test(source, a_bookmark_moves_the_place_where_the_watch_goes_on, 0, 2);
	tcase_add_test(source, a_kind_is_complete_only_after_its_objects_and_the_source_after_both);
	tcase_add_loop_test(source, an_empty_cluster_is_complete_too, 0, 2);
	tcase_add_test(source, the_store_is_told_once_for_a_batch_and_not_for_each_object);
	tcase_add_test(source, a_service_that_leaves_the_selection_is_deleted_and_comes_back);
	tcase_add_test(source, the_last_object_of_a_deleted_node_stays_in_use);
	tcase_add_test(source, a_node_that_is_not_in_a_new_list_is_deleted_and_stays_in_use);
	tcase_add_test(source, unset_options_have_the_documented_defaults);
	suite_add_tcase(suite, source);
	return run_suite(suite);
}
