/* Groups B and M of the conformance list: ClusterIPs, families, and which Services make nothing at all. */
#include "plan_scenario.h"
#include "support.h"

#define WEB_IPV4 "slice IPv4\nslice-port http TCP 80\nendpoint 10.180.0.1\n"
#define WEB_IPV6 "slice IPv6\nslice-port http TCP 80\nendpoint 1009::1\n"

#define REFUSED(what, kind) \
	"default/web: " what " is " kind " address, which no Service can have; it is left out\n"

/* C12, C13 */
START_TEST(a_cluster_ip_gets_the_endpoints_of_its_own_family)
{
	ck_assert_plan("cluster-ip 10.20.30.41\nport http TCP 80\n" WEB_IPV4 WEB_IPV6, SHOW_ALL,
	               "TCP 10.20.30.41:80 rr -> 10.180.0.1:80\n"
	               "held 10.20.30.41\n"
	               "port TCP 10.20.30.41:80 masquerade-outsiders\n");
	ck_assert_plan("cluster-ip 1020:30::41\nport http TCP 80\n" WEB_IPV4 WEB_IPV6, SHOW_ALL,
	               "TCP [1020:30::41]:80 rr -> [1009::1]:80\n"
	               "held 1020:30::41\n"
	               "port TCP [1020:30::41]:80 masquerade-outsiders\n");
}
END_TEST

START_TEST(a_dual_stack_service_gets_both_families_in_one_pass)
{
	static const char wanted[] = "TCP 10.20.30.41:80 rr -> 10.180.0.1:80\n"
	                             "TCP [1020:30::41]:80 rr -> [1009::1]:80\n"
	                             "held 10.20.30.41\n"
	                             "held 1020:30::41\n";
	ck_assert_plan("cluster-ip 10.20.30.41 1020:30::41\nport http TCP 80\n" WEB_IPV4 WEB_IPV6,
	               SHOW_SERVERS | SHOW_HELD, wanted);
	ck_assert_plan("cluster-ip 1020:30::41 10.20.30.41\nport http TCP 80\n" WEB_IPV6 WEB_IPV4,
	               SHOW_SERVERS | SHOW_HELD, wanted);
}
END_TEST

/* R8.11 */
START_TEST(on_a_host_without_ipv6_only_the_ipv4_half_is_wanted)
{
	ck_assert_plan("option-without-ipv6\ncluster-ip 1020:30::41 10.20.30.41\nport http TCP 80\n" WEB_IPV6
	                       WEB_IPV4,
	               SHOW_ALL,
	               "TCP 10.20.30.41:80 rr -> 10.180.0.1:80\n"
	               "held 10.20.30.41\n"
	               "port TCP 10.20.30.41:80 masquerade-outsiders\n");
	ck_assert_plan("option-without-ipv6\ncluster-ip 1020:30::41\nport http TCP 80\n" WEB_IPV6, SHOW_ALL,
	               "");
}
END_TEST

/* C14, and the filter refuses new traffic at once. */
START_TEST(a_cluster_ip_without_endpoints_stays_and_refuses)
{
	ck_assert_plan("cluster-ip 10.20.30.41 1020:30::41\nport http TCP 80\n", SHOW_ALL,
	               "TCP 10.20.30.41:80 rr ->\n"
	               "TCP [1020:30::41]:80 rr ->\n"
	               "held 10.20.30.41\n"
	               "held 1020:30::41\n"
	               "port TCP 10.20.30.41:80 reject\n"
	               "port TCP [1020:30::41]:80 reject\n");
}
END_TEST

/* C15 */
START_TEST(a_udp_slice_port_gives_a_tcp_service_port_nothing)
{
	ck_assert_plan("cluster-ip 10.20.30.41\nport p80 TCP 80\n"
	               "slice IPv4\nslice-port p80 UDP 80\nendpoint 10.180.0.1 local\n",
	               SHOW_ALL,
	               "TCP 10.20.30.41:80 rr ->\n"
	               "held 10.20.30.41\n"
	               "port TCP 10.20.30.41:80 reject\n");
}
END_TEST

