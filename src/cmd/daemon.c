/*
 * Start order (R14.19 as far as it concerns us): the manifests are read before anything is written; then the
 * dummy interface, for CNI plug-ins look for it; sysctls and timeouts; then one whole pass. From then on
 * events decide.
 *
 * A pass runs when something changed, at most every --ipvs-min-sync-period; a whole one every
 * --ipvs-sync-period and, with back-off, after anything failed.
 */
#include "daemon_private.h"

#include "apply/host.h"
#include "base/memory.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FIRST_RETRY_MS 1000

/* Since the epoch, as the annotations of slices count. */
static int64_t wall_clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void arm(struct event *event, int64_t after_ms)
{
	struct timeval after = {.tv_sec = after_ms / 1000, .tv_usec = (after_ms % 1000) * 1000};
	evtimer_add(event, &after);
}

void daemon_request_pass(struct daemon *daemon)
{
	if (daemon->due == NULL || evtimer_pending(daemon->due, NULL))
		return;
	int64_t wait = daemon->last_pass_ms + daemon->options->min_sync_period_ms - now_ms();
	arm(daemon->due, daemon->programmed_once && wait > 0 ? wait : 0);
}

int daemon_probe_scheduler(struct daemon *daemon, const char *scheduler)
{
	if (daemon->schedulers.count > 0 && scheduler_in_list(daemon->schedulers.items, scheduler))
		return 0;
	/* A Service's endpoints may change often, and a search for a module costs a process each time. */
	if (memo_has(&daemon->absent_schedulers, scheduler))
		return -ENOENT;
	int e = kernel_probe_scheduler(daemon->syncer.kernel, scheduler);
	if (e) {
		memo_put(&daemon->absent_schedulers, scheduler, "");
		return e;
	}
	if (daemon->schedulers.count > 0)
		daemon->schedulers.count--; /* the NULL */
	vector_push(&daemon->schedulers, memory_copy_text(scheduler));
	vector_push(&daemon->schedulers, NULL);
	daemon->planner.options.schedulers = daemon->schedulers.items;
	return 0;
}

/* Reads the interfaces' addresses; on failure what was known stays in force. */
static int read_host(struct daemon *daemon)
{
	struct arena memory = {0};
	struct interface_address *addresses = NULL;
	size_t count = 0;
	int e = host_read_addresses(&memory, &addresses, &count);
	if (e) {
		arena_done(&memory);
		if (memo_put(&daemon->failures, "node addresses", strerror(-e)))
			log_error(daemon->log,
			          "node addresses: cannot be read: %s; those known stay in force",
			          strerror(-e));
		return e;
	}
	arena_done(&daemon->host_memory);
	daemon->host_memory = memory;
	daemon->host_addresses = addresses;
	daemon->host_address_count = count;
	return 0;
}

/*
 * The next whole pass comes sooner, and each time that one fails later again. Changes do not wait for it: they have small
 * passes of their own meanwhile.
 */
static void schedule_retry(struct daemon *daemon, bool whole_failed)
{
	if (daemon->retry_ms != 0 && !whole_failed)
		return;
	daemon->retry_ms = daemon->retry_ms ? 2 * daemon->retry_ms : FIRST_RETRY_MS;
	if (daemon->retry_ms > daemon->options->sync_period_ms)
		daemon->retry_ms = daemon->options->sync_period_ms;
	arm(daemon->period, daemon->retry_ms);
}

/* Sends what is to be sent; true: nothing failed. */
static bool send_pass(struct daemon *daemon, bool whole)
{
	struct sync_outcome outcome = {0};
	int64_t began = now_ms();
	int e = whole ? sync_whole(&daemon->syncer, memo_count(&daemon->unread) == 0, &outcome)
	              : sync_touched(&daemon->syncer, &outcome);
	daemon->last_pass_ms = now_ms();
	daemon_report(daemon, &outcome, e, daemon->last_pass_ms - began);
	bool good = e == 0 && outcome.failed == 0;
	sync_done(&daemon->syncer, &outcome);
	return good;
}

