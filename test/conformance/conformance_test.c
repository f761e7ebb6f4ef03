/*
 * Every recorded cluster state, through decoder, store, planner and ledger, against the recorded tables.
 *
 * See README.md beside this file for what the files of a case are.
 */
#include "base/arena.h"
#include "base/text.h"
#include "model/cluster.h"
#include "plan/ledger.h"
#include "plan/node_view.h"
#include "plan/render.h"
#include "plan/service_plan.h"
#include "source/manifest.h"
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES TEST_DATA "/conformance/cases"
#define NODE  "n1"

enum { LINES = 1024 };

/* One case, planned. */
struct planned {
	char *name;
	struct cluster *cluster;
	struct ledger *ledger;
	struct arena arena;
	struct node_view node;
	struct state state;
	struct text cluster_ips; /* a line for each: "10.96.0.1" */
};

static int is_case(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Gives the name of case `index`; NULL when there are not that many. */
static char *find_case(int index)
{
	struct dirent **entries;
	int count = scandir(CASES, &entries, is_case, alphasort);
	char *name = index < count ? strdup(entries[index]->d_name) : NULL;
	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
	return name;
}

static int count_cases(void)
{
	int count = 0;
	for (char *name; (name = find_case(count)); count++)
		free(name);
	return count;
}

static char *read_case_file(const struct planned *planned, const char *file)
{
	char path[1024];
	snprintf(path, sizeof(path), CASES "/%s/%s", planned->name, file);
	return read_test_file(path);
}

/* The cluster takes what was decoded. */
static void hand_over(struct decoded *decoded, struct cluster *cluster)
{
	for (size_t i = 0; i < decoded->service_count; i++)
		cluster_put_service(cluster, decoded->services[i]);
	for (size_t i = 0; i < decoded->slice_count; i++)
		cluster_put_slice(cluster, decoded->slices[i]);
	for (size_t i = 0; i < decoded->node_count; i++)
		cluster_put_node(cluster, decoded->nodes[i]);
	decoded->service_count = decoded->slice_count = decoded->node_count = 0;
	decoded_done(decoded);
}

static void read_objects(struct planned *planned)
{
	struct decoded decoded = {0};
	struct fault fault = {0};
	char told[FAULT_TEXT_SIZE];
	char *text = read_case_file(planned, "objects.json");
	int result = manifest_decode("objects.json", text, strlen(text), &decoded, &fault);
	ck_assert_msg(result == 0, "%s: %s", planned->name, fault_format(&fault, told));
	ck_assert_uint_gt(decoded.service_count, 0);
	ck_assert_uint_eq(decoded.node_count, 1);
	hand_over(&decoded, planned->cluster);
	free(text);
}

static void view_node(struct planned *planned)
{
	static const struct {
		const char *interface;
		const char *address;
	} own[] = {
	        {"lo", "127.0.0.1"},    {"lo", "::1"},
	        {"eth0", "10.0.2.15"},  {"eth0", "fec0::5054:ff:fe12:3456"},
	        {"eth1", "192.0.2.10"}, {"eth1", "2001:db8:1::10"},
	};
	enum { COUNT = sizeof(own) / sizeof(*own) };
	struct interface_address present[COUNT];
	const struct node_port_rule rule = {0};
	const struct node *node = cluster_find_node(planned->cluster, NODE);
	ck_assert_ptr_nonnull(node);
	for (size_t i = 0; i < COUNT; i++) {
		present[i].interface = own[i].interface;
		ck_assert(address_parse(own[i].address, &present[i].address));
	}
	node_view_build(NODE, node->zone, present, COUNT, "kube-ipvs0", node->addresses, node->address_count,
	                &rule, &planned->arena, &planned->node);
}

static void note_cluster_ips(const struct service *service, struct text *text)
{
	char buffer[ADDRESS_TEXT_SIZE];
	for (uint32_t i = 0; i < service->cluster_ip_count; i++) {
		address_format(&service->cluster_ips[i], buffer);
		text_addf(text, "%s\n", buffer);
	}
}

static void plan_entry(struct planned *planned, const struct cluster_entry *entry)
{
	const struct plan_options options = {.scheduler = "rr", .schedulers = known_schedulers};
	struct fragment fragment;
	char owner[512];
	if (!entry->service)
		return;
	plan_service(entry->service, entry->slices, entry->slice_count, &planned->node, &options,
	             &planned->arena, &fragment);
	for (size_t i = 0; i < fragment.warning_count; i++)
		ck_abort_msg("%s: an unexpected warning: %s", planned->name, fragment.warnings[i]);
	snprintf(owner, sizeof(owner), "%s/%s", entry->name.namespace, entry->name.name);
	ledger_put(planned->ledger, owner, entry->service->created_seconds, &fragment.state);
	note_cluster_ips(entry->service, &planned->cluster_ips);
}

static void plan_case(int index, struct planned *ret_planned)
{
	*ret_planned =
	        (struct planned){.name = find_case(index), .cluster = cluster_new(), .ledger = ledger_new()};
	ck_assert_ptr_nonnull(ret_planned->name);
	read_objects(ret_planned);
	view_node(ret_planned);
	for (const struct cluster_entry *entry; (entry = cluster_next_changed(ret_planned->cluster));)
		plan_entry(ret_planned, entry);
	ledger_wanted(ret_planned->ledger, &ret_planned->arena, &ret_planned->state);
}

static void planned_done(struct planned *planned)
{
	text_done(&planned->cluster_ips);
	ledger_free(planned->ledger);
	cluster_free(planned->cluster);
	arena_done(&planned->arena);
	free(planned->name);
}

static int sort_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the lines of a text and leaves each once. */
static void text_sort(struct text *text)
{
	char *lines[LINES], *state = NULL;
	size_t count = 0;
	auto_text sorted = {0};
	for (char *line = text->bytes ? strtok_r(text->bytes, "\n", &state) : NULL; line;
	     line = strtok_r(NULL, "\n", &state)) {
		ck_assert_uint_lt(count, LINES);
		lines[count++] = line;
	}
	qsort(lines, count, sizeof(*lines), sort_lines);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(lines[i - 1], lines[i]) != 0)
			text_addf(&sorted, "%s\n", lines[i]);
	text_clear(text);
	text_add(text, text_string(&sorted));
}

