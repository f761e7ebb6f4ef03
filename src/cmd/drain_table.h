/*
 * The drains of this node as people read them, for `list --drains` and `status`: from the daemon's file and the kernel.
 */
#ifndef KUBE_IPVS_CMD_DRAIN_TABLE_H
#define KUBE_IPVS_CMD_DRAIN_TABLE_H

#include "apply/kernel.h"
#include "base/text.h"

/*
 * A head and a line for each real server that drains; nothing at all without drains, whose number *ret_count is. Those
 * of the file that the kernel does not have at weight 0 are none. 0, or a negative errno with a sentence.
 */
int drain_table_add(const char *directory, struct kernel *kernel, struct text *text, size_t *ret_count,
                    struct fault *fault);

#endif
