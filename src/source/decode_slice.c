/*
 * An EndpointSlice of discovery.k8s.io/v1.
 */
#include "slice_parts.h"

#include "base/vector.h"

#include <stdlib.h>
#include <string.h>

/* The API server's own bounds. */
enum { ENDPOINTS_MOST = 1000, ADDRESSES_MOST = 100, PORTS_MOST = 20000, HINTS_MOST = 8 };

#define ANNOTATION_TRIGGER "endpoints.kubernetes.io/last-change-trigger-time"

void add_slice(struct decoder *decoder, const struct slice *draft)
{
	struct decoded *decoded = decoder->decoded;
	if (decoded->slice_count == decoded->slice_capacity)
		decoded->slices = vector_grown(decoded->slices, decoded->slice_count,
		                               &decoded->slice_capacity, sizeof(*decoded->slices));
	decoded->slices[decoded->slice_count++] = slice_new(draft);
}

int64_t read_trigger(const struct decoder *decoder)
{
	const char *text = json_string_value(json_object_get(decoder->annotations, ANNOTATION_TRIGGER));
	struct timespec time;
	int64_t trigger_ns;
	if (!text || !timestamp_parse(text, &time) ||
	    __builtin_mul_overflow(time.tv_sec, INT64_C(1000000000), &trigger_ns) ||
	    __builtin_add_overflow(trigger_ns, time.tv_nsec, &trigger_ns))
		return 0;
	return trigger_ns;
}

static int read_address_type(struct decoder *decoder, const json_t *value, uint8_t *ret_family)
{
	static const char *const words[] = {"FQDN", "IPv4", "IPv6", NULL};
	static const uint8_t families[] = {FAMILY_NONE, FAMILY_IPV4, FAMILY_IPV6};
	uint8_t word = UINT8_MAX;
	int r = field_word(decoder, value, AT(""), "addressType", words, &word);
	if (r)
		return r;
	if (word == UINT8_MAX)
		return refuse_required(decoder, AT(""), "addressType", "one of \"IPv4\", \"IPv6\", \"FQDN\"");
	*ret_family = families[word];
	return 0;
}

static int read_address(struct decoder *decoder, const json_t *value, struct spot spot, uint8_t family,
                        struct address *ret_address)
{
	const char *text;
	int r = element_text(decoder, value, spot, &text);
	if (r || family == FAMILY_NONE)
		return r;
	if (!address_parse(text, ret_address) || ret_address->family != family)
		return refuse_invalid(decoder, spot, NULL, value,
		                      family == FAMILY_IPV4 ? "must be a valid IPv4 address"
		                                            : "must be a valid IPv6 address");
	return check_ordinary_address(decoder, spot, NULL, value, ret_address);
}

static int read_addresses(struct decoder *decoder, const json_t *value, uint32_t index, uint8_t family,
                          struct endpoint *endpoint)
{
	const json_t *list;
	struct address address = {0};
	int r = field_list(decoder, value, AT("endpoints[]", index), "addresses", &list);
	size_t count = r ? 0 : json_array_size(list);
	if (r)
		return r;
	if (!count)
		return refuse_required(decoder, AT("endpoints[]", index), "addresses",
		                       "must contain at least 1 address");
	if (count > ADDRESSES_MOST)
		return refuse_too_many(decoder, AT("endpoints[]", index), "addresses", count, ADDRESSES_MOST);
	for (uint32_t i = 0; i < count && !r; i++) {
		r = read_address(decoder, json_array_get(list, i), AT("endpoints[].addresses[]", index, i),
		                 family, &address);
		if (i == 0)
			endpoint->address = address; /* R1.17 */
	}
	return r;
}

/* R1.20 */
static int read_conditions(struct decoder *decoder, const json_t *value, uint32_t index,
                           struct endpoint *endpoint)
{
	const struct spot spot = AT("endpoints[].conditions", index);
	const json_t *conditions;
	endpoint->ready = endpoint->serving = true;
	int r = field_object(decoder, value, AT("endpoints[]", index), "conditions", &conditions);
	if (r || !conditions)
		return r;
	r = field_flag(decoder, conditions, spot, "ready", &endpoint->ready);
	if (!r)
		r = field_flag(decoder, conditions, spot, "serving", &endpoint->serving);
	return r ? r : field_flag(decoder, conditions, spot, "terminating", &endpoint->terminating);
}

static int read_hint_list(struct decoder *decoder, const json_t *hints, uint32_t index, const char *key,
                          const char *pattern, const char *const **ret_names, uint16_t *ret_count)
{
	const json_t *list;
	int r = field_list(decoder, hints, AT("endpoints[].hints", index), key, &list);
	size_t count = r ? 0 : json_array_size(list);
	if (!count)
		return r;
	if (count > HINTS_MOST)
		return refuse_too_many(decoder, AT("endpoints[].hints", index), key, count, HINTS_MOST);
	const char **names = arena_new_array(&decoder->arena, count, const char *);
	for (uint32_t i = 0; i < count && !r; i++) {
		const struct spot spot = {pattern, index, i};
		r = element_object(decoder, json_array_get(list, i), spot);
		if (!r)
			r = field_text(decoder, json_array_get(list, i), spot, "name", &names[i]);
		if (!r && (!names[i] || !*names[i]))
			r = refuse_required(decoder, spot, "name", NULL);
	}
	*ret_names = names;
	*ret_count = (uint16_t)count;
	return r;
}

