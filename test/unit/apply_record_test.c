/*
 * The record of virtual servers that are ours on addresses which the dummy does not hold.
 */
#include "apply/record.h"
#include "base/text.h"
#include "fake_objects.h"
#include "support.h"
#include "test_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char root[TEST_DIRECTORY_SIZE], directory[128], file[192];
static struct arena arena;
static struct virtual_server_key *keys;
static size_t count, unreadable;

static void start(void)
{
	test_directory_make(root);
	snprintf(directory, sizeof(directory), "%s/run", root);
	snprintf(file, sizeof(file), "%s/virtual-servers", directory);
	arena_init(&arena);
}

static void end(void)
{
	arena_done(&arena);
	/* Not with all that is in it: nothing else may be left there. */
	chmod(file, 0644);
	unlink(file);
	rmdir(file);
	rmdir(directory);
	unlink(directory);
	ck_assert_int_eq(rmdir(root), 0);
}

static void have_file(const char *bytes, size_t length)
{
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	ck_assert_int_eq(text_write_file(file, bytes, length), 0);
}

static void keys_must_be(const char *wanted)
{
	auto_text text = {0};
	char name[VIRTUAL_SERVER_TEXT_SIZE];
	for (size_t i = 0; i < count; i++)
		text_addf(&text, "%s\n", virtual_server_key_format(&keys[i], name));
	ck_assert_texts("the record", wanted, text_string(&text));
}

static struct virtual_server_key make_key(const char *address, uint16_t port, uint8_t protocol)
{
	return (struct virtual_server_key){
	        .address = make_address(address), .port = port, .protocol = protocol};
}

START_TEST(what_was_written_is_read_again_ascending)
{
	start();
	const struct virtual_server_key written[] = {
	        make_key("fd00::1", 30080, PROTOCOL_TCP),
	        make_key("192.0.2.10", 30053, PROTOCOL_UDP),
	        make_key("192.0.2.10", 30080, PROTOCOL_TCP),
	        make_key("192.0.2.10", 65535, PROTOCOL_SCTP),
	};
	auto_text text = {0};
	ck_assert_int_eq(record_write(directory, written, 4, NULL), 0);
	ck_assert_int_eq(text_read_file(file, 10000, &text), 0);
	ck_assert_texts("the file",
	                "-t [fd00::1]:30080\n-u 192.0.2.10:30053\n-t 192.0.2.10:30080\n"
	                "--sctp-service 192.0.2.10:65535\n",
	                text_string(&text));
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
	ck_assert_uint_eq(unreadable, 0);
	keys_must_be("TCP 192.0.2.10:30080\nUDP 192.0.2.10:30053\nSCTP 192.0.2.10:65535\n"
	             "TCP [fd00::1]:30080\n");
	end();
}
END_TEST

START_TEST(a_record_is_replaced_whole_and_may_be_empty)
{
	start();
	const struct virtual_server_key key = make_key("192.0.2.10", 30080, PROTOCOL_TCP);
	ck_assert_int_eq(record_write(directory, &key, 1, NULL), 0);
	ck_assert_int_eq(record_write(directory, NULL, 0, NULL), 0);
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(access(file, F_OK), 0);
	end();
}
END_TEST

START_TEST(no_file_and_no_directory_are_an_empty_record)
{
	start();
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
	ck_assert_uint_eq(count, 0);
	end();
}
END_TEST

static const struct {
	const char *content;
	const char *keys;
	size_t unreadable;
} damage_rows[] = {
        {"", "", 0},
        {"-t 192.0.2.10:30080", "TCP 192.0.2.10:30080\n", 0},
        {"\n\n-t 192.0.2.10:30080\n\n", "TCP 192.0.2.10:30080\n", 0},
        {"-t 192.0.2.10:30080\n-t 192.0.2.10:30080\n", "TCP 192.0.2.10:30080\n", 0},
        {"-u 192.0.2.10:1\nrubbish\n-t 192.0.2.10:2\n", "TCP 192.0.2.10:2\nUDP 192.0.2.10:1\n", 1},
        {"-x 192.0.2.10:1\n", "", 1},
        {"-t 192.0.2.10\n", "", 1},
        {"-t 192.0.2.10:\n", "", 1},
        {"-t 192.0.2.10:http\n", "", 1},
        {"-t 192.0.2.10:65536\n", "", 1},
        {"-t 192.0.2.10:99999999999999999999\n", "", 1},
        {"-t 192.0.2.10:-1\n", "", 1},
        {"-t 192.0.2.10:80 -s rr\n", "", 1},
        {"-t 192.0.2:80\n", "", 1},
        {"-t fd00::1:80\n", "", 1},
        {"-t [fd00::1:80\n", "", 1},
        {"-t [fd00::1]80\n", "", 1},
        {"-t [192.0.2.10]:80\n", "", 1},
        {"-t []:80\n", "", 1},
        {"-t :80\n", "", 1},
        {"-t\n", "", 1},
        {"-f 7\n", "", 1},
        {"-t 0000000000000000000000000000000000000000000000000000000000000000000:80\n", "", 1},
};

