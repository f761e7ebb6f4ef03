/*
 * A token bucket: so many requests a second, and so many at once (R1.9). Times are the caller's, in milliseconds.
 */
#ifndef KUBE_IPVS_SOURCE_RATE_LIMIT_H
#define KUBE_IPVS_SOURCE_RATE_LIMIT_H

#include <stdint.h>

struct rate_limit {
	double per_second; /* 0: without limit */
	double burst;
	double tokens;
	int64_t filled_ms;
};

/* The bucket is full at first. A burst of 0 counts as 1. */
void rate_limit_init(struct rate_limit *limit, double per_second, uint32_t burst, int64_t now_ms);
/* Takes one and returns 0; else how many milliseconds to wait before asking again, at least 1. */
int64_t rate_limit_take(struct rate_limit *limit, int64_t now_ms);

#endif
