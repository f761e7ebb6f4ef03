/*
 * What the ledger says: pointers are gathered from the entries, sorted, and copied into the arena.
 */
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

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (count > 1)
		qsort(items, count, size, compare);
}

/* Also gives the gathered pointers back. */
static void make_state(struct gathered *gathered, struct arena *arena, struct state *ret_state)
{
	size_t servers = gathered->virtual_servers.count, elements = gathered->filter.count,
	       addresses = gathered->held.count;
	sort(gathered->virtual_servers.items, servers, sizeof(*gathered->virtual_servers.items), by_key);
	sort(gathered->filter.items, elements, sizeof(*gathered->filter.items), by_element);
	sort(gathered->held.items, addresses, sizeof(*gathered->held.items), by_address);
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
	vector_done(&gathered->virtual_servers);
	vector_done(&gathered->filter);
	vector_done(&gathered->held);
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

void ledger_touched(struct ledger *ledger, struct arena *arena, struct state *ret_before,
                    struct state *ret_now)
{
	struct gathered before = {0}, now = {0};
	for (size_t i = 0; i < ledger->touched.count; i++) {
		const struct ledger_entry *entry = ledger->touched.items[i];
		gather(&before, entry, entry->before);
		gather(&now, entry, wanted_now(entry));
	}
	make_state(&before, arena, ret_before);
	make_state(&now, arena, ret_now);
}

void ledger_wanted(const struct ledger *ledger, struct arena *arena, struct state *ret_wanted)
{
	struct gathered gathered = {0};
	for (const struct ledger_entry *entry = ledger->entries; entry; entry = entry->hh.next)
		gather(&gathered, entry, wanted_now(entry));
	make_state(&gathered, arena, ret_wanted);
}
