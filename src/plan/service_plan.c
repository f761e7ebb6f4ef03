/*
 * plan_service(): the rules in the order of the specification.
 *
 * addresses of each family (R2) -> endpoints of each port (R1.12-R1.24) -> who may have which (R3) -> claims
 * (R4.2) -> one claim for each key -> virtual servers, held addresses, filter elements.
 *
 * A Local policy never falls back to endpoints elsewhere: such a virtual server holds the local
 * list and nothing else, and new traffic to it is dropped as long as that list is empty.
 */
#include "plan/service_plan.h"

#include "categorize.h"
#include "claims.h"
#include "endpoints.h"
#include "filter_elements.h"
#include "planning.h"
#include "scheduling.h"
#include "service_addresses.h"
#include "sorting.h"

#include <stdio.h>
#include <string.h>

enum { FAMILIES = 2 };

/* One plan_service() call from its first step to its last. */
struct pass {
	struct planning planning;
	struct scheduling scheduling;
	enum rank rank;
	bool external_local; /* R2.7 */
	bool has_family[FAMILIES];
	struct service_addresses addresses[FAMILIES];
	struct endpoints endpoints[FAMILIES];
	const char **labels; /* of each port */
	struct claims claims;
	struct fragment *fragment;
};

/* One service port in one family. */
struct port_pass {
	const struct service_port *port;
	const char *label;
	const struct service_addresses *addresses;
	struct categories categories;
};

static enum family family_at(int index)
{
	return (enum family)(FAMILY_IPV4 + index);
}

static enum rank rank_of(const struct object_name *name)
{
	if (strcmp(name->namespace, "default") == 0 && strcmp(name->name, "kubernetes") == 0)
		return RANK_API_SERVER;
	if (strcmp(name->namespace, "kube-system") == 0 && strcmp(name->name, "kube-dns") == 0)
		return RANK_DNS;
	return RANK_OTHER;
}

static void make_labels(struct pass *pass)
{
	const struct service *service = pass->planning.service;
	struct arena *arena = pass->planning.arena;
	pass->labels = arena_new_array(arena, service->port_count, const char *);
	for (uint32_t i = 0; i < service->port_count; i++) {
		const char *name = service->ports[i].name;
		pass->labels[i] = arena_format(arena, "%s/%s%s%s", service->name.namespace,
		                               service->name.name, *name ? ":" : "", name);
	}
}

static size_t node_port_count(const struct node_view *node, enum family family)
{
	size_t count = 0;
	for (size_t i = 0; i < node->node_port_address_count; i++)
		count += node->node_port_addresses[i].family == family;
	return count;
}

static void make_room_for_claims(struct pass *pass)
{
	const struct service *service = pass->planning.service;
	size_t room = 0;
	for (int f = 0; f < FAMILIES; f++) {
		const struct service_addresses *addresses = &pass->addresses[f];
		size_t of_node = node_port_count(pass->planning.node, family_at(f));
		for (uint32_t p = 0; pass->has_family[f] && p < service->port_count; p++)
			room += 1 + addresses->external_ip_count + addresses->balancer_ip_count +
			        (service->ports[p].node_port ? of_node : 0);
	}
	pass->claims.items = arena_new_array(pass->planning.arena, room, struct claim);
}

/* R2.11 */
static struct audience audience_of(const struct pass *pass, const struct port_pass *port)
{
	bool internal_local = pass->planning.service->internal_policy_local;
	bool outside = port->port->node_port || port->addresses->external_ip_count > 0 ||
	               port->addresses->balancer_ip_count > 0;
	return (struct audience){
	        .uses_cluster = !internal_local || outside,
	        .uses_local = internal_local || (pass->external_local && outside),
	};
}

static bool only_local(const struct pass *pass, enum claim_kind kind)
{
	return kind == CLAIM_CLUSTER_IP ? pass->planning.service->internal_policy_local
	                                : pass->external_local;
}

static enum filter_verdict verdict_of(const struct categories *categories, enum claim_kind kind, bool local)
{
	if (!categories->has_any)
		return FILTER_REJECT;
	if (local && categories->local_count == 0)
		return FILTER_DROP;
	if (kind == CLAIM_CLUSTER_IP)
		return FILTER_MASQUERADE_OUTSIDERS;
	return local ? FILTER_KEEP_SOURCE : FILTER_MASQUERADE;
}

