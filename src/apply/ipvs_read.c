/*
 * Reading IPVS's whole table: one dump of the virtual servers, then one of the real servers of each, since
 * the kernel has no dump of all. What is read goes into scratch vectors that all dumps share, is sorted
 * there, and copied into the arena once.
 */
#include "attributes.h"
#include "base/deadline.h"
#include "base/memory.h"
#include "base/sorting.h"
#include "base/vector.h"
#include "ipvs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

enum { SORTING_STEPS = 256 }; /* between two looks at the clock */

struct reader {
	uint16_t family;      /* of generic netlink */
	uint8_t owner_family; /* enum family of the virtual server whose real servers are being read */
	vector_of(struct virtual_server) virtual_servers;
	vector_of(struct real_server) real_servers;
};

/* ---- attributes */

/* FAMILY_NONE: neither of the two. */
static uint8_t get_family(const struct nlattr *attribute)
{
	switch (attribute_u16(attribute)) {
	case AF_INET:
		return FAMILY_IPV4;
	case AF_INET6:
		return FAMILY_IPV6;
	default:
		return FAMILY_NONE;
	}
}

/* The kernel writes 16 bytes whatever the family is; without any, the address is all zero (C39). */
static bool get_address(const struct nlattr *attribute, uint8_t family, struct address *ret_address)
{
	size_t wanted = family_bits(family) / 8U;
	*ret_address = (struct address){.family = family};
	if (!attribute)
		return true;
	if (attribute_length(attribute) < wanted)
		return false;
	memcpy(ret_address->bytes, attribute_content(attribute), wanted);
	return true;
}

static bool get_name(const struct nlattr *attribute, char *ret_name, size_t size)
{
	size_t length = attribute ? strnlen(attribute_content(attribute), attribute_length(attribute)) : 0;
	if (length >= size)
		return false;
	if (length)
		memcpy(ret_name, attribute_content(attribute), length);
	ret_name[length] = '\0';
	return true;
}

/* Finds the nested attribute `type` of a generic netlink answer and parses what is in it. */
static bool parse_nested(const struct reader *reader, const struct nlmsghdr *answer, int type,
                         const struct nlattr **ret_attributes, int max, const uint8_t *least)
{
	static const uint8_t any[IPVS_CMD_ATTR_MAX + 1] = {0};
	const struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1];
	if (answer->nlmsg_type != reader->family || answer->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
		return false;
	const char *content = (const char *)NLMSG_DATA(answer) + GENL_HDRLEN;
	return attributes_parse(content, answer->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), outer,
	                        IPVS_CMD_ATTR_MAX, any) &&
	       outer[type] &&
	       attributes_parse(attribute_content(outer[type]), attribute_length(outer[type]), ret_attributes,
	                        max, least);
}

/* ---- virtual servers */

static const uint8_t virtual_server_lengths[IPVS_SVC_ATTR_MAX + 1] = {
        [IPVS_SVC_ATTR_AF] = 2,
        [IPVS_SVC_ATTR_PROTOCOL] = 2,
        [IPVS_SVC_ATTR_PORT] = 2,
        [IPVS_SVC_ATTR_FWMARK] = 4,
        [IPVS_SVC_ATTR_TIMEOUT] = 4,
        [IPVS_SVC_ATTR_NETMASK] = 4,
        [IPVS_SVC_ATTR_FLAGS] = sizeof(struct ip_vs_flags),
};

/* The reverse of ipvs.c's netmask_value; none means the whole address. */
static uint8_t netmask_bits(const struct nlattr *attribute, uint8_t family)
{
	if (!attribute)
		return family_bits(family);
	uint32_t value = attribute_u32(attribute);
	if (family == FAMILY_IPV4)
		return (uint8_t)__builtin_popcount(value);
	return value <= 128 ? (uint8_t)value : 128;
}

