/*
 * What is told about Services besides the kernel's share: C34 to C36 as far as the daemon keeps them.
 */
#include "service_facts.h"

#include "support.h"

#include <stdio.h>
#include <string.h>

static struct service_facts facts;
static struct arena arena;

static void set_up(void)
{
	memset(&facts, 0, sizeof(facts));
}

static void tear_down(void)
{
	service_facts_done(&facts);
	arena_done(&arena);
}

static void put(const char *name, uint16_t port, uint32_t local)
{
	struct fragment fragment = {.health_check_node_port = port, .local_ready_endpoints = {local, 0}};
	service_facts_put(&facts, (struct object_name){"ns", name}, &fragment);
}

static void must_be(const char *wanted)
{
	char got[256] = "";
	struct service_health_port *ports;
	size_t count = service_facts_health_ports(&facts, &arena, &ports);
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(got);
		snprintf(got + length, sizeof(got) - length, "%s/%s %u %u\n", ports[i].namespace,
		         ports[i].name, ports[i].port, ports[i].local_endpoints[0]);
	}
	ck_assert_texts("health-check node ports", wanted, got);
}

START_TEST(services_with_a_health_check_port_are_told_by_name)
{
	put("two", 30001, 1);
	put("one", 30000, 3);
	put("cluster", 0, 2);
	must_be("ns/one 30000 3\nns/two 30001 1\n");
}
END_TEST

START_TEST(a_changed_port_and_a_deleted_service_are_followed)
{
	put("one", 30000, 1);
	put("one", 30001, 1);
	must_be("ns/one 30001 1\n");
	service_facts_put(&facts, (struct object_name){"ns", "one"}, NULL);
	must_be("");
}
END_TEST

START_TEST(a_count_that_falls_to_zero_is_told)
{
	put("one", 30000, 2);
	put("one", 30000, 0);
	must_be("ns/one 30000 0\n");
}
END_TEST

START_TEST(changes_are_counted_only_when_something_changed)
{
	put("one", 30000, 2);
	uint64_t before = facts.changes;
	put("one", 30000, 2);
	ck_assert_uint_eq(facts.changes, before);
	put("one", 30000, 1);
	ck_assert_uint_gt(facts.changes, before);
}
END_TEST

START_TEST(services_without_local_endpoints_are_summed_by_family_and_policy)
{
	struct fragment both = {.no_local_internal = {true, true}, .no_local_external = {true, false}};
	struct fragment none = {0};
	service_facts_put(&facts, (struct object_name){"ns", "a"}, &both);
	service_facts_put(&facts, (struct object_name){"ns", "b"}, &both);
	service_facts_put(&facts, (struct object_name){"other", "b"}, &both);
	service_facts_put(&facts, (struct object_name){"ns", "b"}, &none);
	ck_assert_uint_eq(facts.no_local_internal[0], 2);
	ck_assert_uint_eq(facts.no_local_internal[1], 2);
	ck_assert_uint_eq(facts.no_local_external[0], 2);
	ck_assert_uint_eq(facts.no_local_external[1], 0);
}
END_TEST

START_TEST(a_service_with_nothing_to_tell_takes_no_room)
{
	put("one", 0, 5);
	ck_assert_ptr_null(facts.by_name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("facts of Services");
	TCase *tests = tcase_create("facts");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, services_with_a_health_check_port_are_told_by_name);
	tcase_add_test(tests, a_changed_port_and_a_deleted_service_are_followed);
	tcase_add_test(tests, a_count_that_falls_to_zero_is_told);
	tcase_add_test(tests, changes_are_counted_only_when_something_changed);
	tcase_add_test(tests, services_without_local_endpoints_are_summed_by_family_and_policy);
	tcase_add_test(tests, a_service_with_nothing_to_tell_takes_no_room);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
