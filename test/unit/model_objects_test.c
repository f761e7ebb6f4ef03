#include "base/arena.h"
#include "model/objects.h"
#include "support.h"

#include <malloc.h>
#include <string.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Objects with every field set, in an arena that a test may overwrite to show what was borrowed. */
static struct arena drafts;

static void prepare(void)
{
	arena_init(&drafts);
}

static void clean(void)
{
	arena_done(&drafts);
}

static struct address address_of(const char *text)
{
	struct address address;
	ck_assert_msg(address_parse(text, &address), "%s", text);
	return address;
}

static struct address *addresses_of(const char *first, const char *second)
{
	struct address *addresses = arena_new_array(&drafts, 2, struct address);
	addresses[0] = address_of(first);
	addresses[1] = address_of(second);
	return addresses;
}

static char *text_of(const char *text)
{
	return arena_copy_text(&drafts, text);
}

static struct service_port *service_ports(void)
{
	struct service_port *ports = arena_new_array(&drafts, 2, struct service_port);
	ports[0] = (struct service_port){text_of("http"), 80, 30080, PROTOCOL_TCP};
	ports[1] = (struct service_port){text_of(""), 53, 0, PROTOCOL_UDP};
	return ports;
}

static struct load_balancer_ingress *ingress_points(void)
{
	struct load_balancer_ingress *ingress = arena_new_array(&drafts, 1, struct load_balancer_ingress);
	ingress[0] = (struct load_balancer_ingress){address_of("203.0.113.1"), true};
	return ingress;
}

static struct cidr *source_ranges(void)
{
	struct cidr *ranges = arena_new_array(&drafts, 1, struct cidr);
	ck_assert(cidr_parse("198.51.100.0/24", false, &ranges[0]));
	return ranges;
}

static uint8_t *both_families(void)
{
	uint8_t *families = arena_new_array(&drafts, 2, uint8_t);
	families[0] = FAMILY_IPV4;
	families[1] = FAMILY_IPV6;
	return families;
}

static struct service *full_service(void)
{
	struct service *service = arena_new(&drafts, struct service);
	*service = (struct service){
	        .name = {text_of("default"), text_of("web")},
	        .created_seconds = 1700000000,
	        .type = SERVICE_LOAD_BALANCER,
	        .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	        .affinity_seconds = 10800,
	        .health_check_node_port = 31000,
	        .cluster_ip = address_of("10.96.0.10"),
	        .cluster_ips = addresses_of("10.96.0.10", "fd00::10"),
	        .cluster_ip_count = 2,
	        .ip_families = both_families(),
	        .ip_family_count = 2,
	        .external_ips = addresses_of("192.0.2.1", "192.0.2.2"),
	        .external_ip_count = 2,
	        .ingress = ingress_points(),
	        .ingress_count = 1,
	        .source_ranges = source_ranges(),
	        .source_range_count = 1,
	        .ports = service_ports(),
	        .port_count = 2,
	        .scheduler = text_of("mh"),
	        .scheduler_flags = text_of("mh-port"),
	};
	return service;
}

static struct endpoint_hints *hints_of(const char *zone, const char *node)
{
	struct endpoint_hints *hints = arena_new(&drafts, struct endpoint_hints);
	const char **zones = arena_new_array(&drafts, 1, const char *);
	const char **nodes = arena_new_array(&drafts, 1, const char *);
	zones[0] = text_of(zone);
	nodes[0] = text_of(node);
	*hints = (struct endpoint_hints){.zones = zones, .zone_count = 1, .nodes = nodes, .node_count = 1};
	return hints;
}

static struct endpoint *two_endpoints(void)
{
	struct endpoint *endpoints = arena_new_array(&drafts, 2, struct endpoint);
	endpoints[0] = (struct endpoint){.address = address_of("10.1.0.1"),
	                                 .ready = true,
	                                 .serving = true,
	                                 .node_name = text_of("node-1")};
	endpoints[1] = (struct endpoint){.address = address_of("10.1.0.2"),
	                                 .terminating = true,
	                                 .node_name = text_of("node-2"),
	                                 .hints = hints_of("zone-a", "node-2")};
	return endpoints;
}

static struct slice *full_slice(void)
{
	struct slice *slice = arena_new(&drafts, struct slice);
	struct slice_port *ports = arena_new_array(&drafts, 2, struct slice_port);
	ports[0] = (struct slice_port){text_of("http"), 8080, PROTOCOL_TCP};
	ports[1] = (struct slice_port){text_of("dns"), 5353, PROTOCOL_UDP};
	*slice = (struct slice){
	        .name = {text_of("default"), text_of("web-abcde")},
	        .service = text_of("web"),
	        .trigger_ns = 1795248121500000000,
	        .family = FAMILY_IPV4,
	        .ports = ports,
	        .port_count = 2,
	        .endpoints = two_endpoints(),
	        .endpoint_count = 2,
	};
	return slice;
}

