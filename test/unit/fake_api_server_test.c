/*
 * The scripted API server answers as the recorded one did, and fails as it is told.
 */
#include "api_server.h"
#include "base/text.h"
#include "certificates.h"
#include "support.h"
#include "test_directory.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define RECORDED TEST_DATA "/data/apiserver/"
#define SERVICES "/api/v1/services"
#define SLICES   "/apis/discovery.k8s.io/v1/endpointslices"
#define EVENTS   "/apis/events.k8s.io/v1/namespaces/default/events"
#define SELECTION \
	"labelSelector=%21service.kubernetes.io%2Fservice-proxy-name&fieldSelector=spec.clusterIP%21%3DNone"
#define STREAMING "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"

/* ---- a client: curl and the server take turns on this thread */

struct client {
	struct event_base *base;
	struct api_server *server;
	CURLM *multi;
	char directory[TEST_DIRECTORY_SIZE]; /* certificates; "" for plain HTTP */
	bool show_certificate;
	const char *authority; /* NULL: ca.crt */
	const char *token;
};

struct fetch {
	CURL *easy;
	struct curl_slist *headers;
	struct text body;
	long status;
	CURLcode result;
	bool ended;
};

static void client_open(struct client *client, const struct api_server_options *options)
{
	*client = (struct client){.base = event_base_new(), .multi = curl_multi_init()};
	client->server = api_server_start(client->base, options);
}

static void client_close(struct client *client)
{
	curl_multi_cleanup(client->multi);
	api_server_stop(client->server);
	event_base_free(client->base);
}

static size_t keep(char *bytes, size_t size, size_t count, void *context)
{
	text_add_bytes(context, bytes, size * count);
	return size * count;
}

static void set_tls(const struct client *client, CURL *easy)
{
	auto_text path = {0};
	text_addf(&path, "%s/%s", client->directory,
	          client->authority == NULL ? "ca.crt" : client->authority);
	curl_easy_setopt(easy, CURLOPT_CAINFO, path.bytes);
	if (!client->show_certificate)
		return;
	text_clear(&path);
	text_addf(&path, "%s/client.crt", client->directory);
	curl_easy_setopt(easy, CURLOPT_SSLCERT, path.bytes);
	text_clear(&path);
	text_addf(&path, "%s/client.key", client->directory);
	curl_easy_setopt(easy, CURLOPT_SSLKEY, path.bytes);
}

/* `method` NULL: GET. `body` is borrowed until the end. */
static void fetch_start(struct client *client, const char *path, const char *method, const char *body,
                        struct fetch *fetch)
{
	auto_text url = {0}, authorization = {0};
	bool is_tls = *client->directory != '\0';
	*fetch = (struct fetch){.easy = curl_easy_init()};
	text_addf(&url, "%s://127.0.0.1:%u%s", is_tls ? "https" : "http", api_server_port(client->server),
	          path);
	curl_easy_setopt(fetch->easy, CURLOPT_URL, url.bytes);
	curl_easy_setopt(fetch->easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, &fetch->body);
	curl_easy_setopt(fetch->easy, CURLOPT_PRIVATE, fetch);
	curl_easy_setopt(fetch->easy, CURLOPT_CUSTOMREQUEST, method);
	if (body != NULL)
		curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDS, body);
	if (client->token != NULL) {
		text_addf(&authorization, "Authorization: Bearer %s", client->token);
		fetch->headers = curl_slist_append(NULL, authorization.bytes);
		curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
	}
	if (is_tls)
		set_tls(client, fetch->easy);
	curl_multi_add_handle(client->multi, fetch->easy);
}

static void turn(struct client *client)
{
	int running, left;
	const CURLMsg *message;
	curl_multi_perform(client->multi, &running);
	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		struct fetch *fetch;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
		curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &fetch->status);
		fetch->result = message->data.result;
		fetch->ended = true;
	}
	event_base_loop(client->base, EVLOOP_NONBLOCK);
	curl_multi_poll(client->multi, NULL, 0, 1, NULL);
}

static void fetch_done(struct client *client, struct fetch *fetch)
{
	curl_multi_remove_handle(client->multi, fetch->easy);
	curl_easy_cleanup(fetch->easy);
	curl_slist_free_all(fetch->headers);
	text_done(&fetch->body);
}

static void wait_for_end(struct client *client, const struct fetch *fetch)
{
	while (!fetch->ended)
		turn(client);
}

static void wait_for_watches(struct client *client, size_t count)
{
	while (api_server_count_watches(client->server) != count)
		turn(client);
}

static void wait_for_text(struct client *client, const struct fetch *fetch, const char *text)
{
	while (strstr(text_string(&fetch->body), text) == NULL && !fetch->ended)
		turn(client);
	ck_assert_msg(strstr(text_string(&fetch->body), text) != NULL, "%s did not come, but %s", text,
	              text_string(&fetch->body));
}

