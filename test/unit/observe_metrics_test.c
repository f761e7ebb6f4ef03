/*
 * Names, types, help texts, labels and buckets against what kube-proxy answers, and the page of the manual.
 *
 * With METRICS_PAGE set in the environment, a whole page with every series is also written to that file, for
 * test/lint/metrics.
 */
#include "metrics_table.h"
#include "observe/metrics.h"
#include "support.h"
#include "test_directory.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDING TEST_DATA "/data/kube-proxy/metrics"
#define MAN_PAGE  TEST_DATA "/../man/kube-ipvs-metrics.7"

static struct metrics *metrics;

static void set_up(void)
{
	metrics = metrics_new();
}

static void tear_down(void)
{
	metrics_free(metrics);
	metrics_free(NULL);
}

static char *page(void)
{
	struct text text = {0};
	metrics_render(metrics, "/proc/self", &text);
	return text.bytes;
}

/* The lines of one family: its HELP and TYPE, and the samples behind them. The caller frees it; "" if there are none. */
static char *family_lines(const char *text, const char *name)
{
	auto_text found = {0};
	auto_text help = {0};
	text_addf(&help, "# HELP %s ", name);
	const char *at = strstr(text, help.bytes);
	for (const char *line = at; line && *line; line = strchr(line, '\n') + 1) {
		if (line != at && strncmp(line, "# HELP ", 7) == 0)
			break;
		text_add_bytes(&found, line, (size_t)(strchr(line, '\n') + 1 - line));
	}
	return memory_copy_text(text_string(&found));
}

/* Cuts the value off each sample's line. */
static char *without_values(const char *lines)
{
	auto_text kept = {0};
	for (const char *line = lines; *line; line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n'), *blank = end;
		while (*line != '#' && *blank != ' ')
			blank--;
		text_add_bytes(&kept, line, (size_t)(blank - line));
		text_add_char(&kept, '\n');
	}
	return memory_copy_text(text_string(&kept));
}

/* The whole page does not fit into a message of Check's. */
static void must_have(const char *all, const char *part)
{
	if (strstr(all, part))
		return;
	fprintf(stderr, "%s\n", all);
	ck_abort_msg("the page (printed above) does not have: %s", part);
}

/* ---- like kube-proxy's */

static void use(enum metric metric, unsigned label)
{
	switch (metric_row(metric)->type) {
	case METRIC_COUNTER:
		metric_add(metrics, metric, label, 1);
		break;
	case METRIC_GAUGE:
		metric_set(metrics, metric, label, 1);
		break;
	case METRIC_HISTOGRAM:
		metric_observe(metrics, metric, label, 1);
		break;
	}
}

/* Uses the series that the recording has of this family. */
static void use_as_recorded(enum metric metric, const char *recorded)
{
	const char *const *labels = metric_row(metric)->labels;
	for (unsigned label = 0; labels && label < METRIC_LABELS; label++)
		if (labels[label] && strstr(recorded, labels[label]))
			use(metric, label);
}

START_TEST(every_recorded_series_is_there_under_its_name_type_help_labels_and_buckets)
{
	char *recording auto_free = read_test_file(RECORDING);
	unsigned families = 0;
	for (const char *at = recording; (at = strstr(at, "# HELP kubeproxy_")); at++) {
		char name[128];
		enum metric metric = 0;
		ck_assert_int_eq(sscanf(at, "# HELP %127s ", name), 1);
		while (metric < METRICS && strcmp(metric_row(metric)->name, name) != 0)
			metric++;
		ck_assert_msg(metric < METRICS, "%s is missing", name);
		char *recorded auto_free = family_lines(recording, name);
		use_as_recorded(metric, recorded);
		char *all auto_free = page(), *rendered auto_free = family_lines(all, name);
		char *wanted auto_free = without_values(recorded), *got auto_free = without_values(rendered);
		ck_assert_texts(name, wanted, got);
		families++;
	}
	ck_assert_uint_eq(families, 10);
}
END_TEST

