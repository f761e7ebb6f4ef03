/*
 * Equality of the parts that several kinds of object have.
 */
#ifndef KUBE_IPVS_MODEL_EQUALITY_H
#define KUBE_IPVS_MODEL_EQUALITY_H

#include "model/objects.h"

/* NULL equals NULL only. */
bool texts_equal(const char *a, const char *b);
bool names_equal(const struct object_name *a, const struct object_name *b);
bool hints_equal(const struct endpoint_hints *a, const struct endpoint_hints *b);

#endif
