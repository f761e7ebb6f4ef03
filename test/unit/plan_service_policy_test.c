/*
 * Group K of the conformance list: traffic policies and terminating endpoints. Where kube-proxy falls back to
 * endpoints elsewhere under a Local policy, the Instead of is expected: it never does.
 */
#include "plan_scenario.h"
#include "support.h"

#define PLAIN    "cluster-ip 172.20.1.1\nport - TCP 80\n"
#define EXTERNAL "type NodePort\n" PLAIN "external-ip 1.2.3.4\n"

#define MIXED                                                                                 \
	"slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.1 local\nendpoint 10.0.1.2 local\n" \
	"endpoint 10.0.1.3 local serving-terminating\nendpoint 10.0.1.4 local terminating\n"  \
	"endpoint 10.0.1.5\n"
#define MIXED_HAIRPINS "hairpin 10.0.1.1\nhairpin 10.0.1.2\nhairpin 10.0.1.3\nhairpin 10.0.1.4\n"

#define TERMINATING(fourth, fifth)                                                           \
	"slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.1 local serving-terminating\n"     \
	"endpoint 10.0.1.2 local serving-terminating\nendpoint 10.0.1.3 local terminating\n" \
	"endpoint 10.0.1.4 " fourth "\nendpoint 10.0.1.5 " fifth "\n"
#define TERMINATING_HAIRPINS "hairpin 10.0.1.1\nhairpin 10.0.1.2\nhairpin 10.0.1.3\n"

/* C56 */
START_TEST(policy_cluster_uses_all_ready_endpoints)
{
	ck_assert_plan(EXTERNAL MIXED, SHOW_SERVERS | SHOW_HAIRPINS,
	               "TCP 1.2.3.4:80 rr -> 10.0.1.1:80 10.0.1.2:80 10.0.1.5:80\n"
	               "TCP 172.20.1.1:80 rr -> 10.0.1.1:80 10.0.1.2:80 10.0.1.5:80\n" MIXED_HAIRPINS);
}
END_TEST

/* C57 */
START_TEST(external_policy_local_uses_ready_local_endpoints_outside_only)
{
	ck_assert_plan(EXTERNAL MIXED "external-local\n", SHOW_SERVERS | SHOW_HAIRPINS,
	               "TCP 1.2.3.4:80 rr -> 10.0.1.1:80 10.0.1.2:80\n"
	               "TCP 172.20.1.1:80 rr -> 10.0.1.1:80 10.0.1.2:80 10.0.1.5:80\n" MIXED_HAIRPINS);
}
END_TEST

/* C58 */
START_TEST(without_ready_endpoints_the_serving_ones_that_terminate_are_used)
{
	ck_assert_plan(EXTERNAL TERMINATING("serving-terminating", "unready"), SHOW_SERVERS | SHOW_HAIRPINS,
	               "TCP 1.2.3.4:80 rr -> 10.0.1.1:80 10.0.1.2:80 10.0.1.4:80\n"
	               "TCP 172.20.1.1:80 rr -> 10.0.1.1:80 10.0.1.2:80 10.0.1.4:80\n" TERMINATING_HAIRPINS);
}
END_TEST

/* C59 */
START_TEST(the_local_and_the_cluster_list_fall_back_apart_from_each_other)
{
	ck_assert_plan(EXTERNAL TERMINATING("serving-terminating", "") "external-local\n",
	               SHOW_SERVERS | SHOW_HAIRPINS,
	               "TCP 1.2.3.4:80 rr -> 10.0.1.1:80 10.0.1.2:80\n"
	               "TCP 172.20.1.1:80 rr -> 10.0.1.5:80\n" TERMINATING_HAIRPINS);
}
END_TEST

/* C60 */
START_TEST(without_its_slice_a_service_keeps_its_virtual_servers)
{
	static const char *const policies[] = {"", "external-local\n"};
	for (size_t i = 0; i < 2; i++)
		ck_assert_plan_with(EXTERNAL, policies[i], SHOW_SERVERS | SHOW_HAIRPINS | SHOW_NO_LOCAL,
		                    "TCP 1.2.3.4:80 rr ->\nTCP 172.20.1.1:80 rr ->\n");
}
END_TEST

/* C61 */
START_TEST(internal_policy_local_uses_local_endpoints_only)
{
	static const char one_local[] =
	        PLAIN "slice IPv4\nslice-port - TCP 80\n"
	              "endpoint 10.0.1.1 local\nendpoint 10.0.1.2\nendpoint 10.0.1.3\n";
	ck_assert_plan_with(one_local, "", SHOW_SERVERS | SHOW_HAIRPINS,
	                    "TCP 172.20.1.1:80 rr -> 10.0.1.1:80 10.0.1.2:80 10.0.1.3:80\n"
	                    "hairpin 10.0.1.1\n");
	ck_assert_plan_with(one_local, "internal-local\n", SHOW_SERVERS | SHOW_FILTER,
	                    "TCP 172.20.1.1:80 rr -> 10.0.1.1:80\n"
	                    "port TCP 172.20.1.1:80 masquerade-outsiders\n"
	                    "hairpin 10.0.1.1\n");
}
END_TEST

