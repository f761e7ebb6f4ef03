/*
 * A plan, and the changes that it would make, as JSON. The shape is in kube-ipvs-plan(8).
 */
#ifndef KUBE_IPVS_CMD_PLAN_JSON_H
#define KUBE_IPVS_CMD_PLAN_JSON_H

#include "plan/diff.h"

#include <stdio.h>

void plan_print_json(const char *node_name, const struct state *state, FILE *file);
void changes_print_json(const char *node_name, const struct changes *changes, FILE *file);

#endif
