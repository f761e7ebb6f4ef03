/*
 * A daemon under changes that do not end, watched for what grows.
 *
 *     vm-soak SEED SECONDS CHANGES-A-SECOND SNAPSHOT
 *
 * The API server that feeds the daemon is part of this program. Every ten seconds the daemon's resident memory and its
 * open descriptors are noted, a line each time. They are flat if the median of the memory in the last quarter of the time is
 * at most MEMORY_KIB and a fiftieth above that in the second quarter, and there are at most two descriptors more. The
 * first quarter is for what a daemon may well grow into. At the end "SNAPSHOT survived" is run; then everything is removed and made
 * anew by another daemon, and "SNAPSHOT fresh" is run. Status 1: something is not flat, or the log has errors.
 */
#include "api_server.h"
#include "churn.h"
#include "machine.h"
#include "running_daemon.h"

#include "base/check.h"

#include <err.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_DIRECTORY "/run/soak"

enum {
	SERVICES = 500,
	MOST_SAMPLES = 1024,
	SAMPLE_SECONDS = 10,
	TICKS = 10,         /* a second */
	WATCH_SECONDS = 97, /* then watches end, as servers end them */
	PATIENCE_SECONDS = 300,
	QUIET_MS = 30000, /* longer than a pass on a slow machine */
	MEMORY_KIB = 1024,
	MEMORY_PART = 50,
	DESCRIPTORS = 2,
};

struct samples {
	long values[MOST_SAMPLES];
	size_t count;
};

struct soak {
	struct event_base *base;
	struct api_server *server;
	struct running_daemon daemon;
	struct churn churn;
	unsigned rate;
	bool in_sync, over;
	size_t errors;
	int64_t began_ns, end_ns, said_ns;
	unsigned ticks;
	struct samples kib, descriptors;
};

static void take_line(void *context, const char *line, int64_t at_ns)
{
	struct soak *soak = context;
	soak->said_ns = at_ns;
	soak->in_sync |= strstr(line, "kernel: in sync") != NULL;
	if (!strstr(line, "\"level\":\"error\""))
		return;
	soak->errors++;
	if (soak->errors <= 20)
		printf("error: %s\n", line);
}

static void start_daemon(struct soak *soak)
{
	char master[64];
	const char *arguments[] = {"kube-ipvs",           "proxy",  "--master",  master,
	                           "--hostname-override", "node-1", "--run-dir", RUN_DIRECTORY,
	                           "--logging-format",    "json",   NULL};
	snprintf(master, sizeof(master), "http://127.0.0.1:%u", api_server_port(soak->server));
	soak->in_sync = false;
	running_daemon_start(&soak->daemon, arguments);
	if (!loop_until(soak->base, &soak->in_sync, PATIENCE_SECONDS))
		errx(EXIT_FAILURE, "not in sync %d s after a start", PATIENCE_SECONDS);
}

/* ---- changes and samples */

static void add_sample(struct samples *samples, long value)
{
	if (samples->count < MOST_SAMPLES)
		samples->values[samples->count++] = value;
}

static void take_sample(struct soak *soak)
{
	long kib = running_daemon_kib(&soak->daemon, "VmRSS");
	long descriptors = running_daemon_descriptors(&soak->daemon);
	if (kib < 0)
		errx(EXIT_FAILURE, "the daemon runs no more");
	add_sample(&soak->kib, kib);
	add_sample(&soak->descriptors, descriptors);
	printf("%lld s: %zu changes, %ld KiB, %ld descriptors, %.1f s of processor time\n",
	       (long long)(machine_now_ns() - soak->began_ns) / 1000000000, soak->churn.changes, kib,
	       descriptors, (double)running_daemon_cpu_ns(&soak->daemon) / 1e9);
}

/* So many as should have been made by now, so that a late tick makes up for it; but never so many that nothing else runs. */
static void change(struct soak *soak)
{
	int64_t passed_ms = (machine_now_ns() - soak->began_ns) / 1000000;
	size_t wanted = (size_t)(passed_ms * soak->rate / 1000);
	for (unsigned i = 0; i < soak->rate && soak->churn.changes < wanted; i++)
		churn_change(&soak->churn);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct soak *soak = context;
	(void)fd, (void)what;
	soak->over = machine_now_ns() >= soak->end_ns;
	if (soak->over)
		return;
	change(soak);
	if (++soak->ticks % (SAMPLE_SECONDS * TICKS) == 0)
		take_sample(soak);
	if (soak->ticks % (WATCH_SECONDS * TICKS) == 0)
		api_server_end_watches(soak->server);
}

