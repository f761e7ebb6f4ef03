/*
 * The store: everything that the source has said, by name, and which Services changed since plan looked last.
 *
 * Slices are filed under the Service that their label names, whether or not that Service is known (R1.3). A
 * put of an equal object changes nothing and marks nothing. The store owns its objects and replaces them
 * whole; what find and next_changed give is borrowed until the next put or remove of that Service or its
 * slices.
 */
#ifndef KUBE_IPVS_MODEL_CLUSTER_H
#define KUBE_IPVS_MODEL_CLUSTER_H

#include "model/objects.h"

#include <stddef.h>

struct cluster;

/* An endpoint change as the control plane noted it. */
struct cluster_trigger {
	int64_t since_ns; /* since the epoch */
	uint8_t family;   /* of the slice: enum family */
};

/* One Service name with all that belongs to it. `service` is NULL while only slices are known. */
struct cluster_entry {
	struct object_name name;
	const struct service *service;
	const struct slice *const *slices; /* ordered by slice name */
	size_t slice_count;
	/*
	 * The trigger times of the slices that changed since cluster_next_changed last gave this entry, in
	 * the order in which they came (R1.28). Those of a given entry are gone when the following one is
	 * asked for.
	 */
	const struct cluster_trigger *triggers;
	size_t trigger_count;
};

struct cluster *cluster_new(void);
void cluster_free(struct cluster *cluster);
/* Only trigger times later than this count, nanoseconds since the epoch; without it, all after the epoch. */
void cluster_count_triggers_from(struct cluster *cluster, int64_t start_ns);

/*
 * Each put takes its object. True: the cluster is another one now. These act as the API server and outside of any list;
 * a cluster that an inlet of the API server writes into (model/inlet.h) is not for them. When a slice is removed or moves to another
 * Service, all trigger times collected so far for the Service that it leaves are discarded (R1.28).
 */
bool cluster_put_service(struct cluster *cluster, struct service *service);
bool cluster_put_slice(struct cluster *cluster, struct slice *slice);
bool cluster_put_node(struct cluster *cluster, struct node *node);
bool cluster_remove_service(struct cluster *cluster, struct object_name name);
bool cluster_remove_slice(struct cluster *cluster, struct object_name name);
bool cluster_remove_node(struct cluster *cluster, const char *name);

/* NULL: not there. The entry is valid until the next change of this Service or its slices. */
const struct cluster_entry *cluster_find(const struct cluster *cluster, struct object_name name);
const struct node *cluster_find_node(const struct cluster *cluster, const char *name);
size_t cluster_service_count(const struct cluster *cluster);

/*
 * The next Service that changed, its mark taken off; NULL when none is left. An entry with neither Service
 * nor slices is a Service that is gone: it disappears when the following one is asked for.
 * Marks come out in the order in which they were made, but default/kubernetes and then kube-system/kube-dns
 * before all others. cluster_find does not find what is gone.
 */
const struct cluster_entry *cluster_next_changed(struct cluster *cluster);
bool cluster_has_changes(const struct cluster *cluster);
/* Whether one of those that come before all others has changed. */
bool cluster_has_first_changes(const struct cluster *cluster);
void cluster_mark_all(struct cluster *cluster);
/* Marks the entries of which `concerned` says so, for when the node itself changed. Returns how many those are. */
size_t cluster_mark_where(struct cluster *cluster,
                          bool (*concerned)(void *context, const struct cluster_entry *entry), void *context);

#endif