/* R3.11: both policies are told of, whichever of the two this virtual server came from. */
static void note_no_local(struct pass *pass, const struct port_pass *port)
{
	int f = (int)port->addresses->family - FAMILY_IPV4;
	if (pass->planning.service->internal_policy_local)
		pass->fragment->no_local_internal[f] = true;
	if (pass->external_local)
		pass->fragment->no_local_external[f] = true;
}

/* R4.2 to R4.4 */
static void set_attributes(const struct pass *pass, const struct port_pass *port,
                           struct virtual_server *server)
{
	const struct service *service = pass->planning.service;
	snprintf(server->scheduler, sizeof(server->scheduler), "%s", pass->scheduling.scheduler);
	server->flags = pass->scheduling.flags;
	if (pass->scheduling.one_packet && port->port->protocol == PROTOCOL_UDP)
		server->flags |= VIRTUAL_SERVER_ONE_PACKET;
	if (service->affinity_seconds > 0)
		server->flags |= VIRTUAL_SERVER_PERSISTENT;
	server->timeout_seconds = service->affinity_seconds;
	server->netmask_bits = family_bits(port->addresses->family);
	server->rank = (uint8_t)pass->rank;
	server->label = port->label;
}

/* R3.9, with the Instead of */
static void set_real_servers(const struct categories *categories, bool local, struct virtual_server *server)
{
	server->real_servers = local ? categories->local : categories->cluster;
	server->real_server_count = local ? categories->local_count : categories->cluster_count;
	/* Real servers of UDP do not drain (R5.12). */
	if (server->key.protocol == PROTOCOL_UDP)
		return;
	server->leaving = categories->leaving;
	server->leaving_count = categories->leaving_count;
}

/* Clients inside are led to the cluster IP where that has more endpoints, so not where it is as local itself. */
static uint16_t redirect_port_of(const struct pass *pass, const struct port_pass *port, enum claim_kind kind)
{
	if (!only_local(pass, kind) || only_local(pass, CLAIM_CLUSTER_IP) ||
	    port->addresses->cluster_ip.family == FAMILY_NONE)
		return 0;
	return port->port->port;
}

static void add_claim(struct pass *pass, const struct port_pass *port, enum claim_kind kind,
                      const struct address *address)
{
	bool local = only_local(pass, kind);
	struct claim *claim = &pass->claims.items[pass->claims.count];
	claim->number = (uint32_t)pass->claims.count++;
	claim->server.key = (struct virtual_server_key){
	        .address = *address,
	        .protocol = port->port->protocol,
	        .port = kind == CLAIM_NODE_PORT ? port->port->node_port : port->port->port,
	};
	set_attributes(pass, port, &claim->server);
	set_real_servers(&port->categories, local, &claim->server);
	claim->kind = (uint8_t)kind;
	claim->verdict = (uint8_t)verdict_of(&port->categories, kind, local);
	claim->restricted = kind == CLAIM_BALANCER_IP && port->addresses->source_range_count > 0;
	claim->redirect_port = redirect_port_of(pass, port, kind);
	claim->addresses = port->addresses;
	if (claim->verdict == FILTER_DROP)
		note_no_local(pass, port);
}

static void add_node_ports(struct pass *pass, const struct port_pass *port)
{
	const struct node_view *node = pass->planning.node;
	for (size_t i = 0; port->port->node_port && i < node->node_port_address_count; i++)
		if (node->node_port_addresses[i].family == port->addresses->family)
			add_claim(pass, port, CLAIM_NODE_PORT, &node->node_port_addresses[i]);
}

/* The table of R4.2 */
static void add_claims(struct pass *pass, const struct port_pass *port)
{
	const struct service_addresses *addresses = port->addresses;
	if (addresses->cluster_ip.family != FAMILY_NONE)
		add_claim(pass, port, CLAIM_CLUSTER_IP, &addresses->cluster_ip);
	for (size_t i = 0; i < addresses->external_ip_count; i++)
		add_claim(pass, port, CLAIM_EXTERNAL_IP, &addresses->external_ips[i]);
	for (size_t i = 0; i < addresses->balancer_ip_count; i++)
		add_claim(pass, port, CLAIM_BALANCER_IP, &addresses->balancer_ips[i]);
	add_node_ports(pass, port);
}

