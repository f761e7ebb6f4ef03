/*
 * From changed slices to changes for the kernel: group N of the conformance list as far as it is about changes.
 */
#include "planner.h"

#include "support.h"

#include "base/check.h"
#include "plan/diff.h"
#include "plan/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PARTS 4

static struct planner planner;

static void ignore_warning(void *context, const char *owner, const char *const *sentences, size_t count)
{
	(void)context, (void)owner, (void)sentences, (void)count;
}

static void ignore_remark(void *context, const char *sentence)
{
	(void)context, (void)sentence;
}

/* The Service of all cases: p and q are UDP, t is TCP. */
static void put_service(void)
{
	static const struct service_port ports[] = {{.name = "p", .port = 53, .protocol = PROTOCOL_UDP},
	                                            {.name = "q", .port = 54, .protocol = PROTOCOL_UDP},
	                                            {.name = "t", .port = 80, .protocol = PROTOCOL_TCP}};
	struct service service = {.name = {"ns1", "ep1"},
	                          .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	                          .ports = ports,
	                          .port_count = 3};
	CHECK(address_parse("10.0.0.1", &service.cluster_ip));
	cluster_put_service(planner.cluster, service_new(&service));
}

static void set_up(void)
{
	static const struct planner_listener listener = {.warned = ignore_warning, .remarked = ignore_remark};
	static const struct node_port_rule all = {0};
	planner_init(&planner, "n1", "kube-ipvs0", "rr", &all, &listener);
	put_service();
}

static void tear_down(void)
{
	planner_done(&planner);
}

/* "p 11 1.1.1.1 1.1.1.2": a slice with one port, by the Service's names, and its ready endpoints. Changes the text. */
static void put_slice(const char *name, char *text)
{
	char *rest = text;
	const char *port_name = strsep(&rest, " ");
	struct slice_port port = {.name = port_name,
	                          .port = (uint16_t)atoi(strsep(&rest, " ")),
	                          .protocol = *port_name == 't' ? PROTOCOL_TCP : PROTOCOL_UDP};
	struct endpoint endpoints[MOST_PARTS] = {{.ready = false}};
	struct slice slice = {.name = {"ns1", name},
	                      .service = "ep1",
	                      .family = FAMILY_IPV4,
	                      .ports = &port,
	                      .port_count = 1,
	                      .endpoints = endpoints};
	for (const char *address = strsep(&rest, " "); address != NULL; address = strsep(&rest, " ")) {
		struct endpoint *endpoint = &endpoints[slice.endpoint_count++];
		*endpoint = (struct endpoint){.ready = true, .serving = true};
		CHECK(address_parse(address, &endpoint->address));
	}
	cluster_put_slice(planner.cluster, slice_new(&slice));
}

/* Makes the slices those of the list; NULL is no slice. */
static void put_slices(const char *const *slices)
{
	static const char *const names[MOST_PARTS] = {"a", "b", "c", "d"};
	for (int i = 0; i < MOST_PARTS; i++) {
		char text[128];
		if (slices[i] == NULL) {
			cluster_remove_slice(planner.cluster, (struct object_name){"ns1", names[i]});
			continue;
		}
		snprintf(text, sizeof(text), "%s", slices[i]);
		put_slice(names[i], text);
	}
}

/* Plans, and gives what changed since the last time. */
static void plan_changes(struct arena *arena, struct changes *ret_changes)
{
	static const struct removal_rules rules = {.all_ours = true};
	struct state before, now;
	planner_run(&planner);
	ledger_touched(planner.ledger, arena, &before, &now);
	diff_build(&before, &now, &rules, ret_changes);
	ledger_settle(planner.ledger);
}

