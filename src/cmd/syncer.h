/*
 * From what is wanted to what the kernel holds: one pass, whole or only what was touched, in slices.
 *
 * The whole pass reads the kernel and sends the difference; it is the same for a start, a repair and the
 * periodic look. The small one trusts the last and sends only what the ledger's touched keys ask for. All go
 * through the same diff, and all keep the record of virtual servers that only we know to be ours: written
 * before they are programmed, cleaned after.
 *
 * A pass is a sequence of stages (syncer.c has the table). sync_go_on works on them until its deadline, and whoever
 * called it does something else then. Between sync_begin and sync_end nobody puts anything into the ledger.
 */
#ifndef KUBE_IPVS_CMD_SYNCER_H
#define KUBE_IPVS_CMD_SYNCER_H

#include "apply/kernel.h"
#include "base/deadline.h"
#include "base/vector.h"
#include "drains.h"
#include "planner.h"
#include "syncer_expectation.h"

enum sync_kind {
	SYNC_WHOLE,
	SYNC_TOUCHED,
	/* Touched keys as well, unless the kernel serves all of their virtual servers already. */
	SYNC_FIRST,
	/* Changes that somebody else found (sync_begin_given). */
	SYNC_GIVEN,
};

/* What one pass did. Its changes point into what was wanted before and is wanted now, which the pass keeps alive. */
struct sync_outcome {
	struct changes changes; /* every change with its result */
	size_t done[CHANGE_KINDS];
	size_t failed;
	size_t withheld; /* removals that were asked to wait */
	bool whole;
	bool as_wanted;       /* a quick look has shown that there is nothing to do, so nothing was read */
	bool performed;       /* all changes have the kernel's answer */
	bool filter_repaired; /* the packet filter's rules were not as we had left them */
	bool filter_refused;  /* a transaction of the packet filter was refused, and ended the pass */
	/* Of a whole pass: what is wanted in all. */
	size_t virtual_servers, real_servers, addresses;
	size_t aliens;      /* virtual servers that the kernel holds, nobody wants and that are not ours */
	struct fault fault; /* when the pass itself failed */
};

/* A pass under way. */
struct sync_pass {
	enum sync_kind kind;
	bool may_remove;
	size_t stage;
	struct state present, wanted; /* what is compared; a small pass has the touched keys only */
	struct removal_rules rules;
	bool extended;
	struct draining_list draining;
	struct kernel_survey *survey;
	struct kernel_reading *reading;
	struct ledger_listing *listing;
	struct difference *difference;
	struct kernel_performing *performing;
	bool looked_quickly;
	struct kernel_sums quick; /* what that look found */
	struct expectation read;  /* what a whole pass found */
	size_t summed;            /* of it, so far */
	size_t expected;          /* so many changes are in what is expected */
	bool all_expected;
};

struct kube_proxy_claims;

struct syncer {
	struct kernel *kernel;   /* owned */
	struct planner *planner; /* borrowed */
	const char *run_directory;
	const struct cidr *excluded;
	size_t excluded_count;
	vector_of(struct virtual_server_key) record; /* ascending */
	bool record_unsaved;
	struct fault record_fault; /* why; no sentence: nothing failed */
	struct drain_book drains;
	/* Borrowed; NULL: no takeover. What a whole pass finds of these becomes part of the record. */
	const struct kube_proxy_claims *claims;
	size_t claimed; /* so many at last */
	struct expectation expectation;
	struct arena memory; /* of one pass */
	bool running;        /* between sync_begin and sync_end */
	struct sync_pass pass;
	struct sync_outcome outcome; /* of the pass that is running */
};

/*
 * Takes the kernel; borrows the rest. Reads the record, whose lock the caller has: 0, or a negative errno when it is there
 * and cannot be read. What cannot be read is written anew with the first pass.
 */
int syncer_init(struct syncer *syncer, struct kernel *kernel, struct planner *planner,
                const char *run_directory, const struct cidr *excluded, size_t excluded_count,
                size_t *ret_unreadable_lines);
/* Also in the middle of a pass: what it has programmed stays. */
void syncer_done(struct syncer *syncer);

/* `may_remove` false keeps what nobody wants: somebody may, whom we cannot hear yet. It is of a whole pass only. */
void sync_begin(struct syncer *syncer, enum sync_kind kind, bool may_remove);
/* Takes the changes, which leaves none behind. What they point at must live until sync_end. */
void sync_begin_given(struct syncer *syncer, struct changes *changes);

enum { SYNC_E_MORE = 1 };
/*
 * SYNC_E_MORE: the deadline came first. 0: the pass ran, whatever single changes met (outcome.failed); else a negative
 * errno with outcome.fault. The outcome then tells what was done.
 */
int sync_go_on(struct syncer *syncer, int64_t deadline_ns);
/* Ends the pass, at any point: what was wanted before it may go, if the kernel heard all of it. Idempotent. */
void sync_end(struct syncer *syncer);

/* In one go, for whoever has nothing else to do; sync_done gives the outcome back, before the next pass. */
int sync_whole(struct syncer *syncer, bool may_remove, struct sync_outcome *ret_outcome);
int sync_touched(struct syncer *syncer, struct sync_outcome *ret_outcome);
void sync_done(struct syncer *syncer, struct sync_outcome *outcome);

#endif
