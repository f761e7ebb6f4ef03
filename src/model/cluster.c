/*
 * Three maps by name: Services with their slices (an *entry*), slices, nodes. A slice is owned by its own map
 * and only filed in the entry of its Service.
 *
 * Marked entries wait in queues, one for each rank, and are taken in order. An entry becomes empty only by a
 * change, which marks it, so every empty entry is either in a queue or is the one reported last; that is why
 * taking the following one is where empty entries are freed, and the only place.
 */
#include "model/cluster.h"

#include "base/check.h"
#include "name_map.h"

#include <string.h>

/* Everything else in a cluster waits for the API server and for DNS. */
static const struct object_name first_services[] = {
        {"default", "kubernetes"},
        {"kube-system", "kube-dns"},
};

enum { FIRST_COUNT = sizeof(first_services) / sizeof(first_services[0]), RANKS = FIRST_COUNT + 1 };

struct filed_service {
	struct object_name name;    /* the key: texts of this block, since objects come and go */
	struct cluster_entry entry; /* what others see of those below */
	struct service *service;    /* owned */
	const struct slice **slices;
	size_t slice_count;
	int64_t *triggers; /* their count is the entry's */
	struct filed_service *next_marked;
	bool marked;
	bool triggers_given; /* by cluster_next_changed: they go before another one comes */
	uint8_t rank;
	UT_hash_handle hh;
	char texts[];
};

struct filed_slice {
	struct object_name name; /* the key: texts of the slice */
	struct slice *slice;     /* owned */
	UT_hash_handle hh;
};

struct filed_node {
	struct object_name name; /* the key: "" and the text of the node */
	struct node *node;       /* owned */
	UT_hash_handle hh;
};

struct queue {
	struct filed_service *first, *last;
};

struct cluster {
	struct filed_service *services;
	struct filed_slice *slices;
	struct filed_node *nodes;
	struct queue queues[RANKS];
	struct filed_service *reported; /* what cluster_next_changed gave last */
	size_t service_count;
	int64_t start_ns; /* triggers up to it do not count */
};

struct cluster *cluster_new(void)
{
	return memory_alloc(sizeof(struct cluster));
}

static void free_filed_service(struct cluster *cluster, struct filed_service *filed)
{
	HASH_DEL(cluster->services, filed);
	service_free(filed->service);
	free(filed->slices);
	free(filed->triggers);
	free(filed);
}

static void free_filed_slice(struct cluster *cluster, struct filed_slice *filed)
{
	HASH_DEL(cluster->slices, filed);
	slice_free(filed->slice);
	free(filed);
}

static void free_filed_node(struct cluster *cluster, struct filed_node *filed)
{
	HASH_DEL(cluster->nodes, filed);
	node_free(filed->node);
	free(filed);
}

void cluster_free(struct cluster *cluster)
{
	if (!cluster)
		return;
	while (cluster->services)
		free_filed_service(cluster, cluster->services);
	while (cluster->slices)
		free_filed_slice(cluster, cluster->slices);
	while (cluster->nodes)
		free_filed_node(cluster, cluster->nodes);
	free(cluster);
}

void cluster_count_triggers_from(struct cluster *cluster, int64_t start_ns)
{
	cluster->start_ns = start_ns;
}

static struct filed_service *find_service(const struct cluster *cluster, const struct object_name *name)
{
	struct filed_service *filed;
	name_map_find(cluster->services, name, filed);
	return filed;
}

static struct filed_slice *find_slice(const struct cluster *cluster, const struct object_name *name)
{
	struct filed_slice *filed;
	name_map_find(cluster->slices, name, filed);
	return filed;
}

static struct filed_node *find_node(const struct cluster *cluster, const char *name)
{
	const struct object_name key = {"", name};
	struct filed_node *filed;
	name_map_find(cluster->nodes, &key, filed);
	return filed;
}

static uint8_t rank_of(const struct object_name *name)
{
	uint8_t rank = 0;
	while (rank < FIRST_COUNT && !names_equal(&first_services[rank], name))
		rank++;
	return rank;
}

