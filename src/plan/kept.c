#include "kept.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/vector.h"

#include <stdlib.h>
#include <string.h>

/* Where the parts of a key lie. */
enum {
	AT_WHAT = 0,
	AT_FAMILY = 1,
	AT_ADDRESS = 2,
	AT_PROTOCOL = 18,
	AT_PORT = 19,
	AT_MARK = 21,
};

static struct kept_key key_of(unsigned what, const struct address *address, uint8_t protocol, uint16_t port,
                              uint32_t mark)
{
	struct kept_key key;
	key.bytes[AT_WHAT] = (unsigned char)what;
	key.bytes[AT_FAMILY] = address->family;
	memcpy(&key.bytes[AT_ADDRESS], address->bytes, sizeof(address->bytes));
	key.bytes[AT_PROTOCOL] = protocol;
	memcpy(&key.bytes[AT_PORT], &port, sizeof(port));
	memcpy(&key.bytes[AT_MARK], &mark, sizeof(mark));
	return key;
}

struct kept_key kept_key_of_port(const struct virtual_server_key *key)
{
	return key_of(KEPT_PORT, &key->address, key->protocol, key->port, key->firewall_mark);
}

unsigned kept_key_what(const struct kept_key *key)
{
	return key->bytes[AT_WHAT];
}

void kept_key_address(const struct kept_key *key, struct address *ret_address)
{
	ret_address->family = key->bytes[AT_FAMILY];
	memcpy(ret_address->bytes, &key->bytes[AT_ADDRESS], sizeof(ret_address->bytes));
}

static uint16_t key_port(const struct kept_key *key)
{
	uint16_t port;
	memcpy(&port, &key->bytes[AT_PORT], sizeof(port));
	return port;
}

static bool belongs_to_port(const struct filter_element *element)
{
	return element->kind == FILTER_SERVICE_PORT || element->kind == FILTER_SOURCE_RANGE ||
	       element->kind == FILTER_REDIRECT;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, KEPT_KEY_SIZE);
}

void kept_keys_build(const struct state *state, struct kept_keys *ret_keys)
{
	vector_clear(ret_keys);
	for (size_t i = 0; i < state->virtual_server_count; i++)
		vector_push(ret_keys, kept_key_of_port(&state->virtual_servers[i].key));
	for (size_t i = 0; i < state->filter_count; i++) {
		const struct filter_element *e = &state->filter[i];
		unsigned what = belongs_to_port(e) ? (unsigned)KEPT_PORT : KEPT_FILTER + (unsigned)e->kind;
		vector_push(ret_keys, key_of(what, &e->address, e->protocol, e->port, 0));
	}
	static const uint16_t no_port = 0;
	for (size_t i = 0; i < state->held_count; i++)
		vector_push(ret_keys, key_of(KEPT_HELD, &state->held[i], PROTOCOL_NONE, no_port, 0));
	if (ret_keys->count == 0)
		return;
	qsort(ret_keys->items, ret_keys->count, sizeof(*ret_keys->items), by_bytes);
	size_t kept = 1;
	for (size_t i = 1; i < ret_keys->count; i++)
		if (by_bytes(&ret_keys->items[i], &ret_keys->items[kept - 1]) != 0)
			ret_keys->items[kept++] = ret_keys->items[i];
	ret_keys->count = kept;
}

/* The sizes of the parts behind the shares, in falling order of alignment, so that none needs padding. */
struct sizes {
	size_t head;
	size_t virtual_servers;
	size_t real_servers;
	size_t leaving;
	size_t filter;
	size_t held;
	size_t labels;
};

static struct sizes sizes_of(const struct state *state, size_t share_count)
{
	struct sizes sizes = {
	        .head = sizeof(struct kept) + share_count * sizeof(struct share),
	        .virtual_servers = state->virtual_server_count * sizeof(struct virtual_server),
	        .filter = state->filter_count * sizeof(struct filter_element),
	        .held = state->held_count * sizeof(struct address),
	};
	for (size_t i = 0; i < state->virtual_server_count; i++) {
		const struct virtual_server *server = &state->virtual_servers[i];
		sizes.real_servers += server->real_server_count * sizeof(struct real_server);
		sizes.leaving += server->leaving_count * sizeof(struct flow_end);
		sizes.labels += server->label ? strlen(server->label) + 1 : 0;
	}
	return sizes;
}

static void copy_bytes(void *to, const void *from, size_t size)
{
	if (size)
		memcpy(to, from, size);
}

static void copy_virtual_servers(const struct state *state, struct virtual_server *copies,
                                 struct real_server *real_servers, struct flow_end *leaving, char *labels)
{
	copy_bytes(copies, state->virtual_servers, state->virtual_server_count * sizeof(*copies));
	for (size_t i = 0; i < state->virtual_server_count; i++) {
		struct virtual_server *copy = &copies[i];
		copy_bytes(real_servers, copy->real_servers, copy->real_server_count * sizeof(*real_servers));
		copy->real_servers = real_servers;
		real_servers += copy->real_server_count;
		copy_bytes(leaving, copy->leaving, copy->leaving_count * sizeof(*leaving));
		copy->leaving = leaving;
		leaving += copy->leaving_count;
		if (!copy->label)
			continue;
		size_t size = strlen(copy->label) + 1;
		copy->label = memcpy(labels, copy->label, size);
		labels += size;
	}
}

