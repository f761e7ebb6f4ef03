/*
 * From the cluster to what this node wants: the store, the rules and the ledger joined, for `plan` and for
 * the daemon.
 *
 * planner_refresh_node tells it about the node, planner_run plans every Service that changed since. Nothing
 * here touches the kernel.
 */
#ifndef KUBE_IPVS_CMD_PLANNER_H
#define KUBE_IPVS_CMD_PLANNER_H

#include "memo.h"
#include "service_facts.h"

#include "base/vector.h"
#include "model/cluster.h"
#include "plan/ledger.h"
#include "plan/service_plan.h"

struct planner_listener {
	void *context;
	/*
	 * After a Service was planned: what it asks for and does not get, each a sentence with its subject first; none when
	 * there is nothing to say. Borrowed for the call.
	 */
	void (*warned)(void *context, const char *owner, const char *const *sentences, size_t count);
	/* Anything else: two Services that claim one address and port, a node without an IP of its own. Told once. */
	void (*remarked)(void *context, const char *sentence);
	/* Asked before a Service is planned whose annotation names a scheduler not in the list; may add to
	 * it. NULL: nobody knows. */
	void (*scheduler_wanted)(void *context, const char *scheduler);
};

struct planner {
	struct cluster *cluster; /* owned, as is the ledger */
	struct ledger *ledger;
	struct plan_options options;
	struct node_port_rule node_ports;
	const char *node_name;
	struct address
	        bind_address; /* comes before the Node's own addresses (R14.11); to be set after init */
	const char *dummy;
	struct planner_listener listener;
	struct arena node_memory; /* the view and what it points at */
	struct arena pass;
	struct node_view view;
	struct service_facts facts;
	size_t services_planned; /* by the last run */
	bool sctp_seen;          /* some Service had an SCTP port since the start */
	/* "namespace/name" of Services with UDP or SCTP ports that were planned, until somebody clears them. */
	struct memo flow_owners;
	/* Of the endpoint changes taken in (R1.28), until somebody clears them. */
	vector_of(struct cluster_trigger) triggers;
};

/* Borrows the texts and the CIDRs of `node_ports` for as long as it lives. */
void planner_init(struct planner *planner, const char *node_name, const char *dummy, const char *scheduler,
                  const struct node_port_rule *node_ports, const struct planner_listener *listener);
void planner_done(struct planner *planner);

/*
 * Takes in the interfaces' addresses (borrowed) and the Node object of this name, if there is one. If that changed the
 * view, the Services that the change concerns are planned again (plan/node_change.h).
 */
void planner_refresh_node(struct planner *planner, const struct interface_address *addresses, size_t count);

/* Plans what changed. The ledger's touched keys then tell the rest. */
void planner_run(struct planner *planner);
/*
 * The same until the deadline (base/deadline.h); true: nothing changed is left. What changes in between is planned too.
 */
bool planner_go_on(struct planner *planner, int64_t deadline_ns);
/* One Service, those of the first ranks before all others (model/cluster.h); false: nothing changed is left. */
bool planner_plan_next(struct planner *planner);

/*
 * Where flows may go on (R11), of the Services with UDP or SCTP ports that were planned since the last call; ascending,
 * in `arena`. Borrows from the cluster.
 */
void planner_take_flows(struct planner *planner, struct arena *arena, struct flow_port **ret_ports,
                        size_t *ret_count);

#endif