static void churn_for(struct soak *soak, int seconds)
{
	struct timeval period = {.tv_usec = 1000000 / TICKS};
	struct event *tick = event_new(soak->base, -1, EV_PERSIST, on_tick, soak);
	soak->began_ns = machine_now_ns();
	soak->end_ns = soak->began_ns + (int64_t)seconds * 1000000000;
	event_add(tick, &period);
	loop_until(soak->base, &soak->over, seconds + PATIENCE_SECONDS);
	event_free(tick);
}

/* ---- judging */

static int by_size(const void *a, const void *b)
{
	long left = *(const long *)a, right = *(const long *)b;
	return (left > right) - (left < right);
}

/* Of the quarter of this number, 0 to 3. */
static long median_of_quarter(const struct samples *samples, size_t quarter)
{
	long sorted[MOST_SAMPLES];
	size_t first = samples->count * quarter / 4, end = samples->count * (quarter + 1) / 4;
	CHECK(end > first);
	memcpy(sorted, samples->values + first, (end - first) * sizeof(*sorted));
	qsort(sorted, end - first, sizeof(*sorted), by_size);
	return sorted[(end - first) / 2];
}

static bool is_flat(const char *what, const struct samples *samples, long more, long part)
{
	long before = median_of_quarter(samples, 1), last = median_of_quarter(samples, 3);
	long most = before + more + (part ? before / part : 0);
	printf("%s: %ld in the second quarter, %ld in the last, at most %ld: %s\n", what, before, last, most,
	       last <= most ? "flat" : "GROWS");
	return last <= most;
}

static bool judge(const struct soak *soak)
{
	if (soak->kib.count < 8) {
		printf("too short to be judged: %zu samples\n", soak->kib.count);
		return false;
	}
	bool flat = is_flat("resident KiB", &soak->kib, MEMORY_KIB, MEMORY_PART);
	flat &= is_flat("descriptors", &soak->descriptors, DESCRIPTORS, 0);
	printf("%zu lines of error in the log\n", soak->errors);
	return flat && soak->errors == 0;
}

/* Whatever it does it says. On a busy machine it may be behind, and drains come on top. */
static void wait_until_silent(struct soak *soak)
{
	int64_t began = machine_now_ns(), patience = (int64_t)PATIENCE_SECONDS * 1000000000;
	soak->said_ns = began;
	for (int64_t now = began; now < soak->said_ns + (int64_t)QUIET_MS * 1000000 && now < began + patience;
	     now = machine_now_ns())
		loop_for_ms(soak->base, 500);
	printf("silent after %lld s\n", (long long)((soak->said_ns - began) / 1000000000));
}

static void snapshot(struct soak *soak, const char *program, const char *name)
{
	char command[256];
	wait_until_silent(soak);
	snprintf(command, sizeof(command), "%s %s", program, name);
	CHECK(system(command) == 0);
}

static void fill(struct soak *soak, uint64_t seed)
{
	struct text text = {0};
	sketch_node("node-1", &text);
	api_server_put(soak->server, text_string(&text));
	text_done(&text);
	churn_init(&soak->churn, soak->server, seed, 0, SERVICES);
}

int main(int argc, char **argv)
{
	const struct api_server_options options = {0};
	struct soak soak = {0};
	if (argc != 5)
		errx(EXIT_FAILURE, "usage: vm-soak SEED SECONDS CHANGES-A-SECOND SNAPSHOT");
	setlinebuf(stdout);
	soak.rate = (unsigned)strtoul(argv[3], NULL, 10);
	soak.base = event_base_new();
	soak.server = api_server_start(soak.base, &options);
	soak.daemon = (struct running_daemon){.base = soak.base,
	                                      .said = take_line,
	                                      .context = &soak,
	                                      .log = fopen("/out/daemon.log", "we")};
	fill(&soak, strtoull(argv[1], NULL, 10));
	start_daemon(&soak);
	churn_for(&soak, atoi(argv[2]));
	bool good = judge(&soak);
	snapshot(&soak, argv[4], "survived");
	running_daemon_end(&soak.daemon, SIGTERM);
	CHECK(system("kube-ipvs cleanup --run-dir " RUN_DIRECTORY " >/dev/null") == 0);
	start_daemon(&soak);
	snapshot(&soak, argv[4], "fresh");
	running_daemon_end(&soak.daemon, SIGTERM);
	churn_done(&soak.churn);
	api_server_stop(soak.server);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