/* Some turns in which nothing should happen. */
static void idle(struct client *client)
{
	for (int i = 0; i < 100; i++)
		turn(client);
}

static void fetch_all(struct client *client, const char *path, struct fetch *fetch)
{
	fetch_start(client, path, NULL, NULL, fetch);
	wait_for_end(client, fetch);
}

static void send_all(struct client *client, const char *method, const char *path, const char *body,
                     struct fetch *fetch)
{
	fetch_start(client, path, method, body, fetch);
	wait_for_end(client, fetch);
}

/* The path must be answered with this status and body. */
static void must_answer(struct client *client, const char *path, long status, const char *body)
{
	struct fetch fetch;
	fetch_all(client, path, &fetch);
	ck_assert_msg(fetch.result == CURLE_OK, "%s: %s", path, curl_easy_strerror(fetch.result));
	ck_assert_texts(path, body, text_string(&fetch.body));
	ck_assert_int_eq(fetch.status, status);
	fetch_done(client, &fetch);
}

/* ---- what was recorded */

static const char *behind_empty_line(const char *text)
{
	const char *one = strstr(text, "\n\n"), *two = strstr(text, "\r\n\r\n");
	return two != NULL && (one == NULL || two < one) ? two + 4 : one + 2;
}

/* To be freed: the body. */
static char *recorded_body(const char *name)
{
	auto_text path = {0};
	text_addf(&path, RECORDED "%s", name);
	char *file = read_test_file(path.bytes);
	char *body = strdup(behind_empty_line(behind_empty_line(file)));
	free(file);
	return body;
}

/* To be freed: the path and query that were asked. */
static char *recorded_path(const char *name)
{
	auto_text path = {0};
	text_addf(&path, RECORDED "%s", name);
	char *file = read_test_file(path.bytes);
	char *uri = strndup(file + 4, strcspn(file + 4, " \r\n"));
	free(file);
	return uri;
}

static void open_with_recorded_lists(struct client *client)
{
	client_open(client, &(struct api_server_options){0});
	api_server_load(client->server, RECORDED "services-list");
	api_server_load(client->server, RECORDED "endpointslices-list");
	api_server_load(client->server, RECORDED "node-list");
}

static void load(struct client *client, const char *name)
{
	auto_text path = {0};
	text_addf(&path, RECORDED "%s", name);
	api_server_load(client->server, path.bytes);
}

static void must_answer_as_recorded(struct client *client, const char *name, long status)
{
	char *path = recorded_path(name), *body = recorded_body(name);
	must_answer(client, path, status, body);
	free(path);
	free(body);
}

START_TEST(a_list_is_byte_for_byte_what_a_real_server_sent)
{
	static const char *const names[] = {
	        "services-list", "services-list-rv0", "endpointslices-list",      "services-list-final",
	        "node-list",     "node-list-final",   "endpointslices-list-final"};
	struct client client;
	client_open(&client, &(struct api_server_options){0});
	load(&client, names[_i]);
	must_answer_as_recorded(&client, names[_i], 200);
	client_close(&client);
}
END_TEST

START_TEST(a_streaming_list_is_byte_for_byte_what_a_real_server_sent)
{
	static const struct {
		const char *list, *stream;
		uint64_t version; /* the stream's; something else had changed since the list */
	} names[] = {{"services-list", "services-watch-initial-events", 7417},
	             {"endpointslices-list", "endpointslices-watch-initial-events", 7418}};
	struct client client;
	client_open(&client, &(struct api_server_options){.first_version = names[_i].version});
	load(&client, names[_i].list);
	must_answer_as_recorded(&client, names[_i].stream, 200);
	client_close(&client);
}
END_TEST

/* A server sends bookmarks when it likes: they are left out of the comparison. */
static char *without_bookmarks(const char *events)
{
	struct text text = {0};
	for (const char *line = events; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		length += line[length] == '\n';
		if (strncmp(line, "{\"type\":\"BOOKMARK\"", 18) != 0)
			text_add_bytes(&text, line, length);
		line += length;
	}
	char *copy = strdup(text_string(&text));
	text_done(&text);
	return copy;
}

