/*
 * Who we are to the API server, kept up to date: token files, certificate files and plug-ins (R14.16).
 *
 * Certificates are handed to TLS as bytes, not as file names: a file that was rotated gives other bytes, and curl then
 * makes a new connection for them instead of going on with the one it has.
 */
#ifndef KUBE_IPVS_SOURCE_API_CREDENTIALS_H
#define KUBE_IPVS_SOURCE_API_CREDENTIALS_H

#include "source/api_access.h"

#include <stdint.h>

struct event_base;
struct api_credentials;

struct credential_bytes {
	const char *bytes; /* NULL: none */
	size_t length;
};

/* Borrowed until the next call of any function here. */
struct credential {
	const char *token; /* NULL: none */
	struct credential_bytes authority, certificate, key;
	uint64_t generation; /* another one whenever token, certificate or key may be others */
};

enum { CREDENTIALS_WAIT = 1 };

/* Borrows the base and the access. `came`: what was waited for is there, or will not come; ask again. */
struct api_credentials *api_credentials_open(struct event_base *base, const struct api_access *access,
                                             int64_t exec_limit_ms, void (*came)(void *context),
                                             void *context);
void api_credentials_close(struct api_credentials *credentials);

/* 0; CREDENTIALS_WAIT while a plug-in runs; a negative errno with a sentence. */
int api_credentials_get(struct api_credentials *credentials, struct credential *ret_credential,
                        struct fault *fault);
/* All who waited have asked again. */
void api_credentials_settle(struct api_credentials *credentials);
/* The server refused (401) what that generation had: it is obtained anew at the next call. */
void api_credentials_refused(struct api_credentials *credentials, uint64_t generation);

#endif
