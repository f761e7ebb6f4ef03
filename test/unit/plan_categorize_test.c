/* Group L of the conformance list: which endpoints of a service port may serve whom. */
#include "categorize.h"
#include "plan_scenario.h"
#include "support.h"

static const struct audience CLUSTER = {.uses_cluster = true};
static const struct audience LOCAL = {.uses_local = true};
static const struct audience BOTH = {.uses_cluster = true, .uses_local = true};

static void list_print(const char *name, const struct real_server *servers, size_t count, struct text *text)
{
	text_add(text, name);
	real_servers_print(servers, count, text);
	text_add_char(text, '\n');
}

/* `given`: node and endpoint lines. `wanted`: the two lists, and "nothing" if there is no endpoint at all. */
static void check(const char *given, struct audience audience, const char *wanted)
{
	static const struct service_port port = {.name = "", .port = 80, .protocol = PROTOCOL_TCP};
	struct scenario scenario;
	struct endpoints endpoints;
	struct port_endpoints of_port;
	struct categories categories;
	auto_text got = {0};
	scenario_plan(&scenario, (const char *const[]){"slice IPv4\nslice-port - TCP 80\n", given, NULL});
	endpoints_build(&scenario.service, FAMILY_IPV4, scenario.slice_list, scenario.slice_count,
	                &scenario.node, &scenario.arena, &endpoints);
	endpoints_of_port(&endpoints, &port, &scenario.arena, &of_port);
	categorize(&of_port, audience, &scenario.arena, &categories);
	list_print("cluster", categories.cluster, categories.cluster_count, &got);
	list_print("local", categories.local, categories.local_count, &got);
	text_add(&got, categories.has_any ? "" : "nothing\n");
	ck_assert_texts(given, wanted, text_string(&got));
	scenario_done(&scenario);
}

struct category_case {
	const char *given;
	struct audience audience;
	const char *wanted;
};

#define CHECK_ALL(cases)                                              \
	for (size_t i = 0; i < sizeof(cases) / sizeof(*(cases)); i++) \
	check((cases)[i].given, (cases)[i].audience, (cases)[i].wanted)

#define ALL_HINTED                                                         \
	"endpoint 10.1.2.3 zones=zone-a\nendpoint 10.1.2.4 zones=zone-b\n" \
	"endpoint 10.1.2.5 zones=zone-b\nendpoint 10.1.2.6 zones=zone-a\n"
#define ALL_FOUR "cluster 10.1.2.3:80 10.1.2.4:80 10.1.2.5:80 10.1.2.6:80\nlocal\n"

START_TEST(zone_hints_choose_the_endpoints_of_the_nodes_zone)
{
	const struct category_case cases[] = {
	        /* C64 */
	        {"node test-node zone-a\n" ALL_HINTED, CLUSTER, "cluster 10.1.2.3:80 10.1.2.6:80\nlocal\n"},
	        /* C65 */
	        {"node test-node\n" ALL_HINTED, CLUSTER, ALL_FOUR},
	        {"node test-node -\n" ALL_HINTED, CLUSTER, ALL_FOUR},
	        {"node test-node -\nendpoint 10.1.2.3 zones=-\nendpoint 10.1.2.4 zones=zone-a\n", CLUSTER,
	         "cluster 10.1.2.3:80 10.1.2.4:80\nlocal\n"},
	        /* C66 */
	        {"node test-node zone-c\n" ALL_HINTED, CLUSTER, ALL_FOUR},
	        /* C69 */
	        {"node test-node zone-a\n" ALL_HINTED "endpoint 10.1.2.7\n", CLUSTER,
	         "cluster 10.1.2.3:80 10.1.2.4:80 10.1.2.5:80 10.1.2.6:80 10.1.2.7:80\nlocal\n"},
	        /* C70 */
	        {"node test-node zone-a\nendpoint 10.1.2.3 zones=zone-a,zone-b,zone-c\n"
	         "endpoint 10.1.2.4 zones=zone-b,zone-c\nendpoint 10.1.2.5 zones=zone-b,zone-d\n"
	         "endpoint 10.1.2.6 zones=zone-c,zone-a\n",
	         CLUSTER, "cluster 10.1.2.3:80 10.1.2.6:80\nlocal\n"},
	};
	CHECK_ALL(cases);
}
END_TEST

