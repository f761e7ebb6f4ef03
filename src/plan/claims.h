/*
 * What a Service claims on this node: an address, protocol and port each, with all that belongs to them.
 */
#ifndef KUBE_IPVS_PLAN_CLAIMS_H
#define KUBE_IPVS_PLAN_CLAIMS_H

#include "planning.h"
#include "service_addresses.h"

/* In the order in which one Service's own claims go before each other. */
enum claim_kind {
	CLAIM_CLUSTER_IP,
	CLAIM_EXTERNAL_IP,
	CLAIM_BALANCER_IP,
	CLAIM_NODE_PORT,
};

struct claim {
	struct virtual_server server;
	uint8_t kind;           /* enum claim_kind */
	uint8_t verdict;        /* enum filter_verdict */
	bool restricted;        /* to the source ranges of `addresses` */
	uint16_t redirect_port; /* of the cluster IP of `addresses`, for clients inside; 0: none */
	uint32_t number;        /* in the order of the Service */
	const struct service_addresses *addresses;
};

struct claims {
	struct claim *items;
	size_t count;
};

/*
 * Sorts by key and leaves one claim for each: the first by kind, then by number. Warns where another one was
 * different in more than its kind.
 */
void service_claims_settle(struct planning *planning, struct claims *claims);

#endif
