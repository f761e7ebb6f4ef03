/*
 * Is the proxy well, and may the node get traffic: R12.2 to R12.8, pure.
 *
 * Times come from the caller, in nanoseconds since the epoch. [0] is IPv4, [1] IPv6.
 */
#ifndef KUBE_IPVS_OBSERVE_HEALTH_H
#define KUBE_IPVS_OBSERVE_HEALTH_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct family_health {
	bool started;            /* its loop runs (R10.10) */
	int64_t last_updated_ns; /* 0: never */
	int64_t queued_ns;       /* the oldest request not served yet; 0: none */
};

struct health {
	struct family_health families[2];
	int64_t limit_ns; /* 2 x syncPeriod (R12.4) */
	bool node_known;
	bool node_deleting;
	bool node_to_be_deleted; /* the taint ToBeDeletedByClusterAutoscaler */
};

void health_init(struct health *health, int64_t sync_period_ms);
/* A family's loop starts: well as of now (R10.10). */
void health_start(struct health *health, unsigned family, int64_t now_ns);
/* Something waits to be programmed, or programming failed. */
void health_queue(struct health *health, unsigned family, int64_t now_ns);
void health_synced(struct health *health, unsigned family, int64_t now_ns);
bool health_is_well(const struct health *health, int64_t now_ns);
bool health_node_eligible(const struct health *health);

/* Both add the body and return the status, 200 or 503. */
int health_render_healthz(const struct health *health, int64_t now_ns, struct text *body);
int health_render_livez(const struct health *health, int64_t now_ns, struct text *body);

#endif
