/*
 * The way to a file, followed as the kernel follows it: name by name, each symbolic link's text put in its place.
 *
 * Each directory on the way is watched for the one name that was looked up in it, before it is looked up; so whatever
 * turns the way elsewhere is a notice, a ConfigMap's swap of ..data as well as a directory made anew. The file at the
 * end is watched too, since it can be written under another name (a bind mount, a hard link).
 */
#include "source/file_watch.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "notices.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUIET_MS = 100, BURST_MS = 1000, RETRY_MS = 1000, LINKS_MOST = 40 };

#define CONTENT_LIMIT ((size_t)64 << 20)

static const uint32_t ON_THE_WAY =
        IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR | IN_MASK_ADD;
static const uint32_t AT_THE_END = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MASK_ADD;

/* What is looked at under one watch descriptor. */
struct waypoint {
	int wd;
	char *name; /* NULL: whatever happens, it is the file itself */
};

struct file_watch {
	struct notices notices;
	char *path;
	void (*changed)(void *context);
	void *context;
	vector_of(struct waypoint) way;
	bool blind;       /* something on the way could not be watched */
	bool known;       /* the file was read once */
	struct stat seen; /* as it was just before the last look */
	struct text content;
};

/* ---- the way */

static void add_waypoint(struct file_watch *watch, const char *place, uint32_t mask, const char *name)
{
	int wd = inotify_add_watch(watch->notices.fd, place, mask);
	if (wd >= 0)
		vector_push(&watch->way, (struct waypoint){wd, name ? memory_copy_text(name) : NULL});
	else
		watch->blind |= errno != ENOENT && errno != ENOTDIR;
}

/* A way being followed: what has been found, and what is still to be looked up. */
struct walk {
	struct text place;
	struct text rest;
	unsigned links;
};

/* Takes the first name off the rest. False: none is left. */
static bool take_name(struct text *rest, struct text *ret_name)
{
	const char *name = text_string(rest) + strspn(text_string(rest), "/");
	size_t length = strcspn(name, "/");
	auto_text behind = {0};
	text_clear(ret_name);
	text_add_bytes(ret_name, name, length);
	text_add(&behind, name + length);
	text_clear(rest);
	text_add(rest, text_string(&behind));
	return length > 0;
}

static bool starts_at_root(const char *path)
{
	return path[0] == '/';
}

/* The link's text is looked up before the rest, in the directory that holds the link. */
static bool turn_off(struct walk *walk, size_t directory_length)
{
	char target[PATH_MAX];
	ssize_t length = readlink(walk->place.bytes, target, sizeof(target) - 1);
	if (length <= 0 || ++walk->links > LINKS_MOST)
		return false;
	target[length] = '\0';
	auto_text rest = {0};
	text_addf(&rest, "%s/%s", target, text_string(&walk->rest));
	text_clear(&walk->rest);
	text_add(&walk->rest, rest.bytes);
	auto_text place = {0};
	text_add_bytes(&place, walk->place.bytes, starts_at_root(target) ? 0 : directory_length);
	text_clear(&walk->place);
	text_add(&walk->place, starts_at_root(target) ? "/" : place.bytes);
	return true;
}

/* One name further. False: the way ends here, for now. */
static bool go_on(struct file_watch *watch, struct walk *walk, const char *name)
{
	struct stat status;
	size_t directory_length = walk->place.length;
	if (strcmp(name, ".") == 0)
		return true;
	add_waypoint(watch, walk->place.bytes, ON_THE_WAY, name);
	text_addf(&walk->place, "/%s", name);
	if (lstat(walk->place.bytes, &status) < 0)
		return false;
	return !S_ISLNK(status.st_mode) || turn_off(walk, directory_length);
}

static bool is_on_way(const struct file_watch *watch, int wd)
{
	for (size_t i = 0; i < watch->way.count; i++)
		if (watch->way.items[i].wd == wd)
			return true;
	return false;
}

