#include "plan/ledger.h"

#include "plan/diff.h"
#include "plan/render.h"
#include "plan_model.h"
#include "plan_states.h"
#include "support.h"

#include <string.h>

static struct arena arena;
static struct ledger *ledger;

static void setup(void)
{
	ledger = ledger_new();
}

static void teardown(void)
{
	ledger_free(ledger);
	arena_done(&arena);
}

static void put(const char *owner, int64_t created_seconds, const char *wanted)
{
	struct state state = state_of(&arena, wanted);
	ledger_put(ledger, owner, created_seconds, &state);
}

/* What is wanted, as `ipvsadm -S` and for people. */
static void must_want(const char *what, const char *wanted)
{
	struct state expected = state_of(&arena, wanted), got;
	ledger_wanted(ledger, &arena, &got);
	ck_assert_texts(what, state_text(&expected, &arena), state_text(&got, &arena));
}

/* What a sync would send now. */
static void must_send(const char *what, const char *changes)
{
	struct state before, now;
	struct changes found = {0};
	const struct removal_rules rules = {.all_ours = true};
	auto_text text = {0};
	ledger_touched(ledger, &arena, &before, &now);
	diff_build(&before, &now, &rules, &found);
	render_changes(&found, &text);
	vector_done(&found);
	ck_assert_texts(what, changes, text_string(&text));
}

static void must_conflict(const char *what, const char *conflicts)
{
	struct ledger_conflict conflict;
	auto_text text = {0};
	while (ledger_next_conflict(ledger, &conflict)) {
		char name[VIRTUAL_SERVER_TEXT_SIZE];
		text_addf(&text, "%s: %s has it, %s does not\n",
		          virtual_server_key_format(&conflict.key, name), conflict.owner, conflict.other);
	}
	ck_assert_texts(what, conflicts, text_string(&text));
}

#define WEB                                                                               \
	"tcp 10.96.0.1:80 rr label=default/web:http\n> 10.244.0.1:8080\nheld 10.96.0.1\n" \
	"port 10.96.0.1:80 tcp outsiders\nhairpin 10.244.0.1\n"

START_TEST(a_new_ledger_wants_nothing)
{
	must_want("nothing", "");
	ck_assert(!ledger_has_touched(ledger));
	must_send("nothing", "");
	must_conflict("nothing", "");
	ledger_settle(ledger);
}
END_TEST

START_TEST(a_fragment_is_wanted_until_it_is_taken_back)
{
	put("default/web", 1, WEB);
	must_want("put", WEB);
	ck_assert(ledger_has_touched(ledger));
	must_send("put", "+ filter 10.96.0.1:80 TCP masquerade-outsiders\n"
	                 "+ filter 10.244.0.1 may reach itself\n"
	                 "+ address 10.96.0.1/32 on the dummy interface\n"
	                 "+ -A -t 10.96.0.1:80 -s rr\n"
	                 "+ -a -t 10.96.0.1:80 -r 10.244.0.1:8080 -m -w 1\n");
	ledger_settle(ledger);
	ck_assert(!ledger_has_touched(ledger));
	must_send("settled", "");
	ledger_put(ledger, "default/web", 0, NULL);
	must_want("taken back", "");
	must_send("taken back", "- -D -t 10.96.0.1:80\n"
	                        "- address 10.96.0.1/32 on the dummy interface\n"
	                        "- filter 10.96.0.1:80 TCP masquerade-outsiders\n"
	                        "- filter 10.244.0.1 may reach itself\n");
	ledger_settle(ledger);
	must_want("gone", "");
}
END_TEST

START_TEST(an_empty_state_is_a_removal)
{
	put("default/web", 1, WEB);
	put("default/web", 1, "");
	must_want("removed", "");
	put("default/never-there", 1, "");
	ledger_put(ledger, "default/never-there", 1, NULL);
	must_want("still nothing", "");
}
END_TEST

START_TEST(the_ledger_keeps_copies)
{
	char label[] = "default/web:http";
	struct real_server real_server = {.address = address_of("10.244.0.1"), .port = 80, .weight = 1};
	struct virtual_server server = {.key = key_of("tcp 10.96.0.1:80"),
	                                .scheduler = "rr",
	                                .netmask_bits = 32,
	                                .label = label,
	                                .real_servers = &real_server,
	                                .real_server_count = 1};
	const struct state state = {.virtual_servers = &server, .virtual_server_count = 1};
	struct state got;
	ledger_put(ledger, "default/web", 1, &state);
	memset(label, 'x', sizeof(label) - 1);
	real_server.port = 1;
	strcpy(server.scheduler, "sh");
	ledger_wanted(ledger, &arena, &got);
	ck_assert_uint_eq(got.virtual_server_count, 1);
	ck_assert_str_eq(got.virtual_servers->label, "default/web:http");
	ck_assert_str_eq(got.virtual_servers->scheduler, "rr");
	ck_assert_uint_eq(got.virtual_servers->real_servers->port, 80);
}
END_TEST

