/*
 * What is wanted, extended by what may not go yet: cases as a table, then what must hold for every two states. A failure
 * names the seed of its round.
 */
#include "plan/drains.h"

#include "plan/ledger.h"
#include "plan/render.h"
#include "plan_model.h"
#include "plan_states.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static void teardown(void)
{
	arena_done(&arena);
}

static void add_draining(struct text *text, const struct draining_list *list)
{
	char key[VIRTUAL_SERVER_TEXT_SIZE], end[ENDPOINT_TEXT_SIZE];
	for (size_t i = 0; i < list->count; i++) {
		const struct draining *draining = &list->items[i];
		endpoint_format(&draining->end.address, draining->end.port, end);
		text_addf(text, "%s %s%s%s\n", virtual_server_key_format(&draining->key, key), end,
		          draining->label ? " of " : "", draining->label ? draining->label : "");
	}
}

/* ---- cases */

static const struct extension_case {
	const char *name;
	const char *present;
	const char *wanted;
	const char *changes; /* that make the extended state from the present one */
	const char *draining;
} extension_cases[] = {
        {"nothing is unwanted", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n", "", ""},
        {"R5.9: one that goes gets weight 0", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n> 10.0.0.2:80\n",
         "tcp 10.96.0.1:80 rr label=default/web\n> 10.0.0.2:80\n",
         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0 (was -m -w 1)\n",
         "TCP 10.96.0.1:80 10.0.0.1:80 of default/web\n"},
        {"R5.14: one that has weight 0 already is recognised",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 w=0\n> 10.0.0.2:80\n", "tcp 10.96.0.1:80 rr\n> 10.0.0.2:80\n",
         "", "TCP 10.96.0.1:80 10.0.0.1:80\n"},
        {"C47, C54, Q-9: one that is wanted again gets its weight in place",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 w=0\n", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n",
         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1 (was -m -w 0)\n", ""},
        {"another one comes for the last one", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n",
         "tcp 10.96.0.1:80 rr\n> 10.0.0.2:80\n",
         "+ -a -t 10.96.0.1:80 -r 10.0.0.2:80 -m -w 1\n"
         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0 (was -m -w 1)\n",
         "TCP 10.96.0.1:80 10.0.0.1:80\n"},
        {"all of them go", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n> 10.0.0.2:80\n", "tcp 10.96.0.1:80 rr\n",
         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0 (was -m -w 1)\n"
         "~ -e -t 10.96.0.1:80 -r 10.0.0.2:80 -m -w 0 (was -m -w 1)\n",
         "TCP 10.96.0.1:80 10.0.0.1:80\nTCP 10.96.0.1:80 10.0.0.2:80\n"},
        {"its way of forwarding stays as it is", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 fwd=3\n",
         "tcp 10.96.0.1:80 rr\n", "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -g -w 0 (was -g -w 1)\n",
         "TCP 10.96.0.1:80 10.0.0.1:80\n"},
        {"SCTP drains too", "sctp 10.96.0.1:80 rr\n> 10.0.0.1:80\n", "sctp 10.96.0.1:80 rr\n",
         "~ -e --sctp-service 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0 (was -m -w 1)\n",
         "SCTP 10.96.0.1:80 10.0.0.1:80\n"},
        {"C51, R5.12: UDP goes at once", "udp 10.96.0.1:80 rr\n> 10.0.0.1:80 w=0\n> 10.0.0.2:80\n",
         "udp 10.96.0.1:80 rr\n",
         "- -d -u 10.96.0.1:80 -r 10.0.0.1:80\n- -d -u 10.96.0.1:80 -r 10.0.0.2:80\n", ""},
        {"R5.14: a virtual server that goes takes them along", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n", "",
         "- -D -t 10.96.0.1:80\n", ""},
        {"a changed scheduler does not matter", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n",
         "tcp 10.96.0.1:80 wlc\n",
         "~ -E -t 10.96.0.1:80 -s wlc (was -s rr)\n"
         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0 (was -m -w 1)\n",
         "TCP 10.96.0.1:80 10.0.0.1:80\n"},
};

static void check_extension(const struct extension_case *test)
{
	const struct removal_rules rules = {.all_ours = true};
	struct state present = state_of(&arena, test->present), wanted = state_of(&arena, test->wanted),
	             extended;
	struct draining_list draining;
	struct changes changes = {0};
	auto_text text = {0}, list = {0};
	drains_extend(&present, &wanted, &arena, &extended, &draining);
	diff_build(&present, &extended, &rules, &changes);
	render_changes(&changes, &text);
	add_draining(&list, &draining);
	ck_assert_texts(test->name, test->changes, text_string(&text));
	ck_assert_texts(test->name, test->draining, text_string(&list));
	vector_done(&changes);
}

START_TEST(real_servers_that_go_are_kept_at_weight_0)
{
	for (size_t i = 0; i < sizeof(extension_cases) / sizeof(*extension_cases); i++)
		check_extension(&extension_cases[i]);
}
END_TEST

START_TEST(a_drain_knows_whether_its_endpoint_still_terminates)
{
	const struct flow_end leaving[] = {{.address = address_of("10.0.0.1"), .port = 80},
	                                   {.address = address_of("10.0.0.3"), .port = 80}};
	struct state present = state_of(
	        &arena, "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n> 10.0.0.1:81\n> 10.0.0.2:80\n> 10.0.0.3:80\n");
	struct state wanted = state_of(&arena, "tcp 10.96.0.1:80 rr\n"), extended;
	struct draining_list draining;
	((struct virtual_server *)wanted.virtual_servers)->leaving = leaving;
	((struct virtual_server *)wanted.virtual_servers)->leaving_count = 2;
	drains_extend(&present, &wanted, &arena, &extended, &draining);
	ck_assert_uint_eq(draining.count, 4);
	for (size_t i = 0; i < draining.count; i++)
		ck_assert_int_eq(draining.items[i].leaving, i == 0 || i == 3);
}
END_TEST

/* The ledger's copy is another, and the change of this alone is a change. */
START_TEST(the_ledger_keeps_who_is_terminating)
{
	struct flow_end leaving[] = {{.address = address_of("10.0.0.1"), .port = 80}};
	struct state wanted = state_of(&arena, "tcp 10.96.0.1:80 rr\n> 10.0.0.2:80\n"), before, now;
	struct virtual_server *server = (struct virtual_server *)wanted.virtual_servers;
	struct ledger *ledger = ledger_new();
	ledger_put(ledger, "default/web", 1, &wanted);
	ledger_settle(ledger);
	server->leaving = leaving;
	server->leaving_count = 1;
	ledger_put(ledger, "default/web", 1, &wanted);
	leaving[0].port = 81;
	ledger_touched(ledger, &arena, &before, &now);
	ck_assert_uint_eq(now.virtual_server_count, 1);
	ck_assert_uint_eq(before.virtual_servers[0].leaving_count, 0);
	ck_assert_uint_eq(now.virtual_servers[0].leaving_count, 1);
	ck_assert_uint_eq(now.virtual_servers[0].leaving[0].port, 80);
	ledger_settle(ledger);
	leaving[0].port = 80;
	ledger_put(ledger, "default/web", 1, &wanted);
	ck_assert(!ledger_has_touched(ledger));
	ledger_free(ledger);
}
END_TEST

/* ---- what is left of a Service */

static const struct left_over_case {
	const char *name;
	const char *present, *wanted, *released;
	bool all_ours;
	const char *left; /* as changes that make it from nothing */
} left_over_cases[] = {
        {"all that a Service had",
         "tcp 10.96.0.1:80 sh p=100 label=default/web\n> 10.0.0.1:80\n> 10.0.0.2:80 w=0\nheld 10.96.0.1\n"
         "guard 10.96.0.1\nport 10.96.0.1:80 tcp masquerade restricted\nrange 10.96.0.1:80 tcp 10.0.0.0/8\n",
         "", NULL, true,
         "+ filter 10.96.0.1 refuses all other ports\n+ filter 10.96.0.1:80 TCP reject\n+ address "
         "10.96.0.1/32 on the dummy "
         "interface\n"
         "+ -A -t 10.96.0.1:80 -s sh -p 100\n+ -a -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0\n"
         "+ -a -t 10.96.0.1:80 -r 10.0.0.2:80 -m -w 0\n"},
        {"a node port has no held address", "tcp 192.0.2.1:30080 rr\n> 10.0.0.1:80\n", "", NULL, true,
         "+ filter 192.0.2.1:30080 TCP reject\n+ -A -t 192.0.2.1:30080 -s rr\n"
         "+ -a -t 192.0.2.1:30080 -r 10.0.0.1:80 -m -w 0\n"},
        {"nothing drains that is wanted", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n", "tcp 10.96.0.1:80 rr\n",
         NULL, true, ""},
        {"UDP does not drain", "udp 10.96.0.1:80 rr\n> 10.0.0.1:80\n", "", NULL, true, ""},
        {"nothing is left of one without real servers", "tcp 10.96.0.1:80 rr\n", "", NULL, true, ""},
        {"nor of one whose drain is over", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 w=0\n", "", "tcp 10.96.0.1:80",
         true, ""},
        {"what is alien does not drain", "tcp 192.0.2.1:80 rr\n> 10.0.0.1:80\n", "", NULL, false, ""},
        {"a mark neither", "mark 7 ipv4 rr\n> 10.0.0.1:80\n", "", NULL, true, ""},
};

static void check_left_over(const struct left_over_case *test)
{
	const struct removal_rules rules = {.all_ours = test->all_ours}, all = {.all_ours = true};
	struct state present = state_of(&arena, test->present), wanted = state_of(&arena, test->wanted),
	             *left, nothing = {0};
	struct virtual_server_key released = {0};
	size_t count;
	struct changes changes = {0};
	auto_text text = {0};
	if (test->released)
		released = key_of(test->released);
	drains_left_over(&present, &wanted, &rules, &released, test->released != NULL, &arena, &left, &count);
	for (size_t i = 0; i < count; i++)
		diff_build(&nothing, &left[i], &all, &changes);
	render_changes(&changes, &text);
	ck_assert_texts(test->name, test->left, text_string(&text));
	vector_done(&changes);
}

START_TEST(with_drain_on_delete_a_virtual_server_is_left_that_takes_nothing_new)
{
	for (size_t i = 0; i < sizeof(left_over_cases) / sizeof(*left_over_cases); i++)
		check_left_over(&left_over_cases[i]);
}
END_TEST

static void put(struct ledger *ledger, const char *owner, const char *text)
{
	struct state state = state_of(&arena, text);
	ledger_put(ledger, owner, 0, &state);
}

static void must_change(struct ledger *ledger, const char *what, const char *wanted)
{
	const struct removal_rules all = {.all_ours = true};
	struct state before, now;
	struct changes changes = {0};
	struct ledger_conflict conflict;
	auto_text text = {0};
	ledger_touched(ledger, &arena, &before, &now);
	diff_build(&before, &now, &all, &changes);
	render_changes(&changes, &text);
	ck_assert_texts(what, wanted, text_string(&text));
	ck_assert_msg(!ledger_next_conflict(ledger, &conflict), "%s: a conflict is reported", what);
	ledger_settle(ledger);
	vector_done(&changes);
}

/* It stands behind every Service, also one of unknown age, and shares its address with others. */
START_TEST(what_is_left_over_gives_way_to_every_service)
{
	static const char left[] =
	        "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80 w=0\nheld 10.96.0.1\nport 10.96.0.1:80 tcp reject\n";
	struct ledger *ledger = ledger_new();
	put(ledger, "default/other", "tcp 10.96.0.1:443 rr\nheld 10.96.0.1\n");
	put(ledger, "~TCP 10.96.0.1:80", left);
	must_change(ledger, "it stays",
	            "+ filter 10.96.0.1:80 TCP reject\n+ address 10.96.0.1/32 on the dummy interface\n"
	            "+ -A -t 10.96.0.1:80 -s rr\n+ -A -t 10.96.0.1:443 -s rr\n+ -a -t 10.96.0.1:80 -r "
	            "10.0.0.1:80 -m -w 0\n");
	put(ledger, "zoo/web",
	    "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\nheld 10.96.0.1\nport 10.96.0.1:80 tcp outsiders\n");
	must_change(ledger, "the Service comes back",
	            "~ filter 10.96.0.1:80 TCP masquerade-outsiders (was reject)\n"
	            "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1 (was -m -w 0)\n");
	put(ledger, "zoo/web", "");
	must_change(ledger, "it goes again",
	            "~ filter 10.96.0.1:80 TCP reject (was masquerade-outsiders)\n"
	            "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0 (was -m -w 1)\n");
	put(ledger, "default/other", "");
	must_change(ledger, "the other port goes", "- -D -t 10.96.0.1:443\n");
	put(ledger, "~TCP 10.96.0.1:80", "");
	must_change(ledger, "the drain is over",
	            "- -D -t 10.96.0.1:80\n- address 10.96.0.1/32 on the dummy interface\n- filter "
	            "10.96.0.1:80 TCP reject\n");
	ledger_free(ledger);
}
END_TEST

/* ---- properties */

enum { ROUNDS = 2000 };

#define must(condition, ...)                       \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

static const struct real_server *find_real(const struct virtual_server *server,
                                           const struct real_server *like)
{
	for (size_t i = 0; server && i < server->real_server_count; i++)
		if (real_server_compare(&server->real_servers[i], like) == 0)
			return &server->real_servers[i];
	return NULL;
}

static bool drains(const struct draining_list *list, const struct virtual_server_key *key,
                   const struct real_server *server)
{
	for (size_t i = draining_first(list, key); i < list->count; i++)
		if (virtual_server_key_compare(&list->items[i].key, key) == 0 &&
		    address_equal(&list->items[i].end.address, &server->address) &&
		    list->items[i].end.port == server->port)
			return true;
	return false;
}

/* Of each real server of the extended state: it is wanted as it stands there, or it drains, said so, at weight 0. */
static void check_server(unsigned seed, const struct state *present, const struct state *wanted,
                         const struct draining_list *list, const struct virtual_server *extended)
{
	const struct virtual_server *is = state_find_virtual_server(present, &extended->key),
	                            *should = state_find_virtual_server(wanted, &extended->key);
	must(should != NULL, "seed %u: a virtual server that nobody wants", seed);
	for (size_t i = 0; i < extended->real_server_count; i++) {
		const struct real_server *server = &extended->real_servers[i];
		const struct real_server *wish = find_real(should, server), *was = find_real(is, server);
		must(i == 0 || real_server_compare(server - 1, server) < 0, "seed %u: out of order", seed);
		must(drains(list, &extended->key, server) == !wish, "seed %u: told wrongly", seed);
		if (wish)
			must(real_server_same(wish, server), "seed %u: a wanted one changed", seed);
		else
			must(was && server->weight == 0 && was->forwarding == server->forwarding &&
			             protocol_drains(extended->key.protocol),
			     "seed %u: one stays that should not", seed);
	}
	for (size_t i = 0; i < should->real_server_count; i++)
		must(find_real(extended, &should->real_servers[i]), "seed %u: a wanted one is missing", seed);
	for (size_t i = 0; is && protocol_drains(is->key.protocol) && i < is->real_server_count; i++)
		must(find_real(extended, &is->real_servers[i]), "seed %u: one went without draining", seed);
}

START_TEST(what_drains_is_what_is_present_and_unwanted)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS); seed++) {
		struct dice dice = {seed};
		struct state present = random_state(&dice, 60, seed % 2, &arena),
		             wanted = random_state(&dice, 60, seed % 2, &arena), extended, again;
		struct draining_list list, second;
		drains_extend(&present, &wanted, &arena, &extended, &list);
		for (size_t i = 1; i < list.count; i++)
			must(draining_compare(&list.items[i - 1], &list.items[i]) < 0, "seed %u: list", seed);
		must(extended.virtual_server_count == wanted.virtual_server_count, "seed %u", seed);
		for (size_t i = 0; i < extended.virtual_server_count; i++)
			check_server(seed, &present, &wanted, &list, &extended.virtual_servers[i]);
		/* Done once, there is nothing more to do. */
		drains_extend(&extended, &wanted, &arena, &again, &second);
		must(strcmp(state_text(&extended, &arena), state_text(&again, &arena)) == 0 &&
		             second.count == list.count,
		     "seed %u: another time gives another state", seed);
		arena_reset(&arena);
	}
}
END_TEST

