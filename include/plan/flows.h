/*
 * Which flows connection tracking should go on with after a Service's endpoints changed (R11). Pure.
 */
#ifndef KUBE_IPVS_PLAN_FLOWS_H
#define KUBE_IPVS_PLAN_FLOWS_H

#include "base/arena.h"
#include "model/objects.h"
#include "plan/node_view.h"
#include "plan/service_plan.h"
#include "plan/state.h"

/*
 * One for each address, protocol and port at which UDP or SCTP traffic comes in for this Service, NodePorts at the
 * node's NodePort addresses only, ascending; none for a service port that nobody serves (R11.3). Borrows everything, builds in
 * `arena`. Arguments as of plan_service().
 */
void plan_flows(const struct service *service, const struct slice *const *slices, size_t slice_count,
                const struct node_view *node, const struct plan_options *options, struct arena *arena,
                struct flow_port **ret_ports, size_t *ret_count);

#endif