static struct cidr *pod_cidrs(const char *first, const char *second)
{
	struct cidr *cidrs = arena_new_array(&drafts, 2, struct cidr);
	ck_assert(cidr_parse(first, false, &cidrs[0]));
	ck_assert(cidr_parse(second, false, &cidrs[1]));
	return cidrs;
}

static struct node *full_node(void)
{
	struct node *node = arena_new(&drafts, struct node);
	*node = (struct node){
	        .name = text_of("node-1"),
	        .zone = text_of("zone-a"),
	        .addresses = addresses_of("192.0.2.11", "2001:db8::11"),
	        .address_count = 2,
	        .pod_cidrs = pod_cidrs("10.244.1.0/24", "fd00:10:244:1::/64"),
	        .pod_cidr_count = 2,
	};
	return node;
}

/*
 * Overwrites all that was drafted so far, and so whatever a copy only borrowed. Later drafts lie elsewhere:
 * in the same place they would put the borrowed texts right again.
 */
static void scribble_over_drafts(void)
{
	arena_reset(&drafts);
	memset(drafts.next, 'x', (size_t)(drafts.end - drafts.next));
	drafts.next = drafts.end;
}

START_TEST(a_service_is_a_deep_copy_of_its_draft)
{
	struct service *service = service_new(full_service());
	scribble_over_drafts();
	ck_assert(service_equal(service, full_service()));
	ck_assert_str_eq(service->name.namespace, "default");
	ck_assert_str_eq(service->name.name, "web");
	ck_assert_str_eq(service->ports[0].name, "http");
	ck_assert_str_eq(service->ports[1].name, "");
	ck_assert_int_eq(service->ports[0].node_port, 30080);
	ck_assert_str_eq(service->scheduler_flags, "mh-port");
	service_free(service);
}
END_TEST

START_TEST(a_slice_is_a_deep_copy_of_its_draft)
{
	struct slice *slice = slice_new(full_slice());
	scribble_over_drafts();
	ck_assert(slice_equal(slice, full_slice()));
	ck_assert_str_eq(slice->service, "web");
	ck_assert_str_eq(slice->ports[1].name, "dns");
	ck_assert_str_eq(slice->endpoints[0].node_name, "node-1");
	ck_assert_ptr_null(slice->endpoints[0].hints);
	ck_assert_str_eq(slice->endpoints[1].hints->zones[0], "zone-a");
	ck_assert_str_eq(slice->endpoints[1].hints->nodes[0], "node-2");
	slice_free(slice);
}
END_TEST

START_TEST(a_node_is_a_deep_copy_of_its_draft)
{
	struct node *node = node_new(full_node());
	scribble_over_drafts();
	ck_assert(node_equal(node, full_node()));
	ck_assert_str_eq(node->name, "node-1");
	ck_assert_str_eq(node->zone, "zone-a");
	ck_assert_uint_eq(node->pod_cidrs[1].prefix_bits, 64);
	node_free(node);
}
END_TEST

START_TEST(what_is_absent_in_a_draft_is_absent_in_its_copy)
{
	const struct service service_draft = {.name = {"default", "web"}};
	const struct slice slice_draft = {.name = {"default", "web-1"}};
	const struct node node_draft = {.name = "node-1"};
	struct service *service = service_new(&service_draft);
	struct slice *slice = slice_new(&slice_draft);
	struct node *node = node_new(&node_draft);
	ck_assert(service_equal(service, &service_draft));
	ck_assert(slice_equal(slice, &slice_draft));
	ck_assert(node_equal(node, &node_draft));
	ck_assert_ptr_null(service->scheduler);
	ck_assert_ptr_null(slice->service);
	ck_assert_ptr_null(node->zone);
	service_free(service);
	slice_free(slice);
	node_free(node);
}
END_TEST

START_TEST(nothing_can_be_freed)
{
	service_free(NULL);
	slice_free(NULL);
	node_free(NULL);
	mark_point();
}
END_TEST

/* One change of one field each. The field is written over the arena's own copy. */
#define CHANGE(kind, name, ...)                      \
	static void kind##_##name(struct kind *kind) \
	{                                            \
		__VA_ARGS__;                         \
	}