/*
 * A small pass knows what was wanted and what drains; that must come to the same as reading the kernel. Forwarding and
 * thresholds of what drains are the kernel's own, and nobody asks for them.
 */
START_TEST(what_was_wanted_joined_with_what_drains_is_what_the_kernel_has)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS); seed++) {
		struct dice dice = {seed};
		struct state first = random_state(&dice, 60, true, &arena),
		             second = random_state(&dice, 60, true, &arena), kernel, present;
		struct draining_list list;
		drains_extend(&first, &second, &arena, &kernel, &list);
		drains_join(&second, &list, &arena, &present);
		must(present.virtual_server_count == kernel.virtual_server_count, "seed %u", seed);
		for (size_t i = 0; i < kernel.virtual_server_count; i++) {
			const struct virtual_server *a = &kernel.virtual_servers[i],
			                            *b = &present.virtual_servers[i];
			must(a->real_server_count == b->real_server_count, "seed %u: count", seed);
			for (size_t j = 0; j < a->real_server_count; j++)
				must(real_server_compare(&a->real_servers[j], &b->real_servers[j]) == 0 &&
				             a->real_servers[j].weight == b->real_servers[j].weight,
				     "seed %u: a real server differs", seed);
		}
		arena_reset(&arena);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/drains");
	TCase *cases = tcase_create("cases"), *properties = tcase_create("properties");
	tcase_add_checked_fixture(cases, NULL, teardown);
	tcase_add_test(cases, real_servers_that_go_are_kept_at_weight_0);
	tcase_add_test(cases, a_drain_knows_whether_its_endpoint_still_terminates);
	tcase_add_test(cases, the_ledger_keeps_who_is_terminating);
	tcase_add_test(cases, with_drain_on_delete_a_virtual_server_is_left_that_takes_nothing_new);
	tcase_add_test(cases, what_is_left_over_gives_way_to_every_service);
	suite_add_tcase(suite, cases);
	tcase_add_checked_fixture(properties, NULL, teardown);
	tcase_set_timeout(properties, 300);
	tcase_add_test(properties, what_drains_is_what_is_present_and_unwanted);
	tcase_add_test(properties, what_was_wanted_joined_with_what_drains_is_what_the_kernel_has);
	suite_add_tcase(suite, properties);
	return run_suite(suite);
}
