/* Fragments as lines, for plan_scenario.h. */
#include "plan_scenario.h"

static void endpoint_print(const struct address *address, uint16_t port, struct text *text)
{
	char buffer[ENDPOINT_TEXT_SIZE];
	endpoint_format(address, port, buffer);
	text_add(text, buffer);
}

void real_servers_print(const struct real_server *servers, size_t count, struct text *text)
{
	for (size_t i = 0; i < count; i++) {
		text_add_char(text, ' ');
		endpoint_print(&servers[i].address, servers[i].port, text);
		if (servers[i].weight != 1 || servers[i].forwarding != FORWARD_MASQUERADE)
			text_addf(text, " (weight %u, forwarding %u)", servers[i].weight,
			          servers[i].forwarding);
	}
}

static void server_print(const struct virtual_server *server, struct text *text)
{
	char key[VIRTUAL_SERVER_TEXT_SIZE];
	text_addf(text, "%s %s", virtual_server_key_format(&server->key, key), server->scheduler);
	if (server->flags)
		text_addf(text, " flags %#x", server->flags);
	if (server->timeout_seconds)
		text_addf(text, " timeout %u netmask %u", server->timeout_seconds, server->netmask_bits);
	text_add(text, " ->");
	real_servers_print(server->real_servers, server->real_server_count, text);
	text_add_char(text, '\n');
}

static void leaving_print(const struct virtual_server *server, struct text *text)
{
	char key[VIRTUAL_SERVER_TEXT_SIZE];
	if (server->leaving_count == 0)
		return;
	text_addf(text, "leaving %s ->", virtual_server_key_format(&server->key, key));
	for (size_t i = 0; i < server->leaving_count; i++) {
		text_add_char(text, ' ');
		endpoint_print(&server->leaving[i].address, server->leaving[i].port, text);
	}
	text_add_char(text, '\n');
}

static void service_port_print(const struct filter_element *element, struct text *text)
{
	static const char *const verdicts[] = {
	        [FILTER_NO_VERDICT] = "no verdict",
	        [FILTER_MASQUERADE_OUTSIDERS] = "masquerade-outsiders",
	        [FILTER_MASQUERADE] = "masquerade",
	        [FILTER_KEEP_SOURCE] = "keep-source",
	        [FILTER_DROP] = "drop",
	        [FILTER_REJECT] = "reject",
	};
	text_addf(text, " %s%s", verdicts[element->verdict], element->restricted ? " restricted" : "");
}

static void filter_print(const struct filter_element *element, struct text *text)
{
	static const char *const kinds[] = {
	        [FILTER_HELD_ADDRESS] = "guard", [FILTER_SERVICE_PORT] = "port",
	        [FILTER_SOURCE_RANGE] = "range", [FILTER_REDIRECT] = "redirect",
	        [FILTER_HAIRPIN] = "hairpin",    [FILTER_HEALTH_CHECK_PORT] = "health-check",
	};
	char buffer[CIDR_TEXT_SIZE];
	text_addf(text, "%s ", kinds[element->kind]);
	if (element->kind == FILTER_HAIRPIN || element->kind == FILTER_HELD_ADDRESS) {
		address_format(&element->address, buffer);
		text_addf(text, "%s\n", buffer);
		return;
	}
	text_addf(text, "%s ", protocol_name(element->protocol));
	endpoint_print(&element->address, element->port, text);
	if (element->kind == FILTER_SERVICE_PORT)
		service_port_print(element, text);
	cidr_format(&element->range, buffer);
	if (element->kind == FILTER_SOURCE_RANGE)
		text_addf(text, " %s", buffer);
	if (element->kind == FILTER_REDIRECT) {
		text_add(text, " to ");
		endpoint_print(&element->target, element->target_port, text);
	}
	text_add_char(text, '\n');
}

static void held_print(const struct address *address, struct text *text)
{
	char buffer[ADDRESS_TEXT_SIZE];
	address_format(address, buffer);
	text_addf(text, "held %s\n", buffer);
}

static void no_local_print(const struct fragment *fragment, struct text *text)
{
	for (int f = 0; f < 2; f++) {
		if (fragment->no_local_internal[f])
			text_addf(text, "no local endpoint inside %s\n", f ? "IPv6" : "IPv4");
		if (fragment->no_local_external[f])
			text_addf(text, "no local endpoint outside %s\n", f ? "IPv6" : "IPv4");
	}
}

/* Each held address has its guard, and no other has one: only what is otherwise is printed. */
static void unguarded_print(const struct state *state, struct text *text)
{
	char buffer[ADDRESS_TEXT_SIZE];
	size_t guards = 0;
	while (guards < state->filter_count && state->filter[guards].kind == FILTER_HELD_ADDRESS)
		guards++;
	for (size_t i = 0, j = 0; i < state->held_count || j < guards;) {
		int order = i == state->held_count ? 1
		            : j == guards          ? -1
		                          : address_compare(&state->held[i], &state->filter[j].address);
		address_format(order <= 0 ? &state->held[i] : &state->filter[j].address, buffer);
		if (order != 0)
			text_addf(text, "%s %s\n", order < 0 ? "unguarded" : "guarded, not held,", buffer);
		i += order <= 0;
		j += order >= 0;
	}
}

static bool shows(unsigned parts, const struct filter_element *element)
{
	if (element->kind == FILTER_HELD_ADDRESS)
		return false;
	return (parts & SHOW_FILTER) || ((parts & SHOW_HAIRPINS) && element->kind == FILTER_HAIRPIN);
}

void fragment_print(const struct fragment *fragment, unsigned parts, struct text *text)
{
	const struct state *state = &fragment->state;
	for (size_t i = 0; (parts & SHOW_SERVERS) && i < state->virtual_server_count; i++)
		server_print(&state->virtual_servers[i], text);
	for (size_t i = 0; (parts & SHOW_LEAVING) && i < state->virtual_server_count; i++)
		leaving_print(&state->virtual_servers[i], text);
	for (size_t i = 0; (parts & SHOW_HELD) && i < state->held_count; i++)
		held_print(&state->held[i], text);
	unguarded_print(state, text);
	for (size_t i = 0; i < state->filter_count; i++)
		if (shows(parts, &state->filter[i]))
			filter_print(&state->filter[i], text);
	if (parts & SHOW_NO_LOCAL)
		no_local_print(fragment, text);
	if (parts & SHOW_LOCAL_READY)
		text_addf(text, "local-ready %u %u\n", fragment->local_ready_endpoints[0],
		          fragment->local_ready_endpoints[1]);
	for (size_t i = 0; (parts & SHOW_WARNINGS) && i < fragment->warning_count; i++)
		text_addf(text, "%s\n", fragment->warnings[i]);
}
