/*
 * Reading the elements of our sets and maps (linux/netfilter/nf_tables.h).
 */
#ifndef KUBE_IPVS_APPLY_FILTER_READ_H
#define KUBE_IPVS_APPLY_FILTER_READ_H

#include "base/arena.h"
#include "base/text.h"
#include "conversation.h"
#include "plan/state.h"

/*
 * All elements, in `arena`, ascending; a table or a set that is missing has none. Each call reads until the deadline:
 * LISTEN_MORE; 0 with the last of them; or a negative errno, and then nothing is given.
 *
 * What somebody else put into our sets comes out so that it can be mended: an unknown verdict is FILTER_NO_VERDICT, which
 * differs from every wanted one. What cannot be said as an element (a catch-all, a range that is no prefix, a pair of two
 * different addresses, another protocol) is not among them; *ret_oddities gets the commands that remove it.
 */
struct filter_reading;
struct filter_reading *filter_reading_new(struct conversation *netfilter, struct arena *arena,
                                          struct text *ret_oddities);
void filter_reading_free(struct filter_reading *reading); /* NULL is allowed */
int filter_reading_go_on(struct filter_reading *reading, int64_t deadline_ns,
                         const struct filter_element **ret_elements, size_t *ret_count);

#endif
