/* Groups C, D and E of the conformance list: node ports, external IPs and load balancers. Where the list speaks
 * of ipsets and chains, the filter elements with that meaning are compared. */
#include "plan_scenario.h"
#include "support.h"

#define TWO_NODE_IPS "address eth0 100.101.102.103\naddress eth1 2001:db8::1:1\n"
#define BOTH_SLICES                                                                      \
	"slice IPv4\nslice-port p80 TCP 80\nslice-port u UDP 80\nslice-port s SCTP 80\n" \
	"endpoint 10.180.0.1\n"                                                          \
	"slice IPv6\nslice-port p80 TCP 80\nendpoint 1002:ab8::2:10\n"

/* C17, C18, C23: each family for itself. */
START_TEST(a_node_port_is_served_on_the_node_addresses_of_its_family)
{
	ck_assert_plan_with("type NodePort\nport p80 TCP 80 3001\n" TWO_NODE_IPS BOTH_SLICES,
	                    "cluster-ip 10.20.30.41\n", SHOW_ALL,
	                    "TCP 10.20.30.41:80 rr -> 10.180.0.1:80\n"
	                    "TCP 100.101.102.103:3001 rr -> 10.180.0.1:80\n"
	                    "held 10.20.30.41\n"
	                    "port TCP 10.20.30.41:80 masquerade-outsiders\n"
	                    "port TCP 100.101.102.103:3001 masquerade\n");
	ck_assert_plan_with("type NodePort\nport p80 TCP 80 3001\n" TWO_NODE_IPS BOTH_SLICES,
	                    "cluster-ip 2020::1\n", SHOW_SERVERS | SHOW_HELD,
	                    "TCP [2001:db8::1:1]:3001 rr -> [1002:ab8::2:10]:80\n"
	                    "TCP [2020::1]:80 rr -> [1002:ab8::2:10]:80\n"
	                    "held 2020::1\n");
}
END_TEST

/* C19 */
START_TEST(a_udp_node_port_is_a_udp_virtual_server)
{
	ck_assert_plan("type NodePort\ncluster-ip 10.20.30.41\nport u UDP 80 3001\n"
	               "address eth0 100.101.102.103\nnode-ports 0.0.0.0/0\n" BOTH_SLICES,
	               SHOW_ALL,
	               "UDP 10.20.30.41:80 rr -> 10.180.0.1:80\n"
	               "UDP 100.101.102.103:3001 rr -> 10.180.0.1:80\n"
	               "held 10.20.30.41\n"
	               "port UDP 10.20.30.41:80 masquerade-outsiders\n"
	               "port UDP 100.101.102.103:3001 masquerade\n");
}
END_TEST

/* C20 */
START_TEST(a_node_port_without_endpoints_stays_and_refuses)
{
	ck_assert_plan("type NodePort\ncluster-ip 10.20.30.41\nport p80 TCP 80 3001\n" TWO_NODE_IPS, SHOW_ALL,
	               "TCP 10.20.30.41:80 rr ->\n"
	               "TCP 100.101.102.103:3001 rr ->\n"
	               "held 10.20.30.41\n"
	               "port TCP 10.20.30.41:80 reject\n"
	               "port TCP 100.101.102.103:3001 reject\n");
}
END_TEST

/* C21; the elements name each address (Q-13's Instead) */
START_TEST(an_sctp_node_port_is_served_on_every_node_address)
{
	static const char sctp[] = "type NodePort\nport s SCTP 80 3001\n"
	                           "address eth0 100.101.102.103\naddress eth1 100.101.102.104\n"
	                           "address eth2 100.101.102.105\naddress eth3 2001:db8::1:1 2001:db8::1:2\n";
	ck_assert_plan_with(sctp, "cluster-ip 10.20.30.41\n" BOTH_SLICES, SHOW_SERVERS | SHOW_FILTER,
	                    "SCTP 10.20.30.41:80 rr -> 10.180.0.1:80\n"
	                    "SCTP 100.101.102.103:3001 rr -> 10.180.0.1:80\n"
	                    "SCTP 100.101.102.104:3001 rr -> 10.180.0.1:80\n"
	                    "SCTP 100.101.102.105:3001 rr -> 10.180.0.1:80\n"
	                    "port SCTP 10.20.30.41:80 masquerade-outsiders\n"
	                    "port SCTP 100.101.102.103:3001 masquerade\n"
	                    "port SCTP 100.101.102.104:3001 masquerade\n"
	                    "port SCTP 100.101.102.105:3001 masquerade\n");
	ck_assert_plan_with(sctp, "cluster-ip 2020::1\n", SHOW_SERVERS,
	                    "SCTP [2001:db8::1:1]:3001 rr ->\n"
	                    "SCTP [2001:db8::1:2]:3001 rr ->\n"
	                    "SCTP [2020::1]:80 rr ->\n");
}
END_TEST

