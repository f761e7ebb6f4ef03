#include "base/text.h"
#include "model/inlet.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cluster *cluster;
static struct inlet api, manifests;
static struct text told;

static void on_overlap(void *context, const char *sentence)
{
	text_addf(context, "%s\n", sentence);
}

static void prepare(void)
{
	cluster = cluster_new();
	inlet_init(&api, cluster, ORIGIN_API_SERVER);
	inlet_init(&manifests, cluster, ORIGIN_MANIFESTS);
	api.context = manifests.context = &told;
	api.overlapped = manifests.overlapped = on_overlap;
}

static void clean(void)
{
	cluster_free(cluster);
	text_done(&told);
}

static void told_must_be(const char *wanted)
{
	ck_assert_texts("what was told", wanted, text_string(&told));
	text_clear(&told);
}

static struct object_name name_of(const char *name)
{
	return (struct object_name){"default", name};
}

static bool put_service(struct inlet *inlet, const char *name, uint32_t affinity_seconds)
{
	const struct service draft = {.name = {"default", name}, .affinity_seconds = affinity_seconds};
	return inlet_put_service(inlet, service_new(&draft));
}

/* `last` is the last number of the address of its only endpoint. */
static bool put_slice(struct inlet *inlet, const char *name, const char *service, uint8_t last)
{
	const struct endpoint endpoint = {.address = {FAMILY_IPV4, {10, 1, 0, last}}, .ready = true};
	const struct slice draft = {.name = {"default", name},
	                            .service = service,
	                            .family = FAMILY_IPV4,
	                            .endpoints = &endpoint,
	                            .endpoint_count = 1};
	return inlet_put_slice(inlet, slice_new(&draft));
}

static bool put_node(struct inlet *inlet, const char *name, const char *zone)
{
	const struct node draft = {.name = name, .zone = zone};
	return inlet_put_node(inlet, node_new(&draft));
}

static bool remove_service(struct inlet *inlet, const char *name)
{
	return inlet_remove(inlet, KIND_SERVICE, name_of(name));
}

static void write_entry(struct text *text, const struct cluster_entry *entry)
{
	text_addf(text, "%s", entry->name.name);
	if (entry->service)
		text_addf(text, " service %u", entry->service->affinity_seconds);
	for (size_t i = 0; i < entry->slice_count; i++)
		text_addf(text, " %s=%d", entry->slices[i]->name.name,
		          entry->slices[i]->endpoints[0].address.bytes[3]);
	text_add(text, "\n");
}

/* All marks are taken; a line for each: "name[ service affinity][ slice=last number]...". */
static void changes_must_be(const char *wanted)
{
	auto_text text = {0};
	const struct cluster_entry *entry;
	while ((entry = cluster_next_changed(cluster)) != NULL)
		write_entry(&text, entry);
	ck_assert_texts("changes", wanted, text_string(&text));
}

static const char *zone_of(const char *node)
{
	const struct node *found = cluster_find_node(cluster, node);
	return found ? found->zone : "(no such node)";
}

/* ---- one source by itself */

START_TEST(one_source_puts_and_removes_as_into_the_store_itself)
{
	ck_assert(put_service(&api, "web", 1));
	ck_assert(!put_service(&api, "web", 1));
	ck_assert(put_slice(&api, "web-a", "web", 5));
	ck_assert(put_node(&api, "node-1", "zone-a"));
	changes_must_be("web service 1 web-a=5\n");
	ck_assert_str_eq(zone_of("node-1"), "zone-a");
	ck_assert(put_service(&api, "web", 2));
	changes_must_be("web service 2 web-a=5\n");
	ck_assert(remove_service(&api, "web"));
	ck_assert(!remove_service(&api, "web"));
	ck_assert(inlet_remove(&api, KIND_SLICE, name_of("web-a")));
	ck_assert(inlet_remove(&api, KIND_NODE, (struct object_name){"", "node-1"}));
	changes_must_be("web\n");
	ck_assert_str_eq(zone_of("node-1"), "(no such node)");
	told_must_be("");
}
END_TEST

