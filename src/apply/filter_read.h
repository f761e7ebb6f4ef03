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
 * All elements, in `arena`, ascending; a table or a set that is missing has none. 0 or a negative errno, and then nothing
 * is given.
 *
 * What somebody else put into our sets comes out so that it can be mended: an unknown verdict is FILTER_NO_VERDICT, which
 * differs from every wanted one. What cannot be said as an element (a catch-all, a range that is no prefix, a pair of two
 * different addresses, another protocol) is not among them; *ret_oddities gets the commands that remove it.
 */
int filter_read(struct conversation *netfilter, struct arena *arena,
                const struct filter_element **ret_elements, size_t *ret_count, struct text *ret_oddities);

#endif
