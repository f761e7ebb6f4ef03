/*
 * Tells that an address of the host came or went (rtnetlink), those of the dummy apart: NodePorts follow them. And that
 * the dummy itself is gone, with all the addresses that it held; or a route that holds one.
 */
#ifndef KUBE_IPVS_APPLY_HOST_WATCH_H
#define KUBE_IPVS_APPLY_HOST_WATCH_H

#include <stdbool.h>

struct host_watch;

/* `dummy` is the interface whose addresses do not matter; it may come and go. 0 or a negative errno. */
int host_watch_open(const char *dummy, struct host_watch **ret_watch);
void host_watch_close(struct host_watch *watch); /* idempotent; NULL is allowed */
/* Becomes readable when there is something to read. */
int host_watch_descriptor(const struct host_watch *watch);
struct host_news {
	bool addresses_changed; /* or may have: the kernel had to drop messages */
	bool dummy_touched;     /* an address on it came or went, by whomever, or may have */
	bool dummy_gone;        /* removed or renamed since it was there */
	bool held_route_gone;   /* one of those that hold addresses, and another process removed it */
};

/* Reads all that is there, without waiting. A negative errno when the socket is of no use any more. */
int host_watch_read(struct host_watch *watch, struct host_news *ret_news);

#endif
