/*
 * The daemon's inner parts over a fake kernel, without its event loop: what it knows of the world, and its passes.
 */
#ifndef KUBE_IPVS_TEST_UNIT_MODEL_DAEMON_H
#define KUBE_IPVS_TEST_UNIT_MODEL_DAEMON_H

#include "fake_kernel.h"
#include "model_world.h"

/* Private headers of cmd. */
#include "drain_look.h"
#include "planner.h"
#include "syncer.h"

struct model_daemon {
	struct fake_kernel *fake; /* borrowed, as is all below */
	const char *directory;    /* for the record */
	const struct cidr *excluded;
	size_t excluded_count;
	struct interface_address host[WORLD_HOST_ADDRESSES];
	size_t host_count;
	bool node_stale;
	bool starting; /* with the small pass that comes before the first whole one */
	struct planner planner;
	struct syncer syncer;
};

/* One pass, of the phases that the daemon's have (cmd/daemon_pass.c). */
struct model_pass {
	bool whole;
	bool first; /* of a daemon's life: begins with a small one */
	bool may_remove;
	bool expects; /* and then sees whether the kernel is what the daemon expects it to be */
	/* Works in the smallest slices, and this is called between them; NULL: in one go. `planned`: all Services are. */
	void (*turn)(void *context, bool planned);
	void (*before_sending)(void *context); /* all is planned; NULL: nobody wants to know */
	void *context;
	/* Filled in. */
	size_t first_changes;  /* that the small pass before the first whole one asked for */
	size_t changes;        /* that it asked for */
	struct text complaint; /* why it failed; "": it did not */
};

/* With `fake` to `excluded_count` set. */
void model_daemon_begin(struct model_daemon *daemon);
/* As SIGTERM, also in the middle of a pass. */
void model_daemon_end(struct model_daemon *daemon);
/* The store learns what this thing is now; of the host, the next pass does. */
void model_daemon_tell(struct model_daemon *daemon, const struct world *world, enum world_kind kind,
                       size_t slot);
void model_daemon_pass(struct model_daemon *daemon, struct model_pass *pass);

#endif
