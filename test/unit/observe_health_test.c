/*
 * C103, and the bodies byte for byte.
 */
#include "observe/health.h"
#include "support.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IPV4, IPV6 };

#define SECOND 1000000000LL
/* 2026-11-21T08:42:45Z */
#define NOW (1795250565 * SECOND)

/* Like a proxy whose families both run, with a limit of 10 s, on a node that is fine. */
static struct health running(void)
{
	struct health health;
	health_init(&health, 5000);
	health.node_known = true;
	health_start(&health, IPV4, NOW - 100 * SECOND);
	health_start(&health, IPV6, NOW - 100 * SECOND);
	return health;
}

static int healthz(const struct health *health, int64_t now)
{
	auto_text body = {0};
	return health_render_healthz(health, now, &body);
}

static int livez(const struct health *health, int64_t now)
{
	auto_text body = {0};
	return health_render_livez(health, now, &body);
}

START_TEST(it_is_well_before_any_loop_started)
{
	struct health health;
	health_init(&health, 5000);
	ck_assert(health_is_well(&health, NOW));
	ck_assert_int_eq(livez(&health, NOW), 200);
	health.node_known = true;
	ck_assert_int_eq(healthz(&health, NOW), 200);
	/* A request without a loop to serve it does not count (R12.4). */
	health_queue(&health, IPV4, NOW);
	ck_assert_int_eq(healthz(&health, NOW + 100 * SECOND), 200);
}
END_TEST

START_TEST(idle_time_never_makes_it_unwell)
{
	struct health health = running();
	ck_assert_int_eq(healthz(&health, NOW + 100000 * SECOND), 200);
	ck_assert_int_eq(livez(&health, NOW + 100000 * SECOND), 200);
}
END_TEST

START_TEST(a_request_not_served_within_the_limit_is_unwell)
{
	struct health health = running();
	health_queue(&health, IPV4, NOW);
	ck_assert_int_eq(healthz(&health, NOW + 10 * SECOND - 1), 200);
	ck_assert_int_eq(healthz(&health, NOW + 10 * SECOND), 503);
	ck_assert_int_eq(healthz(&health, NOW + 25 * SECOND), 503);
	ck_assert_int_eq(livez(&health, NOW + 25 * SECOND), 503);
	health_synced(&health, IPV4, NOW + 25 * SECOND);
	ck_assert_int_eq(healthz(&health, NOW + 25 * SECOND), 200);
	ck_assert_int_eq(livez(&health, NOW + 25 * SECOND), 200);
}
END_TEST

START_TEST(the_oldest_request_counts_not_the_last)
{
	struct health health = running();
	health_queue(&health, IPV6, NOW);
	health_queue(&health, IPV6, NOW + 9 * SECOND);
	ck_assert(health_is_well(&health, NOW + 9 * SECOND));
	ck_assert(!health_is_well(&health, NOW + 10 * SECOND));
	/* One that comes after a sync begins anew. */
	health_synced(&health, IPV6, NOW + 11 * SECOND);
	health_queue(&health, IPV6, NOW + 12 * SECOND);
	ck_assert(health_is_well(&health, NOW + 21 * SECOND));
	ck_assert(!health_is_well(&health, NOW + 22 * SECOND));
}
END_TEST

START_TEST(the_other_family_being_well_does_not_help)
{
	for (unsigned family = 0; family < 2; family++) {
		struct health health = running();
		health_queue(&health, IPV4, NOW);
		health_queue(&health, IPV6, NOW);
		health_synced(&health, family, NOW + 25 * SECOND);
		ck_assert_int_eq(healthz(&health, NOW + 25 * SECOND), 503);
		ck_assert_int_eq(livez(&health, NOW + 25 * SECOND), 503);
		health_synced(&health, !family, NOW + 25 * SECOND);
		ck_assert_int_eq(healthz(&health, NOW + 25 * SECOND), 200);
	}
}
END_TEST

START_TEST(a_loop_that_starts_has_nothing_queued)
{
	struct health health = running();
	health_queue(&health, IPV4, NOW);
	health_start(&health, IPV4, NOW + 30 * SECOND);
	ck_assert(health_is_well(&health, NOW + 100 * SECOND));
}
END_TEST