START_TEST(process_series_have_the_recorded_type_and_help)
{
	char *recording auto_free = read_test_file(RECORDING), *all auto_free = page();
	for (enum process_metric metric = 0; metric < BUILD_INFO; metric++) {
		const char *name = process_metric_row(metric)->name;
		char *recorded auto_free = family_lines(recording, name),
		               *rendered auto_free = family_lines(all, name);
		char *wanted auto_free = without_values(recorded), *got auto_free = without_values(rendered);
		ck_assert_texts(name, wanted, got);
		ck_assert_str_ne(got, "");
	}
}
END_TEST

START_TEST(recorded_values_are_written_as_recorded)
{
	static const struct {
		enum metric metric;
		unsigned label;
		double value;
		const char *line;
	} VALUES[] = {
	        {METRIC_LAST_QUEUED, LABEL_IPV4, 1795250542.0745003,
	         "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv4\"} "
	         "1.7952505420745003e+09\n"},
	        {METRIC_LAST_QUEUED, LABEL_IPV6, 1795250542.0745397,
	         "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv6\"} "
	         "1.7952505420745397e+09\n"},
	        {METRIC_NO_LOCAL_ENDPOINTS, LABEL_IPV6_INTERNAL, 0,
	         "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv6\",traffic_policy="
	         "\"internal\"} 0\n"},
	        {METRIC_SERVICE_CHANGES_PENDING, LABEL_NONE, 50,
	         "kubeproxy_sync_proxy_rules_service_changes_pending 50\n"},
	};
	for (size_t i = 0; i < sizeof(VALUES) / sizeof(*VALUES); i++)
		metric_set(metrics, VALUES[i].metric, VALUES[i].label, VALUES[i].value);
	char *all auto_free = page();
	for (size_t i = 0; i < sizeof(VALUES) / sizeof(*VALUES); i++)
		must_have(all, VALUES[i].line);
}
END_TEST

START_TEST(a_recorded_histogram_comes_out_the_same)
{
	char *recording auto_free = read_test_file(RECORDING);
	metric_observe(metrics, METRIC_SYNC_DURATION, LABEL_IPV4, 7.14891211);
	metric_observe(metrics, METRIC_SYNC_DURATION, LABEL_IPV6, 3.01796463);
	char *all auto_free = page();
	char *wanted auto_free = family_lines(recording, "kubeproxy_sync_proxy_rules_duration_seconds");
	char *got auto_free = family_lines(all, "kubeproxy_sync_proxy_rules_duration_seconds");
	ck_assert_texts("histogram", wanted, got);
}
END_TEST

/* ---- R13.14 */

START_TEST(buckets_are_those_of_the_rules)
{
	const struct metric_buckets *e = metric_row(METRIC_CONNTRACK_DURATION)->buckets;
	const struct metric_buckets *n = metric_row(METRIC_NETWORK_PROGRAMMING)->buckets;
	double bound = 0.001;
	ck_assert_uint_eq(e->count, 15);
	for (size_t i = 0; i < e->count; i++, bound *= 2)
		ck_assert_double_eq(e->bounds[i], bound);
	size_t at = 0;
	ck_assert_double_eq(n->bounds[at++], 0);
	ck_assert_double_eq(n->bounds[at++], 0.25);
	ck_assert_double_eq(n->bounds[at++], 0.5);
	for (int seconds = 1; seconds <= 59; seconds++)
		ck_assert_double_eq(n->bounds[at++], seconds);
	for (int seconds = 60; seconds <= 115; seconds += 5)
		ck_assert_double_eq(n->bounds[at++], seconds);
	for (int seconds = 120; seconds <= 300; seconds += 30)
		ck_assert_double_eq(n->bounds[at++], seconds);
	ck_assert_uint_eq(at, n->count);
}
END_TEST

