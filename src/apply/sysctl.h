/*
 * One value in one small file: sysctls and their like under /proc and /sys, or in a test's directory.
 */
#ifndef KUBE_IPVS_APPLY_SYSCTL_H
#define KUBE_IPVS_APPLY_SYSCTL_H

#include "base/text.h"

#include <stdbool.h>

/* Adds what the file "root/path" holds up to the first blank. 0 or a negative errno. */
int sysctl_read(const char *root, const char *path, struct text *ret_value);
/* Writes the value as a whole, without a look at what is there. 0 or a negative errno. */
int sysctl_write(const char *root, const char *path, const char *value);
/* Writes it where it differs. 0 or a negative errno. */
int sysctl_set(const char *root, const char *path, const char *value);

#endif
