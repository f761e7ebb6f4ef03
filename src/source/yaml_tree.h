/*
 * YAML documents as JSON values, and the lines of their fields.
 */
#ifndef KUBE_IPVS_SOURCE_YAML_TREE_H
#define KUBE_IPVS_SOURCE_YAML_TREE_H

#include "base/fault.h"

#include <jansson.h>
#include <stddef.h>

struct yaml_reader;

struct yaml_reader *yaml_reader_new(const char *text, size_t length);
void yaml_reader_free(struct yaml_reader *reader);
/*
 * A key that stands twice in one mapping is refused, unless someone is to be told of it: then the last one counts, and
 * `found` gets the path of each later one and its line.
 */
typedef void yaml_duplicate_found(void *context, const char *path, size_t line);
void yaml_reader_tell_duplicates(struct yaml_reader *reader, yaml_duplicate_found *found, void *context);
/*
 * Gives the next document, NULL behind the last one. An empty document is null. Parts that stand behind
 * anchors are shared, so the value is for reading only. On a refusal, *ret_line is where.
 */
int yaml_read_document(struct yaml_reader *reader, json_t **ret_document, size_t *ret_line,
                       struct fault *fault);

/*
 * The value of a scalar as Kubernetes' reader resolves it (YAML 1.1 as sigs.k8s.io/yaml has it): null, true
 * and false with yes, no, on, off, y and n, whole numbers in bases 2, 8, 10 and 16, numbers. Anything else is
 * text. NULL: not UTF-8.
 */
json_t *yaml_plain_scalar(const char *text, size_t length);

/* The line of a field by its path, in the document of that index; that of the nearest parent if there is
 * none. */
size_t yaml_place(const char *text, size_t length, size_t document, const char *path);

#endif
