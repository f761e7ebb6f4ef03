/*
 * Real servers that nobody wants any more, but that may still have connections: they stay, with weight 0 (R5.8, R5.9).
 *
 * What is wanted is extended by them, so that diff finds one edit to weight 0, or none where that is the weight already;
 * and one edit back, in place, when somebody wants them again. Those of UDP go at once (R5.12).
 *
 * Pure, without a clock: when a drain is over is decided elsewhere. A drain that is over is no part of the present state
 * any more.
 */
#ifndef KUBE_IPVS_PLAN_DRAINS_H
#define KUBE_IPVS_PLAN_DRAINS_H

#include "base/arena.h"
#include "plan/diff.h"
#include "plan/state.h"

/* One real server that drains. Borrows. */
struct draining {
	struct virtual_server_key key;
	struct flow_end end;
	const char *label; /* of the virtual server, as it is wanted; NULL: nobody told */
	bool leaving;      /* its endpoint is terminating, and still in a slice */
};

/* Ascending by virtual server, then by end. */
struct draining_list {
	const struct draining *items;
	size_t count;
};

bool protocol_drains(uint8_t protocol);
/* By key, then end, of which the others are borrowed. */
int draining_compare(const struct draining *a, const struct draining *b);
/* Where the first of that key stands, or would. */
size_t draining_first(const struct draining_list *list, const struct virtual_server_key *key);

/*
 * *ret_extended is what is wanted, and of every wanted virtual server whose protocol drains also each real server that is
 * present and not wanted, at weight 0; else it is as in the present state. *ret_draining tells them. Borrows both
 * states, builds in `arena`; where nothing drains, *ret_extended is *wanted itself.
 */
void drains_extend(const struct state *present, const struct state *wanted, struct arena *arena,
                   struct state *ret_extended, struct draining_list *ret_draining);

/*
 * What is present, where only the wanted state of before is known: that, and those which drain in its virtual servers.
 * Borrows, builds in `arena`.
 */
void drains_join(const struct state *before, const struct draining_list *known, struct arena *arena,
                 struct state *ret_present);

/*
 * --drain-on-delete: what is left of virtual servers that are present and unwanted, drain, have real servers and could be
 * removed by the rules; but not of those in `released` (ascending). One state for each: the virtual server with all
 * weights 0, its address if the present state holds it, and new connections refused. In `arena`, ascending.
 */
void drains_left_over(const struct state *present, const struct state *wanted,
                      const struct removal_rules *rules, const struct virtual_server_key *released,
                      size_t released_count, struct arena *arena, struct state **ret_states,
                      size_t *ret_count);

#endif
