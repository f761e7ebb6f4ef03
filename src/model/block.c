#include "block.h"

#include <string.h>

void *block_place(struct block *block, size_t count, size_t size, size_t alignment)
{
	if (count == 0)
		return NULL;
	block->used = (block->used + alignment - 1) & ~(alignment - 1);
	char *place = block->bytes ? block->bytes + block->used : NULL;
	block->used += count * size;
	return place;
}

void *block_copy(struct block *block, const void *items, size_t count, size_t size, size_t alignment)
{
	void *copies = block_place(block, count, size, alignment);
	return copies ? memcpy(copies, items, count * size) : NULL;
}

const char *block_copy_text(struct block *block, const char *text)
{
	return text ? block_copy(block, text, strlen(text) + 1, 1, 1) : NULL;
}
