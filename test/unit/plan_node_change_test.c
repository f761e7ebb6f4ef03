/*
 * Which Services a change of the node concerns: whoever is passed over plans to the same as before.
 *
 * Random Services, slices and nodes out of a small world, in which everything meets everything: TEST_ROUNDS of them
 * (environment; 500 unless said), from TEST_SEED on.
 */
#include "plan/node_change.h"

#include "plan_model.h"
#include "plan_scenario.h"
#include "support.h"

#include "plan/flows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 500, MOST = 4, POOL = 6 };

static const char *const zones[] = {NULL, "", "zone-a", "zone-b"};
static const char *const nodes[] = {NULL, "test-node", "other-node"};

struct world {
	struct dice dice;
	struct arena arena;
	struct address own, cluster_ips[2];
	struct service service;
	const struct slice *slices[2];
	size_t slice_count;
};

static uint64_t setting(const char *name, uint64_t standard)
{
	const char *text = getenv(name);
	return text ? strtoull(text, NULL, 10) : standard;
}

/* Out of few, so that a node's, an endpoint's and a Service's address are often the same; the last are loopback ones. */
static struct address roll_address(struct world *world, enum family family)
{
	char text[ADDRESS_TEXT_SIZE];
	struct address address;
	uint32_t number = dice_roll(&world->dice, POOL);
	if (family == FAMILY_IPV4)
		snprintf(text, sizeof(text), number == 0 ? "127.0.0.%u" : "192.0.2.%u", number + 1);
	else
		snprintf(text, sizeof(text), number == 0 ? "::%u" : "fd00::%u", number + 1);
	ck_assert(address_parse(text, &address));
	return address;
}

static enum family roll_family(struct world *world)
{
	return dice_roll(&world->dice, 3) == 0 ? FAMILY_IPV6 : FAMILY_IPV4;
}

#define ROLL_ONE_OF(world, array) \
	((array)[dice_roll(&(world)->dice, (uint32_t)(sizeof(array) / sizeof(*(array))))])

static void roll_ports(struct world *world)
{
	static const uint8_t protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP};
	struct service *service = &world->service;
	service->port_count = 1 + dice_roll(&world->dice, 2);
	struct service_port *ports = arena_new_array(&world->arena, 2, struct service_port);
	for (uint32_t i = 0; i < service->port_count; i++)
		ports[i] = (struct service_port){
		        .name = i == 0 ? "a" : "b",
		        .port = (uint16_t)(80 + i),
		        .node_port = dice_chance(&world->dice, 30) ? (uint16_t)(30080 + i) : 0,
		        .protocol = ROLL_ONE_OF(world, protocols),
		};
	service->ports = ports;
}

static void roll_outside(struct world *world)
{
	struct service *service = &world->service;
	struct address *externals = arena_new_array(&world->arena, MOST, struct address);
	struct load_balancer_ingress *ingress =
	        arena_new_array(&world->arena, MOST, struct load_balancer_ingress);
	struct cidr *ranges = arena_new_array(&world->arena, MOST, struct cidr);
	service->external_ip_count = dice_chance(&world->dice, 30) ? 1 + dice_roll(&world->dice, 2) : 0;
	service->ingress_count = dice_chance(&world->dice, 30) ? 1 + dice_roll(&world->dice, 2) : 0;
	service->source_range_count = dice_chance(&world->dice, 40) ? 1 + dice_roll(&world->dice, 2) : 0;
	for (uint32_t i = 0; i < service->external_ip_count; i++)
		externals[i] = roll_address(world, roll_family(world));
	for (uint32_t i = 0; i < service->ingress_count; i++)
		ingress[i] =
		        (struct load_balancer_ingress){.address = roll_address(world, roll_family(world)),
		                                       .proxied = dice_chance(&world->dice, 10)};
	for (uint32_t i = 0; i < service->source_range_count; i++) {
		ranges[i] = (struct cidr){.base = roll_address(world, roll_family(world))};
		ranges[i].prefix_bits = family_bits(ranges[i].base.family);
	}
	service->external_ips = externals;
	service->ingress = ingress;
	service->source_ranges = ranges;
}

