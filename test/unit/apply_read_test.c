/*
 * Reading the kernel's tables: everything it says arrives, and never half of it.
 */
#include "apply/connections.h"
#include "apply/kernel.h"
#include "fake_kernel.h"
#include "fake_objects.h"
#include "support.h"

#include <errno.h>
#include <string.h>

static struct fake_kernel fake;
static struct kernel *kernel;
static struct arena arena;
static struct fault fault;

static void start(void)
{
	fake_kernel_init(&fake);
	arena_init(&arena);
	fault = (struct fault){0};
	ck_assert_int_eq(kernel_open("kube-ipvs0", false, &fake.transport, &kernel, &fault), 0);
}

static void end(void)
{
	kernel_close(kernel);
	arena_done(&arena);
	fake_kernel_done(&fake);
}

static void have_dummy(void)
{
	strcpy(fake.link_name, "kube-ipvs0");
	fake.link_kind = "dummy";
}

static void have_held(const char *text)
{
	vector_push(&fake.held, make_address(text));
}

static void print_state(const struct state *state, struct text *text)
{
	char name[VIRTUAL_SERVER_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];
	for (size_t i = 0; i < state->virtual_server_count; i++) {
		const struct virtual_server *server = &state->virtual_servers[i];
		text_addf(text, "%s %s 0x%x %us /%u %s\n", virtual_server_key_format(&server->key, name),
		          server->scheduler, server->flags, server->timeout_seconds, server->netmask_bits,
		          server->engine);
		for (size_t j = 0; j < server->real_server_count; j++) {
			const struct real_server *real = &server->real_servers[j];
			address_format(&real->address, address);
			text_addf(text, "  %s %u f%u w%u u%u l%u t%u:%u:%u c%u:%u:%u\n", address, real->port,
			          real->forwarding, real->weight, real->upper_threshold,
			          real->lower_threshold, real->tunnel_type, real->tunnel_port,
			          real->tunnel_flags, real->active_connections, real->inactive_connections,
			          real->persistent_connections);
		}
	}
	for (size_t i = 0; i < state->held_count; i++) {
		address_format(&state->held[i], address);
		text_addf(text, "held %s\n", address);
	}
}

static void read_must_be(const char *wanted)
{
	struct state state;
	auto_text text = {0};
	int error = kernel_read(kernel, &arena, &state, &fault);
	ck_assert_msg(error == 0, "%s", fault.sentence);
	print_state(&state, &text);
	ck_assert_texts("what was read", wanted, text_string(&text));
}

static void read_must_fail(int wanted)
{
	struct state state, nothing = {0};
	memset(&state, 0xff, sizeof(state));
	fault = (struct fault){0};
	ck_assert_int_eq(kernel_read(kernel, &arena, &state, &fault), wanted);
	ck_assert_mem_eq(&state, &nothing, sizeof(state));
	ck_assert_str_ne(fault.sentence, "");
}

/* ---- one virtual server, and timeouts: what a look at drains reads */

static struct virtual_server_key key_of_port(uint16_t port)
{
	return (struct virtual_server_key){
	        .address = make_address("10.96.0.1"), .protocol = PROTOCOL_TCP, .port = port};
}

