/*
 * A small cluster as a plain array of things, each a row of small numbers that stand for values in a table: so that any of
 * them can be rolled anew, told to a store, and printed.
 */
#ifndef KUBE_IPVS_TEST_UNIT_MODEL_WORLD_H
#define KUBE_IPVS_TEST_UNIT_MODEL_WORLD_H

#include "base/arena.h"
#include "base/interface.h"
#include "base/text.h"
#include "model/cluster.h"
#include "plan_model.h"

#define WORLD_NODE_NAME "n1"

enum world_kind {
	WORLD_SERVICE,
	WORLD_SLICE,
	WORLD_NODE, /* the Node object of this node */
	WORLD_HOST, /* what its interfaces have; always there */
	WORLD_KINDS,
};

enum {
	WORLD_SERVICES = 8,
	WORLD_SLICES = 12,
	WORLD_SLOTS = WORLD_SLICES,
	WORLD_FIELDS = 32,
	WORLD_HOST_ADDRESSES = 4
};

struct thing {
	bool present;
	uint8_t fields[WORLD_FIELDS]; /* places in the values of the kind's fields, or bits for them */
};

struct world {
	struct thing things[WORLD_KINDS][WORLD_SLOTS];
};

size_t world_slots(enum world_kind kind);
/* The thing is there, and wholly new; or, with `one_field`, different in one field at most. */
void world_roll(struct world *world, enum world_kind kind, size_t slot, bool one_field, struct dice *dice);
void world_remove(struct world *world, enum world_kind kind, size_t slot);
/* "default/a age 100 type NodePort ..." */
void world_print(const struct world *world, enum world_kind kind, size_t slot, struct text *text);

/* A thing as the project's objects have it, in `arena`; NULL when it is not there. */
const struct service *world_service(const struct world *world, size_t slot, struct arena *arena);
const struct slice *world_slice(const struct world *world, size_t slot, struct arena *arena);
const struct node *world_node(const struct world *world, struct arena *arena);
/* The addresses on the host's interfaces but the dummy; the count. */
size_t world_host(const struct world *world, struct interface_address addresses[static WORLD_HOST_ADDRESSES]);
struct object_name world_name(enum world_kind kind, size_t slot);

#endif
