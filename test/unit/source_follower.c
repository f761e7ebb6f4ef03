#include "source_follower.h"

#include "base/memory.h"
#include "support.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = 60000, STEP_MS = 5 };

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the listener */

static const char *const kind_names[] = {"Services", "EndpointSlices", "Node"};

static void on_changed(void *context)
{
	struct follower *follower = context;
	follower->changed++;
}

static void on_complete(void *context, enum object_kind kind)
{
	struct follower *follower = context;
	text_addf(&follower->told, "complete %s\n", kind_names[kind]);
}

static void on_node(void *context, bool deleted)
{
	struct follower *follower = context;
	text_addf(&follower->told, "node %s\n", deleted ? "deleted" : "told");
}

static void on_failing(void *context, const char *subject, const char *sentence)
{
	struct follower *follower = context;
	text_addf(&follower->told, "failing %s: %s\n", subject, sentence);
}

static void on_recovered(void *context, const char *subject)
{
	struct follower *follower = context;
	text_addf(&follower->told, "recovered %s\n", subject);
}

static void on_refused(void *context, const struct fault *fault)
{
	struct follower *follower = context;
	char line[FAULT_TEXT_SIZE];
	text_addf(&follower->told, "refused %s\n", fault_format(fault, line));
}

/* ---- life */

void follower_start_server(struct follower *follower)
{
	/* Once it was away, it has forgotten all versions. */
	const struct api_server_options options = {.port = follower->port,
	                                           .first_version = follower->port ? 1000 : 0};
	follower->server = api_server_start(follower->base, &options);
	ck_assert_ptr_nonnull(follower->server);
	follower->port = api_server_port(follower->server);
}

void follower_stop_server(struct follower *follower)
{
	api_server_stop(follower->server);
	follower->server = NULL;
}

static void open_client(struct follower *follower)
{
	const struct api_client_options options = {.user_agent = "test"};
	struct api_access *access = memory_alloc(sizeof(*access));
	struct fault fault = {0};
	auto_text url = {0};
	text_addf(&url, "http://127.0.0.1:%u", follower->port);
	access->server = memory_copy_text(text_string(&url));
	int r = api_client_open(follower->base, access, &options, &follower->client, &fault);
	ck_assert_msg(r == 0, "%s", fault.sentence);
}

void follower_init(struct follower *follower)
{
	*follower = (struct follower){
	        .base = event_base_new(),
	        .cluster = cluster_new(),
	        .options = {.node_name = "n1",
	                    .watch_seconds = 300,
	                    .quiet_margin_ms = 30000,
	                    .backoff_first_ms = 10,
	                    .backoff_most_ms = 50},
	};
	inlet_init(&follower->inlet, follower->cluster, ORIGIN_API_SERVER);
	follower_start_server(follower);
	open_client(follower);
}

void follower_follow(struct follower *follower)
{
	const struct api_source_listener listener = {
	        .context = follower,
	        .changed = on_changed,
	        .complete = on_complete,
	        .node_told = on_node,
	        .failing = on_failing,
	        .recovered = on_recovered,
	        .refused = on_refused,
	};
	follower->source = api_source_open(follower->base, follower->client, &follower->inlet,
	                                   &follower->options, &listener);
}

void follower_done(struct follower *follower)
{
	api_source_close(follower->source);
	api_client_close(follower->client);
	api_server_stop(follower->server);
	cluster_free(follower->cluster);
	event_base_free(follower->base);
	text_done(&follower->told);
}

/* ---- waiting */

static void step(struct follower *follower)
{
	const struct timeval limit = {.tv_usec = STEP_MS * 1000};
	event_base_loopexit(follower->base, &limit);
	event_base_dispatch(follower->base);
}

void follower_run(struct follower *follower, int64_t milliseconds)
{
	const int64_t end = now_ms() + milliseconds;
	while (now_ms() < end)
		step(follower);
}

static void give_up(struct follower *follower, const char *what)
{
	auto_text store = {0};
	follower_print_store(follower, &store);
	ck_abort_msg("%s did not come.\nTold:\n%sStore:\n%sRequests:\n%s", what, text_string(&follower->told),
	             text_string(&store),
	             follower->server ? api_server_requests(follower->server) : "(no server)\n");
}

typedef bool (*condition)(struct follower *follower, const char *text, size_t count);

static void wait_for(struct follower *follower, condition is_so, const char *text, size_t count)
{
	const int64_t end = now_ms() + PATIENCE_MS;
	while (!is_so(follower, text, count)) {
		if (now_ms() > end)
			give_up(follower, text);
		step(follower);
	}
	mark_point();
}

static bool is_complete(struct follower *follower, const char *text, size_t count)
{
	(void)text;
	(void)count;
	return api_source_is_complete(follower->source) &&
	       strstr(text_string(&follower->told), "complete Node");
}

void follower_wait_complete(struct follower *follower)
{
	wait_for(follower, is_complete, "the complete list", 0);
}

