#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 8192 };

/* Priorities of syslog, which the journal takes from the start of a line (sd-daemon(3)). */
static const char priorities[] = {
        [LOG_LEVEL_ERROR] = '3',
        [LOG_LEVEL_WARNING] = '4',
        [LOG_LEVEL_INFO] = '6',
        [LOG_LEVEL_DEBUG] = '7',
};

/* systemd.exec(5): JOURNAL_STREAM is DEVICE:INODE, since a child may have its standard error elsewhere. */
static int journal_reads(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat status;
	if (!stream || sscanf(stream, "%ju:%ju", &device, &inode) != 2 || fstat(fd, &status) < 0)
		return 0;
	return status.st_dev == device && status.st_ino == inode;
}

void log_init(struct log *log)
{
	*log = (struct log){
	        .most = LOG_LEVEL_INFO, .fd = STDERR_FILENO, .with_priority = journal_reads(STDERR_FILENO)};
}

/* A name from outside must not start a line of its own or speak to the terminal. */
static void blank_controls(char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = ' ';
}

/* A log that cannot be written has nobody to tell. */
static void write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		length -= (size_t)written;
	}
}

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
	if (level > log->most)
		return;
	int errno_before = errno;
	char line[LINE_BYTES];
	size_t start = 0;
	if (log->with_priority)
		start = (size_t)snprintf(line, sizeof(line), "<%c>", priorities[level]);
	va_list arguments;
	va_start(arguments, format);
	int wanted = vsnprintf(line + start, sizeof(line) - start, format, arguments);
	va_end(arguments);
	size_t room = sizeof(line) - start - 1; /* one byte for the line's end, where the NUL was */
	size_t length = wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room;
	blank_controls(line + start, length);
	line[start + length] = '\n';
	write_all(log->fd, line, start + length + 1);
	errno = errno_before;
}
