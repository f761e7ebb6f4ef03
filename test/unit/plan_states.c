#include "plan_states.h"

#include "base/vector.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct building {
	struct arena *arena;
	vector_of(struct virtual_server) servers;
	vector_of(struct real_server) real_servers; /* of the last virtual server */
	vector_of(struct address) held;
	vector_of(struct filter_element) filter;
};

struct address address_of(const char *text)
{
	struct address address;
	if (!address_parse(text, &address))
		ck_abort_msg("\"%s\" is no address", text);
	return address;
}

struct cidr cidr_of(const char *text)
{
	struct cidr cidr;
	if (!cidr_parse(text, true, &cidr))
		ck_abort_msg("\"%s\" is no CIDR", text);
	return cidr;
}

static uint8_t protocol_of(const char *word)
{
	if (strcmp(word, "tcp") == 0)
		return PROTOCOL_TCP;
	if (strcmp(word, "udp") == 0)
		return PROTOCOL_UDP;
	return strcmp(word, "sctp") == 0 ? PROTOCOL_SCTP : PROTOCOL_NONE;
}

static uint16_t endpoint_of(const char *text, struct address *ret_address)
{
	char host[64];
	snprintf(host, sizeof(host), "%s", text[0] == '[' ? text + 1 : text);
	char *colon = strrchr(host, ':');
	ck_assert_msg(colon != NULL, "\"%s\" has no port", text);
	uint16_t port = (uint16_t)strtoul(colon + 1, NULL, 10);
	*colon = '\0';
	if (text[0] == '[')
		colon[-1] = '\0';
	*ret_address = address_of(host);
	return port;
}

struct virtual_server_key key_of(const char *text)
{
	char word[8], endpoint[64];
	struct virtual_server_key key = {0};
	ck_assert_int_eq(sscanf(text, "%7s %63s", word, endpoint), 2);
	key.protocol = protocol_of(word);
	key.port = endpoint_of(endpoint, &key.address);
	return key;
}

/* The value of the word "NAME=VALUE", NULL when it is another word. */
static const char *value_of(const char *word, const char *name)
{
	size_t length = strlen(name);
	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static uint32_t number_of(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 0);
}

static void virtual_server_option(struct virtual_server *server, struct arena *arena, const char *word)
{
	const char *value;
	if ((value = value_of(word, "p"))) {
		server->flags |= VIRTUAL_SERVER_PERSISTENT;
		server->timeout_seconds = number_of(value);
	} else if ((value = value_of(word, "timeout"))) {
		server->timeout_seconds = number_of(value);
	} else if ((value = value_of(word, "mask"))) {
		server->netmask_bits = (uint8_t)number_of(value);
	} else if ((value = value_of(word, "flags"))) {
		server->flags |= number_of(value);
	} else if ((value = value_of(word, "pe"))) {
		snprintf(server->engine, sizeof(server->engine), "%s", value);
	} else if ((value = value_of(word, "rank"))) {
		server->rank = (uint8_t)number_of(value);
	} else if ((value = value_of(word, "label"))) {
		server->label = arena_copy_text(arena, value);
	} else {
		ck_abort_msg("\"%s\" is no option of a virtual server", word);
	}
}

static void real_server_option(struct real_server *server, const char *word)
{
	const char *value;
	if ((value = value_of(word, "w")))
		server->weight = number_of(value);
	else if ((value = value_of(word, "fwd")))
		server->forwarding = (uint8_t)number_of(value);
	else if ((value = value_of(word, "x")))
		server->upper_threshold = number_of(value);
	else if ((value = value_of(word, "y")))
		server->lower_threshold = number_of(value);
	else if ((value = value_of(word, "tun")))
		ck_assert_int_eq(sscanf(value, "%hhu:%hu:%hu", &server->tunnel_type, &server->tunnel_port,
		                        &server->tunnel_flags),
		                 3);
	else
		ck_abort_msg("\"%s\" is no option of a real server", word);
}

static int by_endpoint(const void *a, const void *b)
{
	return real_server_compare(a, b);
}

static void close_virtual_server(struct building *building)
{
	size_t count = building->real_servers.count;
	if (count == 0)
		return;
	struct real_server *copies = arena_new_array(building->arena, count, struct real_server);
	memcpy(copies, building->real_servers.items, count * sizeof(*copies));
	qsort(copies, count, sizeof(*copies), by_endpoint);
	struct virtual_server *last = &building->servers.items[building->servers.count - 1];
	last->real_servers = copies;
	last->real_server_count = count;
	vector_clear(&building->real_servers);
}