/* C22 (SCTP), C24 (TCP, with a CIDR) */
START_TEST(a_local_node_port_holds_local_endpoints_and_sends_insiders_to_the_cluster_ip)
{
	ck_assert_plan("type NodePort\nexternal-local\ncluster-ip 10.20.30.41\nport s SCTP 80 3001\n"
	               "address eth0 100.101.102.103\n"
	               "slice IPv4\nslice-port s SCTP 80\nendpoint 10.180.0.1 local\nendpoint 10.180.1.1\n",
	               SHOW_ALL,
	               "SCTP 10.20.30.41:80 rr -> 10.180.0.1:80 10.180.1.1:80\n"
	               "SCTP 100.101.102.103:3001 rr -> 10.180.0.1:80\n"
	               "held 10.20.30.41\n"
	               "port SCTP 10.20.30.41:80 masquerade-outsiders\n"
	               "port SCTP 100.101.102.103:3001 keep-source\n"
	               "redirect SCTP 100.101.102.103:3001 to 10.20.30.41:80\n"
	               "hairpin 10.180.0.1\n");
	ck_assert_plan("type NodePort\nexternal-local\ncluster-ip 10.20.30.41\nport p80 TCP 80 3001\n"
	               "address eth0 100.101.102.103\naddress eth1 1.2.3.4\nnode-ports 100.101.102.0/24\n"
	               "slice IPv4\nslice-port p80 TCP 80\nendpoint 10.180.0.1 local\nendpoint 10.180.1.1\n",
	               SHOW_SERVERS,
	               "TCP 10.20.30.41:80 rr -> 10.180.0.1:80 10.180.1.1:80\n"
	               "TCP 100.101.102.103:3001 rr -> 10.180.0.1:80\n");
}
END_TEST

/* R4.7; Q-6's Instead: the health-check port does not hang on node port addresses. */
START_TEST(without_node_addresses_only_the_node_port_is_left_out)
{
	ck_assert_plan("type LoadBalancer\nexternal-local\nhealth-check 30000\ncluster-ip 10.20.30.41\n"
	               "port p80 TCP 80 3001\n",
	               SHOW_ALL,
	               "TCP 10.20.30.41:80 rr ->\n"
	               "held 10.20.30.41\n"
	               "port TCP 10.20.30.41:80 reject\n"
	               "health-check TCP :30000\n");
}
END_TEST

/* R2.3 */
START_TEST(a_node_port_counts_whatever_the_type)
{
	ck_assert_plan("cluster-ip 10.20.30.41\nport p80 TCP 80 3001\naddress eth0 1.2.3.4\n", SHOW_SERVERS,
	               "TCP 1.2.3.4:3001 rr ->\nTCP 10.20.30.41:80 rr ->\n");
}
END_TEST

/* C25 */
START_TEST(an_external_ip_without_endpoints_stays_and_refuses)
{
	ck_assert_plan("cluster-ip 10.20.30.41\nport p80 TCP 80\nexternal-ip 50.60.70.81\n", SHOW_ALL,
	               "TCP 10.20.30.41:80 rr ->\n"
	               "TCP 50.60.70.81:80 rr ->\n"
	               "held 10.20.30.41\n"
	               "held 50.60.70.81\n"
	               "port TCP 10.20.30.41:80 reject\n"
	               "port TCP 50.60.70.81:80 reject\n");
}
END_TEST

#define LOOPBACK_REFUSED                                                                                   \
	"default/web: external IP 127.0.0.1 is a loopback address, which no Service can have; it is left " \
	"out\n"

/* C26, with Q-33's Instead: 127.0.0.1 is refused, so there are two virtual servers. */
START_TEST(external_ips_of_the_family_are_served_and_a_loopback_one_is_refused)
{
	ck_assert_plan("cluster-ip 10.20.30.41\nport p80 TCP 80\n"
	               "external-ip 50.60.70.81 2012::51 127.0.0.1\n" BOTH_SLICES,
	               SHOW_ALL,
	               "TCP 10.20.30.41:80 rr -> 10.180.0.1:80\n"
	               "TCP 50.60.70.81:80 rr -> 10.180.0.1:80\n"
	               "held 10.20.30.41\n"
	               "held 50.60.70.81\n"
	               "port TCP 10.20.30.41:80 masquerade-outsiders\n"
	               "port TCP 50.60.70.81:80 masquerade\n" LOOPBACK_REFUSED);
}
END_TEST

