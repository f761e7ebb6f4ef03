/*
 * The transport of the fake: sockets, queues, failures. What the messages mean is in fake_ipvs.c and
 * fake_link.c.
 */
#include "fake_kernel.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* What the kernel books for a small datagram, and the buffer of a process without privilege. */
	DATAGRAM_COST = 1280,
	RECEIVE_BUFFER = 2 * 208 * 1024,
};

/* ---- queues */

/* Dumps are paced by the reader in the kernel, so only other answers can overrun the buffer. */
static void push(struct fake_socket *socket, struct fake_datagram datagram)
{
	if (!datagram.of_dump && (socket->queue.count - socket->next) * DATAGRAM_COST > RECEIVE_BUFFER) {
		free(datagram.bytes);
		socket->pending_error = -ENOBUFS;
		return;
	}
	vector_push(&socket->queue, datagram);
}

void fake_answer(struct fake_socket *socket, const struct nlmsghdr *request, struct nl_msg *message,
                 bool of_dump)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	header->nlmsg_seq = request->nlmsg_seq;
	if (of_dump)
		header->nlmsg_flags |= NLM_F_MULTI;
	struct fake_datagram datagram = {
	        .bytes = memory_alloc(header->nlmsg_len), .length = header->nlmsg_len, .of_dump = of_dump};
	memcpy(datagram.bytes, header, header->nlmsg_len);
	push(socket, datagram);
	nlmsg_free(message);
}

static void forget_queue(struct fake_socket *socket)
{
	while (socket->next < socket->queue.count)
		free(socket->queue.items[socket->next++].bytes);
	vector_clear(&socket->queue);
	socket->next = 0;
}

static bool dump_running(const struct fake_socket *socket)
{
	for (size_t i = socket->next; i < socket->queue.count; i++)
		if (socket->queue.items[i].of_dump)
			return true;
	return false;
}

/* ---- answers that every request may get */

static void answer_error(struct fake_socket *socket, const struct nlmsghdr *request, int error,
                         const char *detail)
{
	struct nlmsgerr report = {.error = error, .msg = *request};
	struct nl_msg *message = nlmsg_alloc();
	int flags = NLM_F_CAPPED | (detail ? NLM_F_ACK_TLVS : 0);
	CHECK(message && nlmsg_put(message, 0, 0, NLMSG_ERROR, 0, flags));
	CHECK(nlmsg_append(message, &report, sizeof(report), NLMSG_ALIGNTO) == 0);
	if (detail)
		CHECK(nla_put_string(message, NLMSGERR_ATTR_MSG, detail) == 0);
	fake_answer(socket, request, message, false);
}

static void answer_done(struct fake_socket *socket, const struct nlmsghdr *request)
{
	int result = 0;
	struct nl_msg *message = nlmsg_alloc();
	CHECK(message && nlmsg_put(message, 0, 0, NLMSG_DONE, 0, 0));
	CHECK(nlmsg_append(message, &result, sizeof(result), NLMSG_ALIGNTO) == 0);
	fake_answer(socket, request, message, true);
}

/* ---- requests */

static bool is_change(const struct nlmsghdr *request)
{
	if (request->nlmsg_type == RTM_NEWADDR || request->nlmsg_type == RTM_DELADDR ||
	    request->nlmsg_type == RTM_NEWROUTE || request->nlmsg_type == RTM_DELROUTE)
		return true;
	if (request->nlmsg_type != FAKE_FAMILY)
		return false;
	switch (((const struct genlmsghdr *)NLMSG_DATA(request))->cmd) {
	case IPVS_CMD_NEW_SERVICE:
	case IPVS_CMD_SET_SERVICE:
	case IPVS_CMD_DEL_SERVICE:
	case IPVS_CMD_NEW_DEST:
	case IPVS_CMD_SET_DEST:
	case IPVS_CMD_DEL_DEST:
		return true;
	default:
		return false;
	}
}

