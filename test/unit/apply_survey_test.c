/*
 * A quick look at the kernel: what is summed up, by which calls, and that changes carry the sums along.
 */
#include "survey_ipvs.h"
#include "survey_sums.h"

#include "plan_model.h"
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- sums */

static bool sums_equal(const struct kernel_sums *a, const struct kernel_sums *b)
{
	return a->ipvs == b->ipvs && a->held == b->held && a->filter == b->filter;
}

/* As the kernel would: what it ends up with is summed up, and so are the changes. */
static bool sums_follow(uint64_t seed)
{
	static const struct removal_rules rules = {.all_ours = true};
	static struct model model;
	struct dice dice = {.state = seed};
	struct arena arena = {0};
	struct changes changes = {0};
	struct kernel_sums before, followed, after;
	struct state a = random_state(&dice, 50, seed % 2, &arena);
	struct state b = random_state(&dice, 50, seed % 2, &arena);
	diff_build(&a, &b, &rules, &changes);
	kernel_sums_of(&a, &before);
	followed = before;
	model_load(&model, &a);
	for (size_t i = 0; i < changes.count; i++) {
		ck_assert_ptr_null(model_perform(&model, &changes.items[i]));
		kernel_sums_change(&followed, &changes.items[i]);
	}
	struct state end = model_state(&model, &arena);
	kernel_sums_of(&end, &after);
	ck_assert_msg(sums_equal(&followed, &after), "seed %llu", (unsigned long long)seed);
	bool changed = !sums_equal(&before, &after);
	vector_done(&changes);
	arena_done(&arena);
	return changed;
}

START_TEST(performing_changes_carries_the_sums_along)
{
	unsigned changed = 0;
	for (uint64_t seed = 1; seed <= 100; seed++)
		changed += sums_follow(seed);
	ck_assert_uint_gt(changed, 80);
}
END_TEST

static const struct real_server usual_real_server = {
        .address = {FAMILY_IPV4, {10, 1, 0, 1}}, .port = 8080, .weight = 1};
static const struct virtual_server usual_server = {
        .key = {.address = {FAMILY_IPV4, {10, 0, 0, 1}}, .protocol = PROTOCOL_TCP, .port = 80},
        .scheduler = "rr",
        .flags = VIRTUAL_SERVER_HASHED,
        .netmask_bits = 32,
        .real_servers = &usual_real_server,
        .real_server_count = 1};

static uint64_t sum_of(const struct virtual_server *server, const struct real_server *real_server)
{
	struct virtual_server copy = *server;
	struct kernel_sums sums;
	copy.real_servers = real_server;
	kernel_sums_of(&(struct state){.virtual_servers = &copy, .virtual_server_count = 1}, &sums);
	return sums.ipvs;
}

/* The sum with one field of the virtual server, or of its real server, changed. */
#define SUM_WITH(field, value)                              \
	({                                                  \
		struct virtual_server other = usual_server; \
		other.field = (value);                      \
		sum_of(&other, &usual_real_server);         \
	})
#define SUM_WITH_REAL(field, value)                           \
	({                                                    \
		struct real_server other = usual_real_server; \
		other.field = (value);                        \
		sum_of(&usual_server, &other);                \
	})

START_TEST(what_diff_looks_at_counts_and_connections_do_not)
{
	uint64_t usual = sum_of(&usual_server, &usual_real_server);
	ck_assert_uint_ne(SUM_WITH(key.port, 81), usual);
	ck_assert_uint_ne(SUM_WITH(key.protocol, PROTOCOL_UDP), usual);
	ck_assert_uint_ne(SUM_WITH(key.address.bytes[3], 2), usual);
	ck_assert_uint_ne(SUM_WITH(scheduler[1], 'x'), usual);
	ck_assert_uint_ne(SUM_WITH(flags, VIRTUAL_SERVER_PERSISTENT), usual);
	ck_assert_uint_ne(SUM_WITH(timeout_seconds, 60), usual);
	ck_assert_uint_ne(SUM_WITH(netmask_bits, 24), usual);
	ck_assert_uint_ne(SUM_WITH_REAL(weight, 0), usual);
	ck_assert_uint_ne(SUM_WITH_REAL(forwarding, FORWARD_DIRECT_ROUTE), usual);
	ck_assert_uint_ne(SUM_WITH_REAL(port, 8081), usual);
	ck_assert_uint_ne(SUM_WITH_REAL(upper_threshold, 1), usual);
	ck_assert_uint_ne(SUM_WITH_REAL(lower_threshold, 1), usual);
	ck_assert_uint_eq(SUM_WITH(flags, 0), usual);
	ck_assert_uint_eq(SUM_WITH(position, 7), usual);
	ck_assert_uint_eq(SUM_WITH(label, "default/web"), usual);
	ck_assert_uint_eq(SUM_WITH_REAL(active_connections, 5), usual);
	ck_assert_uint_eq(SUM_WITH_REAL(inactive_connections, 5), usual);
}
END_TEST

