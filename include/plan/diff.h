/*
 * The difference between two states as a list of changes, in the order in which they are safe.
 *
 * First growing, Service ranks one after the other: source ranges that are no longer allowed, which only forbids, filter
 * elements, then the address, then the virtual server, then its real servers, so that nothing answers before it is
 * protected. Then changes in place. Then shrinking: real servers, the virtual server, the address, the filter elements.
 * Nothing is ever deleted and added again. Filter changes that need not wait for others stand together, so that they can
 * be one transaction. Within one kind and rank the order is that of the keys, except that the real servers of one
 * virtual server are added in R1.23's text order for sh, dh and mh, which must agree between nodes, and in an
 * order made from `order_seed` for all others, which must not: round robin starts at the same place of the
 * list on every node.
 *
 * Pure: diff_build(x, x) is empty; performing diff_build(a, b) on a makes b.
 */
#ifndef KUBE_IPVS_PLAN_DIFF_H
#define KUBE_IPVS_PLAN_DIFF_H

#include "base/vector.h"
#include "plan/state.h"

/* In the order of execution within one rank. */
enum change_kind {
	CHANGE_FILTER_RESTRICT, /* removes a source range of a port that stays */
	CHANGE_FILTER_ADD,      /* with `before`: changes the content of an element that is there */
	CHANGE_ADDRESS_ADD,
	CHANGE_VIRTUAL_SERVER_ADD,
	CHANGE_VIRTUAL_SERVER_EDIT,
	CHANGE_REAL_SERVER_ADD,
	CHANGE_REAL_SERVER_EDIT,
	CHANGE_REAL_SERVER_REMOVE,
	CHANGE_VIRTUAL_SERVER_REMOVE, /* its real servers go with it (R4.15) */
	CHANGE_ADDRESS_REMOVE,
	CHANGE_FILTER_REMOVE,
	CHANGE_KINDS,
};

/*
 * One change. The pointers borrow from the two states: what is added or edited from the wanted one, what is
 * removed from the present one. Real server changes name their virtual server too.
 */
struct change {
	uint8_t kind; /* enum change_kind */
	uint8_t rank; /* enum rank; RANK_OTHER when shrinking */
	const struct virtual_server *virtual_server;
	const struct real_server *real_server;
	/* Of an edit: the virtual server, real server or filter element as it is now. */
	const void *before;
	struct address address;
	const struct filter_element *filter;
	int result; /* filled in by the performer: 0, or the kernel's own errno as a negative number */
	const char *detail; /* the kernel's extended acknowledgement, or NULL; lives as long as the pass */
};

struct changes {
	struct change *items;
	size_t count;
	size_t capacity;
};

/* Which entries of the present state may be removed when nobody wants them. Wanted ones are always adopted
 * and edited. */
struct removal_rules {
	/*
	 * True: the present state holds only what is ours. False: a virtual server is ours if its address is
	 * held on the dummy interface of the present state or if `recorded` names it; others are alien and
	 * stay. Firewall marks always stay.
	 */
	bool all_ours;
	const struct virtual_server_key *recorded; /* ascending */
	size_t recorded_count;
	/*
	 * --ipvs-exclude-cidrs: virtual servers and held addresses that stay (R4.15, Q-12), except what `recorded`
	 * names: that was made for a Service, and goes with it.
	 */
	const struct cidr *excluded;
	size_t excluded_count;
	uint64_t order_seed; /* from the node's name: see order_seed() */
};

/* Ours, and so removable when unwanted: the rule that diff, list and cleanup share. */
bool removal_allowed(const struct removal_rules *rules, const struct state *present,
                     const struct virtual_server_key *key);

/* Adds to `ret_changes` (all zero at first; released with vector_done). Borrows both states for as long as it
 * is used. */
void diff_build(const struct state *present, const struct state *wanted, const struct removal_rules *rules,
                struct changes *ret_changes);

/*
 * The same in steps, each an entry of either state, with the real servers of a virtual server, or a move in arranging. Borrows
 * all four, which stay as they are until the end. True: the changes are complete.
 */
struct difference;
struct difference *difference_new(const struct state *present, const struct state *wanted,
                                  const struct removal_rules *rules, struct changes *ret_changes);
bool difference_go_on(struct difference *difference, size_t steps);
void difference_free(struct difference *difference); /* NULL is allowed */

/*
 * Whether virtual or real servers of this protocol come, change or go. For UDP that means that flows which the kernel's
 * connection tracking remembers may be stale (R1.29, Q-21).
 */
bool changes_touch_protocol(const struct changes *changes, uint8_t protocol);

uint64_t order_seed(const char *node_name);

/* "add", "change", "remove" and what: "add real server", for messages and listings. */
const char *change_kind_name(enum change_kind kind);

#endif
