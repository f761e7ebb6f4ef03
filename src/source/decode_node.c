/*
 * A Node: its zone and its addresses, those of the type InternalIP before those of the type ExternalIP
 * (R1.33, R1.34).
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

int decode_node(struct decoder *decoder, const json_t *value)
{
	struct node draft = {.name = decoder->name};
	const json_t *status, *addresses;
	int r = field_text(decoder, decoder->labels, AT("metadata.labels"), "topology.kubernetes.io/zone",
	                   &draft.zone);
	if (!r)
		r = field_object(decoder, value, AT(""), "status", &status);
	if (!r)
		r = field_list(decoder, status, AT("status"), "addresses", &addresses);
	if (!r)
		r = read_addresses(decoder, addresses, &draft);
	if (r)
		return r;
	struct decoded *decoded = decoder->decoded;
	if (decoded->node_count == decoded->node_capacity)
		decoded->nodes = vector_grown(decoded->nodes, decoded->node_count, &decoded->node_capacity,
		                              sizeof(*decoded->nodes));
	decoded->nodes[decoded->node_count++] = node_new(&draft);
	return 0;
}
