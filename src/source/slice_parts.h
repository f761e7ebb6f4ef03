/*
 * What the decoders of EndpointSlice and of Endpoints share.
 */
#ifndef KUBE_IPVS_SOURCE_SLICE_PARTS_H
#define KUBE_IPVS_SOURCE_SLICE_PARTS_H

#include "decoder.h"

/* What has it belongs to a headless Service and is never looked at (R1.2). */
#define LABEL_HEADLESS "service.kubernetes.io/headless"

/* The annotation of the object being read as in struct slice: what cannot be read counts as absent (R1.28). */
int64_t read_trigger(const struct decoder *decoder);
/* Adds a copy of the draft to what is decoded. */
void add_slice(struct decoder *decoder, const struct slice *draft);

#endif
