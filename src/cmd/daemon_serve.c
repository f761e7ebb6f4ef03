/*
 * Health, metrics and configuration over HTTP, where kube-proxy serves them (R12, R13), and the health-check node ports.
 *
 * A pass that broke off leaves its families "queued", so that persistent failure shows. A single change that
 * the kernel refuses does not: one Service that cannot be served must not take the node out of service.
 */
#include "daemon_private.h"

#include <event2/event.h>
#include <string.h>

#define LISTEN_AGAIN_MS 5000

/* ---- health and metrics of passes */

void daemon_serve_queued(struct daemon *daemon)
{
	int64_t now = wall_clock_ns();
	for (unsigned f = 0; f < IP_FAMILIES; f++) {
		if (!daemon->families[f])
			continue;
		health_queue(&daemon->serving.health, f, now);
		metric_set(daemon->serving.metrics, METRIC_LAST_QUEUED, f, (double)now / 1e9);
	}
}

void daemon_serve_planned(struct daemon *daemon)
{
	for (unsigned kind = 0; kind < OBJECT_KINDS; kind++) {
		uint64_t changes = 0;
		for (unsigned origin = 0; origin < ORIGINS; origin++)
			changes += daemon->sources.inlets[origin].changes[kind];
		daemon->serving.changes_planned[kind] = changes;
	}
}

static void serve_service_health(struct daemon *daemon)
{
	struct service_facts *facts = &daemon->planner.facts;
	struct arena arena = {0};
	struct service_health_port *ports = NULL;
	size_t count = service_facts_health_ports(facts, &arena, &ports);
	service_health_want(daemon->serving.service_health, ports, count);
	arena_done(&arena);
}

static void tell_no_local_endpoints(const struct daemon *daemon)
{
	static const unsigned external[] = {LABEL_IPV4_EXTERNAL, LABEL_IPV6_EXTERNAL};
	static const unsigned internal[] = {LABEL_IPV4_INTERNAL, LABEL_IPV6_INTERNAL};
	const struct service_facts *facts = &daemon->planner.facts;
	for (unsigned f = 0; f < IP_FAMILIES; f++) {
		if (!daemon->families[f])
			continue;
		metric_set(daemon->serving.metrics, METRIC_NO_LOCAL_ENDPOINTS, external[f],
		           (double)facts->no_local_external[f]);
		metric_set(daemon->serving.metrics, METRIC_NO_LOCAL_ENDPOINTS, internal[f],
		           (double)facts->no_local_internal[f]);
	}
}

void daemon_serve_pass(struct daemon *daemon, double seconds, bool failed)
{
	struct serving *serving = &daemon->serving;
	int64_t now = wall_clock_ns();
	memcpy(serving->changes_applied, serving->changes_planned, sizeof(serving->changes_applied));
	metric_set(serving->metrics, METRIC_FAILED_CHANGES, LABEL_NONE,
	           (double)memo_count(&daemon->failures));
	for (unsigned f = 0; f < IP_FAMILIES; f++) {
		if (!daemon->families[f])
			continue;
		metric_observe(serving->metrics, METRIC_SYNC_DURATION, f, seconds);
		if (failed) {
			health_queue(&serving->health, f, now);
			continue;
		}
		health_synced(&serving->health, f, now);
		metric_set(serving->metrics, METRIC_LAST_SYNC, f, (double)now / 1e9);
	}
	if (failed)
		return;
	serve_service_health(daemon);
	tell_no_local_endpoints(daemon);
}

void daemon_serve_slice(struct daemon *daemon, double seconds)
{
	struct serving *serving = &daemon->serving;
	if (seconds <= serving->longest_slice)
		return;
	serving->longest_slice = seconds;
	metric_set(serving->metrics, METRIC_LONGEST_SLICE, LABEL_NONE, seconds);
}

