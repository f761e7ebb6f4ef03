#include "base/text.h"
#include "support.h"
#include "test_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[TEST_DIRECTORY_SIZE];
static char path[128];

static void make_folder(void)
{
	test_directory_make(folder);
	snprintf(path, sizeof(path), "%s/file", folder);
}

static int entries_of_folder(void)
{
	int count = 0;
	DIR *entries = opendir(folder);
	ck_assert_ptr_nonnull(entries);
	for (struct dirent *entry; (entry = readdir(entries));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(entries);
	return count;
}

static void remove_folder(void)
{
	test_directory_remove(folder);
}

static void write_file(const char *bytes)
{
	ck_assert_int_eq(text_write_file(path, bytes, strlen(bytes)), 0);
}

START_TEST(an_empty_text_is_an_empty_string)
{
	auto_text text = {0};
	ck_assert_str_eq(text_string(&text), "");
	text_clear(&text);
	text_add(&text, "");
	ck_assert_str_eq(text_string(&text), "");
	ck_assert_uint_eq(text.length, 0);
}
END_TEST

START_TEST(pieces_are_joined_and_ended)
{
	auto_text text = {0};
	text_add(&text, "-A -t ");
	text_add_bytes(&text, "10.0.0.1xxx", 8);
	text_add_char(&text, ':');
	text_add_number(&text, 80);
	text_addf(&text, " -s %s -w %d", "rr", 1);
	ck_assert_str_eq(text_string(&text), "-A -t 10.0.0.1:80 -s rr -w 1");
	ck_assert_uint_eq(text.length, strlen(text.bytes));
	text_clear(&text);
	ck_assert_str_eq(text_string(&text), "");
	text_add_bytes(&text, NULL, 0);
	text_add_char(&text, 'x');
	ck_assert_str_eq(text_string(&text), "x");
}
END_TEST

static const struct {
	uint64_t number;
	const char *text;
} numbers[] = {
        {0, "0"}, {7, "7"}, {10, "10"}, {65535, "65535"}, {UINT64_MAX, "18446744073709551615"},
};

START_TEST(numbers_are_written_in_decimal)
{
	auto_text text = {0};
	text_add_number(&text, numbers[_i].number);
	ck_assert_str_eq(text_string(&text), numbers[_i].text);
}
END_TEST

/* Check's assertions tell their parent each time that they were there: too slow for this many. */
START_TEST(a_text_grows_to_any_length)
{
	auto_text text = {0};
	unsigned length = test_rounds(100000), wrong = 0;
	for (unsigned i = 0; i < length; i++) {
		text_add_number(&text, i % 10);
		wrong += text.length != i + 1 || text.bytes[i + 1] != '\0';
	}
	for (unsigned i = 0; i < length; i++)
		wrong += text.bytes[i] != (char)('0' + i % 10);
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* Around every length at which the first growth may happen. */
START_TEST(a_formatted_piece_fits_whatever_room_is_left)
{
	for (int before = 0; before < 600; before++) {
		auto_text text = {0};
		text_addf(&text, "%*s", before, "");
		text_addf(&text, "%0*d", 300, 7);
		ck_assert_uint_eq(text.length, (size_t)before + 300);
		ck_assert_uint_eq(strlen(text.bytes), text.length);
		ck_assert_int_eq(text.bytes[text.length - 1], '7');
	}
}
END_TEST

START_TEST(reserved_room_is_where_the_caller_adds)
{
	auto_text text = {0};
	text_add(&text, "a");
	memset(text_reserve(&text, 5000), 'b', 5000);
	text.length += 5000;
	text_add_char(&text, 'c');
	ck_assert_uint_eq(strlen(text_string(&text)), 5002);
	ck_assert_int_eq(text.bytes[5000], 'b');
	ck_assert_int_eq(text.bytes[5001], 'c');
}
END_TEST

START_TEST(a_written_file_is_read_back)
{
	auto_text text = {0};
	write_file("first\nsecond\n");
	text_add(&text, "before ");
	ck_assert_int_eq(text_read_file(path, 100, &text), 0);
	ck_assert_str_eq(text_string(&text), "before first\nsecond\n");
}
END_TEST

START_TEST(a_large_file_is_read_whole_with_its_zero_bytes)
{
	enum { SIZE = 3 * 1000 * 1000 };
	char *bytes = malloc(SIZE);
	ck_assert_ptr_nonnull(bytes);
	for (int i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * 7);
	ck_assert_int_eq(text_write_file(path, bytes, SIZE), 0);
	auto_text text = {0};
	ck_assert_int_eq(text_read_file(path, SIZE, &text), 0);
	ck_assert_uint_eq(text.length, SIZE);
	ck_assert(memcmp(text.bytes, bytes, SIZE) == 0);
	free(bytes);
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused_and_the_text_stays)
{
	auto_text text = {0};
	write_file("12345");
	text_add(&text, "kept");
	ck_assert_int_eq(text_read_file(path, 4, &text), -EFBIG);
	ck_assert_str_eq(text_string(&text), "kept");
	ck_assert_int_eq(text_read_file(path, 0, &text), -EFBIG);
	ck_assert_str_eq(text_string(&text), "kept");
	ck_assert_int_eq(text_read_file(path, 5, &text), 0);
	ck_assert_str_eq(text_string(&text), "kept12345");
}
END_TEST

/* A file of /proc says that it has no size. */
START_TEST(a_file_of_unknown_size_is_read_and_limited_too)
{
	auto_text text = {0};
	ck_assert_int_eq(text_read_file("/proc/self/status", 65536, &text), 0);
	ck_assert_uint_gt(text.length, 100);
	ck_assert_int_eq(text_read_file("/proc/self/status", 100, &text), -EFBIG);
	auto_text endless = {0};
	ck_assert_int_eq(text_read_file("/dev/zero", 1000000, &endless), -EFBIG);
	ck_assert_uint_eq(endless.length, 0);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_errno)
{
	auto_text text = {0};
	text_add(&text, "kept");
	ck_assert_int_eq(text_read_file(path, 100, &text), -ENOENT);
	ck_assert_int_eq(text_read_file(folder, 100000, &text), -EISDIR);
	ck_assert_str_eq(text_string(&text), "kept");
}
END_TEST

START_TEST(a_replaced_file_is_another_file_and_nothing_lies_beside_it)
{
	char old[4] = "";
	write_file("old");
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	write_file("new content");
	ck_assert_int_eq(read(fd, old, sizeof(old)), 3);
	ck_assert_mem_eq(old, "old", 3); /* who has it open still reads the old one whole */
	close(fd);
	char *now = read_test_file(path);
	ck_assert_str_eq(now, "new content");
	free(now);
	ck_assert_int_eq(entries_of_folder(), 1);
	struct stat status;
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0644);
}
END_TEST

START_TEST(a_file_that_cannot_be_replaced_leaves_nothing_behind)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(text_write_file(path, "x", 1), -EISDIR);
	ck_assert_int_eq(entries_of_folder(), 1);
	char missing[160];
	snprintf(missing, sizeof(missing), "%s/no/such", folder);
	ck_assert_int_eq(text_write_file(missing, "x", 1), -ENOENT);
	ck_assert_int_eq(text_write_file("/dev/full/x", "x", 1), -ENOTDIR);
}
END_TEST

