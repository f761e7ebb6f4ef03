/*
 * A growing array of one type.
 *
 *	vector_of(int) numbers = {0};
 *	vector_push(&numbers, 7);
 *	vector_for_each(&numbers, number) use(*number);
 *	vector_done(&numbers);
 *
 * An all-zero vector is empty and ready. Pointers into it are good until the next push. Growth aborts without memory.
 */
#ifndef KUBE_IPVS_BASE_VECTOR_H
#define KUBE_IPVS_BASE_VECTOR_H

#include <stddef.h>

#define vector_of(type)          \
	struct {                 \
		type *items;     \
		size_t count;    \
		size_t capacity; \
	}

/* Returns the items, with room for at least one more. */
void *vector_grown(void *items, size_t count, size_t *capacity, size_t item_size);
void vector_free_items(void *items);

#define vector_push(vector, ...)                                                                       \
	do {                                                                                           \
		if ((vector)->count == (vector)->capacity)                                             \
			(vector)->items = vector_grown((vector)->items, (vector)->count,               \
			                               &(vector)->capacity, sizeof(*(vector)->items)); \
		(vector)->items[(vector)->count++] = __VA_ARGS__;                                      \
	} while (0)

#define vector_clear(vector) ((void)((vector)->count = 0))

#define vector_done(vector)                               \
	do {                                              \
		vector_free_items((vector)->items);       \
		(vector)->items = NULL;                   \
		(vector)->count = (vector)->capacity = 0; \
	} while (0)

/* An empty vector has no items to add to: NULL + 0 is not defined in C. */
#define vector_for_each(vector, item)                                                       \
	for (__typeof__((vector)->items) item = (vector)->items,                            \
	                                 item##_end = item ? item + (vector)->count : item; \
	     item != item##_end; item++)

#endif
