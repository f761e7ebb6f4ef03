/*
 * The store's life, and what it answers.
 */
#include "cluster_private.h"

struct cluster *cluster_new(void)
{
	return memory_alloc(sizeof(struct cluster));
}

static void free_filed_slice(struct cluster *cluster, struct filed_slice *filed)
{
	HASH_DEL(cluster->slices, filed);
	slice_free(filed->holding.object);
	free(filed);
}

static void free_filed_node(struct cluster *cluster, struct filed_node *filed)
{
	HASH_DEL(cluster->nodes, filed);
	node_free(filed->holding.object);
	free(filed);
}

static void free_aside(struct cluster *cluster, enum object_kind kind)
{
	struct aside *aside, *next;
	HASH_ITER (hh, cluster->aside[kind], aside, next) {
		HASH_DEL(cluster->aside[kind], aside);
		store_kinds[kind].release(aside->holding.object);
		free(aside);
	}
}

void cluster_free(struct cluster *cluster)
{
	if (!cluster)
		return;
	while (cluster->services)
		entry_free(cluster, cluster->services);
	while (cluster->slices)
		free_filed_slice(cluster, cluster->slices);
	while (cluster->nodes)
		free_filed_node(cluster, cluster->nodes);
	for (enum object_kind kind = 0; kind < OBJECT_KINDS; kind++)
		free_aside(cluster, kind);
	free(cluster);
}

void cluster_count_triggers_from(struct cluster *cluster, int64_t start_ns)
{
	cluster->start_ns = start_ns;
}

const struct cluster_entry *cluster_find(const struct cluster *cluster, struct object_name name)
{
	const struct filed_service *filed = entry_find(cluster, &name);
	return filed && !entry_is_empty(filed) ? &filed->entry : NULL;
}

const struct node *cluster_find_node(const struct cluster *cluster, const char *name)
{
	const struct object_name key = {"", name};
	const struct holding *holding = store_kinds[KIND_NODE].find(cluster, &key);
	return holding ? holding->object : NULL;
}

size_t cluster_service_count(const struct cluster *cluster)
{
	return cluster->service_count;
}

static struct queue *next_queue(struct cluster *cluster)
{
	for (int rank = 0; rank < RANKS; rank++)
		if (cluster->queues[rank].first)
			return &cluster->queues[rank];
	return NULL;
}

/* A Service that came back meanwhile is marked again, and is not gone. */
static void forget_reported(struct cluster *cluster)
{
	struct filed_service *reported = cluster->reported;
	cluster->reported = NULL;
	if (reported && reported->triggers_given)
		entry_drop_triggers(reported);
	if (reported && !reported->marked && entry_is_empty(reported))
		entry_free(cluster, reported);
}

const struct cluster_entry *cluster_next_changed(struct cluster *cluster)
{
	forget_reported(cluster);
	struct queue *queue = next_queue(cluster);
	if (!queue)
		return NULL;
	struct filed_service *filed = queue->first;
	queue->first = filed->next_marked;
	if (!queue->first)
		queue->last = NULL;
	filed->next_marked = NULL;
	filed->marked = false;
	filed->triggers_given = true;
	cluster->reported = filed;
	return &filed->entry;
}

static bool has_changes_before(const struct cluster *cluster, int rank_limit)
{
	for (int rank = 0; rank < rank_limit; rank++)
		if (cluster->queues[rank].first)
			return true;
	return false;
}

bool cluster_has_first_changes(const struct cluster *cluster)
{
	return has_changes_before(cluster, RANKS - 1);
}

bool cluster_has_changes(const struct cluster *cluster)
{
	return has_changes_before(cluster, RANKS);
}

/* What is empty and unmarked has been reported as gone: once is enough. */
size_t cluster_mark_where(struct cluster *cluster,
                          bool (*concerned)(void *context, const struct cluster_entry *entry), void *context)
{
	size_t count = 0;
	for (struct filed_service *filed = cluster->services; filed; filed = filed->hh.next) {
		if (entry_is_empty(filed) || !concerned(context, &filed->entry))
			continue;
		entry_mark(cluster, filed);
		count++;
	}
	return count;
}

static bool always(void *context, const struct cluster_entry *entry)
{
	(void)context, (void)entry;
	return true;
}

void cluster_mark_all(struct cluster *cluster)
{
	cluster_mark_where(cluster, always, NULL);
}
