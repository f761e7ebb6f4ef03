/*
 * The book of drains: what it makes of passes, when a drain is over, what it looks at, and its file.
 */
#include "drain_look.h"

#include "fake_kernel.h"
#include "plan_model.h"
#include "plan_states.h"
#include "support.h"
#include "test_directory.h"

#include "base/deadline.h"
#include "plan/render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static char directory[TEST_DIRECTORY_SIZE];

static void set_up(void)
{
	test_directory_make(directory);
}

static void tear_down(void)
{
	test_directory_remove(directory);
	arena_done(&arena);
}

static const char *in_directory(const char *name)
{
	return arena_format(&arena, "%s/%s", directory, name);
}

/* ---- when a drain is over */

enum { SECOND = 1000, TIMEOUT_MS = 900 * SECOND };

static const struct judgement {
	const char *name;
	struct drain drain; /* since 0 */
	int64_t now_ms, timeout_ms;
	enum drain_end wanted;
	bool needs_sight;
} judgements[] = {
        {"nobody has looked", {.looked = false}, TIMEOUT_MS, TIMEOUT_MS, DRAIN_WAITS, false},
        {"C48: no connection", {.looked = true}, 0, TIMEOUT_MS, DRAIN_DONE, false},
        {"C49: 10 active ones", {.looked = true, .active = 10}, 0, TIMEOUT_MS, DRAIN_WAITS, false},
        {"C50: 10 inactive ones", {.looked = true, .inactive = 10}, 0, TIMEOUT_MS, DRAIN_WAITS, true},
        {"C52: it is not there", {.looked = true, .absent = true}, 0, TIMEOUT_MS, DRAIN_GONE, false},
        {"all are closed, for the first time",
         {.looked = true, .inactive = 3, .sight = {.taken = true, .closed = 3}},
         0,
         TIMEOUT_MS,
         DRAIN_WAITS,
         true},
        {"all are closed, again",
         {.looked = true, .quiet = true, .inactive = 3, .sight = {.taken = true, .closed = 3}},
         0,
         TIMEOUT_MS,
         DRAIN_DONE,
         false},
        {"closed ones are forgotten meanwhile",
         {.looked = true, .quiet = true, .inactive = 2, .sight = {.taken = true, .closed = 3}},
         0,
         TIMEOUT_MS,
         DRAIN_DONE,
         false},
        {"one was not seen, and may be open",
         {.looked = true, .quiet = true, .inactive = 4, .sight = {.taken = true, .closed = 3}},
         0,
         TIMEOUT_MS,
         DRAIN_WAITS,
         true},
        {"a half-closed one holds it",
         {.looked = true,
          .quiet = true,
          .inactive = 4,
          .sight = {.taken = true, .half_closed = 1, .closed = 4}},
         0,
         TIMEOUT_MS,
         DRAIN_WAITS,
         false},
        {"an open one holds it, whatever it is counted as",
         {.looked = true, .quiet = true, .inactive = 4, .sight = {.taken = true, .open = 1, .closed = 4}},
         0,
         TIMEOUT_MS,
         DRAIN_WAITS,
         false},
        {"the counts are as at the look that found them closed",
         {.looked = true, .quiet = true, .inactive = 3, .sight = {.closed = 3}},
         0,
         TIMEOUT_MS,
         DRAIN_DONE,
         false},
        {"one is counted that had not been seen",
         {.looked = true, .quiet = true, .inactive = 4, .sight = {.closed = 3}},
         0,
         TIMEOUT_MS,
         DRAIN_WAITS,
         true},
        {"one is active that had not been seen",
         {.looked = true, .quiet = true, .active = 1, .inactive = 2, .sight = {.closed = 3}},
         0,
         TIMEOUT_MS,
         DRAIN_WAITS,
         false},
        {"closed ones were seen, but not all",
         {.looked = true, .inactive = 3, .sight = {.closed = 3}},
         0,
         TIMEOUT_MS,
         DRAIN_WAITS,
         true},
        {"the timeout is near",
         {.looked = true, .active = 1},
         TIMEOUT_MS - 1,
         TIMEOUT_MS,
         DRAIN_WAITS,
         false},
        {"the timeout", {.looked = true, .active = 1}, TIMEOUT_MS, TIMEOUT_MS, DRAIN_TIMEOUT, false},
        {"no timeout", {.looked = true, .active = 1}, 1000 * TIMEOUT_MS, 0, DRAIN_WAITS, false},
        {"it terminates, and is still in a slice",
         {.looked = true, .active = 1, .terminating = true, .leaving = true},
         SECOND,
         TIMEOUT_MS,
         DRAIN_WAITS,
         false},
        {"its grace period is over",
         {.looked = true, .active = 1, .terminating = true},
         SECOND,
         0,
         DRAIN_GRACE_OVER,
         false},
        {"its slices went with its Service",
         {.looked = true, .active = 1, .terminating = true, .left_over = true},
         SECOND,
         TIMEOUT_MS,
         DRAIN_WAITS,
         false},
        {"done comes before everything",
         {.looked = true, .terminating = true},
         TIMEOUT_MS,
         TIMEOUT_MS,
         DRAIN_DONE,
         false},
};