static bool get_key(const struct nlattr **attributes, struct virtual_server_key *ret_key)
{
	uint8_t family = get_family(attributes[IPVS_SVC_ATTR_AF]);
	if (family == FAMILY_NONE)
		return false;
	*ret_key =
	        (struct virtual_server_key){.firewall_mark = attribute_u32(attributes[IPVS_SVC_ATTR_FWMARK])};
	if (ret_key->firewall_mark)
		return get_address(NULL, family, &ret_key->address);
	ret_key->protocol = (uint8_t)attribute_u16(attributes[IPVS_SVC_ATTR_PROTOCOL]);
	ret_key->port = ntohs(attribute_u16(attributes[IPVS_SVC_ATTR_PORT]));
	return get_address(attributes[IPVS_SVC_ATTR_ADDR], family, &ret_key->address);
}

static int take_virtual_server(void *context, const struct nlmsghdr *answer)
{
	struct reader *reader = context;
	const struct nlattr *attributes[IPVS_SVC_ATTR_MAX + 1];
	struct virtual_server server = {.rank = RANK_OTHER};
	struct ip_vs_flags flags;
	if (!parse_nested(reader, answer, IPVS_CMD_ATTR_SERVICE, attributes, IPVS_SVC_ATTR_MAX,
	                  virtual_server_lengths) ||
	    !get_key(attributes, &server.key) || !attributes[IPVS_SVC_ATTR_FLAGS] ||
	    !get_name(attributes[IPVS_SVC_ATTR_SCHED_NAME], server.scheduler, sizeof(server.scheduler)) ||
	    !get_name(attributes[IPVS_SVC_ATTR_PE_NAME], server.engine, sizeof(server.engine)))
		return -EBADMSG;
	memcpy(&flags, attribute_content(attributes[IPVS_SVC_ATTR_FLAGS]), sizeof(flags));
	/* The kernel sets it on everything in its table: without it this is no such entry (C38). */
	if (!(flags.flags & VIRTUAL_SERVER_HASHED))
		return -EBADMSG;
	server.flags = flags.flags;
	server.timeout_seconds = attribute_u32(attributes[IPVS_SVC_ATTR_TIMEOUT]);
	server.netmask_bits = netmask_bits(attributes[IPVS_SVC_ATTR_NETMASK], server.key.address.family);
	server.position = (uint32_t)reader->virtual_servers.count;
	vector_push(&reader->virtual_servers, server);
	return 0;
}

static void forget_virtual_servers(void *context)
{
	struct reader *reader = context;
	vector_clear(&reader->virtual_servers);
}

static int order_virtual_servers(const void *a, const void *b)
{
	return virtual_server_key_compare(&((const struct virtual_server *)a)->key,
	                                  &((const struct virtual_server *)b)->key);
}

