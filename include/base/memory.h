/*
 * The heap without a failure path: an allocation that cannot be had ends the program with a sentence.
 */
#ifndef KUBE_IPVS_BASE_MEMORY_H
#define KUBE_IPVS_BASE_MEMORY_H

#include <stddef.h>

void *memory_alloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *memory_resize(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));
char *memory_copy_text(const char *text) __attribute__((malloc, returns_nonnull));

/* For __attribute__((cleanup)): frees what a local pointer points at. */
void memory_free_pointer(void *pointer_to_pointer);
#define auto_free __attribute__((cleanup(memory_free_pointer)))

#endif