START_TEST(only_ready_endpoints_decide_about_hints)
{
	const struct category_case cases[] = {
	        /* C67 */
	        {"node test-node zone-a\nendpoint 10.1.2.3 unready zones=zone-a\n"
	         "endpoint 10.1.2.4 zones=zone-b\nendpoint 10.1.2.6 zones=zone-a\n",
	         CLUSTER, "cluster 10.1.2.6:80\nlocal\n"},
	        /* C68 */
	        {"node test-node zone-a\nendpoint 10.1.2.3 unready zones=zone-a\n"
	         "endpoint 10.1.2.4 zones=zone-b\nendpoint 10.1.2.5 zones=zone-c\n",
	         CLUSTER, "cluster 10.1.2.4:80 10.1.2.5:80\nlocal\n"},
	        /* R3.2: an unready endpoint without hint spoils nothing. */
	        {"node test-node zone-a\nendpoint 10.1.2.3 unready\nendpoint 10.1.2.4 zones=zone-b\n"
	         "endpoint 10.1.2.6 zones=zone-a\n",
	         CLUSTER, "cluster 10.1.2.6:80\nlocal\n"},
	        /* R3.4: the fall-back knows no hints. */
	        {"node test-node zone-a\nendpoint 10.1.2.3 serving-terminating zones=zone-a\n"
	         "endpoint 10.1.2.4 serving-terminating zones=zone-b\n",
	         CLUSTER, "cluster 10.1.2.3:80 10.1.2.4:80\nlocal\n"},
	};
	CHECK_ALL(cases);
}
END_TEST

START_TEST(node_hints_go_before_zone_hints)
{
	const struct category_case cases[] = {
	        /* C71 */
	        {"node test-node zone-a\nendpoint 10.1.2.3 zones=zone-a nodes=test-node\n"
	         "endpoint 10.1.2.4 zones=zone-a nodes=node-2\nendpoint 10.1.2.5 zones=zone-b nodes=node-3\n",
	         CLUSTER, "cluster 10.1.2.3:80\nlocal\n"},
	        /* C72 */
	        {"node test-node zone-a\nendpoint 10.1.2.3 zones=zone-a nodes=test-node\n"
	         "endpoint 10.1.2.4\n",
	         CLUSTER, "cluster 10.1.2.3:80 10.1.2.4:80\nlocal\n"},
	        {"node test-node zone-a\nendpoint 10.1.2.3 zones=zone-a nodes=test-node\n"
	         "endpoint 10.1.2.4 zones=zone-a\nendpoint 10.1.2.5 zones=zone-b\n",
	         CLUSTER, "cluster 10.1.2.3:80 10.1.2.4:80\nlocal\n"},
	        /* C73 */
	        {"node test-node zone-a\nendpoint 10.1.2.3 zones=zone-a nodes=node-1\n"
	         "endpoint 10.1.2.4 zones=zone-a nodes=node-2\nendpoint 10.1.2.5 zones=zone-b nodes=node-3\n",
	         CLUSTER, "cluster 10.1.2.3:80 10.1.2.4:80\nlocal\n"},
	        /* A node without a name is nobody's hint. */
	        {"node -\nendpoint 10.1.2.3 nodes=test-node\nendpoint 10.1.2.4 nodes=node-2\n", CLUSTER,
	         "cluster 10.1.2.3:80 10.1.2.4:80\nlocal\n"},
	};
	CHECK_ALL(cases);
}
END_TEST

