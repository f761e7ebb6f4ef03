/*
 * The Status object with which the API server says why it refuses something, as an answer's body or in an ERROR event.
 */
#ifndef KUBE_IPVS_SOURCE_API_STATUS_H
#define KUBE_IPVS_SOURCE_API_STATUS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct api_status {
	int code;               /* 0: not given */
	int64_t retry_after_ms; /* -1: not given */
	char reason[64];        /* "Expired"; "" when not given */
	char message[512];      /* one line; "" when not given */
};

/* From a value; what is no Status gives an empty one. */
void api_status_read(const json_t *value, struct api_status *ret_status);
/* From an answer's body; what is no JSON becomes the message, as far as it is one printable line. */
void api_status_parse(const char *body, size_t length, struct api_status *ret_status);

#endif