static struct filed_service *file_service(struct cluster *cluster, const struct object_name *name)
{
	struct filed_service *filed = find_service(cluster, name);
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

static bool is_empty(const struct filed_service *filed)
{
	return !filed->service && filed->slice_count == 0;
}

static void mark(struct cluster *cluster, struct filed_service *filed)
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

/* Every change of an entry ends here: what others see follows, and the Service is marked. */
static void entry_changed(struct cluster *cluster, struct filed_service *filed)
{
	filed->entry.service = filed->service;
	filed->entry.slices = filed->slices;
	filed->entry.slice_count = filed->slice_count;
	mark(cluster, filed);
}

bool cluster_put_service(struct cluster *cluster, struct service *service)
{
	struct filed_service *filed = file_service(cluster, &service->name);
	struct service *old = filed->service;
	CHECK(old != service);
	if (old && service_equal(old, service)) {
		service_free(service);
		return false;
	}
	cluster->service_count += !old;
	filed->service = service;
	service_free(old);
	entry_changed(cluster, filed);
	return true;
}

bool cluster_remove_service(struct cluster *cluster, struct object_name name)
{
	struct filed_service *filed = find_service(cluster, &name);
	if (!filed || !filed->service)
		return false;
	service_free(filed->service);
	filed->service = NULL;
	cluster->service_count--;
	entry_changed(cluster, filed);
	return true;
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

static void drop_triggers(struct filed_service *filed)
{
	free(filed->triggers);
	filed->triggers = NULL;
	filed->entry.triggers = NULL;
	filed->entry.trigger_count = 0;
	filed->triggers_given = false;
}

static void collect_trigger(const struct cluster *cluster, struct filed_service *filed, int64_t trigger_ns)
{
	if (!trigger_ns || trigger_ns <= cluster->start_ns)
		return;
	if (filed->triggers_given)
		drop_triggers(filed);
	size_t count = filed->entry.trigger_count;
	filed->triggers = memory_resize(filed->triggers, count + 1, sizeof(*filed->triggers));
	filed->triggers[count] = trigger_ns;
	filed->entry.triggers = filed->triggers;
	filed->entry.trigger_count = count + 1;
}

/* Gives the Service that the slice is now filed under; NULL: none. */
static struct filed_service *enter_slice(struct cluster *cluster, const struct slice *slice)
{
	if (!has_service(slice))
		return NULL;
	struct object_name name = service_of(slice);
	struct filed_service *filed = file_service(cluster, &name);
	size_t position = slice_position(filed, slice);
	filed->slices = memory_resize(filed->slices, filed->slice_count + 1, sizeof(struct slice *));
	memmove(&filed->slices[position + 1], &filed->slices[position],
	        (filed->slice_count - position) * sizeof(struct slice *));
	filed->slices[position] = slice;
	filed->slice_count++;
	collect_trigger(cluster, filed, slice->trigger_ns);
	entry_changed(cluster, filed);
	return filed;
}

/* Gives the Service that the slice was filed under; NULL: none. */
static struct filed_service *withdraw_slice(struct cluster *cluster, const struct slice *slice)
{
	if (!has_service(slice))
		return NULL;
	struct object_name name = service_of(slice);
	struct filed_service *filed = find_service(cluster, &name);
	CHECK(filed);
	size_t position = slice_position(filed, slice);
	CHECK(position < filed->slice_count && filed->slices[position] == slice);
	filed->slice_count--;
	memmove(&filed->slices[position], &filed->slices[position + 1],
	        (filed->slice_count - position) * sizeof(struct slice *));
	entry_changed(cluster, filed);
	return filed;
}

bool cluster_put_slice(struct cluster *cluster, struct slice *slice)
{
	struct filed_slice *filed = find_slice(cluster, &slice->name);
	if (!filed) {
		filed = memory_alloc(sizeof(*filed));
		filed->name = slice->name;
		filed->slice = slice;
		name_map_add(cluster->slices, filed);
		enter_slice(cluster, slice);
		return true;
	}
	struct slice *old = filed->slice;
	CHECK(old != slice);
	if (slice_equal(old, slice)) {
		slice_free(slice);
		return false;
	}
	struct filed_service *left = withdraw_slice(cluster, old);
	filed->slice = slice;
	filed->name = slice->name;
	struct filed_service *entered = enter_slice(cluster, slice);
	if (left && left != entered)
		drop_triggers(left);
	slice_free(old);
	return true;
}

bool cluster_remove_slice(struct cluster *cluster, struct object_name name)
{
	struct filed_slice *filed = find_slice(cluster, &name);
	if (!filed)
		return false;
	struct filed_service *left = withdraw_slice(cluster, filed->slice);
	if (left)
		drop_triggers(left);
	free_filed_slice(cluster, filed);
	return true;
}

bool cluster_put_node(struct cluster *cluster, struct node *node)
{
	struct filed_node *filed = find_node(cluster, node->name);
	if (filed && node_equal(filed->node, node)) {
		CHECK(filed->node != node);
		node_free(node);
		return false;
	}
	struct node *old = filed ? filed->node : NULL;
	if (!filed) {
		filed = memory_alloc(sizeof(*filed));
		filed->name = (struct object_name){"", node->name};
		name_map_add(cluster->nodes, filed);
	}
	filed->name.name = node->name;
	filed->node = node;
	node_free(old);
	return true;
}

bool cluster_remove_node(struct cluster *cluster, const char *name)
{
	struct filed_node *filed = find_node(cluster, name);
	if (!filed)
		return false;
	free_filed_node(cluster, filed);
	return true;
}

const struct cluster_entry *cluster_find(const struct cluster *cluster, struct object_name name)
{
	const struct filed_service *filed = find_service(cluster, &name);
	return filed && !is_empty(filed) ? &filed->entry : NULL;
}

const struct node *cluster_find_node(const struct cluster *cluster, const char *name)
{
	const struct filed_node *filed = find_node(cluster, name);
	return filed ? filed->node : NULL;
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
		drop_triggers(reported);
	if (reported && !reported->marked && is_empty(reported))
		free_filed_service(cluster, reported);
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

bool cluster_has_changes(const struct cluster *cluster)
{
	for (int rank = 0; rank < RANKS; rank++)
		if (cluster->queues[rank].first)
			return true;
	return false;
}

/* What is empty and unmarked has been reported as gone: once is enough. */
void cluster_mark_all(struct cluster *cluster)
{
	for (struct filed_service *filed = cluster->services; filed; filed = filed->hh.next)
		if (!is_empty(filed))
			mark(cluster, filed);
}