START_TEST(an_equal_fragment_touches_nothing)
{
	put("default/web", 1, WEB);
	ledger_settle(ledger);
	put("default/web", 1, WEB);
	ck_assert(!ledger_has_touched(ledger));
}
END_TEST

static const char *const unlike_web[] = {
        "tcp 10.96.0.1:80 sh label=default/web:http\n> 10.244.0.1:8080\nheld 10.96.0.1\n"
        "port 10.96.0.1:80 tcp outsiders\nhairpin 10.244.0.1\n",
        "tcp 10.96.0.1:80 rr label=default/web:web\n> 10.244.0.1:8080\nheld 10.96.0.1\n"
        "port 10.96.0.1:80 tcp outsiders\nhairpin 10.244.0.1\n",
        "tcp 10.96.0.1:80 rr\n> 10.244.0.1:8080\nheld 10.96.0.1\n"
        "port 10.96.0.1:80 tcp outsiders\nhairpin 10.244.0.1\n",
        "tcp 10.96.0.1:80 rr label=default/web:http\n> 10.244.0.1:8081\nheld 10.96.0.1\n"
        "port 10.96.0.1:80 tcp outsiders\nhairpin 10.244.0.1\n",
        "tcp 10.96.0.1:80 rr label=default/web:http\n> 10.244.0.1:8080 w=0\nheld 10.96.0.1\n"
        "port 10.96.0.1:80 tcp outsiders\nhairpin 10.244.0.1\n",
        "tcp 10.96.0.1:80 rr label=default/web:http\n> 10.244.0.1:8080\nheld 10.96.0.2\n"
        "port 10.96.0.1:80 tcp outsiders\nhairpin 10.244.0.1\n",
        "tcp 10.96.0.1:80 rr label=default/web:http\n> 10.244.0.1:8080\nheld 10.96.0.1\n"
        "port 10.96.0.1:80 tcp reject\nhairpin 10.244.0.1\n",
        "tcp 10.96.0.1:80 rr label=default/web:http\n> 10.244.0.1:8080\nheld 10.96.0.1\n"
        "port 10.96.0.1:80 tcp outsiders\nhairpin 10.244.0.2\n",
        "tcp 10.96.0.1:80 rr label=default/web:http rank=0\n> 10.244.0.1:8080\nheld 10.96.0.1\n"
        "port 10.96.0.1:80 tcp outsiders\nhairpin 10.244.0.1\n",
};

START_TEST(an_unequal_fragment_is_noticed)
{
	put("default/web", 1, WEB);
	ledger_settle(ledger);
	put("default/web", 1, unlike_web[_i]);
	ck_assert(ledger_has_touched(ledger));
	must_want("the new one", unlike_web[_i]);
}
END_TEST

START_TEST(only_the_difference_since_the_settle_is_sent)
{
	put("default/web", 1, WEB);
	ledger_settle(ledger);
	put("default/web", 1,
	    "tcp 10.96.0.1:80 rr\n> 10.244.0.7:8080\nheld 10.96.0.1\nport 10.96.0.1:80 tcp outsiders\n");
	put("default/web", 1,
	    "tcp 10.96.0.1:80 rr\n> 10.244.0.2:8080\nheld 10.96.0.1\nport 10.96.0.1:80 tcp outsiders\n");
	must_send("what was between does not count", "+ -a -t 10.96.0.1:80 -r 10.244.0.2:8080 -m -w 1\n"
	                                             "- -d -t 10.96.0.1:80 -r 10.244.0.1:8080\n"
	                                             "- filter 10.244.0.1 may reach itself\n");
	put("default/web", 1, WEB);
	must_send("there and back", "");
}
END_TEST

/* C55: one address, however many ports. */
START_TEST(an_address_stays_until_its_last_user_goes)
{
	static const char both[] = "tcp 172.16.55.4:80 rr\ntcp 172.16.55.4:443 rr\nheld 172.16.55.4\n";
	static const char one[] = "tcp 172.16.55.4:80 rr\nheld 172.16.55.4\n";
	put("ns1/svc1", 1, both);
	must_want("two ports", both);
	ledger_settle(ledger);
	put("ns1/svc1", 1, one);
	must_send("a port removed", "- -D -t 172.16.55.4:443\n");
	ledger_settle(ledger);
	put("ns1/svc1", 1, both);
	must_send("a port added", "+ -A -t 172.16.55.4:443 -s rr\n");
	put("ns1/svc2", 2, "udp 172.16.55.4:53 rr\nheld 172.16.55.4\n");
	ledger_settle(ledger);
	ledger_put(ledger, "ns1/svc1", 0, NULL);
	must_send("another Service has the address too", "- -D -t 172.16.55.4:80\n- -D -t 172.16.55.4:443\n");
	ledger_settle(ledger);
	ledger_put(ledger, "ns1/svc2", 0, NULL);
	must_send("the last one goes",
	          "- -D -u 172.16.55.4:53\n- address 172.16.55.4/32 on the dummy interface\n");
}
END_TEST

