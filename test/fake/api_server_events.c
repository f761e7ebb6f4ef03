/*
 * Events: written by POST, changed by PATCH, and checked as an API server checks them.
 */
#include "api_server_private.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

static json_t *body_of(struct evhttp_request *request)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	size_t length = evbuffer_get_length(body);
	return json_loadb((const char *)evbuffer_pullup(body, -1), length, 0, NULL);
}

static bool is_empty(const json_t *event, const char *field)
{
	const char *text = json_string_value(json_object_get(event, field));
	return text == NULL || *text == '\0';
}

/* NULL: nothing. */
static const char *what_is_wrong(const json_t *event, const char *namespace)
{
	static const char *const needed[] = {"eventTime", "reportingController", "reportingInstance",
	                                     "action", "reason"};
	static const char *const missing[] = {
	        "eventTime: Required value", "reportingController: Required value",
	        "reportingInstance: Required value", "action: Required value", "reason: Required value"};
	const char *type = json_string_value(json_object_get(event, "type"));
	const json_t *metadata = json_object_get(event, "metadata"),
	             *regarding = json_object_get(event, "regarding");
	const char *own = json_string_value(json_object_get(metadata, "namespace"));
	const char *other = json_string_value(json_object_get(regarding, "namespace"));
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (is_empty(event, needed[i]))
			return missing[i];
	}
	if (type == NULL || (strcmp(type, "Normal") != 0 && strcmp(type, "Warning") != 0))
		return "type: Invalid value: has invalid value: it must be Normal or Warning";
	if (is_empty(metadata, "name"))
		return "name or generateName is required";
	if (own != NULL && strcmp(own, namespace) != 0)
		return "the namespace of the provided object does not match the namespace sent on the "
		       "request";
	if (strcmp(other == NULL || *other == '\0' ? "default" : other, namespace) != 0)
		return "involvedObject.namespace: Invalid value: does not match event.namespace";
	return NULL;
}

static void record(struct api_server *server, const json_t *body)
{
	char *line = json_dumps(body, JSON_COMPACT);
	text_addf(&server->events, "%s\n", line);
	free(line);
}

static void keep_and_answer(struct api_server *server, struct evhttp_request *request,
                            const struct api_question *question, json_t *event, int status)
{
	const char *reason;
	json_object_set_new(event, "kind", json_string("Event"));
	json_object_set_new(event, "apiVersion", json_string("events.k8s.io/v1"));
	json_object_set_new(json_object_get(event, "metadata"), "namespace",
	                    json_string(question->namespace));
	const struct api_object *object = api_store_put(&server->store, event, 0, false, &reason);
	if (object == NULL) {
		api_answer_status(server, request, &(struct api_status){.code = 422, .message = reason},
		                  question);
		return;
	}
	auto_text text = {0};
	text_addf(&text, "{\"kind\":\"Event\",\"apiVersion\":\"events.k8s.io/v1\",%s\n", object->text + 1);
	api_answer_whole(server, request, status, "application/json", text.bytes, text.length);
}

static void refuse(struct api_server *server, struct evhttp_request *request,
                   const struct api_question *question, int code, const char *message)
{
	api_answer_status(server, request, &(struct api_status){.code = code, .message = message}, question);
}

static void post(struct api_server *server, struct evhttp_request *request,
                 const struct api_question *question, json_t *body)
{
	const char *wrong = what_is_wrong(body, question->namespace);
	const char *name = json_string_value(json_object_get(json_object_get(body, "metadata"), "name"));
	if (wrong != NULL)
		refuse(server, request, question, 422, wrong);
	else if (api_store_find(&server->store, question->kind, question->namespace, name) != NULL)
		refuse(server, request, question, 409, NULL);
	else
		keep_and_answer(server, request, question, body, 201);
}

static void patch(struct api_server *server, struct evhttp_request *request,
                  const struct api_question *question, json_t *body)
{
	const struct api_object *object =
	        api_store_find(&server->store, question->kind, question->namespace, question->name);
	if (object == NULL) {
		refuse(server, request, question, 404, NULL);
		return;
	}
	json_t *event = json_loads(object->text, 0, NULL);
	json_object_update_recursive(event, body);
	keep_and_answer(server, request, question, event, 200);
	json_decref(event);
}

void api_events(struct api_server *server, struct evhttp_request *request,
                const struct api_question *question)
{
	bool is_post = evhttp_request_get_command(request) == EVHTTP_REQ_POST;
	json_t *body = body_of(request);
	if (strcmp(question->kind->kind, "Event") != 0 || question->namespace == NULL ||
	    is_post == (question->name != NULL)) {
		refuse(server, request, question, 405, NULL);
	} else if (!json_is_object(body)) {
		refuse(server, request, question, 400, "the object provided is no JSON");
	} else {
		record(server, body);
		if (is_post)
			post(server, request, question, body);
		else
			patch(server, request, question, body);
	}
	json_decref(body);
}
