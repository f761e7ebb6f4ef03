/*
 * Our table of the packet filter: put in place, read, changed, repaired, removed (apply/kernel.h says what each promises).
 *
 * Reading is netlink, writing is text for libnftables. A transaction is whole or not at all, and no other table is touched.
 */
#ifndef KUBE_IPVS_APPLY_PACKET_FILTER_H
#define KUBE_IPVS_APPLY_PACKET_FILTER_H

#include "base/arena.h"
#include "base/fault.h"
#include "conversation.h"
#include "plan/diff.h"

struct packet_filter {
	const struct kernel_transport *transport;
	struct conversation netfilter;
	void *writer;          /* the transport's session */
	char *rules;           /* NULL: not used */
	bool in_place;         /* the rules were put at least once */
	uint64_t digest;       /* of the table as it was then */
	uint32_t transactions; /* that were taken so far */
	bool beyond_repair;    /* something in it could not be removed: the next time it is replaced */
	struct text oddities;  /* commands that remove what the last reading could not express */
};

void packet_filter_init(struct packet_filter *filter, const struct kernel_transport *transport);
void packet_filter_done(struct packet_filter *filter);

void packet_filter_use(struct packet_filter *filter, const char *rules);
bool packet_filter_used(const struct packet_filter *filter);
int packet_filter_ensure(struct packet_filter *filter, bool *ret_repaired, struct fault *fault);
int packet_filter_remove(struct packet_filter *filter, struct fault *fault);

/* Begins to read the elements (filter_read.h). */
struct filter_reading *packet_filter_read(struct packet_filter *filter, struct arena *arena);
/* Removes what the last reading found that is no element. Best effort: what stays makes the table be replaced. */
void packet_filter_remove_oddities(struct packet_filter *filter);
/* Performs filter changes as one transaction, and fills in their results. 0, or the errno with which it was refused. */
int packet_filter_perform(struct packet_filter *filter, struct change *const *changes, size_t count,
                          struct arena *arena);

#endif
