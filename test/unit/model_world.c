#include "model_world.h"

#include "base/check.h"
#include "plan_states.h"

#include <stdlib.h>
#include <string.h>

/* One thing that can be said of an object. The first value of a list is the one that says nothing. */
struct field {
	const char *name;
	const char *const *values;
	uint8_t count;
	bool set;       /* any of the values, and the number is a set of bits */
	uint8_t chance; /* in percent, that it is rolled at all and not left at 0 */
};

#define VALUES(...)                                   \
	.values = (const char *const[]){__VA_ARGS__}, \
	.count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)
#define PORTS                                                                                       \
	VALUES("", "http TCP 80", "https TCP 443", "dns UDP 53", "dns-tcp TCP 53", "sip SCTP 5060", \
	       "quic UDP 443")
#define NODE_PORTS VALUES("", "30080", "30081", "30053")
/* 192.0.2.20 and 2001:db8::20 come and go as the host's own. */
#define INGRESS VALUES("192.0.2.50", "2001:db8::50", "192.0.2.30")

enum service_field {
	AGE,
	TYPE,
	FAMILIES,
	CLUSTER_IP_4,
	CLUSTER_IP_6,
	PORT_1,
	NODE_PORT_1,
	PORT_2,
	NODE_PORT_2,
	PORT_3,
	NODE_PORT_3,
	EXTERNAL,
	INGRESS_ADDRESSES,
	INGRESS_PROXIED,
	RANGES,
	INTERNAL_LOCAL,
	EXTERNAL_LOCAL,
	AFFINITY,
	SCHEDULER,
	SCHEDULER_FLAGS,
	HEALTH_CHECK,
	OTHER_PROXY,
	NO_SELECTOR,
	SERVICE_FIELDS,
};

