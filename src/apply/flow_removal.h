/*
 * Stale flows over any transport, so that tests can bring a kernel that fails (apply/flows.h has the promise).
 */
#ifndef KUBE_IPVS_APPLY_FLOW_REMOVAL_H
#define KUBE_IPVS_APPLY_FLOW_REMOVAL_H

#include "apply/flows.h"
#include "apply/transport.h"

int flow_removal_perform(const struct kernel_transport *transport, const struct flow_port *ports,
                         size_t count, size_t ret_removed[static 2], size_t *ret_failed, struct fault *fault);

#endif