#define MUTABLE(type, pointer) ((type *)(uintptr_t)(pointer))

CHANGE(service, namespace, service->name.namespace = "other")
CHANGE(service, own_name, service->name.name = "other")
CHANGE(service, age, service->created_seconds++)
CHANGE(service, kind, service->type = SERVICE_NODE_PORT)
CHANGE(service, ip_kind, service->cluster_ip_kind = CLUSTER_IP_NONE)
CHANGE(service, proxy_label, service->proxied_elsewhere = true)
CHANGE(service, selector, service->has_selector = true)
CHANGE(service, internal_policy, service->internal_policy_local = true)
CHANGE(service, external_policy, service->external_policy_local = true)
CHANGE(service, affinity, service->affinity_seconds = 0)
CHANGE(service, health_port, service->health_check_node_port = 0)
CHANGE(service, ip, service->cluster_ip.bytes[3] = 9)
CHANGE(service, ips, MUTABLE(struct address, service->cluster_ips)[1].bytes[15] = 9)
CHANGE(service, fewer_ips, service->cluster_ip_count = 1)
CHANGE(service, families, MUTABLE(uint8_t, service->ip_families)[1] = FAMILY_NONE)
CHANGE(service, fewer_families, service->ip_family_count = 1)
CHANGE(service, external, MUTABLE(struct address, service->external_ips)[0].bytes[3] = 9)
CHANGE(service, fewer_external, service->external_ip_count = 1)
CHANGE(service, external_order, service->external_ips = addresses_of("192.0.2.2", "192.0.2.1"))
CHANGE(service, ingress_address,
       MUTABLE(struct load_balancer_ingress, service->ingress)->address.bytes[3] = 9)
CHANGE(service, ingress_mode, MUTABLE(struct load_balancer_ingress, service->ingress)->proxied = false)
CHANGE(service, no_ingress, service->ingress_count = 0)
CHANGE(service, range, MUTABLE(struct cidr, service->source_ranges)->prefix_bits = 23)
CHANGE(service, no_ranges, service->source_range_count = 0)
CHANGE(service, port_name, MUTABLE(struct service_port, service->ports)[1].name = "dns")
CHANGE(service, port_number, MUTABLE(struct service_port, service->ports)[1].port = 54)
CHANGE(service, node_port, MUTABLE(struct service_port, service->ports)[0].node_port = 0)
CHANGE(service, protocol, MUTABLE(struct service_port, service->ports)[0].protocol = PROTOCOL_SCTP)
CHANGE(service, fewer_ports, service->port_count = 1)
CHANGE(service, other_scheduler, service->scheduler = "sh")
CHANGE(service, no_scheduler, service->scheduler = NULL)
CHANGE(service, other_flags, service->scheduler_flags = "ops")

static void (*const service_changes[])(struct service *) = {
        service_namespace,
        service_own_name,
        service_age,
        service_kind,
        service_ip_kind,
        service_proxy_label,
        service_selector,
        service_internal_policy,
        service_external_policy,
        service_affinity,
        service_health_port,
        service_ip,
        service_ips,
        service_fewer_ips,
        service_families,
        service_fewer_families,
        service_external,
        service_fewer_external,
        service_external_order,
        service_ingress_address,
        service_ingress_mode,
        service_no_ingress,
        service_range,
        service_no_ranges,
        service_port_name,
        service_port_number,
        service_node_port,
        service_protocol,
        service_fewer_ports,
        service_other_scheduler,
        service_no_scheduler,
        service_other_flags,
};

START_TEST(a_service_that_differs_in_one_field_is_another)
{
	struct service *before = full_service(), *after = full_service();
	ck_assert(service_equal(before, after));
	service_changes[_i](after);
	ck_assert(!service_equal(before, after));
	ck_assert(!service_equal(after, before));
	struct service *copy = service_new(after);
	ck_assert(service_equal(copy, after));
	ck_assert(!service_equal(copy, before));
	service_free(copy);
}
END_TEST

static struct endpoint *endpoint_of(struct slice *slice, int i)
{
	return &MUTABLE(struct endpoint, slice->endpoints)[i];
}

static struct slice_port *port_of(struct slice *slice, int i)
{
	return &MUTABLE(struct slice_port, slice->ports)[i];
}

static void swap_endpoints(struct slice *slice)
{
	struct endpoint first = slice->endpoints[0];
	*endpoint_of(slice, 0) = slice->endpoints[1];
	*endpoint_of(slice, 1) = first;
}

static void swap_ports(struct slice *slice)
{
	struct slice_port first = slice->ports[0];
	*port_of(slice, 0) = slice->ports[1];
	*port_of(slice, 1) = first;
}

