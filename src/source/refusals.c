#include "refusals.h"

#include "base/vector.h"

/* FNV-1a, 64 bits. */
static uint64_t fingerprint(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash * UINT64_C(0x100000001b3);
}

void refusals_done(struct refusals *refusals)
{
	vector_free_items(refusals->told);
	*refusals = (struct refusals){0};
}

bool refusals_add(struct refusals *refusals, const struct fault *fault)
{
	uint64_t hash = fingerprint(UINT64_C(0xcbf29ce484222325), fault->field);
	hash = fingerprint(hash, fault->sentence);
	for (size_t i = 0; i < refusals->count; i++)
		if (refusals->told[i] == hash)
			return false;
	if (refusals_are_full(refusals))
		return false;
	if (refusals->count == refusals->capacity)
		refusals->told = vector_grown(refusals->told, refusals->count, &refusals->capacity,
		                              sizeof(*refusals->told));
	refusals->told[refusals->count++] = hash;
	return true;
}

bool refusals_are_full(const struct refusals *refusals)
{
	return refusals->count >= REFUSALS_MOST;
}
