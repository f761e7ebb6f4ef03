/*
 * Which endpoints of a service port may serve whom (R3).
 */
#ifndef KUBE_IPVS_PLAN_CATEGORIZE_H
#define KUBE_IPVS_PLAN_CATEGORIZE_H

#include "endpoints.h"
#include "plan/state.h"

/* What the policies of a service port need (R2.11). */
struct audience {
	bool uses_cluster;
	bool uses_local;
};

/* Real servers of weight 1, masqueraded (R5.1), ascending; NULL and 0 where the audience does not use them.
 */
struct categories {
	const struct real_server *cluster;
	size_t cluster_count;
	const struct real_server *local;
	size_t local_count;
	bool has_any;                   /* there is an endpoint somewhere that could serve (R3.7) */
	const struct flow_end *leaving; /* terminating ones, ascending */
	size_t leaving_count;
};

void categorize(const struct port_endpoints *endpoints, struct audience audience, struct arena *arena,
                struct categories *ret_categories);

#endif
