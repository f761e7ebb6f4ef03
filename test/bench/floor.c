/*
 * Programming many Services into the kernel, beside the floor: the same messages, built before, and only sent.
 *
 *     bench-floor [SERVICES [REAL-SERVERS [RUNS]]]
 *
 * Both sides take turns, each time in a process and a network namespace of their own, and each waits until the
 * machine is idle: the kernel clears the namespace before in the background, and its table of virtual servers
 * is shared by all. The messages come from the same code: a first round performs the changes over a transport
 * that keeps them and acknowledges them itself.
 */
#include "apply/kernel.h"
#include "machine.h"
#include "message_keeper.h"
#include "plan/diff.h"
#include "sketch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DUMMY "kube-ipvs0"

enum { MOST_RUNS = 99, RATIO_LIMIT = 2 };

static void fail(const char *what, int error)
{
	fprintf(stderr, "bench-floor: %s: %s\n", what, strerror(-error));
	exit(EXIT_FAILURE);
}

static double seconds_since(int64_t began_ns)
{
	return (double)(machine_now_ns() - began_ns) / 1e9;
}

static struct state build_wanted(struct arena *arena, size_t services, size_t reals)
{
	struct virtual_server *servers = arena_new_array(arena, services, struct virtual_server);
	struct address *held = arena_new_array(arena, services, struct address);
	for (size_t i = 0; i < services; i++) {
		sketch_virtual_server((uint32_t)i, reals, arena, &servers[i]);
		held[i] = servers[i].key.address;
	}
	return (struct state){.virtual_servers = servers,
	                      .virtual_server_count = services,
	                      .held = held,
	                      .held_count = services};
}

/* ---- the two sides */

struct side {
	struct arena arena;
	struct kernel *kernel;
	struct state wanted;
};

/* A fresh network namespace with the dummy interface, rr loaded, and the wanted state. */
static void prepare(struct side *side, const struct kernel_transport *transport, size_t services,
                    size_t reals)
{
	struct fault fault = {0};
	int error = machine_enter_network();
	if (error)
		fail("a network namespace", error);
	error = kernel_open(DUMMY, true, transport, &side->kernel, &fault);
	if (!error)
		error = kernel_ensure_dummy(side->kernel, &fault);
	if (error)
		fail(fault.sentence, error);
	side->wanted = build_wanted(&side->arena, services, reals);
}

static void perform(struct side *side, struct changes *changes)
{
	const struct state nothing = {0};
	const struct removal_rules rules = {.all_ours = true, .order_seed = order_seed("node-1")};
	diff_build(&nothing, &side->wanted, &rules, changes);
	int error = kernel_perform(side->kernel, changes, &side->arena);
	if (error)
		fail("performing", error);
}

static void all_must_have_worked(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].result)
			fail("a change", changes->items[i].result);
}

static double run_floor(size_t services, size_t reals)
{
	struct message_keeper keeper = {0};
	const struct kernel_transport transport = message_keeper_transport(&keeper);
	struct message_sender sender;
	struct side side = {0};
	struct changes changes = {0};
	prepare(&side, &transport, services, reals);
	keeper.keeping = true;
	perform(&side, &changes);
	message_sender_open(&sender);
	int64_t began = machine_now_ns();
	vector_for_each (&keeper.batches, batch)
		message_sender_send(&sender, batch);
	return seconds_since(began);
}

static double run_ours(size_t services, size_t reals)
{
	struct side side = {0};
	struct changes changes = {0};
	prepare(&side, NULL, services, reals);
	int64_t began = machine_now_ns();
	perform(&side, &changes);
	double seconds = seconds_since(began);
	all_must_have_worked(&changes);
	return seconds;
}

/* How long it takes to read everything back, and whether it is what was wanted. */
static double run_read(size_t services, size_t reals)
{
	const struct removal_rules rules = {.all_ours = true};
	struct side side = {0};
	struct changes changes = {0}, rest = {0};
	struct state present;
	prepare(&side, NULL, services, reals);
	perform(&side, &changes);
	int64_t began = machine_now_ns();
	int error = kernel_read(side.kernel, &side.arena, &present, NULL);
	double seconds = seconds_since(began);
	if (error)
		fail("reading", error);
	diff_build(&present, &side.wanted, &rules, &rest);
	if (rest.count)
		fail("what was read is not what was wanted", -EIO);
	return seconds;
}

/* ---- taking turns */

typedef double (*side_function)(size_t services, size_t reals);

/* In a process of its own, whose end gives the namespace back. */
static double take_turn(side_function run, size_t services, size_t reals)
{
	int ends[2], status;
	double seconds;
	machine_wait_until_idle();
	if (pipe(ends) < 0)
		fail("a pipe", -errno);
	pid_t process = fork();
	if (process < 0)
		fail("a process", -errno);
	if (process == 0) {
		seconds = run(services, reals);
		_exit(write(ends[1], &seconds, sizeof(seconds)) == sizeof(seconds) ? 0 : 1);
	}
	close(ends[1]);
	if (read(ends[0], &seconds, sizeof(seconds)) != sizeof(seconds))
		exit(EXIT_FAILURE);
	close(ends[0]);
	waitpid(process, &status, 0);
	return seconds;
}

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

static size_t number(int argc, char **argv, int index, size_t otherwise, size_t most)
{
	size_t value = argc > index ? strtoul(argv[index], NULL, 10) : otherwise;
	if (value < 1 || value > most) {
		fprintf(stderr, "usage: bench-floor [SERVICES [REAL-SERVERS [RUNS]]]\n");
		exit(EXIT_FAILURE);
	}
	return value;
}

int main(int argc, char **argv)
{
	size_t services = number(argc, argv, 1, 10000, 1000000), reals = number(argc, argv, 2, 10, 1000);
	size_t runs = number(argc, argv, 3, 3, MOST_RUNS), messages = services * (reals + 2);
	double floor[MOST_RUNS], ours[MOST_RUNS];
	for (size_t i = 0; i < runs; i++) {
		if (i % 2 == 0)
			floor[i] = take_turn(run_floor, services, reals);
		ours[i] = take_turn(run_ours, services, reals);
		if (i % 2 == 1)
			floor[i] = take_turn(run_floor, services, reals);
		printf("run %zu: floor %.3f s, diff and perform %.3f s\n", i + 1, floor[i], ours[i]);
		fflush(stdout);
	}
	double read_seconds = take_turn(run_read, services, reals);
	double floor_median = median(floor, runs), our_median = median(ours, runs);
	double ratio = our_median / floor_median;
	printf("%zu Services with %zu real servers each, %zu messages, medians of %zu runs\n", services,
	       reals, messages, runs);
	printf("%-40s %8.3f s  %6.1f us a message\n", "floor: the messages prebuilt, only sent", floor_median,
	       floor_median / (double)messages * 1e6);
	printf("%-40s %8.3f s  %6.1f us a message\n", "diff_build and kernel_perform", our_median,
	       our_median / (double)messages * 1e6);
	printf("%-40s %8.2f    (at most %d.00)\n", "ratio", ratio, RATIO_LIMIT);
	printf("%-40s %8.3f s\n", "reading it all back", read_seconds);
	return ratio <= RATIO_LIMIT ? EXIT_SUCCESS : EXIT_FAILURE;
}
