/*
 * R11.2, R11.5, R11.6, Q-17: which flows are stale; what becomes of them in a kernel that fails on demand, and in this
 * machine's own, in a network namespace of the test's.
 */
#include "base/memory.h"
#include "conversation.h"
#include "flow_removal.h"
#include "support.h"

#include <linux/netfilter/nfnetlink_conntrack.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_sctp.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

/* ---- ports and flows as text */

static struct address address_from(const char *text)
{
	struct address address;
	ck_assert_msg(address_parse(text, &address), "%s is no address", text);
	return address;
}

static struct virtual_server_key key_from(uint8_t protocol, const char *address, uint16_t port)
{
	return (struct virtual_server_key){
	        .address = address_from(address), .protocol = protocol, .port = port};
}

struct end {
	const char *address;
	uint16_t port;
};

/* What the tests' Services serve: ascending by key, as flow_ports() gives it. */
static const struct {
	uint8_t protocol;
	const char *address;
	uint16_t port;
	struct end serving[2];
} wanted[] = {
        {PROTOCOL_UDP, "10.96.0.10", 53, {{"10.244.0.5", 5353}, {"10.244.0.6", 5353}}},
        {PROTOCOL_UDP, "192.0.2.10", 30053, {{"10.244.0.5", 5353}}},
        {PROTOCOL_SCTP, "10.96.0.10", 132, {{"10.244.0.7", 8132}}},
        {PROTOCOL_UDP, "fd00:10:96::10", 53, {{"fd00:10:244::5", 5353}, {"fd00:10:244::6", 5353}}},
};

static struct flow_end serving[ROWS(wanted)][2];
static struct flow_port ports[ROWS(wanted)];

static int compare_keys(const void *a, const void *b)
{
	return virtual_server_key_compare(&((const struct flow_port *)a)->key,
	                                  &((const struct flow_port *)b)->key);
}

static void prepare_ports(void)
{
	for (int i = 0; i < ROWS(wanted); i++) {
		size_t count = 0;
		for (; count < 2 && wanted[i].serving[count].address; count++)
			serving[i][count] = (struct flow_end){address_from(wanted[i].serving[count].address),
			                                      wanted[i].serving[count].port};
		ports[i] = (struct flow_port){
		        .key = key_from(wanted[i].protocol, wanted[i].address, wanted[i].port),
		        .serving = serving[i],
		        .serving_count = count,
		};
	}
	qsort(ports, ROWS(ports), sizeof(*ports), compare_keys);
}

/* A flow from a client at port 40000 + n; `source` is where its answers come from. */
struct row {
	uint8_t protocol;
	struct end destination, source;
	bool stale;
};

static const struct row rows[] = {
        /* served by one of its own */
        {PROTOCOL_UDP, {"10.96.0.10", 53}, {"10.244.0.5", 5353}, false},
        {PROTOCOL_UDP, {"10.96.0.10", 53}, {"10.244.0.6", 5353}, false},
        {PROTOCOL_UDP, {"192.0.2.10", 30053}, {"10.244.0.5", 5353}, false},
        {PROTOCOL_SCTP, {"10.96.0.10", 132}, {"10.244.0.7", 8132}, false},
        {PROTOCOL_UDP, {"fd00:10:96::10", 53}, {"fd00:10:244::6", 5353}, false},
        /* by one that is gone */
        {PROTOCOL_UDP, {"10.96.0.10", 53}, {"10.244.0.9", 5353}, true},
        {PROTOCOL_UDP, {"192.0.2.10", 30053}, {"10.244.0.6", 5353}, true},
        {PROTOCOL_SCTP, {"10.96.0.10", 132}, {"10.244.0.8", 8132}, true},
        {PROTOCOL_UDP, {"fd00:10:96::10", 53}, {"fd00:10:244::9", 5353}, true},
        /* by one that moved to another port */
        {PROTOCOL_UDP, {"10.96.0.10", 53}, {"10.244.0.5", 53}, true},
        {PROTOCOL_SCTP, {"10.96.0.10", 132}, {"10.244.0.7", 132}, true},
        /* before there was a translation: the address answers for itself */
        {PROTOCOL_UDP, {"10.96.0.10", 53}, {"10.96.0.10", 53}, true},
        {PROTOCOL_UDP, {"fd00:10:96::10", 53}, {"fd00:10:96::10", 53}, true},
        /* another port, address or protocol of a Service's is nobody's business */
        {PROTOCOL_UDP, {"10.96.0.10", 54}, {"10.244.0.9", 5353}, false},
        {PROTOCOL_UDP, {"10.96.0.11", 53}, {"10.244.0.9", 5353}, false},
        {PROTOCOL_SCTP, {"10.96.0.10", 53}, {"10.244.0.9", 5353}, false},
        /* a node port's number elsewhere */
        {PROTOCOL_UDP, {"198.51.100.1", 30053}, {"198.51.100.1", 30053}, false},
        {PROTOCOL_UDP, {"10.96.0.10", 30053}, {"10.96.0.10", 30053}, false},
};

