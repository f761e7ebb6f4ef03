/*
 * The listing against what ipvsadm printed for the same tables (test/golden/list, recorded from a real kernel).
 */
#include "observe/list.h"

#include "base/memory.h"
#include "base/vector.h"
#include "support.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOLDEN_TABLES_AT_LEAST = 20 };

/* ---- reading a table from a .setup file */

typedef vector_of(struct real_server) real_servers;

struct table {
	struct list_header header;
	vector_of(struct virtual_server) virtual_servers;
	vector_of(real_servers) owned; /* of the virtual server with the same position */
};

static void table_done(struct table *table)
{
	for (size_t i = 0; i < table->owned.count; i++)
		vector_done(&table->owned.items[i]);
	vector_done(&table->owned);
	vector_done(&table->virtual_servers);
}

static const char *next_word(void)
{
	return strtok(NULL, " ");
}

static const char *needed_word(void)
{
	const char *word = next_word();
	ck_assert_msg(word != NULL, "a line of the setup ends too early");
	return word;
}

static uint32_t next_number(void)
{
	return (uint32_t)strtoll(needed_word(), NULL, 10);
}

/* "10.0.0.1:80" or "[fd00::1]:80" */
static void parse_endpoint(const char *word, struct address *ret_address, uint16_t *ret_port)
{
	char copy[ENDPOINT_TEXT_SIZE];
	ck_assert_uint_lt(strlen(word), sizeof(copy));
	strcpy(copy, word);
	char *colon = strrchr(copy, ':');
	ck_assert_ptr_nonnull(colon);
	bool bracketed = copy[0] == '[';
	colon[bracketed ? -1 : 0] = '\0';
	ck_assert_msg(address_parse(copy + bracketed, ret_address), "%s is no address", copy);
	*ret_port = (uint16_t)atoi(colon + 1);
}

static uint8_t parse_netmask(const char *word)
{
	struct address mask;
	if (!strchr(word, '.'))
		return (uint8_t)atoi(word);
	ck_assert(address_parse(word, &mask));
	int bits = 0;
	for (int i = 0; i < 4; i++)
		bits += __builtin_popcount(mask.bytes[i]);
	return (uint8_t)bits;
}

/* ipvsadm saves the third flag of sh and mh as nothing at all. */
static uint32_t parse_scheduler_flags(const char *names)
{
	if (!names)
		return VIRTUAL_SERVER_SCHED_3;
	return (strstr(names, "fallback") || strstr(names, "flag-1") ? VIRTUAL_SERVER_SCHED_1 : 0u) |
	       (strstr(names, "port") || strstr(names, "flag-2") ? VIRTUAL_SERVER_SCHED_2 : 0u) |
	       (strstr(names, "flag-3") ? VIRTUAL_SERVER_SCHED_3 : 0u);
}

static void parse_key(const char *option, struct virtual_server_key *ret_key)
{
	static const struct {
		const char *option;
		uint8_t protocol;
	} options[] = {{"-t", PROTOCOL_TCP}, {"-u", PROTOCOL_UDP}, {"--sctp-service", PROTOCOL_SCTP}};
	*ret_key = (struct virtual_server_key){0};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(option, options[i].option) == 0)
			ret_key->protocol = options[i].protocol;
	if (ret_key->protocol) {
		parse_endpoint(needed_word(), &ret_key->address, &ret_key->port);
		return;
	}
	ck_assert_str_eq(option, "-f");
	ret_key->firewall_mark = next_number();
	ret_key->address.family = FAMILY_IPV4;
}

static void parse_virtual_server_option(const char *word, struct virtual_server *server)
{
	if (strcmp(word, "-6") == 0) {
		server->key.address.family = FAMILY_IPV6;
		server->netmask_bits = 128;
	} else if (strcmp(word, "-s") == 0) {
		snprintf(server->scheduler, sizeof(server->scheduler), "%s", needed_word());
	} else if (strcmp(word, "-p") == 0) {
		server->flags |= VIRTUAL_SERVER_PERSISTENT;
		server->timeout_seconds = next_number();
	} else if (strcmp(word, "-M") == 0) {
		server->netmask_bits = parse_netmask(needed_word());
	} else if (strcmp(word, "--pe") == 0) {
		snprintf(server->engine, sizeof(server->engine), "%s", needed_word());
	} else if (strcmp(word, "-o") == 0) {
		server->flags |= VIRTUAL_SERVER_ONE_PACKET;
	} else if (strcmp(word, "-b") == 0) {
		server->flags |= parse_scheduler_flags(next_word());
	} else {
		ck_abort_msg("%s is unknown", word);
	}
}

static void parse_virtual_server(struct table *table)
{
	struct virtual_server server = {.flags = VIRTUAL_SERVER_HASHED,
	                                .position = (uint32_t)table->virtual_servers.count};
	parse_key(needed_word(), &server.key);
	server.netmask_bits = family_bits(server.key.address.family);
	for (const char *word; (word = next_word());)
		parse_virtual_server_option(word, &server);
	vector_push(&table->virtual_servers, server);
	vector_push(&table->owned, (real_servers){0});
}

