/*
 * Waiting before trying again (R1.6).
 */
#include "backoff.h"
#include "support.h"

START_TEST(the_longest_wait_doubles_from_800_ms_to_30_s)
{
	static const int64_t wanted[] = {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000};
	struct backoff backoff;
	backoff_init(&backoff, 0, 0);
	int64_t now = 1000;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		/* The chance that gives the longest wait. */
		int64_t wait = backoff_wait(&backoff, now, (uint32_t)wanted[i], 0);
		ck_assert_int_eq(wait, wanted[i]);
		now += wait;
	}
}
END_TEST

START_TEST(waits_are_spread_from_nothing_to_the_longest)
{
	for (uint32_t chance = 0; chance < 5000; chance++) {
		struct backoff backoff;
		backoff_init(&backoff, 100, 1000);
		int64_t wait = backoff_wait(&backoff, 0, chance, 0);
		ck_assert_int_ge(wait, 0);
		ck_assert_int_le(wait, 100);
		ck_assert_int_eq(wait, chance % 101);
	}
}
END_TEST

START_TEST(two_minutes_of_health_begin_it_anew)
{
	struct backoff backoff;
	backoff_init(&backoff, 0, 0);
	for (int i = 0; i < 10; i++)
		backoff_wait(&backoff, 0, 0, 0);
	ck_assert_int_eq(backoff_wait(&backoff, 119999, 30000, 0), 30000);
	/* Health begins when the wait is over. */
	ck_assert_int_eq(backoff_wait(&backoff, 149999 + 119999, 30000, 0), 30000);
	ck_assert_int_eq(backoff_wait(&backoff, 299998 + 120000, 800, 0), 800);
}
END_TEST

START_TEST(a_server_that_says_when_is_not_asked_earlier)
{
	for (uint32_t chance = 0; chance < 2000; chance += 7) {
		struct backoff backoff;
		backoff_init(&backoff, 0, 0);
		int64_t wait = backoff_wait(&backoff, 0, chance, 5000);
		ck_assert_int_ge(wait, 5000);
		ck_assert_int_le(wait, 5800);
	}
}
END_TEST

START_TEST(the_first_wait_is_never_longer_than_the_longest)
{
	struct backoff backoff;
	backoff_init(&backoff, 500, 20);
	ck_assert_int_le(backoff_wait(&backoff, 0, 499, 0), 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: back-off");
	TCase *waits = tcase_create("waits");
	tcase_add_test(waits, the_longest_wait_doubles_from_800_ms_to_30_s);
	tcase_add_test(waits, waits_are_spread_from_nothing_to_the_longest);
	tcase_add_test(waits, two_minutes_of_health_begin_it_anew);
	tcase_add_test(waits, a_server_that_says_when_is_not_asked_earlier);
	tcase_add_test(waits, the_first_wait_is_never_longer_than_the_longest);
	suite_add_tcase(suite, waits);
	return run_suite(suite);
}
