/*
 * Flows that the kernel's connection tracking remembers, and that lead where nobody serves any more (R11).
 */
#ifndef KUBE_IPVS_APPLY_FLOWS_H
#define KUBE_IPVS_APPLY_FLOWS_H

#include "base/fault.h"
#include "plan/state.h"

/*
 * One dump of the protocols named in `ports` (ascending, each key once), filtered by the kernel where it can, then each
 * stale flow is removed by both of its directions. An interrupted dump is taken again, five attempts in all; then what
 * was seen counts (R11.2). A flow that is gone already counts as removed. No `ports`: nothing is asked.
 * 0, or a negative errno and a sentence; *ret_removed and *ret_failed are filled in any case.
 */
int flows_remove_stale(const struct flow_port *ports, size_t count, size_t *ret_removed, size_t *ret_failed,
                       struct fault *fault);

/* Whether a flow to `key` whose answers come from `source` is stale; a key that `ports` does not name never is. */
bool flow_is_stale(const struct flow_port *ports, size_t count, const struct virtual_server_key *key,
                   const struct flow_end *source);

#endif
