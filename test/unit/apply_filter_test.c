/*
 * Our table in this machine's own nf_tables: put in place, changed, read back, tampered with, repaired, removed.
 */
#include "apply_filter_kernel.h"
#include "base/memory.h"
#include "fake_objects.h"
#include "plan/filter_text.h"
#include "plan_states.h"
#include "support.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OURS    "nft list table inet kube-ipvs"
#define FOREIGN "nft list table ip foreign"

static struct filter_kernel machine;
static struct arena arena;
static struct fault fault;

static void prepare(void)
{
	filter_kernel_init(&machine);
	fault = (struct fault){0};
}

static void clean(void)
{
	filter_kernel_done(&machine);
	arena_done(&arena);
}

/* ---- helpers */

static void shell(const char *command)
{
	free(output_of(command));
}

static bool ensure(void)
{
	bool repaired = true;
	int error = kernel_ensure_filter(machine.kernel, &repaired, &fault);
	ck_assert_msg(error == 0, "%d: %s", error, fault.sentence);
	return repaired;
}

static struct state read_all(void)
{
	struct state state;
	int error = kernel_read(machine.kernel, &arena, &state, &fault);
	ck_assert_msg(error == 0, "%d: %s", error, fault.sentence);
	return state;
}

static void add_element_line(const struct filter_element *element, struct text *text)
{
	char address[ADDRESS_TEXT_SIZE], range[CIDR_TEXT_SIZE], target[ADDRESS_TEXT_SIZE];
	address_format(&element->address, address);
	cidr_format(&element->range, range);
	address_format(&element->target, target);
	text_addf(text, "%u %s %u %u %s -> %u%s %s %u\n", element->kind, address, element->protocol,
	          element->port, range, element->verdict, element->restricted ? " restricted" : "", target,
	          element->target_port);
}

static void print_elements(const struct filter_element *elements, size_t count, struct text *text)
{
	for (size_t i = 0; i < count; i++)
		add_element_line(&elements[i], text);
}

static void kernel_must_hold(const struct state *wanted)
{
	auto_text got_text = {0};
	auto_text wanted_text = {0};
	struct state got = read_all();
	print_elements(got.filter, got.filter_count, &got_text);
	print_elements(wanted->filter, wanted->filter_count, &wanted_text);
	ck_assert_texts("the filter's elements", text_string(&wanted_text), text_string(&got_text));
}

static int perform_difference(const struct state *from, const struct state *to, struct changes *ret_changes)
{
	const struct removal_rules rules = {.all_ours = true};
	diff_build(from, to, &rules, ret_changes);
	return kernel_perform(machine.kernel, ret_changes, &arena);
}

/* From what there is to what is wanted, as a whole pass does. */
static void reach(const struct state *wanted)
{
	struct changes changes = {0};
	struct state present = read_all();
	int error = perform_difference(&present, wanted, &changes);
	for (size_t i = 0; i < changes.count; i++)
		ck_assert_msg(changes.items[i].result == 0, "%s: %d %s",
		              change_kind_name(changes.items[i].kind), changes.items[i].result,
		              changes.items[i].detail ? changes.items[i].detail : "");
	ck_assert_int_eq(error, 0);
	vector_done(&changes);
}

/* Only the filter of it. */
static struct state elements_of(const char *text)
{
	struct state state = state_of(&arena, text);
	return (struct state){.filter = state.filter, .filter_count = state.filter_count};
}

static const char everything[] = "guard 10.96.0.1\n"
                                 "guard fd00::1\n"
                                 "port 10.96.0.1:80 tcp outsiders\n"
                                 "port 10.96.0.1:53 udp reject\n"
                                 "port [fd00::1]:80 tcp masquerade\n"
                                 "port 192.0.2.50:80 tcp keep restricted\n"
                                 "port 192.0.2.50:81 sctp drop restricted\n"
                                 "range 192.0.2.50:80 tcp 10.0.0.0/8\n"
                                 "range 192.0.2.50:80 tcp 192.0.2.100/32\n"
                                 "range 192.0.2.50:81 sctp 0.0.0.0/0\n"
                                 "range [fd00::50]:80 tcp 2001:db8::/33\n"
                                 "redirect 192.0.2.50:80 tcp 10.96.0.1:80\n"
                                 "redirect [fd00::50]:80 udp [fd00::1]:8080\n"
                                 "hairpin 10.244.0.5\n"
                                 "hairpin fd00:10:244::5\n"
                                 "health 30000\n";