static const struct field service_fields[SERVICE_FIELDS] = {
        [AGE] = {"age", VALUES("", "100", "200"), .chance = 60},
        [TYPE] = {"type", VALUES("ClusterIP", "NodePort", "LoadBalancer", "LoadBalancer", "ExternalName"),
                  .chance = 65},
        [FAMILIES] = {"families", VALUES("IPv4", "IPv6", "IPv4 IPv6", "IPv6 IPv4", "None"), .chance = 40},
        [CLUSTER_IP_4] = {"IPv4", VALUES("10.96.0.1", "10.96.0.2", "10.96.0.3", "10.96.0.4", "10.96.0.10"),
                          .chance = 90},
        [CLUSTER_IP_6] = {"IPv6", VALUES("fd00:96::1", "fd00:96::2", "fd00:96::a"), .chance = 80},
        [PORT_1] = {"port", PORTS, .chance = 95},
        [NODE_PORT_1] = {"node-port", NODE_PORTS, .chance = 80},
        [PORT_2] = {"port", PORTS, .chance = 40},
        [NODE_PORT_2] = {"node-port", NODE_PORTS, .chance = 60},
        [PORT_3] = {"port", PORTS, .chance = 15},
        [NODE_PORT_3] = {"node-port", NODE_PORTS, .chance = 60},
        [EXTERNAL] = {"external", VALUES("192.0.2.20", "192.0.2.30", "2001:db8::20", "198.51.100.9"),
                      .set = true, .chance = 35},
        [INGRESS_ADDRESSES] = {"ingress", INGRESS, .set = true, .chance = 70},
        [INGRESS_PROXIED] = {"proxied", INGRESS, .set = true, .chance = 10},
        [RANGES] = {"ranges", VALUES("10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "fd00::/8"), .set = true,
                    .chance = 30},
        [INTERNAL_LOCAL] = {"internal-local", VALUES("", "yes"), .chance = 30},
        [EXTERNAL_LOCAL] = {"external-local", VALUES("", "yes"), .chance = 45},
        [AFFINITY] = {"affinity", VALUES("", "600", "10800"), .chance = 20},
        [SCHEDULER] = {"scheduler", VALUES("", "wlc", "sh", "mh", "unheard-of"), .chance = 20},
        [SCHEDULER_FLAGS] = {"flags", VALUES("", "flag-1", "flag-2", "sh-port,mh-port"), .chance = 15},
        [HEALTH_CHECK] = {"health-check", VALUES("", "31000", "31001"), .chance = 40},
        [OTHER_PROXY] = {"other-proxy", VALUES("", "yes"), .chance = 5},
        [NO_SELECTOR] = {"no-selector", VALUES("", "yes"), .chance = 15},
};

enum { SLICE_ENDPOINTS = 4 };
enum endpoint_field {
	ENDPOINT_ADDRESS,
	ENDPOINT_STATE,
	ENDPOINT_NODE,
	ENDPOINT_ZONES,
	ENDPOINT_NODES,
	ENDPOINT_FIELDS,
};
enum slice_field {
	SLICE_LABEL,
	SLICE_FAMILY,
	SLICE_MIRRORED,
	SLICE_PORTS,
	SLICE_NUMBERS,
	SLICE_FIRST_ENDPOINT,
	SLICE_FIELDS = SLICE_FIRST_ENDPOINT + SLICE_ENDPOINTS * ENDPOINT_FIELDS,
};

#define ENDPOINT(likely)                                                                                    \
	{"-", VALUES("", "1", "2", "3", "4", "5", "host"), .chance = (likely)},                             \
	        {"", VALUES("", "unready", "serving", "serving-terminating", "terminating"), .chance = 40}, \
	        {"on", VALUES("n2", "n1", ""), .chance = 50},                                               \
	        {"zones", VALUES("a", "b"), .set = true, .chance = 40},                                     \
	{                                                                                                   \
		"nodes", VALUES("n1", "n2"), .set = true, .chance = 10                                      \
	}

static const struct field slice_fields[SLICE_FIELDS] = {
        [SLICE_LABEL] = {"of", VALUES("a", "b", "c", "d", "e", "kubernetes", ""), .chance = 85},
        [SLICE_FAMILY] = {"family", VALUES("IPv4", "IPv6", "FQDN"), .chance = 35},
        [SLICE_MIRRORED] = {"mirrored", VALUES("", "yes"), .chance = 10},
        [SLICE_PORTS] = {"ports",
                         VALUES("http TCP", "https TCP", "dns UDP", "dns-tcp TCP", "sip SCTP", "quic UDP"),
                         .set = true, .chance = 98},
        [SLICE_NUMBERS] = {"from", VALUES("8000", "9000"), .chance = 40},
        [SLICE_FIRST_ENDPOINT] = ENDPOINT(95),
        ENDPOINT(70),
        ENDPOINT(50),
        ENDPOINT(30),
};

enum { NODE_ZONE, NODE_ADDRESSES, NODE_FIELDS };
static const struct field node_fields[NODE_FIELDS] = {
        [NODE_ZONE] = {"zone", VALUES("", "a", "b"), .chance = 80},
        [NODE_ADDRESSES] = {"addresses", VALUES("192.0.2.10", "2001:db8::10", "192.0.2.11"), .set = true,
                            .chance = 90},
};

enum { HOST_ADDRESSES, HOST_FIELDS };
static const struct field host_fields[HOST_FIELDS] = {
        [HOST_ADDRESSES] = {"eth0", VALUES("192.0.2.10", "2001:db8::10", "192.0.2.20", "2001:db8::20"),
                            .set = true, .chance = 95},
};

static const struct object_name service_names[WORLD_SERVICES] = {
        {"default", "kubernetes"}, {"kube-system", "kube-dns"},
        {"default", "a"},          {"default", "b"},
        {"default", "c"},          {"default", "d"},
        {"default", "e"},          {"team", "a"}};
static const struct object_name slice_names[WORLD_SLICES] = {
        {"default", "s0"}, {"default", "s1"},     {"default", "s2"}, {"default", "s3"},
        {"default", "s4"}, {"default", "s5"},     {"default", "s6"}, {"default", "s7"},
        {"default", "s8"}, {"kube-system", "s9"}, {"team", "t0"},    {"team", "t1"}};
static const struct object_name node_names[] = {{"", WORLD_NODE_NAME}};
static const struct object_name host_names[] = {{"", "host"}};

static const struct {
	const char *name;
	const struct field *fields;
	uint8_t field_count;
	const struct object_name *names;
	size_t slots;
} kinds[WORLD_KINDS] = {
        [WORLD_SERVICE] = {"service", service_fields, SERVICE_FIELDS, service_names, WORLD_SERVICES},
        [WORLD_SLICE] = {"slice", slice_fields, SLICE_FIELDS, slice_names, WORLD_SLICES},
        [WORLD_NODE] = {"node", node_fields, NODE_FIELDS, node_names, 1},
        [WORLD_HOST] = {"host", host_fields, HOST_FIELDS, host_names, 1},
};

size_t world_slots(enum world_kind kind)
{
	return kinds[kind].slots;
}

struct object_name world_name(enum world_kind kind, size_t slot)
{
	return kinds[kind].names[slot];
}

static uint8_t roll_field(const struct field *field, struct dice *dice)
{
	bool rolled = dice_chance(dice, field->chance);
	uint32_t value = dice_roll(dice, field->set ? 1u << field->count : field->count);
	return rolled ? (uint8_t)value : 0;
}

void world_roll(struct world *world, enum world_kind kind, size_t slot, bool one_field, struct dice *dice)
{
	struct thing *thing = &world->things[kind][slot];
	uint8_t count = kinds[kind].field_count;
	uint32_t only = dice_roll(dice, count);
	CHECK(count <= WORLD_FIELDS);
	for (uint8_t i = 0; i < count; i++) {
		uint8_t value = roll_field(&kinds[kind].fields[i], dice);
		if (!thing->present || !one_field || i == only)
			thing->fields[i] = value;
	}
	thing->present = true;
}

void world_remove(struct world *world, enum world_kind kind, size_t slot)
{
	world->things[kind][slot].present = false;
}

/* ---- as text */

static void print_field(const struct field *field, uint8_t value, struct text *text)
{
	if (value == 0)
		return;
	text_addf(text, " %s", field->name);
	if (!field->set) {
		text_addf(text, " %s", field->values[value]);
		return;
	}
	for (uint8_t i = 0; i < field->count; i++)
		if (value >> i & 1)
			text_addf(text, "%s%s", i > 0 && value & ((1 << i) - 1) ? "," : " ",
			          field->values[i]);
}

void world_print(const struct world *world, enum world_kind kind, size_t slot, struct text *text)
{
	const struct thing *thing = &world->things[kind][slot];
	struct object_name name = world_name(kind, slot);
	text_addf(text, "%s %s%s%s", kinds[kind].name, name.namespace, *name.namespace ? "/" : "", name.name);
	if (!thing->present)
		text_add(text, " is not there");
	for (uint8_t i = 0; thing->present && i < kinds[kind].field_count; i++)
		print_field(&kinds[kind].fields[i], thing->fields[i], text);
}

/* ---- as objects */

static const char *value_of(const struct thing *thing, const struct field *fields, unsigned field)
{
	return fields[field].values[thing->fields[field]];
}

/* NULL when nothing is said. */
static const char *text_of(const struct thing *thing, const struct field *fields, unsigned field)
{
	const char *value = value_of(thing, fields, field);
	return *value ? value : NULL;
}

static long number_of(const struct thing *thing, const struct field *fields, unsigned field)
{
	return atol(value_of(thing, fields, field));
}

static bool has(const struct thing *thing, const struct field *fields, unsigned field, unsigned bit)
{
	return bit < fields[field].count && thing->fields[field] >> bit & 1;
}

static struct address *set_of_addresses(const struct thing *thing, const struct field *fields, unsigned field,
                                        struct arena *arena, uint32_t *ret_count)
{
	struct address *addresses = arena_new_array(arena, fields[field].count, struct address);
	*ret_count = 0;
	for (unsigned i = 0; i < fields[field].count; i++)
		if (has(thing, fields, field, i))
			addresses[(*ret_count)++] = address_of(fields[field].values[i]);
	return addresses;
}

/* "http TCP 80"; the number may be missing. */
static void read_port(const char *words, struct arena *arena, const char **ret_name, uint8_t *ret_protocol,
                      uint16_t *ret_number)
{
	char *rest = arena_copy_text(arena, words);
	*ret_name = strsep(&rest, " ");
	CHECK(protocol_parse(strsep(&rest, " "), ret_protocol));
	*ret_number = rest ? (uint16_t)atoi(rest) : 0;
}

/* A name is there once, as the API server sees to. */
static void fill_ports(const struct thing *thing, struct service *service, struct arena *arena)
{
	struct service_port *ports = arena_new_array(arena, 3, struct service_port);
	for (unsigned i = PORT_1; i <= PORT_3; i += 2) {
		const char *words = text_of(thing, service_fields, i);
		bool twice = !words;
		for (unsigned j = PORT_1; j < i; j += 2)
			twice |= thing->fields[j] == thing->fields[i];
		if (twice)
			continue;
		struct service_port *port = &ports[service->port_count++];
		read_port(words, arena, &port->name, &port->protocol, &port->port);
		port->node_port = (uint16_t)number_of(thing, service_fields, i + 1);
	}
	service->ports = ports;
}

static void fill_cluster_ips(const struct thing *thing, struct service *service, struct arena *arena)
{
	struct address *addresses = arena_new_array(arena, 2, struct address);
	uint8_t *families = arena_new_array(arena, 2, uint8_t);
	char *rest = arena_copy_text(arena, value_of(thing, service_fields, FAMILIES));
	service->cluster_ip_kind = strcmp(rest, "None") == 0 ? CLUSTER_IP_NONE : CLUSTER_IP_ADDRESS;
	if (service->cluster_ip_kind == CLUSTER_IP_NONE || service->type == SERVICE_EXTERNAL_NAME)
		return;
	for (const char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
		bool ipv6 = strcmp(word, "IPv6") == 0;
		families[service->ip_family_count++] = ipv6 ? FAMILY_IPV6 : FAMILY_IPV4;
		addresses[service->cluster_ip_count++] =
		        address_of(value_of(thing, service_fields, ipv6 ? CLUSTER_IP_6 : CLUSTER_IP_4));
	}
	service->cluster_ip = addresses[0];
	service->cluster_ips = addresses;
	service->ip_families = families;
}

static void fill_ingress(const struct thing *thing, struct service *service, struct arena *arena)
{
	struct load_balancer_ingress *ingress =
	        arena_new_array(arena, service_fields[INGRESS_ADDRESSES].count, struct load_balancer_ingress);
	for (unsigned i = 0; i < service_fields[INGRESS_ADDRESSES].count; i++)
		if (has(thing, service_fields, INGRESS_ADDRESSES, i))
			ingress[service->ingress_count++] = (struct load_balancer_ingress){
			        address_of(service_fields[INGRESS_ADDRESSES].values[i]),
			        has(thing, service_fields, INGRESS_PROXIED, i)};
	service->ingress = ingress;
}

static void fill_ranges(const struct thing *thing, struct service *service, struct arena *arena)
{
	struct cidr *ranges = arena_new_array(arena, service_fields[RANGES].count, struct cidr);
	for (unsigned i = 0; i < service_fields[RANGES].count; i++)
		if (has(thing, service_fields, RANGES, i))
			CHECK(cidr_parse(service_fields[RANGES].values[i], false,
			                 &ranges[service->source_range_count++]));
	service->source_ranges = ranges;
}

static uint8_t type_of(const char *name)
{
	static const char *const names[] = {[SERVICE_CLUSTER_IP] = "ClusterIP",
	                                    [SERVICE_NODE_PORT] = "NodePort",
	                                    [SERVICE_LOAD_BALANCER] = "LoadBalancer",
	                                    [SERVICE_EXTERNAL_NAME] = "ExternalName"};
	uint8_t type = 0;
	while (strcmp(names[type], name) != 0)
		type++;
	return type;
}

const struct service *world_service(const struct world *world, size_t slot, struct arena *arena)
{
	const struct thing *thing = &world->things[WORLD_SERVICE][slot];
	const struct field *fields = service_fields;
	struct service *service = arena_new(arena, struct service);
	if (!thing->present)
		return NULL;
	*service = (struct service){
	        .name = service_names[slot],
	        .created_seconds = number_of(thing, fields, AGE),
	        .type = type_of(value_of(thing, fields, TYPE)),
	        .proxied_elsewhere = thing->fields[OTHER_PROXY],
	        .has_selector = !thing->fields[NO_SELECTOR],
	        .internal_policy_local = thing->fields[INTERNAL_LOCAL],
	        .external_policy_local = thing->fields[EXTERNAL_LOCAL],
	        .affinity_seconds = (uint32_t)number_of(thing, fields, AFFINITY),
	        .health_check_node_port = (uint16_t)number_of(thing, fields, HEALTH_CHECK),
	        .scheduler = text_of(thing, fields, SCHEDULER),
	        .scheduler_flags = text_of(thing, fields, SCHEDULER_FLAGS),
	};
	service->external_ips = set_of_addresses(thing, fields, EXTERNAL, arena, &service->external_ip_count);
	fill_cluster_ips(thing, service, arena);
	fill_ports(thing, service, arena);
	fill_ingress(thing, service, arena);
	fill_ranges(thing, service, arena);
	return service;
}

static const char *const *set_of_texts(const struct thing *thing, unsigned field, struct arena *arena,
                                       uint16_t *ret_count)
{
	const char **texts = arena_new_array(arena, slice_fields[field].count, const char *);
	for (unsigned i = 0; i < slice_fields[field].count; i++)
		if (has(thing, slice_fields, field, i))
			texts[(*ret_count)++] = slice_fields[field].values[i];
	return texts;
}

static void fill_state(const char *state, struct endpoint *endpoint)
{
	bool plain = *state == '\0';
	endpoint->ready = plain;
	endpoint->terminating = strstr(state, "terminating") != NULL;
	endpoint->serving = plain || strncmp(state, "serving", strlen("serving")) == 0;
}

static void fill_endpoint(const struct thing *thing, unsigned first, uint8_t family, struct arena *arena,
                          struct slice *slice, struct endpoint *endpoints)
{
	const char *number = value_of(thing, slice_fields, first + ENDPOINT_ADDRESS);
	if (*number == '\0')
		return;
	bool ipv6 = family == FAMILY_IPV6, host = strcmp(number, "host") == 0;
	struct endpoint *endpoint = &endpoints[slice->endpoint_count++];
	struct endpoint_hints hints = {0};
	const char *prefix = ipv6 ? "fd00:244::" : "10.244.0.";
	endpoint->address = host ? address_of(ipv6 ? "2001:db8::20" : "192.0.2.20")
	                         : address_of(arena_format(arena, "%s%s", prefix, number));
	endpoint->node_name = text_of(thing, slice_fields, first + ENDPOINT_NODE);
	fill_state(value_of(thing, slice_fields, first + ENDPOINT_STATE), endpoint);
	hints.zones = set_of_texts(thing, first + ENDPOINT_ZONES, arena, &hints.zone_count);
	hints.nodes = set_of_texts(thing, first + ENDPOINT_NODES, arena, &hints.node_count);
	if (hints.zone_count + hints.node_count == 0)
		return;
	struct endpoint_hints *kept = arena_new(arena, struct endpoint_hints);
	*kept = hints;
	endpoint->hints = kept;
}

static void fill_slice_ports(const struct thing *thing, struct slice *slice, struct arena *arena)
{
	struct slice_port *ports = arena_new_array(arena, slice_fields[SLICE_PORTS].count, struct slice_port);
	for (unsigned i = 0; i < slice_fields[SLICE_PORTS].count; i++) {
		if (!has(thing, slice_fields, SLICE_PORTS, i))
			continue;
		struct slice_port *port = &ports[slice->port_count++];
		read_port(slice_fields[SLICE_PORTS].values[i], arena, &port->name, &port->protocol,
		          &port->port);
		port->port = (uint16_t)(number_of(thing, slice_fields, SLICE_NUMBERS) + i);
	}
	slice->ports = ports;
}

const struct slice *world_slice(const struct world *world, size_t slot, struct arena *arena)
{
	const struct thing *thing = &world->things[WORLD_SLICE][slot];
	const char *family = value_of(thing, slice_fields, SLICE_FAMILY);
	const char *namespace = slice_names[slot].namespace;
	struct slice *slice = arena_new(arena, struct slice);
	struct endpoint *endpoints = arena_new_array(arena, SLICE_ENDPOINTS, struct endpoint);
	if (!thing->present)
		return NULL;
	*slice = (struct slice){.name = slice_names[slot],
	                        .service = text_of(thing, slice_fields, SLICE_LABEL),
	                        .mirrored = thing->fields[SLICE_MIRRORED],
	                        .endpoints = endpoints};
	if (strcmp(namespace, "default") != 0) /* few Services are there */
		slice->service = strcmp(namespace, "team") == 0 ? "a" : "kube-dns";
	slice->family = strcmp(family, "IPv4") == 0   ? FAMILY_IPV4
	                : strcmp(family, "IPv6") == 0 ? FAMILY_IPV6
	                                              : FAMILY_NONE;
	fill_slice_ports(thing, slice, arena);
	for (unsigned i = 0; i < SLICE_ENDPOINTS; i++)
		fill_endpoint(thing, SLICE_FIRST_ENDPOINT + i * ENDPOINT_FIELDS, slice->family, arena, slice,
		              endpoints);
	return slice;
}

const struct node *world_node(const struct world *world, struct arena *arena)
{
	const struct thing *thing = &world->things[WORLD_NODE][0];
	struct node *node = arena_new(arena, struct node);
	if (!thing->present)
		return NULL;
	*node = (struct node){.name = WORLD_NODE_NAME, .zone = text_of(thing, node_fields, NODE_ZONE)};
	node->addresses = set_of_addresses(thing, node_fields, NODE_ADDRESSES, arena, &node->address_count);
	return node;
}

size_t world_host(const struct world *world, struct interface_address addresses[static WORLD_HOST_ADDRESSES])
{
	const struct thing *thing = &world->things[WORLD_HOST][0];
	size_t count = 0;
	for (unsigned i = 0; i < WORLD_HOST_ADDRESSES; i++)
		if (has(thing, host_fields, HOST_ADDRESSES, i))
			addresses[count++] = (struct interface_address){
			        address_of(host_fields[HOST_ADDRESSES].values[i]), "eth0"};
	return count;
}
