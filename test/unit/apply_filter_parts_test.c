/*
 * Where a large run of filter changes may be cut.
 */
#include "filter_parts.h"
#include "support.h"

#include <string.h>

enum { MOST = 20000 };

static struct filter_element elements[MOST];
static struct change changes[MOST];
static size_t count;
static struct arena arena;

static void prepare(void)
{
	count = 0;
}

static void clean(void)
{
	arena_done(&arena);
}

static void add(enum change_kind change, enum filter_kind kind, unsigned address, uint16_t port)
{
	struct filter_element *element = &elements[count];
	*element = (struct filter_element){.kind = (uint8_t)kind, .port = port};
	if (kind != FILTER_HEALTH_CHECK_PORT)
		element->address = (struct address){
		        .family = FAMILY_IPV4,
		        .bytes = {10, (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address}};
	changes[count++] = (struct change){.kind = (uint8_t)change, .filter = element};
}

/* Whatever else: all changes are in one part each, and no part is empty. Returns their number. */
static size_t cut(struct change **ordered, size_t ret_ends[static MOST])
{
	size_t parts = 0;
	for (size_t start = 0; start < count; start = ret_ends[parts++]) {
		ret_ends[parts] = filter_parts_end(ordered, count, start, FILTER_PART_MOST);
		ck_assert_uint_gt(ret_ends[parts], start);
		ck_assert_uint_le(ret_ends[parts], count);
	}
	return parts;
}

static size_t ends[MOST];

START_TEST(a_run_that_is_not_large_stays_as_it_is)
{
	for (unsigned i = 0; i < FILTER_PART_LEAST; i++)
		add(i % 2 ? CHANGE_FILTER_ADD : CHANGE_FILTER_RESTRICT, i % 6, FILTER_PART_LEAST - i, 80);
	struct change **ordered = filter_parts_order(&arena, changes, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_eq(ordered[i], &changes[i]);
	ck_assert_uint_eq(cut(ordered, ends), 1);
}
END_TEST

/* Each kind in a row of its own, as diff has them. */
START_TEST(what_an_address_needs_is_never_cut)
{
	static const enum filter_kind kinds[] = {FILTER_HELD_ADDRESS, FILTER_SERVICE_PORT,
	                                         FILTER_SOURCE_RANGE, FILTER_REDIRECT};
	for (unsigned k = 0; k < 4; k++)
		for (unsigned address = 0; address < 4000; address++)
			add(k == 2 && address % 3 == 0 ? CHANGE_FILTER_RESTRICT : CHANGE_FILTER_ADD, kinds[k],
			    address * 7 % 4000, 80);
	struct change **ordered = filter_parts_order(&arena, changes, count);
	size_t parts = cut(ordered, ends);
	ck_assert_uint_eq(parts, 4);
	for (size_t i = 0; i + 1 < parts; i++) {
		ck_assert_uint_le(ends[i] - (i ? ends[i - 1] : 0), FILTER_PART_MOST);
		ck_assert(!address_equal(&ordered[ends[i] - 1]->filter->address,
		                         &ordered[ends[i]]->filter->address));
	}
}
END_TEST

START_TEST(an_address_with_very_many_ports_is_one_part)
{
	for (unsigned i = 0; i < 100; i++)
		add(CHANGE_FILTER_ADD, FILTER_SERVICE_PORT, i, 80);
	for (unsigned i = 0; i < 10000; i++)
		add(CHANGE_FILTER_ADD, FILTER_SERVICE_PORT, 50, (uint16_t)(1000 + i));
	struct change **ordered = filter_parts_order(&arena, changes, count);
	ck_assert_uint_eq(cut(ordered, ends), 3);
	ck_assert_uint_eq(ends[0], 50);
	ck_assert_uint_eq(ends[1], 50 + 10001);
	ck_assert_uint_eq(ends[2], count);
}
END_TEST

START_TEST(what_protects_nothing_comes_first_and_goes_last)
{
	add(CHANGE_FILTER_REMOVE, FILTER_HAIRPIN, 1, 0);
	add(CHANGE_FILTER_REMOVE, FILTER_HEALTH_CHECK_PORT, 0, 30000);
	for (unsigned i = 0; i < 5000; i++)
		add(CHANGE_FILTER_ADD, FILTER_HELD_ADDRESS, i, 0);
	add(CHANGE_FILTER_ADD, FILTER_HAIRPIN, 9, 0);
	add(CHANGE_FILTER_ADD, FILTER_HEALTH_CHECK_PORT, 0, 30001);
	struct change **ordered = filter_parts_order(&arena, changes, count);
	ck_assert_ptr_eq(ordered[0], &changes[5002]);
	ck_assert_ptr_eq(ordered[1], &changes[5003]);
	ck_assert_ptr_eq(ordered[count - 2], &changes[0]);
	ck_assert_ptr_eq(ordered[count - 1], &changes[1]);
	ck_assert_uint_eq(cut(ordered, ends), 2);
}
END_TEST

START_TEST(elements_without_an_address_can_be_cut_anywhere)
{
	for (unsigned i = 0; i < 9000; i++)
		add(CHANGE_FILTER_ADD, FILTER_HEALTH_CHECK_PORT, 0, (uint16_t)(20000 + i));
	struct change **ordered = filter_parts_order(&arena, changes, count);
	ck_assert_uint_eq(cut(ordered, ends), 3);
	ck_assert_uint_eq(ends[0], FILTER_PART_MOST);
	ck_assert_uint_eq(ends[1], 2 * FILTER_PART_MOST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply: filter parts");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, prepare, clean);
	tcase_add_test(all, a_run_that_is_not_large_stays_as_it_is);
	tcase_add_test(all, what_an_address_needs_is_never_cut);
	tcase_add_test(all, an_address_with_very_many_ports_is_one_part);
	tcase_add_test(all, what_protects_nothing_comes_first_and_goes_last);
	tcase_add_test(all, elements_without_an_address_can_be_cut_anywhere);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