static bool has_line(const struct text *text, const char *line)
{
	size_t length = strlen(line);
	for (const char *at = text_string(text); *at; at += strcspn(at, "\n") + 1)
		if (strncmp(at, line, length) == 0 && at[length] == '\n')
			return true;
	return false;
}

/* "10.96.0.1,tcp:443", as ipset spells an address, a protocol and a port. */
static void add_key(const struct filter_element *element, struct text *text)
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} names[] = {{PROTOCOL_TCP, "tcp"}, {PROTOCOL_UDP, "udp"}, {PROTOCOL_SCTP, "sctp"}};
	char buffer[ADDRESS_TEXT_SIZE];
	address_format(&element->address, buffer);
	text_addf(text, "%s,", buffer);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].protocol == element->protocol)
			text_addf(text, "%s:%u", names[i].name, element->port);
}

static void add_hairpin(const struct planned *planned, const struct filter_element *element,
                        struct text *text)
{
	char buffer[ADDRESS_TEXT_SIZE];
	(void)planned;
	if (element->kind != FILTER_HAIRPIN)
		return;
	address_format(&element->address, buffer);
	text_addf(text, "%s\n", buffer);
}

static void add_cluster_ip(const struct planned *planned, const struct filter_element *element,
                           struct text *text)
{
	char buffer[ADDRESS_TEXT_SIZE];
	address_format(&element->address, buffer);
	if (element->kind != FILTER_SERVICE_PORT || !has_line(&planned->cluster_ips, buffer))
		return;
	add_key(element, text);
	text_add_char(text, '\n');
}

static void add_held_address(const struct planned *planned, const struct filter_element *element,
                             struct text *text)
{
	char buffer[ADDRESS_TEXT_SIZE];
	(void)planned;
	if (element->kind != FILTER_HELD_ADDRESS)
		return;
	address_format(&element->address, buffer);
	text_addf(text, "%s\n", buffer);
}

static void add_restricted(const struct planned *planned, const struct filter_element *element,
                           struct text *text)
{
	(void)planned;
	if (element->kind != FILTER_SERVICE_PORT || !element->restricted)
		return;
	add_key(element, text);
	text_add_char(text, '\n');
}

static void add_health_check_port(const struct planned *planned, const struct filter_element *element,
                                  struct text *text)
{
	(void)planned;
	if (element->kind == FILTER_HEALTH_CHECK_PORT)
		text_addf(text, "%u\n", element->port);
}

