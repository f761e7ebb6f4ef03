/*
 * The sysctls of connection tracking, and what else of this process the kernel keeps in a small file (R8.3-R8.5,
 * R8.10).
 */
#include "apply/host.h"

#include "base/text.h"
#include "modules.h"
#include "sysctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SYSCTL "net/netfilter/nf_conntrack_max"
#define HASH_SIZE  "module/nf_conntrack/parameters/hashsize"

enum { MAX_MOST = 1048576, CPUS_MOST = 1 << 16 };

uint32_t conntrack_max(const struct conntrack_settings *settings, uint32_t cpus)
{
	uint64_t scaled = (uint64_t)settings->max_per_core * cpus;
	if (scaled == 0)
		return 0;
	if (scaled > MAX_MOST)
		return MAX_MOST;
	return scaled > settings->min ? (uint32_t)scaled : settings->min;
}

/* ---- CPUs */

/* "0-3,5": how many that are; 0: it is no such list. */
static uint64_t count_listed(const char *list)
{
	uint64_t count = 0;
	for (;;) {
		char *end;
		if (*list < '0' || *list > '9')
			return 0;
		unsigned long first = strtoul(list, &end, 10), last = first;
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last >= CPUS_MOST)
			return 0;
		count += last - first + 1;
		if (*end != ',')
			return *end == '\0' ? count : 0;
		list = end + 1;
	}
}

uint32_t host_count_cpus(const char *sys)
{
	auto_text online = {0};
	uint64_t listed = 0;
	if (sysctl_read(sys, "devices/system/cpu/online", &online) == 0)
		listed = count_listed(text_string(&online));
	if (listed > 0 && listed <= CPUS_MOST)
		return (uint32_t)listed;
	long counted = sysconf(_SC_NPROCESSORS_ONLN);
	return counted > 0 && counted <= CPUS_MOST ? (uint32_t)counted : 1;
}

/* ---- conntrack */

static int explain(const char *subject, const char *value, int error, struct fault *fault)
{
	if (error == -ENOENT)
		fault_set(fault, NULL,
		          "%s: not there; it comes with the module nf_conntrack: run modprobe nf_conntrack "
		          "on the "
		          "host",
		          subject);
	else if (error == -EACCES || error == -EPERM || error == -EROFS)
		fault_set(
		        fault, NULL,
		        "%s: it is read-only here and cannot be set to %s; run as root and, in a container, "
		        "privileged and in the host's network namespace",
		        subject, value);
	else
		fault_set(fault, NULL, "%s: it cannot be set to %s (%s); set it on the host", subject, value,
		          strerror(-error));
	return error;
}

/* One value counts for all network namespaces, and only the host's can write it. */
static int explain_max(const char *present, const char *value, int error, struct fault *fault)
{
	if (error != -EACCES && error != -EPERM && error != -EROFS)
		return explain("sysctl " MAX_SYSCTL, value, error, fault);
	fault_set(fault, NULL,
	          "sysctl " MAX_SYSCTL
	          ": it is %s, read-only here, and cannot be set to %s; run as root in the host's network "
	          "namespace (a container: privileged), or set it on the host, or leave it as it is with "
	          "--conntrack-max-per-core=0",
	          *present ? present : "unreadable", value);
	return error;
}

/* R8.4: lists of four on average. */
static int set_hash_size(const char *sys, uint32_t max, struct fault *fault)
{
	char wanted[16], subject[PATH_MAX];
	auto_text present = {0};
	snprintf(wanted, sizeof(wanted), "%u", max / 4);
	snprintf(subject, sizeof(subject), "%s/" HASH_SIZE, sys);
	int error = sysctl_read(sys, HASH_SIZE, &present);
	if (!error && strtoull(text_string(&present), NULL, 10) < max / 4)
		error = sysctl_write(sys, HASH_SIZE, wanted);
	return error ? explain(subject, wanted, error, fault) : 0;
}

static int set_max(const char *proc_sys, const char *sys, uint32_t max, struct fault *fault)
{
	char wanted[16];
	auto_text present = {0};
	snprintf(wanted, sizeof(wanted), "%u", max);
	int error = sysctl_read(proc_sys, MAX_SYSCTL, &present);
	if (!error && strcmp(text_string(&present), wanted) != 0)
		error = sysctl_write(proc_sys, MAX_SYSCTL, wanted);
	if (error)
		return explain_max(text_string(&present), wanted, error, fault);
	return set_hash_size(sys, max, fault);
}

static int set_value(const char *proc_sys, const char *path, uint32_t value, struct fault *fault)
{
	char wanted[16], subject[PATH_MAX];
	if (value == 0)
		return 0;
	snprintf(wanted, sizeof(wanted), "%u", value);
	snprintf(subject, sizeof(subject), "sysctl %s", path);
	int error = sysctl_set(proc_sys, path, wanted);
	return error ? explain(subject, wanted, error, fault) : 0;
}

/* Best effort: what is missing afterwards is found out where it is wanted. `proc_sys` ends with /proc/sys. */
static void load_conntrack(const char *proc_sys)
{
	char path[PATH_MAX], root[PATH_MAX];
	size_t length = strlen(proc_sys), end = strlen("/proc/sys");
	snprintf(path, sizeof(path), "%s/" MAX_SYSCTL, proc_sys);
	if (access(path, F_OK) == 0 || length < end)
		return;
	snprintf(root, sizeof(root), "%.*s", (int)(length - end), proc_sys);
	module_load(root, "nf_conntrack");
}

int host_set_conntrack(const char *proc_sys, const char *sys, const struct conntrack_settings *settings,
                       struct fault *fault)
{
	const struct {
		const char *path;
		uint32_t value; /* 0: it stays */
	} values[] = {
	        {"net/netfilter/nf_conntrack_tcp_timeout_established", settings->tcp_established_seconds},
	        {"net/netfilter/nf_conntrack_tcp_timeout_close_wait", settings->tcp_close_wait_seconds},
	        {"net/netfilter/nf_conntrack_tcp_be_liberal", settings->tcp_be_liberal},
	        {"net/netfilter/nf_conntrack_udp_timeout", settings->udp_seconds},
	        {"net/netfilter/nf_conntrack_udp_timeout_stream", settings->udp_stream_seconds},
	};
	uint32_t max = conntrack_max(settings, host_count_cpus(sys));
	bool wanted = max > 0;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		wanted |= values[i].value > 0;
	if (wanted)
		load_conntrack(proc_sys);
	int error = max > 0 ? set_max(proc_sys, sys, max, fault) : 0;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values) && !error; i++)
		error = set_value(proc_sys, values[i].path, values[i].value, fault);
	return error;
}

int host_set_oom_score(const char *proc_self, int score)
{
	char value[16];
	snprintf(value, sizeof(value), "%d", score);
	return sysctl_write(proc_self, "oom_score_adj", value);
}
