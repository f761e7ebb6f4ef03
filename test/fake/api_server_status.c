/*
 * What an API server says when it refuses: a Status object, in the shapes of test/data/apiserver/error-*.
 */
#include "api_server_private.h"

#include <stdio.h>
#include <string.h>

static const struct {
	int code;
	const char *reason, *message;
} usual[] = {
        {400, "BadRequest", "the server rejected our request for an unknown reason"},
        {401, "Unauthorized", "Unauthorized"},
        {404, "NotFound", "the server could not find the requested resource"},
        {405, "MethodNotAllowed", "the server does not allow this method on the requested resource"},
        {409, "AlreadyExists", "the object already exists"},
        {410, "Expired", "The resourceVersion for the provided list is too old."},
        {422, "Invalid", "the object is invalid"},
        {429, "TooManyRequests", "too many requests, please try again later"},
        {500, "InternalError", "an error on the server has prevented the request from succeeding"},
        {503, "ServiceUnavailable", "the server is currently unable to handle the request"},
        {504, "Timeout", "the server was unable to return a response in the time allotted"},
};

static const char *reason_of(int code)
{
	if (code == 403)
		return "Forbidden";
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		if (usual[i].code == code)
			return usual[i].reason;
	}
	return "";
}

static void add_forbidden(struct text *message, const struct api_question *question)
{
	const struct api_kind *kind = question->kind;
	text_addf(message,
	          "%s%s%s is forbidden: User \"system:anonymous\" cannot %s resource \"%s\" in API group "
	          "\"%s\" at the "
	          "cluster scope",
	          kind->plural, *kind->group == '\0' ? "" : ".", kind->group,
	          question->is_watch       ? "watch"
	          : question->name != NULL ? "get"
	                                   : "list",
	          kind->plural, kind->group);
}

static void add_message(struct text *message, const struct api_status *status,
                        const struct api_question *question)
{
	if (status->message != NULL) {
		text_add(message, status->message);
		return;
	}
	if (status->code == 403 && question != NULL && question->kind != NULL) {
		add_forbidden(message, question);
		return;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		if (usual[i].code == status->code)
			text_add(message, usual[i].message);
	}
}

/* NULL: no details. */
static json_t *details_of(const struct api_status *status, const struct api_question *question)
{
	if (status->is_version_from_future)
		return json_pack("{s:[{s:s,s:s}],s:i}", "causes", "reason", "ResourceVersionTooLarge",
		                 "message", "Too large resource version", "retryAfterSeconds",
		                 status->retry_after_seconds);
	if (status->retry_after_seconds > 0)
		return json_pack("{s:i}", "retryAfterSeconds", status->retry_after_seconds);
	if (status->code == 403 && question != NULL && question->kind != NULL)
		return *question->kind->group == '\0' ? json_pack("{s:s}", "kind", question->kind->plural)
		                                      : json_pack("{s:s,s:s}", "group", question->kind->group,
		                                                  "kind", question->kind->plural);
	return status->code == 404 ? json_object() : NULL;
}

void api_status_write(struct text *text, const struct api_status *status, const struct api_question *question)
{
	auto_text message = {0};
	add_message(&message, status, question);
	json_t *value = json_pack("{s:s,s:s,s:{},s:s,s:s,s:s,s:o*,s:i}", "kind", "Status", "apiVersion", "v1",
	                          "metadata", "status", "Failure", "message", text_string(&message), "reason",
	                          reason_of(status->code), "details", details_of(status, question), "code",
	                          status->code);
	char *json = json_dumps(value, JSON_COMPACT);
	text_add(text, json);
	free(json);
	json_decref(value);
}

void api_answer_status(struct api_server *server, struct evhttp_request *request,
                       const struct api_status *status, const struct api_question *question)
{
	auto_text body = {0};
	if (status->retry_after_seconds > 0) {
		char seconds[16];
		snprintf(seconds, sizeof(seconds), "%d", status->retry_after_seconds);
		evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", seconds);
	}
	api_status_write(&body, status, question);
	text_add(&body, "\n");
	api_answer_whole(server, request, status->code, "application/json", body.bytes, body.length);
}
