/*
 * The fake's rtnetlink: lo (index 1, 127.0.0.1) and one more interface, with its addresses.
 */
#include "fake_kernel.h"

#include "base/check.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

enum { LOOPBACK_INDEX = 1 };

/* ---- interfaces */

static void answer_link(struct fake_socket *socket, const struct nlmsghdr *request, int index,
                        const char *name, const char *kind, bool of_dump)
{
	struct ifinfomsg header = {.ifi_index = index};
	struct nl_msg *message = nlmsg_alloc();
	CHECK(message && nlmsg_put(message, 0, 0, RTM_NEWLINK, 0, 0));
	CHECK(nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) == 0);
	CHECK(nla_put_string(message, IFLA_IFNAME, name) == 0);
	if (kind) {
		struct nlattr *nest = nla_nest_start(message, IFLA_LINKINFO);
		CHECK(nest && nla_put_string(message, IFLA_INFO_KIND, kind) == 0);
		nla_nest_end(message, nest);
	}
	fake_answer(socket, request, message, of_dump);
}

static int get_link(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request)
{
	if (request->nlmsg_flags & NLM_F_DUMP) {
		answer_link(socket, request, LOOPBACK_INDEX, "lo", NULL, true);
		if (fake->link_kind)
			answer_link(socket, request, FAKE_LINK_INDEX, fake->link_name, fake->link_kind, true);
		return 0;
	}
	struct nlattr *name = nlmsg_find_attr(request, sizeof(struct ifinfomsg), IFLA_IFNAME);
	if (!name)
		return -EINVAL;
	if (!fake->link_kind || nla_strcmp(name, fake->link_name) != 0)
		return -ENODEV;
	answer_link(socket, request, FAKE_LINK_INDEX, fake->link_name, fake->link_kind, false);
	return 0;
}

static int new_link(struct fake_kernel *fake, struct nlmsghdr *request)
{
	struct nlattr *name = nlmsg_find_attr(request, sizeof(struct ifinfomsg), IFLA_IFNAME);
	struct nlattr *information = nlmsg_find_attr(request, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	struct nlattr *attributes[IFLA_INFO_MAX + 1];
	if (!name || !information || nla_parse_nested(attributes, IFLA_INFO_MAX, information, NULL) < 0 ||
	    !attributes[IFLA_INFO_KIND])
		return -EINVAL;
	if (nla_strcmp(attributes[IFLA_INFO_KIND], "dummy") != 0)
		return -EOPNOTSUPP;
	if (fake->link_kind && nla_strcmp(name, fake->link_name) == 0)
		return -EEXIST;
	nla_strlcpy(fake->link_name, name, sizeof(fake->link_name));
	fake->link_kind = "dummy";
	return 0;
}

static int remove_link(struct fake_kernel *fake, const struct nlmsghdr *request)
{
	const struct ifinfomsg *header = NLMSG_DATA(request);
	if (!fake->link_kind || header->ifi_index != FAKE_LINK_INDEX)
		return -ENODEV;
	fake->link_kind = NULL;
	vector_clear(&fake->held);
	return 0;
}

/* ---- addresses */

static void answer_address(struct fake_socket *socket, const struct nlmsghdr *request, unsigned index,
                           const struct address *address)
{
	bool ipv6 = address->family == FAMILY_IPV6;
	struct ifaddrmsg header = {.ifa_family = ipv6 ? AF_INET6 : AF_INET,
	                           .ifa_prefixlen = family_bits(address->family),
	                           .ifa_index = index};
	struct nl_msg *message = nlmsg_alloc();
	CHECK(message && nlmsg_put(message, 0, 0, RTM_NEWADDR, 0, 0));
	CHECK(nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) == 0);
	/* The kernel gives IFA_LOCAL for IPv6 only where there is a peer. */
	CHECK(nla_put(message, ipv6 ? IFA_ADDRESS : IFA_LOCAL, family_bits(address->family) / 8,
	              address->bytes) == 0);
	fake_answer(socket, request, message, true);
}

static int dump_addresses(struct fake_kernel *fake, struct fake_socket *socket,
                          const struct nlmsghdr *request)
{
	const struct address loopback = {.family = FAMILY_IPV4, .bytes = {127, 0, 0, 1}};
	answer_address(socket, request, LOOPBACK_INDEX, &loopback);
	vector_for_each (&fake->held, address)
		answer_address(socket, request, FAKE_LINK_INDEX, address);
	return 0;
}

/* Host addresses only, without a search for duplicates: the project sends no others. */
static struct address read_address(struct nlmsghdr *request)
{
	const struct ifaddrmsg *header = NLMSG_DATA(request);
	struct nlattr *local = nlmsg_find_attr(request, sizeof(*header), IFA_LOCAL);
	struct address address = {.family = header->ifa_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4};
	uint8_t bits = family_bits(address.family);
	CHECK(local && nla_len(local) == bits / 8 && header->ifa_prefixlen == bits);
	CHECK(header->ifa_scope == RT_SCOPE_UNIVERSE);
	CHECK(address.family == FAMILY_IPV4 || (header->ifa_flags & IFA_F_NODAD));
	memcpy(address.bytes, nla_data(local), bits / 8);
	return address;
}

static struct address *find_held(struct fake_kernel *fake, const struct address *address)
{
	vector_for_each (&fake->held, present)
		if (address_equal(present, address))
			return present;
	return NULL;
}

static int hold(struct fake_kernel *fake, const struct address *address)
{
	if (find_held(fake, address))
		return -EEXIST;
	vector_push(&fake->held, *address);
	return 0;
}

static int let_go(struct fake_kernel *fake, const struct address *address)
{
	struct address *present = find_held(fake, address);
	if (!present)
		return -EADDRNOTAVAIL;
	*present = fake->held.items[--fake->held.count];
	return 0;
}

static int change_address(struct fake_kernel *fake, struct nlmsghdr *request)
{
	const struct ifaddrmsg *header = NLMSG_DATA(request);
	if (!fake->link_kind || header->ifa_index != FAKE_LINK_INDEX)
		return -ENODEV;
	struct address address = read_address(request);
	bool coming = request->nlmsg_type == RTM_NEWADDR;
	struct fake_event event = {.deed = coming ? FAKE_ADD : FAKE_REMOVE, .address = &address};
	event.error = coming ? hold(fake, &address) : let_go(fake, &address);
	event.needless = event.error != 0;
	fake_tell(fake, &event);
	return event.error;
}

static int change(struct fake_kernel *fake, struct nlmsghdr *request)
{
	if (fake->failures.no_permission)
		return -EPERM;
	switch (request->nlmsg_type) {
	case RTM_NEWLINK:
		return new_link(fake, request);
	case RTM_DELLINK:
		return remove_link(fake, request);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return change_address(fake, request);
	default:
		return -EOPNOTSUPP;
	}
}

int fake_link_handle(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request)
{
	switch (request->nlmsg_type) {
	case RTM_GETLINK:
		return get_link(fake, socket, request);
	case RTM_GETADDR:
		return dump_addresses(fake, socket, request);
	case RTM_GETROUTE:
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return fake_route_handle(fake, socket, request);
	default:
		return change(fake, request);
	}
}
