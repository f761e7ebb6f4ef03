#include "message_keeper.h"

#include "base/check.h"
#include "base/memory.h"
#include "machine.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES = 1 << 18, SOCKET_BYTES = 64 << 20 };

static void keep(struct message_keeper *keeper, int protocol, const void *bytes, size_t length)
{
	struct kept_batch batch = {.protocol = protocol, .bytes = memory_alloc(length), .length = length};
	memcpy(batch.bytes, bytes, length);
	for (size_t at = 0; at < length; batch.messages++)
		at += NLMSG_ALIGN(((const struct nlmsghdr *)(batch.bytes + at))->nlmsg_len);
	vector_push(&keeper->batches, batch);
}

void message_keeper_clear(struct message_keeper *keeper)
{
	vector_for_each (&keeper->batches, batch)
		memory_free_pointer(&batch->bytes);
	vector_done(&keeper->batches);
	keeper->filter_text_ns = 0;
}

/* ---- IPVS, addresses and routes */

struct keeper_socket {
	int protocol;
	void *real;
	uint32_t unanswered; /* sequence number of the last message of a kept batch; 0: none */
};

static int keeper_open(void *context, int protocol, void **ret_socket)
{
	struct keeper_socket *opened = memory_alloc(sizeof(*opened));
	(void)context;
	opened->protocol = protocol;
	*ret_socket = opened;
	return kernel_transport_real.open(NULL, protocol, &opened->real);
}

static void keeper_close(void *context, void *opened)
{
	struct keeper_socket *keeper_socket = opened;
	(void)context;
	kernel_transport_real.close(NULL, keeper_socket->real);
	free(keeper_socket);
}

static bool is_ipvs_change(const struct nlmsghdr *message)
{
	const struct genlmsghdr *header = NLMSG_DATA(message);
	return message->nlmsg_type > GENL_ID_CTRL &&
	       ((header->cmd >= IPVS_CMD_NEW_SERVICE && header->cmd <= IPVS_CMD_DEL_SERVICE) ||
	        (header->cmd >= IPVS_CMD_NEW_DEST && header->cmd <= IPVS_CMD_DEL_DEST));
}

static bool is_change(int protocol, const struct nlmsghdr *message)
{
	static const uint16_t changes[] = {RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE};
	if (protocol == NETLINK_GENERIC)
		return is_ipvs_change(message);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
		if (protocol == NETLINK_ROUTE && message->nlmsg_type == changes[i])
			return true;
	return false;
}

static uint32_t last_sequence(const char *bytes, size_t length)
{
	uint32_t sequence = 0;
	for (size_t at = 0; at < length;) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(bytes + at);
		sequence = message->nlmsg_seq;
		at += NLMSG_ALIGN(message->nlmsg_len);
	}
	return sequence;
}

static int keeper_send(void *context, void *opened, const void *messages, size_t length)
{
	struct message_keeper *keeper = context;
	struct keeper_socket *keeper_socket = opened;
	if (!keeper->keeping || !is_change(keeper_socket->protocol, messages))
		return kernel_transport_real.send(NULL, keeper_socket->real, messages, length);
	keep(keeper, keeper_socket->protocol, messages, length);
	keeper_socket->unanswered = last_sequence(messages, length);
	return 0;
}

static ssize_t keeper_receive(void *context, void *opened, void *buffer, size_t size, int timeout_ms)
{
	struct keeper_socket *keeper_socket = opened;
	(void)context;
	if (!keeper_socket->unanswered)
		return kernel_transport_real.receive(NULL, keeper_socket->real, buffer, size, timeout_ms);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr report;
	} answer = {.header = {.nlmsg_len = sizeof(answer),
	                       .nlmsg_type = NLMSG_ERROR,
	                       .nlmsg_seq = keeper_socket->unanswered}};
	CHECK(size >= sizeof(answer));
	memcpy(buffer, &answer, sizeof(answer));
	keeper_socket->unanswered = 0;
	return sizeof(answer);
}

/* ---- the packet filter */

