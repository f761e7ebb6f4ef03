#include "support.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t line_length(const char *text)
{
	return strcspn(text, "\n");
}

static const char *next_line(const char *text)
{
	text += line_length(text);
	return *text == '\n' ? text + 1 : text;
}

static void print_side_by_side(const char *wanted, const char *got)
{
	fprintf(stderr, "  %-72s | %s\n", "WANTED", "GOT");
	while (*wanted || *got) {
		size_t wanted_length = line_length(wanted), got_length = line_length(got);
		int same = wanted_length == got_length && memcmp(wanted, got, wanted_length) == 0;
		fprintf(stderr, "%s %-72.*s | %.*s\n", same ? " " : "!", (int)wanted_length, wanted,
		        (int)got_length, got);
		wanted = next_line(wanted);
		got = next_line(got);
	}
}

void texts_must_be_equal(const char *file, int line, const char *what, const char *wanted, const char *got)
{
	if (strcmp(wanted, got) == 0) {
		mark_point();
		return;
	}
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	print_side_by_side(wanted, got);
	ck_abort_msg("%s: the texts differ (printed above)", what);
}

char *read_test_file(const char *path)
{
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s cannot be opened", path);
	char *text = NULL;
	size_t size = 0, length = 0, got = 0;
	do {
		size = size ? 2 * size : 65536;
		text = realloc(text, size + 1);
		ck_assert_ptr_nonnull(text);
		got = fread(text + length, 1, size - length, file);
		length += got;
	} while (got > 0 && length == size);
	while ((got = fread(text + length, 1, size - length, file)) > 0)
		length += got;
	ck_assert_msg(!ferror(file), "%s cannot be read", path);
	fclose(file);
	text[length] = '\0';
	return text;
}

unsigned test_rounds(unsigned usual)
{
	const char *text = getenv("TEST_ROUNDS");
	unsigned long rounds = text ? strtoul(text, NULL, 10) : 0;
	return rounds > 0 && rounds <= UINT_MAX ? (unsigned)rounds : usual;
}

int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool can_enter_network_namespace(void)
{
	return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

void enter_network_namespace(void)
{
	ck_assert(can_enter_network_namespace());
}

bool skip_without_network_namespace(const char *suite, int *ret_status)
{
	pid_t child = fork();
	int status = -1;
	if (child == 0)
		_exit(can_enter_network_namespace() ? EXIT_SUCCESS : EXIT_FAILURE);
	if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
		return false;
	const char *ci = getenv("CI");
	printf("SKIPPED: %s: no network namespace can be made here\n", suite);
	*ret_status = ci && strcmp(ci, "true") == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	return true;
}