static uint8_t verdict_of(const char *word)
{
	static const char *const words[] = {"", "outsiders", "masquerade", "keep", "drop", "reject"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return (uint8_t)i;
	ck_abort_msg("\"%s\" is no verdict", word);
}

static void add_filter(struct building *building, char **words, size_t count)
{
	static const char *const kinds[] = {"guard", "port", "range", "redirect", "hairpin", "health"};
	struct filter_element element = {0};
	while (strcmp(kinds[element.kind], words[0]) != 0)
		element.kind++;
	if (element.kind == FILTER_HAIRPIN || element.kind == FILTER_HELD_ADDRESS) {
		element.address = address_of(words[1]);
	} else if (element.kind == FILTER_HEALTH_CHECK_PORT) {
		element.protocol = PROTOCOL_TCP;
		element.port = (uint16_t)number_of(words[1]);
	} else {
		ck_assert_uint_ge(count, 4);
		element.port = endpoint_of(words[1], &element.address);
		element.protocol = protocol_of(words[2]);
	}
	if (element.kind == FILTER_SERVICE_PORT) {
		element.verdict = verdict_of(words[3]);
		element.restricted = count > 4;
	}
	if (element.kind == FILTER_SOURCE_RANGE)
		element.range = cidr_of(words[3]);
	if (element.kind == FILTER_REDIRECT)
		element.target_port = endpoint_of(words[3], &element.target);
	vector_push(&building->filter, element);
}

static void add_virtual_server(struct building *building, char **words, size_t count)
{
	struct virtual_server server = {.rank = RANK_OTHER};
	size_t next = 3;
	ck_assert_uint_ge(count, 3);
	if (strcmp(words[0], "mark") == 0) {
		server.key.firewall_mark = number_of(words[1]);
		server.key.address.family = strcmp(words[2], "ipv6") == 0 ? FAMILY_IPV6 : FAMILY_IPV4;
		next = 4;
	} else {
		server.key.protocol = protocol_of(words[0]);
		ck_assert_msg(server.key.protocol != PROTOCOL_NONE, "\"%s\" starts no entry", words[0]);
		server.key.port = endpoint_of(words[1], &server.key.address);
	}
	snprintf(server.scheduler, sizeof(server.scheduler), "%s", words[next - 1]);
	server.netmask_bits = family_bits(server.key.address.family);
	for (size_t i = next; i < count; i++)
		virtual_server_option(&server, building->arena, words[i]);
	vector_push(&building->servers, server);
}

static void add_real_server(struct building *building, char **words, size_t count)
{
	struct real_server server = {.weight = 1};
	ck_assert_msg(building->servers.count > 0, "a real server has no virtual server");
	server.port = endpoint_of(words[1], &server.address);
	for (size_t i = 2; i < count; i++)
		real_server_option(&server, words[i]);
	vector_push(&building->real_servers, server);
}

static void add_line(struct building *building, char *line)
{
	static const char filter_words[] = " guard port range redirect hairpin health ";
	char *words[12] = {0}, *rest = NULL, probe[32];
	size_t count = 0;
	for (char *word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		ck_assert_uint_lt(count, 12);
		words[count++] = word;
	}
	if (count == 0)
		return;
	ck_assert_uint_ge(count, 2);
	if (strcmp(words[0], ">") == 0) {
		add_real_server(building, words, count);
		return;
	}
	close_virtual_server(building);
	snprintf(probe, sizeof(probe), " %s ", words[0]);
	if (strcmp(words[0], "held") == 0)
		vector_push(&building->held, address_of(words[1]));
	else if (strstr(filter_words, probe))
		add_filter(building, words, count);
	else
		add_virtual_server(building, words, count);
}

static int by_key(const void *a, const void *b)
{
	const struct virtual_server *left = a, *right = b;
	return virtual_server_key_compare(&left->key, &right->key);
}

static int by_address(const void *a, const void *b)
{
	return address_compare(a, b);
}

static int by_element(const void *a, const void *b)
{
	return filter_element_compare(a, b);
}

void state_sort(struct virtual_server *servers, size_t server_count, struct address *held, size_t held_count,
                struct filter_element *filter, size_t filter_count)
{
	if (server_count > 1)
		qsort(servers, server_count, sizeof(*servers), by_key);
	if (held_count > 1)
		qsort(held, held_count, sizeof(*held), by_address);
	if (filter_count > 1)
		qsort(filter, filter_count, sizeof(*filter), by_element);
}

/* The vector's items in the arena. */
#define settled(arena, vector)                                                                   \
	((vector)->count == 0                                                                    \
	         ? NULL                                                                          \
	         : memcpy(arena_alloc_array((arena), (vector)->count, sizeof(*(vector)->items)), \
	                  (vector)->items, (vector)->count * sizeof(*(vector)->items)))

struct state state_of(struct arena *arena, const char *text)
{
	struct building building = {.arena = arena};
	char *rest = NULL;
	for (char *line = strtok_r(arena_copy_text(arena, text), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		add_line(&building, line);
	close_virtual_server(&building);
	state_sort(building.servers.items, building.servers.count, building.held.items, building.held.count,
	           building.filter.items, building.filter.count);
	struct state state = {
	        .virtual_servers = settled(arena, &building.servers),
	        .virtual_server_count = building.servers.count,
	        .held = settled(arena, &building.held),
	        .held_count = building.held.count,
	        .filter = settled(arena, &building.filter),
	        .filter_count = building.filter.count,
	};
	vector_done(&building.servers);
	vector_done(&building.real_servers);
	vector_done(&building.held);
	vector_done(&building.filter);
	return state;
}
