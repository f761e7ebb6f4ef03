/*
 * What dashboards ask of any process, from a few small files of /proc, and which program this is.
 */
#include "metrics_table.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { PROC_FILE_MAX = 1 << 20, PATH_SIZE = 512 };

static void render_gauge(enum process_metric metric, double value, struct text *text)
{
	const struct metric_row *row = process_metric_row(metric);
	metric_render_head(row, text);
	text_addf(text, "%s ", row->name);
	metric_render_number(value, text);
	text_add_char(text, '\n');
}

static bool read_proc(const char *proc, const char *name, struct text *text)
{
	char path[PATH_SIZE];
	text_clear(text);
	snprintf(path, sizeof(path), "%s/%s", proc, name);
	return text_read_file(path, PROC_FILE_MAX, text) == 0;
}

/* ---- stat */

/* proc_pid_stat(5): the fields behind the command's name, which may hold anything, are counted from 3. */
struct process_stat {
	double user_ticks, system_ticks, start_ticks, virtual_bytes, resident_pages;
};

static bool parse_stat(const char *text, struct process_stat *ret_stat)
{
	const char *at = strrchr(text, ')');
	double fields[25] = {0};
	if (!at || strlen(at) < 5)
		return false;
	at += 4; /* ") S " */
	for (unsigned field = 4; field < 25; field++) {
		char *end;
		fields[field] = strtod(at, &end);
		if (end == at)
			return false;
		at = end;
	}
	*ret_stat = (struct process_stat){.user_ticks = fields[14],
	                                  .system_ticks = fields[15],
	                                  .start_ticks = fields[22],
	                                  .virtual_bytes = fields[23],
	                                  .resident_pages = fields[24]};
	return true;
}

/* Seconds since the epoch at which the machine began to count ticks. */
static bool read_boot_time(const char *proc, double *ret_seconds)
{
	auto_text text = {0};
	const char *line = read_proc(proc, "../stat", &text) ? strstr(text_string(&text), "\nbtime ") : NULL;
	if (line)
		*ret_seconds = strtod(line + strlen("\nbtime "), NULL);
	return line != NULL;
}

/* ---- limits and descriptors */

/* The soft limit in a line of proc_pid_limits(5). Unlimited is what the kernel has for it: all bits. */
static bool find_limit(const char *limits, const char *name, double *ret_limit)
{
	const char *line = strstr(limits, name);
	if (!line)
		return false;
	line += strlen(name);
	line += strspn(line, " ");
	*ret_limit = strncmp(line, "unlimited", 9) == 0 ? 18446744073709551615.0 : strtod(line, NULL);
	return true;
}

static void render_limit(const char *limits, const char *name, enum process_metric metric, struct text *text)
{
	double limit;
	if (find_limit(limits, name, &limit))
		render_gauge(metric, limit, text);
}

static void render_open_fds(const char *proc, struct text *text)
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/fd", proc);
	DIR *directory = opendir(path);
	unsigned count = 0;
	if (!directory)
		return;
	for (const struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	closedir(directory);
	render_gauge(PROCESS_OPEN_FDS, count ? count - 1 : 0, text); /* less the one that reads them */
}

/* ---- what was built */

/* Go's names for the machines that it has other names for than the kernel. */
static const char *platform_machine(const char *machine)
{
	static const char *const NAMES[][2] = {
	        {"x86_64", "amd64"},    {"aarch64", "arm64"}, {"armv7l", "arm"},      {"i686", "386"},
	        {"ppc64le", "ppc64le"}, {"s390x", "s390x"},   {"riscv64", "riscv64"},
	};
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++)
		if (strcmp(machine, NAMES[i][0]) == 0)
			return NAMES[i][1];
	return machine;
}

static void render_build(struct text *text)
{
	struct utsname host = {0};
	uname(&host);
	metric_render_head(process_metric_row(BUILD_INFO), text);
	text_add(text, "kubeipvs_build_info{version=\"" KUBE_IPVS_VERSION "\"} 1\n");
	metric_render_head(process_metric_row(KUBERNETES_BUILD_INFO), text);
	/* What does not apply, or is not known, stays empty. */
	text_addf(
	        text,
	        "kubernetes_build_info{build_date=\"\",compiler=\"\",git_commit=\"\",git_tree_state=\"\","
	        "git_version=\"%s\",go_version=\"\",major=\"%.*s\",minor=\"%.*s\",platform=\"linux/%s\"} 1\n",
	        KUBE_IPVS_VERSION, (int)strcspn(KUBE_IPVS_VERSION, "."), KUBE_IPVS_VERSION,
	        (int)strcspn(strchr(KUBE_IPVS_VERSION, '.') + 1, "."), strchr(KUBE_IPVS_VERSION, '.') + 1,
	        platform_machine(host.machine));
}

void metric_render_process(const char *proc, struct text *text)
{
	auto_text stat_text = {0};
	auto_text limits_text = {0};
	struct process_stat stat;
	double boot_seconds, ticks = (double)sysconf(_SC_CLK_TCK);
	bool known = read_proc(proc, "stat", &stat_text) && parse_stat(text_string(&stat_text), &stat);
	const char *limits = read_proc(proc, "limits", &limits_text) ? text_string(&limits_text) : "";
	if (known)
		render_gauge(PROCESS_CPU_SECONDS, (stat.user_ticks + stat.system_ticks) / ticks, text);
	render_limit(limits, "Max open files", PROCESS_MAX_FDS, text);
	render_open_fds(proc, text);
	if (known)
		render_gauge(PROCESS_RESIDENT_BYTES, stat.resident_pages * (double)sysconf(_SC_PAGESIZE),
		             text);
	if (known && read_boot_time(proc, &boot_seconds))
		render_gauge(PROCESS_START_TIME, boot_seconds + stat.start_ticks / ticks, text);
	if (known)
		render_gauge(PROCESS_VIRTUAL_BYTES, stat.virtual_bytes, text);
	render_limit(limits, "Max address space", PROCESS_VIRTUAL_MAX_BYTES, text);
	render_build(text);
}
