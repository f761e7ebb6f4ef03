#include "source_client.h"

#include "base/memory.h"
#include "certificates.h"
#include "support.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 120 };

/* "packed well" by gzip -n */
static const unsigned char PACKED[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x2b,
                                       0x48, 0x4c, 0xce, 0x4e, 0x4d, 0x51, 0x28, 0x4f, 0xcd, 0xc9, 0x01,
                                       0x00, 0xe1, 0x14, 0x7d, 0xfd, 0x0b, 0x00, 0x00, 0x00};

static void on_patience(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	ck_abort_msg("waited too long");
}

void api_test_init(struct api_test *test)
{
	*test = (struct api_test){0};
	test_directory_make(test->directory);
	test->base = event_base_new();
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	event_base_once(test->base, -1, EV_TIMEOUT, on_patience, NULL, &patience);
}

void api_test_done(struct api_test *test)
{
	api_client_close(test->client);
	web_server_stop(test->server);
	event_base_free(test->base);
	text_done(&test->told);
	text_done(&test->sentence);
	text_done(&test->body);
	test_directory_remove(test->directory);
}

const char *api_test_path(const struct api_test *test, const char *name, char path[static TEST_PATH_SIZE])
{
	return test_directory_path(test->directory, name, path);
}

void api_test_put(const struct api_test *test, const char *name, const char *content)
{
	test_directory_put(test->directory, name, content);
}

/* ---- the server */

static void answer_text(struct evhttp_request *request, int status, const char *text)
{
	struct evbuffer *body = evbuffer_new();
	evbuffer_add(body, text, strlen(text));
	evhttp_send_reply(request, status, NULL, body);
	evbuffer_free(body);
}

static void begin(struct evhttp_request *request, const char *text)
{
	struct evbuffer *part = evbuffer_new();
	evbuffer_add(part, text, strlen(text));
	evhttp_send_reply_start(request, 200, NULL);
	evhttp_send_reply_chunk(request, part);
	evbuffer_free(part);
}

static void answer_hello(struct evhttp_request *request)
{
	answer_text(request, 200, "hello");
}

static void answer_packed(struct evhttp_request *request)
{
	const char *accepted =
	        evhttp_find_header(evhttp_request_get_input_headers(request), "Accept-Encoding");
	struct evbuffer *body = evbuffer_new();
	if (accepted && strstr(accepted, "gzip")) {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Encoding", "gzip");
		evbuffer_add(body, PACKED, sizeof(PACKED));
	} else {
		evbuffer_add_printf(body, "not packed");
	}
	evhttp_send_reply(request, 200, NULL, body);
	evbuffer_free(body);
}

static void answer_badly_packed(struct evhttp_request *request)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Encoding", "gzip");
	answer_text(request, 200, "this is not what gzip writes");
}

static void answer_silence(struct evhttp_request *request)
{
	(void)request;
}

static void answer_stall(struct evhttp_request *request)
{
	begin(request, "some");
}

static void answer_half(struct evhttp_request *request)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", "100");
	evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
	answer_text(request, 200, "half of it");
}

static void answer_unauthorized(struct evhttp_request *request)
{
	answer_text(request, 401, "who are you?");
}

static void answer_busy(struct evhttp_request *request)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", "7");
	answer_text(request, 429, "later");
}

static void answer_busy_until(struct evhttp_request *request)
{
	char date[64];
	time_t then = time(NULL) + 100;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
	evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", date);
	answer_text(request, 503, "later");
}

static void answer_elsewhere(struct evhttp_request *request)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), "Location", "/hello");
	answer_text(request, 302, "there");
}

static const struct {
	const char *path;
	void (*answer)(struct evhttp_request *request);
	bool never_ends;
} PATHS[] = {
        {"/hello", answer_hello, false},
        {"/packed", answer_packed, false},
        {"/badly-packed", answer_badly_packed, false},
        {"/silence", answer_silence, true},
        {"/stall", answer_stall, true},
        {"/half", answer_half, false},
        {"/unauthorized", answer_unauthorized, false},
        {"/busy", answer_busy, false},
        {"/busy-until", answer_busy_until, false},
        {"/elsewhere", answer_elsewhere, false},
};

