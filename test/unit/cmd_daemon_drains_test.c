/*
 * When the daemon looks at what drains, and what it does and says then.
 */
#include "daemon_fixture.h"
#include "support.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char connections[96];

static void start(const char *drain_timeout, const char *on_delete)
{
	const char *const flags[] = {"--ipvs-sync-period", "1h",      "--drain-timeout",
	                             drain_timeout,        on_delete, NULL};
	daemon_fixture_start(flags);
	daemon_open_drains(&proxy);
	proxy.drainer.look.connections_path = connections;
}

static void stop(void)
{
	daemon_close_drains(&proxy);
	daemon_fixture_stop();
}

static void set_up(void)
{
	daemon_fixture_init(LOG_LEVEL_INFO);
	fake.timeouts[0] = 900;
	strcpy(connections, in_directory("connections"));
	ck_assert_int_eq(text_write_file(connections, "\n", 1), 0);
}

/* ---- the cluster */

enum { GONE = 0, READY = 1, TERMINATING = 2 };

/* default/web, port 80 at 10.96.0.1, with endpoints 10.244.0.1 and on, at 8080; told, and a pass asked for. */
static void tell(uint8_t protocol, const int *endpoint_states, uint32_t count)
{
	struct service_port port = {.name = "http", .port = 80, .protocol = protocol};
	struct service service = {.name = {"default", "web"},
	                          .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	                          .cluster_ip = {.family = FAMILY_IPV4, .bytes = {10, 96, 0, 1}},
	                          .ports = &port,
	                          .port_count = 1};
	struct slice_port slice_port = {.name = "http", .port = 8080, .protocol = protocol};
	auto_free struct endpoint *endpoints = memory_alloc(count * sizeof(*endpoints));
	struct slice slice = {.name = {"default", "web"},
	                      .service = "web",
	                      .family = FAMILY_IPV4,
	                      .ports = &slice_port,
	                      .endpoints = endpoints,
	                      .port_count = 1};
	for (uint32_t i = 0; i < count; i++)
		if (endpoint_states[i] != GONE)
			endpoints[slice.endpoint_count++] = (struct endpoint){
			        .address = {.family = FAMILY_IPV4,
			                    .bytes = {10, 244, (uint8_t)((i + 1) >> 8), (uint8_t)(i + 1)}},
			        .ready = endpoint_states[i] == READY,
			        .serving = true,
			        .terminating = endpoint_states[i] == TERMINATING};
	cluster_put_service(proxy.planner.cluster, service_new(&service));
	cluster_put_slice(proxy.planner.cluster, slice_new(&slice));
	daemon_request_pass(&proxy);
}

