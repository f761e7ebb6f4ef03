/*
 * Follows one kind of object: lists it, watches it, and starts over where that failed.
 *
 * reflector.c          the requests, one after the other, and what an end leads to
 * reflector_answer.c   events and list items: what they say about the list, the version and the objects
 * reflector_object.c   one object: decoded, held against the bounds, put into the store
 * reflector_head.c     the name of an object that cannot be parsed
 * reflector_trouble.c  what an end means, and the sentences
 */
#ifndef KUBE_IPVS_SOURCE_REFLECTOR_H
#define KUBE_IPVS_SOURCE_REFLECTOR_H

#include "backoff.h"
#include "decoder.h"
#include "json_push.h"
#include "refusals.h"
#include "source/api_source.h"

struct event;

/* What is followed, and how it is asked for (R1.1-R1.4). */
struct reflected {
	const char *subject;     /* "Services" */
	const char *kind;        /* "Service" */
	const char *api_version; /* of the objects */
	const char *group;       /* for RBAC */
	const char *resource;
	const char *path;
	const char *selectors; /* escaped; the own Node's name comes behind it where `by_name` */
	bool by_name;
	bool namespaced;
};

extern const struct reflected reflected_kinds[OBJECT_KINDS];

/* What the reflectors of one source share. */
struct reflector_shared {
	struct event_base *base;
	struct api_client *client;
	struct inlet *inlet;
	struct api_source_options options; /* with the defaults; the node's name is owned */
	struct api_source_listener listener;
	struct refusals refusals;
	bool complete[OBJECT_KINDS];
};

enum phase {
	PHASE_STREAM, /* a watch that begins with what there is */
	PHASE_PAGES,
	PHASE_WATCH,
};

/* What an end leads to. */
enum verdict {
	VERDICT_NONE,
	VERDICT_GO_ON,  /* nothing failed */
	VERDICT_RETRY,  /* the same again, after a while */
	VERDICT_RELIST, /* from the beginning, after a while */
	VERDICT_PAGES,  /* a list in pages instead, at once */
};

/* Reasons that are neither an HTTP status nor a negative errno. */
enum {
	REASON_BROKEN = 1,
	REASON_ENDLESS,
	REASON_SHORT,
	REASON_EVENT = 1000, /* plus the code of an ERROR event */
};

struct ending {
	enum verdict verdict;
	int reason;
	int64_t asked_ms; /* the server wants to be asked no earlier; 0: did not say */
	bool usual;       /* part of an ordinary life: told only when it happens again and again */
	char sentence[1024];
};

struct reflector {
	struct reflector_shared *shared;
	const struct reflected *row;
	enum object_kind kind;
	enum phase phase;
	bool no_streaming; /* the server was found not to have it */
	bool whole_list;   /* without pages, because they expired under way */
	char *version;     /* from which the watch goes on; NULL: none */
	char *next_page;   /* `continue`; NULL: the first */
	/* The answer under way. */
	struct api_call *call;
	struct json_push push;
	struct text error_body;
	int status;
	int64_t started_ms;
	struct ending own; /* why we ended the call; VERDICT_NONE: we did not */
	/* Between answers. */
	struct event *retry;
	struct event *watchdog; /* a streaming list that does not end; a watch that has held for a moment */
	struct backoff backoff;
	unsigned strikes; /* ends that were no good ones, since it worked last */
	bool failing;     /* told */
	int told_reason;
	/* Objects. */
	struct decoder decoder;
	struct decoded decoded;
	struct fault fault;
	/* What the batch of bytes under way did; told behind it. */
	bool changed;
	bool list_ended;
	bool node_changed;
	bool node_present; /* the own Node's object is there, as far as the server said */
	bool node_listed;  /* in the list under way */
};

void reflector_init(struct reflector *reflector, struct reflector_shared *shared, enum object_kind kind);
void reflector_start(struct reflector *reflector);
void reflector_done(struct reflector *reflector);

/* It works: a watch stands or says something. */
void reflector_is_well(struct reflector *reflector);

/* reflector_answer.c */
void reflector_begin_list(struct reflector *reflector);
void reflector_begin_answer(struct reflector *reflector);
/* Bytes of a good answer. Not 0: the call must end, and `own` says why. */
int reflector_read(struct reflector *reflector, const char *bytes, size_t length);
/* The answer ended of itself. Fills `own` when that was wrong. */
void reflector_read_end(struct reflector *reflector);
/* Tells what the batch did. */
void reflector_tell(struct reflector *reflector);

/* reflector_object.c */
void reflector_put(struct reflector *reflector, const json_t *object);
void reflector_remove(struct reflector *reflector, struct object_name name);
/* Something of this name cannot be used. Takes the sentence from the reflector's fault. */
void reflector_refuse(struct reflector *reflector, struct object_name name);
/* Of an object's metadata, borrowed from it. False: it has none. */
bool reflector_name(const struct reflector *reflector, const json_t *object, struct object_name *ret_name);

/* reflector_head.c: what can be read from the beginning of an event or of an item. */
struct object_head {
	char type[16]; /* of an event */
	char namespace[64];
	char name[256];
	char version[64];
};
/* False: no name was found. */
bool object_head_read(const char *text, size_t length, bool is_event, struct object_head *ret_head);

/* reflector_trouble.c */
struct api_status;
void ending_fill(struct reflector *reflector, enum verdict verdict, int reason, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
/* What the end of the answer under way means. */
struct ending reflector_judge(struct reflector *reflector, const struct api_end *end);
void reflector_judge_event(struct reflector *reflector, const struct api_status *status);
/* Tells the listener, unless it knows. */
void reflector_tell_trouble(struct reflector *reflector, const struct ending *ending);

#endif
