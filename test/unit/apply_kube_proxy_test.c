/*
 * What kube-proxy left, as recorded from a Kubernetes v1.36 node, in this machine's own nf_tables beside what others have
 * there. Legacy tables, and a kernel that surely has ipsets, are in test/vm/takeover.test.
 */
#include "apply/kube_proxy.h"
#include "apply_filter_kernel.h"
#include "kube_proxy_chains.h"
#include "support.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORDED TEST_DATA "/data/kube-proxy"

static struct arena arena;
static struct kube_proxy_report report;

static void prepare(void)
{
	enter_network_namespace();
}

static void clean(void)
{
	vector_done(&report.items);
	report = (struct kube_proxy_report){0};
	arena_done(&arena);
}

static void shell(const char *command)
{
	free(output_of(command));
}

/* ---- the names, against the recording */

static void names_must_be(const char *command, const struct text *names)
{
	auto_free char *wanted = output_of(command);
	ck_assert_texts(command, wanted, text_string(names));
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_sorted(char **lines, size_t count, struct text *text)
{
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < count; i++)
		text_addf(text, "%s\n", lines[i]);
}

START_TEST(the_sets_are_those_that_were_recorded)
{
	char set[OWN_SET_NAME_SIZE];
	char *lines[OWN_SETS];
	size_t count = 0;
	auto_text text = {0};
	for (; own_set_name(count, set); count++)
		lines[count] = arena_copy_text(&arena, set);
	ck_assert_uint_eq(count, OWN_SETS);
	add_sorted(lines, count, &text);
	names_must_be("sed -n 's/^create \\([^ ]*\\) .*/\\1/p' " RECORDED "/ipset-save | LC_ALL=C sort",
	              &text);
}
END_TEST

START_TEST(the_chains_are_those_that_were_recorded)
{
	static const char *const files[] = {"iptables-save", "ip6tables-save"};
	for (size_t f = 0; f < 2; f++) {
		char *lines[OWN_TABLES * OWN_CHAINS_MOST];
		size_t count = 0;
		auto_text text = {0};
		for (int t = 0; t < OWN_TABLES; t++)
			for (int c = 0; c < OWN_CHAINS_MOST && own_tables[t].chains[c]; c++)
				if (strcmp(own_tables[t].chains[c], "KUBE-PROXY-CANARY") != 0)
					lines[count++] = arena_format(&arena, "%s %s", own_tables[t].name,
					                              own_tables[t].chains[c]);
		add_sorted(lines, count, &text);
		names_must_be(arena_format(&arena,
		                           "awk '/^[*]/ { table = substr($1, 2) } /^:KUBE/ { print table, "
		                           "substr($1, 2) }' %s/%s | LC_ALL=C sort",
		                           RECORDED, files[f]),
		              &text);
	}
}
END_TEST

/* ---- loading */

/*
 * What others have: policies, counters, comments; kubelet's chains; chains that are called nearly like kube-proxy's, or
 * like them in another table.
 */
#define FOREIGN_RULES                                                                                      \
	"*mangle\n:PREROUTING ACCEPT [7:700]\n:KUBE-IPTABLES-HINT - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]\n" \
	":KUBE-SERVICES - [0:0]\n[1:60] -A PREROUTING -j KUBE-SERVICES\n"                                  \
	"[2:99] -A KUBE-SERVICES -p udp -m comment --comment \"not of kube-proxy\" -j RETURN\nCOMMIT\n"    \
	"*filter\n:INPUT ACCEPT [11:1100]\n:FORWARD DROP [3:180]\n:OUTPUT ACCEPT [0:0]\n"                  \
	":KUBE-FIREWALL - [0:0]\n:KUBE-FORWARDER - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]\n:MINE - [0:0]\n"   \
	"[5:300] -A INPUT -m comment --comment \"kubernetes ipvs access filter\" -j MINE\n"                \
	"[6:360] -A INPUT -j KUBE-FIREWALL\n"                                                              \
	"[8:480] -A FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARDER\n"      \
	"[9:540] -A KUBE-FORWARDER -m mark --mark 0x4000/0x4000 -j ACCEPT\n"                               \
	"[1:40] -A MINE -p tcp -m tcp --dport 22 -m comment --comment \"a # and a \\\" here\" -j ACCEPT\n" \
	"COMMIT\n"                                                                                         \
	"*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [4:240]\n:KUBE-MARK-DROP - [0:0]\n"           \
	":KUBE-KUBELET-CANARY - [0:0]\n:KUBE-FORWARD - [0:0]\n"                                            \
	"[2:120] -A POSTROUTING -p tcp -j MASQUERADE --to-ports 1024-2048\n"                               \
	"[3:180] -A KUBE-FORWARD -j MARK --set-xmark 0x8000/0x8000\nCOMMIT\n"

