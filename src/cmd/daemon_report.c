/*
 * What the daemon says. Each trouble is said when it begins and when it ends, not in between.
 */
#include "daemon_private.h"

#include "plan/filter_text.h"
#include "plan/render.h"

#include <string.h>

#define FEW_CHANGES 8 /* so many are named one by one at the usual log level */

/* A line of log for each line of the sentence: some show what to type. */
static void log_lines(const struct log *log, enum log_level level, const char *sentence)
{
	while (*sentence != '\0') {
		size_t length = strcspn(sentence, "\n");
		log_write(log, level, "%.*s", (int)length, sentence);
		sentence += length + (sentence[length] != '\0');
	}
}

void daemon_report_trouble(struct daemon *daemon, const char *subject, const char *sentence)
{
	if (memo_put(&daemon->troubles, subject, sentence))
		log_lines(daemon->log, LOG_LEVEL_ERROR, sentence);
}

void daemon_report_trouble_over(struct daemon *daemon, const char *subject)
{
	if (memo_remove(&daemon->troubles, subject))
		log_info(daemon->log, "%s: in order again", subject);
}

static void source_changed(void *context)
{
	daemon_request_pass(context);
}

/* A manifest may hold the Node, of which the directory does not tell apart. */
static void manifest_changed(void *context)
{
	struct daemon *daemon = context;
	daemon_request_pass(daemon);
	if (!daemon->sources.manifests_opening)
		daemon_node_told(daemon, false);
}

static void manifest_refused(void *context, const struct fault *fault)
{
	struct daemon *daemon = context;
	char text[FAULT_TEXT_SIZE];
	log_error(daemon->log, "%s; what it held before stays in force", fault_format(fault, text));
	if (daemon->sources.manifests_opening) {
		/* The place may be "file:line"; recovery names the file. */
		struct fault file = *fault;
		char *line = strrchr(file.place, ':');
		if (line != NULL && line[1 + strspn(line + 1, "0123456789")] == '\0')
			*line = '\0';
		memo_put(&daemon->sources.unread, file.place, "");
	}
}

static void manifest_recovered(void *context, const char *place)
{
	struct daemon *daemon = context;
	log_info(daemon->log, "%s: in order again", place);
	if (memo_remove(&daemon->sources.unread, place) && memo_count(&daemon->sources.unread) == 0) {
		daemon->whole_needed = true;
		daemon_request_pass(daemon);
	}
}

static void manifest_remarked(void *context, bool grave, const char *sentence)
{
	const struct daemon *daemon = context;
	log_write(daemon->log, grave ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "%s", sentence);
}

struct manifest_listener daemon_manifest_listener(struct daemon *daemon)
{
	return (struct manifest_listener){
	        .context = daemon,
	        .changed = manifest_changed,
	        .refused = manifest_refused,
	        .recovered = manifest_recovered,
	        .remarked = manifest_remarked,
	};
}

/* As api_source names what it follows. */
static const char *const followed[OBJECT_KINDS] = {
        [KIND_SERVICE] = "Services", [KIND_SLICE] = "EndpointSlices", [KIND_NODE] = "Node"};

static void tell_connected(struct daemon *daemon, const char *subject, bool connected)
{
	for (unsigned kind = 0; kind < OBJECT_KINDS; kind++)
		if (strcmp(followed[kind], subject) == 0)
			daemon_serve_connected(daemon, (enum object_kind)kind, connected);
}

static void kind_complete(void *context, enum object_kind kind)
{
	struct daemon *daemon = context;
	log_info(daemon->log, "%s: %zu listed", followed[kind],
	         daemon->sources.inlets[ORIGIN_API_SERVER].count[kind]);
	daemon_serve_connected(daemon, kind, true);
	if (kind == KIND_NODE) {
		node_facts_told(&daemon->node_facts, now_ms());
		daemon_node_told(daemon, false);
	}
	daemon_try_to_begin(daemon);
}

static void node_told(void *context, bool deleted)
{
	daemon_node_told(context, deleted);
}

static void api_failing(void *context, const char *subject, const char *sentence)
{
	tell_connected(context, subject, false);
	daemon_report_trouble(context, subject, sentence);
}

static void api_recovered(void *context, const char *subject)
{
	tell_connected(context, subject, true);
	daemon_report_trouble_over(context, subject);
}

static void object_refused(void *context, const struct fault *fault)
{
	const struct daemon *daemon = context;
	char text[FAULT_TEXT_SIZE];
	log_error(daemon->log, "%s; what was known of it stays in force", fault_format(fault, text));
}

struct api_source_listener daemon_api_listener(struct daemon *daemon)
{
	return (struct api_source_listener){
	        .context = daemon,
	        .changed = source_changed,
	        .complete = kind_complete,
	        .node_told = node_told,
	        .failing = api_failing,
	        .recovered = api_recovered,
	        .refused = object_refused,
	};
}

static void service_warned(void *context, const char *owner, const char *const *sentences, size_t count)
{
	struct daemon *daemon = context;
	auto_text all = {0};
	if (count == 0) {
		memo_remove(&daemon->warnings, owner);
		return;
	}
	for (size_t i = 0; i < count; i++)
		text_addf(&all, "%s\n", sentences[i]);
	if (!memo_put(&daemon->warnings, owner, text_string(&all)))
		return;
	for (size_t i = 0; i < count; i++)
		log_warning(daemon->log, "%s", sentences[i]);
}

