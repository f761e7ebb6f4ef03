/*
 * The host around IPVS: the addresses of its interfaces, and sysctls. Needs no IPVS, and for reading no
 * privilege.
 */
#ifndef KUBE_IPVS_APPLY_HOST_H
#define KUBE_IPVS_APPLY_HOST_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/interface.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Every address of every interface, up or down, in the kernel's order, in `arena`. An interface that vanishes
 * meanwhile is skipped. A negative errno: nothing is known, and the caller keeps what it knew.
 */
int host_read_addresses(struct arena *arena, struct interface_address **ret_addresses, size_t *ret_count);

/* A line of R8.1's table: what was done to one sysctl. */
struct sysctl_setting {
	const char *path; /* "net/ipv4/vs/conntrack" */
	const char *value;
};

/*
 * Sets the sysctls of R8.1, each only where it differs, those of `strict_arp` only if it is asked for. `root`
 * is "/proc/sys", or a test's directory. conn_reuse_mode is never touched. Those of IPVS exist only
 * once ip_vs is loaded. 0, or a negative errno and a sentence that names the sysctl and what to do.
 */
int host_set_sysctls(const char *root, bool strict_arp, struct fault *fault);

#endif