/* ---- the rules */

static void have_foreign_table(void)
{
	shell("nft 'table ip foreign { set s { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 }; }\n"
	      "chain c { type nat hook prerouting priority -50; policy accept; ip saddr @s counter accept\n"
	      "tcp dport 80 accept\n}\n}'");
}

START_TEST(rules_that_are_put_twice_are_the_same)
{
	ck_assert(!ensure());
	auto_free char *first = output_of(OURS);
	size_t transactions = machine.transactions;
	ck_assert(!ensure());
	ck_assert_uint_eq(machine.transactions, transactions);
	kernel_use_filter(machine.kernel, filter_kernel_rules()); /* as after a restart */
	ck_assert(!ensure());
	ck_assert_uint_eq(machine.transactions, transactions + 1);
	auto_free char *second = output_of(OURS);
	ck_assert_texts("our table", first, second);
	ck_assert_msg(strstr(first, "type nat hook prerouting priority dstnat - 10; policy accept;") != NULL,
	              "%s", first);
	ck_assert_msg(strstr(first, "goto settle") != NULL, "%s", first);
}
END_TEST

START_TEST(putting_the_rules_again_keeps_the_elements)
{
	struct state wanted = elements_of(everything);
	ck_assert(!ensure());
	reach(&wanted);
	kernel_use_filter(machine.kernel, filter_kernel_rules());
	ck_assert(!ensure());
	kernel_must_hold(&wanted);
}
END_TEST

#define IN_OURS "inet kube-ipvs "
/* Deletes the last rule of the chain. */
#define DELETE_RULE_OF(chain)                                                         \
	"nft delete rule " IN_OURS chain " handle $(nft -a list chain " IN_OURS chain \
	" | sed -n 's/.*# handle //p' | tail -n 1)"

/* What somebody does to our table, and whether the elements can stay where it is mended. */
static const struct {
	const char *command;
	bool keeps_elements;
} tampering_rows[] = {
        {DELETE_RULE_OF("settle"), true},
        {DELETE_RULE_OF("prerouting"), true},
        {"nft replace rule " IN_OURS "to-elsewhere handle $(nft -a list chain " IN_OURS
         "to-elsewhere | sed -n 's/.*# handle //p' | tail -n 1) accept",
         true},
        {"nft flush chain " IN_OURS "postrouting", true},
        {"nft flush table " IN_OURS, true},
        {"nft add rule " IN_OURS "prerouting drop", true},
        {"nft insert rule " IN_OURS "output accept", true},
        {"nft 'chain " IN_OURS "prerouting { policy drop; }'", true},
        {"nft 'table " IN_OURS "{ flags dormant; }'", true},
        {"nft add chain " IN_OURS "intruder", true},
        {"nft 'chain " IN_OURS "intruder { type filter hook input priority 0; policy drop; }'", true},
        {"nft 'chain " IN_OURS "intruder { drop; }; chain " IN_OURS "intruder2 { jump intruder; }; "
         "add rule " IN_OURS "prerouting jump intruder2'",
         true},
        {"nft 'chain " IN_OURS "drop-all { drop; }; add element " IN_OURS
         "service-ports-4 { 10.96.0.77 . tcp . 80 : goto drop-all }'",
         false},
        {"nft flush chain " IN_OURS "prerouting; nft flush chain " IN_OURS "output; nft delete chain " IN_OURS
         "prerouting; nft 'chain " IN_OURS "prerouting { type nat hook prerouting priority 7; }'",
         false},
        {"nft flush chain " IN_OURS "postrouting; nft delete chain " IN_OURS "postrouting", true},
        {"nft 'chain " IN_OURS "not.easily/named { type filter hook input priority 0; policy drop; }'",
         false},
        {"nft flush table " IN_OURS "; nft delete set " IN_OURS "held-6; nft 'add set " IN_OURS
         "held-6 { type ipv4_addr; }'",
         false},
        {"nft delete table " IN_OURS, false},
};

