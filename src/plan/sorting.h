/*
 * Sorting of what usually is in order already.
 */
#ifndef KUBE_IPVS_PLAN_SORTING_H
#define KUBE_IPVS_PLAN_SORTING_H

#include <stddef.h>

/* qsort, at the cost of one look when nothing has to move. */
void sort_array(void *items, size_t count, size_t item_size, int (*compare)(const void *, const void *));

/* address_compare for qsort and sort_array. */
int sort_by_address(const void *a, const void *b);

#endif