#define ONE_REMOTE "slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.2\n"

/* C62 */
START_TEST(internal_policy_local_without_local_endpoint_drops)
{
	ck_assert_plan(PLAIN ONE_REMOTE "internal-local\n", SHOW_SERVERS | SHOW_FILTER | SHOW_NO_LOCAL,
	               "TCP 172.20.1.1:80 rr ->\n"
	               "port TCP 172.20.1.1:80 drop\n"
	               "no local endpoint inside IPv4\n");
}
END_TEST

#define ANY_NODE_PORT "type NodePort\ncluster-ip 172.20.1.1\nport - TCP 80 3001\naddress eth0 192.0.2.10\n"

/* The table of R3.10 with the Instead of */
START_TEST(a_local_policy_never_uses_endpoints_elsewhere)
{
	static const struct {
		const char *policies;
		const char *wanted;
	} cases[] = {
	        {"internal-local\n", "TCP 172.20.1.1:80 rr ->\n"
	                             "TCP 192.0.2.10:3001 rr -> 10.0.1.2:80\n"
	                             "port TCP 172.20.1.1:80 drop\n"
	                             "port TCP 192.0.2.10:3001 masquerade\n"
	                             "no local endpoint inside IPv4\n"},
	        {"external-local\n", "TCP 172.20.1.1:80 rr -> 10.0.1.2:80\n"
	                             "TCP 192.0.2.10:3001 rr ->\n"
	                             "port TCP 172.20.1.1:80 masquerade-outsiders\n"
	                             "port TCP 192.0.2.10:3001 drop\n"
	                             "redirect TCP 192.0.2.10:3001 to 172.20.1.1:80\n"
	                             "no local endpoint outside IPv4\n"},
	        {"internal-local\nexternal-local\n", "TCP 172.20.1.1:80 rr ->\n"
	                                             "TCP 192.0.2.10:3001 rr ->\n"
	                                             "port TCP 172.20.1.1:80 drop\n"
	                                             "port TCP 192.0.2.10:3001 drop\n"
	                                             "no local endpoint inside IPv4\n"
	                                             "no local endpoint outside IPv4\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with(ANY_NODE_PORT ONE_REMOTE, cases[i].policies,
		                    SHOW_SERVERS | SHOW_FILTER | SHOW_NO_LOCAL, cases[i].wanted);
}
END_TEST

/* The cluster IP has no more endpoints than the node port then, so nobody is led there. */
START_TEST(with_both_policies_local_clients_inside_are_led_nowhere)
{
	ck_assert_plan(ANY_NODE_PORT "slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.1 local\n"
	                             "endpoint 10.0.1.2\ninternal-local\nexternal-local\n",
	               SHOW_SERVERS | SHOW_FILTER,
	               "TCP 172.20.1.1:80 rr -> 10.0.1.1:80\n"
	               "TCP 192.0.2.10:3001 rr -> 10.0.1.1:80\n"
	               "port TCP 172.20.1.1:80 masquerade-outsiders\n"
	               "port TCP 192.0.2.10:3001 keep-source\n"
	               "hairpin 10.0.1.1\n");
}
END_TEST

/* Its packets to a Service are masqueraded as all of the node's, and those to itself are nobody's business. */
START_TEST(a_local_endpoint_on_the_host_network_needs_no_hairpin)
{
	ck_assert_plan(PLAIN "address eth0 192.0.2.10\nslice IPv4\nslice-port - TCP 80\n"
	                     "endpoint 192.0.2.10 local\nendpoint 10.0.1.1 local\n",
	               SHOW_SERVERS | SHOW_HAIRPINS,
	               "TCP 172.20.1.1:80 rr -> 10.0.1.1:80 192.0.2.10:80\nhairpin 10.0.1.1\n");
}
END_TEST

/* C63 */
START_TEST(services_without_local_endpoints_are_told_of)
{
#define ONE_LOCAL "slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.1 local\n"
	static const struct {
		const char *given;
		const char *wanted;
	} cases[] = {
	        {ONE_LOCAL "internal-local\n", ""},
	        {ONE_LOCAL "external-local\n", ""},
	        {ONE_LOCAL "internal-local\nexternal-local\n", ""},
	        {ONE_REMOTE, ""},
	        {ONE_REMOTE "internal-local\n", "no local endpoint inside IPv4\n"},
	        {ONE_REMOTE "external-local\n", "no local endpoint outside IPv4\n"},
	        {ONE_REMOTE "internal-local\nexternal-local\n",
	         "no local endpoint inside IPv4\nno local endpoint outside IPv4\n"},
	        {"internal-local\nexternal-local\n", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with(ANY_NODE_PORT, cases[i].given, SHOW_NO_LOCAL, cases[i].wanted);
}
END_TEST

START_TEST(each_family_tells_of_its_own_missing_endpoints)
{
	ck_assert_plan("type NodePort\nexternal-local\ncluster-ip 172.20.1.1 fd00::1\nport - TCP 80\n"
	               "external-ip 1.2.3.4 2001:db8::1\n"
	               "slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.1 local\n"
	               "slice IPv6\nslice-port - TCP 80\nendpoint fd01::2\n",
	               SHOW_SERVERS | SHOW_NO_LOCAL,
	               "TCP 1.2.3.4:80 rr -> 10.0.1.1:80\n"
	               "TCP 172.20.1.1:80 rr -> 10.0.1.1:80\n"
	               "TCP [2001:db8::1]:80 rr ->\n"
	               "TCP [fd00::1]:80 rr -> [fd01::2]:80\n"
	               "no local endpoint outside IPv6\n");
}
END_TEST

/* R3.8 */
START_TEST(an_endpoint_that_serves_without_being_ready_or_terminating_is_never_used)
{
	ck_assert_plan(PLAIN "slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.1 local serving\n",
	               SHOW_SERVERS | SHOW_FILTER,
	               "TCP 172.20.1.1:80 rr ->\nport TCP 172.20.1.1:80 reject\nhairpin 10.0.1.1\n");
}
END_TEST

/* R1.19 */
START_TEST(on_a_node_without_name_nothing_is_local)
{
	ck_assert_plan(PLAIN ONE_LOCAL "internal-local\nnode -\n", SHOW_SERVERS | SHOW_FILTER,
	               "TCP 172.20.1.1:80 rr ->\nport TCP 172.20.1.1:80 drop\n");
	ck_assert_plan(PLAIN "slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.1 node=\n"
	                     "internal-local\nnode -\n",
	               SHOW_FILTER, "port TCP 172.20.1.1:80 drop\n");
}
END_TEST

/* R7.4: of service ports only. */
START_TEST(a_local_endpoint_of_no_service_port_gets_no_hairpin)
{
	ck_assert_plan(PLAIN "slice IPv4\nslice-port other TCP 80\nendpoint 10.0.1.1 local\n", SHOW_HAIRPINS,
	               "");
}
END_TEST

START_TEST(a_hairpin_is_made_once_for_all_ports)
{
	ck_assert_plan("cluster-ip 172.20.1.1\nport a TCP 80\nport b TCP 81\n"
	               "slice IPv4\nslice-port a TCP 8080\nslice-port b TCP 8081\nendpoint 10.0.1.1 local\n"
	               "endpoint 10.0.1.2 local unready\n",
	               SHOW_HAIRPINS, "hairpin 10.0.1.1\nhairpin 10.0.1.2\n");
	ck_assert_plan(PLAIN "slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.1 local\n"
	                     "slice IPv4\nslice-port - TCP 81\nendpoint 10.0.1.1 local\n",
	               SHOW_HAIRPINS, "hairpin 10.0.1.1\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/service policies");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, policy_cluster_uses_all_ready_endpoints);
	tcase_add_test(tests, external_policy_local_uses_ready_local_endpoints_outside_only);
	tcase_add_test(tests, without_ready_endpoints_the_serving_ones_that_terminate_are_used);
	tcase_add_test(tests, the_local_and_the_cluster_list_fall_back_apart_from_each_other);
	tcase_add_test(tests, without_its_slice_a_service_keeps_its_virtual_servers);
	tcase_add_test(tests, internal_policy_local_uses_local_endpoints_only);
	tcase_add_test(tests, internal_policy_local_without_local_endpoint_drops);
	tcase_add_test(tests, a_local_policy_never_uses_endpoints_elsewhere);
	tcase_add_test(tests, a_local_endpoint_on_the_host_network_needs_no_hairpin);
	tcase_add_test(tests, with_both_policies_local_clients_inside_are_led_nowhere);
	tcase_add_test(tests, services_without_local_endpoints_are_told_of);
	tcase_add_test(tests, each_family_tells_of_its_own_missing_endpoints);
	tcase_add_test(tests, an_endpoint_that_serves_without_being_ready_or_terminating_is_never_used);
	tcase_add_test(tests, on_a_node_without_name_nothing_is_local);
	tcase_add_test(tests, a_local_endpoint_of_no_service_port_gets_no_hairpin);
	tcase_add_test(tests, a_hairpin_is_made_once_for_all_ports);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
