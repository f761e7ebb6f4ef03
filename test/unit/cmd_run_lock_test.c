/*
 * One at a time in a run directory: who comes second learns who is there.
 */
#include "run_lock.h"

#include "support.h"
#include "test_directory.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[TEST_DIRECTORY_SIZE], directory[96], file[128], proc[96];
static pid_t holder;

static void set_up(void)
{
	test_directory_make(root);
	snprintf(directory, sizeof(directory), "%s/run", root);
	snprintf(file, sizeof(file), "%s/lock", directory);
	snprintf(proc, sizeof(proc), "%s/proc", root);
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	ck_assert_int_eq(mkdir(proc, 0755), 0);
	holder = 0;
}

static void end_holder(void)
{
	if (holder > 0) {
		kill(holder, SIGKILL);
		waitpid(holder, NULL, 0);
	}
	holder = 0;
}

static void tear_down(void)
{
	end_holder();
	test_directory_remove(root);
}

static void write_file(const char *path, const char *bytes, size_t length)
{
	ck_assert_int_eq(text_write_file(path, bytes, length), 0);
}

static void file_must_say(const char *wanted)
{
	char *text = read_test_file(file);
	ck_assert_texts("the file", wanted, text);
	free(text);
}

/* Another process takes the lock, and keeps it until it is killed. */
static void let_another_hold_it(void)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	holder = fork();
	ck_assert_int_ge(holder, 0);
	if (holder == 0) {
		int lock;
		struct fault fault;
		if (run_lock_take(directory, proc, &lock, &fault) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

/* As /proc has it when another process, which is 4711 there, holds the lock, among other locks. */
static void let_proc_tell(const char *command_line, size_t length)
{
	char path[128];
	struct stat status;
	auto_text locks = {0};
	ck_assert_int_eq(stat(file, &status), 0);
	text_addf(&locks, "1: POSIX  ADVISORY  READ  12 %02x:%02x:%llu 128 128\n", major(status.st_dev),
	          minor(status.st_dev), (unsigned long long)status.st_ino);
	text_addf(&locks, "2: FLOCK  ADVISORY  WRITE 13 %02x:%02x:%llu 0 EOF\n", major(status.st_dev),
	          minor(status.st_dev), (unsigned long long)status.st_ino + 1);
	text_addf(&locks, "3: FLOCK  ADVISORY  WRITE 4711 %02x:%02x:%llu 0 EOF\n", major(status.st_dev),
	          minor(status.st_dev), (unsigned long long)status.st_ino);
	snprintf(path, sizeof(path), "%s/locks", proc);
	write_file(path, locks.bytes, locks.length);
	snprintf(path, sizeof(path), "%s/4711", proc);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/4711/cmdline", proc);
	write_file(path, command_line, length);
}

static void set_time(int64_t seconds)
{
	struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
	ck_assert_int_eq(utimensat(AT_FDCWD, file, times, 0), 0);
}

static void must_be_refused(const char *who)
{
	int lock = -1;
	struct fault fault = {0};
	auto_text wanted = {0};
	ck_assert_int_eq(run_lock_take(directory, proc, &lock, &fault), -EBUSY);
	ck_assert_int_eq(lock, -1);
	text_addf(&wanted, "%s: kube-ipvs runs on this node already: %s; stop it first", file, who);
	ck_assert_texts("what is said", text_string(&wanted), fault.sentence);
}

START_TEST(who_takes_it_is_noted_in_it_and_it_ends_with_him)
{
	int lock = -1;
	char own[16];
	struct run_lock_holder found;
	ck_assert_int_eq(run_lock_take(directory, proc, &lock, NULL), 0);
	snprintf(own, sizeof(own), "%d\n", (int)getpid());
	file_must_say(own);
	ck_assert(run_lock_find(directory, proc, &found));
	ck_assert_int_eq(found.noted_pid, getpid());
	close(lock);
	ck_assert(!run_lock_find(directory, proc, &found));
	file_must_say(own);
}
END_TEST

START_TEST(the_second_learns_who_holds_it)
{
	static const char command_line[] = "kube-ipvs\0proxy\0--config=/etc/a b\n";
	let_another_hold_it();
	let_proc_tell(command_line, sizeof(command_line));
	set_time(1700000000);
	must_be_refused("process 4711 (kube-ipvs proxy --config=/etc/a b ), since 2023-11-14T22:13:20Z");
}
END_TEST

START_TEST(a_long_command_line_is_cut)
{
	char command_line[400];
	struct run_lock_holder found;
	let_another_hold_it();
	memset(command_line, 'x', sizeof(command_line));
	let_proc_tell(command_line, sizeof(command_line));
	ck_assert(run_lock_find(directory, proc, &found));
	ck_assert_uint_eq(strlen(found.command), sizeof(found.command) - 1);
	ck_assert_str_eq(found.command + sizeof(found.command) - 5, "x...");
}
END_TEST

START_TEST(what_an_earlier_one_left_behind_hinders_nobody)
{
	static const char *const left[] = {"1\n",  "",  "no number", "99999999999999999999\n",
	                                   "-1\n", "7", "\377\376\n"};
	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++) {
		int lock = -1;
		char own[16];
		struct run_lock_holder found;
		write_file(file, left[i], strlen(left[i]));
		ck_assert(!run_lock_find(directory, proc, &found));
		ck_assert_int_eq(run_lock_take(directory, proc, &lock, NULL), 0);
		snprintf(own, sizeof(own), "%d\n", (int)getpid());
		file_must_say(own);
		close(lock);
	}
}
END_TEST

START_TEST(a_note_that_lies_is_not_believed)
{
	static const char command_line[] = "kube-ipvs\0cleanup";
	let_another_hold_it();
	let_proc_tell(command_line, sizeof(command_line));
	int fd = open(file, O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, "1\n", 2), 2);
	close(fd);
	set_time(1700000000);
	must_be_refused("process 4711 (kube-ipvs cleanup), since 2023-11-14T22:13:20Z");
}
END_TEST

