/*
 * The three ways to an access, and what they share.
 */
#ifndef KUBE_IPVS_SOURCE_ACCESS_PRIVATE_H
#define KUBE_IPVS_SOURCE_ACCESS_PRIVATE_H

#include "source/api_access.h"

/* These fill in an access that is all zero. `master`: NULL, or the URL that stands in for the server's. */
int kubeconfig_read(const char *path, const char *master, struct api_access *access, struct fault *fault);
/* The same from text, without a master; files that it names are looked for beside `name`. */
int kubeconfig_parse(const char *name, const char *text, size_t length, struct api_access *access,
                     struct fault *fault);
int in_cluster_read(const char *directory, struct api_access *access, struct fault *fault);

void api_access_warn(struct api_access *access, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/*
 * Sets the server, with https before a bare HOST:PORT if the access has anything for TLS, as client-go does. NULL, or
 * what the URL must be. `url` may be the present server.
 */
const char *api_access_set_server(struct api_access *access, const char *url);
/* 0 or a negative errno; -EBADMSG: there is no "-----BEGIN" in it. */
int api_access_check_pem_file(const char *path);

#endif
