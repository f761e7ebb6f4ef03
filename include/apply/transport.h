/*
 * How netlink messages travel: the one seam between apply and the operating system.
 *
 * The real one is libnl sockets. Tests bring one that fails on demand, the bench one that keeps the messages.
 */
#ifndef KUBE_IPVS_APPLY_TRANSPORT_H
#define KUBE_IPVS_APPLY_TRANSPORT_H

#include <stddef.h>
#include <sys/types.h>

struct kernel_transport {
	void *context;
	/* Opens a conversation with `protocol` (NETLINK_GENERIC, NETLINK_ROUTE). 0 and a socket, which is the
	 * transport's own type; else a negative errno. */
	int (*open)(void *context, int protocol, void **ret_socket);
	void (*close)(void *context, void *socket);
	/* Sends whole messages. 0 or a negative errno. */
	int (*send)(void *context, void *socket, const void *messages, size_t length);
	/*
	 * Waits at most `timeout_ms` for one datagram of whole messages. > 0: bytes; else a negative errno
	 * (-ETIMEDOUT, -ENOBUFS, -EMSGSIZE when `size` is too small, ...).
	 */
	ssize_t (*receive)(void *context, void *socket, void *buffer, size_t size, int timeout_ms);
};

/* The kernel's own sockets. */
extern const struct kernel_transport kernel_transport_real;

#endif