static void roll_service(struct world *world)
{
	static const uint8_t types[] = {SERVICE_CLUSTER_IP, SERVICE_NODE_PORT, SERVICE_LOAD_BALANCER};
	ck_assert(address_parse("10.0.0.1", &world->cluster_ips[0]));
	ck_assert(address_parse("fd00:1::1", &world->cluster_ips[1]));
	world->service = (struct service){
	        .name = {"default", "web"},
	        .type = ROLL_ONE_OF(world, types),
	        .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	        .proxied_elsewhere = dice_chance(&world->dice, 5),
	        .internal_policy_local = dice_chance(&world->dice, 20),
	        .external_policy_local = dice_chance(&world->dice, 40),
	        .cluster_ip = world->cluster_ips[0],
	        .cluster_ips = world->cluster_ips,
	        .cluster_ip_count = dice_chance(&world->dice, 70) ? 2 : 1,
	};
	static const uint8_t families[] = {FAMILY_IPV4, FAMILY_IPV6};
	world->service.ip_families = families;
	world->service.ip_family_count = world->service.cluster_ip_count;
	roll_ports(world);
	roll_outside(world);
}

static const struct endpoint_hints *roll_hints(struct world *world)
{
	if (dice_chance(&world->dice, 60))
		return NULL;
	struct endpoint_hints *hints = arena_new_array(&world->arena, 1, struct endpoint_hints);
	const char **names = arena_new_array(&world->arena, 2, const char *);
	hints->zone_count = (uint16_t)dice_roll(&world->dice, 3);
	for (uint16_t i = 0; i < hints->zone_count; i++)
		names[i] = dice_chance(&world->dice, 50) ? "zone-a" : "zone-b";
	hints->zones = names;
	if (dice_chance(&world->dice, 20)) {
		hints->nodes = &nodes[1];
		hints->node_count = 1;
	}
	return hints;
}

static void roll_slice(struct world *world, enum family family)
{
	static const struct slice_port ports[] = {{.name = "a", .port = 8080, .protocol = PROTOCOL_TCP},
	                                          {.name = "a", .port = 8081, .protocol = PROTOCOL_UDP},
	                                          {.name = "b", .port = 8082, .protocol = PROTOCOL_TCP}};
	struct slice *slice = arena_new_array(&world->arena, 1, struct slice);
	struct endpoint *endpoints = arena_new_array(&world->arena, MOST, struct endpoint);
	*slice = (struct slice){.name = {"default", family == FAMILY_IPV4 ? "web-4" : "web-6"},
	                        .service = "web",
	                        .family = (uint8_t)family,
	                        .ports = ports,
	                        .port_count = 3,
	                        .endpoints = endpoints,
	                        .endpoint_count = dice_roll(&world->dice, MOST + 1)};
	for (uint32_t i = 0; i < slice->endpoint_count; i++) {
		bool ready = dice_chance(&world->dice, 80);
		endpoints[i] = (struct endpoint){.address = roll_address(world, family),
		                                 .ready = ready,
		                                 .serving = ready || dice_chance(&world->dice, 50),
		                                 .terminating = !ready,
		                                 .node_name = ROLL_ONE_OF(world, nodes),
		                                 .hints = roll_hints(world)};
	}
	world->slices[world->slice_count++] = slice;
}

static void roll_view(struct world *world, struct node_view *ret_view)
{
	struct interface_address present[MOST];
	struct address ips[2];
	size_t ip_count = dice_roll(&world->dice, 3), count = dice_roll(&world->dice, MOST + 1);
	struct cidr range = {.base = roll_address(world, FAMILY_IPV4), .prefix_bits = 32};
	struct node_port_rule rule = {.primary = dice_chance(&world->dice, 30)};
	if (!rule.primary && dice_chance(&world->dice, 30)) {
		rule.cidrs = &range;
		rule.cidr_count = 1;
	}
	for (size_t i = 0; i < count; i++)
		present[i] = (struct interface_address){
		        .interface = dice_chance(&world->dice, 10) ? "kube-ipvs0" : "eth0",
		        .address = roll_address(world, roll_family(world))};
	for (size_t i = 0; i < ip_count; i++)
		ips[i] = roll_address(world, i == 0 ? FAMILY_IPV4 : FAMILY_IPV6);
	node_view_build("test-node", ROLL_ONE_OF(world, zones), present, count, "kube-ipvs0", ips, ip_count,
	                &rule, &world->arena, ret_view);
}

