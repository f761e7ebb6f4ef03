/*
 * The packet filter of a kernel that fails on demand: what a pass does then, and what is read.
 */
#include "apply/kernel.h"
#include "fake_kernel.h"
#include "fake_objects.h"
#include "plan_states.h"
#include "support.h"

#include <errno.h>
#include <string.h>

static struct fake_kernel fake;
static struct kernel *kernel;
static struct arena arena;
static struct fault fault;

static void prepare(void)
{
	bool repaired = true;
	fault = (struct fault){0};
	fake_kernel_init(&fake);
	strcpy(fake.link_name, "kube-ipvs0");
	fake.link_kind = "dummy";
	ck_assert_int_eq(kernel_open("kube-ipvs0", false, &fake.transport, &kernel, NULL), 0);
	kernel_use_filter(kernel, "add table inet kube-ipvs\nadd chain inet kube-ipvs settle\n");
	ck_assert_int_eq(kernel_ensure_filter(kernel, &repaired, &fault), 0);
	ck_assert(!repaired);
}

static void clean(void)
{
	kernel_close(kernel);
	fake_kernel_done(&fake);
	arena_done(&arena);
}

static const char everything[] = "guard 10.96.0.1\n"
                                 "guard fd00::1\n"
                                 "port 10.96.0.1:80 tcp outsiders\n"
                                 "port [fd00::1]:53 udp reject\n"
                                 "port 192.0.2.50:81 sctp drop restricted\n"
                                 "range 192.0.2.50:80 tcp 10.0.0.0/8\n"
                                 "range 192.0.2.50:80 tcp 192.0.2.100/32\n"
                                 "range [fd00::50]:80 tcp ::/0\n"
                                 "range [fd00::50]:80 udp 2001:db8::/33\n"
                                 "redirect 192.0.2.50:80 tcp 10.96.0.1:80\n"
                                 "redirect [fd00::50]:80 udp [fd00::1]:8080\n"
                                 "hairpin 10.244.0.5\n"
                                 "hairpin fd00:10:244::5\n"
                                 "health 30000\n";

static struct state elements_of(const char *text)
{
	struct state state = state_of(&arena, text);
	return (struct state){.filter = state.filter, .filter_count = state.filter_count};
}

static int read_all(struct state *ret_state)
{
	return kernel_read(kernel, &arena, ret_state, &fault);
}

static void kernel_must_hold(const struct state *wanted)
{
	struct changes changes = {0};
	struct state got;
	ck_assert_int_eq(read_all(&got), 0);
	ck_assert_uint_eq(got.filter_count, wanted->filter_count);
	diff_build(&got, wanted, &(struct removal_rules){.all_ours = true}, &changes);
	for (size_t i = 0; i < changes.count; i++)
		ck_assert_ptr_null(changes.items[i].filter);
	vector_done(&changes);
}

/* From what there is. */
static int reach(const struct state *wanted, struct changes *ret_changes)
{
	struct state present;
	ck_assert_int_eq(read_all(&present), 0);
	diff_build(&present, wanted, &(struct removal_rules){.all_ours = true}, ret_changes);
	return kernel_perform(kernel, ret_changes, &arena);
}

static void reach_all(const struct state *wanted)
{
	struct changes changes = {0};
	ck_assert_int_eq(reach(wanted, &changes), 0);
	vector_done(&changes);
}

START_TEST(elements_are_read_as_they_were_written)
{
	struct state wanted = elements_of(everything), nothing = {0};
	kernel_must_hold(&nothing);
	reach_all(&wanted);
	kernel_must_hold(&wanted);
	ck_assert_uint_eq(fake.filter.transactions, 2);
	reach_all(&nothing);
	kernel_must_hold(&nothing);
}
END_TEST

/* nothing may answer before it is protected. */
START_TEST(where_the_filter_refuses_nothing_else_is_performed)
{
	struct virtual_server server = make_virtual_server("10.96.0.1", 80);
	struct address held = make_address("10.96.0.1");
	struct changes changes = {0};
	struct state wanted = elements_of(everything), nothing = {0};
	wanted.virtual_servers = &server;
	wanted.virtual_server_count = 1;
	wanted.held = &held;
	wanted.held_count = 1;
	fake.failures.refuse_transaction_at = 2;
	fake.failures.transaction_error = -EEXIST;
	ck_assert_int_eq(reach(&wanted, &changes), -EEXIST);
	for (size_t i = 0; i < changes.count; i++)
		ck_assert_int_eq(changes.items[i].result, -EEXIST);
	ck_assert_str_eq(changes.items[0].detail, "refused");
	ck_assert_uint_eq(fake.counters.changes, 0);
	kernel_must_hold(&nothing);
	vector_done(&changes);
	/* The next pass is a good one. */
	reach_all(&wanted);
	kernel_must_hold(&wanted);
	ck_assert_uint_eq(fake.counters.changes, 2);
}
END_TEST

