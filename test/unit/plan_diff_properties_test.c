/*
 * What must hold for every two states, tried with many random ones. A failure names the seed of its round.
 */
#include "plan/diff.h"

#include "plan_model.h"
#include "plan_states.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 4000, CASE_LENGTH = 64 };

/* ck_assert_msg tells its parent that it was here, which costs more than all that is tested here. */
#define must(condition, ...)                       \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

static struct arena arena;

static void teardown(void)
{
	arena_done(&arena);
}

/* One round: two states and the rules. */
struct round {
	unsigned seed;
	struct dice dice;
	struct state present;
	struct state wanted;
	struct virtual_server_key recorded[MODEL_SERVERS];
	struct cidr excluded[2];
	struct removal_rules rules;
	struct changes changes;
};

static void start_round(struct round *round, unsigned seed, bool whole)
{
	*round = (struct round){.seed = seed, .dice = {seed}};
	round->present = random_state(&round->dice, dice_roll(&round->dice, 90), whole, &arena);
	round->wanted = random_state(&round->dice, dice_roll(&round->dice, 90), whole, &arena);
	round->rules = (struct removal_rules){.all_ours = dice_chance(&round->dice, 30),
	                                      .recorded = round->recorded,
	                                      .excluded = round->excluded,
	                                      .order_seed = dice_roll(&round->dice, 1000)};
	if (dice_chance(&round->dice, 30))
		round->excluded[round->rules.excluded_count++] = cidr_of("10.96.0.8/29");
	if (dice_chance(&round->dice, 30))
		round->excluded[round->rules.excluded_count++] = cidr_of("fd00::2");
	for (size_t i = 0; i < round->present.virtual_server_count; i++)
		if (dice_chance(&round->dice, 20))
			round->recorded[round->rules.recorded_count++] =
			        round->present.virtual_servers[i].key;
	diff_build(&round->present, &round->wanted, &round->rules, &round->changes);
}

static void end_round(struct round *round)
{
	vector_done(&round->changes);
	arena_reset(&arena);
}

/* The ownership rule once more, as plainly as it can be said. */
static bool address_excluded(const struct round *round, const struct address *address)
{
	for (size_t i = 0; i < round->rules.excluded_count; i++)
		if (cidr_contains(&round->excluded[i], address))
			return true;
	return false;
}

static bool may_go(const struct round *round, const struct virtual_server_key *key)
{
	bool ours = round->rules.all_ours;
	for (size_t i = 0; i < round->present.held_count; i++)
		ours |= address_equal(&round->present.held[i], &key->address);
	ours &= !address_excluded(round, &key->address);
	for (size_t i = 0; i < round->rules.recorded_count; i++)
		ours |= virtual_server_key_compare(&round->recorded[i], key) == 0;
	return ours;
}

/* What is wanted, and what must stay. */
static struct state expected_state(const struct round *round)
{
	struct model model;
	model_load(&model, &round->wanted);
	for (size_t i = 0; i < round->present.virtual_server_count; i++) {
		const struct virtual_server *server = &round->present.virtual_servers[i];
		if (may_go(round, &server->key) || model_find_server(&model, &server->key))
			continue;
		struct model_server *stays = &model.servers[model.server_count++];
		stays->server = *server;
		stays->real_server_count = server->real_server_count;
		memcpy(stays->real_servers, server->real_servers,
		       server->real_server_count * sizeof(*server->real_servers));
	}
	for (size_t i = 0; i < round->present.held_count; i++)
		if (address_excluded(round, &round->present.held[i]) &&
		    !model_holds(&model, &round->present.held[i]))
			model.held[model.held_count++] = round->present.held[i];
	return model_state(&model, &arena);
}

static void perform(struct model *model, const struct round *round, const struct change *change)
{
	const char *objection = model_perform(model, change);
	must(objection == NULL, "seed %u, change %td: %s", round->seed, change - round->changes.items,
	     objection);
}