/* What the machine holds, as the two programs print it, less the times. */
static char *held(void)
{
	return output_of("{ iptables-save -c && ip6tables-save -c; } | grep -v '^#'");
}

static void load(const char *program, const char *options, const char *rules)
{
	auto_free char *command = NULL;
	ck_assert_int_ge(asprintf(&command, "%s %s", program, options), 0);
	FILE *pipe = popen(command, "w");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_int_ge(fputs(rules, pipe), 0);
	ck_assert_int_eq(pclose(pipe), 0);
}

static void load_foreign(void)
{
	load("iptables-restore", "-c", FOREIGN_RULES);
	load("ip6tables-restore", "-c", FOREIGN_RULES);
}

static bool has_sets(void)
{
	return system("ipset list -n >/dev/null 2>&1") == 0;
}

/*
 * The recorded rules beside what is there, with kube-proxy's jumps before those of others, as it puts them. A match of
 * IPVS, and those of sets where this kernel has none, stand as comments.
 */
static void load_kube_proxy(void)
{
	static const char *const programs[] = {"iptables", "ip6tables"};
	const char *without =
	        has_sets() ? "" : "s/-m set --match-set ([^ ]+) [^ ]+/-m comment --comment \\1/; ";
	if (has_sets())
		shell("ipset restore <" RECORDED "/ipset-save");
	for (size_t i = 0; i < 2; i++)
		shell(arena_format(
		        &arena,
		        "sed -E '%ss/-m ipvs --vproto .* --vport/-m comment --comment/; "
		        "/^:(INPUT|FORWARD|OUTPUT|P)/d; s/^-A ((INPUT|FORWARD|OUTPUT|P[A-Z]*) )/-I "
		        "\\1/' " RECORDED "/%s-save | %s-restore --noflush",
		        without, programs[i], programs[i]));
}

static void report_must_be(const char *what, const char *wanted, enum kube_proxy_fate fate)
{
	auto_text text = {0};
	vector_for_each (&report.items, item)
		if (item->fate == fate)
			text_addf(&text, "%s: %s\n", item->what, item->why);
	ck_assert_texts(what, wanted, text_string(&text));
}

static void remove_rules(size_t removed, size_t left)
{
	kube_proxy_remove_rules(NULL, &arena, &report);
	report_must_be("what failed", "", KUBE_PROXY_FAILED);
	ck_assert_uint_eq(report.counts[KUBE_PROXY_LEFT], left);
	ck_assert_uint_eq(report.counts[KUBE_PROXY_REMOVED], removed);
}

static void traces_must_be(size_t jumps, size_t chains, size_t tables)
{
	struct kube_proxy_traces traces;
	ck_assert_int_eq(kube_proxy_look(NULL, &traces), 0);
	ck_assert_uint_eq(traces.jumps, jumps);
	ck_assert_uint_eq(traces.chains, chains);
	ck_assert_uint_eq(traces.tables, tables);
}

/* ---- the kernel */

START_TEST(all_that_is_kube_proxys_goes_and_all_else_stays)
{
	load_foreign();
	auto_free char *before = held();
	load_kube_proxy();
	traces_must_be(18, 22, 0);
	remove_rules(40, 0);
	auto_free char *after = held();
	ck_assert_texts("what others have", before, after);
	traces_must_be(0, 0, 0);
}
END_TEST

