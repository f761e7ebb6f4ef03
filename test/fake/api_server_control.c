/*
 * The server scripted by HTTP, under /fake/, for programs that are not linked with it. test/vm/api_server.c tells how.
 */
#include "api_server_private.h"

#include <event2/buffer.h>
#include <string.h>

struct control {
	struct api_server *server;
	struct evhttp_request *request;
	struct evkeyvalq query;
	const char *rest; /* of the path, behind the command and a '/' */
	struct text said;
};

static const char *value_of(const struct control *control, const char *name)
{
	return evhttp_find_header(&control->query, name);
}

static int number_of(const struct control *control, const char *name, int otherwise)
{
	const char *value = value_of(control, name);
	return value == NULL ? otherwise : atoi(value);
}

/* Each returns an HTTP status, and adds to what is said. */

static int put_objects(struct control *control)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(control->request);
	size_t length = evbuffer_get_length(body);
	bool good = api_server_replace(control->server, (const char *)evbuffer_pullup(body, -1), length,
	                               &control->said);
	text_addf(&control->said, good ? "%llu\n" : "\n", (unsigned long long)control->server->store.version);
	return good ? 200 : 400;
}

/* KIND/NAMESPACE/NAME; a Node's namespace is "-". */
static int delete_object(struct control *control)
{
	char kind[64], namespace[256], name[256];
	const struct api_kind *found;
	if (sscanf(control->rest, "%63[^/]/%255[^/]/%255[^/]", kind, namespace, name) != 3 ||
	    (found = api_kind_find(kind)) == NULL) {
		text_add(&control->said, "DELETE /fake/objects/KIND/NAMESPACE/NAME\n");
		return 400;
	}
	if (!api_store_delete(&control->server->store, found, found->namespaced ? namespace : "", name, 0)) {
		text_add(&control->said, "there is no such object\n");
		return 404;
	}
	api_server_changed(control->server);
	return 200;
}

static int fail(struct control *control)
{
	struct api_failure_order order = {
	        .path_part = value_of(control, "path"),
	        .times = number_of(control, "times", 1),
	        .status = number_of(control, "status", 0),
	        .retry_after_seconds = number_of(control, "retry-after", 0),
	        .after_bytes = (size_t)number_of(control, "after-bytes", 0),
	        .path = value_of(control, "file"),
	};
	const char *failure = value_of(control, "failure");
	if (failure == NULL || !api_failure_find(failure, &order.failure)) {
		text_add(&control->said, "there is no such failure\n");
		return 400;
	}
	api_server_fail(control->server, &order);
	return 200;
}

static int clear(struct control *control)
{
	api_server_clear_failures(control->server);
	return 200;
}

static int compact(struct control *control)
{
	api_server_compact(control->server);
	return 200;
}

static int bookmark(struct control *control)
{
	api_server_bookmark(control->server);
	return 200;
}

static int end_watches(struct control *control)
{
	api_server_end_watches(control->server);
	return 200;
}

static int drop(struct control *control)
{
	api_server_drop_connections(control->server);
	return 200;
}

static int set_token(struct control *control)
{
	const char *token = value_of(control, "token");
	api_server_set_token(control->server, token == NULL || *token == '\0' ? NULL : token);
	return 200;
}

static int tell_requests(struct control *control)
{
	text_add(&control->said, api_server_requests(control->server));
	return 200;
}

static int tell_events(struct control *control)
{
	text_add(&control->said, api_server_events(control->server));
	return 200;
}

static int tell_watches(struct control *control)
{
	text_addf(&control->said, "%zu\n", api_server_count_watches(control->server));
	return 200;
}

/* How many failures are still to come. */
static int tell_orders(struct control *control)
{
	text_addf(&control->said, "%zu\n", control->server->orders.count);
	return 200;
}

static int tell_connections(struct control *control)
{
	text_addf(&control->said, "%zu\n", api_server_count_connections(control->server));
	return 200;
}

static int tell_version(struct control *control)
{
	text_addf(&control->said, "%llu\n", (unsigned long long)control->server->store.version);
	return 200;
}

static const struct {
	const char *path;
	enum evhttp_cmd_type method;
	int (*perform)(struct control *control);
} commands[] = {
        {"objects", EVHTTP_REQ_PUT, put_objects},
        {"objects", EVHTTP_REQ_DELETE, delete_object},
        {"fail", EVHTTP_REQ_POST, fail},
        {"clear", EVHTTP_REQ_POST, clear},
        {"compact", EVHTTP_REQ_POST, compact},
        {"bookmark", EVHTTP_REQ_POST, bookmark},
        {"end", EVHTTP_REQ_POST, end_watches},
        {"drop", EVHTTP_REQ_POST, drop},
        {"token", EVHTTP_REQ_POST, set_token},
        {"requests", EVHTTP_REQ_GET, tell_requests},
        {"events", EVHTTP_REQ_GET, tell_events},
        {"watches", EVHTTP_REQ_GET, tell_watches},
        {"orders", EVHTTP_REQ_GET, tell_orders},
        {"version", EVHTTP_REQ_GET, tell_version},
        {"connections", EVHTTP_REQ_GET, tell_connections},
};

static int perform(struct control *control, const char *path)
{
	size_t length = strcspn(path, "/");
	control->rest = path + length + (path[length] == '/' ? 1 : 0);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (commands[i].method == evhttp_request_get_command(control->request) &&
		    strncmp(commands[i].path, path, length) == 0 && commands[i].path[length] == '\0')
			return commands[i].perform(control);
	}
	text_add(&control->said, "there is no such command\n");
	return 404;
}

void api_control(struct api_server *server, struct evhttp_request *request)
{
	struct control control = {.server = server, .request = request};
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	TAILQ_INIT(&control.query);
	if (evhttp_uri_get_query(uri) != NULL)
		evhttp_parse_query_str(evhttp_uri_get_query(uri), &control.query);
	int status = perform(&control, evhttp_uri_get_path(uri) + strlen("/fake/"));
	api_answer_whole(server, request, status, "text/plain", text_string(&control.said),
	                 control.said.length);
	evhttp_clear_headers(&control.query);
	text_done(&control.said);
}
