/*
 * A pass runs when something changed, at most every --ipvs-min-sync-period; a whole one every --ipvs-sync-period and,
 * with back-off, after anything failed.
 *
 * It is a sequence of phases, and works on them in slices, between which the loop has its turn: whatever the size of the
 * cluster, health is answered and signals are heard. What the sources tell meanwhile waits in the store, marked, for
 * the next pass, which then follows. Everything that talks to the kernel is a phase, so that no two talk at once.
 */
#include "daemon_private.h"

#include <event2/event.h>

enum {
	FIRST_RETRY_MS = 1000,
	SLICE_MS = 8, /* and what the last step takes, which may be several times as long */
};

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

/* ---- phases: each returns whether it is through */

static bool look_at_node(struct daemon *daemon, int64_t deadline_ns)
{
	struct pass *pass = &daemon->pass;
	(void)deadline_ns;
	if (pass->whole) {
		memo_begin_round(&daemon->failures);
		memo_done(&daemon->absent_schedulers);
		daemon_arm(daemon->period, daemon->config->sync_period_ms);
	}
	if (pass->looks)
		daemon_arm(daemon->period, daemon->config->sync_period_ms);
	bool reads = pass->whole || daemon->host_stale || (pass->looks && daemon->host_unwatched);
	pass->host_known = !reads || daemon_read_host(daemon) == 0;
	if (daemon->node_stale)
		daemon_refresh_node(daemon);
	return true;
}

static void tell_outcome(struct daemon *daemon, int e)
{
	const struct sync_outcome *outcome = &daemon->syncer.outcome;
	daemon_report(daemon, outcome, e, now_ms() - daemon->pass.sending_since_ms);
	if (e == 0)
		daemon_serve_outcome(daemon, outcome);
	else if (outcome->filter_refused)
		daemon_serve_refused_filter(daemon);
}

static void begin_sending(struct daemon *daemon, enum sync_kind kind)
{
	/* Somebody may want what is in a manifest that cannot be read. */
	bool may_remove = memo_count(&daemon->sources.unread) == 0;
	daemon->pass.sending_since_ms = now_ms();
	sync_begin(&daemon->syncer, kind, may_remove);
}

/*
 * Before all others are even planned, the Services that everything else in a cluster waits for. Whether that works or not, the
 * whole pass follows.
 */
static bool send_first(struct daemon *daemon, int64_t deadline_ns)
{
	struct syncer *syncer = &daemon->syncer;
	if (!daemon->pass.first)
		return true;
	if (!syncer->running) {
		while (cluster_has_first_changes(daemon->planner.cluster))
			planner_plan_next(&daemon->planner);
		if (!ledger_has_touched(daemon->planner.ledger))
			return true;
		begin_sending(daemon, SYNC_FIRST);
	}
	int e = sync_go_on(syncer, deadline_ns);
	if (e == SYNC_E_MORE)
		return false;
	if (e == 0)
		tell_outcome(daemon, e);
	sync_end(syncer);
	return true;
}

/* What the quick look found. What waits to be planned comes after it, so that the two are told apart. */
static bool repair(struct daemon *daemon, int64_t deadline_ns)
{
	struct pass *pass = &daemon->pass;
	struct syncer *syncer = &daemon->syncer;
	if (!pass->repairs)
		return true;
	if (!syncer->running) {
		memo_begin_round(&daemon->failures);
		begin_sending(daemon, SYNC_WHOLE);
	}
	int e = sync_go_on(syncer, deadline_ns);
	if (e == SYNC_E_MORE)
		return false;
	pass->result = e;
	pass->good = e == 0 && syncer->outcome.failed == 0;
	daemon_tell_drift(daemon, &syncer->outcome, e);
	tell_outcome(daemon, e);
	sync_end(syncer);
	return true;
}

static bool plan(struct daemon *daemon, int64_t deadline_ns)
{
	if (daemon->pass.result != 0)
		return true; /* the next pass does it all */
	if (!planner_go_on(&daemon->planner, deadline_ns))
		return false;
	daemon_serve_planned(daemon);
	return true;
}

static bool send_all(struct daemon *daemon, int64_t deadline_ns)
{
	struct pass *pass = &daemon->pass;
	struct syncer *syncer = &daemon->syncer;
	if (!syncer->running) {
		if (pass->result != 0 || (!pass->whole && !ledger_has_touched(daemon->planner.ledger)))
			return true;
		begin_sending(daemon, pass->whole ? SYNC_WHOLE : SYNC_TOUCHED);
	}
	int e = sync_go_on(syncer, deadline_ns);
	if (e == SYNC_E_MORE)
		return false;
	pass->result = e;
	pass->good &= e == 0 && syncer->outcome.failed == 0;
	return true;
}

static bool tell(struct daemon *daemon, int64_t deadline_ns)
{
	(void)deadline_ns;
	if (daemon->syncer.running)
		tell_outcome(daemon, daemon->pass.result);
	return true;
}