/* Chains and rules, but no elements, in an order of their own. */
#define RULES_LISTING "nft -s -t list table inet kube-ipvs | awk -v RS= '{ print | \"sort\" }'"

START_TEST(tampering_with_the_rules_is_noticed_and_mended)
{
	struct state wanted = elements_of(everything);
	have_foreign_table();
	ck_assert(!ensure());
	reach(&wanted);
	auto_free char *foreign = output_of(FOREIGN);
	auto_free char *rules = output_of(RULES_LISTING);
	shell(tampering_rows[_i].command);
	ck_assert_msg(ensure(), "not noticed: %s", tampering_rows[_i].command);
	if (tampering_rows[_i].keeps_elements)
		kernel_must_hold(&wanted);
	auto_free char *rules_after = output_of(RULES_LISTING);
	ck_assert_texts("our rules", rules, rules_after);
	reach(&wanted);
	kernel_must_hold(&wanted);
	ck_assert_msg(!ensure(), "noticed once more: %s", tampering_rows[_i].command);
	auto_free char *foreign_after = output_of(FOREIGN);
	ck_assert_texts("somebody else's table", foreign, foreign_after);
}
END_TEST

START_TEST(a_flushed_ruleset_is_noticed_and_mended)
{
	struct state wanted = elements_of(everything), nothing = {0};
	ck_assert(!ensure());
	reach(&wanted);
	shell("nft flush ruleset");
	kernel_must_hold(&nothing);
	ck_assert(ensure());
	reach(&wanted);
	kernel_must_hold(&wanted);
}
END_TEST

START_TEST(what_another_version_left_is_taken_over)
{
	struct state wanted = elements_of(everything);
	have_foreign_table();
	auto_free char *foreign = output_of(FOREIGN);
	shell("nft 'table inet kube-ipvs { set held-4 { type ipv6_addr; flags interval; elements = { ::/64 } "
	      "}\n"
	      "chain old { type filter hook input priority 3; policy drop; ip6 daddr @held-4 accept\n}\n"
	      "chain prerouting { type filter hook prerouting priority 0; jump settle\n}\n"
	      "chain settle { drop\n}\n"
	      "map service-ports-4 { type ipv4_addr : verdict; elements = { 10.0.0.1 : goto settle }\n}\n}'");
	(void)read_all(); /* before the table is ours, nothing of it is understood, and nothing breaks */
	ck_assert(!ensure());
	reach(&wanted);
	kernel_must_hold(&wanted);
	ck_assert(!ensure());
	auto_free char *ours = output_of(OURS);
	ck_assert_ptr_null(strstr(ours, "chain old"));
	auto_free char *foreign_after = output_of(FOREIGN);
	ck_assert_texts("somebody else's table", foreign, foreign_after);
}
END_TEST

/* ---- elements */

START_TEST(elements_are_read_as_they_were_written)
{
	struct state wanted = elements_of(everything), nothing = {0};
	ck_assert(!ensure());
	kernel_must_hold(&nothing);
	reach(&wanted);
	kernel_must_hold(&wanted);
	size_t transactions = machine.transactions;
	reach(&wanted);
	ck_assert_uint_eq(machine.transactions, transactions);
	reach(&nothing);
	kernel_must_hold(&nothing);
}
END_TEST