static void drop_zone_hint(struct slice *slice)
{
	struct endpoint_hints *hints = hints_of("zone-a", "node-2");
	hints->zone_count = 0;
	endpoint_of(slice, 1)->hints = hints;
}

CHANGE(slice, namespace, slice->name.namespace = "other")
CHANGE(slice, own_name, slice->name.name = "other")
CHANGE(slice, label, slice->service = "other")
CHANGE(slice, no_label, slice->service = NULL)
CHANGE(slice, trigger, slice->trigger_ns++)
CHANGE(slice, no_trigger, slice->trigger_ns = 0)
CHANGE(slice, other_family, slice->family = FAMILY_IPV6)
CHANGE(slice, origin, slice->mirrored = true)
CHANGE(slice, port_name, port_of(slice, 0)->name = "https")
CHANGE(slice, no_port_name, port_of(slice, 0)->name = NULL)
CHANGE(slice, port_number, port_of(slice, 1)->port = 1)
CHANGE(slice, protocol, port_of(slice, 1)->protocol = PROTOCOL_TCP)
CHANGE(slice, fewer_ports, slice->port_count = 1)
CHANGE(slice, port_order, swap_ports(slice))
CHANGE(slice, address, endpoint_of(slice, 1)->address.bytes[3] = 9)
CHANGE(slice, ready, endpoint_of(slice, 0)->ready = false)
CHANGE(slice, serving, endpoint_of(slice, 0)->serving = false)
CHANGE(slice, terminating, endpoint_of(slice, 0)->terminating = true)
CHANGE(slice, node_name, endpoint_of(slice, 0)->node_name = "node-9")
CHANGE(slice, no_node_name, endpoint_of(slice, 0)->node_name = NULL)
CHANGE(slice, new_hints, endpoint_of(slice, 0)->hints = hints_of("zone-a", "node-1"))
CHANGE(slice, no_hints, endpoint_of(slice, 1)->hints = NULL)
CHANGE(slice, zone_hint, endpoint_of(slice, 1)->hints = hints_of("zone-b", "node-2"))
CHANGE(slice, node_hint, endpoint_of(slice, 1)->hints = hints_of("zone-a", "node-3"))
CHANGE(slice, no_zone_hint, drop_zone_hint(slice))
CHANGE(slice, fewer_endpoints, slice->endpoint_count = 1)
CHANGE(slice, endpoint_order, swap_endpoints(slice))

static void (*const slice_changes[])(struct slice *) = {
        slice_namespace,   slice_own_name,   slice_label,        slice_no_label,        slice_other_family,
        slice_origin,      slice_port_name,  slice_no_port_name, slice_port_number,     slice_protocol,
        slice_fewer_ports, slice_port_order, slice_address,      slice_ready,           slice_serving,
        slice_terminating, slice_node_name,  slice_no_node_name, slice_new_hints,       slice_no_hints,
        slice_zone_hint,   slice_node_hint,  slice_no_zone_hint, slice_fewer_endpoints, slice_endpoint_order,
        slice_trigger,     slice_no_trigger,
};

START_TEST(a_slice_that_differs_in_one_field_or_order_is_another)
{
	struct slice *before = full_slice(), *after = full_slice();
	ck_assert(slice_equal(before, after));
	slice_changes[_i](after);
	ck_assert(!slice_equal(before, after));
	ck_assert(!slice_equal(after, before));
	struct slice *copy = slice_new(after);
	ck_assert(slice_equal(copy, after));
	ck_assert(!slice_equal(copy, before));
	slice_free(copy);
}
END_TEST

CHANGE(node, own_name, node->name = "other")
CHANGE(node, other_zone, node->zone = "zone-b")
CHANGE(node, empty_zone, node->zone = "")
CHANGE(node, no_zone, node->zone = NULL)
CHANGE(node, address, MUTABLE(struct address, node->addresses)[0].bytes[3] = 9)
CHANGE(node, fewer_addresses, node->address_count = 1)
CHANGE(node, pod_cidr, MUTABLE(struct cidr, node->pod_cidrs)[0].prefix_bits = 25)
CHANGE(node, pod_cidr_order, node->pod_cidrs = pod_cidrs("fd00:10:244:1::/64", "10.244.1.0/24"))
CHANGE(node, fewer_pod_cidrs, node->pod_cidr_count = 1)
CHANGE(node, no_pod_cidrs, node->pod_cidr_count = 0)
CHANGE(node, deleting, node->deleting = true)
CHANGE(node, to_be_deleted, node->to_be_deleted = true)