static bool is_told(struct follower *follower, const char *text, size_t count)
{
	(void)count;
	return strstr(text_string(&follower->told), text) != NULL;
}

void follower_wait_told(struct follower *follower, const char *part)
{
	wait_for(follower, is_told, part, 0);
}

static bool is_stored(struct follower *follower, const char *text, size_t count)
{
	auto_text store = {0};
	(void)count;
	follower_print_store(follower, &store);
	return strcmp(text_string(&store), text) == 0;
}

void follower_wait_store(struct follower *follower, const char *wanted)
{
	wait_for(follower, is_stored, wanted, 0);
}

static bool is_asked(struct follower *follower, const char *text, size_t count)
{
	return follower_requests(follower, text) >= count;
}

void follower_wait_requests(struct follower *follower, const char *part, size_t count)
{
	wait_for(follower, is_asked, part, count);
}

static bool is_watched(struct follower *follower, const char *text, size_t count)
{
	(void)text;
	return api_server_count_watches(follower->server) == count;
}

void follower_wait_watches(struct follower *follower)
{
	wait_for(follower, is_watched, "three watches", OBJECT_KINDS);
}

/* ---- looking */

size_t follower_requests(const struct follower *follower, const char *part)
{
	return api_server_count_requests(follower->server, part);
}

static size_t count_parts(const char *text, const char *part)
{
	size_t count = 0;
	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

size_t follower_count_told(const struct follower *follower, const char *part)
{
	return count_parts(text_string(&follower->told), part);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_sorted(struct text *text, char *lines)
{
	char *sorted[2048], *rest = lines;
	size_t count = 0;
	for (char *line; (line = strsep(&rest, "\n")) && rest && count < 2048;)
		sorted[count++] = line;
	qsort(sorted, count, sizeof(*sorted), by_text);
	for (size_t i = 0; i < count; i++)
		text_addf(text, "%s\n", sorted[i]);
}

static void print_entry(struct text *lines, const struct cluster_entry *entry)
{
	char address[ADDRESS_TEXT_SIZE];
	if (entry->service) {
		address_format(&entry->service->cluster_ip, address);
		text_addf(lines, "%s/%s %s\n", entry->name.namespace, entry->name.name, address);
	}
	for (size_t i = 0; i < entry->slice_count; i++)
		text_addf(lines, "%s/%s of %s %u\n", entry->name.namespace, entry->slices[i]->name.name,
		          entry->name.name, entry->slices[i]->endpoint_count);
}

void follower_print_store(struct follower *follower, struct text *text)
{
	auto_text lines = {0};
	const struct node *node = cluster_find_node(follower->cluster, follower->options.node_name);
	cluster_mark_all(follower->cluster);
	for (const struct cluster_entry *entry; (entry = cluster_next_changed(follower->cluster));)
		print_entry(&lines, entry);
	if (node)
		text_addf(&lines, "node %s%s%s\n", node->name, node->zone ? " in " : "",
		          node->zone ? node->zone : "");
	if (lines.length)
		add_sorted(text, lines.bytes);
}

/* ---- objects */

void follower_put_service(struct follower *follower, const char *name, const char *address)
{
	auto_text json = {0};
	text_addf(
	        &json,
	        "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\",\"namespace\":"
	        "\"default\"},\"spec\":{\"type\":\"ClusterIP\",\"clusterIP\":\"%s\",\"clusterIPs\":[\"%s\"],"
	        "\"ports\":[{\"port\":80,\"protocol\":\"TCP\"}]}}",
	        name, address, address);
	api_server_put(follower->server, text_string(&json));
}

void follower_put_slice(struct follower *follower, const char *name, const char *service, unsigned endpoints)
{
	auto_text json = {0};
	text_addf(&json,
	          "{\"kind\":\"EndpointSlice\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{\"name\":"
	          "\"%s\",\"namespace\":\"default\",\"labels\":{\"kubernetes.io/service-name\":\"%s\"}},"
	          "\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"\",\"port\":80,\"protocol\":\"TCP\"}],"
	          "\"endpoints\":[",
	          name, service);
	for (unsigned i = 0; i < endpoints; i++)
		text_addf(&json, "%s{\"addresses\":[\"10.1.%u.%u\"]}", i ? "," : "", i / 250, i % 250 + 1);
	text_add(&json, "]}");
	api_server_put(follower->server, text_string(&json));
}

void follower_put_node(struct follower *follower, const char *name, const char *zone)
{
	auto_text json = {0};
	text_addf(&json,
	          "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\",\"labels\":{"
	          "\"topology.kubernetes.io/zone\":\"%s\"}},\"status\":{\"addresses\":[{\"type\":"
	          "\"InternalIP\",\"address\":\"192.0.2.1\"}]}}",
	          name, zone);
	api_server_put(follower->server, text_string(&json));
}

void follower_fail(struct follower *follower, enum api_failure failure, const char *part, int times,
                   int status)
{
	const struct api_failure_order order = {
	        .failure = failure, .path_part = part, .times = times, .status = status};
	api_server_fail(follower->server, &order);
}
