/*
 * Sorting an array in steps, for whoever has other things to do meanwhile. Stable; needs as much memory again.
 *
 *	struct sorting sorting;
 *	sorting_begin(&sorting, items, count, sizeof(*items), compare);
 *	while (!sorting_go_on(&sorting, &steps)) ...;
 *	sorting_done(&sorting);
 */
#ifndef KUBE_IPVS_BASE_SORTING_H
#define KUBE_IPVS_BASE_SORTING_H

#include <stdbool.h>
#include <stddef.h>

struct sorting {
	char *items; /* the caller's */
	char *spare;
	char *from, *to; /* one is the items, the other the spare ones */
	size_t count, size;
	int (*compare)(const void *, const void *);
	size_t width;      /* of the runs in `from` that are sorted */
	size_t start;      /* of the two runs that are being merged */
	size_t one, other; /* the next of each */
};

/* An all-zero sorting has nothing to sort. */
void sorting_begin(struct sorting *sorting, void *items, size_t count, size_t size,
                   int (*compare)(const void *, const void *));
/* Moves at most *left items, and takes them off. True: the items are in order. */
bool sorting_go_on(struct sorting *sorting, size_t *left);
void sorting_done(struct sorting *sorting); /* idempotent */

#endif