START_TEST(a_value_counts_in_its_bucket_and_all_above)
{
	const double values[] = {0, 0.25, 0.250001, 300, 301};
	for (size_t i = 0; i < 5; i++)
		metric_observe(metrics, METRIC_NETWORK_PROGRAMMING, LABEL_IPV6, values[i]);
	char *all auto_free = page();
#define N_NAME "kubeproxy_network_programming_duration_seconds"
	static const char *const LINES[] = {
	        N_NAME "_bucket{ip_family=\"IPv6\",le=\"0\"} 1\n",
	        N_NAME "_bucket{ip_family=\"IPv6\",le=\"0.25\"} 2\n",
	        N_NAME "_bucket{ip_family=\"IPv6\",le=\"0.5\"} 3\n",
	        N_NAME "_bucket{ip_family=\"IPv6\",le=\"270\"} 3\n",
	        N_NAME "_bucket{ip_family=\"IPv6\",le=\"300\"} 4\n",
	        N_NAME "_bucket{ip_family=\"IPv6\",le=\"+Inf\"} 5\n",
	        N_NAME "_sum{ip_family=\"IPv6\"} 601.500001\n",
	        N_NAME "_count{ip_family=\"IPv6\"} 5\n",
	};
	for (size_t i = 0; i < sizeof(LINES) / sizeof(*LINES); i++)
		must_have(all, LINES[i]);
	ck_assert_ptr_null(strstr(all, N_NAME "_count{ip_family=\"IPv4\"}"));
}
END_TEST

START_TEST(series_with_labels_appear_when_first_used)
{
	char *before auto_free = page();
	for (enum metric metric = 0; metric < METRICS; metric++) {
		const struct metric_row *row = metric_row(metric);
		char *lines auto_free = family_lines(before, row->name);
		ck_assert_msg((*lines == '\0') == (row->labels != NULL), "%s begins as\n%s", row->name,
		              lines);
	}
	metric_add(metrics, METRIC_PROXY_HEALTHZ, LABEL_503, 1);
	metric_add(metrics, METRIC_PROXY_HEALTHZ, LABEL_503, 1);
	metric_set(metrics, METRIC_API_CONNECTED, LABEL_ENDPOINT_SLICES, 0);
	char *after auto_free = page();
	char *healthz auto_free = family_lines(after, "kubeproxy_proxy_healthz_total");
	char *api auto_free = family_lines(after, "kubeipvs_api_connected");
	ck_assert_ptr_nonnull(strstr(healthz, "\nkubeproxy_proxy_healthz_total{code=\"503\"} 2\n"));
	ck_assert_ptr_null(strstr(healthz, "200"));
	ck_assert_ptr_nonnull(strstr(api, "\nkubeipvs_api_connected{resource=\"endpointslices\"} 0\n"));
}
END_TEST

/* ---- numbers */

