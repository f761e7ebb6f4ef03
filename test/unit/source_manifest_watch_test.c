/*
 * The directory itself: links, permissions, its absence and return, and floods of notices.
 */
#include "source_folder.h"
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct folder folder;

START_TEST(what_cannot_be_opened_keeps_what_it_held)
{
	char path[256];
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_watch(&folder);
	/* A link that leads nowhere is what root cannot open either. */
	ck_assert_int_eq(symlink("nowhere", folder_path(&folder, "m/link", path)), 0);
	folder_move(&folder, "m/link", "m/a.yaml");
	folder_wait(&folder, PRINTED("a", "80"),
	            "refused /m/a.yaml: the file cannot be read: No such file or directory\n");
	folder_put(&folder, "m/nowhere", SERVICE("a", "81"));
	folder_wait(&folder, PRINTED("a", "81"), "recovered /m/a.yaml\n");
}
END_TEST

START_TEST(a_file_without_permission_keeps_what_it_held)
{
	char path[256];
	bool root = geteuid() == 0;
	if (root) /* whom no mode keeps out */
		ck_assert(setegid(65534) == 0 && seteuid(65534) == 0);
	folder_init(&folder);
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_watch(&folder);
	ck_assert_int_eq(chmod(folder_path(&folder, "m/a.yaml", path), 0), 0);
	folder_wait(&folder, PRINTED("a", "80"),
	            "refused /m/a.yaml: the file cannot be read: Permission denied\n");
	ck_assert_int_eq(chmod(path, 0644), 0);
	folder_wait(&folder, PRINTED("a", "80"), "recovered /m/a.yaml\n");
	ck_assert_int_eq(chmod(folder.path, 0), 0);
	folder_wait(
	        &folder, PRINTED("a", "80"),
	        "refused /m: the directory cannot be read: Permission denied; what it held stays in force\n");
	ck_assert_int_eq(chmod(folder.path, 0755), 0);
	folder_wait(&folder, PRINTED("a", "80"), "recovered /m\n");
	folder_done(&folder);
	if (root)
		ck_assert(seteuid(0) == 0 && setegid(0) == 0);
}
END_TEST

START_TEST(a_mounted_config_map_is_followed)
{
	char path[256];
	ck_assert_int_eq(mkdir(folder_path(&folder, "m/..1", path), 0755), 0);
	ck_assert_int_eq(mkdir(folder_path(&folder, "m/..2", path), 0755), 0);
	folder_put(&folder, "m/..1/a.yaml", SERVICE("a", "80"));
	folder_put(&folder, "m/..2/a.yaml", SERVICE("a", "81"));
	ck_assert_int_eq(symlink("..1", folder_path(&folder, "m/..data", path)), 0);
	ck_assert_int_eq(symlink("..data/a.yaml", folder_path(&folder, "m/a.yaml", path)), 0);
	folder_watch(&folder);
	folder_wait(&folder, PRINTED("a", "80"), "");
	ck_assert_int_eq(symlink("..2", folder_path(&folder, "m/..data_tmp", path)), 0);
	folder_move(&folder, "m/..data_tmp", "m/..data");
	folder_wait(&folder, PRINTED("a", "81"), "");
}
END_TEST

START_TEST(a_directory_that_goes_away_is_waited_for)
{
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_watch(&folder);
	folder_move(&folder, "m", "elsewhere");
	folder_wait(&folder, PRINTED("a", "80"),
	            "refused /m: the directory cannot be read: No such file or directory; what it held stays "
	            "in force\n");
	folder_move(&folder, "elsewhere", "m");
	folder_wait(&folder, PRINTED("a", "80"), "recovered /m\n");
	folder_put(&folder, "m/a.yaml", SERVICE("a", "81"));
	folder_wait(&folder, PRINTED("a", "81"), "");
}
END_TEST

START_TEST(a_directory_made_anew_is_followed)
{
	char path[256];
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_watch(&folder);
	folder_drop(&folder, "m/a.yaml");
	folder_drop(&folder, "m");
	folder_wait(&folder, NULL,
	            "refused /m: the directory cannot be read: No such file or directory; what it held stays "
	            "in force\n");
	ck_assert_int_eq(mkdir(folder_path(&folder, "m", path), 0755), 0);
	folder_put(&folder, "m/a.yaml", SERVICE("a", "81"));
	folder_wait(&folder, PRINTED("a", "81"), "recovered /m\n");
	folder_put(&folder, "m/a.yaml", SERVICE("a", "82"));
	folder_wait(&folder, PRINTED("a", "82"), "");
}
END_TEST