START_TEST(a_watch_tells_of_changes_byte_for_byte_as_a_real_server_did)
{
	static const char *const names[][2] = {{"services-list", "services-watch"},
	                                       {"endpointslices-list", "endpointslices-watch"},
	                                       {"node-list", "node-watch"}};
	struct client client;
	struct fetch fetch;
	client_open(&client, &(struct api_server_options){0});
	load(&client, names[_i][0]);
	char *path = recorded_path(names[_i][1]), *body = recorded_body(names[_i][1]);
	fetch_start(&client, path, NULL, NULL, &fetch);
	wait_for_watches(&client, 1);
	load(&client, names[_i][1]);
	api_server_end_watches(client.server);
	wait_for_end(&client, &fetch);
	ck_assert_int_eq(fetch.result, CURLE_OK);
	char *wanted = without_bookmarks(body), *got = without_bookmarks(text_string(&fetch.body));
	ck_assert_texts(names[_i][1], wanted, got);
	free(wanted);
	free(got);
	free(path);
	free(body);
	fetch_done(&client, &fetch);
	client_close(&client);
}
END_TEST

START_TEST(errors_are_those_that_a_real_server_sent)
{
	static const struct {
		const char *name;
		long status;
		const char *first; /* the version that the recording server had, where it says it */
	} errors[] = {{"error-400-selector", 400, NULL},
	              {"error-404", 404, NULL},
	              {"error-410-list", 410, NULL},
	              {"error-504-future-version", 504, NULL},
	              {"error-410-watch", 200, "6996"}};
	struct client client;
	uint64_t first = errors[_i].first == NULL ? 7521 : strtoull(errors[_i].first, NULL, 10);
	client_open(&client, &(struct api_server_options){.first_version = first});
	must_answer_as_recorded(&client, errors[_i].name, errors[_i].status);
	client_close(&client);
}
END_TEST

START_TEST(an_ordered_403_and_a_missing_token_are_those_that_a_real_server_sent)
{
	struct client client;
	client_open(&client, &(struct api_server_options){.token = "right"});
	must_answer_as_recorded(&client, "error-401", 401);
	client.token = "wrong";
	must_answer_as_recorded(&client, "error-401", 401);
	client.token = "right";
	api_server_fail(client.server,
	                &(struct api_failure_order){.failure = API_FAIL_STATUS, .times = 1, .status = 403});
	must_answer_as_recorded(&client, "error-403", 403);
	api_server_set_token(client.server, "rotated");
	must_answer_as_recorded(&client, "error-401", 401);
	client_close(&client);
}
END_TEST

/* ---- pages */

static json_t *fetch_json(struct client *client, const char *path, long status)
{
	struct fetch fetch;
	fetch_all(client, path, &fetch);
	ck_assert_int_eq(fetch.status, status);
	json_t *value = json_loads(text_string(&fetch.body), 0, NULL);
	ck_assert_ptr_nonnull(value);
	fetch_done(client, &fetch);
	return value;
}

static const char *metadata_text(const json_t *value, const char *name)
{
	return json_string_value(json_object_get(json_object_get(value, "metadata"), name));
}

START_TEST(pages_hold_what_the_pages_of_a_real_server_held)
{
	static const char *const names[] = {"services-list-page-1", "services-list-page-2",
	                                    "services-list-page-3"};
	struct client client;
	auto_text path = {0};
	open_with_recorded_lists(&client);
	text_add(&path, SERVICES "?limit=7&" SELECTION);
	for (size_t i = 0; i < 3; i++) {
		char *body = recorded_body(names[i]);
		json_t *wanted = json_loads(body, 0, NULL), *got = fetch_json(&client, path.bytes, 200);
		ck_assert(json_equal(json_object_get(wanted, "items"), json_object_get(got, "items")));
		ck_assert_str_eq(metadata_text(wanted, "resourceVersion"),
		                 metadata_text(got, "resourceVersion"));
		ck_assert((metadata_text(wanted, "continue") == NULL) ==
		          (metadata_text(got, "continue") == NULL));
		text_clear(&path);
		text_add(&path, SERVICES "?limit=7&" SELECTION "&continue=");
		text_add(&path, i < 2 ? metadata_text(got, "continue") : "");
		json_decref(wanted);
		json_decref(got);
		free(body);
	}
	client_close(&client);
}
END_TEST

START_TEST(a_page_expires_when_the_history_is_compacted)
{
	struct client client;
	auto_text path = {0};
	open_with_recorded_lists(&client);
	json_t *page = fetch_json(&client, SERVICES "?limit=7", 200);
	text_addf(&path, SERVICES "?limit=7&continue=%s", metadata_text(page, "continue"));
	api_server_compact(client.server);
	json_t *status = fetch_json(&client, path.bytes, 410);
	ck_assert_str_eq(json_string_value(json_object_get(status, "reason")), "Expired");
	json_decref(page);
	json_decref(status);
	client_close(&client);
}
END_TEST

/* ---- watches */

#define PLAIN_OBJECT(labels, ip)                                                                    \
	"{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"web\",\"namespace\":" \
	"\"default\"" labels "},\"spec\":{\"clusterIP\":\"" ip "\"}}"

static void put(struct client *client, const char *object)
{
	api_server_put(client->server, object);
}