/* What somebody does to our elements. */
static const char *const element_tampering[] = {
        "nft delete element " IN_OURS "held-4 { 10.96.0.1 }",
        "nft flush set " IN_OURS "held-6",
        "nft flush map " IN_OURS "service-ports-4; nft flush set " IN_OURS "source-ranges-4",
        "nft add element " IN_OURS "held-4 { 192.0.2.10 }",
        "nft add element " IN_OURS "health-check-ports { 22 }",
        "nft add element " IN_OURS "service-ports-4 { 192.0.2.10 . tcp . 22 : drop }",
        "nft add element " IN_OURS "service-ports-4 { 192.0.2.10 . icmp . 22 : accept }",
        "nft add element " IN_OURS "service-ports-4 { 192.0.2.10 . tcp . 22 : goto settle }",
        "nft add element " IN_OURS "service-ports-4 { 192.0.2.10 . tcp . 22 : jump to-local }",
        "nft delete element " IN_OURS "service-ports-4 { 10.96.0.1 . tcp . 80 }; nft add element " IN_OURS
        "service-ports-4 { 10.96.0.1 . tcp . 80 : accept }",
        "nft delete element " IN_OURS "service-ports-4 { 10.96.0.1 . tcp . 80 }; nft add element " IN_OURS
        "service-ports-4 { 10.96.0.1 . tcp . 80 : goto to-nobody }",
        "nft delete element " IN_OURS "redirects-4 { 192.0.2.50 . tcp . 80 }; nft add element " IN_OURS
        "redirects-4 { 192.0.2.50 . tcp . 80 : 10.9.9.9 . 9 }",
        "nft add element " IN_OURS "service-ports-4 { '*' : drop }",
        "nft add element " IN_OURS "source-ranges-6 { '*' }",
        "nft add element " IN_OURS "source-ranges-4 { 192.0.2.50 . tcp . 80 . 192.168.0.0/16 }",
        "nft add element " IN_OURS "source-ranges-4 { 192.0.2.50 . tcp . 80 . 172.16.0.1-172.16.0.9 }",
        "nft add element " IN_OURS "source-ranges-4 { 192.0.0.0-192.0.1.255 . 6-17 . 1-100 . 172.16.0.1 }",
        "nft add element " IN_OURS "source-ranges-4 { 192.0.2.50 . tcp . 79-81 . 172.16.0.1 }",
        "nft add element " IN_OURS "source-ranges-4 { 192.0.2.50 . 6-17 . 80 . 172.16.0.1 }",
        "nft add element " IN_OURS "source-ranges-6 { fd00::50 . tcp . 80 . ::1-::9 }",
        "nft add element " IN_OURS "source-ranges-4 { 192.0.2.50 . icmp . 80 . 10.0.0.0/8 }",
        "nft add element " IN_OURS "local-endpoints-4 { 10.244.0.5 . 10.244.0.6 }",
        "nft add element " IN_OURS "local-endpoints-6 { ::1 . ::1 }",
        /* A wanted range is refused as long as this one is there. */
        "nft delete element " IN_OURS
        "source-ranges-4 { 192.0.2.50 . tcp . 80 . 10.0.0.0/8 }; nft add element " IN_OURS
        "source-ranges-4 { 192.0.2.50 . tcp . 80 . 9.0.0.0-10.9.9.9 }",
        "nft delete element " IN_OURS
        "source-ranges-4 { 192.0.2.50 . tcp . 80 . 10.0.0.0/8 }; nft add element " IN_OURS
        "source-ranges-4 { 192.0.2.50 . tcp . 80 . 8.0.0.0/5 }",
};

START_TEST(tampering_with_elements_is_mended_by_the_next_whole_pass)
{
	struct state wanted = elements_of(everything);
	ck_assert(!ensure());
	reach(&wanted);
	auto_free char *before = output_of(OURS);
	shell(element_tampering[_i]);
	ck_assert_msg(!ensure(), "elements are no matter of the rules");
	reach(&wanted);
	kernel_must_hold(&wanted);
	auto_free char *after = output_of(OURS);
	/* nft sees what our own reading might not. */
	ck_assert_msg(strlen(before) == strlen(after), "%s\n---\n%s", before, after);
	ck_assert(!ensure());
}
END_TEST

START_TEST(an_oddity_that_cannot_be_removed_is_gone_with_the_table)
{
	struct state wanted = elements_of(everything), nothing = {0};
	ck_assert(!ensure());
	reach(&wanted);
	shell("nft add element " IN_OURS "service-ports-4 { '*' : drop }");
	(void)read_all();
	shell("nft delete element " IN_OURS "service-ports-4 { '*' }");
	struct changes none = {0};
	ck_assert_int_eq(kernel_perform(machine.kernel, &none, &arena), 0);
	ck_assert(ensure());
	kernel_must_hold(&nothing);
	reach(&wanted);
	ck_assert(!ensure());
}
END_TEST