static void answer(struct evhttp_request *request, void *context)
{
	const char *uri = evhttp_request_get_uri(request);
	struct api_test *test = context;
	for (size_t i = 0; i < sizeof(PATHS) / sizeof(*PATHS); i++)
		if (strcmp(uri, PATHS[i].path) == 0) {
			if (PATHS[i].never_ends)
				web_server_hold(test->server, request);
			PATHS[i].answer(request);
			return;
		}
	answer_text(request, 404, "no such path");
}

void api_test_make_certificates(const struct api_test *test, const char *name)
{
	ck_assert_int_eq(certificates_make(test->directory, &name, name ? 1 : 0), 0);
}

void api_test_serve(struct api_test *test, const char *address, bool tls, const char *client_authority)
{
	char certificate[256], key[256], authority[256];
	api_test_path(test, "server.crt", certificate);
	api_test_path(test, "server.key", key);
	const struct web_server_options options = {
	        .address = address,
	        .certificate = tls ? certificate : NULL,
	        .key = key,
	        .client_authority =
	                client_authority ? api_test_path(test, client_authority, authority) : NULL,
	        .answer = answer,
	        .context = test};
	test->server = web_server_start(test->base, &options);
}

/* ---- the client */

void api_test_set(char **field, const char *value)
{
	free(*field);
	*field = memory_copy_text(value);
}

void api_test_set_file(const struct api_test *test, char **field, const char *name)
{
	char path[256];
	api_test_set(field, api_test_path(test, name, path));
}

struct api_access *api_test_access(const struct api_test *test, const char *host)
{
	char url[128];
	char path[256];
	bool tls = test->server && access(api_test_path(test, "server.crt", path), R_OK) == 0;
	struct api_access *made = memory_alloc(sizeof(*made));
	snprintf(url, sizeof(url), "%s://%s:%u", tls ? "https" : "http", host ? host : "127.0.0.1",
	         test->server ? web_server_port(test->server) : 1);
	made->server = memory_copy_text(url);
	if (tls)
		api_test_set_file(test, &made->authority.file, "ca.crt");
	return made;
}

void api_test_open(struct api_test *test, struct api_access *access, const struct api_client_options *options)
{
	const struct api_client_options usual = {.user_agent = "kube-ipvs/test"};
	struct fault fault = {0};
	ck_assert_msg(
	        api_client_open(test->base, access, options ? options : &usual, &test->client, &fault) == 0,
	        "%s", fault.sentence);
}

static void began(void *context, int status)
{
	struct api_test *test = context;
	text_addf(&test->told, "began %d\n", status);
}

static int received(void *context, const char *bytes, size_t length)
{
	struct api_test *test = context;
	text_add_bytes(&test->body, bytes, length);
	return 0;
}

static void ended(void *context, const struct api_end *end)
{
	struct api_test *test = context;
	text_addf(&test->told, "ended %d\n", end->error ? end->error : end->status);
	test->error = end->error;
	test->status = end->status;
	test->retry_after_ms = end->retry_after_ms;
	text_clear(&test->sentence);
	text_add(&test->sentence, end->sentence);
	test->running--;
}

struct api_call *api_test_request(struct api_test *test, const struct api_request *request)
{
	const struct api_handler handler = {
	        .context = test, .began = began, .received = received, .ended = ended};
	test->running++;
	return api_client_start(test->client, request, &handler);
}

struct api_call *api_test_ask(struct api_test *test, const char *path)
{
	const struct api_request request = {.method = "GET", .path = path};
	return api_test_request(test, &request);
}

void api_test_turn(struct api_test *test)
{
	ck_assert_int_ge(event_base_loop(test->base, EVLOOP_ONCE), 0);
}

void api_test_finish(struct api_test *test)
{
	while (test->running)
		api_test_turn(test);
}

void api_test_get(struct api_test *test, const char *path)
{
	text_clear(&test->body);
	text_clear(&test->told);
	api_test_ask(test, path);
	api_test_finish(test);
}

size_t api_test_count(struct api_test *test, const char *line)
{
	size_t count = 0, length = strlen(line);
	for (const char *at = text_string(web_server_log(test->server)); (at = strstr(at, line));
	     at += length)
		count++;
	return count;
}