/* "ADDED web 5" for each event. */
static void events_must_be(const struct fetch *fetch, const char *wanted)
{
	auto_text got = {0};
	for (const char *line = text_string(&fetch->body); *line != '\0'; line = strchr(line, '\n') + 1) {
		json_t *event = json_loadb(line, strcspn(line, "\n"), 0, NULL);
		const json_t *object = json_object_get(event, "object");
		const char *name = metadata_text(object, "name"),
		           *version = metadata_text(object, "resourceVersion");
		text_addf(&got, "%s %s %s\n", json_string_value(json_object_get(event, "type")),
		          name == NULL ? "-" : name, version == NULL ? "-" : version);
		json_decref(event);
	}
	ck_assert_texts("events", wanted, text_string(&got));
}

static void change_web(struct client *client)
{
	put(client, PLAIN_OBJECT("", "10.96.0.1")); /* 1 */
	put(client, PLAIN_OBJECT("", "10.96.0.2")); /* 2 */
	put(client, PLAIN_OBJECT(",\"labels\":{\"service.kubernetes.io/service-proxy-name\":\"\"}",
	                         "10.96.0.2")); /* 3 */
	put(client, PLAIN_OBJECT(",\"labels\":{\"service.kubernetes.io/service-proxy-name\":\"\"}",
	                         "10.96.0.3"));                              /* 4 */
	put(client, PLAIN_OBJECT(",\"labels\":{\"a\":\"b\"}", "10.96.0.3")); /* 5 */
	put(client, PLAIN_OBJECT("", "None"));                               /* 6 */
	put(client, PLAIN_OBJECT("", "10.96.0.4"));                          /* 7 */
	api_server_delete(client->server, "Service", "default", "web");      /* 8 */
}

static const char web_events[] = "ADDED web 1\nMODIFIED web 2\nDELETED web 3\nADDED web 5\nDELETED web 6\n"
                                 "ADDED web 7\nDELETED web 8\n";

START_TEST(an_object_that_leaves_the_selection_is_deleted_and_one_that_enters_is_added)
{
	struct client client;
	struct fetch fetch;
	client_open(&client, &(struct api_server_options){0});
	fetch_start(&client, SERVICES "?watch=1&resourceVersion=0&" SELECTION, NULL, NULL, &fetch);
	wait_for_watches(&client, 1);
	change_web(&client);
	api_server_end_watches(client.server);
	wait_for_end(&client, &fetch);
	events_must_be(&fetch, web_events);
	fetch_done(&client, &fetch);
	client_close(&client);
}
END_TEST

START_TEST(a_watch_resumes_where_it_is_told)
{
	struct client client;
	struct fetch fetch;
	client_open(&client, &(struct api_server_options){0});
	change_web(&client);
	fetch_start(&client, SERVICES "?watch=1&resourceVersion=2&" SELECTION, NULL, NULL, &fetch);
	wait_for_text(&client, &fetch, "\"resourceVersion\":\"8\"");
	events_must_be(&fetch, web_events + strlen("ADDED web 1\nMODIFIED web 2\n"));
	fetch_done(&client, &fetch);
	wait_for_watches(&client, 0);
	client_close(&client);
}
END_TEST

START_TEST(a_watch_from_before_a_compaction_is_told_410_but_an_open_one_goes_on)
{
	struct client client;
	struct fetch old, open;
	client_open(&client, &(struct api_server_options){0});
	put(&client, PLAIN_OBJECT("", "10.96.0.1"));
	fetch_start(&client, SERVICES "?watch=1&resourceVersion=1&allowWatchBookmarks=1", NULL, NULL, &open);
	wait_for_watches(&client, 1);
	api_server_compact(client.server);
	fetch_all(&client, SERVICES "?watch=1&resourceVersion=1", &old);
	ck_assert_ptr_nonnull(
	        strstr(text_string(&old.body), "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\""));
	ck_assert_ptr_nonnull(strstr(text_string(&old.body), "\"code\":410"));
	put(&client, PLAIN_OBJECT("", "10.96.0.2"));
	api_server_bookmark(client.server);
	wait_for_text(&client, &open, "BOOKMARK");
	events_must_be(&open, "MODIFIED web 3\nBOOKMARK - 3\n");
	fetch_done(&client, &old);
	fetch_done(&client, &open);
	client_close(&client);
}
END_TEST

START_TEST(only_who_asked_for_bookmarks_gets_them)
{
	struct client client;
	struct fetch asked, other;
	client_open(&client, &(struct api_server_options){.first_version = 5});
	fetch_start(&client, SERVICES "?watch=1&resourceVersion=5&allowWatchBookmarks=true", NULL, NULL,
	            &asked);
	fetch_start(&client, SERVICES "?watch=1&resourceVersion=5", NULL, NULL, &other);
	wait_for_watches(&client, 2);
	api_server_bookmark(client.server);
	api_server_end_watches(client.server);
	wait_for_end(&client, &asked);
	wait_for_end(&client, &other);
	events_must_be(&asked, "BOOKMARK - 5\n");
	events_must_be(&other, "");
	fetch_done(&client, &asked);
	fetch_done(&client, &other);
	client_close(&client);
}
END_TEST

