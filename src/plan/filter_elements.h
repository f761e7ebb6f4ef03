/*
 * What a Service needs from the packet filter: the meaning of kube-proxy's sets (R7), as elements of ours.
 */
#ifndef KUBE_IPVS_PLAN_FILTER_ELEMENTS_H
#define KUBE_IPVS_PLAN_FILTER_ELEMENTS_H

#include "claims.h"
#include "endpoints.h"

/*
 * Gives `state` the elements of settled claims, of the addresses that it holds, of the local endpoints of each family and of
 * the health-check port (0: none), ascending and each once.
 */
void filter_elements_build(struct planning *planning, const struct claims *claims,
                           const struct endpoints families[static 2], uint16_t health_check_port,
                           struct state *state);

#endif
