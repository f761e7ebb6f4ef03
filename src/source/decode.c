/*
 * From a JSON value to the decoder of its kind: kind, apiVersion, metadata, and lists.
 */
#include "decoder.h"

#include "base/vector.h"

#include <stdio.h>
#include <string.h>

#define LABEL_MESSAGE                                                                                   \
	"must be lower case letters, digits and '-', begin and end with a letter or a digit, and have " \
	"at most 63 characters (an RFC 1123 label)"
#define SUBDOMAIN_MESSAGE                                                                               \
	"must be lower case letters, digits, '-' and '.', begin and end with a letter or a digit, and " \
	"have at most 253 characters (an RFC 1123 subdomain)"

/* The kinds that are read. An apiVersion without a slash is of the core group. */
static const struct kind {
	const char *kind;
	const char *list_kind;
	const char *api_version;
	bool namespaced;
	int (*decode)(struct decoder *decoder, const json_t *value);
} kinds[] = {
        {"Service", "ServiceList", "v1", true, decode_service},
        {"EndpointSlice", "EndpointSliceList", "discovery.k8s.io/v1", true, decode_slice},
        {"Endpoints", "EndpointsList", "v1", true, decode_endpoints},
        {"Node", "NodeList", "v1", false, decode_node},
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].kind, name) == 0)
			return &kinds[i];
	return NULL;
}

const char *list_item_kind(const char *kind)
{
	if (strcmp(kind, "List") == 0)
		return "";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].list_kind, kind) == 0)
			return kinds[i].kind;
	return NULL;
}

void decoder_init(struct decoder *decoder, struct decoded *decoded, struct fault *fault)
{
	*decoder = (struct decoder){.decoded = decoded, .fault = fault};
}

void decoder_done(struct decoder *decoder)
{
	arena_done(&decoder->arena);
}

void decoded_rewind(struct decoded *decoded, const struct decoded *mark)
{
	while (decoded->service_count > mark->service_count)
		service_free(decoded->services[--decoded->service_count]);
	while (decoded->slice_count > mark->slice_count)
		slice_free(decoded->slices[--decoded->slice_count]);
	while (decoded->node_count > mark->node_count)
		node_free(decoded->nodes[--decoded->node_count]);
	decoded->ignored = mark->ignored;
}

void decoded_done(struct decoded *decoded)
{
	const struct decoded none = {0};
	decoded_rewind(decoded, &none);
	vector_free_items(decoded->services);
	vector_free_items(decoded->slices);
	vector_free_items(decoded->nodes);
	*decoded = none;
}

/*
 * The apiVersion of one of our kinds is ours, or the same group's in another version, which nobody should
 * find out by silence, or that of a group which happens to have a kind of that name.
 */
static bool of_another_group(const char *api_version)
{
	const char *slash = strchr(api_version, '/');
	size_t length = slash ? (size_t)(slash - api_version) : 0;
	const char *ours = ".k8s.io";
	bool kubernetes = length >= strlen(ours) && strncmp(slash - strlen(ours), ours, strlen(ours)) == 0;
	return memchr(api_version, '.', length) && !kubernetes;
}

/* The name is the subject of later sentences, so it is taken only when it is one. */
static int check_name(struct decoder *decoder, const struct kind *kind, const json_t *metadata)
{
	const struct spot spot = AT("metadata");
	const char *name;
	int r = field_text(decoder, metadata, spot, "name", &name);
	if (r)
		return r;
	if (!name || !*name)
		return refuse_required(decoder, spot, "name", NULL);
	/* A Service's name may begin with a digit (KEP 5311, behind a feature gate since Kubernetes 1.34). */
	bool label = kind->decode == decode_service;
	if (!(label ? is_label(name) : is_subdomain(name)))
		return refuse_invalid(decoder, spot, "name", json_object_get(metadata, "name"),
		                      label ? LABEL_MESSAGE : SUBDOMAIN_MESSAGE);
	decoder->name = name;
	return 0;
}

static int check_namespace(struct decoder *decoder, const json_t *metadata)
{
	const struct spot spot = AT("metadata");
	const char *namespace;
	int r = field_text(decoder, metadata, spot, "namespace", &namespace);
	if (r || !namespace || !*namespace)
		return r;
	if (!is_label(namespace))
		return refuse_invalid(decoder, spot, "namespace", json_object_get(metadata, "namespace"),
		                      LABEL_MESSAGE);
	decoder->namespace = namespace;
	return 0;
}

