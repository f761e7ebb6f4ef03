/*
 * What tells traffic of local pods from other traffic, for each IP family (R14.9).
 */
#ifndef KUBE_IPVS_PLAN_LOCAL_DETECTOR_H
#define KUBE_IPVS_PLAN_LOCAL_DETECTOR_H

#include "base/address.h"

#include <stddef.h>

enum local_detect_mode {
	DETECT_CLUSTER_CIDR,
	DETECT_NODE_CIDR,
	DETECT_BRIDGE_INTERFACE,
	DETECT_INTERFACE_NAME_PREFIX,
};

enum local_detector_kind {
	DETECTOR_NONE, /* nothing can tell */
	DETECTOR_CIDR,
	DETECTOR_INTERFACE,
	DETECTOR_INTERFACE_PREFIX,
};

struct local_detector {
	enum local_detector_kind kind;
	struct cidr cidr;      /* DETECTOR_CIDR */
	const char *interface; /* borrowed; the name or the prefix */
};

struct local_detect_options {
	enum local_detect_mode mode;
	const struct cidr *cluster_cidrs; /* borrowed */
	size_t cluster_cidr_count;
	const char *bridge_interface;
	const char *interface_name_prefix;
};

/* [0] IPv4, [1] IPv6. `pod_cidrs` are the Node's, for DETECT_NODE_CIDR. Pure. */
void local_detectors_build(const struct local_detect_options *options, const struct cidr *pod_cidrs,
                           size_t pod_cidr_count, struct local_detector ret_detectors[2]);

#endif
