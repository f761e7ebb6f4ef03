/*
 * The order of changes: which comes first of all, and in which order one virtual server gets its real servers.
 */
#ifndef KUBE_IPVS_PLAN_DIFF_ORDER_H
#define KUBE_IPVS_PLAN_DIFF_ORDER_H

#include "plan/diff.h"

/* A real server with its place: by number, then by text. */
struct placed {
	uint64_t number;
	const struct real_server *server;
	char text[ENDPOINT_TEXT_SIZE];
};

/* Real servers that one virtual server is to get. All zero is empty and ready; used again and again. */
struct placing {
	struct placed *items;
	size_t count;
	size_t capacity;
};

/*
 * Puts the first `count` items, whose `server` is set, into the order in which `virtual_server` should get
 * them: the same on every node for schedulers whose choice depends on it, else one that is this node's own.
 */
void placing_sort(struct placing *placing, const struct virtual_server *virtual_server, uint64_t seed);

/*
 * Arranges the changes from number `first` on: growing by rank, then kind, shrinking by kind; else as they are. In steps, each
 * a change that is looked at or moved.
 */
enum {
	GROWING_KINDS = CHANGE_REAL_SERVER_EDIT + 1,
	RANKS = RANK_OTHER + 1,
	PLACES = RANKS * GROWING_KINDS + CHANGE_KINDS - GROWING_KINDS,
};

struct arranging {
	struct change *items;
	size_t count;
	unsigned stage;
	size_t next;
	uint32_t *places; /* where each item has to go */
	size_t starts[PLACES];
};

void arranging_begin(struct arranging *arranging, struct changes *changes, size_t first);
bool arranging_go_on(struct arranging *arranging, size_t *left);
void arranging_done(struct arranging *arranging);

#endif
