/*
 * Sorting in steps: whatever the steps, the same order as qsort's, and equal items stay as they were.
 */
#include "base/sorting.h"

#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 300 };

struct thing {
	int key;
	int number; /* where it was */
};

static int by_key(const void *a, const void *b)
{
	const struct thing *one = a, *other = b;
	return (one->key > other->key) - (one->key < other->key);
}

static int by_key_then_number(const void *a, const void *b)
{
	const struct thing *one = a, *other = b;
	int order = by_key(a, b);
	return order ? order : (one->number > other->number) - (one->number < other->number);
}

/* Sorts in slices of so many steps, and returns how many slices that took. */
static size_t sort_in_slices(struct thing *things, size_t count, size_t steps)
{
	struct sorting sorting;
	size_t slices = 1, left = steps;
	sorting_begin(&sorting, things, count, sizeof(*things), by_key);
	for (; !sorting_go_on(&sorting, &left); slices++) {
		ck_assert_uint_eq(left, 0);
		left = steps;
	}
	left = steps;
	ck_assert(sorting_go_on(&sorting, &left));
	ck_assert_uint_eq(left, steps);
	sorting_done(&sorting);
	return slices;
}

static void must_sort(size_t count, int keys, size_t steps)
{
	struct thing things[MOST], wanted[MOST];
	for (size_t i = 0; i < count; i++)
		things[i] = (struct thing){.key = rand() % keys, .number = (int)i};
	memcpy(wanted, things, sizeof(*things) * count);
	qsort(wanted, count, sizeof(*wanted), by_key_then_number);
	sort_in_slices(things, count, steps);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(things[i].key == wanted[i].key && things[i].number == wanted[i].number,
		              "of %zu in slices of %zu, number %zu is (%d, %d), not (%d, %d)", count, steps,
		              i, things[i].key, things[i].number, wanted[i].key, wanted[i].number);
}

START_TEST(every_count_is_sorted_in_slices_of_every_size)
{
	static const size_t steps[] = {1, 7, 1000000};
	for (size_t count = 0; count < 34; count++)
		for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
			must_sort(count, (int)count / 2 + 1, steps[i]);
	must_sort(MOST, 10, 3);
}
END_TEST

START_TEST(what_is_in_order_costs_little_and_stays)
{
	struct thing things[MOST];
	for (int i = 0; i < MOST; i++)
		things[i] = (struct thing){.key = i, .number = i};
	ck_assert_uint_eq(sort_in_slices(things, MOST, 1000000), 1);
	for (int i = 0; i < MOST; i++)
		ck_assert_int_eq(things[i].number, i);
}
END_TEST

START_TEST(a_slice_moves_no_more_than_it_may)
{
	struct thing things[MOST];
	for (int i = 0; i < MOST; i++)
		things[i] = (struct thing){.key = MOST - i, .number = i};
	/* 300 items, 9 rounds. */
	ck_assert_uint_ge(sort_in_slices(things, MOST, 100), 27);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base: sorting");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, every_count_is_sorted_in_slices_of_every_size);
	tcase_add_test(tests, what_is_in_order_costs_little_and_stays);
	tcase_add_test(tests, a_slice_moves_no_more_than_it_may);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
