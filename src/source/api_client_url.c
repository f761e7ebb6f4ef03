#include "api_client_url.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL;
	if (curl_url_get(url, part, &text, flags))
		return NULL;
	char *copy = memory_copy_text(text);
	curl_free(text);
	return copy;
}

static bool is_one_of(const char *text, const char *const *allowed)
{
	for (; text && *allowed; allowed++)
		if (strcmp(text, *allowed) == 0)
			return true;
	return false;
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text auto_free = part_of(url, part, 0);
	return text != NULL;
}

static bool all_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < '!' || (unsigned char)*text > '~')
			return false;
	return true;
}

static const char *judge_server(CURLU *url, const char *text)
{
	static const char *const schemes[] = {"https", "http", NULL};
	if (!all_printable(text) || curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME))
		return "must be a URL such as https://192.0.2.1:6443";
	char *scheme auto_free = part_of(url, CURLUPART_SCHEME, 0);
	if (!is_one_of(scheme, schemes))
		return "must begin with https:// (or http://), as in https://192.0.2.1:6443";
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
		return "must have no user and password in it; give them as username and password of the user";
	if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
		return "must end with the path: nothing behind ? or #";
	return NULL;
}

char *api_url_normalize(const char *url, const char *scheme, const char **ret_wrong)
{
	auto_text whole = {0};
	if (!strstr(url, "://"))
		text_addf(&whole, "%s://", scheme);
	text_add(&whole, url);
	while (whole.length && whole.bytes[whole.length - 1] == '/')
		whole.bytes[--whole.length] = '\0';
	CURLU *parsed = curl_url();
	CHECK(parsed);
	*ret_wrong = judge_server(parsed, text_string(&whole));
	curl_url_cleanup(parsed);
	return *ret_wrong ? NULL : memory_copy_text(text_string(&whole));
}

const char *api_url_refuse_proxy(const char *text)
{
	static const char *const schemes[] = {"http", "https", "socks5", "socks5h", NULL};
	CURLU *url = curl_url();
	CHECK(url);
	bool good = all_printable(text) && !curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
	char *scheme auto_free = good ? part_of(url, CURLUPART_SCHEME, 0) : NULL;
	good = is_one_of(scheme, schemes);
	curl_url_cleanup(url);
	return good ? NULL : "must be a URL such as http://192.0.2.1:3128 (http, https or socks5)";
}

static void direct_to(CURLU *parsed, const char *name, struct api_url *url)
{
	struct text connect_to = {0}, host = {0};
	auto_text bracketed = {0};
	char *own auto_free = part_of(parsed, CURLUPART_HOST, 0);
	char *port auto_free = part_of(parsed, CURLUPART_PORT, 0);
	char *any_port auto_free = part_of(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	text_addf(&bracketed, strchr(name, ':') ? "[%s]" : "%s", name);
	text_addf(&connect_to, "::%s:%s", own, any_port);
	text_addf(&host, "%s%s%s", own, port ? ":" : "", port ? port : "");
	url->connect_to = connect_to.bytes;
	url->host = host.bytes;
	CHECK(curl_url_set(parsed, CURLUPART_HOST, bracketed.bytes, 0) == CURLUE_OK);
}

void api_url_build(const struct api_access *access, const char *path, struct api_url *ret_url)
{
	auto_text whole = {0};
	*ret_url = (struct api_url){0};
	text_addf(&whole, "%s%s", access->server, path);
	if (!access->server_name) {
		ret_url->url = memory_copy_text(whole.bytes);
		return;
	}
	CURLU *parsed = curl_url();
	CHECK(parsed && curl_url_set(parsed, CURLUPART_URL, whole.bytes, 0) == CURLUE_OK);
	direct_to(parsed, access->server_name, ret_url);
	ret_url->url = part_of(parsed, CURLUPART_URL, 0);
	CHECK(ret_url->url);
	curl_url_cleanup(parsed);
}

void api_url_done(struct api_url *url)
{
	free(url->url);
	free(url->connect_to);
	free(url->host);
	*url = (struct api_url){0};
}
