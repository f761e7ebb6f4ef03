/*
 * Real servers that drain: looked at every second for as long as there is one, the first time at once.
 *
 * A look is done in steps, and only while no pass runs, which may need the kernel to itself; one that has begun waits for
 * the pass's end, and then the next pass waits for it, or else nothing would ever end where one pass follows the other.
 * What is over then is removed by a pass of its own.
 */
#include "daemon_private.h"

#include "base/deadline.h"
#include "base/memory.h"
#include "plan/render.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOK_PERIOD_MS = 1000,
	LOOK_AGAIN_MS = 200, /* at those whose connections seem to be closed */
	LOOK_STEP_MS = 20,
	LOOK_LONG_MS = 200, /* a look as long as that is followed by a pause */
	LOOK_SHARE = 4,     /* of so many times its length */
	MOST_ENDED = 1000,  /* at once; the others follow */
};

static const char subject[] = "drains";

/* ---- the book and the metrics */

static void tell_metrics(struct daemon *daemon)
{
	static const unsigned labels[DRAIN_ENDS] = {
	        [DRAIN_DONE] = LABEL_DONE,
	        [DRAIN_TIMEOUT] = LABEL_TIMEOUT,
	        [DRAIN_GRACE_OVER] = LABEL_GRACE_OVER,
	        [DRAIN_RETURNED] = LABEL_RETURNED,
	        [DRAIN_GONE] = LABEL_GONE,
	};
	struct drainer *drainer = &daemon->drainer;
	const struct drain_book *book = &daemon->syncer.drains;
	metric_set(daemon->serving.metrics, METRIC_DRAINING_REAL_SERVERS, LABEL_NONE,
	           (double)drains_count(book));
	for (unsigned end = 0; end < DRAIN_ENDS; end++) {
		metric_add(daemon->serving.metrics, METRIC_DRAINS_ENDED, labels[end],
		           (double)(book->ended[end] - drainer->ended_told[end]));
		drainer->ended_told[end] = book->ended[end];
	}
}

static void save(struct daemon *daemon)
{
	struct fault fault = {0};
	char text[FAULT_TEXT_SIZE];
	if (drains_write(&daemon->syncer.drains, daemon->config->run_directory,
	                 daemon->config->drain_timeout_ms, &fault) != 0)
		daemon_report_trouble(daemon, subject, fault_format(&fault, text));
	else
		daemon_report_trouble_over(daemon, subject);
}

/* ---- the end of drains */

struct ending {
	struct virtual_server server;   /* its key is all that a removal needs */
	struct real_server real_server; /* as it was found */
	struct flow_end real_end;
	enum drain_end end;
};

/* Judges those which took part in the look. What is wanted again is left alone. */
static size_t find_ended(struct daemon *daemon, struct ending *endings)
{
	int64_t now = boot_clock_ms();
	size_t count = 0;
	vector_for_each (&daemon->syncer.drains.drains, drain) {
		if (!drain->in_look || !drain->confirmed || drain->over || count == MOST_ENDED)
			continue;
		enum drain_end end = drain_judge(drain, now, daemon->config->drain_timeout_ms);
		if (end != DRAIN_WAITS && drain_still_unwanted(drain, daemon->planner.ledger))
			endings[count++] = (struct ending){
			        .server = {.key = drain->key, .rank = RANK_OTHER, .label = drain->label},
			        .real_server = drain->found,
			        .real_end = drain->end,
			        .end = end};
	}
	return count;
}

static bool needs_removal(struct daemon *daemon, const struct ending *ending)
{
	const struct drain *drain =
	        drains_find(&daemon->syncer.drains, &ending->server.key, &ending->real_end);
	return ending->end != DRAIN_GONE && drain && !drain->left_over;
}

/* Its flows, which could go on till now. */
static void let_flows_go(struct daemon *daemon, const struct drain *drain)
{
	const char *label = drain->label;
	const char *slash = label ? strchr(label, '/') : NULL;
	if (drain->key.protocol != PROTOCOL_SCTP || !slash)
		return;
	size_t length = (size_t)(slash - label) + strcspn(slash, ":");
	char *owner = strndup(label, length);
	if (owner)
		memo_put(&daemon->planner.flow_owners, owner, "");
	free(owner);
}

