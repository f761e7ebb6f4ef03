/*
 * Runs a program and collects what it writes, beside the event loop: without a shell, without our descriptors, with
 * a time limit after which its whole process group is killed.
 *
 * No SIGCHLD handler is installed, so nothing else that waits for children is disturbed: the end is seen through a
 * pidfd, or by asking now and then where the kernel has none (before Linux 5.3).
 */
#ifndef KUBE_IPVS_SOURCE_EXEC_PLUGIN_H
#define KUBE_IPVS_SOURCE_EXEC_PLUGIN_H

#include "source/api_access.h"

#include <stdint.h>

struct event_base;
struct exec_run;

#define EXEC_OUTPUT_LIMIT ((size_t)1 << 20)

struct exec_end {
	int error;            /* 0: the program ended with status 0; else a negative errno and a sentence */
	const char *sentence; /* subject first; borrowed for the call, as the output is */
	const char *output;
	size_t length;
};

/*
 * `info` becomes KUBERNETES_EXEC_INFO. `ended` is called once, from the loop; the run is gone after it. Borrows the
 * base; the plug-in until the end. A negative errno with a sentence when the program cannot be started.
 */
int exec_plugin_start(struct event_base *base, const struct api_exec_plugin *plugin, const char *info,
                      int64_t limit_ms, void (*ended)(void *context, const struct exec_end *end),
                      void *context, struct exec_run **ret_run, struct fault *fault);
/* Kills it with its group; no callback comes. NULL is allowed. */
void exec_plugin_cancel(struct exec_run *run);

#endif