START_TEST(a_hairpin_element_stays_until_its_last_user_goes)
{
	put("a/a", 1, "hairpin 10.244.0.1\nhealth 30000\n");
	put("a/b", 1, "hairpin 10.244.0.1\n");
	put("a/c", 1, "hairpin 10.244.0.1\n");
	must_want("once", "hairpin 10.244.0.1\nhealth 30000\n");
	must_conflict("sharing is none", "");
	ledger_settle(ledger);
	put("a/a", 1, "");
	put("a/c", 1, "");
	must_send("b still has it", "- filter port 30000 TCP accept health checks\n");
	put("a/b", 1, "");
	must_want("gone", "");
}
END_TEST

struct claimant {
	const char *name;
	int64_t created_seconds;
};

/* the first of each pair has it. */
static const struct claimant claimants[][2] = {
        {{"z/older", 100}, {"a/younger", 200}},         {{"a/older", 100}, {"z/younger", 200}},
        {{"a/by-name", 100}, {"b/by-name", 100}},       {{"z/known", 100}, {"a/unknown-age", 0}},
        {{"a/both-unknown", 0}, {"b/both-unknown", 0}},
};

#define OF_OWNER \
	"tcp 50.60.70.81:80 rr\n> 10.244.0.1:80\nheld 50.60.70.81\nport 50.60.70.81:80 tcp masquerade\n"
#define OF_OTHER                                                                         \
	"tcp 50.60.70.81:80 wlc\n> 10.244.0.2:80\nheld 50.60.70.81\n"                    \
	"port 50.60.70.81:80 tcp keep restricted\nrange 50.60.70.81:80 tcp 10.0.0.0/8\n" \
	"redirect 50.60.70.81:80 tcp 10.96.0.1:80\nhairpin 10.244.0.2\ntcp 50.60.70.81:81 rr\n"
/* The loser's address, hairpin and other port count; nothing else of the contested port does. */
#define OF_BOTH OF_OWNER "hairpin 10.244.0.2\ntcp 50.60.70.81:81 rr\n"

START_TEST(the_older_then_the_first_by_name_has_a_contested_port)
{
	const struct claimant *owner = &claimants[_i][0], *other = &claimants[_i][1];
	for (int first = 0; first < 2; first++) {
		if (first == 0)
			put(owner->name, owner->created_seconds, OF_OWNER);
		put(other->name, other->created_seconds, OF_OTHER);
		if (first == 1)
			put(owner->name, owner->created_seconds, OF_OWNER);
		must_want("the owner has it", OF_BOTH);
		ledger_settle(ledger);
		ledger_put(ledger, owner->name, 0, NULL);
		must_want("the other takes over", OF_OTHER);
		must_send("in place",
		          "~ filter 50.60.70.81:80 TCP keep-source, allowed sources only (was masquerade)\n"
		          "+ filter 50.60.70.81:80 TCP allow 10.0.0.0/8\n"
		          "+ filter 50.60.70.81:80 TCP from inside to 10.96.0.1:80\n"
		          "~ -E -t 50.60.70.81:80 -s wlc (was -s rr)\n"
		          "+ -a -t 50.60.70.81:80 -r 10.244.0.2:80 -m -w 1\n"
		          "- -d -t 50.60.70.81:80 -r 10.244.0.1:80\n");
		ledger_settle(ledger);
		put(owner->name, owner->created_seconds, OF_OWNER);
		must_want("the owner comes back", OF_BOTH);
		ledger_put(ledger, owner->name, 0, NULL);
		ledger_put(ledger, other->name, 0, NULL);
		must_want("all gone", "");
	}
}
END_TEST

START_TEST(a_change_of_age_changes_the_owner)
{
	put("a/a", 100, OF_OWNER);
	put("b/b", 200, OF_OTHER);
	must_want("a is older", OF_BOTH);
	put("a/a", 300, OF_OWNER);
	must_want("b is older", OF_OTHER);
	put("a/a", 100, OF_OWNER);
	must_want("a is older again", OF_BOTH);
}
END_TEST

