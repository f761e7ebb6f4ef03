/*
 * Watches and lists as the API server sends them, in pieces of any size: what delimits the values, and what decodes
 * them.
 *
 * The first two bytes say how: whether it is a list, how small the limit of a value is, and where the pieces end. The
 * rest is the answer's body. In pieces or as a whole, it must come to the same values; but a value that is far too large
 * is seen to be endless only where a piece ends inside of it.
 */
#include "fuzz.h"

#include "api_status.h"
#include "base/memory.h"
#include "base/text.h"
#include "json_push.h"
#include "reflector.h"

#include <jansson.h>

enum { LIMIT_LARGE = 1 << 20, LIMIT_SMALL = 64, PIECE_MOST = 97 };

struct stream {
	enum json_push_mode mode;
	bool decodes;
	int ended;
	struct text seen; /* every value and remainder */
};

static const struct {
	const char *kind, *api_version;
} kinds[] = {
        {NULL, NULL},        {"Service", "v1"}, {"EndpointSlice", "discovery.k8s.io/v1"},
        {"Endpoints", "v1"}, {"Node", "v1"},
};

/* What an object says of itself counts more than what stands in for it. */
static void decode_as_everything(const json_t *object)
{
	size_t count = json_object_get(object, "kind") ? 1 : sizeof(kinds) / sizeof(*kinds);
	for (size_t i = 0; i < count; i++) {
		struct decoded decoded = {0};
		struct fault fault = {0};
		int r = decode_object(object, kinds[i].kind, kinds[i].api_version, &decoded, &fault);
		CHECK(r == 0 || r == FAULT_REFUSED);
		if (r) {
			CHECK(decoded.service_count + decoded.slice_count + decoded.node_count == 0);
			CHECK(fault.sentence[0] != '\0');
		}
		fuzz_check_decoded(&decoded);
		decoded_done(&decoded);
	}
}

static void read_head(const struct stream *stream, const char *text, size_t length)
{
	struct object_head head;
	char *copy = fuzz_text((const uint8_t *)text, length);
	object_head_read(copy, length, stream->mode == JSON_PUSH_SEQUENCE, &head);
	CHECK(memchr(head.name, '\0', sizeof(head.name)) && memchr(head.version, '\0', sizeof(head.version)));
	free(copy);
}

/* Whatever was valid stays valid without its managed fields. */
static json_t *parse(const char *text, size_t length)
{
	char *copy = fuzz_text((const uint8_t *)text, length);
	json_t *whole = json_loadb(copy, length, 0, NULL);
	size_t left = json_push_cut_managed_fields(copy, length);
	CHECK(left <= length);
	json_t *value = json_loadb(copy, left, 0, NULL);
	CHECK(!whole || value);
	json_decref(whole);
	free(copy);
	return value;
}

static void decode(const struct stream *stream, const char *text, size_t length)
{
	json_t *value = parse(text, length);
	struct api_status status;
	const json_t *object = json_object_get(value, "object");
	read_head(stream, text, length);
	if (value)
		decode_as_everything(object ? object : value);
	api_status_read(object, &status);
	json_decref(value);
}

static int on_value(void *context, char *text, size_t length)
{
	struct stream *stream = context;
	text_add_char(&stream->seen, 'v');
	text_add_bytes(&stream->seen, text, length);
	if (stream->decodes)
		decode(stream, text, length);
	return 0;
}

static int on_oversized(void *context, const char *head, size_t head_length, size_t length)
{
	struct stream *stream = context;
	CHECK(head_length <= length && head_length <= JSON_PUSH_HEAD);
	text_addf(&stream->seen, "o%zu:", length);
	text_add_bytes(&stream->seen, head, head_length);
	if (stream->decodes)
		read_head(stream, head, head_length);
	return 0;
}

static int on_rest(void *context, const char *text, size_t length)
{
	struct stream *stream = context;
	text_add_char(&stream->seen, 'r');
	text_add_bytes(&stream->seen, text, length);
	json_decref(json_loadb(text, length, 0, NULL));
	return 0;
}

/* In pieces of sizes that follow from the seed; a seed of 0: as a whole. */
static void feed(struct stream *stream, const uint8_t *bytes, size_t length, size_t limit, uint32_t seed)
{
	const struct json_push_handler handler = {stream, on_value, on_oversized, on_rest};
	struct json_push push;
	struct fault fault = {0};
	int r = 0;
	json_push_init(&push, stream->mode, limit, &handler);
	while (length && !r) {
		size_t piece = length;
		if (seed) {
			seed = seed * 1103515245 + 12345;
			piece = 1 + (seed >> 16) % PIECE_MOST;
			piece = piece < length ? piece : length;
		}
		char *copy = fuzz_text(bytes, piece);
		r = json_push_feed(&push, copy, piece, &fault);
		free(copy);
		bytes += piece;
		length -= piece;
	}
	if (!r)
		r = json_push_end(&push, &fault);
	CHECK(r == 0 || r == JSON_PUSH_E_BROKEN || r == JSON_PUSH_E_ENDLESS);
	CHECK(!r || fault.sentence[0]);
	stream->ended = r;
	json_push_done(&push);
}

static void check_status(const uint8_t *bytes, size_t length)
{
	struct api_status status;
	char *text = fuzz_text(bytes, length);
	api_status_parse(text, length, &status);
	CHECK(memchr(status.message, '\0', sizeof(status.message)) != NULL);
	for (const char *c = status.message; *c; c++)
		CHECK((unsigned char)*c >= ' ');
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length < 2)
		return 0;
	const enum json_push_mode mode = bytes[0] & 1 ? JSON_PUSH_LIST : JSON_PUSH_SEQUENCE;
	const size_t limit = bytes[0] & 2 ? LIMIT_SMALL : LIMIT_LARGE;
	struct stream pieces = {.mode = mode, .decodes = true}, whole = {.mode = mode};
	feed(&pieces, bytes + 2, length - 2, limit, bytes[1] + 1u);
	feed(&whole, bytes + 2, length - 2, limit, 0);
	if (pieces.ended != JSON_PUSH_E_ENDLESS && whole.ended != JSON_PUSH_E_ENDLESS) {
		CHECK(pieces.ended == whole.ended);
		CHECK(strcmp(text_string(&pieces.seen), text_string(&whole.seen)) == 0);
	}
	check_status(bytes + 2, length - 2);
	text_done(&pieces.seen);
	text_done(&whole.seen);
	return 0;
}
