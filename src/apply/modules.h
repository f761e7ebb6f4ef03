/*
 * Asking for a kernel module, and saying why it cannot be had.
 *
 * `root` is "" for this machine, or a test's directory that holds proc/ and lib/modules/.
 */
#ifndef KUBE_IPVS_APPLY_MODULES_H
#define KUBE_IPVS_APPLY_MODULES_H

#include "base/fault.h"

/*
 * Runs the program that the kernel itself would run (/proc/sys/kernel/modprobe), without a shell, for at
 * most ten seconds. Best effort: whether the module is there, its user finds out. 0: the program says that
 * it is loaded.
 */
int module_load(const char *root, const char *name);

/* Puts one sentence into `fault`: why there is no IPVS here under kernel `release`, and what to do. */
void module_explain_no_ipvs(const char *root, const char *release, struct fault *fault);

#endif