START_TEST(a_flow_is_stale_when_its_answers_come_from_nobody_who_serves)
{
	const struct row *row = &rows[_i];
	struct virtual_server_key key =
	        key_from(row->protocol, row->destination.address, row->destination.port);
	struct flow_end source = {address_from(row->source.address), row->source.port};
	prepare_ports();
	ck_assert_int_eq(flow_is_stale(ports, ROWS(ports), &key, &source), row->stale);
	ck_assert(!flow_is_stale(NULL, 0, &key, &source));
}
END_TEST

START_TEST(a_flow_of_tcp_is_never_stale)
{
	struct flow_end end = {address_from("10.244.0.5"), 80}, other = {address_from("10.244.0.6"), 80};
	struct flow_port port = {key_from(PROTOCOL_TCP, "10.96.0.10", 80), &end, 1};
	ck_assert(!flow_is_stale(&port, 1, &port.key, &other));
}
END_TEST

/* ---- flows of libnetfilter_conntrack */

static void set_address(struct nf_conntrack *flow, enum nf_conntrack_attr four, enum nf_conntrack_attr six,
                        const char *text)
{
	struct address address = address_from(text);
	nfct_set_attr(flow, address.family == FAMILY_IPV4 ? four : six, address.bytes);
}

static struct nf_conntrack *make_flow(const struct row *row, uint16_t client_port)
{
	bool four = !strchr(row->destination.address, ':');
	const char *client = four ? "192.0.2.100" : "2001:db8:1::100";
	struct nf_conntrack *flow = nfct_new();
	ck_assert_ptr_nonnull(flow);
	nfct_set_attr_u8(flow, ATTR_ORIG_L3PROTO, four ? AF_INET : AF_INET6);
	nfct_set_attr_u8(flow, ATTR_REPL_L3PROTO, four ? AF_INET : AF_INET6);
	nfct_set_attr_u8(flow, ATTR_ORIG_L4PROTO, row->protocol);
	nfct_set_attr_u8(flow, ATTR_REPL_L4PROTO, row->protocol);
	set_address(flow, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, client);
	set_address(flow, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, row->destination.address);
	set_address(flow, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC, row->source.address);
	set_address(flow, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST, client);
	nfct_set_attr_u16(flow, ATTR_ORIG_PORT_SRC, htons(client_port));
	nfct_set_attr_u16(flow, ATTR_ORIG_PORT_DST, htons(row->destination.port));
	nfct_set_attr_u16(flow, ATTR_REPL_PORT_SRC, htons(row->source.port));
	nfct_set_attr_u16(flow, ATTR_REPL_PORT_DST, htons(client_port));
	return flow;
}

/* ---- a kernel that fails on demand */

enum { MOST_FLOWS = 1000, DATAGRAM_SIZE = 512 };

static struct {
	/* What it does. */
	size_t flows;              /* stale ones of 10.96.0.10:53 in its table */
	size_t interrupted;        /* so many dumps are flagged */
	bool refuses_filters;      /* as kernels before 5.8 might */
	int dump_error;            /* of every dump */
	int removal_error;         /* of every removal with an odd number, counted from 0 */
	size_t answers_until_mute; /* 0: never mute */
	/* What it saw. */
	size_t dumps, filtered_dumps, removals, sends, most_messages;
	/* Its answers. */
	char *queue[MOST_FLOWS + 8];
	size_t first, count, taken;
} fake;

static char *queue_answer(const struct nlmsghdr *request, uint16_t type, uint16_t flags)
{
	ck_assert_uint_lt(fake.count, ROWS(fake.queue));
	char *bytes = fake.queue[fake.count++] = memory_alloc(DATAGRAM_SIZE);
	*(struct nlmsghdr *)bytes = (struct nlmsghdr){.nlmsg_len = NLMSG_HDRLEN,
	                                              .nlmsg_type = type,
	                                              .nlmsg_flags = flags,
	                                              .nlmsg_seq = request->nlmsg_seq};
	return bytes;
}

