/*
 * From what is wanted to what the kernel holds: one pass, whole or only what was touched.
 *
 * The whole pass reads the kernel and sends the difference; it is the same for a start, a repair and the
 * periodic look. The small one trusts the last and sends only what the ledger's touched keys ask for. Both go
 * through the same diff, and both keep the record of virtual servers that only we know to be ours: written
 * before they are programmed, cleaned after.
 */
#ifndef KUBE_IPVS_CMD_SYNCER_H
#define KUBE_IPVS_CMD_SYNCER_H

#include "apply/kernel.h"
#include "base/vector.h"
#include "planner.h"

struct syncer {
	struct kernel *kernel;   /* owned */
	struct planner *planner; /* borrowed */
	const char *run_directory;
	const struct cidr *excluded;
	size_t excluded_count;
	vector_of(struct virtual_server_key) record; /* ascending */
	bool record_unsaved;
	struct arena pass;
};

/* What one pass did. Its changes point into what was wanted before and is wanted now, which the outcome keeps alive. */
struct sync_outcome {
	struct changes changes; /* every change with its result */
	size_t done[CHANGE_KINDS];
	size_t failed;
	size_t withheld; /* removals that were asked to wait */
	bool whole;
	bool performed;       /* all changes have the kernel's answer */
	bool filter_repaired; /* the packet filter's rules were not as we had left them */
	bool filter_refused;  /* a transaction of the packet filter was refused, and ended the pass */
	/* Of a whole pass: what is wanted in all. */
	size_t virtual_servers, real_servers, addresses;
	struct fault fault; /* when the pass itself failed */
};

/* Takes the kernel; borrows the rest. Reads the record: 0 or a negative errno. */
int syncer_init(struct syncer *syncer, struct kernel *kernel, struct planner *planner,
                const char *run_directory, const struct cidr *excluded, size_t excluded_count,
                size_t *ret_unreadable_lines);
void syncer_done(struct syncer *syncer);

/*
 * Each returns 0 when the pass ran, whatever single changes met (outcome.failed), else a negative errno with
 * outcome.fault. `may_remove` false keeps what nobody wants: somebody may, whom we cannot hear yet.
 */
int sync_whole(struct syncer *syncer, bool may_remove, struct sync_outcome *ret_outcome);
int sync_touched(struct syncer *syncer, struct sync_outcome *ret_outcome);
/* Ends the pass: what was wanted before it may go, if the kernel heard all of it. To be called before the next pass. */
void sync_done(struct syncer *syncer, struct sync_outcome *outcome);

#endif
