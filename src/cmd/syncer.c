/*
 * The stages of a pass, by its kind; each works until the deadline, and is called again until it is through.
 *
 * whole:    ensure, list what is wanted, look quickly, compare that with what is wanted, read, note what is present, look at
 *           what is wanted, extend, compare, perform, note the changes, close, note what drains
 * touched:  look at what was touched, extend, compare, perform, note the changes, close, note what drains
 * first:    ensure, look at what was touched, compare, perform, note the changes, close; nothing, if all of it is served
 *           already
 * given:    perform, note the changes, close
 */
#include "syncer.h"

#include "apply/record.h"
#include "syncer_record.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

enum { STEPS = 256 }; /* of listing and comparing, between two looks at the clock */

int syncer_init(struct syncer *syncer, struct kernel *kernel, struct planner *planner,
                const char *run_directory, const struct cidr *excluded, size_t excluded_count,
                size_t *ret_unreadable_lines)
{
	*syncer = (struct syncer){.kernel = kernel,
	                          .planner = planner,
	                          .run_directory = run_directory,
	                          .excluded = excluded,
	                          .excluded_count = excluded_count};
	struct virtual_server_key *keys = NULL;
	size_t count = 0;
	int e = record_read(run_directory, &syncer->memory, &keys, &count, ret_unreadable_lines);
	syncer->record_unsaved = e != 0 || *ret_unreadable_lines > 0;
	record_remove_leftovers(run_directory);
	for (size_t i = 0; i < count; i++)
		vector_push(&syncer->record, keys[i]);
	return e;
}

void syncer_done(struct syncer *syncer)
{
	sync_end(syncer);
	kernel_close(syncer->kernel);
	syncer->kernel = NULL;
	vector_done(&syncer->record);
	drains_done(&syncer->drains);
	arena_done(&syncer->memory);
}

/* ---- what is compared */

static int ensure(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_outcome *outcome = &syncer->outcome;
	(void)deadline_ns;
	int e = kernel_ensure_dummy(syncer->kernel, &outcome->fault);
	if (e)
		return e;
	syncer_expect_begin(syncer);
	e = kernel_ensure_filter(syncer->kernel, &outcome->filter_repaired, &outcome->fault);
	outcome->filter_refused = e != 0;
	return e;
}

static void count_wanted(const struct state *wanted, struct sync_outcome *outcome)
{
	outcome->virtual_servers = wanted->virtual_server_count;
	outcome->real_servers = 0;
	outcome->addresses = wanted->held_count;
	for (size_t i = 0; i < wanted->virtual_server_count; i++)
		outcome->real_servers += wanted->virtual_servers[i].real_server_count;
}

/* False: the deadline came first. */
static bool list(struct sync_pass *pass, int64_t deadline_ns, struct state *ret_before)
{
	while (!ledger_listing_go_on(pass->listing, STEPS, ret_before, &pass->wanted))
		if (deadline_over(deadline_ns))
			return false;
	ledger_listing_free(pass->listing);
	pass->listing = NULL;
	return true;
}

static int list_wanted(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	struct state nothing;
	if (pass->listing == NULL)
		pass->listing = ledger_list_wanted(syncer->planner->ledger, &syncer->memory);
	return list(pass, deadline_ns, &nothing) ? 0 : SYNC_E_MORE;
}

/* Where it fails, everything is read. */
static int look_quickly(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	if (syncer->expectation.known)
		return 0;
	if (pass->survey == NULL)
		pass->survey =
		        kernel_survey_new(syncer->kernel, SURVEY_IPV6 | SURVEY_HELD | SURVEY_FILTER, NULL);
	int e = kernel_survey_go_on(pass->survey, deadline_ns, &pass->quick);
	if (e == KERNEL_E_MORE)
		return SYNC_E_MORE;
	kernel_survey_free(pass->survey);
	pass->survey = NULL;
	pass->looked_quickly = e == 0;
	return 0;
}