START_TEST(a_drain_is_over_when_no_connection_is_open_or_its_time_is_up)
{
	for (size_t i = 0; i < sizeof(judgements) / sizeof(*judgements); i++) {
		const struct judgement *test = &judgements[i];
		struct drain drain = test->drain;
		ck_assert_msg(drain_needs_sight(&drain) == test->needs_sight, "%s: needs a look at each",
		              test->name);
		enum drain_end end = drain_judge(&drain, test->now_ms, test->timeout_ms);
		ck_assert_msg(end == test->wanted, "%s: %s instead of %s", test->name,
		              end == DRAIN_WAITS ? "waits" : drain_end_name(end),
		              test->wanted == DRAIN_WAITS ? "waits" : drain_end_name(test->wanted));
	}
}
END_TEST

/* ---- the file */

static void add_drain(struct drain_book *book, const char *key, const char *end, int64_t since_ms,
                      bool terminating)
{
	struct virtual_server_key parsed = key_of(arena_format(&arena, "tcp %s", end));
	vector_push(&book->drains, (struct drain){.key = key_of(key),
	                                          .end = {parsed.address, parsed.port},
	                                          .since_ms = since_ms,
	                                          .terminating = terminating});
	book->unsaved = true;
}

START_TEST(the_file_keeps_when_each_drain_began)
{
	struct drain_book book = {0}, again = {0};
	struct fault fault = {0};
	size_t unreadable = 7;
	int64_t timeout_ms = -1;
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 1234567, false);
	add_drain(&book, "sctp [fd00::1]:80", "[fd00:10::1]:8080", 5, true);
	ck_assert_int_eq(drains_write(&book, directory, 900500, &fault), 0);
	ck_assert(!book.unsaved);
	/* What is written already is not written again. */
	ck_assert_int_eq(drains_write(&book, "/proc/nowhere", 900500, &fault), 0);
	char *content = read_test_file(in_directory(DRAINS_FILE));
	ck_assert_texts("the file",
	                "drain-timeout 900.500\nTCP 10.96.0.1:80 10.244.0.1:8080 1234.567\n"
	                "SCTP [fd00::1]:80 [fd00:10::1]:8080 0.005 terminating\n",
	                content);
	ck_assert_int_eq(drains_read(&again, directory, 2000000, &unreadable), 0);
	ck_assert_uint_eq(unreadable, 0);
	ck_assert_uint_eq(again.drains.count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(again.drains.items[i].since_ms, book.drains.items[i].since_ms);
		ck_assert_int_eq(again.drains.items[i].terminating, book.drains.items[i].terminating);
		ck_assert_int_eq(flow_end_compare(&again.drains.items[i].end, &book.drains.items[i].end), 0);
	}
	ck_assert_int_eq(drains_read_timeout(directory, &timeout_ms), 0);
	ck_assert_int_eq(timeout_ms, 900500);
	free(content);
	drains_done(&book);
	drains_done(&again);
}
END_TEST

START_TEST(a_book_that_is_lost_or_spoilt_is_survived)
{
	struct drain_book book = {0};
	size_t unreadable = 7;
	int64_t timeout_ms = -1;
	static const char spoilt[] =
	        "drain-timeout soon\nTCP 10.96.0.1:80 10.244.0.2:8080 99.000\n"
	        "TCP 10.96.0.1:80 10.244.0.1:8080 1.000 terminating\n\n"
	        "TCP 10.96.0.1:80 10.244.0.1:8080 1.000\nUDP 10.96.0.1:80 10.244.0.1:8080 1.000\n"
	        "TCP 10.96.0.1:80 10.244.0.1 1.000\nTCP 10.96.0.1:80 10.244.0.1:8080\n"
	        "TCP 10.96.0.1:80 10.244.0.3:8080 1.0\nTCP 10.96.0.1:80 10.244.0.3:8080 1.000 gone\n"
	        "TCP 10.96.0.1:80 10.244.0.4:8080 1\0000.000\nTCP 10.96";
	ck_assert_int_eq(drains_read(&book, directory, 1000, &unreadable), 0);
	ck_assert_uint_eq(book.drains.count, 0);
	ck_assert_int_eq(drains_read_timeout(directory, &timeout_ms), 0);
	ck_assert_int_eq(timeout_ms, 0);
	ck_assert_int_eq(text_write_file(in_directory(DRAINS_FILE), spoilt, sizeof(spoilt) - 1), 0);
	ck_assert_int_eq(drains_read(&book, directory, 50000, &unreadable), 0);
	ck_assert_uint_eq(unreadable, 7);
	/* Each once, ascending; what began before this machine did begins now. */
	ck_assert_uint_eq(book.drains.count, 2);
	ck_assert_int_eq(book.drains.items[0].since_ms, 1000);
	ck_assert_int_eq(book.drains.items[1].since_ms, 50000);
	ck_assert_int_eq(drains_read_timeout(directory, &timeout_ms), 0);
	ck_assert_int_eq(timeout_ms, 0);
	drains_done(&book);
}
END_TEST

START_TEST(a_book_that_cannot_be_written_says_so_and_stays_unsaved)
{
	struct drain_book book = {0};
	struct fault fault = {0};
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 1, false);
	ck_assert_int_lt(drains_write(&book, "/proc/nowhere", 0, &fault), 0);
	ck_assert_ptr_nonnull(strstr(fault.sentence, "drains begin anew"));
	ck_assert(book.unsaved);
	drains_done(&book);
}
END_TEST

