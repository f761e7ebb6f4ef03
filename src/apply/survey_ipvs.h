/*
 * IPVS's table as far as its dump is not needed for it: by its old getsockopt(2) calls, and the real servers of IPv6 by
 * /proc.
 */
#ifndef KUBE_IPVS_APPLY_SURVEY_IPVS_H
#define KUBE_IPVS_APPLY_SURVEY_IPVS_H

#include "apply/survey.h"
#include "base/vector.h"
#include "proc_lines.h"

#include <linux/ip_vs.h>

struct survey_ipvs {
	struct survey_source source;
	bool with_ipv6;                      /* read /proc too; to be set before the first is asked for */
	int socket;                          /* of the real source */
	struct ip_vs_get_services *services; /* NULL: not asked yet */
	size_t next;
	struct ip_vs_get_dests *answer;
	size_t answer_room; /* real servers */
	vector_of(struct real_server) real_servers;
	struct proc_lines table;         /* /proc's */
	struct virtual_server_key owner; /* of the lines to come; without address: none of IPv6 */
};

/* `source` NULL is the kernel's own. */
void survey_ipvs_init(struct survey_ipvs *survey, const struct survey_source *source);
void survey_ipvs_done(struct survey_ipvs *survey);

enum { SURVEY_E_END = 1 };
/*
 * The next virtual server with its real servers, valid until the following call; SURVEY_E_END behind the last; or a negative
 * errno. Of IPv6, where nothing but the key is told of a virtual server, some real servers of one at a time, or none.
 */
int survey_ipvs_next(struct survey_ipvs *survey, struct virtual_server *ret_server);
/* What that one adds to the sum of IPVS: of IPv6, its real servers. */
uint64_t survey_ipvs_sum(const struct virtual_server *server);

#endif
