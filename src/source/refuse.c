/*
 * Refusals in the API server's words, each with the kind and the name of the object in front, since a file
 * holds many.
 */
#include "decoder.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES = 96 };

/* The pattern with its brackets filled in, and the key behind it. */
static void write_path(struct spot spot, const char *key, char *path, size_t size)
{
	const uint32_t indexes[] = {spot.first, spot.second};
	size_t next = 0, length = 0;
	path[0] = '\0';
	for (const char *c = spot.pattern; *c && length + 16 < size; c++) {
		path[length++] = *c;
		if (c[0] == '[' && c[1] == ']')
			length += (size_t)sprintf(path + length, "%" PRIu32, indexes[next++]);
		path[length] = '\0';
	}
	if (key)
		snprintf(path + length, size - length, "%s%s", length ? "." : "", key);
}

static size_t write_subject(const struct decoder *decoder, char *text, size_t size)
{
	const char *kind = decoder->kind ? decoder->kind : "object";
	int length;
	if (!decoder->name)
		length = snprintf(text, size, "%s: ", kind);
	else if (decoder->namespace && *decoder->namespace)
		length = snprintf(text, size, "%s \"%s/%s\": ", kind, decoder->namespace, decoder->name);
	else
		length = snprintf(text, size, "%s \"%s\": ", kind, decoder->name);
	return (size_t)length < size ? (size_t)length : size - 1;
}

int refuse(struct decoder *decoder, struct spot spot, const char *key, const char *format, ...)
{
	char path[sizeof(decoder->fault->field)];
	char sentence[sizeof(decoder->fault->sentence)];
	size_t length = write_subject(decoder, sentence, sizeof(sentence) / 2);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sentence + length, sizeof(sentence) - length, format, arguments);
	va_end(arguments);
	write_path(spot, key, path, sizeof(path));
	return fault_set(decoder->fault, path, "%s", sentence);
}

int refuse_required(struct decoder *decoder, struct spot spot, const char *key, const char *detail)
{
	return refuse(decoder, spot, key, "Required value%s%s", detail ? ": " : "", detail ? detail : "");
}

/* A value as JSON writes it, so that nothing in it can break a line of the log; long ones are cut. */
static const char *write_value(const json_t *value, char text[static VALUE_BYTES])
{
	size_t length =
	        json_dumpb(value, text, VALUE_BYTES - 4, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
	if (length <= VALUE_BYTES - 4) {
		text[length] = '\0';
		return text;
	}
	char *whole = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
	snprintf(text, VALUE_BYTES, "%.*s...", VALUE_BYTES - 4, whole ? whole : "");
	free(whole);
	return text;
}

int refuse_invalid(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                   const char *message)
{
	char text[VALUE_BYTES];
	return refuse(decoder, spot, key, "Invalid value: %s: %s", write_value(value, text), message);
}

int refuse_unsupported(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                       const char *supported)
{
	char text[VALUE_BYTES];
	return refuse(decoder, spot, key, "Unsupported value: %s: supported values: %s",
	              write_value(value, text), supported);
}

int refuse_duplicate(struct decoder *decoder, struct spot spot, const char *key, const json_t *value)
{
	char text[VALUE_BYTES];
	return refuse(decoder, spot, key, "Duplicate value: %s", write_value(value, text));
}

int refuse_too_many(struct decoder *decoder, struct spot spot, const char *key, size_t count, size_t most)
{
	return refuse(decoder, spot, key, "Too many: %zu: must have at most %zu items", count, most);
}

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "something unknown";
}

int refuse_type(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                const char *wanted)
{
	char text[VALUE_BYTES];
	if (json_is_object(value) || json_is_array(value))
		return refuse(decoder, spot, key, "Invalid value: %s where %s belongs", type_name(value),
		              wanted);
	write_value(value, text);
	bool quotable = strcmp(wanted, "text") == 0 && !json_is_null(value);
	if (quotable)
		return refuse(decoder, spot, key,
		              "Invalid value: %s: %s where text belongs; write it in quotes: \"%s\"", text,
		              type_name(value), text);
	return refuse(decoder, spot, key, "Invalid value: %s: %s where %s belongs", text, type_name(value),
	              wanted);
}
