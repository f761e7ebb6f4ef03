/*
 * How netlink messages travel: the one seam between apply and the operating system.
 *
 * The real one is two libnl sockets. Tests bring one that fails on demand, the bench one that keeps the
 * messages.
 */
#ifndef KUBE_IPVS_APPLY_TRANSPORT_H
#define KUBE_IPVS_APPLY_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct kernel_transport {
	void *context;
	/* Opens a conversation with `protocol` (NETLINK_GENERIC, NETLINK_ROUTE). >= 0: a handle; else a
	 * negative errno. */
	int (*open)(void *context, int protocol);
	void (*close)(void *context, int handle);
	/* Sends whole messages. 0 or a negative errno. */
	int (*send)(void *context, int handle, const void *messages, size_t length);
	/* Waits at most `timeout_ms` for whole messages. > 0: bytes; else a negative errno (-ETIMEDOUT,
	 * -ENOBUFS, ...). */
	ssize_t (*receive)(void *context, int handle, void *buffer, size_t size, int timeout_ms);
};

/* The kernel's own sockets. */
extern const struct kernel_transport kernel_transport_real;

#endif
