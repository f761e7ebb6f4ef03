/*
 * When passes run: at once, together, again after a failure; and the loop has its turn in between.
 */
#include "daemon_fixture.h"
#include "support.h"

#include "base/check.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A sync period in which nothing is looked at by itself. */
#define LONG "1h"

static void start(const char *min_sync_period, const char *sync_period)
{
	const char *const flags[] = {"--ipvs-sync-period", sync_period, "--ipvs-min-sync-period",
	                             min_sync_period, NULL};
	daemon_fixture_start(flags);
}

static void stop(void)
{
	daemon_fixture_stop();
}

static void set_up(void)
{
	daemon_fixture_init(LOG_LEVEL_ERROR);
}

/* As a source does: into the store, and a pass asked for. */
static void tell(const char *namespace, const char *name, unsigned number)
{
	struct service_port port = {.name = "", .port = 80, .protocol = PROTOCOL_TCP};
	struct service service = {.name = {namespace, name},
	                          .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	                          .cluster_ip = {.family = FAMILY_IPV4,
	                                         .bytes = {10, 96, (uint8_t)(number >> 8), (uint8_t)number}},
	                          .ports = &port,
	                          .port_count = 1};
	cluster_put_service(proxy.planner.cluster, service_new(&service));
	daemon_request_pass(&proxy);
}

static void tell_number(unsigned number)
{
	char name[16];
	snprintf(name, sizeof(name), "s%u", number);
	tell("default", name, number);
}

/* Of the metrics: "NAME" with its labels. */
static double metric(const char *name)
{
	auto_text text = {0};
	metrics_render(proxy.serving.metrics, "/proc/self", &text);
	const char *at = strstr(text_string(&text), name);
	return at ? strtod(at + strlen(name), NULL) : 0;
}

static double passes(void)
{
	return metric("kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} ");
}

static void stop_loop(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	event_base_loopbreak(context);
}

static void run_for_ms(long ms)
{
	const struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	event_base_once(proxy.base, -1, EV_TIMEOUT, stop_loop, proxy.base, &time);
	event_base_dispatch(proxy.base);
}

/* No turn of the loop more than it takes. */
static void run_until_passes(double wanted)
{
	while (passes() < wanted || proxy.pass.running)
		event_base_loop(proxy.base, EVLOOP_ONCE);
}

static void begin(void)
{
	daemon_run_whole_pass(&proxy);
	run_until_passes(1);
}

START_TEST(the_first_change_of_a_quiet_time_is_applied_at_once)
{
	start("1h", LONG);
	begin();
	proxy.last_pass_ms -= 3600 * 1000; /* the quiet time */
	tell_number(1);
	run_until_passes(2);
	ck_assert_uint_eq(fake.virtual_servers.count, 1);
	stop();
}
END_TEST

START_TEST(a_burst_becomes_one_pass)
{
	start("0s", LONG);
	begin();
	for (unsigned number = 1; number <= 50; number++)
		tell_number(number);
	run_until_passes(2);
	run_for_ms(100);
	ck_assert_double_eq(passes(), 2);
	ck_assert_uint_eq(fake.virtual_servers.count, 50);
	stop();
}
END_TEST

START_TEST(what_comes_soon_after_a_pass_waits_and_goes_together)
{
	start("4s", LONG);
	begin();
	int64_t since = proxy.last_pass_ms;
	tell_number(1);
	event_base_loop(proxy.base, EVLOOP_NONBLOCK);
	tell_number(2);
	ck_assert_uint_eq(fake.virtual_servers.count, 0);
	run_until_passes(2);
	ck_assert_int_ge(proxy.last_pass_ms - since, 4000 - 10);
	ck_assert_uint_eq(fake.virtual_servers.count, 2);
	stop();
}
END_TEST

/* Tells of more and more Services, until sending them takes more than one turn of the loop. Returns how many there are. */
static unsigned run_into_a_pass(void)
{
	unsigned number = 0;
	for (unsigned many = 250;; many *= 2) {
		size_t before = fake.virtual_servers.count;
		for (unsigned end = number + many; number < end;)
			tell_number(++number);
		do {
			event_base_loop(proxy.base, EVLOOP_ONCE);
			if (proxy.pass.running && fake.virtual_servers.count > before)
				return number;
		} while (proxy.pass.running || fake.virtual_servers.count == before);
	}
}

START_TEST(what_comes_during_a_pass_follows_it)
{
	start("0s", LONG);
	begin();
	unsigned count = run_into_a_pass();
	double before = passes();
	tell_number(count + 1);
	ck_assert(!evtimer_pending(proxy.due, NULL));
	run_until_passes(before + 2);
	ck_assert_uint_eq(fake.virtual_servers.count, count + 1);
	stop();
}
END_TEST