/* A whole pass counts what is wanted; a small one tells what came and went. */
void daemon_serve_outcome(struct daemon *daemon, const struct sync_outcome *outcome)
{
	struct serving *serving = &daemon->serving;
	const size_t *done = outcome->done;
	if (outcome->whole) {
		serving->virtual_servers = outcome->virtual_servers;
		serving->real_servers = outcome->real_servers;
		serving->addresses = outcome->addresses;
		metric_set(serving->metrics, METRIC_ALIEN_VIRTUAL_SERVERS, LABEL_NONE,
		           (double)outcome->aliens);
	} else {
		serving->virtual_servers +=
		        done[CHANGE_VIRTUAL_SERVER_ADD] - done[CHANGE_VIRTUAL_SERVER_REMOVE];
		serving->real_servers += done[CHANGE_REAL_SERVER_ADD] - done[CHANGE_REAL_SERVER_REMOVE];
		serving->addresses += done[CHANGE_ADDRESS_ADD] - done[CHANGE_ADDRESS_REMOVE];
	}
	metric_set(serving->metrics, METRIC_VIRTUAL_SERVERS, LABEL_NONE, (double)serving->virtual_servers);
	metric_set(serving->metrics, METRIC_REAL_SERVERS, LABEL_NONE, (double)serving->real_servers);
	metric_set(serving->metrics, METRIC_ADDRESSES, LABEL_NONE, (double)serving->addresses);
}

void daemon_serve_refused_filter(struct daemon *daemon)
{
	for (unsigned f = 0; f < IP_FAMILIES; f++)
		if (daemon->families[f])
			metric_add(daemon->serving.metrics, METRIC_RESTORE_FAILURES, f, 1);
}

void daemon_serve_connected(struct daemon *daemon, enum object_kind kind, bool connected)
{
	static const unsigned labels[OBJECT_KINDS] = {[KIND_SERVICE] = LABEL_SERVICES,
	                                              [KIND_SLICE] = LABEL_ENDPOINT_SLICES,
	                                              [KIND_NODE] = LABEL_NODES};
	metric_set(daemon->serving.metrics, METRIC_API_CONNECTED, labels[kind], connected);
}

void daemon_serve_redelivery(struct daemon *daemon)
{
	for (unsigned origin = 0; origin < ORIGINS; origin++) {
		struct inlet *inlet = &daemon->sources.inlets[origin];
		for (unsigned kind = 0; kind < OBJECT_KINDS; kind++)
			inlet->events[kind] += inlet->count[kind];
	}
}

/* Counters that the inlets keep, brought over when somebody asks. */
static void refresh_metrics(struct daemon *daemon)
{
	struct serving *serving = &daemon->serving;
	uint64_t events[OBJECT_KINDS] = {0}, changes[OBJECT_KINDS] = {0};
	for (unsigned origin = 0; origin < ORIGINS; origin++) {
		for (unsigned kind = 0; kind < OBJECT_KINDS; kind++) {
			events[kind] += daemon->sources.inlets[origin].events[kind];
			changes[kind] += daemon->sources.inlets[origin].changes[kind];
		}
	}
	/* Each of kube-proxy's engines counts a Service once (R13.7); a slice has one family. */
	unsigned engines = (unsigned)daemon->families[IPV4] + daemon->families[IPV6];
	metric_add(serving->metrics, METRIC_SERVICE_CHANGES, LABEL_NONE,
	           (double)(engines * (events[KIND_SERVICE] - serving->events_counted[KIND_SERVICE])));
	metric_add(serving->metrics, METRIC_ENDPOINT_CHANGES, LABEL_NONE,
	           (double)(events[KIND_SLICE] - serving->events_counted[KIND_SLICE]));
	metric_set(serving->metrics, METRIC_SERVICE_CHANGES_PENDING, LABEL_NONE,
	           (double)(changes[KIND_SERVICE] - serving->changes_applied[KIND_SERVICE]));
	metric_set(serving->metrics, METRIC_ENDPOINT_CHANGES_PENDING, LABEL_NONE,
	           (double)(changes[KIND_SLICE] - serving->changes_applied[KIND_SLICE]));
	memcpy(serving->events_counted, events, sizeof(events));
}