START_TEST(puts_and_removes_are_counted_and_so_are_those_that_change_something)
{
	put_service(&api, "web", 1);
	put_service(&api, "web", 1);
	put_service(&api, "dns", 1);
	ck_assert_uint_eq(api.count[KIND_SERVICE], 2);
	ck_assert_uint_eq(api.events[KIND_SERVICE], 3);
	ck_assert_uint_eq(api.changes[KIND_SERVICE], 2);
	remove_service(&api, "web");
	remove_service(&api, "unknown");
	ck_assert_uint_eq(api.count[KIND_SERVICE], 1);
	ck_assert_uint_eq(api.events[KIND_SERVICE], 5);
	ck_assert_uint_eq(api.changes[KIND_SERVICE], 3);
	ck_assert_uint_eq(api.events[KIND_SLICE] + api.events[KIND_NODE], 0);
	/* The other one waits, and is counted where it belongs. */
	put_service(&manifests, "dns", 2);
	ck_assert_uint_eq(manifests.count[KIND_SERVICE], 1);
	ck_assert_uint_eq(manifests.events[KIND_SERVICE], 1);
	ck_assert_uint_eq(manifests.changes[KIND_SERVICE], 0);
}
END_TEST

/* ---- two sources */

START_TEST(the_api_servers_service_counts_whoever_comes_first)
{
	struct inlet *first = _i ? &manifests : &api, *second = _i ? &api : &manifests;
	ck_assert(put_service(first, "web", _i ? 2 : 1));
	changes_must_be(_i ? "web service 2\n" : "web service 1\n");
	ck_assert(put_service(second, "web", _i ? 1 : 2) == (_i == 1));
	changes_must_be(_i ? "web service 1\n" : "");
	told_must_be("Service default/web: the API server has one of this name, which counts; "
	             "the one from the manifests waits\n");
	ck_assert_uint_eq(cluster_service_count(cluster), 1);
	/* Said once, as long as it lasts. */
	put_service(&api, "web", 3);
	put_service(&manifests, "web", 4);
	told_must_be("");
	changes_must_be("web service 3\n");
	ck_assert(remove_service(&api, "web"));
	changes_must_be("web service 4\n");
	/* Over, and then so again. */
	ck_assert(put_service(&api, "web", 5));
	told_must_be("Service default/web: the API server has one of this name, which counts; "
	             "the one from the manifests waits\n");
}
END_TEST

START_TEST(what_waits_can_be_removed_and_nothing_is_seen_of_it)
{
	put_service(&api, "web", 1);
	put_service(&manifests, "web", 2);
	changes_must_be("web service 1\n");
	ck_assert(!remove_service(&manifests, "web"));
	ck_assert_uint_eq(manifests.count[KIND_SERVICE], 0);
	ck_assert(remove_service(&api, "web"));
	changes_must_be("web\n");
	ck_assert_uint_eq(cluster_service_count(cluster), 0);
}
END_TEST

START_TEST(equal_objects_of_both_are_no_change_in_either_direction)
{
	put_service(&manifests, "web", 1);
	put_slice(&manifests, "web-a", "web", 1);
	put_node(&manifests, "node-1", "zone-a");
	changes_must_be("web service 1 web-a=1\n");
	ck_assert(!put_service(&api, "web", 1));
	ck_assert(!put_slice(&api, "web-a", "web", 1));
	ck_assert(!put_node(&api, "node-1", "zone-a"));
	ck_assert(!remove_service(&api, "web"));
	ck_assert(!inlet_remove(&api, KIND_SLICE, name_of("web-a")));
	changes_must_be("");
	ck_assert(remove_service(&manifests, "web"));
	ck_assert(inlet_remove(&manifests, KIND_SLICE, name_of("web-a")));
	changes_must_be("web\n");
}
END_TEST

START_TEST(neither_removes_what_only_the_other_has)
{
	put_service(&api, "a", 1);
	put_service(&manifests, "b", 1);
	ck_assert(!remove_service(&manifests, "a"));
	ck_assert(!remove_service(&api, "b"));
	changes_must_be("a service 1\nb service 1\n");
}
END_TEST

