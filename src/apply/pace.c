#include "pace.h"

/* Two portions of nearly the same size say nothing about what their size is to blame for. */
static bool differ(size_t one, size_t other)
{
	size_t larger = one > other ? one : other, smaller = one > other ? other : one;
	return 4 * (larger - smaller) >= larger;
}

static int64_t learn_fixed_part(struct pace *pace, size_t count, int64_t took_ns)
{
	if (pace->last_count > 0 && differ(count, pace->last_count)) {
		int64_t each = (took_ns - pace->last_ns) / ((int64_t)count - (int64_t)pace->last_count);
		if (each > 0)
			pace->each_ns = each;
	}
	pace->last_count = count;
	pace->last_ns = took_ns;
	int64_t by_size = pace->each_ns * (int64_t)count;
	return by_size == 0 || by_size >= took_ns ? 0 : took_ns - by_size;
}

void pace_learn(struct pace *pace, size_t count, int64_t took_ns)
{
	int64_t fixed = pace->has_fixed_part ? learn_fixed_part(pace, count, took_ns) : 0;
	int64_t by_size = took_ns - fixed;
	int64_t all = pace->wanted_ms * 1000000, wanted = all - fixed > fixed ? all - fixed : fixed;
	size_t size = by_size * 2 <= wanted ? 2 * count : (size_t)((int64_t)count * wanted / (by_size + 1));
	pace->size = size < pace->least ? pace->least : size > pace->most ? pace->most : size;
}