#define TELL(protocol, ...) \
	tell((protocol), (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void untell(void)
{
	cluster_remove_service(proxy.planner.cluster, (struct object_name){"default", "web"});
	cluster_remove_slice(proxy.planner.cluster, (struct object_name){"default", "web"});
	daemon_request_pass(&proxy);
}

/* ---- the kernel */

/* NULL: it is not there. */
static struct real_server *real_server(uint8_t number)
{
	vector_for_each (&fake.virtual_servers, server)
		vector_for_each (&server->real_servers, real)
			if (real->address.bytes[3] == number)
				return real;
	return NULL;
}

static void connect_to(uint8_t number, uint32_t active, uint32_t inactive)
{
	struct real_server *server = real_server(number);
	ck_assert_ptr_nonnull(server);
	server->active_connections = active;
	server->inactive_connections = inactive;
}

static void put_connections(const char *const *states)
{
	auto_text text = {0};
	for (unsigned i = 1; *states; i++, states++)
		text_addf(&text, "TCP C0000264 %04X 0A600001 0050 0AF40001 1F90 %s 800\n", i, *states);
	ck_assert_int_eq(text_write_file(connections, text_string(&text), text.length), 0);
}

/* "1=1 2=0": real servers with their weights. */
static void weights(struct text *text)
{
	text_clear(text);
	for (uint8_t i = 1; i <= 4; i++) {
		const struct real_server *server = real_server(i);
		if (server)
			text_addf(text, "%s%u=%u", text->length ? " " : "", i, server->weight);
	}
}

/* ---- time */

static void loop_for_ms(int ms)
{
	struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	event_base_loopexit(proxy.base, &time);
	event_base_dispatch(proxy.base);
}

/* Until it is so, or for a long time. */
static void loop_until(const char *wanted)
{
	auto_text text = {0};
	for (int64_t end = now_ms() + 30000; now_ms() < end;) {
		weights(&text);
		if (strcmp(text_string(&text), wanted) == 0)
			return;
		loop_for_ms(20);
	}
	ck_assert_texts("the real servers", wanted, text_string(&text));
}

static void must_be(const char *wanted)
{
	auto_text text = {0};
	weights(&text);
	ck_assert_texts("the real servers", wanted, text_string(&text));
}

static bool looks_again(void)
{
	return evtimer_pending(proxy.drainer.timer, NULL);
}

static void must_have_said(const char *sentence)
{
	char *said = read_test_file(in_directory("log"));
	ck_assert_msg(strstr(said, sentence) != NULL, "\"%s\" is not in the log:\n%s", sentence, said);
	free(said);
}

static void must_not_have_said(const char *sentence)
{
	char *said = read_test_file(in_directory("log"));
	ck_assert_msg(strstr(said, sentence) == NULL, "\"%s\" is in the log:\n%s", sentence, said);
	free(said);
}

static void serve_two(uint8_t protocol, const char *drain_timeout, const char *on_delete)
{
	start(drain_timeout, on_delete);
	proxy.whole_needed = true;
	TELL(protocol, READY, READY);
	loop_until("1=1 2=1");
}

/* ---- */

START_TEST(who_has_no_connection_is_removed_at_once_and_nobody_looks_any_more)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete=false");
	ck_assert(!looks_again());
	int64_t began = now_ms();
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("2=1");
	/* The first look does not wait for its second. */
	ck_assert_int_ge(proxy.drainer.next_look_ms, began);
	loop_for_ms(50);
	ck_assert(!looks_again());
	ck_assert_uint_eq(proxy.syncer.drains.ended[DRAIN_DONE], 1);
	size_t dumps = fake.counters.dumps;
	loop_for_ms(1500);
	ck_assert_uint_eq(fake.counters.dumps, dumps);
	stop();
}
END_TEST

START_TEST(who_has_connections_stays_until_they_end)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete=false");
	connect_to(1, 12, 0);
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("1=0 2=1");
	size_t dumps = fake.counters.dumps;
	loop_for_ms(2500);
	must_be("1=0 2=1");
	ck_assert_uint_ge(fake.counters.dumps, dumps + 1);
	ck_assert_uint_le(fake.counters.dumps, dumps + 5);
	must_have_said("default/web:http: 10.244.0.1:8080 drains: 12 connections");
	connect_to(1, 0, 0);
	loop_until("2=1");
	must_have_said("default/web:http: 10.244.0.1:8080 is drained after ");
	loop_for_ms(50);
	ck_assert(!looks_again());
	stop();
}
END_TEST

START_TEST(a_look_that_a_pass_held_up_goes_before_the_next_pass)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete=false");
	connect_to(1, 12, 0);
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("1=0 2=1");
	loop_for_ms(50);
	proxy.pass.running = true;
	for (int64_t end = now_ms() + 30000; !proxy.drainer.held_up && now_ms() < end;)
		loop_for_ms(100);
	ck_assert(proxy.drainer.held_up);
	connect_to(1, 0, 0);
	proxy.pass.running = false;
	proxy.pass.began_ns = now_ns() - 1000000000;
	daemon_drains_after_pass(&proxy);
	int64_t last_pass_ms = proxy.last_pass_ms;
	ck_assert(daemon_drains_go_first(&proxy));
	loop_until("2=1");
	for (int64_t end = now_ms() + 30000; proxy.last_pass_ms == last_pass_ms && now_ms() < end;)
		loop_for_ms(20);
	ck_assert_int_ne(proxy.last_pass_ms, last_pass_ms);
	ck_assert(!daemon_drains_go_first(&proxy));
	stop();
}
END_TEST

START_TEST(closed_connections_do_not_hold_it_and_half_closed_ones_do)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete=false");
	connect_to(1, 0, 2);
	put_connections((const char *const[]){"TIME_WAIT", "FIN_WAIT", NULL});
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("1=0 2=1");
	loop_for_ms(2500);
	must_be("1=0 2=1");
	put_connections((const char *const[]){"TIME_WAIT", "TIME_WAIT", NULL});
	loop_until("2=1");
	stop();
}
END_TEST

