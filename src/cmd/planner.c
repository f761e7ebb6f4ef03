#include "planner.h"

#include "plan/node_ips.h"

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
	arena_done(&planner->node_memory);
	arena_done(&planner->pass);
	memset(planner, 0, sizeof(*planner));
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_addresses(const struct address *a, size_t a_count, const struct address *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!address_equal(&a[i], &b[i]))
			return false;
	return true;
}

static bool same_view(const struct node_view *a, const struct node_view *b)
{
	return same_text(a->zone, b->zone) &&
	       same_addresses(a->addresses, a->address_count, b->addresses, b->address_count) &&
	       same_addresses(a->node_port_addresses, a->node_port_address_count, b->node_port_addresses,
	                      b->node_port_address_count) &&
	       same_addresses(a->primary, 2, b->primary, 2);
}

void planner_refresh_node(struct planner *planner, const struct interface_address *addresses, size_t count)
{
	static const struct node unknown = {0};
	const struct node *node = cluster_find_node(planner->cluster, planner->node_name);
	if (node == NULL)
		node = &unknown;
	struct arena memory = {0};
	struct node_view view;
	struct node_ips ips;
	node_ips_detect(&planner->bind_address, node->addresses, node->address_count, &ips);
	/* The Node object may be replaced while the view lives on, so the view gets texts of its own. */
	node_view_build(planner->node_name, arena_copy_text(&memory, node->zone), addresses, count,
	                planner->dummy, ips.ips, 2, &planner->node_ports, &memory, &view);
	if (same_view(&view, &planner->view)) {
		arena_done(&memory);
		return;
	}
	arena_done(&planner->node_memory);
	planner->node_memory = memory;
	planner->view = view;
	if (planner->node_ports.primary && view.node_port_address_count == 0)
		planner->listener.remarked(planner->listener.context,
		                           "--nodeport-addresses: no Node object tells this node's own IP, "
		                           "so \"primary\" means no "
		                           "address, and no NodePort is served; add the Node, or give CIDRs");
	cluster_mark_all(planner->cluster);
}

static void note_triggers(struct planner *planner, const struct cluster_entry *entry)
{
	for (size_t i = 0; i < entry->trigger_count && planner->triggers.count < MOST_TRIGGERS; i++)
		vector_push(&planner->triggers, entry->triggers[i]);
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

void planner_run(struct planner *planner)
{
	const struct cluster_entry *entry;
	planner->services_planned = 0;
	while ((entry = cluster_next_changed(planner->cluster)) != NULL) {
		note_triggers(planner, entry);
		plan_entry(planner, entry);
		planner->services_planned++;
		arena_reset(&planner->pass);
	}
	report_conflicts(planner);
	arena_reset(&planner->pass);
}