static void parse_real_server_option(const char *word, struct real_server *server)
{
	if (strcmp(word, "-r") == 0)
		parse_endpoint(needed_word(), &server->address, &server->port);
	else if (strcmp(word, "-m") == 0)
		server->forwarding = FORWARD_MASQUERADE;
	else if (strcmp(word, "-g") == 0)
		server->forwarding = FORWARD_DIRECT_ROUTE;
	else if (strcmp(word, "-i") == 0)
		server->forwarding = FORWARD_TUNNEL;
	else if (strcmp(word, "-w") == 0)
		server->weight = next_number();
	else if (strcmp(word, "forwarding") == 0)
		server->forwarding = (uint8_t)next_number();
	else if (strcmp(word, "active") == 0)
		server->active_connections = next_number();
	else if (strcmp(word, "inactive") == 0)
		server->inactive_connections = next_number();
	/* All else is of the virtual server or of the tunnel, which the listing does not show. */
}

/* Belongs to the virtual server of the lines before. */
static void parse_real_server(struct table *table)
{
	ck_assert_uint_gt(table->owned.count, 0);
	real_servers *owned = &table->owned.items[table->owned.count - 1];
	struct real_server server = {.position = (uint32_t)owned->count};
	for (const char *word; (word = next_word());)
		parse_real_server_option(word, &server);
	ck_assert_uint_ne(server.address.family, FAMILY_NONE);
	vector_push(owned, server);
}

static void parse_line(char *line, struct table *table)
{
	unsigned major, minor, patch;
	if (sscanf(line, "# IP Virtual Server version %u.%u.%u (size=%u)", &major, &minor, &patch,
	           &table->header.connection_table_size) == 4) {
		table->header.version = major << 16 | minor << 8 | patch;
		return;
	}
	const char *command = strtok(line, " ");
	ck_assert_ptr_nonnull(command);
	if (strcmp(command, "-A") == 0)
		parse_virtual_server(table);
	else if (strcmp(command, "-a") == 0)
		parse_real_server(table);
	else
		ck_abort_msg("%s is no command of a setup", command);
}

static int order_virtual_servers(const void *a, const void *b)
{
	return virtual_server_key_compare(&((const struct virtual_server *)a)->key,
	                                  &((const struct virtual_server *)b)->key);
}

static int order_real_servers(const void *a, const void *b)
{
	return real_server_compare(a, b);
}

/* Ascending, as a state must be. */
static void order_table(struct table *table)
{
	for (size_t i = 0; i < table->virtual_servers.count; i++) {
		struct virtual_server *server = &table->virtual_servers.items[i];
		real_servers *owned = &table->owned.items[server->position];
		if (owned->count)
			qsort(owned->items, owned->count, sizeof(*owned->items), order_real_servers);
		server->real_servers = owned->items;
		server->real_server_count = owned->count;
	}
	if (table->virtual_servers.count)
		qsort(table->virtual_servers.items, table->virtual_servers.count,
		      sizeof(*table->virtual_servers.items), order_virtual_servers);
}

static void table_read(const char *path, struct table *ret_table)
{
	*ret_table = (struct table){0};
	auto_free char *text = read_test_file(path);
	for (char *line = text, *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		parse_line(line, ret_table);
	}
	ck_assert_uint_ne(ret_table->header.version, 0);
	order_table(ret_table);
}

static struct state table_state(const struct table *table)
{
	return (struct state){.virtual_servers = table->virtual_servers.items,
	                      .virtual_server_count = table->virtual_servers.count};
}

/* ---- the recorded tables */

static glob_t setups; /* of main, before any test */

START_TEST(a_recorded_table_is_listed_as_ipvsadm_listed_it)
{
	const char *setup = setups.gl_pathv[_i];
	struct table table;
	auto_text text = {0};
	char listing[1024];
	int stem = (int)(strlen(setup) - strlen(".setup"));
	ck_assert_int_lt(snprintf(listing, sizeof(listing), "%.*s.listing", stem, setup), sizeof(listing));
	auto_free char *wanted = read_test_file(listing);
	table_read(setup, &table);
	struct state state = table_state(&table);
	list_render(&table.header, &state, &text);
	ck_assert_texts(listing, wanted, text_string(&text));
	table_done(&table);
}
END_TEST

START_TEST(no_recorded_table_is_missing)
{
	ck_assert_uint_ge(setups.gl_pathc, GOLDEN_TABLES_AT_LEAST);
}
END_TEST

/* ---- what cannot be recorded */

#define HEADER                                          \
	"IP Virtual Server version 1.2.1 (size=4096)\n" \
	"Prot LocalAddress:Port Scheduler Flags\n"      \
	"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"

