/*
 * Performing changes: what the kernel then holds, and whose failure is whose.
 */
#include "apply/kernel.h"
#include "fake_kernel.h"
#include "fake_objects.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fake_kernel fake;
static struct kernel *kernel;
static struct arena arena;
static struct changes changes;

static void start(void)
{
	fake_kernel_init(&fake);
	strcpy(fake.link_name, "kube-ipvs0");
	fake.link_kind = "dummy";
	arena_init(&arena);
	ck_assert_int_eq(kernel_open("kube-ipvs0", false, &fake.transport, &kernel, NULL), 0);
}

static void end(void)
{
	vector_done(&changes);
	kernel_close(kernel);
	arena_done(&arena);
	fake_kernel_done(&fake);
}

static int perform(void)
{
	for (size_t i = 0; i < changes.count; i++)
		changes.items[i].result = 77;
	return kernel_perform(kernel, &changes, &arena);
}

static void kernel_must_hold(const char *wanted)
{
	auto_text text = {0};
	fake_kernel_print(&fake, &text);
	ck_assert_texts("the kernel's tables", wanted, text_string(&text));
}

static void all_must_have(int result)
{
	for (size_t i = 0; i < changes.count; i++)
		ck_assert_msg(changes.items[i].result == result, "change %zu has %d, not %d", i,
		              changes.items[i].result, result);
}

/* ---- what arrives */

START_TEST(growing_arrives_with_every_attribute)
{
	start();
	struct virtual_server tcp = make_virtual_server("10.96.0.10", 80);
	struct virtual_server sctp = make_virtual_server("fd00::10", 9999);
	sctp.key.protocol = PROTOCOL_SCTP;
	sctp.flags = VIRTUAL_SERVER_PERSISTENT;
	sctp.timeout_seconds = 10800;
	sctp.netmask_bits = 64;
	struct virtual_server udp = make_virtual_server("10.96.0.10", 5060);
	udp.key.protocol = PROTOCOL_UDP;
	udp.flags = VIRTUAL_SERVER_ONE_PACKET | VIRTUAL_SERVER_HASHED | VIRTUAL_SERVER_SCHED_2;
	udp.netmask_bits = 20;
	strcpy(udp.scheduler, "mh");
	strcpy(udp.engine, "sip");
	struct virtual_server mark = {.key = {.address.family = FAMILY_IPV6, .firewall_mark = 9},
	                              .scheduler = "wrr",
	                              .netmask_bits = 128};
	struct real_server plain = make_real_server("10.1.0.1", 8080), six = make_real_server("fd00:1::1", 1);
	struct real_server tunnel = make_real_server("fd00:1::2", 80);
	tunnel.forwarding = FORWARD_TUNNEL;
	tunnel.tunnel_type = 1;
	tunnel.tunnel_port = 5555;
	tunnel.tunnel_flags = 1;
	tunnel.upper_threshold = 9;
	tunnel.lower_threshold = 8;
	tunnel.weight = 0;
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_address(&changes, CHANGE_ADDRESS_ADD, "fd00::10");
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &tcp);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &sctp);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &udp);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &mark);
	want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &tcp, &plain);
	want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &tcp, &tunnel);
	want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &sctp, &six);
	want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &mark, &six);
	ck_assert_int_eq(perform(), 0);
	all_must_have(0);
	kernel_must_hold("TCP 10.96.0.10:80 rr flags 0x2 timeout 0 mask 32\n"
	                 "  -> 10.1.0.1:8080 weight 1\n"
	                 "  -> [fd00:1::2]:80 weight 0 forwarding 2 thresholds 9 8 tunnel 1 5555 1\n"
	                 "SCTP [fd00::10]:9999 rr flags 0x3 timeout 10800 mask 64\n"
	                 "  -> [fd00:1::1]:1 weight 1\n"
	                 "UDP 10.96.0.10:5060 mh flags 0x16 timeout 0 mask 20 engine sip\n"
	                 "firewall mark 9 wrr flags 0x2 timeout 0 mask 128\n"
	                 "  -> [fd00:1::1]:1 weight 1\n"
	                 "held 10.96.0.10\n"
	                 "held fd00::10\n");
	end();
}
END_TEST

