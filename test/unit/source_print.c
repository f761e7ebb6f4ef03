#include "source_print.h"

#include <inttypes.h>

static void print_address(struct text *text, const struct address *address)
{
	char written[ADDRESS_TEXT_SIZE];
	address_format(address, written);
	text_addf(text, " %s", address->family ? written : "-");
}

static void print_addresses(struct text *text, const char *label, const struct address *addresses,
                            uint32_t count)
{
	if (!count)
		return;
	text_addf(text, " %s", label);
	for (uint32_t i = 0; i < count; i++)
		print_address(text, &addresses[i]);
}

static void print_service_lists(struct text *text, const struct service *service)
{
	print_addresses(text, "ips", service->cluster_ips, service->cluster_ip_count);
	for (uint32_t i = 0; i < service->ip_family_count; i++)
		text_addf(text, " %s", family_name(service->ip_families[i]));
	print_addresses(text, "external", service->external_ips, service->external_ip_count);
	for (uint32_t i = 0; i < service->ingress_count; i++) {
		text_add(text, service->ingress[i].proxied ? " proxied" : " ingress");
		print_address(text, &service->ingress[i].address);
	}
	for (uint32_t i = 0; i < service->source_range_count; i++) {
		char written[CIDR_TEXT_SIZE];
		cidr_format(&service->source_ranges[i], written);
		text_addf(text, " from %s", written);
	}
	for (uint32_t i = 0; i < service->port_count; i++) {
		const struct service_port *port = &service->ports[i];
		text_addf(text, " port %s:%u/%s", port->name, port->port, protocol_name(port->protocol));
		if (port->node_port)
			text_addf(text, "@%u", port->node_port);
	}
}

void print_service(struct text *text, const struct service *service)
{
	static const char *const types[] = {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"};
	text_addf(text, "service %s/%s %s", service->name.namespace, service->name.name,
	          types[service->type]);
	if (service->created_seconds)
		text_addf(text, " created %" PRId64, service->created_seconds);
	if (service->cluster_ip_kind == CLUSTER_IP_NONE)
		text_add(text, " headless");
	print_service_lists(text, service);
	text_add(text, service->proxied_elsewhere ? " elsewhere" : "");
	text_add(text, service->has_selector ? " selector" : "");
	text_add(text, service->internal_policy_local ? " internal-local" : "");
	text_add(text, service->external_policy_local ? " external-local" : "");
	if (service->affinity_seconds)
		text_addf(text, " affinity %us", service->affinity_seconds);
	if (service->health_check_node_port)
		text_addf(text, " health %u", service->health_check_node_port);
	if (service->scheduler)
		text_addf(text, " scheduler %s", service->scheduler);
	if (service->scheduler_flags)
		text_addf(text, " flags %s", service->scheduler_flags);
	text_add(text, "\n");
}

static void print_endpoint(struct text *text, const struct endpoint *endpoint)
{
	text_add(text, " [");
	print_address(text, &endpoint->address);
	text_addf(text, "%s%s%s", endpoint->ready ? " ready" : "", endpoint->serving ? " serving" : "",
	          endpoint->terminating ? " terminating" : "");
	if (endpoint->node_name)
		text_addf(text, " on %s", endpoint->node_name);
	for (uint32_t i = 0; endpoint->hints && i < endpoint->hints->zone_count; i++)
		text_addf(text, " zone %s", endpoint->hints->zones[i]);
	for (uint32_t i = 0; endpoint->hints && i < endpoint->hints->node_count; i++)
		text_addf(text, " node %s", endpoint->hints->nodes[i]);
	text_add(text, " ]");
}

void print_slice(struct text *text, const struct slice *slice)
{
	text_addf(text, "slice %s/%s of %s %s%s", slice->name.namespace, slice->name.name,
	          slice->service ? slice->service : "-", slice->family ? family_name(slice->family) : "other",
	          slice->mirrored ? " mirrored" : "");
	if (slice->trigger_ns)
		text_addf(text, " trigger %" PRId64, slice->trigger_ns);
	for (uint32_t i = 0; i < slice->port_count; i++)
		text_addf(text, " port %s:%u/%s", slice->ports[i].name ? slice->ports[i].name : "-",
		          slice->ports[i].port, protocol_name(slice->ports[i].protocol));
	for (uint32_t i = 0; i < slice->endpoint_count; i++)
		print_endpoint(text, &slice->endpoints[i]);
	text_add(text, "\n");
}

void print_node(struct text *text, const struct node *node)
{
	text_addf(text, "node %s", node->name);
	if (node->zone)
		text_addf(text, " zone '%s'", node->zone);
	for (uint32_t i = 0; i < node->address_count; i++)
		print_address(text, &node->addresses[i]);
	for (uint32_t i = 0; i < node->pod_cidr_count; i++) {
		char cidr[CIDR_TEXT_SIZE];
		cidr_format(&node->pod_cidrs[i], cidr);
		text_addf(text, " pods %s", cidr);
	}
	if (node->deleting)
		text_add(text, " deleting");
	if (node->to_be_deleted)
		text_add(text, " to-be-deleted");
	text_add(text, "\n");
}

void print_decoded(struct text *text, const struct decoded *decoded)
{
	for (size_t i = 0; i < decoded->service_count; i++)
		print_service(text, decoded->services[i]);
	for (size_t i = 0; i < decoded->slice_count; i++)
		print_slice(text, decoded->slices[i]);
	for (size_t i = 0; i < decoded->node_count; i++)
		print_node(text, decoded->nodes[i]);
	if (decoded->ignored)
		text_addf(text, "ignored %zu\n", decoded->ignored);
}
