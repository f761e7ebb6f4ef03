/* Group G of the conformance list, as far as it is planned: affinity, schedulers, flags and their annotations. */
#include "plan_scenario.h"
#include "support.h"

#include <string.h>

#define TCP_ONLY "cluster-ip 10.0.0.1\nport a TCP 80\n"
#define WITH_UDP TCP_ONLY "port b UDP 53\n"

/* C37 */
START_TEST(affinity_makes_every_virtual_server_persistent)
{
	ck_assert_plan("type NodePort\ncluster-ip 10.0.0.1 fd00::1\nport a TCP 80 3001\nexternal-ip 1.2.3.4\n"
	               "address eth0 192.0.2.10 2001:db8::10\naffinity 10800\n",
	               SHOW_SERVERS,
	               "TCP 1.2.3.4:80 rr flags 0x1 timeout 10800 netmask 32 ->\n"
	               "TCP 10.0.0.1:80 rr flags 0x1 timeout 10800 netmask 32 ->\n"
	               "TCP 192.0.2.10:3001 rr flags 0x1 timeout 10800 netmask 32 ->\n"
	               "TCP [2001:db8::10]:3001 rr flags 0x1 timeout 10800 netmask 128 ->\n"
	               "TCP [fd00::1]:80 rr flags 0x1 timeout 10800 netmask 128 ->\n");
}
END_TEST

/* R4.4 */
START_TEST(without_affinity_the_netmask_is_the_whole_address)
{
	struct scenario scenario;
	scenario_plan(&scenario, (const char *const[]){"cluster-ip 10.0.0.1 fd00::1\nport a TCP 80\n", NULL});
	ck_assert_uint_eq(scenario.fragment.state.virtual_server_count, 2);
	const struct virtual_server *servers = scenario.fragment.state.virtual_servers;
	ck_assert_uint_eq(servers[0].netmask_bits, 32);
	ck_assert_uint_eq(servers[1].netmask_bits, 128);
	scenario_done(&scenario);
}
END_TEST

/* C40, R4.3 */
START_TEST(mh_hashes_the_source_port)
{
	ck_assert_plan(WITH_UDP "external-ip 1.2.3.4\noption-scheduler mh\n", SHOW_SERVERS,
	               "TCP 1.2.3.4:80 mh flags 0x10 ->\nUDP 1.2.3.4:53 mh flags 0x10 ->\n"
	               "TCP 10.0.0.1:80 mh flags 0x10 ->\nUDP 10.0.0.1:53 mh flags 0x10 ->\n");
	ck_assert_plan(TCP_ONLY "option-scheduler mh\naffinity 60\n", SHOW_SERVERS,
	               "TCP 10.0.0.1:80 mh flags 0x11 timeout 60 netmask 32 ->\n");
	ck_assert_plan(TCP_ONLY "option-scheduler sh\n", SHOW_SERVERS, "TCP 10.0.0.1:80 sh ->\n");
}
END_TEST