START_TEST(each_thing_that_went_is_named)
{
	shell("iptables -t nat -N KUBE-SERVICES && iptables -t nat -A OUTPUT -m comment --comment "
	      "'kubernetes service portals' -j KUBE-SERVICES && ip6tables -t mangle -N KUBE-PROXY-CANARY && "
	      "nft add table ip6 kube-proxy");
	remove_rules(4, 0);
	report_must_be("the report",
	               "jump from OUTPUT to KUBE-SERVICES of the table ip nat: (null)\n"
	               "chain KUBE-SERVICES of the table ip nat: (null)\n"
	               "chain KUBE-PROXY-CANARY of the table ip6 mangle: (null)\n"
	               "table ip6 kube-proxy: (null)\n",
	               KUBE_PROXY_REMOVED);
}
END_TEST

START_TEST(where_nothing_is_nothing_happens)
{
	auto_free char *before = output_of("nft list ruleset");
	traces_must_be(0, 0, 0);
	remove_rules(0, 0);
	auto_free char *after = output_of("nft list ruleset");
	ck_assert_texts("the ruleset", before, after);
	load_foreign();
	auto_free char *foreign = held();
	traces_must_be(0, 0, 0);
	remove_rules(0, 0);
	auto_free char *still = held();
	ck_assert_texts("what others have", foreign, still);
}
END_TEST

START_TEST(a_chain_that_others_lead_to_stays_with_what_it_needs)
{
	static const char others[] =
	        "iptables -t nat -N CNI-SETMARK && iptables -t nat -A CNI-SETMARK -j KUBE-MARK-MASQ && "
	        "iptables -A INPUT -s 203.0.113.0/24 -g KUBE-PROXY-FIREWALL";
	load_kube_proxy();
	shell(others);
	remove_rules(37, 3);
	report_must_be("what stays",
	               "chain KUBE-MARK-MASQ of the table ip nat: a rule of the chain CNI-SETMARK leads to "
	               "it\n"
	               "chain KUBE-PROXY-FIREWALL of the table ip filter: a rule of the chain INPUT leads to "
	               "it\n"
	               "chain KUBE-SOURCE-RANGES-FIREWALL of the table ip filter: a rule of the chain "
	               "KUBE-PROXY-FIREWALL leads to it\n",
	               KUBE_PROXY_LEFT);
	traces_must_be(0, 3, 0);
	auto_free char *rules =
	        output_of("iptables-save | sed -n 's/ -m set --match-set [^ ]* [^ ]*//; "
	                  "s/ -m comment --comment [^ \"]*$//; s/ -m comment --comment KUBE[^ "
	                  "]*//; s/ -m comment --comment \"[^\"]*\"//; /^-A/p'");
	ck_assert_texts("their rules",
	                "-A INPUT -s 203.0.113.0/24 -g KUBE-PROXY-FIREWALL\n"
	                "-A KUBE-PROXY-FIREWALL -j KUBE-SOURCE-RANGES-FIREWALL\n"
	                "-A KUBE-SOURCE-RANGES-FIREWALL -j RETURN\n"
	                "-A KUBE-SOURCE-RANGES-FIREWALL -j DROP\n"
	                "-A CNI-SETMARK -j KUBE-MARK-MASQ\n"
	                "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n",
	                rules);
	clean();
	shell("iptables -t nat -F CNI-SETMARK && iptables -F INPUT");
	remove_rules(3, 0);
}
END_TEST

