/*
 * Which flows are stale is read off a dump, in which libnetfilter_conntrack reads each flow; the messages that
 * remove them are made at once and kept until the dump has ended, so that memory follows the number of stale
 * flows, whatever the table holds.
 *
 * A message names the flow by its reply tuple and by the kernel's number for it, which is made of the original tuple
 * (nf_ct_get_id). With an original tuple in it the kernel would look at nothing else (ctnetlink_del_conntrack), and
 * remove a flow that the client has made anew in the meantime, to an endpoint that serves.
 */
#include "flow_removal.h"

#include "base/text.h"
#include "conversation.h"

/* The kernel's own list of attributes first: the library's knows no CTA_FILTER. */
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

/* Bits of CTA_FILTER_ORIG_FLAGS: what of the original tuple must be equal (the kernel's nf_internals.h, since 5.8). */
enum {
	SAME_DESTINATION = 1 << 1,
	SAME_PROTOCOL = 1 << 3,
	SAME_DESTINATION_PORT = 1 << 5,
};

/* As many messages in one send as a modest receive buffer has room for the errors of (batch.h). */
enum { SEND_MESSAGES = 256 };

/* A tuple has less than 100. */
enum { MOST_ATTRIBUTE_BYTES = 128 };

/* ---- stale */

static int compare_port(const void *key, const void *port)
{
	return virtual_server_key_compare(key, &((const struct flow_port *)port)->key);
}

static int compare_end(const void *a, const void *b)
{
	const struct flow_end *left = a, *right = b;
	int order = address_compare(&left->address, &right->address);
	return order ? order : (left->port > right->port) - (left->port < right->port);
}

bool flow_is_stale(const struct flow_port *ports, size_t count, const struct virtual_server_key *key,
                   const struct flow_end *source)
{
	if (count == 0 || key->protocol == PROTOCOL_TCP)
		return false;
	const struct flow_port *port = bsearch(key, ports, count, sizeof(*ports), compare_port);
	return port &&
	       !bsearch(source, port->serving, port->serving_count, sizeof(*port->serving), compare_end);
}

/* ---- one dump: flows of one family and protocol */

struct removal {
	struct conversation netfilter;
	const struct flow_port *ports;
	size_t count;
	struct text messages; /* which remove what this dump has found, one behind the other */
	size_t found;
	size_t *removed, failed; /* of all dumps; `removed` by family, as apply/flows.h says */
};

/* What all keys of a dump have in common; the kernel need not tell of other flows. */
struct selection {
	uint8_t family, protocol;
	const struct virtual_server_key *key; /* one of them; NULL: there is none */
	bool one_address, one_port;
};

static void select_flows(const struct removal *removal, struct selection *selection)
{
	selection->one_address = selection->one_port = true;
	for (size_t i = 0; i < removal->count; i++) {
		const struct virtual_server_key *key = &removal->ports[i].key;
		if (key->address.family != selection->family || key->protocol != selection->protocol)
			continue;
		if (!selection->key)
			selection->key = key;
		selection->one_address &= address_equal(&key->address, &selection->key->address);
		selection->one_port &= key->port == selection->key->port;
	}
}

static uint8_t netlink_family(uint8_t family)
{
	return family == FAMILY_IPV4 ? AF_INET : AF_INET6;
}

static void begin(struct message *message, uint16_t type, uint8_t family)
{
	struct nfgenmsg header = {.nfgen_family = family, .version = NFNETLINK_V0};
	message_begin(message, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), 0, &header, sizeof(header));
}

/*
 * Of IPv4 only: ctnetlink_filter_match_tuple takes an IPv6 address for equal when it differs, and for different when it
 * is equal (seen with Linux 6.18).
 */
static uint32_t put_destination(struct message *message, const struct selection *selection)
{
	if (!selection->one_address || selection->family != FAMILY_IPV4)
		return 0;
	struct nlattr *nest = message_begin_nest(message, CTA_TUPLE_IP);
	message_put(message, CTA_IP_V4_DST, selection->key->address.bytes, 4);
	message_end_nest(message, nest);
	return SAME_DESTINATION;
}

static uint32_t put_protocol(struct message *message, const struct selection *selection)
{
	struct nlattr *nest = message_begin_nest(message, CTA_TUPLE_PROTO);
	message_put_u8(message, CTA_PROTO_NUM, selection->protocol);
	if (selection->one_port)
		message_put_u16(message, CTA_PROTO_DST_PORT, htons(selection->key->port));
	message_end_nest(message, nest);
	return SAME_PROTOCOL | (selection->one_port ? SAME_DESTINATION_PORT : 0);
}

