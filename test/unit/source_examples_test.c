/*
 * What contrib offers to be applied is read here without a fault.
 */
#include "source/manifest.h"

#include "base/memory.h"
#include "support.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define CONTRIB TEST_DATA "/../contrib/"

/* Decodes every file that matches; gives how many there were. */
static size_t decode_all(const char *pattern, struct decoded *ret_sum)
{
	glob_t found;
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	size_t count = found.gl_pathc;
	for (size_t i = 0; i < count; i++) {
		struct decoded decoded;
		struct fault fault = {0};
		char line[FAULT_TEXT_SIZE];
		char *text auto_free = read_test_file(found.gl_pathv[i]);
		int r = manifest_decode(found.gl_pathv[i], text, strlen(text), &decoded, &fault);
		ck_assert_msg(r == 0, "%s", fault_format(&fault, line));
		ret_sum->service_count += decoded.service_count;
		ret_sum->slice_count += decoded.slice_count;
		ret_sum->node_count += decoded.node_count;
		ret_sum->ignored += decoded.ignored;
		decoded_done(&decoded);
	}
	globfree(&found);
	return count;
}

START_TEST(the_examples_are_services_and_their_slices)
{
	struct decoded sum = {0};
	ck_assert_uint_ge(decode_all(CONTRIB "examples/*.yaml", &sum), 3);
	ck_assert_uint_ge(sum.service_count, 3);
	ck_assert_uint_ge(sum.slice_count, 3);
	ck_assert_uint_eq(sum.ignored, 0);
}
END_TEST

START_TEST(the_files_for_a_cluster_are_valid_and_of_other_kinds)
{
	struct decoded sum = {0};
	ck_assert_uint_ge(decode_all(CONTRIB "kubernetes/*.yaml", &sum), 2);
	ck_assert_uint_eq(sum.service_count + sum.slice_count + sum.node_count, 0);
	ck_assert_uint_eq(sum.ignored, 4); /* ServiceAccount, ClusterRole, its binding, DaemonSet */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: examples");
	TCase *files = tcase_create("files");
	tcase_add_test(files, the_examples_are_services_and_their_slices);
	tcase_add_test(files, the_files_for_a_cluster_are_valid_and_of_other_kinds);
	suite_add_tcase(suite, files);
	return run_suite(suite);
}