static void run_pass(struct daemon *daemon)
{
	bool whole = daemon->whole_needed, good = true;
	daemon->whole_needed = false;
	if (whole) {
		memo_begin_round(&daemon->failures);
		memo_done(&daemon->absent_schedulers);
		good = read_host(daemon) == 0;
		arm(daemon->period, daemon->options->sync_period_ms);
	}
	planner_refresh_node(&daemon->planner, daemon->host_addresses, daemon->host_address_count);
	planner_run(&daemon->planner);
	if (!whole && !ledger_has_touched(daemon->planner.ledger))
		return;
	good &= send_pass(daemon, whole);
	if (!good) {
		schedule_retry(daemon, whole);
	} else if (whole) {
		daemon->retry_ms = 0;
		daemon->programmed_once = true;
	}
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	run_pass(context);
}

static void on_period(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;
	(void)fd, (void)what;
	daemon->whole_needed = true;
	run_pass(daemon);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct daemon *daemon = context;
	(void)what;
	log_info(daemon->log, "kube-ipvs: stopping on signal %d; everything programmed stays", (int)number);
	event_base_loopbreak(daemon->base);
}

/* Two daemons on one node would undo each other's work. */
static int take_lock(struct daemon *daemon)
{
	auto_free char *path = NULL;
	if (mkdir(daemon->options->run_directory, 0755) != 0 && errno != EEXIST)
		goto failed;
	if (asprintf(&path, "%s/lock", daemon->options->run_directory) < 0)
		return -ENOMEM;
	daemon->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (daemon->lock < 0)
		goto failed;
	if (flock(daemon->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	log_error(daemon->log, "%s: another kube-ipvs is running on this node; stop it first", path);
	return -EBUSY;
failed:
	log_error(daemon->log, "%s: %s; run as root, or choose another place with --run-dir",
	          path ? path : daemon->options->run_directory, strerror(errno));
	return -errno;
}

static int say_fault(const struct daemon *daemon, int e, const struct fault *fault)
{
	char text[FAULT_TEXT_SIZE];
	log_error(daemon->log, "%s", fault_format(fault, text));
	return e;
}

static int open_source(struct daemon *daemon)
{
	struct fault fault = {0};
	struct manifest_listener listener = daemon_manifest_listener(daemon);
	daemon->opening = true;
	inlet_init(&daemon->manifest_inlet, daemon->planner.cluster, ORIGIN_MANIFESTS);
	int e = manifest_directory_open(daemon->options->manifests, &daemon->manifest_inlet, &listener,
	                                &daemon->manifests, &fault);
	daemon->opening = false;
	if (e)
		return say_fault(daemon, e, &fault);
	e = manifest_directory_watch(daemon->manifests, daemon->base);
	if (e)
		log_error(daemon->log, "%s: cannot be followed for changes: %s", daemon->options->manifests,
		          strerror(-e));
	return e;
}

static int probe_default_scheduler(struct daemon *daemon)
{
	const char *scheduler = daemon->options->scheduler;
	int e = daemon_probe_scheduler(daemon, scheduler);
	if (e == -ENOENT)
		log_error(daemon->log,
		          "--ipvs-scheduler: this kernel has no scheduler \"%s\", and no module ip_vs_%s "
		          "that brings it; choose "
		          "another, for example rr",
		          scheduler, scheduler);
	else if (e)
		log_error(daemon->log, "--ipvs-scheduler: \"%s\" could not be tried: %s", scheduler,
		          strerror(-e));
	return e;
}

static int open_kernel(struct daemon *daemon)
{
	const struct proxy_options *options = daemon->options;
	struct fault fault = {0};
	struct kernel *kernel = NULL;
	size_t unreadable = 0;
	int e = kernel_open(DUMMY_INTERFACE, true, NULL, &kernel, &fault);
	if (e)
		return say_fault(daemon, e, &fault);
	e = syncer_init(&daemon->syncer, kernel, &daemon->planner, options->run_directory,
	                options->excluded.items, options->excluded.count, &unreadable);
	if (e)
		log_error(daemon->log, "%s: the record of our virtual servers cannot be read: %s",
		          options->run_directory, strerror(-e));
	if (unreadable > 0)
		log_warning(daemon->log,
		            "%s: %zu lines of the record cannot be read; the virtual servers that they named "
		            "are left alone",
		            options->run_directory, unreadable);
	return e;
}

static int prepare_kernel(struct daemon *daemon)
{
	const struct proxy_options *options = daemon->options;
	struct fault fault = {0};
	struct kernel_timeouts timeouts = {.tcp_seconds = (uint32_t)(options->tcp_timeout_ms / 1000),
	                                   .tcp_fin_seconds = (uint32_t)(options->tcp_fin_timeout_ms / 1000),
	                                   .udp_seconds = (uint32_t)(options->udp_timeout_ms / 1000)};
	int e = kernel_ensure_dummy(daemon->syncer.kernel, &fault);
	if (e == 0)
		e = host_set_sysctls("/proc/sys", options->strict_arp, &fault);
	if (e)
		return say_fault(daemon, e, &fault);
	bool any_timeout = timeouts.tcp_seconds || timeouts.tcp_fin_seconds || timeouts.udp_seconds;
	if (any_timeout && kernel_set_timeouts(daemon->syncer.kernel, &timeouts, &fault) != 0)
		say_fault(daemon, 0, &fault); /* not fatal (R8.6) */
	return probe_default_scheduler(daemon);
}

static struct event *signal_event(struct daemon *daemon, int number)
{
	struct event *event = evsignal_new(daemon->base, number, on_signal, daemon);
	evsignal_add(event, NULL);
	return event;
}

static void start_events(struct daemon *daemon)
{
	daemon->base = event_base_new();
	daemon->due = evtimer_new(daemon->base, on_due, daemon);
	daemon->period = evtimer_new(daemon->base, on_period, daemon);
	daemon->terminate = signal_event(daemon, SIGTERM);
	daemon->interrupt = signal_event(daemon, SIGINT);
	signal(SIGPIPE, SIG_IGN);
}

static void stop_events(struct daemon *daemon)
{
	event_free(daemon->due);
	event_free(daemon->period);
	event_free(daemon->terminate);
	event_free(daemon->interrupt);
	event_base_free(daemon->base);
}

static void init(struct daemon *daemon)
{
	struct node_port_rule node_ports = {.primary = daemon->options->node_ports.primary,
	                                    .cidrs = daemon->options->node_ports.cidrs.items,
	                                    .cidr_count = daemon->options->node_ports.cidrs.count};
	struct planner_listener listener = daemon_planner_listener(daemon);
	planner_init(&daemon->planner, daemon->node_name, DUMMY_INTERFACE, daemon->options->scheduler,
	             &node_ports, &listener);
	cluster_count_triggers_from(daemon->planner.cluster, wall_clock_ns());
	start_events(daemon);
}

static void done(struct daemon *daemon)
{
	manifest_directory_close(daemon->manifests);
	syncer_done(&daemon->syncer);
	planner_done(&daemon->planner);
	stop_events(daemon);
	vector_for_each (&daemon->schedulers, name)
		free((char *)(uintptr_t)*name);
	vector_done(&daemon->schedulers);
	arena_done(&daemon->host_memory);
	memo_done(&daemon->warnings);
	memo_done(&daemon->failures);
	memo_done(&daemon->absent_schedulers);
	memo_done(&daemon->unread);
	if (daemon->lock >= 0)
		close(daemon->lock);
}

static int start(struct daemon *daemon)
{
	int e = take_lock(daemon);
	if (e == 0)
		e = open_source(daemon);
	if (e == 0)
		e = open_kernel(daemon);
	if (e == 0)
		e = prepare_kernel(daemon);
	if (e == 0)
		e = read_host(daemon);
	return e;
}

int daemon_run(const struct proxy_options *options, const char *node_name, const struct log *log)
{
	struct daemon daemon = {.options = options, .log = log, .node_name = node_name, .lock = -1};
	init(&daemon);
	int e = start(&daemon);
	if (e == 0) {
		log_info(log, "kube-ipvs " KUBE_IPVS_VERSION ": node %s, %zu Services from %s", node_name,
		         cluster_service_count(daemon.planner.cluster), options->manifests);
		daemon.whole_needed = true;
		run_pass(&daemon);
		event_base_dispatch(daemon.base);
	}
	done(&daemon);
	return e ? EXIT_FAILURE : EXIT_SUCCESS;
}
