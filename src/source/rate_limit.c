#include "rate_limit.h"

void rate_limit_init(struct rate_limit *limit, double per_second, uint32_t burst, int64_t now_ms)
{
	*limit = (struct rate_limit){
	        .per_second = per_second, .burst = burst ? burst : 1, .filled_ms = now_ms};
	limit->tokens = limit->burst;
}

int64_t rate_limit_take(struct rate_limit *limit, int64_t now_ms)
{
	if (limit->per_second <= 0)
		return 0;
	limit->tokens += (double)(now_ms - limit->filled_ms) / 1000 * limit->per_second;
	if (limit->tokens > limit->burst)
		limit->tokens = limit->burst;
	limit->filled_ms = now_ms;
	if (limit->tokens >= 1) {
		limit->tokens -= 1;
		return 0;
	}
	double wait_ms = (1 - limit->tokens) / limit->per_second * 1000;
	return wait_ms < 60000 ? (int64_t)wait_ms + 1 : 60000;
}
