/*
 * A kernel whose IPVS and rtnetlink are the fake's, and whose packet filter is this machine's own, in a network namespace
 * of the test's: so that the filter can be tested where there is no IPVS. What travels to and from nf_tables is counted,
 * and can be spoiled.
 */
#ifndef KUBE_IPVS_TEST_UNIT_APPLY_FILTER_KERNEL_H
#define KUBE_IPVS_TEST_UNIT_APPLY_FILTER_KERNEL_H

#include "apply/kernel.h"
#include "apply/transport.h"
#include "fake_kernel.h"

struct filter_kernel {
	struct fake_kernel fake;
	struct kernel_transport transport;
	size_t transactions; /* so far */
	size_t datagrams;    /* from nf_tables, so far */
	size_t dumps;
	/* What happens to the datagram of this number, counted from 1 (0: none): as fake_kernel.h has it. */
	size_t spoil_at;
	enum fake_spoiling spoiling;
	int open_error;           /* of every socket for nf_tables */
	size_t interrupted_dumps; /* so many are flagged as interrupted */
	struct kernel *kernel;
};

/* In a fresh network namespace, with the filter in use, but not yet in place. */
void filter_kernel_init(struct filter_kernel *machine);
void filter_kernel_done(struct filter_kernel *machine);
/* The rules that it uses. */
const char *filter_kernel_rules(void);

/* Runs a shell command, which must succeed; returns what it printed, to be freed. */
char *output_of(const char *command);

#endif
