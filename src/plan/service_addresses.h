/*
 * Which addresses and rules a Service has in one family (R2), apart from its ports.
 */
#ifndef KUBE_IPVS_PLAN_SERVICE_ADDRESSES_H
#define KUBE_IPVS_PLAN_SERVICE_ADDRESSES_H

#include "planning.h"

/* Of one family. Lists are in the order of the Service, repetitions included; ranges ascend and are disjoint.
 */
struct service_addresses {
	enum family family;
	struct address cluster_ip; /* FAMILY_NONE: it was refused */
	const struct address *external_ips;
	size_t external_ip_count;
	const struct address *balancer_ips;
	size_t balancer_ip_count;
	const struct cidr *source_ranges; /* none: everybody may (R2.6) */
	size_t source_range_count;
};

/* R1.1, R2.1: neither headless, nor an ExternalName, nor another proxy's. */
bool service_is_proxied(const struct service *service);

/* R2.7: policy Local, on a Service that can be reached from outside by its type. */
bool service_keeps_external_local(const struct service *service, const struct plan_options *options);

/* False: the Service is not of this family (R2.2). Warns of what it refuses. */
bool service_addresses_build(struct planning *planning, enum family family,
                             struct service_addresses *ret_addresses);

#endif
