/*
 * The node's own IP of each family, and which family comes first (R1.33, R14.11).
 */
#ifndef KUBE_IPVS_PLAN_NODE_IPS_H
#define KUBE_IPVS_PLAN_NODE_IPS_H

#include "base/address.h"

#include <stddef.h>

struct node_ips {
	struct address ips[2]; /* [0] IPv4, [1] IPv6; 127.0.0.1 and ::1 when nothing is known */
	enum family primary;
};

/*
 * `bind_address` FAMILY_NONE or unspecified: does not matter. `node_addresses` as of struct node. Pure.
 */
void node_ips_detect(const struct address *bind_address, const struct address *node_addresses, size_t count,
                     struct node_ips *ret_ips);

#endif
