#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void no_memory(size_t count, size_t size) __attribute__((noreturn, cold));

static void no_memory(size_t count, size_t size)
{
	fprintf(stderr, "kube-ipvs: no memory for %zu x %zu bytes\n", count, size);
	abort();
}

void *memory_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);
	if (!memory)
		no_memory(1, size);
	return memory;
}

void *memory_resize(void *memory, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		no_memory(count, size);
	void *resized = realloc(memory, total ? total : 1);
	if (!resized)
		no_memory(count, size);
	return resized;
}

char *memory_copy_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = malloc(size);
	if (!copy)
		no_memory(1, size);
	return memcpy(copy, text, size);
}

void memory_free_pointer(void *pointer_to_pointer)
{
	void *memory;
	memcpy(&memory, pointer_to_pointer, sizeof(memory));
	free(memory);
}
