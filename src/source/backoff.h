/*
 * How long to wait before trying again (R1.6): up to 0.8 s at first, then up to twice as long each time, at most up to
 * 30 s; the wait is drawn evenly from nothing up to that (full jitter), so that the nodes of a cluster do not come all
 * at once. Two minutes without a failure begin it anew.
 */
#ifndef KUBE_IPVS_SOURCE_BACKOFF_H
#define KUBE_IPVS_SOURCE_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 800
#define BACKOFF_MOST_MS  30000
#define BACKOFF_RESET_MS 120000

struct backoff {
	int64_t first_ms, most_ms;
	int64_t bound_ms;       /* of the next wait; 0: the first */
	int64_t last_failed_ms; /* on the caller's clock */
};

/* 0 for either takes the default. */
void backoff_init(struct backoff *backoff, int64_t first_ms, int64_t most_ms);
/*
 * Something failed at `now_ms`: how long to wait. `chance` is a random number of the caller. A server that says when
 * to come again (`asked_ms`, 0: it did not) is not asked earlier.
 */
int64_t backoff_wait(struct backoff *backoff, int64_t now_ms, uint32_t chance, int64_t asked_ms);

#endif
