#include "plan_model.h"

#include "plan/render.h"
#include "plan_states.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t dice_roll(struct dice *dice, uint32_t sides)
{
	dice->state += 0x9e3779b97f4a7c15;
	uint64_t bits = (dice->state ^ (dice->state >> 30)) * 0xbf58476d1ce4e5b9;
	bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)((bits >> 32) % sides);
}

bool dice_chance(struct dice *dice, uint32_t percent)
{
	return dice_roll(dice, 100) < percent;
}

/* The last of each family is the node's own. */
static const char *const addresses[] = {"10.96.0.1", "10.96.0.9", "10.96.0.10", "10.97.1.1",
                                        "fd00::1",   "fd00::2",   "192.0.2.10", "2001:db8::10"};
static const char *const real_addresses[] = {"10.244.0.1", "10.244.0.2", "10.244.0.10", "10.244.1.1",
                                             "fd00::a:1",  "fd00::a:2",  "fd00::a:10",  "fd00::a:11"};
enum { ADDRESSES = 8, HELD_ADDRESSES = 6, REAL_ADDRESSES_OF_FAMILY = 4 };

static const struct {
	uint8_t protocol;
	uint16_t port;
} ports[] = {{PROTOCOL_TCP, 80}, {PROTOCOL_TCP, 443}, {PROTOCOL_UDP, 443}, {PROTOCOL_SCTP, 9}};
enum { PORTS = 4 };

static struct real_server *random_real_servers(struct dice *dice, enum family family, struct arena *arena,
                                               size_t *ret_count)
{
	struct real_server *servers =
	        arena_new_array(arena, (size_t)2 * REAL_ADDRESSES_OF_FAMILY, struct real_server);
	size_t count = 0, first = family == FAMILY_IPV6 ? REAL_ADDRESSES_OF_FAMILY : 0;
	for (size_t i = 0; i < REAL_ADDRESSES_OF_FAMILY; i++)
		for (uint16_t port = 8080; port < 8082; port++) {
			if (!dice_chance(dice, 40))
				continue;
			struct real_server *server = &servers[count++];
			server->address = address_of(real_addresses[first + i]);
			server->port = port;
			server->weight = dice_chance(dice, 80);
			if (dice_chance(dice, 10))
				server->forwarding = (uint8_t)dice_roll(dice, 4);
			if (dice_chance(dice, 10))
				server->tunnel_type = (uint8_t)dice_roll(dice, 3);
			if (dice_chance(dice, 10))
				server->upper_threshold = dice_roll(dice, 3);
			server->active_connections = dice_roll(dice, 5);
		}
	*ret_count = count;
	return servers;
}

static struct virtual_server random_virtual_server(struct dice *dice, size_t address, size_t port,
                                                   struct arena *arena)
{
	static const char *const schedulers[] = {"rr", "wlc", "sh", "mh"};
	struct virtual_server server = {.key = {.address = address_of(addresses[address]),
	                                        .protocol = ports[port].protocol,
	                                        .port = ports[port].port}};
	strcpy(server.scheduler, schedulers[dice_roll(dice, 4)]);
	server.netmask_bits = family_bits(server.key.address.family);
	server.rank = (uint8_t)dice_roll(dice, 3);
	if (dice_chance(dice, 30)) {
		server.flags |= VIRTUAL_SERVER_PERSISTENT;
		server.timeout_seconds = 100 * (1 + dice_roll(dice, 2));
	}
	if (dice_chance(dice, 20))
		server.flags |= VIRTUAL_SERVER_SCHED_2;
	if (dice_chance(dice, 50))
		server.flags |= VIRTUAL_SERVER_HASHED;
	if (dice_chance(dice, 10))
		server.netmask_bits = 24;
	server.real_servers =
	        random_real_servers(dice, server.key.address.family, arena, &server.real_server_count);
	return server;
}

struct drawing {
	struct virtual_server *servers;
	struct address *held;
	struct filter_element *filter;
	size_t server_count, held_count, filter_count;
};

