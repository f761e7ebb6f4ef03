/*
 * Chains of others that drop by policy what none of their rules accepts. Packets of Services pass them before IPVS or
 * after it, and no rule of ours can let them through.
 */
#ifndef KUBE_IPVS_APPLY_FIREWALLS_H
#define KUBE_IPVS_APPLY_FIREWALLS_H

#include "apply/transport.h"
#include "base/arena.h"

#include <stddef.h>

enum dropping_hook {
	DROPS_INPUT,   /* what comes to a Service's address */
	DROPS_FORWARD, /* what real servers answer */
};

struct dropping_chain {
	enum dropping_hook hook;
	const char *family; /* as nft(8) names it: "ip", "ip6", "inet" */
	const char *table;
	const char *name;
};

/*
 * All of nf_tables, which iptables' chains are part of unless they are legacy ones, in `arena`. `transport` NULL is the real
 * kernel. 0, also where the kernel has no nf_tables; else a negative errno.
 */
int firewalls_find(const struct kernel_transport *transport, struct arena *arena,
                   struct dropping_chain **ret_chains, size_t *ret_count);

#endif
