/*
 * Who claims what, and who has it.
 *
 * Each key (an address with protocol and port, a held address, another filter element) is an entry with the
 * list of its claims, the one that counts first. A put builds the new copy, walks the keys of the old and the
 * new copy side by side, and exchanges the links. An entry remembers at its first touch whose it was, and pins
 * that copy until the settle; copies that nobody pins go at once, so that any number of puts between two
 * settles keeps two copies of a Service at most.
 */
#include "base/vector.h"
#include "ledger_private.h"

#include <stdio.h>
#include <string.h>

struct ledger *ledger_new(void)
{
	return memory_alloc(sizeof(struct ledger));
}

static void free_unless_needed(struct kept *kept)
{
	if (kept && !kept->current && kept->pins == 0)
		free(kept);
}

static bool goes_before(const struct share *a, const struct share *b)
{
	int64_t a_created = a->kept->owner->created_seconds, b_created = b->kept->owner->created_seconds;
	if (a_created != b_created)
		return a_created != 0 && (b_created == 0 || a_created < b_created);
	return strcmp(a->kept->owner->name, b->kept->owner->name) < 0;
}

static void contest(struct ledger *ledger, struct ledger_entry *entry)
{
	if (entry->contested || kept_key_what(&entry->key) != KEPT_PORT || !entry->first ||
	    !entry->first->next)
		return;
	entry->contested = true;
	entry->previous_contested = NULL;
	entry->next_contested = ledger->contested;
	if (ledger->contested)
		ledger->contested->previous_contested = entry;
	ledger->contested = entry;
}

static void contest_no_more(struct ledger *ledger, struct ledger_entry *entry)
{
	if (!entry->contested)
		return;
	entry->contested = false;
	if (entry->next_contested)
		entry->next_contested->previous_contested = entry->previous_contested;
	if (entry->previous_contested)
		entry->previous_contested->next_contested = entry->next_contested;
	else
		ledger->contested = entry->next_contested;
}

static struct ledger_entry *entry_for(struct ledger *ledger, const struct kept_key *key)
{
	struct ledger_entry *entry;
	HASH_FIND(hh, ledger->entries, key, sizeof(*key), entry);
	if (entry)
		return entry;
	entry = memory_alloc(sizeof(*entry));
	entry->key = *key;
	HASH_ADD(hh, ledger->entries, key, sizeof(entry->key), entry);
	return entry;
}

static void forget_if_empty(struct ledger *ledger, struct ledger_entry *entry)
{
	if (entry->first || entry->touched)
		return;
	contest_no_more(ledger, entry);
	HASH_DEL(ledger->entries, entry);
	free(entry);
}

/* Before any link of the entry changes. */
static void touch(struct ledger *ledger, struct ledger_entry *entry)
{
	if (entry->touched)
		return;
	entry->touched = true;
	if (entry->first) {
		entry->before = entry->first->kept;
		entry->first->kept->pins++;
	}
	vector_push(&ledger->touched, entry);
}

static void place_behind(struct ledger_entry *entry, struct share *share, struct share *previous)
{
	share->previous = previous;
	share->next = previous ? previous->next : entry->first;
	if (share->next)
		share->next->previous = share;
	if (previous)
		previous->next = share;
	else
		entry->first = share;
}

/* Of a held address it does not matter who has it, and many may share it. */
static void link_share(struct ledger_entry *entry, struct share *share)
{
	struct share *previous = NULL;
	if (kept_key_what(&entry->key) != KEPT_HELD)
		for (struct share *other = entry->first; other && goes_before(other, share);
		     other = other->next)
			previous = other;
	share->entry = entry;
	place_behind(entry, share, previous);
}

static void unlink_share(struct share *share)
{
	if (share->next)
		share->next->previous = share->previous;
	if (share->previous)
		share->previous->next = share->next;
	else
		share->entry->first = share->next;
}

/* With another owner in front, all conflicts are other ones. */
static void review_conflicts(struct ledger *ledger, struct ledger_entry *entry,
                             const struct ledger_owner *had_it)
{
	if (kept_key_what(&entry->key) != KEPT_PORT)
		return;
	if (entry->first && entry->first->kept->owner != had_it)
		for (struct share *share = entry->first; share; share = share->next)
			share->reported = false;
	contest(ledger, entry);
}

static const struct ledger_owner *who_has(const struct ledger_entry *entry)
{
	return entry->first ? entry->first->kept->owner : NULL;
}

static void give_up_share(struct ledger *ledger, struct share *share)
{
	struct ledger_entry *entry = share->entry;
	const struct ledger_owner *had_it = who_has(entry);
	touch(ledger, entry);
	unlink_share(share);
	review_conflicts(ledger, entry, had_it);
}

static void claim_share(struct ledger *ledger, const struct kept_key *key, struct share *share)
{
	struct ledger_entry *entry = entry_for(ledger, key);
	const struct ledger_owner *had_it = who_has(entry);
	touch(ledger, entry);
	link_share(entry, share);
	review_conflicts(ledger, entry, had_it);
}

