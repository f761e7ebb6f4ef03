/*
 * Lists and single objects. What a list holds is fixed when it is asked for; the bytes are sent in pieces of some
 * hundred KiB, so that a large list is never in memory twice.
 */
#include "api_server_private.h"

#include "base/memory.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PIECE_BYTES = 256 * 1024, PACK_FROM_BYTES = 128 * 1024 };

struct list {
	api_objects objects;
	size_t sent;
	struct text head;
	bool pack;
	z_stream stream;
};

static void list_free(void *context)
{
	struct list *list = context;
	api_objects_done(&list->objects);
	text_done(&list->head);
	if (list->pack)
		deflateEnd(&list->stream);
	free(list);
}

/* ---- where a page begins: "version:namespace/name", in hexadecimal so that it looks like nothing */

static void add_token(struct text *text, uint64_t version, const struct api_object *last)
{
	auto_text plain = {0};
	text_addf(&plain, "%llu:%s/%s", (unsigned long long)version, last->namespace, last->name);
	for (const char *c = text_string(&plain); *c != '\0'; c++)
		text_addf(text, "%02x", (unsigned)(unsigned char)*c);
}

struct start {
	uint64_t version;
	char *namespace, *name; /* owned; NULL: from the beginning */
};

static bool read_token(const char *token, struct start *ret_start)
{
	auto_text plain = {0};
	unsigned value;
	for (; sscanf(token, "%2x", &value) == 1; token += 2) {
		text_add_char(&plain, (char)value);
		if (token[1] == '\0')
			return false;
	}
	const char *colon = strchr(text_string(&plain), ':');
	const char *slash = colon == NULL ? NULL : strchr(colon, '/');
	if (*token != '\0' || slash == NULL)
		return false;
	ret_start->version = strtoull(plain.bytes, NULL, 10);
	ret_start->namespace = strndup(colon + 1, (size_t)(slash - colon - 1));
	ret_start->name = strdup(slash + 1);
	return true;
}

/* ---- what is wrong with the question */

static const char expired_token[] =
        "The provided continue parameter is too old to display a consistent list result. "
        "You can start a new list without the continue parameter.";

static bool refuse(struct api_server *server, struct evhttp_request *request,
                   const struct api_question *question, int code, const char *message)
{
	api_answer_status(server, request, &(struct api_status){.code = code, .message = message}, question);
	return false;
}

static bool refuse_future(struct api_server *server, struct evhttp_request *request,
                          const struct api_question *question)
{
	auto_text message = {0};
	text_addf(&message, "Timeout: Too large resource version: %s, current: %llu",
	          api_question_value(question, "resourceVersion"), (unsigned long long)server->store.version);
	api_answer_status(server, request,
	                  &(struct api_status){.code = 504,
	                                       .message = text_string(&message),
	                                       .retry_after_seconds = 1,
	                                       .is_version_from_future = true},
	                  question);
	return false;
}

/* False: refused, the request is answered. */
static bool check_versions(struct api_server *server, struct evhttp_request *request,
                           const struct api_question *question, const struct start *start)
{
	const char *version = api_question_value(question, "resourceVersion");
	const char *match = api_question_value(question, "resourceVersionMatch");
	uint64_t number = api_question_number(question, "resourceVersion");
	if (start->name != NULL && start->version < server->store.compacted)
		return refuse(server, request, question, 410, expired_token);
	if (*match != '\0' && *version == '\0')
		return refuse(server, request, question, 422,
		              "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless "
		              "resourceVersion is provided");
	if (start->name != NULL && number != 0)
		return refuse(server, request, question, 400,
		              "specifying resource version is not allowed when using continue");
	if (number > server->store.version)
		return refuse_future(server, request, question);
	if (strcmp(match, "Exact") == 0 && number < server->store.version)
		return refuse(server, request, question, 410, NULL);
	return true;
}

/* ---- the list */

static void collect(const struct api_server *server, const struct api_question *question,
                    const struct start *start, struct list *list, uint64_t limit, bool *ret_more)
{
	const api_objects *all = &server->store.objects[question->kind - api_kinds];
	size_t from = start->name == NULL ? 0
	                                  : api_store_behind(&server->store, question->kind, start->namespace,
	                                                     start->name);
	*ret_more = false;
	for (size_t i = from; i < all->count; i++) {
		if (!api_question_selects(question, all->items[i]))
			continue;
		if (limit > 0 && list->objects.count == limit) {
			*ret_more = true;
			return;
		}
		vector_push(&list->objects, api_object_hold(all->items[i]));
	}
}