START_TEST(performing_the_difference_makes_the_wanted_state)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS); seed++) {
		struct round round;
		struct model model;
		char what[CASE_LENGTH];
		start_round(&round, seed, seed % 2);
		model_load(&model, &round.present);
		vector_for_each (&round.changes, change)
			perform(&model, &round, change);
		struct state made = model_state(&model, &arena), expected = expected_state(&round);
		snprintf(what, sizeof(what), "seed %u", seed);
		const char *expected_text = state_text(&expected, &arena),
		           *made_text = state_text(&made, &arena);
		if (strcmp(expected_text, made_text) != 0)
			ck_assert_texts(what, expected_text, made_text);
		end_round(&round);
	}
}
END_TEST

START_TEST(a_state_does_not_differ_from_itself)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS); seed++) {
		struct round round;
		struct changes changes = {0};
		start_round(&round, seed, seed % 2);
		diff_build(&round.present, &round.present, &round.rules, &changes);
		must(changes.count == 0, "seed %u: %zu changes", seed, changes.count);
		end_round(&round);
	}
}
END_TEST

/* Once performed, nothing is left to do: an edit that was sent is never found again. */
START_TEST(a_second_difference_is_empty)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS); seed++) {
		struct round round;
		struct model model;
		struct changes changes = {0};
		start_round(&round, seed, seed % 2);
		model_load(&model, &round.present);
		vector_for_each (&round.changes, change)
			perform(&model, &round, change);
		struct state made = model_state(&model, &arena);
		/* What was held before may have told what is ours; what stayed then stays now. */
		round.rules.recorded_count = 0;
		diff_build(&made, &round.wanted, &round.rules, &changes);
		vector_for_each (&changes, change)
			must(change->kind == CHANGE_VIRTUAL_SERVER_REMOVE &&
			             state_holds(&round.wanted, &change->virtual_server->key.address),
			     "seed %u: change of kind %u", seed, change->kind);
		vector_done(&changes);
		end_round(&round);
	}
}
END_TEST

static bool element_of(const struct filter_element *element, const struct virtual_server_key *key)
{
	return element->port == key->port && element->protocol == key->protocol &&
	       address_equal(&element->address, &key->address);
}

/* A virtual server that was added has all that protects it, as it is wanted. */
static void check_added(const struct round *round, const struct model *model,
                        const struct virtual_server *server)
{
	const struct virtual_server_key *key = &server->key;
	struct filter_element guard = {.kind = FILTER_HELD_ADDRESS, .address = key->address};
	if (state_holds(&round->wanted, &key->address)) {
		must(model_holds(model, &key->address), "seed %u: answers before it is held", round->seed);
		must(model_find_element(model, &guard), "seed %u: answers unguarded", round->seed);
	}
	for (size_t i = 0; i < round->wanted.filter_count; i++) {
		const struct filter_element *element = &round->wanted.filter[i];
		if (!element_of(element, key))
			continue;
		const struct filter_element *found = model_find_element(model, element);
		must(found && filter_element_same(found, element), "seed %u: answers unprotected",
		     round->seed);
	}
}

/* One that will be removed keeps what it has until it is. */
static void check_leaving(const struct round *round, const struct model *model,
                          const struct virtual_server *server)
{
	const struct virtual_server_key *key = &server->key;
	if (state_holds(&round->present, &key->address))
		must(model_holds(model, &key->address), "seed %u: let go while it answers", round->seed);
	for (size_t i = 0; i < round->present.filter_count; i++) {
		const struct filter_element *element = &round->present.filter[i];
		must(!element_of(element, key) || element->kind == FILTER_SOURCE_RANGE ||
		             model_find_element(model, element),
		     "seed %u: unprotected while it answers", round->seed);
	}
}

/* Nor is an address held a moment longer or earlier than other ports of it are refused. */
static void check_guards(const struct round *round, const struct model *model)
{
	for (size_t i = 0; i < model->held_count; i++) {
		struct filter_element guard = {.kind = FILTER_HELD_ADDRESS, .address = model->held[i]};
		must(model_find_element(model, &guard) || address_excluded(round, &model->held[i]),
		     "seed %u: held unguarded", round->seed);
	}
}

