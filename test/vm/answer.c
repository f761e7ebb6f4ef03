/*
 * The backends of the traffic matrix: all of them in one process, since a program costs 40 ms in the guest.
 *
 *     vm-answer PORT NAMESPACE...
 *
 * Serves TCP, UDP and SCTP at PORT in each network namespace, over IPv4 and IPv6, and answers each connection and each
 * datagram with a line: the namespace's name and the address that the client was seen with. "node" is the namespace that
 * vm-answer is started in. It goes into the background as soon as everything listens.
 */
#include "namespace.h"

#include <arpa/inet.h>
#include <err.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct listener {
	const char *name;
	int fd;
	bool datagrams;
};

static const struct kind {
	int type;
	int protocol;
} kinds[] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}, {SOCK_STREAM, IPPROTO_SCTP}};

/* One family a socket: an SCTP socket for both would tell its peers addresses of both. */
static int listen_at(const struct kind *kind, int family, uint16_t port)
{
	int on = 1;
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(family, kind->type | SOCK_CLOEXEC, kind->protocol);
	if (fd < 0)
		err(1, "socket");
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
		err(1, "IPV6_V6ONLY");
	if (kind->type == SOCK_DGRAM && family == AF_INET &&
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0)
		err(1, "IP_PKTINFO");
	if (kind->type == SOCK_DGRAM && family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) != 0)
		err(1, "IPV6_RECVPKTINFO");
	if (bind(fd, family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six,
	         family == AF_INET ? sizeof(four) : sizeof(six)) != 0)
		err(1, "bind to port %u", port);
	if (kind->type == SOCK_STREAM && listen(fd, 1024) != 0)
		err(1, "listen at port %u", port);
	return fd;
}

static size_t format_answer(const char *name, const struct sockaddr_storage *client, socklen_t size,
                            char *line, size_t room)
{
	char address[INET6_ADDRSTRLEN];
	if (getnameinfo((const struct sockaddr *)client, size, address, sizeof(address), NULL, 0,
	                NI_NUMERICHOST) != 0)
		strcpy(address, "?");
	return (size_t)snprintf(line, room, "%s %s\n", name, address);
}

static void answer_connection(const struct listener *listener)
{
	struct sockaddr_storage client;
	socklen_t size = sizeof(client);
	char line[128];
	int fd = accept4(listener->fd, (struct sockaddr *)&client, &size, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	size_t length = format_answer(listener->name, &client, size, line, sizeof(line));
	if (send(fd, line, length, MSG_NOSIGNAL) < 0)
		warn("%s: an answer could not be sent", listener->name);
	close(fd);
}

/* The interface that a datagram came by is not where its answer has to leave. */
static void answer_from_anywhere(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			((struct in_pktinfo *)CMSG_DATA(c))->ipi_ifindex = 0;
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex = 0;
	}
}

/* The control data says which address was asked, and is sent back so that the answer comes from there. */
static void answer_datagram(const struct listener *listener)
{
	_Alignas(struct cmsghdr) char control[256];
	struct sockaddr_storage client;
	char line[128];
	struct iovec data = {.iov_base = line, .iov_len = sizeof(line)};
	struct msghdr message = {.msg_name = &client,
	                         .msg_namelen = sizeof(client),
	                         .msg_iov = &data,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	if (recvmsg(listener->fd, &message, MSG_DONTWAIT) < 0)
		return;
	answer_from_anywhere(&message);
	data.iov_len = format_answer(listener->name, &client, message.msg_namelen, line, sizeof(line));
	if (sendmsg(listener->fd, &message, 0) < 0)
		warn("%s: an answer could not be sent", listener->name);
}

static size_t listen_in(const char *name, uint16_t port, struct listener *listeners)
{
	static const int families[] = {AF_INET, AF_INET6};
	size_t count = 0;
	namespace_enter(name);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		for (size_t f = 0; f < 2; f++)
			listeners[count++] = (struct listener){.name = name,
			                                       .fd = listen_at(&kinds[k], families[f], port),
			                                       .datagrams = kinds[k].type == SOCK_DGRAM};
	return count;
}

static void serve(struct listener *listeners, size_t count)
{
	int poll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < count; i++) {
		struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = &listeners[i]};
		if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listeners[i].fd, &wanted) != 0)
			err(1, "epoll");
	}
	for (;;) {
		struct epoll_event events[64];
		int ready = epoll_wait(poll, events, 64, -1);
		for (int i = 0; i < ready; i++) {
			const struct listener *listener = events[i].data.ptr;
			(listener->datagrams ? answer_datagram : answer_connection)(listener);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(1, "usage: vm-answer PORT NAMESPACE...");
	uint16_t port = (uint16_t)atoi(argv[1]);
	struct listener *listeners = calloc((size_t)argc * 6, sizeof(*listeners));
	size_t count = 0;
	if (!listeners)
		err(1, "calloc");
	for (int i = 2; i < argc; i++)
		count += listen_in(argv[i], port, &listeners[count]);
	if (daemon(1, 1) != 0)
		err(1, "daemon");
	serve(listeners, count);
}
