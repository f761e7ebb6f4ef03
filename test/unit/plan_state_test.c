#include "plan/state.h"

#include "plan_states.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;

static void teardown(void)
{
	arena_done(&arena);
}

/* Each key sorts before the one below it. */
static const char *const keys[] = {
        "tcp 10.96.0.1:80", "tcp 10.96.0.1:443", "udp 10.96.0.1:53",
        "sctp 10.96.0.1:7", "tcp 10.96.0.10:80", "tcp 10.97.0.1:1",
        "tcp [fd00::1]:80", "udp [fd00::1]:80",  "tcp [fd00::1:0:0]:80",
};

START_TEST(keys_sort_by_address_then_protocol_then_port)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		for (size_t j = 0; j < sizeof(keys) / sizeof(keys[0]); j++) {
			struct virtual_server_key a = key_of(keys[i]), b = key_of(keys[j]);
			int order = virtual_server_key_compare(&a, &b);
			ck_assert_msg((order > 0) - (order < 0) == (i > j) - (i < j), "%s and %s", keys[i],
			              keys[j]);
		}
}
END_TEST

START_TEST(firewall_marks_differ_by_mark_and_family)
{
	struct state state = state_of(&arena, "mark 7 ipv4 rr\nmark 8 ipv4 rr\nmark 7 ipv6 rr\n");
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			ck_assert_int_eq(virtual_server_key_compare(&state.virtual_servers[i].key,
			                                            &state.virtual_servers[j].key) == 0,
			                 i == j);
}
END_TEST

struct pair {
	const char *a;
	const char *b;
	bool same;
};

static const struct pair virtual_server_pairs[] = {
        {"tcp 10.96.0.1:80 rr", "tcp 10.96.0.1:80 rr", true},
        {"tcp 10.96.0.1:80 rr", "tcp 10.96.0.1:80 wlc", false},
        {"tcp 10.96.0.1:80 rr", "tcp 10.96.0.1:80 rr p=100", false},
        {"tcp 10.96.0.1:80 rr p=10", "tcp 10.96.0.1:80 rr p=100", false},
        {"tcp 10.96.0.1:80 rr", "tcp 10.96.0.1:80 rr timeout=100", false},
        {"tcp 10.96.0.1:80 rr", "tcp 10.96.0.1:80 rr flags=0x02", true}, /* HASHED */
        {"tcp 10.96.0.1:80 rr p=9", "tcp 10.96.0.1:80 rr p=9 flags=0x02", true},
        {"tcp 10.96.0.1:80 mh", "tcp 10.96.0.1:80 mh flags=0x10", false},
        {"tcp 10.96.0.1:80 rr", "tcp 10.96.0.1:80 rr flags=0x04", false},
        {"tcp 10.96.0.1:80 rr", "tcp 10.96.0.1:80 rr pe=sip", false},
        {"tcp 10.96.0.1:80 rr p=9", "tcp 10.96.0.1:80 rr p=9 mask=24", false},
        {"tcp 10.96.0.1:80 rr", "tcp 10.96.0.1:80 rr mask=24", true}, /* nothing reads it */
        {"tcp 10.96.0.1:80 rr", "tcp 10.96.0.1:80 rr label=a/b rank=0\n> 10.0.0.1:1", true},
};

START_TEST(virtual_servers_are_the_same_when_the_kernel_treats_them_alike)
{
	const struct pair *pair = &virtual_server_pairs[_i];
	struct state a = state_of(&arena, pair->a), b = state_of(&arena, pair->b);
	ck_assert_msg(virtual_server_same(a.virtual_servers, b.virtual_servers) == pair->same, "%s | %s",
	              pair->a, pair->b);
	ck_assert_msg(virtual_server_same(b.virtual_servers, a.virtual_servers) == pair->same, "%s | %s",
	              pair->b, pair->a);
}
END_TEST

