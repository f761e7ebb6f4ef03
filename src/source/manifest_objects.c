/*
 * From decoded objects to the cluster, as far as their claims say so.
 */
#include "manifest_files.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note_change(struct manifest_directory *directory, bool changed)
{
	directory->cluster_changed |= changed;
}

enum claim_kind slice_claim(const struct slice *slice, const char **ret_name)
{
	*ret_name = slice->mirrored ? slice->service : slice->name.name;
	return slice->mirrored ? CLAIM_ENDPOINTS : CLAIM_SLICE;
}

/* The parts of one object lie side by side, and their names are all different. */
bool slices_are_parts(const struct slice *first, const struct slice *slice)
{
	return first && first->mirrored && slice->mirrored && strcmp(first->service, slice->service) == 0 &&
	       strcmp(first->name.namespace, slice->name.namespace) == 0 &&
	       strcmp(first->name.name, slice->name.name) != 0;
}

static bool is_among(struct slice *const *slices, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(slices[i]->name.name, name) == 0)
			return true;
	return false;
}

/*
 * Removes what an Endpoints object was made into, save the slices that stay. Their names, with a slash, are nobody
 * else's, so all of them are filed, and none waits aside.
 */
static void remove_parts(struct manifest_directory *directory, struct object_name service,
                         struct slice *const *staying, size_t count)
{
	const struct cluster_entry *entry = cluster_find(directory->inlet->cluster, service);
	vector_of(char *) gone = {0};
	for (size_t i = 0; entry && i < entry->slice_count; i++)
		if (entry->slices[i]->mirrored && !is_among(staying, count, entry->slices[i]->name.name))
			vector_push(&gone, memory_copy_text(entry->slices[i]->name.name));
	for (size_t i = 0; i < gone.count; i++) {
		const struct object_name slice = {service.namespace, gone.items[i]};
		note_change(directory, inlet_remove(directory->inlet, KIND_SLICE, slice));
		free(gone.items[i]);
	}
	vector_done(&gone);
}

void objects_remove(struct manifest_directory *directory, const struct claim *claim)
{
	char *key auto_free = memory_copy_text(strchr(claim->key, ' ') + 1);
	struct object_name name = {"", key};
	char *slash = strchr(key, '/');
	if (slash) {
		*slash = '\0';
		name = (struct object_name){key, slash + 1};
	}
	switch ((enum claim_kind)claim->kind) {
	case CLAIM_SERVICE:
		note_change(directory, inlet_remove(directory->inlet, KIND_SERVICE, name));
		break;
	case CLAIM_SLICE:
		note_change(directory, inlet_remove(directory->inlet, KIND_SLICE, name));
		break;
	case CLAIM_ENDPOINTS:
		remove_parts(directory, name, NULL, 0);
		break;
	case CLAIM_NODE:
		note_change(directory, inlet_remove(directory->inlet, KIND_NODE, name));
		break;
	}
}

/* Whether an object of this file goes into the cluster. */
static bool is_due(const struct manifest_directory *directory, const struct manifest_file *file,
                   enum claim_kind kind, const char *namespace, const char *name)
{
	const struct claim *claim = claim_find(directory, kind, namespace, name);
	return claim && claim->owner == file && (file->staged || claim->wanted);
}

static void put_services(struct manifest_directory *directory, const struct manifest_file *file,
                         struct decoded *decoded)
{
	for (size_t i = 0; i < decoded->service_count; i++) {
		struct service *service = decoded->services[i];
		if (!service ||
		    !is_due(directory, file, CLAIM_SERVICE, service->name.namespace, service->name.name))
			continue;
		decoded->services[i] = NULL;
		note_change(directory, inlet_put_service(directory->inlet, service));
	}
}

static void put_parts(struct manifest_directory *directory, const struct manifest_file *file,
                      struct slice **slices, size_t count)
{
	struct object_name name = slices[0]->name;
	enum claim_kind kind = slice_claim(slices[0], &name.name);
	if (!is_due(directory, file, kind, name.namespace, name.name))
		return;
	if (kind == CLAIM_ENDPOINTS)
		remove_parts(directory, name, slices, count);
	for (size_t i = 0; i < count; i++) {
		struct slice *slice = slices[i];
		slices[i] = NULL;
		note_change(directory, inlet_put_slice(directory->inlet, slice));
	}
}

static void put_slices(struct manifest_directory *directory, const struct manifest_file *file,
                       struct decoded *decoded)
{
	for (size_t i = 0, count; i < decoded->slice_count; i += count) {
		struct slice **slices = &decoded->slices[i];
		count = 1;
		if (!slices[0])
			continue;
		while (i + count < decoded->slice_count && slices[count] &&
		       slices_are_parts(slices[0], slices[count]))
			count++;
		put_parts(directory, file, slices, count);
	}
}

static void put_nodes(struct manifest_directory *directory, const struct manifest_file *file,
                      struct decoded *decoded)
{
	for (size_t i = 0; i < decoded->node_count; i++) {
		struct node *node = decoded->nodes[i];
		if (!node || !is_due(directory, file, CLAIM_NODE, "", node->name))
			continue;
		decoded->nodes[i] = NULL;
		note_change(directory, inlet_put_node(directory->inlet, node));
	}
}

void objects_put(struct manifest_directory *directory, const struct manifest_file *file,
                 struct decoded *decoded)
{
	put_services(directory, file, decoded);
	put_slices(directory, file, decoded);
	put_nodes(directory, file, decoded);
	decoded_done(decoded);
}
