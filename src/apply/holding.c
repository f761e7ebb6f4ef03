#include "holding.h"

#include "link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

enum { LOOPBACK_INDEX = 1 }; /* in every network namespace (LOOPBACK_IFINDEX) */

typedef vector_of(struct address) address_vector;

void holding_done(struct holding *holding)
{
	vector_done(&holding->misheld);
}

/* ---- routes */

static struct rtmsg route_header(uint8_t family)
{
	bool ipv6 = family == FAMILY_IPV6;
	return (struct rtmsg){
	        .rtm_family = ipv6 ? AF_INET6 : AF_INET,
	        .rtm_table = RT_TABLE_LOCAL,
	        .rtm_protocol = HELD_ROUTE_PROTOCOL,
	        .rtm_scope = ipv6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_HOST,
	        .rtm_type = RTN_LOCAL,
	};
}

static void put_route(struct conversation *route, uint16_t type, uint16_t flags,
                      const struct address *address)
{
	struct rtmsg header = route_header(address->family);
	header.rtm_dst_len = family_bits(address->family);
	message_begin(&route->message, type, flags, &header, sizeof(header));
	message_put(&route->message, RTA_DST, address->bytes, family_bits(address->family) / 8);
	message_put_u32(&route->message, RTA_OIF, LOOPBACK_INDEX);
	message_put_u32(&route->message, RTA_PRIORITY, HELD_ROUTE_METRIC);
}

static bool has_number(const struct nlattr *attribute, uint32_t number)
{
	return attribute && nla_len(attribute) == sizeof(number) && nla_get_u32(attribute) == number;
}

/* A kernel before 4.20 dumps all routes there are, whatever it is asked for. FAMILY_NONE: not one of ours. */
static int parse_route(const struct nlmsghdr *answer, struct address *ret_address)
{
	struct nlattr *attributes[RTA_MAX + 1];
	const struct rtmsg *header = nlmsg_data(answer);
	*ret_address = (struct address){0};
	if (answer->nlmsg_type != RTM_NEWROUTE || !nlmsg_valid_hdr(answer, sizeof(*header)) ||
	    nlmsg_parse((struct nlmsghdr *)answer, sizeof(*header), attributes, RTA_MAX, NULL) < 0 ||
	    header->rtm_family == AF_UNSPEC)
		return -EBADMSG;
	uint8_t family = header->rtm_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4,
	        bits = family_bits(family);
	if ((header->rtm_family != AF_INET && header->rtm_family != AF_INET6) ||
	    header->rtm_table != RT_TABLE_LOCAL || header->rtm_type != RTN_LOCAL ||
	    header->rtm_protocol != HELD_ROUTE_PROTOCOL || header->rtm_dst_len != bits ||
	    !has_number(attributes[RTA_PRIORITY], HELD_ROUTE_METRIC) ||
	    !has_number(attributes[RTA_OIF], LOOPBACK_INDEX))
		return 0;
	if (!attributes[RTA_DST] || nla_len(attributes[RTA_DST]) != bits / 8)
		return -EBADMSG;
	ret_address->family = family;
	memcpy(ret_address->bytes, nla_data(attributes[RTA_DST]), bits / 8);
	return 0;
}

struct route_reader {
	address_vector *addresses;
	size_t before; /* so many of another family */
};

static void forget_routes(void *context)
{
	struct route_reader *reader = context;
	reader->addresses->count = reader->before;
}

static int take_route(void *context, const struct nlmsghdr *answer)
{
	struct route_reader *reader = context;
	struct address address;
	int error = parse_route(answer, &address);
	if (!error && address.family != FAMILY_NONE)
		vector_push(reader->addresses, address);
	return error;
}

static int read_routes(struct conversation *route, address_vector *addresses)
{
	static const uint8_t families[] = {FAMILY_IPV4, FAMILY_IPV6};
	int error = 0;
	for (size_t i = 0; i < sizeof(families) && !error; i++) {
		struct route_reader reader = {.addresses = addresses, .before = addresses->count};
		const struct dump dump = {.restart = forget_routes, .take = take_route, .context = &reader};
		struct rtmsg header = route_header(families[i]);
		header.rtm_scope = RT_SCOPE_UNIVERSE; /* no filter, and refused as one */
		message_begin(&route->message, RTM_GETROUTE, 0, &header, sizeof(header));
		error = conversation_dump(route, &dump);
		/* A network namespace has no table local before its first address: fib_get_table(). */
		if (error == -ENOENT)
			error = 0;
	}
	addresses->count = addresses_sort(addresses->items, addresses->count);
	return error;
}

/* ---- both ways */

/* Both ascending. */
static void merge(const struct address *a, size_t a_count, const struct address *b, size_t b_count,
                  struct arena *arena, struct state *state)
{
	struct address *held = arena_new_array(arena, a_count + b_count, struct address);
	size_t i = 0, j = 0, count = 0;
	while (i < a_count || j < b_count) {
		int order = i == a_count ? 1 : j == b_count ? -1 : address_compare(&a[i], &b[j]);
		held[count++] = order <= 0 ? a[i] : b[j];
		i += order <= 0;
		j += order >= 0;
	}
	state->held = held;
	state->held_count = count;
}

static void keep_misheld(struct holding *holding, const struct address *addresses, size_t count,
                         struct arena *arena, struct state *state)
{
	struct address *misheld = arena_new_array(arena, count, struct address);
	vector_clear(&holding->misheld);
	for (size_t i = 0; i < count; i++) {
		misheld[i] = addresses[i];
		vector_push(&holding->misheld, addresses[i]);
	}
	state->misheld = misheld;
	state->misheld_count = count;
}

int holding_read(struct holding *holding, struct conversation *route, int dummy, struct arena *arena,
                 struct state *state)
{
	const struct address *addresses = NULL;
	size_t count = 0;
	address_vector routes = {0};
	int error = dummy ? link_read_held(route, dummy, arena, &addresses, &count) : 0;
	if (!error)
		error = read_routes(route, &routes);
	if (!error) {
		merge(addresses, count, routes.items, routes.count, arena, state);
		if (holding->by_routes)
			keep_misheld(holding, addresses, count, arena, state);
		else
			keep_misheld(holding, routes.items, routes.count, arena, state);
	}
	vector_done(&routes);
	return error;
}

bool holding_is_misheld(const struct holding *holding, const struct address *address)
{
	return addresses_contain(holding->misheld.items, holding->misheld.count, address);
}

/* ---- messages */

static void put_removal(bool by_route, struct conversation *route, int dummy, const struct address *address)
{
	if (by_route)
		put_route(route, RTM_DELROUTE, 0, address);
	else
		link_put_address_removal(route, dummy, address);
}

void holding_put_add(const struct holding *holding, struct conversation *route, int dummy,
                     const struct address *address)
{
	if (holding->by_routes)
		put_route(route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, address);
	else
		link_put_address(route, dummy, address);
}

void holding_put_removal(const struct holding *holding, struct conversation *route, int dummy,
                         const struct address *address)
{
	put_removal(holding->by_routes, route, dummy, address);
}

void holding_put_other_removal(const struct holding *holding, struct conversation *route, int dummy,
                               const struct address *address)
{
	put_removal(!holding->by_routes, route, dummy, address);
}