START_TEST(lines_that_cannot_be_read_are_left_out_and_counted)
{
	start();
	have_file(damage_rows[_i].content, strlen(damage_rows[_i].content));
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
	keys_must_be(damage_rows[_i].keys);
	ck_assert_uint_eq(unreadable, damage_rows[_i].unreadable);
	end();
}
END_TEST

START_TEST(a_nul_byte_spoils_its_line_and_no_other)
{
	start();
	const char content[] = "-t 192.0.2.10:1\n-t 192.0.2.10:2\0\n-t 192.0.2.10:3\n";
	have_file(content, sizeof(content) - 1);
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
	keys_must_be("TCP 192.0.2.10:1\nTCP 192.0.2.10:3\n");
	ck_assert_uint_eq(unreadable, 1);
	end();
}
END_TEST

START_TEST(a_record_that_is_there_and_cannot_be_read_is_a_failure)
{
	start();
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	ck_assert_int_eq(mkdir(file, 0755), 0);
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), -EISDIR);
	end();
}
END_TEST

START_TEST(a_record_that_cannot_be_written_is_explained_and_the_old_one_stands)
{
	start();
	struct fault fault = {0};
	char expected[512];
	ck_assert_int_eq(text_write_file(directory, "a file", 6), 0);
	ck_assert_int_eq(record_write(directory, NULL, 0, &fault), -ENOTDIR);
	snprintf(expected, sizeof(expected),
	         "%s: it cannot be written (Not a directory); make the directory writable for us", file);
	ck_assert_texts("the sentence", expected, fault.sentence);
	end();
}
END_TEST

START_TEST(a_record_whose_parent_directory_is_missing_is_explained)
{
	start();
	struct fault fault = {0};
	char deep[256];
	snprintf(deep, sizeof(deep), "%s/none/run", root);
	ck_assert_int_eq(record_write(deep, NULL, 0, &fault), -ENOENT);
	ck_assert_str_ne(fault.sentence, "");
	end();
}
END_TEST

START_TEST(a_directory_in_its_place_is_put_aside)
{
	start();
	const struct virtual_server_key key = make_key("192.0.2.10", 30080, PROTOCOL_TCP);
	char aside[256], inner[272];
	snprintf(aside, sizeof(aside), "%s.aside", file);
	snprintf(inner, sizeof(inner), "%s/somebodys", aside);
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	ck_assert_int_eq(mkdir(file, 0755), 0);
	char before[272];
	snprintf(before, sizeof(before), "%s/somebodys", file);
	ck_assert_int_eq(text_write_file(before, "x", 1), 0);
	ck_assert_int_eq(record_write(directory, &key, 1, NULL), 0);
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
	keys_must_be("TCP 192.0.2.10:30080\n");
	ck_assert_int_eq(unlink(inner), 0);
	ck_assert_int_eq(rmdir(aside), 0);
	end();
}
END_TEST

START_TEST(leftovers_of_killed_writers_go_and_all_else_stays)
{
	static const char *const names[] = {
	        ".virtual-servers.a1B2c3", ".drains.ZZZZZZ", "virtual-servers", "lock", ".hidden", ".x"};
	start();
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	for (int i = 0; i < 6; i++) {
		char path[256];
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		ck_assert_int_eq(text_write_file(path, "x", 1), 0);
	}
	record_remove_leftovers(directory);
	for (int i = 0; i < 6; i++) {
		char path[256];
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		ck_assert_int_eq(access(path, F_OK), i < 2 ? -1 : 0);
		unlink(path);
	}
	record_remove_leftovers("/nonexistent");
	end();
}
END_TEST

/* Two records, written in turn until somebody kills the writer. */
static void write_for_ever(void)
{
	const struct virtual_server_key written[] = {make_key("192.0.2.10", 1, PROTOCOL_TCP),
	                                             make_key("192.0.2.10", 2, PROTOCOL_TCP)};
	for (size_t i = 0;; i++)
		record_write(directory, written, 1 + i % 2, NULL);
}