/* C16 */
START_TEST(an_unnamed_port_matches_an_unnamed_slice_port)
{
	static const char service[] = "cluster-ip 172.20.1.1\nport - TCP 80\n";
	ck_assert_plan_with(service,
	                    "slice IPv4\nslice-port - TCP 80\nendpoint 10.0.1.3\nendpoint 10.0.1.1 local\n"
	                    "endpoint 10.0.1.2\nendpoint 10.0.1.4 unready\n",
	                    SHOW_SERVERS, "TCP 172.20.1.1:80 rr -> 10.0.1.1:80 10.0.1.2:80 10.0.1.3:80\n");
	ck_assert_plan_with(service, "", SHOW_SERVERS, "TCP 172.20.1.1:80 rr ->\n");
	ck_assert_plan_with(service, "slice IPv4\nslice-port http TCP 80\nendpoint 10.0.1.3\n", SHOW_SERVERS,
	                    "TCP 172.20.1.1:80 rr ->\n");
}
END_TEST

/* C80 */
START_TEST(a_headless_service_makes_nothing)
{
	ck_assert_plan("cluster-ip None\n", SHOW_ALL, "");
	ck_assert_plan("cluster-ip None\nport http TCP 80\nport sip SCTP 6000\n" WEB_IPV4, SHOW_ALL, "");
	ck_assert_plan("port http TCP 80\nexternal-ip 1.2.3.4\n" WEB_IPV4, SHOW_ALL, "");
}
END_TEST

/* C80 */
START_TEST(an_external_name_makes_nothing_even_with_a_cluster_ip)
{
	ck_assert_plan("type ExternalName\ncluster-ip 172.16.55.4\nport http TCP 80\n" WEB_IPV4, SHOW_ALL,
	               "");
}
END_TEST

/* R1.1 */
START_TEST(a_service_of_another_proxy_makes_nothing)
{
	ck_assert_plan("other-proxy\ncluster-ip 172.16.55.4\nport http TCP 80 30080\n"
	               "address eth0 1.2.3.4\n" WEB_IPV4,
	               SHOW_ALL, "");
}
END_TEST

/* C81, one Service of it; C55 at its start */
START_TEST(each_port_is_a_virtual_server_and_the_address_is_held_once)
{
	ck_assert_plan("service somewhere/web\ncluster-ip 172.16.55.4\n"
	               "port a UDP 1234\nport b UDP 1235\nport c TCP 1235\n",
	               SHOW_SERVERS | SHOW_HELD,
	               "TCP 172.16.55.4:1235 rr ->\n"
	               "UDP 172.16.55.4:1234 rr ->\n"
	               "UDP 172.16.55.4:1235 rr ->\n"
	               "held 172.16.55.4\n");
}
END_TEST

START_TEST(a_service_without_ports_makes_nothing)
{
	ck_assert_plan("cluster-ip 172.16.55.4\nexternal-ip 1.2.3.4\n" WEB_IPV4, SHOW_ALL, "");
	ck_assert_plan(
	        "cluster-ip 172.16.55.4\ntype LoadBalancer\nexternal-local\nhealth-check 345\n" WEB_IPV4,
	        SHOW_ALL, "");
}
END_TEST

/* C82; C34 and C35 are the same elements */
START_TEST(a_health_check_port_comes_and_goes_with_type_and_policy)
{
	static const char ports[] = "cluster-ip 172.16.55.4\nport a UDP 1234 4321\nport b UDP 1235 5321\n"
	                            "slice IPv4\nslice-port a UDP 1\nslice-port b UDP 2\nendpoint 10.1.1.1\n";
#define INSIDE                                             \
	"port UDP 172.16.55.4:1234 masquerade-outsiders\n" \
	"port UDP 172.16.55.4:1235 masquerade-outsiders\n"
	ck_assert_plan_with(ports, "health-check 345\n", SHOW_FILTER, INSIDE);
	ck_assert_plan_with(ports, "type LoadBalancer\nhealth-check 345\n", SHOW_FILTER, INSIDE);
	ck_assert_plan_with(ports, "type NodePort\nexternal-local\nhealth-check 345\n", SHOW_FILTER, INSIDE);
	ck_assert_plan_with(ports, "type LoadBalancer\nexternal-local\nhealth-check 345\n", SHOW_FILTER,
	                    INSIDE "health-check TCP :345\n");
}
END_TEST