START_TEST(slices_of_one_service_from_both_count_together)
{
	put_service(&api, "web", 1);
	put_slice(&api, "web-a", "web", 1);
	put_slice(&manifests, "web-b", "web", 2);
	changes_must_be("web service 1 web-a=1 web-b=2\n");
	ck_assert(!put_slice(&manifests, "web-a", "web", 3));
	told_must_be("EndpointSlice default/web-a: the API server has one of this name, which counts; "
	             "the one from the manifests waits\n");
	changes_must_be("");
	ck_assert(inlet_remove(&api, KIND_SLICE, name_of("web-a")));
	changes_must_be("web service 1 web-a=3 web-b=2\n");
}
END_TEST

START_TEST(a_slice_may_wait_for_another_service_than_the_one_that_counts)
{
	put_slice(&manifests, "x", "one", 1);
	changes_must_be("one x=1\n");
	ck_assert(put_slice(&api, "x", "two", 2));
	changes_must_be("one\ntwo x=2\n");
	ck_assert(inlet_remove(&api, KIND_SLICE, name_of("x")));
	changes_must_be("two\none x=1\n");
}
END_TEST

START_TEST(nodes_are_told_apart_by_name_alone)
{
	put_node(&manifests, "node-1", "zone-a");
	ck_assert(put_node(&api, "node-1", "zone-b"));
	told_must_be("Node node-1: the API server has one of this name, which counts; "
	             "the one from the manifests waits\n");
	ck_assert_str_eq(zone_of("node-1"), "zone-b");
	ck_assert(!put_node(&manifests, "node-1", "zone-c"));
	ck_assert(inlet_remove(&api, KIND_NODE, (struct object_name){"", "node-1"}));
	ck_assert_str_eq(zone_of("node-1"), "zone-c");
}
END_TEST

START_TEST(kinds_of_one_name_have_nothing_to_do_with_each_other)
{
	put_service(&api, "web", 1);
	put_slice(&manifests, "web", "web", 1);
	put_node(&manifests, "web", "zone-a");
	told_must_be("");
	changes_must_be("web service 1 web=1\n");
}
END_TEST

/* ---- lists */

START_TEST(what_a_list_does_not_name_again_is_removed_at_its_end)
{
	put_service(&api, "a", 1);
	put_service(&api, "b", 1);
	put_slice(&api, "a-1", "a", 1);
	changes_must_be("a service 1 a-1=1\nb service 1\n");
	inlet_begin_list(&api, KIND_SERVICE);
	ck_assert(!put_service(&api, "a", 1));
	ck_assert(put_service(&api, "c", 1));
	changes_must_be("c service 1\n");
	ck_assert(inlet_end_list(&api, KIND_SERVICE));
	changes_must_be("b\n");
	ck_assert_uint_eq(api.count[KIND_SERVICE], 2);
	ck_assert_uint_eq(api.events[KIND_SERVICE], 5);
	ck_assert_uint_eq(api.changes[KIND_SERVICE], 4);
	inlet_begin_list(&api, KIND_SLICE);
	ck_assert(inlet_end_list(&api, KIND_SLICE));
	changes_must_be("a service 1\n");
}
END_TEST

START_TEST(a_list_that_names_everything_again_changes_nothing)
{
	put_service(&api, "a", 1);
	put_node(&api, "node-1", "zone-a");
	changes_must_be("a service 1\n");
	inlet_begin_list(&api, KIND_SERVICE);
	put_service(&api, "a", 1);
	ck_assert(!inlet_end_list(&api, KIND_SERVICE));
	inlet_begin_list(&api, KIND_NODE);
	put_node(&api, "node-1", "zone-a");
	ck_assert(!inlet_end_list(&api, KIND_NODE));
	changes_must_be("");
	ck_assert_str_eq(zone_of("node-1"), "zone-a");
}
END_TEST