START_TEST(a_writer_that_is_killed_leaves_the_old_record_or_the_new_one)
{
	start();
	ck_assert_int_eq(record_write(directory, NULL, 0, NULL), 0);
	for (int i = 0; i < 40; i++) {
		pid_t writer = fork();
		if (writer == 0)
			write_for_ever();
		struct timespec a_moment = {.tv_nsec = 3000000 + 137000 * i};
		nanosleep(&a_moment, NULL);
		kill(writer, SIGKILL);
		ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
		ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
		ck_assert_uint_eq(unreadable, 0);
		ck_assert_uint_le(count, 2);
		record_remove_leftovers(directory);
	}
	end();
}
END_TEST

/* A small file system of this process' own in place of the directory. False: none can be had here. */
static bool mount_small(const char *options)
{
	if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	mount("none", "/", "none", MS_REC | MS_PRIVATE, "");
	return mount("small", directory, "tmpfs", 0, options) == 0;
}

static void fill_up(void)
{
	char path[256], page[4096] = {0};
	snprintf(path, sizeof(path), "%s/filler", directory);
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	while (write(fd, page, sizeof(page)) > 0)
		;
	close(fd);
}

START_TEST(on_a_full_or_read_only_file_system_the_old_record_stands)
{
	start();
	const struct virtual_server_key written[] = {make_key("192.0.2.10", 1, PROTOCOL_TCP),
	                                             make_key("192.0.2.10", 2, PROTOCOL_TCP)};
	struct fault fault = {0};
	char expected[512];
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	ck_assert(mount_small("size=64k"));
	ck_assert_int_eq(record_write(directory, written, 1, NULL), 0);
	fill_up();
	ck_assert_int_eq(record_write(directory, written, 2, &fault), -ENOSPC);
	snprintf(expected, sizeof(expected),
	         "%s: it cannot be written (No space left on device); make room there", file);
	ck_assert_texts("the sentence", expected, fault.sentence);
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
	keys_must_be("TCP 192.0.2.10:1\n");
	ck_assert_int_eq(mount("none", directory, "none", MS_REMOUNT | MS_RDONLY, ""), 0);
	ck_assert_int_eq(record_write(directory, written, 2, &fault), -EROFS);
	ck_assert_int_eq(record_read(directory, &arena, &keys, &count, &unreadable), 0);
	keys_must_be("TCP 192.0.2.10:1\n");
	ck_assert_int_eq(umount(directory), 0);
	end();
}
END_TEST

static bool can_mount(void)
{
	pid_t child = fork();
	int status = -1;
	if (child == 0) {
		strcpy(directory, "/tmp");
		_exit(mount_small("size=64k") ? 0 : 1);
	}
	return waitpid(child, &status, 0) == child && status == 0;
}

/* As for the network namespaces of others: where there is none, CI has to know. */
static int skip_mounts(void)
{
	const char *ci = getenv("CI");
	printf("SKIPPED: apply: record: no file system can be mounted here\n");
	return ci && strcmp(ci, "true") == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void)
{
	bool mounts = can_mount();
	int status = mounts ? EXIT_SUCCESS : skip_mounts();
	Suite *suite = suite_create("apply: record");
	TCase *all = tcase_create("all");
	tcase_add_test(all, what_was_written_is_read_again_ascending);
	tcase_add_test(all, a_record_is_replaced_whole_and_may_be_empty);
	tcase_add_test(all, no_file_and_no_directory_are_an_empty_record);
	tcase_add_loop_test(all, lines_that_cannot_be_read_are_left_out_and_counted, 0,
	                    (int)(sizeof(damage_rows) / sizeof(*damage_rows)));
	tcase_add_test(all, a_nul_byte_spoils_its_line_and_no_other);
	tcase_add_test(all, a_record_that_is_there_and_cannot_be_read_is_a_failure);
	tcase_add_test(all, a_record_that_cannot_be_written_is_explained_and_the_old_one_stands);
	tcase_add_test(all, a_record_whose_parent_directory_is_missing_is_explained);
	tcase_add_test(all, a_directory_in_its_place_is_put_aside);
	tcase_add_test(all, leftovers_of_killed_writers_go_and_all_else_stays);
	tcase_add_test(all, a_writer_that_is_killed_leaves_the_old_record_or_the_new_one);
	if (mounts)
		tcase_add_test(all, on_a_full_or_read_only_file_system_the_old_record_stands);
	tcase_set_timeout(all, 120);
	suite_add_tcase(suite, all);
	return run_suite(suite) || status;
}