START_TEST(a_watch_ends_well_after_the_seconds_that_it_asked_for)
{
	struct client client;
	client_open(&client, &(struct api_server_options){0});
	must_answer(&client, SERVICES "?watch=1&timeoutSeconds=1", 200, "");
	client_close(&client);
}
END_TEST

START_TEST(streaming_needs_to_say_how_new_the_list_must_be)
{
	struct client client;
	client_open(&client, &(struct api_server_options){0});
	json_decref(fetch_json(&client, SERVICES "?watch=1&sendInitialEvents=true", 422));
	client_close(&client);
}
END_TEST

/* ---- failures */

static void order(struct client *client, enum api_failure failure, size_t after_bytes)
{
	api_server_fail(client->server,
	                &(struct api_failure_order){.failure = failure,
	                                            .times = 1,
	                                            .status = 410,
	                                            .after_bytes = after_bytes,
	                                            .path = RECORDED "error-504-future-version"});
}

static const struct ending {
	const char *path;
	enum api_failure failure;
	size_t after_bytes;
	CURLcode result;
	long status;
	size_t length;    /* of the body; SIZE_MAX: any */
	const char *part; /* of the body */
} endings[] = {
        {SERVICES, API_FAIL_STATUS, 0, CURLE_OK, 410, SIZE_MAX, "\"code\":410"},
        {SERVICES, API_FAIL_REFUSE, 0, CURLE_GOT_NOTHING, 0, 0, ""},
        {SERVICES, API_FAIL_HANG_UP, 0, CURLE_PARTIAL_FILE, 200, 0, ""},
        {SERVICES, API_FAIL_HANG_UP, 100, CURLE_PARTIAL_FILE, 200, 100, "{\"kind\":\"ServiceList\""},
        {SERVICES, API_FAIL_HANG_UP, 1000000, CURLE_PARTIAL_FILE, 200, SIZE_MAX, "]}\n"},
        {SERVICES "?" STREAMING, API_FAIL_HANG_UP, 100, CURLE_PARTIAL_FILE, 200, 100, "{\"type\":\"ADDED\""},
        {SERVICES, API_FAIL_GARBAGE, 0, CURLE_OK, 200, SIZE_MAX, "<html>"},
        {SERVICES "?watch=1", API_FAIL_ERROR_EVENT, 0, CURLE_OK, 200, SIZE_MAX, "{\"type\":\"ERROR\""},
        {SERVICES "?" STREAMING, API_FAIL_NO_STREAMING, 0, CURLE_OK, 410, SIZE_MAX,
         "sendInitialEvents: Forbidden"},
        {SERVICES "?" STREAMING "&timeoutSeconds=1", API_FAIL_IGNORE_STREAMING, 0, CURLE_OK, 200, SIZE_MAX,
         "\"ADDED\""},
        {SERVICES "?watch=1", API_FAIL_WATCH_ENDS, 0, CURLE_OK, 200, 0, ""},
        {SERVICES, API_FAIL_REPLAY, 0, CURLE_OK, 504, 293, "current: 7521"},
};

START_TEST(a_failure_is_the_one_that_was_ordered_and_the_next_request_is_answered)
{
	const struct ending *ending = &endings[_i];
	struct client client;
	struct fetch fetch;
	open_with_recorded_lists(&client);
	order(&client, ending->failure, ending->after_bytes);
	fetch_all(&client, ending->path, &fetch);
	ck_assert_msg(fetch.result == ending->result, "%s", curl_easy_strerror(fetch.result));
	ck_assert_int_eq(fetch.status, ending->status);
	if (ending->length != SIZE_MAX)
		ck_assert_uint_eq(fetch.body.length, ending->length);
	ck_assert_ptr_nonnull(strstr(text_string(&fetch.body), ending->part));
	ck_assert_ptr_null(strstr(text_string(&fetch.body), "initial-events-end"));
	fetch_done(&client, &fetch);
	must_answer_as_recorded(&client, "services-list", 200);
	client_close(&client);
}
END_TEST