static void (*const node_changes[])(struct node *) = {
        node_own_name,        node_other_zone,      node_empty_zone, node_no_zone,
        node_address,         node_fewer_addresses, node_pod_cidr,   node_pod_cidr_order,
        node_fewer_pod_cidrs, node_no_pod_cidrs,    node_deleting,   node_to_be_deleted,
};

START_TEST(a_node_that_differs_in_one_field_is_another)
{
	struct node *before = full_node(), *after = full_node();
	ck_assert(node_equal(before, after));
	node_changes[_i](after);
	ck_assert(!node_equal(before, after));
	struct node *copy = node_new(after);
	ck_assert(node_equal(copy, after));
	ck_assert(!node_equal(copy, before));
	node_free(copy);
}
END_TEST

/* `count` endpoints on `nodes` nodes, each hinted at the zone of its node. */
static struct slice *large_slice(unsigned count, unsigned nodes)
{
	struct slice *slice = arena_new(&drafts, struct slice);
	struct endpoint *endpoints = arena_new_array(&drafts, count, struct endpoint);
	for (unsigned i = 0; i < count; i++) {
		char *node = arena_format(&drafts, "a-node-with-a-long-name-%05u", i % nodes);
		endpoints[i] = (struct endpoint){.address = address_of("10.1.0.1"),
		                                 .node_name = node,
		                                 .hints = hints_of(i % 2 ? "zone-a" : "zone-b", node)};
		endpoints[i].address.bytes[2] = (uint8_t)(i >> 8);
		endpoints[i].address.bytes[3] = (uint8_t)i;
	}
	*slice =
	        (struct slice){.name = {"default", "large"}, .endpoints = endpoints, .endpoint_count = count};
	return slice;
}

START_TEST(endpoints_of_one_node_share_its_name_and_their_hints)
{
	struct slice *slice = slice_new(large_slice(100, 2));
	for (unsigned i = 2; i < 100; i++) {
		ck_assert_ptr_eq(slice->endpoints[i].node_name, slice->endpoints[i - 2].node_name);
		ck_assert_ptr_eq(slice->endpoints[i].hints, slice->endpoints[i - 2].hints);
		ck_assert_ptr_ne(slice->endpoints[i].hints, slice->endpoints[i - 1].hints);
	}
	slice_free(slice);
}
END_TEST

START_TEST(a_slice_with_more_nodes_than_are_remembered_is_still_a_true_copy)
{
	struct slice *draft = large_slice(1000, 700);
	struct slice *slice = slice_new(draft);
	ck_assert(slice_equal(slice, draft));
	slice_free(slice);
}
END_TEST

/* 100,000 endpoints like these take 4 MiB. */
START_TEST(a_further_endpoint_takes_no_more_than_its_own_struct)
{
	struct slice *few = slice_new(large_slice(100, 4)), *many = slice_new(large_slice(1100, 4));
	size_t growth = malloc_usable_size(many) - malloc_usable_size(few);
	ck_assert_uint_ge(growth, 1000 * sizeof(struct endpoint) - 32);
	ck_assert_uint_le(growth, 1000 * sizeof(struct endpoint) + 32);
	ck_assert_uint_le(sizeof(struct endpoint), 40);
	slice_free(few);
	slice_free(many);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model/objects");
	TCase *cases = tcase_create("objects");
	tcase_add_checked_fixture(cases, prepare, clean);
	tcase_add_test(cases, a_service_is_a_deep_copy_of_its_draft);
	tcase_add_test(cases, a_slice_is_a_deep_copy_of_its_draft);
	tcase_add_test(cases, a_node_is_a_deep_copy_of_its_draft);
	tcase_add_test(cases, what_is_absent_in_a_draft_is_absent_in_its_copy);
	tcase_add_test(cases, nothing_can_be_freed);
	tcase_add_loop_test(cases, a_service_that_differs_in_one_field_is_another, 0,
	                    (int)ROWS(service_changes));
	tcase_add_loop_test(cases, a_slice_that_differs_in_one_field_or_order_is_another, 0,
	                    (int)ROWS(slice_changes));
	tcase_add_loop_test(cases, a_node_that_differs_in_one_field_is_another, 0, (int)ROWS(node_changes));
	tcase_add_test(cases, endpoints_of_one_node_share_its_name_and_their_hints);
	tcase_add_test(cases, a_slice_with_more_nodes_than_are_remembered_is_still_a_true_copy);
	tcase_add_test(cases, a_further_endpoint_takes_no_more_than_its_own_struct);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