/* Each is another person's rule, for one reason. */
START_TEST(a_jump_that_is_not_quite_kube_proxys_is_not_its)
{
	static const char *const rules[] = {
	        "iptables -t nat -A OUTPUT -j KUBE-SERVICES",
	        "iptables -t nat -A OUTPUT -m comment --comment 'kubernetes service portal' -j KUBE-SERVICES",
	        "iptables -t nat -A OUTPUT -p tcp -m comment --comment 'kubernetes service portals' -j "
	        "KUBE-SERVICES",
	        "iptables -t nat -A OUTPUT -m comment --comment 'kubernetes service portals' -g "
	        "KUBE-SERVICES",
	        "iptables -t nat -A POSTROUTING -m comment --comment 'kubernetes service portals' -j "
	        "KUBE-SERVICES",
	        "iptables -t nat -A OUTPUT -m comment --comment 'kubernetes service portals' -m mark --mark "
	        "1 -j KUBE-SERVICES",
	};
	shell("iptables -t nat -N KUBE-SERVICES");
	shell(rules[_i]);
	auto_free char *before = held();
	traces_must_be(0, 1, 0);
	remove_rules(0, 1);
	auto_free char *after = held();
	ck_assert_texts("the rules", before, after);
}
END_TEST

START_TEST(only_the_two_tables_of_its_mode_nftables_go)
{
	shell("nft add table ip kube-proxy && nft add chain ip kube-proxy services && nft add table ip6 "
	      "kube-proxy && nft add table inet kube-proxy && nft add table ip kube-proxy-2 && nft add table "
	      "inet kube-ipvs");
	traces_must_be(0, 0, 2);
	remove_rules(2, 0);
	auto_free char *tables = output_of("nft list tables");
	ck_assert_texts("the tables", "table inet kube-proxy\ntable ip kube-proxy-2\ntable inet kube-ipvs\n",
	                tables);
}
END_TEST

/* ---- sets */

static bool skip_without_sets(void)
{
	if (!has_sets())
		puts("SKIPPED: this kernel has no ipsets");
	return !has_sets();
}

static void remove_sets(size_t busy)
{
	size_t still = busy + 1;
	for (int i = 0; i < KUBE_PROXY_SET_TRIES && still > busy; i++) {
		still = kube_proxy_remove_sets(NULL, false, &arena, &report);
		if (still > busy)
			usleep(KUBE_PROXY_SET_PAUSE_MS * 1000);
	}
	ck_assert_uint_eq(still, busy);
}

START_TEST(its_sets_go_once_its_rules_are_gone)
{
	if (skip_without_sets())
		return;
	shell("ipset create KUBE-MINE hash:ip && ipset create KUBE-6-CLUSTER-IP-MINE hash:ip && ipset add "
	      "KUBE-MINE 192.0.2.1");
	auto_free char *before = output_of("ipset save");
	load_kube_proxy();
	ck_assert_uint_gt(kube_proxy_remove_sets(NULL, false, &arena, &report), 10);
	remove_rules(40 + report.counts[KUBE_PROXY_REMOVED], 0);
	remove_sets(0);
	report_must_be("what failed", "", KUBE_PROXY_FAILED);
	ck_assert_uint_eq(report.counts[KUBE_PROXY_REMOVED], 40 + OWN_SETS);
	auto_free char *after = output_of("ipset save");
	ck_assert_texts("the sets of others", before, after);
	clean();
	remove_sets(0);
	ck_assert_uint_eq(report.items.count, 0);
}
END_TEST

START_TEST(a_set_that_another_rule_uses_stays)
{
	if (skip_without_sets())
		return;
	load_kube_proxy();
	shell("iptables -A FORWARD -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT");
	kube_proxy_remove_rules(NULL, &arena, &report);
	remove_sets(1);
	ck_assert_uint_eq(kube_proxy_remove_sets(NULL, true, &arena, &report), 0);
	report_must_be("what stays", "ipset KUBE-CLUSTER-IP: a rule that stays uses it\n", KUBE_PROXY_LEFT);
	ck_assert_uint_eq(report.counts[KUBE_PROXY_FAILED], 0);
}
END_TEST

