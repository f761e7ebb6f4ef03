/*
 * The ipvsadm spelling of virtual and real servers, piece by piece, for everything that renders.
 *
 * What ipvsadm 1.31 prints was looked up in its manual page and in the program itself. Two things surprise:
 * thresholds are never saved, and the flags of a scheduler have names only for sh and mh.
 */
#ifndef KUBE_IPVS_PLAN_FORMS_H
#define KUBE_IPVS_PLAN_FORMS_H

#include "base/text.h"
#include "plan/state.h"

/* "-t 10.96.0.1:80", "--sctp-service [fd00::1]:80", "-f 7", "-f 7 -6". */
void form_virtual_server_name(const struct virtual_server_key *key, struct text *text);
/* " -s rr -p 100 -b sh-port": what follows the name. */
void form_virtual_server_options(const struct virtual_server *server, struct text *text);
/* "sh-fallback,sh-port", as far as the flags have names; nothing without flags. */
void form_scheduler_flags(const struct virtual_server *server, struct text *text);
/* " -m -w 1 --tun-type gue ...": what follows "-r 10.0.0.1:80". */
void form_real_server_options(const struct real_server *server, struct text *text);
/* " -x 10 -y 5" where they are set: ipvsadm reads them, but never writes them. */
void form_real_server_thresholds(const struct real_server *server, struct text *text);
void form_endpoint(const struct address *address, uint16_t port, struct text *text);

#endif
