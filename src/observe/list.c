/*
 * The listing, as ipvsadm 1.31 prints it; every fact here was taken from its output (test/golden/list).
 *
 * What looks odd is on purpose. ipvsadm subtracts addresses and firewall marks as 32-bit numbers and looks at
 * the sign of what is left, so that 192.168.0.1 comes before 10.0.0.1, and 10.0.0.1, 100.64.0.1, 192.168.0.1
 * go round in a circle. In such a table the outcome depends on the order in which the kernel gives the
 * entries, and on the way of sorting: a stable merge sort that halves, as glibc's qsort is one. It is written
 * out here, because qsort promises nothing for an order that is none.
 */
#include "observe/list.h"

#include "base/memory.h"

#include <stdbool.h>
#include <string.h>

enum { IPV4_WORDS = 1, IPV6_WORDS = 4 };

/* ---- the order */

typedef int compare_function(const void *a, const void *b);

/* Wraps around, and so does not always say which is greater. */
static int difference(uint32_t a, uint32_t b)
{
	return (int)(a - b);
}

static uint32_t address_word(const struct address *address, int index)
{
	const uint8_t *bytes = address->bytes + 4 * index;
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The family of the first decides how much is compared, even when the second is of the other one. */
static int compare_addresses(const struct address *a, const struct address *b)
{
	int words = a->family == FAMILY_IPV6 ? IPV6_WORDS : IPV4_WORDS;
	int order = 0;
	for (int i = 0; i < words && order == 0; i++)
		order = difference(address_word(a, i), address_word(b, i));
	return order;
}

static int compare_virtual_servers(const void *first, const void *second)
{
	const struct virtual_server_key *a = &((const struct virtual_server *)first)->key;
	const struct virtual_server_key *b = &((const struct virtual_server *)second)->key;
	int order = difference(a->firewall_mark, b->firewall_mark);
	if (order == 0)
		order = a->address.family - b->address.family;
	if (order == 0)
		order = a->protocol - b->protocol;
	if (order == 0)
		order = compare_addresses(&a->address, &b->address);
	return order ? order : a->port - b->port;
}

static int compare_real_servers(const void *first, const void *second)
{
	const struct real_server *a = first, *b = second;
	int order = compare_addresses(&a->address, &b->address);
	return order ? order : a->port - b->port;
}

static int compare_positions(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_virtual_server_positions(const void *a, const void *b)
{
	return compare_positions(((const struct virtual_server *)a)->position,
	                         ((const struct virtual_server *)b)->position);
}

static int compare_real_server_positions(const void *a, const void *b)
{
	return compare_positions(((const struct real_server *)a)->position,
	                         ((const struct real_server *)b)->position);
}

/* Merges the two sorted parts of `items` through `scratch`, which is as large. */
static void merge(const void **items, size_t middle, size_t count, const void **scratch,
                  compare_function *compare)
{
	size_t left = 0, right = middle, merged = 0;
	while (left < middle && right < count)
		scratch[merged++] = compare(items[left], items[right]) <= 0 ? items[left++] : items[right++];
	memcpy(scratch + merged, items + left, (middle - left) * sizeof(*items));
	memcpy(items, scratch, right * sizeof(*items));
}

static void sort(const void **items, size_t count, const void **scratch, compare_function *compare)
{
	if (count < 2)
		return;
	sort(items, count / 2, scratch, compare);
	sort(items + count / 2, count - count / 2, scratch, compare);
	merge(items, count / 2, count, scratch, compare);
}

/* Pointers to `count` things of `size` bytes, in ipvsadm's order. The caller frees them. */
static const void **in_order(const void *things, size_t count, size_t size, compare_function *by_position,
                             compare_function *by_address)
{
	const void **items = memory_resize(NULL, 2 * count, sizeof(*items));
	for (size_t i = 0; i < count; i++)
		items[i] = (const char *)things + i * size;
	sort(items, count, items + count, by_position);
	sort(items, count, items + count, by_address);
	return items;
}

/* ---- the lines */

static const char *protocol_text(uint8_t protocol)
{
	const char *name = protocol_name(protocol);
	return *name ? name : "?";
}

/* The names of the three scheduler flags; a NULL is a flag that is not shown. */
static const struct flag_names {
	const char *scheduler;
	const char *names[3];
} flag_names[] = {
        {"sh", {"sh-fallback", "sh-port", NULL}},
        {"mh", {"mh-fallback", "mh-port", NULL}},
        {NULL, {"flag-1", "flag-2", "flag-3"}}, /* all others */
};

static void add_scheduler_flags(const struct virtual_server *server, struct text *text)
{
	static const uint32_t bits[] = {VIRTUAL_SERVER_SCHED_1, VIRTUAL_SERVER_SCHED_2,
	                                VIRTUAL_SERVER_SCHED_3};
	const struct flag_names *row = flag_names;
	const char *separator = "";
	if (!(server->flags & (bits[0] | bits[1] | bits[2])))
		return;
	while (row->scheduler && strcmp(row->scheduler, server->scheduler) != 0)
		row++;
	text_add(text, " (");
	for (int i = 0; i < 3; i++)
		if ((server->flags & bits[i]) && row->names[i]) {
			text_addf(text, "%s%s", separator, row->names[i]);
			separator = ",";
		}
	text_add(text, ")");
}

static void add_netmask(const struct virtual_server *server, struct text *text)
{
	char mask[ADDRESS_TEXT_SIZE];
	unsigned bits = server->netmask_bits;
	if (bits == family_bits(server->key.address.family))
		return;
	if (server->key.address.family == FAMILY_IPV6) {
		text_addf(text, " mask %u", bits);
		return;
	}
	struct address address = {.family = FAMILY_IPV4};
	for (unsigned i = 0; i < bits; i++)
		address.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	address_format(&address, mask);
	text_addf(text, " mask %s", mask);
}

/* The mask and the engine belong to persistence, and are not shown without it. */
static void add_persistence(const struct virtual_server *server, struct text *text)
{
	if (!(server->flags & VIRTUAL_SERVER_PERSISTENT))
		return;
	text_addf(text, " persistent %u", server->timeout_seconds);
	add_netmask(server, text);
	if (server->engine[0])
		text_addf(text, " pe %s", server->engine);
}

/* A firewall mark of 2^31 or more is shown as a negative number. */
static void add_key(const struct virtual_server_key *key, struct text *text)
{
	char endpoint[ENDPOINT_TEXT_SIZE];
	if (key->firewall_mark) {
		text_addf(text, "FWM  %d%s", (int)key->firewall_mark,
		          key->address.family == FAMILY_IPV6 ? " IPv6" : "");
		return;
	}
	endpoint_format(&key->address, key->port, endpoint);
	text_addf(text, "%-4s %s", protocol_text(key->protocol), endpoint);
}

static void add_virtual_server(const struct virtual_server *server, struct text *text)
{
	add_key(&server->key, text);
	text_addf(text, " %s", server->scheduler);
	add_scheduler_flags(server, text);
	add_persistence(server, text);
	text_add(text, server->flags & VIRTUAL_SERVER_ONE_PACKET ? " ops\n" : "\n");
}

static const char *forwarding_text(uint8_t forwarding)
{
	static const char *const names[] = {[FORWARD_MASQUERADE] = "Masq",
	                                    [FORWARD_LOCAL] = "Local",
	                                    [FORWARD_TUNNEL] = "Tunnel",
	                                    [FORWARD_DIRECT_ROUTE] = "Route"};
	return forwarding < sizeof(names) / sizeof(*names) ? names[forwarding] : "(null)";
}

static void add_real_server(const struct real_server *server, struct text *text)
{
	char endpoint[ENDPOINT_TEXT_SIZE];
	endpoint_format(&server->address, server->port, endpoint);
	text_addf(text, "  -> %-28s %-7s %-6u %-10u %-10u\n", endpoint, forwarding_text(server->forwarding),
	          server->weight, server->active_connections, server->inactive_connections);
}

static void add_real_servers(const struct virtual_server *owner, struct text *text)
{
	size_t count = owner->real_server_count;
	if (count == 0)
		return;
	auto_free const void **servers = in_order(owner->real_servers, count, sizeof(*owner->real_servers),
	                                          compare_real_server_positions, compare_real_servers);
	for (size_t i = 0; i < count; i++)
		add_real_server(servers[i], text);
}

static void add_virtual_servers(const struct state *state, struct text *text)
{
	size_t count = state->virtual_server_count;
	if (count == 0)
		return;
	auto_free const void **servers =
	        in_order(state->virtual_servers, count, sizeof(*state->virtual_servers),
	                 compare_virtual_server_positions, compare_virtual_servers);
	for (size_t i = 0; i < count; i++) {
		add_virtual_server(servers[i], text);
		add_real_servers(servers[i], text);
	}
}

static void add_header(const struct list_header *header, struct text *text)
{
	text_addf(text, "IP Virtual Server version %u.%u.%u (size=%u)\n", header->version >> 16 & 0xff,
	          header->version >> 8 & 0xff, header->version & 0xff, header->connection_table_size);
	text_add(text, "Prot LocalAddress:Port Scheduler Flags\n"
	               "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n");
}

void list_render(const struct list_header *header, const struct state *state, struct text *text)
{
	add_header(header, text);
	add_virtual_servers(state, text);
}