static void put_selection(struct message *message, const struct selection *selection)
{
	struct nlattr *nest = message_begin_nest(message, CTA_TUPLE_ORIG);
	uint32_t flags = put_destination(message, selection) | put_protocol(message, selection);
	message_end_nest(message, nest);
	nest = message_begin_nest(message, CTA_FILTER);
	message_put_u32(message, CTA_FILTER_ORIG_FLAGS, flags);
	message_end_nest(message, nest);
}

/* An address attribute of the library: `four` or `six`, as the flow's family has it. */
static struct address address_of(const struct nf_conntrack *flow, enum nf_conntrack_attr four,
                                 enum nf_conntrack_attr six)
{
	bool is_four = nfct_get_attr_u8(flow, ATTR_L3PROTO) == AF_INET;
	struct address address = {.family = is_four ? FAMILY_IPV4 : FAMILY_IPV6};
	const void *bytes = nfct_get_attr(flow, is_four ? four : six);
	if (bytes)
		memcpy(address.bytes, bytes, is_four ? 4 : 16);
	return address;
}

static bool removal_wants(const struct removal *removal, const struct nf_conntrack *flow)
{
	struct virtual_server_key key = {
	        .address = address_of(flow, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST),
	        .protocol = nfct_get_attr_u8(flow, ATTR_ORIG_L4PROTO),
	        .port = ntohs(nfct_get_attr_u16(flow, ATTR_ORIG_PORT_DST)),
	};
	struct flow_end source = {
	        .address = address_of(flow, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC),
	        .port = ntohs(nfct_get_attr_u16(flow, ATTR_REPL_PORT_SRC)),
	};
	return flow_is_stale(removal->ports, removal->count, &key, &source);
}

static const struct nlattr *find_attribute(const struct nlmsghdr *answer, int type)
{
	const int offset = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	return nla_find((const struct nlattr *)((const char *)answer + offset),
	                (int)answer->nlmsg_len - offset, type);
}

/* The conversation's own message is the dump, which may have to be sent again. */
static int note_stale(struct removal *removal, const struct nlmsghdr *answer)
{
	static const int naming[] = {CTA_TUPLE_REPLY, CTA_ZONE, CTA_ID};
	_Alignas(struct nlmsghdr) char bytes[MESSAGE_SIZE];
	struct message message = {bytes};
	begin(&message, IPCTNL_MSG_CT_DELETE, ((const struct nfgenmsg *)NLMSG_DATA(answer))->nfgen_family);
	for (size_t i = 0; i < sizeof(naming) / sizeof(*naming); i++) {
		const struct nlattr *attribute = find_attribute(answer, naming[i]);
		if (!attribute)
			continue;
		if (nla_len(attribute) > MOST_ATTRIBUTE_BYTES)
			return -EBADMSG;
		message_put(&message, attribute->nla_type, nla_data(attribute), (size_t)nla_len(attribute));
	}
	text_add_bytes(&removal->messages, bytes, message_header(&message)->nlmsg_len);
	removal->found++;
	return 0;
}

static int take_flow(void *context, const struct nlmsghdr *answer)
{
	struct removal *removal = context;
	if (answer->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
	    answer->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)))
		return -EBADMSG;
	struct nf_conntrack *flow = nfct_new();
	CHECK(flow);
	int error = nfct_nlmsg_parse(answer, flow) < 0 ? -EBADMSG : 0;
	if (!error && removal_wants(removal, flow))
		error = note_stale(removal, answer);
	nfct_destroy(flow);
	return error;
}

static void forget_found(void *context)
{
	struct removal *removal = context;
	text_clear(&removal->messages);
	removal->found = 0;
}

static int dump_flows(struct removal *removal, const struct selection *selection, bool in_kernel)
{
	const struct dump dump = {.restart = forget_found, .take = take_flow, .context = removal};
	begin(&removal->netfilter.message, IPCTNL_MSG_CT_GET, netlink_family(selection->family));
	if (in_kernel)
		put_selection(&removal->netfilter.message, selection);
	return conversation_dump(&removal->netfilter, &dump);
}

/* R11.2: what was seen counts when the kernel never gets through its table undisturbed. */
static int find_stale(struct removal *removal, const struct selection *selection)
{
	int error = dump_flows(removal, selection, true);
	if (error == -EINVAL || error == -EOPNOTSUPP)
		error = dump_flows(removal, selection, false);
	return error == -EAGAIN ? 0 : error;
}

