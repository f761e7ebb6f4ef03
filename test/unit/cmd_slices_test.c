/*
 * Passes in the smallest slices: the same as one in one go, whatever comes in between, and wherever they end.
 */
#include "syncer.h"

#include "expectation_check.h"
#include "fake_kernel.h"
#include "support.h"
#include "test_directory.h"

#include "base/check.h"
#include "plan/filter_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define DUMMY "kube-ipvs0"

enum { LONG_PAST = 1 }; /* a deadline: after each step it is somebody else's turn */

/* A machine with its daemon, as after a start. */
struct machine {
	struct fake_kernel fake;
	struct planner planner;
	struct syncer syncer;
	char directory[TEST_DIRECTORY_SIZE];
};

static struct machine one, other;

static void nothing_said(void *context, const char *owner, const char *const *sentences, size_t count)
{
	(void)context, (void)owner, (void)sentences, (void)count;
}

static void nothing_remarked(void *context, const char *sentence)
{
	(void)context, (void)sentence;
}

static void start(struct machine *machine)
{
	static const struct planner_listener listener = {.warned = nothing_said,
	                                                 .remarked = nothing_remarked};
	static const struct node_port_rule all = {0};
	const struct filter_rules rules = {.masquerade_mark = 0x4000, .answer_ping = true};
	struct interface_address own = {.interface = "eth0"};
	struct kernel *kernel = NULL;
	struct fault fault = {0};
	size_t unreadable = 0;
	auto_text text = {0};
	CHECK(address_parse("192.0.2.10", &own.address));
	filter_text_rules(&rules, &text);
	planner_init(&machine->planner, "n1", DUMMY, "rr", &all, &listener);
	planner_refresh_node(&machine->planner, &own, 1);
	ck_assert_int_eq(kernel_open(DUMMY, false, &machine->fake.transport, &kernel, &fault), 0);
	kernel_use_filter(kernel, text_string(&text));
	ck_assert_int_eq(syncer_init(&machine->syncer, kernel, &machine->planner, machine->directory, NULL, 0,
	                             &unreadable),
	                 0);
}

/* As SIGTERM does, or worse. */
static void stop(struct machine *machine)
{
	syncer_done(&machine->syncer);
	planner_done(&machine->planner);
}

static void make(struct machine *machine)
{
	static const char *const schedulers[] = {"rr", NULL};
	fake_kernel_init(&machine->fake);
	machine->fake.schedulers = schedulers;
	test_directory_make(machine->directory);
}

static void unmake(struct machine *machine)
{
	test_directory_remove(machine->directory);
	fake_kernel_done(&machine->fake);
}

static void set_up(void)
{
	make(&one);
	make(&other);
}

static void tear_down(void)
{
	unmake(&one);
	unmake(&other);
}

/* ---- Services */

enum { ENDPOINTS = 3 };

static void put_slice(struct machine *machine, struct object_name service, unsigned number, unsigned first)
{
	struct slice_port port = {.name = "", .port = 8080, .protocol = PROTOCOL_TCP};
	struct endpoint endpoints[ENDPOINTS];
	struct slice slice = {.name = service,
	                      .service = service.name,
	                      .family = FAMILY_IPV4,
	                      .ports = &port,
	                      .endpoints = endpoints,
	                      .port_count = 1,
	                      .endpoint_count = ENDPOINTS};
	for (unsigned i = 0; i < ENDPOINTS; i++)
		endpoints[i] = (struct endpoint){
		        .address = {.family = FAMILY_IPV4,
		                    .bytes = {10, 244, (uint8_t)number, (uint8_t)(first + i)}},
		        .ready = true,
		        .serving = true};
	cluster_put_slice(machine->planner.cluster, slice_new(&slice));
}

