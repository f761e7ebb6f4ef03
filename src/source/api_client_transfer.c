/*
 * One call as a curl handle.
 *
 * A proxy that the access does not name is taken from the environment as curl does it: https_proxy or HTTPS_PROXY for
 * an https server, http_proxy (lower case only) for http, all_proxy, and no_proxy with names, addresses and prefixes.
 * With tls-server-name, no_proxy is compared with that name, since to curl it is the URL's host.
 *
 * The token travels as a header of requests to the server, and HEADEROPT keeps it from a proxy's CONNECT. Redirects are
 * never followed, so nobody else gets it.
 */
#include "api_client_private.h"
#include "api_client_url.h"
#include "base/check.h"
#include "base/text.h"
#include "clock.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	KEEPALIVE_IDLE_S = 30,
	KEEPALIVE_INTERVAL_S = 10,
	UNACKNOWLEDGED_LIMIT_MS = 30 * 1000,
	RETRY_AFTER_MOST_S = 24 * 3600
};

/* The header that ends an answer's headers, not that of an interim 1xx. */
static bool is_last_header(const struct api_call *call, const char *line, size_t length)
{
	long status = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && (length == 1 || (length == 2 && line[0] == '\r'));
}

static int64_t read_retry_after(const struct api_call *call)
{
	struct curl_header *header;
	if (curl_easy_header(call->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return -1;
	char *end;
	errno = 0;
	long long seconds = strtoll(header->value, &end, 10);
	if (end == header->value || *end) {
		time_t date = curl_getdate(header->value, NULL);
		if (date < 0)
			return -1;
		seconds = date - time(NULL);
	}
	if (seconds < 0)
		seconds = 0;
	return (seconds < RETRY_AFTER_MOST_S ? seconds : RETRY_AFTER_MOST_S) * 1000;
}

static bool was_cancelled(const struct api_call *call)
{
	return call->list == &call->client->dropped;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	struct api_call *call = context;
	size_t length = size * count;
	if (was_cancelled(call))
		return 0;
	call->heard_ms = clock_ms();
	if (call->status || !is_last_header(call, line, length))
		return length;
	long status = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->status = (int)status;
	call->retry_after_ms = read_retry_after(call);
	if (status == 401)
		api_credentials_refused(call->client->credentials, call->generation);
	if (call->handler.began)
		call->handler.began(call->handler.context, call->status);
	return was_cancelled(call) ? 0 : length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct api_call *call = context;
	if (was_cancelled(call))
		return CURL_WRITEFUNC_ERROR;
	call->heard_ms = clock_ms();
	if (!call->handler.received)
		return size * count;
	call->handler_error = call->handler.received(call->handler.context, bytes, size * count);
	return call->handler_error || was_cancelled(call) ? CURL_WRITEFUNC_ERROR : size * count;
}

/* curl opens sockets that a re-executed process would inherit. Data that nobody acknowledges ends the connection. */
static int on_socket(void *context, curl_socket_t socket, curlsocktype purpose)
{
	unsigned limit_ms = UNACKNOWLEDGED_LIMIT_MS;
	(void)context;
	(void)purpose;
	fcntl(socket, F_SETFD, FD_CLOEXEC);
	setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
	return CURL_SOCKOPT_OK;
}

#define SET(call, option, value) CHECK(curl_easy_setopt((call)->easy, (option), (value)) == CURLE_OK)

static void set_blob(struct api_call *call, CURLoption option, const struct credential_bytes *bytes)
{
	struct curl_blob blob = {
	        .data = (void *)(uintptr_t)bytes->bytes, .len = bytes->length, .flags = CURL_BLOB_COPY};
	if (bytes->bytes && bytes->length)
		curl_easy_setopt(call->easy, option, &blob);
}

static void set_tls(struct api_call *call, const struct credential *credential)
{
	const struct api_access *access = call->client->access;
	SET(call, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(call, CURLOPT_SSL_VERIFYPEER, access->insecure ? 0L : 1L);
	SET(call, CURLOPT_SSL_VERIFYHOST, access->insecure ? 0L : 2L);
	/* A resumed session would not look at a certificate again. */
	SET(call, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	if (credential->authority.bytes) {
		SET(call, CURLOPT_CAINFO, (char *)NULL); /* this authority and not the system's as well */
		SET(call, CURLOPT_CAPATH, (char *)NULL);
		set_blob(call, CURLOPT_CAINFO_BLOB, &credential->authority);
	}
	set_blob(call, CURLOPT_SSLCERT_BLOB, &credential->certificate);
	set_blob(call, CURLOPT_SSLKEY_BLOB, &credential->key);
}

static void set_connection(struct api_call *call)
{
	const struct api_client *client = call->client;
	SET(call, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(call, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* Wait for a handshake that is under way, to share what may be HTTP/2. Without TLS curl would wait for the
	 * other call's end. */
	SET(call, CURLOPT_PIPEWAIT, strncmp(client->access->server, "https:", 6) == 0 ? 1L : 0L);
	SET(call, CURLOPT_FOLLOWLOCATION, 0L);
	SET(call, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_limit_ms);
	SET(call, CURLOPT_TCP_KEEPALIVE, 1L);
	SET(call, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	SET(call, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
	SET(call, CURLOPT_SOCKOPTFUNCTION, on_socket);
	SET(call, CURLOPT_NOSIGNAL, 1L);
	SET(call, CURLOPT_QUICK_EXIT, 1L); /* a name that is being looked up does not hold up the loop */
	SET(call, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(call, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	if (client->access->proxy_url)
		SET(call, CURLOPT_PROXY, client->access->proxy_url);
}

static void add_header(struct api_call *call, const char *name, const char *value)
{
	auto_text line = {0};
	text_addf(&line, "%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(call->headers, line.bytes);
	CHECK(longer);
	call->headers = longer;
	explicit_bzero(line.bytes, line.length);
}

static void set_request(struct api_call *call, const struct credential *credential)
{
	const struct api_access *access = call->client->access;
	add_header(call, "Accept", "application/json");
	if (call->content_type)
		add_header(call, "Content-Type", call->content_type);
	if (call->body) {
		SET(call, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
		SET(call, CURLOPT_POSTFIELDS, call->body);
		add_header(call, "Expect", ""); /* no waiting for leave to send it */
	}
	SET(call, CURLOPT_CUSTOMREQUEST, call->method);
	SET(call, CURLOPT_USERAGENT, call->client->user_agent);
	if (!access->plain_answers)
		SET(call, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (credential->token) {
		auto_text value = {0};
		text_addf(&value, "Bearer %s", credential->token);
		add_header(call, "Authorization", value.bytes);
		explicit_bzero(value.bytes, value.length);
	} else if (access->username) {
		SET(call, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(call, CURLOPT_USERNAME, access->username);
		SET(call, CURLOPT_PASSWORD, access->password ? access->password : "");
	}
}

static void set_url(struct api_call *call)
{
	struct api_url url = {0};
	api_url_build(call->client->access, call->path, &url);
	SET(call, CURLOPT_URL, url.url);
	if (url.connect_to) {
		call->connect_to = curl_slist_append(NULL, url.connect_to);
		CHECK(call->connect_to);
		SET(call, CURLOPT_CONNECT_TO, call->connect_to);
		add_header(call, "Host", url.host);
	}
	api_url_done(&url);
}

static void set_callbacks(struct api_call *call)
{
	SET(call, CURLOPT_PRIVATE, call);
	SET(call, CURLOPT_ERRORBUFFER, call->detail);
	SET(call, CURLOPT_HEADERFUNCTION, on_header);
	SET(call, CURLOPT_HEADERDATA, call);
	SET(call, CURLOPT_WRITEFUNCTION, on_body);
	SET(call, CURLOPT_WRITEDATA, call);
}

void transfer_start(struct api_call *call, const struct credential *credential)
{
	call->easy = curl_easy_init();
	CHECK(call->easy);
	call->generation = credential->generation;
	set_callbacks(call);
	set_url(call);
	set_connection(call);
	set_tls(call, credential);
	set_request(call, credential);
	SET(call, CURLOPT_HTTPHEADER, call->headers);
	limits_start_quiet(call);
	call->loop = call->client->loop;
	CHECK(curl_loop_add(call->loop, call->easy) == CURLM_OK);
}

void transfer_stop(struct api_call *call)
{
	if (call->loop)
		curl_loop_remove(call->loop, call->easy);
	if (call->easy)
		curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->connect_to);
	call->loop = NULL;
	call->easy = NULL;
	call->headers = call->connect_to = NULL;
}

/* With a refused certificate, what comes next needs a connection that shows another one. */
static bool needs_another_connection(const struct api_call *call)
{
	const struct api_access *access = call->client->access;
	return call->status == 401 && call->loop == call->client->loop &&
	       (access->certificate.file || access->certificate.bytes || access->exec);
}

void transfer_done(CURL *easy, CURLcode result)
{
	struct api_call *call;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
	if (was_cancelled(call))
		return;
	int error = 0;
	char *sentence = result == CURLE_OK ? NULL : transfer_sentence(call, result, &error);
	if (needs_another_connection(call))
		api_client_retire_connections(call->client);
	api_call_end(call, error, sentence);
}
