/*
 * The manifest directory: one pass over it is the only mechanism. Whatever happened - a file written, renamed,
 * removed, a symbolic link of a mounted ConfigMap turned, the queue of notices overrun, the directory itself
 * gone and back - the directory is listed, files whose stamps differ are read, and the difference goes into
 * the cluster.
 */
#include "manifest_files.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name_list {
	char **items;
	size_t count;
	size_t capacity;
};

static bool is_manifest_name(const char *name)
{
	static const char *const ends[] = {".yaml", ".yml", ".json"};
	size_t length = strlen(name);
	if (name[0] == '.')
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (length > strlen(ends[i]) && strcmp(name + length - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *join(const char *directory, const char *name)
{
	size_t size = strlen(directory) + strlen(name) + 2;
	char *path = memory_alloc(size);
	snprintf(path, size, "%s/%s", directory, name);
	return path;
}

/*
 * Directories are none of ours, whatever their names, nor is what a reader could wait for for ever. What
 * cannot be looked at will be told of as a file.
 */
static bool may_be_file(const char *directory, const char *name)
{
	char *path auto_free = join(directory, name);
	struct stat status;
	return stat(path, &status) < 0 || S_ISREG(status.st_mode);
}

static int list_entries(const struct manifest_directory *directory, struct name_list *names)
{
	DIR *dir = opendir(directory->path);
	if (!dir)
		return -errno;
	const struct dirent *entry;
	while (errno = 0, (entry = readdir(dir)))
		if (is_manifest_name(entry->d_name) && may_be_file(directory->path, entry->d_name))
			vector_push(names, memory_copy_text(entry->d_name));
	int r = -errno;
	closedir(dir);
	if (!r && names->count)
		qsort(names->items, names->count, sizeof(*names->items), compare_names);
	return r;
}

static int list_names(const struct manifest_directory *directory, struct name_list *names)
{
	struct stat status;
	if (!directory->only)
		return list_entries(directory, names);
	char *path auto_free = join(directory->path, directory->only);
	if (stat(path, &status) < 0)
		return -errno;
	vector_push(names, memory_copy_text(directory->only));
	return 0;
}

static void names_done(struct name_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	vector_done(names);
}

static char *watched_path(const struct manifest_directory *directory)
{
	return directory->only ? join(directory->path, directory->only) : memory_copy_text(directory->path);
}

/* Told when it begins, when its reason changes, and when it is over. */
static void tell_unreadable(struct manifest_directory *directory, int error)
{
	char *path auto_free = watched_path(directory);
	if (error == directory->refused_errno)
		return;
	directory->refused_errno = error;
	if (!error) {
		directory->listener.recovered(directory->listener.context, path);
		return;
	}
	struct fault fault = {0};
	fault_place(&fault, "%s", path);
	fault_set(&fault, NULL, "%s cannot be read: %s; what it held stays in force",
	          directory->only ? "the file" : "the directory", strerror(error));
	directory->listener.refused(directory->listener.context, &fault);
}

static void tell_recovered(struct manifest_directory *directory, struct manifest_file *file)
{
	if (file->told)
		directory->listener.recovered(directory->listener.context, file->path);
	file->told = 0;
}

static void tell_ignored(struct manifest_directory *directory, struct manifest_file *file)
{
	char sentence[400];
	size_t count = file->decoded.ignored;
	if (count && count != file->ignored_told) {
		snprintf(sentence, sizeof(sentence), "%.255s: %zu object%s of other kinds %s ignored",
		         file->name, count, count == 1 ? "" : "s", count == 1 ? "is" : "are");
		directory->listener.remarked(directory->listener.context, false, sentence);
	}
	file->ignored_told = count;
}

static void read_file(struct manifest_directory *directory, struct manifest_file *file)
{
	struct fault fault = {0};
	uint64_t content = 0;
	if (manifest_file_read(file, &file->decoded, &content, &fault) == 0) {
		file->staged = true;
		tell_recovered(directory, file);
		tell_ignored(directory, file);
		return;
	}
	if (content != file->told)
		directory->listener.refused(directory->listener.context, &fault);
	file->told = content;
}

static void remove_file(struct manifest_directory *directory, struct manifest_file *file)
{
	claims_release(directory, file);
	tell_recovered(directory, file);
	manifest_file_free(file);
}

/* Makes the files those of the list; both are sorted by name. */
static void match_files(struct manifest_directory *directory, const struct name_list *names)
{
	__typeof__(directory->files) before = directory->files, now = {0};
	size_t old = 0;
	for (size_t i = 0; i < names->count; i++) {
		while (old < before.count && strcmp(before.items[old]->name, names->items[i]) < 0)
			remove_file(directory, before.items[old++]);
		if (old < before.count && strcmp(before.items[old]->name, names->items[i]) == 0) {
			vector_push(&now, before.items[old++]);
			continue;
		}
		char *path auto_free = join(directory->path, names->items[i]);
		vector_push(&now, manifest_file_new(path, names->items[i]));
	}
	while (old < before.count)
		remove_file(directory, before.items[old++]);
	vector_done(&before);
	directory->files = now;
}

void manifest_scan(struct manifest_directory *directory)
{
	struct name_list names = {0};
	int r = list_names(directory, &names);
	tell_unreadable(directory, -r);
	if (!r) {
		match_files(directory, &names);
		for (size_t i = 0; i < directory->files.count; i++)
			if (manifest_file_changed(directory->files.items[i]))
				read_file(directory, directory->files.items[i]);
		for (size_t i = 0; i < directory->files.count; i++)
			if (directory->files.items[i]->staged)
				claims_release(directory, directory->files.items[i]);
		for (size_t i = 0; i < directory->files.count; i++)
			if (directory->files.items[i]->staged)
				claims_stage(directory, directory->files.items[i]);
		claims_settle(directory);
	}
	names_done(&names);
	if (directory->cluster_changed)
		directory->listener.changed(directory->listener.context);
	directory->cluster_changed = false;
}

/* A path that is a file is its directory with one name in it. */
static void split_path(struct manifest_directory *directory, const char *path, bool is_file)
{
	const char *slash = strrchr(path, '/');
	directory->path = memory_copy_text(path);
	if (!is_file)
		return;
	directory->only = memory_copy_text(slash ? slash + 1 : path);
	char *end = slash ? directory->path + (slash - path) : NULL;
	if (!end) {
		free(directory->path);
		directory->path = memory_copy_text(".");
	} else {
		*(end == directory->path ? end + 1 : end) = '\0';
	}
}

static int refuse_open(const char *path, struct fault *fault)
{
	int error = errno;
	fault_place(fault, "%s", path);
	fault_set(fault, NULL, "the manifests cannot be read: %s", strerror(error));
	return -error;
}

static int try_open(const char *path, struct stat *ret_status)
{
	if (stat(path, ret_status) < 0)
		return -errno;
	if (!S_ISDIR(ret_status->st_mode))
		return 0;
	DIR *dir = opendir(path);
	if (!dir)
		return -errno;
	closedir(dir);
	return 0;
}

int manifest_directory_open(const char *path, struct inlet *inlet, const struct manifest_listener *listener,
                            struct manifest_directory **ret_directory, struct fault *fault)
{
	struct stat status;
	int r = try_open(path, &status);
	*ret_directory = NULL;
	if (r < 0) {
		errno = -r;
		return refuse_open(path, fault);
	}
	struct manifest_directory *directory = memory_alloc(sizeof(*directory));
	split_path(directory, path, !S_ISDIR(status.st_mode));
	directory->inlet = inlet;
	directory->listener = *listener;
	manifest_scan(directory);
	*ret_directory = directory;
	return 0;
}

void manifest_directory_close(struct manifest_directory *directory)
{
	if (!directory)
		return;
	manifest_watch_free(directory->watch);
	for (size_t i = 0; i < directory->files.count; i++)
		manifest_file_free(directory->files.items[i]);
	vector_done(&directory->files);
	claims_free(directory);
	free(directory->path);
	free(directory->only);
	free(directory);
}
