/*
 * The path of a field as faults write it, step by step: spec.ports[0].port, metadata.labels.
 *
 * A key that has dots itself is the last one of a path and is preceded by what ends in "labels" or
 * "annotations": everything behind is its name.
 */
#ifndef KUBE_IPVS_SOURCE_FIELD_PATH_H
#define KUBE_IPVS_SOURCE_FIELD_PATH_H

#include <stdbool.h>
#include <stddef.h>

struct field_step {
	bool is_index;
	size_t index;
	const char *key; /* not ended by a NUL */
	size_t key_length;
};

/* Takes the next step off the path. False: there is none. */
bool field_path_next(const char **path, struct field_step *ret_step);

#endif
