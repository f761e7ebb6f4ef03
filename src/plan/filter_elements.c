#include "filter_elements.h"

#include "sorting.h"

/* Elements as they are found; there is room for all of them from the start. */
struct elements {
	struct filter_element *items;
	size_t count;
};

/*
 * R7.4: each local endpoint of a service port, whatever its state. Not one on the host's own network: what comes from the
 * node is masqueraded anyway, and what the node sends to itself without a Service has to be left alone.
 */
static bool is_hairpin(const struct node_view *node, const struct known_endpoint *known)
{
	return known->local && known->of_a_port && !node_view_has(node, &known->endpoint->address);
}

static size_t count_elements(const struct node_view *node, const struct claims *claims,
                             const struct state *state, const struct endpoints families[static 2],
                             uint16_t health_check_port)
{
	size_t count = state->held_count + (health_check_port != 0);
	for (size_t i = 0; i < claims->count; i++) {
		const struct claim *claim = &claims->items[i];
		count += claim->redirect_port ? 2 : 1;
		if (claim->restricted)
			count += claim->addresses->source_range_count + family_bits(claim->addresses->family);
	}
	for (int f = 0; f < 2; f++)
		for (size_t i = 0; i < families[f].count; i++)
			count += is_hairpin(node, &families[f].items[i]);
	return count;
}

/* R7.21: what no service port takes must not reach the host's own processes. */
static void add_held_addresses(const struct state *state, struct elements *elements)
{
	for (size_t i = 0; i < state->held_count; i++)
		elements->items[elements->count++] =
		        (struct filter_element){.kind = FILTER_HELD_ADDRESS, .address = state->held[i]};
}

static struct filter_element of_claim(const struct claim *claim, enum filter_kind kind)
{
	return (struct filter_element){
	        .kind = (uint8_t)kind,
	        .address = claim->server.key.address,
	        .protocol = claim->server.key.protocol,
	        .port = claim->server.key.port,
	};
}

static void add_service_port(const struct claim *claim, struct elements *elements)
{
	struct filter_element element = of_claim(claim, FILTER_SERVICE_PORT);
	element.verdict = claim->verdict;
	element.restricted = claim->restricted;
	elements->items[elements->count++] = element;
}

static void add_source_range(const struct claim *claim, const struct cidr *range, struct elements *elements)
{
	struct filter_element element = of_claim(claim, FILTER_SOURCE_RANGE);
	element.range = *range;
	elements->items[elements->count++] = element;
}

static bool in_ranges(const struct service_addresses *addresses, const struct address *address)
{
	return cidrs_contain(addresses->source_ranges, addresses->source_range_count, address);
}

/* The network of that prefix length that differs from the one of `address` in its last bit. */
static struct cidr other_half(const struct address *address, unsigned bits)
{
	struct cidr half = {.base = *address, .prefix_bits = (uint8_t)bits};
	unsigned last = (bits - 1) / 8;
	half.base.bytes[last] ^= (uint8_t)(0x80 >> (bits - 1) % 8);
	half.base.bytes[last] &= (uint8_t)(0xff00 >> ((bits - 1) % 8 + 1));
	for (unsigned i = last + 1; i < sizeof(half.base.bytes); i++)
		half.base.bytes[i] = 0;
	return half;
}

static void add_range_without(const struct claim *claim, const struct cidr *range,
                              const struct address *address, struct elements *elements)
{
	for (unsigned bits = range->prefix_bits + 1U; bits <= family_bits(address->family); bits++) {
		struct cidr half = other_half(address, bits);
		add_source_range(claim, &half, elements);
	}
}

/*
 * The node's own packets to an address that it holds carry that address as their source. So a node that may use the port
 * is let in under it (R7.5). For one that may not, the address is cut out of the range that has it (R7.24); nobody else
 * can have it.
 */
static void add_source_ranges(const struct node_view *node, const struct claim *claim,
                              struct elements *elements)
{
	if (!claim->restricted)
		return;
	const struct address *address = &claim->server.key.address;
	const struct service_addresses *addresses = claim->addresses;
	const struct address *primary = &node->primary[addresses->family - FAMILY_IPV4];
	bool may = in_ranges(addresses, primary), may_not = !may && primary->family != FAMILY_NONE;
	for (size_t i = 0; i < addresses->source_range_count; i++) {
		const struct cidr *range = &addresses->source_ranges[i];
		if (may_not && cidr_contains(range, address))
			add_range_without(claim, range, address, elements);
		else
			add_source_range(claim, range, elements);
	}
	struct cidr own = {.base = *address, .prefix_bits = family_bits(addresses->family)};
	if (may && !in_ranges(addresses, address))
		add_source_range(claim, &own, elements);
}

static void add_redirect(const struct claim *claim, struct elements *elements)
{
	if (claim->redirect_port == 0)
		return;
	struct filter_element element = of_claim(claim, FILTER_REDIRECT);
	element.target = claim->addresses->cluster_ip;
	element.target_port = claim->redirect_port;
	elements->items[elements->count++] = element;
}

static void add_hairpins(const struct node_view *node, const struct endpoints *endpoints,
                         struct elements *elements)
{
	const struct address *last = NULL;
	for (size_t i = 0; i < endpoints->count; i++) {
		const struct address *address = &endpoints->items[i].endpoint->address;
		if (!is_hairpin(node, &endpoints->items[i]) || (last && address_equal(last, address)))
			continue;
		elements->items[elements->count++] =
		        (struct filter_element){.kind = FILTER_HAIRPIN, .address = *address};
		last = address;
	}
}

/* R7.26 */
static void add_health_check_port(uint16_t port, struct elements *elements)
{
	if (port != 0)
		elements->items[elements->count++] = (struct filter_element){
		        .kind = FILTER_HEALTH_CHECK_PORT, .protocol = PROTOCOL_TCP, .port = port};
}

static int sort_elements(const void *a, const void *b)
{
	return filter_element_compare(a, b);
}

void filter_elements_build(struct planning *planning, const struct claims *claims,
                           const struct endpoints families[static 2], uint16_t health_check_port,
                           struct state *state)
{
	size_t room = count_elements(planning->node, claims, state, families, health_check_port);
	struct elements elements = {.items = arena_new_array(planning->arena, room, struct filter_element)};
	add_held_addresses(state, &elements);
	for (size_t i = 0; i < claims->count; i++)
		add_service_port(&claims->items[i], &elements);
	for (size_t i = 0; i < claims->count; i++)
		add_source_ranges(planning->node, &claims->items[i], &elements);
	for (size_t i = 0; i < claims->count; i++)
		add_redirect(&claims->items[i], &elements);
	for (int f = 0; f < 2; f++)
		add_hairpins(planning->node, &families[f], &elements);
	add_health_check_port(health_check_port, &elements);
	sort_array(elements.items, elements.count, sizeof(*elements.items), sort_elements);
	state->filter = elements.items;
	state->filter_count = elements.count;
}