static void conclude(struct daemon *daemon, const struct ending *ending, bool named)
{
	struct drain *drain = drains_find(&daemon->syncer.drains, &ending->server.key, &ending->real_end);
	if (!drain)
		return;
	if (named)
		daemon_say_drain_ended(daemon, drain, ending->end);
	let_flows_go(daemon, drain);
	drains_end(&daemon->syncer.drains, drain, ending->end);
}

/* Returns how many real servers the kernel refused to remove; they are tried again with the next look. */
static size_t remove_ended(struct daemon *daemon, struct ending *endings, size_t count)
{
	struct syncer *syncer = &daemon->syncer;
	struct changes changes = {0};
	size_t next = 0, failed = 0;
	int64_t began = now_ms();
	for (size_t i = 0; i < count; i++)
		if (needs_removal(daemon, &endings[i]))
			vector_push(&changes, (struct change){.kind = CHANGE_REAL_SERVER_REMOVE,
			                                      .rank = RANK_OTHER,
			                                      .virtual_server = &endings[i].server,
			                                      .real_server = &endings[i].real_server});
	sync_begin_given(syncer, &changes);
	int e = syncer->outcome.changes.count > 0 ? sync_go_on(syncer, NO_DEADLINE) : 0;
	const struct sync_outcome *outcome = &syncer->outcome;
	if (e != 0 || outcome->failed > 0)
		daemon_report(daemon, outcome, e, now_ms() - began);
	if (e == 0)
		daemon_serve_outcome(daemon, outcome);
	for (size_t i = 0; i < count; i++) {
		bool sent = next < outcome->changes.count &&
		            outcome->changes.items[next].virtual_server == &endings[i].server;
		int result = sent ? outcome->changes.items[next].result : 0;
		next += sent;
		if ((sent && e != 0) || result != 0)
			failed++;
		else
			conclude(daemon, &endings[i], count <= FEW_DRAINS);
	}
	if (count > FEW_DRAINS)
		log_info(daemon->log, "kernel: %zu real servers that drained are removed", count - failed);
	sync_end(syncer);
	return failed;
}

static void end_drains(struct daemon *daemon)
{
	auto_free struct ending *endings = memory_alloc(MOST_ENDED * sizeof(*endings));
	size_t count = find_ended(daemon, endings), refused = 0;
	if (count > 0) {
		refused = remove_ended(daemon, endings, count);
		daemon_remove_stale_flows(daemon);
	}
	daemon->drainer.ending = count == MOST_ENDED && refused == 0;
	if (drains_release(&daemon->syncer.drains, daemon->planner.ledger))
		daemon_request_pass(daemon);
}

/* ---- looks */

static void arm_next(struct daemon *daemon)
{
	struct drainer *drainer = &daemon->drainer;
	struct drain_book *book = &daemon->syncer.drains;
	int64_t now = now_ms(), next = drainer->next_look_ms;
	bool fresh = false, quiet = false;
	vector_for_each (&book->drains, drain) {
		fresh |= !drain->looked;
		quiet |= drain->quiet && !drain->over;
	}
	if (quiet && next > now + LOOK_AGAIN_MS)
		next = drainer->next_look_ms = now + LOOK_AGAIN_MS;
	if (drains_count(book) == 0 && !book->unsaved)
		return;
	daemon_arm(drainer->timer, fresh || next < now ? 0 : next - now);
}

static void finish_look(struct daemon *daemon)
{
	end_drains(daemon);
	if (daemon->drainer.ending) {
		daemon_arm(daemon->drainer.timer, 0);
		return;
	}
	daemon_say_drains(daemon);
	save(daemon);
	tell_metrics(daemon);
	arm_next(daemon);
}

static void look_failed(struct daemon *daemon, int e)
{
	char sentence[160];
	snprintf(sentence, sizeof(sentence),
	         "drains: the connections of real servers cannot be read: %s; they stay", strerror(-e));
	daemon_report_trouble(daemon, "drains, their connections", sentence);
	daemon_arm(daemon->drainer.timer, LOOK_PERIOD_MS);
}

