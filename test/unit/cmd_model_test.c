/*
 * Random histories against a plain reference: after every operation the kernel holds what the reference says, nothing wanted
 * was removed on the way, and nothing was sent without need.
 *
 *	TEST_ROUNDS  histories, of 500 operations each; 200 unless said
 *	TEST_SEED    of the first history, 1 unless said; the next has the next
 *
 * A history that fails is made smaller, by leaving out what it fails without, and told.
 */
#include "model_history.h"

#include "support.h"

#include "base/check.h"
#include "base/memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 200, LENGTH = 500 };

static uint64_t first_seed(void)
{
	const char *text = getenv("TEST_SEED");
	return text && *text ? strtoull(text, NULL, 10) : 1;
}

/* In a process of its own, since it may also end in an abort. */
static bool fails(const struct history *history)
{
	int status = -1;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		int nowhere = open("/dev/null", O_WRONLY);
		dup2(nowhere, STDERR_FILENO);
		struct verdict verdict;
		history_live(history, false, &verdict);
		_exit(verdict.failed ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return status != 0;
}

/* The history without `count` operations from `at` on. */
static struct history shorter(const struct history *history, size_t at, size_t count)
{
	struct history left = {.excluding = history->excluding};
	for (size_t i = 0; i < history->operations.count; i++)
		if (i < at || i >= at + count)
			vector_push(&left.operations, history->operations.items[i]);
	return left;
}

/* True: something could be left out. */
static bool leave_out(struct history *history, size_t count)
{
	bool any = false;
	for (size_t at = 0; at < history->operations.count;) {
		struct history left = shorter(history, at, count);
		if (fails(&left)) {
			history_done(history);
			*history = left;
			any = true;
		} else {
			history_done(&left);
			at += count;
		}
	}
	return any;
}

static void shrink(struct history *history)
{
	size_t count = history->operations.count / 2;
	while (count > 0)
		if (!leave_out(history, count) || count > 1)
			count /= 2;
}

/* Tells the small case, and fails. */
static void tell(uint64_t seed, struct history *history)
{
	struct verdict verdict;
	fprintf(stderr, "seed %" PRIu64 " fails; making it smaller...\n", seed);
	shrink(history);
	fprintf(stderr, "seed %" PRIu64 ", %zu operations left%s:\n", seed, history->operations.count,
	        history->excluding ? ", 192.0.2.30/32 is excluded" : "");
	history_live(history, true, &verdict);
	fprintf(stderr, "%s%s\n", text_string(&verdict.story), text_string(&verdict.sentence));
	ck_assert_texts(text_string(&verdict.sentence), text_string(&verdict.wanted),
	                text_string(&verdict.got));
	ck_abort_msg("seed %" PRIu64 ": %s", seed, text_string(&verdict.sentence));
}

START_TEST(the_daemon_agrees_with_the_reference_after_every_operation)
{
	uint64_t first = first_seed();
	unsigned rounds = test_rounds(ROUNDS);
	printf("%u histories of %d operations, from seed %" PRIu64 " on\n", rounds, LENGTH, first);
	fflush(stdout);
	for (uint64_t seed = first; seed < first + rounds; seed++) {
		struct history history;
		history_roll(seed, LENGTH, &history);
		if (fails(&history))
			tell(seed, &history);
		history_done(&history);
	}
}
END_TEST

/* Once in this process, where leaks are seen. */
START_TEST(a_history_leaves_nothing_behind)
{
	struct history history;
	struct verdict verdict;
	history_roll(first_seed(), LENGTH / 5, &history);
	history_live(&history, true, &verdict);
	ck_assert_msg(!verdict.failed, "%s", text_string(&verdict.sentence));
	ck_assert_ptr_nonnull(strstr(text_string(&verdict.story), "restart"));
	verdict_done(&verdict);
	history_done(&history);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd model");
	TCase *tests = tcase_create("model");
	tcase_set_timeout(tests, 1800);
	tcase_add_test(tests, the_daemon_agrees_with_the_reference_after_every_operation);
	tcase_add_test(tests, a_history_leaves_nothing_behind);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