/* ---- transactions */

START_TEST(a_refused_transaction_changes_nothing_and_ends_the_pass)
{
	static const char there[] = "guard 10.96.0.1\nport 10.96.0.1:80 tcp reject\n";
	auto_text text = {0};
	text_addf(&text, "%sport 10.96.0.9:80 tcp reject\n", there);
	struct state present = elements_of(there), believed = elements_of(text_string(&text));
	struct state wanted = elements_of("guard 10.96.0.2\nport 10.96.0.1:80 tcp drop\n");
	struct virtual_server server = make_virtual_server("10.96.0.1", 80);
	struct changes changes = {0};
	ck_assert(!ensure());
	reach(&present);
	diff_build(&believed, &wanted, &(struct removal_rules){.all_ours = true}, &changes);
	ck_assert_uint_eq(changes.count, 4);
	want_virtual_server(&changes, CHANGE_VIRTUAL_SERVER_ADD, &server);
	ck_assert_int_eq(kernel_perform(machine.kernel, &changes, &arena), -ENOENT);
	for (size_t i = 0; i < changes.count; i++)
		ck_assert_int_eq(changes.items[i].result, -ENOENT);
	ck_assert_str_eq(changes.items[0].detail, "No such file or directory, at 10.96.0.9 . tcp . 80");
	ck_assert_uint_eq(machine.fake.counters.changes, 0);
	kernel_must_hold(&present);
	vector_done(&changes);
	reach(&wanted);
	kernel_must_hold(&wanted);
}
END_TEST

/* `count` addresses with a port each, and a few things more. */
static struct state many(size_t count)
{
	auto_text text = {0};
	for (size_t i = 0; i < count; i++) {
		unsigned a = (unsigned)(i >> 8), b = i & 255;
		text_addf(&text, "guard 10.96.%u.%u\nport 10.96.%u.%u:80 tcp %s\n", a, b, a, b,
		          i % 3 ? "outsiders" : "reject");
		text_addf(&text, "hairpin 10.244.%u.%u\n", a, b);
		if (i % 100 == 0)
			text_addf(&text, "range 10.96.%u.%u:80 tcp 10.0.0.0/8\n", a, b);
	}
	return elements_of(text_string(&text));
}

START_TEST(thousands_of_elements_go_in_parts)
{
	enum { ADDRESSES = 3000 };
	struct state wanted = many(ADDRESSES), nothing = {0};
	ck_assert(!ensure());
	size_t transactions = machine.transactions;
	reach(&wanted);
	ck_assert_uint_eq(machine.transactions - transactions, 3);
	kernel_must_hold(&wanted);
	transactions = machine.transactions;
	reach(&nothing);
	ck_assert_uint_eq(machine.transactions - transactions, 3);
	kernel_must_hold(&nothing);
}
END_TEST

/* A part that is refused: those before it were performed, those behind it not. */
START_TEST(of_a_run_in_parts_each_part_is_whole)
{
	enum { ADDRESSES = 3000 };
	struct state wanted = many(ADDRESSES), nothing = {0};
	struct changes changes = {0};
	ck_assert(!ensure());
	/* In the way of the last address. */
	shell("nft add element " IN_OURS "service-ports-4 { 10.96.11.183 . tcp . 80 : drop }");
	ck_assert_int_eq(perform_difference(&nothing, &wanted, &changes), -EEXIST);
	struct state got = read_all();
	size_t done = 0;
	for (size_t i = 0; i < changes.count; i++) {
		const struct filter_element *element = changes.items[i].filter;
		ck_assert(changes.items[i].result == 0 || changes.items[i].result == -EEXIST);
		if (changes.items[i].result)
			continue;
		done++;
		ck_assert_msg(bsearch(element, got.filter, got.filter_count, sizeof(*element),
		                      (int (*)(const void *, const void *))filter_element_compare) != NULL,
		              "a change that succeeded is not there");
	}
	ck_assert_uint_ge(done, 4096);
	ck_assert_uint_eq(done + 1, got.filter_count);
	vector_done(&changes);
	reach(&wanted);
	kernel_must_hold(&wanted);
}
END_TEST

