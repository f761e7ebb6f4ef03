/* Group A of the conformance list: which addresses are the node's, and which of them carry NodePorts. */
#include "plan_scenario.h"
#include "support.h"

static void addresses_print(const struct address *addresses, size_t count, struct text *text)
{
	char buffer[ADDRESS_TEXT_SIZE];
	for (size_t i = 0; i < count; i++) {
		address_format(&addresses[i], buffer);
		text_addf(text, "%s%s", i ? " " : "", buffer);
	}
	text_add_char(text, '\n');
}

/* `wanted`: one line of node addresses, one of NodePort addresses. */
static void check_node(const char *given, const char *wanted)
{
	struct scenario scenario;
	auto_text got = {0};
	scenario_plan(&scenario, (const char *const[]){given, NULL});
	addresses_print(scenario.node.addresses, scenario.node.address_count, &got);
	addresses_print(scenario.node.node_port_addresses, scenario.node.node_port_address_count, &got);
	ck_assert_texts(given, wanted, text_string(&got));
	scenario_done(&scenario);
}

struct node_case {
	const char *given;
	const char *wanted;
};

static void check_nodes(const struct node_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_node(cases[i].given, cases[i].wanted);
}
#define CHECK_NODES(cases) check_nodes((cases), sizeof(cases) / sizeof(*(cases)))

START_TEST(the_addresses_of_all_interfaces_but_loopback_are_the_nodes)
{
	static const struct node_case cases[] = {
	        /* C1 */
	        {"address eth0 1.2.3.4\naddress lo 127.0.0.1\n", "1.2.3.4\n1.2.3.4\n"},
	        /* C2 */
	        {"address lo 127.0.0.1 ::1\n", "\n\n"},
	        {"", "\n\n"},
	        /* C3 */
	        {"address encap0 10.20.30.40 fe80::1\naddress docker0 172.17.0.1\n",
	         "10.20.30.40 172.17.0.1\n10.20.30.40 172.17.0.1\n"},
	        /* C6 */
	        {"address eth1 2000:: fe80::200\naddress eth0 1000:: fe80::100\naddress lo ::1\n",
	         "1000:: 2000::\n1000:: 2000::\n"},
	};
	CHECK_NODES(cases);
}
END_TEST

START_TEST(addresses_on_the_dummy_interface_are_not_the_nodes)
{
	static const struct node_case cases[] = {
	        /* C4 */
	        {"address kube-ipvs0 1.2.3.4 2.3.4.5\naddress lo 127.0.0.1\n", "\n\n"},
	        {"address kube-ipvs0 1.2.3.4 2.3.4.5\naddress lo 127.0.0.1\naddress eth5 3.4.5.6\n",
	         "3.4.5.6\n3.4.5.6\n"},
	        /* C5 */
	        {"address ipvs0 1.2.3.4\n", "1.2.3.4\n1.2.3.4\n"},
	};
	CHECK_NODES(cases);
}
END_TEST

/* R9.1, beside C4 */
START_TEST(an_address_on_the_dummy_and_on_another_interface_is_the_nodes)
{
	check_node("address kube-ipvs0 1.2.3.4 5.6.7.8\naddress eth0 1.2.3.4\n", "1.2.3.4\n1.2.3.4\n");
}
END_TEST

START_TEST(an_address_on_two_interfaces_counts_once)
{
	check_node("address eth1 1.2.3.4\naddress eth0 1.2.3.4 1.2.3.3\n",
	           "1.2.3.3 1.2.3.4\n1.2.3.3 1.2.3.4\n");
}
END_TEST

