/*
 * Who has which object. A pass over changed files goes: release what they held, stage what they hold now,
 * settle. Only claims that were touched are looked at, so a pass costs what changed.
 */
#include "manifest_files.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 512, REMARKS_MOST = 5 };

static const char *const kind_names[] = {
        [CLAIM_SERVICE] = "Service",
        [CLAIM_SLICE] = "EndpointSlice",
        [CLAIM_ENDPOINTS] = "Endpoints",
        [CLAIM_NODE] = "Node",
};

static size_t write_key(enum claim_kind kind, const char *namespace, const char *name,
                        char key[static KEY_BYTES])
{
	/* The decoder bounds names, so that this cannot be cut. */
	int length = snprintf(key, KEY_BYTES, "%s %s%s%s", kind_names[kind], namespace, *namespace ? "/" : "",
	                      name);
	CHECK(length > 0 && length < KEY_BYTES);
	return (size_t)length;
}

static struct claim *find_key(const struct manifest_directory *directory, const char *key, size_t length)
{
	struct claim *claim;
	HASH_FIND(hh, directory->claims, key, length, claim);
	return claim;
}

struct claim *claim_find(const struct manifest_directory *directory, enum claim_kind kind,
                         const char *namespace, const char *name)
{
	char key[KEY_BYTES];
	size_t length = write_key(kind, namespace, name, key);
	return find_key(directory, key, length);
}

static struct claim *obtain_claim(struct manifest_directory *directory, enum claim_kind kind,
                                  const char *namespace, const char *name)
{
	char key[KEY_BYTES];
	size_t length = write_key(kind, namespace, name, key);
	struct claim *claim = find_key(directory, key, length);
	if (claim)
		return claim;
	claim = memory_alloc(sizeof(*claim) + length + 1);
	memcpy(claim->key, key, length + 1);
	claim->kind = (uint8_t)kind;
	HASH_ADD_KEYPTR(hh, directory->claims, claim->key, length, claim);
	return claim;
}

static void touch(struct manifest_directory *directory, struct claim *claim)
{
	if (claim->affected)
		return;
	claim->affected = true;
	vector_push(&directory->affected, claim);
}

void claims_release(struct manifest_directory *directory, struct manifest_file *file)
{
	for (size_t i = 0; i < file->claims.count; i++) {
		struct claim *claim = file->claims.items[i];
		claim->definers--;
		if (claim->owner == file)
			claim->owner = NULL;
		touch(directory, claim);
	}
	vector_clear(&file->claims);
}

/* Said when it begins to be so, not at every reading. */
static void remark_twice(struct manifest_directory *directory, const struct manifest_file *file,
                         struct claim *claim)
{
	char sentence[KEY_BYTES + 300];
	claim->twice_round = directory->round;
	if (claim->twice)
		return;
	claim->twice = true;
	snprintf(sentence, sizeof(sentence), "%s stands twice in %.255s; the first one counts", claim->key,
	         file->name);
	directory->listener.remarked(directory->listener.context, true, sentence);
}

/* False: the file has claimed it already. */
static bool stage(struct manifest_directory *directory, struct manifest_file *file, enum claim_kind kind,
                  const char *namespace, const char *name)
{
	struct claim *claim = obtain_claim(directory, kind, namespace, name);
	if (claim->round == directory->round) {
		remark_twice(directory, file, claim);
		return false;
	}
	claim->round = directory->round;
	claim->definers++;
	if (!claim->owner || strcmp(file->name, claim->owner->name) < 0)
		claim->owner = file;
	vector_push(&file->claims, claim);
	touch(directory, claim);
	return true;
}

static void stage_services(struct manifest_directory *directory, struct manifest_file *file)
{
	struct decoded *decoded = &file->decoded;
	for (size_t i = 0; i < decoded->service_count; i++) {
		struct service *service = decoded->services[i];
		if (stage(directory, file, CLAIM_SERVICE, service->name.namespace, service->name.name))
			continue;
		service_free(service);
		decoded->services[i] = NULL;
	}
}

static void stage_slices(struct manifest_directory *directory, struct manifest_file *file)
{
	struct decoded *decoded = &file->decoded;
	vector_of(struct slice *) dropped = {0};
	const struct slice *first = NULL;
	bool staged = false;
	for (size_t i = 0; i < decoded->slice_count; i++) {
		struct slice *slice = decoded->slices[i];
		const char *name;
		enum claim_kind kind = slice_claim(slice, &name);
		if (!slices_are_parts(first, slice)) {
			staged = stage(directory, file, kind, slice->name.namespace, name);
			first = slice;
		}
		if (staged)
			continue;
		vector_push(&dropped, slice);
		decoded->slices[i] = NULL;
	}
	for (size_t i = 0; i < dropped.count; i++)
		slice_free(dropped.items[i]);
	vector_done(&dropped);
}

