/*
 * Holding addresses in two ways, and going over from either to the other: what the kernel then has, and in which order.
 */
#include "apply/kernel.h"
#include "fake_kernel.h"
#include "fake_objects.h"
#include "support.h"

#include "holding.h"

#include <errno.h>
#include <string.h>

enum { LO = 1, DUMMY = FAKE_LINK_INDEX };

static struct fake_kernel fake;
static struct kernel *kernel;
static struct arena arena;
static struct changes changes;
static struct text events;

static void note_event(void *watcher, const struct fake_event *event)
{
	(void)watcher;
	fake_event_print(event, &events);
	text_add_char(&events, '\n');
}

static void start(bool by_routes)
{
	fake_kernel_init(&fake);
	strcpy(fake.link_name, "kube-ipvs0");
	fake.link_kind = "dummy";
	fake.saw = note_event;
	events = (struct text){0};
	changes = (struct changes){0};
	arena_init(&arena);
	ck_assert_int_eq(kernel_open("kube-ipvs0", false, &fake.transport, &kernel, NULL), 0);
	if (by_routes)
		kernel_hold_by_routes(kernel);
}

static void end(void)
{
	vector_done(&changes);
	text_done(&events);
	kernel_close(kernel);
	arena_done(&arena);
	fake_kernel_done(&fake);
}

static void have_address(const char *text)
{
	vector_push(&fake.held, make_address(text));
}

static void have_route_of(const char *text, uint8_t protocol, uint32_t metric, uint32_t interface)
{
	vector_push(&fake.routes, (struct fake_route){make_address(text), protocol, metric, interface});
}

static void have_route(const char *text)
{
	have_route_of(text, HELD_ROUTE_PROTOCOL, HELD_ROUTE_METRIC, LO);
}

static void have(bool by_route, const char *text)
{
	if (by_route)
		have_route(text);
	else
		have_address(text);
}

static void kernel_must_hold(const char *wanted)
{
	auto_text text = {0};
	fake_kernel_print(&fake, &text);
	ck_assert_texts("the kernel's tables", wanted, text_string(&text));
}

static void add_addresses(const char *heading, const struct address *addresses, size_t count,
                          struct text *text)
{
	char address[ADDRESS_TEXT_SIZE];
	text_add(text, heading);
	for (size_t i = 0; i < count; i++) {
		address_format(&addresses[i], address);
		text_addf(text, " %s", address);
	}
	text_add_char(text, '\n');
}

static struct state read_state(void)
{
	struct state state;
	struct fault fault = {0};
	int error = kernel_read(kernel, &arena, &state, &fault);
	ck_assert_msg(error == 0, "%s", fault.sentence);
	return state;
}

static void read_must_be(const char *wanted)
{
	struct state state = read_state();
	auto_text text = {0};
	add_addresses("held", state.held, state.held_count, &text);
	add_addresses("misheld", state.misheld, state.misheld_count, &text);
	ck_assert_texts("what was read", wanted, text_string(&text));
}

static int perform(void)
{
	for (size_t i = 0; i < changes.count; i++)
		changes.items[i].result = 77;
	text_clear(&events);
	return kernel_perform(kernel, &changes, &arena);
}

static void results_must_be(int result)
{
	for (size_t i = 0; i < changes.count; i++)
		ck_assert_msg(changes.items[i].result == result, "change %zu has %d, not %d", i,
		              changes.items[i].result, result);
}

static void events_must_be(const char *wanted)
{
	ck_assert_texts("what was done, in this order", wanted, text_string(&events));
}

/* ---- by routes alone */

START_TEST(by_routes_addresses_come_and_go_as_routes_and_the_dummy_stays_empty)
{
	start(true);
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_address(&changes, CHANGE_ADDRESS_ADD, "fd00::10");
	ck_assert_int_eq(perform(), 0);
	results_must_be(0);
	kernel_must_hold("route 10.96.0.10 protocol 173 metric 173 interface 1\n"
	                 "route fd00::10 protocol 173 metric 173 interface 1\n");
	read_must_be("held 10.96.0.10 fd00::10\nmisheld\n");
	changes.count = 0;
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "10.96.0.10");
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "fd00::10");
	ck_assert_int_eq(perform(), 0);
	results_must_be(0);
	kernel_must_hold("");
	end();
}
END_TEST