START_TEST(a_list_that_breaks_off_removes_nothing_and_does_not_speak_for_the_next)
{
	put_service(&api, "a", 1);
	put_service(&api, "b", 1);
	changes_must_be("a service 1\nb service 1\n");
	inlet_begin_list(&api, KIND_SERVICE);
	put_service(&api, "a", 1);
	inlet_begin_list(&api, KIND_SERVICE);
	put_service(&api, "b", 1);
	changes_must_be("");
	ck_assert(inlet_end_list(&api, KIND_SERVICE));
	changes_must_be("a\n");
}
END_TEST

START_TEST(what_cannot_be_used_but_is_listed_stays_as_it_was)
{
	put_service(&api, "a", 1);
	put_service(&api, "b", 1);
	put_service(&manifests, "b", 2);
	changes_must_be("a service 1\nb service 1\n");
	inlet_begin_list(&api, KIND_SERVICE);
	inlet_keep(&api, KIND_SERVICE, name_of("a"));
	inlet_keep(&api, KIND_SERVICE, name_of("unknown"));
	ck_assert(inlet_end_list(&api, KIND_SERVICE));
	changes_must_be("b service 2\n");
	/* What waits is kept too. */
	put_service(&api, "b", 1);
	inlet_begin_list(&manifests, KIND_SERVICE);
	inlet_keep(&manifests, KIND_SERVICE, name_of("b"));
	inlet_keep(&manifests, KIND_SERVICE, name_of("a")); /* not its own */
	ck_assert(!inlet_end_list(&manifests, KIND_SERVICE));
	remove_service(&api, "b");
	changes_must_be("b service 2\n");
}
END_TEST

START_TEST(a_list_removes_only_what_is_its_own)
{
	put_service(&manifests, "a", 1);
	put_service(&manifests, "b", 1);
	put_service(&api, "b", 2);
	changes_must_be("a service 1\nb service 2\n");
	inlet_begin_list(&api, KIND_SERVICE);
	ck_assert(inlet_end_list(&api, KIND_SERVICE));
	changes_must_be("b service 1\n");
	put_service(&api, "b", 2);
	changes_must_be("b service 2\n");
	inlet_begin_list(&manifests, KIND_SERVICE);
	ck_assert(inlet_end_list(&manifests, KIND_SERVICE));
	ck_assert_uint_eq(manifests.count[KIND_SERVICE], 0);
	changes_must_be("a\n");
	ck_assert(remove_service(&api, "b"));
	changes_must_be("b\n");
}
END_TEST

START_TEST(a_list_that_ends_without_having_begun_is_a_programmers_error)
{
	inlet_end_list(&api, KIND_SERVICE);
}
END_TEST

START_TEST(a_list_ends_only_once)
{
	inlet_begin_list(&api, KIND_SERVICE);
	inlet_end_list(&api, KIND_SERVICE);
	inlet_end_list(&api, KIND_SERVICE);
}
END_TEST

/* ---- against a naive model */

enum { NAMES = 6, VALUES = 3, LABELS = 3, STEPS = 4000 };

/* A value is 1 and above; 0: absent. */
struct naive {
	int value[ORIGINS][OBJECT_KINDS][NAMES];
	bool listed[ORIGINS][OBJECT_KINDS][NAMES]; /* by the list that goes on */
	bool listing[ORIGINS][OBJECT_KINDS];
	unsigned overlaps; /* begun so far */
};

static const char *const slice_names[NAMES] = {"a", "b", "c", "d", "e", "f"};
static const char *const labels[LABELS] = {"a", "b", ""};

static int visible(const struct naive *naive, enum object_kind kind, int name)
{
	int first = naive->value[ORIGIN_API_SERVER][kind][name];
	return first ? first : naive->value[ORIGIN_MANIFESTS][kind][name];
}

/* Gives what the inlet must answer: whether what is seen is another. */
static bool naive_set(struct naive *naive, enum origin origin, enum object_kind kind, int name, int value)
{
	int before = visible(naive, kind, name);
	bool other = naive->value[!origin][kind][name] != 0;
	naive->overlaps += other && value && !naive->value[origin][kind][name];
	naive->value[origin][kind][name] = value;
	naive->listed[origin][kind][name] = value != 0;
	return before != visible(naive, kind, name);
}