/* A Service with the ClusterIP 10.96.0.NUMBER, a node port from number 100 on, and three endpoints. */
static void put_named(struct machine *machine, const char *namespace, const char *name, unsigned number)
{
	struct service_port port = {.name = "", .port = 80, .protocol = PROTOCOL_TCP};
	struct service service = {
	        .name = {namespace, name},
	        .type = number >= 100 ? SERVICE_NODE_PORT : SERVICE_CLUSTER_IP,
	        .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	        .cluster_ip = {.family = FAMILY_IPV4, .bytes = {10, 96, 0, (uint8_t)number}},
	        .ports = &port,
	        .port_count = 1};
	if (number >= 100)
		port.node_port = (uint16_t)(30000 + number);
	cluster_put_service(machine->planner.cluster, service_new(&service));
	put_slice(machine, service.name, number, 1);
}

static void put(struct machine *machine, unsigned number)
{
	char name[16];
	snprintf(name, sizeof(name), "s%u", number);
	put_named(machine, "default", name, number);
}

static void take(struct machine *machine, unsigned number)
{
	char name[16];
	snprintf(name, sizeof(name), "s%u", number);
	cluster_remove_service(machine->planner.cluster, (struct object_name){"default", name});
	cluster_remove_slice(machine->planner.cluster, (struct object_name){"default", name});
}

static void put_many(struct machine *machine)
{
	for (unsigned number = 1; number <= 120; number++)
		put(machine, number);
}

/* ---- passes */

static void whole(struct machine *machine)
{
	struct sync_outcome outcome;
	planner_run(&machine->planner);
	ck_assert_int_eq(sync_whole(&machine->syncer, true, &outcome), 0);
	ck_assert_uint_eq(outcome.failed, 0);
	sync_done(&machine->syncer, &outcome);
}

/* Goes on for at most so many slices; whether that ended the pass. */
static bool go_on(struct machine *machine, size_t most, size_t *ret_slices)
{
	for (*ret_slices = 0; *ret_slices < most;) {
		++*ret_slices;
		int e = sync_go_on(&machine->syncer, LONG_PAST);
		if (e == SYNC_E_MORE)
			continue;
		ck_assert_msg(e == 0, "the pass ended with %d: %s", e,
		              machine->syncer.outcome.fault.sentence);
		return true;
	}
	return false;
}

/* Returns how many slices it took. */
static size_t in_slices(struct machine *machine, enum sync_kind kind)
{
	size_t slices;
	while (!planner_go_on(&machine->planner, LONG_PAST))
		;
	sync_begin(&machine->syncer, kind, true);
	ck_assert(go_on(machine, SIZE_MAX, &slices));
	ck_assert_uint_eq(machine->syncer.outcome.failed, 0);
	sync_end(&machine->syncer);
	return slices;
}

/* The tables in an order of their own, since nothing depends on the order in which portions came. */
static void must_be_alike(void)
{
	struct machine *machines[] = {&one, &other};
	struct text texts[2] = {{0}, {0}};
	for (int i = 0; i < 2; i++) {
		char path[TEST_PATH_SIZE];
		fake_kernel_print(&machines[i]->fake, &texts[i]);
		test_directory_path(machines[i]->directory, "virtual-servers", path);
		int e = text_read_file(path, 1 << 20, &texts[i]);
		ck_assert(e == 0 || e == -ENOENT);
	}
	ck_assert_uint_gt(texts[0].length, 0);
	ck_assert_texts("the kernel and the record", text_string(&texts[0]), text_string(&texts[1]));
	text_done(&texts[0]);
	text_done(&texts[1]);
}

