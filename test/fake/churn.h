/*
 * Random changes of a cluster that a scripted API server serves: Services that come and go, get and lose endpoints and
 * node ports. The same seed makes the same changes.
 */
#ifndef KUBE_IPVS_TEST_FAKE_CHURN_H
#define KUBE_IPVS_TEST_FAKE_CHURN_H

#include "sketch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api_server;

enum { CHURN_ENDPOINTS = 8 }; /* of one Service at most */

struct churn_service {
	bool present;
	struct sketch sketch;
	uint32_t endpoints[CHURN_ENDPOINTS];
};

struct churn {
	struct api_server *server; /* borrowed */
	uint64_t random;
	uint32_t first, count; /* numbers of its Services (test/fake/sketch.h) */
	uint32_t endpoints_made;
	struct churn_service *services;
	struct text text;
	size_t changes;
};

/* All Services are there at first. */
void churn_init(struct churn *churn, struct api_server *server, uint64_t seed, uint32_t first,
                uint32_t count);
void churn_done(struct churn *churn);
/* One change of one object, or of a Service and its slice. */
void churn_change(struct churn *churn);
/* A Service gets another node port, or its first. */
void churn_change_node_port(struct churn *churn);

/* Below `limit`, which is not 0. */
uint32_t churn_random(uint64_t *random, uint32_t limit);

#endif