static uint64_t sum_of_ipv6(uint32_t mark, uint32_t flags, uint32_t weight, uint32_t threshold)
{
	const struct real_server real_server = {.address = {FAMILY_IPV6, {0xfd, [15] = 2}},
	                                        .port = 8080,
	                                        .weight = weight,
	                                        .upper_threshold = threshold};
	struct virtual_server server = {
	        .key = {.address = {FAMILY_IPV6, {0xfd, [15] = 1}}, .protocol = PROTOCOL_TCP, .port = 80},
	        .scheduler = "rr",
	        .flags = flags,
	        .netmask_bits = 128,
	        .real_server_count = 1};
	if (mark)
		server.key =
		        (struct virtual_server_key){.address.family = FAMILY_IPV6, .firewall_mark = mark};
	return sum_of(&server, &real_server);
}

START_TEST(of_real_servers_of_ipv6_counts_what_proc_tells)
{
	uint64_t usual = sum_of_ipv6(0, 0, 1, 0), marked = sum_of_ipv6(7, 0, 1, 0);
	ck_assert_uint_ne(sum_of_ipv6(0, VIRTUAL_SERVER_PERSISTENT, 1, 0), usual);
	ck_assert_uint_ne(sum_of_ipv6(0, 0, 2, 0), usual);
	ck_assert_uint_eq(sum_of_ipv6(0, 0, 1, 9), usual);
	ck_assert_uint_ne(marked, 0);
	ck_assert_uint_ne(sum_of_ipv6(7, VIRTUAL_SERVER_PERSISTENT, 1, 0), marked);
	ck_assert_uint_eq(sum_of_ipv6(7, 0, 2, 0), marked);
}
END_TEST

START_TEST(a_change_that_failed_counts_for_nothing)
{
	struct kernel_sums sums = {1, 2, 3};
	const struct change change = {
	        .kind = CHANGE_VIRTUAL_SERVER_ADD, .virtual_server = &usual_server, .result = -ENOMEM};
	kernel_sums_change(&sums, &change);
	ck_assert(sums_equal(&sums, &(struct kernel_sums){1, 2, 3}));
}
END_TEST

/* ---- asking IPVS: a kernel that answers as getsockopt(2) does, and a file for /proc */

enum { GET_INFO = 1153, GET_SERVICES = 1154, GET_DESTS = 1156 };

struct machine {
	struct state state;
	int failing;  /* this option ... */
	int failure;  /* ... with this errno */
	bool babbles; /* says that there are more than was asked for */
	size_t asked;
};

static struct machine machine;
static char table[64];

static uint32_t to_ipv4(const struct address *address)
{
	uint32_t value;
	memcpy(&value, address->bytes, sizeof(value));
	return value;
}

static bool is_ipv4(const struct virtual_server *server)
{
	return server->key.address.family == FAMILY_IPV4;
}

static unsigned count_ipv4(void)
{
	unsigned count = 0;
	for (size_t i = 0; i < machine.state.virtual_server_count; i++)
		count += is_ipv4(&machine.state.virtual_servers[i]);
	return count;
}