static const struct pair real_server_pairs[] = {
        {"> 10.0.0.1:80", "> 10.0.0.1:80", true},
        {"> 10.0.0.1:80", "> 10.0.0.1:80 w=0", false},
        {"> 10.0.0.1:80", "> 10.0.0.1:80 fwd=3", false},
        {"> 10.0.0.1:80", "> 10.0.0.1:80 x=10", false},
        {"> 10.0.0.1:80", "> 10.0.0.1:80 y=10", false},
        {"> 10.0.0.1:80", "> 10.0.0.1:80 tun=1:6080:0", true}, /* not reached through a tunnel */
        {"> 10.0.0.1:80 fwd=2", "> 10.0.0.1:80 fwd=2 tun=1:0:0", false},
        {"> 10.0.0.1:80 fwd=2", "> 10.0.0.1:80 fwd=2 tun=0:6080:0", false},
        {"> 10.0.0.1:80 fwd=2", "> 10.0.0.1:80 fwd=2 tun=0:0:1", false},
};

START_TEST(real_servers_are_the_same_when_the_kernel_treats_them_alike)
{
	const struct pair *pair = &real_server_pairs[_i];
	char text[2][128];
	snprintf(text[0], sizeof(text[0]), "tcp 10.96.0.1:80 rr\n%s", pair->a);
	snprintf(text[1], sizeof(text[1]), "tcp 10.96.0.1:80 rr\n%s", pair->b);
	struct real_server a = *state_of(&arena, text[0]).virtual_servers->real_servers;
	struct real_server b = *state_of(&arena, text[1]).virtual_servers->real_servers;
	a.active_connections = 5; /* observed only */
	ck_assert_msg(real_server_same(&a, &b) == pair->same, "%s | %s", pair->a, pair->b);
	ck_assert_int_eq(real_server_compare(&a, &b), 0);
}
END_TEST

START_TEST(real_servers_sort_by_address_then_port)
{
	const struct real_server low = {.address = address_of("10.0.0.2"), .port = 9};
	const struct real_server high_port = {.address = address_of("10.0.0.2"), .port = 80};
	const struct real_server high = {.address = address_of("10.0.0.10"), .port = 1};
	const struct real_server ipv6 = {.address = address_of("::1"), .port = 1};
	ck_assert_int_lt(real_server_compare(&low, &high_port), 0);
	ck_assert_int_lt(real_server_compare(&high_port, &high), 0);
	ck_assert_int_lt(real_server_compare(&high, &ipv6), 0);
	ck_assert_int_gt(real_server_compare(&ipv6, &low), 0);
}
END_TEST

struct filter_pair {
	const char *a;
	const char *b;
	bool same_key;
	bool same_content;
};

static const struct filter_pair filter_pairs[] = {
        {"port 10.96.0.1:80 tcp drop", "port 10.96.0.1:80 tcp drop", true, true},
        {"port 10.96.0.1:80 tcp drop", "port 10.96.0.1:80 tcp keep", true, false},
        {"port 10.96.0.1:80 tcp drop", "port 10.96.0.1:80 tcp drop restricted", true, false},
        {"port 10.96.0.1:80 tcp drop", "port 10.96.0.1:80 udp drop", false, true},
        {"port 10.96.0.1:80 tcp drop", "port 10.96.0.1:81 tcp drop", false, true},
        {"port 10.96.0.1:80 tcp drop", "port 10.96.0.2:80 tcp drop", false, true},
        {"range 10.96.0.1:80 tcp 10.0.0.0/8", "range 10.96.0.1:80 tcp 10.0.0.0/9", false, true},
        {"range 10.96.0.1:80 tcp 10.0.0.0/8", "range 10.96.0.1:80 tcp 11.0.0.0/8", false, true},
        {"redirect 10.96.0.1:80 tcp 10.0.0.1:1", "redirect 10.96.0.1:80 tcp 10.0.0.1:2", true, false},
        {"redirect 10.96.0.1:80 tcp 10.0.0.1:1", "redirect 10.96.0.1:80 tcp 10.0.0.2:1", true, false},
        {"hairpin 10.0.0.1", "hairpin 10.0.0.1", true, true},
        {"hairpin 10.0.0.1", "hairpin 10.0.0.2", false, true},
        {"health 30000", "health 30001", false, true},
};

