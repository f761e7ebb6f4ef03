/*
 * What a pass does with the book: who drains after it, and what is left of Services that are gone.
 */
#include "drains_private.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is left of a Service, in the ledger */

/* A Service has the port again: nothing is left over there. */
static bool give_way(struct drain_book *book, struct ledger *ledger)
{
	size_t kept = 0, count = book->left_over.count;
	for (size_t i = 0; i < count; i++) {
		char owner[OWNER_SIZE];
		struct virtual_server_key *key = &book->left_over.items[i];
		if (ledger_has_port(ledger, drain_owner(key, owner), key))
			book->left_over.items[kept++] = *key;
		else
			ledger_put(ledger, owner, 0, NULL);
	}
	book->left_over.count = kept;
	return kept != count;
}

static bool leave_over(struct drain_book *book, struct ledger *ledger, const struct removal_rules *rules,
                       struct arena *arena, const struct drain_pass *pass)
{
	struct state *left = NULL;
	size_t count = 0;
	if (!book->on_delete)
		return false;
	drains_left_over(&pass->present, &pass->wanted, rules, book->released.items, book->released.count,
	                 arena, &left, &count);
	for (size_t i = 0; i < count; i++) {
		char owner[OWNER_SIZE];
		const struct virtual_server_key *key = &left[i].virtual_servers[0].key;
		ledger_put(ledger, drain_owner(key, owner), 0, &left[i]);
		if (ledger_has_port(ledger, owner, key))
			drain_keys_add(&book->left_over, key);
		else
			ledger_put(ledger, owner, 0, NULL);
	}
	return count > 0;
}

/* ---- before the changes */

static struct draining_list list_of(const struct drain_book *book, struct arena *arena)
{
	struct draining *items = arena_new_array(arena, book->drains.count, struct draining);
	for (size_t i = 0; i < book->drains.count; i++)
		items[i] =
		        (struct draining){.key = book->drains.items[i].key, .end = book->drains.items[i].end};
	return (struct draining_list){.items = items, .count = book->drains.count};
}

static void join_known(const struct drain_book *book, struct arena *arena, struct drain_pass *pass)
{
	if (pass->whole || book->drains.count == 0)
		return;
	struct draining_list known = list_of(book, arena);
	drains_join(&pass->present, &known, arena, &pass->present);
}

static void read_ledger_again(struct ledger *ledger, struct arena *arena, struct drain_pass *pass)
{
	if (pass->whole)
		ledger_wanted(ledger, arena, &pass->wanted);
	else
		ledger_touched(ledger, arena, &pass->present, &pass->wanted);
}

static int by_draining(const void *a, const void *b)
{
	return draining_compare(a, b);
}

/* The real servers of what is left over drain as well, though the ledger wants them, at weight 0. */
static void add_left_over(const struct drain_book *book, struct arena *arena, struct drain_pass *pass)
{
	vector_of(struct draining) all = {0};
	for (size_t i = 0; i < pass->wanted.virtual_server_count; i++) {
		const struct virtual_server *server = &pass->wanted.virtual_servers[i];
		if (!drain_keys_have(&book->left_over, &server->key))
			continue;
		for (size_t j = 0; j < server->real_server_count; j++)
			vector_push(&all, (struct draining){.key = server->key,
			                                    .end = {server->real_servers[j].address,
			                                            server->real_servers[j].port},
			                                    .label = server->label});
	}
	if (all.count == 0)
		return;
	for (size_t i = 0; i < pass->draining.count; i++)
		if (!drain_keys_have(&book->left_over, &pass->draining.items[i].key))
			vector_push(&all, pass->draining.items[i]);
	struct draining *items = arena_new_array(arena, all.count, struct draining);
	memcpy(items, all.items, all.count * sizeof(*items));
	qsort(items, all.count, sizeof(*items), by_draining);
	pass->draining = (struct draining_list){.items = items, .count = all.count};
	vector_done(&all);
}

