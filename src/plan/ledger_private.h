/*
 * The ledger's tables, shared by what changes them (ledger.c) and what reads them (ledger_read.c).
 */
#ifndef KUBE_IPVS_PLAN_LEDGER_PRIVATE_H
#define KUBE_IPVS_PLAN_LEDGER_PRIVATE_H

#include "base/memory.h"
#include "kept.h"
#include "plan/ledger.h"

#include <stdlib.h>

#define uthash_malloc(size)       memory_alloc(size)
#define uthash_free(memory, size) free(memory)
#include <uthash.h>

struct ledger_owner {
	UT_hash_handle hh;
	struct kept *kept;
	int64_t created_seconds;
	char name[];
};

/* One key with everybody who claims it. */
struct ledger_entry {
	UT_hash_handle hh;
	struct share *first;       /* of those in the list, the one who has it */
	const struct kept *before; /* whose it was at the last settle; meaningful while touched */
	struct ledger_entry *next_contested;
	struct ledger_entry *previous_contested;
	struct kept_key key;
	bool touched;
	bool contested; /* in the list of entries that may have a conflict to report */
};

struct ledger {
	struct ledger_owner *owners;
	struct ledger_entry *entries;
	struct ledger_entry *contested;
	struct {
		struct ledger_entry **items;
		size_t count;
		size_t capacity;
	} touched;
	struct kept_keys keys; /* of the fragment that is being put */
};

#endif