static const struct {
	double number;
	const char *text;
} NUMBERS[] = {
        {0, "0"},
        {1, "1"},
        {-1, "-1"},
        {27, "27"},
        {100000, "100000"},
        {999999, "999999"},
        {1000000, "1e+06"},
        {1444435, "1.444435e+06"},
        {66588672, "6.6588672e+07"},
        {0.001, "0.001"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {16.384, "16.384"},
        {0.1 + 0.2, "0.30000000000000004"},
        {27264.999999999996, "27264.999999999996"},
        {0.02756041, "0.02756041"},
        {1795250539.76, "1.79525053976e+09"},
        {18446744073709551615.0, "1.8446744073709552e+19"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {__builtin_inf(), "+Inf"},
        {-__builtin_inf(), "-Inf"},
        {__builtin_nan(""), "NaN"},
};

START_TEST(numbers_are_written_as_go_writes_them)
{
	auto_text text = {0};
	metric_render_number(NUMBERS[_i].number, &text);
	ck_assert_str_eq(text_string(&text), NUMBERS[_i].text);
}
END_TEST

/* Every number of the recording, read and written again. */
START_TEST(recorded_numbers_survive)
{
	char *recording auto_free = read_test_file(RECORDING), *save = NULL;
	unsigned checked = 0;
	for (char *line = strtok_r(recording, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value = strrchr(line, ' ') + 1;
		size_t length = strlen(line);
		auto_text text = {0};
		/* Counts are whole numbers, which are not written as floating point. */
		if (*line == '#' || strstr(line, "_count") || strstr(line, "_bucket") || !length)
			continue;
		metric_render_number(strtod(value, NULL), &text);
		ck_assert_str_eq(text_string(&text), value);
		checked++;
	}
	ck_assert_uint_gt(checked, 200);
}
END_TEST

/* ---- the process */

START_TEST(process_series_are_read_from_proc)
{
	char root[TEST_DIRECTORY_SIZE], self[TEST_PATH_SIZE];
	test_directory_make(root);
	test_directory_put(root, "self/fd/0", "");
	test_directory_put(root, "self/fd/1", "");
	test_directory_put(root, "self/fd/7", "");
	test_directory_put(root, "stat", "cpu  1 2 3\nbtime 1795250000\nprocesses 5\n");
	test_directory_put(
	        root, "self/stat",
	        "42 (a ) b) S 1 42 42 0 -1 4194560 100 0 0 0 150 219 0 0 20 0 1 0 53976 1429319680 1000 "
	        "18446744073709551615 1 1 0\n");
	test_directory_put(
	        root, "self/limits",
	        "Limit                     Soft Limit           Hard Limit           Units     \n"
	        "Max open files            4095                 8192                 files     \n"
	        "Max address space         unlimited            unlimited            bytes     \n");
	auto_text text = {0};
	auto_text resident = {0};
	metrics_render(metrics, test_directory_path(root, "self", self), &text);
	text_add(&resident, "\nprocess_resident_memory_bytes ");
	metric_render_number(1000.0 * (double)sysconf(_SC_PAGESIZE), &resident);
	const char *const lines[] = {
	        "\nprocess_cpu_seconds_total 3.69\n",
	        "\nprocess_max_fds 4095\n",
	        "\nprocess_open_fds 2\n",
	        resident.bytes,
	        "\nprocess_virtual_memory_bytes 1.42931968e+09\n",
	        "\nprocess_start_time_seconds 1.79525053976e+09\n",
	        "\nprocess_virtual_memory_max_bytes 1.8446744073709552e+19\n",
	};
	if (sysconf(_SC_CLK_TCK) == 100)
		for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
			must_have(text.bytes, lines[i]);
	test_directory_remove(root);
}
END_TEST

START_TEST(without_proc_the_page_has_what_is_left)
{
	auto_text text = {0};
	metrics_render(metrics, "/nonexistent", &text);
	ck_assert_ptr_null(strstr(text.bytes, "process_"));
	ck_assert_ptr_nonnull(strstr(text.bytes,
	                             "\nkubernetes_build_info{build_date=\"\",compiler=\"\",git_commit=\"\","
	                             "git_tree_state=\"\",git_version=\"" KUBE_IPVS_VERSION
	                             "\",go_version=\"\",major=\"0\",minor=\"1\",platform=\"linux/"));
	ck_assert_ptr_nonnull(
	        strstr(text.bytes, "\nkubeipvs_build_info{version=\"" KUBE_IPVS_VERSION "\"} 1\n"));
}
END_TEST

/* ---- the manual */

/* Whether the page has an entry of this name. */
static bool man_has(const char *man, const char *name)
{
	auto_text item = {0};
	text_addf(&item, "\n.It Ic %s", name);
	size_t length = item.length;
	for (const char *at = man; (at = strstr(at, item.bytes)); at++)
		if (strchr(" \n", at[length]))
			return true;
	return false;
}

static bool table_has(const char *name)
{
	for (enum metric metric = 0; metric < METRICS; metric++)
		if (strcmp(metric_row(metric)->name, name) == 0)
			return true;
	for (enum process_metric metric = 0; metric < PROCESS_METRICS; metric++)
		if (strcmp(process_metric_row(metric)->name, name) == 0)
			return true;
	return false;
}

START_TEST(the_manual_has_exactly_the_series_of_the_table)
{
	char *man auto_free = read_test_file(MAN_PAGE);
	unsigned items = 0;
	for (enum metric metric = 0; metric < METRICS; metric++)
		ck_assert_msg(man_has(man, metric_row(metric)->name), "%s is not in the manual",
		              metric_row(metric)->name);
	for (enum process_metric metric = 0; metric < PROCESS_METRICS; metric++)
		ck_assert_msg(man_has(man, process_metric_row(metric)->name), "%s is not in the manual",
		              process_metric_row(metric)->name);
	for (const char *at = man; (at = strstr(at, "\n.It Ic ")); at++) {
		char name[128];
		ck_assert_int_eq(sscanf(at, "\n.It Ic %127s", name), 1);
		ck_assert_msg(table_has(name), "%s is in the manual only", name);
		items++;
	}
	ck_assert_uint_eq(items, METRICS + PROCESS_METRICS);
}
END_TEST

/* The type and labels that an entry gives are those of the table. */
START_TEST(the_manual_tells_the_types_of_the_table)
{
	char *man auto_free = read_test_file(MAN_PAGE);
	for (unsigned i = 0; i < METRICS + PROCESS_METRICS; i++) {
		const struct metric_row *row = i < METRICS ? metric_row(i) : process_metric_row(i - METRICS);
		auto_text item = {0};
		text_addf(&item, "\n.It Ic %s Pq %s", row->name, metric_type_name(row->type));
		const char *at = strstr(man, item.bytes);
		ck_assert_msg(at && strchr("\n;", at[item.length]), "the manual should say: %s",
		              item.bytes + 1);
		for (unsigned label = 0; row->labels && label < METRIC_LABELS && row->labels[label];
		     label++) {
			char name[32];
			sscanf(row->labels[label], "%31[a-z_]", name);
			ck_assert_msg(strstr(at, name) && strstr(at, name) < strchr(at + 1, '\n'),
			              "the manual should say the label %s of %s", name, row->name);
		}
	}
}
END_TEST

START_TEST(a_page_with_everything_is_one_text)
{
	for (enum metric metric = 0; metric < METRICS; metric++)
		for (unsigned label = 0; label < METRIC_LABELS; label++)
			if (metric_row(metric)->labels ? metric_row(metric)->labels[label] != NULL
			                               : label == LABEL_NONE)
				use(metric, label);
	char *all auto_free = page();
	ck_assert_ptr_nonnull(all);
	for (const char *line = all; *line; line = strchr(line, '\n') + 1)
		ck_assert_msg(*line == '#' || (*line >= 'a' && *line <= 'z'), "%.40s", line);
	if (getenv("METRICS_PAGE"))
		ck_assert_int_eq(text_write_file(getenv("METRICS_PAGE"), all, strlen(all)), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tests = tcase_create("metrics");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, every_recorded_series_is_there_under_its_name_type_help_labels_and_buckets);
	tcase_add_test(tests, process_series_have_the_recorded_type_and_help);
	tcase_add_test(tests, recorded_values_are_written_as_recorded);
	tcase_add_test(tests, a_recorded_histogram_comes_out_the_same);
	tcase_add_test(tests, buckets_are_those_of_the_rules);
	tcase_add_test(tests, a_value_counts_in_its_bucket_and_all_above);
	tcase_add_test(tests, series_with_labels_appear_when_first_used);
	tcase_add_loop_test(tests, numbers_are_written_as_go_writes_them, 0,
	                    (int)(sizeof(NUMBERS) / sizeof(*NUMBERS)));
	tcase_add_test(tests, recorded_numbers_survive);
	tcase_add_test(tests, process_series_are_read_from_proc);
	tcase_add_test(tests, without_proc_the_page_has_what_is_left);
	tcase_add_test(tests, the_manual_has_exactly_the_series_of_the_table);
	tcase_add_test(tests, the_manual_tells_the_types_of_the_table);
	tcase_add_test(tests, a_page_with_everything_is_one_text);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
