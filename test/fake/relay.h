/*
 * Passes connections on, on the caller's event base, and counts them: to a fixed place, or as a proxy to where a
 * CONNECT asks for.
 */
#ifndef KUBE_IPVS_TEST_FAKE_RELAY_H
#define KUBE_IPVS_TEST_FAKE_RELAY_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct relay;

/* To the Unix socket at that path; NULL: a proxy, which takes addresses and ports on loopback only. Never NULL. */
struct relay *relay_start(struct event_base *base, const char *socket_path);
void relay_stop(struct relay *relay); /* NULL is allowed */
uint16_t relay_port(const struct relay *relay);
size_t relay_count_connections(const struct relay *relay);
/* What the proxy was asked: the heads of CONNECT requests as they came. */
const char *relay_heads(const struct relay *relay);

#endif
