/*
 * A Service: what R1.10 lists, with the defaults and checks of the API server.
 *
 * A real API server has filled in what a manifest may leave out, so the same is done here: protocol TCP,
 * clusterIPs from clusterIP, ipFamilies from clusterIPs, an affinity of three hours.
 */
#include "decoder.h"

#include "base/vector.h"

#include <string.h>

enum { AFFINITY_DEFAULT_SECONDS = 10800, AFFINITY_MOST_SECONDS = 86400, CLUSTER_IPS_MOST = 2 };

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

static int read_families(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, SPEC, "ipFamilies", &list);
	size_t count = json_array_size(list);
	if (r || !count)
		return r;
	if (count > CLUSTER_IPS_MOST)
		return refuse_too_many(decoder, SPEC, "ipFamilies", count, CLUSTER_IPS_MOST);
	uint8_t *families = arena_new_array(&decoder->arena, count, uint8_t);
	for (uint32_t i = 0; i < count; i++) {
		const struct spot spot = AT("spec.ipFamilies[]", i);
		const json_t *value = json_array_get(list, i);
		const char *text;
		r = element_text(decoder, value, spot, &text);
		if (r)
			return r;
		if (strcmp(text, family_name(FAMILY_IPV4)) == 0)
			families[i] = FAMILY_IPV4;
		else if (strcmp(text, family_name(FAMILY_IPV6)) == 0)
			families[i] = FAMILY_IPV6;
		else
			return refuse_unsupported(decoder, spot, NULL, value, "\"IPv4\", \"IPv6\"");
		if (i && families[i] == families[0])
			return refuse_duplicate(decoder, spot, NULL, value);
	}
	draft->ip_families = families;
	draft->ip_family_count = (uint32_t)count;
	return 0;
}

static int read_cluster_ip(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const char *text;
	int r = field_text(decoder, spec, SPEC, "clusterIP", &text);
	if (r || !text || !*text)
		return r;
	if (strcmp(text, "None") == 0) {
		draft->cluster_ip_kind = CLUSTER_IP_NONE;
		return 0;
	}
	const json_t *value = json_object_get(spec, "clusterIP");
	draft->cluster_ip_kind = CLUSTER_IP_ADDRESS;
	r = check_address(decoder, SPEC, "clusterIP", value, &draft->cluster_ip);
	/* The API server has a range for these, which none of the special addresses can be in. */
	return r ? r : check_ordinary_address(decoder, SPEC, "clusterIP", value, &draft->cluster_ip);
}

static int read_one_cluster_ip(struct decoder *decoder, const json_t *value, uint32_t index,
                               const struct service *draft, struct address *addresses)
{
	const struct spot spot = AT("spec.clusterIPs[]", index);
	int r = check_address(decoder, spot, NULL, value, &addresses[index]);
	if (!r)
		r = check_ordinary_address(decoder, spot, NULL, value, &addresses[index]);
	if (r)
		return r;
	if (index == 0 && !address_equal(&addresses[0], &draft->cluster_ip))
		return refuse_invalid(decoder, spot, NULL, value, "first value must match `clusterIP`");
	if (index > 0 && addresses[index].family == addresses[0].family)
		return refuse_invalid(decoder, spot, NULL, value,
		                      "may specify no more than one IP for each IP family");
	return 0;
}

static int read_cluster_ips(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, SPEC, "clusterIPs", &list);
	size_t count = json_array_size(list);
	if (r || draft->cluster_ip_kind == CLUSTER_IP_NONE)
		return r;
	if (count > CLUSTER_IPS_MOST)
		return refuse_too_many(decoder, SPEC, "clusterIPs", count, CLUSTER_IPS_MOST);
	if (draft->cluster_ip_kind == CLUSTER_IP_ABSENT)
		return 0;
	if (count == 0) {
		draft->cluster_ips = &draft->cluster_ip;
		draft->cluster_ip_count = 1;
		return 0;
	}
	struct address *addresses = arena_new_array(&decoder->arena, count, struct address);
	for (uint32_t i = 0; i < count && !r; i++)
		r = read_one_cluster_ip(decoder, json_array_get(list, i), i, draft, addresses);
	draft->cluster_ips = addresses;
	draft->cluster_ip_count = (uint32_t)count;
	return r;
}

