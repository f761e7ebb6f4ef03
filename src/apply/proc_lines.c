#include "proc_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int proc_lines_open(struct proc_lines *lines, const char *path)
{
	lines->length = 0;
	lines->page[0] = '\0';
	lines->rest = lines->page;
	lines->fd = open(path, O_RDONLY | O_CLOEXEC);
	return lines->fd < 0 ? -errno : 0;
}

void proc_lines_close(struct proc_lines *lines)
{
	if (lines->fd >= 0)
		close(lines->fd);
	lines->fd = -1;
}

/* An unfinished line goes to the start. No line of the kernel's is as long as a page. */
static void make_room(struct proc_lines *lines)
{
	size_t used = (size_t)(lines->rest - lines->page);
	if (used == 0 && lines->length == PROC_LINES_BYTES - 1)
		used = lines->length;
	lines->length -= used;
	memmove(lines->page, lines->page + used, lines->length);
	lines->rest = lines->page;
}

int proc_lines_read(struct proc_lines *lines)
{
	make_room(lines);
	char *end = lines->page + lines->length;
	ssize_t got = read(lines->fd, end, PROC_LINES_BYTES - 1 - lines->length);
	if (got < 0)
		return errno == EINTR ? 1 : -errno;
	end[got] = '\0';
	/* A NUL would hide what is behind it. */
	for (char *nul = end; (nul = memchr(nul, '\0', (size_t)(end + got - nul)));)
		*nul = '?';
	lines->length += (size_t)got;
	return got > 0;
}

char *proc_lines_take(struct proc_lines *lines)
{
	char *line = lines->rest, *end = strchr(line, '\n');
	if (!end)
		return NULL;
	*end = '\0';
	lines->rest = end + 1;
	return line;
}

/* By hand: there may be a million lines, and with the library's functions they take twice as long to read. */
static bool read_bytes(const char *digits, size_t count, uint8_t *ret_bytes)
{
	static const uint8_t value_and_one[256] = {
	        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12,
	        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16, ['a'] = 11, ['b'] = 12,
	        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	};
	for (size_t i = 0; i < count; i++) {
		unsigned high = value_and_one[(uint8_t)digits[2 * i]],
		         low = high ? value_and_one[(uint8_t)digits[2 * i + 1]] : 0;
		if (low == 0)
			return false;
		ret_bytes[i] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	return true;
}

size_t proc_lines_address(const char *text, struct address *ret_address)
{
	enum { IPV4_DIGITS = 8, GROUPS = 8, GROUP_DIGITS = 4 };
	*ret_address = (struct address){.family = FAMILY_IPV4};
	if (read_bytes(text, IPV4_DIGITS / 2, ret_address->bytes))
		return IPV4_DIGITS;
	ret_address->family = FAMILY_IPV6;
	for (size_t i = 0; i < GROUPS; i++, text += GROUP_DIGITS + 1)
		if (!read_bytes(text, GROUP_DIGITS / 2, ret_address->bytes + 2 * i) ||
		    (i + 1 < GROUPS && text[GROUP_DIGITS] != ':'))
			return 0;
	return GROUPS * (GROUP_DIGITS + 1) - 1;
}

bool proc_lines_port(const char *text, uint16_t *ret_port)
{
	uint8_t bytes[2];
	if (!read_bytes(text, 2, bytes))
		return false;
	*ret_port = (uint16_t)(bytes[0] << 8 | bytes[1]);
	return true;
}
