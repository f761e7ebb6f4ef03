/*
 * Services, slices and Nodes under one roof: what is filed under which name, for whoever decides whose it is.
 */
#include "cluster_private.h"

#include "base/check.h"

#define FILED(type, pointer) ((type *)((char *)(uintptr_t)(pointer)-offsetof(type, holding)))

static struct holding *held(struct holding *holding)
{
	return holding->object ? holding : NULL;
}

/* ---- Services */

static struct object_name service_name(const void *object)
{
	return ((const struct service *)object)->name;
}

static bool services_equal(const void *a, const void *b)
{
	return service_equal(a, b);
}

static void release_service(void *object)
{
	service_free(object);
}

static struct holding *find_service(const struct cluster *cluster, const struct object_name *name)
{
	struct filed_service *filed = entry_find(cluster, name);
	return filed ? held(&filed->holding) : NULL;
}

static struct holding *next_service(const struct cluster *cluster, const struct holding *holding)
{
	struct filed_service *filed =
	        holding ? FILED(struct filed_service, holding)->hh.next : cluster->services;
	while (filed && !filed->holding.object)
		filed = filed->hh.next;
	return filed ? &filed->holding : NULL;
}

static struct holding *file_service(struct cluster *cluster, void *object, void **ret_old)
{
	const struct service *service = object;
	struct filed_service *filed = entry_obtain(cluster, &service->name);
	*ret_old = filed->holding.object;
	cluster->service_count += !filed->holding.object;
	filed->holding.object = object;
	entry_changed(cluster, filed);
	return &filed->holding;
}

static void *take_out_service(struct cluster *cluster, struct holding *holding)
{
	void *object = holding->object;
	holding->object = NULL;
	cluster->service_count--;
	entry_changed(cluster, FILED(struct filed_service, holding));
	return object;
}

/* ---- slices */

static struct object_name slice_name(const void *object)
{
	return ((const struct slice *)object)->name;
}

static bool slices_equal(const void *a, const void *b)
{
	return slice_equal(a, b);
}

static void release_slice(void *object)
{
	slice_free(object);
}

static struct holding *find_slice(const struct cluster *cluster, const struct object_name *name)
{
	struct filed_slice *filed;
	name_map_find(cluster->slices, name, filed);
	return filed ? &filed->holding : NULL;
}

static struct holding *next_slice(const struct cluster *cluster, const struct holding *holding)
{
	struct filed_slice *filed = holding ? FILED(struct filed_slice, holding)->hh.next : cluster->slices;
	return filed ? &filed->holding : NULL;
}

static struct holding *exchange_slice(struct cluster *cluster, struct holding *holding, struct slice *slice,
                                      void **ret_old)
{
	struct filed_service *left = entry_withdraw_slice(cluster, holding->object);
	*ret_old = holding->object;
	holding->object = slice;
	FILED(struct filed_slice, holding)->name = slice->name;
	struct filed_service *entered = entry_enter_slice(cluster, slice);
	if (left && left != entered)
		entry_drop_triggers(left);
	return holding;
}

static struct holding *file_slice(struct cluster *cluster, void *object, void **ret_old)
{
	struct slice *slice = object;
	struct holding *holding = find_slice(cluster, &slice->name);
	if (holding)
		return exchange_slice(cluster, holding, slice, ret_old);
	struct filed_slice *filed = memory_alloc(sizeof(*filed));
	filed->name = slice->name;
	filed->holding.object = slice;
	name_map_add(cluster->slices, filed);
	entry_enter_slice(cluster, slice);
	*ret_old = NULL;
	return &filed->holding;
}

static void *take_out_slice(struct cluster *cluster, struct holding *holding)
{
	struct filed_slice *filed = FILED(struct filed_slice, holding);
	struct slice *slice = holding->object;
	struct filed_service *left = entry_withdraw_slice(cluster, slice);
	if (left)
		entry_drop_triggers(left);
	HASH_DEL(cluster->slices, filed);
	free(filed);
	return slice;
}

/* ---- Nodes */

static struct object_name node_name(const void *object)
{
	return (struct object_name){"", ((const struct node *)object)->name};
}

static bool nodes_equal(const void *a, const void *b)
{
	return node_equal(a, b);
}

static void release_node(void *object)
{
	node_free(object);
}

static struct holding *find_node(const struct cluster *cluster, const struct object_name *name)
{
	struct filed_node *filed;
	name_map_find(cluster->nodes, name, filed);
	return filed ? &filed->holding : NULL;
}

static struct holding *next_node(const struct cluster *cluster, const struct holding *holding)
{
	struct filed_node *filed = holding ? FILED(struct filed_node, holding)->hh.next : cluster->nodes;
	return filed ? &filed->holding : NULL;
}

static struct holding *file_node(struct cluster *cluster, void *object, void **ret_old)
{
	struct object_name name = node_name(object);
	struct holding *holding = find_node(cluster, &name);
	struct filed_node *filed = holding ? FILED(struct filed_node, holding) : memory_alloc(sizeof(*filed));
	*ret_old = filed->holding.object;
	filed->holding.object = object;
	filed->name = name;
	if (!holding)
		name_map_add(cluster->nodes, filed);
	return &filed->holding;
}

static void *take_out_node(struct cluster *cluster, struct holding *holding)
{
	struct filed_node *filed = FILED(struct filed_node, holding);
	void *object = holding->object;
	HASH_DEL(cluster->nodes, filed);
	free(filed);
	return object;
}

const struct kind store_kinds[OBJECT_KINDS] = {
        [KIND_SERVICE] = {"Service", service_name, services_equal, release_service, find_service,
                          next_service, file_service, take_out_service},
        [KIND_SLICE] = {"EndpointSlice", slice_name, slices_equal, release_slice, find_slice, next_slice,
                        file_slice, take_out_slice},
        [KIND_NODE] = {"Node", node_name, nodes_equal, release_node, find_node, next_node, file_node,
                       take_out_node},
};
