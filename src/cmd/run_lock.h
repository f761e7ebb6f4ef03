/*
 * The lock in the run directory: one daemon, or one cleaning, at a time on a node.
 *
 * What holds is flock(2) on the file "lock": it ends with its process, however that ends. What the file says, "PID\n", is
 * for people and for `status`; nobody decides by it, for it may be left over, or count as another container does.
 */
#ifndef KUBE_IPVS_CMD_RUN_LOCK_H
#define KUBE_IPVS_CMD_RUN_LOCK_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>

#define RUN_LOCK_FILE "lock"

/*
 * Takes DIRECTORY/lock, making the file, and notes this process in it; *ret_lock is closed to let go. -EBUSY, with a
 * sentence that says who holds it and since when; -ENOENT: there is no such directory; else another negative errno, all with
 * a sentence. `proc` is "/proc", or a test's directory.
 */
int run_lock_take(const char *directory, const char *proc, int *ret_lock, struct fault *fault);

struct run_lock_holder {
	int pid;           /* as the kernel tells it; 0: a process that cannot be seen from here */
	int noted_pid;     /* as the file tells it; 0: it does not */
	int64_t since;     /* seconds since the epoch */
	char command[128]; /* with its arguments, cut; "": not to be found out */
};

/* Whether somebody holds it, and who. False also where there is no such file. */
bool run_lock_find(const char *directory, const char *proc, struct run_lock_holder *ret_holder);

#endif
