#include "shared.h"

#include "equality.h"
#include "hash.h"

const char *shared_text(struct shared *shared, struct block *block, const char *text)
{
	if (!text)
		return NULL;
	unsigned slot = hash_text(HASH_START, text) % SHARED_SLOTS;
	if (!texts_equal(shared->texts[slot].source, text)) {
		shared->texts[slot].source = text;
		shared->texts[slot].copy = block_copy_text(block, text);
	}
	return shared->texts[slot].copy;
}

static const char *const *copy_names(struct block *block, const char *const *names, size_t count)
{
	const char **copies = block_place_array(block, count, const char *);
	for (size_t i = 0; i < count; i++) {
		const char *copy = block_copy_text(block, names[i]);
		if (copies)
			copies[i] = copy;
	}
	return copies;
}

static const struct endpoint_hints *copy_hints(struct block *block, const struct endpoint_hints *hints)
{
	struct endpoint_hints *place = block_place_array(block, 1, struct endpoint_hints);
	struct endpoint_hints copy = *hints;
	copy.zones = copy_names(block, hints->zones, hints->zone_count);
	copy.nodes = copy_names(block, hints->nodes, hints->node_count);
	if (place)
		*place = copy;
	return place;
}

static unsigned hash_hints(const struct endpoint_hints *hints)
{
	unsigned hash = HASH_START + hints->zone_count;
	for (unsigned i = 0; i < hints->zone_count; i++)
		hash = hash_text(hash, hints->zones[i]);
	for (unsigned i = 0; i < hints->node_count; i++)
		hash = hash_text(hash, hints->nodes[i]);
	return hash;
}

const struct endpoint_hints *shared_hints(struct shared *shared, struct block *block,
                                          const struct endpoint_hints *hints)
{
	if (!hints)
		return NULL;
	unsigned slot = hash_hints(hints) % SHARED_SLOTS;
	if (!hints_equal(shared->hints[slot].source, hints)) {
		shared->hints[slot].source = hints;
		shared->hints[slot].copy = copy_hints(block, hints);
	}
	return shared->hints[slot].copy;
}
