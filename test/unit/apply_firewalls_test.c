/*
 * Firewalls of others, as nf_tables of a network namespace of our own has them.
 */
#include "apply/firewalls.h"
#include "support.h"

#include "base/text.h"

#include <stdio.h>

static void load(const char *rules)
{
	FILE *nft = popen("nft -f -", "w");
	ck_assert_ptr_nonnull(nft);
	ck_assert_int_ge(fputs(rules, nft), 0);
	ck_assert_int_eq(pclose(nft), 0);
}

static void check_found(const char *wanted)
{
	struct arena arena = {0};
	struct dropping_chain *chains = NULL;
	size_t count = 0;
	auto_text text = {0};
	ck_assert_int_eq(firewalls_find(NULL, &arena, &chains, &count), 0);
	for (size_t i = 0; i < count; i++)
		text_addf(&text, "%s %s %s %s\n", chains[i].hook == DROPS_INPUT ? "input" : "forward",
		          chains[i].family, chains[i].table, chains[i].name);
	ck_assert_str_eq(text_string(&text), wanted);
	arena_done(&arena);
}

START_TEST(without_a_firewall_there_is_none)
{
	check_found("");
}
END_TEST

START_TEST(chains_that_drop_by_policy_are_found)
{
	load("table ip filter {\n"
	     " chain INPUT { type filter hook input priority 0; policy drop; }\n"
	     " chain FORWARD { type filter hook forward priority 0; policy drop; }\n"
	     "}\n"
	     "table ip6 v6 { chain f { type filter hook forward priority 5; policy drop; }; }\n"
	     "table inet strict { chain in { type filter hook input priority -5; policy drop; }; }\n");
	check_found("input ip filter INPUT\n"
	            "forward ip filter FORWARD\n"
	            "forward ip6 v6 f\n"
	            "input inet strict in\n");
}
END_TEST

START_TEST(chains_that_accept_or_stand_elsewhere_are_not)
{
	load("table ip filter {\n"
	     " chain INPUT { type filter hook input priority 0; policy accept; }\n"
	     " chain OUTPUT { type filter hook output priority 0; policy drop; }\n"
	     " chain jumped-to { drop; }\n"
	     "}\n"
	     "table inet raw { chain p { type filter hook prerouting priority -300; policy drop; }; }\n"
	     "table bridge b { chain f { type filter hook forward priority 0; policy drop; }; }\n");
	check_found("");
}
END_TEST

int main(void)
{
	int status;
	if (skip_without_network_namespace("apply: firewalls", &status))
		return status;
	Suite *suite = suite_create("apply: firewalls");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, enter_network_namespace, NULL);
	tcase_add_test(all, without_a_firewall_there_is_none);
	tcase_add_test(all, chains_that_drop_by_policy_are_found);
	tcase_add_test(all, chains_that_accept_or_stand_elsewhere_are_not);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
