/*
 * A Service and its EndpointSlice in few words, and as an API server writes them.
 *
 * Service NUMBER is namespace-(NUMBER % 100)/service-NUMBER, TCP port 80 of 10.96.0.1 + NUMBER, endpoint port 8080. In IPv6,
 * 10.96.0.1 becomes fd00::a60:1, and so on.
 */
#ifndef KUBE_IPVS_TEST_FAKE_SKETCH_H
#define KUBE_IPVS_TEST_FAKE_SKETCH_H

#include "base/arena.h"
#include "base/text.h"
#include "plan/state.h"

#include <stddef.h>
#include <stdint.h>

#define SKETCH_MOST 1048576 /* so many Services can be numbered */

struct sketch {
	uint32_t number;
	uint16_t node_port;        /* 0: a ClusterIP alone */
	const uint32_t *endpoints; /* addresses as numbers, 10.128.0.1 as 0x0a800001 */
	size_t endpoint_count;
};

/* From here on all addresses are IPv6. */
void sketch_in_ipv6(void);

/* Each replaces the text. */
void sketch_service(const struct sketch *sketch, struct text *text);
void sketch_slice(const struct sketch *sketch, struct text *text);
/* A Node of this name with the address 192.0.2.10. */
void sketch_node(const char *name, struct text *text);

struct sketch_name {
	char namespace[24], service[24], slice[32];
};
void sketch_name(uint32_t number, struct sketch_name *ret_name);
struct virtual_server_key sketch_key(uint32_t number);
struct address sketch_address(uint32_t value);
/* As it is planned, with so many endpoints from 10.128.0.0 + NUMBER * ENDPOINTS on; in `arena`. Gives
 * its real servers, which may be changed. */
struct real_server *sketch_virtual_server(uint32_t number, size_t endpoints, struct arena *arena,
                                          struct virtual_server *ret_server);

#endif
