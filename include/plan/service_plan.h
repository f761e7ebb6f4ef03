/*
 * One Service in, its share of this node out: the rules R2 to R5 and the Instead of §16, pure.
 *
 * No clock, no I/O, no log. What deserves a person's attention comes back as warnings in the fragment.
 */
#ifndef KUBE_IPVS_PLAN_SERVICE_PLAN_H
#define KUBE_IPVS_PLAN_SERVICE_PLAN_H

#include "base/arena.h"
#include "model/objects.h"
#include "plan/node_view.h"
#include "plan/state.h"

struct plan_options {
	const char *scheduler; /* "rr" unless --ipvs-scheduler says otherwise; never NULL */
	/* Names that an annotation may choose, NULL at the end: what this kernel has, or known_schedulers. */
	const char *const *schedulers;
	bool without_ipv6;         /* the host has none (R8.11), so nothing of that family is wanted */
	bool without_external_ips; /* --allow-external-ips=false: spec.externalIPs are left out, with a warning */
};

/* Every scheduler that a mainline kernel can have, NULL at the end. */
extern const char *const known_schedulers[];
bool scheduler_in_list(const char *const *schedulers, const char *name);

/* Everything one Service needs on this node. */
struct fragment {
	struct state state;
	const char *const *warnings; /* sentences, subject first: "default/web: annotation ..." */
	size_t warning_count;
	/* R3.11, per family [0] IPv4, [1] IPv6: Local policy, no local endpoint, but endpoints elsewhere. */
	bool no_local_internal[2];
	bool no_local_external[2];
	/* R12.11, per family: what the health check node port answers with. */
	uint32_t local_ready_endpoints[2];
	uint16_t health_check_node_port; /* R2.9; 0: none */
};

/*
 * Borrows everything, builds in `arena`. A Service that is not proxied here (headless, ExternalName, the
 * service-proxy-name label) makes an empty fragment. Slices of Endpoints (`mirrored`) count only where the
 * control plane would mirror them, or where nobody made slices: for a Service without selector, or without
 * any other slice.
 *
 * Where two addresses of the Service come to the same address, protocol and port, the first of cluster IP,
 * external IP, load-balancer IP and node port has it, with a warning unless both mean the same.
 */
void plan_service(const struct service *service, const struct slice *const *slices, size_t slice_count,
                  const struct node_view *node, const struct plan_options *options, struct arena *arena,
                  struct fragment *ret_fragment);

#endif
