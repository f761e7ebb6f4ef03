#include "rbac_advice.h"

void rbac_advice_add(struct text *text, const char *group, const char *resource, const char *verbs)
{
	text_addf(text,
	          "; add this rule to a ClusterRole that is bound to this user:\n"
	          "- apiGroups: [\"%s\"]\n"
	          "  resources: [\"%s\"]\n"
	          "  verbs: [%s]",
	          group, resource, verbs);
}
