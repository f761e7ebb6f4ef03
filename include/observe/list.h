/*
 * The listing of `ipvsadm -Ln`, byte for byte, from a state read from the kernel.
 */
#ifndef KUBE_IPVS_OBSERVE_LIST_H
#define KUBE_IPVS_OBSERVE_LIST_H

#include "base/text.h"
#include "plan/state.h"

/* What the first line says: IPVS's own version number (major << 16 | minor << 8 | patch) and the size of its
 * connection table. */
struct list_header {
	uint32_t version;
	uint32_t connection_table_size;
};

void list_render(const struct list_header *header, const struct state *state, struct text *text);

#endif
