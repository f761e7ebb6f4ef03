/*
 * Manifest files and directories: YAML and JSON, several documents a file, List kinds as `kubectl get -o
 * yaml` prints them.
 *
 * A file counts as a whole: it is read without a fault, or what it held before stays in force. Files are
 * those that end in .yaml, .yml or .json and do not begin with a dot, directly in the directory, symbolic
 * links followed (so a mounted ConfigMap works). An object in two files: the file whose name sorts first has
 * it, and the other is reported once.
 */
#ifndef KUBE_IPVS_SOURCE_MANIFEST_H
#define KUBE_IPVS_SOURCE_MANIFEST_H

#include "base/fault.h"
#include "model/inlet.h"
#include "source/decode.h"

#include <stdbool.h>
#include <stddef.h>

struct event_base;

/* A file larger than this is refused; the objects in it are bounded by it. */
#define MANIFEST_FILE_LIMIT ((size_t)256 << 20)

/*
 * Reads one file's text. The name decides: .json is JSON, everything else YAML. JSON is taken one list item
 * at a time, so that the memory needed is that of the objects, not of the text's tree. `name` is what faults
 * call the file. Returns 0, or FAULT_REFUSED with place ("file:line"), field and sentence, and `ret_decoded`
 * empty.
 */
int manifest_decode(const char *name, const char *text, size_t length, struct decoded *ret_decoded,
                    struct fault *fault);

/* What a watched directory has to say; texts are borrowed for the call. */
struct manifest_listener {
	void *context;
	/* The cluster changed. */
	void (*changed)(void *context);
	/* A file or the directory cannot be used; what it held stays in force. Told once, until its content
	 * changes. */
	void (*refused)(void *context, const struct fault *fault);
	/* What `refused` told of is over; `place` is the path. */
	void (*recovered)(void *context, const char *place);
	/* One sentence for the log: an object in two files (`grave`), objects of other kinds (not). */
	void (*remarked)(void *context, bool grave, const char *sentence);
};

struct manifest_directory;

/*
 * Reads all files of `path` (a directory, or one file) through `inlet`, which it borrows. What cannot be read
 * is told to the listener and is no failure here. A directory that cannot be opened is one: a negative errno,
 * and the fault says why.
 */
int manifest_directory_open(const char *path, struct inlet *inlet, const struct manifest_listener *listener,
                            struct manifest_directory **ret_directory, struct fault *fault);
/*
 * Follows the directory by inotify on `base`: a change is in the cluster within 100 ms of the last write. A
 * directory that goes away is waited for, with its objects in force. Returns 0 or a negative errno.
 */
int manifest_directory_watch(struct manifest_directory *directory, struct event_base *base);
/* Idempotent; NULL is allowed. The cluster keeps the objects. */
void manifest_directory_close(struct manifest_directory *directory);

#endif
