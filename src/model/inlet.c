/*
 * Whose object counts. What is filed in the store is the object of the first origin that has one of its name; what
 * another one has waits aside. With two origins at most one object waits under a name, and it is always of the later
 * origin.
 */
#include "cluster_private.h"

#include "base/check.h"

#include <stdio.h>

_Static_assert(ORIGINS == 2, "one object may wait under a name");

void inlet_init(struct inlet *inlet, struct cluster *cluster, enum origin origin)
{
	*inlet = (struct inlet){.cluster = cluster, .origin = origin};
}

/* ---- aside */

static struct aside *find_aside(const struct cluster *cluster, enum object_kind kind,
                                const struct object_name *name)
{
	struct aside *aside;
	name_map_find(cluster->aside[kind], name, aside);
	return aside;
}

static void put_aside(struct cluster *cluster, enum object_kind kind, const struct holding *holding)
{
	struct aside *aside = memory_alloc(sizeof(*aside));
	aside->name = store_kinds[kind].name(holding->object);
	aside->holding = *holding;
	name_map_add(cluster->aside[kind], aside);
}

static struct holding take_aside(struct cluster *cluster, enum object_kind kind, struct aside *aside)
{
	struct holding holding = aside->holding;
	HASH_DEL(cluster->aside[kind], aside);
	free(aside);
	return holding;
}

static void tell_overlap(const struct inlet *inlet, enum object_kind kind, const struct object_name *name)
{
	char sentence[512];
	if (!inlet->overlapped)
		return;
	snprintf(sentence, sizeof(sentence),
	         "%s %s%s%s: the API server has one of this name, which counts; the one from the manifests "
	         "waits",
	         store_kinds[kind].word, name->namespace, *name->namespace ? "/" : "", name->name);
	inlet->overlapped(inlet->context, sentence);
}

/* ---- put */

static void file_own(struct inlet *inlet, enum object_kind kind, void *object, void **ret_old)
{
	struct holding *holding = store_kinds[kind].file(inlet->cluster, object, ret_old);
	holding->round = inlet->round[kind];
	holding->origin = (uint8_t)inlet->origin;
}

static bool replace_own(struct inlet *inlet, enum object_kind kind, struct holding *holding, void *object)
{
	void *old;
	if (store_kinds[kind].equal(holding->object, object)) {
		holding->round = inlet->round[kind];
		store_kinds[kind].release(object);
		return false;
	}
	file_own(inlet, kind, object, &old);
	store_kinds[kind].release(old);
	return true;
}

/* An object of a first origin is there. */
static void put_own_aside(struct inlet *inlet, enum object_kind kind, void *object)
{
	const struct holding own = {object, inlet->round[kind], (uint8_t)inlet->origin};
	const struct object_name name = store_kinds[kind].name(object);
	struct aside *aside = find_aside(inlet->cluster, kind, &name);
	if (aside) {
		store_kinds[kind].release(aside->holding.object);
		aside->holding = own;
		aside->name = name;
		return;
	}
	put_aside(inlet->cluster, kind, &own);
	inlet->count[kind]++;
	tell_overlap(inlet, kind, &name);
}

/* An object of a later origin is there, and goes aside. Of equal ones either may stay, so the one there does. */
static bool put_before(struct inlet *inlet, enum object_kind kind, struct holding *holding, void *object)
{
	struct holding later = *holding;
	const struct object_name name = store_kinds[kind].name(object);
	bool equal = store_kinds[kind].equal(holding->object, object);
	if (equal) {
		later.object = object;
		holding->round = inlet->round[kind];
		holding->origin = (uint8_t)inlet->origin;
	} else {
		file_own(inlet, kind, object, &later.object);
	}
	put_aside(inlet->cluster, kind, &later);
	inlet->count[kind]++;
	tell_overlap(inlet, kind, &name);
	return !equal;
}

static bool put_new(struct inlet *inlet, enum object_kind kind, void *object)
{
	void *old;
	file_own(inlet, kind, object, &old);
	CHECK(!old);
	inlet->count[kind]++;
	return true;
}

static bool put(struct inlet *inlet, enum object_kind kind, void *object)
{
	const struct object_name name = store_kinds[kind].name(object);
	struct holding *holding = store_kinds[kind].find(inlet->cluster, &name);
	bool changed = false;
	CHECK(!holding || holding->object != object);
	if (!holding)
		changed = put_new(inlet, kind, object);
	else if (holding->origin == inlet->origin)
		changed = replace_own(inlet, kind, holding, object);
	else if (holding->origin > inlet->origin)
		changed = put_before(inlet, kind, holding, object);
	else
		put_own_aside(inlet, kind, object);
	inlet->events[kind]++;
	inlet->changes[kind] += changed;
	return changed;
}

bool inlet_put_service(struct inlet *inlet, struct service *service)
{
	return put(inlet, KIND_SERVICE, service);
}

bool inlet_put_slice(struct inlet *inlet, struct slice *slice)
{
	return put(inlet, KIND_SLICE, slice);
}

bool inlet_put_node(struct inlet *inlet, struct node *node)
{
	return put(inlet, KIND_NODE, node);
}

/* ---- remove */

/* What waited takes the place of what is filed there. False: it is equal, and nobody sees a difference. */
static bool replace_by_aside(struct cluster *cluster, enum object_kind kind, struct holding *holding,
                             struct aside *aside)
{
	struct holding waiting = take_aside(cluster, kind, aside);
	void *left_over = waiting.object;
	bool equal = store_kinds[kind].equal(holding->object, waiting.object);
	if (!equal)
		holding = store_kinds[kind].file(cluster, waiting.object, &left_over);
	holding->round = waiting.round;
	holding->origin = waiting.origin;
	store_kinds[kind].release(left_over);
	return !equal;
}

