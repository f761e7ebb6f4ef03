/*
 * A Service: what R1.10 lists, with the defaults and checks of the API server.
 *
 * A real API server has filled in what a manifest may leave out, so the same is done here: protocol TCP,
 * clusterIPs from clusterIP, ipFamilies from clusterIPs, an affinity of three hours.
 */
#include "decode_service.h"

#include "base/vector.h"

#include <string.h>

enum { AFFINITY_DEFAULT_SECONDS = 10800, AFFINITY_MOST_SECONDS = 86400 };

static const struct spot SPEC = {"spec", 0, 0};

static const char *const type_words[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort", NULL};
static const uint8_t types[] = {SERVICE_CLUSTER_IP, SERVICE_EXTERNAL_NAME, SERVICE_LOAD_BALANCER,
                                SERVICE_NODE_PORT};

static int read_words(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	static const char *const policies[] = {"Cluster", "Local", NULL};
	uint8_t type = 0, internal = 0, external = 0;
	int r = field_word(decoder, spec, SPEC, "type", type_words, &type);
	if (!r)
		r = field_word(decoder, spec, SPEC, "internalTrafficPolicy", policies, &internal);
	if (!r)
		r = field_word(decoder, spec, SPEC, "externalTrafficPolicy", policies, &external);
	draft->type = types[type];
	draft->internal_policy_local = internal;
	draft->external_policy_local = external;
	return r;
}

/* R2.10, Q-30. */
static int read_affinity(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	static const char *const words[] = {"ClientIP", "None", NULL};
	static const struct spot CONFIG = {"spec.sessionAffinityConfig", 0, 0};
	static const struct spot CLIENT_IP = {"spec.sessionAffinityConfig.clientIP", 0, 0};
	uint8_t affinity = 1;
	const json_t *config, *client_ip;
	int64_t seconds = AFFINITY_DEFAULT_SECONDS;
	int r = field_word(decoder, spec, SPEC, "sessionAffinity", words, &affinity);
	if (!r)
		r = field_object(decoder, spec, SPEC, "sessionAffinityConfig", &config);
	if (!r)
		r = field_object(decoder, config, CONFIG, "clientIP", &client_ip);
	if (!r)
		r = field_number(decoder, client_ip, CLIENT_IP, "timeoutSeconds", &seconds);
	if (r || affinity != 0)
		return r;
	if (seconds < 1 || seconds > AFFINITY_MOST_SECONDS)
		return refuse(decoder, CLIENT_IP, "timeoutSeconds",
		              "Invalid value: %lld: must be greater than 0 and less than or equal to %d",
		              (long long)seconds, AFFINITY_MOST_SECONDS);
	draft->affinity_seconds = (uint32_t)seconds;
	return 0;
}

/* Names and (protocol, port) pairs are unique; so are (protocol, nodePort) pairs. */
static int check_unique(struct decoder *decoder, const struct service_port *ports, uint32_t index)
{
	const struct service_port *port = &ports[index];
	const struct spot spot = AT("spec.ports[]", index);
	for (const struct service_port *other = ports; other < port; other++) {
		if (*port->name && strcmp(other->name, port->name) == 0)
			return refuse(decoder, spot, "name", "Duplicate value: \"%s\"", port->name);
		if (other->protocol != port->protocol)
			continue;
		if (other->port == port->port)
			return refuse(decoder, spot, NULL,
			              "Duplicate value: {\"protocol\":\"%s\",\"port\":%u}",
			              protocol_name(port->protocol), port->port);
		if (port->node_port && other->node_port == port->node_port)
			return refuse(decoder, spot, "nodePort",
			              "Duplicate value: {\"protocol\":\"%s\",\"nodePort\":%u}",
			              protocol_name(port->protocol), port->node_port);
	}
	return 0;
}

static int read_port(struct decoder *decoder, const json_t *value, uint32_t index, bool names_needed,
                     struct service_port *port)
{
	const struct spot spot = AT("spec.ports[]", index);
	int64_t number = 0, node_port = 0;
	int r = element_object(decoder, value, spot);
	if (!r)
		r = field_text(decoder, value, spot, "name", &port->name);
	if (!r && (!port->name || !*port->name)) {
		port->name = "";
		if (names_needed)
			r = refuse_required(decoder, spot, "name",
			                    "a Service with several ports names each of them");
	} else if (!r) {
		r = check_port_name(decoder, spot, value, port->name);
	}
	if (!r)
		r = field_number(decoder, value, spot, "port", &number);
	if (!r)
		r = check_port_number(decoder, spot, "port", number, 1, &port->port);
	if (!r)
		r = field_protocol(decoder, value, spot, &port->protocol);
	if (!r)
		r = field_number(decoder, value, spot, "nodePort", &node_port);
	return r ? r : check_port_number(decoder, spot, "nodePort", node_port, 0, &port->node_port);
}

/* The API sets no bound on a Service's ports. This is more than any has, and keeps comparing all with all short. */
enum { PORTS_MOST = 4096 };

static int read_ports(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, SPEC, "ports", &list);
	size_t count = json_array_size(list);
	if (r)
		return r;
	if (!count)
		return draft->type == SERVICE_EXTERNAL_NAME || draft->cluster_ip_kind == CLUSTER_IP_NONE
		               ? 0
		               : refuse_required(decoder, SPEC, "ports", NULL);
	if (count > PORTS_MOST)
		return refuse_too_many(decoder, SPEC, "ports", count, PORTS_MOST);
	struct service_port *ports = arena_new_array(&decoder->arena, count, struct service_port);
	for (uint32_t i = 0; i < count && !r; i++) {
		r = read_port(decoder, json_array_get(list, i), i, count > 1, &ports[i]);
		if (!r)
			r = check_unique(decoder, ports, i);
	}
	draft->ports = ports;
	draft->port_count = (uint32_t)count;
	return r;
}

