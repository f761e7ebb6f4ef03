#include "syncer.h"

#include "apply/record.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

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
	int e = record_read(run_directory, &syncer->pass, &keys, &count, ret_unreadable_lines);
	for (size_t i = 0; i < count; i++)
		vector_push(&syncer->record, keys[i]);
	return e;
}

void syncer_done(struct syncer *syncer)
{
	kernel_close(syncer->kernel);
	syncer->kernel = NULL;
	vector_done(&syncer->record);
	arena_done(&syncer->pass);
}

void sync_done(struct syncer *syncer, struct sync_outcome *outcome)
{
	if (outcome->performed)
		ledger_settle(syncer->planner->ledger);
	vector_done(&outcome->changes);
	arena_done(&syncer->pass);
	/* Everything was in memory twice. Without this, what lies between is kept until the next time. */
	if (outcome->whole)
		malloc_trim(0);
}

static bool record_add(struct syncer *syncer, const struct virtual_server_key *key)
{
	bool found;
	size_t at = virtual_server_key_place(syncer->record.items, syncer->record.count, key, &found);
	if (found)
		return false;
	vector_push(&syncer->record, *key);
	struct virtual_server_key *items = syncer->record.items;
	memmove(&items[at + 1], &items[at], (syncer->record.count - 1 - at) * sizeof(*items));
	items[at] = *key;
	return true;
}

static bool record_drop(struct syncer *syncer, const struct virtual_server_key *key)
{
	bool found;
	size_t at = virtual_server_key_place(syncer->record.items, syncer->record.count, key, &found);
	if (!found)
		return false;
	struct virtual_server_key *items = syncer->record.items;
	memmove(&items[at], &items[at + 1], (syncer->record.count - 1 - at) * sizeof(*items));
	syncer->record.count--;
	return true;
}

/* Ours by nothing that can be read back: an address of the node itself, or one that is excluded from removal
 * (Q-38). */
static bool needs_record(const struct syncer *syncer, const struct address *address)
{
	return cidrs_contain(syncer->excluded, syncer->excluded_count, address) ||
	       node_view_has(&syncer->planner->view, address);
}

/* What could not be written stays to be written. */
static int record_save(struct syncer *syncer, bool changed, struct sync_outcome *outcome)
{
	syncer->record_unsaved |= changed;
	if (!syncer->record_unsaved)
		return 0;
	int e = record_write(syncer->run_directory, syncer->record.items, syncer->record.count,
	                     &outcome->fault);
	syncer->record_unsaved = e != 0;
	return e;
}

static int record_before(struct syncer *syncer, const struct state *wanted, struct sync_outcome *outcome)
{
	bool changed = false;
	for (size_t i = 0; i < wanted->virtual_server_count; i++) {
		const struct virtual_server_key *key = &wanted->virtual_servers[i].key;
		if (needs_record(syncer, &key->address))
			changed |= record_add(syncer, key);
	}
	return record_save(syncer, changed, outcome);
}

static int record_after(struct syncer *syncer, struct sync_outcome *outcome)
{
	bool changed = false;
	for (size_t i = 0; i < outcome->changes.count; i++) {
		const struct change *change = &outcome->changes.items[i];
		if (change->kind == CHANGE_VIRTUAL_SERVER_REMOVE && change->result == 0)
			changed |= record_drop(syncer, &change->virtual_server->key);
	}
	return record_save(syncer, changed, outcome);
}

/* What the record names, nobody wants and the kernel does not hold. */
static bool record_forget_absent(struct syncer *syncer, const struct state *present,
                                 const struct state *wanted)
{
	size_t kept = 0;
	for (size_t i = 0; i < syncer->record.count; i++) {
		const struct virtual_server_key *key = &syncer->record.items[i];
		if (state_find_virtual_server(present, key) || state_find_virtual_server(wanted, key))
			syncer->record.items[kept++] = *key;
	}
	bool changed = kept != syncer->record.count;
	syncer->record.count = kept;
	return changed;
}

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

static int perform(struct syncer *syncer, const struct state *wanted, struct sync_outcome *outcome)
{
	int e = record_before(syncer, wanted, outcome);
	if (e)
		return e;
	e = kernel_perform(syncer->kernel, &outcome->changes, &syncer->pass);
	count_results(outcome);
	if (e) {
		explain_end(outcome, e);
		return e;
	}
	outcome->performed = true;
	return record_after(syncer, outcome);
}

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

static void count_wanted(const struct state *wanted, struct sync_outcome *outcome)
{
	outcome->virtual_servers = wanted->virtual_server_count;
	outcome->addresses = wanted->held_count;
	for (size_t i = 0; i < wanted->virtual_server_count; i++)
		outcome->real_servers += wanted->virtual_servers[i].real_server_count;
}

static int ensure_filter(struct syncer *syncer, struct sync_outcome *outcome)
{
	int e = kernel_ensure_filter(syncer->kernel, &outcome->filter_repaired, &outcome->fault);
	outcome->filter_refused = e != 0;
	return e;
}

int sync_whole(struct syncer *syncer, bool may_remove, struct sync_outcome *ret_outcome)
{
	struct state present, wanted;
	arena_reset(&syncer->pass);
	*ret_outcome = (struct sync_outcome){.whole = true};
	int e = kernel_ensure_dummy(syncer->kernel, &ret_outcome->fault);
	if (e == 0)
		e = ensure_filter(syncer, ret_outcome);
	if (e == 0)
		e = kernel_read(syncer->kernel, &syncer->pass, &present, &ret_outcome->fault);
	if (e)
		return e;
	ledger_wanted(syncer->planner->ledger, &syncer->pass, &wanted);
	count_wanted(&wanted, ret_outcome);
	struct removal_rules rules = {.recorded = syncer->record.items,
	                              .recorded_count = syncer->record.count,
	                              .excluded = syncer->excluded,
	                              .excluded_count = syncer->excluded_count,
	                              .order_seed = order_seed(syncer->planner->node_name)};
	diff_build(&present, &wanted, &rules, &ret_outcome->changes);
	if (!may_remove)
		withhold_removals(ret_outcome);
	else
		e = record_save(syncer, record_forget_absent(syncer, &present, &wanted), ret_outcome);
	return e ? e : perform(syncer, &wanted, ret_outcome);
}

int sync_touched(struct syncer *syncer, struct sync_outcome *ret_outcome)
{
	struct state before, now;
	arena_reset(&syncer->pass);
	*ret_outcome = (struct sync_outcome){.whole = false};
	ledger_touched(syncer->planner->ledger, &syncer->pass, &before, &now);
	struct removal_rules rules = {.all_ours = true, .order_seed = order_seed(syncer->planner->node_name)};
	diff_build(&before, &now, &rules, &ret_outcome->changes);
	return perform(syncer, &now, ret_outcome);
}
