/*
 * A Node: its zone; its addresses, those of the type InternalIP before those of the type ExternalIP (R1.33, R1.34);
 * the prefixes of its pods; and whether it is about to go (R12.6).
 */
#include "decoder.h"

#include "base/vector.h"

#include <string.h>

static int read_address(struct decoder *decoder, const json_t *value, uint32_t index, const char *wanted_type,
                        struct address *addresses, uint32_t *count)
{
	const struct spot spot = AT("status.addresses[]", index);
	const char *type, *text;
	int r = element_object(decoder, value, spot);
	if (!r)
		r = field_text(decoder, value, spot, "type", &type);
	if (!r)
		r = field_text(decoder, value, spot, "address", &text);
	/* Texts that are no addresses are skipped, as the API server lets them pass. */
	if (!r && type && text && strcmp(type, wanted_type) == 0 && address_parse(text, &addresses[*count]))
		(*count)++;
	return r;
}

static int read_addresses(struct decoder *decoder, const json_t *list, struct node *draft)
{
	static const char *const types[] = {"InternalIP", "ExternalIP"};
	size_t count = json_array_size(list);
	struct address *addresses = arena_new_array(&decoder->arena, count, struct address);
	for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++)
		for (uint32_t i = 0; i < count; i++) {
			int r = read_address(decoder, json_array_get(list, i), i, types[t], addresses,
			                     &draft->address_count);
			if (r)
				return r;
		}
	draft->addresses = addresses;
	return 0;
}

/* The API server checks prefixes; what is none all the same is skipped, as an address is. */
static void add_pod_cidr(const char *text, struct cidr *cidrs, uint32_t *count)
{
	if (text && cidr_parse(text, false, &cidrs[*count]))
		(*count)++;
}

static int read_pod_cidrs(struct decoder *decoder, const json_t *spec, struct node *draft)
{
	const json_t *list;
	const char *text;
	int r = field_list(decoder, spec, AT("spec"), "podCIDRs", &list);
	size_t listed = json_array_size(list);
	struct cidr *cidrs = arena_new_array(&decoder->arena, listed + 1, struct cidr);
	for (uint32_t i = 0; i < listed && !r; i++) {
		r = element_text(decoder, json_array_get(list, i), AT("spec.podCIDRs[]", i), &text);
		if (!r)
			add_pod_cidr(text, cidrs, &draft->pod_cidr_count);
	}
	if (!r)
		r = field_text(decoder, spec, AT("spec"), "podCIDR", &text);
	if (!r && !listed)
		add_pod_cidr(text, cidrs, &draft->pod_cidr_count);
	draft->pod_cidrs = cidrs;
	return r;
}

static int read_taints(struct decoder *decoder, const json_t *spec, struct node *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, AT("spec"), "taints", &list);
	for (uint32_t i = 0; i < json_array_size(list) && !r; i++) {
		const struct spot spot = AT("spec.taints[]", i);
		const json_t *taint = json_array_get(list, i);
		const char *key = NULL;
		r = element_object(decoder, taint, spot);
		if (!r)
			r = field_text(decoder, taint, spot, "key", &key);
		draft->to_be_deleted |= key && strcmp(key, "ToBeDeletedByClusterAutoscaler") == 0;
	}
	return r;
}

static int read_spec(struct decoder *decoder, const json_t *value, struct node *draft)
{
	const json_t *spec;
	int r = field_object(decoder, value, AT(""), "spec", &spec);
	if (!r)
		r = read_pod_cidrs(decoder, spec, draft);
	return r ? r : read_taints(decoder, spec, draft);
}

static int read_status(struct decoder *decoder, const json_t *value, struct node *draft)
{
	const json_t *status, *addresses;
	int r = field_object(decoder, value, AT(""), "status", &status);
	if (!r)
		r = field_list(decoder, status, AT("status"), "addresses", &addresses);
	return r ? r : read_addresses(decoder, addresses, draft);
}

static int read_metadata(struct decoder *decoder, const json_t *value, struct node *draft)
{
	const char *deleted;
	int r = field_text(decoder, decoder->labels, AT("metadata.labels"), "topology.kubernetes.io/zone",
	                   &draft->zone);
	if (!r)
		r = field_text(decoder, json_object_get(value, "metadata"), AT("metadata"),
		               "deletionTimestamp", &deleted);
	draft->deleting = !r && deleted;
	return r;
}

int decode_node(struct decoder *decoder, const json_t *value)
{
	struct node draft = {.name = decoder->name};
	int r = read_metadata(decoder, value, &draft);
	if (!r)
		r = read_spec(decoder, value, &draft);
	if (!r)
		r = read_status(decoder, value, &draft);
	if (r)
		return r;
	struct decoded *decoded = decoder->decoded;
	if (decoded->node_count == decoded->node_capacity)
		decoded->nodes = vector_grown(decoded->nodes, decoded->node_count, &decoded->node_capacity,
		                              sizeof(*decoded->nodes));
	decoded->nodes[decoded->node_count++] = node_new(&draft);
	return 0;
}
