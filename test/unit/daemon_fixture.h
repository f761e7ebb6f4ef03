/*
 * A daemon over a fake kernel, without sources and without listening: one at a time, with a directory of its own.
 */
#ifndef KUBE_IPVS_TEST_DAEMON_FIXTURE_H
#define KUBE_IPVS_TEST_DAEMON_FIXTURE_H

#include "daemon_private.h"

#include "fake_kernel.h"
#include "test_directory.h"

extern struct fake_kernel fake; /* knows the scheduler rr */
extern struct daemon proxy;
/* For manifests and records; "log" in it has what the daemon says. */
extern char directory[TEST_DIRECTORY_SIZE];

/* A path in the directory, valid until the next call. */
const char *in_directory(const char *name);

/* Messages above `most` are not said. */
void daemon_fixture_init(enum log_level most);
void daemon_fixture_done(void);

/* `flags`, with NULL at the end, go beside those that every such daemon has. */
void daemon_fixture_start(const char *const *flags);
void daemon_fixture_stop(void);

#endif
