#include "model/objects.h"

#include "base/check.h"
#include "base/memory.h"
#include "block.h"
#include "shared.h"

#include <stdlib.h>

static struct object_name copy_name(struct block *block, struct object_name name)
{
	CHECK(name.namespace && name.name);
	return (struct object_name){block_copy_text(block, name.namespace),
	                            block_copy_text(block, name.name)};
}

static const struct service_port *copy_service_ports(struct block *block, const struct service_port *ports,
                                                     uint32_t count)
{
	struct service_port *copies = block_place_array(block, count, struct service_port);
	for (uint32_t i = 0; i < count; i++) {
		struct service_port copy = ports[i];
		CHECK(copy.name);
		copy.name = block_copy_text(block, copy.name);
		if (copies)
			copies[i] = copy;
	}
	return copies;
}

/* What needs alignment comes first, so that little is lost between. */
static struct service *lay_out_service(struct block *block, const struct service *draft)
{
	struct service *place = block_place_array(block, 1, struct service);
	struct service copy = *draft;
	copy.ports = copy_service_ports(block, draft->ports, draft->port_count);
	copy.cluster_ips = block_copy_array(block, draft->cluster_ips, draft->cluster_ip_count);
	copy.ip_families = block_copy_array(block, draft->ip_families, draft->ip_family_count);
	copy.external_ips = block_copy_array(block, draft->external_ips, draft->external_ip_count);
	copy.ingress = block_copy_array(block, draft->ingress, draft->ingress_count);
	copy.source_ranges = block_copy_array(block, draft->source_ranges, draft->source_range_count);
	copy.name = copy_name(block, draft->name);
	copy.scheduler = block_copy_text(block, draft->scheduler);
	copy.scheduler_flags = block_copy_text(block, draft->scheduler_flags);
	if (place)
		*place = copy;
	return place;
}

static const struct slice_port *copy_slice_ports(struct block *block, const struct slice_port *ports,
                                                 uint32_t count)
{
	struct slice_port *copies = block_place_array(block, count, struct slice_port);
	for (uint32_t i = 0; i < count; i++) {
		struct slice_port copy = ports[i];
		copy.name = block_copy_text(block, copy.name);
		if (copies)
			copies[i] = copy;
	}
	return copies;
}

static const struct endpoint *copy_endpoints(struct block *block, const struct endpoint *endpoints,
                                             uint32_t count)
{
	struct shared shared = {0};
	struct endpoint *copies = block_place_array(block, count, struct endpoint);
	for (uint32_t i = 0; i < count; i++) {
		struct endpoint copy = endpoints[i];
		copy.hints = shared_hints(&shared, block, copy.hints);
		copy.node_name = shared_text(&shared, block, copy.node_name);
		if (copies)
			copies[i] = copy;
	}
	return copies;
}

static struct slice *lay_out_slice(struct block *block, const struct slice *draft)
{
	struct slice *place = block_place_array(block, 1, struct slice);
	struct slice copy = *draft;
	copy.endpoints = copy_endpoints(block, draft->endpoints, draft->endpoint_count);
	copy.ports = copy_slice_ports(block, draft->ports, draft->port_count);
	copy.name = copy_name(block, draft->name);
	copy.service = block_copy_text(block, draft->service);
	if (place)
		*place = copy;
	return place;
}

static struct node *lay_out_node(struct block *block, const struct node *draft)
{
	CHECK(draft->name);
	struct node *place = block_place_array(block, 1, struct node);
	struct node copy = *draft;
	copy.addresses = block_copy_array(block, draft->addresses, draft->address_count);
	copy.pod_cidrs = block_copy_array(block, draft->pod_cidrs, draft->pod_cidr_count);
	copy.name = block_copy_text(block, draft->name);
	copy.zone = block_copy_text(block, draft->zone);
	if (place)
		*place = copy;
	return place;
}

struct service *service_new(const struct service *draft)
{
	struct block block = {0};
	lay_out_service(&block, draft);
	block = (struct block){.bytes = memory_resize(NULL, 1, block.used)};
	return lay_out_service(&block, draft);
}

struct slice *slice_new(const struct slice *draft)
{
	struct block block = {0};
	lay_out_slice(&block, draft);
	block = (struct block){.bytes = memory_resize(NULL, 1, block.used)};
	return lay_out_slice(&block, draft);
}

struct node *node_new(const struct node *draft)
{
	struct block block = {0};
	lay_out_node(&block, draft);
	block = (struct block){.bytes = memory_resize(NULL, 1, block.used)};
	return lay_out_node(&block, draft);
}

void service_free(struct service *service)
{
	free(service);
}

void slice_free(struct slice *slice)
{
	free(slice);
}

void node_free(struct node *node)
{
	free(node);
}