/* R2.5; entries with a host name only are left out. */
static int read_one_ingress(struct decoder *decoder, const json_t *value, uint32_t index,
                            struct load_balancer_ingress *ingress, uint32_t *count)
{
	static const char *const modes[] = {"Proxy", "VIP", NULL};
	const struct spot spot = AT("status.loadBalancer.ingress[]", index);
	const char *ip;
	uint8_t mode = 1;
	int r = element_object(decoder, value, spot);
	if (!r)
		r = field_text(decoder, value, spot, "ip", &ip);
	if (!r)
		r = field_word(decoder, value, spot, "ipMode", modes, &mode);
	if (r || !ip || !*ip)
		return r;
	struct load_balancer_ingress *entry = &ingress[*count];
	entry->proxied = mode == 0;
	(*count)++;
	return check_address(decoder, spot, "ip", json_object_get(value, "ip"), &entry->address);
}

static int read_status(struct decoder *decoder, const json_t *value, struct service *draft)
{
	const json_t *status, *balancer, *list;
	int r = field_object(decoder, value, AT(""), "status", &status);
	if (!r)
		r = field_object(decoder, status, AT("status"), "loadBalancer", &balancer);
	if (!r)
		r = field_list(decoder, balancer, AT("status.loadBalancer"), "ingress", &list);
	size_t count = r ? 0 : json_array_size(list);
	if (!count)
		return r;
	struct load_balancer_ingress *ingress =
	        arena_new_array(&decoder->arena, count, struct load_balancer_ingress);
	for (uint32_t i = 0; i < count && !r; i++)
		r = read_one_ingress(decoder, json_array_get(list, i), i, ingress, &draft->ingress_count);
	draft->ingress = ingress;
	return r;
}

static int read_annotations(struct decoder *decoder, struct service *draft)
{
	const struct spot spot = AT("metadata.annotations");
	int r = field_text(decoder, decoder->annotations, spot, "kube-ipvs.io/scheduler", &draft->scheduler);
	return r ? r
	         : field_text(decoder, decoder->annotations, spot, "kube-ipvs.io/scheduler-flags",
	                      &draft->scheduler_flags);
}

static int read_rest_of_spec(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *selector;
	int64_t health = 0;
	int r = field_object(decoder, spec, SPEC, "selector", &selector);
	if (!r)
		r = field_number(decoder, spec, SPEC, "healthCheckNodePort", &health);
	if (!r)
		r = check_port_number(decoder, SPEC, "healthCheckNodePort", health, 0,
		                      &draft->health_check_node_port);
	draft->has_selector = !r && json_object_size(selector) > 0;
	return r;
}

/* Nothing here hands out addresses, so that an absent one can only be a mistake. */
static int check_addressed(struct decoder *decoder, const struct service *draft)
{
	if (draft->type == SERVICE_EXTERNAL_NAME || draft->cluster_ip_kind == CLUSTER_IP_ADDRESS)
		return 0;
	if (draft->cluster_ip_kind == CLUSTER_IP_ABSENT)
		return refuse_required(decoder, SPEC, "clusterIP",
		                       "nothing allocates one here, so give an address or \"None\"");
	if (draft->type == SERVICE_CLUSTER_IP)
		return 0;
	return refuse(decoder, SPEC, "clusterIP",
	              "Invalid value: \"None\": may not be set to 'None' for %s services",
	              draft->type == SERVICE_NODE_PORT ? "NodePort" : "LoadBalancer");
}

int decode_service(struct decoder *decoder, const json_t *value)
{
	static int (*const parts[])(struct decoder *, const json_t *, struct service *) = {
	        read_words, read_service_addresses, read_affinity, read_ports, read_rest_of_spec,
	};
	struct service draft = {.name = {decoder->namespace, decoder->name},
	                        .created_seconds = decoder->created_seconds};
	const json_t *spec;
	draft.proxied_elsewhere =
	        json_object_get(decoder->labels, "service.kubernetes.io/service-proxy-name");
	int r = field_object(decoder, value, AT(""), "spec", &spec);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && !r; i++)
		r = parts[i](decoder, spec, &draft);
	if (!r)
		r = check_addressed(decoder, &draft);
	if (!r)
		r = read_annotations(decoder, &draft);
	if (!r)
		r = read_status(decoder, value, &draft);
	if (r)
		return r;
	struct decoded *decoded = decoder->decoded;
	if (decoded->service_count == decoded->service_capacity)
		decoded->services = vector_grown(decoded->services, decoded->service_count,
		                                 &decoded->service_capacity, sizeof(*decoded->services));
	decoded->services[decoded->service_count++] = service_new(&draft);
	return 0;
}
