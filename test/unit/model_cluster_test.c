#include "base/text.h"
#include "model/cluster.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static struct cluster *cluster;

static void prepare(void)
{
	cluster = cluster_new();
}

static void clean(void)
{
	cluster_free(cluster);
}

static struct object_name name_of(const char *namespace, const char *name)
{
	return (struct object_name){namespace, name};
}

static bool put_service(const char *namespace, const char *name, uint32_t affinity_seconds)
{
	const struct service draft = {.name = {namespace, name}, .affinity_seconds = affinity_seconds};
	return cluster_put_service(cluster, service_new(&draft));
}

static bool remove_service(const char *name)
{
	return cluster_remove_service(cluster, name_of("default", name));
}

/* A slice of the namespace default with one endpoint; `last` is the last number of its address. */
static bool put_slice(const char *name, const char *service, uint8_t last)
{
	const struct endpoint endpoint = {.address = {FAMILY_IPV4, {10, 1, 0, last}}, .ready = true};
	const struct slice draft = {.name = {"default", name},
	                            .service = service,
	                            .family = FAMILY_IPV4,
	                            .endpoints = &endpoint,
	                            .endpoint_count = 1};
	return cluster_put_slice(cluster, slice_new(&draft));
}

static bool remove_slice(const char *name)
{
	return cluster_remove_slice(cluster, name_of("default", name));
}

static void write_entry(struct text *text, const struct cluster_entry *entry)
{
	text_addf(text, "%s/%s%s", entry->name.namespace, entry->name.name, entry->service ? " service" : "");
	for (size_t i = 0; i < entry->slice_count; i++)
		text_addf(text, " %s=%d", entry->slices[i]->name.name,
		          entry->slices[i]->endpoints ? entry->slices[i]->endpoints[0].address.bytes[3] : 0);
	text_add(text, "\n");
}

/* All marks are taken; a line for each: "namespace/name[ service][ slice=last number]...". */
static void changes_must_be(const char *wanted)
{
	auto_text text = {0};
	const struct cluster_entry *entry;
	ck_assert(cluster_has_changes(cluster) == (*wanted != '\0'));
	while ((entry = cluster_next_changed(cluster)) != NULL)
		write_entry(&text, entry);
	ck_assert_texts("changes", wanted, text_string(&text));
	ck_assert(!cluster_has_changes(cluster));
}

static void entry_must_be(const char *name, const char *wanted)
{
	auto_text text = {0};
	const struct cluster_entry *entry = cluster_find(cluster, name_of("default", name));
	if (entry)
		write_entry(&text, entry);
	ck_assert_texts(name, wanted, text_string(&text));
}

START_TEST(a_new_cluster_is_empty)
{
	changes_must_be("");
	entry_must_be("web", "");
	ck_assert_uint_eq(cluster_service_count(cluster), 0);
	ck_assert_ptr_null(cluster_find_node(cluster, "node-1"));
	cluster_mark_all(cluster);
	changes_must_be("");
	cluster_free(NULL);
}
END_TEST

START_TEST(a_service_and_its_slices_are_one_entry_with_slices_in_order_of_name)
{
	ck_assert(put_slice("web-c", "web", 3));
	ck_assert(put_service("default", "web", 0));
	ck_assert(put_slice("web-a", "web", 1));
	ck_assert(put_slice("web-b", "web", 2));
	entry_must_be("web", "default/web service web-a=1 web-b=2 web-c=3\n");
	changes_must_be("default/web service web-a=1 web-b=2 web-c=3\n");
	ck_assert(remove_slice("web-b"));
	changes_must_be("default/web service web-a=1 web-c=3\n");
}
END_TEST

START_TEST(slices_wait_for_a_service_that_is_not_known)
{
	ck_assert(put_slice("web-a", "web", 1));
	changes_must_be("default/web web-a=1\n");
	ck_assert_uint_eq(cluster_service_count(cluster), 0);
	ck_assert(put_service("default", "web", 0));
	changes_must_be("default/web service web-a=1\n");
	ck_assert(remove_service("web"));
	changes_must_be("default/web web-a=1\n");
	entry_must_be("web", "default/web web-a=1\n");
}
END_TEST

START_TEST(a_slice_belongs_to_the_service_of_its_own_namespace)
{
	const struct slice draft = {.name = {"other", "web-a"}, .service = "web"};
	put_service("default", "web", 0);
	ck_assert(put_slice("web-a", "web", 1));
	ck_assert(cluster_put_slice(cluster, slice_new(&draft)));
	changes_must_be("default/web service web-a=1\nother/web web-a=0\n");
}
END_TEST