/* ---- pages */

/* Without an API server nobody can mark the node, so it may always get traffic. */
static void refresh_node_health(struct daemon *daemon)
{
	struct health *health = &daemon->serving.health;
	const struct node *node = cluster_find_node(daemon->planner.cluster, daemon->node_name);
	health->node_known = node != NULL || !daemon->sources.use_api_server;
	health->node_deleting = node != NULL && node->deleting;
	health->node_to_be_deleted = node != NULL && node->to_be_deleted;
}

static void serve_healthz(struct daemon *daemon, struct http_answer *answer)
{
	refresh_node_health(daemon);
	answer->content_type = "application/json";
	answer->status = health_render_healthz(&daemon->serving.health, wall_clock_ns(), &answer->body);
	metric_add(daemon->serving.metrics, METRIC_PROXY_HEALTHZ,
	           answer->status == 200 ? LABEL_200 : LABEL_503, 1);
}

static void serve_livez(struct daemon *daemon, struct http_answer *answer)
{
	answer->content_type = "application/json";
	answer->status = health_render_livez(&daemon->serving.health, wall_clock_ns(), &answer->body);
	metric_add(daemon->serving.metrics, METRIC_PROXY_LIVEZ, answer->status == 200 ? LABEL_200 : LABEL_503,
	           1);
}

static void serve_metrics(struct daemon *daemon, struct http_answer *answer)
{
	refresh_metrics(daemon);
	answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_render(daemon->serving.metrics, "/proc/self", &answer->body);
}

static void serve_configz(struct daemon *daemon, struct http_answer *answer)
{
	answer->content_type = "application/json";
	config_render_configz(daemon->config, &answer->body);
}

static void serve_proxy_mode(struct daemon *daemon, struct http_answer *answer)
{
	(void)daemon;
	text_add(&answer->body, "ipvs");
}

static void serve_ok(struct daemon *daemon, struct http_answer *answer)
{
	(void)daemon;
	text_add(&answer->body, "ok");
}

struct page {
	const char *path; /* NULL at the end */
	void (*serve)(struct daemon *daemon, struct http_answer *answer);
};

static const struct page healthz_pages[] = {
        {"/healthz", serve_healthz},
        {"/livez", serve_livez},
        {0},
};

static const struct page metrics_pages[] = {
        {"/metrics", serve_metrics},
        {"/healthz", serve_ok},
        {"/proxyMode", serve_proxy_mode},
        {"/configz", serve_configz},
        {0},
};

static const struct page *const pages[SERVED] = {
        [SERVED_HEALTHZ] = healthz_pages,
        [SERVED_METRICS] = metrics_pages,
};

static void handle(void *context, const struct http_question *question, struct http_answer *answer)
{
	const struct served *served = context;
	struct daemon *daemon = served->daemon;
	for (const struct page *page = pages[served - daemon->serving.served]; page->path != NULL; page++) {
		if (strcmp(page->path, question->path) == 0) {
			page->serve(daemon, answer);
			return;
		}
	}
	answer->status = 404;
	text_add(&answer->body, "404 page not found\n");
}

/* ---- listening */

static void give_up(struct served *served, const char *sentence)
{
	struct api_event event = {.type = EVENT_WARNING,
	                          .reason = served->reason,
	                          .action = "StartKubeProxy",
	                          .note = sentence};
	log_error(served->daemon->log, "%s; ending, as --bind-address-hard-fail asks", sentence);
	daemon_tell_event(served->daemon, &event);
	daemon_fail(served->daemon);
}