/* A table that changes during its dump may show an entry twice; the kernel does not flag that here. */
static void drop_doubles(struct reader *reader)
{
	struct virtual_server *items = reader->virtual_servers.items;
	size_t kept = 0, count = reader->virtual_servers.count;
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || order_virtual_servers(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	reader->virtual_servers.count = kept;
}

/* ---- real servers */

static const uint8_t real_server_lengths[IPVS_DEST_ATTR_MAX + 1] = {
        [IPVS_DEST_ATTR_ADDR] = 4,          [IPVS_DEST_ATTR_PORT] = 2,
        [IPVS_DEST_ATTR_FWD_METHOD] = 4,    [IPVS_DEST_ATTR_WEIGHT] = 4,
        [IPVS_DEST_ATTR_U_THRESH] = 4,      [IPVS_DEST_ATTR_L_THRESH] = 4,
        [IPVS_DEST_ATTR_ACTIVE_CONNS] = 4,  [IPVS_DEST_ATTR_INACT_CONNS] = 4,
        [IPVS_DEST_ATTR_PERSIST_CONNS] = 4, [IPVS_DEST_ATTR_ADDR_FAMILY] = 2,
        [IPVS_DEST_ATTR_TUN_TYPE] = 1,      [IPVS_DEST_ATTR_TUN_PORT] = 2,
        [IPVS_DEST_ATTR_TUN_FLAGS] = 2,
};

/* Kernels before 3.18 do not say the family, and know none but the virtual server's. */
static bool get_real_server_address(const struct nlattr **attributes, uint8_t owner_family,
                                    struct address *ret_address)
{
	const struct nlattr *said = attributes[IPVS_DEST_ATTR_ADDR_FAMILY];
	uint8_t family = said ? get_family(said) : owner_family;
	return family != FAMILY_NONE && get_address(attributes[IPVS_DEST_ATTR_ADDR], family, ret_address);
}

static int take_real_server(void *context, const struct nlmsghdr *answer)
{
	struct reader *reader = context;
	const struct nlattr *attributes[IPVS_DEST_ATTR_MAX + 1];
	struct real_server server;
	if (!parse_nested(reader, answer, IPVS_CMD_ATTR_DEST, attributes, IPVS_DEST_ATTR_MAX,
	                  real_server_lengths))
		return -EBADMSG;
	server = (struct real_server){
	        .port = ntohs(attribute_u16(attributes[IPVS_DEST_ATTR_PORT])),
	        .forwarding = attribute_u32(attributes[IPVS_DEST_ATTR_FWD_METHOD]) & IP_VS_CONN_F_FWD_MASK,
	        .tunnel_type = attribute_u8(attributes[IPVS_DEST_ATTR_TUN_TYPE]),
	        .tunnel_port = ntohs(attribute_u16(attributes[IPVS_DEST_ATTR_TUN_PORT])),
	        .tunnel_flags = attribute_u16(attributes[IPVS_DEST_ATTR_TUN_FLAGS]),
	        .weight = attribute_u32(attributes[IPVS_DEST_ATTR_WEIGHT]),
	        .upper_threshold = attribute_u32(attributes[IPVS_DEST_ATTR_U_THRESH]),
	        .lower_threshold = attribute_u32(attributes[IPVS_DEST_ATTR_L_THRESH]),
	        .active_connections = attribute_u32(attributes[IPVS_DEST_ATTR_ACTIVE_CONNS]),
	        .inactive_connections = attribute_u32(attributes[IPVS_DEST_ATTR_INACT_CONNS]),
	        .persistent_connections = attribute_u32(attributes[IPVS_DEST_ATTR_PERSIST_CONNS]),
	        .position = (uint32_t)reader->real_servers.count,
	};
	if (!get_real_server_address(attributes, reader->owner_family, &server.address))
		return -EBADMSG;
	vector_push(&reader->real_servers, server);
	return 0;
}

static void forget_real_servers(void *context)
{
	struct reader *reader = context;
	vector_clear(&reader->real_servers);
}

static int order_real_servers(const void *a, const void *b)
{
	return real_server_compare(a, b);
}

/* Sorts what was read, and gives it to `server` without doubles. */
static void keep_real_servers(struct reader *reader, struct arena *arena, struct virtual_server *server)
{
	struct real_server *items = reader->real_servers.items;
	size_t kept = 0, count = reader->real_servers.count;
	if (count == 0)
		return;
	qsort(items, count, sizeof(*items), order_real_servers);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || real_server_compare(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	struct real_server *copy = arena_new_array(arena, kept, struct real_server);
	memcpy(copy, items, kept * sizeof(*items));
	server->real_servers = copy;
	server->real_server_count = kept;
}

/* ---- the whole */

static struct dump virtual_server_dump(struct reader *reader)
{
	return (struct dump){
	        .restart = forget_virtual_servers, .take = take_virtual_server, .context = reader};
}

/* -ESRCH: the virtual server went away meanwhile. */
static int read_real_servers(struct ipvs *ipvs, struct reader *reader, const struct virtual_server_key *key)
{
	const struct dump dump = {
	        .restart = forget_real_servers, .take = take_real_server, .context = reader};
	reader->owner_family = key->address.family;
	ipvs_put_listing(ipvs, IPVS_CMD_GET_DEST, key);
	return conversation_dump(&ipvs->conversation, &dump);
}

struct ipvs_reading {
	struct ipvs *ipvs;
	bool with_real_servers;
	struct arena *arena;
	struct reader reader;
	enum { BEGIN, LIST, SORT, ASK } stage;
	struct dumping listing; /* of the virtual servers */
	struct sorting sorting;
	size_t next; /* virtual server to be asked for its real servers */
	size_t kept; /* those before are read, and were still there */
};

struct ipvs_reading *ipvs_reading_new(struct ipvs *ipvs, bool with_real_servers, struct arena *arena)
{
	struct ipvs_reading *reading = memory_alloc(sizeof(*reading));
	reading->ipvs = ipvs;
	reading->with_real_servers = with_real_servers;
	reading->arena = arena;
	return reading;
}

void ipvs_reading_free(struct ipvs_reading *reading)
{
	if (!reading)
		return;
	vector_done(&reading->reader.virtual_servers);
	vector_done(&reading->reader.real_servers);
	sorting_done(&reading->sorting);
	memory_free_pointer(&reading);
}

static int begin(struct ipvs_reading *reading)
{
	int error = ipvs_ready(reading->ipvs);
	if (error)
		return error;
	const struct dump dump = virtual_server_dump(&reading->reader);
	reading->reader.family = reading->ipvs->family;
	ipvs_put_listing(reading->ipvs, IPVS_CMD_GET_SERVICE, NULL);
	conversation_dump_begin(&reading->ipvs->conversation, &dump, &reading->listing);
	reading->stage = LIST;
	return 0;
}

static int list(struct ipvs_reading *reading, int64_t deadline_ns)
{
	int error = conversation_dump_go_on(&reading->ipvs->conversation, &reading->listing, deadline_ns);
	if (error)
		return error;
	sorting_begin(&reading->sorting, reading->reader.virtual_servers.items,
	              reading->reader.virtual_servers.count, sizeof(*reading->reader.virtual_servers.items),
	              order_virtual_servers);
	reading->stage = SORT;
	return 0;
}

static int sort(struct ipvs_reading *reading, int64_t deadline_ns)
{
	size_t left = SORTING_STEPS;
	while (!sorting_go_on(&reading->sorting, &left)) {
		if (deadline_over(deadline_ns))
			return LISTEN_MORE;
		left = SORTING_STEPS;
	}
	sorting_done(&reading->sorting);
	drop_doubles(&reading->reader);
	reading->stage = ASK;
	return 0;
}

static int read_next(struct ipvs_reading *reading)
{
	struct reader *reader = &reading->reader;
	struct virtual_server server = reader->virtual_servers.items[reading->next++];
	int error = read_real_servers(reading->ipvs, reader, &server.key);
	if (error)
		return error == -ESRCH ? 0 : error;
	keep_real_servers(reader, reading->arena, &server);
	reader->virtual_servers.items[reading->kept++] = server;
	return 0;
}

static void give(struct ipvs_reading *reading, const struct virtual_server **ret_servers, size_t *ret_count)
{
	struct virtual_server *servers =
	        arena_new_array(reading->arena, reading->kept, struct virtual_server);
	if (reading->kept)
		memcpy(servers, reading->reader.virtual_servers.items, reading->kept * sizeof(*servers));
	*ret_servers = servers;
	*ret_count = reading->kept;
}

static int ask(struct ipvs_reading *reading, int64_t deadline_ns)
{
	if (!reading->with_real_servers)
		reading->next = reading->kept = reading->reader.virtual_servers.count;
	while (reading->next < reading->reader.virtual_servers.count) {
		int error = read_next(reading);
		if (error)
			return error;
		if (deadline_over(deadline_ns))
			return LISTEN_MORE;
	}
	return 0;
}

int ipvs_reading_go_on(struct ipvs_reading *reading, int64_t deadline_ns,
                       const struct virtual_server **ret_servers, size_t *ret_count)
{
	int error = reading->stage == BEGIN ? begin(reading) : 0;
	if (!error && reading->stage == LIST)
		error = list(reading, deadline_ns);
	if (!error && reading->stage == SORT)
		error = sort(reading, deadline_ns);
	if (!error)
		error = ask(reading, deadline_ns);
	if (error)
		return error;
	give(reading, ret_servers, ret_count);
	return 0;
}

int ipvs_read_real_servers(struct ipvs *ipvs, const struct virtual_server_key *key, struct arena *arena,
                           const struct real_server **ret_servers, size_t *ret_count)
{
	struct virtual_server server = {.key = *key};
	int error = ipvs_ready(ipvs);
	if (error)
		return error;
	struct reader reader = {.family = ipvs->family};
	error = read_real_servers(ipvs, &reader, key);
	if (!error)
		keep_real_servers(&reader, arena, &server);
	else if (error == -ESRCH)
		error = 0;
	vector_done(&reader.real_servers);
	*ret_servers = server.real_servers;
	*ret_count = server.real_server_count;
	return error;
}
