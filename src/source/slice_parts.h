/*
 * What the decoders of EndpointSlice and of Endpoints share.
 */
#ifndef KUBE_IPVS_SOURCE_SLICE_PARTS_H
#define KUBE_IPVS_SOURCE_SLICE_PARTS_H

#include "decoder.h"

/* What has it belongs to a headless Service and is never looked at (R1.2). */
#define LABEL_HEADLESS "service.kubernetes.io/headless"

/* Adds a copy of the draft to what is decoded. */
void add_slice(struct decoder *decoder, const struct slice *draft);

#endif