START_TEST(a_filter_element_has_a_key_and_a_content)
{
	const struct filter_pair *pair = &filter_pairs[_i];
	struct state a = state_of(&arena, pair->a), b = state_of(&arena, pair->b);
	int order = filter_element_compare(a.filter, b.filter);
	ck_assert_msg((order == 0) == pair->same_key, "%s | %s", pair->a, pair->b);
	ck_assert_msg(filter_element_compare(b.filter, a.filter) * order <= 0, "%s | %s", pair->a, pair->b);
	ck_assert_msg(filter_element_same(a.filter, b.filter) == pair->same_content, "%s | %s", pair->a,
	              pair->b);
}
END_TEST

START_TEST(every_virtual_server_is_found_and_no_other)
{
	struct state state = {0};
	struct virtual_server_key absent = key_of("tcp 10.96.0.2:80");
	ck_assert_ptr_null(state_find_virtual_server(&state, &absent));
	char text[1024] = "";
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		strcat(strcat(text, keys[i]), " rr\n");
		state = state_of(&arena, text);
		ck_assert_ptr_null(state_find_virtual_server(&state, &absent));
		for (size_t j = 0; j <= i; j++) {
			struct virtual_server_key key = key_of(keys[j]);
			const struct virtual_server *found = state_find_virtual_server(&state, &key);
			ck_assert_ptr_nonnull(found);
			ck_assert_int_eq(virtual_server_key_compare(&found->key, &key), 0);
		}
	}
}
END_TEST

START_TEST(held_addresses_are_found_and_no_others)
{
	struct state state = state_of(&arena, "held 10.96.0.1\nheld 10.96.0.9\nheld fd00::1\n");
	static const char *const held[] = {"10.96.0.1", "10.96.0.9", "fd00::1"};
	static const char *const others[] = {"10.96.0.0", "10.96.0.2", "10.96.0.10", "fd00::", "fd00::2"};
	for (size_t i = 0; i < 3; i++) {
		struct address address = address_of(held[i]);
		ck_assert_msg(state_holds(&state, &address), "%s", held[i]);
	}
	for (size_t i = 0; i < 5; i++) {
		struct address address = address_of(others[i]);
		ck_assert_msg(!state_holds(&state, &address), "%s", others[i]);
	}
}
END_TEST

static const struct {
	const char *state;
	const char *text;
} names[] = {
        {"tcp 10.96.0.1:443 rr", "TCP 10.96.0.1:443"},
        {"udp [fd00::1]:53 rr", "UDP [fd00::1]:53"},
        {"sctp 10.96.0.1:1 rr", "SCTP 10.96.0.1:1"},
        {"mark 7 ipv4 rr", "firewall mark 7"},
        {"mark 4294967295 ipv6 rr", "firewall mark 4294967295"},
        {"sctp [1111:2222:3333:4444:5555:6666:7777:8888]:65535 rr",
         "SCTP [1111:2222:3333:4444:5555:6666:7777:8888]:65535"},
};

START_TEST(a_virtual_server_has_a_name_for_messages)
{
	char text[VIRTUAL_SERVER_TEXT_SIZE];
	struct state state = state_of(&arena, names[_i].state);
	ck_assert_str_eq(virtual_server_key_format(&state.virtual_servers->key, text), names[_i].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/state");
	TCase *tests = tcase_create("states");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, keys_sort_by_address_then_protocol_then_port);
	tcase_add_test(tests, firewall_marks_differ_by_mark_and_family);
	tcase_add_loop_test(tests, virtual_servers_are_the_same_when_the_kernel_treats_them_alike, 0,
	                    sizeof(virtual_server_pairs) / sizeof(virtual_server_pairs[0]));
	tcase_add_loop_test(tests, real_servers_are_the_same_when_the_kernel_treats_them_alike, 0,
	                    sizeof(real_server_pairs) / sizeof(real_server_pairs[0]));
	tcase_add_test(tests, real_servers_sort_by_address_then_port);
	tcase_add_loop_test(tests, a_filter_element_has_a_key_and_a_content, 0,
	                    sizeof(filter_pairs) / sizeof(filter_pairs[0]));
	tcase_add_test(tests, every_virtual_server_is_found_and_no_other);
	tcase_add_test(tests, held_addresses_are_found_and_no_others);
	tcase_add_loop_test(tests, a_virtual_server_has_a_name_for_messages, 0,
	                    sizeof(names) / sizeof(names[0]));
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
