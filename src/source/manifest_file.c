/*
 * One file: whether it changed, and what it says.
 */
#include "manifest_files.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Twice the coarsest tick of a kernel's clock for file times. */
enum { YOUNG_NANOSECONDS = 20 * 1000 * 1000 };

struct manifest_file *manifest_file_new(const char *path, const char *name)
{
	struct manifest_file *file = memory_alloc(sizeof(*file));
	file->name = memory_copy_text(name);
	file->path = memory_copy_text(path);
	return file;
}

void manifest_file_free(struct manifest_file *file)
{
	vector_done(&file->claims);
	decoded_done(&file->decoded);
	free(file->name);
	free(file->path);
	free(file);
}

/* A time in the future is that of another clock, and not close either. */
static bool are_close(const struct timespec *a, const struct timespec *b)
{
	int64_t seconds = a->tv_sec - b->tv_sec;
	if (seconds < -1 || seconds > 1)
		return false;
	int64_t nanoseconds = seconds * 1000000000 + (a->tv_nsec - b->tv_nsec);
	return nanoseconds < YOUNG_NANOSECONDS && nanoseconds > -YOUNG_NANOSECONDS;
}

/* A file that cannot be looked at has a stamp too, so that it is refused once. */
static struct manifest_stamp read_stamp(const char *path)
{
	struct stat status;
	struct timespec now;
	if (stat(path, &status) < 0)
		return (struct manifest_stamp){.size = -errno};
	clock_gettime(CLOCK_REALTIME, &now);
	return (struct manifest_stamp){
	        .device = status.st_dev,
	        .inode = status.st_ino,
	        .size = status.st_size,
	        .modified = status.st_mtim,
	        .changed = status.st_ctim,
	        .young = are_close(&status.st_ctim, &now),
	};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool manifest_file_changed(struct manifest_file *file)
{
	const struct manifest_stamp now = read_stamp(file->path), before = file->stamp;
	bool known = file->known;
	file->stamp = now;
	file->known = true;
	return !known || before.young || before.device != now.device || before.inode != now.inode ||
	       before.size != now.size || !same_time(&before.modified, &now.modified) ||
	       !same_time(&before.changed, &now.changed);
}

/* FNV-1a; never 0. */
static uint64_t content_number(const char *bytes, size_t length)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
	return hash | 1;
}

static int refuse_unreadable(const struct manifest_file *file, int error, struct fault *fault)
{
	fault_place(fault, "%s", file->path);
	if (error == EFBIG)
		return fault_set(fault, NULL, "the file is larger than %zu MiB; split it",
		                 MANIFEST_FILE_LIMIT >> 20);
	return fault_set(fault, NULL, "the file cannot be read: %s", strerror(error));
}

int manifest_file_read(const struct manifest_file *file, struct decoded *ret_decoded, uint64_t *ret_content,
                       struct fault *fault)
{
	auto_text text = {0};
	*ret_decoded = (struct decoded){0};
	int r = text_read_file(file->path, MANIFEST_FILE_LIMIT, &text);
	if (r < 0) {
		*ret_content = (uint64_t)-r << 1;
		return refuse_unreadable(file, -r, fault);
	}
	r = manifest_decode(file->path, text_string(&text), text.length, ret_decoded, fault);
	if (r)
		*ret_content = content_number(text_string(&text), text.length);
	return r;
}
