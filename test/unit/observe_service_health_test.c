/*
 * C34, C35, C104 and what lies around them, over real sockets on loopback.
 */
#include "observe/service_health.h"
#include "observe_http_client.h"
#include "support.h"

#include "base/memory.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 2000, FIRST_PORT = 10000, PORTS_TRIED = 20000 };

static const bool BOTH[2] = {true, true}, NEITHER[2] = {false, false}, ONLY_IPV4[2] = {true, false};

static struct event_base *base;
static struct service_health *health;
static bool proxy_well;
static struct text told;
static unsigned next_port; /* relative to FIRST_PORT */

static bool is_well(void *context)
{
	ck_assert_ptr_eq(context, &told);
	return proxy_well;
}

static void tell_failed(void *context, const char *namespace, const char *name, uint16_t port, int error)
{
	(void)port;
	text_addf(context, "%s/%s failed: %s;", namespace, name, strerror(error));
}

static void tell_recovered(void *context, const char *namespace, const char *name, uint16_t port)
{
	(void)port;
	text_addf(context, "%s/%s recovered;", namespace, name);
}

static void set_up(void)
{
	const struct service_health_listener listener = {&told, is_well, tell_failed, tell_recovered};
	struct rlimit limit;
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	proxy_well = true;
	next_port = (unsigned)getpid() * 37 % PORTS_TRIED;
	base = event_base_new();
	health = service_health_open(base, &listener);
	service_health_listen_on(health, BOTH, BOTH, NULL, 0);
}

static void tear_down(void)
{
	service_health_close(health);
	event_base_free(base);
	text_done(&told);
}

/* ---- sockets */

