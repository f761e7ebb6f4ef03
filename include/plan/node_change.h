/*
 * Which Services a change of the node concerns: those that plan_service() may plan otherwise with the new view than with
 * the old one. All others keep their fragment, and cost nothing.
 */
#ifndef KUBE_IPVS_PLAN_NODE_CHANGE_H
#define KUBE_IPVS_PLAN_NODE_CHANGE_H

#include "model/objects.h"
#include "plan/node_view.h"

struct node_change {
	const struct node_view *before, *after; /* borrowed */
	bool name;
	bool zone;
	bool addresses;
	bool node_port_addresses;
	bool primary[2]; /* by family, [0] IPv4, [1] IPv6 */
};

void node_change_build(const struct node_view *before, const struct node_view *after,
                       struct node_change *ret_change);
/* False: the two views are the same. */
bool node_change_is_any(const struct node_change *change);
/* Pure, as plan_service(). True does not promise that the fragment is another one; false does that it is the same. */
bool node_change_concerns(const struct node_change *change, const struct service *service,
                          const struct slice *const *slices, size_t slice_count);

#endif