/* After a whole pass much is forgotten, in a slice of its own. */
static bool end_sending(struct daemon *daemon, int64_t deadline_ns)
{
	struct pass *pass = &daemon->pass;
	(void)deadline_ns;
	if (daemon->syncer.running && pass->whole && !pass->ending) {
		pass->ending = true;
		return false;
	}
	sync_end(&daemon->syncer);
	return true;
}

static bool follow_up(struct daemon *daemon, int64_t deadline_ns)
{
	(void)deadline_ns;
	daemon->last_pass_ms = now_ms();
	if (daemon->pass.result != 0)
		return true;
	daemon_remove_stale_flows(daemon);
	tell_programming_latency(daemon);
	return true;
}

static bool serve(struct daemon *daemon, int64_t deadline_ns)
{
	const struct pass *pass = &daemon->pass;
	(void)deadline_ns;
	daemon_serve_pass(daemon, (double)(now_ns() - pass->began_ns) / 1e9, pass->result != 0);
	daemon_tune(daemon);
	return true;
}

static bool (*const phases[])(struct daemon *daemon, int64_t deadline_ns) = {
        look_at_node, send_first, daemon_look_for_drift, repair,    plan,
        send_all,     tell,       end_sending,           follow_up, serve,
};

enum { PHASES = sizeof(phases) / sizeof(*phases) };

/* ---- the pass */

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

static void begin_pass(struct daemon *daemon)
{
	bool whole = daemon->whole_needed;
	daemon->pass = (struct pass){.running = true,
	                             .whole = whole,
	                             .looks = !whole && daemon->drift.due,
	                             .first = whole && !daemon->first_tried,
	                             .good = true,
	                             .began_ns = now_ns()};
	daemon->first_tried |= whole;
	daemon->whole_needed = false;
	daemon->drift.due = false;
}

static void end_pass(struct daemon *daemon)
{
	struct pass *pass = &daemon->pass;
	pass->running = false;
	daemon_drains_after_pass(daemon);
	if (!pass->good || !pass->host_known) {
		schedule_retry(daemon, pass->whole);
	} else if (pass->whole) {
		daemon->retry_ms = 0;
		daemon->programmed_once = true;
	}
	if (pass->good && (pass->whole || pass->looks))
		daemon_end_takeover(daemon);
	if (pass->asked)
		daemon_request_pass(daemon);
}

/* True: the pass is through. */
static bool go_on(struct daemon *daemon, int64_t deadline_ns)
{
	while (phases[daemon->pass.phase](daemon, deadline_ns)) {
		if (++daemon->pass.phase == PHASES) {
			end_pass(daemon);
			return true;
		}
		if (deadline_over(deadline_ns))
			break;
	}
	return false;
}

static void on_slice(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;
	int64_t began_ns = deadline_clock_ns();
	(void)fd, (void)what;
	bool through = go_on(daemon, began_ns + (int64_t)SLICE_MS * 1000000);
	daemon_serve_slice(daemon, (double)(deadline_clock_ns() - began_ns) / 1e9);
	if (!through)
		daemon_arm(daemon->slice, 0);
}

/* ---- when */

static void on_due(evutil_socket_t fd, short what, void *context)
{
	if (daemon_drains_go_first(context))
		return;
	begin_pass(context);
	on_slice(fd, what, context);
}

void daemon_request_pass(struct daemon *daemon)
{
	if (!daemon->open)
		return;
	daemon_serve_queued(daemon);
	if (daemon->pass.running) {
		daemon->pass.asked = true;
		return;
	}
	if (evtimer_pending(daemon->due, NULL))
		return;
	int64_t wait = daemon->last_pass_ms + daemon->config->min_sync_period_ms - now_ms();
	daemon_arm(daemon->due, daemon->programmed_once && wait > 0 ? wait : 0);
}

/* A pass that begins as soon as none runs. */
static void begin_soon(struct daemon *daemon)
{
	if (daemon->pass.running)
		daemon->pass.asked = true;
	else
		daemon_arm(daemon->due, 0);
}

void daemon_look_again(struct daemon *daemon)
{
	daemon->drift.due = true;
	begin_soon(daemon);
}

static void on_period(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;
	(void)fd, (void)what;
	if (daemon->programmed_once && daemon->retry_ms == 0)
		daemon_look_again(daemon);
	else
		daemon_run_whole_pass(daemon);
}

void daemon_run_whole_pass(struct daemon *daemon)
{
	daemon->whole_needed = true;
	begin_soon(daemon);
}

void daemon_init_passes(struct daemon *daemon)
{
	daemon->due = evtimer_new(daemon->base, on_due, daemon);
	daemon->period = evtimer_new(daemon->base, on_period, daemon);
	daemon->slice = evtimer_new(daemon->base, on_slice, daemon);
}

void daemon_done_passes(struct daemon *daemon)
{
	event_free(daemon->due);
	event_free(daemon->period);
	event_free(daemon->slice);
	daemon_end_drift(daemon);
}
