/*
 * What the kernel should hold if nobody but we changed it, as sums (apply/survey.h): from what a whole pass read, and from
 * every change since. A quick look that finds other sums has found drift.
 *
 * Kept by the syncer; who looks asks `known` first.
 */
#ifndef KUBE_IPVS_CMD_SYNCER_EXPECTATION_H
#define KUBE_IPVS_CMD_SYNCER_EXPECTATION_H

#include "apply/survey.h"

#include <stdbool.h>

struct syncer;

struct expectation {
	bool known; /* since the last pass that went through to its end */
	bool ipv6;  /* there are virtual servers of IPv6 */
	struct kernel_sums sums;
	bool foreign_known;
	uint32_t foreign; /* kernel_foreign_transactions() */
};

/* Before the packet filter is looked at by a whole pass. */
void syncer_expect_begin(struct syncer *syncer);
/* What the whole pass then found present. False: the deadline came first. */
bool syncer_expect_read(struct syncer *syncer, int64_t deadline_ns);
/* What any pass then performed. False: the deadline came first. */
bool syncer_expect_changes(struct syncer *syncer, int64_t deadline_ns);
/* At the end of any pass, however far it came. */
void syncer_expect_end(struct syncer *syncer);

#endif
