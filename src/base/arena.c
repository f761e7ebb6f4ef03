/*
 * A list of blocks, each at least twice as large as the one before, so that a small pass costs a page and a
 * large one few blocks. Memory is zeroed when it is handed out, since a block that a reset keeps is not zero.
 */
#include "base/arena.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK_BYTES = 4096, ALIGNMENT = _Alignof(max_align_t) };

struct arena_block {
	struct arena_block *older;
	size_t size; /* of bytes[] */
	_Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

void arena_done(struct arena *arena)
{
	for (struct arena_block *block = arena->newest, *older; block; block = older) {
		older = block->older;
		free(block);
	}
	arena_init(arena);
}

static void use_block(struct arena *arena, struct arena_block *block)
{
	arena->newest = block;
	arena->next = block->bytes;
	arena->end = block->bytes + block->size;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *largest = arena->newest;
	if (!largest)
		return;
	for (struct arena_block *block = arena->newest; block; block = block->older)
		if (block->size > largest->size)
			largest = block;
	for (struct arena_block *block = arena->newest, *older; block; block = older) {
		older = block->older;
		if (block != largest)
			free(block);
	}
	largest->older = NULL;
	use_block(arena, largest);
}

static void add_block(struct arena *arena, size_t needed)
{
	size_t size =
	        arena->newest ? 2 * arena->newest->size : FIRST_BLOCK_BYTES - sizeof(struct arena_block);
	if (size < needed)
		size = needed;
	CHECK(size <= SIZE_MAX / 4);
	struct arena_block *block = memory_resize(NULL, 1, sizeof(*block) + size);
	block->older = arena->newest;
	block->size = size;
	use_block(arena, block);
}

/* Not zeroed. Only what is aligned moves `next` by more than it needs, so that texts lie close together. */
static char *take(struct arena *arena, size_t size, size_t alignment)
{
	size_t gap = -(uintptr_t)arena->next & (alignment - 1);
	size_t room = (size_t)(arena->end - arena->next);
	if (!arena->newest || room < gap || room - gap < size) {
		add_block(arena, size);
		gap = 0;
	}
	char *memory = arena->next + gap;
	arena->next = memory + size;
	return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(take(arena, size, ALIGNMENT), 0, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;
	CHECK(!__builtin_mul_overflow(count, size, &total));
	return arena_alloc(arena, total);
}

char *arena_copy_bytes(struct arena *arena, const char *bytes, size_t length)
{
	CHECK(length < SIZE_MAX);
	char *copy = take(arena, length + 1, 1);
	if (length)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

char *arena_copy_text(struct arena *arena, const char *text)
{
	return text ? arena_copy_bytes(arena, text, strlen(text)) : NULL;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	CHECK(length >= 0);
	char *text = take(arena, (size_t)length + 1, 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}
