/*
 * Knobs and timeouts, in a directory that stands for /proc/sys.
 */
#include "apply/tuning.h"

#include "support.h"
#include "test_directory.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ESTABLISHED "net/netfilter/nf_conntrack_tcp_timeout_established"
#define FIN_WAIT    "net/netfilter/nf_conntrack_tcp_timeout_fin_wait"
#define ESTIMATION  "net/ipv4/vs/run_estimation"

static char root[TEST_DIRECTORY_SIZE];

static void set_up(void)
{
	test_directory_make(root);
}

static void tear_down(void)
{
	test_directory_remove(root);
}

static void have(const char *path, const char *content)
{
	test_directory_put(root, path, content);
}

static void must_be(const char *path, const char *wanted)
{
	char whole[TEST_PATH_SIZE];
	char *text = read_test_file(test_directory_path(root, path, whole));
	ck_assert_texts(path, wanted, text);
	free(text);
}

START_TEST(a_knob_is_written_only_where_it_differs)
{
	bool changed = false;
	have(ESTIMATION, "1\n");
	ck_assert_int_eq(tunable_set(root, TUNABLE_ESTIMATION, true, &changed), 0);
	ck_assert(!changed);
	must_be(ESTIMATION, "1\n");
	ck_assert_int_eq(tunable_set(root, TUNABLE_ESTIMATION, false, &changed), 0);
	ck_assert(changed);
	/* A sysctl would be "0\n" now; a file keeps what was behind. */
	must_be(ESTIMATION, "0\n");
	ck_assert_int_eq(tunable_set(root, TUNABLE_ESTIMATION, false, &changed), 0);
	ck_assert(!changed);
}
END_TEST

START_TEST(a_knob_that_the_kernel_lacks_is_not_there)
{
	bool changed = true, on = true;
	ck_assert_int_eq(tunable_set(root, TUNABLE_SLOPPY_SCTP, true, &changed), -ENOENT);
	ck_assert(!changed);
	ck_assert_int_eq(tunable_read(root, TUNABLE_SLOPPY_SCTP, &on), -ENOENT);
	ck_assert(!on);
	ck_assert_str_eq(tunable_name(TUNABLE_SLOPPY_SCTP), "net.ipv4.vs.sloppy_sctp");
}
END_TEST

static const struct {
	const char *release;
	bool before;
} releases[] = {
        {"6.1.0-56-cloud-amd64", true},
        {"5.10.0-30-amd64", true},
        {"6.2", false},
        {"6.2.0-rc1", false},
        {"6.12.9+bpo-cloud-amd64", false},
        {"7.0-cloud-amd64", false},
        {"4.19.0", true},
        {"10.0.1", false},
        {"", false},
        {"six", false},
        {"6", false},
        {"6.x", false},
};

START_TEST(releases_are_compared_as_numbers)
{
	ck_assert_msg(kernel_release_before(releases[_i].release, 6, 2) == releases[_i].before, "\"%s\"",
	              releases[_i].release);
}
END_TEST

static const struct {
	const char *established, *fin_wait; /* NULL: no such sysctl */
	struct kernel_timeouts ipvs;
	const char *clashes;
} timeouts[] = {
        {"432000\n", "120\n", {900, 120, 300}, ""},
        {"86400", "120", {86400, 120, 300}, ""},
        {"600\n", "120\n", {900, 120, 300}, "--ipvs-tcp-timeout 900 600\n"},
        {"899\n", "119\n", {900, 120, 300}, "--ipvs-tcp-timeout 900 899\n--ipvs-tcpfin-timeout 120 119\n"},
        {"86400\n", "60\n", {900, 120, 300}, "--ipvs-tcpfin-timeout 120 60\n"},
        {NULL, "60\n", {900, 120, 300}, "--ipvs-tcpfin-timeout 120 60\n"},
        {NULL, NULL, {900, 120, 300}, ""},
        {"0\n", "0\n", {0, 0, 0}, ""},
        {"99999999999\n", "120\n", {4000000000, 120, 300}, ""},
};

START_TEST(connection_tracking_must_not_forget_before_ipvs_does)
{
	struct timeout_pair pairs[TIMEOUT_PAIRS];
	auto_text got = {0};
	if (timeouts[_i].established)
		have(ESTABLISHED, timeouts[_i].established);
	if (timeouts[_i].fin_wait)
		have(FIN_WAIT, timeouts[_i].fin_wait);
	size_t count = timeouts_that_clash(root, &timeouts[_i].ipvs, pairs);
	for (size_t i = 0; i < count; i++)
		text_addf(&got, "%s %u %u\n", pairs[i].ipvs_option, pairs[i].ipvs_seconds,
		          pairs[i].tracked_seconds);
	ck_assert_texts("what clashes", timeouts[_i].clashes, text_string(&got));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply: tuning");
	TCase *tests = tcase_create("tuning");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_knob_is_written_only_where_it_differs);
	tcase_add_test(tests, a_knob_that_the_kernel_lacks_is_not_there);
	tcase_add_loop_test(tests, releases_are_compared_as_numbers, 0,
	                    (int)(sizeof(releases) / sizeof(*releases)));
	tcase_add_loop_test(tests, connection_tracking_must_not_forget_before_ipvs_does, 0,
	                    (int)(sizeof(timeouts) / sizeof(*timeouts)));
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