START_TEST(without_a_filter_in_use_its_changes_are_passed_over)
{
	struct filter_element element = {.kind = FILTER_HELD_ADDRESS, .address = address_of("10.96.0.1")};
	struct change item = {.kind = CHANGE_FILTER_ADD, .filter = &element, .result = 77};
	struct changes changes = {.items = &item, .count = 1};
	struct kernel *other = NULL;
	bool repaired = true;
	ck_assert_int_eq(kernel_open("kube-ipvs0", false, &machine.transport, &other, NULL), 0);
	ck_assert_int_eq(kernel_ensure_filter(other, &repaired, &fault), 0);
	ck_assert(!repaired);
	ck_assert_int_eq(kernel_perform(other, &changes, &arena), 0);
	ck_assert_int_eq(item.result, 0);
	ck_assert_uint_eq(machine.transactions, 0);
	ck_assert_uint_eq(machine.datagrams, 0);
	kernel_close(other);
}
END_TEST

START_TEST(our_table_is_removed_and_no_other)
{
	have_foreign_table();
	auto_free char *foreign = output_of("nft list ruleset");
	ck_assert_int_eq(kernel_remove_filter(machine.kernel, &fault), 0);
	ck_assert_uint_eq(machine.transactions, 0);
	struct state wanted = elements_of(everything);
	ck_assert(!ensure());
	reach(&wanted);
	ck_assert_int_eq(kernel_remove_filter(machine.kernel, &fault), 0);
	ck_assert_int_eq(kernel_remove_filter(machine.kernel, &fault), 0);
	auto_free char *left = output_of("nft list ruleset");
	ck_assert_texts("the ruleset", foreign, left);
}
END_TEST

/* ---- random states */

struct dice {
	unsigned seed;
};

static unsigned roll(struct dice *dice, unsigned sides)
{
	return (unsigned)rand_r(&dice->seed) / 7 % sides;
}

/* Ranges that do not lie in each other; the first group has only the one that holds all others. */
static const char *const range_groups[][3] = {{"0.0.0.0/0"},
                                              {"10.0.0.0/8", "192.168.0.0/16", "172.16.0.1/32"},
                                              {"10.1.0.0/16", "10.2.0.0/16", "128.0.0.0/1"}};
static const char *const wide_range_groups[][3] = {
        {"::/0"}, {"fd00::/8", "2001:db8::/32", "::1/128"}, {"fd00:1::/32", "fd00:2::/33", "4000::/2"}};

static void add_random_port(struct dice *dice, bool wide, const char *address, const char *protocol,
                            unsigned port, struct text *text)
{
	static const char *const verdicts[] = {"outsiders", "masquerade", "keep", "drop", "reject"};
	unsigned verdict = roll(dice, 5);
	char end[ENDPOINT_TEXT_SIZE];
	snprintf(end, sizeof(end), wide ? "[%s]:%u" : "%s:%u", address, port);
	bool restricted = verdict != 0 && roll(dice, 3) == 0;
	text_addf(text, "port %s %s %s%s\n", end, protocol, verdicts[verdict],
	          restricted ? " restricted" : "");
	if (roll(dice, 3) == 0)
		text_addf(text, wide ? "redirect %s %s [fd00::%u]:%u\n" : "redirect %s %s 10.96.0.%u:%u\n",
		          end, protocol, roll(dice, 9) + 1, roll(dice, 3) + 1);
	const char *const *group = (wide ? wide_range_groups : range_groups)[roll(dice, 3)];
	for (int i = 0; i < 3 && restricted; i++)
		if (group[i] && roll(dice, 2))
			text_addf(text, "range %s %s %s\n", end, protocol, group[i]);
}

