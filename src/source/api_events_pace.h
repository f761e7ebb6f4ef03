/*
 * How fast Events are tried again: for tests, which are in a hurry.
 */
#ifndef KUBE_IPVS_SOURCE_API_EVENTS_PACE_H
#define KUBE_IPVS_SOURCE_API_EVENTS_PACE_H

#include "source/api_events.h"

/* As backoff_init. */
void api_events_set_pace(struct api_events *events, int64_t first_ms, int64_t most_ms);

#endif
