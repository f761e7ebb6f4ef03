#include "source_recorded.h"

#include "source_print.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two empty lines stand before the body: behind the request and behind the headers. */
char *recorded_body(const char *test_data, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/data/apiserver/%s", test_data, name);
	char *text = read_test_file(path);
	char *body = strstr(text, "\n\n");
	body = body ? strstr(body + 2, "\n\n") : NULL;
	ck_assert_msg(body != NULL, "%s is no recorded answer", path);
	body += 2;
	memmove(text, body, strlen(body) + 1);
	return text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_sorted(struct text *text, char *lines)
{
	char *sorted[4096], *rest = lines;
	size_t count = 0;
	for (char *line; (line = strsep(&rest, "\n")) && rest;)
		if (count < sizeof(sorted) / sizeof(*sorted))
			sorted[count++] = line;
	qsort(sorted, count, sizeof(*sorted), by_text);
	for (size_t i = 0; i < count; i++)
		text_addf(text, "%s\n", sorted[i]);
}

void print_cluster(struct text *text, struct cluster *cluster, const char *node_name)
{
	auto_text lines = {0};
	const struct node *node = cluster_find_node(cluster, node_name);
	cluster_mark_all(cluster);
	for (const struct cluster_entry *entry; (entry = cluster_next_changed(cluster));) {
		if (entry->service)
			print_service(&lines, entry->service);
		for (size_t i = 0; i < entry->slice_count; i++)
			print_slice(&lines, entry->slices[i]);
	}
	if (node)
		print_node(&lines, node);
	if (lines.length)
		add_sorted(text, lines.bytes);
}
