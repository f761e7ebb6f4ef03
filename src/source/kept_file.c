#include "kept_file.h"

#include "base/memory.h"
#include "source/file_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { AGE_LIMIT_MS = 60 * 1000 };

void kept_file_init(struct kept_file *file, const char *path)
{
	*file = (struct kept_file){.path = memory_copy_text(path)};
}

void kept_file_done(struct kept_file *file)
{
	free(file->path);
	text_done(&file->text);
	*file = (struct kept_file){0};
}

int kept_file_refresh(struct kept_file *file, bool force, int64_t now_ms, bool *ret_changed)
{
	struct stat now;
	if (stat(file->path, &now) < 0)
		return file->is_read ? 0 : -errno;
	if (!S_ISREG(now.st_mode))
		return file->is_read ? 0 : S_ISDIR(now.st_mode) ? -EISDIR : -EINVAL;
	if (file->is_read && !force && now_ms - file->read_ms < AGE_LIMIT_MS &&
	    file_looks_the_same(&file->seen, &now))
		return 0;
	struct text fresh = {0};
	int error = text_read_file(file->path, KEPT_FILE_LIMIT, &fresh);
	if (error < 0)
		return file->is_read ? 0 : error;
	if (fresh.length == 0 && file->is_read) { /* someone is about to write it */
		text_done(&fresh);
		return 0;
	}
	bool same = file->is_read && fresh.length == file->text.length &&
	            memcmp(text_string(&fresh), text_string(&file->text), fresh.length) == 0;
	*ret_changed |= !same;
	text_done(&file->text);
	file->text = fresh;
	file->seen = now;
	file->read_ms = now_ms;
	file->is_read = true;
	return 0;
}
