#include "base/memory.h"
#include "base/vector.h"
#include "support.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct pair {
	int number;
	const char *text;
};

START_TEST(an_empty_vector_has_nothing_to_visit)
{
	vector_of(int) numbers = {0};
	vector_for_each (&numbers, number)
		ck_abort_msg("visited %d", *number);
	ck_assert_uint_eq(numbers.count, 0);
	vector_done(&numbers);
	ck_assert_ptr_null(numbers.items);
}
END_TEST

START_TEST(items_are_kept_in_the_order_of_pushing)
{
	vector_of(int) numbers = {0};
	int wanted = 0, wrong = 0;
	unsigned count = test_rounds(100000);
	for (unsigned i = 0; i < count; i++)
		vector_push(&numbers, (int)i);
	ck_assert_uint_eq(numbers.count, count);
	ck_assert_uint_ge(numbers.capacity, numbers.count);
	vector_for_each (&numbers, number) {
		wrong += *number != wanted;
		wanted++;
	}
	ck_assert_int_eq(wrong, 0);
	ck_assert_int_eq(wanted, (int)count);
	vector_done(&numbers);
}
END_TEST

START_TEST(a_compound_item_can_be_pushed_as_written)
{
	vector_of(struct pair) pairs = {0};
	vector_push(&pairs, (struct pair){7, "seven"});
	vector_push(&pairs, (struct pair){.number = 8, .text = "eight"});
	ck_assert_int_eq(pairs.items[0].number, 7);
	ck_assert_str_eq(pairs.items[1].text, "eight");
	vector_done(&pairs);
}
END_TEST

START_TEST(a_cleared_vector_keeps_its_memory)
{
	vector_of(int) numbers = {0};
	vector_push(&numbers, 1);
	int *items = numbers.items;
	vector_clear(&numbers);
	ck_assert_uint_eq(numbers.count, 0);
	vector_push(&numbers, 2);
	ck_assert_ptr_eq(numbers.items, items);
	ck_assert_int_eq(numbers.items[0], 2);
	vector_done(&numbers);
}
END_TEST

START_TEST(memory_is_zeroed_resized_and_freed_at_the_end_of_a_block)
{
	auto_free char *bytes = memory_alloc(100);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(bytes[i], 0);
	memset(bytes, 'x', 100);
	bytes = memory_resize(bytes, 1000, 10);
	ck_assert_int_eq(bytes[99], 'x');
	auto_free char *copy = memory_copy_text("text");
	ck_assert_str_eq(copy, "text");
	auto_free char *nothing = memory_alloc(0);
	auto_free char *still_nothing = memory_resize(NULL, 0, 8);
	ck_assert_ptr_nonnull(nothing);
	ck_assert_ptr_nonnull(still_nothing);
}
END_TEST

START_TEST(a_size_beyond_all_memory_ends_the_program)
{
	/* volatile: the compiler is not to reason about the size. */
	volatile size_t count = SIZE_MAX / 4;
	free(memory_resize(NULL, count, 8));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/vector");
	TCase *cases = tcase_create("vector");
	tcase_add_test(cases, an_empty_vector_has_nothing_to_visit);
	tcase_add_test(cases, items_are_kept_in_the_order_of_pushing);
	tcase_add_test(cases, a_compound_item_can_be_pushed_as_written);
	tcase_add_test(cases, a_cleared_vector_keeps_its_memory);
	tcase_add_test(cases, memory_is_zeroed_resized_and_freed_at_the_end_of_a_block);
	const char *fork_mode = getenv("CK_FORK");
	if (!fork_mode || strcmp(fork_mode, "no") != 0)
		tcase_add_test_raise_signal(cases, a_size_beyond_all_memory_ends_the_program, SIGABRT);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
