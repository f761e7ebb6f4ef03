#include "plan_scenario.h"

#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = 40 };

/* The words of one line. */
struct line {
	char *words[WORDS];
	uint32_t count;
	const char *rest; /* all behind the first word */
};

static const char *word(const struct line *line, uint32_t index)
{
	return index < line->count ? line->words[index] : "";
}

static uint16_t number(const struct line *line, uint32_t index)
{
	return (uint16_t)strtoul(word(line, index), NULL, 10);
}

static struct address address_of(const char *text)
{
	struct address address = {0};
	if (strcmp(text, "-") != 0)
		ck_assert_msg(address_parse(text, &address), "\"%s\" is no address", text);
	return address;
}

static struct cidr cidr_of(const char *text)
{
	struct cidr cidr;
	ck_assert_msg(cidr_parse(text, true, &cidr), "\"%s\" is no CIDR", text);
	return cidr;
}

static uint8_t family_of(const char *text)
{
	if (strcmp(text, "IPv4") == 0)
		return FAMILY_IPV4;
	return strcmp(text, "IPv6") == 0 ? FAMILY_IPV6 : FAMILY_NONE;
}

static uint8_t protocol_of(const char *text)
{
	uint8_t protocol = PROTOCOL_NONE;
	ck_assert_msg(protocol_parse(text, &protocol), "\"%s\" is no protocol", text);
	return protocol;
}

static const char *name_of(const char *text)
{
	return strcmp(text, "-") == 0 ? "" : text;
}

static struct address *addresses_of(struct scenario *scenario, const struct line *line)
{
	struct address *addresses = arena_new_array(&scenario->arena, line->count, struct address);
	for (uint32_t i = 1; i < line->count; i++)
		addresses[i - 1] = address_of(line->words[i]);
	return addresses;
}

static void read_service(struct scenario *scenario, const struct line *line)
{
	char *slash = strchr(word(line, 1), '/');
	ck_assert_ptr_nonnull(slash);
	*slash = '\0';
	scenario->service.name = (struct object_name){word(line, 1), slash + 1};
}