START_TEST(names_are_not_confused_by_where_they_are_split)
{
	put_service("a", "bc", 0);
	put_service("ab", "c", 0);
	ck_assert_uint_eq(cluster_service_count(cluster), 2);
	changes_must_be("a/bc service\nab/c service\n");
}
END_TEST

START_TEST(an_equal_service_changes_nothing)
{
	ck_assert(put_service("default", "web", 10));
	changes_must_be("default/web service\n");
	ck_assert(!put_service("default", "web", 10));
	changes_must_be("");
	ck_assert(put_service("default", "web", 20));
	changes_must_be("default/web service\n");
	ck_assert_uint_eq(cluster_find(cluster, name_of("default", "web"))->service->affinity_seconds, 20);
	ck_assert_uint_eq(cluster_service_count(cluster), 1);
}
END_TEST

/* C90, and R1.25. */
START_TEST(an_identical_slice_sent_again_changes_nothing)
{
	ck_assert(put_slice("web-a", "web", 1));
	ck_assert(!put_slice("web-a", "web", 1));
	changes_must_be("default/web web-a=1\n");
	ck_assert(!put_slice("web-a", "web", 1));
	changes_must_be("");
	ck_assert(put_slice("web-a", "web", 2));
	changes_must_be("default/web web-a=2\n");
}
END_TEST

/* C90. */
START_TEST(a_slice_with_reordered_endpoints_or_ports_is_a_change)
{
	const struct endpoint endpoints[] = {
	        {.address = {FAMILY_IPV4, {10, 1, 0, 1}}},
	        {.address = {FAMILY_IPV4, {10, 1, 0, 2}}},
	        {.address = {FAMILY_IPV4, {10, 1, 0, 1}}},
	};
	const struct slice_port ports[] = {
	        {"http", 80, PROTOCOL_TCP}, {"dns", 53, PROTOCOL_UDP}, {"http", 80, PROTOCOL_TCP}};
	struct slice draft = {.name = {"default", "web-a"},
	                      .service = "web",
	                      .endpoints = endpoints,
	                      .endpoint_count = 2,
	                      .ports = ports,
	                      .port_count = 2};
	ck_assert(cluster_put_slice(cluster, slice_new(&draft)));
	changes_must_be("default/web web-a=1\n");
	draft.endpoints = endpoints + 1;
	ck_assert(cluster_put_slice(cluster, slice_new(&draft)));
	changes_must_be("default/web web-a=2\n");
	draft.ports = ports + 1;
	ck_assert(cluster_put_slice(cluster, slice_new(&draft)));
	changes_must_be("default/web web-a=2\n");
	ck_assert(!cluster_put_slice(cluster, slice_new(&draft)));
	changes_must_be("");
}
END_TEST

/* C90. */
START_TEST(removing_what_is_unknown_changes_nothing)
{
	put_slice("web-a", "web", 1);
	changes_must_be("default/web web-a=1\n");
	ck_assert(!remove_slice("web-b"));
	ck_assert(!remove_service("web"));
	ck_assert(!remove_service("other"));
	ck_assert(!cluster_remove_node(cluster, "node-1"));
	changes_must_be("");
}
END_TEST

/* C85: nothing remains but a Service reported as gone, which is harmless. */
START_TEST(a_service_added_and_deleted_before_a_look_is_only_reported_as_gone)
{
	ck_assert(put_service("default", "web", 0));
	ck_assert(remove_service("web"));
	entry_must_be("web", "");
	ck_assert_uint_eq(cluster_service_count(cluster), 0);
	changes_must_be("default/web\n");
	cluster_mark_all(cluster);
	changes_must_be("");
}
END_TEST

/* C91. */
START_TEST(an_entry_whose_slices_are_all_deleted_is_reported_once_and_vanishes)
{
	put_slice("web-a", "web", 1);
	put_slice("web-b", "web", 2);
	changes_must_be("default/web web-a=1 web-b=2\n");
	ck_assert(remove_slice("web-a"));
	ck_assert(remove_slice("web-b"));
	changes_must_be("default/web\n");
	entry_must_be("web", "");
	cluster_mark_all(cluster);
	changes_must_be("");
}
END_TEST

