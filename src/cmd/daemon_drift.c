/*
 * What others change in the kernel behind our back. Every --ipvs-sync-period a quick look; where that finds something else
 * than what was left there, the kernel is read as a whole and put right, before anything new is planned: so all that has
 * to be changed then is drift.
 *
 * A quick look that fails tells nothing, and everything is read instead. If that fails too, nothing is changed, and it is
 * tried again with back-off (daemon_pass.c).
 */
#include "daemon_private.h"
#include "syncer_record.h"

#include "plan/filter_text.h"
#include "plan/render.h"

#include <errno.h>
#include <string.h>

/* ---- looking */

static struct kernel_survey *begin_look(struct daemon *daemon)
{
	struct drift *drift = &daemon->drift;
	const struct expectation *expected = &daemon->syncer.expectation;
	struct kernel *kernel = daemon->syncer.kernel;
	unsigned wanted = expected->ipv6 ? SURVEY_IPV6 : 0;
	/* Routes are not followed, and the news of addresses may have ended. */
	if (drift->held_touched || daemon->config->hold_by_routes || daemon->host_unwatched)
		wanted |= SURVEY_HELD;
	drift->held_looked_at = wanted & SURVEY_HELD;
	drift->held_touched = false;
	drift->foreign_known = kernel_foreign_transactions(kernel, &drift->foreign) == 0;
	if (!drift->foreign_known || !expected->foreign_known || drift->foreign != expected->foreign)
		wanted |= SURVEY_FILTER;
	drift->filter_looked_at = wanted & SURVEY_FILTER;
	return kernel_survey_new(kernel, wanted, NULL);
}

static bool is_as_expected(struct daemon *daemon, const struct kernel_sums *sums)
{
	const struct drift *drift = &daemon->drift;
	struct expectation *expected = &daemon->syncer.expectation;
	bool ipvs = sums->ipvs == expected->sums.ipvs,
	     held = !drift->held_looked_at || sums->held == expected->sums.held,
	     filter = !drift->filter_looked_at || sums->filter == expected->sums.filter;
	if (!ipvs || !held || !filter) {
		log_debug(daemon->log, "drift: a quick look found something else:%s%s%s",
		          ipvs ? "" : " in IPVS", held ? "" : " among the addresses",
		          filter ? "" : " in the packet filter");
		return false;
	}
	/* What others did to other tables does not matter any more. */
	expected->foreign_known = drift->foreign_known;
	expected->foreign = drift->foreign;
	return true;
}

static void end_look(struct daemon *daemon, int e, const struct kernel_sums *sums)
{
	struct drift *drift = &daemon->drift;
	kernel_survey_free(drift->survey);
	drift->survey = NULL;
	drift->held_touched |= e != 0; /* what was looked at is not known */
	if (e < 0 && e != -ESTALE && memo_put(&daemon->troubles, "quick look", strerror(-e)))
		log_warning(daemon->log,
		            "kernel: a quick look at it fails: %s; it is read as a whole every time instead",
		            strerror(-e));
	if (e == -ESTALE)
		log_debug(daemon->log, "drift: a quick look found something that is not as it was left");
	daemon->pass.repairs = e != 0 || !is_as_expected(daemon, sums);
}

bool daemon_look_for_drift(struct daemon *daemon, int64_t deadline_ns)
{
	struct drift *drift = &daemon->drift;
	struct kernel_sums sums;
	if (!daemon->pass.looks)
		return true;
	if (drift->survey == NULL && daemon->syncer.record_unsaved) {
		syncer_record_again(&daemon->syncer);
		daemon_report_record(daemon);
	}
	if (drift->interface_gone || !daemon->syncer.expectation.known) {
		daemon->pass.repairs = true;
		return true;
	}
	if (drift->survey == NULL)
		drift->survey = begin_look(daemon);
	int e = kernel_survey_go_on(drift->survey, deadline_ns, &sums);
	if (e == KERNEL_E_MORE)
		return false;
	end_look(daemon, e, &sums);
	return true;
}

/* ---- telling */

enum drift_kind {
	DRIFT_VIRTUAL_SERVER,
	DRIFT_REAL_SERVER,
	DRIFT_ADDRESS,
	DRIFT_FILTER_ELEMENT,
	DRIFT_FILTER_RULES,
	DRIFT_INTERFACE,
	DRIFT_KINDS,
};