START_TEST(a_silent_or_stalled_server_keeps_the_connection_and_says_no_more)
{
	static const struct ending stalls[] = {
	        {SERVICES, API_FAIL_SILENT, 0, CURLE_OK, 0, 0, ""},
	        {SERVICES, API_FAIL_STALL, 0, CURLE_OK, 0, 0, ""},
	        {SERVICES, API_FAIL_STALL, 100, CURLE_OK, 0, 100, ""},
	        {SERVICES "?" STREAMING, API_FAIL_STALL, 100, CURLE_OK, 0, 100, ""},
	};
	struct client client;
	struct fetch fetch;
	open_with_recorded_lists(&client);
	order(&client, stalls[_i].failure, stalls[_i].after_bytes);
	fetch_start(&client, stalls[_i].path, NULL, NULL, &fetch);
	while (api_server_count_requests(client.server, SERVICES) == 0 ||
	       fetch.body.length < stalls[_i].length)
		turn(&client);
	put(&client, PLAIN_OBJECT("", "10.96.0.1"));
	idle(&client);
	ck_assert(!fetch.ended);
	ck_assert_uint_eq(fetch.body.length, stalls[_i].length);
	api_server_drop_connections(client.server);
	wait_for_end(&client, &fetch);
	ck_assert_int_ne(fetch.result, CURLE_OK);
	fetch_done(&client, &fetch);
	client_close(&client);
}
END_TEST

START_TEST(an_endless_line_goes_on_until_the_client_has_enough)
{
	struct client client;
	struct fetch fetch;
	client_open(&client, &(struct api_server_options){0});
	order(&client, API_FAIL_ENDLESS_LINE, 0);
	fetch_start(&client, SERVICES "?watch=1", NULL, NULL, &fetch);
	while (fetch.body.length < 4 << 20)
		turn(&client);
	ck_assert_ptr_null(strchr(fetch.body.bytes, '\n'));
	fetch_done(&client, &fetch);
	idle(&client);
	must_answer(&client, SERVICES "?watch=1&timeoutSeconds=1", 200, "");
	client_close(&client);
}
END_TEST

START_TEST(orders_are_for_the_requests_that_they_name_and_wait_their_turn)
{
	struct client client;
	open_with_recorded_lists(&client);
	api_server_fail(client.server,
	                &(struct api_failure_order){
	                        .failure = API_FAIL_STATUS, .path_part = "nodes", .times = 2, .status = 503});
	api_server_fail(client.server,
	                &(struct api_failure_order){.failure = API_FAIL_STATUS, .times = -1, .status = 429});
	json_decref(fetch_json(&client, SERVICES, 429));
	json_decref(fetch_json(&client, "/api/v1/nodes", 503));
	json_decref(fetch_json(&client, "/api/v1/nodes", 503));
	json_decref(fetch_json(&client, "/api/v1/nodes", 429));
	json_decref(fetch_json(&client, SERVICES, 429));
	api_server_clear_failures(client.server);
	json_decref(fetch_json(&client, SERVICES, 200));
	ck_assert_texts("requests",
	                "GET " SERVICES
	                "\nGET /api/v1/nodes\nGET /api/v1/nodes\nGET /api/v1/nodes\nGET " SERVICES
	                "\nGET " SERVICES "\n",
	                api_server_requests(client.server));
	client_close(&client);
}
END_TEST

START_TEST(retry_after_is_sent_as_header_and_in_the_status)
{
	struct client client;
	struct fetch fetch;
	client_open(&client, &(struct api_server_options){0});
	api_server_fail(client.server, &(struct api_failure_order){.failure = API_FAIL_STATUS,
	                                                           .times = 1,
	                                                           .status = 429,
	                                                           .retry_after_seconds = 7});
	fetch_all(&client, SERVICES, &fetch);
	curl_off_t seconds = 0;
	curl_easy_getinfo(fetch.easy, CURLINFO_RETRY_AFTER, &seconds);
	ck_assert_int_eq(seconds, 7);
	ck_assert_ptr_nonnull(strstr(fetch.body.bytes, "\"retryAfterSeconds\":7"));
	fetch_done(&client, &fetch);
	client_close(&client);
}
END_TEST

/* ---- Events */

static const char good_event[] = "{\"metadata\":{\"name\":\"n1.1\"},\"eventTime\":\"2026-01-01T00:00:00."
                                 "000000Z\",\"reportingController\":"
                                 "\"kube-proxy\",\"reportingInstance\":\"kube-proxy-n1\",\"action\":"
                                 "\"StartKubeProxy\",\"reason\":\"Starting\","
                                 "\"type\":\"Normal\",\"regarding\":{\"kind\":\"Node\",\"name\":\"n1\"}}";

