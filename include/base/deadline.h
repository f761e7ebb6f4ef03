/*
 * Until when a piece of work may go on before others get their turn.
 *
 * Work in slices does at least one step each time, so a deadline that has passed gives the smallest slices.
 */
#ifndef KUBE_IPVS_BASE_DEADLINE_H
#define KUBE_IPVS_BASE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NO_DEADLINE INT64_MAX

static inline int64_t deadline_clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline bool deadline_over(int64_t deadline_ns)
{
	return deadline_ns != NO_DEADLINE && deadline_clock_ns() >= deadline_ns;
}

#endif