static const struct {
	const char *singular, *plural;
	unsigned label;
} kinds[DRIFT_KINDS] = {
        [DRIFT_VIRTUAL_SERVER] = {"virtual server", "virtual servers", LABEL_DRIFT_VIRTUAL_SERVER},
        [DRIFT_REAL_SERVER] = {"real server", "real servers", LABEL_DRIFT_REAL_SERVER},
        [DRIFT_ADDRESS] = {"address", "addresses", LABEL_DRIFT_ADDRESS},
        [DRIFT_FILTER_ELEMENT] = {"filter element", "filter elements", LABEL_DRIFT_FILTER_ELEMENT},
        [DRIFT_FILTER_RULES] = {"table of rules", "tables of rules", LABEL_DRIFT_FILTER_RULES},
        [DRIFT_INTERFACE] = {"interface", "interfaces", LABEL_DRIFT_INTERFACE},
};

static enum drift_kind kind_of(const struct change *change)
{
	static const uint8_t of_change[CHANGE_KINDS] = {
	        [CHANGE_FILTER_RESTRICT] = DRIFT_FILTER_ELEMENT,
	        [CHANGE_FILTER_ADD] = DRIFT_FILTER_ELEMENT,
	        [CHANGE_ADDRESS_ADD] = DRIFT_ADDRESS,
	        [CHANGE_VIRTUAL_SERVER_ADD] = DRIFT_VIRTUAL_SERVER,
	        [CHANGE_VIRTUAL_SERVER_EDIT] = DRIFT_VIRTUAL_SERVER,
	        [CHANGE_REAL_SERVER_ADD] = DRIFT_REAL_SERVER,
	        [CHANGE_REAL_SERVER_EDIT] = DRIFT_REAL_SERVER,
	        [CHANGE_REAL_SERVER_REMOVE] = DRIFT_REAL_SERVER,
	        [CHANGE_VIRTUAL_SERVER_REMOVE] = DRIFT_VIRTUAL_SERVER,
	        [CHANGE_ADDRESS_REMOVE] = DRIFT_ADDRESS,
	        [CHANGE_FILTER_REMOVE] = DRIFT_FILTER_ELEMENT,
	};
	return of_change[change->kind];
}

/* A line for each kind: many may have gone at once. */
static void say_kind(const struct daemon *daemon, enum drift_kind kind, size_t count,
                     const struct change *example)
{
	auto_text text = {0};
	render_change(example, &text);
	log_warning(daemon->log,
	            "drift: %zu %s %s not as left, changed by somebody else, and put right: for example "
	            "\"%s\"",
	            count, count == 1 ? kinds[kind].singular : kinds[kind].plural,
	            count == 1 ? "was" : "were", text_string(&text));
}

static void count(struct daemon *daemon, enum drift_kind kind, size_t number)
{
	if (number > 0)
		metric_add(daemon->serving.metrics, METRIC_DRIFT_REPAIRED, kinds[kind].label, (double)number);
}

static void tell_changes(struct daemon *daemon, const struct changes *changes)
{
	size_t counts[DRIFT_KINDS] = {0};
	const struct change *examples[DRIFT_KINDS] = {NULL};
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		enum drift_kind kind = kind_of(change);
		if (change->result != 0)
			continue;
		if (counts[kind]++ == 0)
			examples[kind] = change;
	}
	for (unsigned kind = 0; kind < DRIFT_KINDS; kind++) {
		count(daemon, kind, counts[kind]);
		if (counts[kind] > 0)
			say_kind(daemon, kind, counts[kind], examples[kind]);
	}
}

/* The rules and the interface were told of when they were put right. */
void daemon_tell_drift(struct daemon *daemon, const struct sync_outcome *outcome, int result)
{
	struct drift *drift = &daemon->drift;
	count(daemon, DRIFT_FILTER_RULES, outcome->filter_repaired);
	tell_changes(daemon, &outcome->changes);
	if (result != 0)
		return;
	count(daemon, DRIFT_INTERFACE, drift->interface_gone);
	drift->interface_gone = false;
}

void daemon_end_drift(struct daemon *daemon)
{
	kernel_survey_free(daemon->drift.survey);
	daemon->drift.survey = NULL;
}