START_TEST(another_directory_in_its_place_is_followed)
{
	char path[256];
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	ck_assert_int_eq(mkdir(folder_path(&folder, "n", path), 0755), 0);
	folder_put(&folder, "n/a.yaml", SERVICE("a", "81"));
	folder_watch(&folder);
	folder_move(&folder, "m", "o");
	folder_move(&folder, "n", "m");
	folder_wait(&folder, PRINTED("a", "81"), NULL);
	folder_put(&folder, "m/b.yaml", SERVICE("b", "80"));
	folder_wait(&folder, PRINTED("a", "81") PRINTED("b", "80"), NULL);
}
END_TEST

START_TEST(a_path_may_be_a_single_file)
{
	char path[256];
	folder_put(&folder, "m/a.txt", SERVICE("a", "80"));
	folder_put(&folder, "m/b.yaml", SERVICE("b", "80"));
	ck_assert_int_eq(folder_open(&folder, folder_path(&folder, "m/a.txt", path), NULL), 0);
	ck_assert_int_eq(manifest_directory_watch(folder.directory, folder.base), 0);
	folder_wait(&folder, PRINTED("a", "80"), "");
	folder_put(&folder, "m/new", SERVICE("a", "81"));
	folder_move(&folder, "m/new", "m/a.txt");
	folder_wait(&folder, PRINTED("a", "81"), "");
	folder_drop(&folder, "m/a.txt");
	folder_wait(
	        &folder, PRINTED("a", "81"),
	        "refused /m/a.txt: the file cannot be read: No such file or directory; what it held stays "
	        "in force\n");
	folder_put(&folder, "m/a.txt", SERVICE("a", "82"));
	folder_wait(&folder, PRINTED("a", "82"), "recovered /m/a.txt\n");
}
END_TEST

START_TEST(what_happens_between_open_and_watch_is_seen)
{
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	ck_assert_int_eq(folder_open(&folder, folder.path, NULL), 0);
	folder_put(&folder, "m/a.yaml", SERVICE("a", "81"));
	ck_assert_int_eq(manifest_directory_watch(folder.directory, folder.base), 0);
	folder_wait(&folder, PRINTED("a", "81"), "");
}
END_TEST

/* More notices than the kernel keeps for one reader: the last state counts, however it became so. */
START_TEST(a_flood_of_changes_ends_in_the_last_state)
{
	char paths[2][256];
	folder_path(&folder, "m/1.txt", paths[0]);
	folder_path(&folder, "m/2.txt", paths[1]);
	folder_put(&folder, "m/1.txt", "");
	folder_put(&folder, "m/2.txt", "");
	folder_watch(&folder);
	for (unsigned i = 0; i < 20000; i++)
		ck_assert_int_eq(utimensat(AT_FDCWD, paths[i % 2], NULL, 0), 0);
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_wait(&folder, PRINTED("a", "80"), "");
	folder_put(&folder, "m/a.yaml", SERVICE("a", "81"));
	folder_wait(&folder, PRINTED("a", "81"), "");
}
END_TEST

static void set_up(void)
{
	folder_init(&folder);
}

static void tear_down(void)
{
	folder_done(&folder);
}

int main(void)
{
	const TTest *const tests[] = {
	        what_cannot_be_opened_keeps_what_it_held,    a_mounted_config_map_is_followed,
	        a_directory_that_goes_away_is_waited_for,    a_directory_made_anew_is_followed,
	        another_directory_in_its_place_is_followed,  a_path_may_be_a_single_file,
	        what_happens_between_open_and_watch_is_seen, a_flood_of_changes_ends_in_the_last_state,
	};
	Suite *suite = suite_create("source: manifest watch");
	TCase *directory = tcase_create("directory");
	tcase_add_checked_fixture(directory, set_up, tear_down);
	tcase_set_timeout(directory, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(directory, tests[i]);
	suite_add_tcase(suite, directory);
	TCase *permission = tcase_create("permission");
	tcase_set_timeout(permission, 60);
	tcase_add_test(permission, a_file_without_permission_keeps_what_it_held);
	suite_add_tcase(suite, permission);
	return run_suite(suite);
}
