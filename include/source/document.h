/*
 * One YAML or JSON document with the lines of its fields: what configuration files and kubeconfigs are read with.
 *
 * JSON is YAML too, so one reader does for both; what only JSON allows (surrogate pairs, a tab before the first brace)
 * is read as JSON. A file holds one document; an empty one is an empty object. A byte order mark is skipped.
 */
#ifndef KUBE_IPVS_SOURCE_DOCUMENT_H
#define KUBE_IPVS_SOURCE_DOCUMENT_H

#include "base/fault.h"
#include "base/text.h"

#include <jansson.h>
#include <stddef.h>

struct document {
	char *name;    /* what faults call it: the file's path */
	json_t *value; /* owned; for reading only, parts may be shared; always an object */
	struct text text;
	size_t index; /* of the document in the text: empty ones may stand before it */
	/* Paths of keys that stand twice in one mapping, the last of which counts, and its line; owned. The first 64. */
	char **duplicates;
	size_t *duplicate_lines;
	size_t duplicate_count;
};

/*
 * Reads the file at `path`, at most `limit` bytes. Returns 0, a negative errno (the fault says why as well), or
 * FAULT_REFUSED with the place "file:line" when it is no such document; then nothing has to be released.
 */
int document_read(const char *path, size_t limit, struct document *ret_document, struct fault *fault);
/* The same from text, which is copied. */
int document_parse(const char *name, const char *text, size_t length, struct document *ret_document,
                   struct fault *fault);
void document_done(struct document *document);

/* The line of the field at `path` ("ipvs.syncPeriod", "users[0].user"), or of its nearest parent. */
size_t document_line(const struct document *document, const char *path);
/* Fills in place ("file:line"), field and sentence; returns FAULT_REFUSED. */
int document_refuse(const struct document *document, const char *path, struct fault *fault,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