START_TEST(a_name_without_a_folder_is_in_the_working_folder)
{
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(text_write_file("file", "here", 4), 0);
	ck_assert_int_eq(chdir("/"), 0);
	auto_text text = {0};
	ck_assert_int_eq(text_read_file(path, 100, &text), 0);
	ck_assert_str_eq(text_string(&text), "here");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/text");
	TCase *cases = tcase_create("text");
	tcase_add_test(cases, an_empty_text_is_an_empty_string);
	tcase_add_test(cases, pieces_are_joined_and_ended);
	tcase_add_loop_test(cases, numbers_are_written_in_decimal, 0,
	                    (int)(sizeof(numbers) / sizeof(numbers[0])));
	tcase_add_test(cases, a_text_grows_to_any_length);
	tcase_add_test(cases, a_formatted_piece_fits_whatever_room_is_left);
	tcase_add_test(cases, reserved_room_is_where_the_caller_adds);
	suite_add_tcase(suite, cases);
	TCase *files = tcase_create("files");
	tcase_add_checked_fixture(files, make_folder, remove_folder);
	tcase_add_test(files, a_written_file_is_read_back);
	tcase_add_test(files, a_large_file_is_read_whole_with_its_zero_bytes);
	tcase_add_test(files, a_file_over_the_limit_is_refused_and_the_text_stays);
	tcase_add_test(files, a_file_of_unknown_size_is_read_and_limited_too);
	tcase_add_test(files, a_file_that_cannot_be_read_is_an_errno);
	tcase_add_test(files, a_replaced_file_is_another_file_and_nothing_lies_beside_it);
	tcase_add_test(files, a_file_that_cannot_be_replaced_leaves_nothing_behind);
	tcase_add_test(files, a_name_without_a_folder_is_in_the_working_folder);
	suite_add_tcase(suite, files);
	return run_suite(suite);
}
