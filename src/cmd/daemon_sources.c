/*
 * Where Services come from: a directory of manifests, the API server, or both; then the API server's object counts
 * where both name one (model/inlet.h).
 */
#include "daemon_private.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

static void overlapped(void *context, const char *sentence)
{
	const struct daemon *daemon = context;
	log_warning(daemon->log, "%s", sentence);
}

static int open_manifests(struct daemon *daemon)
{
	struct sources *sources = &daemon->sources;
	struct fault fault = {0};
	struct manifest_listener listener = daemon_manifest_listener(daemon);
	const char *path = daemon->config->manifests;
	sources->manifests_opening = true;
	int e = manifest_directory_open(path, &sources->inlets[ORIGIN_MANIFESTS], &listener,
	                                &sources->manifests, &fault);
	sources->manifests_opening = false;
	if (e)
		return daemon_say_fault(daemon, e, &fault);
	e = manifest_directory_watch(sources->manifests, daemon->base);
	if (e)
		log_error(daemon->log, "%s: cannot be followed for changes: %s", path, strerror(-e));
	return e;
}

static int open_client(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct api_access_options where = {.kubeconfig = config->kubeconfig, .master = config->master};
	struct api_client_options how = {.user_agent = "kube-ipvs/" KUBE_IPVS_VERSION,
	                                 .qps = config->qps,
	                                 .burst = (uint32_t)config->burst};
	struct api_access *access = NULL;
	struct fault fault = {0};
	int e = api_access_read(&where, &access, &fault);
	if (e)
		return daemon_say_fault(daemon, e, &fault);
	for (size_t i = 0; i < access->warning_count; i++)
		log_warning(daemon->log, "%s", access->warnings[i]);
	e = api_client_open(daemon->base, access, &how, &daemon->sources.client, &fault);
	return e ? daemon_say_fault(daemon, e, &fault) : 0;
}

static void on_dropped_event(void *context, const char *sentence)
{
	const struct daemon *daemon = context;
	log_debug(daemon->log, "%s", sentence);
}

int daemon_open_sources(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct sources *sources = &daemon->sources;
	bool have_manifests = *config->manifests != '\0';
	/* Without manifests, and with no word of where the API server is, we are in a pod (R14.16). */
	sources->use_api_server = !have_manifests || *config->kubeconfig != '\0' || *config->master != '\0';
	for (unsigned origin = 0; origin < ORIGINS; origin++) {
		struct inlet *inlet = &sources->inlets[origin];
		inlet_init(inlet, daemon->planner.cluster, (enum origin)origin);
		inlet->context = daemon;
		inlet->overlapped = overlapped;
	}
	int e = have_manifests ? open_manifests(daemon) : 0;
	if (e == 0 && sources->use_api_server)
		e = open_client(daemon);
	return e;
}

static void on_redelivery(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	daemon_serve_redelivery(context);
}

void daemon_start_sources(struct daemon *daemon)
{
	static const struct api_event starting = {
	        .type = EVENT_NORMAL, .reason = "Starting", .action = "StartKubeProxy", .note = ""};
	const struct config *config = daemon->config;
	struct sources *sources = &daemon->sources;
	if (sources->client == NULL)
		return;
	struct api_source_options options = {.node_name = daemon->node_name,
	                                     .object_bytes = config->max_object_bytes,
	                                     .objects = config->max_objects,
	                                     .endpoints_per_service = config->max_endpoints_per_service};
	struct api_source_listener listener = daemon_api_listener(daemon);
	struct api_events_listener events_listener = {.context = daemon, .dropped = on_dropped_event};
	sources->api = api_source_open(daemon->base, sources->client, &sources->inlets[ORIGIN_API_SERVER],
	                               &options, &listener);
	sources->events = api_events_open(daemon->base, sources->client, daemon->node_name, &events_listener);
	daemon_tell_event(daemon, &starting);
	struct timeval period = {.tv_sec = config->config_sync_period_ms / 1000};
	sources->redelivery = event_new(daemon->base, -1, EV_PERSIST, on_redelivery, daemon);
	event_add(sources->redelivery, &period);
}

void daemon_tell_event(struct daemon *daemon, const struct api_event *event)
{
	if (daemon->sources.events != NULL)
		api_events_tell(daemon->sources.events, event);
}

void daemon_close_sources(struct daemon *daemon)
{
	struct sources *sources = &daemon->sources;
	if (sources->redelivery != NULL)
		event_free(sources->redelivery);
	api_events_close(sources->events);
	api_source_close(sources->api);
	api_client_close(sources->client);
	manifest_directory_close(sources->manifests);
	memo_done(&sources->unread);
	memset(sources, 0, sizeof(*sources));
}

bool daemon_sources_complete(const struct daemon *daemon)
{
	const struct sources *sources = &daemon->sources;
	return !sources->use_api_server || (sources->api != NULL && api_source_is_complete(sources->api));
}