START_TEST(events_are_taken_changed_and_remembered)
{
	struct client client;
	struct fetch fetch;
	client_open(&client, &(struct api_server_options){0});
	send_all(&client, "POST", EVENTS, good_event, &fetch);
	ck_assert_int_eq(fetch.status, 201);
	fetch_done(&client, &fetch);
	send_all(&client, "POST", EVENTS, good_event, &fetch);
	ck_assert_int_eq(fetch.status, 409);
	fetch_done(&client, &fetch);
	send_all(&client, "PATCH", EVENTS "/n1.1", "{\"series\":{\"count\":2}}", &fetch);
	ck_assert_int_eq(fetch.status, 200);
	ck_assert_ptr_nonnull(strstr(fetch.body.bytes, "\"reason\":\"Starting\""));
	ck_assert_ptr_nonnull(strstr(fetch.body.bytes, "\"count\":2"));
	fetch_done(&client, &fetch);
	send_all(&client, "PATCH", EVENTS "/n1.2", "{}", &fetch);
	ck_assert_int_eq(fetch.status, 404);
	fetch_done(&client, &fetch);
	ck_assert_ptr_nonnull(strstr(api_server_events(client.server), "{\"series\":{\"count\":2}}\n"));
	client_close(&client);
}
END_TEST

START_TEST(an_event_that_lacks_something_is_refused)
{
	static const char *const fields[] = {
	        "eventTime", "reportingController", "reportingInstance", "action", "reason", "type",
	        "metadata"};
	struct client client;
	struct fetch fetch;
	client_open(&client, &(struct api_server_options){0});
	json_t *event = json_loads(good_event, 0, NULL);
	json_object_del(event, fields[_i]);
	char *body = json_dumps(event, 0);
	send_all(&client, "POST", EVENTS, body, &fetch);
	ck_assert_int_eq(fetch.status, 422);
	free(body);
	json_decref(event);
	fetch_done(&client, &fetch);
	client_close(&client);
}
END_TEST

/* ---- size, packing, TLS, the control */

static void put_many(struct client *client, int count)
{
	auto_text object = {0};
	for (int i = 0; i < count; i++) {
		text_clear(&object);
		text_addf(&object,
		          "{\"kind\":\"Service\",\"metadata\":{\"name\":\"s-%05d\",\"namespace\":\"a\","
		          "\"annotations\":{"
		          "\"a\":\"%0*d\"}},\"spec\":{}}",
		          (i * 7919) % count, 500, i);
		put(client, object.bytes);
	}
}

