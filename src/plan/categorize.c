#include "categorize.h"

/* What a choice looks at: an endpoint passes or not. */
typedef bool (*predicate)(const struct known_endpoint *known);

static bool is_ready(const struct known_endpoint *known)
{
	return known->endpoint->ready;
}

/* The fall-back of R3.4 and R3.5: on its way out, and still answering. */
static bool is_serving_last(const struct known_endpoint *known)
{
	return known->endpoint->serving && known->endpoint->terminating;
}

static bool is_ready_for_node(const struct known_endpoint *known)
{
	return is_ready(known) && known->for_this_node;
}

static bool is_ready_for_zone(const struct known_endpoint *known)
{
	return is_ready(known) && known->for_this_zone;
}

static bool is_ready_here(const struct known_endpoint *known)
{
	return is_ready(known) && known->local;
}

static bool is_serving_last_here(const struct known_endpoint *known)
{
	return is_serving_last(known) && known->local;
}

/* How many endpoints are what. */
struct census {
	size_t ready;
	size_t node_hinted, for_this_node; /* of the ready ones */
	size_t zone_hinted, for_this_zone;
	size_t serving_last;
};

static struct census count_endpoints(const struct port_endpoints *endpoints)
{
	struct census census = {0};
	for (size_t i = 0; i < endpoints->count; i++) {
		const struct known_endpoint *known = endpoints->items[i].known;
		census.serving_last += is_serving_last(known);
		if (!is_ready(known))
			continue;
		census.ready++;
		census.node_hinted += known->node_hinted;
		census.for_this_node += known->for_this_node;
		census.zone_hinted += known->zone_hinted;
		census.for_this_zone += known->for_this_zone;
	}
	return census;
}

/* R3.2 to R3.4: one endpoint without a hint turns hints of that kind off for all. */
static predicate choose_cluster(const struct census *census)
{
	if (census->ready == 0)
		return is_serving_last;
	if (census->node_hinted == census->ready && census->for_this_node > 0)
		return is_ready_for_node;
	if (census->zone_hinted == census->ready && census->for_this_zone > 0)
		return is_ready_for_zone;
	return is_ready;
}

/* R5.1 */
static struct real_server make_real_server(const struct port_endpoint *item)
{
	return (struct real_server){
	        .address = item->known->endpoint->address,
	        .port = item->port,
	        .forwarding = FORWARD_MASQUERADE,
	        .weight = 1,
	};
}

static const struct real_server *choose(const struct port_endpoints *endpoints, predicate passes,
                                        struct arena *arena, size_t *ret_count)
{
	size_t count = 0, filled = 0;
	for (size_t i = 0; i < endpoints->count; i++)
		count += passes(endpoints->items[i].known);
	*ret_count = count;
	if (count == 0)
		return NULL;
	struct real_server *chosen = arena_new_array(arena, count, struct real_server);
	for (size_t i = 0; i < endpoints->count; i++)
		if (passes(endpoints->items[i].known))
			chosen[filled++] = make_real_server(&endpoints->items[i]);
	return chosen;
}

static void collect_leaving(const struct port_endpoints *endpoints, struct arena *arena,
                            struct categories *categories)
{
	size_t count = 0;
	for (size_t i = 0; i < endpoints->count; i++)
		count += endpoints->items[i].known->endpoint->terminating;
	if (count == 0)
		return;
	struct flow_end *leaving = arena_new_array(arena, count, struct flow_end);
	for (size_t i = 0; i < endpoints->count; i++) {
		const struct endpoint *endpoint = endpoints->items[i].known->endpoint;
		if (endpoint->terminating)
			leaving[categories->leaving_count++] =
			        (struct flow_end){endpoint->address, endpoints->items[i].port};
	}
	categories->leaving = leaving;
}

void categorize(const struct port_endpoints *endpoints, struct audience audience, struct arena *arena,
                struct categories *ret_categories)
{
	struct census census = count_endpoints(endpoints);
	*ret_categories = (struct categories){.has_any = census.ready > 0 || census.serving_last > 0};
	collect_leaving(endpoints, arena, ret_categories);
	if (audience.uses_cluster)
		ret_categories->cluster =
		        choose(endpoints, choose_cluster(&census), arena, &ret_categories->cluster_count);
	if (!audience.uses_local)
		return;
	ret_categories->local = choose(endpoints, is_ready_here, arena, &ret_categories->local_count);
	if (ret_categories->local_count == 0)
		ret_categories->local =
		        choose(endpoints, is_serving_last_here, arena, &ret_categories->local_count);
}