void drains_prepare(struct drain_book *book, struct ledger *ledger, const struct removal_rules *rules,
                    struct arena *arena, struct drain_pass *pass)
{
	struct state wanted = pass->wanted;
	join_known(book, arena, pass);
	bool changed = give_way(book, ledger);
	changed |= leave_over(book, ledger, rules, arena, pass);
	if (changed) {
		read_ledger_again(ledger, arena, pass);
		join_known(book, arena, pass);
		wanted = pass->wanted;
	}
	drains_extend(&pass->present, &wanted, arena, &pass->wanted, &pass->draining);
	if (book->left_over.count > 0)
		add_left_over(book, arena, pass);
}

/* ---- after the changes */

/* A small pass says nothing of virtual servers that it did not look at. */
static bool in_scope(const struct drain_pass *pass, const struct virtual_server_key *key)
{
	return pass->whole || state_find_virtual_server(&pass->present, key) ||
	       state_find_virtual_server(&pass->wanted, key);
}

static struct drain begin_drain(const struct draining *draining, int64_t now_ms)
{
	return (struct drain){
	        .key = draining->key, .end = draining->end, .since_ms = now_ms, .number = UINT32_MAX};
}

/* True: there is something to look at now. */
static bool tell_drain(struct drain_book *book, struct drain *drain, const struct draining *draining)
{
	bool terminating = drain->terminating || draining->leaving;
	bool was_leaving = drain->leaving;
	if (draining->label && (!drain->label || strcmp(drain->label, draining->label) != 0)) {
		free(drain->label);
		drain->label = memory_copy_text(draining->label);
	}
	book->unsaved |= terminating != drain->terminating;
	drain->terminating = terminating;
	drain->leaving = draining->leaving;
	drain->confirmed = true;
	drain->left_over = drain_keys_have(&book->left_over, &drain->key);
	if (!drain->left_over)
		drain->over = false;
	if (!drain->looked || (was_leaving && !drain->leaving))
		drain->looked = false;
	return !drain->looked;
}

static void forget_released(struct drain_book *book, const struct drain_pass *pass,
                            const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind == CHANGE_VIRTUAL_SERVER_REMOVE && changes->items[i].result == 0)
			drain_keys_drop(&book->released, &changes->items[i].virtual_server->key);
	for (size_t i = book->released.count; i-- > 0;) {
		const struct virtual_server_key *key = &book->released.items[i];
		if (state_find_virtual_server(&pass->wanted, key) ||
		    (pass->whole && !state_find_virtual_server(&pass->present, key)))
			drain_keys_drop(&book->released, key);
	}
}

/* One walk over the old book and over what drains now makes the new one. */
size_t drains_settle(struct drain_book *book, const struct drain_pass *pass, const struct changes *changes,
                     int64_t now_ms)
{
	__typeof__(book->drains) merged = {0};
	size_t i = 0, j = 0, fresh = 0;
	while (i < book->drains.count || j < pass->draining.count) {
		struct drain *known = i < book->drains.count ? &book->drains.items[i] : NULL;
		const struct draining *drains = j < pass->draining.count ? &pass->draining.items[j] : NULL;
		int order = !known ? 1 : !drains ? -1 : drain_compare(known, drains);
		i += order <= 0;
		j += order >= 0;
		if (order < 0 && in_scope(pass, &known->key)) {
			const struct virtual_server *server =
			        state_find_virtual_server(&pass->wanted, &known->key);
			drain_forget(book, known,
			             drain_is_wanted(server, &known->end) ? DRAIN_RETURNED : DRAIN_GONE);
			continue;
		}
		vector_push(&merged, order > 0 ? begin_drain(drains, now_ms) : *known);
		if (order >= 0)
			fresh += tell_drain(book, &merged.items[merged.count - 1], drains);
	}
	vector_done(&book->drains);
	book->drains = merged;
	forget_released(book, pass, changes);
	return fresh;
}