START_TEST(a_pass_in_slices_does_what_one_in_one_go_does)
{
	start(&one), start(&other);
	put_many(&one), put_many(&other);
	whole(&one);
	ck_assert_uint_gt(in_slices(&other, SYNC_WHOLE), 20);
	must_be_alike();
	for (unsigned number = 50; number < 110; number++) {
		take(&one, number), take(&other, number);
		put_slice(&one, (struct object_name){"default", "s7"}, 7, 2);
		put_slice(&other, (struct object_name){"default", "s7"}, 7, 2);
	}
	struct sync_outcome outcome;
	planner_run(&one.planner);
	ck_assert_int_eq(sync_touched(&one.syncer, &outcome), 0);
	sync_done(&one.syncer, &outcome);
	ck_assert_uint_gt(in_slices(&other, SYNC_TOUCHED), 5);
	must_be_alike();
	stop(&one), stop(&other);
}
END_TEST

START_TEST(a_look_at_everything_in_slices_finds_nothing_to_do)
{
	start(&one);
	put_many(&one);
	whole(&one);
	size_t before = one.fake.counters.changes;
	/* A slice for each virtual server that is read, at least. */
	ck_assert_uint_gt(in_slices(&one, SYNC_WHOLE), 120);
	ck_assert_uint_eq(one.fake.counters.changes, before);
	stop(&one);
}
END_TEST

/* More entries than are summed up between two looks at the clock; the first pass finds none of them, the second all. */
START_TEST(what_is_expected_of_the_kernel_is_summed_up_in_slices_too)
{
	start(&one);
	put_many(&one);
	for (unsigned round = 0; round < 2; round++) {
		in_slices(&one, SYNC_WHOLE);
		ck_assert(one.syncer.expectation.known);
		expectation_must_be_the_kernel(&one.syncer);
	}
	whole(&one);
	expectation_must_be_the_kernel(&one.syncer);
	stop(&one);
}
END_TEST

START_TEST(what_changes_during_a_pass_waits_in_the_store_and_comes_with_the_next)
{
	size_t slices;
	start(&one), start(&other);
	put_many(&one), put_many(&other);
	planner_run(&one.planner);
	sync_begin(&one.syncer, SYNC_WHOLE, true);
	for (unsigned number = 121; !go_on(&one, 1, &slices); number = number < 140 ? number + 1 : number) {
		put(&one, number);
		if (number == 130)
			take(&one, 5);
	}
	sync_end(&one.syncer);
	in_slices(&one, SYNC_TOUCHED);
	put_many(&other);
	for (unsigned number = 121; number <= 140; number++)
		put(&other, number);
	whole(&other);
	take(&other, 5);
	whole(&other);
	whole(&one);
	ck_assert_uint_eq(one.syncer.record.count, other.syncer.record.count);
	ck_assert_uint_eq(one.fake.virtual_servers.count, other.fake.virtual_servers.count);
	ck_assert_uint_eq(one.fake.held.count, other.fake.held.count);
	ck_assert_uint_eq(one.fake.filter.elements.count, other.fake.filter.elements.count);
	stop(&one), stop(&other);
}
END_TEST

/* After each slice once. What a pass did before it was given up stays, and a start completes it. */
START_TEST(a_stop_after_any_slice_leaves_what_the_next_start_completes)
{
	size_t slices;
	start(&other);
	for (unsigned number = 90; number < 120; number++)
		put(&other, number);
	whole(&other);
	stop(&other);
	bool ended = false;
	for (size_t most = 1; !ended; most++) {
		unmake(&one), make(&one);
		start(&one);
		for (unsigned number = 90; number < 120; number++)
			put(&one, number);
		planner_run(&one.planner);
		sync_begin(&one.syncer, SYNC_WHOLE, true);
		ended = go_on(&one, most, &slices);
		stop(&one);
		size_t held = one.fake.held.count;
		start(&one);
		for (unsigned number = 90; number < 120; number++)
			put(&one, number);
		whole(&one);
		ck_assert_uint_ge(one.fake.held.count, held);
		stop(&one);
		must_be_alike();
	}
}
END_TEST

