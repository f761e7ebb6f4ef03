/*
 * What our table is, elements aside: whether it is as it was left.
 */
#ifndef KUBE_IPVS_APPLY_FILTER_TABLE_H
#define KUBE_IPVS_APPLY_FILTER_TABLE_H

#include "conversation.h"

#include <stddef.h>

struct filter_table {
	bool present;
	/* Of flags, chains (names, hooks, priorities, policies) and rules (their expressions) in their order; not of
	 * handles and use counts. */
	uint64_t digest;
	char **chains; /* names */
	size_t chain_count, chain_capacity;
};

/* All zero at first. 0 or a negative errno; a missing table is no failure. */
int filter_table_read(struct conversation *netfilter, struct filter_table *ret_table);
void filter_table_done(struct filter_table *table);

#endif
