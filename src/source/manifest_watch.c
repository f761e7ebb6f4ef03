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

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_MILLISECONDS = 20, BURST_MILLISECONDS = 80, RETRY_MILLISECONDS = 1000 };

static const uint32_t INSIDE = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE |
                               IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
static const uint32_t BESIDE = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR;

struct manifest_watch {
	struct manifest_directory *directory;
	int fd;
	int inside; /* watch descriptors; -1: none */
	int beside;
	char *parent;
	char *name; /* the directory's own, in the parent */
	struct event *readable;
	struct event *due;
	bool scheduled;
	int64_t burst_began_milliseconds;
};

static int64_t now_milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void schedule(struct manifest_watch *watch, int64_t milliseconds)
{
	const struct timeval delay = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
	event_add(watch->due, &delay);
}

/* Follows the path to what it is now. A watch on what it was before is dropped. */
static void follow(struct manifest_watch *watch)
{
	int inside = inotify_add_watch(watch->fd, watch->directory->path, INSIDE);
	if (watch->inside >= 0 && watch->inside != inside)
		inotify_rm_watch(watch->fd, watch->inside);
	watch->inside = inside;
	if (watch->parent)
		watch->beside = inotify_add_watch(watch->fd, watch->parent, BESIDE | IN_MASK_ADD);
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
static void look(struct manifest_watch *watch)
{
	watch->scheduled = false;
	follow(watch);
	manifest_scan(watch->directory);
	if (something_young(watch->directory))
		schedule(watch, BURST_MILLISECONDS);
	else if (watch->inside < 0 || something_unreadable(watch->directory))
		schedule(watch, RETRY_MILLISECONDS);
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	look(context);
}

static bool concerns(const struct manifest_watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW || event->wd == watch->inside)
		return true;
	return event->wd == watch->beside && event->len && strcmp(event->name, watch->name) == 0;
}

/* Reads all notices there are. True: one of them concerns the manifests. */
static bool drain(const struct manifest_watch *watch)
{
	_Alignas(struct inotify_event) char buffer[16384];
	bool concerned = false;
	ssize_t got;
	while ((got = read(watch->fd, buffer, sizeof(buffer))) > 0)
		for (const char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event = (const void *)at;
			concerned |= concerns(watch, event);
			at += sizeof(*event) + event->len;
		}
	return concerned;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct manifest_watch *watch = context;
	(void)fd;
	(void)what;
	if (!drain(watch))
		return;
	int64_t now = now_milliseconds();
	if (!watch->scheduled)
		watch->burst_began_milliseconds = now;
	watch->scheduled = true;
	int64_t left = watch->burst_began_milliseconds + BURST_MILLISECONDS - now;
	if (left <= 0)
		look(watch);
	else
		schedule(watch, left < QUIET_MILLISECONDS ? left : QUIET_MILLISECONDS);
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
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct manifest_watch *watch = memory_alloc(sizeof(*watch));
	watch->directory = directory;
	watch->fd = fd;
	watch->inside = watch->beside = -1;
	directory->watch = watch;
	find_parent(watch, directory->path);
	watch->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, watch);
	watch->due = event_new(base, -1, 0, on_due, watch);
	if (!watch->readable || !watch->due || event_add(watch->readable, NULL) < 0)
		return -ENOMEM;
	look(watch);
	return 0;
}

void manifest_watch_free(struct manifest_watch *watch)
{
	if (!watch)
		return;
	if (watch->readable)
		event_free(watch->readable);
	if (watch->due)
		event_free(watch->due);
	close(watch->fd);
	free(watch->parent);
	free(watch->name);
	free(watch);
}
