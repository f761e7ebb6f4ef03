/*
 * A large run of filter changes, cut into parts, each of which can be a transaction of its own.
 *
 * All elements of one address stand in one part, so that at no time an address is half protected: the verdict, the ranges,
 * the redirect and the refusal of other ports come together. Before the first come, and behind the last go, those that
 * protect nothing: local endpoints and health-check ports.
 */
#ifndef KUBE_IPVS_APPLY_FILTER_PARTS_H
#define KUBE_IPVS_APPLY_FILTER_PARTS_H

#include "base/arena.h"
#include "plan/diff.h"

enum { FILTER_PART_LEAST = 64, FILTER_PART_MOST = 4096 }; /* more only where one address has them */

/* The changes of a run in an order in which they can be cut, in `arena`. */
struct change **filter_parts_order(struct arena *arena, struct change *changes, size_t count);
/* Where the part ends that begins at `start` and should not have more than `most` changes. */
size_t filter_parts_end(struct change *const *ordered, size_t count, size_t start, size_t most);

#endif
