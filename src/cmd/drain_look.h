/*
 * A look at what drains: one read of each of its virtual servers, and where the kernel's counts do not tell, since it counts
 * connections that are closed for a while, of its list of all connections.
 *
 * The list is read no oftener than that costs a twentieth of the time. Work is done in steps, between which the book may
 * change; whoever begins to drain meanwhile has been looked at after the next look.
 */
#ifndef KUBE_IPVS_CMD_DRAIN_LOOK_H
#define KUBE_IPVS_CMD_DRAIN_LOOK_H

#include "drains.h"

#include "apply/connections.h"
#include "apply/kernel.h"

/* A drain as old as that, with a connection that has been silent as long, is worth a warning. */
#define DRAIN_IDLE_MS 60000

enum drain_look_stage {
	LOOK_REST,
	LOOK_COUNTS, /* at the real servers of each virtual server */
	LOOK_EACH,   /* at each connection */
	LOOK_AGAIN,  /* at the real servers once more, whose connections were looked at */
};

struct drain_look {
	struct drain_book *book; /* borrowed, as is the kernel */
	struct kernel *kernel;
	const char *connections_path;
	enum drain_look_stage stage;
	bool each_always; /* to be set by who wants to know all, whatever it costs */
	bool fresh_only;  /* at those which nobody has looked at yet */
	bool has_last;    /* the last virtual server that was looked at */
	struct virtual_server_key last;
	struct connections *connections;
	struct kernel_timeouts timeouts;
	uint32_t counted; /* drains that take part in LOOK_EACH have numbers below that */
	vector_of(struct {
		uint32_t drain;
		uint64_t client;
	}) closed; /* connections; may be told twice */
	vector_of(struct drain_sight) sights;
	int64_t cost_ns; /* of the list, so far */
	int64_t each_began_ms, next_each_ms, next_idle_ms;
	struct arena arena;
};

void drain_look_init(struct drain_look *look, struct drain_book *book, struct kernel *kernel,
                     const char *connections_path);
void drain_look_done(struct drain_look *look);
/* Begins a look, at all or at those that nobody has looked at yet; one under way is given up. */
void drain_look_begin(struct drain_look *look, bool fresh_only);
/* Some of it. 1: more is to be done; 0: that was all, and `in_look` says who took part; else a negative errno. */
int drain_look_go_on(struct drain_look *look, int64_t now_ms, int64_t deadline_ns);
/* Old enough, and not warned of yet. */
bool drain_may_be_idle(const struct drain *drain, int64_t now_ms);

#endif
