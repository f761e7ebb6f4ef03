/*
 * IPVS's table by its old getsockopt(2) calls, and of IPv6 by /proc: one virtual server at a time, with its real servers.
 */
#ifndef KUBE_IPVS_APPLY_SURVEY_IPVS_H
#define KUBE_IPVS_APPLY_SURVEY_IPVS_H

#include "apply/survey.h"
#include "base/text.h"
#include "base/vector.h"

#include <linux/ip_vs.h>

struct survey_ipvs {
	struct survey_source source;
	bool with_ipv6;
	int socket;                          /* of the real source */
	struct ip_vs_get_services *services; /* NULL: not asked yet */
	size_t next;
	struct ip_vs_get_dests *answer;
	size_t answer_room; /* real servers */
	vector_of(struct real_server) real_servers;
	struct text table; /* /proc's */
	char *rest;        /* of it; NULL: not read yet */
};

/* `source` NULL is the kernel's own. */
void survey_ipvs_init(struct survey_ipvs *survey, bool with_ipv6, const struct survey_source *source);
void survey_ipvs_done(struct survey_ipvs *survey);

enum { SURVEY_E_END = 1 };
/* The next one, valid until the following call; SURVEY_E_END behind the last; or a negative errno. */
int survey_ipvs_next(struct survey_ipvs *survey, struct virtual_server *ret_server);

#endif
