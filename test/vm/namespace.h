/*
 * Going into network namespaces, for the programs beside it. A socket belongs to the namespace it was made in, wherever its
 * process goes afterwards.
 */
#ifndef KUBE_IPVS_TEST_NAMESPACE_H
#define KUBE_IPVS_TEST_NAMESPACE_H

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Goes into the namespace that `ip netns` knows by this name; "node" is that of process 1. Ends the process on failure. */
static inline void namespace_enter(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	int fd = open(strcmp(name, "node") == 0 ? "/proc/1/ns/net" : path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		err(1, "the network namespace %s", name);
	close(fd);
}

#endif
