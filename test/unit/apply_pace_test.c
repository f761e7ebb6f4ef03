/*
 * How large the next portion is, by a model of what portions cost.
 */
#include "pace.h"
#include "plan_model.h"
#include "support.h"

enum { US = 1000, MS = 1000 * US, WANTED_MS = 15 };

/* What the kernel takes for a portion: a part for each transaction, which grows with what is there, and one for each. */
struct costs {
	int64_t fixed_ns, each_ns;
	int64_t per_present_ns; /* of the fixed part, for each that is there */
	unsigned noise_percent;
};

struct run {
	int64_t took_ns, longest_ns;
	int64_t least_ns; /* in one portion each as large as allowed */
	size_t portions;
};

static int64_t cost(const struct costs *costs, size_t present, size_t count)
{
	return costs->fixed_ns + costs->per_present_ns * (int64_t)present + costs->each_ns * (int64_t)count;
}

static struct run run_through(struct pace pace, const struct costs *costs, size_t total, unsigned seed)
{
	struct run run = {0};
	struct dice dice = {seed};
	for (size_t done = 0; done < total; run.portions++) {
		size_t count = pace.size < total - done ? pace.size : total - done;
		int64_t took = cost(costs, done, count);
		if (costs->noise_percent)
			took += took / 100 * dice_roll(&dice, costs->noise_percent);
		run.took_ns += took;
		if (took > run.longest_ns)
			run.longest_ns = took;
		done += count;
		if (done < total)
			pace_learn(&pace, count, took);
	}
	for (size_t done = 0; done < total; done += pace.most)
		run.least_ns += cost(costs, done, total - done < pace.most ? total - done : pace.most);
	return run;
}

static const struct pace elements = {.size = 128,
                                     .least = 64,
                                     .most = 4096,
                                     .wanted_ms = WANTED_MS,
                                     .has_fixed_part = true},
                         messages = {.size = 128, .least = 16, .most = 512, .wanted_ms = WANTED_MS};

START_TEST(a_portion_takes_the_time_that_it_should)
{
	const struct costs costs = {.each_ns = 40 * US};
	struct run run = run_through(elements, &costs, 20000, 1);
	ck_assert_int_le(run.longest_ns, WANTED_MS * MS);
	ck_assert_uint_le(run.portions, 20000 * 40 / (WANTED_MS * 1000) + 10);
}
END_TEST

START_TEST(portions_get_smaller_where_each_costs_more_and_more)
{
	struct pace pace = messages;
	for (int64_t each = 10 * US; each < 500 * US; each += each / 20) {
		ck_assert_int_le((int64_t)pace.size * each, 2 * WANTED_MS * MS);
		pace_learn(&pace, pace.size, (int64_t)pace.size * each);
	}
	ck_assert_uint_lt(pace.size, 64);
}
END_TEST

START_TEST(what_a_portion_costs_whatever_its_size_is_not_paid_for_ever_smaller_ones)
{
	const struct costs constant = {.fixed_ns = 60 * MS, .each_ns = 30 * US},
	                   growing = {.fixed_ns = 1 * MS, .each_ns = 35 * US, .per_present_ns = 400};
	struct run run = run_through(elements, &constant, 200000, 1);
	ck_assert_int_le(run.took_ns, 2 * run.least_ns);
	ck_assert_int_le(run.longest_ns, 4 * constant.fixed_ns);
	run = run_through(elements, &growing, 200000, 1);
	ck_assert_int_le(run.took_ns, 2 * run.least_ns);
	ck_assert_int_le(run.longest_ns, 4 * cost(&growing, 200000, 0));
}
END_TEST

START_TEST(noise_does_not_lead_it_astray)
{
	const struct costs costs = {
	        .fixed_ns = 1 * MS, .each_ns = 35 * US, .per_present_ns = 400, .noise_percent = 30};
	for (unsigned seed = 0; seed < 200; seed++) {
		struct run run = run_through(elements, &costs, 200000, seed);
		ck_assert_msg(run.took_ns <= 3 * run.least_ns,
		              "seed %u: %ld ms in %zu portions, %ld at least", seed, (long)(run.took_ns / MS),
		              run.portions, (long)(run.least_ns / MS));
	}
}
END_TEST

START_TEST(the_bounds_hold_whatever_is_told)
{
	struct dice dice = {7};
	struct pace pace = elements;
	for (unsigned i = 0; i < 100000; i++) {
		pace_learn(&pace, 1 + dice_roll(&dice, 5000), (int64_t)dice_roll(&dice, 1000) * MS);
		ck_assert_uint_ge(pace.size, pace.least);
		ck_assert_uint_le(pace.size, pace.most);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply: pace");
	TCase *cases = tcase_create("cases");
	tcase_add_test(cases, a_portion_takes_the_time_that_it_should);
	tcase_add_test(cases, portions_get_smaller_where_each_costs_more_and_more);
	tcase_add_test(cases, what_a_portion_costs_whatever_its_size_is_not_paid_for_ever_smaller_ones);
	tcase_add_test(cases, noise_does_not_lead_it_astray);
	tcase_add_test(cases, the_bounds_hold_whatever_is_told);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
