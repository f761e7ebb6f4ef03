#include "syncer.h"

enum { STEP = 64 }; /* entries of each table, or changes, between two looks at the clock */

void syncer_expect_begin(struct syncer *syncer)
{
	struct expectation *read = &syncer->pass.read;
	*read = (struct expectation){0};
	read->foreign_known = kernel_foreign_transactions(syncer->kernel, &read->foreign) == 0;
}

static size_t rest(size_t count, size_t at)
{
	return count <= at ? 0 : count - at < STEP ? count - at : STEP;
}

/* Some entries of each of its tables. */
static struct state part_of(const struct state *state, size_t at)
{
	struct state part = {.virtual_server_count = rest(state->virtual_server_count, at),
	                     .held_count = rest(state->held_count, at),
	                     .filter_count = rest(state->filter_count, at)};
	if (part.virtual_server_count > 0)
		part.virtual_servers = state->virtual_servers + at;
	if (part.held_count > 0)
		part.held = state->held + at;
	if (part.filter_count > 0)
		part.filter = state->filter + at;
	return part;
}

static bool is_empty(const struct state *state)
{
	return state->virtual_server_count + state->held_count + state->filter_count == 0;
}

bool syncer_expect_read(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	struct expectation *read = &pass->read;
	struct state part = part_of(&pass->present, pass->summed);
	if (pass->summed == 0)
		read->sums = (struct kernel_sums){0};
	while (!is_empty(&part)) {
		struct kernel_sums sums;
		kernel_sums_of(&part, &sums);
		read->sums.ipvs += sums.ipvs;
		read->sums.held += sums.held;
		read->sums.filter += sums.filter;
		pass->summed += STEP;
		part = part_of(&pass->present, pass->summed);
		if (deadline_over(deadline_ns))
			return false;
	}
	pass->summed = 0;
	read->ipv6 = state_has_ipv6(&pass->present);
	read->known = true;
	return true;
}

bool syncer_expect_changes(struct syncer *syncer, int64_t deadline_ns)
{
	struct sync_pass *pass = &syncer->pass;
	const struct changes *changes = &syncer->outcome.changes;
	struct expectation *expectation = &syncer->expectation;
	if (pass->expected == 0) {
		if (pass->read.known)
			*expectation = pass->read;
		expectation->ipv6 |= state_has_ipv6(&pass->wanted);
	}
	while (pass->expected < changes->count && expectation->known) {
		kernel_sums_change(&expectation->sums, &changes->items[pass->expected]);
		if (++pass->expected % STEP == 0 && deadline_over(deadline_ns))
			return false;
	}
	pass->all_expected = true;
	return true;
}

void syncer_expect_end(struct syncer *syncer)
{
	const struct sync_pass *pass = &syncer->pass;
	/* Of a part that broke off nobody knows how far it came. */
	if (pass->performing != NULL && !pass->all_expected)
		syncer->expectation.known = false;
}
