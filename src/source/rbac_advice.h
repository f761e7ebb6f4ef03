/*
 * What to do about a 403: the rule that is missing, as it belongs into a ClusterRole.
 */
#ifndef KUBE_IPVS_SOURCE_RBAC_ADVICE_H
#define KUBE_IPVS_SOURCE_RBAC_ADVICE_H

#include "base/text.h"

/* Adds "; add this rule to ...:" and the YAML, without a newline at the end. `verbs` reads "list", "watch". */
void rbac_advice_add(struct text *text, const char *group, const char *resource, const char *verbs);

#endif