/* Everything that plan_service() and plan_flows() say about the Service on this node. */
static void tell(struct world *world, const struct node_view *view, struct text *text)
{
	const struct plan_options options = {.scheduler = "rr", .schedulers = known_schedulers};
	struct fragment fragment;
	struct flow_port *flows;
	size_t count;
	char key[VIRTUAL_SERVER_TEXT_SIZE];
	plan_service(&world->service, world->slices, world->slice_count, view, &options, &world->arena,
	             &fragment);
	fragment_print(&fragment, SHOW_ALL | SHOW_HAIRPINS | SHOW_LOCAL_READY, text);
	text_add(text, state_text(&fragment.state, &world->arena));
	plan_flows(&world->service, world->slices, world->slice_count, view, &options, &world->arena, &flows,
	           &count);
	for (size_t i = 0; i < count; i++)
		text_addf(text, "flow %s\n", virtual_server_key_format(&flows[i].key, key));
}

/* Often only a part of the view is another one. */
static void roll_views(struct world *world, struct node_view *ret_before, struct node_view *ret_after)
{
	struct node_view other;
	roll_view(world, ret_before);
	roll_view(world, &other);
	*ret_after = *ret_before;
	if (dice_chance(&world->dice, 50))
		ret_after->zone = other.zone;
	if (dice_chance(&world->dice, 40)) {
		ret_after->addresses = other.addresses;
		ret_after->address_count = other.address_count;
	}
	if (dice_chance(&world->dice, 40)) {
		ret_after->node_port_addresses = other.node_port_addresses;
		ret_after->node_port_address_count = other.node_port_address_count;
	}
	if (dice_chance(&world->dice, 40))
		memcpy(ret_after->primary, other.primary, sizeof(other.primary));
}

struct tally {
	unsigned concerned, passed_over, changed;
};

static void try_one(uint64_t seed, struct tally *tally)
{
	struct world world = {.dice = {.state = seed}};
	struct node_view before, after;
	struct node_change change;
	auto_text was = {0}, is = {0};
	char what[64];
	roll_service(&world);
	roll_slice(&world, FAMILY_IPV4);
	roll_slice(&world, FAMILY_IPV6);
	roll_views(&world, &before, &after);
	node_change_build(&before, &after, &change);
	bool concerned = node_change_concerns(&change, &world.service, world.slices, world.slice_count);
	tell(&world, &before, &was);
	tell(&world, &after, &is);
	snprintf(what, sizeof(what), "what is passed over, TEST_SEED=%llu", (unsigned long long)seed);
	if (!concerned)
		ck_assert_texts(what, text_string(&was), text_string(&is));
	ck_assert(!concerned || node_change_is_any(&change));
	tally->concerned += concerned;
	tally->passed_over += !concerned;
	tally->changed += strcmp(text_string(&was), text_string(&is)) != 0;
	arena_done(&world.arena);
}

START_TEST(a_service_that_is_passed_over_plans_to_the_same)
{
	uint64_t rounds = setting("TEST_ROUNDS", ROUNDS), seed = setting("TEST_SEED", 1);
	struct tally tally = {0};
	for (uint64_t i = 0; i < rounds; i++)
		try_one(seed + i, &tally);
	/* It would prove nothing if all were concerned, or none ever changed. */
	ck_assert_uint_gt(tally.passed_over, rounds / 10);
	ck_assert_uint_gt(tally.changed, rounds / 10);
	ck_assert_uint_gt(2 * tally.changed, tally.concerned);
}
END_TEST

/* ---- and not more than those */

static const char usual[] = "cluster-ip 10.0.0.1\nport - TCP 80\nslice IPv4\nslice-port - TCP 8080\n"
                            "endpoint 10.1.0.1 local\naddress eth0 192.0.2.1 192.0.2.2\n"
                            "node-ip 192.0.2.1\n";

