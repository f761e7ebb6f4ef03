/*
 * What plan_service() looks at of the node, and which of a Service's fields make it look there:
 *
 *	name                  everything: which endpoints are local
 *	zone                  endpoints with hints for zones (R3.2)
 *	addresses             external and load-balancer addresses, which the dummy does not hold where the node has them
 *	                      itself (R4.2, R6.3); local endpoints, which are no hairpins there (R7.4)
 *	node_port_addresses   NodePorts (R9)
 *	primary               load-balancer addresses with source ranges (R7.5, R7.24)
 */
#include "plan/node_change.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_addresses(const struct address *a, size_t a_count, const struct address *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!address_equal(&a[i], &b[i]))
			return false;
	return true;
}

void node_change_build(const struct node_view *before, const struct node_view *after,
                       struct node_change *ret_change)
{
	*ret_change = (struct node_change){
	        .before = before,
	        .after = after,
	        .name = !same_text(before->name, after->name),
	        .zone = !same_text(before->zone, after->zone),
	        .addresses = !same_addresses(before->addresses, before->address_count, after->addresses,
	                                     after->address_count),
	        .node_port_addresses =
	                !same_addresses(before->node_port_addresses, before->node_port_address_count,
	                                after->node_port_addresses, after->node_port_address_count),
	};
	for (int f = 0; f < 2; f++)
		ret_change->primary[f] = !address_equal(&before->primary[f], &after->primary[f]);
}

bool node_change_is_any(const struct node_change *change)
{
	return change->name || change->zone || change->addresses || change->node_port_addresses ||
	       change->primary[0] || change->primary[1];
}

/* The node has it in one view and not in the other. */
static bool moved(const struct node_change *change, const struct address *address)
{
	return node_view_has(change->before, address) != node_view_has(change->after, address);
}

static bool has_moved_address(const struct node_change *change, const struct service *service)
{
	for (uint32_t i = 0; i < service->external_ip_count; i++)
		if (moved(change, &service->external_ips[i]))
			return true;
	for (uint32_t i = 0; i < service->ingress_count; i++)
		if (moved(change, &service->ingress[i].address))
			return true;
	return false;
}

static bool names_zone(const struct endpoint_hints *hints, const char *zone)
{
	for (uint16_t i = 0; zone && *zone && i < hints->zone_count; i++)
		if (strcmp(hints->zones[i], zone) == 0)
			return true;
	return false;
}

static bool endpoint_is_concerned(const struct node_change *change, const struct endpoint *endpoint)
{
	const struct endpoint_hints *hints = endpoint->hints;
	if (change->zone && hints &&
	    names_zone(hints, change->before->zone) != names_zone(hints, change->after->zone))
		return true;
	return change->addresses && endpoint->node_name &&
	       same_text(endpoint->node_name, change->after->name) && moved(change, &endpoint->address);
}

static bool has_concerned_endpoint(const struct node_change *change, const struct slice *const *slices,
                                   size_t slice_count)
{
	for (size_t s = 0; s < slice_count; s++)
		for (uint32_t i = 0; i < slices[s]->endpoint_count; i++)
			if (endpoint_is_concerned(change, &slices[s]->endpoints[i]))
				return true;
	return false;
}

static bool has_node_port(const struct service *service)
{
	for (uint32_t i = 0; i < service->port_count; i++)
		if (service->ports[i].node_port != 0)
			return true;
	return false;
}

static bool has_source_range(const struct service *service, const bool of_family[static 2])
{
	for (uint32_t i = 0; service->ingress_count > 0 && i < service->source_range_count; i++)
		if (of_family[service->source_ranges[i].base.family == FAMILY_IPV6])
			return true;
	return false;
}

bool node_change_concerns(const struct node_change *change, const struct service *service,
                          const struct slice *const *slices, size_t slice_count)
{
	if (change->name)
		return true;
	if (change->node_port_addresses && has_node_port(service))
		return true;
	if (has_source_range(service, change->primary))
		return true;
	if (change->addresses && has_moved_address(change, service))
		return true;
	return (change->zone || change->addresses) && has_concerned_endpoint(change, slices, slice_count);
}
