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
#include "apply/transport.h"
#include "plan/diff.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DUMMY "kube-ipvs0"

enum { MOST_RUNS = 99, ANSWER_BYTES = 1 << 16, TIMEOUT_MS = 60000, IDLE_TRIES = 600, RATIO_LIMIT = 2 };

static void fail(const char *what, int error)
{
	fprintf(stderr, "bench-floor: %s: %s\n", what, strerror(-error));
	exit(EXIT_FAILURE);
}

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the wanted state: 10.96.0.0/12 has the Services, 10.0.0.0/9 their real servers */

static struct address numbered(uint32_t base, size_t number)
{
	uint32_t value = base + (uint32_t)number;
	return (struct address){.family = FAMILY_IPV4,
	                        .bytes = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
	                                  (uint8_t)(value >> 8), (uint8_t)value}};
}

static void build_virtual_server(struct arena *arena, size_t number, size_t reals,
                                 struct virtual_server *server)
{
	struct real_server *items = arena_new_array(arena, reals, struct real_server);
	for (size_t i = 0; i < reals; i++)
		items[i] = (struct real_server){
		        .address = numbered(0x0a800000, number * reals + i), .port = 8080, .weight = 1};
	*server = (struct virtual_server){
	        .key = {.address = numbered(0x0a600001, number), .protocol = PROTOCOL_TCP, .port = 80},
	        .scheduler = "rr",
	        .netmask_bits = 32,
	        .rank = RANK_OTHER,
	        .real_servers = items,
	        .real_server_count = reals,
	};
}

static struct state build_wanted(struct arena *arena, size_t services, size_t reals)
{
	struct virtual_server *servers = arena_new_array(arena, services, struct virtual_server);
	struct address *held = arena_new_array(arena, services, struct address);
	for (size_t i = 0; i < services; i++) {
		build_virtual_server(arena, i, reals, &servers[i]);
		held[i] = servers[i].key.address;
	}
	return (struct state){.virtual_servers = servers,
	                      .virtual_server_count = services,
	                      .held = held,
	                      .held_count = services};
}

/* ---- a transport that keeps the changes */

struct kept_batch {
	int protocol;
	char *bytes;
	size_t length;
};

struct keeper {
	vector_of(struct kept_batch) batches;
};

struct keeper_socket {
	int protocol;
	void *real;
	uint32_t unanswered; /* sequence number of the last message of a kept batch; 0: none */
};

static int keeper_open(void *context, int protocol, void **ret_socket)
{
	struct keeper_socket *socket = calloc(1, sizeof(*socket));
	(void)context;
	if (!socket)
		return -ENOMEM;
	socket->protocol = protocol;
	*ret_socket = socket;
	return kernel_transport_real.open(NULL, protocol, &socket->real);
}

static void keeper_close(void *context, void *opened)
{
	struct keeper_socket *socket = opened;
	(void)context;
	kernel_transport_real.close(NULL, socket->real);
	free(socket);
}

/* Everything that grows the state; not the questions before, which the real kernel has to answer. */
static bool is_change(const struct nlmsghdr *message)
{
	enum { NEW_SERVICE = 1, NEW_DEST = 5 };
	if (message->nlmsg_type == RTM_NEWADDR)
		return true;
	if (message->nlmsg_type < NLMSG_MIN_TYPE + 1 || message->nlmsg_type >= RTM_BASE + 0x100)
		return false;
	const struct genlmsghdr *header = NLMSG_DATA(message);
	return header->cmd == NEW_SERVICE || header->cmd == NEW_DEST;
}

static uint32_t last_sequence(const char *bytes, size_t length)
{
	uint32_t sequence = 0;
	for (size_t at = 0; at < length;) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(bytes + at);
		sequence = message->nlmsg_seq;
		at += NLMSG_ALIGN(message->nlmsg_len);
	}
	return sequence;
}