/* C74 */
START_TEST(the_local_list_ignores_hints)
{
	const struct category_case cases[] = {
	        {"node test-node zone-a\nendpoint 10.1.2.3 zones=zone-a\n"
	         "endpoint 10.1.2.4 local zones=zone-b\nendpoint 10.1.2.5 local zones=zone-b\n"
	         "endpoint 10.1.2.6 zones=zone-a\n",
	         BOTH, "cluster 10.1.2.3:80 10.1.2.6:80\nlocal 10.1.2.4:80 10.1.2.5:80\n"},
	        {"node test-node zone-a\nendpoint 10.1.2.3 zones=zone-a\n"
	         "endpoint 10.1.2.4 local zones=zone-b\n",
	         LOCAL, "cluster\nlocal 10.1.2.4:80\n"},
	};
	CHECK_ALL(cases);
}
END_TEST

START_TEST(lists_that_no_policy_uses_are_absent)
{
	const struct category_case cases[] = {
	        /* C75 */
	        {"endpoint 10.0.0.0 local\nendpoint 10.0.0.1\n", LOCAL, "cluster\nlocal 10.0.0.0:80\n"},
	        {"endpoint 10.0.0.0\nendpoint 10.0.0.1\n", LOCAL, "cluster\nlocal\n"},
	        {"", LOCAL, "cluster\nlocal\nnothing\n"},
	        /* C76 */
	        {"endpoint 10.0.0.0 local\nendpoint 10.0.0.1\n", CLUSTER,
	         "cluster 10.0.0.0:80 10.0.0.1:80\nlocal\n"},
	};
	CHECK_ALL(cases);
}
END_TEST

/* C77 */
START_TEST(the_cluster_list_falls_back_to_those_that_serve_while_terminating)
{
	const struct category_case cases[] = {
	        {"endpoint 10.0.0.0 unready\nendpoint 10.0.0.1 local unready\n", CLUSTER,
	         "cluster\nlocal\nnothing\n"},
	        {"endpoint 10.0.0.0 terminating\nendpoint 10.0.0.1 serving\n", CLUSTER,
	         "cluster\nlocal\nnothing\n"},
	        {"endpoint 10.0.0.0 local\nendpoint 10.0.0.1\nendpoint 10.0.0.2 serving-terminating\n"
	         "endpoint 10.0.0.3 unready\n",
	         CLUSTER, "cluster 10.0.0.0:80 10.0.0.1:80\nlocal\n"},
	        {"endpoint 10.0.0.0 local serving-terminating\nendpoint 10.0.0.1 serving-terminating\n",
	         CLUSTER, "cluster 10.0.0.0:80 10.0.0.1:80\nlocal\n"},
	};
	CHECK_ALL(cases);
}
END_TEST

/* C78 */
START_TEST(each_list_falls_back_for_itself)
{
	check("endpoint 10.0.0.0\nendpoint 10.0.0.1 local unready\n"
	      "endpoint 10.0.0.2 local serving-terminating\nendpoint 10.0.0.3 serving-terminating\n",
	      BOTH, "cluster 10.0.0.0:80\nlocal 10.0.0.2:80\n");
}
END_TEST

/* C79 */
START_TEST(with_remote_endpoints_only_the_local_list_is_empty)
{
	const struct category_case cases[] = {
	        {"endpoint 10.0.0.0\nendpoint 10.0.0.1\n", BOTH, "cluster 10.0.0.0:80 10.0.0.1:80\nlocal\n"},
	        {"endpoint 10.0.0.0 serving-terminating\nendpoint 10.0.0.1 serving-terminating\n", BOTH,
	         "cluster 10.0.0.0:80 10.0.0.1:80\nlocal\n"},
	};
	CHECK_ALL(cases);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/categorize");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, zone_hints_choose_the_endpoints_of_the_nodes_zone);
	tcase_add_test(tests, only_ready_endpoints_decide_about_hints);
	tcase_add_test(tests, node_hints_go_before_zone_hints);
	tcase_add_test(tests, the_local_list_ignores_hints);
	tcase_add_test(tests, lists_that_no_policy_uses_are_absent);
	tcase_add_test(tests, the_cluster_list_falls_back_to_those_that_serve_while_terminating);
	tcase_add_test(tests, each_list_falls_back_for_itself);
	tcase_add_test(tests, with_remote_endpoints_only_the_local_list_is_empty);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