/* C91. */
START_TEST(one_of_two_slices_deleted_leaves_one)
{
	put_slice("web-a", "web", 1);
	put_slice("web-b", "web", 2);
	ck_assert(remove_slice("web-a"));
	changes_must_be("default/web web-b=2\n");
	entry_must_be("web", "default/web web-b=2\n");
}
END_TEST

START_TEST(a_gone_service_is_not_reported_again_while_its_report_is_looked_at)
{
	put_service("default", "web", 0);
	remove_service("web");
	const struct cluster_entry *gone = cluster_next_changed(cluster);
	ck_assert_ptr_nonnull(gone);
	ck_assert_str_eq(gone->name.name, "web");
	ck_assert_ptr_null(gone->service);
	ck_assert_uint_eq(gone->slice_count, 0);
	cluster_mark_all(cluster);
	changes_must_be("");
}
END_TEST

START_TEST(a_service_that_comes_back_while_it_is_reported_as_gone_is_reported_again)
{
	put_service("default", "web", 0);
	remove_service("web");
	ck_assert_ptr_nonnull(cluster_next_changed(cluster));
	put_service("default", "web", 0);
	changes_must_be("default/web service\n");
	remove_service("web");
	ck_assert_ptr_nonnull(cluster_next_changed(cluster));
	put_service("default", "web", 0);
	remove_service("web");
	changes_must_be("default/web\n");
	put_service("default", "web", 0);
	changes_must_be("default/web service\n");
}
END_TEST

START_TEST(a_slice_whose_label_changes_moves_and_marks_both_services)
{
	put_service("default", "old", 0);
	put_service("default", "new", 0);
	put_slice("web-a", "old", 1);
	changes_must_be("default/old service web-a=1\ndefault/new service\n");
	ck_assert(put_slice("web-a", "new", 1));
	changes_must_be("default/old service\ndefault/new service web-a=1\n");
	entry_must_be("old", "default/old service\n");
}
END_TEST

START_TEST(the_last_slice_that_moves_away_leaves_nothing_behind)
{
	put_slice("web-a", "old", 1);
	changes_must_be("default/old web-a=1\n");
	put_slice("web-a", "new", 1);
	changes_must_be("default/old\ndefault/new web-a=1\n");
	cluster_mark_all(cluster);
	changes_must_be("default/new web-a=1\n");
}
END_TEST

/* R1.12. */
START_TEST(a_slice_without_a_label_is_kept_but_belongs_to_no_service)
{
	ck_assert(put_slice("web-a", NULL, 1));
	ck_assert(!put_slice("web-a", NULL, 1));
	ck_assert(put_slice("web-a", "", 1));
	changes_must_be("");
	ck_assert(put_slice("web-a", "web", 1));
	changes_must_be("default/web web-a=1\n");
	ck_assert(put_slice("web-a", NULL, 1));
	changes_must_be("default/web\n");
	ck_assert(remove_slice("web-a"));
	ck_assert(!remove_slice("web-a"));
	changes_must_be("");
}
END_TEST

START_TEST(marks_come_out_in_the_order_in_which_they_were_made)
{
	put_service("default", "c", 0);
	put_service("default", "a", 0);
	put_service("default", "b", 0);
	put_slice("c-1", "c", 1);
	changes_must_be("default/c service c-1=1\ndefault/a service\ndefault/b service\n");
	put_slice("b-1", "b", 1);
	put_service("default", "c", 7);
	changes_must_be("default/b service b-1=1\ndefault/c service c-1=1\n");
}
END_TEST

START_TEST(the_api_server_and_then_dns_come_before_all_others)
{
	put_service("default", "a", 0);
	put_service("kube-system", "kubernetes", 0);
	put_service("kube-system", "kube-dns", 0);
	put_service("default", "kube-dns", 0);
	put_service("default", "kubernetes", 0);
	put_service("default", "b", 0);
	const char *wanted = "default/kubernetes service\nkube-system/kube-dns service\ndefault/a service\n"
	                     "kube-system/kubernetes service\ndefault/kube-dns service\ndefault/b service\n";
	changes_must_be(wanted);
	cluster_mark_all(cluster);
	changes_must_be(wanted);
}
END_TEST