START_TEST(editing_changes_in_place_and_clears_flags_that_nobody_wants)
{
	start();
	struct real_server real = make_real_server("10.1.0.1", 80);
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	server.real_servers = &real;
	server.real_server_count = 1;
	server.flags = VIRTUAL_SERVER_PERSISTENT | VIRTUAL_SERVER_SCHED_3;
	server.timeout_seconds = 300;
	fake_kernel_put(&fake, &server);
	server.flags = VIRTUAL_SERVER_SCHED_1;
	server.timeout_seconds = 0;
	strcpy(server.scheduler, "sh");
	real.weight = 5;
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_EDIT, &server);
	want_real_server(&changes, CHANGE_REAL_SERVER_EDIT, &server, &real);
	ck_assert_int_eq(perform(), 0);
	all_must_have(0);
	kernel_must_hold("TCP 10.96.0.10:80 sh flags 0xa timeout 0 mask 32\n  -> 10.1.0.1:80 weight 5\n");
	end();
}
END_TEST

START_TEST(shrinking_leaves_nothing)
{
	start();
	struct real_server real = make_real_server("fd00:1::1", 80);
	struct virtual_server server = make_virtual_server("fd00::10", 80);
	server.real_servers = &real;
	server.real_server_count = 1;
	fake_kernel_put(&fake, &server);
	vector_push(&fake.held, server.key.address);
	want_real_server(&changes, CHANGE_REAL_SERVER_REMOVE, &server, &real);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_REMOVE, &server);
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "fd00::10");
	ck_assert_int_eq(perform(), 0);
	all_must_have(0);
	kernel_must_hold("");
	end();
}
END_TEST

START_TEST(no_changes_say_nothing_to_the_kernel)
{
	start();
	size_t sends = fake.counters.sends;
	ck_assert_int_eq(perform(), 0);
	ck_assert_uint_eq(fake.counters.sends, sends);
	end();
}
END_TEST

START_TEST(filter_changes_are_passed_over_with_success)
{
	start();
	size_t sends = fake.counters.sends;
	vector_push(&changes, (struct change){.kind = CHANGE_FILTER_ADD});
	vector_push(&changes, (struct change){.kind = CHANGE_FILTER_REMOVE});
	ck_assert_int_eq(perform(), 0);
	all_must_have(0);
	ck_assert_uint_eq(fake.counters.sends, sends);
	end();
}
END_TEST

/* ---- what is there already, or gone already */

/* R4.9, Q-8 */
START_TEST(what_is_there_already_when_added_becomes_what_is_wanted)
{
	start();
	struct real_server real = make_real_server("10.1.0.1", 80);
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	struct virtual_server fresh = make_virtual_server("10.96.0.11", 80);
	server.real_servers = &real;
	server.real_server_count = 1;
	real.weight = 0;
	strcpy(server.scheduler, "wlc");
	server.flags = VIRTUAL_SERVER_PERSISTENT;
	server.timeout_seconds = 60;
	fake_kernel_put(&fake, &server);
	vector_push(&fake.held, server.key.address);
	real.weight = 1;
	server = make_virtual_server("10.96.0.10", 80);
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &server);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &fresh);
	want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &server, &real);
	want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &fresh, &real);
	ck_assert_int_eq(perform(), 0);
	all_must_have(0);
	kernel_must_hold("TCP 10.96.0.10:80 rr flags 0x2 timeout 0 mask 32\n"
	                 "  -> 10.1.0.1:80 weight 1\n"
	                 "TCP 10.96.0.11:80 rr flags 0x2 timeout 0 mask 32\n"
	                 "  -> 10.1.0.1:80 weight 1\n"
	                 "held 10.96.0.10\n");
	end();
}
END_TEST

START_TEST(what_is_gone_already_when_removed_is_a_success)
{
	start();
	struct real_server real = make_real_server("10.1.0.1", 80);
	struct virtual_server here = make_virtual_server("10.96.0.10", 80);
	struct virtual_server gone = make_virtual_server("10.96.0.11", 80);
	fake_kernel_put(&fake, &here);
	want_real_server(&changes, CHANGE_REAL_SERVER_REMOVE, &here, &real);
	want_real_server(&changes, CHANGE_REAL_SERVER_REMOVE, &gone, &real);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_REMOVE, &gone);
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "10.96.0.11");
	ck_assert_int_eq(perform(), 0);
	all_must_have(0);
	end();
}
END_TEST