START_TEST(a_drain_that_began_and_ended_between_two_writings_costs_none)
{
	struct drain_book book = {0};
	struct fault fault = {0};
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 1, false);
	book.unsaved = false;
	drains_end(&book, &book.drains.items[0], DRAIN_DONE);
	ck_assert_int_eq(drains_write(&book, "/proc/nowhere", 0, &fault), 0);
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 1, false);
	ck_assert_int_eq(drains_write(&book, directory, 0, &fault), 0);
	drains_end(&book, &book.drains.items[0], DRAIN_DONE);
	ck_assert(book.unsaved);
	ck_assert_int_eq(drains_write(&book, directory, 0, &fault), 0);
	char *content = read_test_file(in_directory(DRAINS_FILE));
	ck_assert_texts("the file", "drain-timeout 0.000\n", content);
	free(content);
	drains_done(&book);
}
END_TEST

/* ---- looks */

static struct fake_kernel fake;
static struct kernel *kernel;
static struct drain_book book;
static struct drain_look look;

static void set_up_look(void)
{
	struct fault fault = {0};
	set_up();
	fake_kernel_init(&fake);
	fake.timeouts[0] = 900;
	ck_assert_int_eq(kernel_open("kube-ipvs0", false, &fake.transport, &kernel, &fault), 0);
	book = (struct drain_book){0};
	drain_look_init(&look, &book, kernel, in_directory("connections"));
}

static void tear_down_look(void)
{
	drain_look_done(&look);
	drains_done(&book);
	kernel_close(kernel);
	kernel = NULL;
	fake_kernel_done(&fake);
	tear_down();
}

static void put_kernel(const char *text)
{
	struct state state = state_of(&arena, text);
	for (size_t i = 0; i < state.virtual_server_count; i++)
		fake_kernel_put(&fake, &state.virtual_servers[i]);
}

static void put_connections(const char *text)
{
	char *whole = arena_format(&arena, "Pro FromIP\n%s", text);
	ck_assert_int_eq(text_write_file(in_directory("connections"), whole, strlen(whole)), 0);
}

/* One step at a time, as a busy daemon does it. */
static void take_a_look(int64_t now_ms)
{
	int e;
	drain_look_begin(&look, false);
	while ((e = drain_look_go_on(&look, now_ms, 0)) > 0)
		;
	ck_assert_int_eq(e, 0);
}

static struct fake_virtual_server *fake_server(const char *key)
{
	struct virtual_server_key wanted = key_of(key);
	vector_for_each (&fake.virtual_servers, server)
		if (virtual_server_key_compare(&server->server.key, &wanted) == 0)
			return server;
	ck_abort_msg("%s is not there", key);
}

#define LINE(port, real, state) "TCP C0000264 " port " 0A600001 0050 0AF400" real " 1F90 " state " 800\n"

START_TEST(a_look_finds_what_holds_each_real_server)
{
	put_kernel("tcp 10.96.0.1:80 rr\n> 10.244.0.1:8080 w=0\n> 10.244.0.2:8080 w=0\n> 10.244.0.3:8080\n"
	           "tcp 10.96.0.2:80 rr\n> 10.244.0.1:8080 w=0\n");
	struct fake_virtual_server *server = fake_server("tcp 10.96.0.1:80");
	server->real_servers.items[0].active_connections = 2;
	server->real_servers.items[0].inactive_connections = 1;
	server->real_servers.items[1].inactive_connections = 3;
	put_connections(LINE("0001", "01", "ESTABLISHED") LINE("0002", "01", "ESTABLISHED")
	                        LINE("0003", "01", "FIN_WAIT") LINE("0004", "02", "TIME_WAIT")
	                                LINE("0005", "02", "TIME_WAIT") LINE("0005", "02", "TIME_WAIT")
	                                        LINE("0006", "02", "CLOSE_WAIT")
	                                                LINE("0007", "03", "ESTABLISHED"));
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 0, false);
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.2:8080", 0, false);
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.9:8080", 0, false);
	add_drain(&book, "tcp 10.96.0.2:80", "10.244.0.1:8080", 0, false);
	add_drain(&book, "tcp 10.96.0.9:80", "10.244.0.1:8080", 0, false);
	take_a_look(0);
	const struct drain *drains = book.drains.items;
	ck_assert_uint_eq(drains[0].active, 2);
	ck_assert_uint_eq(drains[0].sight.open, 2);
	ck_assert_uint_eq(drains[0].sight.half_closed, 1);
	ck_assert_uint_eq(drains[0].sight.most_idle_seconds, 100);
	ck_assert_uint_eq(drains[1].inactive, 3);
	ck_assert_uint_eq(drains[1].sight.closed, 2); /* one of them was told twice */
	ck_assert_uint_eq(drains[1].sight.half_closed, 1);
	ck_assert(drains[2].looked && drains[2].absent);
	ck_assert(drains[3].looked && !drains[3].absent && drains[3].active + drains[3].inactive == 0);
	ck_assert(drains[4].looked && drains[4].absent);
}
END_TEST

/* C48, C49: what the counts tell, nobody asks the long list. */
START_TEST(the_list_of_connections_is_not_read_without_need)
{
	put_kernel("tcp 10.96.0.1:80 rr\n> 10.244.0.1:8080 w=0\n> 10.244.0.2:8080 w=0\n");
	fake_server("tcp 10.96.0.1:80")->real_servers.items[0].active_connections = 2;
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 0, false);
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.2:8080", 0, false);
	take_a_look(0); /* there is no list: reading it would fail */
	ck_assert(!book.drains.items[0].sight.taken);
	ck_assert_uint_eq(fake.counters.dumps, 1);
}
END_TEST

