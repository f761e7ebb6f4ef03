/*
 * What the decoders of the single kinds share: the object that is being read, its fields by type, and
 * refusals in the API server's words.
 *
 * A place inside an object is a spot: a pattern such as "spec.ports[]", whose brackets are filled in only
 * when a fault has to be written, so that the way without faults costs two stores. Every reader takes the
 * spot of the object that holds the field, and the field's key.
 */
#ifndef KUBE_IPVS_SOURCE_DECODER_H
#define KUBE_IPVS_SOURCE_DECODER_H

#include "base/arena.h"
#include "source/decode.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct decoder {
	struct arena arena; /* what the draft of one object needs; reset after it */
	struct decoded *decoded;
	struct fault *fault;
	/* The object being read: what sentences begin with, and what the drafts take. */
	const char *kind;
	const char *namespace; /* "" for kinds without one */
	const char *name;      /* NULL until it is known */
	const json_t *labels;
	const json_t *annotations;
	int64_t created_seconds;
	/* After a refusal inside a List: which item it was, "items[3]", or "". */
	char item[64];
};

struct spot {
	const char *pattern; /* every "[]" takes the next index */
	uint32_t first, second;
};

/* AT("spec"), AT("spec.ports[]", i) or AT("endpoints[].addresses[]", i, j) */
#define AT(...)                                AT_FILLED(__VA_ARGS__, 0, 0, 0)
#define AT_FILLED(pattern, first, second, ...) ((struct spot){(pattern), (first), (second)})

void decoder_init(struct decoder *decoder, struct decoded *decoded, struct fault *fault);
void decoder_done(struct decoder *decoder);

/* One object of a named kind, as decode_object. */
int decode_one(struct decoder *decoder, const json_t *value, const char *kind, const char *api_version);
/* The same, or a List with all its items. On a refusal, `item` says which one. */
int decode_item(struct decoder *decoder, const json_t *value, const char *kind, const char *api_version);
/* The kind of the items of a typed list ("ServiceList" gives "Service"), "" for "List", NULL for no list. */
const char *list_item_kind(const char *kind);
/* Gives back what was added since `mark`, a copy of the counts. */
void decoded_rewind(struct decoded *decoded, const struct decoded *mark);

int decode_service(struct decoder *decoder, const json_t *value);
int decode_slice(struct decoder *decoder, const json_t *value);
int decode_endpoints(struct decoder *decoder, const json_t *value);
int decode_node(struct decoder *decoder, const json_t *value);

/* refuse.c. Each returns FAULT_REFUSED. `key` may be NULL: the spot itself. */
int refuse(struct decoder *decoder, struct spot spot, const char *key, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
int refuse_required(struct decoder *decoder, struct spot spot, const char *key, const char *detail);
int refuse_invalid(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                   const char *message);
int refuse_unsupported(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                       const char *supported);
int refuse_duplicate(struct decoder *decoder, struct spot spot, const char *key, const json_t *value);
int refuse_too_many(struct decoder *decoder, struct spot spot, const char *key, size_t count, size_t most);
/* A value of the wrong JSON type; `wanted` reads "a list". */
int refuse_type(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                const char *wanted);

/*
 * fields.c: one field of `object` by key and type. An absent field and null are the same: texts, lists and
 * objects are NULL, numbers and flags keep what they held.
 */
int field_text(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
               const char **ret_text);
int field_number(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
                 int64_t *ret_number);
int field_flag(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
               bool *ret_flag);
int field_list(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
               const json_t **ret_list);
int field_object(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
                 const json_t **ret_object);
/* An element of a list, whose own spot is given. */
int element_text(struct decoder *decoder, const json_t *element, struct spot spot, const char **ret_text);
int element_object(struct decoder *decoder, const json_t *element, struct spot spot);
/* One of a few words, in the order of a NULL-terminated table; absent or "" keeps what was there. */
int field_word(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
               const char *const words[], uint8_t *ret_index);

/* validate.c: what the API server checks in several kinds. */
bool is_label(const char *text);     /* RFC 1123 label */
bool is_subdomain(const char *text); /* RFC 1123 subdomain */
int check_port_name(struct decoder *decoder, struct spot spot, const json_t *port, const char *name);
/* 1 to 65535; `lowest` may be 0. */
int check_port_number(struct decoder *decoder, struct spot spot, const char *key, int64_t number, int lowest,
                      uint16_t *ret_port);
/* Absent is TCP. */
int field_protocol(struct decoder *decoder, const json_t *port, struct spot spot, uint8_t *ret_protocol);
/* An address of any family. */
int check_address(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                  struct address *ret_address);
/* Refuses unspecified, loopback, link-local and link-local multicast addresses. */
int check_ordinary_address(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                           const struct address *address);
/* RFC 3339 to the time since the epoch; what is finer than a nanosecond is cut off. */
bool timestamp_parse(const char *text, struct timespec *ret_time);

#endif