static void tell_services(struct ip_vs_get_services *answer)
{
	unsigned count = 0;
	for (size_t i = 0; i < machine.state.virtual_server_count; i++) {
		const struct virtual_server *server = &machine.state.virtual_servers[i];
		if (!is_ipv4(server))
			continue;
		struct ip_vs_service_entry *entry = &answer->entrytable[count++];
		*entry = (struct ip_vs_service_entry){.protocol = server->key.protocol,
		                                      .addr = to_ipv4(&server->key.address),
		                                      .port = htons(server->key.port),
		                                      .fwmark = server->key.firewall_mark,
		                                      .flags = server->flags | VIRTUAL_SERVER_HASHED,
		                                      .timeout = server->timeout_seconds,
		                                      .netmask = UINT32_MAX >> (32 - server->netmask_bits),
		                                      .num_dests = (unsigned)server->real_server_count};
		memcpy(entry->sched_name, server->scheduler, sizeof(entry->sched_name));
	}
	answer->num_services = count + machine.babbles;
}

static int tell_dests(struct ip_vs_get_dests *answer)
{
	for (size_t i = 0; i < machine.state.virtual_server_count; i++) {
		const struct virtual_server *server = &machine.state.virtual_servers[i];
		if (!is_ipv4(server) || to_ipv4(&server->key.address) != answer->addr ||
		    htons(server->key.port) != answer->port || server->key.protocol != answer->protocol ||
		    server->key.firewall_mark != answer->fwmark)
			continue;
		for (size_t r = 0; r < server->real_server_count; r++) {
			const struct real_server *real_server = &server->real_servers[r];
			answer->entrytable[r] = (struct ip_vs_dest_entry){
			        .addr = to_ipv4(&real_server->address),
			        .port = htons(real_server->port),
			        .conn_flags = real_server->forwarding | 0x100, /* and "inactive" */
			        .weight = (int)real_server->weight,
			        .u_threshold = real_server->upper_threshold,
			        .l_threshold = real_server->lower_threshold};
		}
		answer->num_dests = (unsigned)server->real_server_count + machine.babbles;
		return 0;
	}
	return -ESRCH;
}

static int answer(void *context, int option, void *answer_bytes, size_t *length)
{
	struct ip_vs_getinfo *info = answer_bytes;
	(void)context, (void)length;
	machine.asked++;
	if (option == machine.failing)
		return machine.failure;
	switch (option) {
	case GET_INFO:
		*info = (struct ip_vs_getinfo){.num_services = count_ipv4()};
		return 0;
	case GET_SERVICES:
		tell_services(answer_bytes);
		return 0;
	case GET_DESTS:
		return tell_dests(answer_bytes);
	default:
		return -EINVAL;
	}
}

static const char *long_form(const struct address *address, char text[static 48])
{
	char *end = text;
	for (int i = 0; i < 16; i += 2)
		end += sprintf(end, "%s%02x%02x", i ? ":" : "", address->bytes[i], address->bytes[i + 1]);
	return text;
}

/* As the kernel writes it, IPv4 and marks too, which are not to be counted twice. */
static void write_table(void)
{
	static const char *const ways[] = {"Masq", "Local", "Tunnel", "Route", "Bypass"};
	char text[48];
	FILE *file = fopen(table, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "IP Virtual Server version 1.2.1 (size=4096)\n"
	              "Prot LocalAddress:Port Scheduler Flags\n"
	              "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
	              "TCP  0A000001:0050 rr  \n"
	              "  -> 0A010001:1F90      Masq    1      0          0         \n"
	              "FWM  00000007 rr \n");
	for (size_t i = 0; i < machine.state.virtual_server_count; i++) {
		const struct virtual_server *server = &machine.state.virtual_servers[i];
		if (is_ipv4(server) || server->key.firewall_mark)
			continue;
		fprintf(file, "%s  [%s]:%04X %s %s\n",
		        server->key.protocol == PROTOCOL_TCP   ? "TCP"
		        : server->key.protocol == PROTOCOL_UDP ? "UDP"
		                                               : "SCTP",
		        long_form(&server->key.address, text), server->key.port, server->scheduler,
		        server->flags & VIRTUAL_SERVER_PERSISTENT ? "persistent 2700000 00000080" : "");
		for (size_t r = 0; r < server->real_server_count; r++)
			fprintf(file, "  -> [%s]:%04X      %-7s %-6u %-10d %-10d\n",
			        long_form(&server->real_servers[r].address, text),
			        server->real_servers[r].port, ways[server->real_servers[r].forwarding],
			        server->real_servers[r].weight, 3, 4);
	}
	fclose(file);
}