/* C27, with Q-33's Instead */
START_TEST(a_local_external_ip_holds_local_endpoints_only)
{
	ck_assert_plan("type NodePort\nexternal-local\ncluster-ip 10.20.30.41\nport p80 TCP 80\n"
	               "external-ip 50.60.70.81 2012::51 127.0.0.1\n"
	               "slice IPv4\nslice-port p80 TCP 80\nendpoint 10.180.0.1 local\nendpoint 10.180.1.1\n",
	               SHOW_ALL,
	               "TCP 10.20.30.41:80 rr -> 10.180.0.1:80 10.180.1.1:80\n"
	               "TCP 50.60.70.81:80 rr -> 10.180.0.1:80\n"
	               "held 10.20.30.41\n"
	               "held 50.60.70.81\n"
	               "port TCP 10.20.30.41:80 masquerade-outsiders\n"
	               "port TCP 50.60.70.81:80 keep-source\n"
	               "redirect TCP 50.60.70.81:80 to 10.20.30.41:80\n"
	               "hairpin 10.180.0.1\n" LOOPBACK_REFUSED);
}
END_TEST

/* R2.7 */
START_TEST(a_local_policy_without_anything_external_means_nothing)
{
	ck_assert_plan("external-local\ncluster-ip 10.20.30.41\nport p80 TCP 80 3001\naddress eth0 1.2.3.4\n"
	               "slice IPv4\nslice-port p80 TCP 80\nendpoint 10.180.1.1\n",
	               SHOW_SERVERS | SHOW_FILTER | SHOW_NO_LOCAL,
	               "TCP 1.2.3.4:3001 rr -> 10.180.1.1:80\n"
	               "TCP 10.20.30.41:80 rr -> 10.180.1.1:80\n"
	               "port TCP 1.2.3.4:3001 masquerade\n"
	               "port TCP 10.20.30.41:80 masquerade-outsiders\n");
}
END_TEST

/* R6.3 */
START_TEST(an_address_of_the_node_is_served_but_not_held)
{
	ck_assert_plan("type LoadBalancer\ncluster-ip 10.20.30.41\nport p80 TCP 80\n"
	               "external-ip 192.0.2.10 50.60.70.81\ningress 192.0.2.11 1.2.3.4\n"
	               "address eth0 192.0.2.10 192.0.2.11\n",
	               SHOW_SERVERS | SHOW_HELD,
	               "TCP 1.2.3.4:80 rr ->\nTCP 10.20.30.41:80 rr ->\nTCP 50.60.70.81:80 rr ->\n"
	               "TCP 192.0.2.10:80 rr ->\nTCP 192.0.2.11:80 rr ->\n"
	               "held 1.2.3.4\nheld 10.20.30.41\nheld 50.60.70.81\n");
}
END_TEST

/* R6.7 */
START_TEST(a_cluster_ip_is_held_even_if_the_node_has_it)
{
	ck_assert_plan("cluster-ip 10.20.30.41\nport p80 TCP 80\naddress eth0 10.20.30.41\n", SHOW_HELD,
	               "held 10.20.30.41\n");
}
END_TEST

#define BALANCER "type LoadBalancer\ncluster-ip 10.20.30.41\nport p80 TCP 80 3001\ningress 1.2.3.4\n"

/* C28 */
START_TEST(a_load_balancer_address_is_served_and_held)
{
	ck_assert_plan(BALANCER BOTH_SLICES, SHOW_ALL,
	               "TCP 1.2.3.4:80 rr -> 10.180.0.1:80\n"
	               "TCP 10.20.30.41:80 rr -> 10.180.0.1:80\n"
	               "held 1.2.3.4\n"
	               "held 10.20.30.41\n"
	               "port TCP 1.2.3.4:80 masquerade\n"
	               "port TCP 10.20.30.41:80 masquerade-outsiders\n");
}
END_TEST

