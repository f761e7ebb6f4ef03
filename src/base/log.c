#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 8192 };

/* Priorities of syslog, which the journal takes from the start of a line (sd-daemon(3)). */
static const char priorities[] = {
        [LOG_LEVEL_ERROR] = '3',
        [LOG_LEVEL_WARNING] = '4',
        [LOG_LEVEL_INFO] = '6',
        [LOG_LEVEL_DEBUG] = '7',
};

static const char *const level_names[] = {
        [LOG_LEVEL_ERROR] = "error",
        [LOG_LEVEL_WARNING] = "warning",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_DEBUG] = "debug",
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

/* How many bytes the character there has, 0 when it is not UTF-8 (RFC 3629: no surrogates, none overlong). */
static size_t utf8_length(const char *text, size_t left)
{
	static const struct {
		unsigned char first, last, second_least, second_most;
		size_t length;
	} forms[] = {
	        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const unsigned char *c = (const unsigned char *)text;
	size_t form = 0, count = sizeof(forms) / sizeof(*forms);
	while (form < count && (c[0] < forms[form].first || c[0] > forms[form].last))
		form++;
	if (form == count || forms[form].length > left)
		return 0;
	if (forms[form].length > 1 && (c[1] < forms[form].second_least || c[1] > forms[form].second_most))
		return 0;
	for (size_t i = 2; i < forms[form].length; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return forms[form].length;
}

/* Without control characters. Each byte becomes three at most. */
static char *add_json_text(char *end, const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t bytes = utf8_length(text + i, length - i);
		if (text[i] == '"' || text[i] == '\\')
			*end++ = '\\';
		end = mempcpy(end, bytes ? text + i : "\xef\xbf\xbd", bytes ? bytes : 3);
		i += bytes ? bytes : 1;
	}
	return end;
}

static void write_json(const struct log *log, enum log_level level, const char *message, size_t length)
{
	char line[3 * LINE_BYTES + 128], seconds[32];
	struct timespec now;
	struct tm parts;
	clock_gettime(CLOCK_REALTIME, &now);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &parts));
	int start = snprintf(line, 128, "{\"ts\":\"%s.%03ldZ\",\"level\":\"%s\",\"msg\":\"", seconds,
	                     now.tv_nsec / 1000000, level_names[level]);
	char *end = add_json_text(line + start, message, length);
	end = mempcpy(end, "\"}\n", 3);
	write_all(log->fd, line, (size_t)(end - line));
}

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
	if (level > log->most)
		return;
	int errno_before = errno;
	char line[LINE_BYTES];
	size_t start = 0;
	if (log->with_priority && !log->as_json)
		start = (size_t)snprintf(line, sizeof(line), "<%c>", priorities[level]);
	va_list arguments;
	va_start(arguments, format);
	int wanted = vsnprintf(line + start, sizeof(line) - start, format, arguments);
	va_end(arguments);
	size_t room = sizeof(line) - start - 1; /* one byte for the line's end, where the NUL was */
	size_t length = wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room;
	blank_controls(line + start, length);
	line[start + length] = '\n';
	if (log->as_json)
		write_json(log, level, line, length);
	else
		write_all(log->fd, line, start + length + 1);
	errno = errno_before;
}