static const struct {
	const char *what;
	const char *more; /* behind the usual Service */
	const char *zone;
	const char *node_address;
	bool concerned;
} cases[] = {
        {"a usual Service, another zone", "", "zone-b", NULL, false},
        {"a usual Service, a new address", "", NULL, "192.0.2.9", false},
        {"an endpoint hinted at the new zone", "endpoint 10.1.0.2 zones=zone-b\n", "zone-b", NULL, true},
        {"an endpoint hinted at a third zone", "endpoint 10.1.0.2 zones=zone-c\n", "zone-b", NULL, false},
        {"an endpoint hinted at this node", "endpoint 10.1.0.2 nodes=test-node\n", "zone-b", NULL, false},
        {"a NodePort", "type NodePort\nport x TCP 81 30080\n", NULL, "192.0.2.9", true},
        {"an external IP that the node gets", "external-ip 192.0.2.9\n", NULL, "192.0.2.9", true},
        {"an external IP elsewhere", "external-ip 203.0.113.1\n", NULL, "192.0.2.9", false},
        {"a balancer's IP that the node gets", "ingress 192.0.2.9\n", NULL, "192.0.2.9", true},
        {"a local endpoint on that address", "endpoint 192.0.2.9 local\n", NULL, "192.0.2.9", true},
        {"a remote endpoint on that address", "endpoint 192.0.2.9\n", NULL, "192.0.2.9", false},
};

START_TEST(only_who_looks_at_what_changed_is_concerned)
{
	struct scenario scenario;
	struct node_view after;
	struct node_change change;
	struct address addresses[3];
	scenario_plan(&scenario, (const char *const[]){usual, cases[_i].more, NULL});
	after = scenario.node;
	if (cases[_i].zone)
		after.zone = cases[_i].zone;
	if (cases[_i].node_address) {
		memcpy(addresses, scenario.node.addresses, 2 * sizeof(*addresses));
		ck_assert(address_parse(cases[_i].node_address, &addresses[2]));
		after.addresses = after.node_port_addresses = addresses;
		after.address_count = after.node_port_address_count = 3;
	}
	node_change_build(&scenario.node, &after, &change);
	ck_assert(node_change_is_any(&change));
	ck_assert_msg(node_change_concerns(&change, &scenario.service, scenario.slice_list,
	                                   scenario.slice_count) == cases[_i].concerned,
	              "%s", cases[_i].what);
	scenario_done(&scenario);
}
END_TEST

START_TEST(a_node_ip_concerns_who_has_source_ranges_of_its_family)
{
	struct scenario scenario;
	struct node_view after;
	struct node_change change;
	scenario_plan(&scenario,
	              (const char *const[]){usual, "ingress 203.0.113.1\nrange 192.0.2.0/24\n", NULL});
	after = scenario.node;
	ck_assert(address_parse("192.0.2.2", &after.primary[0]));
	node_change_build(&scenario.node, &after, &change);
	ck_assert(
	        node_change_concerns(&change, &scenario.service, scenario.slice_list, scenario.slice_count));
	after = scenario.node;
	ck_assert(address_parse("fd00::1", &after.primary[1]));
	node_change_build(&scenario.node, &after, &change);
	ck_assert(node_change_is_any(&change));
	ck_assert(
	        !node_change_concerns(&change, &scenario.service, scenario.slice_list, scenario.slice_count));
	scenario_done(&scenario);
}
END_TEST

START_TEST(the_same_node_is_no_change)
{
	struct scenario scenario;
	struct node_change change;
	scenario_plan(&scenario, (const char *const[]){usual, "endpoint 10.1.0.2 zones=zone-b\n", NULL});
	struct node_view after = scenario.node;
	after.zone = "";
	scenario.node.zone = NULL;
	node_change_build(&scenario.node, &after, &change);
	ck_assert(!node_change_is_any(&change));
	scenario_done(&scenario);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan node change");
	TCase *tests = tcase_create("node change");
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, a_service_that_is_passed_over_plans_to_the_same);
	tcase_add_loop_test(tests, only_who_looks_at_what_changed_is_concerned, 0,
	                    (int)(sizeof(cases) / sizeof(*cases)));
	tcase_add_test(tests, a_node_ip_concerns_who_has_source_ranges_of_its_family);
	tcase_add_test(tests, the_same_node_is_no_change);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
