/*
 * A small file whose content is kept and read again when the file became another one: its time, size or inode
 * changed, or a minute has passed. Mounted Secrets are symbolic links that are swapped, so the path is followed anew.
 */
#ifndef KUBE_IPVS_SOURCE_KEPT_FILE_H
#define KUBE_IPVS_SOURCE_KEPT_FILE_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define KEPT_FILE_LIMIT ((size_t)4 << 20)

struct kept_file {
	char *path; /* owned */
	struct text text;
	struct stat seen;
	int64_t read_ms;
	bool is_read;
};

void kept_file_init(struct kept_file *file, const char *path); /* copies the path */
void kept_file_done(struct kept_file *file);
/*
 * 0, or the negative errno of a file that could not be read while nothing is kept of it; what is kept stays in use
 * when the file is away. `force`: read it whatever it looks like. *ret_changed is set when the content is another.
 */
int kept_file_refresh(struct kept_file *file, bool force, int64_t now_ms, bool *ret_changed);

#endif
