/*
 * What the fuzz programs share: the input as readers get it, and what must be true of whatever they made of it.
 */
#ifndef KUBE_IPVS_TEST_FUZZ_FUZZ_H
#define KUBE_IPVS_TEST_FUZZ_FUZZ_H

#include "base/check.h"
#include "base/fault.h"
#include "source/decode.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A copy that ends where the input ends, without a NUL, so that reading on is seen. */
static inline char *fuzz_text(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length ? length : 1);
	CHECK(text != NULL);
	if (length)
		memcpy(text, bytes, length);
	return text;
}

/* A refusal says why, in one line. */
static inline void fuzz_check_fault(const struct fault *fault)
{
	char line[FAULT_TEXT_SIZE];
	CHECK(fault->sentence[0] != '\0');
	fault_format(fault, line);
	for (const char *c = line; *c; c++)
		CHECK((unsigned char)*c >= ' ' && *c != 127);
}

/* Every object can be copied, and the copy is the same. */
static inline void fuzz_check_decoded(const struct decoded *decoded)
{
	for (size_t i = 0; i < decoded->service_count; i++) {
		struct service *copy = service_new(decoded->services[i]);
		CHECK(service_equal(copy, decoded->services[i]));
		service_free(copy);
	}
	for (size_t i = 0; i < decoded->slice_count; i++) {
		struct slice *copy = slice_new(decoded->slices[i]);
		CHECK(slice_equal(copy, decoded->slices[i]));
		slice_free(copy);
	}
	for (size_t i = 0; i < decoded->node_count; i++) {
		struct node *copy = node_new(decoded->nodes[i]);
		CHECK(node_equal(copy, decoded->nodes[i]));
		node_free(copy);
	}
}

#endif
