/*
 * The book of drains as a file: what cannot be read back from the kernel.
 */
#include "drains.h"
#include "options.h"

#include "apply/record.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DRAINS_BYTES = 64 << 20 };

static const char timeout_word[] = "drain-timeout ";
static const char terminating_word[] = "terminating";

static int drains_path(const char *directory, char ret_path[static PATH_MAX])
{
	int length = snprintf(ret_path, PATH_MAX, "%s/" DRAINS_FILE, directory);
	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* ---- reading */

/* "12345.678" */
static bool parse_seconds(const char *text, int64_t *ret_ms)
{
	size_t whole = strspn(text, "0123456789");
	size_t rest = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	if (whole == 0 || whole > 12 || rest != 3 || text[whole + 1 + rest] != '\0')
		return false;
	*ret_ms = strtoll(text, NULL, 10) * 1000 + strtoll(text + whole + 1, NULL, 10);
	return true;
}

static bool parse_line(char *line, int64_t now_ms, struct drain *ret_drain)
{
	char *place;
	const char *protocol = strtok_r(line, " ", &place);
	const char *virtual = strtok_r(NULL, " ", &place), *real = strtok_r(NULL, " ", &place);
	const char *since = strtok_r(NULL, " ", &place), *word = strtok_r(NULL, " ", &place);
	struct drain drain = {0};
	if (!since || !protocol_parse(protocol, &drain.key.protocol) ||
	    !protocol_drains(drain.key.protocol) ||
	    !listen_address_parse(virtual, &drain.key.address, &drain.key.port) ||
	    !listen_address_parse(real, &drain.end.address, &drain.end.port) ||
	    !parse_seconds(since, &drain.since_ms) || (word && strcmp(word, terminating_word) != 0))
		return false;
	/* From before a reboot, then: its time is not ours. */
	if (drain.since_ms > now_ms)
		drain.since_ms = now_ms;
	drain.terminating = word != NULL;
	drain.saved = true;
	*ret_drain = drain;
	return true;
}

static int order_drains(const void *a, const void *b)
{
	const struct drain *left = a, *right = b;
	int order = virtual_server_key_compare(&left->key, &right->key);
	return order ? order : flow_end_compare(&left->end, &right->end);
}

static void sort_drains(struct drain_book *book)
{
	size_t kept = 0;
	if (book->drains.count)
		qsort(book->drains.items, book->drains.count, sizeof(*book->drains.items), order_drains);
	for (size_t i = 0; i < book->drains.count; i++)
		if (kept == 0 || order_drains(&book->drains.items[kept - 1], &book->drains.items[i]) != 0)
			book->drains.items[kept++] = book->drains.items[i];
	book->drains.count = kept;
}

static int read_file(const char *directory, struct text *text)
{
	char path[PATH_MAX];
	int error = drains_path(directory, path);
	if (!error)
		error = text_read_file(path, DRAINS_BYTES, text);
	/* A NUL would hide what is behind it. */
	for (size_t i = 0; i < text->length; i++)
		if (text->bytes[i] == '\0')
			text->bytes[i] = '?';
	return error;
}

int drains_read(struct drain_book *book, const char *directory, int64_t now_ms, size_t *ret_unreadable)
{
	auto_text text = {0};
	char *place;
	*ret_unreadable = 0;
	int error = read_file(directory, &text);
	if (error || text.length == 0)
		return error == -ENOENT ? 0 : error;
	for (char *line = strtok_r(text.bytes, "\n", &place); line; line = strtok_r(NULL, "\n", &place)) {
		struct drain drain;
		if (strncmp(line, timeout_word, sizeof(timeout_word) - 1) == 0)
			continue;
		if (parse_line(line, now_ms, &drain))
			vector_push(&book->drains, drain);
		else
			(*ret_unreadable)++;
	}
	sort_drains(book);
	return 0;
}

int drains_read_timeout(const char *directory, int64_t *ret_timeout_ms)
{
	auto_text text = {0};
	*ret_timeout_ms = 0;
	int error = read_file(directory, &text);
	if (error)
		return error == -ENOENT ? 0 : error;
	const char *content = text_string(&text);
	if (strncmp(content, timeout_word, sizeof(timeout_word) - 1) != 0)
		return 0;
	auto_text number = {0};
	content += sizeof(timeout_word) - 1;
	text_add_bytes(&number, content, strcspn(content, "\n"));
	(void)parse_seconds(text_string(&number), ret_timeout_ms);
	return 0;
}

/* ---- writing */

static void add_seconds(struct text *text, int64_t ms)
{
	text_addf(text, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
}

static void add_line(struct text *text, const struct drain *drain)
{
	char endpoint[ENDPOINT_TEXT_SIZE];
	endpoint_format(&drain->key.address, drain->key.port, endpoint);
	text_addf(text, "%s %s ", protocol_name(drain->key.protocol), endpoint);
	endpoint_format(&drain->end.address, drain->end.port, endpoint);
	text_addf(text, "%s ", endpoint);
	add_seconds(text, drain->since_ms);
	if (drain->terminating)
		text_addf(text, " %s", terminating_word);
	text_add_char(text, '\n');
}

/* A drain that began and ended since it was written is none that the file has to know of. */
static bool needs_saving(const struct drain_book *book)
{
	for (size_t i = 0; i < book->drains.count; i++)
		if (!book->drains.items[i].saved)
			return true;
	return book->unsaved;
}

int drains_write(struct drain_book *book, const char *directory, int64_t timeout_ms, struct fault *fault)
{
	char path[PATH_MAX];
	auto_text text = {0};
	if (!needs_saving(book))
		return 0;
	int error = drains_path(directory, path);
	if (!error && mkdir(directory, 0755) < 0 && errno != EEXIST)
		error = -errno;
	text_add(&text, timeout_word);
	add_seconds(&text, timeout_ms);
	text_add_char(&text, '\n');
	vector_for_each (&book->drains, drain)
		add_line(&text, drain);
	if (!error)
		error = text_write_file(path, text_string(&text), text.length);
	if (error)
		fault_set(fault, NULL,
		          "%s/" DRAINS_FILE ": it cannot be written (%s); after a restart, drains begin anew",
		          directory, strerror(-error));
	vector_for_each (&book->drains, drain)
		drain->saved |= !error;
	book->unsaved &= error != 0;
	return error;
}
