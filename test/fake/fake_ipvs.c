/*
 * The fake's IPVS, by the rules of net/netfilter/ipvs/ip_vs_ctl.c.
 */
#include "fake_kernel.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <string.h>

enum { FAKE_VERSION = 0x010201, FAKE_TABLE_SIZE = 4096, LONGEST_TIMEOUT = INT32_MAX / 250 };

/* ---- generic netlink's own answers */

static struct nl_msg *new_answer(uint16_t family, uint8_t command)
{
	struct nl_msg *message = nlmsg_alloc();
	CHECK(message && genlmsg_put(message, 0, 0, family, 0, 0, command, 1));
	return message;
}

static int answer_family(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request)
{
	struct nlattr *name = nlmsg_find_attr(request, GENL_HDRLEN, CTRL_ATTR_FAMILY_NAME);
	if (fake->failures.no_family || !name || nla_strcmp(name, "IPVS") != 0)
		return -ENOENT;
	struct nl_msg *message = new_answer(GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);
	CHECK(nla_put_string(message, CTRL_ATTR_FAMILY_NAME, "IPVS") == 0);
	CHECK(nla_put_u16(message, CTRL_ATTR_FAMILY_ID, FAKE_FAMILY) == 0);
	fake_answer(socket, request, message, false);
	return 0;
}

static int answer_info(struct fake_socket *socket, const struct nlmsghdr *request)
{
	struct nl_msg *message = new_answer(FAKE_FAMILY, IPVS_CMD_SET_INFO);
	CHECK(nla_put_u32(message, IPVS_INFO_ATTR_VERSION, FAKE_VERSION) == 0);
	CHECK(nla_put_u32(message, IPVS_INFO_ATTR_CONN_TAB_SIZE, FAKE_TABLE_SIZE) == 0);
	fake_answer(socket, request, message, false);
	return 0;
}

static int answer_timeouts(struct fake_kernel *fake, struct fake_socket *socket,
                           const struct nlmsghdr *request)
{
	struct nl_msg *message = new_answer(FAKE_FAMILY, IPVS_CMD_SET_CONFIG);
	for (int i = 0; i < 3; i++)
		CHECK(nla_put_u32(message, IPVS_CMD_ATTR_TIMEOUT_TCP + i, fake->timeouts[i]) == 0);
	fake_answer(socket, request, message, false);
	return 0;
}

/* ---- reading requests */

static uint8_t family_of(uint16_t number)
{
	return number == AF_INET ? FAMILY_IPV4 : number == AF_INET6 ? FAMILY_IPV6 : FAMILY_NONE;
}

static struct address address_of(struct nlattr *attribute, uint8_t family)
{
	struct address address = {.family = family};
	size_t length = family_bits(family) / 8;
	CHECK(nla_len(attribute) == (int)length);
	memcpy(address.bytes, nla_data(attribute), length);
	return address;
}

static int read_key(struct nlattr **attributes, struct virtual_server_key *ret_key)
{
	if (!attributes[IPVS_SVC_ATTR_AF])
		return -EINVAL;
	uint8_t family = family_of(nla_get_u16(attributes[IPVS_SVC_ATTR_AF]));
	if (family == FAMILY_NONE)
		return -EAFNOSUPPORT;
	*ret_key = (struct virtual_server_key){.address.family = family};
	if (attributes[IPVS_SVC_ATTR_FWMARK]) {
		ret_key->firewall_mark = nla_get_u32(attributes[IPVS_SVC_ATTR_FWMARK]);
		return 0;
	}
	if (!attributes[IPVS_SVC_ATTR_PROTOCOL] || !attributes[IPVS_SVC_ATTR_ADDR] ||
	    !attributes[IPVS_SVC_ATTR_PORT])
		return -EINVAL;
	ret_key->protocol = (uint8_t)nla_get_u16(attributes[IPVS_SVC_ATTR_PROTOCOL]);
	ret_key->port = ntohs(nla_get_u16(attributes[IPVS_SVC_ATTR_PORT]));
	ret_key->address = address_of(attributes[IPVS_SVC_ATTR_ADDR], family);
	return 0;
}

