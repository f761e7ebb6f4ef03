/*
 * The node's addresses as sorted lists, so that the rules find one by binary search.
 *
 * NodePort addresses are always chosen from the node addresses, also under explicit CIDRs. That leaves out
 * the dummy interface, whose addresses are Services' own, loopback (R9.4), and IPv6 link-local ones,
 * which mean nothing without an interface and so cannot be a virtual server's.
 */
#include "plan/node_view.h"

#include "plan/state.h"
#include "sorting.h"

#include <string.h>

bool node_address_valid(const struct address *address, enum family family)
{
	if (address->family != family || address_is_loopback(address))
		return false;
	return family != FAMILY_IPV6 || !address_is_link_local(address);
}

static bool is_node_address(const struct interface_address *present, const char *dummy)
{
	if (present->interface && dummy && strcmp(present->interface, dummy) == 0)
		return false;
	return node_address_valid(&present->address, FAMILY_IPV4) ||
	       node_address_valid(&present->address, FAMILY_IPV6);
}

static size_t drop_repeated(struct address *addresses, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !address_equal(&addresses[kept - 1], &addresses[i]))
			addresses[kept++] = addresses[i];
	return kept;
}

/* R9.1: an address that the dummy and another interface both hold is the node's. */
static void add_node_addresses(const struct interface_address *present, size_t count, const char *dummy,
                               struct arena *arena, struct node_view *view)
{
	struct address *addresses = arena_new_array(arena, count, struct address);
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		if (is_node_address(&present[i], dummy))
			addresses[found++] = present[i].address;
	sort_array(addresses, found, sizeof(*addresses), sort_by_address);
	view->addresses = addresses;
	view->address_count = drop_repeated(addresses, found);
}

/* R1.33: the first, and the first of the other family. A loopback address says that nothing is known (R14.11). */
static void add_primary(const struct address *node_ips, size_t count, struct node_view *view)
{
	for (size_t i = count; i-- > 0;)
		if (node_ips[i].family != FAMILY_NONE && !address_is_loopback(&node_ips[i]))
			view->primary[node_ips[i].family - FAMILY_IPV4] = node_ips[i];
}

/* R9.2, R9.3: a family without a CIDR of its own matches all, and so does one with a prefix of no bits. */
static bool cidrs_match(const struct node_port_rule *rule, const struct address *address)
{
	bool has_own = false;
	for (size_t i = 0; i < rule->cidr_count; i++) {
		has_own = has_own || rule->cidrs[i].base.family == address->family;
		if (cidr_contains(&rule->cidrs[i], address))
			return true;
	}
	return !has_own;
}

static bool carries_node_ports(const struct node_view *view, const struct node_port_rule *rule,
                               const struct address *address)
{
	if (rule->primary)
		return address_equal(&view->primary[address->family - FAMILY_IPV4], address);
	return cidrs_match(rule, address);
}

static void add_node_port_addresses(const struct node_port_rule *rule, struct arena *arena,
                                    struct node_view *view)
{
	struct address *chosen = arena_new_array(arena, view->address_count, struct address);
	size_t count = 0;
	for (size_t i = 0; i < view->address_count; i++)
		if (carries_node_ports(view, rule, &view->addresses[i]))
			chosen[count++] = view->addresses[i];
	view->node_port_addresses = chosen;
	view->node_port_address_count = count;
}

void node_view_build(const char *name, const char *zone, const struct interface_address *present,
                     size_t present_count, const char *dummy, const struct address *node_ips,
                     size_t node_ip_count, const struct node_port_rule *rule, struct arena *arena,
                     struct node_view *ret_view)
{
	*ret_view = (struct node_view){.name = name, .zone = zone};
	add_node_addresses(present, present_count, dummy, arena, ret_view);
	add_primary(node_ips, node_ip_count, ret_view);
	add_node_port_addresses(rule, arena, ret_view);
}

bool node_view_has(const struct node_view *view, const struct address *address)
{
	const struct state own = {.held = view->addresses, .held_count = view->address_count};
	return state_holds(&own, address);
}