/* Of one port, no range is within another, as plan has it. */
static void draw_ranges(struct drawing *drawing, struct dice *dice, struct filter_element element)
{
	static const char *const ranges[2][3] = {{"10.0.0.0/8", "10.0.0.0/9", "172.16.0.0/12"},
	                                         {"fd00::/16", "fd00::/17", "2001:db8::/32"}};
	const char *const *mine = ranges[element.address.family == FAMILY_IPV6];
	element.kind = FILTER_SOURCE_RANGE;
	for (int i = 0; i < 2; i++) {
		element.range = cidr_of(i ? mine[2] : mine[dice_roll(dice, 2)]);
		if (dice_chance(dice, 20))
			drawing->filter[drawing->filter_count++] = element;
	}
}

static void draw_port_elements(struct drawing *drawing, struct dice *dice, size_t address, size_t port,
                               bool whole, bool served)
{
	const struct filter_element nothing = {.protocol = ports[port].protocol,
	                                       .port = ports[port].port,
	                                       .address = address_of(addresses[address])};
	struct filter_element element = nothing;
	bool drawn = (whole && served) || dice_chance(dice, 10);
	if (drawn) {
		element.kind = FILTER_SERVICE_PORT;
		element.verdict = (uint8_t)(1 + dice_roll(dice, 5));
		element.restricted = element.verdict != FILTER_MASQUERADE_OUTSIDERS && dice_chance(dice, 40);
		drawing->filter[drawing->filter_count++] = element;
	}
	if (drawn || !whole)
		draw_ranges(drawing, dice, nothing);
	if (!dice_chance(dice, 10))
		return;
	element = nothing;
	element.kind = FILTER_REDIRECT;
	element.target =
	        address_of(addresses[(element.address.family == FAMILY_IPV6 ? 4 : 0) + dice_roll(dice, 2)]);
	element.target_port = 80;
	drawing->filter[drawing->filter_count++] = element;
}

static void draw_others(struct drawing *drawing, struct dice *dice, uint32_t percent)
{
	for (size_t i = 0; i < (size_t)2 * REAL_ADDRESSES_OF_FAMILY; i++)
		if (dice_chance(dice, percent))
			drawing->filter[drawing->filter_count++] = (struct filter_element){
			        .kind = FILTER_HAIRPIN, .address = address_of(real_addresses[i])};
	for (uint16_t port = 30000; port < 30003; port++)
		if (dice_chance(dice, percent))
			drawing->filter[drawing->filter_count++] = (struct filter_element){
			        .kind = FILTER_HEALTH_CHECK_PORT, .protocol = PROTOCOL_TCP, .port = port};
}

struct state random_state(struct dice *dice, uint32_t percent, bool whole, struct arena *arena)
{
	struct drawing drawing = {
	        .servers = arena_new_array(arena, MODEL_SERVERS, struct virtual_server),
	        .held = arena_new_array(arena, MODEL_ADDRESSES, struct address),
	        .filter = arena_new_array(arena, MODEL_ELEMENTS, struct filter_element),
	};
	for (size_t address = 0; address < ADDRESSES; address++) {
		bool used = false;
		for (size_t port = 0; port < PORTS; port++) {
			bool drawn = dice_chance(dice, percent);
			if (drawn)
				drawing.servers[drawing.server_count++] =
				        random_virtual_server(dice, address, port, arena);
			used |= drawn;
			draw_port_elements(&drawing, dice, address, port, whole, drawn);
		}
		bool held = address < HELD_ADDRESSES && (whole ? used : dice_chance(dice, percent));
		if (held)
			drawing.held[drawing.held_count++] = address_of(addresses[address]);
		if (whole ? held : dice_chance(dice, percent))
			drawing.filter[drawing.filter_count++] = (struct filter_element){
			        .kind = FILTER_HELD_ADDRESS, .address = address_of(addresses[address])};
	}
	draw_others(&drawing, dice, percent);
	state_sort(drawing.servers, drawing.server_count, drawing.held, drawing.held_count, drawing.filter,
	           drawing.filter_count);
	return (struct state){.virtual_servers = drawing.servers,
	                      .virtual_server_count = drawing.server_count,
	                      .held = drawing.held,
	                      .held_count = drawing.held_count,
	                      .filter = drawing.filter,
	                      .filter_count = drawing.filter_count};
}

