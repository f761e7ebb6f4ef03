#include "apply/record.h"

#include "base/check.h"
#include "base/text.h"
#include "base/vector.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_BYTES = 64 << 20 }; /* a million virtual servers */

/* ipvsadm's options for the protocols. */
static const struct {
	const char *option;
	uint8_t protocol;
} options[] = {
        {"-t ", PROTOCOL_TCP},
        {"-u ", PROTOCOL_UDP},
        {"--sctp-service ", PROTOCOL_SCTP},
};

enum { OPTIONS = sizeof(options) / sizeof(*options) };

static int record_path(const char *directory, char *ret_path, size_t size)
{
	int length = snprintf(ret_path, size, "%s/" RECORD_FILE, directory);
	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

/* ---- reading */

static bool parse_port(const char *text, uint16_t *ret_port)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 5 || text[digits])
		return false;
	unsigned long port = strtoul(text, NULL, 10);
	*ret_port = (uint16_t)port;
	return port <= UINT16_MAX;
}

/* "10.0.0.1" before the colon, or "[fd00::1]": brackets are for IPv6 alone. */
static bool parse_host(const char *text, size_t length, struct address *ret_address)
{
	char host[ADDRESS_TEXT_SIZE];
	bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
	if (bracketed) {
		text++;
		length -= 2;
	}
	if (length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	return address_parse(host, ret_address) && (ret_address->family == FAMILY_IPV6) == bracketed;
}

static bool parse_line(const char *line, struct virtual_server_key *ret_key)
{
	*ret_key = (struct virtual_server_key){0};
	for (size_t i = 0; i < OPTIONS; i++) {
		size_t length = strlen(options[i].option);
		if (strncmp(line, options[i].option, length) != 0)
			continue;
		line += length;
		const char *colon = strrchr(line, ':');
		ret_key->protocol = options[i].protocol;
		return colon && parse_host(line, (size_t)(colon - line), &ret_key->address) &&
		       parse_port(colon + 1, &ret_key->port);
	}
	return false;
}

typedef vector_of(struct virtual_server_key) key_vector;

static void parse_lines(char *text, key_vector *ret_keys, size_t *ret_unreadable)
{
	struct virtual_server_key key;
	char *place;
	for (char *line = strtok_r(text, "\n", &place); line; line = strtok_r(NULL, "\n", &place)) {
		if (parse_line(line, &key))
			vector_push(ret_keys, key);
		else
			(*ret_unreadable)++;
	}
}

static int order_keys(const void *a, const void *b)
{
	return virtual_server_key_compare(a, b);
}

static void sort_keys(key_vector *keys)
{
	size_t kept = 0;
	if (keys->count)
		qsort(keys->items, keys->count, sizeof(*keys->items), order_keys);
	for (size_t i = 0; i < keys->count; i++)
		if (kept == 0 || order_keys(&keys->items[kept - 1], &keys->items[i]) != 0)
			keys->items[kept++] = keys->items[i];
	keys->count = kept;
}

int record_read(const char *directory, struct arena *arena, struct virtual_server_key **ret_keys,
                size_t *ret_count, size_t *ret_unreadable)
{
	char path[PATH_MAX];
	auto_text text = {0};
	key_vector keys = {0};
	*ret_keys = NULL;
	*ret_count = *ret_unreadable = 0;
	int error = record_path(directory, path, sizeof(path));
	if (!error)
		error = text_read_file(path, RECORD_BYTES, &text);
	if (error)
		return error == -ENOENT ? 0 : error;
	/* A NUL would hide what is behind it. */
	for (size_t i = 0; i < text.length; i++)
		if (text.bytes[i] == '\0')
			text.bytes[i] = '?';
	if (text.length)
		parse_lines(text.bytes, &keys, ret_unreadable);
	sort_keys(&keys);
	*ret_keys = arena_new_array(arena, keys.count, struct virtual_server_key);
	if (keys.count)
		memcpy(*ret_keys, keys.items, keys.count * sizeof(*keys.items));
	*ret_count = keys.count;
	vector_done(&keys);
	return 0;
}

/* ---- writing */

/* What is recorded is TCP, UDP or SCTP: marks have no address, so none of them is ever recorded. */
static const char *option_of(uint8_t protocol)
{
	size_t i = 0;
	while (i < OPTIONS && options[i].protocol != protocol)
		i++;
	CHECK(i < OPTIONS);
	return options[i].option;
}

static void add_line(struct text *text, const struct virtual_server_key *key)
{
	char endpoint[ENDPOINT_TEXT_SIZE];
	text_add(text, option_of(key->protocol));
	endpoint_format(&key->address, key->port, endpoint);
	text_add(text, endpoint);
	text_add_char(text, '\n');
}

/* Who put a directory there put something in it, maybe. */
static int put_aside(const char *path)
{
	char aside[PATH_MAX];
	int length = snprintf(aside, sizeof(aside), "%s.aside", path);
	if (length < 0 || (size_t)length >= sizeof(aside))
		return -ENAMETOOLONG;
	return rename(path, aside) < 0 ? -errno : 0;
}

static int replace(const char *path, const struct text *text)
{
	int error = text_write_file(path, text_string(text), text->length);
	if (error == -EISDIR && put_aside(path) == 0)
		error = text_write_file(path, text_string(text), text->length);
	return error;
}

static const char *remedy(int error)
{
	switch (error) {
	case -ENOSPC:
	case -EDQUOT:
		return "make room there";
	case -EISDIR:
		return "remove the directory of that name";
	default:
		return "make the directory writable for us";
	}
}

int record_write(const char *directory, const struct virtual_server_key *keys, size_t count,
                 struct fault *fault)
{
	char path[PATH_MAX];
	auto_text text = {0};
	int error = record_path(directory, path, sizeof(path));
	if (!error && mkdir(directory, 0755) < 0 && errno != EEXIST)
		error = -errno;
	for (size_t i = 0; i < count && !error; i++)
		add_line(&text, &keys[i]);
	if (!error)
		error = replace(path, &text);
	if (error)
		fault_set(fault, NULL, "%s/" RECORD_FILE ": it cannot be written (%s); %s", directory,
		          strerror(-error), remedy(error));
	return error;
}

/* ".virtual-servers.a1B2c3" */
static bool is_temporary(const char *name)
{
	const char *dot = strrchr(name, '.');
	return name[0] == '.' && dot - name > 1 && strlen(dot) == strlen(".XXXXXX");
}

void record_remove_leftovers(const char *directory)
{
	DIR *entries = opendir(directory);
	if (!entries)
		return;
	for (const struct dirent *entry = readdir(entries); entry; entry = readdir(entries))
		if (is_temporary(entry->d_name))
			unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
}