static const struct {
	bool known, deleting, to_be_deleted;
	int healthz;
} NODES[] = {
        {true, false, false, 200}, {false, false, false, 503}, {true, true, false, 503},
        {true, false, true, 503},  {true, true, true, 503},
};

START_TEST(a_node_on_its_way_out_gets_no_traffic_but_lives)
{
	struct health health = running();
	health.node_known = NODES[_i].known;
	health.node_deleting = NODES[_i].deleting;
	health.node_to_be_deleted = NODES[_i].to_be_deleted;
	ck_assert_int_eq(health_node_eligible(&health), NODES[_i].healthz == 200);
	ck_assert_int_eq(healthz(&health, NOW), NODES[_i].healthz);
	ck_assert_int_eq(livez(&health, NOW), 200);
	/* Whether the proxy is well is another question. */
	ck_assert(health_is_well(&health, NOW));
}
END_TEST

/* ---- bodies */

/* The time of a field as nanoseconds since the epoch. */
static int64_t recorded_time(const char *body, const char *field)
{
	const char *at = strstr(body, field);
	struct tm utc = {0};
	ck_assert_ptr_nonnull(at);
	at = strptime(at + strlen(field), "\":\"%Y-%m-%dT%H:%M:%S", &utc);
	ck_assert_ptr_nonnull(at);
	int64_t fraction = 0, scale = SECOND;
	for (at++; *at >= '0' && *at <= '9'; at++) {
		scale /= 10;
		fraction += (*at - '0') * scale;
	}
	return timegm(&utc) * SECOND + fraction;
}

/* kube-proxy looks at its clock twice: lastUpdated of a good answer is a millisecond after currentTime. */
static char *with_one_clock(const char *recorded)
{
	const char *body = strstr(recorded, "\r\n\r\n") + 4;
	const char *last = strstr(body, "lastUpdated\":\"") + 14,
	           *current = strstr(body, "currentTime\":\"") + 14;
	auto_text text = {0};
	text_add_bytes(&text, body, (size_t)(last - body));
	text_add_bytes(&text, current, strcspn(current, "\""));
	text_add(&text, last + strcspn(last, "\""));
	return memory_copy_text(text_string(&text));
}

static void bodies_agree(const char *path, int (*render)(const struct health *, int64_t, struct text *))
{
	char *recorded auto_free = read_test_file(path), *wanted auto_free = with_one_clock(recorded);
	auto_text body = {0};
	struct health health;
	health_init(&health, 30000);
	health.node_known = true;
	health_synced(&health, IPV4, recorded_time(strstr(wanted, "IPv4"), "lastUpdated"));
	health_synced(&health, IPV6, recorded_time(strstr(wanted, "IPv6"), "lastUpdated"));
	ck_assert_int_eq(render(&health, recorded_time(wanted, "currentTime"), &body), 200);
	ck_assert_texts(path, wanted, text_string(&body));
}

START_TEST(the_bodies_are_those_that_kube_proxy_sent)
{
	bodies_agree(TEST_DATA "/data/kube-proxy/healthz", health_render_healthz);
	bodies_agree(TEST_DATA "/data/kube-proxy/livez", health_render_livez);
}
END_TEST

START_TEST(an_unwell_body_tells_the_last_update_and_which_family)
{
	auto_text healthz_body = {0};
	auto_text livez_body = {0};
	struct health health = running();
	health_synced(&health, IPV6, NOW - 50 * SECOND);
	health_queue(&health, IPV4, NOW - 25 * SECOND);
	ck_assert_int_eq(health_render_healthz(&health, NOW, &healthz_body), 503);
	ck_assert_int_eq(health_render_livez(&health, NOW, &livez_body), 503);
#define REST                                                                     \
	"\"healthy\":false,\"status\":{"                                         \
	"\"IPv4\":{\"lastUpdated\":\"2026-11-21T08:41:05Z\",\"healthy\":false}," \
	"\"IPv6\":{\"lastUpdated\":\"2026-11-21T08:41:55Z\",\"healthy\":true}}}"
#define TIMES "{\"lastUpdated\":\"2026-11-21T08:41:55Z\",\"currentTime\":\"2026-11-21T08:42:45Z\","
	ck_assert_texts("healthz", TIMES "\"nodeEligible\":true," REST, text_string(&healthz_body));
	ck_assert_texts("livez", TIMES REST, text_string(&livez_body));
}
END_TEST

