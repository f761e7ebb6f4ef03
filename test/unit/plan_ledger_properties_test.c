/*
 * The ledger against a naive recomputation, over random sequences of puts, removals and settles. A failure
 * names the seed of its sequence and the step.
 */
#include "plan/diff.h"
#include "plan/ledger.h"
#include "plan_model.h"
#include "plan_states.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 6000, STEPS = 40, OWNERS = 6, WHAT_SIZE = 64 };

static struct arena arena;

static void teardown(void)
{
	arena_done(&arena);
}

/* What every owner wants, remembered plainly. */
struct owner {
	char name[8];
	int64_t created_seconds;
	struct state wanted; /* all zero: nothing */
};

static bool goes_before(const struct owner *a, const struct owner *b)
{
	int64_t left = a->created_seconds ? a->created_seconds : INT64_MAX,
	        right = b->created_seconds ? b->created_seconds : INT64_MAX;
	return left != right ? left < right : strcmp(a->name, b->name) < 0;
}

/* The key of the port that an element belongs to; false: to none. */
static bool port_of(const struct filter_element *element, struct virtual_server_key *ret_key)
{
	*ret_key = (struct virtual_server_key){
	        .address = element->address, .protocol = element->protocol, .port = element->port};
	return element->kind == FILTER_SERVICE_PORT || element->kind == FILTER_SOURCE_RANGE ||
	       element->kind == FILTER_REDIRECT;
}

static bool claims(const struct owner *owner, const struct virtual_server_key *key)
{
	if (state_find_virtual_server(&owner->wanted, key))
		return true;
	for (size_t i = 0; i < owner->wanted.filter_count; i++) {
		struct virtual_server_key port;
		if (port_of(&owner->wanted.filter[i], &port) && virtual_server_key_compare(&port, key) == 0)
			return true;
	}
	return false;
}

static const struct owner *owner_of(const struct owner *owners, const struct virtual_server_key *key)
{
	const struct owner *best = NULL;
	for (size_t i = 0; i < OWNERS; i++)
		if (claims(&owners[i], key) && (!best || goes_before(&owners[i], best)))
			best = &owners[i];
	return best;
}

static void add_wanted_filter(struct model *model, const struct owner *owners, const struct owner *owner)
{
	for (size_t i = 0; i < owner->wanted.filter_count; i++) {
		const struct filter_element *element = &owner->wanted.filter[i];
		struct virtual_server_key port;
		bool has_it = port_of(element, &port) ? owner_of(owners, &port) == owner
		                                      : !model_find_element(model, element);
		if (has_it)
			model->filter[model->filter_count++] = *element;
	}
}

static void add_wanted(struct model *model, const struct owner *owners, const struct owner *owner)
{
	for (size_t i = 0; i < owner->wanted.virtual_server_count; i++) {
		const struct virtual_server *server = &owner->wanted.virtual_servers[i];
		if (owner_of(owners, &server->key) != owner)
			continue;
		struct model_server *copy = &model->servers[model->server_count++];
		copy->server = *server;
		copy->real_server_count = server->real_server_count;
		memcpy(copy->real_servers, server->real_servers,
		       server->real_server_count * sizeof(*server->real_servers));
	}
	for (size_t i = 0; i < owner->wanted.held_count; i++)
		if (!model_holds(model, &owner->wanted.held[i]))
			model->held[model->held_count++] = owner->wanted.held[i];
	add_wanted_filter(model, owners, owner);
}

static struct state naive_wanted(const struct owner *owners)
{
	struct model *model = arena_new(&arena, struct model);
	for (size_t i = 0; i < OWNERS; i++)
		add_wanted(model, owners, &owners[i]);
	return model_state(model, &arena);
}

static int by_key(const void *a, const void *b)
{
	return virtual_server_key_compare(a, b);
}

/* Every conflict there is, one a line, sorted. */
static char *naive_conflicts(const struct owner *owners)
{
	struct virtual_server_key keys[OWNERS * (MODEL_SERVERS + MODEL_ELEMENTS)];
	size_t count = 0;
	auto_text text = {0};
	for (size_t i = 0; i < OWNERS; i++) {
		for (size_t j = 0; j < owners[i].wanted.virtual_server_count; j++)
			keys[count++] = owners[i].wanted.virtual_servers[j].key;
		for (size_t j = 0; j < owners[i].wanted.filter_count; j++)
			count += port_of(&owners[i].wanted.filter[j], &keys[count]);
	}
	qsort(keys, count, sizeof(*keys), by_key);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && virtual_server_key_compare(&keys[i - 1], &keys[i]) == 0)
			continue;
		const struct owner *best = owner_of(owners, &keys[i]);
		char name[VIRTUAL_SERVER_TEXT_SIZE];
		for (size_t j = 0; j < OWNERS; j++)
			if (&owners[j] != best && claims(&owners[j], &keys[i]))
				text_addf(&text, "%s %s %s\n", virtual_server_key_format(&keys[i], name),
				          best->name, owners[j].name);
	}
	return sorted_lines(text_string(&text), &arena);
}

