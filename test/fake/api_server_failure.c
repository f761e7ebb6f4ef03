/*
 * Failing on demand.
 */
#include "api_server_private.h"

#include "base/memory.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
        [API_FAIL_STATUS] = "status",
        [API_FAIL_REFUSE] = "refuse",
        [API_FAIL_SILENT] = "silent",
        [API_FAIL_STALL] = "stall",
        [API_FAIL_HANG_UP] = "hang-up",
        [API_FAIL_GARBAGE] = "garbage",
        [API_FAIL_ENDLESS_LINE] = "endless-line",
        [API_FAIL_ERROR_EVENT] = "error-event",
        [API_FAIL_NO_STREAMING] = "no-streaming",
        [API_FAIL_IGNORE_STREAMING] = "ignore-streaming",
        [API_FAIL_WATCH_ENDS] = "watch-ends",
        [API_FAIL_REPLAY] = "replay",
};

bool api_failure_find(const char *name, enum api_failure *ret_failure)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i], name) == 0) {
			*ret_failure = (enum api_failure)i;
			return true;
		}
	}
	return false;
}

/* ---- the queue of orders */

static char *copy_or_null(const char *text)
{
	return text == NULL ? NULL : memory_copy_text(text);
}

static struct api_order copy_of(const struct api_failure_order *order)
{
	struct api_order copy = {.order = *order};
	copy.order.path_part = copy_or_null(order->path_part);
	copy.order.path = copy_or_null(order->path);
	return copy;
}

void api_order_done(struct api_order *order)
{
	free((void *)(uintptr_t)order->order.path_part);
	free((void *)(uintptr_t)order->order.path);
}

void api_server_fail(struct api_server *server, const struct api_failure_order *order)
{
	vector_push(&server->orders, copy_of(order));
}

void api_server_clear_failures(struct api_server *server)
{
	vector_for_each (&server->orders, order)
		api_order_done(order);
	vector_clear(&server->orders);
}

static bool fits(const struct api_failure_order *order, const char *uri, const struct api_question *question)
{
	if (order->times == 0 || (order->path_part != NULL && strstr(uri, order->path_part) == NULL))
		return false;
	switch (order->failure) {
	case API_FAIL_ERROR_EVENT:
	case API_FAIL_WATCH_ENDS:
		return question->is_watch;
	case API_FAIL_NO_STREAMING:
	case API_FAIL_IGNORE_STREAMING:
		return question->is_watch && question->wants_initial_events;
	default:
		return true;
	}
}

static void remove_order(struct api_server *server, struct api_order *order)
{
	api_order_done(order);
	server->orders.count--;
	memmove(order, order + 1,
	        (size_t)(server->orders.items + server->orders.count - order) * sizeof(*order));
}

bool api_order_take(struct api_server *server, const char *uri, const struct api_question *question,
                    struct api_order *ret_order)
{
	vector_for_each (&server->orders, order) {
		if (!fits(&order->order, uri, question))
			continue;
		*ret_order = copy_of(&order->order);
		if (order->order.times > 0 && --order->order.times == 0)
			remove_order(server, order);
		return true;
	}
	return false;
}

/* ---- failures that are whole answers */

static void answer_garbage(struct api_server *server, struct evhttp_request *request)
{
	static const char garbage[] = "<html>\x01\xff\xfe{\"kind\":\n<body>this proxy is tired]]}</body>\n";
	api_answer_whole(server, request, 200, "application/json", garbage, sizeof(garbage) - 1);
}

static void add_endless(struct api_answer *answer)
{
	char bytes[64 * 1024];
	memset(bytes, 'a', sizeof(bytes));
	api_answer_add(answer, bytes, sizeof(bytes));
	api_answer_send(answer);
}