static void check_prefix(const struct round *round, const struct model *model)
{
	check_guards(round, model);
	for (size_t i = 0; i < model->server_count; i++) {
		const struct virtual_server *server = &model->servers[i].server;
		if (!state_find_virtual_server(&round->present, &server->key))
			check_added(round, model, server);
		else if (!state_find_virtual_server(&round->wanted, &server->key) &&
		         may_go(round, &server->key))
			check_leaving(round, model, server);
	}
}

START_TEST(after_every_change_all_that_answers_is_protected)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS) / 4; seed++) {
		struct round round;
		struct model model;
		start_round(&round, seed, true);
		model_load(&model, &round.present);
		vector_for_each (&round.changes, change) {
			perform(&model, &round, change);
			check_prefix(&round, &model);
		}
		end_round(&round);
	}
}
END_TEST

/* Who may use a port, as bits: sources in the smaller, in the rest of the larger, in the other range, elsewhere. */
static unsigned sources_of(const struct filter_element *port, const struct filter_element *elements,
                           size_t count)
{
	static const char *const of_families[2][4] = {{"10.1.1.1", "10.129.1.1", "172.16.1.1", "192.0.2.1"},
	                                              {"fd00::1", "fd00:8000::1", "2001:db8::1", "3fff::1"}};
	const char *const *sources = of_families[port->address.family == FAMILY_IPV6];
	unsigned bits = 0;
	for (unsigned s = 0; s < 4; s++) {
		struct address source = address_of(sources[s]);
		bool allowed = !port->restricted;
		for (size_t i = 0; i < count; i++)
			allowed |= elements[i].kind == FILTER_SOURCE_RANGE &&
			           elements[i].port == port->port && elements[i].protocol == port->protocol &&
			           address_equal(&elements[i].address, &port->address) &&
			           cidr_contains(&elements[i].range, &source);
		bits |= (unsigned)allowed << s;
	}
	return bits;
}

static unsigned sources_in(const struct state *state, const struct filter_element *port)
{
	for (size_t i = 0; i < state->filter_count; i++)
		if (filter_element_compare(&state->filter[i], port) == 0)
			return sources_of(&state->filter[i], state->filter, state->filter_count);
	return 0;
}

/* Who was not allowed before and will not be after is not allowed between. */
START_TEST(no_source_gets_in_between)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS) / 8; seed++) {
		struct round round;
		struct model model;
		start_round(&round, seed, true);
		model_load(&model, &round.present);
		vector_for_each (&round.changes, change) {
			perform(&model, &round, change);
			for (size_t i = 0; change->filter && i < model.filter_count; i++) {
				const struct filter_element *port = &model.filter[i];
				if (port->kind != FILTER_SERVICE_PORT ||
				    !element_of(port, &(struct virtual_server_key){
				                              .address = change->filter->address,
				                              .protocol = change->filter->protocol,
				                              .port = change->filter->port}))
					continue;
				unsigned may =
				        sources_in(&round.present, port) | sources_in(&round.wanted, port);
				unsigned can = sources_of(port, model.filter, model.filter_count);
				must((can & ~may) == 0, "seed %u, change %td: a source gets in", seed,
				     change - round.changes.items);
			}
		}
		end_round(&round);
	}
}
END_TEST

START_TEST(changes_come_by_rank_and_kind_and_shrinking_last)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS); seed++) {
		struct round round;
		start_round(&round, seed, seed % 2);
		for (size_t i = 1; i < round.changes.count; i++) {
			const struct change *a = &round.changes.items[i - 1], *b = &round.changes.items[i];
			bool a_shrinks = a->kind > CHANGE_REAL_SERVER_EDIT,
			     b_shrinks = b->kind > CHANGE_REAL_SERVER_EDIT;
			bool ordered = a_shrinks != b_shrinks ? b_shrinks
			               : a->rank != b->rank   ? a->rank < b->rank
			                                      : a->kind <= b->kind;
			must(ordered, "seed %u: changes %zu and %zu", seed, i - 1, i);
		}
		end_round(&round);
	}
}
END_TEST