/* A socket that listens as nobody of ours does, or -1: the port is taken. */
static int occupy(int domain, uint16_t port)
{
	const int on = 1;
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (domain == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if ((domain == AF_INET6 ? bind(fd, (void *)&ipv6, sizeof(ipv6))
	                        : bind(fd, (void *)&ipv4, sizeof(ipv4))) ||
	    listen(fd, 1)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A port that is free in both families. Below the range from which the kernel takes ports for clients. */
static uint16_t free_port(void)
{
	for (unsigned tries = 0; tries < PORTS_TRIED; tries++) {
		uint16_t port = (uint16_t)(FIRST_PORT + next_port++ % PORTS_TRIED);
		int ipv4 = occupy(AF_INET, port), ipv6 = occupy(AF_INET6, port);
		close(ipv4);
		close(ipv6);
		if (ipv4 >= 0 && ipv6 >= 0)
			return port;
	}
	ck_abort_msg("no port is free");
}

/* What tells one socket from another that took its place; 0: nobody in this process listens there. */
static ino_t listening_socket(int domain, uint16_t port)
{
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_in6 name = {0};
		socklen_t size = sizeof(name), flag_size = sizeof(int);
		int listens = 0;
		struct stat status;
		if (getsockname(fd, (void *)&name, &size) || name.sin6_family != domain ||
		    ntohs(name.sin6_port) != port)
			continue;
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &flag_size);
		if (listens && fstat(fd, &status) == 0)
			return status.st_ino;
	}
	return 0;
}

static int ask(enum family family, uint16_t port, struct text *ret_answer)
{
	return client_ask_once(base, family, port, ret_answer);
}

static int status_of(enum family family, uint16_t port)
{
	auto_text answer = {0};
	return ask(family, port, &answer);
}

static void want(const char *name, uint16_t port, uint32_t ipv4, uint32_t ipv6)
{
	const struct service_health_port wanted = {"ns", name, port, {ipv4, ipv6}};
	service_health_want(health, &wanted, 1);
}

/* ---- answers */

/* From one header to the end, without Date. */
static char *without_date(const char *answer)
{
	const char *date = strstr(answer, "Date: ");
	auto_text text = {0};
	ck_assert_ptr_nonnull(date);
	text_add_bytes(&text, answer, (size_t)(date - answer));
	text_add(&text, strchr(date, '\n') + 1);
	return memory_copy_text(text_string(&text));
}

START_TEST(the_answer_is_the_one_that_kube_proxy_gave)
{
	char *recorded auto_free = read_test_file(TEST_DATA "/data/kube-proxy/service-health");
	const struct service_health_port edge = {"default", "edge", free_port(), {1, 0}};
	auto_text answer = {0};
	service_health_want(health, &edge, 1);
	ck_assert_int_eq(ask(FAMILY_IPV4, edge.port, &answer), 200);
	char *wanted auto_free = without_date(recorded), *got auto_free = without_date(answer.bytes);
	ck_assert_texts("answer", wanted, got);
}
END_TEST

START_TEST(each_family_has_its_own_count)
{
	uint16_t port = free_port();
	auto_text answer = {0};
	want("a", port, 0, 18);
	ck_assert_int_eq(ask(FAMILY_IPV4, port, &answer), 503);
	ck_assert_ptr_nonnull(strstr(answer.bytes, "\r\nX-Load-Balancing-Endpoint-Weight: 0\r\n"));
	ck_assert_ptr_nonnull(strstr(answer.bytes, "\t\"localEndpoints\": 0,\n"));
	ck_assert_int_eq(ask(FAMILY_IPV6, port, &answer), 200);
	ck_assert_ptr_nonnull(strstr(answer.bytes, "\r\nX-Load-Balancing-Endpoint-Weight: 18\r\n"));
	ck_assert_ptr_nonnull(strstr(answer.bytes, "\t\"localEndpoints\": 18,\n"));
}
END_TEST

START_TEST(an_unwell_proxy_gets_no_traffic_and_tells_the_count)
{
	uint16_t port = free_port();
	auto_text answer = {0};
	want("a", port, 18, 18);
	proxy_well = false;
	ck_assert_int_eq(ask(FAMILY_IPV4, port, &answer), 503);
	ck_assert_ptr_nonnull(strstr(answer.bytes, "\r\nX-Load-Balancing-Endpoint-Weight: 18\r\n"));
	ck_assert_ptr_nonnull(
	        strstr(answer.bytes, "\t\"localEndpoints\": 18,\n\t\"serviceProxyHealthy\": false\n}"));
	proxy_well = true;
	ck_assert_int_eq(status_of(FAMILY_IPV4, port), 200);
}
END_TEST

START_TEST(without_a_proxy_health_server_the_proxy_counts_as_well)
{
	const struct service_health_listener nobody = {0};
	struct service_health *alone = service_health_open(base, &nobody);
	const struct service_health_port wanted = {"ns", "a", free_port(), {1, 0}};
	service_health_listen_on(alone, BOTH, BOTH, NULL, 0);
	service_health_want(alone, &wanted, 1);
	ck_assert_int_eq(status_of(FAMILY_IPV4, wanted.port), 200);
	service_health_close(alone);
	service_health_close(NULL);
}
END_TEST

START_TEST(any_method_and_path_is_answered)
{
	uint16_t port = free_port();
	want("a", port, 1, 1);
	struct http_client client = client_open(base, FAMILY_IPV4, port);
	ck_assert_int_eq(client_ask(&client, "HEAD", "/any"), 200);
	ck_assert_int_eq(client_ask(&client, "PUT", "/thing?x"), 200);
	client_close(&client);
}
END_TEST

/* ---- which ports are open */

START_TEST(exactly_the_wanted_ports_are_open)
{
	/* C34: the Service with the Cluster policy is not among those given. */
	const struct service_health_port wanted[] = {{"ns", "lb1", free_port(), {1, 1}},
	                                             {"ns", "lb2", free_port(), {0, 0}}};
	uint16_t third = free_port();
	service_health_want(health, wanted, 2);
	ck_assert_int_eq(status_of(FAMILY_IPV4, wanted[0].port), 200);
	ck_assert_int_eq(status_of(FAMILY_IPV6, wanted[1].port), 503);
	ck_assert_int_eq(status_of(FAMILY_IPV4, third), 0);
	ck_assert_texts("told", "", text_string(&told));
}
END_TEST

START_TEST(a_changed_port_moves_and_a_deleted_service_closes)
{
	/* C35 */
	uint16_t first = free_port(), second = free_port();
	want("lb", first, 1, 1);
	ck_assert_int_eq(status_of(FAMILY_IPV4, first), 200);
	want("lb", second, 0, 0);
	ck_assert_int_eq(status_of(FAMILY_IPV4, first), 0);
	ck_assert_int_eq(status_of(FAMILY_IPV6, first), 0);
	ck_assert_int_eq(status_of(FAMILY_IPV4, second), 503); /* the old count is not carried over (C104) */
	service_health_want(health, NULL, 0);
	ck_assert_int_eq(status_of(FAMILY_IPV4, second), 0);
	ck_assert_texts("told", "", text_string(&told));
}
END_TEST

START_TEST(an_unchanged_port_keeps_its_listener_and_connections)
{
	struct service_health_port wanted[] = {{"ns", "a", free_port(), {1, 1}},
	                                       {"ns", "b", free_port(), {1, 1}}};
	service_health_want(health, wanted, 1);
	ino_t ipv4 = listening_socket(AF_INET, wanted[0].port),
	      ipv6 = listening_socket(AF_INET6, wanted[0].port);
	ck_assert(ipv4 && ipv6);
	struct http_client client = client_open(base, FAMILY_IPV4, wanted[0].port);
	ck_assert_int_eq(client_ask(&client, "GET", "/"), 200);
	wanted[0].local_endpoints[0] = 0;
	service_health_want(health, wanted, 2);
	service_health_want(health, wanted, 2);
	service_health_listen_on(health, BOTH, BOTH, NULL, 0);
	ck_assert_uint_eq(listening_socket(AF_INET, wanted[0].port), ipv4);
	ck_assert_uint_eq(listening_socket(AF_INET6, wanted[0].port), ipv6);
	ck_assert_int_eq(client_ask(&client, "GET", "/"), 503);
	client_close(&client);
}
END_TEST

START_TEST(a_port_can_go_from_one_service_to_another)
{
	uint16_t port = free_port();
	auto_text answer = {0};
	want("old", port, 1, 1);
	want("new", port, 2, 2);
	ck_assert_int_eq(ask(FAMILY_IPV4, port, &answer), 200);
	ck_assert_ptr_nonnull(strstr(answer.bytes, "\"name\": \"new\""));
	ck_assert_texts("told", "", text_string(&told));
}
END_TEST

START_TEST(of_two_services_with_one_port_the_first_has_it)
{
	uint16_t port = free_port();
	const struct service_health_port both[] = {{"ns", "first", port, {1, 1}},
	                                           {"ns", "second", port, {0, 0}}};
	service_health_want(health, both, 2);
	service_health_want(health, both, 2);
	ck_assert_int_eq(status_of(FAMILY_IPV4, port), 200);
	ck_assert_texts("told once", "ns/second failed: Address already in use;", text_string(&told));
	text_clear(&told);
	service_health_want(health, &both[1], 1);
	ck_assert_int_eq(status_of(FAMILY_IPV4, port), 503);
	ck_assert_texts("told", "ns/second recovered;", text_string(&told));
}
END_TEST

/* ---- ports that cannot be had */

START_TEST(a_taken_port_is_told_once_and_tried_again)
{
	uint16_t port = free_port();
	int taken = occupy(AF_INET6, port);
	ck_assert_int_ge(taken, 0);
	want("a", port, 1, 1);
	want("a", port, 1, 1);
	ck_assert_texts("told once", "ns/a failed: Address already in use;", text_string(&told));
	/* All of it or nothing: IPv4 would have been free (R12.10). */
	ck_assert_int_eq(status_of(FAMILY_IPV4, port), 0);
	close(taken);
	text_clear(&told);
	want("a", port, 1, 1);
	want("a", port, 1, 1);
	ck_assert_texts("told", "ns/a recovered;", text_string(&told));
	ck_assert_int_eq(status_of(FAMILY_IPV4, port), 200);
	ck_assert_int_eq(status_of(FAMILY_IPV6, port), 200);
}
END_TEST

START_TEST(a_failure_is_told_again_for_another_port_or_a_new_service)
{
	uint16_t first = free_port(), second = free_port();
	int taken[] = {occupy(AF_INET, first), occupy(AF_INET, second)};
	want("a", first, 1, 1);
	want("a", second, 1, 1);
	service_health_want(health, NULL, 0);
	want("a", second, 1, 1);
	ck_assert_texts("told",
	                "ns/a failed: Address already in use;ns/a failed: Address already in use;"
	                "ns/a failed: Address already in use;",
	                text_string(&told));
	close(taken[0]);
	close(taken[1]);
}
END_TEST

/* ---- where it listens */

START_TEST(it_listens_on_the_given_addresses_only)
{
	const struct address two[] = {{FAMILY_IPV4, {127, 0, 0, 2}}, {FAMILY_IPV6, {[15] = 1}}};
	const struct address one[] = {{FAMILY_IPV4, {127, 0, 0, 1}}};
	uint16_t port = free_port();
	want("a", port, 1, 1);
	service_health_listen_on(health, BOTH, NEITHER, two, 2);
	ck_assert_int_eq(status_of(FAMILY_IPV4, port), 0); /* 127.0.0.1 */
	ck_assert_int_eq(status_of(FAMILY_IPV6, port), 200);
	service_health_listen_on(health, BOTH, NEITHER, one, 1);
	ck_assert_int_eq(status_of(FAMILY_IPV4, port), 200);
	ck_assert_int_eq(status_of(FAMILY_IPV6, port), 0);
	service_health_listen_on(health, ONLY_IPV4, BOTH, NULL, 0);
	ck_assert_int_eq(status_of(FAMILY_IPV4, port), 200);
	ck_assert_int_eq(status_of(FAMILY_IPV6, port), 0);
	service_health_listen_on(health, BOTH, BOTH, NULL, 0);
	ck_assert_int_eq(status_of(FAMILY_IPV6, port), 200);
	ck_assert_texts("told", "", text_string(&told));
}
END_TEST

START_TEST(an_address_that_is_not_ours_is_told_and_recovers_with_the_next_one)
{
	const struct address foreign = {FAMILY_IPV4, {192, 0, 2, 1}}, ours = {FAMILY_IPV4, {127, 0, 0, 1}};
	uint16_t port = free_port();
	service_health_listen_on(health, BOTH, NEITHER, &foreign, 1);
	want("a", port, 1, 1);
	ck_assert_texts("told", "ns/a failed: Cannot assign requested address;", text_string(&told));
	text_clear(&told);
	service_health_listen_on(health, BOTH, NEITHER, &ours, 1);
	ck_assert_texts("told", "ns/a recovered;", text_string(&told));
	ck_assert_int_eq(status_of(FAMILY_IPV4, port), 200);
}
END_TEST

/* ---- closing, and many */

/* whatever the moment, never an empty 200. */
START_TEST(a_request_that_races_with_closing_is_refused_or_cut_off)
{
	static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	uint16_t port = free_port();
	for (size_t sent = 0; sent < sizeof(REQUEST); sent++) {
		want("a", port, 1, 1);
		struct http_client client = client_open(base, FAMILY_IPV4, port);
		ck_assert(client_push(&client, REQUEST, sent));
		if (sent % 2)
			run_loop(base, 0);
		service_health_want(health, NULL, 0);
		client_push(&client, REQUEST + sent, sizeof(REQUEST) - 1 - sent);
		int status = client_wait_answer(&client, false);
		ck_assert_msg(status == 0 || status == 503 || client.got.length > client.body_from,
		              "an empty %d after %zu bytes", status, sent);
		client_close(&client);
	}
}
END_TEST

START_TEST(many_ports_open_answer_and_close_without_a_leak)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	unsigned count = limit.rlim_cur < 2 * MANY + 100 ? (unsigned)(limit.rlim_cur - 100) / 2 : MANY;
	if (count < MANY)
		fprintf(stderr, "only %u ports: this process may have %llu descriptors\n", count,
		        (unsigned long long)limit.rlim_cur);
	struct service_health_port *wanted auto_free = memory_alloc(count * sizeof(*wanted));
	char(*names)[16] auto_free = memory_alloc(count * sizeof(*names));
	size_t before = count_open_files();
	for (unsigned i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "s%u", i);
		wanted[i] = (struct service_health_port){"ns", names[i], free_port(), {i % 2, i % 3}};
	}
	service_health_want(health, wanted, count);
	ck_assert_texts("told", "", text_string(&told));
	ck_assert_uint_eq(count_open_files(), before + 2 * count);
	for (unsigned i = 0; i < count; i++) {
		ck_assert_int_eq(status_of(FAMILY_IPV4, wanted[i].port), i % 2 ? 200 : 503);
		ck_assert_int_eq(status_of(FAMILY_IPV6, wanted[i].port), i % 3 ? 200 : 503);
	}
	service_health_want(health, wanted, count / 2);
	run_loop(base, 0);
	ck_assert_uint_eq(count_open_files(), before + count / 2 * 2);
	service_health_want(health, NULL, 0);
	ck_assert_uint_eq(count_open_files(), before);
	ck_assert_int_eq(status_of(FAMILY_IPV4, wanted[0].port), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service_health");
	TCase *tests = tcase_create("service_health");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, the_answer_is_the_one_that_kube_proxy_gave);
	tcase_add_test(tests, each_family_has_its_own_count);
	tcase_add_test(tests, an_unwell_proxy_gets_no_traffic_and_tells_the_count);
	tcase_add_test(tests, without_a_proxy_health_server_the_proxy_counts_as_well);
	tcase_add_test(tests, any_method_and_path_is_answered);
	tcase_add_test(tests, exactly_the_wanted_ports_are_open);
	tcase_add_test(tests, a_changed_port_moves_and_a_deleted_service_closes);
	tcase_add_test(tests, an_unchanged_port_keeps_its_listener_and_connections);
	tcase_add_test(tests, a_port_can_go_from_one_service_to_another);
	tcase_add_test(tests, of_two_services_with_one_port_the_first_has_it);
	tcase_add_test(tests, a_taken_port_is_told_once_and_tried_again);
	tcase_add_test(tests, a_failure_is_told_again_for_another_port_or_a_new_service);
	tcase_add_test(tests, it_listens_on_the_given_addresses_only);
	tcase_add_test(tests, an_address_that_is_not_ours_is_told_and_recovers_with_the_next_one);
	tcase_add_test(tests, a_request_that_races_with_closing_is_refused_or_cut_off);
	tcase_add_test(tests, many_ports_open_answer_and_close_without_a_leak);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