START_TEST(by_routes_what_is_there_or_gone_already_is_a_success)
{
	start(true);
	have_route("10.96.0.10");
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "10.96.0.11");
	ck_assert_int_eq(perform(), 0);
	results_must_be(0);
	events_must_be("add route 10.96.0.10: File exists (as it was)\n"
	               "remove route 10.96.0.11: No such process (as it was)\n");
	end();
}
END_TEST

START_TEST(routes_need_no_dummy)
{
	start(true);
	fake.link_kind = NULL;
	have_route("10.96.0.11");
	read_must_be("held 10.96.0.11\nmisheld\n");
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "10.96.0.11");
	ck_assert_int_eq(perform(), 0);
	results_must_be(0);
	kernel_must_hold("route 10.96.0.10 protocol 173 metric 173 interface 1\n");
	end();
}
END_TEST

START_TEST(only_routes_of_ours_are_read)
{
	start(_i);
	have_route_of("10.96.0.1", 4, HELD_ROUTE_METRIC, LO);
	have_route_of("10.96.0.2", HELD_ROUTE_PROTOCOL, 0, LO);
	have_route_of("10.96.0.3", HELD_ROUTE_PROTOCOL, HELD_ROUTE_METRIC, DUMMY);
	have_route_of("fd00::4", 2, HELD_ROUTE_METRIC, LO);
	read_must_be("held\nmisheld\n");
	end();
}
END_TEST

START_TEST(a_refused_route_is_reported_with_the_kernels_words)
{
	start(true);
	const struct fake_refusal refusal = {2, -EACCES, "IPv6 is disabled on nexthop device"};
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_address(&changes, CHANGE_ADDRESS_ADD, "fd00::10");
	ck_assert_int_eq(perform(), 0);
	ck_assert_int_eq(changes.items[0].result, 0);
	ck_assert_int_eq(changes.items[1].result, -EACCES);
	ck_assert_str_eq(changes.items[1].detail, "IPv6 is disabled on nexthop device");
	end();
}
END_TEST

/* ---- both ways */

static const char *const way[] = {"held", "route"};

START_TEST(both_ways_are_read_and_the_other_one_is_told)
{
	start(_i);
	have_address("10.96.0.2");
	have_address("fd00::1");
	have_address("10.96.0.3");
	have_route("10.96.0.3");
	have_route("10.96.0.1");
	have_route("fd00::2");
	read_must_be(_i ? "held 10.96.0.1 10.96.0.2 10.96.0.3 fd00::1 fd00::2\n"
	                  "misheld 10.96.0.2 10.96.0.3 fd00::1\n"
	                : "held 10.96.0.1 10.96.0.2 10.96.0.3 fd00::1 fd00::2\n"
	                  "misheld 10.96.0.1 10.96.0.3 fd00::2\n");
	end();
}
END_TEST

START_TEST(what_is_misheld_is_added_in_our_way_before_it_goes_in_the_other)
{
	auto_text wanted = {0};
	const char *ours = way[_i], *other = way[!_i];
	start(_i);
	have(!_i, "10.96.0.10");
	have(!_i, "fd00::10");
	have(_i, "fd00::10");
	read_state();
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.9");
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_address(&changes, CHANGE_ADDRESS_ADD, "fd00::10");
	ck_assert_int_eq(perform(), 0);
	results_must_be(0);
	text_addf(&wanted,
	          "add %s 10.96.0.9\nadd %s 10.96.0.10\nadd %s fd00::10: File exists (as it was)\n"
	          "remove %s 10.96.0.10\nremove %s fd00::10\n",
	          ours, ours, ours, other, other);
	events_must_be(text_string(&wanted));
	read_must_be("held 10.96.0.9 10.96.0.10 fd00::10\nmisheld\n");
	end();
}
END_TEST

START_TEST(what_nobody_wants_goes_in_either_way)
{
	start(_i);
	have(_i, "10.96.0.1");
	have(!_i, "10.96.0.2");
	have(_i, "10.96.0.3");
	have(!_i, "10.96.0.3");
	read_state();
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "10.96.0.1");
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "10.96.0.2");
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "10.96.0.3");
	ck_assert_int_eq(perform(), 0);
	results_must_be(0);
	kernel_must_hold("");
	end();
}
END_TEST