START_TEST(a_dump_that_somebody_interrupts_is_taken_again)
{
	static const struct virtual_server_key key = {
	        .address = {.family = FAMILY_IPV4, .bytes = {10, 96, 0, 1}},
	        .protocol = PROTOCOL_TCP,
	        .port = 80};
	const struct real_server *servers;
	struct arena arena = {0};
	struct state state;
	struct fault fault = {0};
	size_t count, before;
	start(&one);
	put_many(&one);
	whole(&one);
	before = one.fake.counters.dumps;
	struct kernel_reading *reading = kernel_reading_new(one.syncer.kernel, &arena);
	ck_assert_int_eq(kernel_reading_go_on(reading, LONG_PAST, &state, &fault), KERNEL_E_MORE);
	ck_assert_int_eq(kernel_read_real_servers(one.syncer.kernel, &key, &arena, &servers, &count), 0);
	ck_assert_uint_eq(count, ENDPOINTS);
	int e;
	do {
		e = kernel_reading_go_on(reading, LONG_PAST, &state, &fault);
	} while (e == KERNEL_E_MORE);
	ck_assert_msg(e == 0, "%d: %s", e, fault.sentence);
	ck_assert_uint_eq(state.virtual_server_count, one.fake.virtual_servers.count);
	ck_assert_uint_gt(one.fake.counters.dumps, before + state.virtual_server_count);
	kernel_reading_free(reading);
	arena_done(&arena);
	stop(&one);
}
END_TEST

/* ---- the first ranks */

static void plan_first(struct machine *machine)
{
	ck_assert(planner_plan_next(&machine->planner));
	ck_assert(planner_plan_next(&machine->planner));
}

static void put_infrastructure(struct machine *machine)
{
	put_named(machine, "kube-system", "kube-dns", 250);
	put_named(machine, "default", "kubernetes", 251);
}

START_TEST(the_first_ranks_are_served_before_all_others_are_planned)
{
	size_t slices;
	start(&one);
	put_many(&one);
	put_infrastructure(&one);
	plan_first(&one);
	sync_begin(&one.syncer, SYNC_FIRST, true);
	ck_assert(go_on(&one, SIZE_MAX, &slices));
	ck_assert_uint_eq(one.syncer.outcome.done[CHANGE_ADDRESS_ADD], 2);
	ck_assert_uint_eq(one.syncer.outcome.done[CHANGE_REAL_SERVER_ADD], 4 * ENDPOINTS);
	sync_end(&one.syncer);
	ck_assert_uint_eq(one.fake.held.count, 2);
	ck_assert_uint_eq(one.fake.virtual_servers.count, 4);
	size_t before = one.fake.counters.changes;
	/* The whole pass sends nothing of them again: addresses, virtual and real servers of 120, of which 21 have node ports. */
	in_slices(&one, SYNC_WHOLE);
	ck_assert_uint_eq(one.fake.counters.changes - before, 120 + 141 + 141 * ENDPOINTS);
	stop(&one);
}
END_TEST

START_TEST(after_a_restart_the_first_ranks_are_not_sent_again)
{
	size_t slices;
	start(&one);
	put_many(&one);
	put_infrastructure(&one);
	whole(&one);
	stop(&one);
	size_t before = one.fake.counters.changes, transactions = one.fake.filter.transactions;
	start(&one);
	put_many(&one);
	put_infrastructure(&one);
	plan_first(&one);
	sync_begin(&one.syncer, SYNC_FIRST, true);
	ck_assert(go_on(&one, SIZE_MAX, &slices));
	ck_assert_uint_eq(one.syncer.outcome.changes.count, 0);
	sync_end(&one.syncer);
	ck_assert_uint_eq(one.fake.counters.changes, before);
	/* That of the rules, which each start puts. */
	ck_assert_uint_eq(one.fake.filter.transactions, transactions + 1);
	stop(&one);
}
END_TEST