static const struct {
	const char *what;
	const char *before[MOST_PARTS];
	const char *after[MOST_PARTS];
	const char *wanted; /* the real servers afterwards, each behind its Service port: "53 1.1.1.1:11" */
	bool udp_touched;
} cases[] = {
        {"nothing at all", {NULL}, {NULL}, "", false},
        {"no change, one port", {"p 11 1.1.1.1"}, {"p 11 1.1.1.1"}, "53 1.1.1.1:11\n", false},
        {"no change, two slices",
         {"p 11 1.1.1.1", "q 12 1.1.1.2"},
         {"p 11 1.1.1.1", "q 12 1.1.1.2"},
         "53 1.1.1.1:11\n54 1.1.1.2:12\n",
         false},
        {"a port is added", {NULL}, {"p 11 1.1.1.1"}, "53 1.1.1.1:11\n", true},
        {"a port is removed", {"p 11 1.1.1.1"}, {NULL}, "", true},
        {"an address is added",
         {"p 11 1.1.1.1"},
         {"p 11 1.1.1.1 1.1.1.2"},
         "53 1.1.1.1:11\n53 1.1.1.2:11\n",
         true},
        {"an address is removed", {"p 11 1.1.1.1 1.1.1.2"}, {"p 11 1.1.1.1"}, "53 1.1.1.1:11\n", true},
        {"a slice is added",
         {"p 11 1.1.1.1"},
         {"p 11 1.1.1.1", "q 22 1.1.1.2"},
         "53 1.1.1.1:11\n54 1.1.1.2:22\n",
         true},
        {"a slice is removed", {"p 11 1.1.1.1", "q 22 1.1.1.2"}, {"p 11 1.1.1.1"}, "53 1.1.1.1:11\n", true},
        {"the port is renamed", {"p 11 1.1.1.1"}, {"q 11 1.1.1.1"}, "54 1.1.1.1:11\n", true},
        {"the port has another number", {"p 11 1.1.1.1"}, {"p 22 1.1.1.1"}, "53 1.1.1.1:22\n", true},
        {"from no address to one", {"p 11"}, {"p 11 1.1.1.1"}, "53 1.1.1.1:11\n", true},
        {"from one address to none", {"p 11 1.1.1.1"}, {"p 11"}, "", true},
        {"a name that no service port has",
         {"p 11 1.1.1.1"},
         {"p 11 1.1.1.1", "x 33 1.1.1.3"},
         "53 1.1.1.1:11\n",
         false},
        {"only TCP changes",
         {"p 11 1.1.1.1", "t 44 1.1.1.1"},
         {"p 11 1.1.1.1", "t 44 1.1.1.2"},
         "53 1.1.1.1:11\n80 1.1.1.2:44\n",
         false},
        {"several things at once",
         {"p 11 1.1.1.1 1.1.1.2", "q 22 2.2.2.2"},
         {"p 11 1.1.1.2 1.1.1.3", "q 23 2.2.2.2", "t 80 3.3.3.3"},
         "53 1.1.1.2:11\n53 1.1.1.3:11\n54 2.2.2.2:23\n80 3.3.3.3:80\n",
         true},
};

static void print_real_servers(struct arena *arena, struct text *text)
{
	struct state wanted;
	ledger_wanted(planner.ledger, arena, &wanted);
	for (size_t i = 0; i < wanted.virtual_server_count; i++) {
		const struct virtual_server *server = &wanted.virtual_servers[i];
		for (size_t j = 0; j < server->real_server_count; j++) {
			char endpoint[ENDPOINT_TEXT_SIZE];
			endpoint_format(&server->real_servers[j].address, server->real_servers[j].port,
			                endpoint);
			text_addf(text, "%u %s\n", server->key.port, endpoint);
		}
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The protocols of the keys sort TCP before UDP; the cases are written by port. */
static void sort_lines(struct text *text)
{
	char *lines[16], *rest = text->bytes, *copy;
	size_t count = 0;
	if (text->length == 0)
		return;
	rest = copy = strdup(text->bytes);
	for (char *line = strsep(&rest, "\n"); line != NULL && *line != '\0'; line = strsep(&rest, "\n"))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), compare_lines);
	text_clear(text);
	for (size_t i = 0; i < count; i++)
		text_addf(text, "%s\n", lines[i]);
	free(copy);
}

