/*
 * IPVS over generic netlink: messages out, tables in (linux/ip_vs.h).
 *
 * The conversation's socket may be a fresh one at any time, and the module may have been loaded again since:
 * so whoever begins an exchange calls ipvs_ready, which finds the family's number again when it has to.
 */
#ifndef KUBE_IPVS_APPLY_IPVS_H
#define KUBE_IPVS_APPLY_IPVS_H

#include "apply/kernel.h"
#include "conversation.h"

struct ipvs {
	struct conversation conversation;
	uint16_t family; /* the number that generic netlink gave "IPVS" */
};

void ipvs_init(struct ipvs *ipvs, const struct kernel_transport *transport);
void ipvs_done(struct ipvs *ipvs);
/* A socket, and the family's number. -EOPNOTSUPP: this kernel has no IPVS (now). */
int ipvs_ready(struct ipvs *ipvs);

/* Build the message for one change in the conversation. */
void ipvs_put_virtual_server(struct ipvs *ipvs, uint8_t command, const struct virtual_server *server);
void ipvs_put_virtual_server_removal(struct ipvs *ipvs, const struct virtual_server_key *key);
void ipvs_put_real_server(struct ipvs *ipvs, uint8_t command, const struct virtual_server_key *key,
                          const struct real_server *server);
void ipvs_put_real_server_removal(struct ipvs *ipvs, const struct virtual_server_key *key,
                                  const struct real_server *server);
/* The dumps: GET_SERVICE of all (no key), GET_DEST of one. */
void ipvs_put_listing(struct ipvs *ipvs, uint8_t command, const struct virtual_server_key *key);

int ipvs_read_info(struct ipvs *ipvs, struct kernel_info *ret_info);
/*
 * Reads all virtual servers, with their real servers or without any, in `arena`, ascending. Each call reads until the
 * deadline: LISTEN_MORE; 0 with the last of them; or a negative errno, and nothing is given.
 */
struct ipvs_reading;
struct ipvs_reading *ipvs_reading_new(struct ipvs *ipvs, bool with_real_servers, struct arena *arena);
void ipvs_reading_free(struct ipvs_reading *reading); /* NULL is allowed */
int ipvs_reading_go_on(struct ipvs_reading *reading, int64_t deadline_ns,
                       const struct virtual_server **ret_servers, size_t *ret_count);
/* The real servers of one virtual server, in `arena`, ascending; none of one that is not there. */
int ipvs_read_real_servers(struct ipvs *ipvs, const struct virtual_server_key *key, struct arena *arena,
                           const struct real_server **ret_servers, size_t *ret_count);
int ipvs_set_timeouts(struct ipvs *ipvs, const struct kernel_timeouts *timeouts);
int ipvs_probe_scheduler(struct ipvs *ipvs, const char *scheduler);

#endif
