/*
 * Services with their slices, and the marks on those that changed.
 *
 * Marked entries wait in queues, one for each rank, and are taken in order. An entry becomes empty only by a
 * change, which marks it, so every empty entry is either in a queue or is the one reported last; that is why
 * taking the following one is where empty entries are freed, and the only place.
 */
#include "cluster_private.h"

#include "base/check.h"

#include <string.h>

static const struct object_name first_services[] = {
        {"default", "kubernetes"},
        {"kube-system", "kube-dns"},
};

enum { FIRST_COUNT = sizeof(first_services) / sizeof(first_services[0]) };
_Static_assert(RANKS == FIRST_COUNT + 1, "one rank for each of the first, and one for all others");

struct filed_service *entry_find(const struct cluster *cluster, const struct object_name *name)
{
	struct filed_service *filed;
	name_map_find(cluster->services, name, filed);
	return filed;
}

static uint8_t rank_of(const struct object_name *name)
{
	uint8_t rank = 0;
	while (rank < FIRST_COUNT && !names_equal(&first_services[rank], name))
		rank++;
	return rank;
}

struct filed_service *entry_obtain(struct cluster *cluster, const struct object_name *name)
{
	struct filed_service *filed = entry_find(cluster, name);
	if (filed)
		return filed;
	size_t namespace_size = strlen(name->namespace) + 1, name_size = strlen(name->name) + 1;
	filed = memory_alloc(sizeof(*filed) + namespace_size + name_size);
	filed->name = (struct object_name){
	        .namespace = memcpy(filed->texts, name->namespace, namespace_size),
	        .name = memcpy(filed->texts + namespace_size, name->name, name_size),
	};
	filed->entry.name = filed->name;
	filed->rank = rank_of(name);
	name_map_add(cluster->services, filed);
	return filed;
}

void entry_free(struct cluster *cluster, struct filed_service *filed)
{
	HASH_DEL(cluster->services, filed);
	service_free(filed->holding.object);
	free(filed->slices);
	free(filed->triggers);
	free(filed);
}

bool entry_is_empty(const struct filed_service *filed)
{
	return !filed->holding.object && filed->slice_count == 0;
}

void entry_mark(struct cluster *cluster, struct filed_service *filed)
{
	if (filed->marked)
		return;
	struct queue *queue = &cluster->queues[filed->rank];
	filed->marked = true;
	filed->next_marked = NULL;
	if (queue->last)
		queue->last->next_marked = filed;
	else
		queue->first = filed;
	queue->last = filed;
}

void entry_changed(struct cluster *cluster, struct filed_service *filed)
{
	filed->entry.service = filed->holding.object;
	filed->entry.slices = filed->slices;
	filed->entry.slice_count = filed->slice_count;
	entry_mark(cluster, filed);
}

/* Where a slice of this name stands in its entry, or would. All slices of an entry are of one namespace. */
static size_t slice_position(const struct filed_service *filed, const struct slice *slice)
{
	size_t low = 0, high = filed->slice_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(filed->slices[middle]->name.name, slice->name.name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* R1.12: without the label, or with an empty one, a slice is nobody's. */
static bool has_service(const struct slice *slice)
{
	return slice->service && *slice->service;
}

static struct object_name service_of(const struct slice *slice)
{
	return (struct object_name){slice->name.namespace, slice->service};
}

void entry_drop_triggers(struct filed_service *filed)
{
	free(filed->triggers);
	filed->triggers = NULL;
	filed->entry.triggers = NULL;
	filed->entry.trigger_count = 0;
	filed->triggers_given = false;
}

static void collect_trigger(const struct cluster *cluster, struct filed_service *filed,
                            const struct slice *slice)
{
	if (!slice->trigger_ns || slice->trigger_ns <= cluster->start_ns)
		return;
	if (filed->triggers_given)
		entry_drop_triggers(filed);
	size_t count = filed->entry.trigger_count;
	filed->triggers = memory_resize(filed->triggers, count + 1, sizeof(*filed->triggers));
	filed->triggers[count] = (struct cluster_trigger){slice->trigger_ns, slice->family};
	filed->entry.triggers = filed->triggers;
	filed->entry.trigger_count = count + 1;
}

struct filed_service *entry_enter_slice(struct cluster *cluster, const struct slice *slice)
{
	if (!has_service(slice))
		return NULL;
	struct object_name name = service_of(slice);
	struct filed_service *filed = entry_obtain(cluster, &name);
	size_t position = slice_position(filed, slice);
	filed->slices = memory_resize(filed->slices, filed->slice_count + 1, sizeof(struct slice *));
	memmove(&filed->slices[position + 1], &filed->slices[position],
	        (filed->slice_count - position) * sizeof(struct slice *));
	filed->slices[position] = slice;
	filed->slice_count++;
	collect_trigger(cluster, filed, slice);
	entry_changed(cluster, filed);
	return filed;
}

struct filed_service *entry_withdraw_slice(struct cluster *cluster, const struct slice *slice)
{
	if (!has_service(slice))
		return NULL;
	struct object_name name = service_of(slice);
	struct filed_service *filed = entry_find(cluster, &name);
	CHECK(filed);
	size_t position = slice_position(filed, slice);
	CHECK(position < filed->slice_count && filed->slices[position] == slice);
	filed->slice_count--;
	memmove(&filed->slices[position], &filed->slices[position + 1],
	        (filed->slice_count - position) * sizeof(struct slice *));
	entry_changed(cluster, filed);
	return filed;
}
