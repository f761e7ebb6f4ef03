/*
 * A daemon that is fed by an API server over loopback, measured from outside.
 *
 *     bench-steady [--ipv6] SERVICES ENDPOINTS [IDLE-SECONDS [DAEMON-FLAG...]]
 *
 * Prints lines "NAME NUMBER"; times in seconds. An event's time runs from the moment before its last bytes are given to
 * the socket until the kernel, asked again and again, has what the event asks for. The question itself takes some tens
 * of microseconds, which are counted too ("question"). A service's start is measured by the lines of its log: from the
 * one that says that the last list is complete to the one that says that the kernel is in sync.
 */
#include "api_server.h"
#include "ipvs_probe.h"
#include "machine.h"
#include "running_daemon.h"
#include "sketch.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SINGLE_EVENTS = 100,
	MANY_EVENTS = 1000,
	MOST_ENDPOINTS = 100,
	REST_MS = 30,     /* between two events */
	SETTLE_MS = 5000, /* after many */
	PATIENCE_SECONDS = 900,
	LATE_NS = 60000000, /* no answer for so long, and something else may be due: the loop runs */
	DEFAULT_IDLE_SECONDS = 60,
	FIRST_OTHER = 0x0a400001, /* 10.64.0.1: endpoints that come later */
};

struct bench {
	struct event_base *base;
	struct api_server *server;
	struct running_daemon daemon;
	struct ipvs_probe probe;
	int transactions; /* a socket that hears of every transaction of nf_tables */
	uint32_t services, others;
	size_t endpoints;
	const char *const *flags;
	int64_t listed_ns, in_sync_ns;
	bool in_sync;
	uint32_t addresses[MOST_ENDPOINTS];
	struct text text;
};

static void print(const char *name, double number)
{
	printf("%s %.6f\n", name, number);
	fflush(stdout);
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

/* ---- the cluster */

static struct sketch sketch_of(struct bench *bench, uint32_t number)
{
	for (size_t i = 0; i < bench->endpoints; i++)
		bench->addresses[i] = 0x0a800001 + (uint32_t)(number * bench->endpoints + i);
	return (struct sketch){
	        .number = number, .endpoints = bench->addresses, .endpoint_count = bench->endpoints};
}

static void put_service(struct bench *bench, const struct sketch *sketch)
{
	sketch_service(sketch, &bench->text);
	api_server_put(bench->server, text_string(&bench->text));
}

static void put_slice(struct bench *bench, const struct sketch *sketch)
{
	sketch_slice(sketch, &bench->text);
	api_server_put(bench->server, text_string(&bench->text));
}

static void fill(struct bench *bench)
{
	sketch_node("node-1", &bench->text);
	api_server_put(bench->server, text_string(&bench->text));
	for (uint32_t i = 0; i < bench->services; i++) {
		struct sketch sketch = sketch_of(bench, i);
		put_service(bench, &sketch);
		put_slice(bench, &sketch);
	}
}

/* ---- the daemon */

static void take_line(void *context, const char *line, int64_t at_ns)
{
	struct bench *bench = context;
	if (strstr(line, " listed") && !bench->in_sync)
		bench->listed_ns = at_ns;
	if (!strstr(line, "kernel: in sync"))
		return;
	bench->in_sync_ns = at_ns;
	bench->in_sync = true;
}

/* From the complete lists to the kernel in sync. */
static double start_daemon(struct bench *bench)
{
	char master[64];
	const char *arguments[32] = {"kube-ipvs",
	                             "proxy",
	                             "--master",
	                             master,
	                             "--hostname-override",
	                             "node-1",
	                             "--conntrack-max-per-core",
	                             "0"};
	size_t count = 8;
	snprintf(master, sizeof(master), "http://127.0.0.1:%u", api_server_port(bench->server));
	for (size_t i = 0; bench->flags[i] && count < 31; i++)
		arguments[count++] = bench->flags[i];
	bench->in_sync = false;
	running_daemon_start(&bench->daemon, arguments);
	if (!loop_until(bench->base, &bench->in_sync, PATIENCE_SECONDS)) {
		fprintf(stderr, "bench-steady: the kernel is not in sync after %d s; see the daemon's log\n",
		        PATIENCE_SECONDS);
		exit(EXIT_FAILURE);
	}
	return seconds(bench->in_sync_ns - bench->listed_ns);
}

static void print_memory(const struct bench *bench, const char *when)
{
	char name[32];
	snprintf(name, sizeof(name), "rss_%s", when);
	print(name, (double)running_daemon_kib(&bench->daemon, "VmRSS"));
	snprintf(name, sizeof(name), "peak_%s", when);
	print(name, (double)running_daemon_kib(&bench->daemon, "VmHWM"));
}

/* ---- what the kernel has */

/* Those that take traffic are the wanted ones; others may drain. */
static bool serves(struct bench *bench, const struct sketch *sketch)
{
	struct real_server found[MOST_ENDPOINTS * 2];
	struct virtual_server_key key = sketch_key(sketch->number);
	int count = ipvs_probe_read(&bench->probe, &key, found, MOST_ENDPOINTS * 2);
	size_t serving = 0, wanted = 0;
	for (int i = 0; i < count; i++) {
		serving += found[i].weight > 0;
		for (size_t j = 0; found[i].weight > 0 && j < sketch->endpoint_count; j++) {
			struct address address = sketch_address(sketch->endpoints[j]);
			wanted += address_equal(&found[i].address, &address);
		}
	}
	return serving == sketch->endpoint_count && wanted == serving;
}

static bool is_gone(struct bench *bench, const struct sketch *sketch)
{
	struct real_server found;
	struct virtual_server_key key = sketch_key(sketch->number);
	return ipvs_probe_read(&bench->probe, &key, &found, 1) <= 0;
}

typedef bool (*done_function)(struct bench *bench, const struct sketch *sketch);

/* The daemon gets the processor whenever it wants it, also where there is only one. */
static void give_way(bool always)
{
	static const struct sched_param none = {0};
	CHECK(sched_setscheduler(0, always ? SCHED_IDLE : SCHED_OTHER, &none) == 0);
}

/* Asks without pause. */
static int64_t when_done(struct bench *bench, done_function done, const struct sketch *sketch)
{
	int64_t began = machine_now_ns(), now = began;
	give_way(true);
	while (!done(bench, sketch)) {
		now = machine_now_ns();
		if (now - began > LATE_NS)
			event_base_loop(bench->base, EVLOOP_NONBLOCK);
		CHECK(now - began < (int64_t)PATIENCE_SECONDS * 1000000000);
	}
	now = machine_now_ns();
	give_way(false);
	return now;
}

/* What the server has to say goes out. Returns when it began to. */
static int64_t send_out(struct bench *bench)
{
	int64_t began = machine_now_ns();
	for (int i = 0; i < 3; i++)
		event_base_loop(bench->base, EVLOOP_NONBLOCK);
	return began;
}

/* ---- transactions of nf_tables */

static void open_transactions(struct bench *bench)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK};
	int group = NFNLGRP_NFTABLES, size = 8 << 20;
	bench->transactions = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	CHECK(bench->transactions >= 0);
	CHECK(bind(bench->transactions, (struct sockaddr *)&own, sizeof(own)) == 0);
	CHECK(setsockopt(bench->transactions, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0);
	CHECK(setsockopt(bench->transactions, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) ==
	      0);
}