static bool known_scheduler(const struct fake_kernel *fake, const char *name)
{
	for (size_t i = 0; fake->schedulers[i]; i++)
		if (strcmp(fake->schedulers[i], name) == 0)
			return true;
	return false;
}

static int read_netmask(struct nlattr *attribute, uint8_t family, uint8_t *ret_bits)
{
	uint32_t mask = nla_get_u32(attribute);
	if (family == FAMILY_IPV6 && (mask < 1 || mask > 128))
		return -EINVAL;
	*ret_bits = family == FAMILY_IPV6 ? (uint8_t)mask : (uint8_t)__builtin_popcount(mask);
	return 0;
}

/* Fills in all but the key. */
static int read_virtual_server(const struct fake_kernel *fake, struct nlattr **attributes,
                               struct virtual_server *server)
{
	if (!attributes[IPVS_SVC_ATTR_SCHED_NAME] || !attributes[IPVS_SVC_ATTR_FLAGS] ||
	    !attributes[IPVS_SVC_ATTR_TIMEOUT] || !attributes[IPVS_SVC_ATTR_NETMASK])
		return -EINVAL;
	if (!known_scheduler(fake, nla_get_string(attributes[IPVS_SVC_ATTR_SCHED_NAME])))
		return -ENOENT;
	int error = read_netmask(attributes[IPVS_SVC_ATTR_NETMASK], server->key.address.family,
	                         &server->netmask_bits);
	if (error)
		return error;
	struct ip_vs_flags flags;
	nla_memcpy(&flags, attributes[IPVS_SVC_ATTR_FLAGS], sizeof(flags));
	nla_strlcpy(server->scheduler, attributes[IPVS_SVC_ATTR_SCHED_NAME], sizeof(server->scheduler));
	server->engine[0] = '\0';
	if (attributes[IPVS_SVC_ATTR_PE_NAME])
		nla_strlcpy(server->engine, attributes[IPVS_SVC_ATTR_PE_NAME], sizeof(server->engine));
	server->flags = (server->flags & ~flags.mask) | (flags.flags & flags.mask) | VIRTUAL_SERVER_HASHED;
	server->timeout_seconds = nla_get_u32(attributes[IPVS_SVC_ATTR_TIMEOUT]);
	return 0;
}

static int read_content(struct nlattr **attributes, const struct virtual_server_key *key,
                        struct real_server *server)
{
	if (!attributes[IPVS_DEST_ATTR_FWD_METHOD] || !attributes[IPVS_DEST_ATTR_WEIGHT] ||
	    !attributes[IPVS_DEST_ATTR_U_THRESH] || !attributes[IPVS_DEST_ATTR_L_THRESH])
		return -EINVAL;
	server->forwarding = nla_get_u32(attributes[IPVS_DEST_ATTR_FWD_METHOD]) & IP_VS_CONN_F_FWD_MASK;
	server->weight = nla_get_u32(attributes[IPVS_DEST_ATTR_WEIGHT]);
	server->upper_threshold = nla_get_u32(attributes[IPVS_DEST_ATTR_U_THRESH]);
	server->lower_threshold = nla_get_u32(attributes[IPVS_DEST_ATTR_L_THRESH]);
	if (attributes[IPVS_DEST_ATTR_TUN_TYPE])
		server->tunnel_type = nla_get_u8(attributes[IPVS_DEST_ATTR_TUN_TYPE]);
	if (attributes[IPVS_DEST_ATTR_TUN_PORT])
		server->tunnel_port = ntohs(nla_get_u16(attributes[IPVS_DEST_ATTR_TUN_PORT]));
	if (attributes[IPVS_DEST_ATTR_TUN_FLAGS])
		server->tunnel_flags = nla_get_u16(attributes[IPVS_DEST_ATTR_TUN_FLAGS]);
	if (server->address.family != key->address.family && server->forwarding != FORWARD_TUNNEL)
		return -EINVAL;
	return server->lower_threshold > server->upper_threshold ? -ERANGE : 0;
}