/* C87 */
START_TEST(changed_slices_change_exactly_their_real_servers_and_tell_whether_udp_is_touched)
{
	struct arena arena = {0};
	struct changes first = {0}, second = {0};
	auto_text text = {0};
	put_slices(cases[_i].before);
	plan_changes(&arena, &first);
	put_slices(cases[_i].after);
	plan_changes(&arena, &second);
	print_real_servers(&arena, &text);
	sort_lines(&text);
	ck_assert_texts(cases[_i].what, cases[_i].wanted, text_string(&text));
	ck_assert_msg(changes_touch_protocol(&second, PROTOCOL_UDP) == cases[_i].udp_touched,
	              "%s: UDP is %stouched", cases[_i].what, cases[_i].udp_touched ? "not " : "");
	vector_done(&first);
	vector_done(&second);
	arena_done(&arena);
}
END_TEST

/* not only endpoints leave stale flows behind. */
START_TEST(a_new_service_with_a_udp_port_touches_udp)
{
	struct arena arena = {0};
	struct changes changes = {0};
	plan_changes(&arena, &changes);
	ck_assert(changes_touch_protocol(&changes, PROTOCOL_UDP));
	ck_assert(!changes_touch_protocol(&changes, PROTOCOL_SCTP));
	vector_done(&changes);
	arena_done(&arena);
}
END_TEST

START_TEST(only_the_changed_service_is_planned_again)
{
	static const char *const slices[MOST_PARTS] = {"p 11 1.1.1.1"};
	planner_run(&planner);
	ck_assert_uint_eq(planner.services_planned, 1);
	planner_run(&planner);
	ck_assert_uint_eq(planner.services_planned, 0);
	put_slices(slices);
	put_slices(slices);
	planner_run(&planner);
	ck_assert_uint_eq(planner.services_planned, 1);
}
END_TEST

/* A further Service, with a NodePort. */
static void put_node_port_service(void)
{
	static const struct service_port port = {
	        .name = "p", .port = 80, .node_port = 30080, .protocol = PROTOCOL_TCP};
	struct service service = {.name = {"ns1", "outside"},
	                          .type = SERVICE_NODE_PORT,
	                          .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	                          .ports = &port,
	                          .port_count = 1};
	CHECK(address_parse("10.0.0.2", &service.cluster_ip));
	cluster_put_service(planner.cluster, service_new(&service));
}

START_TEST(a_new_node_address_has_services_with_node_ports_planned_again)
{
	struct interface_address own = {.interface = "eth0"};
	CHECK(address_parse("192.0.2.10", &own.address));
	put_node_port_service();
	planner_run(&planner);
	ck_assert_uint_eq(planner.services_planned, 2);
	planner_refresh_node(&planner, &own, 1);
	planner_run(&planner);
	ck_assert_uint_eq(planner.services_planned, 1);
	planner_refresh_node(&planner, &own, 1);
	planner_run(&planner);
	ck_assert_uint_eq(planner.services_planned, 0);
}
END_TEST

START_TEST(the_nodes_zone_counts_as_soon_as_the_node_is_known)
{
	const char *const zone = "zone-a";
	const struct endpoint_hints hints = {.zones = &zone, .zone_count = 1};
	struct endpoint endpoint = {.ready = true, .serving = true, .hints = &hints};
	struct slice slice = {.name = {"ns1", "hinted"},
	                      .service = "ep1",
	                      .family = FAMILY_IPV4,
	                      .endpoints = &endpoint,
	                      .endpoint_count = 1};
	struct node node = {.name = "n1", .zone = zone};
	CHECK(address_parse("1.1.1.1", &endpoint.address));
	cluster_put_slice(planner.cluster, slice_new(&slice));
	put_node_port_service();
	planner_run(&planner);
	cluster_put_node(planner.cluster, node_new(&node));
	planner_refresh_node(&planner, NULL, 0);
	ck_assert_str_eq(planner.view.zone, "zone-a");
	planner_run(&planner);
	ck_assert_uint_eq(planner.services_planned, 1);
	cluster_remove_node(planner.cluster, "n1");
	ck_assert_str_eq(planner.view.zone, "zone-a");
}
END_TEST