START_TEST(an_edit_of_what_is_gone_is_reported)
{
	start();
	struct real_server real = make_real_server("10.1.0.1", 80);
	struct virtual_server here = make_virtual_server("10.96.0.10", 80);
	struct virtual_server gone = make_virtual_server("10.96.0.11", 80);
	fake_kernel_put(&fake, &here);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_EDIT, &gone);
	want_real_server(&changes, CHANGE_REAL_SERVER_EDIT, &here, &real);
	ck_assert_int_eq(perform(), 0);
	ck_assert_int_eq(changes.items[0].result, -ESRCH);
	ck_assert_int_eq(changes.items[1].result, -ENOENT);
	end();
}
END_TEST

START_TEST(without_the_dummy_addresses_fail_and_all_else_goes_on)
{
	start();
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	fake.link_kind = NULL;
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &server);
	want_address(&changes, CHANGE_ADDRESS_REMOVE, "10.96.0.11");
	ck_assert_int_eq(perform(), 0);
	ck_assert_int_eq(changes.items[0].result, -ENODEV);
	ck_assert_int_eq(changes.items[1].result, 0);
	ck_assert_int_eq(changes.items[2].result, 0);
	kernel_must_hold("TCP 10.96.0.10:80 rr flags 0x2 timeout 0 mask 32\n");
	end();
}
END_TEST

/* ---- refusals */

START_TEST(an_address_that_is_refused_does_not_keep_its_virtual_server_away)
{
	start();
	const struct fake_refusal refusal = {1, -EACCES, "IPv6 is disabled on this device"};
	struct virtual_server server = make_virtual_server("fd00::10", 80);
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	want_address(&changes, CHANGE_ADDRESS_ADD, "fd00::10");
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &server);
	ck_assert_int_eq(perform(), 0);
	ck_assert_int_eq(changes.items[0].result, -EACCES);
	ck_assert_str_eq(changes.items[0].detail, "IPv6 is disabled on this device");
	ck_assert_int_eq(changes.items[1].result, 0);
	ck_assert_ptr_null(changes.items[1].detail);
	kernel_must_hold("TCP [fd00::10]:80 rr flags 0x2 timeout 0 mask 128\n");
	end();
}
END_TEST

START_TEST(real_servers_of_a_virtual_server_that_was_refused_fail_by_themselves)
{
	start();
	struct real_server real = make_real_server("10.1.0.1", 80);
	struct virtual_server odd = make_virtual_server("10.96.0.10", 80);
	struct virtual_server good = make_virtual_server("10.96.0.11", 80);
	strcpy(odd.scheduler, "nosuch");
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &odd);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &good);
	want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &odd, &real);
	want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &good, &real);
	ck_assert_int_eq(perform(), 0);
	ck_assert_int_eq(changes.items[0].result, -ENOENT);
	ck_assert_int_eq(changes.items[1].result, 0);
	ck_assert_int_eq(changes.items[2].result, -ESRCH);
	ck_assert_int_eq(changes.items[3].result, 0);
	kernel_must_hold("TCP 10.96.0.11:80 rr flags 0x2 timeout 0 mask 32\n  -> 10.1.0.1:80 weight 1\n");
	end();
}
END_TEST

enum { MANY = 5000 };

static const struct {
	const char *what;
	size_t failing[10]; /* counted from 1 */
	bool all;
} position_rows[] = {
        {"none", {0}, false},
        {"the first", {1}, false},
        {"the last", {MANY}, false},
        {"at the seams of the batches", {255, 256, 257, 511, 512, 513, 768, 769}, false},
        {"here and there", {2, 3, 1000, 2500, 4999}, false},
        {"all", {0}, true},
};

static size_t make_refusals(int row, struct fake_refusal *refusals)
{
	size_t count = 0;
	for (size_t i = 1; i <= MANY; i++) {
		bool fails = position_rows[row].all;
		for (size_t j = 0; j < 10; j++)
			fails = fails || position_rows[row].failing[j] == i;
		if (fails)
			refusals[count++] = (struct fake_refusal){i, i % 2 ? -EINVAL : -ENOMEM, "no"};
	}
	return count;
}