/* After a restart nothing is to be done, mostly. Then what is wanted is there, and nothing else. */
static int compare_with_wanted(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	struct expectation *read = &pass->read;
	if (!pass->looked_quickly)
		return 0;
	pass->present = pass->wanted;
	if (!syncer_expect_read(syncer, deadline_ns))
		return SYNC_E_MORE;
	syncer->outcome.as_wanted = read->sums.ipvs == pass->quick.ipvs &&
	                            read->sums.held == pass->quick.held &&
	                            read->sums.filter == pass->quick.filter;
	if (syncer->outcome.as_wanted)
		return 0;
	read->known = false;
	pass->present = (struct state){0};
	return 0;
}

static int read_kernel(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	if (syncer->outcome.as_wanted)
		return 0;
	if (pass->reading == NULL)
		pass->reading = kernel_reading_new(syncer->kernel, &syncer->memory);
	int e = kernel_reading_go_on(pass->reading, deadline_ns, &pass->present, &syncer->outcome.fault);
	if (e == KERNEL_E_MORE)
		return SYNC_E_MORE;
	kernel_reading_free(pass->reading);
	pass->reading = NULL;
	return e;
}

static int expect_present(struct syncer *syncer, int64_t deadline_ns)
{
	return syncer->outcome.as_wanted || syncer_expect_read(syncer, deadline_ns) ? 0 : SYNC_E_MORE;
}

static int look_at_wanted(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	(void)deadline_ns;
	syncer_record_claimed(syncer, &pass->present);
	count_wanted(&pass->wanted, &syncer->outcome);
	pass->rules = (struct removal_rules){.recorded = syncer->record.items,
	                                     .recorded_count = syncer->record.count,
	                                     .excluded = syncer->excluded,
	                                     .excluded_count = syncer->excluded_count};
	return 0;
}

static int look_at_touched(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	if (pass->listing == NULL)
		pass->listing = ledger_list_touched(syncer->planner->ledger, &syncer->memory);
	pass->rules = (struct removal_rules){.all_ours = true};
	return list(pass, deadline_ns, &pass->present) ? 0 : SYNC_E_MORE;
}

/* As after a restart. What cannot be found out is sent. */
static bool is_served(struct syncer *syncer, const struct virtual_server *wanted)
{
	const struct real_server *servers;
	size_t count;
	return kernel_read_real_servers(syncer->kernel, &wanted->key, &syncer->memory, &servers, &count) ==
	               0 &&
	       (count > 0 || wanted->real_server_count == 0);
}

static int pass_over_if_served(struct syncer *syncer, int64_t deadline_ns)
{
	struct state *wanted = &syncer->pass.wanted;
	(void)deadline_ns;
	for (size_t i = 0; i < wanted->virtual_server_count; i++)
		if (!is_served(syncer, &wanted->virtual_servers[i]))
			return 0;
	/* The whole pass, which follows, sees to what may differ. */
	*wanted = syncer->pass.present;
	return 0;
}

/* ---- what may not go yet */

/* Where removals are withheld, nobody drains either: somebody may want it, whom we cannot hear. */
static int extend(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	struct drain_pass drains = {
	        .whole = pass->kind == SYNC_WHOLE, .present = pass->present, .wanted = pass->wanted};
	(void)deadline_ns;
	if (drains.whole && !pass->may_remove)
		return 0;
	drains_prepare(&syncer->drains, syncer->planner->ledger, &pass->rules, &syncer->memory, &drains);
	pass->present = drains.present;
	pass->wanted = drains.wanted;
	pass->draining = drains.draining;
	pass->extended = true;
	if (drains.whole)
		count_wanted(&pass->wanted, &syncer->outcome);
	return 0;
}