/* R2.9 */
START_TEST(a_local_load_balancer_without_health_check_port_is_warned_of_once)
{
	ck_assert_plan(
	        "type LoadBalancer\nexternal-local\ncluster-ip 172.16.55.4\n"
	        "port a TCP 1\nport b TCP 2\n",
	        SHOW_WARNINGS,
	        "default/web: externalTrafficPolicy is Local, but there is no healthCheckNodePort, so a "
	        "load balancer cannot find out whether this node has an endpoint\n");
}
END_TEST

#define BOTH_FAMILIES                                                                               \
	"port p TCP 12345\nexternal-ip 1.2.3.4 2012::51 2012::52\nrange 1.2.3.0/24 2001:db8::/32\n" \
	"ingress 1.2.3.5 2001:db8::7\ntype LoadBalancer\n"

/* C83 */
START_TEST(what_is_of_a_family_that_the_service_does_not_have_is_left_out)
{
	ck_assert_plan_with(BOTH_FAMILIES, "cluster-ip 10.1.2.3\n", SHOW_ALL,
	                    "TCP 1.2.3.4:12345 rr ->\nTCP 1.2.3.5:12345 rr ->\nTCP 10.1.2.3:12345 rr ->\n"
	                    "held 1.2.3.4\nheld 1.2.3.5\nheld 10.1.2.3\n"
	                    "port TCP 1.2.3.4:12345 reject\nport TCP 1.2.3.5:12345 reject restricted\n"
	                    "port TCP 10.1.2.3:12345 reject\nrange TCP 1.2.3.5:12345 1.2.3.0/24\n");
	ck_assert_plan_with(BOTH_FAMILIES, "cluster-ip 2000::1\n", SHOW_SERVERS | SHOW_WARNINGS,
	                    "TCP [2000::1]:12345 rr ->\nTCP [2001:db8::7]:12345 rr ->\n"
	                    "TCP [2012::51]:12345 rr ->\nTCP [2012::52]:12345 rr ->\n");
	ck_assert_plan_with(BOTH_FAMILIES, "cluster-ip 10.1.2.3\nfamilies IPv6\n", SHOW_ALL, "");
}
END_TEST