START_TEST(the_real_servers_of_one_virtual_server_are_read_alone)
{
	const struct real_server of_80[] = {
	        {.address = make_address("10.0.0.2"), .port = 80, .inactive_connections = 3},
	        {.address = make_address("10.0.0.1"), .port = 80, .active_connections = 2}};
	const struct real_server of_81[] = {{.address = make_address("10.0.0.9"), .port = 81}};
	struct virtual_server servers[] = {{.key = key_of_port(80),
	                                    .scheduler = "rr",
	                                    .netmask_bits = 32,
	                                    .real_servers = of_80,
	                                    .real_server_count = 2},
	                                   {.key = key_of_port(81),
	                                    .scheduler = "rr",
	                                    .netmask_bits = 32,
	                                    .real_servers = of_81,
	                                    .real_server_count = 1}};
	const struct real_server *read = of_81;
	size_t count = 7;
	start();
	fake_kernel_put(&fake, &servers[0]);
	fake_kernel_put(&fake, &servers[1]);
	ck_assert_int_eq(kernel_read_real_servers(kernel, &servers[0].key, &arena, &read, &count), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(read[0].active_connections, 2);
	ck_assert_uint_eq(read[1].inactive_connections, 3);
	struct virtual_server_key absent = key_of_port(82);
	ck_assert_int_eq(kernel_read_real_servers(kernel, &absent, &arena, &read, &count), 0);
	ck_assert_uint_eq(count, 0);
	fake.failures.interrupted_dumps = 1000;
	count = 7;
	ck_assert_int_eq(kernel_read_real_servers(kernel, &servers[0].key, &arena, &read, &count), -EAGAIN);
	ck_assert_uint_eq(count, 0);
	end();
}
END_TEST

START_TEST(timeouts_are_read_all_or_none)
{
	static const enum fake_spoiling spoilings[] = {FAKE_CUT, FAKE_GARBAGE, FAKE_EMPTY, FAKE_LOST,
	                                               FAKE_OVERRUN};
	for (size_t i = 0; i < sizeof(spoilings) / sizeof(*spoilings); i++) {
		struct kernel_timeouts timeouts = {0};
		start();
		fake.timeouts[0] = 900;
		fake.timeouts[1] = 120;
		fake.timeouts[2] = 300;
		fake.failures.spoil_at = fake.counters.datagrams + 1;
		fake.failures.spoiling = spoilings[i];
		ck_assert_int_lt(kernel_read_timeouts(kernel, &timeouts), 0);
		ck_assert_uint_eq(timeouts.tcp_seconds, 0);
		ck_assert_int_eq(kernel_read_timeouts(kernel, &timeouts), 0);
		ck_assert_uint_eq(timeouts.tcp_seconds, 900);
		ck_assert_uint_eq(timeouts.tcp_fin_seconds, 120);
		ck_assert_uint_eq(timeouts.udp_seconds, 300);
		end();
	}
}
END_TEST

/* ---- what is there */

START_TEST(an_empty_kernel_is_an_empty_state)
{
	start();
	read_must_be("");
	end();
}
END_TEST

START_TEST(every_attribute_is_read_and_everything_is_ascending)
{
	start();
	struct real_server many[] = {make_real_server("10.1.0.9", 80), make_real_server("10.1.0.10", 80),
	                             make_real_server("10.1.0.9", 79)};
	many[0].weight = 0;
	many[0].active_connections = 3;
	many[0].inactive_connections = 4;
	many[0].persistent_connections = 5;
	many[1].upper_threshold = 100;
	many[1].lower_threshold = 50;
	many[2].forwarding = FORWARD_TUNNEL;
	many[2].tunnel_type = 1;
	many[2].tunnel_port = 5555;
	many[2].tunnel_flags = 1;
	struct virtual_server six = make_virtual_server("fd00::10", 443);
	six.flags = VIRTUAL_SERVER_PERSISTENT;
	six.timeout_seconds = 10800;
	six.netmask_bits = 64;
	struct virtual_server four = make_virtual_server("10.96.0.10", 5060);
	four.key.protocol = PROTOCOL_UDP;
	four.flags = VIRTUAL_SERVER_PERSISTENT | VIRTUAL_SERVER_ONE_PACKET;
	four.timeout_seconds = 60;
	four.netmask_bits = 24;
	strcpy(four.engine, "sip");
	strcpy(four.scheduler, "wlc");
	four.real_servers = many;
	four.real_server_count = 3;
	struct virtual_server mark = {.key = {.address.family = FAMILY_IPV4, .firewall_mark = 7},
	                              .scheduler = "mh",
	                              .flags = VIRTUAL_SERVER_SCHED_2,
	                              .netmask_bits = 32};
	fake_kernel_put(&fake, &six);
	fake_kernel_put(&fake, &four);
	fake_kernel_put(&fake, &mark);
	read_must_be("firewall mark 7 mh 0x12 0s /32 \n"
	             "UDP 10.96.0.10:5060 wlc 0x7 60s /24 sip\n"
	             "  10.1.0.9 79 f2 w1 u0 l0 t1:5555:1 c0:0:0\n"
	             "  10.1.0.9 80 f0 w0 u0 l0 t0:0:0 c3:4:5\n"
	             "  10.1.0.10 80 f0 w1 u100 l50 t0:0:0 c0:0:0\n"
	             "TCP [fd00::10]:443 rr 0x3 10800s /64 \n");
	end();
}
END_TEST

/* C39 */
START_TEST(a_virtual_server_without_an_address_has_the_zero_address_of_its_family)
{
	start();
	struct virtual_server four = make_virtual_server("10.96.0.10", 80);
	struct virtual_server six = make_virtual_server("fd00::10", 80);
	fake_kernel_put(&fake, &four)->without_address = true;
	fake_kernel_put(&fake, &six)->without_address = true;
	read_must_be("TCP 0.0.0.0:80 rr 0x2 0s /32 \nTCP [::]:80 rr 0x2 0s /128 \n");
	end();
}
END_TEST

/* C38 */
static const struct {
	uint32_t in_kernel;
	uint32_t wanted; /* what the plan calls the same */
	int error;
} flag_rows[] = {
        {VIRTUAL_SERVER_PERSISTENT, 0, -EBADMSG},
        {VIRTUAL_SERVER_PERSISTENT | VIRTUAL_SERVER_HASHED, VIRTUAL_SERVER_PERSISTENT, 0},
        {VIRTUAL_SERVER_PERSISTENT | VIRTUAL_SERVER_HASHED | VIRTUAL_SERVER_SCHED_2,
         VIRTUAL_SERVER_PERSISTENT | VIRTUAL_SERVER_SCHED_2, 0},
};

START_TEST(the_hashed_flag_is_the_kernels_and_an_entry_without_it_is_no_entry)
{
	start();
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	struct state state;
	fake_kernel_put(&fake, &server)->server.flags = flag_rows[_i].in_kernel;
	if (flag_rows[_i].error) {
		read_must_fail(flag_rows[_i].error);
	} else {
		ck_assert_int_eq(kernel_read(kernel, &arena, &state, &fault), 0);
		ck_assert_uint_eq(state.virtual_server_count, 1);
		server.flags = flag_rows[_i].wanted;
		ck_assert(virtual_server_same(&state.virtual_servers[0], &server));
		server.flags ^= VIRTUAL_SERVER_ONE_PACKET;
		ck_assert(!virtual_server_same(&state.virtual_servers[0], &server));
	}
	end();
}
END_TEST

START_TEST(a_kernel_before_3_18_does_not_say_the_family_of_a_real_server)
{
	start();
	struct real_server four = make_real_server("10.1.0.1", 80), six = make_real_server("fd00:1::", 80);
	struct virtual_server servers[] = {make_virtual_server("10.96.0.10", 80),
	                                   make_virtual_server("fd00::10", 80)};
	servers[0].real_servers = &four;
	servers[1].real_servers = &six;
	for (int i = 0; i < 2; i++) {
		servers[i].real_server_count = 1;
		fake_kernel_put(&fake, &servers[i])->without_real_server_family = true;
	}
	read_must_be("TCP 10.96.0.10:80 rr 0x2 0s /32 \n"
	             "  10.1.0.1 80 f0 w1 u0 l0 t0:0:0 c0:0:0\n"
	             "TCP [fd00::10]:80 rr 0x2 0s /128 \n"
	             "  fd00:1:: 80 f0 w1 u0 l0 t0:0:0 c0:0:0\n");
	end();
}
END_TEST

START_TEST(a_tunnel_may_lead_to_a_real_server_of_the_other_family)
{
	start();
	struct real_server six = make_real_server("fd00:1::2", 80);
	six.forwarding = FORWARD_TUNNEL;
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	server.real_servers = &six;
	server.real_server_count = 1;
	fake_kernel_put(&fake, &server);
	read_must_be("TCP 10.96.0.10:80 rr 0x2 0s /32 \n  fd00:1::2 80 f2 w1 u0 l0 t0:0:0 c0:0:0\n");
	end();
}
END_TEST

/* R6.4 */
START_TEST(held_addresses_are_the_dummys_without_loopback_and_ipv6_link_local)
{
	start();
	have_dummy();
	have_held("fe80::1");
	have_held("fd00::10");
	have_held("10.96.0.10");
	have_held("169.254.20.10");
	have_held("127.0.0.5");
	have_held("10.96.0.9");
	read_must_be("held 10.96.0.9\nheld 10.96.0.10\nheld 169.254.20.10\nheld fd00::10\n");
	end();
}
END_TEST

START_TEST(an_entry_that_a_dump_shows_twice_is_read_once)
{
	start();
	have_dummy();
	struct real_server twice[] = {make_real_server("10.1.0.1", 80), make_real_server("10.1.0.1", 80)};
	struct virtual_server server = make_virtual_server("10.96.0.10", 80);
	server.real_servers = twice;
	server.real_server_count = 2;
	fake_kernel_put(&fake, &server);
	fake_kernel_put(&fake, &server);
	have_held("10.96.0.10");
	have_held("10.96.0.10");
	read_must_be("TCP 10.96.0.10:80 rr 0x2 0s /32 \n"
	             "  10.1.0.1 80 f0 w1 u0 l0 t0:0:0 c0:0:0\n"
	             "held 10.96.0.10\n");
	end();
}
END_TEST

/* ---- failures */

static const char *const small_table = "TCP 10.96.0.10:80 rr 0x2 0s /32 \n"
                                       "  10.1.0.1 80 f0 w1 u0 l0 t0:0:0 c0:0:0\n"
                                       "  10.1.0.2 80 f0 w1 u0 l0 t0:0:0 c0:0:0\n"
                                       "TCP 10.96.0.11:80 rr 0x2 0s /32 \n"
                                       "  10.1.0.1 80 f0 w1 u0 l0 t0:0:0 c0:0:0\n"
                                       "  10.1.0.2 80 f0 w1 u0 l0 t0:0:0 c0:0:0\n"
                                       "held 10.96.0.10\n"
                                       "held 10.96.0.11\n";

static void have_small_table(void)
{
	static const char *const addresses[] = {"10.96.0.10", "10.96.0.11"};
	const struct real_server both[] = {make_real_server("10.1.0.1", 80),
	                                   make_real_server("10.1.0.2", 80)};
	have_dummy();
	for (int i = 0; i < 2; i++) {
		struct virtual_server server = make_virtual_server(addresses[i], 80);
		server.real_servers = both;
		server.real_server_count = 2;
		fake_kernel_put(&fake, &server);
		have_held(addresses[i]);
	}
}

START_TEST(an_interrupted_dump_is_taken_again_up_to_five_times)
{
	start();
	have_small_table();
	fake.failures.interrupted_dumps = 5;
	read_must_be(small_table);
	ck_assert_uint_eq(fake.counters.dumps, 6 + 5);
	end();
}
END_TEST

START_TEST(a_dump_that_is_interrupted_each_time_gives_nothing)
{
	start();
	have_small_table();
	fake.failures.interrupted_dumps = 6;
	read_must_fail(-EAGAIN);
	read_must_be(small_table);
	end();
}
END_TEST

static const struct {
	enum fake_spoiling spoiling;
	int error;
} spoiling_rows[] = {
        {FAKE_CUT, -EBADMSG},     {FAKE_GARBAGE, -EBADMSG}, {FAKE_EMPTY, -EBADMSG},
        {FAKE_STRANGER, -EPROTO}, {FAKE_LOST, -ETIMEDOUT},  {FAKE_OVERRUN, -ENOBUFS},
};

/* An emptied acknowledgement or end of a dump says "no error", as it did before: then all must be there. */
static bool may_be_whole(enum fake_spoiling spoiling)
{
	return spoiling == FAKE_EMPTY;
}

static size_t datagrams_of_a_read(void)
{
	size_t before = fake.counters.datagrams;
	read_must_be(small_table);
	return fake.counters.datagrams - before;
}

START_TEST(whatever_answer_is_spoilt_nothing_half_read_is_given_and_the_next_read_works)
{
	start();
	have_small_table();
	size_t datagrams = datagrams_of_a_read();
	ck_assert_uint_gt(datagrams, 10);
	size_t failed = 0;
	for (size_t n = 1; n <= datagrams; n++) {
		struct state state, nothing = {0};
		memset(&state, 0xff, sizeof(state));
		fake.failures.spoiling = spoiling_rows[_i].spoiling;
		fake.failures.spoil_at = fake.counters.datagrams + n;
		int error = kernel_read(kernel, &arena, &state, &fault);
		fake.failures.spoil_at = 0;
		failed += error != 0;
		if (error) {
			ck_assert_int_eq(error, spoiling_rows[_i].error);
			ck_assert_mem_eq(&state, &nothing, sizeof(state));
		} else {
			auto_text text = {0};
			ck_assert(may_be_whole(spoiling_rows[_i].spoiling));
			print_state(&state, &text);
			ck_assert_texts("a spoilt read that succeeded", small_table, text_string(&text));
		}
		read_must_be(small_table);
	}
	ck_assert_uint_ge(failed, may_be_whole(spoiling_rows[_i].spoiling) ? 7 : datagrams);
	end();
}
END_TEST

START_TEST(a_failed_send_gives_nothing_and_the_next_read_works)
{
	start();
	have_small_table();
	fake.failures.send_error_at = fake.counters.sends + 3;
	fake.failures.send_error = -ENOBUFS;
	read_must_fail(-ENOBUFS);
	read_must_be(small_table);
	end();
}
END_TEST

START_TEST(without_permission_nothing_is_read)
{
	start();
	have_small_table();
	fake.failures.no_permission = true;
	read_must_fail(-EPERM);
	end();
}
END_TEST

START_TEST(ipvs_that_went_away_after_opening_is_named)
{
	start();
	fake.failures.no_family = true;
	/* The family's number is asked for only with a fresh socket. */
	fake.failures.spoiling = FAKE_LOST;
	fake.failures.spoil_at = fake.counters.datagrams + 1;
	struct state state;
	ck_assert_int_lt(kernel_read(kernel, &arena, &state, &fault), 0);
	read_must_fail(-EOPNOTSUPP);
	ck_assert_texts("the sentence",
	                "IPVS: its table cannot be read: IPVS is not (or no longer) in this kernel",
	                fault.sentence);
	end();
}
END_TEST

START_TEST(two_thousand_virtual_servers_are_read_ascending)
{
	start();
	struct virtual_server server = make_virtual_server("10.96.0.0", 80);
	struct state state;
	for (unsigned i = 0; i < 2000; i++) {
		unsigned scattered = i * 919 % 2000;
		server.key.address.bytes[2] = (uint8_t)(scattered >> 8);
		server.key.address.bytes[3] = (uint8_t)scattered;
		fake_kernel_put(&fake, &server);
	}
	ck_assert_int_eq(kernel_read(kernel, &arena, &state, &fault), 0);
	ck_assert_uint_eq(state.virtual_server_count, 2000);
	for (size_t i = 1; i < state.virtual_server_count; i++)
		ck_assert_int_lt(virtual_server_key_compare(&state.virtual_servers[i - 1].key,
		                                            &state.virtual_servers[i].key),
		                 0);
	end();
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

int main(void)
{
	Suite *suite = suite_create("apply: reading");
	TCase *tables = tcase_create("tables");
	tcase_add_test(tables, an_empty_kernel_is_an_empty_state);
	tcase_add_test(tables, every_attribute_is_read_and_everything_is_ascending);
	tcase_add_test(tables, a_virtual_server_without_an_address_has_the_zero_address_of_its_family);
	tcase_add_loop_test(tables, the_hashed_flag_is_the_kernels_and_an_entry_without_it_is_no_entry, 0,
	                    ROWS(flag_rows));
	tcase_add_test(tables, a_kernel_before_3_18_does_not_say_the_family_of_a_real_server);
	tcase_add_test(tables, a_tunnel_may_lead_to_a_real_server_of_the_other_family);
	tcase_add_test(tables, held_addresses_are_the_dummys_without_loopback_and_ipv6_link_local);
	tcase_add_test(tables, an_entry_that_a_dump_shows_twice_is_read_once);
	tcase_add_test(tables, the_real_servers_of_one_virtual_server_are_read_alone);
	tcase_add_test(tables, timeouts_are_read_all_or_none);
	suite_add_tcase(suite, tables);
	TCase *failures = tcase_create("failures");
	tcase_set_timeout(failures, 60);
	tcase_add_test(failures, an_interrupted_dump_is_taken_again_up_to_five_times);
	tcase_add_test(failures, a_dump_that_is_interrupted_each_time_gives_nothing);
	tcase_add_loop_test(failures,
	                    whatever_answer_is_spoilt_nothing_half_read_is_given_and_the_next_read_works, 0,
	                    ROWS(spoiling_rows));
	tcase_add_test(failures, a_failed_send_gives_nothing_and_the_next_read_works);
	tcase_add_test(failures, without_permission_nothing_is_read);
	tcase_add_test(failures, ipvs_that_went_away_after_opening_is_named);
	tcase_add_test(failures, two_thousand_virtual_servers_are_read_ascending);
	suite_add_tcase(suite, failures);
	return run_suite(suite);
}
