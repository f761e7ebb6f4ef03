/*
 * Tells that an address of the host came or went (rtnetlink), those of the dummy apart: NodePorts follow them.
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
/*
 * Reads all that is there, without waiting. Whether addresses of the host may have changed; true as well when the
 * kernel had to drop messages. A negative errno when the socket is of no use any more.
 */
int host_watch_read(struct host_watch *watch, bool *ret_changed);

#endif
