/*
 * One file, and everything that can lead to another content of it. Real files, real inotify, a real loop.
 */
#include "source/file_watch.h"

#include "source_folder.h"
#include "support.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 30 };

static struct folder folder;
static struct file_watch *watch, *other;
static unsigned changes, other_changes;

static void count(void *context)
{
	++*(unsigned *)context;
}

static void open_watch(const char *name)
{
	char path[256];
	ck_assert_int_eq(
	        file_watch_open(folder.base, folder_path(&folder, name, path), count, &changes, &watch), 0);
}

static void on_impatience(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	*(bool *)context = true;
}

static void wait_for(const unsigned *counter, unsigned wanted)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	bool impatient = false;
	struct event *timer = event_new(folder.base, -1, 0, on_impatience, &impatient);
	event_add(timer, &patience);
	while (*counter < wanted && !impatient)
		event_base_loop(folder.base, EVLOOP_ONCE);
	event_free(timer);
	ck_assert_msg(*counter >= wanted, "waited for change %u, %u came", wanted, *counter);
}

/* Two changes of another file, one after the other: what was due before them has happened then. */
static void settle(void)
{
	for (unsigned i = 0; i < 2; i++) {
		char content[16];
		unsigned wanted = other_changes + 1;
		snprintf(content, sizeof(content), "%u", wanted);
		folder_put(&folder, "other", content);
		wait_for(&other_changes, wanted);
	}
}

static void must_have_changed(unsigned wanted)
{
	wait_for(&changes, wanted);
	settle();
	ck_assert_uint_eq(changes, wanted);
}

static void must_not_have_changed(unsigned so_far)
{
	settle();
	ck_assert_uint_eq(changes, so_far);
}

static void make_directory(const char *name)
{
	char path[256];
	ck_assert_int_eq(mkdir(folder_path(&folder, name, path), 0755), 0);
}

static void make_link(const char *target, const char *name)
{
	char path[256];
	ck_assert_int_eq(symlink(target, folder_path(&folder, name, path)), 0);
}

START_TEST(a_file_written_in_place_has_changed)
{
	folder_put(&folder, "m/a", "1");
	open_watch("m/a");
	folder_put(&folder, "m/a", "2");
	must_have_changed(1);
	folder_put(&folder, "m/a", "22");
	must_have_changed(2);
}
END_TEST

START_TEST(a_file_renamed_over_it_is_a_change)
{
	folder_put(&folder, "m/a", "1");
	open_watch("m/a");
	for (unsigned i = 1; i <= 3; i++) {
		folder_put(&folder, "m/.a.new", i % 2 ? "2" : "1");
		folder_move(&folder, "m/.a.new", "m/a");
		must_have_changed(i);
	}
}
END_TEST

/* As kubelet does it: a new directory, the link to it renamed over the old one, the old directory removed. */
static void swap(const char *from, const char *to, const char *content)
{
	char name[64];
	snprintf(name, sizeof(name), "m/%s", to);
	make_directory(name);
	snprintf(name, sizeof(name), "m/%s/a", to);
	folder_put(&folder, name, content);
	make_link(to, "m/..data_tmp");
	folder_move(&folder, "m/..data_tmp", "m/..data");
	if (!from)
		return;
	snprintf(name, sizeof(name), "m/%s/a", from);
	folder_drop(&folder, name);
	snprintf(name, sizeof(name), "m/%s", from);
	folder_drop(&folder, name);
}

START_TEST(a_mounted_config_map_is_followed)
{
	swap(NULL, "..2026_1", "1");
	make_link("..data/a", "m/a");
	open_watch("m/a");
	swap("..2026_1", "..2026_2", "2");
	must_have_changed(1);
	swap("..2026_2", "..2026_3", "2");
	must_not_have_changed(1);
	swap("..2026_3", "..2026_4", "1");
	must_have_changed(2);
}
END_TEST

START_TEST(every_link_of_a_chain_is_followed)
{
	char target[256];
	make_directory("m/x");
	make_directory("m/y");
	make_directory("links");
	folder_put(&folder, "m/x/a", "1");
	folder_put(&folder, "m/y/a", "2");
	make_link(folder_path(&folder, "m/x", target), "links/absolute");
	make_link("../links/absolute", "links/relative");
	make_link("./relative//a", "links/a");
	open_watch("links/../links/./a");
	folder_put(&folder, "m/x/a", "3");
	must_have_changed(1);
	make_link("../m/y", "links/new");
	folder_move(&folder, "links/new", "links/absolute");
	must_have_changed(2);
	folder_put(&folder, "m/y/a", "4");
	must_have_changed(3);
	make_link("../m/x", "links/new");
	folder_move(&folder, "links/new", "links/relative");
	must_have_changed(4);
	folder_put(&folder, "m/new", "5");
	folder_move(&folder, "m/new", "links/a");
	must_have_changed(5);
}
END_TEST

