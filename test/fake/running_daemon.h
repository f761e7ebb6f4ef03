/*
 * A daemon that a program of the tests runs: started, listened to, watched and killed.
 *
 * Its log is read from a pipe on the caller's event base, so that the time of each line is known exactly; and kept in a
 * file if one is named.
 */
#ifndef KUBE_IPVS_TEST_FAKE_RUNNING_DAEMON_H
#define KUBE_IPVS_TEST_FAKE_RUNNING_DAEMON_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct event;
struct event_base;

struct running_daemon {
	struct event_base *base; /* borrowed; to be set, as are the two below, before the first start */
	void (*said)(void *context, const char *line, int64_t at_ns); /* may be NULL */
	void *context;
	FILE *log; /* borrowed; NULL: not kept */
	/* Below is its own. All zero: not running. */
	pid_t process;
	int pipe;
	struct event *readable;
	struct text line;
};

/* `arguments` end with NULL; the first is found on the PATH. */
void running_daemon_start(struct running_daemon *daemon, const char *const *arguments);
/* Sends the signal, waits, and reads what it said until its end. Its status as of wait(2). */
int running_daemon_end(struct running_daemon *daemon, int signal);

/* Numbers of /proc. -1: it has none, because it runs no more. */
int64_t running_daemon_cpu_ns(const struct running_daemon *daemon);
long running_daemon_kib(const struct running_daemon *daemon, const char *field); /* of status: "VmRSS" */
long running_daemon_descriptors(const struct running_daemon *daemon);

/* Runs the loop for so long. */
void loop_for_ms(struct event_base *base, int ms);
/* Runs the loop until `*until` is true, at most so long. False: it did not come true. */
bool loop_until(struct event_base *base, const bool *until, int seconds);
bool loop_until_ns(struct event_base *base, const bool *until, int64_t ns);

#endif
