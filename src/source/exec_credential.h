/*
 * What is told to a credential plug-in and what it answers: ExecCredential of client.authentication.k8s.io.
 */
#ifndef KUBE_IPVS_SOURCE_EXEC_CREDENTIAL_H
#define KUBE_IPVS_SOURCE_EXEC_CREDENTIAL_H

#include "source/api_access.h"

#include <time.h>

struct exec_credential {
	char *token;       /* NULL: none */
	char *certificate; /* PEM, with `key`; NULL: none */
	char *key;
	time_t expires; /* 0: never */
};

/* Gives the JSON of KUBERNETES_EXEC_INFO. The authority's bytes are the caller's; NULL: the system's. */
char *exec_credential_ask(const struct api_access *access, const char *authority, size_t authority_length);
/* 0 or FAULT_REFUSED with a sentence, which never has a secret in it. */
int exec_credential_parse(const struct api_exec_plugin *plugin, const char *output, size_t length,
                          struct exec_credential *ret_credential, struct fault *fault);
void exec_credential_done(struct exec_credential *credential);

#endif