static void answer_endless(struct api_server *server, struct evhttp_request *request,
                           const struct api_question *question)
{
	struct api_answer *answer = api_answer_new(server, request);
	const char *opening =
	        "{\"metadata\":{\"name\":\"endless\",\"namespace\":\"default\",\"annotations\":{\"a\":\"";
	answer->more = add_endless;
	api_answer_start(answer, 200);
	if (question->is_watch)
		api_answer_add_text(answer, "{\"type\":\"ADDED\",\"object\":");
	else
		api_answer_add_text(answer, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[");
	api_answer_add_text(answer, opening);
	add_endless(answer);
}

static void answer_error_event(struct api_server *server, struct evhttp_request *request,
                               const struct api_question *question, const struct api_failure_order *order)
{
	auto_text line = {0}, message = {0};
	struct api_status status = {.code = order->status == 0 ? 410 : order->status,
	                            .retry_after_seconds = order->retry_after_seconds};
	text_addf(&message, "too old resource version: %s (%llu)",
	          api_question_value(question, "resourceVersion"), (unsigned long long)server->store.version);
	if (status.code == 410)
		status.message = text_string(&message);
	text_add(&line, "{\"type\":\"ERROR\",\"object\":");
	api_status_write(&line, &status, question);
	text_add(&line, "}\n");
	struct api_answer *answer = api_answer_new(server, request);
	api_answer_start(answer, 200);
	api_answer_add(answer, line.bytes, line.length);
	api_answer_end(answer);
}

static void answer_status(struct api_server *server, struct evhttp_request *request,
                          const struct api_question *question, const struct api_failure_order *order)
{
	struct api_status status = {.code = order->status == 0 ? 500 : order->status,
	                            .retry_after_seconds = order->retry_after_seconds};
	api_answer_status(server, request, &status, question);
}

static void answer_no_streaming(struct api_server *server, struct evhttp_request *request,
                                const struct api_question *question, const struct api_failure_order *order)
{
	struct api_status status = {
	        .code = order->status == 0 ? 422 : order->status,
	        .message = "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: "
	                   "sendInitialEvents "
	                   "is forbidden for watch unless the WatchList feature gate is enabled"};
	api_answer_status(server, request, &status, question);
}

/* ---- replay */

/* The headers that a client acts on. */
static void copy_header(struct evhttp_request *request, const struct api_recording *recording,
                        const char *name)
{
	size_t length = strlen(name);
	for (const char *line = recording->headers; line < recording->headers_end;) {
		size_t width = strcspn(line, "\r\n");
		if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
			const char *value = line + length + 1 + strspn(line + length + 1, " ");
			auto_free char *copy = strndup(value, (size_t)(line + width - value));
			evhttp_add_header(evhttp_request_get_output_headers(request), name, copy);
			return;
		}
		line += width + strspn(line + width, "\r\n");
	}
}

static void answer_replay(struct api_server *server, struct evhttp_request *request,
                          const struct api_question *question, const struct api_failure_order *order)
{
	auto_text file = {0};
	struct api_recording recording;
	if (text_read_file(order->path, SIZE_MAX / 2, &file) != 0 ||
	    !api_recording_read(text_string(&file), file.length, &recording)) {
		auto_text why = {0};
		text_addf(&why, "%s is no recording that can be read", order->path);
		api_answer_status(server, request,
		                  &(struct api_status){.code = 500, .message = text_string(&why)}, question);
		return;
	}
	copy_header(request, &recording, "Retry-After");
	copy_header(request, &recording, "Content-Type");
	if (!recording.chunked)
		copy_header(request, &recording, "Content-Length");
	struct api_answer *answer = api_answer_new(server, request);
	api_answer_start(answer, recording.status);
	api_answer_add(answer, recording.body, (size_t)(recording.end - recording.body));
	api_answer_end(answer);
}

bool api_order_perform(struct api_server *server, struct evhttp_request *request,
                       const struct api_question *question, const struct api_failure_order *order)
{
	switch (order->failure) {
	case API_FAIL_STATUS:
		answer_status(server, request, question, order);
		return true;
	case API_FAIL_REFUSE:
		api_answer_drop_soon(api_answer_new(server, request));
		return true;
	case API_FAIL_SILENT:
		api_answer_watch_client(api_answer_new(server, request));
		return true;
	case API_FAIL_GARBAGE:
		answer_garbage(server, request);
		return true;
	case API_FAIL_ENDLESS_LINE:
		answer_endless(server, request, question);
		return true;
	case API_FAIL_ERROR_EVENT:
		answer_error_event(server, request, question, order);
		return true;
	case API_FAIL_NO_STREAMING:
		answer_no_streaming(server, request, question, order);
		return true;
	case API_FAIL_WATCH_ENDS:
		api_answer_whole(server, request, 200, "application/json", "", 0);
		return true;
	case API_FAIL_REPLAY:
		answer_replay(server, request, question, order);
		return true;
	case API_FAIL_STALL:
	case API_FAIL_HANG_UP:
	case API_FAIL_IGNORE_STREAMING:
		break;
	}
	return false;
}
