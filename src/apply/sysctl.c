#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SYSCTL_BYTES = 4096 };

int sysctl_read(const char *root, const char *path, struct text *ret_value)
{
	char whole[PATH_MAX];
	auto_text text = {0};
	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	int error = text_read_file(whole, SYSCTL_BYTES, &text);
	if (!error)
		text_add_bytes(ret_value, text_string(&text), strcspn(text_string(&text), " \t\n"));
	return error;
}

int sysctl_write(const char *root, const char *path, const char *value)
{
	char whole[PATH_MAX];
	size_t length = strlen(value);
	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	int fd = open(whole, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t written = write(fd, value, length);
	int error = written < 0 ? -errno : (size_t)written == length ? 0 : -EIO;
	close(fd);
	return error;
}

int sysctl_set(const char *root, const char *path, const char *value)
{
	auto_text present = {0};
	int error = sysctl_read(root, path, &present);
	if (error || strcmp(text_string(&present), value) == 0)
		return error;
	return sysctl_write(root, path, value);
}