/* Shrinking: the filter comes last, and what went before stays gone. */
START_TEST(a_removal_that_is_refused_is_left_for_the_next_pass)
{
	struct virtual_server server = make_virtual_server("10.96.0.1", 80);
	struct changes changes = {0};
	struct state wanted = elements_of(everything), nothing = {0};
	wanted.virtual_servers = &server;
	wanted.virtual_server_count = 1;
	reach_all(&wanted);
	fake.failures.refuse_transaction_at = 3;
	fake.failures.transaction_error = -ENOENT;
	ck_assert_int_eq(reach(&nothing, &changes), -ENOENT);
	ck_assert_uint_eq(fake.virtual_servers.count, 0);
	ck_assert_int_eq(changes.items[0].kind, CHANGE_VIRTUAL_SERVER_REMOVE);
	ck_assert_int_eq(changes.items[0].result, 0);
	kernel_must_hold(&wanted);
	vector_done(&changes);
	reach_all(&nothing);
	kernel_must_hold(&nothing);
}
END_TEST

START_TEST(without_ipvs_answering_the_filter_is_still_first)
{
	struct virtual_server server = make_virtual_server("10.96.0.1", 80);
	struct changes changes = {0};
	struct state present = {0}, wanted = elements_of(everything);
	wanted.virtual_servers = &server;
	wanted.virtual_server_count = 1;
	diff_build(&present, &wanted, &(struct removal_rules){.all_ours = true}, &changes);
	fake.failures.send_error_at = fake.counters.sends + 1;
	fake.failures.send_error = -ECONNREFUSED;
	ck_assert_int_eq(kernel_perform(kernel, &changes, &arena), -ECONNREFUSED);
	ck_assert_uint_eq(fake.virtual_servers.count, 0);
	kernel_must_hold(&(struct state){.filter = wanted.filter, .filter_count = wanted.filter_count});
	vector_done(&changes);
}
END_TEST

static const struct {
	enum fake_spoiling spoiling;
	int error; /* 0: any, or none where nothing is missed */
} spoiling_rows[] = {{FAKE_CUT, -EBADMSG},     {FAKE_GARBAGE, -EBADMSG}, {FAKE_EMPTY, 0},
                     {FAKE_STRANGER, -EPROTO}, {FAKE_LOST, -ETIMEDOUT},  {FAKE_OVERRUN, -ENOBUFS}};

/* All, or nothing and an errno; and the next reading is good. */
START_TEST(what_cannot_be_read_whole_is_not_read)
{
	struct state wanted = elements_of(everything), state;
	reach_all(&wanted);
	size_t before = fake.counters.datagrams;
	kernel_must_hold(&wanted);
	size_t of_one_reading = fake.counters.datagrams - before;
	ck_assert_uint_ge(of_one_reading, 14);
	fake.failures.spoiling = spoiling_rows[_i].spoiling;
	for (size_t i = 1; i <= of_one_reading; i++) {
		fake.failures.spoil_at = fake.counters.datagrams + i;
		int error = read_all(&state);
		fake.failures.spoil_at = 0;
		if (spoiling_rows[_i].error)
			ck_assert_int_eq(error, spoiling_rows[_i].error);
		if (error)
			ck_assert_uint_eq(state.filter_count, 0);
		kernel_must_hold(&wanted);
	}
}
END_TEST

START_TEST(an_interrupted_dump_is_taken_again)
{
	struct state wanted = elements_of(everything), state;
	reach_all(&wanted);
	fake.failures.interrupted_dumps = 5;
	kernel_must_hold(&wanted);
	fake.failures.interrupted_dumps = 60;
	ck_assert_int_eq(read_all(&state), -EAGAIN);
	ck_assert_uint_eq(state.filter_count, 0);
}
END_TEST

START_TEST(rules_that_are_refused_are_told)
{
	bool repaired = true;
	kernel_use_filter(kernel, "add table inet kube-ipvs\n");
	fake.failures.refuse_transaction_at = fake.filter.transactions + 1;
	fake.failures.transaction_error = -ENOMEM;
	ck_assert_int_eq(kernel_ensure_filter(kernel, &repaired, &fault), -ENOMEM);
	ck_assert_str_eq(fault.sentence, "packet filter: our table cannot be put in place: refused");
	ck_assert(!repaired);
	ck_assert_int_eq(kernel_ensure_filter(kernel, &repaired, &fault), 0);
}
END_TEST

START_TEST(a_table_that_cannot_be_removed_is_told)
{
	fake.failures.refuse_transaction_at = fake.filter.transactions + 1;
	fake.failures.transaction_error = -EBUSY;
	ck_assert_int_eq(kernel_remove_filter(kernel, &fault), -EBUSY);
	ck_assert_str_eq(fault.sentence, "packet filter: our table cannot be removed: refused");
	ck_assert_int_eq(kernel_remove_filter(kernel, &fault), 0);
	ck_assert(!fake.filter.present);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

int main(void)
{
	Suite *suite = suite_create("apply: filter failures");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, prepare, clean);
	tcase_add_test(all, elements_are_read_as_they_were_written);
	tcase_add_test(all, where_the_filter_refuses_nothing_else_is_performed);
	tcase_add_test(all, a_removal_that_is_refused_is_left_for_the_next_pass);
	tcase_add_test(all, without_ipvs_answering_the_filter_is_still_first);
	tcase_add_loop_test(all, what_cannot_be_read_whole_is_not_read, 0, ROWS(spoiling_rows));
	tcase_add_test(all, an_interrupted_dump_is_taken_again);
	tcase_add_test(all, rules_that_are_refused_are_told);
	tcase_add_test(all, a_table_that_cannot_be_removed_is_told);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
