/*
 * Health-check node ports: for every Service that has one, what its load balancer is told (R12.9 to R12.13).
 *
 * Wanted ports are given anew after each pass; only differences open or close anything. A port that cannot be had is
 * told once and tried again with the next call.
 */
#ifndef KUBE_IPVS_OBSERVE_SERVICE_HEALTH_H
#define KUBE_IPVS_OBSERVE_SERVICE_HEALTH_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct service_health;

struct service_health_port {
	const char *namespace, *name;
	uint16_t port;
	uint32_t local_endpoints[2]; /* [0] IPv4, [1] IPv6 */
};

struct service_health_listener {
	void *context;
	/* Whether the proxy is well (R12.4). */
	bool (*proxy_is_well)(void *context);
	/* A Service's port cannot be listened on; error is an errno. Told once until it works or changes. */
	void (*failed)(void *context, const char *namespace, const char *name, uint16_t port, int error);
	void (*recovered)(void *context, const char *namespace, const char *name, uint16_t port);
};

struct service_health *service_health_open(struct event_base *base,
                                           const struct service_health_listener *listener);
void service_health_close(struct service_health *health); /* idempotent; NULL is allowed */

/*
 * Where to listen: all addresses of a family, or those given. A change moves all listeners. `families[f]` false:
 * not on that family at all.
 */
void service_health_listen_on(struct service_health *health, const bool families[2], const bool any[2],
                              const struct address *addresses, size_t count);
/* All that is wanted from now on; borrowed for the call. Of two Services with one port the first given has it. */
void service_health_want(struct service_health *health, const struct service_health_port *ports,
                         size_t count);

#endif