static int read_real_server(struct nlattr *nest, const struct virtual_server_key *key, bool whole,
                            struct real_server *ret_server)
{
	struct nlattr *attributes[IPVS_DEST_ATTR_MAX + 1];
	if (!nest || nla_parse_nested(attributes, IPVS_DEST_ATTR_MAX, nest, NULL) < 0 ||
	    !attributes[IPVS_DEST_ATTR_ADDR] || !attributes[IPVS_DEST_ATTR_PORT])
		return -EINVAL;
	struct nlattr *said = attributes[IPVS_DEST_ATTR_ADDR_FAMILY];
	uint8_t family = said ? family_of(nla_get_u16(said)) : key->address.family;
	*ret_server = (struct real_server){.address = address_of(attributes[IPVS_DEST_ATTR_ADDR], family),
	                                   .port = ntohs(nla_get_u16(attributes[IPVS_DEST_ATTR_PORT]))};
	return whole ? read_content(attributes, key, ret_server) : 0;
}

/* ---- changes */

static struct fake_virtual_server *find(struct fake_kernel *fake, const struct virtual_server_key *key)
{
	vector_for_each (&fake->virtual_servers, entry)
		if (virtual_server_key_compare(&entry->server.key, key) == 0)
			return entry;
	return NULL;
}

static int add_virtual_server(struct fake_kernel *fake, struct nlattr **attributes,
                              const struct virtual_server_key *key)
{
	struct virtual_server fresh = {.key = *key, .rank = RANK_OTHER};
	if (find(fake, key))
		return -EEXIST;
	int error = read_virtual_server(fake, attributes, &fresh);
	if (!error)
		fake_kernel_put(fake, &fresh);
	return error;
}

static int edit_virtual_server(struct fake_kernel *fake, struct nlattr **attributes,
                               struct virtual_server *present, bool *ret_needless)
{
	struct virtual_server before = *present;
	int error = read_virtual_server(fake, attributes, present);
	*ret_needless = virtual_server_same(&before, present);
	return error;
}

static int change_virtual_server(struct fake_kernel *fake, uint8_t command, struct nlattr **attributes,
                                 const struct virtual_server_key *key, bool *ret_needless)
{
	struct fake_virtual_server *present = find(fake, key);
	if (command == IPVS_CMD_NEW_SERVICE)
		return add_virtual_server(fake, attributes, key);
	if (!present)
		return -ESRCH;
	if (command == IPVS_CMD_SET_SERVICE)
		return edit_virtual_server(fake, attributes, &present->server, ret_needless);
	vector_done(&present->real_servers);
	*present = fake->virtual_servers.items[--fake->virtual_servers.count];
	return 0;
}

static struct real_server *find_real_server(struct fake_virtual_server *owner,
                                            const struct real_server *server)
{
	vector_for_each (&owner->real_servers, present)
		if (real_server_compare(present, server) == 0)
			return present;
	return NULL;
}

static int change_real_server(struct fake_virtual_server *owner, uint8_t command, struct nlattr *nest,
                              struct real_server *ret_server, bool *ret_needless)
{
	struct real_server server;
	int error = read_real_server(nest, &owner->server.key, command != IPVS_CMD_DEL_DEST, &server);
	if (error)
		return error;
	*ret_server = server;
	struct real_server *present = find_real_server(owner, &server);
	if (command == IPVS_CMD_NEW_DEST) {
		if (present)
			return -EEXIST;
		vector_push(&owner->real_servers, server);
		return 0;
	}
	if (!present)
		return -ENOENT;
	if (command == IPVS_CMD_DEL_DEST)
		*ret_server = *present;
	server.active_connections = present->active_connections;
	server.inactive_connections = present->inactive_connections;
	server.persistent_connections = present->persistent_connections;
	if (command == IPVS_CMD_DEL_DEST)
		server = owner->real_servers.items[--owner->real_servers.count];
	*ret_needless = command == IPVS_CMD_SET_DEST && real_server_same(present, &server);
	*present = server;
	return 0;
}

static enum fake_deed deed_of(uint8_t command)
{
	switch (command) {
	case IPVS_CMD_NEW_SERVICE:
	case IPVS_CMD_NEW_DEST:
		return FAKE_ADD;
	case IPVS_CMD_SET_SERVICE:
	case IPVS_CMD_SET_DEST:
		return FAKE_CHANGE;
	default:
		return FAKE_REMOVE;
	}
}