/* ---- removing what was found */

struct sending {
	uint32_t first, count;
	size_t refused;
};

static int take_report(void *context, const struct nlmsghdr *answer)
{
	struct sending *sending = context;
	const char *detail;
	int result = 0;
	if (answer->nlmsg_type != NLMSG_ERROR)
		return LISTEN_MORE;
	int error = error_answer_read(answer, &result, &detail);
	if (error)
		return error;
	sending->refused += result && result != -ENOENT;
	return answer->nlmsg_seq == sending->first + sending->count - 1 ? 0 : LISTEN_MORE;
}

/* Numbers as many messages as go into one send, and has the last one acknowledged. Returns their length. */
static size_t number_messages(struct conversation *netfilter, char *bytes, size_t length,
                              struct sending *sending)
{
	struct nlmsghdr *header = NULL;
	size_t at = 0;
	sending->first = netfilter->sequence + 1;
	for (; at < length && sending->count < SEND_MESSAGES; at += header->nlmsg_len) {
		header = (struct nlmsghdr *)(bytes + at);
		header->nlmsg_seq = ++netfilter->sequence;
		sending->count++;
	}
	header->nlmsg_flags |= NLM_F_ACK;
	return at;
}

static int send_some(struct removal *removal, char *bytes, size_t length, struct sending *sending)
{
	int error = conversation_send(&removal->netfilter, bytes, length);
	return error ? error
	             : conversation_listen(&removal->netfilter, sending->first, sending->count, take_report,
	                                   sending);
}

/* What follows a broken send counts as failed. */
static int remove_found(struct removal *removal, uint8_t family)
{
	struct text *messages = &removal->messages;
	int error = 0;
	removal->failed += removal->found;
	for (size_t at = 0; at < messages->length && !error;) {
		struct sending sending = {0};
		size_t length = number_messages(&removal->netfilter, messages->bytes + at,
		                                messages->length - at, &sending);
		error = send_some(removal, messages->bytes + at, length, &sending);
		size_t gone = error ? 0 : sending.count - sending.refused;
		removal->removed[family == FAMILY_IPV6] += gone;
		removal->failed -= gone;
		at += length;
	}
	return error;
}

/* ---- all of it */

static int remove_selected(struct removal *removal, struct selection *selection)
{
	select_flows(removal, selection);
	if (!selection->key)
		return 0;
	int error = find_stale(removal, selection);
	if (error) {
		forget_found(removal);
		return error;
	}
	return remove_found(removal, selection->family);
}

static int explain(int error, struct fault *fault)
{
	if (error == -EPERM || error == -EACCES)
		fault_set(fault, NULL,
		          "connection tracking: no permission to read and remove the kernel's flows; run as "
		          "root");
	else if (error == -EINVAL || error == -EPROTONOSUPPORT)
		fault_set(fault, NULL,
		          "connection tracking: this kernel does not tell of its flows; run modprobe "
		          "nf_conntrack_netlink on the "
		          "host");
	else if (error)
		fault_set(fault, NULL, "connection tracking: the flows could not be read or removed: %s",
		          strerror(-error));
	return error;
}

int flow_removal_perform(const struct kernel_transport *transport, const struct flow_port *ports,
                         size_t count, size_t ret_removed[static 2], size_t *ret_failed, struct fault *fault)
{
	static const uint8_t families[] = {FAMILY_IPV4, FAMILY_IPV6},
	                     protocols[] = {PROTOCOL_UDP, PROTOCOL_SCTP};
	struct removal removal = {.ports = ports, .count = count, .removed = ret_removed};
	ret_removed[0] = ret_removed[1] = 0;
	int error = 0;
	conversation_init(&removal.netfilter, transport, NETLINK_NETFILTER);
	for (int i = 0; i < 4 && !error; i++) {
		struct selection selection = {.family = families[i / 2], .protocol = protocols[i % 2]};
		error = remove_selected(&removal, &selection);
	}
	conversation_done(&removal.netfilter);
	text_done(&removal.messages);
	*ret_failed = removal.failed;
	return explain(error, fault);
}

int flows_remove_stale(const struct flow_port *ports, size_t count, size_t ret_removed[static 2],
                       size_t *ret_failed, struct fault *fault)
{
	return flow_removal_perform(&kernel_transport_real, ports, count, ret_removed, ret_failed, fault);
}