/* A value of a slice tells its Service too. */
static bool real_put(struct inlet *inlet, enum object_kind kind, int name, int value)
{
	switch (kind) {
	case KIND_SERVICE:
		return put_service(inlet, slice_names[name], (uint32_t)value);
	case KIND_SLICE:
		return put_slice(inlet, slice_names[name], labels[value % LABELS], (uint8_t)value);
	default:
		return put_node(inlet, slice_names[name], labels[value - 1]);
	}
}

static bool naive_end_list(struct naive *naive, enum origin origin, enum object_kind kind)
{
	bool changed = false;
	for (int name = 0; name < NAMES; name++)
		if (naive->value[origin][kind][name] && !naive->listed[origin][kind][name])
			changed |= naive_set(naive, origin, kind, name, 0);
	naive->listing[origin][kind] = false;
	return changed;
}

static void begin_list(struct naive *naive, struct inlet *inlet, enum object_kind kind)
{
	memset(naive->listed[inlet->origin][kind], 0, sizeof(naive->listed[inlet->origin][kind]));
	naive->listing[inlet->origin][kind] = true;
	inlet_begin_list(inlet, kind);
}

static struct object_name key_of(enum object_kind kind, int name)
{
	return (struct object_name){kind == KIND_NODE ? "" : "default", slice_names[name]};
}

static void step(struct naive *naive, struct inlet *inlet)
{
	enum object_kind kind = (enum object_kind)(rand() % OBJECT_KINDS);
	enum origin origin = inlet->origin;
	int name = rand() % NAMES, value = 1 + rand() % VALUES, action = rand() % 16;
	if (action < 8) {
		ck_assert(real_put(inlet, kind, name, value) == naive_set(naive, origin, kind, name, value));
	} else if (action < 12) {
		ck_assert(inlet_remove(inlet, kind, key_of(kind, name)) ==
		          naive_set(naive, origin, kind, name, 0));
	} else if (action < 13) {
		naive->listed[origin][kind][name] = true;
		inlet_keep(inlet, kind, key_of(kind, name));
	} else if (action < 14) {
		begin_list(naive, inlet, kind);
	} else if (naive->listing[origin][kind]) {
		ck_assert(inlet_end_list(inlet, kind) == naive_end_list(naive, origin, kind));
	}
}

static void write_naive_entry(const struct naive *naive, int service, struct text *text)
{
	size_t start = text->length;
	int value = visible(naive, KIND_SERVICE, service);
	if (value)
		text_addf(text, " service %d", value);
	for (int name = 0; name < NAMES; name++) {
		value = visible(naive, KIND_SLICE, name);
		if (value && strcmp(labels[value % LABELS], slice_names[service]) == 0)
			text_addf(text, " %s=%d", slice_names[name], value);
	}
	if (text->length > start)
		text_add(text, "\n");
}

static void compare(const struct naive *naive)
{
	size_t services = 0;
	for (int name = 0; name < NAMES; name++) {
		auto_text wanted = {0}, got = {0};
		const struct cluster_entry *entry = cluster_find(cluster, name_of(slice_names[name]));
		int zone = visible(naive, KIND_NODE, name);
		write_naive_entry(naive, name, &wanted);
		if (entry)
			write_entry(&got, entry);
		ck_assert_texts(slice_names[name], text_string(&wanted),
		                text_string(&got) + (entry ? strlen(slice_names[name]) : 0));
		ck_assert_str_eq(zone_of(slice_names[name]), zone ? labels[zone - 1] : "(no such node)");
		services += visible(naive, KIND_SERVICE, name) != 0;
	}
	ck_assert_uint_eq(cluster_service_count(cluster), services);
}

static void compare_counts(const struct naive *naive, const struct inlet *inlet)
{
	for (int kind = 0; kind < OBJECT_KINDS; kind++) {
		size_t count = 0;
		for (int name = 0; name < NAMES; name++)
			count += naive->value[inlet->origin][kind][name] != 0;
		ck_assert_uint_eq(inlet->count[kind], count);
		ck_assert_uint_le(inlet->changes[kind], inlet->events[kind]);
	}
}