START_TEST(a_long_list_arrives_whole_and_in_order_packed_or_not)
{
	struct client client;
	struct fetch fetch;
	client_open(&client, &(struct api_server_options){.pack = true});
	put_many(&client, 3000);
	fetch_start(&client, SERVICES, NULL, NULL, &fetch);
	if (_i == 1)
		curl_easy_setopt(fetch.easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	wait_for_end(&client, &fetch);
	curl_off_t transferred = 0;
	curl_easy_getinfo(fetch.easy, CURLINFO_SIZE_DOWNLOAD_T, &transferred);
	ck_assert(_i == 1 ? transferred < 300000 : transferred > 1500000);
	json_t *list = json_loads(text_string(&fetch.body), 0, NULL), *item;
	size_t i;
	ck_assert_uint_eq(json_array_size(json_object_get(list, "items")), 3000);
	json_array_foreach(json_object_get(list, "items"), i, item)
	{
		char name[32];
		snprintf(name, sizeof(name), "s-%05zu", i);
		ck_assert_str_eq(metadata_text(item, "name"), name);
	}
	json_decref(list);
	fetch_done(&client, &fetch);
	client_close(&client);
}
END_TEST

static void make_certificates(struct client *client)
{
	test_directory_make(client->directory);
	ck_assert_int_eq(certificates_make(client->directory, NULL, 0), 0);
}

START_TEST(over_tls_a_client_must_know_the_authority_and_show_its_certificate)
{
	static const struct {
		const char *authority;
		bool shows;
		CURLcode result; /* CURL_LAST: any failure */
	} clients[] = {{NULL, true, CURLE_OK},
	               {"other-ca.crt", true, CURLE_PEER_FAILED_VERIFICATION},
	               {NULL, false, CURL_LAST}};
	struct client client = {0}, made;
	auto_text certificate = {0}, key = {0}, authority = {0};
	make_certificates(&made);
	text_addf(&certificate, "%s/server.crt", made.directory);
	text_addf(&key, "%s/server.key", made.directory);
	text_addf(&authority, "%s/ca.crt", made.directory);
	client_open(&client, &(struct api_server_options){.certificate = certificate.bytes,
	                                                  .key = key.bytes,
	                                                  .client_authority = authority.bytes});
	strcpy(client.directory, made.directory);
	client.authority = clients[_i].authority;
	client.show_certificate = clients[_i].shows;
	load(&client, "services-list");
	struct fetch fetch;
	fetch_all(&client, SERVICES, &fetch);
	if (clients[_i].result == CURL_LAST)
		ck_assert_int_ne(fetch.result, CURLE_OK);
	else
		ck_assert_int_eq(fetch.result, clients[_i].result);
	ck_assert_int_eq(fetch.status, clients[_i].result == CURLE_OK ? 200 : 0);
	fetch_done(&client, &fetch);
	client_close(&client);
	test_directory_remove(made.directory);
}
END_TEST

START_TEST(the_server_is_scripted_by_requests_of_its_own)
{
	struct client client;
	struct fetch fetch;
	client_open(&client, &(struct api_server_options){.token = "secret"});
	send_all(&client, "PUT", "/fake/objects", PLAIN_OBJECT("", "10.96.0.1"), &fetch);
	ck_assert_int_eq(fetch.status, 200);
	fetch_done(&client, &fetch);
	send_all(&client, "PUT", "/fake/objects", "{\"kind\":\"Pod\"}", &fetch);
	ck_assert_int_eq(fetch.status, 400);
	fetch_done(&client, &fetch);
	send_all(&client, "POST", "/fake/fail?failure=status&status=503&path=services&times=1&retry-after=3",
	         "", &fetch);
	ck_assert_int_eq(fetch.status, 200);
	fetch_done(&client, &fetch);
	must_answer(&client, "/fake/orders", 200, "1\n");
	client.token = "secret";
	json_decref(fetch_json(&client, SERVICES, 503));
	must_answer(&client, "/fake/orders", 200, "0\n");
	json_t *list = fetch_json(&client, SERVICES, 200);
	ck_assert_uint_eq(json_array_size(json_object_get(list, "items")), 1);
	json_decref(list);
	send_all(&client, "DELETE", "/fake/objects/Service/default/web", NULL, &fetch);
	ck_assert_int_eq(fetch.status, 200);
	fetch_done(&client, &fetch);
	must_answer(&client, "/fake/requests", 200, "GET " SERVICES "\nGET " SERVICES "\n");
	must_answer(&client, "/fake/version", 200, "2\n");
	must_answer(&client, "/fake/watches", 200, "0\n");
	client_close(&client);
}
END_TEST

static Suite *api_server_suite(void)
{
	Suite *suite = suite_create("fake_api_server");
	TCase *shape = tcase_create("as recorded"), *script = tcase_create("scripted");
	tcase_set_timeout(shape, 120);
	tcase_set_timeout(script, 120);
	tcase_add_loop_test(shape, a_list_is_byte_for_byte_what_a_real_server_sent, 0, 7);
	tcase_add_loop_test(shape, a_streaming_list_is_byte_for_byte_what_a_real_server_sent, 0, 2);
	tcase_add_loop_test(shape, a_watch_tells_of_changes_byte_for_byte_as_a_real_server_did, 0, 3);
	tcase_add_loop_test(shape, errors_are_those_that_a_real_server_sent, 0, 5);
	tcase_add_test(shape, an_ordered_403_and_a_missing_token_are_those_that_a_real_server_sent);
	tcase_add_test(shape, pages_hold_what_the_pages_of_a_real_server_held);
	tcase_add_test(script, a_page_expires_when_the_history_is_compacted);
	tcase_add_test(script, an_object_that_leaves_the_selection_is_deleted_and_one_that_enters_is_added);
	tcase_add_test(script, a_watch_resumes_where_it_is_told);
	tcase_add_test(script, a_watch_from_before_a_compaction_is_told_410_but_an_open_one_goes_on);
	tcase_add_test(script, only_who_asked_for_bookmarks_gets_them);
	tcase_add_test(script, a_watch_ends_well_after_the_seconds_that_it_asked_for);
	tcase_add_test(script, streaming_needs_to_say_how_new_the_list_must_be);
	tcase_add_loop_test(script, a_failure_is_the_one_that_was_ordered_and_the_next_request_is_answered, 0,
	                    (int)(sizeof(endings) / sizeof(*endings)));
	tcase_add_loop_test(script, a_silent_or_stalled_server_keeps_the_connection_and_says_no_more, 0, 4);
	tcase_add_test(script, an_endless_line_goes_on_until_the_client_has_enough);
	tcase_add_test(script, orders_are_for_the_requests_that_they_name_and_wait_their_turn);
	tcase_add_test(script, retry_after_is_sent_as_header_and_in_the_status);
	tcase_add_test(script, events_are_taken_changed_and_remembered);
	tcase_add_loop_test(script, an_event_that_lacks_something_is_refused, 0, 7);
	tcase_add_loop_test(script, a_long_list_arrives_whole_and_in_order_packed_or_not, 0, 2);
	tcase_add_loop_test(script, over_tls_a_client_must_know_the_authority_and_show_its_certificate, 0, 3);
	tcase_add_test(script, the_server_is_scripted_by_requests_of_its_own);
	suite_add_tcase(suite, shape);
	suite_add_tcase(suite, script);
	return suite;
}

int main(void)
{
	return run_suite(api_server_suite());
}
