/*
 * Whoever looks quickly finds what is expected, as long as nobody else changed the kernel.
 */
#ifndef KUBE_IPVS_TEST_EXPECTATION_CHECK_H
#define KUBE_IPVS_TEST_EXPECTATION_CHECK_H

#include "syncer.h"

#include "support.h"

/* What is expected may be unknown; what is known must be so. */
static inline void expectation_must_be_the_kernel(const struct syncer *syncer)
{
	struct arena arena = {0};
	struct state state;
	struct kernel_sums sums;
	if (!syncer->expectation.known)
		return;
	ck_assert_int_eq(kernel_read(syncer->kernel, &arena, &state, NULL), 0);
	kernel_sums_of(&state, &sums);
	ck_assert_uint_eq(syncer->expectation.sums.ipvs, sums.ipvs);
	ck_assert_uint_eq(syncer->expectation.sums.held, sums.held);
	ck_assert_uint_eq(syncer->expectation.sums.filter, sums.filter);
	arena_done(&arena);
}

#endif
