#include "planner.h"

#include "base/deadline.h"
#include "plan/flows.h"
#include "plan/node_change.h"
#include "plan/node_ips.h"

#include <stdlib.h>
#include <string.h>

/* So many can wait while the kernel cannot be programmed; what comes on top is not measured. */
#define MOST_TRIGGERS 10000

void planner_init(struct planner *planner, const char *node_name, const char *dummy, const char *scheduler,
                  const struct node_port_rule *node_ports, const struct planner_listener *listener)
{
	*planner = (struct planner){
	        .cluster = cluster_new(),
	        .ledger = ledger_new(),
	        .options = {.scheduler = scheduler, .schedulers = known_schedulers},
	        .node_ports = *node_ports,
	        .node_name = node_name,
	        .dummy = dummy,
	        .listener = *listener,
	        .view = {.name = node_name},
	};
}

void planner_done(struct planner *planner)
{
	cluster_free(planner->cluster);
	ledger_free(planner->ledger);
	service_facts_done(&planner->facts);
	vector_done(&planner->triggers);
	memo_done(&planner->flow_owners);
	arena_done(&planner->node_memory);
	arena_done(&planner->pass);
	memset(planner, 0, sizeof(*planner));
}

static bool concerns(void *context, const struct cluster_entry *entry)
{
	return entry->service != NULL &&
	       node_change_concerns(context, entry->service, entry->slices, entry->slice_count);
}

void planner_refresh_node(struct planner *planner, const struct interface_address *addresses, size_t count)
{
	static const struct node unknown = {0};
	const struct node *node = cluster_find_node(planner->cluster, planner->node_name);
	if (node == NULL)
		node = &unknown;
	struct arena memory = {0};
	struct node_view view;
	struct node_change change;
	struct node_ips ips;
	node_ips_detect(&planner->bind_address, node->addresses, node->address_count, &ips);
	/* The Node object may be replaced while the view lives on, so the view gets texts of its own. */
	node_view_build(planner->node_name, arena_copy_text(&memory, node->zone), addresses, count,
	                planner->dummy, ips.ips, 2, &planner->node_ports, &memory, &view);
	node_change_build(&planner->view, &view, &change);
	if (!node_change_is_any(&change)) {
		arena_done(&memory);
		return;
	}
	cluster_mark_where(planner->cluster, concerns, &change);
	arena_done(&planner->node_memory);
	planner->node_memory = memory;
	planner->view = view;
	if (planner->node_ports.primary && view.node_port_address_count == 0)
		planner->listener.remarked(planner->listener.context,
		                           "--nodeport-addresses: no Node object tells this node's own IP, "
		                           "so \"primary\" means no "
		                           "address, and no NodePort is served; add the Node, or give CIDRs");
}

static void note_triggers(struct planner *planner, const struct cluster_entry *entry)
{
	for (size_t i = 0; i < entry->trigger_count && planner->triggers.count < MOST_TRIGGERS; i++)
		vector_push(&planner->triggers, entry->triggers[i]);
}

/* TCP needs none of it: a connection to who is gone is reset (R11.1). */
static bool has_flows(const struct service *service)
{
	for (uint32_t i = 0; i < service->port_count; i++)
		if (service->ports[i].protocol != PROTOCOL_TCP)
			return true;
	return false;
}

static bool has_sctp(const struct state *wanted)
{
	for (size_t i = 0; i < wanted->virtual_server_count; i++)
		if (wanted->virtual_servers[i].key.protocol == PROTOCOL_SCTP)
			return true;
	return false;
}

