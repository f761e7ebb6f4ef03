/*
 * Objects in the order in which an API server lists them, with one counter of versions and a history of changes.
 */
#include "api_server_private.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

const struct api_kind api_kinds[API_KINDS] = {
        {"Service", "ServiceList", "v1", "/api/v1", "services", "", true,
         "\"spec\":{},\"status\":{\"loadBalancer\":{}}"},
        {"EndpointSlice", "EndpointSliceList", "discovery.k8s.io/v1", "/apis/discovery.k8s.io/v1",
         "endpointslices", "discovery.k8s.io", true,
         "\"addressType\":\"\",\"endpoints\":null,\"ports\":null"},
        {"Node", "NodeList", "v1", "/api/v1", "nodes", "", false,
         "\"spec\":{},\"status\":{\"daemonEndpoints\":{\"kubeletEndpoint\":{\"Port\":0}},\"nodeInfo\":{"
         "\"machineID\":\"\",\"systemUUID\":\"\",\"bootID\":\"\",\"kernelVersion\":\"\",\"osImage\":\"\","
         "\"containerRuntimeVersion\":\"\",\"kubeletVersion\":\"\",\"kubeProxyVersion\":\"\","
         "\"operatingSystem\":\"\",\"architecture\":\"\"}}"},
        {"Event", "EventList", "events.k8s.io/v1", "/apis/events.k8s.io/v1", "events", "events.k8s.io", true,
         "\"eventTime\":null,\"regarding\":{}"},
};

const struct api_kind *api_kind_find(const char *kind)
{
	for (size_t i = 0; i < API_KINDS; i++) {
		if (strcmp(api_kinds[i].kind, kind) == 0)
			return &api_kinds[i];
	}
	return NULL;
}

/* ---- objects */

struct api_object *api_object_hold(struct api_object *object)
{
	if (object != NULL)
		object->references++;
	return object;
}

void api_object_release(struct api_object *object)
{
	if (object == NULL || --object->references > 0)
		return;
	json_decref(object->labels);
	free(object->namespace);
	free(object->name);
	free(object->cluster_ip);
	free(object->type);
	free(object->text);
	free(object);
}

void api_objects_done(api_objects *objects)
{
	vector_for_each (objects, object)
		api_object_release(*object);
	vector_done(objects);
}

static char *copy_of(const json_t *value, const char *name)
{
	const char *text = json_string_value(json_object_get(value, name));
	return memory_copy_text(text == NULL ? "" : text);
}

/* Takes the copy: kind and apiVersion leave it, the version is written into it. */
static struct api_object *object_of(const struct api_kind *kind, json_t *copy, uint64_t version)
{
	struct api_object *object = memory_alloc(sizeof(*object));
	json_t *metadata = json_object_get(copy, "metadata"), *spec = json_object_get(copy, "spec");
	char number[24];
	snprintf(number, sizeof(number), "%llu", (unsigned long long)version);
	json_object_set_new(metadata, "resourceVersion", json_string(number));
	json_object_del(copy, "kind");
	json_object_del(copy, "apiVersion");
	*object = (struct api_object){
	        .references = 1,
	        .kind = kind,
	        .namespace = copy_of(metadata, "namespace"),
	        .name = copy_of(metadata, "name"),
	        .version = version,
	        .labels = json_incref(json_object_get(metadata, "labels")),
	        .cluster_ip = copy_of(spec, "clusterIP"),
	        .type = copy_of(spec, "type"),
	        .text = json_dumps(copy, JSON_COMPACT),
	};
	CHECK(object->text != NULL);
	object->length = strlen(object->text);
	json_decref(copy);
	return object;
}

/* ---- order */

/* An API server's keys are "/namespace/name" byte by byte, so that "a-b/x" comes before "a/x". */
static int compare(const struct api_object *object, const char *namespace, const char *name)
{
	size_t left = strlen(object->namespace), right = strlen(namespace);
	int order = memcmp(object->namespace, namespace, left < right ? left : right);
	if (order == 0 && left != right)
		order = left < right ? '/' - namespace[left] : object->namespace[right] - '/';
	return order != 0 ? order : strcmp(object->name, name);
}