START_TEST(what_is_no_longer_on_the_way_does_not_count)
{
	make_directory("m/x");
	make_directory("m/y");
	folder_put(&folder, "m/x/a", "1");
	folder_put(&folder, "m/y/a", "2");
	make_link("x", "m/link");
	open_watch("m/link/a");
	make_link("y", "m/new");
	folder_move(&folder, "m/new", "m/link");
	must_have_changed(1);
	folder_put(&folder, "m/x/a", "3");
	must_not_have_changed(1);
}
END_TEST

START_TEST(a_directory_made_anew_is_followed)
{
	make_directory("m/x");
	folder_put(&folder, "m/x/a", "1");
	open_watch("m/x/a");
	for (unsigned i = 1; i <= 2; i++) {
		folder_drop(&folder, "m/x/a");
		folder_drop(&folder, "m/x");
		must_not_have_changed(i - 1);
		make_directory("m/x");
		must_not_have_changed(i - 1);
		folder_put(&folder, "m/x/a", i % 2 ? "2" : "1");
		must_have_changed(i);
	}
}
END_TEST

START_TEST(another_directory_in_its_place_is_followed)
{
	make_directory("m/x");
	make_directory("m/y");
	folder_put(&folder, "m/x/a", "1");
	folder_put(&folder, "m/y/a", "2");
	open_watch("m/x/a");
	folder_move(&folder, "m/x", "m/z");
	folder_move(&folder, "m/y", "m/x");
	must_have_changed(1);
	folder_put(&folder, "m/x/a", "3");
	must_have_changed(2);
}
END_TEST

START_TEST(equal_content_is_no_change)
{
	char path[256];
	folder_put(&folder, "m/a", "1");
	open_watch("m/a");
	folder_put(&folder, "m/a", "1");
	must_not_have_changed(0);
	folder_put(&folder, "m/new", "1");
	folder_move(&folder, "m/new", "m/a");
	must_not_have_changed(0);
	ck_assert_int_eq(chmod(folder_path(&folder, "m/a", path), 0600), 0);
	must_not_have_changed(0);
}
END_TEST

START_TEST(a_file_that_goes_away_is_waited_for)
{
	folder_put(&folder, "m/a", "1");
	open_watch("m/a");
	folder_drop(&folder, "m/a");
	must_not_have_changed(0);
	folder_put(&folder, "m/a", "1");
	must_not_have_changed(0);
	folder_drop(&folder, "m/a");
	must_not_have_changed(0);
	folder_put(&folder, "m/a", "2");
	must_have_changed(1);
}
END_TEST

START_TEST(the_first_appearance_of_a_file_is_a_change)
{
	open_watch("m/x/y/a");
	make_directory("m/x");
	make_directory("m/x/y");
	must_not_have_changed(0);
	folder_put(&folder, "m/x/y/a", "");
	must_have_changed(1);
}
END_TEST

START_TEST(a_file_written_under_another_name_has_changed)
{
	char path[256], another[256];
	make_directory("elsewhere");
	folder_put(&folder, "m/a", "1");
	ck_assert_int_eq(
	        link(folder_path(&folder, "m/a", path), folder_path(&folder, "elsewhere/b", another)), 0);
	open_watch("m/a");
	folder_put(&folder, "elsewhere/b", "2");
	must_have_changed(1);
}
END_TEST

START_TEST(links_in_a_circle_are_waited_out)
{
	make_link("b", "m/a");
	make_link("a", "m/b");
	open_watch("m/a");
	must_not_have_changed(0);
	folder_put(&folder, "m/new", "1");
	folder_move(&folder, "m/new", "m/b");
	must_have_changed(1);
}
END_TEST

START_TEST(a_pipe_is_no_file)
{
	char path[256];
	ck_assert_int_eq(mkfifo(folder_path(&folder, "m/a", path), 0600), 0);
	open_watch("m/a");
	must_not_have_changed(0);
	folder_put(&folder, "m/new", "1");
	folder_move(&folder, "m/new", "m/a");
	must_have_changed(1);
}
END_TEST

