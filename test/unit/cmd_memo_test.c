#include "memo.h"

#include "support.h"

#include <string.h>

static void remember(void *context, const char *subject)
{
	strcat(context, subject);
	strcat(context, " ");
}

START_TEST(a_text_is_new_once)
{
	struct memo memo = {0};
	ck_assert(memo_put(&memo, "default/web", "no such scheduler"));
	ck_assert(!memo_put(&memo, "default/web", "no such scheduler"));
	ck_assert(memo_put(&memo, "default/api", "no such scheduler"));
	memo_done(&memo);
}
END_TEST

START_TEST(another_text_for_the_same_subject_is_new)
{
	struct memo memo = {0};
	ck_assert(memo_put(&memo, "default/web", "one"));
	ck_assert(memo_put(&memo, "default/web", "two"));
	ck_assert(!memo_put(&memo, "default/web", "two"));
	ck_assert_uint_eq(memo_count(&memo), 1);
	memo_done(&memo);
}
END_TEST

START_TEST(what_was_removed_is_new_again)
{
	struct memo memo = {0};
	memo_put(&memo, "a", "x");
	ck_assert(memo_has(&memo, "a"));
	ck_assert(memo_remove(&memo, "a"));
	ck_assert(!memo_has(&memo, "a"));
	ck_assert(!memo_remove(&memo, "a"));
	ck_assert(memo_put(&memo, "a", "x"));
	memo_done(&memo);
}
END_TEST

START_TEST(a_sweep_forgets_only_what_was_not_put_in_its_round)
{
	struct memo memo = {0};
	char forgotten[64] = "";
	memo_put(&memo, "a", "x");
	memo_put(&memo, "b", "x");
	memo_sweep(&memo, remember, forgotten);
	ck_assert_str_eq(forgotten, "");
	memo_begin_round(&memo);
	memo_put(&memo, "b", "x");
	memo_sweep(&memo, remember, forgotten);
	ck_assert_str_eq(forgotten, "a ");
	memo_begin_round(&memo);
	memo_sweep(&memo, remember, forgotten);
	ck_assert_str_eq(forgotten, "a b ");
	ck_assert_uint_eq(memo_count(&memo), 0);
	memo_done(&memo);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd memo");
	TCase *tests = tcase_create("memo");
	tcase_add_test(tests, a_text_is_new_once);
	tcase_add_test(tests, another_text_for_the_same_subject_is_new);
	tcase_add_test(tests, what_was_removed_is_new_again);
	tcase_add_test(tests, a_sweep_forgets_only_what_was_not_put_in_its_round);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