static void plan_port(struct pass *pass, int f, uint32_t index)
{
	struct arena *arena = pass->planning.arena;
	struct port_pass port = {
	        .port = &pass->planning.service->ports[index],
	        .label = pass->labels[index],
	        .addresses = &pass->addresses[f],
	};
	struct port_endpoints endpoints;
	endpoints_of_port(&pass->endpoints[f], port.port, arena, &endpoints);
	categorize(&endpoints, audience_of(pass, &port), arena, &port.categories);
	add_claims(pass, &port);
}

static const struct virtual_server *collect_servers(const struct claims *claims, struct arena *arena)
{
	struct virtual_server *servers = arena_new_array(arena, claims->count, struct virtual_server);
	for (size_t i = 0; i < claims->count; i++)
		servers[i] = claims->items[i].server;
	return servers;
}

/* R6.3. Settled claims ascend by address, so repetitions stand together. */
static void collect_held(const struct pass *pass, struct state *state)
{
	const struct claims *claims = &pass->claims;
	struct address *held = arena_new_array(pass->planning.arena, claims->count, struct address);
	size_t count = 0;
	for (size_t i = 0; i < claims->count; i++) {
		const struct claim *claim = &claims->items[i];
		const struct address *address = &claim->server.key.address;
		if (claim->kind == CLAIM_NODE_PORT ||
		    (claim->kind != CLAIM_CLUSTER_IP && node_view_has(pass->planning.node, address)) ||
		    (count > 0 && address_equal(&held[count - 1], address)))
			continue;
		held[count++] = *address;
	}
	state->held = held;
	state->held_count = count;
}

/* R2.9 */
static uint16_t health_check_port(struct pass *pass)
{
	const struct service *service = pass->planning.service;
	bool planned = (pass->has_family[0] || pass->has_family[1]) && service->port_count > 0;
	if (!planned || service->type != SERVICE_LOAD_BALANCER || !pass->external_local)
		return 0;
	if (service->health_check_node_port == 0)
		planning_warn(&pass->planning,
		              "externalTrafficPolicy is Local, but there is no healthCheckNodePort, so a "
		              "load balancer cannot find out whether this node has an endpoint");
	return service->health_check_node_port;
}

static void prepare(struct pass *pass, const struct slice *const *slices, size_t slice_count)
{
	struct planning *planning = &pass->planning;
	if (planning->options->without_external_ips && planning->service->external_ip_count > 0)
		planning_warn(planning,
		              "externalIPs are not served here, because --allow-external-ips is false");
	scheduling_choose(planning, &pass->scheduling);
	make_labels(pass);
	for (int f = 0; f < FAMILIES; f++) {
		enum family family = family_at(f);
		if (family == FAMILY_IPV6 && planning->options->without_ipv6)
			continue;
		pass->has_family[f] = service_addresses_build(planning, family, &pass->addresses[f]);
		if (pass->has_family[f])
			endpoints_build(planning->service, family, slices, slice_count, planning->node,
			                planning->arena, &pass->endpoints[f]);
	}
	make_room_for_claims(pass);
}

static void finish(struct pass *pass)
{
	struct state *state = &pass->fragment->state;
	service_claims_settle(&pass->planning, &pass->claims);
	state->virtual_servers = collect_servers(&pass->claims, pass->planning.arena);
	state->virtual_server_count = pass->claims.count;
	collect_held(pass, state);
	pass->fragment->health_check_node_port = health_check_port(pass);
	filter_elements_build(&pass->planning, &pass->claims, pass->endpoints,
	                      pass->fragment->health_check_node_port, state);
	pass->fragment->warnings = pass->planning.warnings;
	pass->fragment->warning_count = pass->planning.warning_count;
}

void plan_service(const struct service *service, const struct slice *const *slices, size_t slice_count,
                  const struct node_view *node, const struct plan_options *options, struct arena *arena,
                  struct fragment *ret_fragment)
{
	*ret_fragment = (struct fragment){0};
	if (!service_is_proxied(service))
		return;
	struct pass pass = {
	        .planning = {.service = service, .node = node, .options = options, .arena = arena},
	        .rank = rank_of(&service->name),
	        .external_local = service_keeps_external_local(service, options),
	        .fragment = ret_fragment,
	};
	prepare(&pass, slices, slice_count);
	for (int f = 0; f < FAMILIES; f++)
		for (uint32_t p = 0; pass.has_family[f] && p < service->port_count; p++)
			plan_port(&pass, f, p);
	for (int f = 0; f < FAMILIES; f++)
		ret_fragment->local_ready_endpoints[f] = endpoints_count_local_ready(&pass.endpoints[f]);
	finish(&pass);
}
