/*
 * Comparing and searching states.
 *
 * "Same" asks whether the kernel would behave the same, so that no edit is sent that changes nothing, and an
 * edit that was sent is never found different again. Hence what the kernel ignores is ignored here: the
 * netmask of a virtual server without persistence (ip_vs_sched_persist is its only reader) and the tunnel of
 * a real server that is not reached through one. The timeout always counts (R4.9).
 */
#include "plan/state.h"

#include <stdio.h>
#include <string.h>

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int virtual_server_key_compare(const struct virtual_server_key *a, const struct virtual_server_key *b)
{
	int order = address_compare(&a->address, &b->address);
	if (order == 0)
		order = compare_numbers(a->protocol, b->protocol);
	if (order == 0)
		order = compare_numbers(a->port, b->port);
	if (order == 0)
		order = compare_numbers(a->firewall_mark, b->firewall_mark);
	return order;
}

int real_server_compare(const struct real_server *a, const struct real_server *b)
{
	int order = address_compare(&a->address, &b->address);
	return order ? order : compare_numbers(a->port, b->port);
}

int flow_end_compare(const struct flow_end *a, const struct flow_end *b)
{
	int order = address_compare(&a->address, &b->address);
	return order ? order : compare_numbers(a->port, b->port);
}

static int range_compare(const struct cidr *a, const struct cidr *b)
{
	int order = address_compare(&a->base, &b->base);
	return order ? order : compare_numbers(a->prefix_bits, b->prefix_bits);
}

int filter_element_compare(const struct filter_element *a, const struct filter_element *b)
{
	int order = compare_numbers(a->kind, b->kind);
	if (order == 0)
		order = address_compare(&a->address, &b->address);
	if (order == 0)
		order = compare_numbers(a->protocol, b->protocol);
	if (order == 0)
		order = compare_numbers(a->port, b->port);
	if (order == 0)
		order = range_compare(&a->range, &b->range);
	return order;
}

static uint32_t meaningful_flags(const struct virtual_server *server)
{
	return server->flags & ~(uint32_t)VIRTUAL_SERVER_HASHED;
}

bool virtual_server_same(const struct virtual_server *a, const struct virtual_server *b)
{
	if (meaningful_flags(a) != meaningful_flags(b) || a->timeout_seconds != b->timeout_seconds)
		return false;
	if ((a->flags & VIRTUAL_SERVER_PERSISTENT) && a->netmask_bits != b->netmask_bits)
		return false;
	return strncmp(a->scheduler, b->scheduler, sizeof(a->scheduler)) == 0 &&
	       strncmp(a->engine, b->engine, sizeof(a->engine)) == 0;
}

static bool tunnel_same(const struct real_server *a, const struct real_server *b)
{
	return a->tunnel_type == b->tunnel_type && a->tunnel_port == b->tunnel_port &&
	       a->tunnel_flags == b->tunnel_flags;
}

bool real_server_same(const struct real_server *a, const struct real_server *b)
{
	return a->weight == b->weight && a->forwarding == b->forwarding &&
	       a->upper_threshold == b->upper_threshold && a->lower_threshold == b->lower_threshold &&
	       (a->forwarding != FORWARD_TUNNEL || tunnel_same(a, b));
}

bool filter_element_same(const struct filter_element *a, const struct filter_element *b)
{
	return a->verdict == b->verdict && a->restricted == b->restricted &&
	       a->target_port == b->target_port && address_equal(&a->target, &b->target);
}

size_t virtual_server_key_place(const struct virtual_server_key *keys, size_t count,
                                const struct virtual_server_key *key, bool *ret_found)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (virtual_server_key_compare(&keys[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = low < count && virtual_server_key_compare(&keys[low], key) == 0;
	return low;
}

const struct virtual_server *state_find_virtual_server(const struct state *state,
                                                       const struct virtual_server_key *key)
{
	size_t low = 0, high = state->virtual_server_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = virtual_server_key_compare(&state->virtual_servers[middle].key, key);
		if (order == 0)
			return &state->virtual_servers[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool state_holds(const struct state *state, const struct address *address)
{
	return addresses_contain(state->held, state->held_count, address);
}

const char *virtual_server_key_format(const struct virtual_server_key *key,
                                      char text[static VIRTUAL_SERVER_TEXT_SIZE])
{
	if (key->firewall_mark) {
		snprintf(text, VIRTUAL_SERVER_TEXT_SIZE, "firewall mark %u", key->firewall_mark);
		return text;
	}
	char endpoint[ENDPOINT_TEXT_SIZE];
	endpoint_format(&key->address, key->port, endpoint);
	snprintf(text, VIRTUAL_SERVER_TEXT_SIZE, "%s %s", protocol_name(key->protocol), endpoint);
	return text;
}
