/*
 * A pass runs when something changed, at most every --ipvs-min-sync-period; a whole one every --ipvs-sync-period and,
 * with back-off, after anything failed.
 */
#include "daemon_private.h"

#include <event2/event.h>

#define FIRST_RETRY_MS 1000

void daemon_request_pass(struct daemon *daemon)
{
	if (!daemon->open)
		return;
	daemon_serve_queued(daemon);
	if (evtimer_pending(daemon->due, NULL))
		return;
	int64_t wait = daemon->last_pass_ms + daemon->config->min_sync_period_ms - now_ms();
	daemon_arm(daemon->due, daemon->programmed_once && wait > 0 ? wait : 0);
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
	if (daemon->retry_ms > daemon->config->sync_period_ms)
		daemon->retry_ms = daemon->config->sync_period_ms;
	daemon_arm(daemon->period, daemon->retry_ms);
}

/* From the endpoints' change, as the control plane noted it, to the kernel (R13.8). */
static void tell_programming_latency(struct daemon *daemon)
{
	int64_t now = wall_clock_ns();
	vector_for_each (&daemon->planner.triggers, trigger) {
		double latency = (double)(now - trigger->since_ns) / 1e9;
		metric_observe(daemon->serving.metrics, METRIC_NETWORK_PROGRAMMING,
		               trigger->family == FAMILY_IPV6 ? LABEL_IPV6 : LABEL_IPV4, latency);
	}
	vector_clear(&daemon->planner.triggers);
}

/* Sends what is to be sent. `good`: nothing failed. Returns what broke the pass off, or 0. */
static int send_pass(struct daemon *daemon, bool whole, bool *ret_good)
{
	struct sync_outcome outcome = {0};
	int64_t began = now_ms();
	bool may_remove = memo_count(&daemon->sources.unread) == 0;
	int e = whole ? sync_whole(&daemon->syncer, may_remove, &outcome)
	              : sync_touched(&daemon->syncer, &outcome);
	daemon_report(daemon, &outcome, e, now_ms() - began);
	if (e == 0)
		daemon_serve_outcome(daemon, &outcome);
	else if (outcome.filter_refused)
		daemon_serve_refused_filter(daemon);
	*ret_good = e == 0 && outcome.failed == 0;
	sync_done(&daemon->syncer, &outcome);
	return e;
}

static int plan_and_send(struct daemon *daemon, bool whole, bool *ret_good)
{
	*ret_good = true;
	if (whole) {
		memo_begin_round(&daemon->failures);
		memo_done(&daemon->absent_schedulers);
		daemon_arm(daemon->period, daemon->config->sync_period_ms);
	}
	bool host_known = (!whole && !daemon->host_stale) || daemon_read_host(daemon) == 0;
	if (daemon->node_stale)
		daemon_refresh_node(daemon);
	planner_run(&daemon->planner);
	int e = whole || ledger_has_touched(daemon->planner.ledger) ? send_pass(daemon, whole, ret_good) : 0;
	*ret_good &= host_known;
	return e;
}

static void run_pass(struct daemon *daemon)
{
	bool whole = daemon->whole_needed, good;
	int64_t began = now_ns();
	daemon->whole_needed = false;
	int e = plan_and_send(daemon, whole, &good);
	daemon->last_pass_ms = now_ms();
	if (e == 0) {
		daemon_remove_stale_flows(daemon);
		tell_programming_latency(daemon);
	}
	daemon_serve_pass(daemon, (double)(now_ns() - began) / 1e9, e != 0);
	daemon_tune(daemon);
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
	(void)fd, (void)what;
	daemon_run_whole_pass(context);
}

void daemon_run_whole_pass(struct daemon *daemon)
{
	daemon->whole_needed = true;
	run_pass(daemon);
}

void daemon_init_passes(struct daemon *daemon)
{
	daemon->due = evtimer_new(daemon->base, on_due, daemon);
	daemon->period = evtimer_new(daemon->base, on_period, daemon);
}

void daemon_done_passes(struct daemon *daemon)
{
	event_free(daemon->due);
	event_free(daemon->period);
}