static void set_up(void)
{
	machine = (struct machine){.failing = 0};
	strcpy(table, "/tmp/kube-ipvs-survey.XXXXXX");
	int fd = mkstemp(table);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void tear_down(void)
{
	unlink(table);
}

/* What a look sums up, but for IPv6's virtual servers themselves; a negative errno: it failed. */
static int look(bool with_ipv6, uint64_t *ret_sum)
{
	const struct survey_source source = {.ask = answer, .proc_table = table};
	struct survey_ipvs survey;
	struct virtual_server server;
	int e;
	*ret_sum = 0;
	survey_ipvs_init(&survey, &source);
	survey.with_ipv6 = with_ipv6;
	while ((e = survey_ipvs_next(&survey, &server)) == 0)
		*ret_sum += survey_ipvs_sum(&server);
	survey_ipvs_done(&survey);
	return e == SURVEY_E_END ? 0 : e;
}

static uint64_t sum_of_ipv6_servers(void)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < machine.state.virtual_server_count; i++)
		if (!is_ipv4(&machine.state.virtual_servers[i]))
			sum += survey_sum_of_virtual_server(&machine.state.virtual_servers[i]);
	return sum;
}

START_TEST(a_look_sums_up_what_a_reading_would)
{
	unsigned with_ipv6 = 0;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct dice dice = {.state = seed};
		struct arena arena = {0};
		struct kernel_sums wanted;
		uint64_t sum;
		machine.state = random_state(&dice, 60, true, &arena);
		write_table();
		kernel_sums_of(&machine.state, &wanted);
		ck_assert_int_eq(look(state_has_ipv6(&machine.state), &sum), 0);
		ck_assert_msg(sum + sum_of_ipv6_servers() == wanted.ipvs, "seed %llu",
		              (unsigned long long)seed);
		with_ipv6 += state_has_ipv6(&machine.state);
		arena_done(&arena);
	}
	ck_assert_uint_gt(with_ipv6, 10);
}
END_TEST

/* Real servers of one virtual server on either side of where a page ends, at every place of a line. */
START_TEST(a_table_of_many_pages_sums_up_to_the_same)
{
	enum { MANY = 150, EACH = 9 };
	static struct real_server real_servers[MANY][EACH];
	static struct virtual_server servers[MANY];
	struct kernel_sums wanted;
	uint64_t sum;
	for (uint8_t i = 0; i < MANY; i++) {
		for (uint8_t r = 0; r < EACH; r++)
			real_servers[i][r] =
			        (struct real_server){.address = {FAMILY_IPV6, {0xfd, 1, i, [15] = r}},
			                             .port = 8080,
			                             .weight = r,
			                             .forwarding = r % 4};
		servers[i] = (struct virtual_server){.key = {.address = {FAMILY_IPV6, {0xfd, [15] = i}},
		                                             .protocol = PROTOCOL_UDP,
		                                             .port = 53},
		                                     .scheduler = "wlc",
		                                     .netmask_bits = 128,
		                                     .real_servers = real_servers[i],
		                                     .real_server_count = i % (EACH + 1)};
	}
	machine.state = (struct state){.virtual_servers = servers, .virtual_server_count = MANY};
	write_table();
	kernel_sums_of(&machine.state, &wanted);
	ck_assert_int_eq(look(true, &sum), 0);
	ck_assert_uint_eq(sum + sum_of_ipv6_servers(), wanted.ipvs);
}
END_TEST

static const char *const strange_lines[] = {"\n",
                                            " \n",
                                            "TCP\n",
                                            "TCP  \n",
                                            "TCP  [\n",
                                            "TCP  [fd00:0000:0000:0000:0000:0000:0000:0001]\n",
                                            "TCP  [fd00:0000:0000:0000:0000:0000:0000:0001]:005\n",
                                            "TCP  [fd00::1]:0050 rr\n",
                                            "TCP  [fd00:0000:0000:0000:0000:0000:0000:000g]:0050 rr\n",
                                            "ICMP [fd00:0000:0000:0000:0000:0000:0000:0001]:0050 rr\n"};