static void queue_error(const struct nlmsghdr *request, int error)
{
	struct message message = {queue_answer(request, NLMSG_ERROR, NLM_F_CAPPED)};
	struct nlmsgerr report = {.error = error, .msg = *request};
	memcpy(message_extend(&message, sizeof(report)), &report, sizeof(report));
}

static void queue_dump(const struct nlmsghdr *request)
{
	uint16_t flags = NLM_F_MULTI | (fake.dumps < fake.interrupted ? NLM_F_DUMP_INTR : 0);
	struct nfgenmsg header = {.nfgen_family = AF_INET};
	fake.dumps++;
	for (size_t i = 0; i < fake.flows; i++) {
		struct message message = {
		        queue_answer(request, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, flags)};
		memcpy(message_extend(&message, sizeof(header)), &header, sizeof(header));
		struct nf_conntrack *flow = make_flow(&rows[5], (uint16_t)(10000 + i));
		ck_assert_int_eq(nfct_nlmsg_build(message_header(&message), flow), 0);
		message_put_u32(&message, CTA_ID, htonl((uint32_t)i));
		nfct_destroy(flow);
	}
	struct message message = {queue_answer(request, NLMSG_DONE, flags)};
	memset(message_extend(&message, sizeof(int)), 0, sizeof(int));
}

static void answer_dump(const struct nlmsghdr *request)
{
	bool filtered = request->nlmsg_len > NLMSG_LENGTH(sizeof(struct nfgenmsg));
	fake.filtered_dumps += filtered;
	if (filtered && fake.refuses_filters)
		queue_error(request, -EINVAL);
	else if (fake.dump_error)
		queue_error(request, fake.dump_error);
	else
		queue_dump(request);
}

static void answer_removal(const struct nlmsghdr *request)
{
	int error = fake.removals++ % 2 ? fake.removal_error : 0;
	if (error || request->nlmsg_flags & NLM_F_ACK)
		queue_error(request, error);
}

static int fake_open(void *context, int protocol, void **ret_socket)
{
	ck_assert_int_eq(protocol, NETLINK_NETFILTER);
	*ret_socket = context;
	return 0;
}

static void fake_close(void *context, void *socket)
{
	(void)context, (void)socket;
}

static int fake_send(void *context, void *socket, const void *messages, size_t length)
{
	(void)context, (void)socket;
	size_t count = 0;
	fake.sends++;
	for (size_t at = 0; at < length; count++) {
		const struct nlmsghdr *request = (const struct nlmsghdr *)((const char *)messages + at);
		if ((request->nlmsg_type & 0xff) == IPCTNL_MSG_CT_GET)
			answer_dump(request);
		else
			answer_removal(request);
		at += request->nlmsg_len;
	}
	fake.most_messages = count > fake.most_messages ? count : fake.most_messages;
	return 0;
}

static ssize_t fake_receive(void *context, void *socket, void *buffer, size_t size, int timeout_ms)
{
	(void)context, (void)socket, (void)timeout_ms;
	if (fake.first == fake.count || (fake.answers_until_mute && fake.taken == fake.answers_until_mute))
		return -ETIMEDOUT;
	char *bytes = fake.queue[fake.first++];
	fake.taken++;
	size_t length = ((struct nlmsghdr *)bytes)->nlmsg_len;
	ck_assert_uint_le(length, size);
	memcpy(buffer, bytes, length);
	free(bytes);
	if (fake.first == fake.count)
		fake.first = fake.count = 0;
	return (ssize_t)length;
}

static const struct kernel_transport fake_transport = {
        .context = &fake,
        .open = fake_open,
        .close = fake_close,
        .send = fake_send,
        .receive = fake_receive,
};

/* "0 300+0 -1", as the result, the removed of each family, and the failed; and what the fault says. */
static void removal_must_be(const struct kernel_transport *transport, size_t count, const char *result)
{
	struct fault fault = {0};
	size_t removed[2] = {9, 9}, failed = 9;
	char got[1024];
	int error = flow_removal_perform(transport, ports, count, removed, &failed, &fault);
	snprintf(got, sizeof(got), "%zu+%zu -%zu%s%s%s%s", removed[0], removed[1], failed, error ? " " : "",
	         error ? strerrorname_np(-error) : "", *fault.sentence ? ": " : "", fault.sentence);
	ck_assert_texts("what came of it", result, got);
}

