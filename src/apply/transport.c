/*
 * The real transport: libnl opens and configures the sockets, plain send and recvmsg use them, since libnl's
 * own would fold the errno, and allocate for each datagram.
 */
#include "apply/transport.h"

#include "filter_writer.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* Room for an error to every message of a batch (batch.h) and for the largest dump datagrams. */
enum { WANTED_RECEIVE_BYTES = 4 << 20, MODEST_RECEIVE_BYTES = 208 << 10, SEND_BYTES = 256 << 10 };

enum { STRAY_DATAGRAMS = 1000 }; /* so many from other processes, and nothing can be heard here */

/* libnl's codes fold several errnos into one; the system call's own is still there. */
static int negative_errno(void)
{
	return errno ? -errno : -EIO;
}

static void configure(struct nl_sock *sock, int protocol)
{
	int fd = nl_socket_get_fd(sock), wanted = WANTED_RECEIVE_BYTES, on = 1;
	(void)nl_socket_set_buffer_size(sock, MODEST_RECEIVE_BYTES, SEND_BYTES);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted));
	/* Short acknowledgements, and the kernel's own words beside an errno; kernels before 4.12 know
	 * neither. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	/* A dump of routes is what was asked for, not all there are: a node may have a million. Since 4.20. */
	if (protocol == NETLINK_ROUTE)
		(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
}

static int real_open(void *context, int protocol, void **ret_socket)
{
	(void)context;
	struct nl_sock *sock = nl_socket_alloc();
	if (!sock)
		return -ENOMEM;
	errno = 0;
	if (nl_connect(sock, protocol) < 0) {
		int error = negative_errno();
		nl_socket_free(sock);
		return error;
	}
	configure(sock, protocol);
	*ret_socket = sock;
	return 0;
}

static void real_close(void *context, void *socket)
{
	(void)context;
	nl_socket_free(socket);
}

static int real_send(void *context, void *socket, const void *messages, size_t length)
{
	(void)context;
	ssize_t sent;
	do {
		sent = send(nl_socket_get_fd(socket), messages, length, 0);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return negative_errno();
	return (size_t)sent == length ? 0 : -EIO;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int ready;
	do {
		ready = poll(&pollfd, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return negative_errno();
	return ready ? 0 : -ETIMEDOUT;
}

static bool from_the_kernel(const struct sockaddr_nl *sender)
{
	return sender->nl_family == AF_NETLINK && sender->nl_pid == 0;
}

/* -EAGAIN: nothing there yet. */
static ssize_t receive_now(int fd, void *buffer, size_t size)
{
	struct sockaddr_nl sender = {0};
	struct iovec part = {.iov_base = buffer, .iov_len = size};
	struct msghdr header = {
	        .msg_name = &sender, .msg_namelen = sizeof(sender), .msg_iov = &part, .msg_iovlen = 1};
	ssize_t got = recvmsg(fd, &header, MSG_DONTWAIT);
	if (got < 0)
		return errno == EINTR ? -EAGAIN : negative_errno();
	if (!from_the_kernel(&sender))
		return -EAGAIN;
	if (header.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return got ? got : -EIO;
}

/* The kernel usually answers before send returns, so reading comes first and waiting second. */
static ssize_t real_receive(void *context, void *socket, void *buffer, size_t size, int timeout_ms)
{
	(void)context;
	int fd = nl_socket_get_fd(socket);
	for (int tries = 0; tries < STRAY_DATAGRAMS; tries++) {
		ssize_t got = receive_now(fd, buffer, size);
		if (got != -EAGAIN)
			return got;
		int error = wait_readable(fd, timeout_ms);
		if (error)
			return error;
	}
	return -EPROTO;
}

const struct kernel_transport kernel_transport_real = {
        .open = real_open,
        .close = real_close,
        .send = real_send,
        .receive = real_receive,
        .filter_run = filter_writer_run,
        .filter_close = filter_writer_close,
};