START_TEST(many_writes_are_one_change)
{
	folder_put(&folder, "m/a", "0");
	open_watch("m/a");
	for (unsigned i = 1; i <= 50; i++) {
		char content[16];
		snprintf(content, sizeof(content), "%u", i);
		folder_put(&folder, "m/a", content);
	}
	must_have_changed(1);
}
END_TEST

START_TEST(a_path_may_be_relative)
{
	ck_assert_int_eq(chdir(folder.root), 0);
	folder_put(&folder, "m/a", "1");
	ck_assert_int_eq(file_watch_open(folder.base, "m/a", count, &changes, &watch), 0);
	folder_put(&folder, "m/a", "2");
	must_have_changed(1);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

static void close_watch(void *context)
{
	count(context);
	file_watch_close(watch);
	watch = NULL;
}

START_TEST(who_is_told_may_close_the_watch)
{
	char path[256];
	folder_put(&folder, "m/a", "1");
	ck_assert_int_eq(file_watch_open(folder.base, folder_path(&folder, "m/a", path), close_watch,
	                                 &changes, &watch),
	                 0);
	folder_put(&folder, "m/a", "2");
	must_have_changed(1);
	folder_put(&folder, "m/a", "3");
	must_not_have_changed(1);
}
END_TEST

START_TEST(a_file_that_was_on_its_way_when_it_was_read_is_told_of_again)
{
	char path[256];
	struct stat nothing = {0}, now;
	folder_put(&folder, "m/a", "1");
	open_watch("m/a");
	folder_put(&folder, "m/a", "2");
	must_have_changed(1);

	file_watch_was_read(watch, &nothing);
	must_have_changed(2);

	folder_drop(&folder, "m/a");
	file_watch_was_read(watch, &nothing);
	must_not_have_changed(2);
	folder_put(&folder, "m/new", "2");
	folder_move(&folder, "m/new", "m/a");
	must_have_changed(3);

	ck_assert_int_eq(stat(folder_path(&folder, "m/a", path), &now), 0);
	file_watch_was_read(watch, &now);
	folder_put(&folder, "m/new", "2");
	folder_move(&folder, "m/new", "m/a");
	must_not_have_changed(3);
}
END_TEST

static void set_up(void)
{
	char path[256];
	folder_init(&folder);
	changes = other_changes = 0;
	folder_put(&folder, "other", "0");
	ck_assert_int_eq(file_watch_open(folder.base, folder_path(&folder, "other", path), count,
	                                 &other_changes, &other),
	                 0);
}

static void tear_down(void)
{
	file_watch_close(watch);
	file_watch_close(other);
	watch = other = NULL;
	folder_done(&folder);
}

/* A directory that may be passed through but not read, and so not watched: root is kept out of nothing. */
START_TEST(a_directory_that_cannot_be_watched_is_looked_at_every_second)
{
	char path[256];
	bool root = geteuid() == 0;
	if (root)
		ck_assert(setegid(65534) == 0 && seteuid(65534) == 0);
	set_up();
	ck_assert_int_eq(chmod(folder_path(&folder, "m", path), 0311), 0);
	open_watch("m/a");
	folder_put(&folder, "m/a", "1");
	must_have_changed(1);
	ck_assert_int_eq(chmod(path, 0755), 0);
	tear_down();
	if (root)
		ck_assert(seteuid(0) == 0 && setegid(0) == 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	        a_file_written_in_place_has_changed,
	        a_file_renamed_over_it_is_a_change,
	        a_mounted_config_map_is_followed,
	        every_link_of_a_chain_is_followed,
	        what_is_no_longer_on_the_way_does_not_count,
	        a_directory_made_anew_is_followed,
	        another_directory_in_its_place_is_followed,
	        equal_content_is_no_change,
	        a_file_that_goes_away_is_waited_for,
	        the_first_appearance_of_a_file_is_a_change,
	        a_file_written_under_another_name_has_changed,
	        links_in_a_circle_are_waited_out,
	        a_pipe_is_no_file,
	        many_writes_are_one_change,
	        a_path_may_be_relative,
	        who_is_told_may_close_the_watch,
	        a_file_that_was_on_its_way_when_it_was_read_is_told_of_again,
	};
	Suite *suite = suite_create("source: file watch");
	TCase *file = tcase_create("file");
	tcase_add_checked_fixture(file, set_up, tear_down);
	tcase_set_timeout(file, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(file, tests[i]);
	suite_add_tcase(suite, file);
	TCase *permission = tcase_create("permission");
	tcase_set_timeout(permission, 60);
	tcase_add_test(permission, a_directory_that_cannot_be_watched_is_looked_at_every_second);
	suite_add_tcase(suite, permission);
	return run_suite(suite);
}
