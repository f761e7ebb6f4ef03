/*
 * What the ledger says: pointers are gathered from the entries, sorted, and copied into the arena, in steps.
 */
#include "base/sorting.h"
#include "base/vector.h"
#include "ledger_private.h"

struct gathered {
	struct {
		const struct virtual_server **items;
		size_t count;
		size_t capacity;
	} virtual_servers;
	struct {
		const struct filter_element **items;
		size_t count;
		size_t capacity;
	} filter;
	struct {
		struct address *items;
		size_t count;
		size_t capacity;
	} held;
};

static void gather_filter_element(const struct filter_element *element, void *context)
{
	struct gathered *gathered = context;
	vector_push(&gathered->filter, element);
}

/* What `kept` says of this entry's key; NULL says nothing. */
static void gather(struct gathered *gathered, const struct ledger_entry *entry, const struct kept *kept)
{
	if (!kept)
		return;
	unsigned what = kept_key_what(&entry->key);
	if (what == KEPT_HELD) {
		struct address address;
		kept_key_address(&entry->key, &address);
		vector_push(&gathered->held, address);
		return;
	}
	if (what == KEPT_PORT) {
		const struct virtual_server *server = kept_virtual_server(kept, &entry->key);
		if (server)
			vector_push(&gathered->virtual_servers, server);
	}
	kept_filter_elements(kept, &entry->key, gather_filter_element, gathered);
}

static int by_key(const void *a, const void *b)
{
	const struct virtual_server *const *left = a, *const *right = b;
	return virtual_server_key_compare(&(*left)->key, &(*right)->key);
}

static int by_element(const void *a, const void *b)
{
	const struct filter_element *const *left = a, *const *right = b;
	return filter_element_compare(*left, *right);
}

static int by_address(const void *a, const void *b)
{
	return address_compare(a, b);
}

static void gathered_done(struct gathered *gathered)
{
	vector_done(&gathered->virtual_servers);
	vector_done(&gathered->filter);
	vector_done(&gathered->held);
}

/* Also gives the gathered pointers back. */
static void make_state(struct gathered *gathered, struct arena *arena, struct state *ret_state)
{
	size_t servers = gathered->virtual_servers.count, elements = gathered->filter.count,
	       addresses = gathered->held.count;
	struct virtual_server *virtual_servers = arena_new_array(arena, servers, struct virtual_server);
	struct filter_element *filter = arena_new_array(arena, elements, struct filter_element);
	struct address *held = arena_new_array(arena, addresses, struct address);
	for (size_t i = 0; i < servers; i++)
		virtual_servers[i] = *gathered->virtual_servers.items[i];
	for (size_t i = 0; i < elements; i++)
		filter[i] = *gathered->filter.items[i];
	for (size_t i = 0; i < addresses; i++)
		held[i] = gathered->held.items[i];
	*ret_state = (struct state){.virtual_servers = virtual_servers,
	                            .virtual_server_count = servers,
	                            .held = held,
	                            .held_count = addresses,
	                            .filter = filter,
	                            .filter_count = elements};
	gathered_done(gathered);
}

static const struct kept *wanted_now(const struct ledger_entry *entry)
{
	return entry->first ? entry->first->kept : NULL;
}

const struct virtual_server *ledger_find(const struct ledger *ledger, const struct virtual_server_key *key)
{
	const struct kept_key wanted = kept_key_of_port(key);
	const struct ledger_entry *entry;
	HASH_FIND(hh, ledger->entries, &wanted, sizeof(wanted), entry);
	return entry && entry->first ? kept_virtual_server(entry->first->kept, &wanted) : NULL;
}

bool ledger_has_port(const struct ledger *ledger, const char *owner, const struct virtual_server_key *key)
{
	const struct kept_key wanted = kept_key_of_port(key);
	const struct ledger_entry *entry;
	HASH_FIND(hh, ledger->entries, &wanted, sizeof(wanted), entry);
	return entry && entry->first && strcmp(entry->first->kept->owner->name, owner) == 0;
}

/* ---- listing, in steps */