static void replace_share(struct ledger *ledger, struct share *old, struct share *new, bool same_age)
{
	struct ledger_entry *entry = old->entry;
	const struct ledger_owner *had_it = who_has(entry);
	touch(ledger, entry);
	new->entry = entry;
	new->reported = old->reported;
	struct share *previous = old->previous;
	unlink_share(old);
	if (same_age)
		place_behind(entry, new, previous);
	else
		link_share(entry, new);
	review_conflicts(ledger, entry, had_it);
}

/* Walks the shares of both copies, each in the order of its keys. `keys` are the new one's. */
static void exchange(struct ledger *ledger, struct kept *old, struct kept *new, bool same_age)
{
	const struct kept_key *keys = ledger->keys.items;
	size_t i = 0, j = 0, old_count = old ? old->share_count : 0, new_count = new ? new->share_count : 0;
	while (i < old_count || j < new_count) {
		int order = 0;
		if (i == old_count || j == new_count)
			order = i == old_count ? 1 : -1;
		else
			order = memcmp(&old->shares[i].entry->key, &keys[j], sizeof(keys[j]));
		if (order < 0) {
			give_up_share(ledger, &old->shares[i++]);
		} else if (order > 0) {
			claim_share(ledger, &keys[j], &new->shares[j]);
			j++;
		} else {
			replace_share(ledger, &old->shares[i++], &new->shares[j++], same_age);
		}
	}
}

static void retire(struct kept *kept)
{
	if (!kept)
		return;
	kept->current = false;
	kept->owner = NULL;
	free_unless_needed(kept);
}

static void remove_owner(struct ledger *ledger, struct ledger_owner *owner)
{
	exchange(ledger, owner->kept, NULL, true);
	retire(owner->kept);
	HASH_DEL(ledger->owners, owner);
	free(owner);
}

static struct ledger_owner *new_owner(struct ledger *ledger, const char *name)
{
	size_t length = strlen(name);
	struct ledger_owner *owner = memory_alloc(sizeof(*owner) + length + 1);
	memcpy(owner->name, name, length);
	HASH_ADD_KEYPTR(hh, ledger->owners, owner->name, length, owner);
	return owner;
}

static bool is_empty(const struct state *state)
{
	return !state ||
	       (state->virtual_server_count == 0 && state->held_count == 0 && state->filter_count == 0);
}

void ledger_put(struct ledger *ledger, const char *name, int64_t created_seconds, const struct state *wanted)
{
	struct ledger_owner *owner;
	HASH_FIND(hh, ledger->owners, name, strlen(name), owner);
	if (is_empty(wanted)) {
		if (owner)
			remove_owner(ledger, owner);
		return;
	}
	bool same_age = owner && owner->created_seconds == created_seconds;
	if (same_age && kept_equals(owner->kept, wanted))
		return;
	if (!owner)
		owner = new_owner(ledger, name);
	kept_keys_build(wanted, &ledger->keys);
	struct kept *old = owner->kept, *new = kept_new(wanted, ledger->keys.count);
	for (size_t i = 0; i < new->share_count; i++)
		new->shares[i].kept = new;
	new->owner = owner;
	new->current = true;
	owner->kept = new;
	owner->created_seconds = created_seconds;
	exchange(ledger, old, new, same_age);
	retire(old);
}

bool ledger_has_touched(const struct ledger *ledger)
{
	return ledger->touched.count > 0;
}

void ledger_settle(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->touched.count; i++) {
		struct ledger_entry *entry = ledger->touched.items[i];
		struct kept *before = (struct kept *)entry->before;
		entry->touched = false;
		entry->before = NULL;
		if (before) {
			before->pins--;
			free_unless_needed(before);
		}
		forget_if_empty(ledger, entry);
	}
	vector_clear(&ledger->touched);
}

bool ledger_next_conflict(struct ledger *ledger, struct ledger_conflict *ret_conflict)
{
	while (ledger->contested) {
		struct ledger_entry *entry = ledger->contested;
		for (struct share *other = entry->first ? entry->first->next : NULL; other;
		     other = other->next) {
			if (other->reported || other->kept->owner->name[0] == LEDGER_LEFT_OVER)
				continue;
			other->reported = true;
			*ret_conflict = (struct ledger_conflict){.owner = entry->first->kept->owner->name,
			                                         .other = other->kept->owner->name};
			kept_key_virtual_server(&entry->key, &ret_conflict->key);
			return true;
		}
		contest_no_more(ledger, entry);
	}
	return false;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	ledger_settle(ledger);
	struct ledger_entry *entry, *next_entry;
	HASH_ITER (hh, ledger->entries, entry, next_entry) {
		HASH_DEL(ledger->entries, entry);
		free(entry);
	}
	struct ledger_owner *owner, *next_owner;
	HASH_ITER (hh, ledger->owners, owner, next_owner) {
		HASH_DEL(ledger->owners, owner);
		free(owner->kept);
		free(owner);
	}
	vector_done(&ledger->touched);
	vector_done(&ledger->keys);
	free(ledger);
}