START_TEST(among_five_thousand_changes_exactly_those_fail_that_the_kernel_refused)
{
	start();
	static struct fake_refusal refusals[MANY];
	static struct real_server reals[MANY];
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	fake_kernel_put(&fake, &server);
	for (unsigned i = 0; i < MANY; i++) {
		reals[i] = make_real_server("10.1.0.1", (uint16_t)(1000 + i));
		want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &server, &reals[i]);
	}
	fake.failures.refusals = refusals;
	fake.failures.refusal_count = make_refusals(_i, refusals);
	size_t sends = fake.counters.sends, next = 0;
	ck_assert_int_eq(perform(), 0);
	for (size_t i = 0; i < MANY; i++) {
		bool refused = next < fake.failures.refusal_count && refusals[next].message == i + 1;
		ck_assert_msg(changes.items[i].result == (refused ? refusals[next].error : 0),
		              "%s: change %zu has %d", position_rows[_i].what, i + 1,
		              changes.items[i].result);
		ck_assert_int_eq(changes.items[i].detail != NULL, refused);
		next += refused;
	}
	ck_assert_uint_eq(next, fake.failures.refusal_count);
	ck_assert_uint_eq(fake.virtual_servers.items[0].real_servers.count,
	                  MANY - fake.failures.refusal_count);
	/* A few hundred messages each time, and one acknowledgement. */
	ck_assert_uint_ge(fake.counters.most_messages, 200);
	ck_assert_uint_eq(fake.counters.sends - sends, (MANY + 255) / 256);
	ck_assert_uint_eq(fake.counters.acknowledgements, fake.counters.sends - sends);
	end();
}
END_TEST

/* ---- broken conversations */

static struct virtual_server mixed_servers[300];
static struct real_server mixed_real;

/* An address, 300 virtual servers and a real server: three kinds, two sockets, four sends. */
static void want_mixed(void)
{
	mixed_real = make_real_server("10.1.0.1", 80);
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	for (unsigned i = 0; i < 300; i++) {
		mixed_servers[i] = make_virtual_server("10.96.0.10", (uint16_t)(1 + i));
		want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &mixed_servers[i]);
	}
	want_real_server(&changes, CHANGE_REAL_SERVER_ADD, &mixed_servers[0], &mixed_real);
}

static void mixed_must_be_there(void)
{
	ck_assert_uint_eq(fake.held.count, 1);
	ck_assert_uint_eq(fake.virtual_servers.count, 300);
	ck_assert_uint_eq(fake.virtual_servers.items[0].real_servers.count, 1);
}

static const struct {
	enum fake_spoiling spoiling;
	int error;
} spoiling_rows[] = {
        {FAKE_CUT, -EBADMSG},    {FAKE_GARBAGE, -EBADMSG}, {FAKE_STRANGER, -EPROTO},
        {FAKE_LOST, -ETIMEDOUT}, {FAKE_OVERRUN, -ENOBUFS},
};

/* Datagram 1 answers where the dummy is, 2 acknowledges that, 3 the address, 4 and 5 the virtual servers, 6 the
 * real server. */
static const struct {
	size_t datagram, answered;
} moment_rows[] = {{1, 0}, {2, 0}, {3, 0}, {4, 1}, {5, 257}, {6, 301}};

enum { SPOILINGS = 5, MOMENTS = 6 };

START_TEST(a_conversation_that_breaks_fails_what_was_not_answered_and_the_next_one_mends_it)
{
	start();
	size_t answered = moment_rows[_i % MOMENTS].answered;
	int error = spoiling_rows[_i / MOMENTS].error;
	want_mixed();
	fake.failures.spoiling = spoiling_rows[_i / MOMENTS].spoiling;
	fake.failures.spoil_at = fake.counters.datagrams + moment_rows[_i % MOMENTS].datagram;
	ck_assert_int_eq(perform(), error);
	for (size_t i = 0; i < changes.count; i++)
		ck_assert_msg(changes.items[i].result == (i < answered ? 0 : error), "change %zu has %d", i,
		              changes.items[i].result);
	fake.failures.spoil_at = 0;
	ck_assert_int_eq(perform(), 0);
	all_must_have(0);
	mixed_must_be_there();
	end();
}
END_TEST

