#include "ipvs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <string.h>

void ipvs_init(struct ipvs *ipvs, const struct kernel_transport *transport)
{
	*ipvs = (struct ipvs){0};
	conversation_init(&ipvs->conversation, transport, NETLINK_GENERIC);
}

void ipvs_done(struct ipvs *ipvs)
{
	conversation_done(&ipvs->conversation);
}

static struct message *begin(struct ipvs *ipvs, uint16_t family, uint8_t command, uint8_t version)
{
	const struct genlmsghdr header = {.cmd = command, .version = version};
	message_begin(&ipvs->conversation.message, family, 0, &header, sizeof(header));
	return &ipvs->conversation.message;
}

/* ---- the family's number */

static int take_family(void *context, const struct nlmsghdr *answer)
{
	static const struct nla_policy policy[CTRL_ATTR_MAX + 1] = {
	        [CTRL_ATTR_FAMILY_ID] = {.type = NLA_U16}};
	struct nlattr *attributes[CTRL_ATTR_MAX + 1];
	uint16_t *family = context;
	if (nlmsg_parse((struct nlmsghdr *)answer, GENL_HDRLEN, attributes, CTRL_ATTR_MAX, policy) < 0 ||
	    !attributes[CTRL_ATTR_FAMILY_ID])
		return -EBADMSG;
	*family = nla_get_u16(attributes[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

int ipvs_ready(struct ipvs *ipvs)
{
	if (ipvs->conversation.socket)
		return 0;
	int error = conversation_open(&ipvs->conversation);
	if (error)
		return error;
	uint16_t family = 0;
	struct message *message = begin(ipvs, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	message_put_text(message, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME);
	error = conversation_ask(&ipvs->conversation, take_family, &family);
	if (!error && family < NLMSG_MIN_TYPE)
		error = -EBADMSG;
	if (!error) {
		ipvs->family = family;
		return 0;
	}
	conversation_close(&ipvs->conversation);
	/* ENOENT means other things to the callers: no such scheduler, no such real server. */
	return error == -ENOENT ? -EOPNOTSUPP : error;
}

/* ---- building */

static uint16_t socket_family(const struct address *address)
{
	return address->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
}

static void put_address(struct message *message, uint16_t type, const struct address *address)
{
	message_put(message, type, address->bytes, family_bits(address->family) / 8);
}

/* What names a virtual server: all that the kernel wants of it in a message about a real server. */
static void put_key(struct message *message, const struct virtual_server_key *key)
{
	message_put_u16(message, IPVS_SVC_ATTR_AF, socket_family(&key->address));
	if (key->firewall_mark) {
		message_put_u32(message, IPVS_SVC_ATTR_FWMARK, key->firewall_mark);
		return;
	}
	message_put_u16(message, IPVS_SVC_ATTR_PROTOCOL, key->protocol);
	put_address(message, IPVS_SVC_ATTR_ADDR, &key->address);
	message_put_u16(message, IPVS_SVC_ATTR_PORT, htons(key->port));
}

/* IPv4: the mask's bits in network order; IPv6: the prefix length in host order (ip_vs_genl_parse_service).
 */
static uint32_t netmask_value(const struct virtual_server *server)
{
	if (server->key.address.family == FAMILY_IPV6)
		return server->netmask_bits;
	return server->netmask_bits ? htonl(UINT32_MAX << (32 - server->netmask_bits)) : 0;
}

void ipvs_put_virtual_server(struct ipvs *ipvs, uint8_t command, const struct virtual_server *server)
{
	/* HASHED is the kernel's own; a mask of all ones clears whatever else somebody set (R4.3). */
	struct ip_vs_flags flags = {.flags = server->flags & ~(uint32_t)VIRTUAL_SERVER_HASHED,
	                            .mask = UINT32_MAX};
	struct message *message = begin(ipvs, ipvs->family, command, IPVS_GENL_VERSION);
	struct nlattr *nest = message_begin_nest(message, IPVS_CMD_ATTR_SERVICE);
	put_key(message, &server->key);
	message_put_text(message, IPVS_SVC_ATTR_SCHED_NAME, server->scheduler);
	if (server->engine[0])
		message_put_text(message, IPVS_SVC_ATTR_PE_NAME, server->engine);
	message_put(message, IPVS_SVC_ATTR_FLAGS, &flags, sizeof(flags));
	message_put_u32(message, IPVS_SVC_ATTR_TIMEOUT, server->timeout_seconds);
	message_put_u32(message, IPVS_SVC_ATTR_NETMASK, netmask_value(server));
	message_end_nest(message, nest);
}

static struct message *begin_with_key(struct ipvs *ipvs, uint8_t command,
                                      const struct virtual_server_key *key)
{
	struct message *message = begin(ipvs, ipvs->family, command, IPVS_GENL_VERSION);
	struct nlattr *nest = message_begin_nest(message, IPVS_CMD_ATTR_SERVICE);
	put_key(message, key);
	message_end_nest(message, nest);
	return message;
}

void ipvs_put_virtual_server_removal(struct ipvs *ipvs, const struct virtual_server_key *key)
{
	begin_with_key(ipvs, IPVS_CMD_DEL_SERVICE, key);
}

/* The kernel takes the virtual server's family when none is given, and kernels before 3.18 know no other. */
static void put_real_server_key(struct message *message, const struct virtual_server_key *key,
                                const struct real_server *server)
{
	put_address(message, IPVS_DEST_ATTR_ADDR, &server->address);
	message_put_u16(message, IPVS_DEST_ATTR_PORT, htons(server->port));
	if (server->address.family != key->address.family)
		message_put_u16(message, IPVS_DEST_ATTR_ADDR_FAMILY, socket_family(&server->address));
}

static void put_tunnel(struct message *message, const struct real_server *server)
{
	message_put_u8(message, IPVS_DEST_ATTR_TUN_TYPE, server->tunnel_type);
	message_put_u16(message, IPVS_DEST_ATTR_TUN_PORT, htons(server->tunnel_port));
	message_put_u16(message, IPVS_DEST_ATTR_TUN_FLAGS, server->tunnel_flags);
}

void ipvs_put_real_server(struct ipvs *ipvs, uint8_t command, const struct virtual_server_key *key,
                          const struct real_server *server)
{
	struct message *message = begin_with_key(ipvs, command, key);
	struct nlattr *nest = message_begin_nest(message, IPVS_CMD_ATTR_DEST);
	put_real_server_key(message, key, server);
	message_put_u32(message, IPVS_DEST_ATTR_FWD_METHOD, server->forwarding);
	message_put_u32(message, IPVS_DEST_ATTR_WEIGHT, server->weight);
	message_put_u32(message, IPVS_DEST_ATTR_U_THRESH, server->upper_threshold);
	message_put_u32(message, IPVS_DEST_ATTR_L_THRESH, server->lower_threshold);
	if (server->forwarding == FORWARD_TUNNEL && server->tunnel_type)
		put_tunnel(message, server);
	message_end_nest(message, nest);
}

void ipvs_put_real_server_removal(struct ipvs *ipvs, const struct virtual_server_key *key,
                                  const struct real_server *server)
{
	struct message *message = begin_with_key(ipvs, IPVS_CMD_DEL_DEST, key);
	struct nlattr *nest = message_begin_nest(message, IPVS_CMD_ATTR_DEST);
	put_real_server_key(message, key, server);
	message_end_nest(message, nest);
}

/* The kernel insists on a service attribute even where it lists all of them, and then it is empty. */
void ipvs_put_listing(struct ipvs *ipvs, uint8_t command, const struct virtual_server_key *key)
{
	if (key) {
		begin_with_key(ipvs, command, key);
		return;
	}
	struct message *message = begin(ipvs, ipvs->family, command, IPVS_GENL_VERSION);
	message_put(message, IPVS_CMD_ATTR_SERVICE, NULL, 0);
}

/* ---- small exchanges */

static int take_info(void *context, const struct nlmsghdr *answer)
{
	static const struct nla_policy policy[IPVS_INFO_ATTR_MAX + 1] = {
	        [IPVS_INFO_ATTR_VERSION] = {.type = NLA_U32},
	        [IPVS_INFO_ATTR_CONN_TAB_SIZE] = {.type = NLA_U32},
	};
	struct nlattr *attributes[IPVS_INFO_ATTR_MAX + 1];
	struct kernel_info *info = context;
	if (nlmsg_parse((struct nlmsghdr *)answer, GENL_HDRLEN, attributes, IPVS_INFO_ATTR_MAX, policy) < 0 ||
	    !attributes[IPVS_INFO_ATTR_VERSION] || !attributes[IPVS_INFO_ATTR_CONN_TAB_SIZE])
		return -EBADMSG;
	info->version = nla_get_u32(attributes[IPVS_INFO_ATTR_VERSION]);
	info->connection_table_size = nla_get_u32(attributes[IPVS_INFO_ATTR_CONN_TAB_SIZE]);
	return 0;
}

int ipvs_read_info(struct ipvs *ipvs, struct kernel_info *ret_info)
{
	int error = ipvs_ready(ipvs);
	if (error)
		return error;
	struct kernel_info info = {0};
	begin(ipvs, ipvs->family, IPVS_CMD_GET_INFO, IPVS_GENL_VERSION);
	error = conversation_ask(&ipvs->conversation, take_info, &info);
	if (!error)
		*ret_info = info;
	return error;
}

int ipvs_set_timeouts(struct ipvs *ipvs, const struct kernel_timeouts *timeouts)
{
	int error = ipvs_ready(ipvs);
	if (error)
		return error;
	struct message *message = begin(ipvs, ipvs->family, IPVS_CMD_SET_CONFIG, IPVS_GENL_VERSION);
	/* 0 keeps the present value (ip_vs_set_timeout). */
	message_put_u32(message, IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts->tcp_seconds);
	message_put_u32(message, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts->tcp_fin_seconds);
	message_put_u32(message, IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts->udp_seconds);
	return conversation_ask(&ipvs->conversation, NULL, NULL);
}

/* ---- the probe (R8.9): a virtual server on an address that is reserved for it */

static void probe_virtual_server(const char *scheduler, struct virtual_server *ret_server)
{
	*ret_server = (struct virtual_server){.netmask_bits = 32};
	ret_server->key = (struct virtual_server_key){
	        .address = {.family = FAMILY_IPV4, .bytes = {198, 51, 100, 0}},
	        .protocol = PROTOCOL_TCP,
	        .port = 20000,
	};
	strncpy(ret_server->scheduler, scheduler, sizeof(ret_server->scheduler) - 1);
}

static int ask_virtual_server(struct ipvs *ipvs, uint8_t command, const struct virtual_server *server)
{
	int error = ipvs_ready(ipvs);
	if (error)
		return error;
	if (command == IPVS_CMD_DEL_SERVICE)
		ipvs_put_virtual_server_removal(ipvs, &server->key);
	else
		ipvs_put_virtual_server(ipvs, command, server);
	return conversation_ask(&ipvs->conversation, NULL, NULL);
}

int ipvs_probe_scheduler(struct ipvs *ipvs, const char *scheduler)
{
	struct virtual_server probe;
	if (strlen(scheduler) >= sizeof(probe.scheduler))
		return -ENOENT;
	probe_virtual_server(scheduler, &probe);
	int error = ask_virtual_server(ipvs, IPVS_CMD_NEW_SERVICE, &probe);
	/* Left behind by a process that was killed in between. */
	if (error == -EEXIST)
		error = ask_virtual_server(ipvs, IPVS_CMD_SET_SERVICE, &probe);
	/* Whatever was answered, and even if nothing was: it must not stay. */
	int removal_error = ask_virtual_server(ipvs, IPVS_CMD_DEL_SERVICE, &probe);
	if (error)
		return error;
	return removal_error == -ESRCH ? 0 : removal_error;
}
