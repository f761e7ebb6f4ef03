/*
 * A quick look at what the kernel holds: enough to tell that it is what it was left as, at a small part of what reading it
 * costs. Where it is not, kernel_read tells what is there.
 *
 * What is there becomes three sums, one part for each entry, in no order. So the sums that are to be expected follow from a
 * state that was read and from the changes performed since, and two of them differ only if the tables do.
 *
 * IPVS's entries are asked for as its getsockopt(2) calls give them, real servers of one virtual server at a time: a
 * twentieth of what its netlink dump takes. Those calls know no IPv6: its virtual servers are listed over netlink, and of
 * their real servers /proc/net/ip_vs is read, where only what it tells counts: addresses, forwarding and weights, and
 * nothing of those behind a firewall mark.
 */
#ifndef KUBE_IPVS_APPLY_SURVEY_H
#define KUBE_IPVS_APPLY_SURVEY_H

#include "apply/kernel.h"

#include <stdbool.h>
#include <stdint.h>

struct kernel_sums {
	uint64_t ipvs;   /* virtual and real servers, aliens too; connections do not count */
	uint64_t held;   /* addresses that this host holds for us */
	uint64_t filter; /* elements of our table */
};

void kernel_sums_of(const struct state *state, struct kernel_sums *ret_sums);
/* After the change was performed: without result, or failed, it counts for nothing. */
void kernel_sums_change(struct kernel_sums *sums, const struct change *change);
/* Whether the state has virtual servers of IPv6, for which a survey has to look elsewhere. */
bool state_has_ipv6(const struct state *state);

/* How IPVS is asked. The tests bring their own. */
struct survey_source {
	void *context;
	/* As getsockopt(2) at the level IPPROTO_IP; 0 or a negative errno. */
	int (*ask)(void *context, int option, void *answer, size_t *length);
	const char *proc_table; /* "/proc/net/ip_vs" */
};

struct kernel_survey;
enum {
	SURVEY_IPV6 = 1,   /* there may be virtual servers of IPv6 */
	SURVEY_HELD = 2,   /* look at the addresses that are held */
	SURVEY_FILTER = 4, /* look at our table too: elements, and rules as kernel_ensure_filter left them */
};
/* `wanted`: of SURVEY_*. `source` NULL is the kernel's own. */
struct kernel_survey *kernel_survey_new(struct kernel *kernel, unsigned wanted,
                                        const struct survey_source *source);
/*
 * In slices, as kernel_reading_go_on(): KERNEL_E_MORE; 0 with the sums (those of what was not looked at are 0);
 * or a negative errno: nothing is known. -ESTALE: no need to compare, the rules or an address are not as they were left.
 */
int kernel_survey_go_on(struct kernel_survey *survey, int64_t deadline_ns, struct kernel_sums *ret_sums);
void kernel_survey_free(struct kernel_survey *survey); /* NULL is allowed */

/*
 * How many transactions others have made in nf_tables: as long as this number stays, nobody but we touched our table. It
 * counts from anywhere. 0 or a negative errno.
 */
int kernel_foreign_transactions(struct kernel *kernel, uint32_t *ret_number);

#endif
