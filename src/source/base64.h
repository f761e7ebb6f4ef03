/*
 * Base64 as kubeconfigs and exec plug-ins carry certificates in (RFC 4648, section 4).
 */
#ifndef KUBE_IPVS_SOURCE_BASE64_H
#define KUBE_IPVS_SOURCE_BASE64_H

#include <stddef.h>

/* Gives the decoded bytes with a NUL behind them; line breaks in the text are skipped. NULL: it is no base64. */
char *base64_decode(const char *text, size_t *ret_length);
char *base64_encode(const char *bytes, size_t length);

#endif
