/*
 * Text that grows: what a renderer writes into, and a file's content.
 *
 * An all-zero text is empty and ready. `bytes` ends with a NUL that `length` does not count, as soon as
 * anything was added. Growth aborts without memory.
 */
#ifndef KUBE_IPVS_BASE_TEXT_H
#define KUBE_IPVS_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes;
	size_t length;
	size_t capacity;
};

void text_done(struct text *text);
void text_clear(struct text *text);
/* Room for `more` bytes and a NUL behind the content; returns where they go. The caller then adds to
 * `length`. */
char *text_reserve(struct text *text, size_t more);
void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t length);
void text_add_char(struct text *text, char c);
void text_add_number(struct text *text, uint64_t number);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_list(struct text *text, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));
/* The content, "" when empty. */
const char *text_string(const struct text *text);

/*
 * Adds a whole file. Returns 0 or a negative errno; -EFBIG when it holds more than `limit` bytes. On failure
 * the text is as it was.
 */
int text_read_file(const char *path, size_t limit, struct text *text);
/*
 * Replaces a file atomically: written beside it under a hidden temporary name (".NAME.XXXXXX"), synced, renamed, the
 * directory synced. The file is readable by all (0644). 0 or a negative errno; on failure the old file stands, or, where
 * the directory could not be synced, the new one, which a crash of the machine may lose. Who is killed meanwhile leaves
 * the old file or the new one, and maybe one under a temporary name.
 */
int text_write_file(const char *path, const char *bytes, size_t length);

#define auto_text __attribute__((cleanup(text_done))) struct text

#endif