static int keeper_send(void *context, void *opened, const void *messages, size_t length)
{
	struct keeper *keeper = context;
	struct keeper_socket *socket = opened;
	const struct nlmsghdr *first = messages;
	bool of_ipvs = socket->protocol == NETLINK_GENERIC;
	if ((of_ipvs && first->nlmsg_type == GENL_ID_CTRL) || !is_change(first))
		return kernel_transport_real.send(NULL, socket->real, messages, length);
	struct kept_batch batch = {.protocol = socket->protocol, .bytes = malloc(length), .length = length};
	if (!batch.bytes)
		return -ENOMEM;
	memcpy(batch.bytes, messages, length);
	vector_push(&keeper->batches, batch);
	socket->unanswered = last_sequence(messages, length);
	return 0;
}

static ssize_t keeper_receive(void *context, void *opened, void *buffer, size_t size, int timeout_ms)
{
	struct keeper_socket *socket = opened;
	(void)context;
	if (!socket->unanswered)
		return kernel_transport_real.receive(NULL, socket->real, buffer, size, timeout_ms);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr report;
	} answer = {.header = {.nlmsg_len = sizeof(answer),
	                       .nlmsg_type = NLMSG_ERROR,
	                       .nlmsg_seq = socket->unanswered}};
	memcpy(buffer, &answer, sizeof(answer));
	socket->unanswered = 0;
	return sizeof(answer);
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
	if (unshare(CLONE_NEWNET) < 0)
		fail("a network namespace", -errno);
	int error = kernel_open(DUMMY, true, transport, &side->kernel, &fault);
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

static void send_kept(const struct kept_batch *batch, void *socket, char *answer)
{
	int error = kernel_transport_real.send(NULL, socket, batch->bytes, batch->length);
	if (error)
		fail("sending", error);
	ssize_t got = kernel_transport_real.receive(NULL, socket, answer, ANSWER_BYTES, TIMEOUT_MS);
	if (got < 0)
		fail("receiving", (int)got);
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	const struct nlmsgerr *report = NLMSG_DATA(header);
	if (header->nlmsg_type != NLMSG_ERROR || report->error)
		fail("a message that was only sent", report->error);
}

static double run_floor(size_t services, size_t reals)
{
	struct keeper keeper = {0};
	const struct kernel_transport transport = {.context = &keeper,
	                                           .open = keeper_open,
	                                           .close = keeper_close,
	                                           .send = keeper_send,
	                                           .receive = keeper_receive};
	struct side side = {0};
	struct changes changes = {0};
	void *generic, *route;
	char *answer = malloc(ANSWER_BYTES);
	prepare(&side, &transport, services, reals);
	perform(&side, &changes);
	if (!answer || kernel_transport_real.open(NULL, NETLINK_GENERIC, &generic) ||
	    kernel_transport_real.open(NULL, NETLINK_ROUTE, &route))
		fail("sockets", -ENOMEM);
	double start = now_seconds();
	vector_for_each (&keeper.batches, batch)
		send_kept(batch, batch->protocol == NETLINK_ROUTE ? route : generic, answer);
	return now_seconds() - start;
}

static double run_ours(size_t services, size_t reals)
{
	struct side side = {0};
	struct changes changes = {0};
	prepare(&side, NULL, services, reals);
	double start = now_seconds();
	perform(&side, &changes);
	double seconds = now_seconds() - start;
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
	double start = now_seconds();
	int error = kernel_read(side.kernel, &side.arena, &present, NULL);
	double seconds = now_seconds() - start;
	if (error)
		fail("reading", error);
	diff_build(&present, &side.wanted, &rules, &rest);
	if (rest.count)
		fail("what was read is not what was wanted", -EIO);
	return seconds;
}

/* ---- taking turns */

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

/* Until nine tenths of the time are idle, for a minute at most. */
static void wait_until_idle(void)
{
	unsigned long long idle, all, idle_then, all_then;
	for (int i = 0; i < IDLE_TRIES && processor_times(&idle, &all); i++) {
		usleep(100000);
		processor_times(&idle_then, &all_then);
		if ((idle_then - idle) * 10 >= (all_then - all) * 9)
			return;
	}
}

typedef double (*side_function)(size_t services, size_t reals);

/* In a process of its own, whose end gives the namespace back. */
static double take_turn(side_function run, size_t services, size_t reals)
{
	int ends[2], status;
	double seconds;
	wait_until_idle();
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