static bool heard_transaction(struct bench *bench)
{
	char bytes[8192];
	return recv(bench->transactions, bytes, sizeof(bytes), 0) > 0;
}

static void forget_transactions(struct bench *bench)
{
	while (heard_transaction(bench))
		;
}

/* A Service that goes: last of all, its elements leave the packet filter. */
static bool is_gone_with_elements(struct bench *bench, const struct sketch *sketch)
{
	return heard_transaction(bench) && is_gone(bench, sketch);
}

/* ---- rows */

static int by_size(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

static void print_median(const char *name, int64_t *times, size_t count)
{
	char worst[64];
	qsort(times, count, sizeof(*times), by_size);
	print(name, seconds(times[count / 2]));
	snprintf(worst, sizeof(worst), "%s_p90", name);
	print(worst, seconds(times[count * 9 / 10]));
}

/* The first endpoint is replaced by one that was never there. */
static struct sketch changed_sketch(struct bench *bench, uint32_t number)
{
	struct sketch sketch = sketch_of(bench, number);
	bench->addresses[0] = FIRST_OTHER + bench->others++;
	return sketch;
}

static void measure_change(struct bench *bench)
{
	int64_t times[SINGLE_EVENTS];
	for (uint32_t i = 0; i < SINGLE_EVENTS; i++) {
		struct sketch sketch = changed_sketch(bench, i * 7919 % bench->services);
		put_slice(bench, &sketch);
		int64_t began = send_out(bench);
		times[i] = when_done(bench, serves, &sketch) - began;
		loop_for_ms(bench->base, REST_MS);
	}
	print_median("change", times, SINGLE_EVENTS);
}

static void measure_question(struct bench *bench)
{
	int64_t times[SINGLE_EVENTS];
	struct sketch sketch = sketch_of(bench, bench->services / 2);
	for (size_t i = 0; i < SINGLE_EVENTS; i++) {
		int64_t began = machine_now_ns();
		serves(bench, &sketch);
		times[i] = machine_now_ns() - began;
	}
	print_median("question", times, SINGLE_EVENTS);
}

static void measure_add_and_delete(struct bench *bench)
{
	enum { EVENTS = SINGLE_EVENTS / 4 };
	int64_t additions[EVENTS], removals[EVENTS];
	for (uint32_t i = 0; i < EVENTS; i++) {
		struct sketch sketch = sketch_of(bench, bench->services + i);
		struct sketch_name name;
		sketch_name(sketch.number, &name);
		put_slice(bench, &sketch);
		loop_for_ms(bench->base, REST_MS);
		put_service(bench, &sketch);
		int64_t began = send_out(bench);
		additions[i] = when_done(bench, serves, &sketch) - began;
		loop_for_ms(bench->base, REST_MS);
		forget_transactions(bench);
		api_server_delete(bench->server, "Service", name.namespace, name.service);
		began = send_out(bench);
		removals[i] = when_done(bench, is_gone_with_elements, &sketch) - began;
		api_server_delete(bench->server, "EndpointSlice", name.namespace, name.slice);
		loop_for_ms(bench->base, REST_MS);
	}
	print_median("add", additions, EVENTS);
	print_median("delete", removals, EVENTS);
}

/* All are in the socket's hands or the daemon's before the first is looked for. */
static void measure_many(struct bench *bench)
{
	uint32_t first_other = bench->others;
	if (bench->services < MANY_EVENTS)
		return;
	int64_t prepared = machine_now_ns();
	for (uint32_t i = 0; i < MANY_EVENTS; i++) {
		struct sketch sketch = changed_sketch(bench, i);
		put_slice(bench, &sketch);
	}
	int64_t began = send_out(bench), last = began;
	give_way(true);
	for (uint32_t i = MANY_EVENTS; i-- > 0;) {
		bench->others = first_other + i;
		struct sketch sketch = changed_sketch(bench, i);
		while (!serves(bench, &sketch)) {
			event_base_loop(bench->base, EVLOOP_NONBLOCK);
			last = machine_now_ns();
		}
	}
	give_way(false);
	print("change_many_prepared", seconds(began - prepared));
	print("change_many", seconds(last - began));
	bench->others = first_other + MANY_EVENTS;
	loop_for_ms(bench->base, SETTLE_MS);
}

static void measure_idle(struct bench *bench, int idle_seconds)
{
	loop_for_ms(bench->base, SETTLE_MS);
	int64_t began = machine_now_ns(), before = running_daemon_cpu_ns(&bench->daemon);
	loop_for_ms(bench->base, idle_seconds * 1000);
	double used = seconds(running_daemon_cpu_ns(&bench->daemon) - before);
	print("idle_percent", 100 * used / seconds(machine_now_ns() - began));
	print_memory(bench, "idle");
}

/* As the daemon says itself, of all since its start. */
static void print_longest_slice(const char *name)
{
	char line[256];
	double longest = -1;
	FILE *page = popen("curl -s http://127.0.0.1:10249/metrics", "re");
	CHECK(page != NULL);
	while (fgets(line, sizeof(line), page))
		sscanf(line, "kubeipvs_longest_slice_seconds %lf", &longest);
	pclose(page);
	CHECK(longest >= 0);
	print(name, longest);
}

static void measure(struct bench *bench, int idle_seconds)
{
	print("first", start_daemon(bench));
	print_longest_slice("slice_first");
	print_memory(bench, "first");
	measure_question(bench);
	if (idle_seconds > 0)
		measure_idle(bench, idle_seconds);
	measure_change(bench);
	measure_add_and_delete(bench);
	measure_many(bench);
	print_memory(bench, "changed");
	print_longest_slice("slice_changed");
	running_daemon_end(&bench->daemon, SIGTERM);
	machine_wait_until_idle();
	print("restart", start_daemon(bench));
	print_longest_slice("slice_restart");
	running_daemon_end(&bench->daemon, SIGTERM);
}

static size_t number(int argc, char **argv, int index, size_t otherwise, size_t most)
{
	size_t value = argc > index ? strtoul(argv[index], NULL, 10) : otherwise;
	if (argc < 3 || value > most) {
		fprintf(stderr,
		        "usage: bench-steady [--ipv6] SERVICES ENDPOINTS [IDLE-SECONDS [DAEMON-FLAG...]]\n");
		exit(EXIT_FAILURE);
	}
	return value;
}

int main(int argc, char **argv)
{
	static const char *const none[] = {NULL};
	if (argc > 1 && strcmp(argv[1], "--ipv6") == 0) {
		sketch_in_ipv6();
		argc--;
		argv++;
	}
	const struct api_server_options options = {0};
	struct bench bench = {
	        .services = (uint32_t)number(argc, argv, 1, 0, SKETCH_MOST / 2),
	        .endpoints = number(argc, argv, 2, 0, MOST_ENDPOINTS),
	        .flags = argc > 4 ? (const char *const *)argv + 4 : none,
	};
	int idle_seconds = (int)number(argc, argv, 3, DEFAULT_IDLE_SECONDS, 3600);
	CHECK(machine_enter_network() == 0);
	bench.base = event_base_new();
	bench.server = api_server_start(bench.base, &options);
	bench.daemon = (struct running_daemon){.base = bench.base,
	                                       .said = take_line,
	                                       .context = &bench,
	                                       .log = fopen("/out/daemon.log", "ae")};
	setlinebuf(bench.daemon.log);
	open_transactions(&bench);
	fill(&bench);
	system("modprobe -q ip_vs");
	ipvs_probe_open(&bench.probe);
	machine_wait_until_idle();
	measure(&bench, idle_seconds);
	api_server_stop(bench.server);
	event_base_free(bench.base);
	ipvs_probe_close(&bench.probe);
	text_done(&bench.text);
	return EXIT_SUCCESS;
}
