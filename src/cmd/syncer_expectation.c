#include "syncer.h"

void syncer_expect_begin(struct syncer *syncer)
{
	struct expectation *read = &syncer->pass.read;
	*read = (struct expectation){0};
	read->foreign_known = kernel_foreign_transactions(syncer->kernel, &read->foreign) == 0;
}

void syncer_expect_read(struct syncer *syncer)
{
	struct expectation *read = &syncer->pass.read;
	kernel_sums_of(&syncer->pass.present, &read->sums);
	read->ipv6 = state_has_ipv6(&syncer->pass.present);
	read->known = true;
}

void syncer_expect_end(struct syncer *syncer)
{
	const struct sync_pass *pass = &syncer->pass;
	const struct changes *changes = &syncer->outcome.changes;
	struct expectation *expectation = &syncer->expectation;
	if (pass->performing == NULL)
		return; /* nothing was changed */
	if (pass->read.known)
		*expectation = pass->read;
	/* Of a part that broke off nobody knows how far it came. */
	expectation->known &= syncer->outcome.performed;
	expectation->ipv6 |= state_has_ipv6(&pass->wanted);
	for (size_t i = 0; i < changes->count && expectation->known; i++)
		kernel_sums_change(&expectation->sums, &changes->items[i]);
}