START_TEST(one_that_misses_real_servers_is_sent_after_a_restart)
{
	size_t slices;
	start(&one);
	put_infrastructure(&one);
	whole(&one);
	stop(&one);
	one.fake.virtual_servers.items[0].real_servers.count = 0;
	start(&one);
	put_infrastructure(&one);
	plan_first(&one);
	sync_begin(&one.syncer, SYNC_FIRST, true);
	ck_assert(go_on(&one, SIZE_MAX, &slices));
	ck_assert_uint_eq(one.syncer.outcome.failed, 0);
	sync_end(&one.syncer);
	ck_assert_uint_eq(one.fake.virtual_servers.items[0].real_servers.count, ENDPOINTS);
	stop(&one);
}
END_TEST

START_TEST(when_the_first_ranks_fail_the_whole_pass_serves_them)
{
	start(&one), start(&other);
	put_many(&one), put_many(&other);
	put_infrastructure(&one), put_infrastructure(&other);
	plan_first(&one);
	/* The second, after the rules. */
	one.fake.failures.refuse_transaction_at = one.fake.filter.transactions + 2;
	one.fake.failures.transaction_error = -ENOMEM;
	sync_begin(&one.syncer, SYNC_FIRST, true);
	int e;
	while ((e = sync_go_on(&one.syncer, LONG_PAST)) == SYNC_E_MORE)
		;
	ck_assert_int_eq(e, -ENOMEM);
	sync_end(&one.syncer);
	ck_assert_uint_eq(one.fake.virtual_servers.count, 0);
	in_slices(&one, SYNC_WHOLE);
	whole(&other);
	must_be_alike();
	stop(&one), stop(&other);
}
END_TEST

/* ---- changes of others */

START_TEST(given_changes_are_performed_and_nothing_else_is_settled)
{
	size_t slices;
	struct arena arena = {0};
	struct state present;
	struct fault fault = {0};
	struct changes changes = {0};
	start(&one);
	put(&one, 1);
	whole(&one);
	put(&one, 2);
	planner_run(&one.planner);
	ck_assert_int_eq(kernel_read(one.syncer.kernel, &arena, &present, &fault), 0);
	vector_push(&changes, (struct change){.kind = CHANGE_REAL_SERVER_REMOVE,
	                                      .rank = RANK_OTHER,
	                                      .virtual_server = &present.virtual_servers[0],
	                                      .real_server = &present.virtual_servers[0].real_servers[1]});
	sync_begin_given(&one.syncer, &changes);
	ck_assert_ptr_null(changes.items);
	ck_assert(go_on(&one, SIZE_MAX, &slices));
	ck_assert_uint_eq(one.syncer.outcome.done[CHANGE_REAL_SERVER_REMOVE], 1);
	sync_end(&one.syncer);
	ck_assert_uint_eq(one.fake.virtual_servers.items[0].real_servers.count, ENDPOINTS - 1);
	ck_assert(ledger_has_touched(one.planner.ledger));
	arena_done(&arena);
	stop(&one);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd slices");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, a_pass_in_slices_does_what_one_in_one_go_does);
	tcase_add_test(tests, a_look_at_everything_in_slices_finds_nothing_to_do);
	tcase_add_test(tests, what_is_expected_of_the_kernel_is_summed_up_in_slices_too);
	tcase_add_test(tests, what_changes_during_a_pass_waits_in_the_store_and_comes_with_the_next);
	tcase_add_test(tests, a_stop_after_any_slice_leaves_what_the_next_start_completes);
	tcase_add_test(tests, a_dump_that_somebody_interrupts_is_taken_again);
	tcase_add_test(tests, the_first_ranks_are_served_before_all_others_are_planned);
	tcase_add_test(tests, after_a_restart_the_first_ranks_are_not_sent_again);
	tcase_add_test(tests, one_that_misses_real_servers_is_sent_after_a_restart);
	tcase_add_test(tests, when_the_first_ranks_fail_the_whole_pass_serves_them);
	tcase_add_test(tests, given_changes_are_performed_and_nothing_else_is_settled);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