static void read_type(struct scenario *scenario, const struct line *line)
{
	static const char *const types[] = {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"};
	uint8_t type = 0;
	while (strcmp(types[type], word(line, 1)) != 0)
		ck_assert_uint_lt(++type, 4);
	scenario->service.type = type;
}

static void read_cluster_ip(struct scenario *scenario, const struct line *line)
{
	struct service *service = &scenario->service;
	service->cluster_ip_kind = CLUSTER_IP_NONE;
	if (strcmp(word(line, 1), "None") == 0)
		return;
	service->cluster_ip_kind = CLUSTER_IP_ADDRESS;
	service->cluster_ip = address_of(word(line, 1));
	service->cluster_ips = addresses_of(scenario, line);
	service->cluster_ip_count = service->ip_family_count = line->count - 1;
	uint8_t *families = arena_new_array(&scenario->arena, line->count, uint8_t);
	for (uint32_t i = 0; i + 1 < line->count; i++)
		families[i] = service->cluster_ips[i].family;
	service->ip_families = families;
}

static void read_families(struct scenario *scenario, const struct line *line)
{
	uint8_t *families = arena_new_array(&scenario->arena, line->count, uint8_t);
	for (uint32_t i = 1; i < line->count; i++)
		families[i - 1] = family_of(line->words[i]);
	scenario->service.ip_families = families;
	scenario->service.ip_family_count = line->count - 1;
}

static void read_port(struct scenario *scenario, const struct line *line)
{
	struct service *service = &scenario->service;
	struct service_port *ports =
	        arena_new_array(&scenario->arena, service->port_count + 1, struct service_port);
	if (service->port_count)
		memcpy(ports, service->ports, service->port_count * sizeof(*ports));
	ports[service->port_count++] = (struct service_port){
	        .name = name_of(word(line, 1)),
	        .protocol = protocol_of(word(line, 2)),
	        .port = number(line, 3),
	        .node_port = number(line, 4),
	};
	service->ports = ports;
}

static void read_external_ip(struct scenario *scenario, const struct line *line)
{
	scenario->service.external_ips = addresses_of(scenario, line);
	scenario->service.external_ip_count = line->count - 1;
}

static void add_ingress(struct scenario *scenario, const struct line *line, bool proxied)
{
	struct service *service = &scenario->service;
	struct load_balancer_ingress *ingress = arena_new_array(
	        &scenario->arena, service->ingress_count + line->count, struct load_balancer_ingress);
	if (service->ingress_count)
		memcpy(ingress, service->ingress, service->ingress_count * sizeof(*ingress));
	for (uint32_t i = 1; i < line->count; i++)
		ingress[service->ingress_count++] =
		        (struct load_balancer_ingress){address_of(line->words[i]), proxied};
	service->ingress = ingress;
}

static void read_ingress(struct scenario *scenario, const struct line *line)
{
	add_ingress(scenario, line, false);
}

static void read_ingress_proxy(struct scenario *scenario, const struct line *line)
{
	add_ingress(scenario, line, true);
}

static void read_range(struct scenario *scenario, const struct line *line)
{
	struct cidr *ranges = arena_new_array(&scenario->arena, line->count, struct cidr);
	for (uint32_t i = 1; i < line->count; i++)
		ranges[i - 1] = cidr_of(line->words[i]);
	scenario->service.source_ranges = ranges;
	scenario->service.source_range_count = line->count - 1;
}

static void read_internal_local(struct scenario *scenario, const struct line *line)
{
	(void)line;
	scenario->service.internal_policy_local = true;
}

static void read_external_local(struct scenario *scenario, const struct line *line)
{
	(void)line;
	scenario->service.external_policy_local = true;
}

static void read_selector(struct scenario *scenario, const struct line *line)
{
	(void)line;
	scenario->service.has_selector = true;
}

static void read_other_proxy(struct scenario *scenario, const struct line *line)
{
	(void)line;
	scenario->service.proxied_elsewhere = true;
}

static void read_affinity(struct scenario *scenario, const struct line *line)
{
	scenario->service.affinity_seconds = number(line, 1);
}

static void read_health_check(struct scenario *scenario, const struct line *line)
{
	scenario->service.health_check_node_port = number(line, 1);
}

static void read_scheduler(struct scenario *scenario, const struct line *line)
{
	scenario->service.scheduler = word(line, 1);
}

static void read_flags(struct scenario *scenario, const struct line *line)
{
	scenario->service.scheduler_flags = line->rest;
}

static struct slice *last_slice(struct scenario *scenario)
{
	ck_assert_uint_gt(scenario->slice_count, 0);
	return &scenario->slices[scenario->slice_count - 1];
}

static void read_slice(struct scenario *scenario, const struct line *line)
{
	ck_assert_uint_lt(scenario->slice_count, SCENARIO_SLICES);
	struct slice *slice = &scenario->slices[scenario->slice_count++];
	const struct object_name *owner = &scenario->service.name;
	slice->name.namespace = owner->namespace;
	slice->name.name = arena_format(&scenario->arena, "%s-%zu", owner->name, scenario->slice_count);
	slice->service = owner->name;
	slice->family = family_of(word(line, 1));
	slice->mirrored = strcmp(word(line, 2), "mirrored") == 0;
	slice->ports = arena_new_array(&scenario->arena, SCENARIO_PARTS, struct slice_port);
	slice->endpoints = arena_new_array(&scenario->arena, SCENARIO_PARTS, struct endpoint);
}

static void read_slice_port(struct scenario *scenario, const struct line *line)
{
	struct slice *slice = last_slice(scenario);
	ck_assert_uint_lt(slice->port_count, SCENARIO_PARTS);
	struct slice_port *port = (struct slice_port *)&slice->ports[slice->port_count++];
	const char *name = word(line, 1);
	*port = (struct slice_port){
	        .name = strcmp(name, "?") == 0 ? NULL : name_of(name),
	        .protocol = protocol_of(word(line, 2)),
	        .port = number(line, 3),
	};
}

static uint16_t read_names(struct scenario *scenario, char *list, const char *const **ret_names)
{
	const char **names = arena_new_array(&scenario->arena, SCENARIO_PARTS, const char *);
	uint16_t count = 0;
	char *state = NULL;
	for (char *name = strtok_r(list, ",", &state); name; name = strtok_r(NULL, ",", &state))
		names[count++] = name_of(name);
	*ret_names = names;
	return count;
}

static void read_endpoint_word(struct scenario *scenario, char *text, struct endpoint *endpoint)
{
	struct endpoint_hints *hints = (struct endpoint_hints *)endpoint->hints;
	if (strcmp(text, "local") == 0)
		endpoint->node_name = "test-node";
	else if (strncmp(text, "node=", 5) == 0)
		endpoint->node_name = text + 5;
	else if (strcmp(text, "unready") == 0)
		endpoint->ready = endpoint->serving = false;
	else if (strcmp(text, "serving") == 0)
		endpoint->ready = false;
	else if (strcmp(text, "serving-terminating") == 0)
		endpoint->ready = false, endpoint->terminating = true;
	else if (strcmp(text, "terminating") == 0)
		endpoint->ready = endpoint->serving = false, endpoint->terminating = true;
	else if (strncmp(text, "zones=", 6) == 0)
		hints->zone_count = read_names(scenario, text + 6, &hints->zones);
	else if (strncmp(text, "nodes=", 6) == 0)
		hints->node_count = read_names(scenario, text + 6, &hints->nodes);
	else
		ck_abort_msg("an endpoint cannot be \"%s\"", text);
}

static void read_endpoint(struct scenario *scenario, const struct line *line)
{
	struct slice *slice = last_slice(scenario);
	ck_assert_uint_lt(slice->endpoint_count, SCENARIO_PARTS);
	struct endpoint *endpoint = (struct endpoint *)&slice->endpoints[slice->endpoint_count++];
	*endpoint = (struct endpoint){
	        .address = address_of(word(line, 1)),
	        .ready = true,
	        .serving = true,
	        .node_name = "other-node",
	        .hints = arena_new(&scenario->arena, struct endpoint_hints),
	};
	for (uint32_t i = 2; i < line->count; i++)
		read_endpoint_word(scenario, line->words[i], endpoint);
}

static void read_node(struct scenario *scenario, const struct line *line)
{
	scenario->node_name = name_of(word(line, 1));
	scenario->zone = name_of(word(line, 2));
}

static void read_address(struct scenario *scenario, const struct line *line)
{
	for (uint32_t i = 2; i < line->count; i++) {
		ck_assert_uint_lt(scenario->interface_count, SCENARIO_PARTS);
		scenario->interfaces[scenario->interface_count++] =
		        (struct interface_address){address_of(line->words[i]), line->words[1]};
	}
}

static void read_node_ip(struct scenario *scenario, const struct line *line)
{
	for (uint32_t i = 1; i < line->count; i++)
		scenario->node_ips[scenario->node_ip_count++] = address_of(line->words[i]);
}

static void read_node_ports(struct scenario *scenario, const struct line *line)
{
	struct node_port_rule *rule = &scenario->node_ports;
	rule->primary = strcmp(word(line, 1), "primary") == 0;
	for (uint32_t i = 1; !rule->primary && i < line->count; i++)
		scenario->node_port_cidrs[rule->cidr_count++] = cidr_of(line->words[i]);
}

static void read_option_scheduler(struct scenario *scenario, const struct line *line)
{
	scenario->options.scheduler = word(line, 1);
}

static void read_option_without_ipv6(struct scenario *scenario, const struct line *line)
{
	(void)line;
	scenario->options.without_ipv6 = true;
}

static void read_option_without_external_ips(struct scenario *scenario, const struct line *line)
{
	(void)line;
	scenario->options.without_external_ips = true;
}

static const struct {
	const char *word;
	void (*read)(struct scenario *scenario, const struct line *line);
} readers[] = {
        {"service", read_service},
        {"type", read_type},
        {"cluster-ip", read_cluster_ip},
        {"families", read_families},
        {"port", read_port},
        {"external-ip", read_external_ip},
        {"ingress", read_ingress},
        {"ingress-proxy", read_ingress_proxy},
        {"range", read_range},
        {"internal-local", read_internal_local},
        {"external-local", read_external_local},
        {"selector", read_selector},
        {"other-proxy", read_other_proxy},
        {"affinity", read_affinity},
        {"health-check", read_health_check},
        {"scheduler", read_scheduler},
        {"flags", read_flags},
        {"slice", read_slice},
        {"slice-port", read_slice_port},
        {"endpoint", read_endpoint},
        {"node", read_node},
        {"address", read_address},
        {"node-ip", read_node_ip},
        {"node-ports", read_node_ports},
        {"option-scheduler", read_option_scheduler},
        {"option-without-ipv6", read_option_without_ipv6},
        {"option-without-external-ips", read_option_without_external_ips},
};

static void read_line(struct scenario *scenario, char *text)
{
	struct line line = {0};
	const char *first_blank = strchr(text, ' ');
	line.rest = first_blank ? arena_copy_text(&scenario->arena, first_blank + 1) : "";
	char *state = NULL;
	for (char *next = strtok_r(text, " ", &state); next; next = strtok_r(NULL, " ", &state)) {
		ck_assert_uint_lt(line.count, WORDS);
		line.words[line.count++] = next;
	}
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		if (strcmp(readers[i].word, word(&line, 0)) == 0) {
			readers[i].read(scenario, &line);
			return;
		}
	ck_abort_msg("a scenario has no line \"%s\"", word(&line, 0));
}

static void read_lines(struct scenario *scenario, const char *text)
{
	char *copy = arena_copy_text(&scenario->arena, text), *state = NULL;
	for (char *next = strtok_r(copy, "\n", &state); next; next = strtok_r(NULL, "\n", &state))
		read_line(scenario, next);
}

void scenario_plan(struct scenario *scenario, const char *const *texts)
{
	*scenario = (struct scenario){
	        .service.name = {"default", "web"},
	        .options = {.scheduler = "rr", .schedulers = known_schedulers},
	        .node_name = "test-node",
	};
	scenario->node_ports.cidrs = scenario->node_port_cidrs;
	for (; *texts; texts++)
		read_lines(scenario, *texts);
	for (size_t i = 0; i < scenario->slice_count; i++)
		scenario->slice_list[i] = &scenario->slices[i];
	node_view_build(scenario->node_name, scenario->zone, scenario->interfaces, scenario->interface_count,
	                "kube-ipvs0", scenario->node_ips, scenario->node_ip_count, &scenario->node_ports,
	                &scenario->arena, &scenario->node);
	plan_service(&scenario->service, scenario->slice_list, scenario->slice_count, &scenario->node,
	             &scenario->options, &scenario->arena, &scenario->fragment);
}

void scenario_done(struct scenario *scenario)
{
	arena_done(&scenario->arena);
}

void plan_must_be(const char *file, int line, const char *given, const char *more, unsigned parts,
                  const char *wanted)
{
	struct scenario scenario;
	auto_text got = {0};
	scenario_plan(&scenario, (const char *const[]){given, more, NULL});
	fragment_print(&scenario.fragment, parts, &got);
	texts_must_be_equal(file, line, more ? more : given, wanted, text_string(&got));
	scenario_done(&scenario);
}
