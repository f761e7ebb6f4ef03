#include "base/text.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 256, READ_BYTES = 65536, FILE_MODE = 0644 };

void text_done(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}

static void cut(struct text *text, size_t length)
{
	text->length = length;
	if (text->bytes)
		text->bytes[length] = '\0';
}

void text_clear(struct text *text)
{
	cut(text, 0);
}

static void grow(struct text *text, size_t more) __attribute__((noinline));

static void grow(struct text *text, size_t more)
{
	CHECK(more < SIZE_MAX / 4 && text->length < SIZE_MAX / 4);
	size_t needed = text->length + more + 1;
	size_t capacity = text->capacity ? 2 * text->capacity : FIRST_CAPACITY;
	if (capacity < needed)
		capacity = needed;
	text->bytes = memory_resize(text->bytes, capacity, 1);
	text->capacity = capacity;
	text->bytes[text->length] = '\0';
}

char *text_reserve(struct text *text, size_t more)
{
	if (text->capacity - text->length <= more)
		grow(text, more);
	return text->bytes + text->length;
}

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
	char *end = text_reserve(text, length);
	if (length)
		memcpy(end, bytes, length);
	end[length] = '\0';
	text->length += length;
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_add_char(struct text *text, char c)
{
	char *end = text_reserve(text, 1);
	end[0] = c;
	end[1] = '\0';
	text->length++;
}

void text_add_number(struct text *text, uint64_t number)
{
	char digits[20];
	char *first = digits + sizeof(digits);
	do {
		*--first = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	text_add_bytes(text, first, (size_t)(digits + sizeof(digits) - first));
}

void text_add_list(struct text *text, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	char *end = text_reserve(text, 0);
	size_t room = text->capacity - text->length;
	int length = vsnprintf(end, room, format, arguments);
	CHECK(length >= 0);
	if ((size_t)length >= room)
		vsnprintf(text_reserve(text, (size_t)length), (size_t)length + 1, format, again);
	va_end(again);
	text->length += (size_t)length;
}

void text_addf(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	text_add_list(text, format, arguments);
	va_end(arguments);
}

const char *text_string(const struct text *text)
{
	return text->bytes ? text->bytes : "";
}

/* Up to `limit` bytes and one more, which shows that there are too many. */
static int read_to_end(int fd, size_t limit, struct text *text)
{
	size_t start = text->length;
	for (;;) {
		size_t left = limit - (text->length - start);
		char *end = text_reserve(text, READ_BYTES);
		size_t room = text->capacity - text->length - 1;
		size_t wanted = left < room ? left + 1 : room;
		ssize_t got = read(fd, end, wanted);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if ((size_t)got > left)
			return -EFBIG;
		cut(text, text->length + (size_t)got);
		if (got == 0)
			return 0;
	}
}

int text_read_file(const char *path, size_t limit, struct text *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t start = text->length;
	struct stat status;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uintmax_t)status.st_size <= limit)
		text_reserve(text, (size_t)status.st_size + READ_BYTES);
	int result = read_to_end(fd, limit, text);
	close(fd);
	if (result < 0)
		cut(text, start);
	return result;
}

static int write_and_sync(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		length -= (size_t)written;
	}
	if (fchmod(fd, FILE_MODE) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

/* Hidden, so that who reads the folder meanwhile passes it over. */
static void name_temporary(const char *path, struct text *name)
{
	const char *slash = strrchr(path, '/');
	size_t folder_length = slash ? (size_t)(slash + 1 - path) : 0;
	text_add_bytes(name, path, folder_length);
	text_addf(name, ".%s.XXXXXX", path + folder_length);
}

/* Makes the new name last. Some file systems have nothing to sync there, and say so. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	auto_text folder = {0};
	text_add_bytes(&folder, path, slash ? (size_t)(slash + 1 - path) : 0);
	int fd = open(slash ? text_string(&folder) : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : -errno;
	close(fd);
	return result;
}

int text_write_file(const char *path, const char *bytes, size_t length)
{
	auto_text temporary = {0};
	name_temporary(path, &temporary);
	int fd = mkostemp(temporary.bytes, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = write_and_sync(fd, bytes, length);
	if (close(fd) < 0 && result == 0)
		result = -errno;
	if (result == 0 && rename(temporary.bytes, path) < 0)
		result = -errno;
	if (result < 0)
		unlink(temporary.bytes);
	return result < 0 ? result : sync_folder(path);
}