START_TEST(the_external_addresses_are_read_from_its_sets)
{
	struct virtual_server_key *keys = NULL;
	size_t count = 0;
	char *lines[8];
	auto_text text = {0};
	if (skip_without_sets())
		return;
	ck_assert_int_eq(kube_proxy_read_external(NULL, &arena, &keys, &count), 0);
	ck_assert_uint_eq(count, 0);
	load_kube_proxy();
	shell("ipset add KUBE-6-EXTERNAL-IP-LOCAL 2001:db8::7,udp:53");
	ck_assert_int_eq(kube_proxy_read_external(NULL, &arena, &keys, &count), 0);
	ck_assert_uint_eq(count, 7);
	for (size_t i = 0; i < count; i++) {
		char key[VIRTUAL_SERVER_TEXT_SIZE];
		lines[i] = arena_copy_text(&arena, virtual_server_key_format(&keys[i], key));
	}
	add_sorted(lines, count, &text);
	ck_assert_texts("the external addresses",
	                "TCP 146.148.47.155:8080\nTCP 146.148.47.158:443\nTCP 146.148.47.159:80\n"
	                "TCP 146.148.47.199:80\nTCP 192.0.2.10:80\nTCP 80.11.12.10:80\n"
	                "UDP [2001:db8::7]:53\n",
	                text_string(&text));
}
END_TEST

static int refuse_commands(void *context, void **session, const char *commands, struct text *ret_words)
{
	(void)context, (void)session;
	if (strstr(commands, "delete table"))
		return -EPERM;
	text_add(ret_words, "Device or resource busy");
	return -EBUSY;
}

START_TEST(what_the_kernel_refuses_is_named_with_its_reason)
{
	struct kernel_transport transport = kernel_transport_real;
	transport.filter_run = refuse_commands;
	shell("iptables -N KUBE-FORWARD && nft add table ip kube-proxy");
	kube_proxy_remove_rules(&transport, &arena, &report);
	report_must_be("what failed",
	               "chain KUBE-FORWARD of the table ip filter: Device or resource busy\n"
	               "table ip kube-proxy: no permission; run as root (in a container: privileged)\n",
	               KUBE_PROXY_FAILED);
	ck_assert_uint_eq(report.counts[KUBE_PROXY_FAILED], 2);
	ck_assert_uint_eq(report.counts[KUBE_PROXY_REMOVED], 0);
	traces_must_be(0, 1, 1);
}
END_TEST

static int open_nothing(void *context, int protocol, void **ret_socket)
{
	(void)context, (void)protocol, (void)ret_socket;
	return -EMFILE;
}

START_TEST(what_cannot_be_read_is_a_failure)
{
	struct kernel_transport transport = kernel_transport_real;
	struct kube_proxy_traces traces;
	transport.open = open_nothing;
	ck_assert_int_eq(kube_proxy_look(&transport, &traces), -EMFILE);
	kube_proxy_remove_rules(&transport, &arena, &report);
	report_must_be("what failed", "iptables' chains in nf_tables: Too many open files\n",
	               KUBE_PROXY_FAILED);
}
END_TEST

int main(void)
{
	int status;
	if (skip_without_network_namespace("apply: what kube-proxy left", &status))
		return status;
	Suite *suite = suite_create("apply: what kube-proxy left");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, prepare, clean);
	tcase_add_test(all, the_sets_are_those_that_were_recorded);
	tcase_add_test(all, the_chains_are_those_that_were_recorded);
	tcase_add_test(all, all_that_is_kube_proxys_goes_and_all_else_stays);
	tcase_add_test(all, each_thing_that_went_is_named);
	tcase_add_test(all, where_nothing_is_nothing_happens);
	tcase_add_test(all, a_chain_that_others_lead_to_stays_with_what_it_needs);
	tcase_add_loop_test(all, a_jump_that_is_not_quite_kube_proxys_is_not_its, 0, 6);
	tcase_add_test(all, only_the_two_tables_of_its_mode_nftables_go);
	tcase_add_test(all, its_sets_go_once_its_rules_are_gone);
	tcase_add_test(all, a_set_that_another_rule_uses_stays);
	tcase_add_test(all, the_external_addresses_are_read_from_its_sets);
	tcase_add_test(all, what_the_kernel_refuses_is_named_with_its_reason);
	tcase_add_test(all, what_cannot_be_read_is_a_failure);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