START_TEST(it_is_known_whether_one_of_the_first_has_changed)
{
	put_service("default", "a", 0);
	ck_assert(cluster_has_changes(cluster));
	ck_assert(!cluster_has_first_changes(cluster));
	put_service("kube-system", "kube-dns", 0);
	ck_assert(cluster_has_first_changes(cluster));
	ck_assert_str_eq(cluster_next_changed(cluster)->name.name, "kube-dns");
	ck_assert(!cluster_has_first_changes(cluster));
	ck_assert(cluster_has_changes(cluster));
}
END_TEST

START_TEST(a_mark_made_while_marks_are_taken_comes_out_too)
{
	put_service("default", "a", 0);
	put_service("default", "b", 0);
	ck_assert_str_eq(cluster_next_changed(cluster)->name.name, "a");
	put_service("default", "a", 7);
	put_service("default", "kubernetes", 0);
	changes_must_be("default/kubernetes service\ndefault/b service\ndefault/a service\n");
}
END_TEST

START_TEST(marking_all_marks_each_once)
{
	put_service("default", "a", 0);
	put_slice("b-1", "b", 1);
	changes_must_be("default/a service\ndefault/b b-1=1\n");
	put_service("default", "a", 7);
	cluster_mark_all(cluster);
	cluster_mark_all(cluster);
	changes_must_be("default/a service\ndefault/b b-1=1\n");
}
END_TEST

static bool put_node(const char *name, const char *zone)
{
	const struct node draft = {.name = name, .zone = zone};
	return cluster_put_node(cluster, node_new(&draft));
}

START_TEST(nodes_are_kept_by_name_and_mark_no_service)
{
	put_service("default", "web", 0);
	changes_must_be("default/web service\n");
	ck_assert(put_node("node-1", "zone-a"));
	ck_assert(put_node("node-2", NULL));
	ck_assert(!put_node("node-1", "zone-a"));
	ck_assert(put_node("node-1", "zone-b"));
	ck_assert_str_eq(cluster_find_node(cluster, "node-1")->zone, "zone-b");
	ck_assert_ptr_null(cluster_find_node(cluster, "node-2")->zone);
	ck_assert(cluster_remove_node(cluster, "node-1"));
	ck_assert_ptr_null(cluster_find_node(cluster, "node-1"));
	ck_assert_ptr_nonnull(cluster_find_node(cluster, "node-2"));
	changes_must_be("");
}
END_TEST

START_TEST(an_object_can_be_removed_by_the_name_that_it_holds_itself)
{
	put_service("default", "web", 0);
	put_slice("web-a", "web", 1);
	put_node("node-1", NULL);
	const struct cluster_entry *entry = cluster_find(cluster, name_of("default", "web"));
	ck_assert(cluster_remove_slice(cluster, entry->slices[0]->name));
	ck_assert(cluster_remove_service(cluster, entry->service->name));
	ck_assert(cluster_remove_node(cluster, cluster_find_node(cluster, "node-1")->name));
	changes_must_be("default/web\n");
}
END_TEST

static void name_many(char name[static 32], unsigned i)
{
	snprintf(name, 32, "web-%u", i * 7919 % 10000);
}

START_TEST(ten_thousand_services_are_found_reported_and_forgotten)
{
	enum { COUNT = 10000 };
	char name[32];
	for (unsigned i = 0; i < COUNT; i++) {
		name_many(name, i);
		ck_assert(put_service("default", name, i));
		ck_assert(put_slice(name, name, (uint8_t)i));
	}
	ck_assert_uint_eq(cluster_service_count(cluster), COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		name_many(name, i);
		const struct cluster_entry *entry = cluster_next_changed(cluster);
		ck_assert_ptr_nonnull(entry);
		ck_assert_str_eq(entry->name.name, name);
		ck_assert_uint_eq(entry->service->affinity_seconds, i);
		ck_assert_uint_eq(entry->slice_count, 1);
	}
	changes_must_be("");
	for (unsigned i = 0; i < COUNT; i++) {
		name_many(name, i);
		ck_assert(remove_slice(name));
		ck_assert(remove_service(name));
	}
	size_t gone = 0;
	while (cluster_next_changed(cluster))
		gone++;
	ck_assert_uint_eq(gone, COUNT);
	ck_assert_uint_eq(cluster_service_count(cluster), 0);
}
END_TEST

static bool put_triggered(const char *name, const char *service, int64_t trigger_ns)
{
	const struct slice draft = {.name = {"default", name}, .service = service, .trigger_ns = trigger_ns};
	return cluster_put_slice(cluster, slice_new(&draft));
}