static void planner_remarked(void *context, const char *sentence)
{
	const struct daemon *daemon = context;
	log_warning(daemon->log, "%s", sentence);
}

static void scheduler_wanted(void *context, const char *scheduler)
{
	daemon_probe_scheduler(context, scheduler);
}

struct planner_listener daemon_planner_listener(struct daemon *daemon)
{
	return (struct planner_listener){
	        .context = daemon,
	        .warned = service_warned,
	        .remarked = planner_remarked,
	        .scheduler_wanted = scheduler_wanted,
	};
}

static const char *change_label(const struct change *change)
{
	if (change->virtual_server != NULL && change->virtual_server->label != NULL)
		return change->virtual_server->label;
	return "kernel";
}

static void report_failures(struct daemon *daemon, const struct sync_outcome *outcome)
{
	auto_text text = {0};
	for (size_t i = 0; outcome->failed > 0 && i < outcome->changes.count; i++) {
		const struct change *change = &outcome->changes.items[i];
		if (change->result == 0)
			continue;
		text_clear(&text);
		render_change(change, &text);
		const char *why = kernel_error_text(change->kind, change->result);
		if (memo_put(&daemon->failures, text_string(&text), why))
			log_error(daemon->log, "%s: the kernel refused \"%s\": %s%s%s; it is tried again",
			          change_label(change), text_string(&text), why, change->detail ? ": " : "",
			          change->detail ? change->detail : "");
	}
}

static void failure_over(void *context, const char *subject)
{
	const struct daemon *daemon = context;
	log_info(daemon->log, "%s: no longer failing", subject);
}

static void report_changes(const struct daemon *daemon, const struct sync_outcome *outcome)
{
	bool few = !outcome->whole && outcome->changes.count <= FEW_CHANGES;
	if (!few && daemon->log->most < LOG_LEVEL_DEBUG)
		return;
	auto_text text = {0};
	for (size_t i = 0; i < outcome->changes.count; i++) {
		const struct change *change = &outcome->changes.items[i];
		bool filter = change->filter != NULL;
		text_clear(&text);
		render_change(change, &text);
		log_write(daemon->log, few && !filter ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "%s: %s",
		          change_label(change), text_string(&text));
	}
}

static void report_summary(const struct daemon *daemon, const struct sync_outcome *outcome, int64_t took_ms)
{
	const size_t *done = outcome->done;
	size_t filter_changes =
	        done[CHANGE_FILTER_RESTRICT] + done[CHANGE_FILTER_ADD] + done[CHANGE_FILTER_REMOVE];
	size_t kernel_changes = outcome->changes.count - filter_changes;
	if (kernel_changes > 0)
		log_info(daemon->log,
		         "kernel: virtual servers +%zu ~%zu -%zu, real servers +%zu ~%zu -%zu, addresses "
		         "+%zu -%zu, %zu failed, "
		         "in %lld ms",
		         done[CHANGE_VIRTUAL_SERVER_ADD], done[CHANGE_VIRTUAL_SERVER_EDIT],
		         done[CHANGE_VIRTUAL_SERVER_REMOVE], done[CHANGE_REAL_SERVER_ADD],
		         done[CHANGE_REAL_SERVER_EDIT], done[CHANGE_REAL_SERVER_REMOVE],
		         done[CHANGE_ADDRESS_ADD], done[CHANGE_ADDRESS_REMOVE], outcome->failed,
		         (long long)took_ms);
	if (outcome->withheld > 0)
		log_warning(daemon->log,
		            "kernel: %zu entries that no readable manifest asks for are kept, because a "
		            "manifest could not be read "
		            "since the start; mend it and they are looked at again",
		            outcome->withheld);
	if (outcome->as_wanted)
		log_debug(daemon->log,
		          "kernel: a quick look has shown that all is there already; nothing was read");
	if (outcome->whole && outcome->failed == 0 && !daemon->programmed_once)
		log_info(daemon->log,
		         "kernel: in sync: %zu virtual servers, %zu real servers, %zu addresses %s",
		         outcome->virtual_servers, outcome->real_servers, outcome->addresses,
		         daemon->config->hold_by_routes ? "held by routes" : "on " DUMMY_INTERFACE);
}

void daemon_report_record(struct daemon *daemon)
{
	static const char subject[] = "record";
	const struct fault *fault = &daemon->syncer.record_fault;
	char text[FAULT_TEXT_SIZE];
	if (*fault->sentence != '\0')
		daemon_report_trouble(daemon, subject, fault_format(fault, text));
	else
		daemon_report_trouble_over(daemon, subject);
}

void daemon_report(struct daemon *daemon, const struct sync_outcome *outcome, int result, int64_t took_ms)
{
	daemon_report_record(daemon);
	if (result != 0) {
		char text[FAULT_TEXT_SIZE];
		fault_format(&outcome->fault, text);
		if (memo_put(&daemon->failures, "kernel", text))
			log_error(daemon->log,
			          "kernel: %s; everything programmed stays, and it is tried again", text);
		return;
	}
	if (outcome->filter_repaired)
		log_warning(daemon->log, "packet filter: the rules of the table inet " FILTER_TABLE
		                         " had been changed or removed; they are as they should be again");
	report_changes(daemon, outcome);
	report_failures(daemon, outcome);
	report_summary(daemon, outcome, took_ms);
	if (outcome->whole)
		memo_sweep(&daemon->failures, failure_over, daemon);
}