START_TEST(a_costly_list_is_read_seldom)
{
	put_kernel("tcp 10.96.0.1:80 rr\n> 10.244.0.1:8080 w=0\n");
	fake_server("tcp 10.96.0.1:80")->real_servers.items[0].inactive_connections = 1;
	put_connections(LINE("0001", "01", "TIME_WAIT"));
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 0, false);
	take_a_look(1000);
	ck_assert(book.drains.items[0].sight.taken);
	look.next_each_ms = 1000 + 20 * 300; /* as if it had cost 300 ms */
	take_a_look(6999);
	ck_assert(!book.drains.items[0].sight.taken);
	take_a_look(7000);
	ck_assert(book.drains.items[0].sight.taken);
	ck_assert_int_lt(look.next_each_ms, 7000 + 20 * 5000);
}
END_TEST

START_TEST(an_old_drain_is_looked_at_for_idle_connections_now_and_then)
{
	put_kernel("tcp 10.96.0.1:80 rr\n> 10.244.0.1:8080 w=0\n");
	fake_server("tcp 10.96.0.1:80")->real_servers.items[0].active_connections = 1;
	put_connections(LINE("0001", "01", "ESTABLISHED"));
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 0, false);
	take_a_look(DRAIN_IDLE_MS - 1);
	ck_assert(!book.drains.items[0].sight.taken);
	take_a_look(DRAIN_IDLE_MS);
	ck_assert(book.drains.items[0].sight.taken);
	take_a_look(DRAIN_IDLE_MS + 1000);
	ck_assert(!book.drains.items[0].sight.taken);
	book.drains.items[0].warned = true;
	take_a_look(DRAIN_IDLE_MS * 10);
	ck_assert(!book.drains.items[0].sight.taken);
}
END_TEST

START_TEST(a_look_that_fails_decides_nothing)
{
	put_kernel("tcp 10.96.0.1:80 rr\n> 10.244.0.1:8080 w=0\n");
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 0, false);
	fake.failures.interrupted_dumps = 1000;
	drain_look_begin(&look, false);
	ck_assert_int_eq(drain_look_go_on(&look, 0, NO_DEADLINE), -EAGAIN);
	ck_assert(!book.drains.items[0].looked);
	ck_assert_int_eq(drain_judge(&book.drains.items[0], 0, 0), DRAIN_WAITS);
	fake.failures.interrupted_dumps = 0;
	take_a_look(0);
	ck_assert_int_eq(drain_judge(&book.drains.items[0], 0, 0), DRAIN_DONE);
}
END_TEST