void model_load(struct model *model, const struct state *state)
{
	*model = (struct model){.server_count = state->virtual_server_count,
	                        .held_count = state->held_count,
	                        .filter_count = state->filter_count};
	for (size_t i = 0; i < state->virtual_server_count; i++) {
		const struct virtual_server *server = &state->virtual_servers[i];
		model->servers[i].server = *server;
		model->servers[i].real_server_count = server->real_server_count;
		for (size_t j = 0; j < server->real_server_count; j++)
			model->servers[i].real_servers[j] = server->real_servers[j];
	}
	for (size_t i = 0; i < state->held_count; i++)
		model->held[i] = state->held[i];
	for (size_t i = 0; i < state->filter_count; i++)
		model->filter[i] = state->filter[i];
}

struct model_server *model_find_server(struct model *model, const struct virtual_server_key *key)
{
	for (size_t i = 0; i < model->server_count; i++)
		if (virtual_server_key_compare(&model->servers[i].server.key, key) == 0)
			return &model->servers[i];
	return NULL;
}

bool model_holds(const struct model *model, const struct address *address)
{
	for (size_t i = 0; i < model->held_count; i++)
		if (address_equal(&model->held[i], address))
			return true;
	return false;
}

const struct filter_element *model_find_element(const struct model *model,
                                                const struct filter_element *element)
{
	for (size_t i = 0; i < model->filter_count; i++)
		if (filter_element_compare(&model->filter[i], element) == 0)
			return &model->filter[i];
	return NULL;
}

/* N8 */
static bool overlaps_another_range(const struct model *model, const struct filter_element *element)
{
	for (size_t i = 0; i < model->filter_count; i++) {
		const struct filter_element *other = &model->filter[i];
		if (other->kind == FILTER_SOURCE_RANGE && other->port == element->port &&
		    other->protocol == element->protocol &&
		    address_equal(&other->address, &element->address) &&
		    (cidr_contains(&other->range, &element->range.base) ||
		     cidr_contains(&element->range, &other->range.base)))
			return true;
	}
	return false;
}

static const char *perform_filter(struct model *model, const struct change *change)
{
	struct filter_element *element = (struct filter_element *)model_find_element(model, change->filter);
	if (change->kind == CHANGE_FILTER_REMOVE || change->kind == CHANGE_FILTER_RESTRICT) {
		if (!element)
			return "the filter element is not there";
		*element = model->filter[--model->filter_count];
		return NULL;
	}
	if (element && filter_element_same(element, change->filter))
		return "the filter element is there";
	if (!element != !change->before)
		return "the filter element is there and should not, or the reverse";
	if (element && !filter_element_same(element, change->before))
		return "the filter element was another";
	if (change->filter->kind == FILTER_SOURCE_RANGE && overlaps_another_range(model, change->filter))
		return "the range overlaps another one";
	if (!element)
		element = &model->filter[model->filter_count++];
	*element = *change->filter;
	return NULL;
}

static const char *perform_address(struct model *model, const struct change *change)
{
	if ((change->kind == CHANGE_ADDRESS_REMOVE) != model_holds(model, &change->address))
		return "the address is held, or is not";
	if (change->kind == CHANGE_ADDRESS_ADD) {
		model->held[model->held_count++] = change->address;
		return NULL;
	}
	for (size_t i = 0; i < model->held_count; i++)
		if (address_equal(&model->held[i], &change->address))
			model->held[i] = model->held[--model->held_count];
	return NULL;
}

static const char *perform_virtual_server(struct model *model, const struct change *change)
{
	struct model_server *server = model_find_server(model, &change->virtual_server->key);
	if ((change->kind == CHANGE_VIRTUAL_SERVER_ADD) != !server)
		return "the virtual server is there, or is not";
	if (change->kind == CHANGE_VIRTUAL_SERVER_REMOVE) {
		*server = model->servers[--model->server_count];
		return NULL;
	}
	if (!server) {
		server = &model->servers[model->server_count++];
		server->real_server_count = 0;
	}
	server->server = *change->virtual_server;
	return NULL;
}

