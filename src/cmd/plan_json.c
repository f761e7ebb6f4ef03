#include "plan_json.h"

#include "plan/render.h"

#include <jansson.h>

static json_t *address_json(const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];
	address_format(address, text);
	return json_string(text);
}

static json_t *cidr_json(const struct cidr *cidr)
{
	char text[CIDR_TEXT_SIZE];
	cidr_format(cidr, text);
	return json_string(text);
}

static json_t *held_json(const struct address *address)
{
	struct cidr host = {.base = *address, .prefix_bits = family_bits((enum family)address->family)};
	return cidr_json(&host);
}

static json_t *real_server_json(const struct real_server *real_server)
{
	static const char *const forwarding[] = {
	        [FORWARD_MASQUERADE] = "masquerade", [FORWARD_LOCAL] = "local",   [FORWARD_TUNNEL] = "tunnel",
	        [FORWARD_DIRECT_ROUTE] = "route",    [FORWARD_BYPASS] = "bypass",
	};
	json_t *object = json_object();
	json_object_set_new(object, "address", address_json(&real_server->address));
	json_object_set_new(object, "port", json_integer(real_server->port));
	json_object_set_new(object, "weight", json_integer(real_server->weight));
	json_object_set_new(object, "forwarding", json_string(forwarding[real_server->forwarding]));
	return object;
}

static void add_key(json_t *object, const struct virtual_server_key *key)
{
	if (key->firewall_mark != 0) {
		json_object_set_new(object, "firewallMark", json_integer(key->firewall_mark));
		return;
	}
	json_object_set_new(object, "address", address_json(&key->address));
	json_object_set_new(object, "port", json_integer(key->port));
	json_object_set_new(object, "protocol", json_string(protocol_name(key->protocol)));
}

static json_t *flags_json(uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
	        {VIRTUAL_SERVER_PERSISTENT, "persistent"}, {VIRTUAL_SERVER_ONE_PACKET, "ops"},
	        {VIRTUAL_SERVER_SCHED_1, "flag-1"},        {VIRTUAL_SERVER_SCHED_2, "flag-2"},
	        {VIRTUAL_SERVER_SCHED_3, "flag-3"},
	};
	json_t *array = json_array();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			json_array_append_new(array, json_string(names[i].name));
	return array;
}

static json_t *virtual_server_json(const struct virtual_server *virtual_server)
{
	json_t *object = json_object();
	add_key(object, &virtual_server->key);
	if (virtual_server->label != NULL)
		json_object_set_new(object, "service", json_string(virtual_server->label));
	json_object_set_new(object, "scheduler", json_string(virtual_server->scheduler));
	json_object_set_new(object, "flags", flags_json(virtual_server->flags));
	json_object_set_new(object, "persistenceSeconds", json_integer(virtual_server->timeout_seconds));
	return object;
}

static json_t *filter_json(const struct filter_element *element)
{
	json_t *object = json_object();
	json_object_set_new(object, "kind", json_string(filter_kind_name((enum filter_kind)element->kind)));
	if (element->address.family != FAMILY_NONE)
		json_object_set_new(object, "address", address_json(&element->address));
	if (element->port != 0) {
		json_object_set_new(object, "port", json_integer(element->port));
		json_object_set_new(object, "protocol", json_string(protocol_name(element->protocol)));
	}
	switch ((enum filter_kind)element->kind) {
	case FILTER_SERVICE_PORT:
		json_object_set_new(object, "verdict",
		                    json_string(filter_verdict_name((enum filter_verdict)element->verdict)));
		json_object_set_new(object, "restricted", json_boolean(element->restricted));
		break;
	case FILTER_SOURCE_RANGE:
		json_object_set_new(object, "range", cidr_json(&element->range));
		break;
	case FILTER_REDIRECT:
		json_object_set_new(object, "targetAddress", address_json(&element->target));
		json_object_set_new(object, "targetPort", json_integer(element->target_port));
		break;
	case FILTER_HELD_ADDRESS:
	case FILTER_HAIRPIN:
	case FILTER_HEALTH_CHECK_PORT:
		break;
	}
	return object;
}

static void print(json_t *object, FILE *file)
{
	json_dumpf(object, file, JSON_INDENT(1));
	putc('\n', file);
	json_decref(object);
}

void plan_print_json(const char *node_name, const struct state *state, FILE *file)
{
	json_t *virtual_servers = json_array(), *addresses = json_array(), *filter = json_array();
	for (size_t i = 0; i < state->virtual_server_count; i++) {
		const struct virtual_server *virtual_server = &state->virtual_servers[i];
		json_t *object = virtual_server_json(virtual_server), *real_servers = json_array();
		for (size_t j = 0; j < virtual_server->real_server_count; j++)
			json_array_append_new(real_servers,
			                      real_server_json(&virtual_server->real_servers[j]));
		json_object_set_new(object, "realServers", real_servers);
		json_array_append_new(virtual_servers, object);
	}
	for (size_t i = 0; i < state->held_count; i++)
		json_array_append_new(addresses, held_json(&state->held[i]));
	for (size_t i = 0; i < state->filter_count; i++)
		json_array_append_new(filter, filter_json(&state->filter[i]));
	json_t *plan = json_object();
	json_object_set_new(plan, "node", json_string(node_name));
	json_object_set_new(plan, "virtualServers", virtual_servers);
	json_object_set_new(plan, "addresses", addresses);
	json_object_set_new(plan, "filter", filter);
	print(plan, file);
}

static json_t *change_json(const struct change *change)
{
	json_t *object = json_object();
	bool filter_edit = change->filter != NULL && change->before != NULL;
	const char *kind = change_kind_name((enum change_kind)change->kind);
	json_object_set_new(object, "change", json_string(filter_edit ? "change filter element" : kind));
	if (change->virtual_server != NULL)
		json_object_set_new(object, "virtualServer", virtual_server_json(change->virtual_server));
	if (change->real_server != NULL)
		json_object_set_new(object, "realServer", real_server_json(change->real_server));
	if (change->kind == CHANGE_ADDRESS_ADD || change->kind == CHANGE_ADDRESS_REMOVE)
		json_object_set_new(object, "address", held_json(&change->address));
	if (change->kind == CHANGE_VIRTUAL_SERVER_EDIT)
		json_object_set_new(object, "before", virtual_server_json(change->before));
	if (change->kind == CHANGE_REAL_SERVER_EDIT)
		json_object_set_new(object, "before", real_server_json(change->before));
	if (change->filter != NULL)
		json_object_set_new(object, "filter", filter_json(change->filter));
	if (filter_edit)
		json_object_set_new(object, "before", filter_json(change->before));
	return object;
}

void changes_print_json(const char *node_name, const struct changes *changes, FILE *file)
{
	json_t *array = json_array(), *object = json_object();
	for (size_t i = 0; i < changes->count; i++)
		json_array_append_new(array, change_json(&changes->items[i]));
	json_object_set_new(object, "node", json_string(node_name));
	json_object_set_new(object, "changes", array);
	print(object, file);
}