START_TEST(a_conflict_is_reported_once)
{
	static const char reported[] = "TCP 50.60.70.81:80: a/a has it, b/b does not\n";
	put("a/a", 100, OF_OWNER);
	must_conflict("nobody else", "");
	put("b/b", 200, OF_OTHER);
	must_conflict("both", reported);
	must_conflict("once", "");
	ledger_settle(ledger);
	must_conflict("after a settle", "");
	put("b/b", 200, "tcp 50.60.70.81:80 rr\n");
	must_conflict("the loser changed", "");
	put("a/a", 100, "tcp 50.60.70.81:80 sed\n");
	must_conflict("the owner changed", "");
	put("b/b", 200, "tcp 50.60.70.81:82 rr\n");
	must_conflict("resolved", "");
	put("b/b", 200, OF_OTHER);
	must_conflict("back", reported);
	ledger_put(ledger, "a/a", 0, NULL);
	must_conflict("resolved by the owner", "");
	put("a/a", 100, OF_OWNER);
	must_conflict("back again", reported);
}
END_TEST

START_TEST(each_loser_of_a_port_is_reported)
{
	put("c/c", 300, "tcp 1.1.1.1:1 rr\n");
	put("b/b", 200, "tcp 1.1.1.1:1 rr\n");
	put("a/a", 100, "tcp 1.1.1.1:1 rr\n");
	must_conflict("two losers", "TCP 1.1.1.1:1: a/a has it, b/b does not\n"
	                            "TCP 1.1.1.1:1: a/a has it, c/c does not\n");
	ledger_put(ledger, "a/a", 0, NULL);
	must_conflict("another owner, another conflict", "TCP 1.1.1.1:1: b/b has it, c/c does not\n");
}
END_TEST

START_TEST(a_conflict_that_ends_unread_is_not_reported)
{
	put("a/a", 100, OF_OWNER);
	put("b/b", 200, OF_OTHER);
	ledger_put(ledger, "b/b", 0, NULL);
	must_conflict("nobody else", "");
	put("b/b", 200, OF_OTHER);
	ledger_put(ledger, "a/a", 0, NULL);
	ledger_put(ledger, "b/b", 0, NULL);
	ledger_settle(ledger);
	must_conflict("nobody at all", "");
}
END_TEST

/* A node that cannot reach its kernel for a day: puts go on, and nothing settles. */
START_TEST(many_puts_without_a_settle_are_one_change)
{
	put("default/web", 1, WEB);
	ledger_settle(ledger);
	for (unsigned i = 0; i < 5000; i++) {
		put("default/web", 1,
		    i % 2 ? "tcp 10.96.0.1:80 rr\nheld 10.96.0.1\n"
		          : "udp 10.96.0.2:80 rr\nheld 10.96.0.2\n");
		arena_reset(&arena);
	}
	must_send("from the first to the last", "- -d -t 10.96.0.1:80 -r 10.244.0.1:8080\n"
	                                        "- filter 10.96.0.1:80 TCP masquerade-outsiders\n"
	                                        "- filter 10.244.0.1 may reach itself\n");
}
END_TEST

START_TEST(a_ledger_may_go_at_any_time)
{
	put("a/a", 100, OF_OWNER);
	put("b/b", 200, OF_OTHER);
	ledger_settle(ledger);
	put("a/a", 100, WEB);
	ledger_put(ledger, "b/b", 0, NULL); /* teardown frees it, touched and pinned */
	ledger_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/ledger");
	TCase *tests = tcase_create("ledger");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_new_ledger_wants_nothing);
	tcase_add_test(tests, a_fragment_is_wanted_until_it_is_taken_back);
	tcase_add_test(tests, an_empty_state_is_a_removal);
	tcase_add_test(tests, the_ledger_keeps_copies);
	tcase_add_test(tests, an_equal_fragment_touches_nothing);
	tcase_add_loop_test(tests, an_unequal_fragment_is_noticed, 0,
	                    sizeof(unlike_web) / sizeof(unlike_web[0]));
	tcase_add_test(tests, only_the_difference_since_the_settle_is_sent);
	tcase_add_test(tests, an_address_stays_until_its_last_user_goes);
	tcase_add_test(tests, a_hairpin_element_stays_until_its_last_user_goes);
	tcase_add_loop_test(tests, the_older_then_the_first_by_name_has_a_contested_port, 0,
	                    sizeof(claimants) / sizeof(claimants[0]));
	tcase_add_test(tests, a_change_of_age_changes_the_owner);
	tcase_add_test(tests, a_conflict_is_reported_once);
	tcase_add_test(tests, each_loser_of_a_port_is_reported);
	tcase_add_test(tests, a_conflict_that_ends_unread_is_not_reported);
	tcase_add_test(tests, many_puts_without_a_settle_are_one_change);
	tcase_add_test(tests, a_ledger_may_go_at_any_time);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
