#include "endpoints.h"

#include "sorting.h"

#include <string.h>

static bool belongs(const struct slice *slice, const struct service *service)
{
	return slice->service && strcmp(slice->service, service->name.name) == 0 &&
	       strcmp(slice->name.namespace, service->name.namespace) == 0;
}

/* The control plane mirrors Endpoints into slices only for a Service without selector; here they also stand
 * in for slices that nobody made. */
static bool mirrors_count(const struct service *service, const struct slice *const *slices, size_t count)
{
	if (!service->has_selector)
		return true;
	for (size_t i = 0; i < count; i++)
		if (!slices[i]->mirrored && belongs(slices[i], service))
			return false;
	return true;
}

/* Returns how many endpoints the chosen slices hold. */
static size_t choose_slices(const struct service *service, enum family family,
                            const struct slice *const *slices, size_t count, struct arena *arena,
                            struct endpoints *endpoints)
{
	bool with_mirrors = mirrors_count(service, slices, count);
	size_t total = 0;
	endpoints->slices = arena_new_array(arena, count, const struct slice *);
	for (size_t i = 0; i < count; i++) {
		if (slices[i]->family != family || !belongs(slices[i], service) ||
		    (slices[i]->mirrored && !with_mirrors))
			continue;
		endpoints->slices[endpoints->slice_count++] = slices[i];
		total += slices[i]->endpoint_count;
	}
	return total;
}

