/*
 * A directory of manifests as people and programs change it: real files, real inotify, a real loop. Nothing
 * sleeps; each step waits until the cluster or what was told is what it should be.
 */
#include "source/manifest.h"
#include "source_print.h"
#include "support.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 10 };

struct fixture {
	char root[64]; /* a temporary directory; the manifests are in root/m */
	char path[96];
	struct cluster *cluster;
	struct event_base *base;
	struct manifest_directory *directory;
	struct text told; /* what the listener heard, save `changed` */
	unsigned changes;
};

static void on_changed(void *context)
{
	((struct fixture *)context)->changes++;
}

/* Without the directory's name, which differs from run to run. */
static void tell(struct fixture *fixture, const char *what, const char *said)
{
	text_add(&fixture->told, what);
	for (const char *found; (found = strstr(said, fixture->root)); said = found + strlen(fixture->root))
		text_add_bytes(&fixture->told, said, (size_t)(found - said));
	text_addf(&fixture->told, "%s\n", said);
}

static void on_refused(void *context, const struct fault *fault)
{
	char line[FAULT_TEXT_SIZE];
	tell(context, "refused ", fault_format(fault, line));
}

static void on_recovered(void *context, const char *place)
{
	tell(context, "recovered ", place);
}

static void on_remarked(void *context, bool grave, const char *sentence)
{
	tell(context, grave ? "warned " : "noted ", sentence);
}

