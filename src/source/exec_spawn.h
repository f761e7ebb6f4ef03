/*
 * Starts a program in a process group of its own, with nothing of ours but the environment.
 */
#ifndef KUBE_IPVS_SOURCE_EXEC_SPAWN_H
#define KUBE_IPVS_SOURCE_EXEC_SPAWN_H

#include "source/api_access.h"

#include <sys/types.h>

/* The read ends of its standard output and error are non-blocking. 0 or a negative errno with a sentence. */
int exec_spawn(const struct api_exec_plugin *plugin, const char *info, pid_t *ret_child, int *ret_output,
               int *ret_errors, struct fault *fault);

#endif