/* All marks are taken; a line for each: "name[ trigger]...". */
static void triggers_must_be(const char *which, const char *wanted)
{
	auto_text text = {0};
	const struct cluster_entry *entry;
	while ((entry = cluster_next_changed(cluster)) != NULL) {
		text_add(&text, entry->name.name);
		ck_assert((entry->triggers != NULL) == (entry->trigger_count > 0));
		for (size_t i = 0; i < entry->trigger_count; i++)
			text_addf(&text, " %lld", (long long)entry->triggers[i].since_ns);
		text_add(&text, "\n");
	}
	ck_assert_texts(which, wanted, text_string(&text));
}

enum { REMOVE = -1 };

/* C92. The store starts at 100; each step puts a slice with that trigger time, or removes it. */
static const struct {
	const char *name;
	int64_t steps[3];
	int count;
	const char *wanted;
} histories[] = {
        {"added", {101}, 1, "web 101\n"},
        {"added and updated", {101, 102}, 2, "web 101 102\n"},
        {"no annotation", {0}, 1, "web\n"},
        {"older than the start", {100}, 1, "web\n"},
        {"added and deleted", {101, REMOVE}, 2, "web\n"},
        {"added, deleted and added", {101, REMOVE, 103}, 3, "web 103\n"},
};

START_TEST(trigger_times_of_changed_slices_are_collected_until_a_slice_is_deleted)
{
	cluster_count_triggers_from(cluster, 100);
	for (int i = 0; i < histories[_i].count; i++) {
		int64_t step = histories[_i].steps[i];
		ck_assert(step == REMOVE ? remove_slice("web-a") : put_triggered("web-a", "web", step));
	}
	triggers_must_be(histories[_i].name, histories[_i].wanted);
}
END_TEST

START_TEST(a_deleted_slice_discards_the_triggers_of_its_own_service_only)
{
	put_triggered("web-a", "web", 1);
	put_triggered("web-b", "web", 2);
	put_triggered("dns-a", "dns", 3);
	put_triggered("web-c", "web", 4);
	remove_slice("web-b");
	put_triggered("web-a", "web", 5);
	triggers_must_be("after a deletion", "web 5\ndns 3\n");
}
END_TEST

START_TEST(a_slice_that_moves_discards_the_triggers_it_leaves_and_adds_where_it_goes)
{
	put_triggered("web-a", "old", 1);
	put_triggered("web-b", "old", 2);
	put_triggered("web-c", "new", 3);
	put_triggered("web-a", "new", 4);
	triggers_must_be("after a move", "old\nnew 3 4\n");
	put_triggered("web-b", "old", 5);
	put_triggered("web-b", NULL, 6);
	triggers_must_be("after the label is gone", "old\n");
}
END_TEST

START_TEST(an_equal_slice_adds_no_trigger_and_a_new_trigger_is_a_change)
{
	ck_assert(put_triggered("web-a", "web", 1));
	ck_assert(!put_triggered("web-a", "web", 1));
	triggers_must_be("sent twice", "web 1\n");
	ck_assert(!put_triggered("web-a", "web", 1));
	triggers_must_be("sent again", "");
	ck_assert(put_triggered("web-a", "web", 2));
	triggers_must_be("sent with another time", "web 2\n");
}
END_TEST

START_TEST(triggers_are_given_once)
{
	put_triggered("web-a", "web", 1);
	triggers_must_be("first", "web 1\n");
	cluster_mark_all(cluster);
	triggers_must_be("marked again", "web\n");
	put_triggered("web-a", "web", 2);
	put_service("default", "web", 0);
	cluster_mark_all(cluster);
	triggers_must_be("kept until they are given", "web 2\n");
	ck_assert_uint_eq(cluster_find(cluster, name_of("default", "web"))->trigger_count, 0);
}
END_TEST

START_TEST(triggers_that_come_while_others_are_looked_at_are_given_next_time)
{
	put_triggered("web-a", "web", 1);
	const struct cluster_entry *entry = cluster_next_changed(cluster);
	cluster_mark_all(cluster);
	ck_assert_uint_eq(entry->trigger_count, 1);
	ck_assert_int_eq(entry->triggers[0].since_ns, 1);
	triggers_must_be("only marked", "web\n");
	put_triggered("web-a", "web", 2);
	ck_assert_ptr_nonnull(cluster_next_changed(cluster));
	put_triggered("web-a", "web", 3);
	put_triggered("web-b", "web", 4);
	triggers_must_be("put meanwhile", "web 3 4\n");
	put_triggered("web-a", "web", 5);
	ck_assert_ptr_nonnull(cluster_next_changed(cluster));
	put_service("default", "web", 0);
	triggers_must_be("the Service put meanwhile", "web\n");
	put_triggered("web-a", "web", 6); /* and is never given */
}
END_TEST