START_TEST(a_body_before_any_loop_has_no_status)
{
	auto_text bad = {0};
	auto_text good = {0};
	struct health health;
	health_init(&health, 5000);
	ck_assert_int_eq(health_render_healthz(&health, NOW, &bad), 503);
	ck_assert_texts("healthz",
	                "{\"lastUpdated\":\"0001-01-01T00:00:00Z\",\"currentTime\":\"2026-11-21T08:42:45Z\","
	                "\"nodeEligible\":false,\"healthy\":true}",
	                text_string(&bad));
	ck_assert_int_eq(health_render_livez(&health, NOW, &good), 200);
	ck_assert_texts("livez",
	                "{\"lastUpdated\":\"2026-11-21T08:42:45Z\",\"currentTime\":\"2026-11-21T08:42:45Z\","
	                "\"healthy\":true}",
	                text_string(&good));
}
END_TEST

START_TEST(one_family_alone_is_the_only_one_told)
{
	auto_text body = {0};
	struct health health;
	health_init(&health, 5000);
	health_start(&health, IPV6, NOW);
	ck_assert_int_eq(health_render_livez(&health, NOW, &body), 200);
	ck_assert_ptr_nonnull(strstr(body.bytes,
	                             "\"status\":{\"IPv6\":{\"lastUpdated\":\"2026-11-21T08:42:45Z\","
	                             "\"healthy\":true}}}"));
}
END_TEST

static const struct {
	int64_t nanoseconds;
	const char *text;
} TIMES_OF_DAY[] = {
        {0, "08:42:45Z"},
        {1, "08:42:45.000000001Z"},
        {120000000, "08:42:45.12Z"},
        {45000, "08:42:45.000045Z"},
        {999999999, "08:42:45.999999999Z"},
        {500000000, "08:42:45.5Z"},
        {100, "08:42:45.0000001Z"},
};

START_TEST(times_have_as_many_digits_as_they_need)
{
	auto_text body = {0};
	auto_text wanted = {0};
	struct health health;
	health_init(&health, 5000);
	text_addf(&wanted, "\"currentTime\":\"2026-11-21T%s\"", TIMES_OF_DAY[_i].text);
	health_render_livez(&health, NOW + TIMES_OF_DAY[_i].nanoseconds, &body);
	ck_assert_msg(strstr(body.bytes, wanted.bytes), "%s is not in %s", wanted.bytes, body.bytes);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

int main(void)
{
	Suite *suite = suite_create("health");
	TCase *tests = tcase_create("health");
	tcase_add_test(tests, it_is_well_before_any_loop_started);
	tcase_add_test(tests, idle_time_never_makes_it_unwell);
	tcase_add_test(tests, a_request_not_served_within_the_limit_is_unwell);
	tcase_add_test(tests, the_oldest_request_counts_not_the_last);
	tcase_add_test(tests, the_other_family_being_well_does_not_help);
	tcase_add_test(tests, a_loop_that_starts_has_nothing_queued);
	tcase_add_loop_test(tests, a_node_on_its_way_out_gets_no_traffic_but_lives, 0, COUNT(NODES));
	tcase_add_test(tests, the_bodies_are_those_that_kube_proxy_sent);
	tcase_add_test(tests, an_unwell_body_tells_the_last_update_and_which_family);
	tcase_add_test(tests, a_body_before_any_loop_has_no_status);
	tcase_add_test(tests, one_family_alone_is_the_only_one_told);
	tcase_add_loop_test(tests, times_have_as_many_digits_as_they_need, 0, COUNT(TIMES_OF_DAY));
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
