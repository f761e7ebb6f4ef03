#include "base/vector.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 8 };

void *vector_grown(void *items, size_t count, size_t *capacity, size_t item_size)
{
	CHECK(count <= SIZE_MAX / 2);
	size_t wanted = count < FIRST_CAPACITY ? FIRST_CAPACITY : 2 * count;
	items = memory_resize(items, wanted, item_size);
	*capacity = wanted;
	return items;
}

void vector_free_items(void *items)
{
	free(items);
}
