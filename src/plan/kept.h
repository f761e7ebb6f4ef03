/*
 * A fragment as the ledger keeps it: a deep copy in one block, with one share for each key that it claims.
 *
 * An address, protocol and port is one key, whatever hangs on it: the virtual server and every filter element
 * of that port go together to the owner who has the port. Else the source ranges of a Service that lost would
 * open the port of the one that won. Held addresses and all other filter elements are keys of their own.
 */
#ifndef KUBE_IPVS_PLAN_KEPT_H
#define KUBE_IPVS_PLAN_KEPT_H

#include "plan/state.h"

enum { KEPT_KEY_SIZE = 25 };

enum kept_what {
	KEPT_PORT,
	KEPT_HELD,
	KEPT_FILTER, /* plus the element's kind */
};

/* Bytes without padding, to hash and to compare as memory. */
struct kept_key {
	unsigned char bytes[KEPT_KEY_SIZE];
};

struct kept_keys {
	struct kept_key *items;
	size_t count;
	size_t capacity;
};

struct ledger_entry;
struct ledger_owner;
struct kept;

/* One owner's claim of one key: a link in that key's list, the owner who has it first. */
struct share {
	struct ledger_entry *entry;
	struct kept *kept;
	struct share *next;
	struct share *previous;
	bool reported; /* as a conflict with the first */
};

struct kept {
	struct state state;
	struct ledger_owner *owner;
	size_t pins;  /* entries that remember this as what was wanted at the last settle */
	bool current; /* what the owner wants now */
	size_t share_count;
	struct share shares[];
};

/* The keys of a state, ascending, none twice. */
void kept_keys_build(const struct state *state, struct kept_keys *ret_keys);
struct kept_key kept_key_of_port(const struct virtual_server_key *key);
unsigned kept_key_what(const struct kept_key *key);
void kept_key_address(const struct kept_key *key, struct address *ret_address);
/* Of a KEPT_PORT. */
void kept_key_virtual_server(const struct kept_key *key, struct virtual_server_key *ret_key);

/* A copy with `share_count` shares that are not linked to anything yet. Freed with free(). */
struct kept *kept_new(const struct state *state, size_t share_count);
/* Whether the copy says just what the state says, texts included. */
bool kept_equals(const struct kept *kept, const struct state *state);

/* What belongs to a key: the virtual server or NULL, and the filter elements, given one by one. */
const struct virtual_server *kept_virtual_server(const struct kept *kept, const struct kept_key *key);
void kept_filter_elements(const struct kept *kept, const struct kept_key *key,
                          void (*use)(const struct filter_element *element, void *context), void *context);

#endif
