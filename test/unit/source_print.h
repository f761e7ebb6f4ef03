/*
 * Decoded objects as text, one line each, what has its default left out: for tests of the source layer.
 */
#ifndef KUBE_IPVS_TEST_UNIT_SOURCE_PRINT_H
#define KUBE_IPVS_TEST_UNIT_SOURCE_PRINT_H

#include "base/text.h"
#include "source/decode.h"

void print_service(struct text *text, const struct service *service);
void print_slice(struct text *text, const struct slice *slice);
void print_node(struct text *text, const struct node *node);
void print_decoded(struct text *text, const struct decoded *decoded);

#endif
