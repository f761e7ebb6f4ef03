/*
 * Which virtual servers are kube-proxy's though no address of kube-ipvs0 tells it: those for NodePorts, and those of
 * external addresses that are the node's own.
 */
#ifndef KUBE_IPVS_CMD_KUBE_PROXY_CLAIMS_H
#define KUBE_IPVS_CMD_KUBE_PROXY_CLAIMS_H

#include "base/arena.h"
#include "base/interface.h"
#include "options.h"
#include "plan/state.h"

struct kube_proxy_claims {
	const struct interface_address *host; /* all of the node's addresses; kube-ipvs0's do not count */
	size_t host_count;
	struct port_range node_ports;
	const struct virtual_server_key *external; /* that it knew (apply/kube_proxy.h), in no order */
	size_t external_count;
	const struct cidr *excluded; /* these it is never */
	size_t excluded_count;
};

/* Those among the present ones, ascending, in `arena`. Returns how many. kube-proxy's real servers are all masqueraded. */
size_t kube_proxy_claims_find(const struct kube_proxy_claims *claims, const struct state *present,
                              struct arena *arena, struct virtual_server_key **ret_keys);

#endif
