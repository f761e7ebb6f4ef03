/*
 * An address with the interface that holds it, as the host's rtnetlink tells or a flag.
 */
#ifndef KUBE_IPVS_BASE_INTERFACE_H
#define KUBE_IPVS_BASE_INTERFACE_H

#include "base/address.h"

struct interface_address {
	struct address address;
	const char *interface;
};

#endif
