#include "link.h"

#include "base/vector.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct message *begin(struct conversation *route, uint16_t type, uint16_t flags, const void *header,
                             size_t size)
{
	message_begin(&route->message, type, flags, header, size);
	return &route->message;
}

/* ---- interfaces */

/* False: the answer is no interface at all. */
static bool parse_link(const struct nlmsghdr *answer, const struct ifinfomsg **ret_header,
                       struct nlattr **attributes)
{
	static const struct nla_policy policy[IFLA_MAX + 1] = {
	        [IFLA_IFNAME] = {.type = NLA_STRING, .minlen = 1, .maxlen = IFNAMSIZ}};
	if (answer->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(answer, sizeof(**ret_header)) ||
	    nlmsg_parse((struct nlmsghdr *)answer, sizeof(**ret_header), attributes, IFLA_MAX, policy) < 0)
		return false;
	*ret_header = nlmsg_data(answer);
	return true;
}

static bool is_dummy(struct nlattr *information)
{
	static const struct nla_policy policy[IFLA_INFO_MAX + 1] = {
	        [IFLA_INFO_KIND] = {.type = NLA_STRING, .minlen = 1}};
	struct nlattr *attributes[IFLA_INFO_MAX + 1];
	if (!information || nla_parse_nested(attributes, IFLA_INFO_MAX, information, policy) < 0 ||
	    !attributes[IFLA_INFO_KIND])
		return false;
	return nla_strcmp(attributes[IFLA_INFO_KIND], "dummy") == 0;
}

static int take_link(void *context, const struct nlmsghdr *answer)
{
	struct nlattr *attributes[IFLA_MAX + 1];
	const struct ifinfomsg *header;
	struct link *link = context;
	if (!parse_link(answer, &header, attributes))
		return -EBADMSG;
	*link = (struct link){.index = header->ifi_index, .dummy = is_dummy(attributes[IFLA_LINKINFO])};
	return 0;
}

int link_find(struct conversation *route, const char *name, struct link *ret_link)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct link link = {0};
	message_put_text(begin(route, RTM_GETLINK, 0, &header, sizeof(header)), IFLA_IFNAME, name);
	int error = conversation_ask(route, take_link, &link);
	if (!error && link.index <= 0)
		error = -EBADMSG;
	if (!error)
		*ret_link = link;
	return error;
}

int link_create_dummy(struct conversation *route, const char *name)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct message *message =
	        begin(route, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	message_put_text(message, IFLA_IFNAME, name);
	struct nlattr *nest = message_begin_nest(message, IFLA_LINKINFO);
	message_put_text(message, IFLA_INFO_KIND, "dummy");
	message_end_nest(message, nest);
	return conversation_ask(route, NULL, NULL);
}

int link_remove(struct conversation *route, int index)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	begin(route, RTM_DELLINK, 0, &header, sizeof(header));
	return conversation_ask(route, NULL, NULL);
}

/* ---- addresses */

static const struct address no_address;

/* The interface's own address: IFA_LOCAL, or IFA_ADDRESS where there is no peer. FAMILY_NONE: neither IP. */
static int parse_address(const struct nlmsghdr *answer, int *ret_index, struct address *ret_address)
{
	struct nlattr *attributes[IFA_MAX + 1];
	const struct ifaddrmsg *header = nlmsg_data(answer);
	if (answer->nlmsg_type != RTM_NEWADDR || !nlmsg_valid_hdr(answer, sizeof(*header)) ||
	    nlmsg_parse((struct nlmsghdr *)answer, sizeof(*header), attributes, IFA_MAX, NULL) < 0)
		return -EBADMSG;
	*ret_address = no_address;
	if (header->ifa_family == AF_UNSPEC)
		return -EBADMSG;
	if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6)
		return 0;
	const struct nlattr *own = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	uint8_t family = header->ifa_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
	int length = family_bits(family) / 8;
	if (!own || nla_len(own) != length)
		return -EBADMSG;
	ret_address->family = family;
	memcpy(ret_address->bytes, nla_data(own), (size_t)length);
	*ret_index = (int)header->ifa_index;
	return 0;
}

static int dump_addresses(struct conversation *route, const struct dump *dump)
{
	const struct ifaddrmsg header = {.ifa_family = AF_UNSPEC};
	begin(route, RTM_GETADDR, 0, &header, sizeof(header));
	return conversation_dump(route, dump);
}

static void put_address(struct conversation *route, uint16_t type, uint16_t flags, int index,
                        const struct address *address)
{
	const struct ifaddrmsg header = {
	        .ifa_family = address->family == FAMILY_IPV6 ? AF_INET6 : AF_INET,
	        .ifa_prefixlen = family_bits(address->family),
	        .ifa_flags = address->family == FAMILY_IPV6 ? IFA_F_NODAD : 0,
	        .ifa_scope = RT_SCOPE_UNIVERSE,
	        .ifa_index = (unsigned)index,
	};
	struct message *message = begin(route, type, flags, &header, sizeof(header));
	message_put(message, IFA_LOCAL, address->bytes, family_bits(address->family) / 8);
}

