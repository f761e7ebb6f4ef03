/*
 * When to look again. inotify only says that something happened: after 20 ms of silence, or 80 ms after the
 * first notice of a burst, the directory is looked at as a whole.
 *
 * The parent of the directory is watched too, for the directory's own name: that is how its removal and
 * return are seen. Where the parent cannot be watched, or while something cannot be read, a timer asks once a
 * second.
 */
#include "manifest_files.h"

#include "base/memory.h"
#include "notices.h"

#include <stdlib.h>
#include <string.h>

enum { QUIET_MILLISECONDS = 20, BURST_MILLISECONDS = 80, RETRY_MILLISECONDS = 1000 };

static const uint32_t INSIDE = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE |
                               IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
static const uint32_t BESIDE = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR;

struct manifest_watch {
	struct manifest_directory *directory;
	struct notices notices;
	int inside; /* watch descriptors; -1: none */
	int beside;
	char *parent;
	char *name; /* the directory's own, in the parent */
};

/* Follows the path to what it is now. A watch on what it was before is dropped. */
static void follow(struct manifest_watch *watch)
{
	int inside = inotify_add_watch(watch->notices.fd, watch->directory->path, INSIDE);
	if (watch->inside >= 0 && watch->inside != inside)
		inotify_rm_watch(watch->notices.fd, watch->inside);
	watch->inside = inside;
	if (watch->parent)
		watch->beside = inotify_add_watch(watch->notices.fd, watch->parent, BESIDE | IN_MASK_ADD);
}

static bool something_unreadable(const struct manifest_directory *directory)
{
	if (directory->refused_errno)
		return true;
	for (size_t i = 0; i < directory->files.count; i++)
		if (directory->files.items[i]->told && !(directory->files.items[i]->told & 1))
			return true;
	return false;
}

static bool something_young(const struct manifest_directory *directory)
{
	for (size_t i = 0; i < directory->files.count; i++)
		if (directory->files.items[i]->stamp.young)
			return true;
	return false;
}

/* Watches first, then looks: what happens in between is seen by one of them. */
static void look(void *context)
{
	struct manifest_watch *watch = context;
	follow(watch);
	manifest_scan(watch->directory);
	if (something_young(watch->directory))
		notices_look_in(&watch->notices, BURST_MILLISECONDS);
	else if (watch->inside < 0 || something_unreadable(watch->directory))
		notices_look_in(&watch->notices, RETRY_MILLISECONDS);
}

static bool concerns(const void *context, const struct inotify_event *notice)
{
	const struct manifest_watch *watch = context;
	if (notice->wd == watch->inside)
		return true;
	return notice->wd == watch->beside && notice->len && strcmp(notice->name, watch->name) == 0;
}

/* The name under which the directory stands in its parent; none for "/" and for paths that end in dots. */
static void find_parent(struct manifest_watch *watch, const char *path)
{
	char *copy auto_free = memory_copy_text(path);
	size_t length = strlen(copy);
	while (length > 1 && copy[length - 1] == '/')
		copy[--length] = '\0';
	char *slash = strrchr(copy, '/');
	const char *name = slash ? slash + 1 : copy;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	watch->name = memory_copy_text(name);
	if (!slash)
		watch->parent = memory_copy_text(".");
	else if (slash == copy)
		watch->parent = memory_copy_text("/");
	else {
		*slash = '\0';
		watch->parent = memory_copy_text(copy);
	}
}

int manifest_directory_watch(struct manifest_directory *directory, struct event_base *base)
{
	struct manifest_watch *watch = memory_alloc(sizeof(*watch));
	watch->directory = directory;
	watch->inside = watch->beside = -1;
	watch->notices = (struct notices){
	        .quiet_ms = QUIET_MILLISECONDS,
	        .burst_ms = BURST_MILLISECONDS,
	        .context = watch,
	        .concerns = concerns,
	        .look = look,
	};
	directory->watch = watch;
	int r = notices_open(&watch->notices, base);
	if (r)
		return r;
	find_parent(watch, directory->path);
	look(watch);
	return 0;
}

void manifest_watch_free(struct manifest_watch *watch)
{
	if (!watch)
		return;
	notices_close(&watch->notices);
	free(watch->parent);
	free(watch->name);
	free(watch);
}