static struct state random_elements(struct dice *dice)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};
	auto_text text = {0};
	char address[ADDRESS_TEXT_SIZE];
	for (unsigned i = 1; i < 12; i++) {
		bool wide = i % 2;
		snprintf(address, sizeof(address), wide ? "fd00::%u" : "10.96.0.%u", i);
		if (roll(dice, 3))
			text_addf(&text, "guard %s\n", address);
		for (unsigned port = 80; port < 83; port++)
			if (roll(dice, 2))
				add_random_port(dice, wide, address, protocols[roll(dice, 3)], port, &text);
		if (roll(dice, 2))
			text_addf(&text, wide ? "hairpin fd00:10::%u\n" : "hairpin 10.244.0.%u\n", i);
		if (roll(dice, 3) == 0)
			text_addf(&text, "health %u\n", 30000 + i);
	}
	return elements_of(text_string(&text));
}

START_TEST(from_every_state_every_other_is_reached)
{
	ck_assert(!ensure());
	for (unsigned round = 0; round < 40; round++) {
		struct dice dice = {round};
		struct state wanted = random_elements(&dice);
		size_t transactions = machine.transactions;
		reach(&wanted);
		ck_assert_uint_le(machine.transactions - transactions, 2);
		kernel_must_hold(&wanted);
		arena_reset(&arena);
	}
	ck_assert(!ensure());
}
END_TEST

/* ---- reading that fails */

START_TEST(an_interrupted_dump_is_taken_again)
{
	struct state wanted = elements_of(everything);
	ck_assert(!ensure());
	reach(&wanted);
	machine.interrupted_dumps = 5;
	kernel_must_hold(&wanted);
	machine.interrupted_dumps = 5;
	ck_assert(!ensure());
	machine.interrupted_dumps = 6;
	struct state state;
	ck_assert_int_eq(kernel_read(machine.kernel, &arena, &state, &fault), -EAGAIN);
	ck_assert_uint_eq(state.filter_count, 0);
	ck_assert_str_eq(
	        fault.sentence,
	        "packet filter: our table cannot be read: the kernel's table changed each time it was read");
	machine.interrupted_dumps = 0;
	kernel_must_hold(&wanted);
}
END_TEST

static const struct {
	enum fake_spoiling spoiling;
	int error;
} spoiling_rows[] = {{FAKE_CUT, -EBADMSG},
                     {FAKE_GARBAGE, -EBADMSG},
                     {FAKE_EMPTY, 0},
                     {FAKE_LOST, -ETIMEDOUT},
                     {FAKE_OVERRUN, -ENOBUFS}};

/* Whatever is lost or spoiled: all, or nothing and an errno, and the next reading is good. */
START_TEST(what_cannot_be_read_whole_is_not_read)
{
	struct state wanted = elements_of(everything), state;
	ck_assert(!ensure());
	reach(&wanted);
	size_t before = machine.datagrams;
	kernel_must_hold(&wanted);
	size_t of_one_reading = machine.datagrams - before;
	ck_assert_uint_ge(of_one_reading, 11);
	machine.spoiling = spoiling_rows[_i].spoiling;
	for (size_t i = 1; i <= of_one_reading; i++) {
		machine.spoil_at = machine.datagrams + i;
		int error = kernel_read(machine.kernel, &arena, &state, &fault);
		if (spoiling_rows[_i].error)
			ck_assert_int_eq(error, spoiling_rows[_i].error);
		else
			ck_assert_int_le(error, 0);
		if (error)
			ck_assert_uint_eq(state.filter_count, 0);
		kernel_must_hold(&wanted);
	}
}
END_TEST

START_TEST(rules_that_cannot_be_looked_at_are_a_failure)
{
	bool repaired = true;
	ck_assert(!ensure());
	size_t before = machine.datagrams;
	ck_assert(!ensure());
	size_t of_one_look = machine.datagrams - before;
	machine.spoiling = spoiling_rows[_i].spoiling;
	for (size_t i = 1; i <= of_one_look && spoiling_rows[_i].error; i++) {
		machine.spoil_at = machine.datagrams + i;
		ck_assert_int_eq(kernel_ensure_filter(machine.kernel, &repaired, &fault),
		                 spoiling_rows[_i].error);
		ck_assert(!repaired);
		ck_assert_ptr_eq(strstr(fault.sentence, "packet filter: our table cannot be read: "),
		                 fault.sentence);
		ck_assert(!ensure());
	}
}
END_TEST

