/*
 * One object of a kubeconfig and how its fields are read. Every reader refuses with file, line and path.
 */
#ifndef KUBE_IPVS_SOURCE_KUBECONFIG_SECTION_H
#define KUBE_IPVS_SOURCE_KUBECONFIG_SECTION_H

#include "access_private.h"
#include "source/document.h"

#include <stdbool.h>

struct kubeconfig {
	struct document document;
	char *directory; /* with a slash at the end; "" for the current one */
	const char *master;
	struct api_access *access;
	struct fault *fault;
};

struct section {
	struct kubeconfig *config;
	const json_t *object;
	char path[192];
};

/* 0, or FAULT_REFUSED when it is no object. An absent one is empty. */
int section_open(struct kubeconfig *config, const json_t *value, struct section *ret_section,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
int section_refuse(const struct section *section, const char *key, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void section_warn(const struct section *section, const char *key, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Fields that are none of `known` (NULL at the end) get a warning: a word misspelt is a word not said. */
void section_warn_of_unknown(const struct section *section, const char *const *known);

bool section_has(const struct section *section, const char *key); /* and it is neither null nor "" */
/* These leave the result alone where the field is absent. Texts are given. */
int section_text(const struct section *section, const char *key, char **ret_text);
int section_flag(const struct section *section, const char *key, bool *ret_flag);
/* A file's name, relative to the kubeconfig's directory. */
int section_file(const struct section *section, const char *key, char **ret_path);
/* `key` names a PEM file, `key`-data holds one in base64; the data wins. */
int section_pem(const struct section *section, const char *key, struct api_blob *blob);

/* kubeconfig_user.c, kubeconfig_exec.c */
int kubeconfig_read_user(const struct section *user);
int kubeconfig_read_exec(const struct section *user);

#endif