/* ipset leaves out the prefix length of a host. */
static void add_source_range(const struct planned *planned, const struct filter_element *element,
                             struct text *text)
{
	char buffer[CIDR_TEXT_SIZE];
	(void)planned;
	if (element->kind != FILTER_SOURCE_RANGE)
		return;
	cidr_format(&element->range, buffer);
	if (element->range.prefix_bits == family_bits(element->range.base.family))
		address_format(&element->range.base, buffer);
	add_key(element, text);
	text_addf(text, ",%s\n", buffer);
}

/* Which set of kube-proxy holds what which elements of ours mean. */
struct meaning {
	const char *set;
	bool first_word_only; /* of an entry: the rest says it again */
	void (*add)(const struct planned *planned, const struct filter_element *element, struct text *text);
};

static const struct meaning meanings[] = {
        {"LOOP-BACK", true, add_hairpin},
        {"CLUSTER-IP", false, add_cluster_ip},
        {"IPVS-IPS", false, add_held_address},
        {"LOAD-BALANCER-FW", false, add_restricted},
        {"LOAD-BALANCER-SOURCE-CIDR", false, add_source_range},
        {"HEALTH-CHECK-NODE-PORT", false, add_health_check_port},
};

/* Lines are "add KUBE-CLUSTER-IP 10.96.0.1,tcp:443", of IPv6 "add KUBE-6-CLUSTER-IP ...". */
static void add_entry_of_set(const struct meaning *meaning, const char *line, struct text *text)
{
	char set[64], entry[256];
	if (sscanf(line, "add KUBE-%63s %255s", set, entry) != 2)
		ck_abort_msg("no line of an ipset: %s", line);
	const char *name = strncmp(set, "6-", 2) == 0 ? set + 2 : set;
	if (strcmp(name, meaning->set) != 0)
		return;
	if (meaning->first_word_only)
		entry[strcspn(entry, ",")] = '\0';
	text_addf(text, "%s\n", entry);
}

static void compare_set(const struct planned *planned, const struct meaning *meaning)
{
	auto_text wanted = {0}, got = {0}, what = {0};
	char *file = read_case_file(planned, "kube-proxy-ipset"), *state = NULL;
	for (char *line = strtok_r(file, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		add_entry_of_set(meaning, line, &wanted);
	for (size_t i = 0; i < planned->state.filter_count; i++)
		meaning->add(planned, &planned->state.filter[i], &got);
	text_sort(&wanted);
	text_sort(&got);
	text_addf(&what, "%s: KUBE-%s", planned->name, meaning->set);
	ck_assert_texts(text_string(&what), text_string(&wanted), text_string(&got));
	free(file);
}

START_TEST(the_virtual_servers_are_those_recorded)
{
	struct planned planned;
	auto_text got = {0};
	plan_case(_i, &planned);
	char *wanted = read_case_file(&planned, "virtual-servers");
	render_save(&planned.state, &got);
	ck_assert_texts(planned.name, wanted, text_string(&got));
	free(wanted);
	planned_done(&planned);
}
END_TEST

START_TEST(the_held_addresses_are_those_recorded)
{
	struct planned planned;
	auto_text got = {0};
	char buffer[ADDRESS_TEXT_SIZE];
	plan_case(_i, &planned);
	char *wanted = read_case_file(&planned, "addresses");
	for (size_t i = 0; i < planned.state.held_count; i++) {
		const struct address *held = &planned.state.held[i];
		address_format(held, buffer);
		text_addf(&got, "%s/%u\n", buffer, family_bits(held->family));
	}
	text_sort(&got);
	ck_assert_texts(planned.name, wanted, text_string(&got));
	free(wanted);
	planned_done(&planned);
}
END_TEST

START_TEST(the_filter_elements_mean_what_the_recorded_ipsets_mean)
{
	struct planned planned;
	plan_case(_i, &planned);
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		compare_set(&planned, &meanings[i]);
	planned_done(&planned);
}
END_TEST

START_TEST(there_are_cases)
{
	ck_assert_msg(count_cases() > 0, "%s holds no case", CASES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conformance");
	TCase *tests = tcase_create("all");
	int count = count_cases();
	tcase_add_test(tests, there_are_cases);
	tcase_add_loop_test(tests, the_virtual_servers_are_those_recorded, 0, count);
	tcase_add_loop_test(tests, the_held_addresses_are_those_recorded, 0, count);
	tcase_add_loop_test(tests, the_filter_elements_mean_what_the_recorded_ipsets_mean, 0, count);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