START_TEST(what_could_not_be_added_in_our_way_stays_in_the_other)
{
	const struct fake_refusal refusal = {1, -ENOMEM, NULL};
	start(_i);
	have(!_i, "10.96.0.10");
	read_state();
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	ck_assert_int_eq(perform(), 0);
	results_must_be(-ENOMEM);
	read_must_be("held 10.96.0.10\nmisheld 10.96.0.10\n");
	end();
}
END_TEST

START_TEST(what_could_not_go_in_the_other_way_is_a_failure_and_goes_next_time)
{
	const struct fake_refusal refusal = {2, -ENOMEM, NULL};
	start(_i);
	have(!_i, "10.96.0.10");
	read_state();
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	ck_assert_int_eq(perform(), 0);
	results_must_be(-ENOMEM);
	read_must_be("held 10.96.0.10\nmisheld 10.96.0.10\n");
	ck_assert_int_eq(perform(), 0);
	results_must_be(0);
	read_must_be("held 10.96.0.10\nmisheld\n");
	end();
}
END_TEST

START_TEST(routes_go_though_the_dummy_is_gone)
{
	start(false);
	fake.link_kind = NULL;
	have_route("10.96.0.10");
	have_route("fd00::10");
	read_must_be("held 10.96.0.10 fd00::10\nmisheld 10.96.0.10 fd00::10\n");
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "fd00::10");
	ck_assert_int_eq(perform(), 0);
	ck_assert_int_eq(changes.items[0].result, -ENODEV);
	ck_assert_int_eq(changes.items[1].result, 0);
	kernel_must_hold("route 10.96.0.10 protocol 173 metric 173 interface 1\n");
	end();
}
END_TEST

/* ---- with diff */

static const struct cidr excluded = {.base = {.family = FAMILY_IPV4, .bytes = {203}}, .prefix_bits = 8};

/* What a whole pass does. */
static void pass(const char *const *wanted_addresses, size_t count)
{
	struct address held[8];
	for (size_t i = 0; i < count; i++)
		held[i] = make_address(wanted_addresses[i]);
	const struct state wanted = {.held = held, .held_count = count}, present = read_state();
	const struct removal_rules rules = {.excluded = &excluded, .excluded_count = 1};
	changes.count = 0;
	diff_build(&present, &wanted, &rules, &changes);
	ck_assert_int_eq(perform(), 0);
	results_must_be(0);
}

START_TEST(a_pass_goes_over_to_our_way_and_the_next_has_nothing_to_do)
{
	static const char *const wanted[] = {"10.96.0.1", "10.96.0.2", "10.96.0.3", "fd00::1"};
	start(_i);
	have(!_i, "10.96.0.1");
	have(_i, "10.96.0.2");
	have(!_i, "10.96.0.2");
	have(!_i, "10.96.0.9");
	have(!_i, "fd00::1");
	have(!_i, "203.0.113.1");
	pass(wanted, 4);
	read_must_be("held 10.96.0.1 10.96.0.2 10.96.0.3 203.0.113.1 fd00::1\nmisheld 203.0.113.1\n");
	pass(wanted, 4);
	ck_assert_uint_eq(changes.count, 0);
	end();
}
END_TEST

START_TEST(a_virtual_server_is_ours_whichever_way_its_address_is_held)
{
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	struct virtual_server alien = make_virtual_server("10.96.0.11", 80);
	start(_i & 1);
	have(_i >> 1, "10.96.0.10");
	fake_kernel_put(&fake, &server);
	fake_kernel_put(&fake, &alien);
	pass(NULL, 0);
	kernel_must_hold("TCP 10.96.0.11:80 rr flags 0x2 timeout 0 mask 32\n");
	end();
}
END_TEST

/* ---- many, and a kernel that fails */

enum { MANY = 600 };

static void have_many(bool by_route)
{
	struct address address = make_address("10.96.0.0");
	for (unsigned i = 0; i < MANY; i++) {
		address.bytes[2] = (uint8_t)(i >> 8);
		address.bytes[3] = (uint8_t)i;
		if (by_route)
			vector_push(&fake.routes,
			            (struct fake_route){address, HELD_ROUTE_PROTOCOL, HELD_ROUTE_METRIC, LO});
		else
			vector_push(&fake.held, address);
		vector_push(&changes, (struct change){.kind = CHANGE_ADDRESS_ADD, .address = address});
	}
}