static void stage_nodes(struct manifest_directory *directory, struct manifest_file *file)
{
	struct decoded *decoded = &file->decoded;
	for (size_t i = 0; i < decoded->node_count; i++) {
		struct node *node = decoded->nodes[i];
		if (stage(directory, file, CLAIM_NODE, "", node->name))
			continue;
		node_free(node);
		decoded->nodes[i] = NULL;
	}
}

void claims_stage(struct manifest_directory *directory, struct manifest_file *file)
{
	directory->round++;
	stage_services(directory, file);
	stage_slices(directory, file);
	stage_nodes(directory, file);
	for (size_t i = 0; i < file->claims.count; i++)
		file->claims.items[i]->twice &= file->claims.items[i]->twice_round == directory->round;
}

static bool holds(const struct manifest_file *file, const struct claim *claim)
{
	for (size_t i = 0; i < file->claims.count; i++)
		if (file->claims.items[i] == claim)
			return true;
	return false;
}

/* The first file that defines it and is not `other`. */
static struct manifest_file *find_definer(const struct manifest_directory *directory,
                                          const struct claim *claim, const struct manifest_file *other)
{
	for (size_t i = 0; i < directory->files.count; i++)
		if (directory->files.items[i] != other && holds(directory->files.items[i], claim))
			return directory->files.items[i];
	return NULL;
}

static void remark_shadowed(const struct manifest_directory *directory, const struct claim *claim)
{
	char sentence[KEY_BYTES + 600];
	const struct manifest_file *second = find_definer(directory, claim, claim->owner);
	snprintf(sentence, sizeof(sentence), "%s stands in %.255s and in %.255s; the first one counts",
	         claim->key, claim->owner->name, second->name);
	directory->listener.remarked(directory->listener.context, true, sentence);
}

static void find_owner(struct manifest_directory *directory, struct claim *claim)
{
	if (claim->owner)
		return;
	claim->owner = find_definer(directory, claim, NULL);
	CHECK(claim->owner);
	claim->wanted = !claim->owner->staged;
	claim->owner->reread |= claim->wanted;
}

/* Says which objects stand in several files now, a few by name: a copy of a large file must not flood the log. */
static void remark_all_shadowed(struct manifest_directory *directory)
{
	size_t count = 0;
	for (size_t i = 0; i < directory->affected.count; i++) {
		struct claim *claim = directory->affected.items[i];
		bool due = claim->definers > 1 && !claim->remarked;
		claim->remarked = claim->definers > 1;
		if (due && count++ < REMARKS_MOST)
			remark_shadowed(directory, claim);
	}
	if (count <= REMARKS_MOST)
		return;
	char sentence[128];
	snprintf(sentence, sizeof(sentence), "%zu more objects stand in several files; the first ones count",
	         count - REMARKS_MOST);
	directory->listener.remarked(directory->listener.context, true, sentence);
}

/*
 * A file that takes something over is read again. If it has changed or broken since, the old object stays
 * until the file is looked at as a changed one.
 */
static void read_again(struct manifest_directory *directory, struct manifest_file *file)
{
	struct decoded decoded;
	uint64_t content;
	if (manifest_file_read(file, &decoded, &content, NULL) == 0)
		objects_put(directory, file, &decoded);
	file->reread = false;
}

static void forget_claims(struct manifest_directory *directory)
{
	for (size_t i = 0; i < directory->affected.count; i++) {
		struct claim *claim = directory->affected.items[i];
		claim->affected = claim->wanted = false;
		if (claim->definers > 0)
			continue;
		objects_remove(directory, claim);
		HASH_DEL(directory->claims, claim);
		free(claim);
	}
	vector_done(&directory->affected);
}

void claims_settle(struct manifest_directory *directory)
{
	for (size_t i = 0; i < directory->affected.count; i++)
		if (directory->affected.items[i]->definers > 0)
			find_owner(directory, directory->affected.items[i]);
	remark_all_shadowed(directory);
	for (size_t i = 0; i < directory->files.count; i++) {
		struct manifest_file *file = directory->files.items[i];
		if (file->staged)
			objects_put(directory, file, &file->decoded);
		else if (file->reread)
			read_again(directory, file);
	}
	for (size_t i = 0; i < directory->files.count; i++)
		directory->files.items[i]->staged = false;
	forget_claims(directory);
}

void claims_free(struct manifest_directory *directory)
{
	struct claim *claim, *next;
	HASH_ITER (hh, directory->claims, claim, next) {
		HASH_DEL(directory->claims, claim);
		free(claim);
	}
	vector_done(&directory->affected);
}