static bool in_list(const char *const *names, uint16_t count, const char *name)
{
	if (!name || !*name)
		return false;
	for (uint16_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool is_local(const struct endpoint *endpoint, const struct node_view *node)
{
	return endpoint->node_name && *node->name && strcmp(endpoint->node_name, node->name) == 0;
}

/* R1.19, R1.21 */
static void know(const struct endpoint *endpoint, uint32_t slice, const struct node_view *node,
                 struct known_endpoint *ret_known)
{
	const struct endpoint_hints *hints = endpoint->hints;
	*ret_known = (struct known_endpoint){
	        .endpoint = endpoint, .slice = slice, .local = is_local(endpoint, node)};
	if (!hints)
		return;
	ret_known->node_hinted = hints->node_count > 0;
	ret_known->zone_hinted = hints->zone_count > 0;
	ret_known->for_this_node = in_list(hints->nodes, hints->node_count, node->name);
	ret_known->for_this_zone = in_list(hints->zones, hints->zone_count, node->zone);
}

/* By address, then as the slices have them, so that the order of equals does not hang on the sort. */
static int sort_known(const void *a, const void *b)
{
	const struct known_endpoint *left = a, *right = b;
	int order = address_compare(&left->endpoint->address, &right->endpoint->address);
	if (order != 0)
		return order;
	if (left->slice != right->slice)
		return left->slice < right->slice ? -1 : 1;
	return (left->endpoint > right->endpoint) - (left->endpoint < right->endpoint);
}

void endpoints_build(const struct service *service, enum family family, const struct slice *const *slices,
                     size_t slice_count, const struct node_view *node, struct arena *arena,
                     struct endpoints *ret_endpoints)
{
	*ret_endpoints = (struct endpoints){0};
	size_t total = choose_slices(service, family, slices, slice_count, arena, ret_endpoints);
	struct known_endpoint *items = arena_new_array(arena, total, struct known_endpoint);
	size_t count = 0;
	for (uint32_t s = 0; s < ret_endpoints->slice_count; s++) {
		const struct slice *slice = ret_endpoints->slices[s];
		/* R1.17, R1.18: an address that is absent, unreadable or of the other family. */
		for (uint32_t i = 0; i < slice->endpoint_count; i++)
			if (slice->endpoints[i].address.family == family)
				know(&slice->endpoints[i], s, node, &items[count++]);
	}
	sort_array(items, count, sizeof(*items), sort_known);
	ret_endpoints->items = items;
	ret_endpoints->count = count;
}

/* The port numbers that one slice has for a service port; rarely more than one (R1.16). */
struct numbers {
	const uint16_t *items;
	size_t count;
};

static bool port_matches(const struct slice_port *port, const struct service_port *wanted)
{
	return port->name && port->port != 0 && port->protocol == wanted->protocol &&
	       strcmp(port->name, wanted->name) == 0;
}

static struct numbers find_numbers(const struct slice *slice, const struct service_port *wanted,
                                   struct arena *arena)
{
	uint16_t *items = NULL;
	size_t count = 0;
	for (uint32_t i = 0; i < slice->port_count; i++) {
		if (!port_matches(&slice->ports[i], wanted))
			continue;
		if (!items)
			items = arena_new_array(arena, slice->port_count - i, uint16_t);
		items[count++] = slice->ports[i].port;
	}
	return (struct numbers){items, count};
}

static const struct address *address_of(const struct port_endpoint *item)
{
	return &item->known->endpoint->address;
}

/* R1.22: not terminating before terminating; then ready, then serving, then any. */
static int fitness(const struct endpoint *endpoint)
{
	return (endpoint->terminating ? 0 : 4) + (endpoint->ready ? 2 : 0) + (endpoint->serving ? 1 : 0);
}

/* Within one address: by port number, the fittest first, then as the slices have them. */
static int sort_equals(const void *a, const void *b)
{
	const struct port_endpoint *left = a, *right = b;
	if (left->port != right->port)
		return left->port < right->port ? -1 : 1;
	int order = fitness(right->known->endpoint) - fitness(left->known->endpoint);
	return order ? order : (left->known > right->known) - (left->known < right->known);
}

/* Puts the first of each port number at `kept` and behind; returns where they end. */
static struct port_endpoint *keep_fittest(struct port_endpoint *run, size_t count, struct port_endpoint *kept)
{
	if (count > 1)
		sort_array(run, count, sizeof(*run), sort_equals);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || run[i].port != kept[-1].port)
			*kept++ = run[i];
	return kept;
}

/* The items ascend by address, so all equals stand together. */
static void drop_repeated(struct port_endpoints *endpoints)
{
	struct port_endpoint *kept = endpoints->items;
	for (size_t start = 0, end; start < endpoints->count; start = end) {
		struct port_endpoint *run = &endpoints->items[start];
		for (end = start + 1; end < endpoints->count; end++)
			if (!address_equal(address_of(run), address_of(&endpoints->items[end])))
				break;
		kept = keep_fittest(run, end - start, kept);
	}
	endpoints->count = (size_t)(kept - endpoints->items);
}

void endpoints_of_port(struct endpoints *endpoints, const struct service_port *port, struct arena *arena,
                       struct port_endpoints *ret_endpoints)
{
	struct numbers *of_slice = arena_new_array(arena, endpoints->slice_count, struct numbers);
	size_t total = 0;
	for (uint32_t s = 0; s < endpoints->slice_count; s++) {
		of_slice[s] = find_numbers(endpoints->slices[s], port, arena);
		total += of_slice[s].count * endpoints->slices[s]->endpoint_count;
	}
	*ret_endpoints =
	        (struct port_endpoints){.items = arena_new_array(arena, total, struct port_endpoint)};
	for (size_t i = 0; i < endpoints->count && total > 0; i++) {
		struct known_endpoint *known = &endpoints->items[i];
		for (size_t n = 0; n < of_slice[known->slice].count; n++)
			ret_endpoints->items[ret_endpoints->count++] =
			        (struct port_endpoint){known, of_slice[known->slice].items[n]};
	}
	drop_repeated(ret_endpoints);
	for (size_t i = 0; i < ret_endpoints->count; i++)
		ret_endpoints->items[i].known->of_a_port = true;
}

uint32_t endpoints_count_local_ready(const struct endpoints *endpoints)
{
	const struct address *last = NULL;
	uint32_t count = 0;
	for (size_t i = 0; i < endpoints->count; i++) {
		const struct known_endpoint *known = &endpoints->items[i];
		if (!known->of_a_port || !known->local || !known->endpoint->ready ||
		    (last && address_equal(last, &known->endpoint->address)))
			continue;
		last = &known->endpoint->address;
		count++;
	}
	return count;
}
