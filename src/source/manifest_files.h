/*
 * Inside the manifest directory: its files, and who has which object.
 *
 * Of a file only its stamp and the names of its objects are kept; the objects themselves live in the cluster.
 * A claim is one object's name and the files that define it. The file whose name sorts first owns it, and
 * only the owner's object is in the cluster; when the owner lets it go, the next one is read again.
 */
#ifndef KUBE_IPVS_SOURCE_MANIFEST_FILES_H
#define KUBE_IPVS_SOURCE_MANIFEST_FILES_H

#include "base/vector.h"
#include "source/manifest.h"

#include <stdint.h>
#include <sys/stat.h>
#include <uthash.h>

enum claim_kind {
	CLAIM_SERVICE,
	CLAIM_SLICE,
	CLAIM_ENDPOINTS, /* one claim for all slices that an Endpoints object was made into */
	CLAIM_NODE,
};

struct manifest_file;

struct claim {
	UT_hash_handle hh;
	struct manifest_file *owner; /* NULL: to be found */
	uint32_t definers;           /* files that define it */
	uint32_t round;              /* the last staging that met it, to see a second one in the same file */
	uint32_t twice_round;        /* the last staging that met it twice */
	uint8_t kind;                /* enum claim_kind */
	bool affected;               /* on the list of what this pass touches */
	bool wanted;                 /* the owner has to be read again for it */
	bool remarked;               /* told that several files define it */
	bool twice;                  /* told that one file defines it twice */
	char key[];                  /* "Service default/web", as remarks print it */
};

/* What tells one content from another without reading it. */
struct manifest_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
	/* Written so shortly before it was looked at that a further write could leave the same times. */
	bool young;
};

struct manifest_file {
	char *name;
	char *path;
	struct manifest_stamp stamp;
	vector_of(struct claim *) claims;
	struct decoded decoded; /* of this pass, while `staged` */
	size_t ignored_told;
	uint64_t told; /* what content was refused last; 0: none */
	bool known;    /* has a stamp */
	bool staged;   /* read anew in this pass, without a fault */
	bool reread;   /* has a wanted claim */
};

struct manifest_watch;

struct manifest_directory {
	char *path;
	char *only; /* the one file's name if the path is a file; else NULL */
	struct inlet *inlet;
	struct manifest_listener listener;
	vector_of(struct manifest_file *) files; /* sorted by name */
	struct claim *claims;                    /* by key */
	vector_of(struct claim *) affected;      /* by this pass */
	uint32_t round;
	int refused_errno; /* why the directory could not be read; 0: it can be */
	bool cluster_changed;
	struct manifest_watch *watch;
};

/* manifest.c: looks at the directory again and brings the cluster up to date. What is wrong is told. */
void manifest_scan(struct manifest_directory *directory);

/* manifest_file.c */
struct manifest_file *manifest_file_new(const char *path, const char *name);
void manifest_file_free(struct manifest_file *file);
/* Whether the file is another one than at the last look, whose stamp is then replaced. */
bool manifest_file_changed(struct manifest_file *file);
/* Reads and decodes. On a refusal `ret_content` tells this content from others. */
int manifest_file_read(const struct manifest_file *file, struct decoded *ret_decoded, uint64_t *ret_content,
                       struct fault *fault);

/* manifest_claims.c */
/* What the file held before is held no longer. */
void claims_release(struct manifest_directory *directory, struct manifest_file *file);
/* Claims what was decoded of a file. */
void claims_stage(struct manifest_directory *directory, struct manifest_file *file);
/* Finds owners, brings the cluster up to date, and forgets claims that nobody makes any more. */
void claims_settle(struct manifest_directory *directory);
void claims_free(struct manifest_directory *directory);

/* manifest_objects.c: between what was decoded and the cluster. */
/* Puts the objects of which the file is the owner: all of a staged file, else the wanted ones. Takes the rest. */
void objects_put(struct manifest_directory *directory, const struct manifest_file *file,
                 struct decoded *decoded);
void objects_remove(struct manifest_directory *directory, const struct claim *claim);
struct claim *claim_find(const struct manifest_directory *directory, enum claim_kind kind,
                         const char *namespace, const char *name);
/* The kind that claims a slice: the Endpoints object behind it, with that one's name, or itself. */
enum claim_kind slice_claim(const struct slice *slice, const char **ret_name);
/* Whether both are parts of the same Endpoints object. */
bool slices_are_parts(const struct slice *first, const struct slice *slice);

/* manifest_watch.c */
void manifest_watch_free(struct manifest_watch *watch);

#endif