/* `destination` NULL: it is about the virtual server itself. */
static int change_and_tell(struct fake_kernel *fake, uint8_t command, struct nlattr **attributes,
                           const struct virtual_server_key *key, struct nlattr *destination)
{
	struct real_server server = {0};
	struct fake_event event = {.deed = deed_of(command), .key = key};
	if (command <= IPVS_CMD_DEL_SERVICE) {
		event.error = change_virtual_server(fake, command, attributes, key, &event.needless);
	} else {
		struct fake_virtual_server *owner = find(fake, key);
		event.real_server = &server;
		event.error =
		        owner ? change_real_server(owner, command, destination, &server, &event.needless)
		              : -ESRCH;
	}
	event.needless |= event.error != 0;
	fake_tell(fake, &event);
	return event.error;
}

/* ---- dumps */

static void put_padded_address(struct nl_msg *message, int type, const struct address *address)
{
	CHECK(nla_put(message, type, sizeof(address->bytes), address->bytes) == 0);
}

static uint16_t number_of(uint8_t family)
{
	return family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
}

static void put_key(struct nl_msg *message, const struct fake_virtual_server *entry)
{
	const struct virtual_server_key *key = &entry->server.key;
	CHECK(nla_put_u16(message, IPVS_SVC_ATTR_AF, number_of(key->address.family)) == 0);
	if (key->firewall_mark) {
		CHECK(nla_put_u32(message, IPVS_SVC_ATTR_FWMARK, key->firewall_mark) == 0);
		return;
	}
	CHECK(nla_put_u16(message, IPVS_SVC_ATTR_PROTOCOL, key->protocol) == 0);
	if (!entry->without_address)
		put_padded_address(message, IPVS_SVC_ATTR_ADDR, &key->address);
	CHECK(nla_put_u16(message, IPVS_SVC_ATTR_PORT, htons(key->port)) == 0);
}

static void put_virtual_server(struct nl_msg *message, const struct fake_virtual_server *entry)
{
	const struct virtual_server *server = &entry->server;
	struct ip_vs_flags flags = {.flags = server->flags, .mask = UINT32_MAX};
	uint32_t mask = server->netmask_bits;
	if (server->key.address.family == FAMILY_IPV4)
		mask = mask ? htonl(UINT32_MAX << (32 - mask)) : 0;
	put_key(message, entry);
	CHECK(nla_put_string(message, IPVS_SVC_ATTR_SCHED_NAME, server->scheduler) == 0);
	if (server->engine[0])
		CHECK(nla_put_string(message, IPVS_SVC_ATTR_PE_NAME, server->engine) == 0);
	CHECK(nla_put(message, IPVS_SVC_ATTR_FLAGS, sizeof(flags), &flags) == 0);
	CHECK(nla_put_u32(message, IPVS_SVC_ATTR_TIMEOUT, server->timeout_seconds) == 0);
	CHECK(nla_put_u32(message, IPVS_SVC_ATTR_NETMASK, mask) == 0);
}

static int dump_virtual_servers(struct fake_kernel *fake, struct fake_socket *socket,
                                const struct nlmsghdr *request)
{
	vector_for_each (&fake->virtual_servers, entry) {
		struct nl_msg *message = new_answer(FAKE_FAMILY, IPVS_CMD_NEW_SERVICE);
		struct nlattr *nest = nla_nest_start(message, IPVS_CMD_ATTR_SERVICE);
		put_virtual_server(message, entry);
		nla_nest_end(message, nest);
		fake_answer(socket, request, message, true);
	}
	return 0;
}

