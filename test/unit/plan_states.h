/*
 * States written as text, for tests that read like tables.
 *
 *	tcp 10.96.0.1:80 rr p=100 mask=24 pe=sip flags=0x10 rank=0 label=default/web:http
 *	> 10.244.1.10:8080 w=0 fwd=2 x=10 y=5 tun=1:6080:1
 *	mark 7 ipv6 rr
 *	held 10.96.0.1
 *	guard 10.96.0.1
 *	port 10.96.0.1:80 tcp masquerade restricted
 *	range 10.96.0.1:80 tcp 10.0.0.0/8
 *	redirect 192.0.2.1:80 tcp 10.96.0.1:80
 *	hairpin 10.244.1.10
 *	health 30000
 *
 * One entry a line, in any order, except that real servers (">") follow their virtual server.
 */
#ifndef KUBE_IPVS_TEST_UNIT_PLAN_STATES_H
#define KUBE_IPVS_TEST_UNIT_PLAN_STATES_H

#include "base/arena.h"
#include "plan/state.h"

/* Fails the test when a line cannot be read. */
struct state state_of(struct arena *arena, const char *text);
/* Sorts arrays as a state wants them. */
void state_sort(struct virtual_server *servers, size_t server_count, struct address *held, size_t held_count,
                struct filter_element *filter, size_t filter_count);

struct address address_of(const char *text);
struct cidr cidr_of(const char *text);
/* "tcp 10.96.0.1:80" */
struct virtual_server_key key_of(const char *text);

#endif