START_TEST(a_process_of_another_container_is_told_of_by_its_own_number)
{
	auto_text who = {0};
	let_another_hold_it();
	set_time(1700000000);
	text_addf(&who, "a process of another container, %d as that one counts, since 2023-11-14T22:13:20Z",
	          (int)holder);
	must_be_refused(text_string(&who));
	int fd = open(file, O_WRONLY | O_TRUNC);
	close(fd);
	set_time(1700000000);
	must_be_refused("a process that cannot be seen from here, since 2023-11-14T22:13:20Z");
}
END_TEST

START_TEST(a_killed_one_holds_it_no_more)
{
	int lock = -1;
	let_another_hold_it();
	end_holder();
	ck_assert_int_eq(run_lock_take(directory, proc, &lock, NULL), 0);
	close(lock);
}
END_TEST

/* A cleaning ends by removing the file; the lock of a file that has no name any more would be nobody's. */
START_TEST(the_lock_of_a_removed_file_is_none)
{
	int lock = -1;
	struct stat held, named;
	let_another_hold_it();
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(run_lock_take(directory, proc, &lock, NULL), 0);
	ck_assert_int_eq(fstat(lock, &held), 0);
	ck_assert_int_eq(stat(file, &named), 0);
	ck_assert_uint_eq(held.st_ino, named.st_ino);
	close(lock);
}
END_TEST

START_TEST(what_cannot_be_opened_is_said)
{
	int lock = -1;
	struct fault fault = {0};
	auto_text wanted = {0};
	ck_assert_int_eq(run_lock_take("/nonexistent", proc, &lock, &fault), -ENOENT);
	ck_assert_int_eq(mkdir(file, 0755), 0);
	ck_assert_int_eq(run_lock_take(directory, proc, &lock, &fault), -EISDIR);
	text_addf(&wanted, "%s: Is a directory; run as root, or choose another place with --run-dir", file);
	ck_assert_texts("what is said", text_string(&wanted), fault.sentence);
	ck_assert_int_eq(lock, -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run lock");
	TCase *tests = tcase_create("run lock");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, who_takes_it_is_noted_in_it_and_it_ends_with_him);
	tcase_add_test(tests, the_second_learns_who_holds_it);
	tcase_add_test(tests, a_long_command_line_is_cut);
	tcase_add_test(tests, what_an_earlier_one_left_behind_hinders_nobody);
	tcase_add_test(tests, a_note_that_lies_is_not_believed);
	tcase_add_test(tests, a_process_of_another_container_is_told_of_by_its_own_number);
	tcase_add_test(tests, a_killed_one_holds_it_no_more);
	tcase_add_test(tests, the_lock_of_a_removed_file_is_none);
	tcase_add_test(tests, what_cannot_be_opened_is_said);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