static int note_drains(struct syncer *syncer, int64_t deadline_ns)
{
	const struct sync_pass *pass = &syncer->pass;
	const struct drain_pass drains = {.whole = pass->kind == SYNC_WHOLE,
	                                  .present = pass->present,
	                                  .wanted = pass->wanted,
	                                  .draining = pass->draining};
	(void)deadline_ns;
	if (!pass->extended)
		return 0;
	drains_settle(&syncer->drains, &drains, &syncer->outcome.changes, boot_clock_ms());
	return 0;
}

/* ---- comparing */

/* Takes the removals out of the list. A source range that goes while its port stays is none (diff.h). */
static void withhold_removals(struct sync_outcome *outcome)
{
	size_t kept = 0;
	for (size_t i = 0; i < outcome->changes.count; i++)
		if (outcome->changes.items[i].kind < CHANGE_REAL_SERVER_REMOVE)
			outcome->changes.items[kept++] = outcome->changes.items[i];
	outcome->withheld = outcome->changes.count - kept;
	outcome->changes.count = kept;
}

static void count_aliens(const struct sync_pass *pass, struct sync_outcome *outcome)
{
	const struct state *present = &pass->present;
	for (size_t i = 0; i < present->virtual_server_count; i++) {
		const struct virtual_server_key *key = &present->virtual_servers[i].key;
		outcome->aliens += !state_find_virtual_server(&pass->wanted, key) &&
		                   !removal_allowed(&pass->rules, present, key);
	}
}

static int compare(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	pass->rules.order_seed = order_seed(syncer->planner->node_name);
	if (pass->difference == NULL)
		pass->difference =
		        difference_new(&pass->present, &pass->wanted, &pass->rules, &syncer->outcome.changes);
	while (!difference_go_on(pass->difference, STEPS))
		if (deadline_over(deadline_ns))
			return SYNC_E_MORE;
	difference_free(pass->difference);
	pass->difference = NULL;
	if (pass->kind != SYNC_WHOLE)
		return 0;
	count_aliens(pass, &syncer->outcome);
	if (pass->may_remove)
		syncer_record_forget_absent(syncer, &pass->present, &pass->wanted);
	else
		withhold_removals(&syncer->outcome);
	return 0;
}

/* ---- performing */

static void count_results(struct sync_outcome *outcome)
{
	for (size_t i = 0; i < outcome->changes.count; i++) {
		const struct change *change = &outcome->changes.items[i];
		if (change->result == 0)
			outcome->done[change->kind]++;
		else
			outcome->failed++;
	}
}

static bool is_filter_change(const struct change *change)
{
	return change->filter != NULL;
}

/* Why a pass ended early: at the first change that has no good answer. */
static void explain_end(struct sync_outcome *outcome, int e)
{
	const struct change *first = NULL;
	size_t refused = 0;
	for (size_t i = 0; i < outcome->changes.count && first == NULL; i++)
		if (outcome->changes.items[i].result != 0)
			first = &outcome->changes.items[i];
	outcome->filter_refused = first != NULL && is_filter_change(first);
	if (!outcome->filter_refused) {
		fault_set(&outcome->fault, NULL, "the conversation with the kernel broke off: %s",
		          strerror(-e));
		return;
	}
	for (size_t i = 0; i < outcome->changes.count; i++)
		refused +=
		        is_filter_change(&outcome->changes.items[i]) && outcome->changes.items[i].result != 0;
	fault_set(&outcome->fault, NULL, "the packet filter did not take %zu elements: %s%s%s", refused,
	          strerror(-e), first->detail ? ": " : "", first->detail ? first->detail : "");
}

static int perform(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	struct sync_outcome *outcome = &syncer->outcome;
	if (pass->performing == NULL) {
		syncer_record_wanted(syncer, &pass->wanted);
		pass->performing = kernel_performing_new(syncer->kernel, &outcome->changes, &syncer->memory);
	}
	int e = kernel_performing_go_on(pass->performing, deadline_ns);
	if (e == KERNEL_E_MORE)
		return SYNC_E_MORE;
	count_results(outcome);
	outcome->performed = e == 0;
	if (e)
		explain_end(outcome, e);
	return e;
}

