/*
 * After how long a silence IPVS forgets a connection.
 */
#include "apply/kernel.h"
#include "kernel_parts.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

static int take_timeouts(void *context, const struct nlmsghdr *answer)
{
	static const struct nla_policy policy[IPVS_CMD_ATTR_MAX + 1] = {
	        [IPVS_CMD_ATTR_TIMEOUT_TCP] = {.type = NLA_U32},
	        [IPVS_CMD_ATTR_TIMEOUT_TCP_FIN] = {.type = NLA_U32},
	        [IPVS_CMD_ATTR_TIMEOUT_UDP] = {.type = NLA_U32},
	};
	struct nlattr *attributes[IPVS_CMD_ATTR_MAX + 1];
	struct kernel_timeouts *timeouts = context;
	if (nlmsg_parse((struct nlmsghdr *)answer, GENL_HDRLEN, attributes, IPVS_CMD_ATTR_MAX, policy) < 0 ||
	    !attributes[IPVS_CMD_ATTR_TIMEOUT_TCP] || !attributes[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN] ||
	    !attributes[IPVS_CMD_ATTR_TIMEOUT_UDP])
		return -EBADMSG;
	timeouts->tcp_seconds = nla_get_u32(attributes[IPVS_CMD_ATTR_TIMEOUT_TCP]);
	timeouts->tcp_fin_seconds = nla_get_u32(attributes[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN]);
	timeouts->udp_seconds = nla_get_u32(attributes[IPVS_CMD_ATTR_TIMEOUT_UDP]);
	return 0;
}

int kernel_read_timeouts(struct kernel *kernel, struct kernel_timeouts *ret_timeouts)
{
	struct kernel_timeouts timeouts = {0};
	int error = ipvs_ready(&kernel->ipvs);
	if (error)
		return error;
	ipvs_put_listing(&kernel->ipvs, IPVS_CMD_GET_CONFIG, NULL);
	error = conversation_ask(&kernel->ipvs.conversation, take_timeouts, &timeouts);
	if (!error)
		*ret_timeouts = timeouts;
	return error;
}
