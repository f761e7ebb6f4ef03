/*
 * What all Services together want, kept so that one Service's change costs only itself.
 *
 * Each owner (a Service) puts its fragment. What several share is counted: an address stays until its last
 * user goes. Of two that claim one address, port and protocol, the older owner has it, then the one whose
 * name sorts first; the other is remembered, reported once, and takes over when the first goes.
 * `ledger_touched` gives what was and what is wanted for just the keys that changed since the last settle,
 * ready for diff.
 */
#ifndef KUBE_IPVS_PLAN_LEDGER_H
#define KUBE_IPVS_PLAN_LEDGER_H

#include "base/arena.h"
#include "plan/state.h"

struct ledger;

/* Two owners and what they both claim; texts live until the next put or remove. */
struct ledger_conflict {
	struct virtual_server_key key;
	const char *owner; /* has it */
	const char *other; /* does not get it */
};

struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);

/*
 * Replaces what `owner` ("namespace/name") wants; copies the state. An empty or NULL state is a removal.
 * `created_seconds` 0 is youngest. An owner whose name begins with LEDGER_LEFT_OVER is no Service: put with 0, it comes
 * behind all others, and its conflicts are none to report.
 */
#define LEDGER_LEFT_OVER '~' /* sorts behind what names of Kubernetes may hold */
void ledger_put(struct ledger *ledger, const char *owner, int64_t created_seconds,
                const struct state *wanted);

/*
 * Only the keys touched since the last settle: as wanted then, and as wanted now. Arrays in `arena`; what
 * they point at is borrowed until the settle.
 */
void ledger_touched(const struct ledger *ledger, struct arena *arena, struct state *ret_before,
                    struct state *ret_now);
/* Whether `owner` has this address, protocol and port now. */
bool ledger_has_port(const struct ledger *ledger, const char *owner, const struct virtual_server_key *key);
/* What is wanted now at this address, protocol and port, borrowed until the next put; NULL: nothing. */
const struct virtual_server *ledger_find(const struct ledger *ledger, const struct virtual_server_key *key);
bool ledger_has_touched(const struct ledger *ledger);
/* All that is wanted, ascending. Arrays in `arena`; what they point at is borrowed until the next put. */
void ledger_wanted(const struct ledger *ledger, struct arena *arena, struct state *ret_wanted);
/*
 * The same in steps, each an entry or a move in sorting. No put and no settle until the listing is freed. True: the states
 * are filled in; that of what was wanted is empty where all is listed.
 */
struct ledger_listing;
struct ledger_listing *ledger_list_touched(const struct ledger *ledger, struct arena *arena);
struct ledger_listing *ledger_list_wanted(const struct ledger *ledger, struct arena *arena);
bool ledger_listing_go_on(struct ledger_listing *listing, size_t steps, struct state *ret_before,
                          struct state *ret_now);
void ledger_listing_free(struct ledger_listing *listing); /* NULL is allowed */
/* The touched keys are done with (or a full read will look after them). */
void ledger_settle(struct ledger *ledger);

/* The next conflict not reported yet; false: none. One that is resolved and comes back is reported again. */
bool ledger_next_conflict(struct ledger *ledger, struct ledger_conflict *ret_conflict);

#endif
