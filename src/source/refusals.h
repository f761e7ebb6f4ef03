/*
 * What was told already of objects that are left out, so that a list that comes again does not tell it again.
 *
 * A bounded memory of fingerprints. When it is full, nothing more is told until it is forgotten; the last fault that
 * it lets through is followed by one that says so.
 */
#ifndef KUBE_IPVS_SOURCE_REFUSALS_H
#define KUBE_IPVS_SOURCE_REFUSALS_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFUSALS_MOST 1024

/* An all-zero one is empty and ready. */
struct refusals {
	uint64_t *told;
	size_t count, capacity;
};

void refusals_done(struct refusals *refusals);
/* True: this fault was not told yet, and is now. */
bool refusals_add(struct refusals *refusals, const struct fault *fault);
/* The fault just added was the last for which there was room. */
bool refusals_are_full(const struct refusals *refusals);

#endif
