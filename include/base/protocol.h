/*
 * The transport protocols that a Service port can have, by their IP protocol numbers.
 */
#ifndef KUBE_IPVS_BASE_PROTOCOL_H
#define KUBE_IPVS_BASE_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

enum protocol {
	PROTOCOL_NONE = 0, /* a firewall-mark virtual server has none */
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_SCTP = 132,
};

/* "TCP", "UDP", "SCTP" as the Kubernetes API spells them; "" for none of them. */
const char *protocol_name(uint8_t protocol);
/* Exact spelling only, as the API server. False: *ret_protocol is untouched. */
bool protocol_parse(const char *text, uint8_t *ret_protocol);

#endif