static void give_up_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	ck_assert_int_eq(syscall(SYS_capset, &header, none), 0);
}

START_TEST(without_permission_the_reason_is_told)
{
	bool repaired = true;
	give_up_capabilities();
	ck_assert_int_eq(kernel_ensure_filter(machine.kernel, &repaired, &fault), -EPERM);
	ck_assert(!repaired);
	ck_assert_str_eq(fault.sentence,
	                 "packet filter: our table cannot be read: no permission; run as root (in a "
	                 "container: privileged)");
	ck_assert_int_eq(kernel_remove_filter(machine.kernel, &fault), -EPERM);
}
END_TEST

START_TEST(a_kernel_without_nf_tables_is_told_and_has_nothing_to_remove)
{
	bool repaired = true;
	machine.open_error = -EPROTONOSUPPORT;
	ck_assert_int_eq(kernel_ensure_filter(machine.kernel, &repaired, &fault), -EPROTONOSUPPORT);
	ck_assert_str_eq(fault.sentence,
	                 "packet filter: our table cannot be read: this kernel has no nf_tables; load "
	                 "the module: modprobe nf_tables");
	ck_assert_int_eq(kernel_remove_filter(machine.kernel, &fault), 0);
}
END_TEST

START_TEST(rules_that_nft_does_not_take_are_told)
{
	bool repaired = true;
	kernel_use_filter(machine.kernel,
	                  "table inet kube-ipvs {\n\tchain prerouting {\n\t\tnonsense here\n\t}\n}\n");
	ck_assert_int_lt(kernel_ensure_filter(machine.kernel, &repaired, &fault), 0);
	ck_assert(!repaired);
	ck_assert_str_eq(fault.sentence, "packet filter: our table cannot be put in place: "
	                                 "No symbol type information");
	auto_free char *ruleset = output_of("nft list ruleset");
	ck_assert_str_eq(ruleset, "");
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

int main(void)
{
	int status;
	if (skip_without_network_namespace("apply: filter", &status))
		return status;
	Suite *suite = suite_create("apply: filter");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 180);
	tcase_add_checked_fixture(all, prepare, clean);
	tcase_add_test(all, rules_that_are_put_twice_are_the_same);
	tcase_add_test(all, putting_the_rules_again_keeps_the_elements);
	tcase_add_loop_test(all, tampering_with_the_rules_is_noticed_and_mended, 0, ROWS(tampering_rows));
	tcase_add_test(all, a_flushed_ruleset_is_noticed_and_mended);
	tcase_add_test(all, what_another_version_left_is_taken_over);
	tcase_add_test(all, elements_are_read_as_they_were_written);
	tcase_add_loop_test(all, tampering_with_elements_is_mended_by_the_next_whole_pass, 0,
	                    ROWS(element_tampering));
	tcase_add_test(all, an_oddity_that_cannot_be_removed_is_gone_with_the_table);
	tcase_add_test(all, a_refused_transaction_changes_nothing_and_ends_the_pass);
	tcase_add_test(all, thousands_of_elements_go_in_parts);
	tcase_add_test(all, of_a_run_in_parts_each_part_is_whole);
	tcase_add_test(all, without_a_filter_in_use_its_changes_are_passed_over);
	tcase_add_test(all, our_table_is_removed_and_no_other);
	tcase_add_test(all, from_every_state_every_other_is_reached);
	tcase_add_test(all, an_interrupted_dump_is_taken_again);
	tcase_add_loop_test(all, what_cannot_be_read_whole_is_not_read, 0, ROWS(spoiling_rows));
	tcase_add_loop_test(all, rules_that_cannot_be_looked_at_are_a_failure, 0, ROWS(spoiling_rows));
	tcase_add_test(all, without_permission_the_reason_is_told);
	tcase_add_test(all, a_kernel_without_nf_tables_is_told_and_has_nothing_to_remove);
	tcase_add_test(all, rules_that_nft_does_not_take_are_told);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
