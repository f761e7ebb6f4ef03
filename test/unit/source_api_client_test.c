/*
 * Requests to a real server over loopback: what is sent, how calls end, limits, cancelling.
 */
#include "source_client.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct api_test test;

static void setup(void)
{
	api_test_init(&test);
}

static void teardown(void)
{
	api_test_done(&test);
}

static void serve_plain(void)
{
	api_test_serve(&test, NULL, false, NULL);
	api_test_open(&test, api_test_access(&test, NULL), NULL);
}

START_TEST(an_answer_begins_comes_and_ends)
{
	serve_plain();
	api_test_get(&test, "/hello");
	ck_assert_str_eq(text_string(&test.told), "began 200\nended 200\n");
	ck_assert_str_eq(text_string(&test.body), "hello");
	ck_assert_int_eq(test.error, 0);
	ck_assert_int_eq(test.retry_after_ms, -1);
	ck_assert_uint_eq(api_test_count(&test, "GET /hello\n"), 1);
	ck_assert_uint_eq(api_test_count(&test, "User-Agent: kube-ipvs/test\n"), 1);
	ck_assert_uint_eq(api_test_count(&test, "Accept: application/json\n"), 1);
	ck_assert_uint_eq(api_test_count(&test, "Authorization"), 0);
}
END_TEST

START_TEST(a_status_that_is_no_success_is_still_an_answer)
{
	serve_plain();
	api_test_get(&test, "/nowhere");
	ck_assert_int_eq(test.error, 0);
	ck_assert_int_eq(test.status, 404);
	ck_assert_str_eq(text_string(&test.body), "no such path");
}
END_TEST

START_TEST(requests_one_after_the_other_share_a_connection)
{
	serve_plain();
	for (int i = 0; i < 5; i++)
		api_test_get(&test, "/hello");
	ck_assert_uint_eq(web_server_count_connections(test.server), 1);
}
END_TEST

START_TEST(a_packed_answer_is_unpacked)
{
	serve_plain();
	api_test_get(&test, "/packed");
	ck_assert_str_eq(text_string(&test.body), "packed well");
}
END_TEST

START_TEST(packing_is_not_asked_for_where_the_kubeconfig_disables_it)
{
	api_test_serve(&test, NULL, false, NULL);
	struct api_access *access = api_test_access(&test, NULL);
	access->plain_answers = true;
	api_test_open(&test, access, NULL);
	api_test_get(&test, "/packed");
	ck_assert_str_eq(text_string(&test.body), "not packed");
}
END_TEST

START_TEST(an_answer_that_cannot_be_unpacked_is_an_error)
{
	serve_plain();
	api_test_get(&test, "/badly-packed");
	ck_assert_int_eq(test.error, -EBADMSG);
	ck_assert_ptr_nonnull(strstr(text_string(&test.sentence), "the packed answer cannot be unpacked"));
}
END_TEST

START_TEST(an_answer_that_breaks_off_is_an_error)
{
	serve_plain();
	api_test_get(&test, "/half");
	ck_assert_int_eq(test.error, -ECONNRESET);
	ck_assert_int_eq(test.status, 200);
	ck_assert_str_eq(text_string(&test.body), "half of it");
	ck_assert_ptr_nonnull(strstr(text_string(&test.sentence), ": the answer broke off"));
}
END_TEST

START_TEST(a_body_is_sent_with_its_type)
{
	serve_plain();
	const struct api_request request = {.method = "PATCH",
	                                    .path = "/hello",
	                                    .body = "{\"a\":1} and more",
	                                    .body_length = 7,
	                                    .content_type = "application/merge-patch+json"};
	api_test_request(&test, &request);
	api_test_finish(&test);
	ck_assert_int_eq(test.status, 200);
	ck_assert_uint_eq(api_test_count(&test, "PATCH /hello\n"), 1);
	ck_assert_uint_eq(api_test_count(&test, "Content-Type: application/merge-patch+json\n"), 1);
	ck_assert_uint_eq(api_test_count(&test, "body {\"a\":1}\n"), 1);
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
	serve_plain();
	api_test_get(&test, "/elsewhere");
	ck_assert_int_eq(test.status, 302);
	ck_assert_uint_eq(api_test_count(&test, "GET /hello\n"), 0);
}
END_TEST

START_TEST(the_server_says_when_to_come_again)
{
	serve_plain();
	api_test_get(&test, "/busy");
	ck_assert_int_eq(test.status, 429);
	ck_assert_int_eq(test.retry_after_ms, 7000);
	api_test_get(&test, "/busy-until");
	ck_assert_int_eq(test.status, 503);
	ck_assert_int_gt(test.retry_after_ms, 0);
	ck_assert_int_le(test.retry_after_ms, 100000);
}
END_TEST

