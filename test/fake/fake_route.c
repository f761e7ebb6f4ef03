/*
 * The fake's routes: host routes of the type local in the table local, ours and others'. Those that addresses bring are
 * left out.
 */
#include "fake_kernel.h"

#include "base/check.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

static void answer_route(struct fake_socket *socket, const struct nlmsghdr *request,
                         const struct fake_route *route)
{
	bool ipv6 = route->address.family == FAMILY_IPV6;
	struct rtmsg header = {.rtm_family = ipv6 ? AF_INET6 : AF_INET,
	                       .rtm_dst_len = family_bits(route->address.family),
	                       .rtm_table = RT_TABLE_LOCAL,
	                       .rtm_protocol = route->protocol,
	                       .rtm_scope = ipv6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_HOST,
	                       .rtm_type = RTN_LOCAL};
	struct nl_msg *message = nlmsg_alloc();
	CHECK(message && nlmsg_put(message, 0, 0, RTM_NEWROUTE, 0, 0));
	CHECK(nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) == 0);
	CHECK(nla_put_u32(message, RTA_TABLE, RT_TABLE_LOCAL) == 0);
	CHECK(nla_put(message, RTA_DST, header.rtm_dst_len / 8, route->address.bytes) == 0);
	CHECK(nla_put_u32(message, RTA_PRIORITY, route->metric) == 0);
	CHECK(nla_put_u32(message, RTA_OIF, route->interface) == 0);
	fake_answer(socket, request, message, true);
}

/* As a kernel before 4.20: whatever it is asked for beside the family does not matter. */
static int dump_routes(struct fake_kernel *fake, struct fake_socket *socket, const struct nlmsghdr *request)
{
	const struct rtmsg *header = NLMSG_DATA(request);
	uint8_t family = header->rtm_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4;
	CHECK(header->rtm_family == AF_INET || header->rtm_family == AF_INET6);
	/* ip_valid_fib_dump_req, for sockets with strict checks */
	CHECK(!header->rtm_dst_len && !header->rtm_src_len && !header->rtm_tos && !header->rtm_scope);
	/* As in a network namespace that never had an address, until there is one. */
	int result = -ENOENT;
	vector_for_each (&fake->routes, route) {
		if (route->address.family != family)
			continue;
		answer_route(socket, request, route);
		result = 0;
	}
	return result;
}

static uint32_t read_number(struct nlmsghdr *request, int type)
{
	struct nlattr *attribute = nlmsg_find_attr(request, sizeof(struct rtmsg), type);
	CHECK(attribute && nla_len(attribute) == sizeof(uint32_t));
	return nla_get_u32(attribute);
}

static struct fake_route read_route(struct nlmsghdr *request)
{
	const struct rtmsg *header = NLMSG_DATA(request);
	bool ipv6 = header->rtm_family == AF_INET6;
	struct fake_route route = {.address.family = ipv6 ? FAMILY_IPV6 : FAMILY_IPV4,
	                           .protocol = header->rtm_protocol,
	                           .metric = read_number(request, RTA_PRIORITY),
	                           .interface = read_number(request, RTA_OIF)};
	struct nlattr *destination = nlmsg_find_attr(request, sizeof(*header), RTA_DST);
	uint8_t bits = family_bits(route.address.family);
	CHECK(header->rtm_table == RT_TABLE_LOCAL && header->rtm_type == RTN_LOCAL);
	/* Any other scope of an IPv4 route wants an interface that is up (fib_create_info). */
	CHECK(ipv6 || header->rtm_scope == RT_SCOPE_HOST);
	CHECK(destination && nla_len(destination) == bits / 8 && header->rtm_dst_len == bits);
	memcpy(route.address.bytes, nla_data(destination), bits / 8);
	return route;
}

static bool same_route(const struct fake_route *a, const struct fake_route *b)
{
	return address_equal(&a->address, &b->address) && a->metric == b->metric &&
	       a->protocol == b->protocol && a->interface == b->interface;
}

/* What the kernel finds in the way is any route with that metric, whosever it is. */
static int add_route(struct fake_kernel *fake, const struct fake_route *wanted)
{
	vector_for_each (&fake->routes, route)
		if (address_equal(&route->address, &wanted->address) && route->metric == wanted->metric)
			return -EEXIST;
	vector_push(&fake->routes, *wanted);
	return 0;
}

static int remove_route(struct fake_kernel *fake, const struct fake_route *wanted)
{
	vector_for_each (&fake->routes, route)
		if (same_route(route, wanted)) {
			*route = fake->routes.items[--fake->routes.count];
			return 0;
		}
	return -ESRCH;
}

static int change_route(struct fake_kernel *fake, struct nlmsghdr *request)
{
	struct fake_route route = read_route(request);
	bool coming = request->nlmsg_type == RTM_NEWROUTE;
	struct fake_event event = {
	        .deed = coming ? FAKE_ADD : FAKE_REMOVE, .address = &route.address, .by_route = true};
	CHECK(!coming || (request->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL)) == (NLM_F_CREATE | NLM_F_EXCL));
	event.error = coming ? add_route(fake, &route) : remove_route(fake, &route);
	event.needless = event.error != 0;
	fake_tell(fake, &event);
	return event.error;
}

int fake_route_handle(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request)
{
	if (request->nlmsg_type == RTM_GETROUTE)
		return dump_routes(fake, socket, request);
	return fake->failures.no_permission ? -EPERM : change_route(fake, request);
}
