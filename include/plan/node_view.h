/*
 * The node as the rules see it: name, zone, its own addresses, and which of them carry NodePorts (R9,
 * R14.11).
 */
#ifndef KUBE_IPVS_PLAN_NODE_VIEW_H
#define KUBE_IPVS_PLAN_NODE_VIEW_H

#include "base/address.h"
#include "base/arena.h"
#include "base/interface.h"

#include <stdbool.h>
#include <stddef.h>

/* --nodeport-addresses: either `primary`, or CIDRs, or neither, which means every node address. */
struct node_port_rule {
	bool primary;
	const struct cidr *cidrs;
	size_t cidr_count;
};

struct node_view {
	const char *name; /* "": unknown, and then no endpoint is local (R1.19) */
	const char *zone; /* NULL or "": no zone hint matches (R3.2) */
	/* Node addresses, ascending: every interface's but the dummy's and loopback ones (R9.1). */
	const struct address *addresses;
	size_t address_count;
	/* Those of them that carry NodePorts, ascending (R9.2-R9.5). */
	const struct address *node_port_addresses;
	size_t node_port_address_count;
	/* The node's IP of each family, [0] IPv4, [1] IPv6; FAMILY_NONE: unknown (R14.11). */
	struct address primary[2];
};

/*
 * Builds a view in `arena`; borrows the texts. `primary` of the view comes from `node_ips` (R1.33: the first,
 * and the first of the other family), loopback ones left out: so the
 * two of a struct node_ips are as good as the Node's own addresses. `dummy` names the interface whose addresses are not the node's. A
 * family that --nodeport-addresses leaves without any rule of its own matches all (R9.2), except with
 * `primary`, where a family without a node IP gets none.
 */
void node_view_build(const char *name, const char *zone, const struct interface_address *present,
                     size_t present_count, const char *dummy, const struct address *node_ips,
                     size_t node_ip_count, const struct node_port_rule *rule, struct arena *arena,
                     struct node_view *ret_view);

/* Whether it is one of the node's addresses. */
bool node_view_has(const struct node_view *view, const struct address *address);

/* R9.1's predicate, for one family: not loopback, not IPv6 link-local, and of that family. */
bool node_address_valid(const struct address *address, enum family family);

#endif
