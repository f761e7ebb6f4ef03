/* Two claims of one Service for the same address, protocol and port. */
#include "plan_scenario.h"
#include "support.h"

#define ENDPOINTS                                                                       \
	"slice IPv4\nslice-port a TCP 80\nendpoint 10.1.1.1 local\nendpoint 10.1.1.2\n" \
	"slice IPv4\nslice-port b TCP 80\nendpoint 10.1.1.3\n"
#define SHOWN (SHOW_SERVERS | SHOW_HELD | SHOW_FILTER | SHOW_WARNINGS)

START_TEST(an_address_named_twice_is_served_once_and_silently)
{
	static const char wanted[] = "TCP 1.2.3.4:80 rr -> 10.1.1.1:80 10.1.1.2:80\n"
	                             "TCP 10.0.0.1:80 rr -> 10.1.1.1:80 10.1.1.2:80\n"
	                             "held 1.2.3.4\nheld 10.0.0.1\n"
	                             "port TCP 1.2.3.4:80 masquerade\n"
	                             "port TCP 10.0.0.1:80 masquerade-outsiders\n"
	                             "hairpin 10.1.1.1\n";
	static const char *const cases[] = {
	        "external-ip 1.2.3.4 1.2.3.4\n",
	        "ingress 1.2.3.4 1.2.3.4\n",
	        "external-ip 1.2.3.4\ningress 1.2.3.4\n",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with("type LoadBalancer\ncluster-ip 10.0.0.1\nport a TCP 80\n" ENDPOINTS,
		                    cases[i], SHOWN, wanted);
}
END_TEST

START_TEST(an_external_ip_goes_before_a_restricted_load_balancer_ip_with_a_warning)
{
	ck_assert_plan(
	        "type LoadBalancer\ncluster-ip 10.0.0.1\nport a TCP 80\nexternal-ip 1.2.3.4\n"
	        "ingress 1.2.3.4\nrange 192.0.2.0/24\n" ENDPOINTS,
	        SHOWN,
	        "TCP 1.2.3.4:80 rr -> 10.1.1.1:80 10.1.1.2:80\n"
	        "TCP 10.0.0.1:80 rr -> 10.1.1.1:80 10.1.1.2:80\n"
	        "held 1.2.3.4\nheld 10.0.0.1\n"
	        "port TCP 1.2.3.4:80 masquerade\n"
	        "port TCP 10.0.0.1:80 masquerade-outsiders\n"
	        "hairpin 10.1.1.1\n"
	        "default/web: TCP 1.2.3.4:80 is asked for twice, as an external IP of default/web:a and "
	        "as a load-balancer IP of default/web:a, and the two differ; the first has it\n");
}
END_TEST

START_TEST(a_cluster_ip_goes_before_an_external_ip)
{
	ck_assert_plan(
	        "cluster-ip 10.0.0.1\nport a TCP 80\nexternal-ip 10.0.0.1\n" ENDPOINTS, SHOWN,
	        "TCP 10.0.0.1:80 rr -> 10.1.1.1:80 10.1.1.2:80\n"
	        "held 10.0.0.1\n"
	        "port TCP 10.0.0.1:80 masquerade-outsiders\n"
	        "hairpin 10.1.1.1\n"
	        "default/web: TCP 10.0.0.1:80 is asked for twice, as a cluster IP of default/web:a and "
	        "as an external IP of default/web:a, and the two differ; the first has it\n");
}
END_TEST

START_TEST(an_external_ip_goes_before_a_node_port_of_another_port)
{
	ck_assert_plan("type NodePort\ncluster-ip 10.0.0.1\nport a TCP 80 3001\nport b TCP 3001\n"
	               "external-ip 192.0.2.10\naddress eth0 192.0.2.10\n" ENDPOINTS,
	               SHOW_SERVERS | SHOW_HELD | SHOW_WARNINGS,
	               "TCP 10.0.0.1:80 rr -> 10.1.1.1:80 10.1.1.2:80\n"
	               "TCP 10.0.0.1:3001 rr -> 10.1.1.3:80\n"
	               "TCP 192.0.2.10:80 rr -> 10.1.1.1:80 10.1.1.2:80\n"
	               "TCP 192.0.2.10:3001 rr -> 10.1.1.3:80\n"
	               "held 10.0.0.1\n"
	               "default/web: TCP 192.0.2.10:3001 is asked for twice, as an external IP of "
	               "default/web:b and as a node port of default/web:a, and the two differ; the first has "
	               "it\n");
}
END_TEST

START_TEST(an_external_ip_and_a_node_port_that_mean_the_same_are_silent)
{
	ck_assert_plan("type NodePort\ncluster-ip 10.0.0.1\nport a TCP 80 80\n"
	               "external-ip 192.0.2.10\naddress eth0 192.0.2.10\n" ENDPOINTS,
	               SHOW_SERVERS | SHOW_HELD | SHOW_WARNINGS,
	               "TCP 10.0.0.1:80 rr -> 10.1.1.1:80 10.1.1.2:80\n"
	               "TCP 192.0.2.10:80 rr -> 10.1.1.1:80 10.1.1.2:80\n"
	               "held 10.0.0.1\n");
}
END_TEST

START_TEST(the_first_of_two_ports_with_one_number_has_it)
{
	ck_assert_plan(
	        "cluster-ip 10.0.0.1\nport b TCP 80\nport a TCP 80\n" ENDPOINTS, SHOW_SERVERS | SHOW_WARNINGS,
	        "TCP 10.0.0.1:80 rr -> 10.1.1.3:80\n"
	        "default/web: TCP 10.0.0.1:80 is asked for twice, as a cluster IP of default/web:b and "
	        "as a cluster IP of default/web:a, and the two differ; the first has it\n");
}
END_TEST

START_TEST(the_same_number_under_two_protocols_is_no_collision)
{
	ck_assert_plan("cluster-ip 10.0.0.1\nport a TCP 53\nport b UDP 53\n" ENDPOINTS,
	               SHOW_SERVERS | SHOW_WARNINGS,
	               "TCP 10.0.0.1:53 rr -> 10.1.1.1:80 10.1.1.2:80\nUDP 10.0.0.1:53 rr ->\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/service collisions");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, an_address_named_twice_is_served_once_and_silently);
	tcase_add_test(tests, an_external_ip_goes_before_a_restricted_load_balancer_ip_with_a_warning);
	tcase_add_test(tests, a_cluster_ip_goes_before_an_external_ip);
	tcase_add_test(tests, an_external_ip_goes_before_a_node_port_of_another_port);
	tcase_add_test(tests, an_external_ip_and_a_node_port_that_mean_the_same_are_silent);
	tcase_add_test(tests, the_first_of_two_ports_with_one_number_has_it);
	tcase_add_test(tests, the_same_number_under_two_protocols_is_no_collision);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