struct ledger_listing {
	const struct ledger *ledger;
	struct arena *arena;
	bool touched_only;
	size_t next_touched;
	const struct ledger_entry *next;
	struct gathered before, now;
	unsigned sorted; /* so many of the arrays */
	bool sorting_begun;
	struct sorting sorting;
};

static struct ledger_listing *new_listing(const struct ledger *ledger, bool touched_only, struct arena *arena)
{
	struct ledger_listing *listing = memory_alloc(sizeof(*listing));
	listing->ledger = ledger;
	listing->arena = arena;
	listing->touched_only = touched_only;
	if (!touched_only)
		listing->next = ledger->entries;
	return listing;
}

struct ledger_listing *ledger_list_wanted(const struct ledger *ledger, struct arena *arena)
{
	return new_listing(ledger, false, arena);
}

struct ledger_listing *ledger_list_touched(const struct ledger *ledger, struct arena *arena)
{
	return new_listing(ledger, true, arena);
}

void ledger_listing_free(struct ledger_listing *listing)
{
	if (!listing)
		return;
	gathered_done(&listing->before);
	gathered_done(&listing->now);
	sorting_done(&listing->sorting);
	free(listing);
}

static bool gather_touched(struct ledger_listing *listing, size_t *left)
{
	const struct ledger *ledger = listing->ledger;
	for (; listing->touched_only && listing->next_touched < ledger->touched.count;
	     listing->next_touched++, --*left) {
		const struct ledger_entry *entry = ledger->touched.items[listing->next_touched];
		if (*left == 0)
			return false;
		gather(&listing->before, entry, entry->before);
		gather(&listing->now, entry, wanted_now(entry));
	}
	return true;
}

static bool gather_all(struct ledger_listing *listing, size_t *left)
{
	for (; listing->next; listing->next = listing->next->hh.next, --*left) {
		if (*left == 0)
			return false;
		gather(&listing->now, listing->next, wanted_now(listing->next));
	}
	return true;
}

static void begin_sorting(struct ledger_listing *listing)
{
	struct gathered *all[] = {&listing->before, &listing->now}, *gathered = all[listing->sorted / 3];
	struct sorting *sorting = &listing->sorting;
	switch (listing->sorted % 3) {
	case 0:
		sorting_begin(sorting, gathered->virtual_servers.items, gathered->virtual_servers.count,
		              sizeof(*gathered->virtual_servers.items), by_key);
		break;
	case 1:
		sorting_begin(sorting, gathered->filter.items, gathered->filter.count,
		              sizeof(*gathered->filter.items), by_element);
		break;
	default:
		sorting_begin(sorting, gathered->held.items, gathered->held.count,
		              sizeof(*gathered->held.items), by_address);
	}
	listing->sorting_begun = true;
}

static bool sort_all(struct ledger_listing *listing, size_t *left)
{
	for (; listing->sorted < 2 * 3; listing->sorted++) {
		if (!listing->sorting_begun)
			begin_sorting(listing);
		if (!sorting_go_on(&listing->sorting, left))
			return false;
		sorting_done(&listing->sorting);
		listing->sorting_begun = false;
	}
	return true;
}

bool ledger_listing_go_on(struct ledger_listing *listing, size_t steps, struct state *ret_before,
                          struct state *ret_now)
{
	if (!gather_touched(listing, &steps) || !gather_all(listing, &steps) || !sort_all(listing, &steps))
		return false;
	make_state(&listing->before, listing->arena, ret_before);
	make_state(&listing->now, listing->arena, ret_now);
	return true;
}

void ledger_touched(const struct ledger *ledger, struct arena *arena, struct state *ret_before,
                    struct state *ret_now)
{
	struct ledger_listing *listing = ledger_list_touched(ledger, arena);
	ledger_listing_go_on(listing, SIZE_MAX, ret_before, ret_now);
	ledger_listing_free(listing);
}

void ledger_wanted(const struct ledger *ledger, struct arena *arena, struct state *ret_wanted)
{
	struct state nothing;
	struct ledger_listing *listing = ledger_list_wanted(ledger, arena);
	ledger_listing_go_on(listing, SIZE_MAX, &nothing, ret_wanted);
	ledger_listing_free(listing);
}