static void put_real_server(struct nl_msg *message, const struct real_server *server, bool with_family)
{
	put_padded_address(message, IPVS_DEST_ATTR_ADDR, &server->address);
	CHECK(nla_put_u16(message, IPVS_DEST_ATTR_PORT, htons(server->port)) == 0);
	CHECK(nla_put_u32(message, IPVS_DEST_ATTR_FWD_METHOD, server->forwarding) == 0);
	CHECK(nla_put_u32(message, IPVS_DEST_ATTR_WEIGHT, server->weight) == 0);
	CHECK(nla_put_u32(message, IPVS_DEST_ATTR_U_THRESH, server->upper_threshold) == 0);
	CHECK(nla_put_u32(message, IPVS_DEST_ATTR_L_THRESH, server->lower_threshold) == 0);
	CHECK(nla_put_u32(message, IPVS_DEST_ATTR_ACTIVE_CONNS, server->active_connections) == 0);
	CHECK(nla_put_u32(message, IPVS_DEST_ATTR_INACT_CONNS, server->inactive_connections) == 0);
	CHECK(nla_put_u32(message, IPVS_DEST_ATTR_PERSIST_CONNS, server->persistent_connections) == 0);
	CHECK(nla_put_u8(message, IPVS_DEST_ATTR_TUN_TYPE, server->tunnel_type) == 0);
	CHECK(nla_put_u16(message, IPVS_DEST_ATTR_TUN_PORT, htons(server->tunnel_port)) == 0);
	CHECK(nla_put_u16(message, IPVS_DEST_ATTR_TUN_FLAGS, server->tunnel_flags) == 0);
	if (with_family)
		CHECK(nla_put_u16(message, IPVS_DEST_ATTR_ADDR_FAMILY, number_of(server->address.family)) ==
		      0);
}

/* As the kernel: an unknown virtual server has no real servers, and that is no failure. */
static int dump_real_servers(struct fake_virtual_server *owner, struct fake_socket *socket,
                             const struct nlmsghdr *request)
{
	if (!owner)
		return 0;
	vector_for_each (&owner->real_servers, server) {
		struct nl_msg *message = new_answer(FAKE_FAMILY, IPVS_CMD_NEW_DEST);
		struct nlattr *nest = nla_nest_start(message, IPVS_CMD_ATTR_DEST);
		put_real_server(message, server, !owner->without_real_server_family);
		nla_nest_end(message, nest);
		fake_answer(socket, request, message, true);
	}
	return 0;
}

/* ---- the whole */

static int set_timeouts(struct fake_kernel *fake, struct nlattr **attributes)
{
	for (int i = 0; i < 3; i++) {
		struct nlattr *attribute = attributes[IPVS_CMD_ATTR_TIMEOUT_TCP + i];
		uint32_t seconds = attribute ? nla_get_u32(attribute) : 0;
		if (seconds > LONGEST_TIMEOUT)
			return -EINVAL;
		if (seconds)
			fake->timeouts[i] = seconds;
	}
	return 0;
}

/* Commands that name a virtual server. */
static int handle_named(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request,
                        uint8_t command, struct nlattr **outer)
{
	struct nlattr *attributes[IPVS_SVC_ATTR_MAX + 1];
	struct virtual_server_key key;
	if (!outer[IPVS_CMD_ATTR_SERVICE] ||
	    nla_parse_nested(attributes, IPVS_SVC_ATTR_MAX, outer[IPVS_CMD_ATTR_SERVICE], NULL) < 0)
		return -EINVAL;
	int error = read_key(attributes, &key);
	if (error)
		return error;
	if (command == IPVS_CMD_GET_DEST)
		return dump_real_servers(find(fake, &key), socket, request);
	return change_and_tell(fake, command, attributes, &key, outer[IPVS_CMD_ATTR_DEST]);
}

int fake_ipvs_handle(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request)
{
	struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1];
	uint8_t command = genlmsg_hdr(request)->cmd;
	if (request->nlmsg_type == GENL_ID_CTRL)
		return answer_family(fake, socket, request);
	if (request->nlmsg_type != FAKE_FAMILY || fake->failures.no_family)
		return -ENOENT;
	if (fake->failures.no_permission)
		return -EPERM;
	if (nlmsg_parse(request, GENL_HDRLEN, outer, IPVS_CMD_ATTR_MAX, NULL) < 0)
		return -EINVAL;
	switch (command) {
	case IPVS_CMD_GET_INFO:
		return answer_info(socket, request);
	case IPVS_CMD_GET_CONFIG:
		return answer_timeouts(fake, socket, request);
	case IPVS_CMD_SET_CONFIG:
		return set_timeouts(fake, outer);
	case IPVS_CMD_GET_SERVICE:
		return dump_virtual_servers(fake, socket, request);
	default:
		return handle_named(fake, socket, request, command, outer);
	}
}
