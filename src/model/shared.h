/*
 * What the endpoints of one slice have in common is kept once: names of nodes, and hints.
 *
 * A memory of what was copied lately, found by hash, the newer instead of the older: it may miss, and then
 * there is one copy more. Both rounds of a layout must start with an empty one, so that they miss alike.
 */
#ifndef KUBE_IPVS_MODEL_SHARED_H
#define KUBE_IPVS_MODEL_SHARED_H

#include "block.h"
#include "model/objects.h"

enum { SHARED_SLOTS = 64 };

struct shared {
	struct {
		const char *source, *copy;
	} texts[SHARED_SLOTS];
	struct {
		const struct endpoint_hints *source, *copy;
	} hints[SHARED_SLOTS];
};

const char *shared_text(struct shared *shared, struct block *block, const char *text);
const struct endpoint_hints *shared_hints(struct shared *shared, struct block *block,
                                          const struct endpoint_hints *hints);

#endif
