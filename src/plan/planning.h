/*
 * What the parts of one plan_service() call share.
 */
#ifndef KUBE_IPVS_PLAN_PLANNING_H
#define KUBE_IPVS_PLAN_PLANNING_H

#include "base/arena.h"
#include "model/objects.h"
#include "plan/node_view.h"
#include "plan/service_plan.h"

/* Borrows all but the warnings, which grow in the arena. */
struct planning {
	const struct service *service;
	const struct node_view *node;
	const struct plan_options *options;
	struct arena *arena;
	const char **warnings;
	size_t warning_count;
	size_t warning_capacity;
};

/* Adds "namespace/name: " and the sentence. */
void planning_warn(struct planning *planning, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
