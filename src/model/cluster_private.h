/*
 * Inside the store: Services with their slices (an *entry*), slices, Nodes, each in a map by name; and what waits aside
 * because two origins have an object of one name.
 *
 * A slice is owned by its own map and only filed in the entry of its Service. Every object is held together with whose
 * it is and the list that it came with, so that one origin by itself costs no further map.
 *
 * Three files share this: entries.c files slices under Services and marks what changed, filing.c treats the three
 * kinds alike, cluster.c answers. Whose object counts is inlet.c's affair.
 */
#ifndef KUBE_IPVS_MODEL_CLUSTER_PRIVATE_H
#define KUBE_IPVS_MODEL_CLUSTER_PRIVATE_H

#include "model/inlet.h"
#include "name_map.h"

/* Everything else in a cluster waits for the API server and for DNS. */
enum { RANKS = 3 };

struct holding {
	void *object; /* owned: a struct service, slice or node */
	uint32_t round;
	uint8_t origin; /* enum origin */
};

struct filed_service {
	struct object_name name;    /* the key: texts of this block, since objects come and go */
	struct cluster_entry entry; /* what others see of those below */
	struct holding holding;     /* a struct service; without object while only slices are known */
	const struct slice **slices;
	size_t slice_count;
	struct cluster_trigger *triggers; /* their count is the entry's */
	struct filed_service *next_marked;
	bool marked;
	bool triggers_given; /* by cluster_next_changed: they go before another one comes */
	uint8_t rank;
	UT_hash_handle hh;
	char texts[];
};

struct filed_slice {
	struct object_name name; /* the key: texts of the slice */
	struct holding holding;
	UT_hash_handle hh;
};

struct filed_node {
	struct object_name name; /* the key: "" and the text of the Node */
	struct holding holding;
	UT_hash_handle hh;
};

/* What another origin has under a name that is filed already. */
struct aside {
	struct object_name name; /* the key: texts of the object */
	struct holding holding;
	UT_hash_handle hh;
};

struct queue {
	struct filed_service *first, *last;
};

struct cluster {
	struct filed_service *services;
	struct filed_slice *slices;
	struct filed_node *nodes;
	struct aside *aside[OBJECT_KINDS];
	struct queue queues[RANKS];
	struct filed_service *reported; /* what cluster_next_changed gave last */
	size_t service_count;
	int64_t start_ns; /* triggers up to it do not count */
};

/* entries.c */
struct filed_service *entry_find(const struct cluster *cluster, const struct object_name *name);
/* Finds it, or makes an empty one, which the caller then changes. */
struct filed_service *entry_obtain(struct cluster *cluster, const struct object_name *name);
void entry_free(struct cluster *cluster, struct filed_service *filed);
bool entry_is_empty(const struct filed_service *filed);
void entry_mark(struct cluster *cluster, struct filed_service *filed);
/* Every change of an entry ends here: what others see follows, and the Service is marked. */
void entry_changed(struct cluster *cluster, struct filed_service *filed);
void entry_drop_triggers(struct filed_service *filed);
/* Both give the Service that the slice is, or was, filed under; NULL: none. */
struct filed_service *entry_enter_slice(struct cluster *cluster, const struct slice *slice);
struct filed_service *entry_withdraw_slice(struct cluster *cluster, const struct slice *slice);

/* filing.c: one row for each enum object_kind. */
struct kind {
	const char *word; /* "Service" */
	struct object_name (*name)(const void *object);
	bool (*equal)(const void *a, const void *b);
	void (*release)(void *object);
	/* NULL: nothing is filed under this name. A holding stays where it is until it is taken out. */
	struct holding *(*find)(const struct cluster *cluster, const struct object_name *name);
	/* The holding after this one, in no order; after NULL the first; NULL after the last. */
	struct holding *(*next)(const struct cluster *cluster, const struct holding *holding);
	/* Takes the object and gives the one that was filed under its name, or NULL. */
	struct holding *(*file)(struct cluster *cluster, void *object, void **ret_old);
	/* Gives the object. */
	void *(*take_out)(struct cluster *cluster, struct holding *holding);
};
extern const struct kind store_kinds[OBJECT_KINDS];

#endif
