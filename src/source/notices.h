/*
 * inotify on the event loop: notices are gathered until things come to rest, then somebody looks.
 *
 * A notice only says that something happened. After `quiet_ms` of silence, or `burst_ms` after the first notice of a
 * burst, `look` is called once for all of them.
 */
#ifndef KUBE_IPVS_SOURCE_NOTICES_H
#define KUBE_IPVS_SOURCE_NOTICES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/inotify.h>

struct event;
struct event_base;

struct notices {
	/* Filled in by the user. */
	int64_t quiet_ms, burst_ms;
	void *context;
	/* Whether this notice is one to look for. One that says that notices were lost always is. */
	bool (*concerns)(const void *context, const struct inotify_event *notice);
	/* May close the notices. */
	void (*look)(void *context);
	/* Below is the module's own; watches are added to and removed from `fd`. */
	int fd;
	struct event *readable;
	struct event *due;
	bool gathering;
	int64_t burst_began_ms;
};

/* 0 or a negative errno; close is due either way. */
int notices_open(struct notices *notices, struct event_base *base);
void notices_close(struct notices *notices); /* idempotent */
/* Looks after so long, whatever comes; a notice may bring it forward. Replaces an earlier time. */
void notices_look_in(struct notices *notices, int64_t delay_ms);

#endif
