/*
 * Requests to a real server over loopback: what is sent, how calls end, limits, cancelling.
 */
#include "source_client.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
	const struct api_request request = {.method = "GET", .path = "/stall", .quiet_limit_ms = 2000};
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

START_TEST(requests_that_are_no_watch_are_counted_against_the_rate)
{
	/* One more in 1,000 s: who starts has not waited for time. */
	const struct api_client_options options = {.user_agent = "test", .qps = 0.001, .burst = 3};
	api_test_serve(&test, NULL, false, NULL);
	api_test_open(&test, api_test_access(&test, NULL), &options);
	for (int i = 0; i < 6; i++)
		api_test_ask(&test, "/hello");
	while (test.running > 3)
		api_test_turn(&test);
	const struct api_request watch = {.method = "GET", .path = "/packed", .is_watch = true};
	api_test_request(&test, &watch);
	while (test.running > 3)
		api_test_turn(&test);
	ck_assert_uint_eq(api_test_count(&test, "GET /hello\n"), 3);
	ck_assert_uint_eq(api_test_count(&test, "GET /packed\n"), 1);
}
END_TEST

START_TEST(requests_beyond_the_rate_start_later)
{
	const struct api_client_options options = {.user_agent = "test", .qps = 200, .burst = 1};
	api_test_serve(&test, NULL, false, NULL);
	api_test_open(&test, api_test_access(&test, NULL), &options);
	for (int i = 0; i < 6; i++)
		api_test_ask(&test, "/hello");
	api_test_finish(&test);
	ck_assert_uint_eq(api_test_count(&test, "GET /hello\n"), 6);
}
END_TEST

START_TEST(without_a_rate_all_requests_start_at_once)
{
	serve_plain();
	for (int i = 0; i < 20; i++)
		api_test_ask(&test, "/hello");
	api_test_finish(&test);
	ck_assert_uint_eq(api_test_count(&test, "GET /hello\n"), 20);
}
END_TEST

/* ---- cancelling: calls whose handlers do something to themselves or to each other */

enum moment { IN_BEGAN, IN_RECEIVED, IN_ENDED };
enum deed { CANCEL_SELF, CANCEL_OTHER, START_ANOTHER, GIVE_UP, CLOSE_CLIENT };

struct actor {
	enum moment moment;
	enum deed deed;
	struct api_call *self, *other;
	int began, received, ended, error;
};

static int act(struct actor *actor, enum moment moment)
{
	if (moment != actor->moment)
		return 0;
	if (actor->deed == CANCEL_SELF)
		api_call_cancel(actor->self);
	if (actor->deed == CANCEL_OTHER)
		api_call_cancel(actor->other);
	if (actor->deed == START_ANOTHER)
		api_test_ask(&test, "/packed");
	if (actor->deed == CLOSE_CLIENT) {
		api_client_close(test.client);
		test.client = NULL;
	}
	return actor->deed == GIVE_UP ? -E2BIG : 0;
}

static void actor_began(void *context, int status)
{
	struct actor *actor = context;
	ck_assert_int_eq(status, 200);
	actor->began++;
	act(actor, IN_BEGAN);
}

static int actor_received(void *context, const char *bytes, size_t length)
{
	struct actor *actor = context;
	(void)bytes;
	(void)length;
	actor->received++;
	return act(actor, IN_RECEIVED);
}

static void actor_ended(void *context, const struct api_end *end)
{
	struct actor *actor = context;
	actor->ended++;
	actor->error = end->error;
	act(actor, IN_ENDED);
}

static void start_actor(struct actor *actor, const char *path)
{
	const struct api_handler handler = {
	        .context = actor, .began = actor_began, .received = actor_received, .ended = actor_ended};
	const struct api_request request = {.method = "GET", .path = path};
	actor->self = api_client_start(test.client, &request, &handler);
}

START_TEST(a_call_can_be_cancelled_from_its_own_callbacks)
{
	for (enum moment moment = IN_BEGAN; moment <= IN_RECEIVED; moment++) {
		struct actor actor = {.moment = moment, .deed = CANCEL_SELF};
		api_test_init(&test);
		serve_plain();
		start_actor(&actor, "/hello");
		while (!actor.began || (moment == IN_RECEIVED && !actor.received))
			api_test_turn(&test);
		api_test_get(&test, "/hello");
		ck_assert_int_eq(test.status, 200);
		ck_assert_int_eq(actor.received, moment == IN_RECEIVED);
		ck_assert_int_eq(actor.ended, 0);
		api_test_done(&test);
	}
}
END_TEST

