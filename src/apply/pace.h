/*
 * How much to give the kernel at once, so that the daemon's loop has its turn soon: what the portions before took tells how
 * large the next should be.
 *
 * A part of the time may not depend on the size: for each transaction nf_tables walks its verdict maps, and libnftables
 * asks for all sets that there are. Smaller portions would only pay it more often. So the rest, which does, is never made
 * shorter than that part, and all portions together take twice the least at most.
 */
#ifndef KUBE_IPVS_APPLY_PACE_H
#define KUBE_IPVS_APPLY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace {
	size_t size; /* of the next portion */
	size_t least, most;
	int64_t wanted_ms; /* for each */
	bool has_fixed_part;

	/* Learnt. */
	size_t last_count;
	int64_t last_ns;
	int64_t each_ns; /* what one more takes; 0: not known yet */
};

/* A portion of `count` took so long. One that was smaller than asked for, as the last of many, is better not told. */
void pace_learn(struct pace *pace, size_t count, int64_t took_ns);

#endif
