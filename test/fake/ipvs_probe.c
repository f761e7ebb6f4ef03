#include "ipvs_probe.h"

#include "base/check.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint16_t find_family(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	CHECK(sock && genl_connect(sock) == 0);
	int family = genl_ctrl_resolve(sock, IPVS_GENL_NAME);
	nl_socket_free(sock);
	CHECK(family > 0);
	return (uint16_t)family;
}

void ipvs_probe_open(struct ipvs_probe *probe)
{
	probe->family = find_family();
	probe->buffer = memory_alloc(PROBE_BUFFER_BYTES);
	probe->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	CHECK(probe->fd >= 0);
}

void ipvs_probe_close(struct ipvs_probe *probe)
{
	if (probe->buffer)
		close(probe->fd);
	memory_free_pointer(&probe->buffer);
	probe->buffer = NULL;
}

/* ---- building */

static void put(struct nlmsghdr *message, uint16_t type, const void *content, size_t length)
{
	struct nlattr *attribute = (struct nlattr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
	*attribute = (struct nlattr){.nla_len = (uint16_t)(sizeof(*attribute) + length), .nla_type = type};
	memcpy(attribute + 1, content, length);
	message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + NLMSG_ALIGN(attribute->nla_len);
}

static void put_key(struct nlmsghdr *message, const struct virtual_server_key *key)
{
	uint16_t af = key->address.family == FAMILY_IPV6 ? AF_INET6 : AF_INET, protocol = key->protocol,
	         port = htons(key->port);
	struct nlattr *nest = (struct nlattr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
	put(message, NLA_F_NESTED | IPVS_CMD_ATTR_SERVICE, "", 0);
	put(message, IPVS_SVC_ATTR_AF, &af, sizeof(af));
	put(message, IPVS_SVC_ATTR_PROTOCOL, &protocol, sizeof(protocol));
	put(message, IPVS_SVC_ATTR_ADDR, key->address.bytes, sizeof(key->address.bytes));
	put(message, IPVS_SVC_ATTR_PORT, &port, sizeof(port));
	nest->nla_len = (uint16_t)((char *)message + message->nlmsg_len - (char *)nest);
}

const struct nlmsghdr *ipvs_probe_listing(const struct ipvs_probe *probe,
                                          const struct virtual_server_key *key,
                                          char ret_message[static PROBE_MESSAGE_BYTES])
{
	struct nlmsghdr *message = memset(ret_message, 0, PROBE_MESSAGE_BYTES);
	struct genlmsghdr *header = NLMSG_DATA(message);
	*message = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof(*header)),
	                             .nlmsg_type = probe->family,
	                             .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP};
	*header = (struct genlmsghdr){.cmd = key ? IPVS_CMD_GET_DEST : IPVS_CMD_GET_SERVICE,
	                              .version = IPVS_GENL_VERSION};
	if (key)
		put_key(message, key);
	return message;
}

/* ---- asking */

typedef void (*take_function)(void *context, struct nlmsghdr *answer);

static int dump(int fd, const struct nlmsghdr *message, char *buffer, take_function take, void *context)
{
	if (send(fd, message, message->nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t got = recv(fd, buffer, PROBE_BUFFER_BYTES, 0);
		if (got < 0)
			return -errno;
		int left = (int)got;
		for (struct nlmsghdr *answer = (struct nlmsghdr *)buffer; nlmsg_ok(answer, left);
		     answer = nlmsg_next(answer, &left)) {
			if (answer->nlmsg_type == NLMSG_DONE)
				return *(int *)NLMSG_DATA(answer);
			if (answer->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(answer))->error;
			if (take)
				take(context, answer);
		}
	}
}

int ipvs_probe_dump(int fd, const struct nlmsghdr *message, char *buffer)
{
	return dump(fd, message, buffer, NULL, NULL);
}

struct found {
	struct real_server *items;
	size_t count, most;
};

static void take_real_server(void *context, struct nlmsghdr *answer)
{
	struct found *found = context;
	struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1], *inner[IPVS_DEST_ATTR_MAX + 1];
	CHECK(genlmsg_parse(answer, 0, outer, IPVS_CMD_ATTR_MAX, NULL) >= 0 && outer[IPVS_CMD_ATTR_DEST]);
	CHECK(nla_parse_nested(inner, IPVS_DEST_ATTR_MAX, outer[IPVS_CMD_ATTR_DEST], NULL) >= 0);
	if (found->count == found->most)
		return;
	struct real_server *server = &found->items[found->count++];
	bool ipv6 = nla_get_u16(inner[IPVS_DEST_ATTR_ADDR_FAMILY]) == AF_INET6;
	*server = (struct real_server){.address.family = ipv6 ? FAMILY_IPV6 : FAMILY_IPV4,
	                               .port = ntohs(nla_get_u16(inner[IPVS_DEST_ATTR_PORT])),
	                               .weight = nla_get_u32(inner[IPVS_DEST_ATTR_WEIGHT])};
	memcpy(server->address.bytes, nla_data(inner[IPVS_DEST_ATTR_ADDR]), ipv6 ? 16 : 4);
}

int ipvs_probe_read(struct ipvs_probe *probe, const struct virtual_server_key *key, struct real_server *items,
                    size_t most)
{
	char message[PROBE_MESSAGE_BYTES];
	struct found found = {.items = items, .most = most};
	int error = dump(probe->fd, ipvs_probe_listing(probe, key, message), probe->buffer, take_real_server,
	                 &found);
	return error ? error : (int)found.count;
}