static void set_up(struct fixture *fixture)
{
	*fixture = (struct fixture){.root = "/tmp/kube-ipvs-manifest-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(fixture->root));
	snprintf(fixture->path, sizeof(fixture->path), "%s/m", fixture->root);
	ck_assert_int_eq(mkdir(fixture->path, 0755), 0);
	fixture->cluster = cluster_new();
	fixture->base = event_base_new();
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void tear_down(struct fixture *fixture)
{
	manifest_directory_close(fixture->directory);
	cluster_free(fixture->cluster);
	event_base_free(fixture->base);
	text_done(&fixture->told);
	nftw(fixture->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int open_path(struct fixture *fixture, const char *path, struct fault *fault)
{
	const struct manifest_listener listener = {fixture, on_changed, on_refused, on_recovered,
	                                           on_remarked};
	return manifest_directory_open(path, fixture->cluster, &listener, &fixture->directory, fault);
}

static void open_and_watch(struct fixture *fixture)
{
	ck_assert_int_eq(open_path(fixture, fixture->path, NULL), 0);
	ck_assert_int_eq(manifest_directory_watch(fixture->directory, fixture->base), 0);
}

static const char *place(const struct fixture *fixture, const char *name, char path[static 256])
{
	snprintf(path, 256, "%s/%s", fixture->root, name);
	return path;
}

static void put(const struct fixture *fixture, const char *name, const char *content)
{
	char path[256];
	FILE *file = fopen(place(fixture, name, path), "w");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	fputs(content, file);
	fclose(file);
}

static void move(const struct fixture *fixture, const char *from, const char *to)
{
	char old[256], new[256];
	ck_assert_int_eq(rename(place(fixture, from, old), place(fixture, to, new)), 0);
}

static void drop(const struct fixture *fixture, const char *name)
{
	char path[256];
	ck_assert_int_eq(remove(place(fixture, name, path)), 0);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Services and slices, a line each, sorted; and the node n1. */
static void print_cluster(struct cluster *cluster, struct text *text)
{
	struct text lines[64] = {0};
	char *sorted[64];
	size_t count = 0;
	const struct cluster_entry *entry;
	cluster_mark_all(cluster);
	while ((entry = cluster_next_changed(cluster))) {
		if (entry->service)
			print_service(&lines[count++], entry->service);
		for (size_t i = 0; i < entry->slice_count; i++)
			print_slice(&lines[count++], entry->slices[i]);
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = lines[i].bytes;
	qsort(sorted, count, sizeof(*sorted), compare_lines);
	for (size_t i = 0; i < count; i++)
		text_add(text, sorted[i]);
	for (size_t i = 0; i < count; i++)
		text_done(&lines[i]);
	if (cluster_find_node(cluster, "n1"))
		print_node(text, cluster_find_node(cluster, "n1"));
}

static void on_impatience(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	*(bool *)context = true;
}

/* Runs the loop until both texts are what they should be. NULL: no matter. */
static void wait_until(struct fixture *fixture, const char *cluster, const char *told)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	bool impatient = false;
	struct event *timer = event_new(fixture->base, -1, 0, on_impatience, &impatient);
	event_add(timer, &patience);
	for (;;) {
		auto_text got = {0};
		print_cluster(fixture->cluster, &got);
		bool done = (!cluster || strcmp(text_string(&got), cluster) == 0) &&
		            (!told || strcmp(text_string(&fixture->told), told) == 0);
		if (done)
			break;
		if (impatient) {
			ck_assert_texts("the cluster", cluster ? cluster : text_string(&got),
			                text_string(&got));
			ck_assert_texts("what was told", told, text_string(&fixture->told));
		}
		event_base_loop(fixture->base, EVLOOP_ONCE);
	}
	event_free(timer);
	text_clear(&fixture->told);
}

/* Runs the loop for longer than any pause of the watcher, so that what should not happen could. */
static void wait_for_nothing(struct fixture *fixture)
{
	char path[256];
	put(fixture, "m/zzz.yaml", "kind: Node\napiVersion: v1\nmetadata: {name: n1}\n");
	while (!cluster_find_node(fixture->cluster, "n1"))
		event_base_loop(fixture->base, EVLOOP_ONCE);
	unlink(place(fixture, "m/zzz.yaml", path));
	while (cluster_find_node(fixture->cluster, "n1"))
		event_base_loop(fixture->base, EVLOOP_ONCE);
}

#define SERVICE(name, port)                                      \
	"{kind: Service, apiVersion: v1, metadata: {name: " name \
	"}, spec: {clusterIP: 10.96.0.1, ports: [{port: " port "}]}}\n"
#define PRINTED(name, port) "service default/" name " ClusterIP ips 10.96.0.1 IPv4 port :" port "/TCP\n"
#define SLICE(name, address)                                                                         \
	"{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: " name ", labels: " \
	"{kubernetes.io/service-name: a}}, addressType: IPv4, endpoints: [{addresses: [" address "]}]}\n"
#define PRINTED_SLICE(name, address) "slice default/" name " of a IPv4 [ " address " ready serving ]\n"

static struct fixture fixture;

START_TEST(all_files_of_a_directory_are_read_in_order)
{
	put(&fixture, "m/b.json", "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"n1\"}}");
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	put(&fixture, "m/c.yml", SERVICE("c", "80"));
	put(&fixture, "m/.hidden.yaml", SERVICE("hidden", "80"));
	put(&fixture, "m/notes.txt", "kind: [");
	char path[256];
	ck_assert_int_eq(mkdir(place(&fixture, "m/sub.yaml", path), 0755), 0);
	ck_assert_int_eq(mkfifo(place(&fixture, "m/fifo.yaml", path), 0644), 0);
	ck_assert_int_eq(open_path(&fixture, fixture.path, NULL), 0);
	wait_until(&fixture, PRINTED("a", "80") PRINTED("c", "80") "node n1\n", "");
	ck_assert_uint_eq(fixture.changes, 1);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_a_fault)
{
	struct fault fault = {0};
	ck_assert_int_eq(open_path(&fixture, "/tmp/kube-ipvs-no-such-directory", &fault), -ENOENT);
	ck_assert_ptr_null(fixture.directory);
	ck_assert_str_eq(fault.place, "/tmp/kube-ipvs-no-such-directory");
	ck_assert_str_eq(fault.sentence, "the manifests cannot be read: No such file or directory");
	manifest_directory_close(NULL);
}
END_TEST

START_TEST(files_come_change_and_go)
{
	open_and_watch(&fixture);
	wait_until(&fixture, "", "");
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	wait_until(&fixture, PRINTED("a", "80"), "");
	put(&fixture, "m/a.yaml", SERVICE("a", "81") "---\n" SLICE("s", "10.0.0.1"));
	wait_until(&fixture, PRINTED("a", "81") PRINTED_SLICE("s", "10.0.0.1"), "");
	put(&fixture, "m/a.yaml", SLICE("s", "10.0.0.2"));
	wait_until(&fixture, PRINTED_SLICE("s", "10.0.0.2"), "");
	drop(&fixture, "m/a.yaml");
	wait_until(&fixture, "", "");
}
END_TEST

START_TEST(a_file_renamed_into_place_replaces_the_old_one)
{
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	open_and_watch(&fixture);
	put(&fixture, "m/.a.new", SERVICE("a", "81"));
	move(&fixture, "m/.a.new", "m/a.yaml");
	wait_until(&fixture, PRINTED("a", "81"), "");
	move(&fixture, "m/a.yaml", "m/b.yaml");
	put(&fixture, "m/b.yaml", SERVICE("a", "82"));
	wait_until(&fixture, PRINTED("a", "82"), "");
	move(&fixture, "m/b.yaml", "away.yaml");
	wait_until(&fixture, "", "");
}
END_TEST

START_TEST(an_object_moved_to_another_file_never_goes)
{
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	open_and_watch(&fixture);
	unsigned changes = fixture.changes;
	move(&fixture, "m/a.yaml", "m/b.yaml");
	wait_for_nothing(&fixture);
	wait_until(&fixture, PRINTED("a", "80"), "");
	ck_assert_uint_eq(fixture.changes, changes + 2); /* the two of wait_for_nothing */
}
END_TEST

START_TEST(a_writer_that_keeps_the_file_open_is_heard)
{
	char path[256];
	const char *content = SERVICE("a", "80");
	open_and_watch(&fixture);
	int fd = open(place(&fixture, "m/a.yaml", path), O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	wait_until(&fixture, PRINTED("a", "80"), "");
	ck_assert_int_eq(pwrite(fd, SERVICE("a", "81"), strlen(content), 0), (ssize_t)strlen(content));
	wait_until(&fixture, PRINTED("a", "81"), "");
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
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	open_and_watch(&fixture);
	put(&fixture, "m/a.yaml", BROKEN);
	wait_until(&fixture, PRINTED("a", "80"), BROKEN_FAULT);
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	wait_until(&fixture, PRINTED("a", "80"), "recovered /m/a.yaml\n");
	put(&fixture, "m/a.yaml", BROKEN);
	wait_until(&fixture, PRINTED("a", "80"), BROKEN_FAULT);
	drop(&fixture, "m/a.yaml");
	wait_until(&fixture, "", "recovered /m/a.yaml\n");
}
END_TEST

START_TEST(a_broken_file_is_told_of_once_for_each_content)
{
	put(&fixture, "m/a.yaml", BROKEN);
	open_and_watch(&fixture);
	wait_until(&fixture, "", BROKEN_FAULT);
	put(&fixture, "m/b.yaml", SERVICE("b", "80"));
	wait_until(&fixture, PRINTED("b", "80"), "");
	put(&fixture, "m/a.yaml", BROKEN);
	wait_for_nothing(&fixture);
	wait_until(&fixture, PRINTED("b", "80"), "");
	put(&fixture, "m/a.yaml", "# another\n" BROKEN);
	wait_until(&fixture, PRINTED("b", "80"),
	           "refused /m/a.yaml:2: spec.ports[0].port: Service \"default/a\": Invalid value: 0: must "
	           "be between 1 "
	           "and 65535, inclusive\n");
}
END_TEST

START_TEST(what_cannot_be_opened_keeps_what_it_held)
{
	char path[256];
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	open_and_watch(&fixture);
	/* A link that leads nowhere is what root cannot open either. */
	ck_assert_int_eq(symlink("nowhere", place(&fixture, "m/link", path)), 0);
	move(&fixture, "m/link", "m/a.yaml");
	wait_until(&fixture, PRINTED("a", "80"),
	           "refused /m/a.yaml: the file cannot be read: No such file or directory\n");
	put(&fixture, "m/nowhere", SERVICE("a", "81"));
	wait_until(&fixture, PRINTED("a", "81"), "recovered /m/a.yaml\n");
}
END_TEST

START_TEST(a_file_without_permission_keeps_what_it_held)
{
	char path[256];
	bool root = geteuid() == 0;
	if (root) /* whom no mode keeps out */
		ck_assert(setegid(65534) == 0 && seteuid(65534) == 0);
	set_up(&fixture);
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	open_and_watch(&fixture);
	ck_assert_int_eq(chmod(place(&fixture, "m/a.yaml", path), 0), 0);
	wait_until(&fixture, PRINTED("a", "80"),
	           "refused /m/a.yaml: the file cannot be read: Permission denied\n");
	ck_assert_int_eq(chmod(path, 0644), 0);
	wait_until(&fixture, PRINTED("a", "80"), "recovered /m/a.yaml\n");
	ck_assert_int_eq(chmod(fixture.path, 0), 0);
	wait_until(
	        &fixture, PRINTED("a", "80"),
	        "refused /m: the directory cannot be read: Permission denied; what it held stays in force\n");
	ck_assert_int_eq(chmod(fixture.path, 0755), 0);
	wait_until(&fixture, PRINTED("a", "80"), "recovered /m\n");
	tear_down(&fixture);
	if (root)
		ck_assert(seteuid(0) == 0 && setegid(0) == 0);
}
END_TEST

START_TEST(a_mounted_config_map_is_followed)
{
	char path[256];
	ck_assert_int_eq(mkdir(place(&fixture, "m/..1", path), 0755), 0);
	ck_assert_int_eq(mkdir(place(&fixture, "m/..2", path), 0755), 0);
	put(&fixture, "m/..1/a.yaml", SERVICE("a", "80"));
	put(&fixture, "m/..2/a.yaml", SERVICE("a", "81"));
	ck_assert_int_eq(symlink("..1", place(&fixture, "m/..data", path)), 0);
	ck_assert_int_eq(symlink("..data/a.yaml", place(&fixture, "m/a.yaml", path)), 0);
	open_and_watch(&fixture);
	wait_until(&fixture, PRINTED("a", "80"), "");
	ck_assert_int_eq(symlink("..2", place(&fixture, "m/..data_tmp", path)), 0);
	move(&fixture, "m/..data_tmp", "m/..data");
	wait_until(&fixture, PRINTED("a", "81"), "");
}
END_TEST

START_TEST(of_an_object_in_two_files_the_first_ones_counts)
{
	put(&fixture, "m/b.yaml", SERVICE("a", "82") "---\n" SERVICE("b", "80"));
	open_and_watch(&fixture);
	wait_until(&fixture, PRINTED("a", "82") PRINTED("b", "80"), "");
	put(&fixture, "m/a.yaml", SERVICE("a", "81"));
	wait_until(&fixture, PRINTED("a", "81") PRINTED("b", "80"),
	           "warned Service default/a stands in a.yaml and in b.yaml; the first one counts\n");
	put(&fixture, "m/b.yaml", SERVICE("a", "83") "---\n" SERVICE("b", "81"));
	wait_until(&fixture, PRINTED("a", "81") PRINTED("b", "81"), "");
	drop(&fixture, "m/a.yaml");
	wait_until(&fixture, PRINTED("a", "83") PRINTED("b", "81"), "");
	put(&fixture, "m/c.yaml", SERVICE("a", "84"));
	wait_until(&fixture, PRINTED("a", "83") PRINTED("b", "81"),
	           "warned Service default/a stands in b.yaml and in c.yaml; the first one counts\n");
	put(&fixture, "m/b.yaml", SERVICE("b", "81"));
	wait_until(&fixture, PRINTED("a", "84") PRINTED("b", "81"), "");
	drop(&fixture, "m/b.yaml");
	drop(&fixture, "m/c.yaml");
	wait_until(&fixture, "", "");
}
END_TEST

START_TEST(a_copy_of_a_file_does_not_flood_the_log)
{
	auto_text many = {0};
	for (unsigned i = 0; i < 30; i++)
		text_addf(&many, "---\n{kind: Node, apiVersion: v1, metadata: {name: n%u}}\n", i + 1);
	put(&fixture, "m/a.yaml", text_string(&many));
	open_and_watch(&fixture);
	put(&fixture, "m/b.yaml", text_string(&many));
	wait_until(&fixture, NULL,
	           "warned Node n1 stands in a.yaml and in b.yaml; the first one counts\n"
	           "warned Node n2 stands in a.yaml and in b.yaml; the first one counts\n"
	           "warned Node n3 stands in a.yaml and in b.yaml; the first one counts\n"
	           "warned Node n4 stands in a.yaml and in b.yaml; the first one counts\n"
	           "warned Node n5 stands in a.yaml and in b.yaml; the first one counts\n"
	           "warned 25 more objects stand in several files; the first ones count\n");
	drop(&fixture, "m/a.yaml");
	put(&fixture, "m/c.yaml", SERVICE("c", "80"));
	wait_until(&fixture, PRINTED("c", "80") "node n1\n", "");
}
END_TEST

START_TEST(of_an_object_twice_in_one_file_the_first_counts)
{
	put(&fixture, "m/a.yaml", SERVICE("a", "80") "---\n" SERVICE("a", "81"));
	open_and_watch(&fixture);
	wait_until(&fixture, PRINTED("a", "80"),
	           "warned Service default/a stands twice in a.yaml; the first one counts\n");
	drop(&fixture, "m/a.yaml");
	wait_until(&fixture, "", "");
}
END_TEST

#define ENDPOINTS(subsets) "{kind: Endpoints, apiVersion: v1, metadata: {name: a}, subsets: [" subsets "]}\n"
#define SUBSET(address)    "{addresses: [{ip: " address "}]},"
#define PRINTED_PART(part, address) \
	"slice default/a/" part " of a IPv4 mirrored [ " address " ready serving ]\n"

START_TEST(an_endpoints_object_is_one_object)
{
	put(&fixture, "m/b.yaml", ENDPOINTS(SUBSET("10.0.0.1") SUBSET("10.0.0.2")));
	open_and_watch(&fixture);
	wait_until(&fixture, PRINTED_PART("0-IPv4-0", "10.0.0.1") PRINTED_PART("1-IPv4-0", "10.0.0.2"), "");
	put(&fixture, "m/b.yaml", ENDPOINTS(SUBSET("10.0.0.3")));
	wait_until(&fixture, PRINTED_PART("0-IPv4-0", "10.0.0.3"), "");
	put(&fixture, "m/b.yaml", ENDPOINTS(SUBSET("10.0.0.3") SUBSET("10.0.0.4")));
	wait_until(&fixture, PRINTED_PART("0-IPv4-0", "10.0.0.3") PRINTED_PART("1-IPv4-0", "10.0.0.4"), "");
	/* Another file's object takes its place as a whole. */
	put(&fixture, "m/a.yaml", ENDPOINTS(SUBSET("10.0.0.5")));
	wait_until(&fixture, PRINTED_PART("0-IPv4-0", "10.0.0.5"),
	           "warned Endpoints default/a stands in a.yaml and in b.yaml; the first one counts\n");
	drop(&fixture, "m/a.yaml");
	wait_until(&fixture, PRINTED_PART("0-IPv4-0", "10.0.0.3") PRINTED_PART("1-IPv4-0", "10.0.0.4"), "");
	put(&fixture, "m/b.yaml",
	    ENDPOINTS(SUBSET("10.0.0.6")) "---\n" ENDPOINTS(SUBSET("10.0.0.7") SUBSET("10.0.0.8")));
	wait_until(&fixture, PRINTED_PART("0-IPv4-0", "10.0.0.6"),
	           "warned Endpoints default/a stands twice in b.yaml; the first one counts\n");
	put(&fixture, "m/b.yaml", ENDPOINTS(""));
	wait_until(&fixture, "", "");
}
END_TEST

START_TEST(objects_of_other_kinds_are_noted_once)
{
	put(&fixture, "m/a.yaml", "kind: Pod\n---\nkind: ConfigMap\n---\n" SERVICE("a", "80"));
	open_and_watch(&fixture);
	wait_until(&fixture, PRINTED("a", "80"), "noted a.yaml: 2 objects of other kinds are ignored\n");
	put(&fixture, "m/a.yaml", "kind: Pod\n---\nkind: Secret\n---\n" SERVICE("a", "81"));
	wait_until(&fixture, PRINTED("a", "81"), "");
}
END_TEST

START_TEST(a_file_written_anew_with_the_same_content_is_no_change)
{
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	open_and_watch(&fixture);
	unsigned changes = fixture.changes;
	put(&fixture, "m/a.yaml", "# with a remark\n" SERVICE("a", "80"));
	wait_for_nothing(&fixture);
	wait_until(&fixture, PRINTED("a", "80"), "");
	ck_assert_uint_eq(fixture.changes, changes + 2);
}
END_TEST

START_TEST(a_directory_that_goes_away_is_waited_for)
{
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	open_and_watch(&fixture);
	move(&fixture, "m", "elsewhere");
	wait_until(&fixture, PRINTED("a", "80"),
	           "refused /m: the directory cannot be read: No such file or directory; what it held stays "
	           "in force\n");
	move(&fixture, "elsewhere", "m");
	wait_until(&fixture, PRINTED("a", "80"), "recovered /m\n");
	put(&fixture, "m/a.yaml", SERVICE("a", "81"));
	wait_until(&fixture, PRINTED("a", "81"), "");
}
END_TEST

START_TEST(a_directory_made_anew_is_followed)
{
	char path[256];
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	open_and_watch(&fixture);
	drop(&fixture, "m/a.yaml");
	drop(&fixture, "m");
	wait_until(&fixture, NULL,
	           "refused /m: the directory cannot be read: No such file or directory; what it held stays "
	           "in force\n");
	ck_assert_int_eq(mkdir(place(&fixture, "m", path), 0755), 0);
	put(&fixture, "m/a.yaml", SERVICE("a", "81"));
	wait_until(&fixture, PRINTED("a", "81"), "recovered /m\n");
	put(&fixture, "m/a.yaml", SERVICE("a", "82"));
	wait_until(&fixture, PRINTED("a", "82"), "");
}
END_TEST

START_TEST(another_directory_in_its_place_is_followed)
{
	char path[256];
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	ck_assert_int_eq(mkdir(place(&fixture, "n", path), 0755), 0);
	put(&fixture, "n/a.yaml", SERVICE("a", "81"));
	open_and_watch(&fixture);
	move(&fixture, "m", "o");
	move(&fixture, "n", "m");
	wait_until(&fixture, PRINTED("a", "81"), NULL);
	put(&fixture, "m/b.yaml", SERVICE("b", "80"));
	wait_until(&fixture, PRINTED("a", "81") PRINTED("b", "80"), NULL);
}
END_TEST

START_TEST(a_path_may_be_a_single_file)
{
	char path[256];
	put(&fixture, "m/a.txt", SERVICE("a", "80"));
	put(&fixture, "m/b.yaml", SERVICE("b", "80"));
	ck_assert_int_eq(open_path(&fixture, place(&fixture, "m/a.txt", path), NULL), 0);
	ck_assert_int_eq(manifest_directory_watch(fixture.directory, fixture.base), 0);
	wait_until(&fixture, PRINTED("a", "80"), "");
	put(&fixture, "m/new", SERVICE("a", "81"));
	move(&fixture, "m/new", "m/a.txt");
	wait_until(&fixture, PRINTED("a", "81"), "");
	drop(&fixture, "m/a.txt");
	wait_until(&fixture, PRINTED("a", "81"),
	           "refused /m/a.txt: the file cannot be read: No such file or directory; what it held stays "
	           "in force\n");
	put(&fixture, "m/a.txt", SERVICE("a", "82"));
	wait_until(&fixture, PRINTED("a", "82"), "recovered /m/a.txt\n");
}
END_TEST

START_TEST(what_happens_between_open_and_watch_is_seen)
{
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	ck_assert_int_eq(open_path(&fixture, fixture.path, NULL), 0);
	put(&fixture, "m/a.yaml", SERVICE("a", "81"));
	ck_assert_int_eq(manifest_directory_watch(fixture.directory, fixture.base), 0);
	wait_until(&fixture, PRINTED("a", "81"), "");
}
END_TEST

/* More notices than the kernel keeps for one reader: the last state counts, however it became so. */
START_TEST(a_flood_of_changes_ends_in_the_last_state)
{
	char paths[2][256];
	place(&fixture, "m/1.txt", paths[0]);
	place(&fixture, "m/2.txt", paths[1]);
	put(&fixture, "m/1.txt", "");
	put(&fixture, "m/2.txt", "");
	open_and_watch(&fixture);
	for (unsigned i = 0; i < 20000; i++)
		ck_assert_int_eq(utimensat(AT_FDCWD, paths[i % 2], NULL, 0), 0);
	put(&fixture, "m/a.yaml", SERVICE("a", "80"));
	wait_until(&fixture, PRINTED("a", "80"), "");
	put(&fixture, "m/a.yaml", SERVICE("a", "81"));
	wait_until(&fixture, PRINTED("a", "81"), "");
}
END_TEST

static void set_up_fixture(void)
{
	set_up(&fixture);
}

static void tear_down_fixture(void)
{
	tear_down(&fixture);
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
	        what_cannot_be_opened_keeps_what_it_held,
	        a_mounted_config_map_is_followed,
	        of_an_object_in_two_files_the_first_ones_counts,
	        a_copy_of_a_file_does_not_flood_the_log,
	        of_an_object_twice_in_one_file_the_first_counts,
	        an_endpoints_object_is_one_object,
	        objects_of_other_kinds_are_noted_once,
	        a_file_written_anew_with_the_same_content_is_no_change,
	        a_directory_that_goes_away_is_waited_for,
	        a_directory_made_anew_is_followed,
	        another_directory_in_its_place_is_followed,
	        a_path_may_be_a_single_file,
	        what_happens_between_open_and_watch_is_seen,
	        a_flood_of_changes_ends_in_the_last_state,
	};
	Suite *suite = suite_create("source: manifest");
	TCase *directory = tcase_create("directory");
	tcase_add_checked_fixture(directory, set_up_fixture, tear_down_fixture);
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