/* Only the first key is asked for, so there is one dump. */
static void fake_removal_must_be(const char *result)
{
	prepare_ports();
	ports[0] = (struct flow_port){key_from(PROTOCOL_UDP, "10.96.0.10", 53), serving[0], 2};
	removal_must_be(&fake_transport, 1, result);
	while (fake.first < fake.count)
		free(fake.queue[fake.first++]);
}

START_TEST(nothing_is_asked_without_ports)
{
	removal_must_be(&fake_transport, 0, "0+0 -0");
	ck_assert_uint_eq(fake.sends, 0);
}
END_TEST

START_TEST(stale_flows_go_in_few_sends)
{
	fake.flows = 600;
	fake_removal_must_be("600+0 -0");
	ck_assert_uint_eq(fake.dumps, 1);
	ck_assert_uint_eq(fake.filtered_dumps, 1);
	ck_assert_uint_eq(fake.removals, 600);
	ck_assert_uint_eq(fake.most_messages, 256);
	ck_assert_uint_eq(fake.sends, 4);
}
END_TEST

START_TEST(a_flow_that_is_gone_already_counts_as_removed)
{
	fake.flows = 5;
	fake.removal_error = -ENOENT;
	fake_removal_must_be("5+0 -0");
}
END_TEST

START_TEST(a_flow_that_the_kernel_keeps_counts_as_failed_and_the_others_go)
{
	fake.flows = 300;
	fake.removal_error = -EBUSY;
	fake_removal_must_be("150+0 -150");
}
END_TEST

START_TEST(an_interrupted_dump_is_taken_again)
{
	fake.flows = 7;
	fake.interrupted = 3;
	fake_removal_must_be("7+0 -0");
	ck_assert_uint_eq(fake.dumps, 4);
}
END_TEST

START_TEST(of_a_dump_that_is_always_interrupted_what_was_seen_counts)
{
	fake.flows = 7;
	fake.interrupted = SIZE_MAX;
	fake_removal_must_be("7+0 -0");
	ck_assert_uint_eq(fake.dumps, 6);
	ck_assert_uint_eq(fake.removals, 7);
}
END_TEST

START_TEST(a_kernel_that_cannot_filter_is_asked_for_all)
{
	fake.flows = 7;
	fake.refuses_filters = true;
	fake_removal_must_be("7+0 -0");
	ck_assert_uint_eq(fake.filtered_dumps, 1);
	ck_assert_uint_eq(fake.dumps, 1);
}
END_TEST

START_TEST(a_kernel_that_falls_silent_leaves_flows_that_count_as_failed)
{
	fake.flows = 300;
	fake.answers_until_mute = 302; /* the flows, the dump's end, one acknowledgement */
	fake_removal_must_be(
	        "256+0 -44 ETIMEDOUT: connection tracking: the flows could not be read or removed: "
	        "Connection timed out");
}
END_TEST

static const struct {
	int error;
	const char *result;
} dump_errors[] = {
        {-EPERM, "0+0 -0 EPERM: connection tracking: no permission to read and remove the kernel's flows; "
                 "run as root"},
        {-EINVAL, "0+0 -0 EINVAL: connection tracking: this kernel does not tell of its flows; run modprobe "
                  "nf_conntrack_netlink on the host"},
        {-ENOMEM, "0+0 -0 ENOMEM: connection tracking: the flows could not be read or removed: Cannot "
                  "allocate memory"},
};

START_TEST(a_dump_that_is_refused_is_told)
{
	fake.flows = 5;
	fake.dump_error = dump_errors[_i].error;
	fake_removal_must_be(dump_errors[_i].result);
	ck_assert_uint_eq(fake.removals, 0);
}
END_TEST

/* ---- this machine's kernel, in a namespace of our own */

static struct nfct_handle *table;