void link_put_address(struct conversation *route, int index, const struct address *address)
{
	put_address(route, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address);
}

void link_put_address_removal(struct conversation *route, int index, const struct address *address)
{
	put_address(route, RTM_DELADDR, 0, index, address);
}

/* ---- the dummy's addresses */

struct held_reader {
	int index;
	vector_of(struct address) addresses;
};

static void forget_held(void *context)
{
	struct held_reader *reader = context;
	vector_clear(&reader->addresses);
}

static bool left_out(const struct address *address)
{
	return address->family == FAMILY_NONE || address_is_loopback(address) ||
	       (address->family == FAMILY_IPV6 && address_is_link_local(address));
}

/* We only ever add host prefixes, so that one of another length is somebody else's. */
static bool is_host_prefix(const struct nlmsghdr *answer, const struct address *address)
{
	const struct ifaddrmsg *header = nlmsg_data(answer);
	return header->ifa_prefixlen == family_bits(address->family);
}

static int take_held(void *context, const struct nlmsghdr *answer)
{
	struct held_reader *reader = context;
	struct address address;
	int index = 0, error = parse_address(answer, &index, &address);
	if (!error && index == reader->index && !left_out(&address) && is_host_prefix(answer, &address))
		vector_push(&reader->addresses, address);
	return error;
}

int link_read_held(struct conversation *route, int index, struct arena *arena,
                   const struct address **ret_addresses, size_t *ret_count)
{
	struct held_reader reader = {.index = index};
	const struct dump dump = {.restart = forget_held, .take = take_held, .context = &reader};
	int error = dump_addresses(route, &dump);
	if (!error) {
		size_t count = addresses_sort(reader.addresses.items, reader.addresses.count);
		struct address *copy = arena_new_array(arena, count, struct address);
		if (count)
			memcpy(copy, reader.addresses.items, count * sizeof(*copy));
		*ret_addresses = copy;
		*ret_count = count;
	}
	vector_done(&reader.addresses);
	return error;
}

/* ---- everybody's addresses */

struct interface_name {
	int index;
	const char *name; /* in the arena */
};

struct host_reader {
	struct arena *arena;
	vector_of(struct interface_name) names;
	vector_of(struct interface_address) addresses;
	size_t last_name; /* addresses come interface by interface, mostly */
};

static void forget_names(void *context)
{
	struct host_reader *reader = context;
	vector_clear(&reader->names);
}

static int take_name(void *context, const struct nlmsghdr *answer)
{
	struct host_reader *reader = context;
	struct nlattr *attributes[IFLA_MAX + 1];
	const struct ifinfomsg *header;
	if (!parse_link(answer, &header, attributes) || !attributes[IFLA_IFNAME])
		return -EBADMSG;
	const char *name = arena_copy_text(reader->arena, nla_get_string(attributes[IFLA_IFNAME]));
	vector_push(&reader->names, (struct interface_name){.index = header->ifi_index, .name = name});
	return 0;
}

/* NULL: the interface went away, or came, between the two dumps. */
static const char *find_name(struct host_reader *reader, int index)
{
	for (size_t tried = 0; tried < reader->names.count; tried++) {
		size_t i = (reader->last_name + tried) % reader->names.count;
		if (reader->names.items[i].index == index) {
			reader->last_name = i;
			return reader->names.items[i].name;
		}
	}
	return NULL;
}

static void forget_addresses(void *context)
{
	struct host_reader *reader = context;
	vector_clear(&reader->addresses);
}

static int take_address(void *context, const struct nlmsghdr *answer)
{
	struct host_reader *reader = context;
	struct interface_address found;
	int index = 0, error = parse_address(answer, &index, &found.address);
	if (error || found.address.family == FAMILY_NONE)
		return error;
	found.interface = find_name(reader, index);
	if (found.interface)
		vector_push(&reader->addresses, found);
	return 0;
}

static int read_names(struct conversation *route, struct host_reader *reader)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	const struct dump dump = {.restart = forget_names, .take = take_name, .context = reader};
	begin(route, RTM_GETLINK, 0, &header, sizeof(header));
	return conversation_dump(route, &dump);
}

int link_read_addresses(struct conversation *route, struct arena *arena,
                        struct interface_address **ret_addresses, size_t *ret_count)
{
	struct host_reader reader = {.arena = arena};
	const struct dump dump = {.restart = forget_addresses, .take = take_address, .context = &reader};
	int error = read_names(route, &reader);
	if (!error)
		error = dump_addresses(route, &dump);
	if (!error) {
		size_t count = reader.addresses.count;
		*ret_addresses = arena_new_array(arena, count, struct interface_address);
		if (count)
			memcpy(*ret_addresses, reader.addresses.items, count * sizeof(**ret_addresses));
		*ret_count = count;
	}
	vector_done(&reader.names);
	vector_done(&reader.addresses);
	return error;
}
