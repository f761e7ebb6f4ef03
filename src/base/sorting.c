/*
 * Runs of sorted items are merged two by two, from one array to the other, until there is one run.
 */
#include "base/sorting.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void begin_pair(struct sorting *sorting, size_t start)
{
	sorting->start = start;
	sorting->one = start;
	sorting->other = least(start + sorting->width, sorting->count);
}

void sorting_begin(struct sorting *sorting, void *items, size_t count, size_t size,
                   int (*compare)(const void *, const void *))
{
	*sorting = (struct sorting){
	        .items = items, .from = items, .count = count, .size = size, .compare = compare, .width = 1};
	if (count > 1)
		sorting->to = sorting->spare = memory_resize(NULL, count, size);
	begin_pair(sorting, 0);
}

void sorting_done(struct sorting *sorting)
{
	free(sorting->spare);
	*sorting = (struct sorting){0};
}

static char *item(const struct sorting *sorting, char *array, size_t number)
{
	return array + number * sorting->size;
}

/* Pairs in order already are common, and are moved as they are. */
static bool is_in_order(const struct sorting *sorting, size_t middle, size_t end)
{
	return middle == end || sorting->compare(item(sorting, sorting->from, middle - 1),
	                                         item(sorting, sorting->from, middle)) <= 0;
}

static void move(struct sorting *sorting, size_t *number, size_t to, size_t count)
{
	memcpy(item(sorting, sorting->to, to), item(sorting, sorting->from, *number), count * sorting->size);
	*number += count;
}

/* False: no step is left. */
static bool merge_pair(struct sorting *sorting, size_t *left)
{
	size_t middle = least(sorting->start + sorting->width, sorting->count),
	       end = least(middle + sorting->width, sorting->count);
	bool untouched = sorting->one == sorting->start && sorting->other == middle;
	if (untouched && *left >= end - sorting->start && is_in_order(sorting, middle, end)) {
		*left -= end - sorting->start;
		move(sorting, &sorting->one, sorting->start, end - sorting->start);
		return true;
	}
	while (sorting->one < middle || sorting->other < end) {
		size_t to = sorting->one + sorting->other - middle;
		if (*left == 0)
			return false;
		--*left;
		bool take_one = sorting->other == end ||
		                (sorting->one < middle &&
		                 sorting->compare(item(sorting, sorting->from, sorting->one),
		                                  item(sorting, sorting->from, sorting->other)) <= 0);
		move(sorting, take_one ? &sorting->one : &sorting->other, to, 1);
	}
	return true;
}

bool sorting_go_on(struct sorting *sorting, size_t *left)
{
	while (sorting->width < sorting->count) {
		while (sorting->start < sorting->count) {
			if (!merge_pair(sorting, left))
				return false;
			begin_pair(sorting, least(sorting->start + 2 * sorting->width, sorting->count));
		}
		char *sorted = sorting->to;
		sorting->to = sorting->from;
		sorting->from = sorted;
		sorting->width *= 2;
		begin_pair(sorting, 0);
	}
	if (sorting->count > 1 && sorting->from != sorting->items) {
		memcpy(sorting->items, sorting->from, sorting->count * sorting->size);
		sorting->from = sorting->items;
	}
	return true;
}
