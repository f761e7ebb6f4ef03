/*
 * An event as events.k8s.io/v1 wants it.
 */
#ifndef KUBE_IPVS_SOURCE_EVENT_OBJECT_H
#define KUBE_IPVS_SOURCE_EVENT_OBJECT_H

#include "base/text.h"
#include "event_book.h"

/* What the API server takes at most, in bytes. */
enum { EVENT_NOTE_MOST = 1024, EVENT_INSTANCE_MOST = 128 };

/* The body that creates the object, in the state that it has now; as JSON that the caller frees. */
char *event_object_create(const struct noted_event *noted, const char *node_name);
/* The body that tells how often it happened by now: a merge patch. */
char *event_object_patch(const struct noted_event *noted);
/* Where it is created, or with `name` where it is, escaped. */
void event_object_path(const struct noted_event *noted, bool with_name, struct text *path);
/* "Event Starting about Node n1" */
void event_object_title(const struct noted_event *noted, const char *node_name, struct text *title);

#endif