/* R1.28, R13.8: kept until what they led to is in force, also over a run that failed. */
/* R9.5, R14.11: what the Node tells of itself, and a bind address before that. Q-24: at once. */
START_TEST(primary_node_ports_follow_the_node_and_the_bind_address)
{
	const struct interface_address present[] = {
	        {.interface = "eth0", .address = {FAMILY_IPV4, {192, 0, 2, 1}}},
	        {.interface = "eth0", .address = {FAMILY_IPV4, {192, 0, 2, 2}}},
	};
	const struct node draft = {.name = "n1", .addresses = &present[0].address, .address_count = 1};
	planner.node_ports.primary = true;
	planner_refresh_node(&planner, present, 2);
	ck_assert_uint_eq(planner.view.node_port_address_count, 0);
	cluster_put_node(planner.cluster, node_new(&draft));
	planner_refresh_node(&planner, present, 2);
	ck_assert_uint_eq(planner.view.node_port_address_count, 1);
	ck_assert_uint_eq(planner.view.node_port_addresses[0].bytes[3], 1);
	planner.bind_address = present[1].address;
	planner_refresh_node(&planner, present, 2);
	ck_assert_uint_eq(planner.view.node_port_address_count, 1);
	ck_assert_uint_eq(planner.view.node_port_addresses[0].bytes[3], 2);
	ck_assert_uint_eq(planner.view.primary[0].bytes[3], 2);
	ck_assert_uint_eq(planner.view.primary[1].family, FAMILY_NONE);
}
END_TEST

START_TEST(triggers_are_collected_until_they_are_cleared)
{
	static const int64_t triggers[] = {3000, 2000, 0};
	for (size_t i = 0; i < 3; i++) {
		const char *const names[] = {"a", "b", "c"};
		struct slice slice = {.name = {"ns1", names[i]},
		                      .service = "ep1",
		                      .family = i == 0 ? FAMILY_IPV4 : FAMILY_IPV6,
		                      .trigger_ns = triggers[i]};
		cluster_put_slice(planner.cluster, slice_new(&slice));
	}
	planner_run(&planner);
	planner_run(&planner);
	ck_assert_uint_eq(planner.triggers.count, 2);
	ck_assert_int_eq(planner.triggers.items[0].since_ns, 3000);
	ck_assert_uint_eq(planner.triggers.items[0].family, FAMILY_IPV4);
	ck_assert_int_eq(planner.triggers.items[1].since_ns, 2000);
	ck_assert_uint_eq(planner.triggers.items[1].family, FAMILY_IPV6);
	vector_clear(&planner.triggers);
	planner_run(&planner);
	ck_assert_uint_eq(planner.triggers.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd planner");
	TCase *tests = tcase_create("planner");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests,
	                    changed_slices_change_exactly_their_real_servers_and_tell_whether_udp_is_touched,
	                    0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tests, a_new_service_with_a_udp_port_touches_udp);
	tcase_add_test(tests, only_the_changed_service_is_planned_again);
	tcase_add_test(tests, a_new_node_address_has_services_with_node_ports_planned_again);
	tcase_add_test(tests, the_nodes_zone_counts_as_soon_as_the_node_is_known);
	tcase_add_test(tests, primary_node_ports_follow_the_node_and_the_bind_address);
	tcase_add_test(tests, triggers_are_collected_until_they_are_cleared);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