/* C7 */
START_TEST(the_predicate_knows_loopback_link_local_and_the_other_family)
{
	static const struct {
		const char *text;
		bool ipv4, ipv6;
	} cases[] = {
	        {"127.0.0.1", false, false},  {"127.255.3.4", false, false},
	        {"8.8.8.8", true, false},     {"192.168.0.1", true, false},
	        {"169.254.0.0", true, false}, {"::ffff:169.254.0.0", true, false},
	        {"1000::", false, true},      {"::1", false, false},
	        {"fe80::200", false, false},  {"::ffff:8.8.8.8", true, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct address address;
		ck_assert(address_parse(cases[i].text, &address));
		ck_assert_msg(node_address_valid(&address, FAMILY_IPV4) == cases[i].ipv4, "%s as IPv4",
		              cases[i].text);
		ck_assert_msg(node_address_valid(&address, FAMILY_IPV6) == cases[i].ipv6, "%s as IPv6",
		              cases[i].text);
	}
}
END_TEST

#define TWO_INTERFACES "address eth0 10.20.30.51 2001:db8::1\naddress eth1 100.200.201.1 2001:db8::2\n"
#define ALL_OF_THEM    "10.20.30.51 100.200.201.1 2001:db8::1 2001:db8::2\n"

START_TEST(node_port_addresses_follow_the_cidrs_of_their_family)
{
	static const struct node_case cases[] = {
	        /* C8: a family without a CIDR of its own matches all. */
	        {TWO_INTERFACES "node-ports 10.20.30.0/24\n",
	         ALL_OF_THEM "10.20.30.51 2001:db8::1 2001:db8::2\n"},
	        /* C9 */
	        {TWO_INTERFACES "node-ports 0.0.0.0/0\n", ALL_OF_THEM ALL_OF_THEM},
	        {TWO_INTERFACES "node-ports ::/0\n", ALL_OF_THEM ALL_OF_THEM},
	        {TWO_INTERFACES, ALL_OF_THEM ALL_OF_THEM},
	        /* C10 */
	        {TWO_INTERFACES "node-ports 1.2.3.0/24 0.0.0.0/0\n", ALL_OF_THEM ALL_OF_THEM},
	        {TWO_INTERFACES "node-ports 0.0.0.0/0 1.2.3.0/24 2001:db8::1/128\n",
	         ALL_OF_THEM "10.20.30.51 100.200.201.1 2001:db8::1\n"},
	        /* C11 */
	        {"address eth0 10.20.30.51\nnode-ports 1.2.3.0/24 4.5.6.0/24\n", "10.20.30.51\n\n"},
	        /* R9.4: loopback CIDRs yield nothing. */
	        {"address lo 127.0.0.1\naddress eth0 1.2.3.4\nnode-ports 127.0.0.0/8\n", "1.2.3.4\n\n"},
	};
	CHECK_NODES(cases);
}
END_TEST

/* Q-7's Instead */
START_TEST(a_load_balancer_address_on_the_dummy_gets_no_node_port_though_the_cidr_holds_it)
{
	check_node("address eth0 192.0.2.10\naddress kube-ipvs0 192.0.2.77\nnode-ports 192.0.2.0/24\n",
	           "192.0.2.10\n192.0.2.10\n");
}
END_TEST

START_TEST(primary_means_the_nodes_ip_of_each_family)
{
	static const struct node_case cases[] = {
	        {TWO_INTERFACES "node-ip 100.200.201.1 2001:db8::2\nnode-ports primary\n",
	         ALL_OF_THEM "100.200.201.1 2001:db8::2\n"},
	        /* R1.33: the first of each family counts. */
	        {TWO_INTERFACES "node-ip 2001:db8::1 2001:db8::2 10.20.30.51 100.200.201.1\n"
	                        "node-ports primary\n",
	         ALL_OF_THEM "10.20.30.51 2001:db8::1\n"},
	        /* Q-15's Instead: a family without a node IP gets none, not all. */
	        {TWO_INTERFACES "node-ip 10.20.30.51\nnode-ports primary\n", ALL_OF_THEM "10.20.30.51\n"},
	        {TWO_INTERFACES "node-ports primary\n", ALL_OF_THEM "\n"},
	        /* R9.5: not a loopback one. */
	        {"address lo 127.0.0.1\naddress eth0 1.2.3.4\nnode-ip 127.0.0.1\nnode-ports primary\n",
	         "1.2.3.4\n\n"},
	};
	CHECK_NODES(cases);
}
END_TEST

/* R1.33 */
START_TEST(the_view_keeps_the_first_node_ip_of_each_family)
{
	struct scenario scenario;
	auto_text got = {0};
	scenario_plan(&scenario,
	              (const char *const[]){"node-ip 2001:db8::7 192.0.2.1 192.0.2.2 2001:db8::8\n", NULL});
	addresses_print(scenario.node.primary, 2, &got);
	ck_assert_texts("primary", "192.0.2.1 2001:db8::7\n", text_string(&got));
	scenario_done(&scenario);
}
END_TEST

/* R14.11: that is what stands for an unknown one. */
START_TEST(a_loopback_address_is_no_node_ip)
{
	struct scenario scenario;
	auto_text got = {0};
	scenario_plan(&scenario, (const char *const[]){"node-ip 127.0.0.1 ::1 192.0.2.1\n", NULL});
	addresses_print(scenario.node.primary, 2, &got);
	ck_assert_texts("primary", "192.0.2.1 \n", text_string(&got));
	scenario_done(&scenario);
}
END_TEST

START_TEST(without_node_ips_the_view_has_none)
{
	struct scenario scenario;
	scenario_plan(&scenario, (const char *const[]){"address eth0 1.2.3.4\n", NULL});
	ck_assert_int_eq(scenario.node.primary[0].family, FAMILY_NONE);
	ck_assert_int_eq(scenario.node.primary[1].family, FAMILY_NONE);
	scenario_done(&scenario);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/node_view");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, the_addresses_of_all_interfaces_but_loopback_are_the_nodes);
	tcase_add_test(tests, addresses_on_the_dummy_interface_are_not_the_nodes);
	tcase_add_test(tests, an_address_on_the_dummy_and_on_another_interface_is_the_nodes);
	tcase_add_test(tests, an_address_on_two_interfaces_counts_once);
	tcase_add_test(tests, the_predicate_knows_loopback_link_local_and_the_other_family);
	tcase_add_test(tests, node_port_addresses_follow_the_cidrs_of_their_family);
	tcase_add_test(tests,
	               a_load_balancer_address_on_the_dummy_gets_no_node_port_though_the_cidr_holds_it);
	tcase_add_test(tests, primary_means_the_nodes_ip_of_each_family);
	tcase_add_test(tests, the_view_keeps_the_first_node_ip_of_each_family);
	tcase_add_test(tests, a_loopback_address_is_no_node_ip);
	tcase_add_test(tests, without_node_ips_the_view_has_none);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
