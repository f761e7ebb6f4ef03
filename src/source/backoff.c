#include "backoff.h"

void backoff_init(struct backoff *backoff, int64_t first_ms, int64_t most_ms)
{
	*backoff = (struct backoff){
	        .first_ms = first_ms ? first_ms : BACKOFF_FIRST_MS,
	        .most_ms = most_ms ? most_ms : BACKOFF_MOST_MS,
	};
}

int64_t backoff_wait(struct backoff *backoff, int64_t now_ms, uint32_t chance, int64_t asked_ms)
{
	if (!backoff->bound_ms || now_ms - backoff->last_failed_ms >= BACKOFF_RESET_MS)
		backoff->bound_ms = backoff->first_ms;
	if (backoff->bound_ms > backoff->most_ms)
		backoff->bound_ms = backoff->most_ms;
	int64_t wait_ms = (int64_t)(chance % (uint64_t)(backoff->bound_ms + 1));
	backoff->bound_ms = 2 * backoff->bound_ms;
	/* What a server asks for is waited for too: a long wait is no health. */
	backoff->last_failed_ms = now_ms + wait_ms + asked_ms;
	return wait_ms + asked_ms;
}
