#include "plan/local_detector.h"

/* The first of the family, or none. */
static void detect_by_cidr(const struct cidr *cidrs, size_t count, enum family family,
                           struct local_detector *detector)
{
	for (size_t i = 0; i < count; i++)
		if (cidrs[i].base.family == family) {
			*detector = (struct local_detector){.kind = DETECTOR_CIDR, .cidr = cidrs[i]};
			return;
		}
}

/* Interfaces carry both families. A name too long for one is passed on: it matches nothing. */
static void detect_by_interface(enum local_detector_kind kind, const char *interface,
                                struct local_detector *detector)
{
	if (interface && *interface)
		*detector = (struct local_detector){.kind = kind, .interface = interface};
}

void local_detectors_build(const struct local_detect_options *options, const struct cidr *pod_cidrs,
                           size_t pod_cidr_count, struct local_detector ret_detectors[2])
{
	for (int i = 0; i < 2; i++) {
		const enum family family = i == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
		struct local_detector *detector = &ret_detectors[i];
		*detector = (struct local_detector){.kind = DETECTOR_NONE};
		switch (options->mode) {
		case DETECT_CLUSTER_CIDR:
			detect_by_cidr(options->cluster_cidrs, options->cluster_cidr_count, family, detector);
			break;
		case DETECT_NODE_CIDR:
			detect_by_cidr(pod_cidrs, pod_cidr_count, family, detector);
			break;
		case DETECT_BRIDGE_INTERFACE:
			detect_by_interface(DETECTOR_INTERFACE, options->bridge_interface, detector);
			break;
		case DETECT_INTERFACE_NAME_PREFIX:
			detect_by_interface(DETECTOR_INTERFACE_PREFIX, options->interface_name_prefix,
			                    detector);
			break;
		}
	}
}
