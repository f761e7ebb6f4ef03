/*
 * The three reflectors and what they share.
 */
#include "source/api_source.h"

#include "base/memory.h"
#include "reflector.h"

#include <event2/event.h>
#include <stdlib.h>

struct api_source {
	struct reflector_shared shared;
	struct reflector reflectors[OBJECT_KINDS];
};

enum {
	OBJECT_BYTES = 8 << 20,
	OBJECTS = 200000,
	ENDPOINTS_PER_SERVICE = 100000,
	PAGE_LIMIT = 500,
	QUIET_MARGIN_MS = 30000,
};

static void take_options(struct api_source_options *options)
{
	options->node_name = memory_copy_text(options->node_name ? options->node_name : "");
	if (!options->object_bytes)
		options->object_bytes = OBJECT_BYTES;
	if (!options->objects)
		options->objects = OBJECTS;
	if (!options->endpoints_per_service)
		options->endpoints_per_service = ENDPOINTS_PER_SERVICE;
	if (!options->page_limit)
		options->page_limit = PAGE_LIMIT;
	if (!options->quiet_margin_ms)
		options->quiet_margin_ms = QUIET_MARGIN_MS;
}

struct api_source *api_source_open(struct event_base *base, struct api_client *client, struct inlet *inlet,
                                   const struct api_source_options *options,
                                   const struct api_source_listener *listener)
{
	struct api_source *source = memory_alloc(sizeof(*source));
	struct reflector_shared *shared = &source->shared;
	shared->base = base;
	shared->client = client;
	shared->inlet = inlet;
	shared->options = *options;
	shared->listener = *listener;
	take_options(&shared->options);
	for (size_t i = 0; i < OBJECT_KINDS; i++)
		reflector_init(&source->reflectors[i], shared, (enum object_kind)i);
	for (size_t i = 0; i < OBJECT_KINDS; i++)
		reflector_start(&source->reflectors[i]);
	return source;
}

void api_source_close(struct api_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < OBJECT_KINDS; i++)
		reflector_done(&source->reflectors[i]);
	refusals_done(&source->shared.refusals);
	free((char *)source->shared.options.node_name);
	free(source);
}

bool api_source_is_complete(const struct api_source *source)
{
	return source->shared.complete[KIND_SERVICE] && source->shared.complete[KIND_SLICE];
}
