/*
 * Flows that the kernel's connection tracking remembers, and that lead where nobody serves any more (R11).
 */
#ifndef KUBE_IPVS_APPLY_FLOWS_H
#define KUBE_IPVS_APPLY_FLOWS_H

#include "base/fault.h"
#include "plan/state.h"

/*
 * One dump for each family and protocol named in `ports` (ascending, each key once), UDP and SCTP only; the kernel is
 * asked for no other flows where it can filter. Each stale flow is removed by both of its directions. An interrupted dump
 * is taken again, five times; then what was seen counts (R11.2). A flow that is gone already counts as removed. No
 * `ports`: nothing is asked. 0, or a negative errno and a sentence; ret_removed ([0] IPv4, [1] IPv6) and *ret_failed,
 * flows that the kernel did not remove, are filled in any case. Memory follows the number of stale flows.
 */
int flows_remove_stale(const struct flow_port *ports, size_t count, size_t ret_removed[static 2],
                       size_t *ret_failed, struct fault *fault);

/* Whether a flow to `key` whose answers come from `source` is stale; a key that `ports` does not name never is. */
bool flow_is_stale(const struct flow_port *ports, size_t count, const struct virtual_server_key *key,
                   const struct flow_end *source);

#endif
