/*
 * Taking over from kube-proxy.
 *
 * It uses the same interface for its addresses, and the same virtual servers, so most of what it left is simply found and
 * put right by the first whole pass. What is not found so: its virtual servers on the node's own addresses, which count as
 * ours from that pass on, so that unwanted ones go; and its rules and sets, which stay until that pass was good, and go
 * then. Nothing answers unprotected in between: for a while both masquerade the same traffic, in the same way.
 */
#include "daemon_private.h"

#include "apply/host.h"
#include "apply/kube_proxy.h"

#include <event2/event.h>
#include <string.h>

static const char subject[] = "kube-proxy";

static void add_part(struct text *text, size_t count, const char *what)
{
	if (count > 0)
		text_addf(text, "%s%zu %s", text->length ? ", " : "", count, what);
}

/* "22 chains, 18 jumps, 34 ipsets"; empty: nothing. */
static void describe(const struct kube_proxy_traces *traces, struct text *text)
{
	add_part(text, traces->chains, "chains");
	add_part(text, traces->jumps, "jumps");
	add_part(text, traces->sets, "ipsets");
	add_part(text, traces->tables, "tables of its mode nftables");
}

/* ---- before the first pass */

static void claim(struct daemon *daemon)
{
	struct takeover *takeover = &daemon->takeover;
	const struct config *config = daemon->config;
	struct kube_proxy_claims *claims = &takeover->claims;
	struct interface_address *host = NULL;
	struct virtual_server_key *external = NULL;
	*claims = (struct kube_proxy_claims){.node_ports = config->service_node_ports,
	                                     .excluded = config->excluded.items,
	                                     .excluded_count = config->excluded.count};
	int e = host_read_addresses(&takeover->memory, &host, &claims->host_count);
	if (e == 0)
		e = kube_proxy_read_external(NULL, &takeover->memory, &external, &claims->external_count);
	claims->host = host;
	claims->external = external;
	if (e == 0)
		daemon->syncer.claims = claims;
	else
		log_warning(
		        daemon->log,
		        "%s: its virtual servers on the node's own addresses could not be told from those of "
		        "others: %s; those that no Service wants stay",
		        subject, strerror(-e));
}

void daemon_begin_takeover(struct daemon *daemon)
{
	struct kube_proxy_traces traces;
	auto_text text = {0};
	int e = kube_proxy_look(NULL, &traces);
	if (e)
		log_warning(daemon->log,
		            "%s: whether it left something on this node could not be found out: %s", subject,
		            strerror(-e));
	describe(&traces, &text);
	if (text.length == 0)
		return;
	if (!daemon->config->takeover) {
		log_info(daemon->log, "%s: what it left on this node (%s) stays: --takeover=false", subject,
		         text_string(&text));
		return;
	}
	log_info(daemon->log,
	         "%s: taking over from it; what it left on this node (%s) goes once ours is in place",
	         subject, text_string(&text));
	daemon->takeover.pending = true;
	if (traces.chains + traces.jumps + traces.sets > 0)
		claim(daemon);
}

/* ---- after a good whole pass */

static void report_items(struct daemon *daemon)
{
	struct kube_proxy_report *report = &daemon->takeover.report;
	vector_for_each (&report->items, item) {
		if (item->fate == KUBE_PROXY_REMOVED)
			log_write(daemon->log, LOG_LEVEL_DEBUG, "%s: - %s", subject, item->what);
		if (item->fate == KUBE_PROXY_LEFT)
			log_warning(daemon->log, "%s: %s is left: %s", subject, item->what, item->why);
	}
}

static void report_failures(struct daemon *daemon)
{
	struct takeover *takeover = &daemon->takeover;
	auto_text text = {0};
	vector_for_each (&takeover->report.items, item) {
		if (item->fate != KUBE_PROXY_FAILED)
			continue;
		text_addf(&text,
		          "%s: %zu of the things that it left could not be removed, the first: %s: %s; it is "
		          "tried "
		          "again",
		          subject, takeover->report.counts[KUBE_PROXY_FAILED], item->what, item->why);
		daemon_report_trouble(daemon, subject, text_string(&text));
		return;
	}
	daemon_report_trouble_over(daemon, subject);
}

static void finish(struct daemon *daemon)
{
	struct takeover *takeover = &daemon->takeover;
	const size_t *counts = takeover->report.counts;
	report_items(daemon);
	report_failures(daemon);
	if (counts[KUBE_PROXY_REMOVED] > 0)
		log_info(daemon->log,
		         "%s: taken over; %zu of its jumps, chains and sets are removed, %zu are left",
		         subject, counts[KUBE_PROXY_REMOVED],
		         counts[KUBE_PROXY_LEFT] + counts[KUBE_PROXY_FAILED]);
	takeover->pending = counts[KUBE_PROXY_FAILED] > 0;
	vector_done(&takeover->report.items);
	takeover->report = (struct kube_proxy_report){0};
	arena_done(&takeover->memory);
}

static void remove_sets(struct daemon *daemon)
{
	struct takeover *takeover = &daemon->takeover;
	bool last = ++takeover->set_tries >= KUBE_PROXY_SET_TRIES;
	if (kube_proxy_remove_sets(NULL, last, &takeover->memory, &takeover->report) > 0)
		daemon_arm(takeover->again, KUBE_PROXY_SET_PAUSE_MS);
	else
		finish(daemon);
}

static void on_again(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	remove_sets(context);
}

static void remove_all(struct daemon *daemon)
{
	struct takeover *takeover = &daemon->takeover;
	if (daemon->syncer.claims && daemon->syncer.claimed > 0)
		log_info(daemon->log,
		         "%s: %zu virtual servers on the node's own addresses were its, and are ours now",
		         subject, daemon->syncer.claimed);
	daemon->syncer.claims = NULL;
	takeover->set_tries = 0;
	if (!takeover->again)
		takeover->again = evtimer_new(daemon->base, on_again, daemon);
	kube_proxy_remove_rules(NULL, &takeover->memory, &takeover->report);
	remove_sets(daemon);
}

/* It puts its rules back every 30 s, and undoes our changes to virtual servers. */
static void look_whether_it_runs(struct daemon *daemon)
{
	struct kube_proxy_traces traces;
	if (kube_proxy_look(NULL, &traces) != 0)
		return;
	if (traces.jumps > 0)
		daemon_report_trouble(daemon, subject,
		                      "kube-proxy: it is running on this node beside us: its rules are back; "
		                      "stop it, since both "
		                      "program the same virtual servers, and then restart this daemon, or "
		                      "nothing of its rules goes");
	else
		daemon_report_trouble_over(daemon, subject);
}

void daemon_end_takeover(struct daemon *daemon)
{
	struct takeover *takeover = &daemon->takeover;
	bool under_way = takeover->again && evtimer_pending(takeover->again, NULL);
	if (!daemon->config->takeover || under_way)
		return;
	if (!takeover->pending)
		look_whether_it_runs(daemon);
	else if (memo_count(&daemon->sources.unread) == 0)
		remove_all(daemon);
}

void daemon_close_takeover(struct daemon *daemon)
{
	struct takeover *takeover = &daemon->takeover;
	if (takeover->again)
		event_free(takeover->again);
	vector_done(&takeover->report.items);
	arena_done(&takeover->memory);
}
