/*
 * Settings of the wrong IP family (R14.8): what deserves a warning once the node's families are known, and what cannot
 * work at all. Pure.
 */
#ifndef KUBE_IPVS_CMD_CONFIG_FAMILIES_H
#define KUBE_IPVS_CMD_CONFIG_FAMILIES_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>

/* Borrowed for the call. */
struct config_families {
	enum family primary;
	bool dual_stack;              /* this host has both families */
	const struct cidr *pod_cidrs; /* of the own Node */
	size_t pod_cidr_count;
};

/*
 * Tells each finding as a sentence that is borrowed for the call. `fatal`: no traffic of local pods could be told from
 * other traffic, so that starting would do harm. Returns whether any finding was fatal.
 */
bool config_check_families(const struct config *config, const struct config_families *families,
                           void (*tell)(void *context, bool fatal, const char *sentence), void *context);

#endif
