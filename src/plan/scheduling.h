/*
 * Which scheduler a Service gets, with which flags (R4.2, R4.3 and the annotations).
 */
#ifndef KUBE_IPVS_PLAN_SCHEDULING_H
#define KUBE_IPVS_PLAN_SCHEDULING_H

#include "planning.h"

struct scheduling {
	const char *scheduler;
	uint32_t flags;  /* of the scheduler: VIRTUAL_SERVER_SCHED_* */
	bool one_packet; /* of UDP ports */
};

/* Warns of annotations that cannot be followed. */
void scheduling_choose(struct planning *planning, struct scheduling *ret_scheduling);

#endif
