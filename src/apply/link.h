/*
 * Interfaces and their addresses over rtnetlink.
 *
 * The dummy interface is never set up (R6.1): its addresses are local all the same, and a down interface
 * answers no ARP.
 */
#ifndef KUBE_IPVS_APPLY_LINK_H
#define KUBE_IPVS_APPLY_LINK_H

#include "base/address.h"
#include "base/arena.h"
#include "base/interface.h"
#include "conversation.h"

struct link {
	int index;
	bool dummy; /* its type is "dummy" */
};

/* -ENODEV: no interface has this name. */
int link_find(struct conversation *route, const char *name, struct link *ret_link);
int link_create_dummy(struct conversation *route, const char *name);
int link_remove(struct conversation *route, int index);

/* The addresses of one interface but loopback and IPv6 link-local ones (R6.4), ascending, in `arena`. */
int link_read_held(struct conversation *route, int index, struct arena *arena,
                   const struct address **ret_addresses, size_t *ret_count);
/* All addresses of all interfaces with the interfaces' names, in the kernel's order, in `arena`. */
int link_read_addresses(struct conversation *route, struct arena *arena,
                        struct interface_address **ret_addresses, size_t *ret_count);

/* Build the message for one host address (/32, /128) in the conversation. */
void link_put_address(struct conversation *route, int index, const struct address *address);
void link_put_address_removal(struct conversation *route, int index, const struct address *address);

#endif