static const char *perform_real_server(struct model *model, const struct change *change)
{
	struct model_server *server = model_find_server(model, &change->virtual_server->key);
	struct real_server *found = NULL;
	if (!server)
		return "the virtual server of the real server is not there";
	for (size_t i = 0; i < server->real_server_count; i++)
		if (real_server_compare(&server->real_servers[i], change->real_server) == 0)
			found = &server->real_servers[i];
	if ((change->kind == CHANGE_REAL_SERVER_ADD) != !found)
		return "the real server is there, or is not";
	if (change->kind == CHANGE_REAL_SERVER_REMOVE) {
		*found = server->real_servers[--server->real_server_count];
		return NULL;
	}
	if (!found)
		found = &server->real_servers[server->real_server_count++];
	*found = *change->real_server;
	return NULL;
}

const char *model_perform(struct model *model, const struct change *change)
{
	static const char *(*const performers[CHANGE_KINDS])(struct model *, const struct change *) = {
	        [CHANGE_FILTER_RESTRICT] = perform_filter,
	        [CHANGE_FILTER_ADD] = perform_filter,
	        [CHANGE_ADDRESS_ADD] = perform_address,
	        [CHANGE_VIRTUAL_SERVER_ADD] = perform_virtual_server,
	        [CHANGE_VIRTUAL_SERVER_EDIT] = perform_virtual_server,
	        [CHANGE_REAL_SERVER_ADD] = perform_real_server,
	        [CHANGE_REAL_SERVER_EDIT] = perform_real_server,
	        [CHANGE_REAL_SERVER_REMOVE] = perform_real_server,
	        [CHANGE_VIRTUAL_SERVER_REMOVE] = perform_virtual_server,
	        [CHANGE_ADDRESS_REMOVE] = perform_address,
	        [CHANGE_FILTER_REMOVE] = perform_filter,
	};
	return performers[change->kind](model, change);
}

static int by_endpoint(const void *a, const void *b)
{
	return real_server_compare(a, b);
}

struct state model_state(const struct model *model, struct arena *arena)
{
	struct model *copy = arena_new(arena, struct model);
	struct virtual_server *servers = arena_new_array(arena, MODEL_SERVERS, struct virtual_server);
	*copy = *model;
	for (size_t i = 0; i < copy->server_count; i++) {
		struct model_server *server = &copy->servers[i];
		qsort(server->real_servers, server->real_server_count, sizeof(struct real_server),
		      by_endpoint);
		servers[i] = server->server;
		servers[i].real_servers = server->real_servers;
		servers[i].real_server_count = server->real_server_count;
	}
	state_sort(servers, copy->server_count, copy->held, copy->held_count, copy->filter,
	           copy->filter_count);
	return (struct state){.virtual_servers = servers,
	                      .virtual_server_count = copy->server_count,
	                      .held = copy->held,
	                      .held_count = copy->held_count,
	                      .filter = copy->filter,
	                      .filter_count = copy->filter_count};
}

char *state_text(const struct state *state, struct arena *arena)
{
	auto_text text = {0};
	render_save(state, &text);
	render_text(state, &text);
	return arena_copy_text(arena, text_string(&text));
}

static int by_line(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	return strcmp(*left, *right);
}

char *sorted_lines(const char *text, struct arena *arena)
{
	char *copy = arena_copy_text(arena, text), *rest = NULL;
	const char **lines = arena_new_array(arena, strlen(text) + 1, const char *);
	size_t count = 0;
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), by_line);
	auto_text sorted = {0};
	for (size_t i = 0; i < count; i++) {
		text_add(&sorted, lines[i]);
		text_add_char(&sorted, '\n');
	}
	return arena_copy_text(arena, text_string(&sorted));
}

char *changes_text(const struct changes *changes, struct arena *arena)
{
	auto_text text = {0};
	render_changes(changes, &text);
	return sorted_lines(text_string(&text), arena);
}
