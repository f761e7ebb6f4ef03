/*
 * An Endpoints object in the clothes of EndpointSlices, as the control plane mirrors those that were made by
 * hand.
 *
 * Each subset becomes one slice for each address family that it has, or several when a family has more than
 * 1,000 addresses. A slice's name holds a character that no object's name can have, and says where it came
 * from, so that it is the same at each reading and no other slice's.
 */
#include "slice_parts.h"

#include <string.h>

enum { ADDRESSES_PER_SLICE = 1000 };

#define LABEL_SKIP        "endpointslice.kubernetes.io/skip-mirror"
#define ANNOTATION_LEADER "control-plane.alpha.kubernetes.io/leader"

/* All endpoints of a subset, of both families, in the order of the manifest. */
struct subset {
	uint32_t index;
	struct slice_port *ports;
	uint32_t port_count;
	struct endpoint *endpoints;
	uint32_t endpoint_count;
};

static int read_ports(struct decoder *decoder, const json_t *value, struct subset *subset)
{
	const json_t *list;
	int r = field_list(decoder, value, AT("subsets[]", subset->index), "ports", &list);
	size_t count = r ? 0 : json_array_size(list);
	subset->ports = arena_new_array(&decoder->arena, count, struct slice_port);
	for (uint32_t i = 0; i < count && !r; i++) {
		const struct spot spot = AT("subsets[].ports[]", subset->index, i);
		const json_t *element = json_array_get(list, i);
		struct slice_port *port = &subset->ports[i];
		int64_t number = 0;
		r = element_object(decoder, element, spot);
		if (!r)
			r = field_text(decoder, element, spot, "name", &port->name);
		if (!r && (!port->name || !*port->name)) {
			port->name = "";
			if (count > 1)
				r = refuse_required(decoder, spot, "name",
				                    "of several ports each has a name");
		} else if (!r) {
			r = check_port_name(decoder, spot, element, port->name);
		}
		if (!r)
			r = field_number(decoder, element, spot, "port", &number);
		if (!r)
			r = check_port_number(decoder, spot, "port", number, 1, &port->port);
		if (!r)
			r = field_protocol(decoder, element, spot, &port->protocol);
	}
	subset->port_count = (uint32_t)count;
	return r;
}

static int read_addresses(struct decoder *decoder, const json_t *list, const char *pattern, bool ready,
                          struct subset *subset)
{
	int r = 0;
	for (uint32_t i = 0; i < json_array_size(list) && !r; i++) {
		const struct spot spot = {pattern, subset->index, i};
		const json_t *element = json_array_get(list, i);
		struct endpoint *endpoint = &subset->endpoints[subset->endpoint_count++];
		endpoint->ready = ready;
		endpoint->serving = true; /* not given, R1.20 */
		r = element_object(decoder, element, spot);
		const json_t *ip = json_object_get(element, "ip");
		if (!r && !ip)
			r = refuse_required(decoder, spot, "ip", NULL);
		if (!r)
			r = check_address(decoder, spot, "ip", ip, &endpoint->address);
		if (!r)
			r = check_ordinary_address(decoder, spot, "ip", ip, &endpoint->address);
		if (!r)
			r = field_text(decoder, element, spot, "nodeName", &endpoint->node_name);
	}
	return r;
}

static int read_subset(struct decoder *decoder, const json_t *value, struct subset *subset)
{
	const struct spot spot = AT("subsets[]", subset->index);
	const json_t *ready, *unready;
	int r = element_object(decoder, value, spot);
	if (!r)
		r = field_list(decoder, value, spot, "addresses", &ready);
	if (!r)
		r = field_list(decoder, value, spot, "notReadyAddresses", &unready);
	if (r)
		return r;
	size_t count = json_array_size(ready) + json_array_size(unready);
	if (!count)
		return refuse_required(decoder, spot, NULL,
		                       "must specify `addresses` or `notReadyAddresses`");
	subset->endpoints = arena_new_array(&decoder->arena, count, struct endpoint);
	r = read_addresses(decoder, ready, "subsets[].addresses[]", true, subset);
	if (!r)
		r = read_addresses(decoder, unready, "subsets[].notReadyAddresses[]", false, subset);
	return r ? r : read_ports(decoder, value, subset);
}

static void add_part(struct decoder *decoder, const struct subset *subset, enum family family, uint32_t part,
                     const struct endpoint *endpoints, uint32_t count)
{
	const char *name = arena_format(&decoder->arena, "%s/%u-%s-%u", decoder->name, subset->index,
	                                family_name(family), part);
	const struct slice draft = {
	        .name = {decoder->namespace, name},
	        .service = decoder->name,
	        .trigger_ns = read_trigger(decoder),
	        .family = (uint8_t)family,
	        .mirrored = true,
	        .ports = subset->ports,
	        .port_count = subset->port_count,
	        .endpoints = endpoints,
	        .endpoint_count = count,
	};
	add_slice(decoder, &draft);
}

static void add_family(struct decoder *decoder, const struct subset *subset, enum family family)
{
	struct endpoint *endpoints =
	        arena_new_array(&decoder->arena, subset->endpoint_count, struct endpoint);
	uint32_t count = 0;
	for (uint32_t i = 0; i < subset->endpoint_count; i++)
		if (subset->endpoints[i].address.family == family)
			endpoints[count++] = subset->endpoints[i];
	for (uint32_t start = 0; start < count; start += ADDRESSES_PER_SLICE) {
		uint32_t left = count - start;
		add_part(decoder, subset, family, start / ADDRESSES_PER_SLICE, endpoints + start,
		         left < ADDRESSES_PER_SLICE ? left : ADDRESSES_PER_SLICE);
	}
}

/* What the control plane leaves alone: the label, and the locks of old leader elections. */
static bool is_mirrored(const struct decoder *decoder)
{
	const char *skip = json_string_value(json_object_get(decoder->labels, LABEL_SKIP));
	return !(skip && strcmp(skip, "true") == 0) &&
	       !json_object_get(decoder->annotations, ANNOTATION_LEADER) &&
	       !json_object_get(decoder->labels, LABEL_HEADLESS);
}

int decode_endpoints(struct decoder *decoder, const json_t *value)
{
	const struct decoded mark = *decoder->decoded;
	const json_t *list;
	int r = field_list(decoder, value, AT(""), "subsets", &list);
	for (uint32_t i = 0; !r && i < json_array_size(list); i++) {
		struct subset subset = {.index = i};
		r = read_subset(decoder, json_array_get(list, i), &subset);
		if (r || !is_mirrored(decoder))
			continue;
		add_family(decoder, &subset, FAMILY_IPV4);
		add_family(decoder, &subset, FAMILY_IPV6);
	}
	if (r)
		decoded_rewind(decoder->decoded, &mark);
	return r;
}
