/*
 * Where the API server is, and who we are to it: kubeconfig, service account, or --master alone (R14.16).
 *
 * Reading is done once; what may change while we run (token files, exec plug-ins) is read again when it has to be.
 * Everything that a file says wrongly is refused with file, line and path. Certificates and keys that a kubeconfig
 * carries inline are kept in memory and never written to disk.
 */
#ifndef KUBE_IPVS_SOURCE_API_ACCESS_H
#define KUBE_IPVS_SOURCE_API_ACCESS_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVICE_ACCOUNT_DIRECTORY "/var/run/secrets/kubernetes.io/serviceaccount"

/* Borrowed for the call. All NULL means in-cluster. */
struct api_access_options {
	const char *kubeconfig;                /* path, or NULL or "" */
	const char *master;                    /* URL that overrides the server's; NULL or "": none */
	const char *service_account_directory; /* NULL: the usual one; tests have their own */
};

/* A program that gives credentials (client.authentication.k8s.io/v1), run without a shell. */
struct api_exec_plugin {
	char *command;
	char **arguments;   /* command first, NULL at the end */
	char **environment; /* "NAME=value" on top of ours, NULL at the end */
	bool provide_cluster_info;
	char *cluster_config; /* JSON from the cluster's extension for plug-ins, told with the rest; may be NULL */
	char *install_hint; /* shown when the program is not there; may be NULL */
	char *api_version;  /* client.authentication.k8s.io/v1 or v1beta1 */
};

/* A certificate or key: a file, or bytes from the kubeconfig. */
struct api_blob {
	char *file;  /* NULL: none */
	char *bytes; /* decoded PEM; NULL: none */
	size_t length;
};

struct api_access {
	char *server; /* "https://192.0.2.1:6443/prefix", without a slash at the end */
	struct api_blob authority;
	struct api_blob certificate;
	struct api_blob key;
	char *token;      /* literal; NULL: none */
	char *token_file; /* wins over `token`; NULL: none */
	char *username, *password;
	char *server_name;  /* tls-server-name; NULL: the URL's host */
	char *proxy_url;    /* NULL: none */
	bool insecure;      /* the server's certificate is not checked */
	bool plain_answers; /* disable-compression: gzip is not asked for */
	bool in_cluster;
	struct api_exec_plugin *exec; /* NULL: none */
	/* What deserves a warning, one sentence each, subject first; owned. */
	char **warnings;
	size_t warning_count;
};

/* Gives what the caller releases. 0; a negative errno or FAULT_REFUSED, with the fault filled in either way. */
int api_access_read(const struct api_access_options *options, struct api_access **ret_access,
                    struct fault *fault);
void api_access_free(struct api_access *access); /* NULL is allowed */

#endif
