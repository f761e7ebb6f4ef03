/*
 * From slices to the endpoints of one service port (R1.12-R1.24).
 *
 * The endpoints of a family are sorted once, and what the node makes of each (local, hinted) is found out
 * once; a port then only walks that list. So a Service with many ports costs little more than its endpoints.
 */
#ifndef KUBE_IPVS_PLAN_ENDPOINTS_H
#define KUBE_IPVS_PLAN_ENDPOINTS_H

#include "base/arena.h"
#include "model/objects.h"
#include "plan/node_view.h"

/* An endpoint of a slice, and what it is to this node. */
struct known_endpoint {
	const struct endpoint *endpoint;
	uint32_t slice; /* index in `slices` */
	bool local;     /* on this node (R1.19) */
	bool node_hinted, for_this_node;
	bool zone_hinted, for_this_zone;
	bool of_a_port; /* some service port has it */
};

/* All endpoints of one Service and family, ascending by address, repetitions included, as the slices have
 * them. */
struct endpoints {
	const struct slice **slices;
	uint32_t slice_count;
	struct known_endpoint *items;
	size_t count;
};

/* One of them under a port number. */
struct port_endpoint {
	struct known_endpoint *known;
	uint16_t port;
};

/* Those of one service port, ascending by address and port number, each pair once. */
struct port_endpoints {
	struct port_endpoint *items;
	size_t count;
};

/* Takes what counts of `slices` for this Service and family; builds in `arena`, borrows the slices. */
void endpoints_build(const struct service *service, enum family family, const struct slice *const *slices,
                     size_t slice_count, const struct node_view *node, struct arena *arena,
                     struct endpoints *ret_endpoints);

/* The endpoints of one service port: name and protocol must match exactly (R1.15). */
void endpoints_of_port(struct endpoints *endpoints, const struct service_port *port, struct arena *arena,
                       struct port_endpoints *ret_endpoints);

/* R12.11: distinct addresses of local ready endpoints that some service port asked for has. */
uint32_t endpoints_count_local_ready(const struct endpoints *endpoints);

#endif
