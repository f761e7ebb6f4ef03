#include "base/log.h"
#include "support.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_pipe[2];
static char logged[20000];

static void open_pipe(void)
{
	ck_assert_int_eq(pipe(log_pipe), 0);
}

static void close_pipe(void)
{
	close(log_pipe[0]);
	close(log_pipe[1]);
}

static const char *what_was_logged(void)
{
	/* A mark, so that a read never waits for a line that was not written. */
	ck_assert_int_eq(write(log_pipe[1], "$", 1), 1);
	ssize_t length = read(log_pipe[0], logged, sizeof(logged) - 1);
	ck_assert_int_gt(length, 0);
	logged[length - 1] = '\0';
	return logged;
}

static struct log log_into_pipe(enum log_level most, int with_priority)
{
	return (struct log){.most = most, .fd = log_pipe[1], .with_priority = with_priority};
}

static void log_every_level(const struct log *log)
{
	log_error(log, "a %s", "error");
	log_warning(log, "a %s", "warning");
	log_info(log, "an %s", "info");
	log_debug(log, "a %s", "debug");
}

static const struct {
	enum log_level most;
	int with_priority;
	const char *lines;
} levels[] = {
        {LOG_LEVEL_ERROR, 0, "a error\n"},
        {LOG_LEVEL_WARNING, 0, "a error\na warning\n"},
        {LOG_LEVEL_INFO, 0, "a error\na warning\nan info\n"},
        {LOG_LEVEL_DEBUG, 0, "a error\na warning\nan info\na debug\n"},
        {LOG_LEVEL_DEBUG, 1, "<3>a error\n<4>a warning\n<6>an info\n<7>a debug\n"},
};

START_TEST(lines_up_to_the_most_talkative_level_are_printed)
{
	struct log log = log_into_pipe(levels[_i].most, levels[_i].with_priority);
	log_every_level(&log);
	ck_assert_texts("log", levels[_i].lines, what_was_logged());
}
END_TEST

START_TEST(a_message_is_one_line_whatever_a_name_holds)
{
	struct log log = log_into_pipe(LOG_LEVEL_INFO, 1);
	log_info(&log, "%s: read", "web\n<0>forged\t\x1b[31m\x7f");
	ck_assert_str_eq(what_was_logged(), "<6>web <0>forged  [31m : read\n");
}
END_TEST

START_TEST(letters_beyond_ascii_stay)
{
	struct log log = log_into_pipe(LOG_LEVEL_INFO, 0);
	log_info(&log, "gr\xc3\xbc\xc3\x9f"
	               "e.yaml: read");
	ck_assert_str_eq(what_was_logged(), "gr\xc3\xbc\xc3\x9f"
	                                    "e.yaml: read\n");
}
END_TEST

START_TEST(a_message_that_is_too_long_is_cut_and_still_a_line)
{
	struct log log = log_into_pipe(LOG_LEVEL_INFO, 1);
	log_info(&log, "%0*d", 15000, 7);
	const char *line = what_was_logged();
	ck_assert_uint_gt(strlen(line), 4000);
	ck_assert_uint_le(strlen(line), 8192);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

/* {"ts":"2026-11-21T12:00:00.123Z", which differs each time, is cut off. */
static const char *what_was_logged_behind_the_time(void)
{
	const char *line = what_was_logged();
	int year, month, day, hour, minute, second, milliseconds, length = 0;
	ck_assert_int_eq(sscanf(line, "{\"ts\":\"%4d-%2d-%2dT%2d:%2d:%2d.%3dZ\",%n", &year, &month, &day,
	                        &hour, &minute, &second, &milliseconds, &length),
	                 7);
	ck_assert_int_eq(length, 33);
	return line + length;
}

static const struct {
	const char *message;
	const char *rest;
} objects[] = {
        {"kernel: in sync", "\"level\":\"info\",\"msg\":\"kernel: in sync\"}\n"},
        {"", "\"level\":\"info\",\"msg\":\"\"}\n"},
        {"a \"b\" c:\\d", "\"level\":\"info\",\"msg\":\"a \\\"b\\\" c:\\\\d\"}\n"},
        {"two\nlines\t\x1b", "\"level\":\"info\",\"msg\":\"two lines  \"}\n"},
        {"gr\xc3\xbc\xc3\x9f"
         "e \xf0\x9f\x98\x80",
         "\"level\":\"info\",\"msg\":\"gr\xc3\xbc\xc3\x9f"
         "e \xf0\x9f\x98\x80\"}\n"},
        {"\xff \xc3 \xc0\x80 \xed\xa0\x80",
         "\"level\":\"info\",\"msg\":\"\xef\xbf\xbd \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd "
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}\n"},
};

START_TEST(a_line_of_json_is_an_object_whatever_a_name_holds)
{
	struct log log = log_into_pipe(LOG_LEVEL_INFO, 1);
	log.as_json = 1;
	log_info(&log, "%s", objects[_i].message);
	ck_assert_texts(objects[_i].message, objects[_i].rest, what_was_logged_behind_the_time());
}
END_TEST

START_TEST(a_line_of_json_names_its_level)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	struct log log = log_into_pipe(LOG_LEVEL_DEBUG, 0);
	char wanted[64];
	log.as_json = 1;
	log_write(&log, (enum log_level)_i, "x");
	snprintf(wanted, sizeof(wanted), "\"level\":\"%s\",\"msg\":\"x\"}\n", names[_i]);
	ck_assert_texts("level", wanted, what_was_logged_behind_the_time());
}
END_TEST