START_TEST(who_comes_back_serves_and_is_not_looked_at)
{
	serve_two(PROTOCOL_SCTP, "15m", "--drain-on-delete=false");
	connect_to(1, 3, 0);
	TELL(PROTOCOL_SCTP, GONE, READY);
	loop_until("1=0 2=1");
	TELL(PROTOCOL_SCTP, READY, READY);
	loop_until("1=1 2=1");
	connect_to(1, 0, 0);
	loop_for_ms(1500);
	must_be("1=1 2=1");
	ck_assert(!looks_again());
	ck_assert_uint_eq(proxy.syncer.drains.ended[DRAIN_RETURNED], 1);
	stop();
}
END_TEST

START_TEST(the_timeout_ends_it_with_a_warning)
{
	serve_two(PROTOCOL_TCP, "1s500ms", "--drain-on-delete=false");
	connect_to(1, 5, 0);
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("1=0 2=1");
	int64_t began = now_ms();
	loop_until("2=1");
	ck_assert_int_ge(now_ms() - began, 1300);
	must_have_said("default/web:http: 10.244.0.1:8080 is removed with 5 open connections, after ");
	ck_assert_uint_eq(proxy.syncer.drains.ended[DRAIN_TIMEOUT], 1);
	stop();
}
END_TEST

START_TEST(an_endpoint_that_has_terminated_holds_nothing)
{
	serve_two(PROTOCOL_TCP, "0", "--drain-on-delete=false");
	connect_to(1, 5, 0);
	TELL(PROTOCOL_TCP, TERMINATING, READY);
	loop_until("1=0 2=1");
	loop_for_ms(1500);
	must_be("1=0 2=1");
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("2=1");
	must_have_said("its endpoint has terminated");
	ck_assert_uint_eq(proxy.syncer.drains.ended[DRAIN_GRACE_OVER], 1);
	stop();
}
END_TEST

START_TEST(a_removal_that_is_refused_is_tried_again)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete=false");
	connect_to(1, 1, 0);
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("1=0 2=1");
	const struct fake_refusal refusal = {.message = fake.counters.changes + 1, .error = -ENOMEM};
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	connect_to(1, 0, 0);
	loop_until("2=1");
	must_have_said("the kernel refused \"- -d -t 10.96.0.1:80 -r 10.244.0.1:8080\"");
	ck_assert_uint_eq(proxy.syncer.drains.ended[DRAIN_DONE], 1);
	stop();
}
END_TEST

static size_t real_servers_in_kernel(void)
{
	return fake.virtual_servers.count ? fake.virtual_servers.items[0].real_servers.count : 0;
}

static void loop_until_real_servers(size_t wanted)
{
	for (int64_t end = now_ms() + 30000; real_servers_in_kernel() != wanted && now_ms() < end;)
		loop_for_ms(20);
	ck_assert_uint_eq(real_servers_in_kernel(), wanted);
}

START_TEST(more_removals_than_fit_in_one_look_wait_for_the_next_look_when_they_are_refused)
{
	enum { MANY = 1100, LOOKS = 4 };
	static int states[MANY + 1];
	static struct fake_refusal refusals[LOOKS * 4 * MANY];
	start("15m", "--drain-on-delete=false");
	for (size_t i = 0; i <= MANY; i++)
		states[i] = READY;
	proxy.whole_needed = true;
	tell(PROTOCOL_TCP, states, MANY + 1);
	loop_until_real_servers(MANY + 1);

	size_t edits = fake.counters.changes + MANY;
	for (size_t i = 0; i < LOOKS * 4 * MANY; i++)
		refusals[i] = (struct fake_refusal){.message = edits + 1 + i, .error = -ENOMEM};
	fake.failures.refusals = refusals;
	fake.failures.refusal_count = LOOKS * 4 * MANY;
	memset(states, 0, MANY * sizeof(*states));
	tell(PROTOCOL_TCP, states, MANY + 1);
	loop_for_ms((LOOKS - 2) * 1000 + 200);
	ck_assert_uint_eq(real_servers_in_kernel(), MANY + 1);
	ck_assert_uint_gt(fake.counters.changes, edits);
	ck_assert_uint_le(fake.counters.changes, edits + LOOKS * MANY);

	fake.failures.refusal_count = 0;
	loop_until_real_servers(1);
	ck_assert_uint_eq(proxy.syncer.drains.ended[DRAIN_DONE], MANY);
	stop();
}
END_TEST