START_TEST(a_send_that_fails_fails_all_that_was_not_sent)
{
	start();
	want_mixed();
	/* The look for the dummy, the address, the virtual servers in two. */
	fake.failures.send_error_at = fake.counters.sends + 4;
	fake.failures.send_error = -EMSGSIZE;
	ck_assert_int_eq(perform(), -EMSGSIZE);
	for (size_t i = 0; i < changes.count; i++)
		ck_assert_int_eq(changes.items[i].result, i < 257 ? 0 : -EMSGSIZE);
	ck_assert_int_eq(perform(), 0);
	mixed_must_be_there();
	end();
}
END_TEST

START_TEST(a_refusal_heard_before_the_conversation_broke_is_kept)
{
	start();
	const struct fake_refusal refusal = {2, -EINVAL, "too odd"};
	want_mixed();
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	fake.failures.spoiling = FAKE_LOST;
	fake.failures.spoil_at = fake.counters.datagrams + 5;
	ck_assert_int_eq(perform(), -ETIMEDOUT);
	ck_assert_int_eq(changes.items[0].result, 0);
	ck_assert_int_eq(changes.items[1].result, -EINVAL);
	ck_assert_str_eq(changes.items[1].detail, "too odd");
	ck_assert_int_eq(changes.items[2].result, -ETIMEDOUT);
	end();
}
END_TEST

START_TEST(a_conversation_that_breaks_while_what_is_there_is_edited_leaves_no_doubt_unreported)
{
	start();
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	fake_kernel_put(&fake, &server);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &server);
	fake.failures.spoiling = FAKE_LOST;
	fake.failures.spoil_at = fake.counters.datagrams + 2;
	ck_assert_int_eq(perform(), -ETIMEDOUT);
	all_must_have(-ETIMEDOUT);
	end();
}
END_TEST

START_TEST(without_permission_each_change_says_so)
{
	start();
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	fake.failures.no_permission = true;
	want_address(&changes, CHANGE_ADDRESS_ADD, "10.96.0.10");
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &server);
	ck_assert_int_eq(perform(), 0);
	all_must_have(-EPERM);
	end();
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

int main(void)
{
	Suite *suite = suite_create("apply: performing");
	TCase *arriving = tcase_create("what arrives");
	tcase_add_test(arriving, growing_arrives_with_every_attribute);
	tcase_add_test(arriving, editing_changes_in_place_and_clears_flags_that_nobody_wants);
	tcase_add_test(arriving, shrinking_leaves_nothing);
	tcase_add_test(arriving, no_changes_say_nothing_to_the_kernel);
	tcase_add_test(arriving, filter_changes_are_passed_over_with_success);
	tcase_add_test(arriving, what_is_there_already_when_added_becomes_what_is_wanted);
	tcase_add_test(arriving, what_is_gone_already_when_removed_is_a_success);
	tcase_add_test(arriving, an_edit_of_what_is_gone_is_reported);
	tcase_add_test(arriving, without_the_dummy_addresses_fail_and_all_else_goes_on);
	suite_add_tcase(suite, arriving);
	TCase *failing = tcase_create("what fails");
	tcase_set_timeout(failing, 120);
	tcase_add_test(failing, an_address_that_is_refused_does_not_keep_its_virtual_server_away);
	tcase_add_test(failing, real_servers_of_a_virtual_server_that_was_refused_fail_by_themselves);
	tcase_add_loop_test(failing, among_five_thousand_changes_exactly_those_fail_that_the_kernel_refused,
	                    0, ROWS(position_rows));
	tcase_add_loop_test(failing,
	                    a_conversation_that_breaks_fails_what_was_not_answered_and_the_next_one_mends_it,
	                    0, SPOILINGS * MOMENTS);
	tcase_add_test(failing, a_send_that_fails_fails_all_that_was_not_sent);
	tcase_add_test(failing, a_refusal_heard_before_the_conversation_broke_is_kept);
	tcase_add_test(failing,
	               a_conversation_that_breaks_while_what_is_there_is_edited_leaves_no_doubt_unreported);
	tcase_add_test(failing, without_permission_each_change_says_so);
	suite_add_tcase(suite, failing);
	return run_suite(suite);
}
