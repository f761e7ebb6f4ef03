/*
 * Certificates for tests, made when they are needed: an authority, a server's and a client's, with EC keys, in a
 * moment.
 */
#ifndef KUBE_IPVS_TEST_FAKE_CERTIFICATES_H
#define KUBE_IPVS_TEST_FAKE_CERTIFICATES_H

#include <stddef.h>

/*
 * Writes PEM files into an existing directory: ca.crt, ca.key; server.crt, server.key for 127.0.0.1, ::1, localhost
 * and the given names (addresses or host names); client.crt, client.key for the user `system:node:n1`; and, so that
 * something can be wrong, other-ca.crt, an authority that signed none of them. Good from an hour ago for ten years.
 * 0 or -1; then a sentence is on standard error.
 */
int certificates_make(const char *directory, const char *const *names, size_t name_count);

#endif
