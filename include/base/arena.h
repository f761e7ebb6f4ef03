/*
 * Memory for one pass, or for one object: many small allocations, one release.
 *
 * Allocation aborts when the machine has no memory, so nothing here returns NULL; sizes that come from
 * outside are bounded before they get here. An arena must not be copied.
 */
#ifndef KUBE_IPVS_BASE_ARENA_H
#define KUBE_IPVS_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *newest;
	char *next;
	char *end;
};

/* An arena is ready when it is all zero; it takes its first block at the first allocation. */
void arena_init(struct arena *arena);
/* Gives all memory back; the arena is then as after arena_init. */
void arena_done(struct arena *arena);
/* Forgets all allocations but keeps the largest block for the next pass. */
void arena_reset(struct arena *arena);

/* Zeroed memory, aligned for any object. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));
void *arena_alloc_array(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));
/* Copies of text, NUL added. A NULL text gives NULL. */
char *arena_copy_text(struct arena *arena, const char *text);
char *arena_copy_bytes(struct arena *arena, const char *bytes, size_t length)
        __attribute__((returns_nonnull));
char *arena_format(struct arena *arena, const char *format, ...)
        __attribute__((format(printf, 2, 3), returns_nonnull));

#define arena_new(arena, type)              ((type *)arena_alloc((arena), sizeof(type)))
#define arena_new_array(arena, count, type) ((type *)arena_alloc_array((arena), (count), sizeof(type)))

#endif