/* C53: the book changes while somebody looks. */
START_TEST(who_begins_to_drain_during_a_look_waits_for_the_next)
{
	struct ledger *ledger = ledger_new();
	struct drain_pass pass = {.present = state_of(&arena, "tcp 10.96.0.0:80 rr\n> 10.244.0.1:8080\n"),
	                          .wanted = state_of(&arena, "tcp 10.96.0.0:80 rr\n")};
	const struct removal_rules rules = {.all_ours = true};
	struct changes none = {0};
	put_kernel("tcp 10.96.0.0:80 rr\n> 10.244.0.1:8080 w=0\ntcp 10.96.0.1:80 rr\n> 10.244.0.1:8080 w=0\n"
	           "tcp 10.96.0.2:80 rr\n> 10.244.0.1:8080 w=0\n");
	add_drain(&book, "tcp 10.96.0.1:80", "10.244.0.1:8080", 0, false);
	add_drain(&book, "tcp 10.96.0.2:80", "10.244.0.1:8080", 0, false);
	drain_look_begin(&look, false);
	ck_assert_int_eq(drain_look_go_on(&look, 0, 0), 1);
	drains_prepare(&book, ledger, &rules, &arena, &pass);
	ck_assert_uint_eq(drains_settle(&book, &pass, &none, 5), 1);
	while (drain_look_go_on(&look, 0, 0) > 0)
		;
	ck_assert_uint_eq(book.drains.count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(drain_judge(&book.drains.items[i], 5, 0), i == 0 ? DRAIN_WAITS : DRAIN_DONE);
	/* The next one may be at this one alone. */
	drain_look_begin(&look, true);
	fake.counters.dumps = 0;
	ck_assert_int_eq(drain_look_go_on(&look, 0, NO_DEADLINE), 0);
	ck_assert_uint_eq(fake.counters.dumps, 1);
	ck_assert_int_eq(drain_judge(&book.drains.items[0], 5, 0), DRAIN_DONE);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(book.drains.items[i].in_look, i == 0);
	ledger_free(ledger);
}
END_TEST

/* ---- passes: a ledger, the book, and a kernel that obeys to the letter */

struct node {
	struct ledger *ledger;
	struct drain_book book;
	struct model model;
	int64_t now_ms;
	char what[64];
};

static void begin_node(struct node *node, bool on_delete)
{
	memset(node, 0, sizeof(*node));
	node->ledger = ledger_new();
	node->book.on_delete = on_delete;
	strcpy(node->what, "the node");
}

static void end_node(struct node *node)
{
	ledger_free(node->ledger);
	drains_done(&node->book);
}

/* What happened, as changes_text has it; lives in the arena. */
static const char *run_node(struct node *node, bool whole)
{
	const struct removal_rules rules = {.all_ours = true};
	struct drain_pass pass = {.whole = whole};
	struct changes changes = {0};
	auto_text text = {0};
	if (whole) {
		/* What is read from a kernel has no label, and the model's are of a ledger that may be gone. */
		for (size_t i = 0; i < node->model.server_count; i++)
			node->model.servers[i].server.label = NULL;
		pass.present = model_state(&node->model, &arena);
		ledger_wanted(node->ledger, &arena, &pass.wanted);
	} else {
		ledger_touched(node->ledger, &arena, &pass.present, &pass.wanted);
	}
	drains_prepare(&node->book, node->ledger, &rules, &arena, &pass);
	diff_build(&pass.present, &pass.wanted, &rules, &changes);
	vector_for_each (&changes, change) {
		const char *objection = model_perform(&node->model, change);
		if (objection) {
			render_change(change, &text);
			ck_abort_msg("%s: \"%s\": %s", node->what, text_string(&text), objection);
		}
	}
	drains_settle(&node->book, &pass, &changes, node->now_ms);
	render_changes(&changes, &text);
	ledger_settle(node->ledger);
	vector_done(&changes);
	return arena_copy_text(&arena, text_string(&text));
}

static void want(struct node *node, const char *owner, const char *text)
{
	struct state state = state_of(&arena, text);
	ledger_put(node->ledger, owner, 1, &state);
}

static void must_run(struct node *node, const char *what, const char *changes)
{
	ck_assert_texts(what, changes, run_node(node, false));
}

static void must_drain(struct node *node, const char *what, const char *wanted)
{
	auto_text text = {0};
	char key[VIRTUAL_SERVER_TEXT_SIZE], end[ENDPOINT_TEXT_SIZE];
	vector_for_each (&node->book.drains, drain) {
		endpoint_format(&drain->end.address, drain->end.port, end);
		text_addf(&text, "%s %s since %d\n", virtual_server_key_format(&drain->key, key), end,
		          (int)drain->since_ms);
	}
	ck_assert_texts(what, wanted, text_string(&text));
}

static void must_have_ended(const struct node *node, enum drain_end end, size_t count)
{
	ck_assert_msg(node->book.ended[end] == count, "%zu drains ended as %s instead of %zu",
	              node->book.ended[end], drain_end_name(end), count);
}

START_TEST(an_endpoint_that_comes_back_is_no_drain_any_more)
{
	struct node node;
	begin_node(&node, false);
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n> 10.0.0.2:80\n");
	run_node(&node, false);
	node.now_ms = 10;
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.2:80\n");
	must_run(&node, "it goes", "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0 (was -m -w 1)\n");
	must_drain(&node, "it goes", "TCP 10.96.0.1:80 10.0.0.1:80 since 10\n");
	node.now_ms = 20;
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.3:80\n");
	must_run(&node, "another goes too",
	         "+ -a -t 10.96.0.1:80 -r 10.0.0.3:80 -m -w 1\n~ -e -t 10.96.0.1:80 -r 10.0.0.2:80 -m -w 0 "
	         "(was -m -w 1)\n");
	must_drain(&node, "another goes too",
	           "TCP 10.96.0.1:80 10.0.0.1:80 since 10\nTCP 10.96.0.1:80 10.0.0.2:80 since 20\n");
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n> 10.0.0.3:80\n");
	must_run(&node, "the first is back", "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1 (was -m -w 0)\n");
	must_drain(&node, "the first is back", "TCP 10.96.0.1:80 10.0.0.2:80 since 20\n");
	must_have_ended(&node, DRAIN_RETURNED, 1);
	ck_assert_texts("a whole pass finds nothing more", "", run_node(&node, true));
	must_drain(&node, "and the same drain", "TCP 10.96.0.1:80 10.0.0.2:80 since 20\n");
	end_node(&node);
}
END_TEST

/* It was wanted again between the look and its end: the ledger knows, though no pass has run. */
START_TEST(what_is_wanted_again_is_not_removed_by_a_look_from_before)
{
	struct node node;
	begin_node(&node, false);
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n");
	run_node(&node, false);
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n");
	run_node(&node, false);
	ck_assert(drain_still_unwanted(&node.book.drains.items[0], node.ledger));
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n");
	ck_assert(!drain_still_unwanted(&node.book.drains.items[0], node.ledger));
	end_node(&node);
}
END_TEST

START_TEST(drains_go_with_their_virtual_server)
{
	struct node node;
	begin_node(&node, false);
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n");
	run_node(&node, false);
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n");
	run_node(&node, false);
	want(&node, "default/web", "");
	must_run(&node, "R5.14: the Service goes", "- -D -t 10.96.0.1:80\n");
	must_drain(&node, "Q-18", "");
	must_have_ended(&node, DRAIN_GONE, 1);
	want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n");
	run_node(&node, false);
	must_drain(&node, "nor when it is back", "");
	end_node(&node);
}
END_TEST

START_TEST(another_service_that_takes_the_port_lets_them_drain)
{
	struct node node;
	begin_node(&node, false);
	want(&node, "default/a", "tcp 10.96.0.1:80 rr label=default/a\n> 10.0.0.1:80\n");
	run_node(&node, false);
	want(&node, "default/b", "tcp 10.96.0.1:80 wlc label=default/b\n> 10.0.0.2:80\n");
	run_node(&node, false);
	want(&node, "default/a", "");
	must_run(&node, "b has it",
	         "~ -E -t 10.96.0.1:80 -s wlc (was -s rr)\n"
	         "+ -a -t 10.96.0.1:80 -r 10.0.0.2:80 -m -w 1\n"
	         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0 (was -m -w 1)\n");
	must_drain(&node, "b has it", "TCP 10.96.0.1:80 10.0.0.1:80 since 0\n");
	ck_assert_str_eq(node.book.drains.items[0].label, "default/b");
	end_node(&node);
}
END_TEST

#define WEB                                                                                            \
	"tcp 10.96.0.1:80 rr label=default/web\n> 10.0.0.1:80\nheld 10.96.0.1\nguard 10.96.0.1\nport " \
	"10.96.0.1:80 tcp outsiders\n"
#define WEB2 "tcp 10.96.0.1:443 rr label=default/web\n> 10.0.0.1:443\nport 10.96.0.1:443 tcp outsiders\n"

START_TEST(with_drain_on_delete_a_service_that_goes_drains_and_its_address_stays_so_long)
{
	struct node node;
	begin_node(&node, true);
	want(&node, "default/web", WEB);
	run_node(&node, false);
	node.now_ms = 5;
	want(&node, "default/web", "");
	must_run(&node, "it goes",
	         "~ filter 10.96.0.1:80 TCP reject (was masquerade-outsiders)\n"
	         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 0 (was -m -w 1)\n");
	must_drain(&node, "it goes", "TCP 10.96.0.1:80 10.0.0.1:80 since 5\n");
	ck_assert_str_eq(node.book.drains.items[0].label, "default/web");
	ck_assert_texts("a whole pass leaves it alone", "", run_node(&node, true));
	ck_assert(!drains_release(&node.book, node.ledger));
	drains_end(&node.book, &node.book.drains.items[0], DRAIN_DONE);
	must_have_ended(&node, DRAIN_DONE, 1);
	ck_assert(drains_release(&node.book, node.ledger));
	must_run(&node, "it is over",
	         "- -D -t 10.96.0.1:80\n- address 10.96.0.1/32 on the dummy interface\n"
	         "- filter 10.96.0.1 refuses all other ports\n- filter 10.96.0.1:80 TCP reject\n");
	must_drain(&node, "it is over", "");
	must_have_ended(&node, DRAIN_DONE, 1);
	must_have_ended(&node, DRAIN_GONE, 0);
	ck_assert_uint_eq(node.book.released.count, 0);
	end_node(&node);
}
END_TEST

START_TEST(with_drain_on_delete_a_service_that_comes_back_finds_its_connections)
{
	struct node node;
	begin_node(&node, true);
	want(&node, "default/web", WEB);
	run_node(&node, false);
	want(&node, "default/web", "");
	run_node(&node, false);
	want(&node, "default/web", WEB);
	must_run(&node, "it is back",
	         "~ filter 10.96.0.1:80 TCP masquerade-outsiders (was reject)\n"
	         "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1 (was -m -w 0)\n");
	must_drain(&node, "it is back", "");
	must_have_ended(&node, DRAIN_RETURNED, 1);
	want(&node, "default/web", "");
	run_node(&node, false);
	want(&node, "default/other",
	     "tcp 10.96.0.1:80 rr\n> 10.0.0.2:80\nheld 10.96.0.1\nguard 10.96.0.1\n"
	     "port 10.96.0.1:80 tcp outsiders\n");
	must_run(&node, "another Service takes the port",
	         "~ filter 10.96.0.1:80 TCP masquerade-outsiders (was reject)\n"
	         "+ -a -t 10.96.0.1:80 -r 10.0.0.2:80 -m -w 1\n");
	must_drain(&node, "and the drain goes on there", "TCP 10.96.0.1:80 10.0.0.1:80 since 0\n");
	ck_assert(!node.book.drains.items[0].left_over);
	end_node(&node);
}
END_TEST

START_TEST(with_drain_on_delete_an_address_goes_with_its_last_port)
{
	struct node node;
	begin_node(&node, true);
	want(&node, "default/web", WEB WEB2);
	run_node(&node, false);
	want(&node, "default/web", WEB2 "held 10.96.0.1\nguard 10.96.0.1\n");
	run_node(&node, false);
	must_drain(&node, "one port goes", "TCP 10.96.0.1:80 10.0.0.1:80 since 0\n");
	drains_end(&node.book, &node.book.drains.items[0], DRAIN_DONE);
	ck_assert(drains_release(&node.book, node.ledger));
	must_run(&node, "its drain is over", "- -D -t 10.96.0.1:80\n- filter 10.96.0.1:80 TCP reject\n");
	want(&node, "default/web", WEB WEB2);
	run_node(&node, false);
	want(&node, "default/web", "");
	run_node(&node, false);
	drains_end(&node.book,
	           drains_find(&node.book, &node.book.drains.items[1].key, &node.book.drains.items[1].end),
	           DRAIN_TIMEOUT);
	ck_assert(drains_release(&node.book, node.ledger));
	must_run(&node, "the other port's is over",
	         "- -D -t 10.96.0.1:443\n- filter 10.96.0.1:443 TCP reject\n");
	drains_end(&node.book, &node.book.drains.items[0], DRAIN_DONE);
	ck_assert(drains_release(&node.book, node.ledger));
	must_run(&node, "both are",
	         "- -D -t 10.96.0.1:80\n- address 10.96.0.1/32 on the dummy interface\n"
	         "- filter 10.96.0.1 refuses all other ports\n- filter 10.96.0.1:80 TCP reject\n");
	end_node(&node);
}
END_TEST

/* A restart is a new ledger and a new book, and the kernel as it was. */
static void restart(struct node *node, bool book_lost)
{
	struct fault fault = {0};
	size_t unreadable = 0;
	bool on_delete = node->book.on_delete;
	node->book.unsaved = true;
	ck_assert_int_eq(drains_write(&node->book, directory, 0, &fault), 0);
	drains_done(&node->book);
	node->book = (struct drain_book){.on_delete = on_delete};
	if (!book_lost)
		ck_assert_int_eq(drains_read(&node->book, directory, node->now_ms, &unreadable), 0);
	ck_assert_uint_eq(unreadable, 0);
	ledger_free(node->ledger);
	node->ledger = ledger_new();
}

START_TEST(after_a_restart_drains_go_on_with_their_old_beginning)
{
	for (int book_lost = 0; book_lost < 2; book_lost++) {
		struct node node;
		begin_node(&node, false);
		want(&node, "default/web",
		     "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n> 10.0.0.2:80\n> 10.0.0.3:80\n");
		run_node(&node, false);
		node.now_ms = 10;
		want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.3:80\n");
		run_node(&node, false);
		node.now_ms = 50;
		restart(&node, book_lost);
		want(&node, "default/web", "tcp 10.96.0.1:80 rr\n> 10.0.0.1:80\n> 10.0.0.3:80\n");
		ck_assert_texts("C47: one is back",
		                "~ -e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1 (was -m -w 0)\n",
		                run_node(&node, true));
		must_drain(&node, "the other drains",
		           book_lost ? "TCP 10.96.0.1:80 10.0.0.2:80 since 50\n"
		                     : "TCP 10.96.0.1:80 10.0.0.2:80 since 10\n");
		end_node(&node);
	}
}
END_TEST

START_TEST(after_a_restart_the_drains_of_a_service_that_is_gone_go_on)
{
	for (int on_delete = 0; on_delete < 2; on_delete++) {
		struct node node;
		begin_node(&node, true);
		want(&node, "default/web", WEB);
		run_node(&node, false);
		node.now_ms = 10;
		want(&node, "default/web", "");
		run_node(&node, false);
		node.now_ms = 50;
		node.book.on_delete = on_delete;
		restart(&node, false);
		run_node(&node, true);
		must_drain(&node, "as the option says",
		           on_delete ? "TCP 10.96.0.1:80 10.0.0.1:80 since 10\n" : "");
		ck_assert_uint_eq(node.model.server_count, on_delete ? 1U : 0U);
		end_node(&node);
	}
}
END_TEST

/* ---- a property: whatever happens in whatever order, the kernel has what is wanted, and what drains; in the end no more */

enum { ROUNDS = 8000, STEPS = 40, OWNERS = 4 };

#define must(condition, ...)                       \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

/* As plan makes them: weight 1, and as long as nobody asks for something else, masqueraded. */
static struct state plain_state(struct dice *dice)
{
	struct state state = random_state(dice, 20, true, &arena);
	for (size_t i = 0; i < state.virtual_server_count; i++)
		for (size_t j = 0; j < state.virtual_servers[i].real_server_count; j++) {
			struct real_server *server =
			        (struct real_server *)&state.virtual_servers[i].real_servers[j];
			*server = (struct real_server){
			        .address = server->address, .port = server->port, .weight = 1};
		}
	return state;
}

static void check_node(struct node *node)
{
	struct state wanted;
	ledger_wanted(node->ledger, &arena, &wanted);
	for (size_t i = 0; i < wanted.virtual_server_count; i++) {
		const struct virtual_server *server = &wanted.virtual_servers[i];
		struct model_server *is = model_find_server(&node->model, &server->key);
		must(is, "%s: a virtual server is missing", node->what);
		size_t found = 0;
		for (size_t j = 0; j < is->real_server_count; j++) {
			const struct real_server *real = &is->real_servers[j];
			const struct flow_end end = {real->address, real->port};
			bool listed = drains_find(&node->book, &server->key, &end) != NULL, wished = false;
			for (size_t k = 0; k < server->real_server_count; k++)
				wished |= real_server_compare(&server->real_servers[k], real) == 0 &&
				          real_server_same(&server->real_servers[k], real);
			found += wished;
			must(wished || (listed && real->weight == 0), "%s: one that nobody wants",
			     node->what);
			must(!wished || !listed || real->weight == 0, "%s: a wanted one drains", node->what);
		}
		must(found == server->real_server_count, "%s: a real server is missing", node->what);
	}
	must(node->model.server_count == wanted.virtual_server_count, "%s: a virtual server is too many",
	     node->what);
	vector_for_each (&node->book.drains, drain)
		must(model_find_server(&node->model, &drain->key), "%s: Q-18: a drain of nothing",
		     node->what);
}

/* As the daemon ends a drain: by a removal, or with all that is left of the Service. */
static void end_one(struct node *node, size_t index)
{
	struct drain *drain = &node->book.drains.items[index];
	const struct virtual_server server = {.key = drain->key};
	const struct real_server real = {.address = drain->end.address, .port = drain->end.port};
	struct change change = {
	        .kind = CHANGE_REAL_SERVER_REMOVE, .virtual_server = &server, .real_server = &real};
	if (!drain_still_unwanted(drain, node->ledger))
		return;
	if (!drain->left_over) {
		const char *objection = model_perform(&node->model, &change);
		must(!objection, "%s: a drain ends: %s", node->what, objection);
	}
	drains_end(&node->book, drain, DRAIN_DONE);
}

static void step_node(struct node *node, struct dice *dice, struct state *owners)
{
	char owner[8];
	uint32_t action = dice_roll(dice, 10), which = dice_roll(dice, OWNERS);
	node->now_ms++;
	snprintf(owner, sizeof(owner), "a/%u", which);
	if (action < 5) {
		owners[which] = dice_chance(dice, 30) ? (struct state){0} : plain_state(dice);
		ledger_put(node->ledger, owner, which, &owners[which]);
	} else if (action < 8 && node->book.drains.count > 0) {
		end_one(node, dice_roll(dice, (uint32_t)node->book.drains.count));
		drains_release(&node->book, node->ledger);
	} else if (action == 8) {
		restart(node, dice_chance(dice, 50));
		for (unsigned i = 0; i < OWNERS; i++) {
			snprintf(owner, sizeof(owner), "a/%u", i);
			ledger_put(node->ledger, owner, i, &owners[i]);
		}
		run_node(node, true);
	}
	if (dice_chance(dice, 60))
		run_node(node, dice_chance(dice, 20));
}

static void finish_node(struct node *node)
{
	struct state made, wanted;
	run_node(node, false);
	for (size_t i = node->book.drains.count; i-- > 0;)
		end_one(node, i);
	drains_release(&node->book, node->ledger);
	run_node(node, false);
	must(node->book.drains.count == 0, "%s: a drain is left", node->what);
	char key[VIRTUAL_SERVER_TEXT_SIZE];
	vector_for_each (&node->book.left_over, left)
		must(false, "%s: %s is left over", node->what, virtual_server_key_format(left, key));
	vector_for_each (&node->book.released, left)
		must(false, "%s: %s is released for ever", node->what, virtual_server_key_format(left, key));
	made = model_state(&node->model, &arena);
	ledger_wanted(node->ledger, &arena, &wanted);
	ck_assert_texts(node->what, state_text(&wanted, &arena), state_text(&made, &arena));
}

START_TEST(the_kernel_has_what_is_wanted_and_what_drains)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS) / STEPS; seed++) {
		struct dice dice = {seed};
		struct state owners[OWNERS] = {0};
		struct node *node = arena_new(&arena, struct node);
		begin_node(node, seed % 2);
		for (unsigned i = 0; i < STEPS; i++) {
			snprintf(node->what, sizeof(node->what), "seed %u, step %u", seed, i);
			step_node(node, &dice, owners);
			if (!ledger_has_touched(node->ledger))
				check_node(node);
		}
		finish_node(node);
		end_node(node);
		arena_done(&arena);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd drains");
	TCase *tests = tcase_create("book"), *looks = tcase_create("looks"), *passes = tcase_create("passes");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_drain_is_over_when_no_connection_is_open_or_its_time_is_up);
	tcase_add_test(tests, the_file_keeps_when_each_drain_began);
	tcase_add_test(tests, a_book_that_is_lost_or_spoilt_is_survived);
	tcase_add_test(tests, a_drain_that_began_and_ended_between_two_writings_costs_none);
	tcase_add_test(tests, a_book_that_cannot_be_written_says_so_and_stays_unsaved);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(looks, set_up_look, tear_down_look);
	tcase_add_test(looks, a_look_finds_what_holds_each_real_server);
	tcase_add_test(looks, the_list_of_connections_is_not_read_without_need);
	tcase_add_test(looks, a_costly_list_is_read_seldom);
	tcase_add_test(looks, an_old_drain_is_looked_at_for_idle_connections_now_and_then);
	tcase_add_test(looks, a_look_that_fails_decides_nothing);
	tcase_add_test(looks, who_begins_to_drain_during_a_look_waits_for_the_next);
	suite_add_tcase(suite, looks);
	tcase_add_checked_fixture(passes, set_up, tear_down);
	tcase_set_timeout(passes, 300);
	tcase_add_test(passes, an_endpoint_that_comes_back_is_no_drain_any_more);
	tcase_add_test(passes, what_is_wanted_again_is_not_removed_by_a_look_from_before);
	tcase_add_test(passes, drains_go_with_their_virtual_server);
	tcase_add_test(passes, another_service_that_takes_the_port_lets_them_drain);
	tcase_add_test(passes, with_drain_on_delete_a_service_that_goes_drains_and_its_address_stays_so_long);
	tcase_add_test(passes, with_drain_on_delete_a_service_that_comes_back_finds_its_connections);
	tcase_add_test(passes, with_drain_on_delete_an_address_goes_with_its_last_port);
	tcase_add_test(passes, after_a_restart_drains_go_on_with_their_old_beginning);
	tcase_add_test(passes, after_a_restart_the_drains_of_a_service_that_is_gone_go_on);
	tcase_add_test(passes, the_kernel_has_what_is_wanted_and_what_drains);
	suite_add_tcase(suite, passes);
	return run_suite(suite);
}