/* C86, R2.2 */
START_TEST(cluster_ips_are_found_by_ip_families)
{
	static const struct {
		const char *given;
		const char *wanted;
	} cases[] = {
	        {"cluster-ip 10.0.0.1\nfamilies\n", "held 10.0.0.1\n"},
	        {"cluster-ip fd00::1\nfamilies\n", "held fd00::1\n"},
	        {"cluster-ip 10.0.0.1 fd00::1\nfamilies\n", "held 10.0.0.1\n"},
	        {"cluster-ip 10.0.0.1\nfamilies IPv4\n", "held 10.0.0.1\n"},
	        {"cluster-ip fd00::1\nfamilies IPv6\n", "held fd00::1\n"},
	        {"cluster-ip 10.0.0.1 fd00::1\nfamilies IPv4 IPv6\n", "held 10.0.0.1\nheld fd00::1\n"},
	        {"cluster-ip fd00::1 10.0.0.1\nfamilies IPv6 IPv4\n", "held 10.0.0.1\nheld fd00::1\n"},
	        {"cluster-ip 10.0.0.1\nfamilies IPv4 IPv6\n", "held 10.0.0.1\n"},
	        {"cluster-ip 10.0.0.1 fd00::1\nfamilies IPv6 IPv4\n", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with("port http TCP 80\n", cases[i].given, SHOW_HELD, cases[i].wanted);
}
END_TEST

/* Q-33's Instead */
START_TEST(addresses_that_no_service_can_have_are_refused_with_a_warning)
{
	ck_assert_plan("cluster-ip 10.0.0.1 fd00::1\nport http TCP 80\n"
	               "external-ip 127.0.0.1 0.0.0.0 224.0.0.7 169.254.1.1 :: ff02::1 fe80::1 ::1 1.2.3.4\n"
	               "ingress 127.0.0.2\n",
	               SHOW_SERVERS | SHOW_HELD | SHOW_WARNINGS,
	               "TCP 1.2.3.4:80 rr ->\nTCP 10.0.0.1:80 rr ->\nTCP [fd00::1]:80 rr ->\n"
	               "held 1.2.3.4\nheld 10.0.0.1\nheld fd00::1\n"
	               /* clang-format off */
	               REFUSED("external IP 127.0.0.1", "a loopback")
	               REFUSED("external IP 0.0.0.0", "the unspecified")
	               REFUSED("external IP 224.0.0.7", "a multicast")
	               REFUSED("external IP 169.254.1.1", "a link-local")
	               REFUSED("load-balancer IP 127.0.0.2", "a loopback")
	               REFUSED("external IP ::", "the unspecified")
	               REFUSED("external IP ff02::1", "a multicast")
	               REFUSED("external IP fe80::1", "a link-local")
	               REFUSED("external IP ::1", "a loopback")
	               /* clang-format on */
	);
}
END_TEST

/* Q-33's Instead, for the ClusterIP itself: what is right about the Service still works. */
START_TEST(a_refused_cluster_ip_leaves_the_external_addresses)
{
	ck_assert_plan("cluster-ip 169.254.20.10\nport http TCP 80\nexternal-ip 1.2.3.4\nexternal-local\n"
	               "slice IPv4\nslice-port http TCP 80\nendpoint 10.1.1.1 local\n",
	               SHOW_ALL,
	               "TCP 1.2.3.4:80 rr -> 10.1.1.1:80\n"
	               "held 1.2.3.4\n"
	               "port TCP 1.2.3.4:80 keep-source\n"
	               "hairpin 10.1.1.1\n" REFUSED("cluster IP 169.254.20.10", "a link-local"));
}
END_TEST

START_TEST(virtual_servers_carry_rank_and_label)
{
	static const struct {
		const char *given;
		const char *label;
		enum rank rank;
	} cases[] = {
	        {"service default/kubernetes\nport https TCP 443\n", "default/kubernetes:https",
	         RANK_API_SERVER},
	        {"service kube-system/kube-dns\nport dns UDP 53\n", "kube-system/kube-dns:dns", RANK_DNS},
	        {"service default/web\nport - TCP 80\n", "default/web", RANK_OTHER},
	        {"service other/kubernetes\nport - TCP 80\n", "other/kubernetes", RANK_OTHER},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scenario scenario;
		scenario_plan(&scenario,
		              (const char *const[]){cases[i].given, "cluster-ip 10.0.0.1\n", NULL});
		ck_assert_uint_eq(scenario.fragment.state.virtual_server_count, 1);
		ck_assert_str_eq(scenario.fragment.state.virtual_servers[0].label, cases[i].label);
		ck_assert_int_eq(scenario.fragment.state.virtual_servers[0].rank, cases[i].rank);
		scenario_done(&scenario);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/service families");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, a_cluster_ip_gets_the_endpoints_of_its_own_family);
	tcase_add_test(tests, a_dual_stack_service_gets_both_families_in_one_pass);
	tcase_add_test(tests, on_a_host_without_ipv6_only_the_ipv4_half_is_wanted);
	tcase_add_test(tests, a_cluster_ip_without_endpoints_stays_and_refuses);
	tcase_add_test(tests, a_udp_slice_port_gives_a_tcp_service_port_nothing);
	tcase_add_test(tests, an_unnamed_port_matches_an_unnamed_slice_port);
	tcase_add_test(tests, a_headless_service_makes_nothing);
	tcase_add_test(tests, an_external_name_makes_nothing_even_with_a_cluster_ip);
	tcase_add_test(tests, a_service_of_another_proxy_makes_nothing);
	tcase_add_test(tests, each_port_is_a_virtual_server_and_the_address_is_held_once);
	tcase_add_test(tests, a_service_without_ports_makes_nothing);
	tcase_add_test(tests, a_health_check_port_comes_and_goes_with_type_and_policy);
	tcase_add_test(tests, a_local_load_balancer_without_health_check_port_is_warned_of_once);
	tcase_add_test(tests, what_is_of_a_family_that_the_service_does_not_have_is_left_out);
	tcase_add_test(tests, cluster_ips_are_found_by_ip_families);
	tcase_add_test(tests, addresses_that_no_service_can_have_are_refused_with_a_warning);
	tcase_add_test(tests, a_refused_cluster_ip_leaves_the_external_addresses);
	tcase_add_test(tests, virtual_servers_carry_rank_and_label);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
