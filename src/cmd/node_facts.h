/*
 * This node's own Node object: whether the first pass may run yet, what changed with it, and whether the process must
 * end (R1.32-R1.36). No clock and no I/O: the daemon tells what it knows and what time it is.
 *
 *	when the Node changed:   changes = node_facts_update(&facts, node, &said), log what was said;
 *	                         with NODE_MUST_END: exit with status 1
 *	when a list is whole:    node_facts_told(&facts, now_ms)
 *	before the first pass:   node_facts_wait, and again when the Node changed or the time that it gives is over
 */
#ifndef KUBE_IPVS_CMD_NODE_FACTS_H
#define KUBE_IPVS_CMD_NODE_FACTS_H

#include "base/fault.h"
#include "base/text.h"
#include "model/objects.h"
#include "plan/node_ips.h"

#include <stdbool.h>
#include <stdint.h>

#define NODE_PATIENCE_MS     INT64_C(30000)  /* for the Node and its addresses, since the start */
#define NODE_POD_PATIENCE_MS INT64_C(300000) /* for its pod prefixes, since the Nodes are known */

struct node_facts {
	const char *name;     /* borrowed */
	bool waits;           /* an API server has the Node; manifests alone are not waited for */
	bool needs_pod_cidrs; /* --detect-local-mode=NodeCIDR */
	/* Below is the module's own. */
	int64_t start_ms;
	int64_t told_ms;    /* when the Nodes were known for the first time */
	struct node *node;  /* as known last: one that was deleted stays in use (R1.35); NULL: none so far */
	struct node *began; /* what the first pass ran with; NULL: none, or no pass so far */
	bool told;
	bool gone; /* the Node was there and is not any more */
	bool running;
};

/* Borrows `name`. `waits` and `needs_pod_cidrs` as above. */
void node_facts_init(struct node_facts *facts, const char *name, bool waits, bool needs_pod_cidrs,
                     int64_t now_ms);
void node_facts_done(struct node_facts *facts);

/* The source knows all Nodes that there are; the first time counts. */
void node_facts_told(struct node_facts *facts, int64_t now_ms);

/* Against what was known before: no addresses, no zone, no pod prefixes, as long as nothing was. */
enum node_change {
	NODE_APPEARED = 1 << 0,
	NODE_GONE = 1 << 1, /* only to be logged: the last one known stays in use */
	NODE_IPS_CHANGED = 1 << 2,
	NODE_ZONE_CHANGED = 1 << 3,
	NODE_ELIGIBILITY_CHANGED = 1 << 4,
	NODE_POD_CIDRS_CHANGED = 1 << 5,
	NODE_MUST_END =
	        1 << 6, /* the pod prefixes are not those of the first pass any more, and matter (R1.36) */
};

/*
 * Takes in the Node as it is now (NULL: there is none), which it borrows for the call; one that is not another changes
 * nothing. Returns the changes and adds to `said` (may be NULL) one sentence for the log if there are any.
 */
unsigned node_facts_update(struct node_facts *facts, const struct node *node, struct text *said);

enum node_wait {
	NODE_GOES,         /* the first pass may run; also at every later question */
	NODE_GOES_WITHOUT, /* so it may, but the wait was in vain: the fault is a warning. Said once */
	NODE_WAITS,        /* ask again when the Node changed, or after *ret_wait_ms */
	NODE_FAILS,        /* the fault says what is missing: exit with status 1 */
};

enum node_wait node_facts_wait(struct node_facts *facts, int64_t now_ms, int64_t *ret_wait_ms,
                               struct fault *fault);

/* The Node as known last, also after it was deleted; NULL: none so far. Valid until the next update. */
const struct node *node_facts_node(const struct node_facts *facts);
/* R12.6: false while the Node is being deleted, or about to be. A Node that is not known is eligible. */
bool node_facts_eligible(const struct node_facts *facts);

#endif