static void plan_entry(struct planner *planner, const struct cluster_entry *entry)
{
	const char *owner = arena_format(&planner->pass, "%s/%s", entry->name.namespace, entry->name.name);
	const struct service *service = entry->service;
	if (service == NULL) {
		planner->listener.warned(planner->listener.context, owner, NULL, 0);
		ledger_put(planner->ledger, owner, 0, NULL);
		service_facts_put(&planner->facts, entry->name, NULL);
		return;
	}
	if (service->scheduler != NULL && planner->listener.scheduler_wanted != NULL)
		planner->listener.scheduler_wanted(planner->listener.context, service->scheduler);
	struct fragment fragment;
	plan_service(service, entry->slices, entry->slice_count, &planner->view, &planner->options,
	             &planner->pass, &fragment);
	planner->listener.warned(planner->listener.context, owner, fragment.warnings, fragment.warning_count);
	ledger_put(planner->ledger, owner, service->created_seconds, &fragment.state);
	service_facts_put(&planner->facts, entry->name, &fragment);
	planner->sctp_seen |= has_sctp(&fragment.state);
	if (has_flows(service))
		memo_put(&planner->flow_owners, owner, "");
}

struct flow_ports {
	struct planner *planner;
	struct arena *arena;
	vector_of(struct flow_port) found;
};

/* What two Services claim is judged by the endpoints of the one that has it. */
static void gather_flows(void *context, const char *owner)
{
	struct flow_ports *ports = context;
	struct planner *planner = ports->planner;
	const char *slash = strchr(owner, '/');
	struct object_name name = {.namespace =
	                                   arena_copy_bytes(ports->arena, owner, (size_t)(slash - owner)),
	                           .name = slash + 1};
	const struct cluster_entry *entry = cluster_find(planner->cluster, name);
	struct flow_port *own = NULL;
	size_t count = 0;
	if (entry == NULL || entry->service == NULL)
		return;
	plan_flows(entry->service, entry->slices, entry->slice_count, &planner->view, &planner->options,
	           ports->arena, &own, &count);
	for (size_t i = 0; i < count; i++)
		if (ledger_has_port(planner->ledger, owner, &own[i].key))
			vector_push(&ports->found, own[i]);
}

static int by_key(const void *a, const void *b)
{
	const struct flow_port *left = a, *right = b;
	return virtual_server_key_compare(&left->key, &right->key);
}

void planner_take_flows(struct planner *planner, struct arena *arena, struct flow_port **ret_ports,
                        size_t *ret_count)
{
	struct flow_ports ports = {.planner = planner, .arena = arena};
	memo_begin_round(&planner->flow_owners);
	memo_sweep(&planner->flow_owners, gather_flows, &ports);
	*ret_count = ports.found.count;
	*ret_ports = arena_new_array(arena, ports.found.count, struct flow_port);
	if (ports.found.count > 0) {
		memcpy(*ret_ports, ports.found.items, ports.found.count * sizeof(**ret_ports));
		qsort(*ret_ports, *ret_count, sizeof(**ret_ports), by_key);
	}
	vector_done(&ports.found);
}

static void report_conflicts(struct planner *planner)
{
	struct ledger_conflict conflict;
	while (ledger_next_conflict(planner->ledger, &conflict)) {
		char key[VIRTUAL_SERVER_TEXT_SIZE];
		const char *sentence = arena_format(
		        &planner->pass,
		        "%s: %s belongs to %s already, which is older or sorts first; it is left out here",
		        conflict.other, virtual_server_key_format(&conflict.key, key), conflict.owner);
		planner->listener.remarked(planner->listener.context, sentence);
	}
}

bool planner_plan_next(struct planner *planner)
{
	const struct cluster_entry *entry = cluster_next_changed(planner->cluster);
	if (entry != NULL) {
		note_triggers(planner, entry);
		plan_entry(planner, entry);
		planner->services_planned++;
	} else {
		report_conflicts(planner);
	}
	arena_reset(&planner->pass);
	return entry != NULL;
}

bool planner_go_on(struct planner *planner, int64_t deadline_ns)
{
	while (planner_plan_next(planner))
		if (deadline_over(deadline_ns))
			return false;
	return true;
}

void planner_run(struct planner *planner)
{
	planner->services_planned = 0;
	planner_go_on(planner, NO_DEADLINE);
}
