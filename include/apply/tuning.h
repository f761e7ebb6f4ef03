/*
 * Knobs of the kernel that follow what the Services ask of it, and timeouts that have to fit together. Nothing here is needed
 * for Services to work: who calls says what could not be done, and goes on.
 *
 * All of it is per network namespace.
 */
#ifndef KUBE_IPVS_APPLY_TUNING_H
#define KUBE_IPVS_APPLY_TUNING_H

#include "apply/kernel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tunable {
	/*
	 * net.ipv4.vs.run_estimation (5.16): every two seconds the kernel adds up the counters of each virtual and each real
	 * server over all CPUs, for their rates. Before 6.2 that is one walk in a timer, during which its CPU passes no packet.
	 * Without it, what ipvsadm --stats and --rate show stands still; connections are counted elsewhere.
	 */
	TUNABLE_ESTIMATION,
	/* net.ipv4.vs.sloppy_sctp (3.11): IPVS takes an association whose beginning it did not see, as SCTP's further paths. */
	TUNABLE_SLOPPY_SCTP,
	TUNABLES,
};

/* "net.ipv4.vs.sloppy_sctp" */
const char *tunable_name(enum tunable tunable);
/* `proc_sys` is "/proc/sys", or a test's directory. -ENOENT: this kernel has no such thing; else 0 or a negative errno. */
int tunable_read(const char *proc_sys, enum tunable tunable, bool *ret_on);
/* Writes it only where it differs. *ret_changed: it did. Errors as above. */
int tunable_set(const char *proc_sys, enum tunable tunable, bool on, bool *ret_changed);

/* Whether a kernel of this release ("6.1.0-56-cloud-amd64") came before major.minor; one that cannot be read did not. */
bool kernel_release_before(const char *release, unsigned major, unsigned minor);

/* A timeout of IPVS beside the one of connection tracking that must not end before it. */
struct timeout_pair {
	const char *what; /* "an idle TCP connection" */
	uint32_t ipvs_seconds, tracked_seconds;
	const char *ipvs_option; /* "--ipvs-tcp-timeout" */
	const char *tracked_sysctl;
	const char *tracked_option; /* NULL: only the sysctl */
};

enum { TIMEOUT_PAIRS = 2 };
/*
 * Those pairs where connection tracking forgets first: what then comes is taken for a new connection in its middle, and is
 * not masqueraded as its beginning was. Pairs that cannot be read, or whose IPVS timeout is 0, are left out.
 */
size_t timeouts_that_clash(const char *proc_sys, const struct kernel_timeouts *ipvs,
                           struct timeout_pair ret_pairs[static TIMEOUT_PAIRS]);

#endif