/* The families as the addresses have them, checked against those that the manifest names. */
static int match_families(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	if (draft->ip_family_count == 0 && draft->cluster_ip_count > 0) {
		uint8_t *families = arena_new_array(&decoder->arena, draft->cluster_ip_count, uint8_t);
		for (uint32_t i = 0; i < draft->cluster_ip_count; i++)
			families[i] = draft->cluster_ips[i].family;
		draft->ip_families = families;
		draft->ip_family_count = draft->cluster_ip_count;
	}
	for (uint32_t i = 0; i < draft->cluster_ip_count && i < draft->ip_family_count; i++) {
		if (draft->cluster_ips[i].family == draft->ip_families[i])
			continue;
		const json_t *listed = json_array_get(json_object_get(spec, "clusterIPs"), i);
		return refuse_invalid(decoder, listed ? AT("spec.clusterIPs[]", i) : SPEC,
		                      listed ? NULL : "clusterIP",
		                      listed ? listed : json_object_get(spec, "clusterIP"),
		                      draft->ip_families[i] == FAMILY_IPV4
		                              ? "expected an IPv4 value as indicated by `ipFamilies`"
		                              : "expected an IPv6 value as indicated by `ipFamilies`");
	}
	return 0;
}

static int read_external_ips(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, SPEC, "externalIPs", &list);
	size_t count = json_array_size(list);
	if (r || !count)
		return r;
	struct address *addresses = arena_new_array(&decoder->arena, count, struct address);
	for (uint32_t i = 0; i < count && !r; i++) {
		const struct spot spot = AT("spec.externalIPs[]", i);
		const json_t *value = json_array_get(list, i);
		r = check_address(decoder, spot, NULL, value, &addresses[i]);
		if (!r)
			r = check_ordinary_address(decoder, spot, NULL, value, &addresses[i]);
	}
	draft->external_ips = addresses;
	draft->external_ip_count = (uint32_t)count;
	return r;
}

/* R2.6: blanks around a range are allowed, host bits are masked. */
static bool parse_range(const char *text, struct cidr *ret_cidr)
{
	char trimmed[64];
	text += strspn(text, " \t");
	size_t length = strlen(text);
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	if (length >= sizeof(trimmed))
		return false;
	memcpy(trimmed, text, length);
	trimmed[length] = '\0';
	return cidr_parse(trimmed, false, ret_cidr);
}

static int read_source_ranges(struct decoder *decoder, const json_t *spec, struct service *draft)
{
	const json_t *list;
	int r = field_list(decoder, spec, SPEC, "loadBalancerSourceRanges", &list);
	size_t count = json_array_size(list);
	if (r || !count)
		return r;
	struct cidr *ranges = arena_new_array(&decoder->arena, count, struct cidr);
	for (uint32_t i = 0; i < count; i++) {
		const struct spot spot = AT("spec.loadBalancerSourceRanges[]", i);
		const char *text;
		r = element_text(decoder, json_array_get(list, i), spot, &text);
		if (r)
			return r;
		if (!parse_range(text, &ranges[i]))
			return refuse_invalid(
			        decoder, spot, NULL, json_array_get(list, i),
			        "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
	}
	draft->source_ranges = ranges;
	draft->source_range_count = (uint32_t)count;
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

/*
 * The API sets no bound on a Service's ports; one for each port number of each protocol is more than any has
 * and keeps the comparison of all with all short.
 */
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
	        read_words,    read_cluster_ip,   read_cluster_ips,   read_families, match_families,
	        read_affinity, read_external_ips, read_source_ranges, read_ports,    read_rest_of_spec,
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