static bool enter_namespace(void)
{
	return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

static void prepare_namespace(void)
{
	ck_assert(enter_namespace());
	prepare_ports();
	table = nfct_open(CONNTRACK, 0);
	ck_assert_ptr_nonnull(table);
}

static void leave_namespace(void)
{
	nfct_close(table);
}

/* What the kernel insists on for each protocol. */
static void set_state(struct nf_conntrack *flow, uint8_t protocol)
{
	nfct_set_attr_u32(flow, ATTR_TIMEOUT, 1000);
	if (protocol == PROTOCOL_TCP)
		nfct_set_attr_u8(flow, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	if (protocol == PROTOCOL_SCTP) {
		nfct_set_attr_u8(flow, ATTR_SCTP_STATE, SCTP_CONNTRACK_ESTABLISHED);
		nfct_set_attr_u32(flow, ATTR_SCTP_VTAG_ORIG, 1);
		nfct_set_attr_u32(flow, ATTR_SCTP_VTAG_REPL, 2);
	}
}

static void have_flow(const struct row *row, uint16_t client_port, uint16_t zone)
{
	struct nf_conntrack *flow = make_flow(row, client_port);
	set_state(flow, row->protocol);
	if (zone)
		nfct_set_attr_u16(flow, ATTR_ZONE, zone);
	ck_assert_msg(nfct_query(table, NFCT_Q_CREATE, flow) == 0, "port %u: %s", client_port,
	              strerror(errno));
	nfct_destroy(flow);
}

/* A character for each client port from 40000 on. */
enum { CLIENT_PORT = 40000, MOST_CLIENTS = 64 };

static int mark_client(enum nf_conntrack_msg_type type, struct nf_conntrack *flow, void *context)
{
	(void)type;
	char *marks = context;
	int index = ntohs(nfct_get_attr_u16(flow, ATTR_ORIG_PORT_SRC)) - CLIENT_PORT;
	if (index >= 0 && index < MOST_CLIENTS)
		marks[index] = '+';
	return NFCT_CB_CONTINUE;
}

static void flows_must_be(const char *wanted_marks)
{
	char marks[MOST_CLIENTS + 1] = "";
	uint32_t any = AF_UNSPEC;
	memset(marks, '-', strlen(wanted_marks));
	nfct_callback_register(table, NFCT_T_ALL, mark_client, marks);
	ck_assert_int_eq(nfct_query(table, NFCT_Q_DUMP, &any), 0);
	nfct_callback_unregister(table);
	ck_assert_texts("flows that are left", wanted_marks, marks);
}

START_TEST(the_kernel_removes_what_is_stale_and_nothing_else)
{
	char left[MOST_CLIENTS + 1] = "";
	for (int i = 0; i < ROWS(rows); i++) {
		have_flow(&rows[i], (uint16_t)(CLIENT_PORT + i), 0);
		strcat(left, rows[i].stale ? "-" : "+");
	}
	removal_must_be(&kernel_transport_real, ROWS(ports), "6+2 -0");
	flows_must_be(left);
	removal_must_be(&kernel_transport_real, ROWS(ports), "0+0 -0");
}
END_TEST

START_TEST(flows_of_tcp_stay)
{
	const struct row row = {PROTOCOL_TCP, {"10.96.0.10", 53}, {"10.244.0.9", 5353}, false};
	have_flow(&row, CLIENT_PORT, 0);
	removal_must_be(&kernel_transport_real, ROWS(ports), "0+0 -0");
	flows_must_be("+");
}
END_TEST

/* Kernels can be built without zones. */
START_TEST(a_stale_flow_of_a_zone_goes_too)
{
	have_flow(&rows[5], CLIENT_PORT, 7);
	removal_must_be(&kernel_transport_real, ROWS(ports), "1+0 -0");
	flows_must_be("-");
}
END_TEST

START_TEST(many_stale_flows_go)
{
	for (uint16_t i = 0; i < 1000; i++)
		have_flow(&rows[5], (uint16_t)(CLIENT_PORT + i), 0);
	have_flow(&rows[0], CLIENT_PORT + 1000, 0);
	removal_must_be(&kernel_transport_real, ROWS(ports), "1000+0 -0");
}
END_TEST

static struct {
	size_t flows;  /* that the kernel told of */
	bool replaced; /* before the first removal is sent, the flow is replaced by one led elsewhere */
} watched;

static ssize_t watched_receive(void *context, void *socket, void *buffer, size_t size, int timeout_ms)
{
	ssize_t got = kernel_transport_real.receive(context, socket, buffer, size, timeout_ms);
	for (ssize_t at = 0; at < got;) {
		const struct nlmsghdr *answer = (const struct nlmsghdr *)((const char *)buffer + at);
		watched.flows += answer->nlmsg_type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW);
		at += NLMSG_ALIGN(answer->nlmsg_len);
	}
	return got;
}

static int watched_send(void *context, void *socket, const void *messages, size_t length)
{
	const struct nlmsghdr *request = messages;
	if (watched.replaced && (request->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE) {
		struct nf_conntrack *flow = make_flow(&rows[5], CLIENT_PORT);
		ck_assert_int_eq(nfct_query(table, NFCT_Q_DESTROY, flow), 0);
		nfct_destroy(flow);
		have_flow(&rows[0], CLIENT_PORT, 0);
	}
	return kernel_transport_real.send(context, socket, messages, length);
}

static struct kernel_transport watched_transport(void)
{
	struct kernel_transport transport = kernel_transport_real;
	transport.receive = watched_receive;
	transport.send = watched_send;
	return transport;
}

START_TEST(the_kernel_is_not_asked_for_flows_that_do_not_matter)
{
	const struct kernel_transport transport = watched_transport();
	size_t removed[2], failed;
	for (int i = 0; i < ROWS(rows); i++)
		have_flow(&rows[i], (uint16_t)(CLIENT_PORT + i), 0);
	ports[0] = (struct flow_port){key_from(PROTOCOL_UDP, "10.96.0.10", 53), serving[0], 2};
	ck_assert_int_eq(flow_removal_perform(&transport, ports, 1, removed, &failed, NULL), 0);
	ck_assert_uint_eq(watched.flows, 5); /* of both families and protocols there are more */
	prepare_ports();
	watched.flows = 0;
	ck_assert_int_eq(flow_removal_perform(&transport, ports, ROWS(ports), removed, &failed, NULL), 0);
	ck_assert_uint_gt(watched.flows, 5);
}
END_TEST

START_TEST(a_flow_that_took_the_place_of_a_stale_one_stays)
{
	const struct kernel_transport transport = watched_transport();
	watched.replaced = true;
	have_flow(&rows[5], CLIENT_PORT, 0);
	removal_must_be(&transport, ROWS(ports), "1+0 -0");
	flows_must_be("+");
}
END_TEST

/* Why there are no tests with the kernel here; NULL: there are. */
static const char *reason_to_skip(void)
{
	static char reason[160];
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		if (!enter_namespace())
			_exit(1);
		uint32_t family = AF_INET;
		table = nfct_open(CONNTRACK, 0);
		_exit(table && nfct_query(table, NFCT_Q_FLUSH, &family) == 0 ? 0 : 2);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status == 0)
		return NULL;
	snprintf(reason, sizeof(reason), "%s",
	         WIFEXITED(status) && WEXITSTATUS(status) == 1
	                 ? "no network namespace can be made here"
	                 : "connection tracking cannot be had in a network namespace here");
	return reason;
}

static TCase *failing_kernel(void)
{
	TCase *all = tcase_create("a kernel that fails");
	tcase_add_test(all, nothing_is_asked_without_ports);
	tcase_add_test(all, stale_flows_go_in_few_sends);
	tcase_add_test(all, a_flow_that_is_gone_already_counts_as_removed);
	tcase_add_test(all, a_flow_that_the_kernel_keeps_counts_as_failed_and_the_others_go);
	tcase_add_test(all, an_interrupted_dump_is_taken_again);
	tcase_add_test(all, of_a_dump_that_is_always_interrupted_what_was_seen_counts);
	tcase_add_test(all, a_kernel_that_cannot_filter_is_asked_for_all);
	tcase_add_test(all, a_kernel_that_falls_silent_leaves_flows_that_count_as_failed);
	tcase_add_loop_test(all, a_dump_that_is_refused_is_told, 0, ROWS(dump_errors));
	return all;
}

static TCase *real_kernel(void)
{
	TCase *all = tcase_create("this machine's kernel");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, prepare_namespace, leave_namespace);
	tcase_add_test(all, the_kernel_removes_what_is_stale_and_nothing_else);
	tcase_add_test(all, flows_of_tcp_stay);
	tcase_add_test(all, a_stale_flow_of_a_zone_goes_too);
	tcase_add_test(all, many_stale_flows_go);
	tcase_add_test(all, the_kernel_is_not_asked_for_flows_that_do_not_matter);
	tcase_add_test(all, a_flow_that_took_the_place_of_a_stale_one_stays);
	return all;
}

int main(void)
{
	Suite *suite = suite_create("apply: flows");
	TCase *rules = tcase_create("rules");
	tcase_add_loop_test(rules, a_flow_is_stale_when_its_answers_come_from_nobody_who_serves, 0,
	                    ROWS(rows));
	tcase_add_test(rules, a_flow_of_tcp_is_never_stale);
	suite_add_tcase(suite, rules);
	suite_add_tcase(suite, failing_kernel());
	const char *reason = reason_to_skip();
	if (!reason)
		suite_add_tcase(suite, real_kernel());
	else
		printf("SKIPPED: apply: flows in a real kernel: %s\n", reason);
	int status = run_suite(suite);
	return reason && getenv("CI") ? EXIT_FAILURE : status;
}
