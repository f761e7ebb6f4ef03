/*
 * The connections that IPVS knows, one by one, with what TCP or SCTP makes of them: /proc/net/ip_vs_conn.
 *
 * The kernel has no other list of them. It gives one page at a time, and looks for its place from the start for each, so
 * that a long list costs its length squared. It may miss a connection or give it twice while others come and go. Hence it
 * is read in steps, by who counts what they cost, and what it says is checked against the kernel's own counts.
 */
#ifndef KUBE_IPVS_APPLY_CONNECTIONS_H
#define KUBE_IPVS_APPLY_CONNECTIONS_H

#include "apply/kernel.h"
#include "plan/state.h"

#define CONNECTIONS_PATH "/proc/net/ip_vs_conn"

enum connection_phase {
	CONNECTION_OPEN,
	CONNECTION_HALF_CLOSED, /* one side has said that it will send no more */
	CONNECTION_CLOSED,      /* by both, or reset: the kernel only remembers it for a while */
};

struct connection {
	struct virtual_server_key
	        key; /* as its packets name it; of a firewall mark the address that was asked */
	struct flow_end client, real_server;
	enum connection_phase phase;
	uint32_t expires_seconds; /* when the kernel forgets it, if nothing more is sent */
};

struct connections;

/* `path` is CONNECTIONS_PATH, or a test's file. 0 or a negative errno. */
int connections_open(const char *path, struct connections **ret_connections);
void connections_close(struct connections *connections); /* idempotent; NULL is allowed */
/*
 * Reads a page, and tells each connection in it; templates of persistence are none. 1: there may be more; 0: that was the
 * end; else a negative errno. Lines that cannot be read are passed over.
 */
int connections_read(struct connections *connections,
                     void (*tell)(void *context, const struct connection *connection), void *context);

#endif
