/*
 * Sums over entries: each is a number that depends on all bits of what counts of it, and adding is all.
 */
#include "survey_sums.h"

#include <string.h>

/* ---- numbers: multiply and fold, a word at a time */

struct number {
	uint64_t value;
};

static void add_word(struct number *number, uint64_t word)
{
	uint64_t mixed = (number->value ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	mixed ^= mixed >> 32;
	mixed *= UINT64_C(0xd6e8feb86659fd93);
	number->value = mixed ^ mixed >> 29;
}

static struct number start(uint64_t kind)
{
	struct number number = {.value = kind};
	add_word(&number, 0);
	return number;
}

static void add_address(struct number *number, const struct address *address)
{
	uint64_t words[2] = {0, 0};
	size_t bytes = address->family == FAMILY_IPV6 ? 16 : address->family == FAMILY_IPV4 ? 4 : 0;
	memcpy(words, address->bytes, bytes);
	add_word(number, words[0]);
	add_word(number, words[1] ^ address->family);
}

static void add_key(struct number *number, const struct virtual_server_key *key)
{
	add_address(number, &key->address);
	add_word(number, (uint64_t)key->firewall_mark << 32 | (uint64_t)key->protocol << 16 | key->port);
}

static void add_scheduler(struct number *number, const char scheduler[SCHEDULER_NAME_SIZE])
{
	uint64_t words[2] = {0, 0};
	memcpy(words, scheduler, strnlen(scheduler, SCHEDULER_NAME_SIZE));
	add_word(number, words[0]);
	add_word(number, words[1]);
}

/* ---- entries; 0: it does not count */

enum { VIRTUAL_SERVER = 1, REAL_SERVER, HELD, ELEMENT };

static bool is_ipv6(const struct virtual_server_key *key)
{
	return key->address.family == FAMILY_IPV6;
}

uint64_t survey_sum_of_virtual_server(const struct virtual_server *server)
{
	struct number number = start(VIRTUAL_SERVER);
	add_key(&number, &server->key);
	add_scheduler(&number, server->scheduler);
	add_word(&number, (uint64_t)server->timeout_seconds << 32 |
	                          (server->flags & ~(uint32_t)VIRTUAL_SERVER_HASHED));
	add_word(&number, server->netmask_bits);
	return number.value;
}

static uint64_t of_real_server(const struct virtual_server_key *key, const struct real_server *server)
{
	struct number number = start(REAL_SERVER);
	/* The old calls leave those of the other family out, and /proc does not tell the family of a mark. */
	if (server->address.family != key->address.family || (is_ipv6(key) && key->firewall_mark))
		return 0;
	add_key(&number, key);
	add_address(&number, &server->address);
	add_word(&number, (uint64_t)server->weight << 32 | (uint64_t)server->forwarding << 16 | server->port);
	if (!is_ipv6(key))
		add_word(&number, (uint64_t)server->upper_threshold << 32 | server->lower_threshold);
	return number.value;
}

static uint64_t of_address(const struct address *address)
{
	struct number number = start(HELD);
	add_address(&number, address);
	return number.value;
}

static uint64_t of_element(const struct filter_element *element)
{
	struct number number = start(ELEMENT);
	add_word(&number, (uint64_t)element->kind << 56 | (uint64_t)element->protocol << 48 |
	                          (uint64_t)element->verdict << 40 | (uint64_t)element->restricted << 32 |
	                          (uint64_t)element->port << 16 | element->target_port);
	add_address(&number, &element->address);
	add_address(&number, &element->range.base);
	add_word(&number, element->range.prefix_bits);
	add_address(&number, &element->target);
	return number.value;
}

/* ---- states and changes */

uint64_t survey_sum_of_real_servers(const struct virtual_server *server)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < server->real_server_count; i++)
		sum += of_real_server(&server->key, &server->real_servers[i]);
	return sum;
}

static uint64_t with_real_servers(const struct virtual_server *server)
{
	return survey_sum_of_virtual_server(server) + survey_sum_of_real_servers(server);
}

void kernel_sums_of(const struct state *state, struct kernel_sums *ret_sums)
{
	*ret_sums = (struct kernel_sums){0};
	for (size_t i = 0; i < state->virtual_server_count; i++)
		ret_sums->ipvs += with_real_servers(&state->virtual_servers[i]);
	for (size_t i = 0; i < state->held_count; i++)
		ret_sums->held += of_address(&state->held[i]);
	for (size_t i = 0; i < state->filter_count; i++)
		ret_sums->filter += of_element(&state->filter[i]);
}

bool state_has_ipv6(const struct state *state)
{
	for (size_t i = 0; i < state->virtual_server_count; i++)
		if (is_ipv6(&state->virtual_servers[i].key))
			return true;
	return false;
}

void kernel_sums_change(struct kernel_sums *sums, const struct change *change)
{
	const struct virtual_server *server = change->virtual_server;
	if (change->result != 0)
		return;
	switch ((enum change_kind)change->kind) {
	case CHANGE_FILTER_RESTRICT:
	case CHANGE_FILTER_REMOVE:
		sums->filter -= of_element(change->filter);
		break;
	case CHANGE_FILTER_ADD:
		sums->filter +=
		        of_element(change->filter) - (change->before ? of_element(change->before) : 0);
		break;
	case CHANGE_ADDRESS_ADD:
		sums->held += of_address(&change->address);
		break;
	case CHANGE_ADDRESS_REMOVE:
		sums->held -= of_address(&change->address);
		break;
	case CHANGE_VIRTUAL_SERVER_ADD:
		sums->ipvs += survey_sum_of_virtual_server(server);
		break;
	case CHANGE_VIRTUAL_SERVER_EDIT:
		sums->ipvs +=
		        survey_sum_of_virtual_server(server) - survey_sum_of_virtual_server(change->before);
		break;
	case CHANGE_REAL_SERVER_ADD:
		sums->ipvs += of_real_server(&server->key, change->real_server);
		break;
	case CHANGE_REAL_SERVER_EDIT:
		sums->ipvs += of_real_server(&server->key, change->real_server) -
		              of_real_server(&server->key, change->before);
		break;
	case CHANGE_REAL_SERVER_REMOVE:
		sums->ipvs -= of_real_server(&server->key, change->real_server);
		break;
	case CHANGE_VIRTUAL_SERVER_REMOVE:
		sums->ipvs -= with_real_servers(server);
		break;
	case CHANGE_KINDS:
		break;
	}
}