static void count_overlap(void *context, const char *sentence)
{
	ck_assert(strstr(sentence, "the one from the manifests waits"));
	++*(unsigned *)context;
}

START_TEST(any_order_of_puts_removes_and_lists_gives_what_a_naive_store_gives)
{
	struct naive naive = {0};
	unsigned overlaps = 0;
	api.context = manifests.context = &overlaps;
	api.overlapped = manifests.overlapped = count_overlap;
	srand((unsigned)_i + 1);
	for (unsigned i = 0; i < test_rounds(STEPS); i++) {
		step(&naive, rand() % 2 ? &api : &manifests);
		compare(&naive);
		ck_assert_uint_eq(overlaps, naive.overlaps);
		if (rand() % 8 == 0)
			while (cluster_next_changed(cluster))
				;
	}
	compare_counts(&naive, &api);
	compare_counts(&naive, &manifests);
	ck_assert_uint_gt(overlaps, test_rounds(STEPS) / 50);
}
END_TEST

/* Whoever follows the marks alone knows as much as whoever looks at everything. */
START_TEST(every_change_marks_its_service)
{
	struct naive naive = {0};
	struct text known[NAMES] = {0};
	srand((unsigned)_i + 1);
	for (unsigned i = 0; i < test_rounds(STEPS); i++) {
		const struct cluster_entry *entry;
		step(&naive, rand() % 2 ? &api : &manifests);
		while ((entry = cluster_next_changed(cluster)) != NULL) {
			struct text *text = &known[entry->name.name[0] - 'a'];
			text_clear(text);
			if (entry->service || entry->slice_count)
				write_entry(text, entry);
		}
	}
	for (int name = 0; name < NAMES; name++) {
		auto_text wanted = {0};
		const struct cluster_entry *entry = cluster_find(cluster, name_of(slice_names[name]));
		if (entry)
			write_entry(&wanted, entry);
		ck_assert_texts(slice_names[name], text_string(&wanted), text_string(&known[name]));
		text_done(&known[name]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model/inlet");
	TCase *cases = tcase_create("inlet");
	tcase_set_timeout(cases, 120);
	tcase_add_checked_fixture(cases, prepare, clean);
	tcase_add_test(cases, one_source_puts_and_removes_as_into_the_store_itself);
	tcase_add_test(cases, puts_and_removes_are_counted_and_so_are_those_that_change_something);
	tcase_add_loop_test(cases, the_api_servers_service_counts_whoever_comes_first, 0, 2);
	tcase_add_test(cases, what_waits_can_be_removed_and_nothing_is_seen_of_it);
	tcase_add_test(cases, equal_objects_of_both_are_no_change_in_either_direction);
	tcase_add_test(cases, neither_removes_what_only_the_other_has);
	tcase_add_test(cases, slices_of_one_service_from_both_count_together);
	tcase_add_test(cases, a_slice_may_wait_for_another_service_than_the_one_that_counts);
	tcase_add_test(cases, nodes_are_told_apart_by_name_alone);
	tcase_add_test(cases, kinds_of_one_name_have_nothing_to_do_with_each_other);
	tcase_add_test(cases, what_a_list_does_not_name_again_is_removed_at_its_end);
	tcase_add_test(cases, a_list_that_names_everything_again_changes_nothing);
	tcase_add_test(cases, a_list_that_breaks_off_removes_nothing_and_does_not_speak_for_the_next);
	tcase_add_test(cases, what_cannot_be_used_but_is_listed_stays_as_it_was);
	tcase_add_test(cases, a_list_removes_only_what_is_its_own);
	tcase_add_test_raise_signal(cases, a_list_that_ends_without_having_begun_is_a_programmers_error, 6);
	tcase_add_test_raise_signal(cases, a_list_ends_only_once, 6);
	tcase_add_loop_test(cases, any_order_of_puts_removes_and_lists_gives_what_a_naive_store_gives, 0, 10);
	tcase_add_loop_test(cases, every_change_marks_its_service, 0, 5);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
