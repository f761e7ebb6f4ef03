#include "apply/tuning.h"

#include "base/check.h"
#include "sysctl.h"

#include <stdlib.h>
#include <string.h>

/* ---- knobs */

static const struct {
	const char *name, *path;
} tunables[TUNABLES] = {
        [TUNABLE_ESTIMATION] = {"net.ipv4.vs.run_estimation", "net/ipv4/vs/run_estimation"},
        [TUNABLE_SLOPPY_SCTP] = {"net.ipv4.vs.sloppy_sctp", "net/ipv4/vs/sloppy_sctp"},
};

const char *tunable_name(enum tunable tunable)
{
	CHECK((unsigned)tunable < TUNABLES);
	return tunables[tunable].name;
}

int tunable_read(const char *proc_sys, enum tunable tunable, bool *ret_on)
{
	CHECK((unsigned)tunable < TUNABLES);
	auto_text value = {0};
	int error = sysctl_read(proc_sys, tunables[tunable].path, &value);
	*ret_on = !error && strcmp(text_string(&value), "0") != 0;
	return error;
}

int tunable_set(const char *proc_sys, enum tunable tunable, bool on, bool *ret_changed)
{
	bool present;
	int error = tunable_read(proc_sys, tunable, &present);
	*ret_changed = false;
	if (error || present == on)
		return error;
	error = sysctl_write(proc_sys, tunables[tunable].path, on ? "1" : "0");
	*ret_changed = !error;
	return error;
}

bool kernel_release_before(const char *release, unsigned major, unsigned minor)
{
	char *end;
	unsigned long release_major = strtoul(release, &end, 10);
	if (end == release || *end != '.')
		return false;
	const char *rest = end + 1;
	unsigned long release_minor = strtoul(rest, &end, 10);
	if (end == rest)
		return false;
	return release_major < major || (release_major == major && release_minor < minor);
}

/* ---- timeouts */

static int read_seconds(const char *proc_sys, const char *path, uint32_t *ret_seconds)
{
	auto_text value = {0};
	int error = sysctl_read(proc_sys, path, &value);
	unsigned long long seconds = strtoull(text_string(&value), NULL, 10);
	*ret_seconds = seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
	return error;
}

size_t timeouts_that_clash(const char *proc_sys, const struct kernel_timeouts *ipvs,
                           struct timeout_pair ret_pairs[static TIMEOUT_PAIRS])
{
	const struct timeout_pair pairs[TIMEOUT_PAIRS] = {
	        {"an idle TCP connection", ipvs->tcp_seconds, 0, "--ipvs-tcp-timeout",
	         "net/netfilter/nf_conntrack_tcp_timeout_established", "--conntrack-tcp-timeout-established"},
	        {"a TCP connection that one side has closed", ipvs->tcp_fin_seconds, 0,
	         "--ipvs-tcpfin-timeout", "net/netfilter/nf_conntrack_tcp_timeout_fin_wait", NULL},
	};
	size_t count = 0;
	for (size_t i = 0; i < TIMEOUT_PAIRS; i++) {
		struct timeout_pair pair = pairs[i];
		if (read_seconds(proc_sys, pair.tracked_sysctl, &pair.tracked_seconds) == 0 &&
		    pair.tracked_seconds < pair.ipvs_seconds)
			ret_pairs[count++] = pair;
	}
	return count;
}
