/*
 * Random states, a kernel that obeys changes to the letter, and states as text to compare.
 */
#ifndef KUBE_IPVS_TEST_UNIT_PLAN_MODEL_H
#define KUBE_IPVS_TEST_UNIT_PLAN_MODEL_H

#include "base/arena.h"
#include "base/text.h"
#include "plan/diff.h"
#include "plan/state.h"

struct dice {
	uint64_t state;
};

uint32_t dice_roll(struct dice *dice, uint32_t sides); /* 0 .. sides - 1 */
bool dice_chance(struct dice *dice, uint32_t percent);

/*
 * A state out of a small world, so that two of them share a lot: each possible entry is in it with this chance.
 * As plan makes them, if `whole`: whoever has a virtual server has its filter element and, on addresses that
 * the node does not have itself, holds its address and has it guarded.
 */
struct state random_state(struct dice *dice, uint32_t percent, bool whole, struct arena *arena);

enum { MODEL_SERVERS = 64, MODEL_REAL_SERVERS = 16, MODEL_ADDRESSES = 32, MODEL_ELEMENTS = 160 };

struct model_server {
	struct virtual_server server; /* its real servers are below */
	struct real_server real_servers[MODEL_REAL_SERVERS];
	size_t real_server_count;
};

struct model {
	struct model_server servers[MODEL_SERVERS];
	struct address held[MODEL_ADDRESSES];
	struct filter_element filter[MODEL_ELEMENTS];
	size_t server_count, held_count, filter_count;
};

void model_load(struct model *model, const struct state *state);
/* NULL, or what the kernel has against this change: the model is then as before. */
const char *model_perform(struct model *model, const struct change *change);
/* The model as a state in `arena`. */
struct state model_state(const struct model *model, struct arena *arena);

struct model_server *model_find_server(struct model *model, const struct virtual_server_key *key);
bool model_holds(const struct model *model, const struct address *address);
const struct filter_element *model_find_element(const struct model *model,
                                                const struct filter_element *element);

/* All there is to a state, in one text. */
char *state_text(const struct state *state, struct arena *arena);
/* One line for each change, sorted: the changes without their order. */
char *changes_text(const struct changes *changes, struct arena *arena);
/* The lines of a text, sorted. */
char *sorted_lines(const char *text, struct arena *arena);

#endif
