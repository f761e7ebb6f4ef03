#include "equality.h"

#include <stddef.h>
#include <string.h>

/* These have no gaps, so that lists of them are compared as bytes. */
_Static_assert(sizeof(struct address) == 17, "an address has no gaps");
_Static_assert(sizeof(struct cidr) == 18, "a prefix has no gaps");
_Static_assert(sizeof(struct load_balancer_ingress) == 18, "an ingress point has no gaps");

static bool bytes_equal(const void *a, size_t a_count, const void *b, size_t b_count, size_t size)
{
	return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * size) == 0);
}

#define LISTS_EQUAL(a, b, items, count) \
	bytes_equal((a)->items, (a)->count, (b)->items, (b)->count, sizeof(*(a)->items))

bool texts_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool names_equal(const struct object_name *a, const struct object_name *b)
{
	return texts_equal(a->name, b->name) && texts_equal(a->namespace, b->namespace);
}

static bool service_ports_equal(const struct service *a, const struct service *b)
{
	if (a->port_count != b->port_count)
		return false;
	for (uint32_t i = 0; i < a->port_count; i++) {
		const struct service_port *of_a = &a->ports[i], *of_b = &b->ports[i];
		if (of_a->port != of_b->port || of_a->node_port != of_b->node_port ||
		    of_a->protocol != of_b->protocol || !texts_equal(of_a->name, of_b->name))
			return false;
	}
	return true;
}

static bool service_words_equal(const struct service *a, const struct service *b)
{
	return a->created_seconds == b->created_seconds && a->type == b->type &&
	       a->cluster_ip_kind == b->cluster_ip_kind && a->proxied_elsewhere == b->proxied_elsewhere &&
	       a->has_selector == b->has_selector && a->internal_policy_local == b->internal_policy_local &&
	       a->external_policy_local == b->external_policy_local &&
	       a->affinity_seconds == b->affinity_seconds &&
	       a->health_check_node_port == b->health_check_node_port &&
	       address_equal(&a->cluster_ip, &b->cluster_ip);
}

bool service_equal(const struct service *a, const struct service *b)
{
	return service_words_equal(a, b) && names_equal(&a->name, &b->name) &&
	       LISTS_EQUAL(a, b, cluster_ips, cluster_ip_count) &&
	       LISTS_EQUAL(a, b, ip_families, ip_family_count) &&
	       LISTS_EQUAL(a, b, external_ips, external_ip_count) &&
	       LISTS_EQUAL(a, b, ingress, ingress_count) &&
	       LISTS_EQUAL(a, b, source_ranges, source_range_count) && service_ports_equal(a, b) &&
	       texts_equal(a->scheduler, b->scheduler) && texts_equal(a->scheduler_flags, b->scheduler_flags);
}

static bool lists_of_names_equal(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!texts_equal(a[i], b[i]))
			return false;
	return true;
}

bool hints_equal(const struct endpoint_hints *a, const struct endpoint_hints *b)
{
	if (!a || !b)
		return a == b;
	return lists_of_names_equal(a->zones, a->zone_count, b->zones, b->zone_count) &&
	       lists_of_names_equal(a->nodes, a->node_count, b->nodes, b->node_count);
}

static bool slice_ports_equal(const struct slice *a, const struct slice *b)
{
	if (a->port_count != b->port_count)
		return false;
	for (uint32_t i = 0; i < a->port_count; i++) {
		const struct slice_port *of_a = &a->ports[i], *of_b = &b->ports[i];
		if (of_a->port != of_b->port || of_a->protocol != of_b->protocol ||
		    !texts_equal(of_a->name, of_b->name))
			return false;
	}
	return true;
}

static bool endpoints_equal(const struct slice *a, const struct slice *b)
{
	if (a->endpoint_count != b->endpoint_count)
		return false;
	for (uint32_t i = 0; i < a->endpoint_count; i++) {
		const struct endpoint *of_a = &a->endpoints[i], *of_b = &b->endpoints[i];
		if (!address_equal(&of_a->address, &of_b->address) || of_a->ready != of_b->ready ||
		    of_a->serving != of_b->serving || of_a->terminating != of_b->terminating ||
		    !texts_equal(of_a->node_name, of_b->node_name) || !hints_equal(of_a->hints, of_b->hints))
			return false;
	}
	return true;
}

bool slice_equal(const struct slice *a, const struct slice *b)
{
	return a->family == b->family && a->mirrored == b->mirrored && names_equal(&a->name, &b->name) &&
	       texts_equal(a->service, b->service) && a->trigger_ns == b->trigger_ns &&
	       slice_ports_equal(a, b) && endpoints_equal(a, b);
}

bool node_equal(const struct node *a, const struct node *b)
{
	return texts_equal(a->name, b->name) && texts_equal(a->zone, b->zone) && a->deleting == b->deleting &&
	       a->to_be_deleted == b->to_be_deleted && LISTS_EQUAL(a, b, addresses, address_count) &&
	       LISTS_EQUAL(a, b, pod_cidrs, pod_cidr_count);
}
