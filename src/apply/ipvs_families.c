/*
 * Whether there are virtual servers of IPv6: one dump, of which one attribute counts.
 */
#include "attributes.h"
#include "kernel_parts.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <sys/socket.h>

struct search {
	uint16_t family; /* of generic netlink */
	bool found;
};

static int look_at_virtual_server(void *context, const struct nlmsghdr *answer)
{
	static const uint8_t lengths[IPVS_SVC_ATTR_MAX + 1] = {[IPVS_SVC_ATTR_AF] = 2},
	                                                 any[IPVS_CMD_ATTR_MAX + 1] = {0};
	const struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1], *attributes[IPVS_SVC_ATTR_MAX + 1];
	struct search *search = context;
	if (answer->nlmsg_type != search->family || answer->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
		return -EBADMSG;
	const char *content = (const char *)NLMSG_DATA(answer) + GENL_HDRLEN;
	if (!attributes_parse(content, answer->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), outer,
	                      IPVS_CMD_ATTR_MAX, any))
		return -EBADMSG;
	const struct nlattr *service = outer[IPVS_CMD_ATTR_SERVICE];
	if (!service || !attributes_parse(attribute_content(service), attribute_length(service), attributes,
	                                  IPVS_SVC_ATTR_MAX, lengths))
		return -EBADMSG;
	search->found |= attribute_u16(attributes[IPVS_SVC_ATTR_AF]) == AF_INET6;
	return 0;
}

static void forget(void *context)
{
	struct search *search = context;
	search->found = false;
}

int kernel_has_ipv6(struct kernel *kernel, bool *ret_any)
{
	struct ipvs *ipvs = &kernel->ipvs;
	int error = ipvs_ready(ipvs);
	if (error)
		return error;
	struct search search = {.family = ipvs->family};
	const struct dump dump = {.restart = forget, .take = look_at_virtual_server, .context = &search};
	ipvs_put_listing(ipvs, IPVS_CMD_GET_SERVICE, NULL);
	error = conversation_dump(&ipvs->conversation, &dump);
	*ret_any = !error && search.found;
	return error;
}
