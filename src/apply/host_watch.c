/*
 * What rtnetlink tells of addresses, without those of the dummy.
 *
 * Our own work on the dummy is heard here too, thousands of messages at a start. So its index is followed by the messages
 * about interfaces, which come in order with those about addresses: it costs no question to the kernel, and the farewell
 * messages of an interface that is gone already are told apart as well.
 */
#include "apply/host_watch.h"

#include "base/memory.h"
#include "holding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MESSAGE_BYTES = 32 << 10,
	QUEUE_BYTES = 1 << 20, /* some thousand messages: what a start puts on the dummy */
	DATAGRAMS_MOST = 4096, /* in one reading; others wait meanwhile */
};

struct host_watch {
	int fd;
	unsigned dummy;  /* index; 0: there is none */
	bool touched;    /* during this reading an address came to the dummy or went */
	bool replaced;   /* during this reading the dummy went, whether or not there is another one now */
	bool route_gone; /* during this reading */
	char name[IFNAMSIZ];
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
};

/*
 * Of routes, only the farewell of ours gets into the queue: where a routing protocol is spoken, they come and go by the
 * thousand. False: the kernel does not take the filter.
 */
static bool leave_out_routes(int fd)
{
	enum {
		TYPE = offsetof(struct nlmsghdr, nlmsg_type),
		PROTOCOL = NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol)
	};
	/* What is loaded counts as being in network byte order. */
	struct sock_filter steps[] = {
	        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 3, 0),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 3),
	        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, PROTOCOL),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HELD_ROUTE_PROTOCOL, 1, 0),
	        BPF_STMT(BPF_RET | BPF_K, 0),
	        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {.len = sizeof(steps) / sizeof(*steps), .filter = steps};
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static int open_socket(void)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK,
	                          .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
	const int queue_bytes = QUEUE_BYTES;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	/* Without privilege the queue is a shorter one, and what it cannot hold is told as a change. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue_bytes, sizeof(queue_bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue_bytes, sizeof(queue_bytes));
	if (leave_out_routes(fd))
		own.nl_groups |= RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
	if (bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

int host_watch_open(const char *dummy, struct host_watch **ret_watch)
{
	*ret_watch = NULL;
	if (strlen(dummy) >= IFNAMSIZ)
		return -EINVAL;
	int fd = open_socket();
	if (fd < 0)
		return fd;
	struct host_watch *watch = memory_alloc(sizeof(*watch));
	watch->fd = fd;
	strcpy(watch->name, dummy);
	/* After the socket is bound: whatever happens to it from here on is told. */
	watch->dummy = if_nametoindex(dummy);
	*ret_watch = watch;
	return 0;
}

void host_watch_close(struct host_watch *watch)
{
	if (!watch)
		return;
	close(watch->fd);
	free(watch);
}

int host_watch_descriptor(const struct host_watch *watch)
{
	return watch->fd;
}

static void forget_dummy(struct host_watch *watch)
{
	watch->dummy = 0;
	watch->replaced = watch->touched = true;
}

static void follow_link(struct host_watch *watch, const struct nlmsghdr *message)
{
	struct nlattr *attributes[IFLA_MAX + 1];
	const struct ifinfomsg *header = nlmsg_data(message);
	if (!nlmsg_valid_hdr(message, sizeof(*header)))
		return;
	unsigned index = (unsigned)header->ifi_index;
	if (message->nlmsg_type == RTM_DELLINK) {
		/* A bridge that loses a port says so in these words too. */
		if (index == watch->dummy && header->ifi_family == AF_UNSPEC)
			forget_dummy(watch);
		return;
	}
	if (nlmsg_parse((struct nlmsghdr *)(uintptr_t)message, sizeof(*header), attributes, IFLA_MAX, NULL) <
	            0 ||
	    !attributes[IFLA_IFNAME])
		return;
	if (nla_strcmp(attributes[IFLA_IFNAME], watch->name) == 0)
		watch->dummy = index;
	else if (index == watch->dummy)
		forget_dummy(watch); /* it has another name now */
}

/* Whether an address that is not the dummy's changed. */
static bool is_change(struct host_watch *watch, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *header = nlmsg_data(message);
	if (!nlmsg_valid_hdr(message, sizeof(*header)) ||
	    (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return false;
	bool on_dummy = header->ifa_index == watch->dummy;
	watch->touched |= on_dummy;
	return !on_dummy;
}

/* Whoever asked for it is named by his socket, and libnl numbers sockets by their process, in the lower 22 bits. */
static bool is_lost_route(const struct nlmsghdr *message)
{
	const uint32_t process_bits = 0x3fffff;
	const struct rtmsg *header = nlmsg_data(message);
	return nlmsg_valid_hdr(message, sizeof(*header)) && header->rtm_protocol == HELD_ROUTE_PROTOCOL &&
	       header->rtm_table == RT_TABLE_LOCAL &&
	       ((message->nlmsg_pid ^ (uint32_t)getpid()) & process_bits) != 0;
}

static bool take_datagram(struct host_watch *watch, size_t length)
{
	bool changed = false;
	int left = (int)length;
	for (struct nlmsghdr *message = (struct nlmsghdr *)watch->buffer; nlmsg_ok(message, left);
	     message = nlmsg_next(message, &left))
		switch (message->nlmsg_type) {
		case RTM_NEWLINK:
		case RTM_DELLINK:
			follow_link(watch, message);
			break;
		case RTM_NEWADDR:
		case RTM_DELADDR:
			changed |= is_change(watch, message);
			break;
		case RTM_DELROUTE:
			watch->route_gone |= is_lost_route(message);
			break;
		}
	return changed;
}

/* > 0: bytes of a whole datagram; 0: one that is of no use; else a negative errno. */
static ssize_t receive(struct host_watch *watch)
{
	struct sockaddr_nl sender = {0};
	struct iovec part = {watch->buffer, sizeof(watch->buffer)};
	struct msghdr header = {
	        .msg_name = &sender, .msg_namelen = sizeof(sender), .msg_iov = &part, .msg_iovlen = 1};
	ssize_t length = recvmsg(watch->fd, &header, 0);
	if (length < 0)
		return -errno;
	if (header.msg_flags & MSG_TRUNC)
		return -ENOBUFS; /* as good as lost */
	return sender.nl_pid == 0 ? length : 0;
}

static int read_all(struct host_watch *watch, bool *ret_changed)
{
	for (int i = 0; i < DATAGRAMS_MOST; i++) {
		ssize_t length = receive(watch);
		if (length == -EAGAIN)
			return 0;
		if (length == -ENOBUFS) {
			unsigned now = if_nametoindex(watch->name);
			watch->replaced |= watch->dummy != 0 && watch->dummy != now;
			watch->dummy = now;
			*ret_changed = watch->touched = true;
		} else if (length < 0 && length != -EINTR) {
			return (int)length;
		} else if (length > 0) {
			*ret_changed |= take_datagram(watch, (size_t)length);
		}
	}
	return 0;
}

int host_watch_read(struct host_watch *watch, struct host_news *ret_news)
{
	*ret_news = (struct host_news){0};
	watch->replaced = watch->touched = watch->route_gone = false;
	int error = read_all(watch, &ret_news->addresses_changed);
	ret_news->dummy_gone = watch->replaced;
	ret_news->dummy_touched = watch->touched;
	ret_news->held_route_gone = watch->route_gone;
	return error;
}