START_TEST(hundreds_go_over_in_batches)
{
	start(_i);
	have_many(!_i);
	read_state();
	size_t sends = fake.counters.sends;
	ck_assert_int_eq(perform(), 0);
	results_must_be(0);
	ck_assert_uint_eq(_i ? fake.routes.count : fake.held.count, MANY);
	ck_assert_uint_eq(_i ? fake.held.count : fake.routes.count, 0);
	ck_assert_uint_le(fake.counters.sends - sends, 1 + 2 * (MANY / 256 + 1));
	end();
}
END_TEST

/* One question for the dummy's index, three batches of each way. */
enum { SENDS = 7 };

START_TEST(when_the_conversation_breaks_nothing_is_lost_and_nothing_taken_for_done_that_is_not)
{
	for (size_t n = 1; n <= SENDS; n++) {
		start(_i);
		have_many(!_i);
		read_state();
		fake.failures.send_error_at = fake.counters.sends + n;
		fake.failures.send_error = -ENOBUFS;
		ck_assert_int_eq(perform(), -ENOBUFS);
		struct state state = read_state();
		ck_assert_uint_eq(state.held_count, MANY);
		for (size_t i = 0; i < changes.count; i++)
			ck_assert(changes.items[i].result != 0 ||
			          !addresses_contain(state.misheld, state.misheld_count,
			                             &changes.items[i].address));
		ck_assert_int_eq(perform(), 0);
		ck_assert_uint_eq(read_state().misheld_count, 0);
		end();
	}
}
END_TEST

START_TEST(an_interrupted_dump_of_routes_is_taken_again_and_gives_each_once)
{
	struct holding holding = {0};
	struct conversation route;
	struct state state = {0};
	start(false);
	have_route("10.96.0.10");
	have_route("fd00::10");
	conversation_init(&route, &fake.transport, NETLINK_ROUTE);
	fake.failures.interrupted_dumps = 5;
	ck_assert_int_eq(holding_read(&holding, &route, 0, &arena, &state), 0);
	ck_assert_uint_eq(state.held_count, 2);
	ck_assert_uint_eq(state.misheld_count, 2);
	fake.failures.interrupted_dumps = 6;
	state = (struct state){0};
	ck_assert_int_eq(holding_read(&holding, &route, 0, &arena, &state), -EAGAIN);
	ck_assert_uint_eq(state.held_count, 0);
	holding_done(&holding);
	conversation_done(&route);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply: holding");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, by_routes_addresses_come_and_go_as_routes_and_the_dummy_stays_empty);
	tcase_add_test(all, by_routes_what_is_there_or_gone_already_is_a_success);
	tcase_add_test(all, routes_need_no_dummy);
	tcase_add_loop_test(all, only_routes_of_ours_are_read, 0, 2);
	tcase_add_test(all, a_refused_route_is_reported_with_the_kernels_words);
	tcase_add_loop_test(all, both_ways_are_read_and_the_other_one_is_told, 0, 2);
	tcase_add_loop_test(all, what_is_misheld_is_added_in_our_way_before_it_goes_in_the_other, 0, 2);
	tcase_add_loop_test(all, what_nobody_wants_goes_in_either_way, 0, 2);
	tcase_add_loop_test(all, what_could_not_be_added_in_our_way_stays_in_the_other, 0, 2);
	tcase_add_loop_test(all, what_could_not_go_in_the_other_way_is_a_failure_and_goes_next_time, 0, 2);
	tcase_add_test(all, routes_go_though_the_dummy_is_gone);
	tcase_add_loop_test(all, a_pass_goes_over_to_our_way_and_the_next_has_nothing_to_do, 0, 2);
	tcase_add_loop_test(all, a_virtual_server_is_ours_whichever_way_its_address_is_held, 0, 4);
	tcase_add_loop_test(all, hundreds_go_over_in_batches, 0, 2);
	tcase_add_loop_test(
	        all, when_the_conversation_breaks_nothing_is_lost_and_nothing_taken_for_done_that_is_not, 0,
	        2);
	tcase_add_test(all, an_interrupted_dump_of_routes_is_taken_again_and_gives_each_once);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
