/*
 * What kube-proxy leaves in the packet filter of a node: found, and removed, by exact names.
 *
 * In its mode ipvs these are nine jumps and eleven chains for each family (R7.8), in the tables nat and filter, with either
 * of iptables' backends, and seventeen ipsets for each family (R7.2); in its mode nftables the tables `ip kube-proxy` and
 * `ip6 kube-proxy` (R14.13). Chains that kubelet has too, or that have only a similar name, are none of these. A chain to
 * which somebody else's rule leads stays, with its rules, and so does each chain and set that it needs. No program is run,
 * and no module is loaded: a backend or ipsets that this kernel does not have in use are not there.
 */
#ifndef KUBE_IPVS_APPLY_KUBE_PROXY_H
#define KUBE_IPVS_APPLY_KUBE_PROXY_H

#include "apply/transport.h"
#include "base/arena.h"
#include "base/vector.h"
#include "plan/state.h"

/* How much of it is there. */
struct kube_proxy_traces {
	size_t jumps; /* into its chains, from those that the kernel begins with */
	size_t chains;
	size_t sets;
	size_t tables; /* of its mode nftables */
};

enum kube_proxy_fate { KUBE_PROXY_REMOVED, KUBE_PROXY_LEFT, KUBE_PROXY_FAILED };

struct kube_proxy_item {
	enum kube_proxy_fate fate;
	const char *what; /* "chain KUBE-SERVICES of the table ip nat" */
	const char *why;  /* of what stays: half a sentence */
};

/* Texts live in the arena that made them. */
struct kube_proxy_report {
	vector_of(struct kube_proxy_item) items; /* released with vector_done */
	size_t counts[3];                        /* by fate */
};

/* `transport` NULL, here and below: the real kernel. What cannot be read counts as not there; the first errno is returned. */
int kube_proxy_look(const struct kernel_transport *transport, struct kube_proxy_traces *ret_traces);

/*
 * The virtual servers of external addresses that it knew (the elements of its sets for external IPs and load balancers),
 * in `arena`, in no order. Where they stand on the node's own addresses, nothing else tells that they are its own. 0, also
 * without such sets; else a negative errno.
 */
int kube_proxy_read_external(const struct kernel_transport *transport, struct arena *arena,
                             struct virtual_server_key **ret_keys, size_t *ret_count);

/*
 * Jumps and chains, one transaction for each table; then the tables of its mode nftables. Adds to the report, also what
 * failed: there is no other error.
 */
void kube_proxy_remove_rules(const struct kernel_transport *transport, struct arena *arena,
                             struct kube_proxy_report *report);
/*
 * Sets; to be called after kube_proxy_remove_rules. The kernel lets go of a rule's sets only some time after the rule: returns
 * how many are still in use and were passed over, to be tried again some milliseconds later. `last`: they are reported.
 */
size_t kube_proxy_remove_sets(const struct kernel_transport *transport, bool last, struct arena *arena,
                              struct kube_proxy_report *report);

/* How often kube_proxy_remove_sets is worth a try, and how long to wait between two. */
enum { KUBE_PROXY_SET_TRIES = 20, KUBE_PROXY_SET_PAUSE_MS = 50 };

#endif
