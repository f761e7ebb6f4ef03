/*
 * The server's URL: is it one, and a request's.
 */
#ifndef KUBE_IPVS_SOURCE_API_CLIENT_URL_H
#define KUBE_IPVS_SOURCE_API_CLIENT_URL_H

#include "source/api_access.h"

/*
 * With a tls-server-name, TLS has to ask for and verify that name while the connection goes to the server's address.
 * So the URL has the name, `connect_to` the way (CURLOPT_CONNECT_TO), and the Host header what it would have been.
 */
struct api_url {
	char *url;
	char *connect_to; /* NULL: without a tls-server-name */
	char *host;
};

/* The access was checked by api_url_normalize. */
void api_url_build(const struct api_access *access, const char *path, struct api_url *ret_url);
void api_url_done(struct api_url *url);

/*
 * Gives the URL without a slash at the end, with `scheme` in front of a bare HOST:PORT. NULL: it is none that an API
 * server can have, and *ret_wrong says what it must be.
 */
char *api_url_normalize(const char *url, const char *scheme, const char **ret_wrong);
/* NULL, or what a proxy's URL must be. */
const char *api_url_refuse_proxy(const char *url);

#endif