static void check_ascending(const struct state *state)
{
	for (size_t i = 1; i < state->virtual_server_count; i++)
		CHECK(virtual_server_key_compare(&state->virtual_servers[i - 1].key,
		                                 &state->virtual_servers[i].key) < 0);
	for (size_t i = 1; i < state->filter_count; i++)
		CHECK(filter_element_compare(&state->filter[i - 1], &state->filter[i]) < 0);
}

struct kept *kept_new(const struct state *state, size_t share_count)
{
	check_ascending(state);
	struct sizes sizes = sizes_of(state, share_count);
	char *block = memory_alloc(sizes.head + sizes.virtual_servers + sizes.real_servers + sizes.filter +
	                           sizes.leaving + sizes.held + sizes.labels);
	struct kept *kept = (struct kept *)block;
	void *virtual_servers = block + sizes.head;
	void *real_servers = (char *)virtual_servers + sizes.virtual_servers;
	void *filter = (char *)real_servers + sizes.real_servers;
	void *leaving = (char *)filter + sizes.filter;
	void *held = (char *)leaving + sizes.leaving;
	copy_virtual_servers(state, virtual_servers, real_servers, leaving, (char *)held + sizes.held);
	copy_bytes(filter, state->filter, sizes.filter);
	copy_bytes(held, state->held, sizes.held);
	kept->state = *state;
	kept->state.virtual_servers = virtual_servers;
	kept->state.filter = filter;
	kept->state.held = held;
	kept->share_count = share_count;
	return kept;
}

static bool texts_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool leaving_equal(const struct virtual_server *a, const struct virtual_server *b)
{
	if (a->leaving_count != b->leaving_count)
		return false;
	for (size_t i = 0; i < a->leaving_count; i++)
		if (flow_end_compare(&a->leaving[i], &b->leaving[i]) != 0)
			return false;
	return true;
}

static bool virtual_servers_equal(const struct virtual_server *a, const struct virtual_server *b)
{
	if (virtual_server_key_compare(&a->key, &b->key) != 0 || !virtual_server_same(a, b) ||
	    a->netmask_bits != b->netmask_bits || a->rank != b->rank || !texts_equal(a->label, b->label) ||
	    a->real_server_count != b->real_server_count)
		return false;
	for (size_t i = 0; i < a->real_server_count; i++)
		if (real_server_compare(&a->real_servers[i], &b->real_servers[i]) != 0 ||
		    !real_server_same(&a->real_servers[i], &b->real_servers[i]))
			return false;
	return leaving_equal(a, b);
}

bool kept_equals(const struct kept *kept, const struct state *state)
{
	const struct state *copy = &kept->state;
	if (copy->virtual_server_count != state->virtual_server_count ||
	    copy->filter_count != state->filter_count || copy->held_count != state->held_count)
		return false;
	for (size_t i = 0; i < state->virtual_server_count; i++)
		if (!virtual_servers_equal(&copy->virtual_servers[i], &state->virtual_servers[i]))
			return false;
	for (size_t i = 0; i < state->filter_count; i++)
		if (filter_element_compare(&copy->filter[i], &state->filter[i]) != 0 ||
		    !filter_element_same(&copy->filter[i], &state->filter[i]))
			return false;
	for (size_t i = 0; i < state->held_count; i++)
		if (!address_equal(&copy->held[i], &state->held[i]))
			return false;
	return true;
}

void kept_key_virtual_server(const struct kept_key *key, struct virtual_server_key *ret_key)
{
	*ret_key = (struct virtual_server_key){.protocol = key->bytes[AT_PROTOCOL], .port = key_port(key)};
	kept_key_address(key, &ret_key->address);
	memcpy(&ret_key->firewall_mark, &key->bytes[AT_MARK], sizeof(ret_key->firewall_mark));
}

const struct virtual_server *kept_virtual_server(const struct kept *kept, const struct kept_key *key)
{
	struct virtual_server_key wanted;
	kept_key_virtual_server(key, &wanted);
	return state_find_virtual_server(&kept->state, &wanted);
}

/* The first element that does not sort before `probe`. */
static size_t lower_bound(const struct state *state, const struct filter_element *probe)
{
	size_t low = 0, high = state->filter_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (filter_element_compare(&state->filter[middle], probe) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool same_port(const struct filter_element *a, const struct filter_element *b)
{
	return a->kind == b->kind && a->protocol == b->protocol && a->port == b->port &&
	       address_equal(&a->address, &b->address);
}

void kept_filter_elements(const struct kept *kept, const struct kept_key *key,
                          void (*use)(const struct filter_element *element, void *context), void *context)
{
	static const uint8_t port_kinds[] = {FILTER_SERVICE_PORT, FILTER_SOURCE_RANGE, FILTER_REDIRECT};
	bool is_port = kept_key_what(key) == KEPT_PORT;
	const struct state *state = &kept->state;
	struct filter_element probe = {.protocol = key->bytes[AT_PROTOCOL], .port = key_port(key)};
	kept_key_address(key, &probe.address);
	for (size_t k = 0; k < (is_port ? sizeof(port_kinds) : 1); k++) {
		probe.kind = is_port ? port_kinds[k] : (uint8_t)(kept_key_what(key) - KEPT_FILTER);
		for (size_t i = lower_bound(state, &probe);
		     i < state->filter_count && same_port(&state->filter[i], &probe); i++)
			use(&state->filter[i], context);
	}
}