START_TEST(a_call_can_be_cancelled_from_callbacks_of_another)
{
	for (enum moment moment = IN_BEGAN; moment <= IN_ENDED; moment++) {
		struct actor stalled = {.moment = IN_ENDED, .deed = GIVE_UP};
		struct actor actor = {.moment = moment, .deed = CANCEL_OTHER};
		api_test_init(&test);
		serve_plain();
		start_actor(&stalled, "/stall");
		while (!stalled.received)
			api_test_turn(&test);
		actor.other = stalled.self;
		start_actor(&actor, "/hello");
		while (!actor.ended)
			api_test_turn(&test);
		ck_assert_int_eq(actor.error, 0);
		api_test_get(&test, "/hello");
		ck_assert_int_eq(stalled.ended, 0);
		api_test_done(&test);
	}
}
END_TEST

START_TEST(a_call_can_be_cancelled_before_it_runs)
{
	struct actor actor = {.moment = IN_ENDED, .deed = GIVE_UP};
	serve_plain();
	start_actor(&actor, "/hello");
	api_call_cancel(actor.self);
	api_test_get(&test, "/packed");
	ck_assert_int_eq(actor.began + actor.ended, 0);
	ck_assert_uint_eq(api_test_count(&test, "GET /hello\n"), 0);
}
END_TEST

START_TEST(a_call_can_be_started_from_every_callback)
{
	for (enum moment moment = IN_BEGAN; moment <= IN_ENDED; moment++) {
		struct actor actor = {.moment = moment, .deed = START_ANOTHER};
		api_test_init(&test);
		serve_plain();
		start_actor(&actor, "/hello");
		while (!actor.ended)
			api_test_turn(&test);
		api_test_finish(&test);
		ck_assert_str_eq(text_string(&test.body), "packed well");
		api_test_done(&test);
	}
}
END_TEST

START_TEST(a_handler_that_gives_up_ends_the_call_with_its_error)
{
	struct actor actor = {.moment = IN_RECEIVED, .deed = GIVE_UP};
	serve_plain();
	start_actor(&actor, "/stall");
	while (!actor.ended)
		api_test_turn(&test);
	ck_assert_int_eq(actor.error, -E2BIG);
}
END_TEST

START_TEST(the_client_can_be_closed_when_a_call_ended)
{
	struct actor stalled = {.moment = IN_ENDED, .deed = GIVE_UP};
	struct actor actor = {.moment = IN_ENDED, .deed = CLOSE_CLIENT};
	serve_plain();
	start_actor(&stalled, "/stall");
	start_actor(&actor, "/hello");
	while (!actor.ended)
		api_test_turn(&test);
	ck_assert_ptr_null(test.client);
	ck_assert_int_eq(stalled.ended, 0);
}
END_TEST

START_TEST(a_client_with_running_calls_can_be_closed)
{
	struct actor stalled = {.moment = IN_ENDED, .deed = GIVE_UP}, silent = stalled, fresh = stalled;
	serve_plain();
	start_actor(&stalled, "/stall");
	start_actor(&silent, "/silence");
	while (!stalled.received)
		api_test_turn(&test);
	start_actor(&fresh, "/hello");
	api_client_close(test.client);
	test.client = NULL;
	event_base_loop(test.base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(stalled.ended + silent.ended + fresh.ended, 0);
}
END_TEST

/* The daemon re-executes itself when its configuration changes; what it does not know of must not stay open. */
START_TEST(sockets_are_not_inherited)
{
	serve_plain();
	struct actor stalled = {.moment = IN_ENDED, .deed = GIVE_UP};
	start_actor(&stalled, "/stall");
	while (!stalled.received)
		api_test_turn(&test);
	for (int fd = 3; fd < 100; fd++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.ss_family == AF_INET)
			ck_assert_msg(fcntl(fd, F_GETFD) & FD_CLOEXEC, "descriptor %d", fd);
	}
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
	tcase_add_test(answers, requests_that_are_no_watch_are_counted_against_the_rate);
	tcase_add_test(answers, requests_beyond_the_rate_start_later);
	tcase_add_test(answers, without_a_rate_all_requests_start_at_once);
	tcase_add_test(answers, sockets_are_not_inherited);
	tcase_add_test(answers, a_call_can_be_cancelled_before_it_runs);
	tcase_add_test(answers, a_handler_that_gives_up_ends_the_call_with_its_error);
	tcase_add_test(answers, the_client_can_be_closed_when_a_call_ended);
	tcase_add_test(answers, a_client_with_running_calls_can_be_closed);
	suite_add_tcase(suite, answers);
	TCase *cancelling = tcase_create("cancelling");
	tcase_set_timeout(cancelling, 150);
	tcase_add_test(cancelling, a_call_can_be_cancelled_from_its_own_callbacks);
	tcase_add_test(cancelling, a_call_can_be_cancelled_from_callbacks_of_another);
	tcase_add_test(cancelling, a_call_can_be_started_from_every_callback);
	suite_add_tcase(suite, cancelling);
	return suite;
}

int main(void)
{
	return run_suite(api_client_suite());
}