static int read_hints(struct decoder *decoder, const json_t *value, uint32_t index, struct endpoint *endpoint)
{
	const json_t *object;
	int r = field_object(decoder, value, AT("endpoints[]", index), "hints", &object);
	if (r || !object)
		return r;
	struct endpoint_hints *hints = arena_new(&decoder->arena, struct endpoint_hints);
	r = read_hint_list(decoder, object, index, "forZones", "endpoints[].hints.forZones[]", &hints->zones,
	                   &hints->zone_count);
	if (!r)
		r = read_hint_list(decoder, object, index, "forNodes", "endpoints[].hints.forNodes[]",
		                   &hints->nodes, &hints->node_count);
	if (hints->zone_count || hints->node_count)
		endpoint->hints = hints;
	return r;
}

static int read_endpoint(struct decoder *decoder, const json_t *value, uint32_t index, uint8_t family,
                         struct endpoint *endpoint)
{
	const struct spot spot = AT("endpoints[]", index);
	int r = element_object(decoder, value, spot);
	if (!r)
		r = read_addresses(decoder, value, index, family, endpoint);
	if (!r)
		r = read_conditions(decoder, value, index, endpoint);
	if (!r)
		r = field_text(decoder, value, spot, "nodeName", &endpoint->node_name);
	return r ? r : read_hints(decoder, value, index, endpoint);
}

static int read_endpoints(struct decoder *decoder, const json_t *value, struct slice *draft)
{
	const json_t *list;
	int r = field_list(decoder, value, AT(""), "endpoints", &list);
	size_t count = r ? 0 : json_array_size(list);
	if (!count)
		return r;
	if (count > ENDPOINTS_MOST)
		return refuse_too_many(decoder, AT(""), "endpoints", count, ENDPOINTS_MOST);
	struct endpoint *endpoints = arena_new_array(&decoder->arena, count, struct endpoint);
	for (uint32_t i = 0; i < count && !r; i++)
		r = read_endpoint(decoder, json_array_get(list, i), i, draft->family, &endpoints[i]);
	draft->endpoints = endpoints;
	draft->endpoint_count = (uint32_t)count;
	return r;
}

/* The API server makes an absent name "" and an absent protocol TCP; an absent port stays absent (R1.14). */
static int read_port(struct decoder *decoder, const json_t *value, struct spot spot, struct slice_port *port)
{
	int64_t number = 0;
	int r = element_object(decoder, value, spot);
	if (!r)
		r = field_text(decoder, value, spot, "name", &port->name);
	if (!r && !port->name)
		port->name = "";
	if (!r && *port->name)
		r = check_port_name(decoder, spot, value, port->name);
	if (!r)
		r = field_number(decoder, value, spot, "port", &number);
	if (!r)
		r = check_port_number(decoder, spot, "port", number, 0, &port->port);
	return r ? r : field_protocol(decoder, value, spot, &port->protocol);
}

static int compare_port_names(const void *a, const void *b)
{
	const struct slice_port *const *first = a, *const *second = b;
	int order = strcmp((*first)->name, (*second)->name);
	return order ? order : (*first > *second) - (*first < *second);
}

/* The first port whose name an earlier one has; NULL: all differ. There may be too many to compare all pairs. */
static const struct slice_port *find_same_name(struct decoder *decoder, const struct slice_port *ports,
                                               size_t count)
{
	const struct slice_port **sorted = arena_new_array(&decoder->arena, count, const struct slice_port *);
	const struct slice_port *found = NULL;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &ports[i];
	qsort(sorted, count, sizeof(*sorted), compare_port_names);
	for (size_t i = 1; i < count; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0 && (!found || sorted[i] < found))
			found = sorted[i];
	return found;
}

static int read_ports(struct decoder *decoder, const json_t *value, struct slice *draft)
{
	const json_t *list;
	int r = field_list(decoder, value, AT(""), "ports", &list);
	size_t count = r ? 0 : json_array_size(list);
	if (!count)
		return r;
	if (count > PORTS_MOST)
		return refuse_too_many(decoder, AT(""), "ports", count, PORTS_MOST);
	struct slice_port *ports = arena_new_array(&decoder->arena, count, struct slice_port);
	for (uint32_t i = 0; i < count && !r; i++)
		r = read_port(decoder, json_array_get(list, i), AT("ports[]", i), &ports[i]);
	const struct slice_port *same = r || count == 1 ? NULL : find_same_name(decoder, ports, count);
	if (same)
		r = refuse(decoder, AT("ports[]", (uint32_t)(same - ports)), "name",
		           "Duplicate value: \"%s\"", same->name);
	draft->ports = ports;
	draft->port_count = (uint32_t)count;
	return r;
}

int decode_slice(struct decoder *decoder, const json_t *value)
{
	struct slice draft = {.name = {decoder->namespace, decoder->name},
	                      .trigger_ns = read_trigger(decoder)};
	int r = field_text(decoder, decoder->labels, AT("metadata.labels"), "kubernetes.io/service-name",
	                   &draft.service);
	if (!r)
		r = read_address_type(decoder, value, &draft.family);
	if (!r)
		r = read_endpoints(decoder, value, &draft);
	if (!r)
		r = read_ports(decoder, value, &draft);
	if (r || json_object_get(decoder->labels, LABEL_HEADLESS))
		return r;
	if (draft.service && !*draft.service)
		draft.service = NULL; /* R1.12 */
	add_slice(decoder, &draft);
	return 0;
}
