/*
 * Events about the Node and about Services, written to the API server (R14.17) through events.k8s.io/v1.
 *
 * Fire and forget: a queue with a bound, one request at a time, each tried a few times with back-off, then dropped with
 * a word to the listener. What is told before the client can reach the server waits in the queue. The same
 * event again within a few minutes becomes a series (PATCH) and not a new object.
 */
#ifndef KUBE_IPVS_SOURCE_API_EVENTS_H
#define KUBE_IPVS_SOURCE_API_EVENTS_H

#include "source/api_client.h"

struct api_events;

enum event_type { EVENT_NORMAL, EVENT_WARNING };

/* Borrowed for the call. */
struct api_event {
	enum event_type type;
	const char *reason; /* "Starting" */
	const char *action; /* "StartKubeProxy" */
	const char *note;   /* a sentence, or "" */
	/* What it is about: a Service, or with NULL the Node. */
	const char *service_namespace, *service_name;
};

struct api_events_listener {
	void *context;
	/* An event could not be written; the sentence says which and why. */
	void (*dropped)(void *context, const char *sentence);
};

/* Borrows the client; copies the name. */
struct api_events *api_events_open(struct event_base *base, struct api_client *client, const char *node_name,
                                   const struct api_events_listener *listener);
void api_events_close(struct api_events *events); /* idempotent; NULL is allowed */
void api_events_tell(struct api_events *events, const struct api_event *event);
/* Nothing waits and nothing is under way. */
bool api_events_idle(const struct api_events *events);

#endif
