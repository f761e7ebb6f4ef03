/*
 * The API server as a source: lists and watches Services, EndpointSlices and the own Node, and keeps the store in step
 * (R1.1-R1.9, R1.32-R1.36).
 *
 * Each of the three is followed by itself: a streaming list where the server has it, else pages; then a watch that
 * resumes where it ended. Whatever fails is tried again with back-off, and what is in force stays in force meanwhile:
 * an object goes only when the server says so, by an event or by a complete new list without it. One event or one list
 * item is in memory at a time. An object that is refused (it breaks the API's rules, or exceeds a bound) is named once,
 * and what the store holds under its name stays.
 */
#ifndef KUBE_IPVS_SOURCE_API_SOURCE_H
#define KUBE_IPVS_SOURCE_API_SOURCE_H

#include "base/fault.h"
#include "model/inlet.h"
#include "source/api_client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct api_source;

struct api_source_options {
	const char *node_name;
	/* Bounds against a server that sends too much; 0: the default. */
	size_t object_bytes;          /* of one object as JSON; default 8 MiB */
	size_t objects;               /* of one kind; default 200,000 */
	size_t endpoints_per_service; /* over all its slices; default 100,000 */
	uint32_t page_limit;          /* default 500 */
	bool no_streaming_lists;
	uint32_t watch_seconds;   /* asked of the server as timeoutSeconds; 0: random in 300..600 */
	int64_t quiet_margin_ms;  /* beyond timeoutSeconds, until a silent watch counts as stalled; 0: 30 s */
	int64_t backoff_first_ms; /* 0: 800 */
	int64_t backoff_most_ms;  /* 0: 30 s */
};

/* What the source has to say; texts are borrowed for the call. */
struct api_source_listener {
	void *context;
	/* The store changed. Told once for each batch of bytes, not for each object. */
	void (*changed)(void *context);
	/* This kind's first complete list is in the store. For the Node also when the list was empty. */
	void (*complete)(void *context, enum object_kind kind);
	/* The own Node was listed or changed (it is in the store), or its object was deleted (`deleted`, and the
	 * store keeps the last one, R1.35). */
	void (*node_told)(void *context, bool deleted);
	/* Following `subject` ("Services") fails for this reason; told when it begins and when the reason changes.
	 * The sentence has its subject first and says what to do; it may have several lines (the RBAC rule). */
	void (*failing)(void *context, const char *subject, const char *sentence);
	void (*recovered)(void *context, const char *subject);
	/* An object is left out or left as it was. Told once per object and reason. */
	void (*refused)(void *context, const struct fault *fault);
};

/* Borrows the client and the inlet; copies the rest. Starts at once. */
struct api_source *api_source_open(struct event_base *base, struct api_client *client, struct inlet *inlet,
                                   const struct api_source_options *options,
                                   const struct api_source_listener *listener);
/* The store keeps its objects. NULL is allowed; a callback of the listener is no place to close from. */
void api_source_close(struct api_source *source);

/* Services and EndpointSlices have both been listed completely. */
bool api_source_is_complete(const struct api_source *source);

#endif