/* The first that does not come before the name. */
static size_t place_of(const api_objects *objects, const char *namespace, const char *name)
{
	size_t first = 0, end = objects->count;
	while (first < end) {
		size_t middle = first + (end - first) / 2;
		if (compare(objects->items[middle], namespace, name) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

static bool is_at(const api_objects *objects, size_t place, const char *namespace, const char *name)
{
	return place < objects->count && compare(objects->items[place], namespace, name) == 0;
}

size_t api_store_behind(const struct api_store *store, const struct api_kind *kind, const char *namespace,
                        const char *name)
{
	const api_objects *objects = &store->objects[kind - api_kinds];
	size_t place = place_of(objects, namespace, name);
	return place + (is_at(objects, place, namespace, name) ? 1 : 0);
}

struct api_object *api_store_find(const struct api_store *store, const struct api_kind *kind,
                                  const char *namespace, const char *name)
{
	const api_objects *objects = &store->objects[kind - api_kinds];
	size_t place = place_of(objects, namespace, name);
	return is_at(objects, place, namespace, name) ? objects->items[place] : NULL;
}

/* ---- changes */

static void remember(struct api_store *store, uint64_t version, struct api_object *before,
                     struct api_object *after)
{
	vector_push(&store->history, (struct api_change){.version = version,
	                                                 .before = api_object_hold(before),
	                                                 .after = api_object_hold(after)});
}

static const struct api_kind *kind_of(const json_t *value, const char **ret_why)
{
	const char *name = json_string_value(json_object_get(value, "kind"));
	const struct api_kind *kind = name == NULL ? NULL : api_kind_find(name);
	const json_t *metadata = json_object_get(value, "metadata");
	const char *object = json_string_value(json_object_get(metadata, "name"));
	const char *namespace = json_string_value(json_object_get(metadata, "namespace"));
	*ret_why = kind == NULL                             ? "kind is none that is served here"
	           : object == NULL                         ? "metadata.name is missing"
	           : kind->namespaced && namespace == NULL  ? "metadata.namespace is missing"
	           : !kind->namespaced && namespace != NULL ? "metadata.namespace must not be there"
	                                                    : NULL;
	return *ret_why == NULL ? kind : NULL;
}

struct api_object *api_store_put(struct api_store *store, const json_t *value, uint64_t version, bool silent,
                                 const char **ret_why)
{
	const struct api_kind *kind = kind_of(value, ret_why);
	if (kind == NULL)
		return NULL;
	if (version == 0)
		version = store->version + 1;
	if (version > store->version)
		store->version = version;
	struct api_object *object = object_of(kind, json_deep_copy(value), version);
	api_objects *objects = &store->objects[kind - api_kinds];
	size_t place = place_of(objects, object->namespace, object->name);
	struct api_object *before = NULL;
	if (is_at(objects, place, object->namespace, object->name)) {
		before = objects->items[place];
		objects->items[place] = object;
	} else {
		vector_push(objects, object);
		memmove(objects->items + place + 1, objects->items + place,
		        (objects->count - 1 - place) * sizeof(object));
		objects->items[place] = object;
	}
	if (!silent)
		remember(store, version, before, object);
	api_object_release(before);
	return object;
}

bool api_store_delete(struct api_store *store, const struct api_kind *kind, const char *namespace,
                      const char *name, uint64_t version)
{
	api_objects *objects = &store->objects[kind - api_kinds];
	size_t place = place_of(objects, namespace, name);
	if (!is_at(objects, place, namespace, name))
		return false;
	struct api_object *object = objects->items[place];
	objects->count--;
	memmove(objects->items + place, objects->items + place + 1,
	        (objects->count - place) * sizeof(object));
	store->version = version > store->version ? version : store->version + 1;
	remember(store, store->version, object, NULL);
	api_object_release(object);
	return true;
}

static void forget_history(struct api_store *store)
{
	vector_for_each (&store->history, change) {
		api_object_release(change->before);
		api_object_release(change->after);
	}
	vector_done(&store->history);
}

/* The version itself moves on too, so that nobody's last version is still good. */
void api_store_compact(struct api_store *store)
{
	forget_history(store);
	store->compacted = ++store->version;
}

size_t api_store_changes_behind(const struct api_store *store, uint64_t version)
{
	size_t first = 0, end = store->history.count;
	while (first < end) {
		size_t middle = first + (end - first) / 2;
		if (store->history.items[middle].version <= version)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

void api_store_done(struct api_store *store)
{
	forget_history(store);
	for (size_t i = 0; i < API_KINDS; i++)
		api_objects_done(&store->objects[i]);
}