/* Watches the way as it is now; what was on it before and is no longer is let go. */
static void follow(struct file_watch *watch)
{
	__typeof__(watch->way) before = watch->way;
	struct walk walk = {0};
	auto_text name = {0};
	bool going = true;
	watch->way = (__typeof__(watch->way)){0};
	watch->blind = false;
	text_add(&walk.place, starts_at_root(watch->path) ? "/" : ".");
	text_add(&walk.rest, watch->path);
	while (going && take_name(&walk.rest, &name))
		going = go_on(watch, &walk, name.bytes);
	if (going)
		add_waypoint(watch, walk.place.bytes, AT_THE_END, NULL);
	vector_for_each (&before, point) {
		if (!is_on_way(watch, point->wd))
			inotify_rm_watch(watch->notices.fd, point->wd);
		free(point->name);
	}
	vector_done(&before);
	text_done(&walk.place);
	text_done(&walk.rest);
}

static bool concerns(const void *context, const struct inotify_event *notice)
{
	const struct file_watch *watch = context;
	for (size_t i = 0; i < watch->way.count; i++) {
		const struct waypoint *point = &watch->way.items[i];
		if (point->wd == notice->wd &&
		    (!point->name || !notice->len || strcmp(point->name, notice->name) == 0))
			return true;
	}
	return false;
}

/* ---- the content */

/* A pipe or a device is none: reading it could wait for ever. */
static int read_content(struct file_watch *watch, struct text *content)
{
	if (stat(watch->path, &watch->seen) < 0)
		return -errno;
	return S_ISREG(watch->seen.st_mode) ? text_read_file(watch->path, CONTENT_LIMIT, content) : -ENOENT;
}

/* Takes the content there is now for known. True: it is another one than before. */
static bool content_changed(struct file_watch *watch, struct text *now)
{
	bool same = watch->known && now->length == watch->content.length &&
	            memcmp(text_string(now), text_string(&watch->content), now->length) == 0;
	if (same)
		return false;
	text_done(&watch->content);
	watch->content = *now;
	*now = (struct text){0};
	watch->known = true;
	return true;
}

/* Watches first, then reads: what happens in between is seen by one of them. Time and again while one of them is
 * forbidden, since no notice tells of its being allowed. */
static bool look(struct file_watch *watch)
{
	auto_text now = {0};
	follow(watch);
	int r = read_content(watch, &now);
	if (watch->blind || (r && r != -ENOENT && r != -ENOTDIR && r != -EFBIG))
		notices_look_in(&watch->notices, RETRY_MS);
	return !r && content_changed(watch, &now);
}

static void look_again(void *context)
{
	struct file_watch *watch = context;
	if (look(watch))
		watch->changed(watch->context);
}

int file_watch_open(struct event_base *base, const char *path, void (*changed)(void *context), void *context,
                    struct file_watch **ret_watch)
{
	struct file_watch *watch = memory_alloc(sizeof(*watch));
	*watch = (struct file_watch){
	        .notices = {.quiet_ms = QUIET_MS,
	                    .burst_ms = BURST_MS,
	                    .context = watch,
	                    .concerns = concerns,
	                    .look = look_again},
	        .path = memory_copy_text(path),
	        .changed = changed,
	        .context = context,
	};
	int r = notices_open(&watch->notices, base);
	if (r) {
		file_watch_close(watch);
		return r;
	}
	look(watch);
	*ret_watch = watch;
	return 0;
}

void file_watch_close(struct file_watch *watch)
{
	if (!watch)
		return;
	notices_close(&watch->notices);
	vector_for_each (&watch->way, point)
		free(point->name);
	vector_done(&watch->way);
	text_done(&watch->content);
	free(watch->path);
	free(watch);
}

void file_watch_was_read(struct file_watch *watch, const struct stat *seen)
{
	if (file_looks_the_same(&watch->seen, seen))
		return;
	watch->known = false;
	notices_look_in(&watch->notices, QUIET_MS);
}

bool file_looks_the_same(const struct stat *then, const struct stat *now)
{
	return then->st_dev == now->st_dev && then->st_ino == now->st_ino && then->st_size == now->st_size &&
	       then->st_mtim.tv_sec == now->st_mtim.tv_sec && then->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}