static bool same_thing(const struct change *a, const struct change *b)
{
	if (a->filter && b->filter)
		return filter_element_compare(a->filter, b->filter) == 0;
	if (!a->virtual_server && !b->virtual_server && !a->filter && !b->filter)
		return address_equal(&a->address, &b->address);
	if (!a->virtual_server || !b->virtual_server || !a->real_server != !b->real_server)
		return false;
	return virtual_server_key_compare(&a->virtual_server->key, &b->virtual_server->key) == 0 &&
	       (!a->real_server || real_server_compare(a->real_server, b->real_server) == 0);
}

START_TEST(nothing_is_touched_twice)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS) / 8; seed++) {
		struct round round;
		start_round(&round, seed, seed % 2);
		for (size_t i = 0; i < round.changes.count; i++)
			for (size_t j = 0; j < i; j++)
				must(!same_thing(&round.changes.items[i], &round.changes.items[j]),
				     "seed %u: changes %zu and %zu", seed, j, i);
		end_round(&round);
	}
}
END_TEST

START_TEST(aliens_are_never_touched)
{
	for (unsigned seed = 0; seed < test_rounds(ROUNDS); seed++) {
		struct round round;
		start_round(&round, seed, seed % 2);
		vector_for_each (&round.changes, change) {
			if (!change->virtual_server)
				continue;
			const struct virtual_server_key *key = &change->virtual_server->key;
			must(state_find_virtual_server(&round.wanted, key) || may_go(&round, key),
			     "seed %u: an alien", seed);
		}
		end_round(&round);
	}
}
END_TEST

/* The adds of this virtual server's real servers, in their order. */
static char *adds_of(const struct changes *changes, const struct virtual_server *server)
{
	char *text = arena_format(&arena, "%s", "");
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		if (change->kind != CHANGE_REAL_SERVER_ADD || change->virtual_server != server)
			continue;
		char endpoint[ENDPOINT_TEXT_SIZE];
		endpoint_format(&change->real_server->address, change->real_server->port, endpoint);
		text = arena_format(&arena, "%s%s ", text, endpoint);
	}
	return text;
}

START_TEST(nodes_agree_on_hashing_orders_and_differ_in_others)
{
	unsigned agreeing = 0, differing = 0, compared = 0;
	for (unsigned seed = 0; seed < test_rounds(ROUNDS) / 8; seed++) {
		struct round round;
		struct changes other = {0};
		start_round(&round, seed, true);
		round.rules.order_seed += 1000;
		diff_build(&round.present, &round.wanted, &round.rules, &other);
		ck_assert_uint_eq(other.count, round.changes.count);
		for (size_t i = 0; i < round.wanted.virtual_server_count; i++) {
			const struct virtual_server *server = &round.wanted.virtual_servers[i];
			bool same = strcmp(adds_of(&round.changes, server), adds_of(&other, server)) == 0;
			bool hashing = server->scheduler[1] == 'h';
			must(same || !hashing, "seed %u: nodes disagree", seed);
			agreeing += hashing;
			differing += !hashing && !same;
			compared += !hashing && server->real_server_count > 3;
		}
		vector_done(&other);
		end_round(&round);
	}
	ck_assert_uint_gt(agreeing, test_rounds(ROUNDS) / 40);
	must(differing > compared / 3, "%u of %u differ", differing, compared);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/diff properties");
	TCase *tests = tcase_create("properties");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, performing_the_difference_makes_the_wanted_state);
	tcase_add_test(tests, a_state_does_not_differ_from_itself);
	tcase_add_test(tests, a_second_difference_is_empty);
	tcase_add_test(tests, after_every_change_all_that_answers_is_protected);
	tcase_add_test(tests, no_source_gets_in_between);
	tcase_add_test(tests, changes_come_by_rank_and_kind_and_shrinking_last);
	tcase_add_test(tests, nothing_is_touched_twice);
	tcase_add_test(tests, aliens_are_never_touched);
	tcase_add_test(tests, nodes_agree_on_hashing_orders_and_differ_in_others);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
