/*
 * C101, R8.3 to R8.5, R8.10: what becomes of connection tracking's sysctls, in a directory of our own.
 */
#include "apply/host.h"
#include "base/text.h"
#include "support.h"
#include "test_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

static char root[TEST_DIRECTORY_SIZE], proc_sys[96], sys[96];

static void prepare(void)
{
	test_directory_make(root);
	snprintf(proc_sys, sizeof(proc_sys), "%s/proc/sys", root);
	snprintf(sys, sizeof(sys), "%s/sys", root);
}

static void clean(void)
{
	test_directory_remove(root);
}

static const char *in_root(const char *path)
{
	static char whole[TEST_PATH_SIZE];
	return test_directory_path(root, path, whole);
}

static void have_file(const char *path, const char *content)
{
	test_directory_put(root, path, content);
}

static const struct {
	const char *name, *path, *value;
} files[] = {
        {"max", "proc/sys/net/netfilter/nf_conntrack_max", "65536\n"},
        {"established", "proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "43200\n"},
        {"close-wait", "proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait", "60\n"},
        {"liberal", "proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal", "0\n"},
        {"udp", "proc/sys/net/netfilter/nf_conntrack_udp_timeout", "30\n"},
        {"stream", "proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream", "120\n"},
        {"hash", "sys/module/nf_conntrack/parameters/hashsize", "16384\n"},
};

static void have_files(void)
{
	for (int i = 0; i < ROWS(files); i++)
		have_file(files[i].path, files[i].value);
	have_file("sys/devices/system/cpu/online", "0-1,4-5\n");
}

/* "name=value" of each file that does not hold what have_files wrote. */
static void written_must_be(const char *wanted)
{
	auto_text got = {0};
	for (int i = 0; i < ROWS(files); i++) {
		auto_text content = {0};
		ck_assert_int_eq(text_read_file(in_root(files[i].path), 100, &content), 0);
		if (strcmp(text_string(&content), files[i].value) != 0)
			text_addf(&got, "%s=%.*s ", files[i].name, (int)strcspn(text_string(&content), "\n"),
			          text_string(&content));
	}
	ck_assert_texts("what was written", wanted, text_string(&got));
}

/* ---- R8.3 */

static const struct {
	struct conntrack_settings settings;
	uint32_t cpus, max;
} maxima[] = {
        /* C101 */
        {{.max_per_core = 0, .min = 0}, 2, 0},
        {{.max_per_core = 0, .min = 123456}, 2, 0},
        {{.max_per_core = 1, .min = 123456}, 2, 123456},
        {{.max_per_core = 32768, .min = 131072}, 512, 1048576},
        /* The defaults */
        {{.max_per_core = 32768, .min = 131072}, 1, 131072},
        {{.max_per_core = 32768, .min = 131072}, 4, 131072},
        {{.max_per_core = 32768, .min = 131072}, 5, 163840},
        {{.max_per_core = 32768, .min = 131072}, 32, 1048576},
        {{.max_per_core = UINT32_MAX, .min = 0}, UINT32_MAX, 1048576},
};

START_TEST(the_most_connections_follow_the_cpus_between_two_bounds)
{
	ck_assert_uint_eq(conntrack_max(&maxima[_i].settings, maxima[_i].cpus), maxima[_i].max);
}
END_TEST

/* ---- CPUs */

static const struct {
	const char *online;
	uint32_t cpus; /* 0: what this machine says itself */
} machines[] = {
        {"0\n", 1},        {"0-511\n", 512}, {"0-1,4-5,7\n", 5}, {"", 0},     {"\n", 0},
        {"nonsense\n", 0}, {"3-1\n", 0},     {"0-\n", 0},        {"0,\n", 0}, {"0-99999999999999999999\n", 0},
};

START_TEST(the_cpus_that_are_online_are_counted)
{
	long own = sysconf(_SC_NPROCESSORS_ONLN);
	have_file("sys/devices/system/cpu/online", machines[_i].online);
	ck_assert_uint_eq(host_count_cpus(sys), machines[_i].cpus ? machines[_i].cpus : (uint32_t)own);
}
END_TEST

START_TEST(without_a_list_the_machine_is_asked_otherwise)
{
	ck_assert_int_eq(host_count_cpus("/nonexistent"), sysconf(_SC_NPROCESSORS_ONLN));
}
END_TEST

/* ---- what is written */

static const struct {
	const char *name;
	struct conntrack_settings settings;
	const char *written;
} rows[] = {
        {"nothing", {0}, ""},
        {"the least alone means nothing", {.min = 131072}, ""},
        {"four CPUs, and the hash table with them",
         {.max_per_core = 32768, .min = 131072},
         "max=131072 hash=32768 "},
        {"it may be lowered, and the hash table stays", {.max_per_core = 10000}, "max=40000 "},
        {"what is right is not touched", {.max_per_core = 16384}, ""},
        {"the hash table alone", {.max_per_core = 16385}, "max=65540 hash=16385 "},
        {"kube-proxy's defaults",
         {.max_per_core = 32768,
          .min = 131072,
          .tcp_established_seconds = 86400,
          .tcp_close_wait_seconds = 3600},
         "max=131072 established=86400 close-wait=3600 hash=32768 "},
        {"liberal TCP", {.tcp_be_liberal = true}, "liberal=1 "},
        {"UDP", {.udp_seconds = 31, .udp_stream_seconds = 180}, "udp=31 stream=180 "},
        {"timeouts that are right", {.udp_seconds = 30, .udp_stream_seconds = 120}, ""},
};

START_TEST(what_differs_is_written_and_nothing_else)
{
	struct fault fault = {0};
	have_files();
	ck_assert_int_eq(host_set_conntrack(proc_sys, sys, &rows[_i].settings, &fault), 0);
	ck_assert_str_eq(fault.sentence, "");
	written_must_be(rows[_i].written);
}
END_TEST

START_TEST(what_is_not_to_be_set_need_not_be_there)
{
	const struct conntrack_settings settings = {.min = 131072};
	struct fault fault = {0};
	ck_assert_int_eq(host_set_conntrack(proc_sys, sys, &settings, &fault), 0);
	ck_assert_str_eq(fault.sentence, "");
}
END_TEST

/* ---- failures */

static void must_fail(const struct conntrack_settings *settings, int error, const char *sentence)
{
	struct fault fault = {0};
	auto_text got = {0};
	ck_assert_int_eq(host_set_conntrack(proc_sys, sys, settings, &fault), error);
	/* Without the directory's name, which differs from run to run. */
	const char *found = strstr(fault.sentence, root);
	if (found)
		text_add_bytes(&got, fault.sentence, (size_t)(found - fault.sentence));
	text_add(&got, found ? found + strlen(root) : fault.sentence);
	ck_assert_texts("the sentence", sentence, text_string(&got));
}

static const struct conntrack_settings everything = {
        .max_per_core = 32768,
        .min = 131072,
        .tcp_established_seconds = 86400,
        .udp_seconds = 31,
};

static const struct {
	const char *path, *sentence;
} missing[] = {
        {"proc/sys/net/netfilter/nf_conntrack_max", "sysctl net/netfilter/nf_conntrack_max: not there; it "
                                                    "comes with the module nf_conntrack: run modprobe "
                                                    "nf_conntrack on the host"},
        {"proc/sys/net/netfilter/nf_conntrack_udp_timeout",
         "sysctl net/netfilter/nf_conntrack_udp_timeout: not there; it comes with the module nf_conntrack: "
         "run "
         "modprobe nf_conntrack on the host"},
        {"sys/module/nf_conntrack/parameters/hashsize", "/sys/module/nf_conntrack/parameters/hashsize: not "
                                                        "there; it comes with the module nf_conntrack: run "
                                                        "modprobe nf_conntrack on the host"},
};

START_TEST(what_is_missing_is_named_with_what_to_do)
{
	have_files();
	ck_assert_int_eq(unlink(in_root(missing[_i].path)), 0);
	must_fail(&everything, -ENOENT, missing[_i].sentence);
}
END_TEST

/* A file that cannot be written, not even by root: it can be read, and refuses what is written. */
static void cannot_be_written(const char *path)
{
	ck_assert_int_eq(unlink(in_root(path)), 0);
	ck_assert_int_eq(symlink("/proc/sys/kernel/ostype", in_root(path)), 0);
}

static int errno_of_writing_ostype(void)
{
	int fd = open("/proc/sys/kernel/ostype", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = write(fd, "x", 1) < 0 ? -errno : 0;
	close(fd);
	return error;
}

/* C101. A network namespace that is not the host's shows nf_conntrack_max just so. */
START_TEST(a_maximum_that_is_read_only_is_told_with_the_ways_out)
{
	int error = errno_of_writing_ostype();
	have_files();
	cannot_be_written("proc/sys/net/netfilter/nf_conntrack_max");
	ck_assert_msg(error == -EACCES || error == -EROFS || error == -EPERM, "errno %d", -error);
	must_fail(&everything, error,
	          "sysctl net/netfilter/nf_conntrack_max: it is Linux, read-only here, and cannot be set to "
	          "131072; "
	          "run as root in the host's network namespace (a container: privileged), or set it on the "
	          "host, or "
	          "leave it as it is with --conntrack-max-per-core=0");
}
END_TEST

/* C101 */
START_TEST(a_timeout_that_cannot_be_written_is_an_error)
{
	have_files();
	cannot_be_written("proc/sys/net/netfilter/nf_conntrack_udp_timeout");
	must_fail(&everything, errno_of_writing_ostype(),
	          "sysctl net/netfilter/nf_conntrack_udp_timeout: it is read-only here and cannot be set to "
	          "31; run "
	          "as root and, in a container, privileged and in the host's network namespace");
}
END_TEST

/* R8.4; what stands there is no number, which is less than any. */
START_TEST(a_hash_table_that_cannot_be_enlarged_is_an_error)
{
	have_files();
	cannot_be_written("sys/module/nf_conntrack/parameters/hashsize");
	must_fail(&everything, errno_of_writing_ostype(),
	          "/sys/module/nf_conntrack/parameters/hashsize: it is read-only here and cannot be set to "
	          "32768; "
	          "run as root and, in a container, privileged and in the host's network namespace");
}
END_TEST

START_TEST(any_other_failure_says_what_the_kernel_said)
{
	have_files();
	ck_assert_int_eq(unlink(in_root("proc/sys/net/netfilter/nf_conntrack_udp_timeout")), 0);
	ck_assert_int_eq(mkdir(in_root("proc/sys/net/netfilter/nf_conntrack_udp_timeout"), 0755), 0);
	must_fail(&everything, -EISDIR,
	          "sysctl net/netfilter/nf_conntrack_udp_timeout: it cannot be set to 31 (Is a directory); "
	          "set it "
	          "on the host");
}
END_TEST

START_TEST(the_module_is_asked_for_where_it_is_missing)
{
	char script[768];
	have_files();
	ck_assert_int_eq(unlink(in_root("proc/sys/net/netfilter/nf_conntrack_max")), 0);
	snprintf(script, sizeof(script), "#!/bin/sh\necho \"$3\" > %s/asked\necho 1 > %s/nf_conntrack_max\n",
	         root, in_root("proc/sys/net/netfilter"));
	have_file("loader", script);
	ck_assert_int_eq(chmod(in_root("loader"), 0755), 0);
	snprintf(script, sizeof(script), "%s\n", in_root("loader"));
	have_file("proc/sys/kernel/modprobe", script);
	struct fault fault = {0};
	ck_assert_msg(host_set_conntrack(proc_sys, sys, &everything, &fault) == 0, "%s", fault.sentence);
	auto_text asked = {0};
	ck_assert_int_eq(text_read_file(in_root("asked"), 100, &asked), 0);
	ck_assert_str_eq(text_string(&asked), "nf_conntrack\n");
	written_must_be("max=131072 established=86400 udp=31 hash=32768 ");
}
END_TEST

/* ---- R8.10 */

START_TEST(the_oom_score_is_written_as_it_is)
{
	auto_text content = {0};
	have_file("oom_score_adj", "0\n");
	ck_assert_int_eq(host_set_oom_score(root, -999), 0);
	ck_assert_int_eq(text_read_file(in_root("oom_score_adj"), 100, &content), 0);
	ck_assert_str_eq(text_string(&content), "-999");
	ck_assert_int_eq(host_set_oom_score("/nonexistent", -999), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply: conntrack sysctls");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, prepare, clean);
	tcase_add_loop_test(all, the_most_connections_follow_the_cpus_between_two_bounds, 0, ROWS(maxima));
	tcase_add_loop_test(all, the_cpus_that_are_online_are_counted, 0, ROWS(machines));
	tcase_add_test(all, without_a_list_the_machine_is_asked_otherwise);
	tcase_add_loop_test(all, what_differs_is_written_and_nothing_else, 0, ROWS(rows));
	tcase_add_test(all, what_is_not_to_be_set_need_not_be_there);
	tcase_add_loop_test(all, what_is_missing_is_named_with_what_to_do, 0, ROWS(missing));
	tcase_add_test(all, a_maximum_that_is_read_only_is_told_with_the_ways_out);
	tcase_add_test(all, a_timeout_that_cannot_be_written_is_an_error);
	tcase_add_test(all, a_hash_table_that_cannot_be_enlarged_is_an_error);
	tcase_add_test(all, any_other_failure_says_what_the_kernel_said);
	tcase_add_test(all, the_module_is_asked_for_where_it_is_missing);
	tcase_add_test(all, the_oom_score_is_written_as_it_is);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
