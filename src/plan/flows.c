/*
 * R11.3 and R11.4, with the Instead of: SCTP too, and NodePorts at their addresses only.
 *
 * Where a Service asks twice for an address, protocol and port, the one that plan_service() gives it to has it: the
 * cluster IP, then external IPs, then load-balancer IPs, then the node port.
 */
#include "plan/flows.h"

#include "claims.h"
#include "endpoints.h"
#include "planning.h"
#include "service_addresses.h"
#include "sorting.h"

enum { FAMILIES = 2 };

/* A flow port, perhaps without anybody who serves, with its place among those of the same key. */
struct placed_port {
	struct flow_port port;
	enum claim_kind kind;
	size_t number;
};

struct flow_pass {
	struct planning planning;
	struct service_addresses addresses;
	struct endpoints endpoints;
	struct placed_port *items;
	size_t count;
};

static size_t room_of_port(const struct flow_pass *pass)
{
	return 1 + pass->addresses.external_ip_count + pass->addresses.balancer_ip_count +
	       pass->planning.node->node_port_address_count;
}

/* Ascending, since the endpoints are. */
static const struct flow_end *collect_serving(const struct port_endpoints *endpoints, struct arena *arena,
                                              size_t *ret_count)
{
	struct flow_end *serving = arena_new_array(arena, endpoints->count, struct flow_end);
	size_t count = 0;
	for (size_t i = 0; i < endpoints->count; i++) {
		const struct port_endpoint *item = &endpoints->items[i];
		if (item->known->endpoint->serving)
			serving[count++] = (struct flow_end){item->known->endpoint->address, item->port};
	}
	*ret_count = count;
	return serving;
}

static void add_addresses(struct flow_pass *pass, enum claim_kind kind, const struct flow_port *like,
                          const struct address *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (addresses[i].family != pass->addresses.family)
			continue;
		struct placed_port *item = &pass->items[pass->count];
		*item = (struct placed_port){.port = *like, .kind = kind, .number = pass->count++};
		item->port.key.address = addresses[i];
	}
}

static void add_port(struct flow_pass *pass, const struct service_port *port)
{
	const struct service_addresses *addresses = &pass->addresses;
	const struct node_view *node = pass->planning.node;
	struct port_endpoints endpoints;
	struct flow_port like = {.key = {.protocol = port->protocol, .port = port->port}};
	endpoints_of_port(&pass->endpoints, port, pass->planning.arena, &endpoints);
	like.serving = collect_serving(&endpoints, pass->planning.arena, &like.serving_count);
	add_addresses(pass, CLAIM_CLUSTER_IP, &like, &addresses->cluster_ip, 1);
	add_addresses(pass, CLAIM_EXTERNAL_IP, &like, addresses->external_ips, addresses->external_ip_count);
	add_addresses(pass, CLAIM_BALANCER_IP, &like, addresses->balancer_ips, addresses->balancer_ip_count);
	like.key.port = port->node_port;
	if (port->node_port)
		add_addresses(pass, CLAIM_NODE_PORT, &like, node->node_port_addresses,
		              node->node_port_address_count);
}

static void add_family(struct flow_pass *pass, enum family family, const struct slice *const *slices,
                       size_t slice_count)
{
	struct planning *planning = &pass->planning;
	const struct service *service = planning->service;
	if (family == FAMILY_IPV6 && planning->options->without_ipv6)
		return;
	if (!service_addresses_build(planning, family, &pass->addresses))
		return;
	endpoints_build(service, family, slices, slice_count, planning->node, planning->arena,
	                &pass->endpoints);
	struct placed_port *more = arena_new_array(
	        planning->arena, pass->count + service->port_count * room_of_port(pass), struct placed_port);
	for (size_t i = 0; i < pass->count; i++)
		more[i] = pass->items[i];
	pass->items = more;
	for (uint32_t p = 0; p < service->port_count; p++)
		if (service->ports[p].protocol != PROTOCOL_TCP)
			add_port(pass, &service->ports[p]);
}

static int sort_placed(const void *a, const void *b)
{
	const struct placed_port *left = a, *right = b;
	int order = virtual_server_key_compare(&left->port.key, &right->port.key);
	if (order != 0)
		return order;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

void plan_flows(const struct service *service, const struct slice *const *slices, size_t slice_count,
                const struct node_view *node, const struct plan_options *options, struct arena *arena,
                struct flow_port **ret_ports, size_t *ret_count)
{
	struct flow_pass pass = {
	        .planning = {.service = service, .node = node, .options = options, .arena = arena}};
	*ret_ports = NULL;
	*ret_count = 0;
	if (!service_is_proxied(service))
		return;
	for (int f = 0; f < FAMILIES; f++)
		add_family(&pass, (enum family)(FAMILY_IPV4 + f), slices, slice_count);
	sort_array(pass.items, pass.count, sizeof(*pass.items), sort_placed);
	*ret_ports = arena_new_array(arena, pass.count, struct flow_port);
	for (size_t i = 0; i < pass.count; i++)
		if ((i == 0 ||
		     virtual_server_key_compare(&pass.items[i - 1].port.key, &pass.items[i].port.key) != 0) &&
		    pass.items[i].port.serving_count > 0)
			(*ret_ports)[(*ret_count)++] = pass.items[i].port;
}
