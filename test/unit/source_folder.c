#include "source_folder.h"

#include "source_print.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 10 };

static void on_changed(void *context)
{
	((struct folder *)context)->changes++;
}

/* Without the directory's name, which differs from run to run. */
static void tell(struct folder *folder, const char *what, const char *said)
{
	text_add(&folder->told, what);
	for (const char *found; (found = strstr(said, folder->root)); said = found + strlen(folder->root))
		text_add_bytes(&folder->told, said, (size_t)(found - said));
	text_addf(&folder->told, "%s\n", said);
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

void folder_init(struct folder *folder)
{
	*folder = (struct folder){0};
	test_directory_make(folder->root);
	snprintf(folder->path, sizeof(folder->path), "%s/m", folder->root);
	ck_assert_int_eq(mkdir(folder->path, 0755), 0);
	folder->cluster = cluster_new();
	inlet_init(&folder->inlet, folder->cluster, ORIGIN_MANIFESTS);
	folder->base = event_base_new();
}

void folder_done(struct folder *folder)
{
	manifest_directory_close(folder->directory);
	cluster_free(folder->cluster);
	event_base_free(folder->base);
	text_done(&folder->told);
	test_directory_remove(folder->root);
}

int folder_open(struct folder *folder, const char *path, struct fault *fault)
{
	const struct manifest_listener listener = {folder, on_changed, on_refused, on_recovered, on_remarked};
	return manifest_directory_open(path, &folder->inlet, &listener, &folder->directory, fault);
}

void folder_watch(struct folder *folder)
{
	ck_assert_int_eq(folder_open(folder, folder->path, NULL), 0);
	ck_assert_int_eq(manifest_directory_watch(folder->directory, folder->base), 0);
}

const char *folder_path(const struct folder *folder, const char *name, char path[static TEST_PATH_SIZE])
{
	return test_directory_path(folder->root, name, path);
}

void folder_put(const struct folder *folder, const char *name, const char *content)
{
	char path[256];
	FILE *file = fopen(folder_path(folder, name, path), "w");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	fputs(content, file);
	fclose(file);
}

void folder_move(const struct folder *folder, const char *from, const char *to)
{
	char old[256], new[256];
	ck_assert_int_eq(rename(folder_path(folder, from, old), folder_path(folder, to, new)), 0);
}

void folder_drop(const struct folder *folder, const char *name)
{
	char path[256];
	ck_assert_int_eq(remove(folder_path(folder, name, path)), 0);
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

void folder_wait(struct folder *folder, const char *cluster, const char *told)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	bool impatient = false;
	struct event *timer = event_new(folder->base, -1, 0, on_impatience, &impatient);
	event_add(timer, &patience);
	for (;;) {
		auto_text got = {0};
		print_cluster(folder->cluster, &got);
		bool done = (!cluster || strcmp(text_string(&got), cluster) == 0) &&
		            (!told || strcmp(text_string(&folder->told), told) == 0);
		if (done)
			break;
		if (impatient) {
			ck_assert_texts("the cluster", cluster ? cluster : text_string(&got),
			                text_string(&got));
			ck_assert_texts("what was told", told, text_string(&folder->told));
		}
		event_base_loop(folder->base, EVLOOP_ONCE);
	}
	event_free(timer);
	text_clear(&folder->told);
}

void folder_settle(struct folder *folder)
{
	char path[256];
	folder_put(folder, "m/zzz.yaml", "kind: Node\napiVersion: v1\nmetadata: {name: n1}\n");
	while (!cluster_find_node(folder->cluster, "n1"))
		event_base_loop(folder->base, EVLOOP_ONCE);
	unlink(folder_path(folder, "m/zzz.yaml", path));
	while (cluster_find_node(folder->cluster, "n1"))
		event_base_loop(folder->base, EVLOOP_ONCE);
}
