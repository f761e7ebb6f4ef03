#include "sorting.h"

#include "base/address.h"

#include <stdlib.h>

void sort_array(void *items, size_t count, size_t item_size, int (*compare)(const void *, const void *))
{
	const char *item = items;
	for (size_t i = 1; i < count; i++, item += item_size)
		if (compare(item, item + item_size) > 0) {
			qsort(items, count, item_size, compare);
			return;
		}
}

int sort_by_address(const void *a, const void *b)
{
	return address_compare(a, b);
}
