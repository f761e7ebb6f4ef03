#include "base/arena.h"
#include "support.h"

#include <stdint.h>
#include <string.h>

static struct arena arena;

static void prepare(void)
{
	arena_init(&arena);
}

static void clean(void)
{
	arena_done(&arena);
}

/* A plain memset of memory that is never read again would be left out by the compiler. */
static void fill(char *memory, size_t size)
{
	volatile char *bytes = memory;
	for (size_t i = 0; i < size; i++)
		bytes[i] = 'x';
}

static void must_be_zero(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		ck_assert_int_eq(bytes[i], 0);
}

START_TEST(memory_is_zero_and_aligned_for_anything)
{
	for (size_t size = 1; size < 300; size++) {
		char *memory = arena_alloc(&arena, size);
		ck_assert_uint_eq((uintptr_t)memory % _Alignof(max_align_t), 0);
		must_be_zero(memory, size);
		fill(memory, size);
		arena_copy_bytes(&arena, "x", 1);
	}
}
END_TEST

START_TEST(memory_after_a_reset_is_zero_again)
{
	fill(arena_alloc(&arena, 2000), 2000);
	arena_reset(&arena);
	must_be_zero(arena_alloc(&arena, 2000), 2000);
}
END_TEST

START_TEST(allocations_do_not_overlap)
{
	enum { COUNT = 5000 };
	unsigned **numbers = arena_new_array(&arena, COUNT, unsigned *);
	for (unsigned i = 0; i < COUNT; i++) {
		numbers[i] = arena_new_array(&arena, 1 + i % 7, unsigned);
		for (unsigned j = 0; j < 1 + i % 7; j++)
			numbers[i][j] = i;
	}
	for (unsigned i = 0; i < COUNT; i++)
		for (unsigned j = 0; j < 1 + i % 7; j++)
			ck_assert_uint_eq(numbers[i][j], i);
}
END_TEST

START_TEST(a_first_small_allocation_takes_no_more_than_a_page)
{
	char *memory = arena_alloc(&arena, 1);
	ck_assert_int_gt(arena.end - memory, 1000);
	ck_assert_int_le(arena.end - memory, 4096);
}
END_TEST

static size_t room(void)
{
	return (size_t)(arena.end - arena.next);
}

START_TEST(blocks_grow_geometrically)
{
	size_t blocks = 0;
	char *end = NULL;
	for (size_t bytes = 0; bytes < 64u << 20; bytes += 1024) {
		arena_alloc(&arena, 1024);
		blocks += arena.end != end;
		end = arena.end;
	}
	ck_assert_uint_ge(blocks, 2);
	ck_assert_uint_le(blocks, 16);
}
END_TEST

START_TEST(an_allocation_larger_than_any_block_gets_one_of_its_own)
{
	char *small = arena_copy_text(&arena, "small");
	char *large = arena_alloc(&arena, 10u << 20);
	large[0] = large[(10u << 20) - 1] = 'x';
	ck_assert_str_eq(small, "small");
}
END_TEST

START_TEST(a_reset_keeps_the_largest_block)
{
	arena_alloc(&arena, 16);
	arena_alloc(&arena, 1u << 20);
	arena_reset(&arena);
	ck_assert_uint_ge(room(), 1u << 20);
	char *first = arena_alloc(&arena, 1000);
	arena_reset(&arena);
	ck_assert_ptr_eq(arena_alloc(&arena, 1000), first);
}
END_TEST

START_TEST(an_unused_arena_can_be_reset_and_done)
{
	arena_reset(&arena);
	ck_assert_ptr_null(arena.newest);
	arena_done(&arena);
	arena_alloc(&arena, 10);
	arena_done(&arena);
	ck_assert_ptr_null(arena.newest);
}
END_TEST

START_TEST(texts_are_copied_with_their_end)
{
	char source[] = "10.0.0.1";
	char *text = arena_copy_text(&arena, source);
	char *part = arena_copy_bytes(&arena, source, 2);
	char *nothing = arena_copy_bytes(&arena, NULL, 0);
	memset(source, 'x', sizeof(source));
	ck_assert_str_eq(text, "10.0.0.1");
	ck_assert_str_eq(part, "10");
	ck_assert_str_eq(nothing, "");
	ck_assert_ptr_null(arena_copy_text(&arena, NULL));
}
END_TEST

START_TEST(a_text_can_be_formatted_at_any_length)
{
	char *longer = arena_format(&arena, "%0*d", 20000, 7);
	ck_assert_str_eq(arena_format(&arena, "%s/%s:%d", "default", "web", 80), "default/web:80");
	ck_assert_uint_eq(strlen(longer), 20000);
	ck_assert_int_eq(longer[19999], '7');
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/arena");
	TCase *cases = tcase_create("arena");
	tcase_add_checked_fixture(cases, prepare, clean);
	tcase_add_test(cases, memory_is_zero_and_aligned_for_anything);
	tcase_add_test(cases, memory_after_a_reset_is_zero_again);
	tcase_add_test(cases, allocations_do_not_overlap);
	tcase_add_test(cases, a_first_small_allocation_takes_no_more_than_a_page);
	tcase_add_test(cases, blocks_grow_geometrically);
	tcase_add_test(cases, an_allocation_larger_than_any_block_gets_one_of_its_own);
	tcase_add_test(cases, a_reset_keeps_the_largest_block);
	tcase_add_test(cases, an_unused_arena_can_be_reset_and_done);
	tcase_add_test(cases, texts_are_copied_with_their_end);
	tcase_add_test(cases, a_text_can_be_formatted_at_any_length);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