static void begin_look(struct daemon *daemon)
{
	struct drainer *drainer = &daemon->drainer;
	int64_t now = now_ms();
	bool fresh_only = now < drainer->next_look_ms;
	if (!fresh_only)
		drainer->next_look_ms = now + LOOK_PERIOD_MS;
	drainer->looking = true;
	drainer->cost_ns = 0;
	drain_look_begin(&drainer->look, fresh_only);
}

/* Looks for a while. True: what there is to be seen has been seen. */
static bool look_on(struct daemon *daemon)
{
	struct drainer *drainer = &daemon->drainer;
	if (!drainer->looking)
		begin_look(daemon);
	int64_t began = deadline_clock_ns();
	int e = drain_look_go_on(&drainer->look, boot_clock_ms(), began + (int64_t)LOOK_STEP_MS * 1000000);
	drainer->cost_ns += deadline_clock_ns() - began;
	if (e > 0) {
		daemon_arm(drainer->timer, 0);
		return false;
	}
	drainer->looking = false;
	if (e < 0) {
		look_failed(daemon, e);
		return false;
	}
	daemon_report_trouble_over(daemon, "drains, their connections");
	if (drainer->cost_ns > (int64_t)LOOK_LONG_MS * 1000000)
		drainer->next_look_ms = now_ms() + LOOK_SHARE * drainer->cost_ns / 1000000;
	return true;
}

/* ---- turns */

static bool is_under_way(const struct drainer *drainer)
{
	return drainer->held_up || drainer->looking || drainer->ending;
}

static void use_turn(struct daemon *daemon, int64_t took_ns)
{
	struct drainer *drainer = &daemon->drainer;
	drainer->turn_ns -= took_ns;
	if (drainer->turn_ns > 0 && is_under_way(drainer))
		return;
	drainer->turn_ns = 0;
	if (drainer->pass_waits)
		daemon_arm(daemon->due, 0);
	drainer->pass_waits = false;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;
	struct drainer *drainer = &daemon->drainer;
	(void)fd, (void)what;
	if (daemon->pass.running) {
		drainer->held_up = true;
		return;
	}
	int64_t began = deadline_clock_ns();
	drainer->held_up = false;
	if (drainer->ending || look_on(daemon))
		finish_look(daemon);
	use_turn(daemon, deadline_clock_ns() - began);
}

/* Where one pass follows the other, a look that is under way has as much time as the last one took. */
void daemon_drains_after_pass(struct daemon *daemon)
{
	struct drainer *drainer = &daemon->drainer;
	if (drainer->timer == NULL)
		return;
	tell_metrics(daemon);
	if (is_under_way(drainer)) {
		drainer->turn_ns = now_ns() - daemon->pass.began_ns;
		daemon_arm(drainer->timer, 0);
	} else {
		arm_next(daemon);
	}
}

bool daemon_drains_go_first(struct daemon *daemon)
{
	struct drainer *drainer = &daemon->drainer;
	drainer->pass_waits = drainer->turn_ns > 0 && is_under_way(drainer);
	return drainer->pass_waits;
}

/* ---- start and end */

void daemon_open_drains(struct daemon *daemon)
{
	struct drainer *drainer = &daemon->drainer;
	struct drain_book *book = &daemon->syncer.drains;
	const char *directory = daemon->config->run_directory;
	size_t unreadable = 0;
	int e = drains_read(book, directory, boot_clock_ms(), &unreadable);
	if (e)
		log_warning(daemon->log, "%s/" DRAINS_FILE ": it cannot be read: %s; drains begin anew",
		            directory, strerror(-e));
	if (unreadable > 0)
		log_warning(daemon->log,
		            "%s/" DRAINS_FILE ": %zu lines cannot be read; those drains begin anew",
		            directory, unreadable);
	book->on_delete = daemon->config->drain_on_delete;
	drain_look_init(&drainer->look, book, daemon->syncer.kernel, CONNECTIONS_PATH);
	drainer->timer = evtimer_new(daemon->base, on_timer, daemon);
}

void daemon_close_drains(struct daemon *daemon)
{
	struct drainer *drainer = &daemon->drainer;
	if (drainer->timer == NULL)
		return;
	save(daemon);
	drain_look_done(&drainer->look);
	event_free(drainer->timer);
	drainer->timer = NULL;
}
