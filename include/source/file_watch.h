/*
 * Tells when a file's content became another one: written in place, renamed over, or swapped by a symbolic link
 * anywhere on its path, as mounted ConfigMaps are.
 *
 * The directories on the way are watched, through all symbolic links, and the file where they end; after an event
 * things are given a moment to come to rest, and then contents are compared. A file that goes away is waited for, and
 * is no change. What counts as known is the content at the time of opening: so open the watch, then read the file.
 */
#ifndef KUBE_IPVS_SOURCE_FILE_WATCH_H
#define KUBE_IPVS_SOURCE_FILE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct event_base;
struct file_watch;

/*
 * `changed` is called from the loop, and may close the watch. Copies the path. The file need not be there yet: its
 * appearing is a change. 0 or a negative errno, and then there is no watch.
 */
int file_watch_open(struct event_base *base, const char *path, void (*changed)(void *context), void *context,
                    struct file_watch **ret_watch);
void file_watch_close(struct file_watch *watch); /* NULL is allowed */

/*
 * How the file looked just before the user read it (all zero: not there). If that is another file than the one that was looked
 * at last, one that was on its way just then, the file is looked at again soon, and whatever it holds is a change. May be
 * called from `changed`.
 */
void file_watch_was_read(struct file_watch *watch, const struct stat *seen);

/* Whether a file still is what it was, as far as its inode tells. */
bool file_looks_the_same(const struct stat *then, const struct stat *now);

#endif