START_TEST(a_look_that_fails_removes_nothing_and_is_repeated)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete=false");
	connect_to(1, 1, 0);
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("1=0 2=1");
	fake.failures.interrupted_dumps = 1000000;
	connect_to(1, 0, 0);
	loop_for_ms(2200);
	must_be("1=0 2=1");
	must_have_said("the connections of real servers cannot be read");
	fake.failures.interrupted_dumps = 0;
	loop_until("2=1");
	must_have_said("drains, their connections: in order again");
	stop();
}
END_TEST

START_TEST(with_drain_on_delete_the_last_connection_takes_the_service_with_it)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete");
	connect_to(1, 1, 0);
	untell();
	loop_until("1=0 2=0");
	loop_for_ms(1500);
	must_be("1=0 2=0");
	ck_assert_uint_eq(fake.held.count, 1);
	connect_to(1, 0, 0);
	loop_until("");
	ck_assert_uint_eq(fake.virtual_servers.count, 0);
	loop_for_ms(1500); /* the file is written once more */
	ck_assert_uint_eq(fake.held.count, 0);
	ck_assert(!looks_again());
	stop();
}
END_TEST

START_TEST(without_it_a_service_goes_at_once)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete=false");
	connect_to(1, 1, 0);
	untell();
	loop_until("");
	ck_assert_uint_eq(fake.virtual_servers.count, 0);
	ck_assert(!looks_again());
	stop();
}
END_TEST

START_TEST(a_restart_goes_on_with_the_drain_where_it_was)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete=false");
	connect_to(1, 2, 0);
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("1=0 2=1");
	loop_for_ms(100);
	int64_t since = proxy.syncer.drains.drains.items[0].since_ms;
	stop();
	start("15m", "--drain-on-delete=false");
	proxy.whole_needed = true;
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_for_ms(1500);
	must_be("1=0 2=1");
	ck_assert_uint_eq(proxy.syncer.drains.drains.count, 1);
	ck_assert_int_eq(proxy.syncer.drains.drains.items[0].since_ms, since);
	connect_to(1, 0, 0);
	loop_until("2=1");
	stop();
}
END_TEST

/* Once, and only of what is old and silent. */
START_TEST(a_long_silent_connection_is_warned_of_once)
{
	serve_two(PROTOCOL_TCP, "15m", "--drain-on-delete=false");
	connect_to(1, 1, 0);
	put_connections((const char *const[]){"ESTABLISHED", NULL});
	TELL(PROTOCOL_TCP, GONE, READY);
	loop_until("1=0 2=1");
	loop_for_ms(1200);
	must_not_have_said("has been silent");
	proxy.syncer.drains.drains.items[0].since_ms -= 100000;
	loop_for_ms(1500);
	must_have_said("default/web:http: 10.244.0.1:8080 drains for 10");
	must_have_said("still has 1 open connection; that of 192.0.2.100:1 is older than that and has been "
	               "silent for 100 s");
	must_have_said("(--drain-timeout)");
	ck_assert(proxy.syncer.drains.drains.items[0].warned);
	char *said = read_test_file(in_directory("log"));
	loop_for_ms(1500);
	char *later = read_test_file(in_directory("log"));
	ck_assert_str_eq(said, later);
	free(said);
	free(later);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd daemon drains");
	TCase *tests = tcase_create("drains");
	tcase_add_checked_fixture(tests, set_up, daemon_fixture_done);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, who_has_no_connection_is_removed_at_once_and_nobody_looks_any_more);
	tcase_add_test(tests, who_has_connections_stays_until_they_end);
	tcase_add_test(tests, closed_connections_do_not_hold_it_and_half_closed_ones_do);
	tcase_add_test(tests, a_look_that_a_pass_held_up_goes_before_the_next_pass);
	tcase_add_test(tests, who_comes_back_serves_and_is_not_looked_at);
	tcase_add_test(tests, the_timeout_ends_it_with_a_warning);
	tcase_add_test(tests, an_endpoint_that_has_terminated_holds_nothing);
	tcase_add_test(tests, a_removal_that_is_refused_is_tried_again);
	tcase_add_test(tests,
	               more_removals_than_fit_in_one_look_wait_for_the_next_look_when_they_are_refused);
	tcase_add_test(tests, a_look_that_fails_removes_nothing_and_is_repeated);
	tcase_add_test(tests, with_drain_on_delete_the_last_connection_takes_the_service_with_it);
	tcase_add_test(tests, without_it_a_service_goes_at_once);
	tcase_add_test(tests, a_restart_goes_on_with_the_drain_where_it_was);
	tcase_add_test(tests, a_long_silent_connection_is_warned_of_once);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
