#include "diff_order.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The finalizer of splitmix64: every bit of the input reaches every bit of the output. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) + 0x9e3779b97f4a7c15;
	hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
	hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
	return hash ^ (hash >> 31);
}

static uint64_t mix_endpoint(uint64_t hash, const struct address *address, uint64_t rest)
{
	uint64_t words[2];
	memcpy(words, address->bytes, sizeof(words));
	return mix(mix(mix(hash, words[0]), words[1]), rest << 8 | address->family);
}

uint64_t order_seed(const char *node_name)
{
	uint64_t hash = 0;
	for (const char *c = node_name; *c; c++)
		hash = mix(hash, (unsigned char)*c);
	return hash;
}

/* sh and mh build their tables, and dh its, from the list in its order: all nodes must have the same. */
static bool order_is_shared(const struct virtual_server *virtual_server)
{
	static const char *const schedulers[] = {"sh", "dh", "mh"};
	for (size_t i = 0; i < sizeof(schedulers) / sizeof(schedulers[0]); i++)
		if (strcmp(virtual_server->scheduler, schedulers[i]) == 0)
			return true;
	return false;
}

static int placed_compare(const struct placed *a, const struct placed *b)
{
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	int order = strcmp(a->text, b->text);
	return order ? order : real_server_compare(a->server, b->server);
}

static int by_place(const void *a, const void *b)
{
	return placed_compare(a, b);
}

/* As in rendering: for a few, qsort's calls cost more than the comparisons. */
enum { FEW = 16 };

static void sort_few(struct placed *items, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct placed moved = items[i];
		size_t at = i;
		for (; at > 0 && placed_compare(&items[at - 1], &moved) > 0; at--)
			items[at] = items[at - 1];
		items[at] = moved;
	}
}

void placing_sort(struct placing *placing, const struct virtual_server *virtual_server, uint64_t seed)
{
	const struct virtual_server_key *key = &virtual_server->key;
	bool shared = order_is_shared(virtual_server);
	uint64_t hash = mix_endpoint(seed, &key->address, (uint64_t)key->port << 8 | key->protocol);
	for (size_t i = 0; i < placing->count; i++) {
		struct placed *item = &placing->items[i];
		item->number = 0;
		item->text[0] = '\0';
		if (shared)
			endpoint_format(&item->server->address, item->server->port, item->text);
		else
			item->number = mix_endpoint(hash, &item->server->address, item->server->port);
	}
	if (placing->count <= FEW)
		sort_few(placing->items, placing->count);
	else
		qsort(placing->items, placing->count, sizeof(*placing->items), by_place);
}

static size_t place_of(const struct change *change)
{
	if (change->kind < GROWING_KINDS)
		return (size_t)change->rank * GROWING_KINDS + change->kind;
	return (size_t)RANKS * GROWING_KINDS + change->kind - GROWING_KINDS;
}

void arranging_begin(struct arranging *arranging, struct changes *changes, size_t first)
{
	*arranging = (struct arranging){.items = changes->items, .count = changes->count - first};
	if (arranging->count == 0)
		return;
	CHECK(arranging->count <= UINT32_MAX);
	arranging->items += first;
	arranging->places = memory_resize(NULL, arranging->count, sizeof(*arranging->places));
}

void arranging_done(struct arranging *arranging)
{
	free(arranging->places);
	*arranging = (struct arranging){0};
}

static bool count_places(struct arranging *arranging, size_t *left)
{
	for (; arranging->next < arranging->count; arranging->next++, --*left) {
		if (*left == 0)
			return false;
		arranging->starts[place_of(&arranging->items[arranging->next])]++;
	}
	size_t start = 0;
	for (size_t place = 0; place < PLACES; place++) {
		size_t count = arranging->starts[place];
		arranging->starts[place] = start;
		start += count;
	}
	return true;
}

static bool find_places(struct arranging *arranging, size_t *left)
{
	for (; arranging->next < arranging->count; arranging->next++, --*left) {
		if (*left == 0)
			return false;
		size_t *start = &arranging->starts[place_of(&arranging->items[arranging->next])];
		arranging->places[arranging->next] = (uint32_t)(*start)++;
	}
	return true;
}

/* In place, since of the first pass over a large cluster the changes are what takes most memory. */
static bool move_all(struct arranging *arranging, size_t *left)
{
	struct change *items = arranging->items;
	uint32_t *places = arranging->places;
	for (; arranging->next < arranging->count; arranging->next++) {
		size_t i = arranging->next;
		for (; places[i] != i; --*left) {
			uint32_t to = places[i];
			struct change moved = items[to];
			if (*left == 0)
				return false;
			items[to] = items[i];
			items[i] = moved;
			places[i] = places[to];
			places[to] = to;
		}
	}
	return true;
}

static bool (*const stages[])(struct arranging *arranging, size_t *left) = {count_places, find_places,
                                                                            move_all};

bool arranging_go_on(struct arranging *arranging, size_t *left)
{
	for (; arranging->stage < sizeof(stages) / sizeof(*stages); arranging->stage++, arranging->next = 0)
		if (!stages[arranging->stage](arranging, left))
			return false;
	return true;
}