START_TEST(an_annotation_chooses_another_scheduler)
{
	static const struct {
		const char *given;
		const char *wanted;
	} cases[] = {
	        {"scheduler lc\n", "TCP 10.0.0.1:80 lc ->\n"},
	        {"scheduler mh\n", "TCP 10.0.0.1:80 mh flags 0x10 ->\n"},
	        {"scheduler rr\noption-scheduler mh\n", "TCP 10.0.0.1:80 rr ->\n"},
	        {"scheduler fastest\n", "TCP 10.0.0.1:80 rr ->\n"
	                                "default/web: annotation kube-ipvs.io/scheduler asks for "
	                                "\"fastest\", which this kernel does "
	                                "not have; \"rr\" is used instead\n"},
	        {"scheduler RR\noption-scheduler mh\n",
	         "TCP 10.0.0.1:80 mh flags 0x10 ->\n"
	         "default/web: annotation kube-ipvs.io/scheduler asks for \"RR\", which this kernel does "
	         "not have; \"mh\" is used instead\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with(TCP_ONLY, cases[i].given, SHOW_SERVERS | SHOW_WARNINGS, cases[i].wanted);
}
END_TEST

START_TEST(an_annotation_may_only_choose_what_this_kernel_has)
{
	static const char *const few[] = {"rr", "wrr", NULL};
	ck_assert(scheduler_in_list(few, "wrr"));
	ck_assert(!scheduler_in_list(few, "mh"));
	ck_assert(!scheduler_in_list(few, ""));
	for (const char *const *name = known_schedulers; *name; name++)
		ck_assert_uint_lt(strlen(*name), SCHEDULER_NAME_SIZE);

	struct scenario scenario;
	struct fragment fragment;
	auto_text got = {0};
	scenario_plan(&scenario, (const char *const[]){TCP_ONLY "scheduler mh\n", NULL});
	scenario.options.schedulers = few;
	plan_service(&scenario.service, NULL, 0, &scenario.node, &scenario.options, &scenario.arena,
	             &fragment);
	fragment_print(&fragment, SHOW_SERVERS | SHOW_WARNINGS, &got);
	ck_assert_texts(
	        "mh on a kernel without it",
	        "TCP 10.0.0.1:80 rr ->\n"
	        "default/web: annotation kube-ipvs.io/scheduler asks for \"mh\", which this kernel does "
	        "not have; \"rr\" is used instead\n",
	        text_string(&got));
	scenario_done(&scenario);
}
END_TEST

#define WRONG_FLAGS(which, scheduler, right)                                                          \
	"default/web: annotation kube-ipvs.io/scheduler-flags asks for " which ", which \"" scheduler \
	"\" does not have and which is ignored; right would be: " right "\n"

START_TEST(an_annotation_names_exactly_the_flags)
{
	static const struct {
		const char *given;
		const char *wanted;
	} cases[] = {
	        {"scheduler sh\nflags sh-port\n", "TCP 10.0.0.1:80 sh flags 0x10 ->\n"},
	        {"scheduler sh\nflags  sh-fallback ,\tsh-port  \n", "TCP 10.0.0.1:80 sh flags 0x18 ->\n"},
	        {"scheduler mh\nflags mh-fallback\n", "TCP 10.0.0.1:80 mh flags 0x8 ->\n"},
	        {"scheduler mh\nflags mh-port,mh-fallback\n", "TCP 10.0.0.1:80 mh flags 0x18 ->\n"},
	        {"option-scheduler mh\nflags mh-fallback\n", "TCP 10.0.0.1:80 mh flags 0x8 ->\n"},
	        /* Empty: none, not even mh's own. */
	        {"scheduler mh\nflags\n", "TCP 10.0.0.1:80 mh ->\n"},
	        {"scheduler mh\nflags  , ,\n", "TCP 10.0.0.1:80 mh ->\n"},
	        {"flags\n", "TCP 10.0.0.1:80 rr ->\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with(TCP_ONLY, cases[i].given, SHOW_SERVERS | SHOW_WARNINGS, cases[i].wanted);
}
END_TEST

START_TEST(flags_that_do_not_fit_are_ignored_with_one_warning)
{
	static const struct {
		const char *given;
		const char *wanted;
	} cases[] = {
	        {"flags mh-port\n", "TCP 10.0.0.1:80 rr ->\n" WRONG_FLAGS("\"mh-port\"", "rr", "ops")},
	        {"scheduler mh\nflags sh-port, mh-fallback, quick\n",
	         "TCP 10.0.0.1:80 mh flags 0x8 ->\n" WRONG_FLAGS("\"sh-port\", \"quick\"", "mh",
	                                                         "mh-port, mh-fallback, ops")},
	        {"scheduler sh\nflags sh-por\n",
	         "TCP 10.0.0.1:80 sh ->\n" WRONG_FLAGS("\"sh-por\"", "sh", "sh-port, sh-fallback, ops")},
	        {"scheduler sh\nflags sh-port sh-fallback\n",
	         "TCP 10.0.0.1:80 sh ->\n" WRONG_FLAGS("\"sh-port sh-fallback\"", "sh",
	                                               "sh-port, sh-fallback, ops")},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with(TCP_ONLY, cases[i].given, SHOW_SERVERS | SHOW_WARNINGS, cases[i].wanted);
}
END_TEST

START_TEST(one_packet_scheduling_is_for_udp_ports)
{
	ck_assert_plan(WITH_UDP "flags ops\n", SHOW_SERVERS | SHOW_WARNINGS,
	               "TCP 10.0.0.1:80 rr ->\nUDP 10.0.0.1:53 rr flags 0x4 ->\n");
	ck_assert_plan(WITH_UDP "scheduler sh\nflags ops,sh-port\n", SHOW_SERVERS | SHOW_WARNINGS,
	               "TCP 10.0.0.1:80 sh flags 0x10 ->\nUDP 10.0.0.1:53 sh flags 0x14 ->\n");
	ck_assert_plan(
	        TCP_ONLY "flags ops\n", SHOW_SERVERS | SHOW_WARNINGS,
	        "TCP 10.0.0.1:80 rr ->\n"
	        "default/web: annotation kube-ipvs.io/scheduler-flags asks for \"ops\", which works for "
	        "UDP ports only, and there is none; it is ignored\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/service scheduling");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, affinity_makes_every_virtual_server_persistent);
	tcase_add_test(tests, without_affinity_the_netmask_is_the_whole_address);
	tcase_add_test(tests, mh_hashes_the_source_port);
	tcase_add_test(tests, an_annotation_chooses_another_scheduler);
	tcase_add_test(tests, an_annotation_may_only_choose_what_this_kernel_has);
	tcase_add_test(tests, an_annotation_names_exactly_the_flags);
	tcase_add_test(tests, flags_that_do_not_fit_are_ignored_with_one_warning);
	tcase_add_test(tests, one_packet_scheduling_is_for_udp_ports);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