START_TEST(a_long_message_of_quotes_is_cut_and_still_json)
{
	struct log log = log_into_pipe(LOG_LEVEL_INFO, 0);
	char message[9001];
	log.as_json = 1;
	memset(message, '"', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	log_info(&log, "%s", message);
	const char *line = what_was_logged_behind_the_time();
	ck_assert_uint_gt(strlen(line), 8192);
	ck_assert_str_eq(line + strlen(line) - 5, "\\\"\"}\n");
}
END_TEST

START_TEST(errno_survives_a_message)
{
	struct log log = {.most = LOG_LEVEL_INFO, .fd = -1};
	errno = EEXIST;
	log_info(&log, "nobody reads this");
	ck_assert_int_eq(errno, EEXIST);
}
END_TEST

START_TEST(a_new_log_is_on_standard_error_at_info)
{
	struct log log;
	unsetenv("JOURNAL_STREAM");
	log_init(&log);
	ck_assert_int_eq(log.fd, STDERR_FILENO);
	ck_assert_int_eq(log.most, LOG_LEVEL_INFO);
	ck_assert_int_eq(log.with_priority, 0);
}
END_TEST

static void set_journal_stream(uintmax_t device, uintmax_t inode)
{
	char stream[64];
	snprintf(stream, sizeof(stream), "%ju:%ju", device, inode);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
}

START_TEST(priorities_are_written_where_the_journal_reads_standard_error)
{
	struct log log;
	struct stat status;
	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	set_journal_stream(status.st_dev, status.st_ino);
	log_init(&log);
	ck_assert_int_eq(log.with_priority, 1);
	set_journal_stream(status.st_dev, status.st_ino + 1);
	log_init(&log);
	ck_assert_int_eq(log.with_priority, 0);
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_init(&log);
	ck_assert_int_eq(log.with_priority, 0);
	unsetenv("JOURNAL_STREAM");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/log");
	TCase *cases = tcase_create("log");
	tcase_add_checked_fixture(cases, open_pipe, close_pipe);
	tcase_add_loop_test(cases, lines_up_to_the_most_talkative_level_are_printed, 0,
	                    (int)(sizeof(levels) / sizeof(levels[0])));
	tcase_add_test(cases, a_message_is_one_line_whatever_a_name_holds);
	tcase_add_test(cases, letters_beyond_ascii_stay);
	tcase_add_test(cases, a_message_that_is_too_long_is_cut_and_still_a_line);
	tcase_add_loop_test(cases, a_line_of_json_is_an_object_whatever_a_name_holds, 0,
	                    (int)(sizeof(objects) / sizeof(objects[0])));
	tcase_add_loop_test(cases, a_line_of_json_names_its_level, 0, LOG_LEVEL_DEBUG + 1);
	tcase_add_test(cases, a_long_message_of_quotes_is_cut_and_still_json);
	tcase_add_test(cases, errno_survives_a_message);
	tcase_add_test(cases, a_new_log_is_on_standard_error_at_info);
	tcase_add_test(cases, priorities_are_written_where_the_journal_reads_standard_error);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
