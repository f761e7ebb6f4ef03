/*
 * What a kernel consists of, for the sources that are its methods.
 */
#ifndef KUBE_IPVS_APPLY_KERNEL_PARTS_H
#define KUBE_IPVS_APPLY_KERNEL_PARTS_H

#include "apply/kernel.h"
#include "holding.h"
#include "ipvs.h"
#include "packet_filter.h"

#include <net/if.h>

struct kernel {
	char dummy[IFNAMSIZ];
	struct ipvs ipvs;
	struct conversation route;
	struct packet_filter filter;
	struct holding holding;
};

#endif
