/* Large Services, and what holds for every fragment: ascending, each key once, the same for any order of slices. */
#include "plan_scenario.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

enum { SLICE_ENDPOINTS = 100, MOST_SLICES = 50, MOST_PORTS = 20 };

/* A Service with many slices, put together by hand since lines would be too many. */
struct large {
	struct arena arena;
	struct service service;
	struct slice slices[MOST_SLICES];
	const struct slice *list[MOST_SLICES];
	size_t slice_count;
	struct node_view node;
	struct fragment fragment;
};

static struct address numbered_address(uint8_t first, uint32_t number)
{
	return (struct address){FAMILY_IPV4,
	                        {first, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

static void add_ports(struct large *large, uint32_t count)
{
	struct service_port *ports = arena_new_array(&large->arena, count, struct service_port);
	for (uint32_t i = 0; i < count; i++)
		ports[i] = (struct service_port){
		        .name = arena_format(&large->arena, "p%u", i),
		        .port = (uint16_t)(1000 + i),
		        .node_port = (uint16_t)(30000 + i),
		        .protocol = i % 3 ? PROTOCOL_TCP : PROTOCOL_UDP,
		};
	large->service.ports = ports;
	large->service.port_count = count;
}

static const struct slice_port *slice_ports(struct large *large)
{
	const struct service *service = &large->service;
	struct slice_port *ports = arena_new_array(&large->arena, service->port_count, struct slice_port);
	for (uint32_t i = 0; i < service->port_count; i++)
		ports[i] = (struct slice_port){.name = service->ports[i].name,
		                               .port = (uint16_t)(8000 + i),
		                               .protocol = service->ports[i].protocol};
	return ports;
}

/* Endpoint i of slice s gets an address from `pick`; every seventh is local. */
static void add_slices(struct large *large, size_t count, uint32_t (*pick)(uint32_t number))
{
	large->slice_count = count;
	for (uint32_t s = 0; s < count; s++) {
		struct slice *slice = &large->slices[s];
		struct endpoint *endpoints = arena_new_array(&large->arena, SLICE_ENDPOINTS, struct endpoint);
		*slice = (struct slice){.name = {"default", "slice"},
		                        .service = "web",
		                        .family = FAMILY_IPV4,
		                        .ports = slice_ports(large),
		                        .port_count = large->service.port_count,
		                        .endpoints = endpoints,
		                        .endpoint_count = SLICE_ENDPOINTS};
		for (uint32_t i = 0; i < SLICE_ENDPOINTS; i++)
			endpoints[i] = (struct endpoint){
			        .address = numbered_address(10, pick(s * SLICE_ENDPOINTS + i)),
			        .ready = true,
			        .serving = true,
			        .node_name = i % 7 ? "other-node" : "test-node"};
		large->list[s] = slice;
	}
}

static void build(struct large *large, uint32_t ports, size_t slices, uint32_t (*pick)(uint32_t number))
{
	static const uint8_t families[] = {FAMILY_IPV4};
	static const struct address node_addresses[] = {
	        {FAMILY_IPV4, {192, 0, 2, 10}},
	        {FAMILY_IPV4, {192, 0, 2, 11}},
	};
	*large = (struct large){0};
	large->service = (struct service){
	        .name = {"default", "web"},
	        .type = SERVICE_NODE_PORT,
	        .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	        .cluster_ip = {FAMILY_IPV4, {172, 16, 0, 1}},
	        .ip_families = families,
	        .ip_family_count = 1,
	};
	large->node = (struct node_view){.name = "test-node",
	                                 .addresses = node_addresses,
	                                 .address_count = 2,
	                                 .node_port_addresses = node_addresses,
	                                 .node_port_address_count = 2};
	add_ports(large, ports);
	add_slices(large, slices, pick);
}

static void plan(struct large *large)
{
	const struct plan_options options = {.scheduler = "rr", .schedulers = known_schedulers};
	plan_service(&large->service, large->list, large->slice_count, &large->node, &options, &large->arena,
	             &large->fragment);
}

static void servers_must_ascend(const struct virtual_server *server)
{
	for (size_t i = 1; i < server->real_server_count; i++)
		ck_assert_int_lt(real_server_compare(&server->real_servers[i - 1], &server->real_servers[i]),
		                 0);
}

static void must_ascend(const struct state *state)
{
	for (size_t i = 1; i < state->virtual_server_count; i++)
		ck_assert_int_lt(virtual_server_key_compare(&state->virtual_servers[i - 1].key,
		                                            &state->virtual_servers[i].key),
		                 0);
	for (size_t i = 0; i < state->virtual_server_count; i++)
		servers_must_ascend(&state->virtual_servers[i]);
	for (size_t i = 1; i < state->held_count; i++)
		ck_assert_int_lt(address_compare(&state->held[i - 1], &state->held[i]), 0);
	for (size_t i = 1; i < state->filter_count; i++)
		ck_assert_int_lt(filter_element_compare(&state->filter[i - 1], &state->filter[i]), 0);
}

/* Every number below 2^20 once, in an order that looks like none. */
static uint32_t scattered(uint32_t number)
{
	return (number * 7919 + 17) & 0xfffff;
}

/* Few addresses, each many times. */
static uint32_t crowded(uint32_t number)
{
	return scattered(number) % 61;
}

START_TEST(a_service_of_many_ports_and_endpoints_is_planned_whole)
{
	struct large large;
	build(&large, MOST_PORTS, MOST_SLICES, scattered);
	plan(&large);
	const struct state *state = &large.fragment.state;
	must_ascend(state);
	ck_assert_uint_eq(state->virtual_server_count, 3 * MOST_PORTS);
	for (size_t i = 0; i < state->virtual_server_count; i++)
		ck_assert_uint_eq(state->virtual_servers[i].real_server_count, MOST_SLICES * SLICE_ENDPOINTS);
	ck_assert_uint_eq(state->held_count, 1);
	size_t hairpins = MOST_SLICES * ((SLICE_ENDPOINTS + 6) / 7);
	ck_assert_uint_eq(state->filter_count, 1 + 3 * MOST_PORTS + hairpins);
	ck_assert_uint_eq(large.fragment.warning_count, 0);
	arena_done(&large.arena);
}
END_TEST

START_TEST(many_repetitions_leave_each_address_once)
{
	struct large large;
	build(&large, 2, MOST_SLICES, crowded);
	plan(&large);
	must_ascend(&large.fragment.state);
	for (size_t i = 0; i < large.fragment.state.virtual_server_count; i++)
		ck_assert_uint_eq(large.fragment.state.virtual_servers[i].real_server_count, 61);
	arena_done(&large.arena);
}
END_TEST

START_TEST(the_order_of_slices_does_not_matter)
{
	struct large large;
	auto_text forward = {0}, backward = {0};
	build(&large, 3, 5, scattered);
	plan(&large);
	fragment_print(&large.fragment, SHOW_ALL, &forward);
	for (size_t i = 0; i < large.slice_count; i++)
		large.list[i] = &large.slices[large.slice_count - 1 - i];
	plan(&large);
	fragment_print(&large.fragment, SHOW_ALL, &backward);
	ck_assert_texts("slices forward and backward", text_string(&forward), text_string(&backward));
	arena_done(&large.arena);
}
END_TEST

START_TEST(many_warnings_are_all_kept)
{
	struct large large;
	struct address refused[40];
	build(&large, 1, 1, scattered);
	for (uint8_t i = 0; i < 40; i++)
		refused[i] = (struct address){FAMILY_IPV4, {127, 0, 0, i}};
	large.service.external_ips = refused;
	large.service.external_ip_count = 40;
	plan(&large);
	ck_assert_uint_eq(large.fragment.warning_count, 40);
	for (size_t i = 0; i < 40; i++) {
		char start[64];
		snprintf(start, sizeof(start), "default/web: external IP 127.0.0.%zu is ", i);
		ck_assert_msg(strncmp(large.fragment.warnings[i], start, strlen(start)) == 0, "%s",
		              large.fragment.warnings[i]);
	}
	arena_done(&large.arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/service, large");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, a_service_of_many_ports_and_endpoints_is_planned_whole);
	tcase_add_test(tests, many_repetitions_leave_each_address_once);
	tcase_add_test(tests, the_order_of_slices_does_not_matter);
	tcase_add_test(tests, many_warnings_are_all_kept);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