static bool is_dump(const struct nlmsghdr *request)
{
	if (request->nlmsg_type == RTM_NEWLINK || is_change(request))
		return false;
	return (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

static const struct fake_refusal *find_refusal(const struct fake_kernel *fake, size_t message)
{
	for (size_t i = 0; i < fake->failures.refusal_count; i++)
		if (fake->failures.refusals[i].message == message)
			return &fake->failures.refusals[i];
	return NULL;
}

static int handle_by_protocol(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request)
{
	if (socket->protocol == NETLINK_GENERIC)
		return fake_ipvs_handle(fake, socket, request);
	if (socket->protocol == NETLINK_NETFILTER)
		return fake_filter_handle(fake, socket, request);
	return fake_link_handle(fake, socket, request);
}

static void flag_interrupted(struct fake_socket *socket, size_t from)
{
	for (size_t i = from; i < socket->queue.count; i++)
		((struct nlmsghdr *)socket->queue.items[i].bytes)->nlmsg_flags |= NLM_F_DUMP_INTR;
}

static void handle_dump(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request)
{
	fake->counters.dumps++;
	size_t from = socket->queue.count;
	int error = dump_running(socket) ? -EBUSY : handle_by_protocol(fake, socket, request);
	if (error) {
		answer_error(socket, request, error, NULL);
		return;
	}
	answer_done(socket, request);
	bool interrupted = fake->counters.dumps == fake->failures.interrupt_dump_at;
	if (fake->failures.interrupted_dumps) {
		fake->failures.interrupted_dumps--;
		interrupted = true;
	}
	if (interrupted)
		flag_interrupted(socket, from);
}

static void handle(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request)
{
	const struct fake_refusal *refusal = NULL;
	CHECK(request->nlmsg_flags & NLM_F_REQUEST);
	if (is_dump(request)) {
		handle_dump(fake, socket, request);
		return;
	}
	if (is_change(request)) {
		refusal = find_refusal(fake, ++fake->counters.changes);
		fake->counters.acknowledgements += (request->nlmsg_flags & NLM_F_ACK) != 0;
	}
	int error = refusal ? refusal->error : handle_by_protocol(fake, socket, request);
	if (error || (request->nlmsg_flags & NLM_F_ACK))
		answer_error(socket, request, error, refusal ? refusal->detail : NULL);
}

/* ---- the transport */

static int fake_open(void *context, int protocol, void **ret_socket)
{
	struct fake_kernel *fake = context;
	size_t number = fake->counters.opens + ++fake->counters.refused_opens;
	if (fake->failures.open_error &&
	    (!fake->failures.open_error_at || number == fake->failures.open_error_at))
		return fake->failures.open_error;
	fake->counters.refused_opens--;
	fake->counters.opens++;
	struct fake_socket *socket = memory_alloc(sizeof(*socket));
	socket->protocol = protocol;
	*ret_socket = socket;
	return 0;
}

static void fake_close(void *context, void *opened)
{
	struct fake_kernel *fake = context;
	struct fake_socket *socket = opened;
	fake->counters.closes++;
	forget_queue(socket);
	vector_done(&socket->queue);
	free(socket);
}

static int fake_send(void *context, void *opened, const void *messages, size_t length)
{
	struct fake_kernel *fake = context;
	size_t count = 0;
	if (++fake->counters.sends == fake->failures.send_error_at)
		return fake->failures.send_error;
	char *copy = memory_alloc(length);
	memcpy(copy, messages, length);
	for (size_t at = 0; at < length; count++) {
		struct nlmsghdr *request = (struct nlmsghdr *)(copy + at);
		CHECK(length - at >= sizeof(*request) && request->nlmsg_len <= length - at);
		handle(fake, opened, request);
		at += NLMSG_ALIGN(request->nlmsg_len);
	}
	if (count > fake->counters.most_messages)
		fake->counters.most_messages = count;
	free(copy);
	return 0;
}

/* An answer to a request that was never sent. */
static ssize_t stray(void *buffer)
{
	struct nlmsghdr header = {
	        .nlmsg_len = sizeof(header), .nlmsg_type = NLMSG_DONE, .nlmsg_seq = 1u << 31};
	memcpy(buffer, &header, sizeof(header));
	return (ssize_t)sizeof(header);
}

ssize_t fake_spoil(enum fake_spoiling spoiling, char *buffer, ssize_t length)
{
	switch (spoiling) {
	case FAKE_CUT:
		return length - 5;
	case FAKE_GARBAGE:
		memset(buffer, 0x5a, (size_t)length);
		return length;
	case FAKE_EMPTY:
		memset(buffer + sizeof(struct nlmsghdr), 0, (size_t)length - sizeof(struct nlmsghdr));
		return length;
	case FAKE_LOST:
		return -ETIMEDOUT;
	case FAKE_OVERRUN:
		return -ENOBUFS;
	case FAKE_STRANGER:
	case FAKE_WHOLE:
	default:
		return length;
	}
}

static ssize_t spoil(struct fake_kernel *fake, struct fake_socket *socket, char *buffer, ssize_t length)
{
	enum fake_spoiling spoiling = fake->failures.spoiling;
	if (spoiling == FAKE_STRANGER) {
		fake->failures.spoil_at++;
		return stray(buffer);
	}
	if (spoiling == FAKE_LOST || spoiling == FAKE_OVERRUN)
		forget_queue(socket);
	return fake_spoil(spoiling, buffer, length);
}

static ssize_t take_datagram(struct fake_socket *socket, void *buffer, size_t size)
{
	if (socket->next == socket->queue.count) {
		forget_queue(socket);
		return -ETIMEDOUT;
	}
	struct fake_datagram *datagram = &socket->queue.items[socket->next++];
	ssize_t length = datagram->length <= size ? (ssize_t)datagram->length : -EMSGSIZE;
	if (length > 0)
		memcpy(buffer, datagram->bytes, datagram->length);
	free(datagram->bytes);
	return length;
}

static ssize_t fake_receive(void *context, void *opened, void *buffer, size_t size, int timeout_ms)
{
	struct fake_kernel *fake = context;
	struct fake_socket *socket = opened;
	CHECK(timeout_ms > 0);
	if (socket->pending_error) {
		int error = socket->pending_error;
		socket->pending_error = 0;
		return error;
	}
	if (++fake->counters.waits == fake->failures.receive_error_at)
		return fake->failures.receive_error;
	bool spoiled = ++fake->counters.datagrams == fake->failures.spoil_at;
	if (spoiled && fake->failures.spoiling == FAKE_STRANGER)
		return spoil(fake, socket, buffer, 0);
	ssize_t length = take_datagram(socket, buffer, size);
	return spoiled && length > 0 ? spoil(fake, socket, buffer, length) : length;
}

/* ---- the whole */

void fake_kernel_init(struct fake_kernel *fake)
{
	static const char *const schedulers[] = {"rr", "wrr", "lc", "wlc", "sh", "mh", "dh", NULL};
	*fake = (struct fake_kernel){.schedulers = schedulers};
	fake->transport = (struct kernel_transport){.context = fake,
	                                            .open = fake_open,
	                                            .close = fake_close,
	                                            .send = fake_send,
	                                            .receive = fake_receive,
	                                            .filter_run = fake_filter_run,
	                                            .filter_close = fake_filter_close};
}

void fake_kernel_done(struct fake_kernel *fake)
{
	CHECK(fake->counters.opens == fake->counters.closes);
	vector_for_each (&fake->virtual_servers, server)
		vector_done(&server->real_servers);
	vector_done(&fake->virtual_servers);
	vector_done(&fake->held);
	vector_done(&fake->routes);
	vector_done(&fake->filter.elements);
}

struct fake_virtual_server *fake_kernel_put(struct fake_kernel *fake, const struct virtual_server *server)
{
	struct fake_virtual_server entry = {.server = *server};
	entry.server.flags |= VIRTUAL_SERVER_HASHED;
	for (size_t i = 0; i < server->real_server_count; i++)
		vector_push(&entry.real_servers, server->real_servers[i]);
	vector_push(&fake->virtual_servers, entry);
	return &fake->virtual_servers.items[fake->virtual_servers.count - 1];
}

static void print_real_server(const struct real_server *server, struct text *text)
{
	char endpoint[ENDPOINT_TEXT_SIZE];
	endpoint_format(&server->address, server->port, endpoint);
	text_addf(text, "  -> %s weight %u", endpoint, server->weight);
	if (server->forwarding)
		text_addf(text, " forwarding %u", server->forwarding);
	if (server->upper_threshold || server->lower_threshold)
		text_addf(text, " thresholds %u %u", server->upper_threshold, server->lower_threshold);
	if (server->tunnel_type)
		text_addf(text, " tunnel %u %u %u", server->tunnel_type, server->tunnel_port,
		          server->tunnel_flags);
	text_add(text, "\n");
}

void fake_kernel_print(struct fake_kernel *fake, struct text *text)
{
	char name[VIRTUAL_SERVER_TEXT_SIZE], address_text[ADDRESS_TEXT_SIZE];
	vector_for_each (&fake->virtual_servers, entry) {
		const struct virtual_server *server = &entry->server;
		text_addf(text, "%s %s flags 0x%x timeout %u mask %u",
		          virtual_server_key_format(&server->key, name), server->scheduler, server->flags,
		          server->timeout_seconds, server->netmask_bits);
		text_addf(text, "%s%s\n", server->engine[0] ? " engine " : "", server->engine);
		vector_for_each (&entry->real_servers, real_server)
			print_real_server(real_server, text);
	}
	vector_for_each (&fake->held, address) {
		address_format(address, address_text);
		text_addf(text, "held %s\n", address_text);
	}
	vector_for_each (&fake->routes, route) {
		address_format(&route->address, address_text);
		text_addf(text, "route %s protocol %u metric %u interface %u\n", address_text,
		          route->protocol, route->metric, route->interface);
	}
}

/* ---- what is told of changes */

void fake_tell(const struct fake_kernel *fake, const struct fake_event *event)
{
	if (fake->saw)
		fake->saw(fake->watcher, event);
}

void fake_event_print(const struct fake_event *event, struct text *text)
{
	static const char *const deeds[] = {
	        [FAKE_ADD] = "add", [FAKE_CHANGE] = "change", [FAKE_REMOVE] = "remove"};
	char name[VIRTUAL_SERVER_TEXT_SIZE], endpoint[ENDPOINT_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];
	text_add(text, deeds[event->deed]);
	if (event->key)
		text_addf(text, " %s", virtual_server_key_format(event->key, name));
	if (event->real_server) {
		endpoint_format(&event->real_server->address, event->real_server->port, endpoint);
		text_addf(text, " -> %s weight %u", endpoint, event->real_server->weight);
	}
	if (event->address) {
		address_format(event->address, address);
		text_addf(text, " %s %s", event->by_route ? "route" : "held", address);
	}
	if (event->element)
		text_addf(text, " %s %s %s", event->element->set, event->element->key, event->element->value);
	if (event->error)
		text_addf(text, ": %s", strerror(-event->error));
	if (event->needless)
		text_add(text, " (as it was)");
}
