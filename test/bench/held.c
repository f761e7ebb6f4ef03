/*
 * What holding an address costs when others are held already, in either way (kernel_hold_by_routes).
 *
 *     bench-held [NUMBER [MANY]]
 *
 * Adds MANY addresses of each family through kernel_perform, in parts of a hundredth, and shows how long it took in all,
 * for each of the last among NUMBER and among MANY, and to read and to remove them. Half of the addresses are IPv6. Each
 * way has a network namespace of its own. By routes, the last of MANY may not cost more than twice the last of NUMBER.
 */
#include "apply/kernel.h"
#include "plan/diff.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PARTS = 100, RATIO_LIMIT = 2 };

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void fail(const char *what, int error)
{
	fprintf(stderr, "bench-held: %s: %s\n", what, strerror(-error));
	exit(EXIT_FAILURE);
}

/* Every other one is of the other family: 10.96.0.0/12 and fd00:10:96::/108. */
static struct address numbered(size_t number)
{
	struct address four = {.family = FAMILY_IPV4, .bytes = {10, 96}};
	struct address six = {.family = FAMILY_IPV6, .bytes = {0xfd, 0, 0, 0x10, 0, 0x96}};
	struct address address = number % 2 ? six : four;
	uint8_t *end = address.bytes + family_bits(address.family) / 8;
	size_t value = number / 2 + 1;
	end[-1] = (uint8_t)value;
	end[-2] = (uint8_t)(value >> 8);
	end[-3] |= (uint8_t)(value >> 16);
	return address;
}

static double perform(struct kernel *kernel, enum change_kind kind, size_t from, size_t to)
{
	struct arena arena = {0};
	struct changes changes = {0};
	for (size_t i = from; i < to; i++)
		vector_push(&changes, (struct change){.kind = (uint8_t)kind, .address = numbered(i)});
	double began = now_ms();
	int error = kernel_perform(kernel, &changes, &arena);
	double took = now_ms() - began;
	for (size_t i = 0; i < changes.count && !error; i++)
		error = changes.items[i].result;
	if (error)
		fail("an address", error);
	vector_done(&changes);
	arena_done(&arena);
	return took;
}

/* Adds up to `count`; returns how long it took for each of the last hundredth, in us. */
static double add_until(struct kernel *kernel, size_t from, size_t count, double *total_ms)
{
	size_t part = count / PARTS ? count / PARTS : 1;
	double last = 0;
	for (size_t i = from; i < count; i += part) {
		size_t to = i + part < count ? i + part : count;
		double took = perform(kernel, CHANGE_ADDRESS_ADD, i, to);
		*total_ms += took;
		last = took * 1e3 / (double)(to - i);
	}
	return last;
}

static double read_all(struct kernel *kernel, size_t count)
{
	struct arena arena = {0};
	struct state state;
	struct fault fault = {0};
	double began = now_ms();
	int error = kernel_read(kernel, &arena, &state, &fault);
	double took = now_ms() - began;
	if (error)
		fail(fault.sentence, error);
	if (state.held_count != count)
		fail("not all are there", -ENOENT);
	arena_done(&arena);
	return took;
}

/* In a new namespace it is down, and IPv6 routes want it up. */
static void set_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		fail("lo", -errno);
	close(fd);
}

/* In a process of its own; the kernel's table of interfaces and routes goes with it. */
static int measure(bool by_routes, size_t number, size_t many)
{
	struct kernel *kernel;
	struct fault fault = {0};
	if (unshare(CLONE_NEWNET) != 0)
		fail("a network namespace", -errno);
	set_loopback_up();
	int error = kernel_open("kube-ipvs0", true, NULL, &kernel, &fault);
	if (error)
		fail(fault.sentence, error);
	if (by_routes)
		kernel_hold_by_routes(kernel);
	error = kernel_ensure_dummy(kernel, &fault);
	if (error)
		fail(fault.sentence, error);
	double total = 0, few_last = add_until(kernel, 0, number, &total), few = total;
	double many_last = add_until(kernel, number, many, &total);
	double read = read_all(kernel, many);
	double removal = perform(kernel, CHANGE_ADDRESS_REMOVE, 0, many);
	printf("%-9s %10.0f %10.0f %12.1f %12.1f %8.2f %9.0f %9.0f\n", by_routes ? "route" : "address", few,
	       total, few_last, many_last, many_last / few_last, read, removal);
	kernel_close(kernel);
	return by_routes && many_last > RATIO_LIMIT * few_last ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int measure_apart(bool by_routes, size_t number, size_t many)
{
	int status;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		status = measure(by_routes, number, many);
		fflush(stdout);
		_exit(status);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static size_t argument(int argc, char **argv, int at, size_t standard)
{
	size_t value = argc > at ? strtoul(argv[at], NULL, 10) : standard;
	if (value == 0 || value >= 1 << 21) {
		fprintf(stderr, "usage: bench-held [NUMBER [MANY]]\n");
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	size_t number = argument(argc, argv, 1, 1000), many = argument(argc, argv, 2, 10000);
	printf("holding addresses, IPv4 and IPv6 by turns: ms in all, us for each of the last hundredth\n");
	printf("%-9s %7zu ms %7zu ms %9s us %9s us %8s %9s %9s\n", "way", number, many, "last few",
	       "last many", "ratio", "read ms", "remove ms");
	int first = measure_apart(false, number, many);
	return measure_apart(true, number, many) | first;
}
