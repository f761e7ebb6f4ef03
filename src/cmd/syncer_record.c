#include "syncer_record.h"

#include "kube_proxy_claims.h"

#include "apply/record.h"

#include <string.h>

static bool add(struct syncer *syncer, const struct virtual_server_key *key)
{
	bool found;
	size_t at = virtual_server_key_place(syncer->record.items, syncer->record.count, key, &found);
	if (found)
		return false;
	vector_push(&syncer->record, *key);
	struct virtual_server_key *items = syncer->record.items;
	memmove(&items[at + 1], &items[at], (syncer->record.count - 1 - at) * sizeof(*items));
	items[at] = *key;
	return true;
}

static bool drop(struct syncer *syncer, const struct virtual_server_key *key)
{
	bool found;
	size_t at = virtual_server_key_place(syncer->record.items, syncer->record.count, key, &found);
	if (!found)
		return false;
	struct virtual_server_key *items = syncer->record.items;
	memmove(&items[at], &items[at + 1], (syncer->record.count - 1 - at) * sizeof(*items));
	syncer->record.count--;
	return true;
}

static bool needs_record(const struct syncer *syncer, const struct address *address)
{
	return cidrs_contain(syncer->excluded, syncer->excluded_count, address) ||
	       node_view_has(&syncer->planner->view, address);
}

/* What cannot be written is remembered here, and lost only if this process ends before it could be. */
static void save(struct syncer *syncer, bool changed)
{
	syncer->record_unsaved |= changed;
	if (!syncer->record_unsaved)
		return;
	int e = record_write(syncer->run_directory, syncer->record.items, syncer->record.count,
	                     &syncer->record_fault);
	syncer->record_unsaved = e != 0;
	if (e == 0)
		syncer->record_fault = (struct fault){0};
}

void syncer_record_again(struct syncer *syncer)
{
	save(syncer, false);
}

void syncer_record_wanted(struct syncer *syncer, const struct state *wanted)
{
	bool changed = false;
	for (size_t i = 0; i < wanted->virtual_server_count; i++) {
		const struct virtual_server_key *key = &wanted->virtual_servers[i].key;
		if (needs_record(syncer, &key->address))
			changed |= add(syncer, key);
	}
	save(syncer, changed);
}

void syncer_record_claimed(struct syncer *syncer, const struct state *present)
{
	struct virtual_server_key *keys = NULL;
	if (syncer->claims == NULL)
		return;
	syncer->claimed = kube_proxy_claims_find(syncer->claims, present, &syncer->memory, &keys);
	for (size_t i = 0; i < syncer->claimed; i++)
		syncer->record_unsaved |= add(syncer, &keys[i]);
}

void syncer_record_removed(struct syncer *syncer, const struct changes *changes)
{
	bool changed = false;
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		if (change->kind == CHANGE_VIRTUAL_SERVER_REMOVE && change->result == 0)
			changed |= drop(syncer, &change->virtual_server->key);
	}
	save(syncer, changed);
}

void syncer_record_forget_absent(struct syncer *syncer, const struct state *present,
                                 const struct state *wanted)
{
	size_t kept = 0;
	for (size_t i = 0; i < syncer->record.count; i++) {
		const struct virtual_server_key *key = &syncer->record.items[i];
		if (state_find_virtual_server(present, key) || state_find_virtual_server(wanted, key))
			syncer->record.items[kept++] = *key;
	}
	bool changed = kept != syncer->record.count;
	syncer->record.count = kept;
	save(syncer, changed);
}
