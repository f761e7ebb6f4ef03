#include "source/document.h"

#include "base/memory.h"
#include "yaml_tree.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nobody reads more of them, and each copies a path. */
enum { DUPLICATES_MOST = 64 };

static const char byte_order_mark[] = "\xef\xbb\xbf";

static void note_duplicate(void *context, const char *path, size_t line)
{
	struct document *document = context;
	if (document->duplicate_count == DUPLICATES_MOST)
		return;
	size_t count = document->duplicate_count++;
	document->duplicates = memory_resize(document->duplicates, count + 1, sizeof(char *));
	document->duplicate_lines = memory_resize(document->duplicate_lines, count + 1, sizeof(size_t));
	document->duplicates[count] = memory_copy_text(path);
	document->duplicate_lines[count] = line;
}

static void forget_duplicates(struct document *document)
{
	for (size_t i = 0; i < document->duplicate_count; i++)
		free(document->duplicates[i]);
	free(document->duplicates);
	free(document->duplicate_lines);
	document->duplicates = NULL;
	document->duplicate_lines = NULL;
	document->duplicate_count = 0;
}

/* Parsers quote what they stumbled over, line ends and all; a fault is one line. */
static void keep_to_one_line(struct fault *fault)
{
	if (!fault)
		return;
	for (char *c = fault->sentence; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
}

/* Empty documents do not count. */
static int take_only(struct document *document, json_t *value, size_t index, struct fault *fault)
{
	if (document->value)
		return fault_set(fault, NULL, "a second document begins here; this file holds one only");
	document->value = json_incref(value);
	document->index = index;
	return 0;
}

static int read_yaml(struct document *document, struct fault *fault)
{
	struct yaml_reader *reader = yaml_reader_new(text_string(&document->text), document->text.length);
	yaml_reader_tell_duplicates(reader, note_duplicate, document);
	int r = 0;
	for (size_t index = 0; !r; index++) {
		json_t *value;
		size_t line;
		r = yaml_read_document(reader, &value, &line, fault);
		if (!r && !value)
			break;
		if (!r && !json_is_null(value)) {
			r = take_only(document, value, index, fault);
			line = yaml_place(text_string(&document->text), document->text.length, index, "");
		}
		if (r)
			fault_place(fault, "%s:%zu", document->name, line);
		json_decref(value);
	}
	yaml_reader_free(reader);
	keep_to_one_line(fault);
	return r;
}

/* What libyaml does not take of JSON, jansson does; it says nothing of duplicates. */
static bool read_json(struct document *document)
{
	const char *text = text_string(&document->text);
	if (text[strspn(text, " \t\r\n")] != '{')
		return false;
	json_t *value = json_loadb(text, document->text.length, 0, NULL);
	if (!value)
		return false;
	json_decref(document->value);
	document->value = value;
	document->index = 0;
	forget_duplicates(document);
	return true;
}

static int refuse_kind(const struct document *document, struct fault *fault)
{
	static const char *const kinds[] = {[JSON_ARRAY] = "a list", [JSON_STRING] = "text"};
	json_type type = json_typeof(document->value);
	const char *kind = type < sizeof(kinds) / sizeof(*kinds) ? kinds[type] : NULL;
	return document_refuse(document, "", fault,
	                       "this is %s, but fields belong here, as in \"kind: Config\"",
	                       kind ? kind : "a single value");
}

/* The document's name and text are there. */
static int read_text(struct document *document, struct fault *fault)
{
	int r = read_yaml(document, fault);
	if (r && read_json(document)) {
		r = 0;
		if (fault)
			*fault = (struct fault){0};
	}
	if (!r && !document->value)
		document->value = json_object();
	if (!r && !json_is_object(document->value))
		r = refuse_kind(document, fault);
	if (r)
		document_done(document);
	return r;
}

int document_parse(const char *name, const char *text, size_t length, struct document *ret_document,
                   struct fault *fault)
{
	size_t mark = length >= 3 && memcmp(text, byte_order_mark, 3) == 0 ? 3 : 0;
	*ret_document = (struct document){.name = memory_copy_text(name)};
	text_add_bytes(&ret_document->text, text + mark, length - mark);
	return read_text(ret_document, fault);
}

int document_read(const char *path, size_t limit, struct document *ret_document, struct fault *fault)
{
	auto_text text = {0};
	*ret_document = (struct document){0};
	int r = text_read_file(path, limit, &text);
	if (!r)
		return document_parse(path, text_string(&text), text.length, ret_document, fault);
	fault_place(fault, "%s", path);
	if (r == -EFBIG)
		fault_set(fault, NULL, "the file is larger than %zu bytes, which is no such file", limit);
	else
		fault_set(fault, NULL, "the file cannot be read: %s", strerror(-r));
	return r;
}

void document_done(struct document *document)
{
	forget_duplicates(document);
	json_decref(document->value);
	text_done(&document->text);
	free(document->name);
	*document = (struct document){0};
}

size_t document_line(const struct document *document, const char *path)
{
	for (size_t i = document->duplicate_count; i-- > 0;)
		if (strcmp(document->duplicates[i], path) == 0)
			return document->duplicate_lines[i];
	return yaml_place(text_string(&document->text), document->text.length, document->index, path);
}

int document_refuse(const struct document *document, const char *path, struct fault *fault,
                    const char *format, ...)
{
	auto_text sentence = {0};
	va_list arguments;
	va_start(arguments, format);
	text_add_list(&sentence, format, arguments);
	va_end(arguments);
	fault_place(fault, "%s:%zu", document->name, document_line(document, path));
	fault_set(fault, path, "%s", text_string(&sentence));
	keep_to_one_line(fault);
	return FAULT_REFUSED;
}
