/*
 * An object and all that it points at in one allocation.
 *
 * The same function lays out an object twice: first on a block without bytes, which only measures, then on
 * one of the measured size, which takes the copies. While measuring, everything placed is NULL.
 */
#ifndef KUBE_IPVS_MODEL_BLOCK_H
#define KUBE_IPVS_MODEL_BLOCK_H

#include <stddef.h>

struct block {
	char *bytes; /* NULL: measures */
	size_t used;
};

/* Room for `count` items; NULL while measuring and when there are none. */
void *block_place(struct block *block, size_t count, size_t size, size_t alignment);
/* Copies of what needs no copy inside; NULL as above. */
void *block_copy(struct block *block, const void *items, size_t count, size_t size, size_t alignment);
/* A copy of a text; of NULL, and while measuring, NULL. */
const char *block_copy_text(struct block *block, const char *text);

#define block_place_array(block, count, type) \
	((type *)block_place((block), (count), sizeof(type), _Alignof(type)))
#define block_copy_array(block, items, count) \
	block_copy((block), (items), (count), sizeof(*(items)), _Alignof(__typeof__(*(items))))

#endif
