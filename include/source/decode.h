/*
 * JSON values to objects: one Service, EndpointSlice, Endpoints or Node at a time, validated as the API
 * server would.
 *
 * The decoder is lenient where the API is (unknown fields are skipped, R1.11) and refuses what the API server
 * would answer with 422, in its words: the fault's field is the path ("spec.ports[0].port"), its sentence
 * reads `Service "default/web": Invalid value: 70000: must be between 1 and 65535, inclusive`. The place
 * (file and line) is the caller's to add.
 */
#ifndef KUBE_IPVS_SOURCE_DECODE_H
#define KUBE_IPVS_SOURCE_DECODE_H

#include "base/fault.h"
#include "model/objects.h"

#include <jansson.h>
#include <stddef.h>

/* What one manifest or one list item became. Owns its objects until they are taken (set to NULL) or released.
 */
struct decoded {
	struct service **services;
	struct slice **slices; /* of EndpointSlices, and of Endpoints in parts of 1,000 addresses */
	struct node **nodes;
	size_t service_count, service_capacity;
	size_t slice_count, slice_capacity;
	size_t node_count, node_capacity;
	size_t ignored; /* objects of other kinds */
};

void decoded_done(struct decoded *decoded);

/*
 * Decodes one object and adds it. `kind` and `api_version` stand in where the value names none itself (the
 * items of an API server's typed list); NULL otherwise. Objects of other kinds are counted and otherwise
 * ignored. Returns 0 or FAULT_REFUSED; then nothing was added.
 */
int decode_object(const json_t *value, const char *kind, const char *api_version, struct decoded *decoded,
                  struct fault *fault);

#endif
