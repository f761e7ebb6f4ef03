/*
 * Holding an address: making it this host's own, so that IPVS gets to see what is sent to it. As an address of the dummy
 * interface, or as a route of the type local.
 *
 * The addresses of an interface are a list in the kernel: the n-th costs n. A route costs the same however many there are.
 * A route of ours is known by its protocol and its metric, which others have no reason to use; the metric also lets it
 * stand beside the route that an address brings, so that either way can be put before the other is taken away. It leads
 * to lo and not to the dummy: when the last IPv4 address of an interface goes, whosever it was, the kernel takes all IPv4
 * routes through that interface away with it (fib_inetaddr_event), and IPv6 routes would want it up (fib6_nh_init), go
 * when it is set down, and have its addresses go too when they are given up for addresses again.
 */
#ifndef KUBE_IPVS_APPLY_HOLDING_H
#define KUBE_IPVS_APPLY_HOLDING_H

#include "base/address.h"
#include "base/arena.h"
#include "base/vector.h"
#include "conversation.h"
#include "plan/state.h"

#include <stdbool.h>

enum { HELD_ROUTE_PROTOCOL = 173, HELD_ROUTE_METRIC = 173 };

/* All zero: by addresses, and nothing is held in the other way. */
struct holding {
	bool by_routes;
	vector_of(struct address) misheld; /* ascending; as read last: held in the other way, or in both */
};

void holding_done(struct holding *holding);

/*
 * What is held in either way, and what of it in the other way than ours, into `state`. `dummy` is the index of the dummy
 * interface; 0: there is none.
 */
int holding_read(struct holding *holding, struct conversation *route, int dummy, struct arena *arena,
                 struct state *state);
bool holding_is_misheld(const struct holding *holding, const struct address *address);

/* Build the message that holds the address, that lets it go, and that lets it go in the other way than ours. */
void holding_put_add(const struct holding *holding, struct conversation *route, int dummy,
                     const struct address *address);
void holding_put_removal(const struct holding *holding, struct conversation *route, int dummy,
                         const struct address *address);
void holding_put_other_removal(const struct holding *holding, struct conversation *route, int dummy,
                               const struct address *address);

#endif
