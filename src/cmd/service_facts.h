/*
 * What is told about Services besides the kernel's share of them: their health-check node ports, and how many have a
 * Local policy without a local endpoint (R3.11, R12.11).
 *
 * Only Services with something to tell are kept, and sums are kept beside them, so that asking costs nothing.
 */
#ifndef KUBE_IPVS_CMD_SERVICE_FACTS_H
#define KUBE_IPVS_CMD_SERVICE_FACTS_H

#include "observe/service_health.h"
#include "plan/service_plan.h"

#include <stddef.h>
#include <stdint.h>

struct service_fact;

/* Ready when all zero. */
struct service_facts {
	struct service_fact *by_name;
	size_t no_local_internal[2], no_local_external[2]; /* Services, [0] IPv4, [1] IPv6 */
	uint64_t changes;                                  /* of health-check node ports and their counts */
};

/* The Service was planned; a NULL fragment: it is gone. */
void service_facts_put(struct service_facts *facts, struct object_name name, const struct fragment *fragment);
void service_facts_done(struct service_facts *facts);
/* All that have a health-check node port, by name, in `arena`; texts borrowed until the next put. */
size_t service_facts_health_ports(const struct service_facts *facts, struct arena *arena,
                                  struct service_health_port **ret_ports);

#endif