static bool remove_filed(struct inlet *inlet, enum object_kind kind, struct holding *holding)
{
	const struct object_name name = store_kinds[kind].name(holding->object);
	struct aside *aside = find_aside(inlet->cluster, kind, &name);
	bool changed = true;
	if (aside)
		changed = replace_by_aside(inlet->cluster, kind, holding, aside);
	else
		store_kinds[kind].release(store_kinds[kind].take_out(inlet->cluster, holding));
	inlet->changes[kind] += changed;
	return changed;
}

static void remove_aside(struct inlet *inlet, enum object_kind kind, struct aside *aside)
{
	struct holding holding = take_aside(inlet->cluster, kind, aside);
	store_kinds[kind].release(holding.object);
}

/* This inlet's own object of that name: filed, or else aside; both NULL: none. */
static void find_own(const struct inlet *inlet, enum object_kind kind, const struct object_name *name,
                     struct holding **ret_filed, struct aside **ret_aside)
{
	struct holding *filed = store_kinds[kind].find(inlet->cluster, name);
	bool own = filed && filed->origin == inlet->origin;
	struct aside *aside = filed && !own ? find_aside(inlet->cluster, kind, name) : NULL;
	*ret_filed = own ? filed : NULL;
	*ret_aside = aside && aside->holding.origin == inlet->origin ? aside : NULL;
}

bool inlet_has(const struct inlet *inlet, enum object_kind kind, struct object_name name)
{
	struct holding *filed;
	struct aside *aside;
	find_own(inlet, kind, &name, &filed, &aside);
	return filed || aside;
}

static void count_removal(struct inlet *inlet, enum object_kind kind)
{
	CHECK(inlet->count[kind] > 0);
	inlet->count[kind]--;
}

bool inlet_remove(struct inlet *inlet, enum object_kind kind, struct object_name name)
{
	struct holding *filed;
	struct aside *aside;
	find_own(inlet, kind, &name, &filed, &aside);
	inlet->events[kind]++;
	if (!filed && !aside)
		return false;
	count_removal(inlet, kind);
	if (filed)
		return remove_filed(inlet, kind, filed);
	remove_aside(inlet, kind, aside);
	return false;
}

/* ---- lists */

void inlet_begin_list(struct inlet *inlet, enum object_kind kind)
{
	inlet->round[kind]++;
	inlet->listing[kind] = true;
}

void inlet_keep(struct inlet *inlet, enum object_kind kind, struct object_name name)
{
	struct holding *filed;
	struct aside *aside;
	find_own(inlet, kind, &name, &filed, &aside);
	if (filed)
		filed->round = inlet->round[kind];
	else if (aside)
		aside->holding.round = inlet->round[kind];
}

static bool is_stale(const struct inlet *inlet, enum object_kind kind, const struct holding *holding)
{
	return holding->origin == inlet->origin && holding->round != inlet->round[kind];
}

static void remove_stale_aside(struct inlet *inlet, enum object_kind kind)
{
	struct aside *aside, *next;
	HASH_ITER (hh, inlet->cluster->aside[kind], aside, next) {
		if (!is_stale(inlet, kind, &aside->holding))
			continue;
		inlet->events[kind]++;
		count_removal(inlet, kind);
		remove_aside(inlet, kind, aside);
	}
}

bool inlet_end_list(struct inlet *inlet, enum object_kind kind)
{
	bool changed = false;
	CHECK(inlet->listing[kind]);
	inlet->listing[kind] = false;
	remove_stale_aside(inlet, kind);
	struct holding *next;
	for (struct holding *holding = store_kinds[kind].next(inlet->cluster, NULL); holding;
	     holding = next) {
		next = store_kinds[kind].next(inlet->cluster, holding);
		if (!is_stale(inlet, kind, holding))
			continue;
		inlet->events[kind]++;
		count_removal(inlet, kind);
		changed |= remove_filed(inlet, kind, holding);
	}
	return changed;
}

/* ---- without an inlet: as the API server, outside any list */

static bool put_directly(struct cluster *cluster, enum object_kind kind, void *object)
{
	struct inlet direct = {.cluster = cluster, .origin = ORIGIN_API_SERVER};
	return put(&direct, kind, object);
}

static bool remove_directly(struct cluster *cluster, enum object_kind kind, struct object_name name)
{
	struct inlet direct = {.cluster = cluster, .origin = ORIGIN_API_SERVER};
	direct.count[kind] = 1; /* nobody counts here */
	return inlet_remove(&direct, kind, name);
}

bool cluster_put_service(struct cluster *cluster, struct service *service)
{
	return put_directly(cluster, KIND_SERVICE, service);
}

bool cluster_put_slice(struct cluster *cluster, struct slice *slice)
{
	return put_directly(cluster, KIND_SLICE, slice);
}

bool cluster_put_node(struct cluster *cluster, struct node *node)
{
	return put_directly(cluster, KIND_NODE, node);
}

bool cluster_remove_service(struct cluster *cluster, struct object_name name)
{
	return remove_directly(cluster, KIND_SERVICE, name);
}

bool cluster_remove_slice(struct cluster *cluster, struct object_name name)
{
	return remove_directly(cluster, KIND_SLICE, name);
}

bool cluster_remove_node(struct cluster *cluster, const char *name)
{
	return remove_directly(cluster, KIND_NODE, (struct object_name){"", name});
}
