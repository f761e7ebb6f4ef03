#include "plan/diff.h"

#include "plan/render.h"
#include "plan_states.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static void teardown(void)
{
	arena_done(&arena);
}

struct difference {
	const char *what;
	const char *present;
	const char *wanted;
	const char *recorded; /* as a state */
	const char *excluded; /* CIDRs, each followed by a blank */
	bool all_ours;
	const char *changes;
};

static struct cidr *cidrs_of(const char *text, size_t *ret_count)
{
	struct cidr *cidrs = arena_new_array(&arena, 8, struct cidr);
	char *rest = NULL;
	*ret_count = 0;
	for (char *word = strtok_r(arena_copy_text(&arena, text), " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		cidrs[(*ret_count)++] = cidr_of(word);
	return cidrs;
}

static const struct virtual_server_key *recorded_keys(const char *text, size_t *ret_count)
{
	struct state state = state_of(&arena, text);
	struct virtual_server_key *keys =
	        arena_new_array(&arena, state.virtual_server_count, struct virtual_server_key);
	for (size_t i = 0; i < state.virtual_server_count; i++)
		keys[i] = state.virtual_servers[i].key;
	*ret_count = state.virtual_server_count;
	return keys;
}

static struct removal_rules rules_of(const struct difference *difference)
{
	struct removal_rules rules = {.all_ours = difference->all_ours};
	rules.recorded =
	        recorded_keys(difference->recorded ? difference->recorded : "", &rules.recorded_count);
	rules.excluded = cidrs_of(difference->excluded ? difference->excluded : "", &rules.excluded_count);
	return rules;
}

static void check_difference(const struct difference *difference)
{
	struct state present = state_of(&arena, difference->present);
	struct state wanted = state_of(&arena, difference->wanted);
	struct removal_rules rules = rules_of(difference);
	struct changes changes = {0};
	auto_text text = {0};
	diff_build(&present, &wanted, &rules, &changes);
	render_changes(&changes, &text);
	vector_done(&changes);
	ck_assert_texts(difference->what, difference->changes, text_string(&text));
}

static const struct difference virtual_servers[] = {
        {"C41: an equal one is left alone", "tcp 10.96.0.1:80 rr\n", "tcp 10.96.0.1:80 rr\n", NULL, NULL,
         true, ""},
        {"C41: HASHED is the kernel's own", "tcp 10.96.0.1:80 rr flags=0x02\n", "tcp 10.96.0.1:80 rr\n", NULL,
         NULL, true, ""},
        {"C41: other flags are changed in place", "tcp 10.96.0.1:80 rr flags=0x12\n",
         "tcp 10.96.0.1:80 rr p=10800\n", NULL, NULL, true,
         "~ -E -t 10.96.0.1:80 -s rr -p 10800 (was -s rr -b flag-2)\n"},
        {"C41: another scheduler is changed in place", "sctp 10.96.0.1:80 rr\n> 10.0.0.1:80\n",
         "sctp 10.96.0.1:80 wlc\n> 10.0.0.1:80\n", NULL, NULL, true,
         "~ -E --sctp-service 10.96.0.1:80 -s wlc (was -s rr)\n"},
        {"a foreign netmask is put right", "tcp 10.96.0.1:80 rr p=9 mask=8\n", "tcp 10.96.0.1:80 rr p=9\n",
         NULL, NULL, true, "~ -E -t 10.96.0.1:80 -s rr -p 9 (was -s rr -p 9 -M 255.0.0.0)\n"},
        {"C42: address and virtual server are added", "", "tcp 10.96.0.1:80 rr\nheld 10.96.0.1\n", NULL, NULL,
         false, "+ address 10.96.0.1/32 on the dummy interface\n+ -A -t 10.96.0.1:80 -s rr\n"},
        {"C42: a held address is not added again", "held 10.96.0.1\n",
         "tcp 10.96.0.1:80 rr\nheld 10.96.0.1\n", NULL, NULL, false, "+ -A -t 10.96.0.1:80 -s rr\n"},
        {"C44: real servers go with their virtual server",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n> 10.0.0.2:80\n"
         "tcp 10.96.0.2:80 rr\nheld 10.96.0.1\n"
         "held 10.96.0.2\ntcp 10.96.0.3:80 rr\n"
         "held 10.96.0.3\n",
         "tcp 10.96.0.3:80 rr\nheld 10.96.0.3\n", NULL, NULL, false,
         "- -D -t 10.96.0.1:80\n- -D -t 10.96.0.2:80\n- address 10.96.0.1/32 on the dummy interface\n"
         "- address 10.96.0.2/32 on the dummy interface\n"},
        {"a returning protocol is another virtual server", "tcp 10.96.0.1:53 rr\n", "udp 10.96.0.1:53 rr\n",
         NULL, NULL, true, "+ -A -u 10.96.0.1:53 -s rr\n- -D -t 10.96.0.1:53\n"},
};

static const struct difference ownership[] = {
        {"C43: the stale one on the dummy goes, so does the recorded one, others stay",
         "tcp 10.96.0.1:80 rr\ntcp 3.3.3.3:80 rr\ntcp 4.4.4.4:80 rr\ntcp 5.5.5.5:80 rr\n"
         "tcp 6.6.6.6:80 rr\ntcp 192.0.2.10:30080 rr\nheld 10.96.0.1\nheld 6.6.6.6\nheld 4.4.4.4\n",
         "tcp 10.96.0.1:80 rr\nheld 10.96.0.1\n", "tcp 192.0.2.10:30080 rr\ntcp 192.0.2.10:30081 rr\n",
         "3.3.3.0/24 4.4.4.0/24 ", false,
         "- -D -t 6.6.6.6:80\n- -D -t 192.0.2.10:30080\n- address 6.6.6.6/32 on the dummy interface\n"},
        {"C43 for IPv6",
         "tcp [fd00::1]:80 rr\ntcp [3::3]:80 rr\ntcp [4::4]:80 rr\ntcp [5::5]:80 rr\ntcp [6::6]:80 rr\n"
         "held fd00::1\nheld 6::6\nheld 4::4\n",
         "tcp [fd00::1]:80 rr\nheld fd00::1\n", NULL, "3::/64 4::/64 ", false,
         "- -D -t [6::6]:80\n- address 6::6/128 on the dummy interface\n"},
        {"C45: an excluded one on the dummy stays with its real servers and its address",
         "tcp 4.4.4.4:80 rr\n> 10.0.0.1:80\n> 10.0.0.2:80\nheld 4.4.4.4\n", "", NULL, "4.4.4.0/24 ", false,
         ""},
        {"C46: each family has its own exclusions",
         "tcp 10.0.1.1:80 rr\ntcp [1000::1]:80 rr\ntcp [3000::1]:80 rr\ntcp 12.0.0.1:80 rr\n", "", NULL,
         "1000::/64 10.0.0.0/16 11.0.0.0/16 2000::/64 ", true, "- -D -t 12.0.0.1:80\n- -D -t [3000::1]:80\n"},
        {"Q-12: excluded addresses stay on the dummy", "held 10.0.0.1\nheld 10.1.0.1\n", "", NULL,
         "10.0.0.0/16 ", false, "- address 10.1.0.1/32 on the dummy interface\n"},
        {"Q-38: what the record names is ours, excluded or not", "tcp 10.0.0.1:80 rr\ntcp 10.0.0.1:81 rr\n",
         "", "tcp 10.0.0.1:80 rr\n", "10.0.0.0/16 ", false, "- -D -t 10.0.0.1:80\n"},
        {"Q-22: firewall marks stay", "mark 7 ipv4 rr\nmark 8 ipv6 rr\n> [fd00::1]:1\n", "", NULL, NULL, true,
         ""},
        {"R4.8: an excluded one that is wanted is added and edited", "tcp 10.0.0.1:80 rr\n> 10.9.0.1:80\n",
         "tcp 10.0.0.1:80 wlc\ntcp 10.0.0.2:80 rr\nheld 10.0.0.2\n", NULL, "10.0.0.0/16 ", false,
         "+ address 10.0.0.2/32 on the dummy interface\n+ -A -t 10.0.0.2:80 -s rr\n"
         "~ -E -t 10.0.0.1:80 -s wlc (was -s rr)\n- -d -t 10.0.0.1:80 -r 10.9.0.1:80\n"},
        {"an alien one that is wanted is adopted", "tcp 192.0.2.10:30080 wlc\n> 10.9.0.1:80\n",
         "tcp 192.0.2.10:30080 rr\n> 10.9.0.2:80\n", NULL, NULL, false,
         "~ -E -t 192.0.2.10:30080 -s rr (was -s wlc)\n+ -a -t 192.0.2.10:30080 -r 10.9.0.2:80 -m -w 1\n"
         "- -d -t 192.0.2.10:30080 -r 10.9.0.1:80\n"},
        {"an alien one is not ours because its port is recorded elsewhere", "tcp 192.0.2.10:30080 rr\n", "",
         "udp 192.0.2.10:30080 rr\ntcp 192.0.2.11:30080 rr\n", NULL, false, ""},
};

static const struct difference real_servers[] = {
        {"Q-10: weight, forwarding, thresholds and tunnel are put right",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 w=0\n> 10.0.0.2:80 fwd=3\n> 10.0.0.3:80 x=9\n> 10.0.0.4:80 y=9\n"
         "> 10.0.0.5:80 fwd=2\n> 10.0.0.6:80\n",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n> 10.0.0.2:80\n> 10.0.0.3:80\n> 10.0.0.4:80\n"
         "> 10.0.0.5:80 fwd=2 tun=1:6080:0\n> 10.0.0.6:80\n",
         NULL, NULL, true,
         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1 (was -m -w 0)\n"
         "~ -e -t 10.96.0.1:80 -r 10.0.0.2:80 -m -w 1 (was -g -w 1)\n"
         "~ -e -t 10.96.0.1:80 -r 10.0.0.3:80 -m -w 1 (was -m -w 1 -x 9)\n"
         "~ -e -t 10.96.0.1:80 -r 10.0.0.4:80 -m -w 1 (was -m -w 1 -y 9)\n"
         "~ -e -t 10.96.0.1:80 -r 10.0.0.5:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum "
         "(was -i -w 1 --tun-type ipip)\n"},
        {"Q-9: one that returns while it drains is changed in place",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 w=0\n", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n", NULL, NULL, true,
         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1 (was -m -w 0)\n"},
        {"added before others are removed", "tcp 10.96.0.1:80 sh\n> 10.0.0.1:80\n> 10.0.0.3:80\n",
         "tcp 10.96.0.1:80 sh\n> 10.0.0.2:80\n> 10.0.0.3:80\n> 10.0.0.3:81\n", NULL, NULL, true,
         "+ -a -t 10.96.0.1:80 -r 10.0.0.2:80 -m -w 1\n+ -a -t 10.96.0.1:80 -r 10.0.0.3:81 -m -w 1\n"
         "- -d -t 10.96.0.1:80 -r 10.0.0.1:80\n"},
        {"R1.23: sh wants the order of the text", "",
         "tcp 10.96.0.1:80 sh\n> 10.0.1.1:80\n> 10.0.1.2:80\n> 10.0.1.10:80\n> 10.0.1.9:8\n", NULL, NULL,
         true,
         "+ -A -t 10.96.0.1:80 -s sh\n"
         "+ -a -t 10.96.0.1:80 -r 10.0.1.10:80 -m -w 1\n"
         "+ -a -t 10.96.0.1:80 -r 10.0.1.1:80 -m -w 1\n"
         "+ -a -t 10.96.0.1:80 -r 10.0.1.2:80 -m -w 1\n"
         "+ -a -t 10.96.0.1:80 -r 10.0.1.9:8 -m -w 1\n"},
};

static const struct difference filters[] = {
        {"a changed verdict is an edit", "port 10.96.0.1:80 tcp reject\n",
         "port 10.96.0.1:80 tcp outsiders\n", NULL, NULL, true,
         "~ filter 10.96.0.1:80 TCP masquerade-outsiders (was reject)\n"},
        {"a changed target is an edit", "redirect 1.2.3.4:80 tcp 10.96.0.1:80\n",
         "redirect 1.2.3.4:80 tcp 10.96.0.1:81\n", NULL, NULL, true,
         "~ filter 1.2.3.4:80 TCP from inside to 10.96.0.1:81 (was to 10.96.0.1:80)\n"},
        {"an equal element is left alone", "port 10.96.0.1:80 tcp drop restricted\nhairpin 10.0.0.1\n",
         "port 10.96.0.1:80 tcp drop restricted\nhairpin 10.0.0.1\n", NULL, NULL, true, ""},
        {"ranges go before others come", "range 10.96.0.1:80 tcp 10.0.0.0/8\n",
         "range 10.96.0.1:80 tcp 10.0.0.0/9\n", NULL, NULL, true,
         "- filter 10.96.0.1:80 TCP allow 10.0.0.0/8\n+ filter 10.96.0.1:80 TCP allow 10.0.0.0/9\n"},
        {"ranges go before the port is open to all, with what is done for its rank",
         "tcp 10.96.0.1:80 rr rank=1\nport 10.96.0.1:80 tcp masquerade restricted\n"
         "range 10.96.0.1:80 tcp 10.0.0.0/8\n",
         "tcp 10.96.0.1:80 wlc rank=1\nport 10.96.0.1:80 tcp masquerade\n"
         "tcp 10.96.0.2:80 rr rank=0\nport 10.96.0.2:80 tcp reject\n",
         NULL, NULL, true,
         "+ filter 10.96.0.2:80 TCP reject\n"
         "+ -A -t 10.96.0.2:80 -s rr\n"
         "- filter 10.96.0.1:80 TCP allow 10.0.0.0/8\n"
         "~ filter 10.96.0.1:80 TCP masquerade (was masquerade, allowed sources only)\n"
         "~ -E -t 10.96.0.1:80 -s wlc (was -s rr)\n"},
        {"ranges of a port that goes stay as long as it does",
         "tcp 10.96.0.1:80 rr\nport 10.96.0.1:80 tcp masquerade restricted\n"
         "range 10.96.0.1:80 tcp 10.0.0.0/8\n",
         "port 10.96.0.1:80 udp masquerade\n", NULL, NULL, true,
         "+ filter 10.96.0.1:80 UDP masquerade\n"
         "- -D -t 10.96.0.1:80\n"
         "- filter 10.96.0.1:80 TCP masquerade, allowed sources only\n"
         "- filter 10.96.0.1:80 TCP allow 10.0.0.0/8\n"},
        {"other ports are refused as long as the address is held",
         "tcp 10.96.0.1:80 rr\nheld 10.96.0.1\nguard 10.96.0.1\n",
         "tcp 10.96.0.2:80 rr rank=0\nheld 10.96.0.2\nguard 10.96.0.2\n", NULL, NULL, false,
         "+ filter 10.96.0.2 refuses all other ports\n"
         "+ address 10.96.0.2/32 on the dummy interface\n"
         "+ -A -t 10.96.0.2:80 -s rr\n"
         "- -D -t 10.96.0.1:80\n"
         "- address 10.96.0.1/32 on the dummy interface\n"
         "- filter 10.96.0.1 refuses all other ports\n"},
        {"Q-4: the filter protects before the address is held, and until it is let go",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:1\nheld 10.96.0.1\nport 10.96.0.1:80 tcp outsiders\n",
         "tcp 10.96.0.2:80 rr\n> 10.0.0.1:1\nheld 10.96.0.2\nport 10.96.0.2:80 tcp outsiders\n", NULL, NULL,
         false,
         "+ filter 10.96.0.2:80 TCP masquerade-outsiders\n"
         "+ address 10.96.0.2/32 on the dummy interface\n"
         "+ -A -t 10.96.0.2:80 -s rr\n"
         "+ -a -t 10.96.0.2:80 -r 10.0.0.1:1 -m -w 1\n"
         "- -D -t 10.96.0.1:80\n"
         "- address 10.96.0.1/32 on the dummy interface\n"
         "- filter 10.96.0.1:80 TCP masquerade-outsiders\n"},
};

static const struct difference ranks[] = {
        {"the API server first, then DNS, each complete before the next", "",
         "tcp 10.96.0.1:443 rr rank=0\n> 192.0.2.1:6443\nheld 10.96.0.1\nport 10.96.0.1:443 tcp outsiders\n"
         "tcp 10.0.0.5:80 rr\nheld 10.0.0.5\nport 10.0.0.5:80 tcp outsiders\n"
         "udp 10.96.0.10:53 rr rank=1\n> 10.244.0.2:53\nheld 10.96.0.10\nport 10.96.0.10:53 udp outsiders\n"
         "hairpin 10.244.0.2\n",
         NULL, NULL, false,
         "+ filter 10.96.0.1:443 TCP masquerade-outsiders\n"
         "+ address 10.96.0.1/32 on the dummy interface\n"
         "+ -A -t 10.96.0.1:443 -s rr\n"
         "+ -a -t 10.96.0.1:443 -r 192.0.2.1:6443 -m -w 1\n"
         "+ filter 10.96.0.10:53 UDP masquerade-outsiders\n"
         "+ address 10.96.0.10/32 on the dummy interface\n"
         "+ -A -u 10.96.0.10:53 -s rr\n"
         "+ -a -u 10.96.0.10:53 -r 10.244.0.2:53 -m -w 1\n"
         "+ filter 10.0.0.5:80 TCP masquerade-outsiders\n"
         "+ filter 10.244.0.2 may reach itself\n"
         "+ address 10.0.0.5/32 on the dummy interface\n"
         "+ -A -t 10.0.0.5:80 -s rr\n"},
        {"an address that several share comes with the first of them", "",
         "tcp 10.0.0.9:80 rr\ntcp 10.0.0.9:443 rr rank=0\nheld 10.0.0.9\nheld 10.0.0.1\n", NULL, NULL, false,
         "+ address 10.0.0.9/32 on the dummy interface\n"
         "+ -A -t 10.0.0.9:443 -s rr\n"
         "+ address 10.0.0.1/32 on the dummy interface\n"
         "+ -A -t 10.0.0.9:80 -s rr\n"},
        {"changes in place keep the rank too", "tcp 10.0.0.1:80 wlc\ntcp 10.0.0.9:80 wlc\n> 10.1.0.1:1 w=0\n",
         "tcp 10.0.0.1:80 rr\ntcp 10.0.0.9:80 rr rank=0\n> 10.1.0.1:1\n", NULL, NULL, true,
         "~ -E -t 10.0.0.9:80 -s rr (was -s wlc)\n"
         "~ -e -t 10.0.0.9:80 -r 10.1.0.1:1 -m -w 1 (was -m -w 0)\n"
         "~ -E -t 10.0.0.1:80 -s rr (was -s wlc)\n"},
        {"shrinking has no rank",
         "tcp 10.0.0.1:80 rr\nheld 10.0.0.1\ntcp 10.0.0.9:80 rr rank=0\nheld 10.0.0.9\n", "", NULL, NULL,
         false,
         "- -D -t 10.0.0.1:80\n- -D -t 10.0.0.9:80\n- address 10.0.0.1/32 on the dummy interface\n"
         "- address 10.0.0.9/32 on the dummy interface\n"},
};

START_TEST(virtual_servers_are_added_edited_and_removed)
{
	check_difference(&virtual_servers[_i]);
}
END_TEST

START_TEST(only_what_is_ours_is_removed)
{
	check_difference(&ownership[_i]);
}
END_TEST

START_TEST(real_servers_are_repaired_in_place)
{
	check_difference(&real_servers[_i]);
}
END_TEST

START_TEST(filter_elements_come_first_and_go_last)
{
	check_difference(&filters[_i]);
}
END_TEST

START_TEST(important_services_come_up_first)
{
	check_difference(&ranks[_i]);
}
END_TEST

/* The real servers of a fresh virtual server in the order of their adding. */
static char *added_order(const char *scheduler, const char *node, const char *address)
{
	auto_text text = {0};
	struct changes changes = {0};
	text_addf(&text, "tcp %s:80 %s\n", address, scheduler);
	for (int i = 1; i <= 40; i++)
		text_addf(&text, "> 10.0.0.%d:80\n", i);
	struct state nothing = {0}, wanted = state_of(&arena, text_string(&text));
	struct removal_rules rules = {.order_seed = order_seed(node)};
	diff_build(&nothing, &wanted, &rules, &changes);
	text_clear(&text);
	vector_for_each (&changes, change)
		if (change->kind == CHANGE_REAL_SERVER_ADD)
			text_addf(&text, "%u ", change->real_server->address.bytes[3]);
	vector_done(&changes);
	return arena_copy_text(&arena, text_string(&text));
}

static const char *const shared_orders[] = {"sh", "dh", "mh"};

START_TEST(hashing_schedulers_get_one_order_on_all_nodes)
{
	ck_assert_str_eq(added_order(shared_orders[_i], "n1", "10.96.0.1"),
	                 added_order(shared_orders[_i], "n2", "10.96.0.1"));
}
END_TEST

static const char *const own_orders[] = {"rr", "wrr", "lc", "wlc", "lblc", "sed", "nq", "fo"};

START_TEST(other_schedulers_get_an_order_of_the_node)
{
	const char *one = added_order(own_orders[_i], "n1", "10.96.0.1");
	ck_assert_str_eq(one, added_order(own_orders[_i], "n1", "10.96.0.1"));
	ck_assert_str_ne(one, added_order(own_orders[_i], "n2", "10.96.0.1"));
	ck_assert_str_ne(one, added_order(own_orders[_i], "n1", "10.96.0.2"));
	ck_assert_str_ne(one, added_order("sh", "n1", "10.96.0.1"));
}
END_TEST

/* What the orders are for: over many nodes, each real server is first on its fair share of them. */
START_TEST(each_real_server_is_first_on_as_many_nodes_as_others)
{
	enum { NODES = 4000, SERVERS = 40, EXPECTED = NODES / SERVERS };
	unsigned first[SERVERS + 1] = {0};
	for (unsigned node = 0; node < NODES; node++) {
		char name[16], *end;
		snprintf(name, sizeof(name), "node-%u", node);
		first[strtoul(added_order("rr", name, "10.96.0.1"), &end, 10)]++;
	}
	for (unsigned i = 1; i <= SERVERS; i++)
		ck_assert_msg(first[i] > EXPECTED / 2 && first[i] < EXPECTED * 2, "%u is first on %u of %u",
		              i, first[i], NODES);
}
END_TEST

START_TEST(node_names_give_seeds_of_their_own)
{
	ck_assert(order_seed("n1") == order_seed("n1"));
	ck_assert(order_seed("n1") != order_seed("n2"));
	ck_assert(order_seed("ab") != order_seed("ba"));
	ck_assert(order_seed("") != order_seed("n"));
}
END_TEST

START_TEST(an_edit_tells_what_was_there)
{
	struct state present = state_of(&arena, "tcp 10.96.0.1:80 wlc\n> 10.0.0.1:80 w=0\n");
	struct state wanted = state_of(&arena, "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n");
	struct removal_rules rules = {.all_ours = true};
	struct changes changes = {0};
	diff_build(&present, &wanted, &rules, &changes);
	ck_assert_uint_eq(changes.count, 2);
	ck_assert_ptr_eq(changes.items[0].before, present.virtual_servers);
	ck_assert_ptr_eq(changes.items[0].virtual_server, wanted.virtual_servers);
	ck_assert_ptr_eq(changes.items[1].before, present.virtual_servers->real_servers);
	ck_assert_ptr_eq(changes.items[1].real_server, wanted.virtual_servers->real_servers);
	ck_assert_ptr_eq(changes.items[1].virtual_server, wanted.virtual_servers);
	vector_done(&changes);
}
END_TEST

START_TEST(changes_are_added_behind_those_that_are_there)
{
	struct state nothing = {0};
	struct state one = state_of(&arena, "held 10.0.0.1\n"), two = state_of(&arena, "held 10.0.0.2\n");
	struct removal_rules rules = {.all_ours = true};
	struct changes changes = {0};
	diff_build(&nothing, &one, &rules, &changes);
	diff_build(&nothing, &two, &rules, &changes);
	diff_build(&nothing, &nothing, &rules, &changes);
	ck_assert_uint_eq(changes.count, 2);
	ck_assert(address_equal(&changes.items[0].address, one.held));
	ck_assert(address_equal(&changes.items[1].address, two.held));
	vector_done(&changes);
}
END_TEST

START_TEST(every_kind_of_change_has_a_name)
{
	ck_assert_str_eq(change_kind_name(CHANGE_REAL_SERVER_ADD), "add real server");
	for (unsigned kind = 0; kind < CHANGE_KINDS; kind++)
		ck_assert_str_ne(change_kind_name((enum change_kind)kind), "");
	ck_assert_str_eq(change_kind_name(CHANGE_KINDS), "");
}
END_TEST

#define add_table(tests, function, table) \
	tcase_add_loop_test((tests), (function), 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
	Suite *suite = suite_create("plan/diff");
	TCase *tests = tcase_create("differences");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_set_timeout(tests, 60);
	add_table(tests, virtual_servers_are_added_edited_and_removed, virtual_servers);
	add_table(tests, only_what_is_ours_is_removed, ownership);
	add_table(tests, real_servers_are_repaired_in_place, real_servers);
	add_table(tests, filter_elements_come_first_and_go_last, filters);
	add_table(tests, important_services_come_up_first, ranks);
	add_table(tests, hashing_schedulers_get_one_order_on_all_nodes, shared_orders);
	add_table(tests, other_schedulers_get_an_order_of_the_node, own_orders);
	tcase_add_test(tests, each_real_server_is_first_on_as_many_nodes_as_others);
	tcase_add_test(tests, node_names_give_seeds_of_their_own);
	tcase_add_test(tests, an_edit_tells_what_was_there);
	tcase_add_test(tests, changes_are_added_behind_those_that_are_there);
	tcase_add_test(tests, every_kind_of_change_has_a_name);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