/* The lines of `text` that `without` has not. */
static char *lines_without(const char *text, const char *without)
{
	auto_text left = {0};
	char *rest = NULL;
	for (char *line = strtok_r(arena_copy_text(&arena, text), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *whole = arena_format(&arena, "\n%s\n", line);
		if (!strstr(arena_format(&arena, "\n%s", without), whole))
			text_add(&left, whole + 1);
	}
	return arena_copy_text(&arena, text_string(&left));
}

static char *reported_conflicts(struct ledger *ledger)
{
	struct ledger_conflict conflict;
	auto_text text = {0};
	while (ledger_next_conflict(ledger, &conflict)) {
		char name[VIRTUAL_SERVER_TEXT_SIZE];
		text_addf(&text, "%s %s %s\n", virtual_server_key_format(&conflict.key, name), conflict.owner,
		          conflict.other);
	}
	return sorted_lines(text_string(&text), &arena);
}

struct sequence {
	struct dice dice;
	struct ledger *ledger;
	struct owner owners[OWNERS];
	struct state settled; /* all that was wanted at the last settle */
	char *conflicts;      /* there at the last step */
	char what[WHAT_SIZE];
};

/* Check's own assertion tells its parent each time that it was here: too slow for this many. */
static void must_equal(const struct sequence *sequence, const char *wanted, const char *got)
{
	if (strcmp(wanted, got) != 0)
		ck_assert_texts(sequence->what, wanted, got);
}

static void step(struct sequence *sequence)
{
	static const int64_t ages[] = {0, 100, 200};
	struct owner *owner = &sequence->owners[dice_roll(&sequence->dice, OWNERS)];
	uint32_t action = dice_roll(&sequence->dice, 10);
	if (action < 2) {
		owner->wanted = (struct state){0};
	} else if (action < 9 || owner->wanted.virtual_server_count == 0) {
		owner->wanted = random_state(&sequence->dice, 1 + dice_roll(&sequence->dice, 30),
		                             dice_chance(&sequence->dice, 50), &arena);
		if (dice_chance(&sequence->dice, 20))
			owner->created_seconds = ages[dice_roll(&sequence->dice, 3)];
	} /* else the same once more */
	ledger_put(sequence->ledger, owner->name, owner->created_seconds, &owner->wanted);
}

static char *difference_text(const struct state *before, const struct state *now, struct changes *ret_changes)
{
	const struct removal_rules rules = {.all_ours = true};
	diff_build(before, now, &rules, ret_changes);
	return changes_text(ret_changes, &arena);
}

/* The difference of what was touched is the difference of the whole, and leads from one whole to the other. */
static void check_touched(struct sequence *sequence, const struct state *wanted)
{
	struct state before, now;
	struct changes whole = {0}, touched = {0};
	struct model *model = arena_new(&arena, struct model);
	ledger_touched(sequence->ledger, &arena, &before, &now);
	must_equal(sequence, difference_text(&sequence->settled, wanted, &whole),
	           difference_text(&before, &now, &touched));
	model_load(model, &sequence->settled);
	for (size_t i = 0; i < touched.count; i++)
		if (model_perform(model, &touched.items[i]))
			ck_abort_msg("%s: change %zu cannot be performed", sequence->what, i);
	struct state made = model_state(model, &arena);
	must_equal(sequence, state_text(wanted, &arena), state_text(&made, &arena));
	vector_done(&whole);
	vector_done(&touched);
}

static void check_step(struct sequence *sequence)
{
	struct state wanted = naive_wanted(sequence->owners), got;
	ledger_wanted(sequence->ledger, &arena, &got);
	must_equal(sequence, state_text(&wanted, &arena), state_text(&got, &arena));
	check_touched(sequence, &wanted);
	char *conflicts = naive_conflicts(sequence->owners);
	must_equal(sequence, lines_without(conflicts, sequence->conflicts),
	           reported_conflicts(sequence->ledger));
	sequence->conflicts = conflicts;
	if (dice_chance(&sequence->dice, 30)) {
		ledger_settle(sequence->ledger);
		sequence->settled = wanted;
	}
}

START_TEST(the_ledger_agrees_with_a_naive_recomputation)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS) / STEPS; seed++) {
		struct sequence sequence = {.dice = {seed}, .ledger = ledger_new(), .conflicts = ""};
		for (int i = 0; i < OWNERS; i++)
			snprintf(sequence.owners[i].name, sizeof(sequence.owners[i].name), "a/%c", 'a' + i);
		for (unsigned i = 0; i < STEPS; i++) {
			snprintf(sequence.what, sizeof(sequence.what), "seed %u, step %u", seed, i);
			step(&sequence);
			check_step(&sequence);
		}
		ledger_free(sequence.ledger);
		arena_done(&arena);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/ledger properties");
	TCase *tests = tcase_create("properties");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, the_ledger_agrees_with_a_naive_recomputation);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
