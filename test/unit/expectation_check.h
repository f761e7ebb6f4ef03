/*
 * Whoever looks quickly finds what is expected, as long as nobody else changed the kernel.
 */
#ifndef KUBE_IPVS_TEST_EXPECTATION_CHECK_H
#define KUBE_IPVS_TEST_EXPECTATION_CHECK_H

#include "syncer.h"

#include "support.h"

#include "base/check.h"

/* What is expected otherwise than the kernel has it; NULL: nothing, or it is not known what is expected. */
static inline const char *expected_otherwise(const struct syncer *syncer)
{
	const struct kernel_sums *expected = &syncer->expectation.sums;
	struct arena arena = {0};
	struct state state;
	struct kernel_sums sums;
	if (!syncer->expectation.known)
		return NULL;
	CHECK(kernel_read(syncer->kernel, &arena, &state, NULL) == 0);
	kernel_sums_of(&state, &sums);
	arena_done(&arena);
	return sums.ipvs != expected->ipvs       ? "virtual servers"
	       : sums.held != expected->held     ? "addresses"
	       : sums.filter != expected->filter ? "elements"
	                                         : NULL;
}

static inline void expectation_must_be_the_kernel(const struct syncer *syncer)
{
	const char *what = expected_otherwise(syncer);
	ck_assert_msg(!what, "other %s are expected than there are", what);
}

#endif