static void try_to_listen(struct served *served)
{
	struct daemon *daemon = served->daemon;
	struct address address;
	uint16_t port;
	char sentence[256];
	if (!config_split_address(served->where, &address, &port))
		return;
	int e = http_server_listen(served->server, &address, port, NULL);
	if (e == 0) {
		if (served->failing)
			log_info(daemon->log, "%s: listens at last", served->flag);
		served->failing = false;
		return;
	}
	snprintf(sentence, sizeof(sentence), "%s: %s cannot be listened on: %s", served->flag, served->where,
	         strerror(-e));
	if (daemon->config->bind_address_hard_fail) {
		give_up(served, sentence);
		return;
	}
	if (!served->failing)
		log_error(daemon->log, "%s; it is tried again every 5 s. Who has it: ss -tlnp", sentence);
	served->failing = true;
	daemon_arm(served->retry, LISTEN_AGAIN_MS);
}

static void on_listen_again(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	try_to_listen(context);
}

static void open_served(struct served *served)
{
	struct daemon *daemon = served->daemon;
	if (*served->where == '\0')
		return;
	served->server = http_server_open(daemon->base, NULL, handle, served);
	served->retry = evtimer_new(daemon->base, on_listen_again, served);
	try_to_listen(served);
}

static bool proxy_is_well(void *context)
{
	const struct daemon *daemon = context;
	return health_is_well(&daemon->serving.health, wall_clock_ns());
}

static void service_port_failed(void *context, const char *namespace, const char *name, uint16_t port,
                                int error)
{
	struct daemon *daemon = context;
	char note[256];
	snprintf(note, sizeof(note), "node port %u cannot be listened on: %s", port, strerror(error));
	log_error(daemon->log,
	          "%s/%s: health-check %s; a load balancer takes this node for one without endpoints. It is "
	          "tried "
	          "again with the next change",
	          namespace, name, note);
	struct api_event event = {.type = EVENT_WARNING,
	                          .reason = "FailedToStartServiceHealthcheck",
	                          .action = "Listen",
	                          .note = note,
	                          .service_namespace = namespace,
	                          .service_name = name};
	daemon_tell_event(daemon, &event);
}

static void service_port_recovered(void *context, const char *namespace, const char *name, uint16_t port)
{
	const struct daemon *daemon = context;
	log_info(daemon->log, "%s/%s: health-check node port %u is listened on", namespace, name, port);
}

int daemon_open_serving(struct daemon *daemon)
{
	struct serving *serving = &daemon->serving;
	const struct config *config = daemon->config;
	struct service_health_listener listener = {.context = daemon,
	                                           .proxy_is_well = proxy_is_well,
	                                           .failed = service_port_failed,
	                                           .recovered = service_port_recovered};
	int64_t now = wall_clock_ns();
	serving->metrics = metrics_new();
	metric_set(serving->metrics, METRIC_CONFIG_RELOAD_FAILED, LABEL_NONE, 0);
	health_init(&serving->health, config->sync_period_ms);
	for (unsigned f = 0; f < IP_FAMILIES; f++) {
		if (!daemon->families[f])
			continue;
		health_start(&serving->health, f, now);
		metric_set(serving->metrics, METRIC_LAST_QUEUED, f, (double)now / 1e9);
	}
	serving->service_health = service_health_open(daemon->base, &listener);
	serving->served[SERVED_HEALTHZ] = (struct served){.daemon = daemon,
	                                                  .reason = "FailedToStartProxierHealthcheck",
	                                                  .flag = "--healthz-bind-address",
	                                                  .where = config->healthz_bind_address};
	serving->served[SERVED_METRICS] = (struct served){.daemon = daemon,
	                                                  .reason = "FailedToStartMetricServer",
	                                                  .flag = "--metrics-bind-address",
	                                                  .where = config->metrics_bind_address};
	for (unsigned i = 0; i < SERVED; i++)
		open_served(&serving->served[i]);
	return 0;
}

void daemon_close_serving(struct daemon *daemon)
{
	struct serving *serving = &daemon->serving;
	for (unsigned i = 0; i < SERVED; i++) {
		http_server_close(serving->served[i].server);
		if (serving->served[i].retry != NULL)
			event_free(serving->served[i].retry);
	}
	service_health_close(serving->service_health);
	metrics_free(serving->metrics);
	memset(serving, 0, sizeof(*serving));
}