static bool has_two_slices(void *context, const struct cluster_entry *entry)
{
	(*(unsigned *)context)++;
	return entry->slice_count == 2;
}

START_TEST(marking_where_marks_those_and_no_others)
{
	unsigned asked = 0;
	put_service("default", "web", 0);
	put_slice("web-a", "web", 1);
	put_slice("web-b", "web", 2);
	put_service("default", "shop", 0);
	put_slice("shop-a", "shop", 1);
	put_service("default", "gone", 0);
	changes_must_be(
	        "default/web service web-a=1 web-b=2\ndefault/shop service shop-a=1\ndefault/gone service\n");
	remove_service("gone");
	changes_must_be("default/gone\n");
	ck_assert_uint_eq(cluster_mark_where(cluster, has_two_slices, &asked), 1);
	ck_assert_uint_eq(asked, 2);
	changes_must_be("default/web service web-a=1 web-b=2\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model/cluster");
	TCase *cases = tcase_create("cluster");
	tcase_add_checked_fixture(cases, prepare, clean);
	tcase_add_test(cases, a_new_cluster_is_empty);
	tcase_add_test(cases, a_service_and_its_slices_are_one_entry_with_slices_in_order_of_name);
	tcase_add_test(cases, slices_wait_for_a_service_that_is_not_known);
	tcase_add_test(cases, a_slice_belongs_to_the_service_of_its_own_namespace);
	tcase_add_test(cases, names_are_not_confused_by_where_they_are_split);
	tcase_add_test(cases, an_equal_service_changes_nothing);
	tcase_add_test(cases, an_identical_slice_sent_again_changes_nothing);
	tcase_add_test(cases, a_slice_with_reordered_endpoints_or_ports_is_a_change);
	tcase_add_test(cases, removing_what_is_unknown_changes_nothing);
	tcase_add_test(cases, a_service_added_and_deleted_before_a_look_is_only_reported_as_gone);
	tcase_add_test(cases, an_entry_whose_slices_are_all_deleted_is_reported_once_and_vanishes);
	tcase_add_test(cases, one_of_two_slices_deleted_leaves_one);
	tcase_add_test(cases, a_gone_service_is_not_reported_again_while_its_report_is_looked_at);
	tcase_add_test(cases, a_service_that_comes_back_while_it_is_reported_as_gone_is_reported_again);
	tcase_add_test(cases, a_slice_whose_label_changes_moves_and_marks_both_services);
	tcase_add_test(cases, the_last_slice_that_moves_away_leaves_nothing_behind);
	tcase_add_test(cases, a_slice_without_a_label_is_kept_but_belongs_to_no_service);
	tcase_add_test(cases, marks_come_out_in_the_order_in_which_they_were_made);
	tcase_add_test(cases, the_api_server_and_then_dns_come_before_all_others);
	tcase_add_test(cases, it_is_known_whether_one_of_the_first_has_changed);
	tcase_add_test(cases, a_mark_made_while_marks_are_taken_comes_out_too);
	tcase_add_test(cases, marking_all_marks_each_once);
	tcase_add_test(cases, nodes_are_kept_by_name_and_mark_no_service);
	tcase_add_test(cases, an_object_can_be_removed_by_the_name_that_it_holds_itself);
	tcase_add_test(cases, ten_thousand_services_are_found_reported_and_forgotten);
	tcase_add_loop_test(cases, trigger_times_of_changed_slices_are_collected_until_a_slice_is_deleted, 0,
	                    sizeof(histories) / sizeof(*histories));
	tcase_add_test(cases, a_deleted_slice_discards_the_triggers_of_its_own_service_only);
	tcase_add_test(cases, a_slice_that_moves_discards_the_triggers_it_leaves_and_adds_where_it_goes);
	tcase_add_test(cases, an_equal_slice_adds_no_trigger_and_a_new_trigger_is_a_change);
	tcase_add_test(cases, triggers_are_given_once);
	tcase_add_test(cases, triggers_that_come_while_others_are_looked_at_are_given_next_time);
	tcase_add_test(cases, marking_where_marks_those_and_no_others);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
