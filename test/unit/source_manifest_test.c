/*
 * Manifest files as people and programs change them, and who has which object.
 */
#include "source_folder.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct folder folder;

START_TEST(all_files_of_a_directory_are_read_in_order)
{
	folder_put(&folder, "m/b.json",
	           "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"n1\"}}");
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_put(&folder, "m/c.yml", SERVICE("c", "80"));
	folder_put(&folder, "m/.hidden.yaml", SERVICE("hidden", "80"));
	folder_put(&folder, "m/notes.txt", "kind: [");
	char path[256];
	ck_assert_int_eq(mkdir(folder_path(&folder, "m/sub.yaml", path), 0755), 0);
	ck_assert_int_eq(mkfifo(folder_path(&folder, "m/fifo.yaml", path), 0644), 0);
	ck_assert_int_eq(folder_open(&folder, folder.path, NULL), 0);
	folder_wait(&folder, PRINTED("a", "80") PRINTED("c", "80") "node n1\n", "");
	ck_assert_uint_eq(folder.changes, 1);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_a_fault)
{
	struct fault fault = {0};
	ck_assert_int_eq(folder_open(&folder, "/tmp/kube-ipvs-no-such-directory", &fault), -ENOENT);
	ck_assert_ptr_null(folder.directory);
	ck_assert_str_eq(fault.place, "/tmp/kube-ipvs-no-such-directory");
	ck_assert_str_eq(fault.sentence, "the manifests cannot be read: No such file or directory");
	manifest_directory_close(NULL);
}
END_TEST

START_TEST(files_come_change_and_go)
{
	folder_watch(&folder);
	folder_wait(&folder, "", "");
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_wait(&folder, PRINTED("a", "80"), "");
	folder_put(&folder, "m/a.yaml", SERVICE("a", "81") "---\n" SLICE("s", "10.0.0.1"));
	folder_wait(&folder, PRINTED("a", "81") PRINTED_SLICE("s", "10.0.0.1"), "");
	folder_put(&folder, "m/a.yaml", SLICE("s", "10.0.0.2"));
	folder_wait(&folder, PRINTED_SLICE("s", "10.0.0.2"), "");
	folder_drop(&folder, "m/a.yaml");
	folder_wait(&folder, "", "");
}
END_TEST

START_TEST(a_file_renamed_into_place_replaces_the_old_one)
{
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_watch(&folder);
	folder_put(&folder, "m/.a.new", SERVICE("a", "81"));
	folder_move(&folder, "m/.a.new", "m/a.yaml");
	folder_wait(&folder, PRINTED("a", "81"), "");
	folder_move(&folder, "m/a.yaml", "m/b.yaml");
	folder_put(&folder, "m/b.yaml", SERVICE("a", "82"));
	folder_wait(&folder, PRINTED("a", "82"), "");
	folder_move(&folder, "m/b.yaml", "away.yaml");
	folder_wait(&folder, "", "");
}
END_TEST

START_TEST(an_object_moved_to_another_file_never_goes)
{
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_watch(&folder);
	unsigned changes = folder.changes;
	folder_move(&folder, "m/a.yaml", "m/b.yaml");
	folder_settle(&folder);
	folder_wait(&folder, PRINTED("a", "80"), "");
	ck_assert_uint_eq(folder.changes, changes + 2); /* the two of folder_settle */
}
END_TEST