static int read_metadata(struct decoder *decoder, const struct kind *kind, const json_t *value)
{
	const struct spot spot = AT("metadata");
	const json_t *metadata;
	const char *created;
	struct timespec time;
	int r = field_object(decoder, value, AT(""), "metadata", &metadata);
	if (!r && kind->namespaced)
		r = check_namespace(decoder, metadata);
	if (!r)
		r = check_name(decoder, kind, metadata);
	if (!r)
		r = field_object(decoder, metadata, spot, "labels", &decoder->labels);
	if (!r)
		r = field_object(decoder, metadata, spot, "annotations", &decoder->annotations);
	if (!r)
		r = field_text(decoder, metadata, spot, "creationTimestamp", &created);
	if (r || !created)
		return r;
	if (!timestamp_parse(created, &time))
		return refuse_invalid(decoder, spot, "creationTimestamp",
		                      json_object_get(metadata, "creationTimestamp"),
		                      "must be a time such as 2006-01-02T15:04:05Z (RFC 3339)");
	decoder->created_seconds = time.tv_sec;
	return 0;
}

static int decode_kind(struct decoder *decoder, const struct kind *kind, const json_t *value)
{
	decoder->kind = kind->kind;
	decoder->namespace = kind->namespaced ? "default" : "";
	int r = read_metadata(decoder, kind, value);
	if (!r)
		r = kind->decode(decoder, value);
	arena_reset(&decoder->arena);
	return r;
}

/* The object's own word, or the one that stands in. */
static int own_or_given(struct decoder *decoder, const json_t *value, const char *key, const char *given,
                        const char **ret_text)
{
	int r = field_text(decoder, value, AT(""), key, ret_text);
	if (!r && (!*ret_text || !**ret_text))
		*ret_text = given;
	return r;
}

static int refuse_version(struct decoder *decoder, const struct kind *kind, const char *api_version)
{
	char supported[64];
	snprintf(supported, sizeof(supported), "\"%s\"", kind->api_version);
	if (!api_version)
		return refuse(decoder, AT(""), "apiVersion", "Required value: must be %s", supported);
	json_t *found = json_string(api_version);
	int r = refuse_unsupported(decoder, AT(""), "apiVersion", found, supported);
	json_decref(found);
	return r;
}

int decode_one(struct decoder *decoder, const json_t *value, const char *kind, const char *api_version)
{
	decoder->kind = decoder->name = NULL;
	decoder->labels = decoder->annotations = NULL;
	decoder->created_seconds = 0;
	if (!json_is_object(value))
		return refuse_type(decoder, AT(""), NULL, value, "an object");
	int r = own_or_given(decoder, value, "kind", kind, &kind);
	if (r)
		return r;
	if (!kind)
		return refuse_required(decoder, AT(""), "kind", "e.g. Service or EndpointSlice");
	const struct kind *row = find_kind(kind);
	if (row) {
		decoder->kind = row->kind;
		r = own_or_given(decoder, value, "apiVersion", api_version, &api_version);
		if (r)
			return r;
		if (api_version && strcmp(api_version, row->api_version) == 0)
			return decode_kind(decoder, row, value);
		if (!api_version || !of_another_group(api_version))
			return refuse_version(decoder, row, api_version);
	}
	decoder->decoded->ignored++;
	return 0;
}

static int decode_list(struct decoder *decoder, const json_t *list, const char *item_kind);

int decode_item(struct decoder *decoder, const json_t *item, const char *kind, const char *api_version)
{
	decoder->kind = decoder->name = NULL;
	decoder->item[0] = '\0';
	const char *own_kind = json_string_value(json_object_get(item, "kind"));
	const char *item_kind = own_kind ? list_item_kind(own_kind) : NULL;
	if (item_kind)
		return decode_list(decoder, item, item_kind);
	return decode_one(decoder, item, kind, api_version);
}

static int decode_list(struct decoder *decoder, const json_t *list, const char *item_kind)
{
	const struct decoded mark = *decoder->decoded;
	const json_t *items;
	const char *api_version = json_string_value(json_object_get(list, "apiVersion"));
	size_t index;
	const json_t *item;
	int r = field_list(decoder, list, AT(""), "items", &items);
	if (r)
		return r;
	json_array_foreach((json_t *)items, index, item)
	{
		r = *item_kind ? decode_item(decoder, item, item_kind, api_version)
		               : decode_item(decoder, item, NULL, NULL);
		if (r == 0)
			continue;
		char inner[sizeof(decoder->item)];
		memcpy(inner, decoder->item, sizeof(inner));
		snprintf(decoder->item, sizeof(decoder->item), "items[%zu]%s%.30s", index, *inner ? "." : "",
		         inner);
		decoded_rewind(decoder->decoded, &mark);
		return r;
	}
	return 0;
}

int decode_object(const json_t *value, const char *kind, const char *api_version, struct decoded *decoded,
                  struct fault *fault)
{
	struct decoder decoder;
	decoder_init(&decoder, decoded, fault);
	int r = decode_one(&decoder, value, kind, api_version);
	decoder_done(&decoder);
	return r;
}