static __thread struct message_keeper *listening; /* while libnftables runs */

/* A number of the transaction before this one would be checked, and is another one elsewhere. */
static void forget_generation(char *bytes)
{
	struct nlmsghdr *message = (struct nlmsghdr *)bytes;
	if (message->nlmsg_type != NFNL_MSG_BATCH_BEGIN ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)) + sizeof(struct nlattr))
		return;
	struct nlattr *attribute =
	        (struct nlattr *)((char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nfgenmsg)));
	attribute->nla_type = NFNL_BATCH_UNSPEC;
}

static void keep_of_filter(const struct msghdr *message)
{
	size_t length = 0, at = 0;
	for (size_t i = 0; i < message->msg_iovlen; i++)
		length += message->msg_iov[i].iov_len;
	char *bytes = memory_alloc(length);
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		memcpy(bytes + at, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
		at += message->msg_iov[i].iov_len;
	}
	forget_generation(bytes);
	if (((struct nlmsghdr *)bytes)->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		keep(listening, NETLINK_NETFILTER, bytes, length);
	free(bytes);
}

void message_keeper_saw(const struct msghdr *message)
{
	if (listening)
		keep_of_filter(message);
}

static int keeper_filter_run(void *context, void **session, const char *commands, struct text *ret_words)
{
	struct message_keeper *keeper = context;
	int64_t began = machine_now_ns();
	listening = keeper->keeping ? keeper : NULL;
	int error = kernel_transport_real.filter_run(NULL, session, commands, ret_words);
	if (listening)
		keeper->filter_text_ns += machine_now_ns() - began;
	listening = NULL;
	return error;
}

static void keeper_filter_close(void *context, void *session)
{
	(void)context;
	kernel_transport_real.filter_close(NULL, session);
}

struct kernel_transport message_keeper_transport(struct message_keeper *keeper)
{
	return (struct kernel_transport){.context = keeper,
	                                 .open = keeper_open,
	                                 .close = keeper_close,
	                                 .send = keeper_send,
	                                 .receive = keeper_receive,
	                                 .filter_run = keeper_filter_run,
	                                 .filter_close = keeper_filter_close};
}

/* ---- sending */

static int open_socket(int protocol)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK};
	int size = SOCKET_BYTES, on = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0);
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return fd;
}

void message_sender_open(struct message_sender *sender)
{
	*sender = (struct message_sender){.generic = open_socket(NETLINK_GENERIC),
	                                  .route = open_socket(NETLINK_ROUTE),
	                                  .netfilter = open_socket(NETLINK_NETFILTER),
	                                  .answer = memory_alloc(ANSWER_BYTES)};
}

void message_sender_close(struct message_sender *sender)
{
	close(sender->generic);
	close(sender->route);
	close(sender->netfilter);
	memory_free_pointer(&sender->answer);
}

int message_sender_socket(const struct message_sender *sender, int protocol)
{
	return protocol == NETLINK_GENERIC ? sender->generic
	       : protocol == NETLINK_ROUTE ? sender->route
	                                   : sender->netfilter;
}

/* A transaction of nf_tables is over when send returns, and says nothing when it went well. */
static bool has_answer(const struct kept_batch *batch, int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	return batch->protocol != NETLINK_NETFILTER || poll(&pollfd, 1, 0) > 0;
}

int64_t message_sender_send(struct message_sender *sender, const struct kept_batch *batch)
{
	int fd = message_sender_socket(sender, batch->protocol);
	int64_t began = machine_now_ns();
	CHECK(send(fd, batch->bytes, batch->length, 0) == (ssize_t)batch->length);
	if (has_answer(batch, fd)) {
		CHECK(recv(fd, sender->answer, ANSWER_BYTES, 0) > 0);
		const struct nlmsghdr *header = (const struct nlmsghdr *)sender->answer;
		const struct nlmsgerr *report = NLMSG_DATA(header);
		CHECK(header->nlmsg_type == NLMSG_ERROR && report->error == 0);
	}
	return machine_now_ns() - began;
}
