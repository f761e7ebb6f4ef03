/*
 * One file's text, by format.
 */
#ifndef KUBE_IPVS_SOURCE_MANIFEST_TEXT_H
#define KUBE_IPVS_SOURCE_MANIFEST_TEXT_H

#include "decoder.h"

/* Each decodes all documents of a text. On a refusal the fault's place is "name:line". */
int json_stream_decode(const char *name, const char *text, size_t length, struct decoder *decoder);
int yaml_stream_decode(const char *name, const char *text, size_t length, struct decoder *decoder);

#endif
