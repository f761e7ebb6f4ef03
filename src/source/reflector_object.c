/*
 * One object: decoded, held against the bounds, put into the store. What cannot be used is told once, and what the
 * store holds under its name stays.
 */
#include "reflector.h"

#include <string.h>

/* R1.1: a namespaced object whose namespace is not said is in the default one. */
bool reflector_name(const struct reflector *reflector, const json_t *object, struct object_name *ret_name)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const char *name = json_string_value(json_object_get(metadata, "name"));
	const char *namespace = json_string_value(json_object_get(metadata, "namespace"));
	if (!reflector->row->namespaced)
	namespace = "";
	else if (!namespace || !*namespace) namespace = "default";
	*ret_name = (struct object_name){namespace, name};
	return name && *name;
}

static void tell_refusal(struct reflector *reflector)
{
	struct reflector_shared *shared = reflector->shared;
	if (!refusals_add(&shared->refusals, &reflector->fault))
		return;
	shared->listener.refused(shared->listener.context, &reflector->fault);
	if (!refusals_are_full(&shared->refusals))
		return;
	fault_set(&reflector->fault, NULL,
	          "%u objects were left out since the start; further ones are left out without a word",
	          REFUSALS_MOST);
	shared->listener.refused(shared->listener.context, &reflector->fault);
}

void reflector_refuse(struct reflector *reflector, struct object_name name)
{
	struct reflector_shared *shared = reflector->shared;
	if (reflector->phase != PHASE_WATCH)
		inlet_keep(shared->inlet, reflector->kind, name);
	tell_refusal(reflector);
}

/* An object that is there already may change; one more than the bound may not come. */
static int check_count(struct reflector *reflector, struct object_name name)
{
	const struct reflector_shared *shared = reflector->shared;
	if (shared->inlet->count[reflector->kind] < shared->options.objects ||
	    inlet_has(shared->inlet, reflector->kind, name))
		return 0;
	return fault_set(&reflector->fault, NULL, "%s \"%s/%s\": left out, at most %zu %s are taken",
	                 reflector->row->kind, name.namespace, name.name, shared->options.objects,
	                 reflector->row->subject);
}

/* What the Service's other slices have, and this one. */
static int check_endpoints(struct reflector *reflector, const struct slice *slice)
{
	const struct reflector_shared *shared = reflector->shared;
	const size_t most = shared->options.endpoints_per_service;
	size_t count = slice->endpoint_count;
	if (!slice->service || !*slice->service)
		return 0;
	const struct object_name service = {slice->name.namespace, slice->service};
	const struct cluster_entry *entry = cluster_find(shared->inlet->cluster, service);
	for (size_t i = 0; entry && i < entry->slice_count; i++)
		if (strcmp(entry->slices[i]->name.name, slice->name.name) != 0)
			count += entry->slices[i]->endpoint_count;
	if (count <= most)
		return 0;
	return fault_set(
	        &reflector->fault, NULL,
	        "EndpointSlice \"%s/%s\": left out, Service \"%s/%s\" would have %zu endpoints; at most "
	        "%zu are taken",
	        slice->name.namespace, slice->name.name, service.namespace, service.name, count, most);
}

static void put_service(struct reflector *reflector)
{
	struct service **service = &reflector->decoded.services[0];
	if (check_count(reflector, (*service)->name)) {
		reflector_refuse(reflector, (*service)->name);
		return;
	}
	reflector->changed |= inlet_put_service(reflector->shared->inlet, *service);
	*service = NULL;
}

static void put_slice(struct reflector *reflector)
{
	struct slice **slice = &reflector->decoded.slices[0];
	if (check_count(reflector, (*slice)->name) || check_endpoints(reflector, *slice)) {
		reflector_refuse(reflector, (*slice)->name);
		return;
	}
	reflector->changed |= inlet_put_slice(reflector->shared->inlet, *slice);
	*slice = NULL;
}

/* Only the own Node is of interest, whatever the server sends. */
static void put_node(struct reflector *reflector)
{
	struct node **node = &reflector->decoded.nodes[0];
	if (strcmp((*node)->name, reflector->shared->options.node_name) != 0)
		return;
	bool changed = inlet_put_node(reflector->shared->inlet, *node);
	*node = NULL;
	reflector->node_listed = true;
	reflector->node_changed |= changed || !reflector->node_present;
	reflector->node_present = true;
	reflector->changed |= changed;
}

void reflector_put(struct reflector *reflector, const json_t *object)
{
	static const struct decoded none;
	struct decoded *decoded = &reflector->decoded;
	struct object_name name;
	reflector->decoder.fault = &reflector->fault;
	reflector->decoder.item[0] = '\0';
	if (decode_one(&reflector->decoder, object, reflector->row->kind, reflector->row->api_version)) {
		if (reflector_name(reflector, object, &name))
			reflector_refuse(reflector, name);
		else
			tell_refusal(reflector);
		return;
	}
	if (decoded->service_count)
		put_service(reflector);
	else if (decoded->slice_count)
		put_slice(reflector);
	else if (decoded->node_count)
		put_node(reflector);
	decoded_rewind(decoded, &none);
}

/* R1.35: the last object of a Node that is gone stays in use. */
static void lose_node(struct reflector *reflector)
{
	reflector->node_changed |= reflector->node_present;
	reflector->node_present = reflector->node_listed = false;
}

void reflector_remove(struct reflector *reflector, struct object_name name)
{
	struct reflector_shared *shared = reflector->shared;
	if (reflector->kind != KIND_NODE)
		reflector->changed |= inlet_remove(shared->inlet, reflector->kind, name);
	else if (strcmp(name.name, shared->options.node_name) == 0)
		lose_node(reflector);
}
