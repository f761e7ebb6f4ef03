/*
 * How netlink messages travel: the one seam between apply and the operating system.
 *
 * The real one is libnl sockets, and libnftables for what is written to the packet filter. Tests bring one that fails on demand, the bench one that keeps the messages.
 */
#ifndef KUBE_IPVS_APPLY_TRANSPORT_H
#define KUBE_IPVS_APPLY_TRANSPORT_H

#include "base/text.h"

#include <stddef.h>
#include <sys/types.h>

struct kernel_transport {
	void *context;
	/* Opens a conversation with `protocol` (NETLINK_GENERIC, NETLINK_ROUTE, NETLINK_NETFILTER). 0 and a socket, which is
	 * the transport's own type; else a negative errno. */
	int (*open)(void *context, int protocol, void **ret_socket);
	void (*close)(void *context, void *socket);
	/* Sends whole messages. 0 or a negative errno. */
	int (*send)(void *context, void *socket, const void *messages, size_t length);
	/*
	 * Waits at most `timeout_ms` for one datagram of whole messages. > 0: bytes; else a negative errno
	 * (-ETIMEDOUT, -ENOBUFS, -EMSGSIZE when `size` is too small, ...).
	 */
	ssize_t (*receive)(void *context, void *socket, void *buffer, size_t size, int timeout_ms);
	/*
	 * Runs commands for nft(8) as one transaction, which happens wholly or not at all. *session, NULL at first, is what
	 * the transport keeps from one run to the next. On failure a negative errno, and one sentence is added to
	 * `ret_words` where there is something to say.
	 */
	int (*filter_run)(void *context, void **session, const char *commands, struct text *ret_words);
	void (*filter_close)(void *context, void *session); /* NULL is allowed */
};

/* The kernel's own sockets, and libnftables. */
extern const struct kernel_transport kernel_transport_real;

#endif