static void check_listing(const char *what, struct virtual_server *servers, size_t count, const char *wanted)
{
	struct list_header header = {.version = 0x010201, .connection_table_size = 4096};
	struct state state = {.virtual_servers = servers, .virtual_server_count = count};
	auto_text text = {0};
	list_render(&header, &state, &text);
	ck_assert_texts(what, wanted, text_string(&text));
}

static struct virtual_server virtual_server_at(uint8_t protocol, const char *address, uint16_t port)
{
	struct virtual_server server = {
	        .key = {.protocol = protocol, .port = port}, .scheduler = "rr", .netmask_bits = 32};
	ck_assert(address_parse(address, &server.key.address));
	return server;
}

START_TEST(version_and_size_are_those_of_the_kernel)
{
	struct list_header header = {.version = 0x0a0b0c, .connection_table_size = 1048576};
	struct state state = {0};
	auto_text text = {0};
	list_render(&header, &state, &text);
	ck_assert_texts("the header",
	                "IP Virtual Server version 10.11.12 (size=1048576)\n"
	                "Prot LocalAddress:Port Scheduler Flags\n"
	                "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
	                text_string(&text));
}
END_TEST

/* ipvsadm printed this for virtual servers that were made over netlink. */
START_TEST(an_unknown_protocol_is_a_question_mark)
{
	struct virtual_server servers[] = {
	        virtual_server_at(1, "10.0.0.1", 12),
	        virtual_server_at(PROTOCOL_TCP, "10.0.0.1", 12),
	        virtual_server_at(47, "10.0.0.1", 12),
	};
	check_listing("an unknown protocol", servers, 3,
	              HEADER "?    10.0.0.1:12 rr\n"
	                     "TCP  10.0.0.1:12 rr\n"
	                     "?    10.0.0.1:12 rr\n");
}
END_TEST

START_TEST(mask_and_engine_are_not_shown_without_persistence)
{
	struct virtual_server server = virtual_server_at(PROTOCOL_TCP, "10.0.0.1", 4);
	server.netmask_bits = 24;
	server.timeout_seconds = 100;
	strcpy(server.engine, "sip");
	check_listing("without persistence", &server, 1, HEADER "TCP  10.0.0.1:4 rr\n");
	server.flags = VIRTUAL_SERVER_PERSISTENT;
	server.timeout_seconds = 0;
	check_listing("with persistence", &server, 1,
	              HEADER "TCP  10.0.0.1:4 rr persistent 0 mask 255.255.255.0 pe sip\n");
}
END_TEST

/* A circle: the outcome is that of a merge sort, and starts from the state's order when no position is known. */
START_TEST(a_state_without_positions_is_taken_in_its_own_order)
{
	struct virtual_server servers[] = {
	        virtual_server_at(PROTOCOL_TCP, "10.0.0.1", 80),
	        virtual_server_at(PROTOCOL_TCP, "138.0.0.1", 80),
	};
	check_listing("as it is", servers, 2, HEADER "TCP  10.0.0.1:80 rr\nTCP  138.0.0.1:80 rr\n");
	servers[0].position = 1;
	check_listing("as the kernel had it", servers, 2,
	              HEADER "TCP  138.0.0.1:80 rr\nTCP  10.0.0.1:80 rr\n");
}
END_TEST

START_TEST(columns_grow_with_what_is_in_them)
{
	struct real_server real = {.port = 65535,
	                           .weight = 2147483647,
	                           .active_connections = 4294967295,
	                           .inactive_connections = 4294967295};
	ck_assert(address_parse("fd00:1234:5678:9abc:def0:1234:5678:9abc", &real.address));
	struct virtual_server server = virtual_server_at(PROTOCOL_SCTP, "fd00::1", 1);
	server.real_servers = &real;
	server.real_server_count = 1;
	check_listing("wide", &server, 1,
	              HEADER "SCTP [fd00::1]:1 rr\n"
	                     "  -> [fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535 Masq    2147483647 "
	                     "4294967295 4294967295\n");
}
END_TEST

int main(void)
{
	if (glob(TEST_DATA "/golden/list/*.setup", 0, NULL, &setups) != 0)
		setups.gl_pathc = 0;
	Suite *suite = suite_create("observe/list");
	TCase *tcase = tcase_create("list");
	tcase_add_test(tcase, no_recorded_table_is_missing);
	tcase_add_loop_test(tcase, a_recorded_table_is_listed_as_ipvsadm_listed_it, 0, (int)setups.gl_pathc);
	tcase_add_test(tcase, version_and_size_are_those_of_the_kernel);
	tcase_add_test(tcase, an_unknown_protocol_is_a_question_mark);
	tcase_add_test(tcase, mask_and_engine_are_not_shown_without_persistence);
	tcase_add_test(tcase, a_state_without_positions_is_taken_in_its_own_order);
	tcase_add_test(tcase, columns_grow_with_what_is_in_them);
	suite_add_tcase(suite, tcase);
	int status = run_suite(suite);
	globfree(&setups);
	return status;
}
