/*
 * Hash maps by object_name: uthash with keys that are compared as names, never as the bytes of pointers.
 *
 * A value holds a UT_hash_handle `hh` and its key, an object_name `name`, whose texts may move as long as
 * they read the same. Without memory the program ends.
 */
#ifndef KUBE_IPVS_MODEL_NAME_MAP_H
#define KUBE_IPVS_MODEL_NAME_MAP_H

#include "base/memory.h"
#include "equality.h"
#include "hash.h"

#include <stdlib.h>

static inline unsigned hash_name(const struct object_name *name)
{
	return hash_text(hash_text(HASH_START, name->namespace), name->name);
}

#define uthash_malloc(size)                memory_alloc(size)
#define uthash_free(memory, size)          free(memory)
#define HASH_FUNCTION(key, key_size, hash) ((void)(key_size), (hash) = hash_name(key))
#define HASH_KEYCMP(a, b, key_size)        (!names_equal((a), (b)))
#include <uthash.h>

#define name_map_find(map, key, ret_value) \
	HASH_FIND(hh, (map), (key), sizeof(struct object_name), (ret_value))
#define name_map_add(map, value) \
	HASH_ADD_KEYPTR(hh, (map), &(value)->name, sizeof(struct object_name), (value))

#endif