/* C29 */
START_TEST(a_local_load_balancer_holds_local_endpoints_only)
{
	ck_assert_plan(BALANCER "external-local\nhealth-check 345\n"
	                        "slice IPv4\nslice-port p80 TCP 80\nendpoint 10.180.0.1 local\n"
	                        "endpoint 10.180.1.1\n",
	               SHOW_ALL,
	               "TCP 1.2.3.4:80 rr -> 10.180.0.1:80\n"
	               "TCP 10.20.30.41:80 rr -> 10.180.0.1:80 10.180.1.1:80\n"
	               "held 1.2.3.4\n"
	               "held 10.20.30.41\n"
	               "port TCP 1.2.3.4:80 keep-source\n"
	               "port TCP 10.20.30.41:80 masquerade-outsiders\n"
	               "redirect TCP 1.2.3.4:80 to 10.20.30.41:80\n"
	               "hairpin 10.180.0.1\n"
	               "health-check TCP :345\n");
}
END_TEST

/* C30, C84, N8, R2.6 */
START_TEST(source_ranges_restrict_the_load_balancer_address)
{
#define RESTRICTED                                    \
	"port TCP 1.2.3.4:80 masquerade restricted\n" \
	"port TCP 10.20.30.41:80 masquerade-outsiders\n"
#define OPEN                               \
	"port TCP 1.2.3.4:80 masquerade\n" \
	"port TCP 10.20.30.41:80 masquerade-outsiders\n"
	static const struct {
		const char *ranges;
		const char *wanted;
	} cases[] = {
	        {"range 10.0.0.0/8\n", RESTRICTED "range TCP 1.2.3.4:80 10.0.0.0/8\n"},
	        {"range 10.1.2.0/28 0.0.0.0/1\n", RESTRICTED "range TCP 1.2.3.4:80 0.0.0.0/1\n"},
	        {"range 203.0.113.7/32 203.0.113.0/24 10.1.0.0/16 10.0.0.0/8 10.0.0.0/8 203.0.112.0/24\n",
	         RESTRICTED "range TCP 1.2.3.4:80 10.0.0.0/8\nrange TCP 1.2.3.4:80 203.0.112.0/24\n"
	                    "range TCP 1.2.3.4:80 203.0.113.0/24\n"},
	        {"range 10.0.0.0/16 10.0.0.0/8\n", RESTRICTED "range TCP 1.2.3.4:80 10.0.0.0/8\n"},
	        {"range 10.0.0.0/8 0.0.0.0/0\n", OPEN},
	        {"range 10.0.0.0/8 ::/0\n", RESTRICTED "range TCP 1.2.3.4:80 10.0.0.0/8\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with(BALANCER BOTH_SLICES, cases[i].ranges, SHOW_FILTER | SHOW_WARNINGS,
		                    cases[i].wanted);
}
END_TEST

/* */
START_TEST(ranges_of_the_other_family_alone_restrict_nothing_and_are_warned_of)
{
	ck_assert_plan(BALANCER BOTH_SLICES "range 2001:db8::/32\n", SHOW_FILTER | SHOW_WARNINGS,
	               OPEN
	               "default/web: loadBalancerSourceRanges has no IPv4 range, so every source may use "
	               "its IPv4 load-balancer addresses\n");
}
END_TEST

/* Nobody can use what is not there. */
START_TEST(ranges_of_the_other_family_are_not_warned_of_without_an_address_to_restrict)
{
	ck_assert_plan("cluster-ip 10.20.30.41\nport p80 TCP 80\nrange 2001:db8::/32\ningress 2001:db8::7\n",
	               SHOW_WARNINGS, "");
}
END_TEST

/* C33 */
START_TEST(a_node_inside_the_ranges_may_use_the_address_under_its_own_name)
{
	static const struct {
		const char *given;
		const char *wanted;
	} cases[] = {
	        {"range 192.0.2.0/24\n", RESTRICTED "range TCP 1.2.3.4:80 192.0.2.0/24\n"},
	        {"range 192.0.2.0/24\nnode-ip 192.0.2.10\n",
	         RESTRICTED "range TCP 1.2.3.4:80 1.2.3.4/32\nrange TCP 1.2.3.4:80 192.0.2.0/24\n"},
	        {"range 192.0.2.0/24\nnode-ip 192.0.3.10\n",
	         RESTRICTED "range TCP 1.2.3.4:80 192.0.2.0/24\n"},
	        /* N8: already inside a range */
	        {"range 0.0.0.0/1 192.0.2.0/24\nnode-ip 192.0.2.10\n",
	         RESTRICTED "range TCP 1.2.3.4:80 0.0.0.0/1\nrange TCP 1.2.3.4:80 192.0.2.0/24\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_plan_with(BALANCER BOTH_SLICES, cases[i].given, SHOW_FILTER, cases[i].wanted);
	ck_assert_plan("type LoadBalancer\ncluster-ip fd00::1\nport p80 TCP 80\ningress 2001:db8::7\n"
	               "range 2001:db8:1::/48\nnode-ip 2001:db8:1::10\n",
	               SHOW_FILTER,
	               "port TCP [2001:db8::7]:80 reject restricted\nport TCP [fd00::1]:80 reject\n"
	               "range TCP [2001:db8::7]:80 2001:db8::7/128\n"
	               "range TCP [2001:db8::7]:80 2001:db8:1::/48\n");
}
END_TEST

/* R7.24: what the node sends to a held address comes from that address. */
START_TEST(a_node_outside_the_ranges_may_not_use_an_address_inside_them)
{
	ck_assert_plan_with(
	        BALANCER BOTH_SLICES, "range 1.2.3.0/29 192.0.2.0/24\nnode-ip 192.0.3.10\n", SHOW_FILTER,
	        RESTRICTED "range TCP 1.2.3.4:80 1.2.3.0/30\nrange TCP 1.2.3.4:80 1.2.3.5/32\n"
	                   "range TCP 1.2.3.4:80 1.2.3.6/31\nrange TCP 1.2.3.4:80 192.0.2.0/24\n");
	ck_assert_plan_with(BALANCER BOTH_SLICES, "range 1.2.3.4/32\nnode-ip 192.0.3.10\n", SHOW_FILTER,
	                    RESTRICTED);
	ck_assert_plan_with(BALANCER BOTH_SLICES, "range 1.2.3.0/29\nnode-ip 1.2.3.7\n", SHOW_FILTER,
	                    RESTRICTED "range TCP 1.2.3.4:80 1.2.3.0/29\n");
	ck_assert_plan("type LoadBalancer\ncluster-ip fd00::1\nport p80 TCP 80\ningress 2001:db8::7\n"
	               "range 2001:db8::4/126\nnode-ip 2001:db8:1::10\n",
	               SHOW_FILTER,
	               "port TCP [2001:db8::7]:80 reject restricted\nport TCP [fd00::1]:80 reject\n"
	               "range TCP [2001:db8::7]:80 2001:db8::4/127\n"
	               "range TCP [2001:db8::7]:80 2001:db8::6/128\n");
}
END_TEST

/* The node sends to its own second address from that address. */
START_TEST(a_restricted_address_of_the_node_itself_is_used_as_a_held_one)
{
	static const char of_node[] = BALANCER "address eth0 192.0.2.10 1.2.3.4\nnode-ip 192.0.2.10\n";
	ck_assert_plan_with(of_node, "range 192.0.2.0/24\nnode-ports 192.0.2.10/32\n",
	                    SHOW_HELD | SHOW_FILTER,
	                    "held 10.20.30.41\nport TCP 1.2.3.4:80 reject restricted\n"
	                    "port TCP 10.20.30.41:80 reject\nport TCP 192.0.2.10:3001 reject\n"
	                    "range TCP 1.2.3.4:80 1.2.3.4/32\nrange TCP 1.2.3.4:80 192.0.2.0/24\n");
}
END_TEST

START_TEST(without_external_ips_they_are_left_out_with_one_warning)
{
	ck_assert_plan(
	        "cluster-ip 10.20.30.41 fd00::1\nport p80 TCP 80\nport s SCTP 80\n"
	        "external-ip 1.2.3.4 1.2.3.5 2001:db8::1 127.0.0.1\noption-without-external-ips\n",
	        SHOW_HELD | SHOW_WARNINGS,
	        "held 10.20.30.41\nheld fd00::1\n"
	        "default/web: externalIPs are not served here, because --allow-external-ips is false\n");
}
END_TEST

START_TEST(without_external_ips_who_has_none_is_not_told)
{
	ck_assert_plan(BALANCER BOTH_SLICES "option-without-external-ips\n", SHOW_HELD | SHOW_WARNINGS,
	               "held 1.2.3.4\nheld 10.20.30.41\n");
}
END_TEST

START_TEST(without_external_ips_a_local_policy_for_them_means_nothing)
{
	ck_assert_plan("cluster-ip 10.20.30.41\nport p80 TCP 80\nexternal-ip 1.2.3.4\nexternal-local\n"
	               "internal-local\nslice IPv4\nslice-port p80 TCP 80\nendpoint 10.180.1.1\n"
	               "option-without-external-ips\n",
	               SHOW_NO_LOCAL, "no local endpoint inside IPv4\n");
}
END_TEST

/* R7.7j */
START_TEST(source_ranges_leave_the_node_port_alone)
{
	ck_assert_plan(BALANCER BOTH_SLICES "range 10.0.0.0/8\naddress eth0 192.0.2.10\n", SHOW_FILTER,
	               RESTRICTED "port TCP 192.0.2.10:3001 masquerade\n"
	                          "range TCP 1.2.3.4:80 10.0.0.0/8\n");
}
END_TEST

/* C31 */
START_TEST(an_ingress_of_mode_proxy_is_not_served)
{
	ck_assert_plan("type LoadBalancer\ncluster-ip 10.20.30.41\nport p80 TCP 80\n"
	               "ingress-proxy 1.2.3.4\ningress 1.2.3.5\n",
	               SHOW_SERVERS | SHOW_HELD,
	               "TCP 1.2.3.5:80 rr ->\nTCP 10.20.30.41:80 rr ->\n"
	               "held 1.2.3.5\nheld 10.20.30.41\n");
	ck_assert_plan("type LoadBalancer\ncluster-ip 10.20.30.41\nport p80 TCP 80\ningress-proxy 1.2.3.4\n",
	               SHOW_SERVERS, "TCP 10.20.30.41:80 rr ->\n");
}
END_TEST

/* C32: what each kind of address needs from the filter. */
START_TEST(each_kind_of_address_has_its_verdict)
{
	ck_assert_plan(BALANCER BOTH_SLICES "external-ip 1.2.3.5\naddress eth0 192.0.2.10\n", SHOW_FILTER,
	               "port TCP 1.2.3.4:80 masquerade\n"
	               "port TCP 1.2.3.5:80 masquerade\n"
	               "port TCP 10.20.30.41:80 masquerade-outsiders\n"
	               "port TCP 192.0.2.10:3001 masquerade\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/service external addresses");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, a_node_port_is_served_on_the_node_addresses_of_its_family);
	tcase_add_test(tests, a_udp_node_port_is_a_udp_virtual_server);
	tcase_add_test(tests, a_node_port_without_endpoints_stays_and_refuses);
	tcase_add_test(tests, an_sctp_node_port_is_served_on_every_node_address);
	tcase_add_test(tests, a_local_node_port_holds_local_endpoints_and_sends_insiders_to_the_cluster_ip);
	tcase_add_test(tests, without_node_addresses_only_the_node_port_is_left_out);
	tcase_add_test(tests, a_node_port_counts_whatever_the_type);
	tcase_add_test(tests, an_external_ip_without_endpoints_stays_and_refuses);
	tcase_add_test(tests, external_ips_of_the_family_are_served_and_a_loopback_one_is_refused);
	tcase_add_test(tests, a_local_external_ip_holds_local_endpoints_only);
	tcase_add_test(tests, a_local_policy_without_anything_external_means_nothing);
	tcase_add_test(tests, an_address_of_the_node_is_served_but_not_held);
	tcase_add_test(tests, a_cluster_ip_is_held_even_if_the_node_has_it);
	tcase_add_test(tests, a_load_balancer_address_is_served_and_held);
	tcase_add_test(tests, a_local_load_balancer_holds_local_endpoints_only);
	tcase_add_test(tests, source_ranges_restrict_the_load_balancer_address);
	tcase_add_test(tests, ranges_of_the_other_family_alone_restrict_nothing_and_are_warned_of);
	tcase_add_test(tests, ranges_of_the_other_family_are_not_warned_of_without_an_address_to_restrict);
	tcase_add_test(tests, a_node_inside_the_ranges_may_use_the_address_under_its_own_name);
	tcase_add_test(tests, a_node_outside_the_ranges_may_not_use_an_address_inside_them);
	tcase_add_test(tests, a_restricted_address_of_the_node_itself_is_used_as_a_held_one);
	tcase_add_test(tests, without_external_ips_they_are_left_out_with_one_warning);
	tcase_add_test(tests, without_external_ips_who_has_none_is_not_told);
	tcase_add_test(tests, without_external_ips_a_local_policy_for_them_means_nothing);
	tcase_add_test(tests, source_ranges_leave_the_node_port_alone);
	tcase_add_test(tests, an_ingress_of_mode_proxy_is_not_served);
	tcase_add_test(tests, each_kind_of_address_has_its_verdict);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