static int expect_changes(struct syncer *syncer, int64_t deadline_ns)
{
	return syncer_expect_changes(syncer, deadline_ns) ? 0 : SYNC_E_MORE;
}

static int close_record(struct syncer *syncer, int64_t deadline_ns)
{
	(void)deadline_ns;
	syncer_record_removed(syncer, &syncer->outcome.changes);
	return 0;
}

/* ---- the pass */

typedef int (*stage)(struct syncer *syncer, int64_t deadline_ns);

static const stage whole_stages[] = {
        ensure, list_wanted, look_quickly, compare_with_wanted, read_kernel,  expect_present, look_at_wanted,
        extend, compare,     perform,      expect_changes,      close_record, note_drains,    NULL};
static const stage touched_stages[] = {look_at_touched, extend,       compare,     perform,
                                       expect_changes,  close_record, note_drains, NULL};
static const stage first_stages[] = {ensure,  look_at_touched, pass_over_if_served, compare,
                                     perform, expect_changes,  close_record,        NULL};
static const stage given_stages[] = {perform, expect_changes, close_record, NULL};

static const stage *const stages[] = {
        [SYNC_WHOLE] = whole_stages,
        [SYNC_TOUCHED] = touched_stages,
        [SYNC_FIRST] = first_stages,
        [SYNC_GIVEN] = given_stages,
};

void sync_begin(struct syncer *syncer, enum sync_kind kind, bool may_remove)
{
	sync_end(syncer);
	arena_reset(&syncer->memory);
	syncer->running = true;
	syncer->pass = (struct sync_pass){.kind = kind, .may_remove = may_remove};
	syncer->outcome = (struct sync_outcome){.whole = kind == SYNC_WHOLE};
}

void sync_begin_given(struct syncer *syncer, struct changes *changes)
{
	sync_begin(syncer, SYNC_GIVEN, true);
	syncer->outcome.changes = *changes;
	*changes = (struct changes){0};
}

int sync_go_on(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	for (const stage *todo = stages[pass->kind]; todo[pass->stage] != NULL;) {
		int e = todo[pass->stage](syncer, deadline_ns);
		if (e)
			return e;
		pass->stage++;
		if (todo[pass->stage] != NULL && deadline_over(deadline_ns))
			return SYNC_E_MORE;
	}
	return 0;
}

void sync_end(struct syncer *syncer)
{
	struct sync_pass *pass = &syncer->pass;
	if (!syncer->running)
		return;
	syncer->running = false;
	syncer_expect_end(syncer);
	kernel_survey_free(pass->survey);
	kernel_reading_free(pass->reading);
	ledger_listing_free(pass->listing);
	difference_free(pass->difference);
	kernel_performing_free(pass->performing);
	if (syncer->outcome.performed && pass->kind != SYNC_GIVEN)
		ledger_settle(syncer->planner->ledger);
	vector_done(&syncer->outcome.changes);
	arena_done(&syncer->memory);
	/* Everything was in memory twice. Without this, what lies between is kept until the next time. */
	if (syncer->outcome.whole)
		malloc_trim(0);
}

/* ---- in one go */

static int run(struct syncer *syncer, enum sync_kind kind, bool may_remove, struct sync_outcome *ret_outcome)
{
	sync_begin(syncer, kind, may_remove);
	int e = sync_go_on(syncer, NO_DEADLINE);
	*ret_outcome = syncer->outcome;
	return e;
}

int sync_whole(struct syncer *syncer, bool may_remove, struct sync_outcome *ret_outcome)
{
	return run(syncer, SYNC_WHOLE, may_remove, ret_outcome);
}

int sync_touched(struct syncer *syncer, struct sync_outcome *ret_outcome)
{
	return run(syncer, SYNC_TOUCHED, true, ret_outcome);
}

void sync_done(struct syncer *syncer, struct sync_outcome *outcome)
{
	sync_end(syncer);
	outcome->changes = syncer->outcome.changes;
}