START_TEST(the_first_ranks_come_before_all_others)
{
	start("0s", LONG);
	proxy.open = false; /* the sources are still telling */
	for (unsigned number = 1; number <= 20; number++)
		tell_number(number);
	tell("kube-system", "kube-dns", 1000);
	tell("default", "kubernetes", 1001);
	proxy.open = true;
	begin();
	ck_assert_uint_eq(fake.virtual_servers.count, 22);
	ck_assert_uint_eq(fake.virtual_servers.items[0].server.key.address.bytes[3], 1001 & 0xff);
	ck_assert_uint_eq(fake.virtual_servers.items[1].server.key.address.bytes[3], 1000 & 0xff);
	ck_assert_double_eq(passes(), 1);
	stop();
}
END_TEST

START_TEST(the_longest_slice_is_told)
{
	static const char name[] = "\nkubeipvs_longest_slice_seconds ";
	start("0s", LONG);
	begin();
	ck_assert_double_gt(metric(name), 0);
	daemon_serve_slice(&proxy, 100);
	daemon_serve_slice(&proxy, 50);
	ck_assert_double_eq(metric(name), 100);
	stop();
}
END_TEST

static bool is_healthy_in_s(int64_t seconds)
{
	return health_is_well(&proxy.serving.health, wall_clock_ns() + seconds * 1000000000);
}

START_TEST(a_pass_that_failed_is_tried_again_after_a_second_then_two)
{
	start("0s", "3s");
	tell_number(1);
	fake.failures.interrupted_dumps = 100000;
	begin();
	ck_assert_int_eq(proxy.retry_ms, 1000);
	/* unless it gets better, it shows. */
	ck_assert(!is_healthy_in_s(7));
	ck_assert_uint_eq(fake.virtual_servers.count, 0);
	run_until_passes(2);
	ck_assert_int_eq(proxy.retry_ms, 2000);
	fake.failures.interrupted_dumps = 0;
	run_until_passes(3);
	ck_assert_int_eq(proxy.retry_ms, 0);
	ck_assert(is_healthy_in_s(7));
	ck_assert_uint_eq(fake.virtual_servers.count, 1);
	stop();
}
END_TEST

START_TEST(a_change_that_was_refused_is_tried_again_and_counted)
{
	start("0s", LONG);
	begin();
	const struct fake_refusal refusal = {.message = fake.counters.changes + 2, .error = -ENOMEM};
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	tell_number(1);
	run_until_passes(2);
	ck_assert_int_eq(proxy.retry_ms, 1000);
	ck_assert_uint_eq(fake.virtual_servers.count, 0);
	ck_assert_double_eq(metric("\nkubeipvs_failed_changes "), 1);
	fake.failures.refusal_count = 0;
	run_until_passes(3);
	ck_assert_int_eq(proxy.retry_ms, 0);
	ck_assert_uint_eq(fake.virtual_servers.count, 1);
	ck_assert_double_eq(metric("\nkubeipvs_failed_changes "), 0);
	stop();
}
END_TEST

START_TEST(the_back_off_ends_at_the_sync_period)
{
	start("0s", "3s");
	tell_number(1);
	begin();
	proxy.retry_ms = 2000;
	fake.failures.interrupted_dumps = 100000;
	daemon_run_whole_pass(&proxy);
	run_until_passes(2);
	ck_assert_int_eq(proxy.retry_ms, 3000);
	stop();
}
END_TEST

START_TEST(the_end_in_the_middle_of_a_pass_is_clean)
{
	start("0s", LONG);
	unsigned count = run_into_a_pass();
	ck_assert_uint_le(fake.virtual_servers.count, count);
	stop();
	ck_assert_uint_gt(fake.virtual_servers.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd daemon pass");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, set_up, daemon_fixture_done);
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, the_first_change_of_a_quiet_time_is_applied_at_once);
	tcase_add_test(tests, a_burst_becomes_one_pass);
	tcase_add_test(tests, what_comes_soon_after_a_pass_waits_and_goes_together);
	tcase_add_test(tests, what_comes_during_a_pass_follows_it);
	tcase_add_test(tests, the_first_ranks_come_before_all_others);
	tcase_add_test(tests, the_longest_slice_is_told);
	tcase_add_test(tests, a_pass_that_failed_is_tried_again_after_a_second_then_two);
	tcase_add_test(tests, a_change_that_was_refused_is_tried_again_and_counted);
	tcase_add_test(tests, the_back_off_ends_at_the_sync_period);
	tcase_add_test(tests, the_end_in_the_middle_of_a_pass_is_clean);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
