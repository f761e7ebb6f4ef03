/*
 * R11.3 and R11.4 with the Instead of.
 */
#include "plan/flows.h"

#include "plan_scenario.h"
#include "support.h"

static void end_print(const struct address *address, uint16_t port, struct text *text)
{
	char buffer[ENDPOINT_TEXT_SIZE];
	endpoint_format(address, port, buffer);
	text_addf(text, " %s", buffer);
}

static void flows_must_be(const char *file, int line, const char *given, const char *more, const char *wanted)
{
	struct scenario scenario;
	struct flow_port *ports;
	size_t count;
	auto_text text = {0};
	scenario_plan(&scenario, (const char *const[]){given, more, NULL});
	plan_flows(&scenario.service, scenario.slice_list, scenario.slice_count, &scenario.node,
	           &scenario.options, &scenario.arena, &ports, &count);
	for (size_t i = 0; i < count; i++) {
		char key[VIRTUAL_SERVER_TEXT_SIZE];
		text_addf(&text, "%s ->", virtual_server_key_format(&ports[i].key, key));
		for (size_t j = 0; j < ports[i].serving_count; j++)
			end_print(&ports[i].serving[j].address, ports[i].serving[j].port, &text);
		text_add_char(&text, '\n');
	}
	scenario_done(&scenario);
	texts_must_be_equal(file, line, more ? more : given, wanted, text_string(&text));
}
#define ck_assert_flows(given, wanted)            flows_must_be(__FILE__, __LINE__, (given), NULL, (wanted))
#define ck_assert_flows_with(given, more, wanted) flows_must_be(__FILE__, __LINE__, (given), (more), (wanted))

#define DNS   "cluster-ip 10.96.0.10\nport dns UDP 53\n"
#define SLICE "slice IPv4\nslice-port dns UDP 5353\n"

START_TEST(a_cluster_ip_leads_to_those_who_serve)
{
	ck_assert_flows(DNS SLICE "endpoint 10.0.1.2\nendpoint 10.0.1.10\nendpoint 10.0.1.1\n",
	                "UDP 10.96.0.10:53 -> 10.0.1.1:5353 10.0.1.2:5353 10.0.1.10:5353\n");
}
END_TEST

