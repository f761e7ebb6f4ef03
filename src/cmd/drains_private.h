/*
 * What the two sources of drains.h share.
 */
#ifndef KUBE_IPVS_CMD_DRAINS_PRIVATE_H
#define KUBE_IPVS_CMD_DRAINS_PRIVATE_H

#include "drains.h"

#define OWNER_SIZE (VIRTUAL_SERVER_TEXT_SIZE + 1)

bool drain_keys_have(const drain_keys *keys, const struct virtual_server_key *key);
void drain_keys_add(drain_keys *keys, const struct virtual_server_key *key);
void drain_keys_drop(drain_keys *keys, const struct virtual_server_key *key);
/* Under which name the ledger has what is left over at this port; returns `owner`. */
const char *drain_owner(const struct virtual_server_key *key, char owner[static OWNER_SIZE]);
/* `server` NULL: nobody is wanted. */
bool drain_is_wanted(const struct virtual_server *server, const struct flow_end *end);
int drain_compare(const struct drain *drain, const struct draining *draining);
/* It ended, and is about to leave the book. */
void drain_forget(struct drain_book *book, struct drain *drain, enum drain_end end);

#endif
