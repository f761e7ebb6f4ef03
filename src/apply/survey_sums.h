/*
 * The two parts of what a virtual server adds to the sums, since they may come from different places.
 */
#ifndef KUBE_IPVS_APPLY_SURVEY_SUMS_H
#define KUBE_IPVS_APPLY_SURVEY_SUMS_H

#include "apply/survey.h"

uint64_t survey_sum_of_virtual_server(const struct virtual_server *server); /* without its real servers */
uint64_t survey_sum_of_real_servers(const struct virtual_server *server);   /* all of them, or some */

#endif