START_TEST(a_prefix_of_the_server_goes_before_the_path)
{
	api_test_serve(&test, NULL, false, NULL);
	struct api_access *access = api_test_access(&test, NULL);
	access->server = realloc(access->server, strlen(access->server) + 20);
	strcat(access->server, "/k8s/clusters/c1");
	api_test_open(&test, access, NULL);
	api_test_get(&test, "/api/v1/services?watch=1");
	ck_assert_uint_eq(api_test_count(&test, "GET /k8s/clusters/c1/api/v1/services?watch=1\n"), 1);
}
END_TEST

START_TEST(an_ipv6_server_is_reached)
{
	api_test_serve(&test, "::1", false, NULL);
	api_test_open(&test, api_test_access(&test, "[::1]"), NULL);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
}
END_TEST

START_TEST(a_refused_connection_is_told_with_the_server_in_front)
{
	char wanted[128];
	api_test_serve(&test, NULL, false, NULL);
	struct api_access *access = api_test_access(&test, NULL);
	web_server_stop(test.server);
	test.server = NULL;
	api_test_open(&test, access, NULL);
	api_test_get(&test, "/hello");
	snprintf(wanted, sizeof(wanted), "%s: Connection refused", api_client_server(test.client));
	ck_assert_int_eq(test.error, -ECONNREFUSED);
	ck_assert_int_eq(test.status, 0);
	ck_assert_str_eq(text_string(&test.sentence), wanted);
}
END_TEST

START_TEST(a_server_that_says_nothing_is_given_up)
{
	serve_plain();
	const struct api_request request = {.method = "GET", .path = "/silence", .quiet_limit_ms = 50};
	api_test_request(&test, &request);
	api_test_finish(&test);
	ck_assert_int_eq(test.error, -ETIMEDOUT);
	ck_assert_int_eq(test.status, 0);
	ck_assert_ptr_nonnull(strstr(text_string(&test.sentence), ": no answer came within 0.05 s"));
}
END_TEST

START_TEST(an_answer_that_stalls_is_given_up_and_new_requests_use_another_connection)
{
	serve_plain();
	const struct api_request request = {.method = "GET", .path = "/stall", .quiet_limit_ms = 50};
	api_test_request(&test, &request);
	api_test_finish(&test);
	ck_assert_int_eq(test.error, -ETIMEDOUT);
	ck_assert_int_eq(test.status, 200);
	ck_assert_str_eq(text_string(&test.body), "some");
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
	ck_assert_uint_eq(web_server_count_connections(test.server), 2);
}
END_TEST

START_TEST(a_call_has_a_limit_for_the_whole_of_it)
{
	serve_plain();
	const struct api_request request = {.method = "GET", .path = "/stall", .total_limit_ms = 50};
	api_test_request(&test, &request);
	api_test_finish(&test);
	ck_assert_int_eq(test.error, -ETIMEDOUT);
	ck_assert_ptr_nonnull(
	        strstr(text_string(&test.sentence), ": the answer was not complete within 0.05 s"));
}
END_TEST

static Suite *api_client_suite(void)
{
	Suite *suite = suite_create("source/api_client");
	TCase *answers = tcase_create("answers");
	tcase_set_timeout(answers, 150);
	tcase_add_checked_fixture(answers, setup, teardown);
	tcase_add_test(answers, an_answer_begins_comes_and_ends);
	tcase_add_test(answers, a_status_that_is_no_success_is_still_an_answer);
	tcase_add_test(answers, requests_one_after_the_other_share_a_connection);
	tcase_add_test(answers, a_packed_answer_is_unpacked);
	tcase_add_test(answers, packing_is_not_asked_for_where_the_kubeconfig_disables_it);
	tcase_add_test(answers, an_answer_that_cannot_be_unpacked_is_an_error);
	tcase_add_test(answers, an_answer_that_breaks_off_is_an_error);
	tcase_add_test(answers, a_body_is_sent_with_its_type);
	tcase_add_test(answers, a_redirect_is_not_followed);
	tcase_add_test(answers, the_server_says_when_to_come_again);
	tcase_add_test(answers, a_prefix_of_the_server_goes_before_the_path);
	tcase_add_test(answers, an_ipv6_server_is_reached);
	tcase_add_test(answers, a_refused_connection_is_told_with_the_server_in_front);
	tcase_add_test(answers, a_server_that_says_nothing_is_given_up);
	tcase_add_test(answers, an_answer_that_stalls_is_given_up_and_new_requests_use_another_connection);
	tcase_add_test(answers, a_call_has_a_limit_for_the_whole_of_it);
	suite_add_tcase(suite, answers);
	return suite;
}

int main(void)
{
	return run_suite(api_client_suite());
}