/* R11.3: who serves, whatever else is said of it. */
START_TEST(only_serving_counts)
{
	static const struct {
		const char *endpoint;
		bool serves;
	} cases[] = {
	        {"endpoint 10.0.1.1\n", true},
	        {"endpoint 10.0.1.1 local\n", true},
	        {"endpoint 10.0.1.1 serving\n", true},
	        {"endpoint 10.0.1.1 serving-terminating\n", true},
	        {"endpoint 10.0.1.1 zones=elsewhere\n", true},
	        {"endpoint 10.0.1.1 nodes=elsewhere\n", true},
	        {"endpoint 10.0.1.1 unready\n", false},
	        {"endpoint 10.0.1.1 terminating\n", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_flows_with(DNS "node n1 z1\n" SLICE "endpoint 10.0.1.2 zones=z1 nodes=n1\n",
		                     cases[i].endpoint,
		                     cases[i].serves ? "UDP 10.96.0.10:53 -> 10.0.1.1:5353 10.0.1.2:5353\n"
		                                     : "UDP 10.96.0.10:53 -> 10.0.1.2:5353\n");
}
END_TEST

START_TEST(policies_do_not_count)
{
	static const char *const policies[] = {"", "internal-local\n", "external-local\n"};
	for (size_t i = 0; i < 3; i++)
		ck_assert_flows_with("type LoadBalancer\ningress 1.2.3.4\n" DNS SLICE
		                     "endpoint 10.0.1.1 local\nendpoint 10.0.1.2\n",
		                     policies[i],
		                     "UDP 1.2.3.4:53 -> 10.0.1.1:5353 10.0.1.2:5353\n"
		                     "UDP 10.96.0.10:53 -> 10.0.1.1:5353 10.0.1.2:5353\n");
}
END_TEST

/* R11.3 */
START_TEST(where_nobody_serves_flows_are_left_alone)
{
	static const char *const slices[] = {"", SLICE, SLICE "endpoint 10.0.1.1 unready\n",
	                                     "slice IPv4\nslice-port other UDP 53\nendpoint 10.0.1.1\n",
	                                     "slice IPv4\nslice-port dns TCP 53\nendpoint 10.0.1.1\n"};
	for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++)
		ck_assert_flows_with(DNS, slices[i], "");
}
END_TEST

/* R11.4, Q-17 */
START_TEST(every_kind_of_address_is_a_key)
{
	ck_assert_flows(
	        "type LoadBalancer\ncluster-ip 10.96.0.10\nport dns UDP 53 30053\n"
	        "external-ip 1.2.3.4\ningress 1.2.3.5\naddress eth0 192.0.2.10\naddress eth1 192.0.2.11\n"
	        "address kube-ipvs0 10.96.0.10\naddress eth0 2001:db8::10\n"
	        "node-ports 192.0.2.11/32\n" SLICE "endpoint 10.0.1.1\n",
	        "UDP 1.2.3.4:53 -> 10.0.1.1:5353\n"
	        "UDP 1.2.3.5:53 -> 10.0.1.1:5353\n"
	        "UDP 10.96.0.10:53 -> 10.0.1.1:5353\n"
	        "UDP 192.0.2.11:30053 -> 10.0.1.1:5353\n");
}
END_TEST

START_TEST(without_external_ips_they_are_no_keys)
{
	ck_assert_flows(DNS "external-ip 1.2.3.4\noption-without-external-ips\n" SLICE "endpoint 10.0.1.1\n",
	                "UDP 10.96.0.10:53 -> 10.0.1.1:5353\n");
}
END_TEST

START_TEST(each_family_has_its_own_endpoints)
{
	static const char both[] =
	        "cluster-ip 10.96.0.10 fd00::a\nport dns UDP 53\n" SLICE "endpoint 10.0.1.1\n"
	        "slice IPv6\nslice-port dns UDP 5354\nendpoint fd01::1\nendpoint 10.0.1.2\n";
	ck_assert_flows(both, "UDP 10.96.0.10:53 -> 10.0.1.1:5353\nUDP [fd00::a]:53 -> [fd01::1]:5354\n");
	ck_assert_flows_with(both, "option-without-ipv6\n", "UDP 10.96.0.10:53 -> 10.0.1.1:5353\n");
}
END_TEST

/* SCTP too. A TCP client notices by itself. */
START_TEST(tcp_needs_none_and_sctp_does)
{
	ck_assert_flows("cluster-ip 10.96.0.10\nport a TCP 53\nport b SCTP 53\nport c UDP 53\n"
	                "slice IPv4\nslice-port a TCP 1\nslice-port b SCTP 2\nslice-port c UDP 3\nendpoint "
	                "10.0.1.1\n",
	                "UDP 10.96.0.10:53 -> 10.0.1.1:3\nSCTP 10.96.0.10:53 -> 10.0.1.1:2\n");
}
END_TEST

/* One that moves its port serves at the new one only (R11.5). */
START_TEST(a_port_number_is_part_of_who_serves)
{
	ck_assert_flows(DNS SLICE
	                "endpoint 10.0.1.1\n"
	                "slice IPv4\nslice-port dns UDP 5300\nendpoint 10.0.1.1\nendpoint 10.0.1.2\n",
	                "UDP 10.96.0.10:53 -> 10.0.1.1:5300 10.0.1.1:5353 10.0.1.2:5300\n");
}
END_TEST

/* As plan_service() has it: an external IP goes before a node port, and who has the key has its flows. */
START_TEST(who_has_an_address_and_port_has_its_flows)
{
	static const char contested[] =
	        "type NodePort\ncluster-ip 10.96.0.1\nport a UDP 80 3001\nport b UDP 3001\n"
	        "external-ip 192.0.2.10\naddress eth0 192.0.2.10\n"
	        "slice IPv4\nslice-port a UDP 1\nendpoint 10.0.1.1\n";
	ck_assert_flows_with(contested, "slice IPv4\nslice-port b UDP 2\nendpoint 10.0.1.1\n",
	                     "UDP 10.96.0.1:80 -> 10.0.1.1:1\nUDP 10.96.0.1:3001 -> 10.0.1.1:2\n"
	                     "UDP 192.0.2.10:80 -> 10.0.1.1:1\nUDP 192.0.2.10:3001 -> 10.0.1.1:2\n");
	ck_assert_flows(contested, "UDP 10.96.0.1:80 -> 10.0.1.1:1\nUDP 192.0.2.10:80 -> 10.0.1.1:1\n");
}
END_TEST

START_TEST(what_is_not_served_here_has_no_flows)
{
	static const char *const reasons[] = {"other-proxy\n", "type ExternalName\n"};
	for (size_t i = 0; i < 2; i++)
		ck_assert_flows_with(DNS SLICE "endpoint 10.0.1.1\n", reasons[i], "");
	ck_assert_flows("cluster-ip None\nport dns UDP 53\n" SLICE "endpoint 10.0.1.1\n", "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/flows");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, a_cluster_ip_leads_to_those_who_serve);
	tcase_add_test(tests, only_serving_counts);
	tcase_add_test(tests, policies_do_not_count);
	tcase_add_test(tests, where_nobody_serves_flows_are_left_alone);
	tcase_add_test(tests, every_kind_of_address_is_a_key);
	tcase_add_test(tests, without_external_ips_they_are_no_keys);
	tcase_add_test(tests, each_family_has_its_own_endpoints);
	tcase_add_test(tests, tcp_needs_none_and_sctp_does);
	tcase_add_test(tests, a_port_number_is_part_of_who_serves);
	tcase_add_test(tests, who_has_an_address_and_port_has_its_flows);
	tcase_add_test(tests, what_is_not_served_here_has_no_flows);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