static void write_head(struct list *list, const struct api_kind *kind, uint64_t version, bool more)
{
	text_addf(&list->head,
	          "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":{\"resourceVersion\":\"%llu\"",
	          kind->list_kind, kind->api_version, (unsigned long long)version);
	if (more) {
		text_add(&list->head, ",\"continue\":\"");
		add_token(&list->head, version, list->objects.items[list->objects.count - 1]);
		text_add(&list->head, "\"");
	}
	text_add(&list->head, "},\"items\":[");
}

static size_t bytes_of(struct list *list)
{
	size_t bytes = list->head.length + 3;
	vector_for_each (&list->objects, object)
		bytes += (*object)->length + 1;
	return bytes;
}

/* One piece, packed if the list is. */
static void add(struct api_answer *answer, struct list *list, const char *bytes, size_t length, bool last)
{
	char packed[16 * 1024];
	if (!list->pack) {
		api_answer_add(answer, bytes, length);
		return;
	}
	list->stream.next_in = (unsigned char *)(uintptr_t)bytes;
	list->stream.avail_in = (unsigned)length;
	do {
		list->stream.next_out = (unsigned char *)packed;
		list->stream.avail_out = sizeof(packed);
		deflate(&list->stream, last ? Z_FINISH : Z_NO_FLUSH);
		api_answer_add(answer, packed, sizeof(packed) - list->stream.avail_out);
	} while (list->stream.avail_out == 0);
}

static void send_piece(struct api_answer *answer)
{
	struct list *list = answer->context;
	if (list->sent == 0)
		add(answer, list, list->head.bytes, list->head.length, false);
	while (list->sent < list->objects.count && evbuffer_get_length(answer->pending) < PIECE_BYTES) {
		const struct api_object *object = list->objects.items[list->sent];
		if (list->sent++ > 0)
			add(answer, list, ",", 1, false);
		add(answer, list, object->text, object->length, false);
		if (answer->cut != API_CUT_NONE && answer->budget == 0)
			break;
	}
	if (list->sent < list->objects.count) {
		api_answer_send(answer);
		return;
	}
	add(answer, list, "]}\n", 3, true);
	api_answer_end(answer);
}

static void pack_if_wanted(struct api_server *server, struct evhttp_request *request, struct list *list)
{
	const char *taken = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept-Encoding");
	if (!server->pack || taken == NULL || strstr(taken, "gzip") == NULL ||
	    bytes_of(list) < PACK_FROM_BYTES)
		return;
	/* 16 more than the window's usual size asks zlib for gzip's frame; 4 is how hard API servers try. */
	list->pack = deflateInit2(&list->stream, 4, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
	if (list->pack)
		evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Encoding", "gzip");
}

static void answer_list(struct api_server *server, struct evhttp_request *request,
                        const struct api_question *question, const struct start *start, enum api_cut cut,
                        size_t budget)
{
	struct list *list = memory_alloc(sizeof(*list));
	/* The watch cache, which answers version 0, does not know of pages. */
	uint64_t limit = strcmp(api_question_value(question, "resourceVersion"), "0") == 0
	                         ? 0
	                         : api_question_number(question, "limit");
	bool more;
	collect(server, question, start, list, limit, &more);
	write_head(list, question->kind, start->name != NULL ? start->version : server->store.version, more);
	pack_if_wanted(server, request, list);
	struct api_answer *answer = api_answer_new(server, request);
	answer->context = list;
	answer->forget = list_free;
	answer->more = send_piece;
	answer->cut = cut;
	answer->budget = budget;
	api_answer_start(answer, 200);
	send_piece(answer);
}

static void answer_object(struct api_server *server, struct evhttp_request *request,
                          const struct api_question *question)
{
	const struct api_kind *kind = question->kind;
	const struct api_object *object = api_store_find(
	        &server->store, kind, question->namespace == NULL ? "" : question->namespace, question->name);
	auto_text text = {0};
	if (object == NULL) {
		text_addf(&text, "%s%s%s \"%s\" not found", kind->plural, *kind->group == '\0' ? "" : ".",
		          kind->group, question->name);
		refuse(server, request, question, 404, text_string(&text));
		return;
	}
	text_addf(&text, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",%s\n", kind->kind, kind->api_version,
	          object->text + 1);
	api_answer_whole(server, request, 200, "application/json", text.bytes, text.length);
}

void api_list(struct api_server *server, struct evhttp_request *request, struct api_question *question,
              enum api_cut cut, size_t budget)
{
	struct start start = {0};
	const char *token = api_question_value(question, "continue");
	if (question->name != NULL)
		answer_object(server, request, question);
	else if (*token != '\0' && !read_token(token, &start))
		refuse(server, request, question, 400, "continue key is not valid");
	else if (check_versions(server, request, question, &start))
		answer_list(server, request, question, &start, cut, budget);
	free(start.namespace);
	free(start.name);
	api_question_free(question);
}
