#include "machine.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IDLE_TRIES = 600, IDLE_LOOK_US = 100000 };

int64_t machine_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* False: this machine's kernel does not say. */
static bool processor_times(unsigned long long *ret_idle, unsigned long long *ret_all)
{
	unsigned long long times[8] = {0};
	FILE *file = fopen("/proc/stat", "re");
	int got = 0;
	if (file) {
		got = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &times[0], &times[1],
		             &times[2], &times[3], &times[4], &times[5], &times[6], &times[7]);
		fclose(file);
	}
	*ret_idle = times[3] + times[4];
	*ret_all = 0;
	for (int i = 0; i < 8; i++)
		*ret_all += times[i];
	return got == 8;
}

void machine_wait_until_idle(void)
{
	unsigned long long idle, all, idle_then, all_then;
	for (int i = 0; i < IDLE_TRIES && processor_times(&idle, &all); i++) {
		usleep(IDLE_LOOK_US);
		processor_times(&idle_then, &all_then);
		if ((idle_then - idle) * 10 >= (all_then - all) * 9)
			return;
	}
}

int machine_enter_network(void)
{
	struct ifreq loopback = {.ifr_flags = IFF_UP};
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	strcpy(loopback.ifr_name, "lo");
	int error = ioctl(fd, SIOCSIFFLAGS, &loopback) < 0 ? -errno : 0;
	close(fd);
	return error;
}
