#include "filter_parts.h"

#include <stdlib.h>

enum phase { PHASE_FIRST, PHASE_BY_ADDRESS, PHASE_LAST };

static enum phase phase_of(const struct change *change)
{
	if (change->filter->kind != FILTER_HAIRPIN && change->filter->kind != FILTER_HEALTH_CHECK_PORT)
		return PHASE_BY_ADDRESS;
	return change->kind == CHANGE_FILTER_ADD ? PHASE_FIRST : PHASE_LAST;
}

static int order(const void *one, const void *other)
{
	const struct change *a = *(struct change *const *)one, *b = *(struct change *const *)other;
	int difference = (int)phase_of(a) - (int)phase_of(b);
	if (!difference && phase_of(a) == PHASE_BY_ADDRESS)
		difference = address_compare(&a->filter->address, &b->filter->address);
	return difference ? difference : (a > b) - (a < b);
}

struct change **filter_parts_order(struct arena *arena, struct change *changes, size_t count)
{
	struct change **ordered = arena_new_array(arena, count, struct change *);
	for (size_t i = 0; i < count; i++)
		ordered[i] = &changes[i];
	if (count > FILTER_PART_LEAST)
		qsort(ordered, count, sizeof(struct change *), order);
	return ordered;
}

static bool belong_together(const struct change *a, const struct change *b)
{
	return phase_of(a) == PHASE_BY_ADDRESS && phase_of(b) == PHASE_BY_ADDRESS &&
	       address_equal(&a->filter->address, &b->filter->address);
}

size_t filter_parts_end(struct change *const *ordered, size_t count, size_t start, size_t most)
{
	if (count - start <= most)
		return count;
	size_t end = start + most;
	/* Back to where an address begins; if that is the start, forward to where it ends. */
	while (end > start && belong_together(ordered[end - 1], ordered[end]))
		end--;
	if (end > start)
		return end;
	for (end = start + 1; end < count && belong_together(ordered[end - 1], ordered[end]);)
		end++;
	return end;
}
