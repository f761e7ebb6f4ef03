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
#include <stdint.h>

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

/* R8.3 to R8.5. Times are whole seconds; 0 leaves the sysctl as it is. */
struct conntrack_settings {
	uint32_t max_per_core; /* 0: leave nf_conntrack_max as it is */
	uint32_t min;
	uint32_t tcp_established_seconds;
	uint32_t tcp_close_wait_seconds;
	uint32_t udp_seconds;
	uint32_t udp_stream_seconds;
	bool tcp_be_liberal; /* false leaves it as it is */
};

/* What nf_conntrack_max becomes (R8.3); 0: it stays. */
uint32_t conntrack_max(const struct conntrack_settings *settings, uint32_t cpus);
/* The CPUs of this machine, at least 1; `sys` is "/sys", or a test's directory. */
uint32_t host_count_cpus(const char *sys);
/*
 * Writes what differs, loading nf_conntrack first where it is missing. `proc_sys` is "/proc/sys", `sys` "/sys", or a
 * test's directories. 0, or a negative errno and a sentence that names the sysctl and what to do.
 */
int host_set_conntrack(const char *proc_sys, const char *sys, const struct conntrack_settings *settings,
                       struct fault *fault);
/* Whether this host speaks IPv6 (R8.11); `proc` is "/proc", or a test's directory. */
bool host_has_ipv6(const char *proc);
/* Whether this host forwards IPv6; `proc` as above. */
bool host_forwards_ipv6(const char *proc);
/* Writes oom_score_adj of this process; `proc_self` is "/proc/self". 0 or a negative errno. */
int host_set_oom_score(const char *proc_self, int score);

#endif
