/*
 * One source's way into the store.
 *
 * Two sources may name the same object: then that of the first origin (the API server) counts, the other's waits aside,
 * and takes its place when the first lets go; told once. A source that lists anew says begin_list, puts what there is,
 * and says end_list: what it had put before and not again is removed then, not earlier (R1.7).
 */
#ifndef KUBE_IPVS_MODEL_INLET_H
#define KUBE_IPVS_MODEL_INLET_H

#include "model/cluster.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum object_kind {
	KIND_SERVICE,
	KIND_SLICE,
	KIND_NODE,
	OBJECT_KINDS,
};

/* In the order in which they count. */
enum origin {
	ORIGIN_API_SERVER,
	ORIGIN_MANIFESTS,
	ORIGINS,
};

struct inlet {
	struct cluster *cluster; /* borrowed */
	enum origin origin;
	void *context;
	/* Two origins name one object; may be NULL. "Service default/web: ...", borrowed for the call. */
	void (*overlapped)(void *context, const char *sentence);
	/* Below is the inlet's own. */
	uint32_t round[OBJECT_KINDS];
	size_t count[OBJECT_KINDS];     /* objects that this origin has in the store, those aside included */
	uint64_t events[OBJECT_KINDS];  /* puts and removes so far, changes or not (R13.5, R13.7) */
	uint64_t changes[OBJECT_KINDS]; /* those of them that changed the store */
	bool listing[OBJECT_KINDS];     /* a list has begun and not ended */
};

/* At most one inlet of each origin may write into a cluster. */
void inlet_init(struct inlet *inlet, struct cluster *cluster, enum origin origin);

/* Each put takes its object. True: the store is another one now. */
bool inlet_put_service(struct inlet *inlet, struct service *service);
bool inlet_put_slice(struct inlet *inlet, struct slice *slice);
bool inlet_put_node(struct inlet *inlet, struct node *node);
/*
 * Removes what this origin put; what another origin has stays, and takes its place if it waited. True: the store is
 * another one now. A Node's namespace is "".
 */
bool inlet_remove(struct inlet *inlet, enum object_kind kind, struct object_name name);
/* This origin has put an object of that name, filed or aside. */
bool inlet_has(const struct inlet *inlet, enum object_kind kind, struct object_name name);

/* A new complete list of this kind begins. One that did not end is forgotten by the next begin_list. */
void inlet_begin_list(struct inlet *inlet, enum object_kind kind);
/* Something of this name is in the list, but cannot be used: what was put before stays. */
void inlet_keep(struct inlet *inlet, enum object_kind kind, struct object_name name);
/* Only after inlet_begin_list. Vanished objects count as events. True: the store is another one now. */
bool inlet_end_list(struct inlet *inlet, enum object_kind kind);

#endif
