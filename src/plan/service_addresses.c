/*
 * R2: the addresses of a Service, family by family.
 *
 * Loopback, unspecified, multicast and link-local addresses are refused wherever a Service has them:
 * the kernel would deliver them elsewhere, or nowhere, and a loopback one on the dummy would never be seen
 * again.
 */
#include "service_addresses.h"

#include "sorting.h"

bool service_is_proxied(const struct service *service)
{
	return !service->proxied_elsewhere && service->cluster_ip_kind == CLUSTER_IP_ADDRESS &&
	       service->type != SERVICE_EXTERNAL_NAME;
}

bool service_keeps_external_local(const struct service *service, const struct plan_options *options)
{
	if (!service->external_policy_local)
		return false;
	return service->type == SERVICE_LOAD_BALANCER || service->type == SERVICE_NODE_PORT ||
	       (service->type == SERVICE_CLUSTER_IP && service->external_ip_count > 0 &&
	        !options->without_external_ips);
}

/* spec.clusterIPs[index]; a manifest that only gives clusterIP means it as the first, as the API server fills
 * it in. */
static const struct address *cluster_ip_at(const struct service *service, uint32_t index)
{
	if (index < service->cluster_ip_count)
		return &service->cluster_ips[index];
	return index == 0 ? &service->cluster_ip : NULL;
}

/* R2.2; NULL: the Service is not of this family. */
static const struct address *find_cluster_ip(const struct service *service, enum family family)
{
	const struct address *found = service->ip_family_count == 0 ? &service->cluster_ip : NULL;
	for (uint32_t i = 0; i < service->ip_family_count; i++)
		if (service->ip_families[i] == family) {
			found = cluster_ip_at(service, i);
			break;
		}
	return found && found->family == family ? found : NULL;
}

struct refused_range {
	bool (*contains)(const struct address *address);
	const char *words;
};

static const struct refused_range refused_ranges[] = {
        {address_is_loopback, "a loopback"},
        {address_is_unspecified, "the unspecified"},
        {address_is_multicast, "a multicast"},
        {address_is_link_local, "a link-local"},
};

static bool is_refused(struct planning *planning, const char *field, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];
	for (size_t i = 0; i < sizeof(refused_ranges) / sizeof(*refused_ranges); i++)
		if (refused_ranges[i].contains(address)) {
			address_format(address, text);
			planning_warn(planning,
			              "%s %s is %s address, which no Service can have; it is left out", field,
			              text, refused_ranges[i].words);
			return true;
		}
	return false;
}

/* R2.4 */
static void add_external_ips(struct planning *planning, struct service_addresses *addresses)
{
	const struct service *service = planning->service;
	if (service->external_ip_count == 0 || planning->options->without_external_ips)
		return;
	struct address *kept = arena_new_array(planning->arena, service->external_ip_count, struct address);
	for (uint32_t i = 0; i < service->external_ip_count; i++) {
		const struct address *address = &service->external_ips[i];
		if (address->family == addresses->family && !is_refused(planning, "external IP", address))
			kept[addresses->external_ip_count++] = *address;
	}
	addresses->external_ips = kept;
}

/* R2.5 */
static void add_balancer_ips(struct planning *planning, struct service_addresses *addresses)
{
	const struct service *service = planning->service;
	if (service->ingress_count == 0)
		return;
	struct address *kept = arena_new_array(planning->arena, service->ingress_count, struct address);
	for (uint32_t i = 0; i < service->ingress_count; i++) {
		const struct load_balancer_ingress *ingress = &service->ingress[i];
		if (!ingress->proxied && ingress->address.family == addresses->family &&
		    !is_refused(planning, "load-balancer IP", &ingress->address))
			kept[addresses->balancer_ip_count++] = ingress->address;
	}
	addresses->balancer_ips = kept;
}

static int sort_by_range(const void *a, const void *b)
{
	const struct cidr *left = a, *right = b;
	int order = address_compare(&left->base, &right->base);
	return order ? order : left->prefix_bits - right->prefix_bits;
}

/* N8: a set of intervals takes no range inside another. In ascending order, only the last kept can contain.
 */
static size_t drop_contained(struct cidr *ranges, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !cidr_contains(&ranges[kept - 1], &ranges[i].base))
			ranges[kept++] = ranges[i];
	return kept;
}

/* as other proxies do, but not silently. */
static void warn_of_open_family(struct planning *planning, const struct service_addresses *addresses)
{
	if (addresses->balancer_ip_count > 0)
		planning_warn(planning,
		              "loadBalancerSourceRanges has no %s range, so every source may use its %s "
		              "load-balancer addresses",
		              family_name(addresses->family), family_name(addresses->family));
}

/* R2.6 */
static void add_source_ranges(struct planning *planning, struct service_addresses *addresses)
{
	const struct service *service = planning->service;
	if (service->source_range_count == 0)
		return;
	struct cidr *kept = arena_new_array(planning->arena, service->source_range_count, struct cidr);
	size_t count = 0;
	for (uint32_t i = 0; i < service->source_range_count; i++) {
		const struct cidr *range = &service->source_ranges[i];
		if (range->base.family != addresses->family)
			continue;
		if (range->prefix_bits == 0)
			return;
		kept[count++] = *range;
	}
	if (count == 0)
		warn_of_open_family(planning, addresses);
	sort_array(kept, count, sizeof(*kept), sort_by_range);
	addresses->source_ranges = kept;
	addresses->source_range_count = drop_contained(kept, count);
}

bool service_addresses_build(struct planning *planning, enum family family,
                             struct service_addresses *ret_addresses)
{
	const struct address *cluster_ip = find_cluster_ip(planning->service, family);
	if (!cluster_ip)
		return false;
	*ret_addresses = (struct service_addresses){.family = family};
	if (!is_refused(planning, "cluster IP", cluster_ip))
		ret_addresses->cluster_ip = *cluster_ip;
	add_external_ips(planning, ret_addresses);
	add_balancer_ips(planning, ret_addresses);
	add_source_ranges(planning, ret_addresses);
	return true;
}