START_TEST(a_writer_that_keeps_the_file_open_is_heard)
{
	char path[256];
	const char *content = SERVICE("a", "80");
	folder_watch(&folder);
	int fd = open(folder_path(&folder, "m/a.yaml", path), O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	folder_wait(&folder, PRINTED("a", "80"), "");
	ck_assert_int_eq(pwrite(fd, SERVICE("a", "81"), strlen(content), 0), (ssize_t)strlen(content));
	folder_wait(&folder, PRINTED("a", "81"), "");
	close(fd);
}
END_TEST

#define BROKEN SERVICE("a", "0")
#define BROKEN_FAULT                                                                                         \
	"refused /m/a.yaml:1: spec.ports[0].port: Service \"default/a\": Invalid value: 0: must be between " \
	"1 and "                                                                                             \
	"65535, inclusive\n"

START_TEST(what_a_broken_file_held_before_stays_in_force)
{
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_watch(&folder);
	folder_put(&folder, "m/a.yaml", BROKEN);
	folder_wait(&folder, PRINTED("a", "80"), BROKEN_FAULT);
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_wait(&folder, PRINTED("a", "80"), "recovered /m/a.yaml\n");
	folder_put(&folder, "m/a.yaml", BROKEN);
	folder_wait(&folder, PRINTED("a", "80"), BROKEN_FAULT);
	folder_drop(&folder, "m/a.yaml");
	folder_wait(&folder, "", "recovered /m/a.yaml\n");
}
END_TEST

START_TEST(a_broken_file_is_told_of_once_for_each_content)
{
	folder_put(&folder, "m/a.yaml", BROKEN);
	folder_watch(&folder);
	folder_wait(&folder, "", BROKEN_FAULT);
	folder_put(&folder, "m/b.yaml", SERVICE("b", "80"));
	folder_wait(&folder, PRINTED("b", "80"), "");
	folder_put(&folder, "m/a.yaml", BROKEN);
	folder_settle(&folder);
	folder_wait(&folder, PRINTED("b", "80"), "");
	folder_put(&folder, "m/a.yaml", "# another\n" BROKEN);
	folder_wait(&folder, PRINTED("b", "80"),
	            "refused /m/a.yaml:2: spec.ports[0].port: Service \"default/a\": Invalid value: 0: must "
	            "be between 1 "
	            "and 65535, inclusive\n");
}
END_TEST

/* Beside an API server: what it has of the same name counts, and the directory's waits, changes and goes unseen. */
START_TEST(an_object_of_the_api_server_counts_before_the_directorys)
{
	const struct service theirs = {.name = {"default", "a"}};
	struct inlet api;
	inlet_init(&api, folder.cluster, ORIGIN_API_SERVER);
	inlet_put_service(&api, service_new(&theirs));
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80") "---\n" SERVICE("b", "80"));
	folder_watch(&folder);
	folder_wait(&folder, "service default/a ClusterIP\n" PRINTED("b", "80"), "");
	folder_put(&folder, "m/a.yaml", SERVICE("a", "81") "---\n" SERVICE("b", "81"));
	folder_wait(&folder, "service default/a ClusterIP\n" PRINTED("b", "81"), "");
	ck_assert_uint_eq(folder.inlet.count[KIND_SERVICE], 2);
	ck_assert(inlet_remove(&api, KIND_SERVICE, theirs.name));
	folder_wait(&folder, PRINTED("a", "81") PRINTED("b", "81"), "");
	inlet_put_service(&api, service_new(&theirs));
	folder_drop(&folder, "m/a.yaml");
	folder_wait(&folder, "service default/a ClusterIP\n", "");
	ck_assert_uint_eq(folder.inlet.count[KIND_SERVICE], 0);
}
END_TEST

START_TEST(of_an_object_in_two_files_the_first_ones_counts)
{
	folder_put(&folder, "m/b.yaml", SERVICE("a", "82") "---\n" SERVICE("b", "80"));
	folder_watch(&folder);
	folder_wait(&folder, PRINTED("a", "82") PRINTED("b", "80"), "");
	folder_put(&folder, "m/a.yaml", SERVICE("a", "81"));
	folder_wait(&folder, PRINTED("a", "81") PRINTED("b", "80"),
	            "warned Service default/a stands in a.yaml and in b.yaml; the first one counts\n");
	folder_put(&folder, "m/b.yaml", SERVICE("a", "83") "---\n" SERVICE("b", "81"));
	folder_wait(&folder, PRINTED("a", "81") PRINTED("b", "81"), "");
	folder_drop(&folder, "m/a.yaml");
	folder_wait(&folder, PRINTED("a", "83") PRINTED("b", "81"), "");
	folder_put(&folder, "m/c.yaml", SERVICE("a", "84"));
	folder_wait(&folder, PRINTED("a", "83") PRINTED("b", "81"),
	            "warned Service default/a stands in b.yaml and in c.yaml; the first one counts\n");
	folder_put(&folder, "m/b.yaml", SERVICE("b", "81"));
	folder_wait(&folder, PRINTED("a", "84") PRINTED("b", "81"), "");
	folder_drop(&folder, "m/b.yaml");
	folder_drop(&folder, "m/c.yaml");
	folder_wait(&folder, "", "");
}
END_TEST

START_TEST(a_copy_of_a_file_does_not_flood_the_log)
{
	auto_text many = {0};
	for (unsigned i = 0; i < 30; i++)
		text_addf(&many, "---\n{kind: Node, apiVersion: v1, metadata: {name: n%u}}\n", i + 1);
	folder_put(&folder, "m/a.yaml", text_string(&many));
	folder_watch(&folder);
	folder_put(&folder, "m/b.yaml", text_string(&many));
	folder_wait(&folder, NULL,
	            "warned Node n1 stands in a.yaml and in b.yaml; the first one counts\n"
	            "warned Node n2 stands in a.yaml and in b.yaml; the first one counts\n"
	            "warned Node n3 stands in a.yaml and in b.yaml; the first one counts\n"
	            "warned Node n4 stands in a.yaml and in b.yaml; the first one counts\n"
	            "warned Node n5 stands in a.yaml and in b.yaml; the first one counts\n"
	            "warned 25 more objects stand in several files; the first ones count\n");
	folder_drop(&folder, "m/a.yaml");
	folder_put(&folder, "m/c.yaml", SERVICE("c", "80"));
	folder_wait(&folder, PRINTED("c", "80") "node n1\n", "");
}
END_TEST

START_TEST(of_an_object_twice_in_one_file_the_first_counts)
{
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80") "---\n" SERVICE("a", "81"));
	folder_watch(&folder);
	folder_wait(&folder, PRINTED("a", "80"),
	            "warned Service default/a stands twice in a.yaml; the first one counts\n");
	folder_drop(&folder, "m/a.yaml");
	folder_wait(&folder, "", "");
}
END_TEST

#define ENDPOINTS(subsets) "{kind: Endpoints, apiVersion: v1, metadata: {name: a}, subsets: [" subsets "]}\n"
#define SUBSET(address)    "{addresses: [{ip: " address "}]},"
#define PRINTED_PART(part, address) \
	"slice default/a/" part " of a IPv4 mirrored [ " address " ready serving ]\n"

START_TEST(an_endpoints_object_is_one_object)
{
	folder_put(&folder, "m/b.yaml", ENDPOINTS(SUBSET("10.0.0.1") SUBSET("10.0.0.2")));
	folder_watch(&folder);
	folder_wait(&folder, PRINTED_PART("0-IPv4-0", "10.0.0.1") PRINTED_PART("1-IPv4-0", "10.0.0.2"), "");
	folder_put(&folder, "m/b.yaml", ENDPOINTS(SUBSET("10.0.0.3")));
	folder_wait(&folder, PRINTED_PART("0-IPv4-0", "10.0.0.3"), "");
	folder_put(&folder, "m/b.yaml", ENDPOINTS(SUBSET("10.0.0.3") SUBSET("10.0.0.4")));
	folder_wait(&folder, PRINTED_PART("0-IPv4-0", "10.0.0.3") PRINTED_PART("1-IPv4-0", "10.0.0.4"), "");
	/* Another file's object takes its place as a whole. */
	folder_put(&folder, "m/a.yaml", ENDPOINTS(SUBSET("10.0.0.5")));
	folder_wait(&folder, PRINTED_PART("0-IPv4-0", "10.0.0.5"),
	            "warned Endpoints default/a stands in a.yaml and in b.yaml; the first one counts\n");
	folder_drop(&folder, "m/a.yaml");
	folder_wait(&folder, PRINTED_PART("0-IPv4-0", "10.0.0.3") PRINTED_PART("1-IPv4-0", "10.0.0.4"), "");
	folder_put(&folder, "m/b.yaml",
	           ENDPOINTS(SUBSET("10.0.0.6")) "---\n" ENDPOINTS(SUBSET("10.0.0.7") SUBSET("10.0.0.8")));
	folder_wait(&folder, PRINTED_PART("0-IPv4-0", "10.0.0.6"),
	            "warned Endpoints default/a stands twice in b.yaml; the first one counts\n");
	folder_put(&folder, "m/b.yaml", ENDPOINTS(""));
	folder_wait(&folder, "", "");
}
END_TEST

START_TEST(objects_of_other_kinds_are_noted_once)
{
	folder_put(&folder, "m/a.yaml", "kind: Pod\n---\nkind: ConfigMap\n---\n" SERVICE("a", "80"));
	folder_watch(&folder);
	folder_wait(&folder, PRINTED("a", "80"), "noted a.yaml: 2 objects of other kinds are ignored\n");
	folder_put(&folder, "m/a.yaml", "kind: Pod\n---\nkind: Secret\n---\n" SERVICE("a", "81"));
	folder_wait(&folder, PRINTED("a", "81"), "");
}
END_TEST

START_TEST(a_file_written_anew_with_the_same_content_is_no_change)
{
	folder_put(&folder, "m/a.yaml", SERVICE("a", "80"));
	folder_watch(&folder);
	unsigned changes = folder.changes;
	folder_put(&folder, "m/a.yaml", "# with a remark\n" SERVICE("a", "80"));
	folder_settle(&folder);
	folder_wait(&folder, PRINTED("a", "80"), "");
	ck_assert_uint_eq(folder.changes, changes + 2);
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
	        all_files_of_a_directory_are_read_in_order,
	        a_directory_that_is_not_there_is_a_fault,
	        files_come_change_and_go,
	        a_file_renamed_into_place_replaces_the_old_one,
	        an_object_moved_to_another_file_never_goes,
	        a_writer_that_keeps_the_file_open_is_heard,
	        what_a_broken_file_held_before_stays_in_force,
	        a_broken_file_is_told_of_once_for_each_content,
	        an_object_of_the_api_server_counts_before_the_directorys,
	        of_an_object_in_two_files_the_first_ones_counts,
	        a_copy_of_a_file_does_not_flood_the_log,
	        of_an_object_twice_in_one_file_the_first_counts,
	        an_endpoints_object_is_one_object,
	        objects_of_other_kinds_are_noted_once,
	        a_file_written_anew_with_the_same_content_is_no_change,
	};
	Suite *suite = suite_create("source: manifest");
	TCase *directory = tcase_create("directory");
	tcase_add_checked_fixture(directory, set_up, tear_down);
	tcase_set_timeout(directory, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(directory, tests[i]);
	suite_add_tcase(suite, directory);
	return run_suite(suite);
}