/* They name no virtual server of IPv6, so what follows has none. */
START_TEST(lines_that_are_none_of_ipv6_are_passed_over)
{
	static const char real_server[] =
	        "  -> [fd01:0000:0000:0000:0000:0000:0000:0001]:1F90      Masq    1 0 0\n";
	uint64_t sum;
	FILE *file = fopen(table, "w");
	fprintf(file, "%s%s", strange_lines[_i], real_server);
	fclose(file);
	ck_assert_int_eq(look(true, &sum), 0);
	ck_assert_uint_eq(sum, 0);
	file = fopen(table, "w");
	fprintf(file, "TCP  [fd00:0000:0000:0000:0000:0000:0000:0001]:0050 rr\n%s", real_server);
	fclose(file);
	ck_assert_int_eq(look(true, &sum), 0);
	ck_assert_uint_ne(sum, 0);
}
END_TEST

static void have_usual_server(void)
{
	machine.state = (struct state){.virtual_servers = &usual_server, .virtual_server_count = 1};
}

START_TEST(without_ipv6_proc_is_not_read)
{
	uint64_t sum;
	have_usual_server();
	unlink(table);
	ck_assert_int_eq(look(false, &sum), 0);
	ck_assert_uint_eq(sum, sum_of(&usual_server, &usual_real_server));
	ck_assert_uint_eq(machine.asked, 3);
	ck_assert_int_eq(look(true, &sum), -ENOENT);
}
END_TEST

START_TEST(an_empty_table_sums_up_to_nothing)
{
	uint64_t sum;
	ck_assert_int_eq(look(true, &sum), 0);
	ck_assert_uint_eq(sum, 0);
}
END_TEST

static const struct {
	int option, error;
} failures[] = {{GET_INFO, -EPERM}, {GET_INFO, -ENOPROTOOPT}, {GET_SERVICES, -ENOMEM}, {GET_DESTS, -EINTR}};

START_TEST(a_call_that_fails_ends_the_look)
{
	uint64_t sum;
	have_usual_server();
	machine.failing = failures[_i].option;
	machine.failure = failures[_i].error;
	ck_assert_int_eq(look(false, &sum), failures[_i].error);
}
END_TEST

START_TEST(a_virtual_server_that_goes_meanwhile_is_passed_over)
{
	uint64_t sum;
	have_usual_server();
	machine.failing = GET_DESTS;
	machine.failure = -ESRCH;
	ck_assert_int_eq(look(false, &sum), 0);
	ck_assert_uint_eq(sum, 0);
}
END_TEST

START_TEST(an_answer_larger_than_its_room_is_not_believed)
{
	uint64_t sum;
	have_usual_server();
	machine.babbles = true;
	ck_assert_int_eq(look(false, &sum), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply: survey");
	TCase *tests = tcase_create("survey");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, performing_changes_carries_the_sums_along);
	tcase_add_test(tests, what_diff_looks_at_counts_and_connections_do_not);
	tcase_add_test(tests, a_change_that_failed_counts_for_nothing);
	tcase_add_test(tests, a_look_sums_up_what_a_reading_would);
	tcase_add_test(tests, of_real_servers_of_ipv6_counts_what_proc_tells);
	tcase_add_test(tests, a_table_of_many_pages_sums_up_to_the_same);
	tcase_add_loop_test(tests, lines_that_are_none_of_ipv6_are_passed_over, 0,
	                    (int)(sizeof(strange_lines) / sizeof(*strange_lines)));
	tcase_add_test(tests, without_ipv6_proc_is_not_read);
	tcase_add_test(tests, an_empty_table_sums_up_to_nothing);
	tcase_add_loop_test(tests, a_call_that_fails_ends_the_look, 0,
	                    (int)(sizeof(failures) / sizeof(*failures)));
	tcase_add_test(tests, a_virtual_server_that_goes_meanwhile_is_passed_over);
	tcase_add_test(tests, an_answer_larger_than_its_room_is_not_believed);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
