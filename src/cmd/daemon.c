/*
 * Start order (R14.19): what can be refused is refused before anything is touched (manifests, kubeconfig); then the
 * lock and the kernel, the dummy interface first, for CNI plug-ins look for it; then health, metrics and the sources.
 * Programming begins when the sources have told everything (daemon_node.c). From then on events decide.
 */
#include "daemon_private.h"

#include "apply/host.h"
#include "base/memory.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LAST_WORDS_MS 3000

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t wall_clock_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t now_ms(void)
{
	return now_ns() / 1000000;
}

void daemon_arm(struct event *event, int64_t after_ms)
{
	struct timeval after = {.tv_sec = after_ms / 1000, .tv_usec = (after_ms % 1000) * 1000};
	evtimer_add(event, &after);
}

int daemon_say_fault(const struct daemon *daemon, int e, const struct fault *fault)
{
	char text[FAULT_TEXT_SIZE];
	log_error(daemon->log, "%s", fault_format(fault, text));
	return e;
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct daemon *daemon = context;
	(void)what;
	log_info(daemon->log, "kube-ipvs: stopping on signal %d; everything programmed stays", (int)number);
	event_base_loopbreak(daemon->base);
}

/* Looks ten times a second whether the Events are written. */
static void on_last_words(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;
	(void)fd, (void)what;
	if (daemon->sources.events == NULL || api_events_idle(daemon->sources.events) ||
	    now_ms() > daemon->last_words_end_ms)
		event_base_loopbreak(daemon->base);
	else
		daemon_arm(daemon->last_words, 100);
}

void daemon_fail(struct daemon *daemon)
{
	if (daemon->status != EXIT_SUCCESS)
		return;
	daemon->status = EXIT_FAILURE;
	daemon->last_words_end_ms = now_ms() + LAST_WORDS_MS;
	daemon_arm(daemon->last_words, 0);
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
	daemon->terminate = signal_event(daemon, SIGTERM);
	daemon->interrupt = signal_event(daemon, SIGINT);
	daemon->last_words = evtimer_new(daemon->base, on_last_words, daemon);
	signal(SIGPIPE, SIG_IGN);
}

static void stop_events(struct daemon *daemon)
{
	event_free(daemon->terminate);
	event_free(daemon->interrupt);
	event_free(daemon->last_words);
	event_base_free(daemon->base);
}

static void init(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct node_port_rule node_ports = {.primary = config->node_ports.primary,
	                                    .cidrs = config->node_ports.cidrs.items,
	                                    .cidr_count = config->node_ports.cidrs.count};
	struct planner_listener listener = daemon_planner_listener(daemon);
	planner_init(&daemon->planner, daemon->node_name, DUMMY_INTERFACE, config->scheduler, &node_ports,
	             &listener);
	address_parse(config->bind_address, &daemon->planner.bind_address);
	daemon->families[IPV4] = true;
	daemon->families[IPV6] = host_has_ipv6("/proc");
	daemon->planner.options.without_ipv6 = !daemon->families[IPV6];
	daemon->planner.options.without_external_ips = !config->allow_external_ips;
	cluster_count_triggers_from(daemon->planner.cluster, wall_clock_ns());
	start_events(daemon);
	daemon_init_passes(daemon);
}

static void done(struct daemon *daemon)
{
	daemon_close_serving(daemon);
	daemon_close_sources(daemon);
	daemon_close_node(daemon);
	daemon_close_takeover(daemon);
	file_watch_close(daemon->config_watch);
	daemon_close_drains(daemon);
	syncer_done(&daemon->syncer);
	planner_done(&daemon->planner);
	daemon_done_passes(daemon);
	stop_events(daemon);
	vector_for_each (&daemon->schedulers, name)
		free((char *)(uintptr_t)*name);
	vector_done(&daemon->schedulers);
	memo_done(&daemon->warnings);
	memo_done(&daemon->failures);
	memo_done(&daemon->troubles);
	memo_done(&daemon->absent_schedulers);
	daemon_end_tuning(daemon);
	if (daemon->lock >= 0)
		close(daemon->lock);
}

static void set_oom_score(const struct daemon *daemon)
{
	int e = host_set_oom_score("/proc/self", daemon->config->oom_score_adj);
	if (e)
		log_warning(daemon->log,
		            "--oom-score-adj: %d could not be set: %s; the kernel may end this process when "
		            "memory "
		            "is short",
		            daemon->config->oom_score_adj, strerror(-e));
}

static int start(struct daemon *daemon)
{
	int e = daemon_open_sources(daemon);
	if (e == 0)
		e = daemon_take_lock(daemon);
	if (e == 0)
		e = daemon_open_kernel(daemon);
	if (e == 0 && daemon->config->init_only)
		return 0;
	if (e == 0)
		daemon_open_drains(daemon);
	if (e == 0)
		e = daemon_open_node(daemon);
	if (e == 0)
		set_oom_score(daemon);
	if (e == 0)
		e = daemon_open_serving(daemon);
	if (e == 0)
		e = daemon_watch_config(daemon);
	return e;
}

static void say_hello(const struct daemon *daemon)
{
	const struct sources *sources = &daemon->sources;
	log_info(daemon->log, "kube-ipvs " KUBE_IPVS_VERSION ": node %s, Services from %s%s%s",
	         daemon->node_name, sources->client ? api_client_server(sources->client) : "",
	         sources->client && sources->manifests ? " and " : "",
	         sources->manifests ? daemon->config->manifests : "");
}

int daemon_run(const struct config *config, const char *node_name, const struct log *log)
{
	struct daemon daemon = {.config = config, .log = log, .node_name = node_name, .lock = -1};
	init(&daemon);
	if (start(&daemon) != 0) {
		daemon.status = EXIT_FAILURE;
	} else if (config->init_only) {
		log_info(log, "kube-ipvs: the kernel is ready; nothing was programmed (--init-only)");
	} else {
		say_hello(&daemon);
		daemon_start_sources(&daemon);
		daemon_try_to_begin(&daemon);
		event_base_dispatch(daemon.base);
	}
	int status = daemon.status;
	bool execute_anew = daemon.execute_anew;
	done(&daemon);
	if (execute_anew) {
		daemon_execute_anew(log);
		status = EXIT_FAILURE;
	}
	return status;
}
