/*
 * The floor for listing a cluster from an API server: curl fetches the lists into memory one after the other, jansson
 * parses each into a tree, and that is all.
 *
 *	bench-api_fetch CA-FILE TOKEN URL...
 *
 * Prints seconds and peak resident KiB.
 */
#include "base/text.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static size_t keep(char *bytes, size_t size, size_t count, void *context)
{
	text_add_bytes(context, bytes, size * count);
	return size * count;
}

static void must(bool good, const char *url, const char *why)
{
	if (good)
		return;
	fprintf(stderr, "bench-api_fetch: %s: %s\n", url, why);
	exit(EXIT_FAILURE);
}

/* The trees are left to the system: giving them back is no part of the floor. */
static size_t fetch_and_parse(CURL *easy, const char *url)
{
	struct text body = {0};
	json_error_t error;
	long status = 0;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
	CURLcode result = curl_easy_perform(easy);
	must(result == CURLE_OK, url, curl_easy_strerror(result));
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	must(status == 200, url, "the answer is no 200");
	const json_t *tree = json_loadb(body.bytes, body.length, 0, &error);
	must(tree != NULL, url, error.text);
	text_done(&body);
	return json_array_size(json_object_get(tree, "items"));
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	struct rusage usage;
	size_t items = 0;
	auto_text authorization = {0};
	if (argc < 4) {
		fputs("usage: bench-api_fetch CA-FILE TOKEN URL...\n", stderr);
		return EXIT_FAILURE;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	CURL *easy = curl_easy_init();
	text_addf(&authorization, "Authorization: Bearer %s", argv[2]);
	struct curl_slist *headers = curl_slist_append(NULL, authorization.bytes);
	curl_easy_setopt(easy, CURLOPT_CAINFO, argv[1]);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
	for (int i = 3; i < argc; i++)
		items += fetch_and_parse(easy, argv[i]);
	clock_gettime(CLOCK_MONOTONIC, &end);
	getrusage(RUSAGE_SELF, &usage);
	printf("%.3f %ld %zu\n",
	       (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9,
	       usage.ru_maxrss, items);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return EXIT_SUCCESS;
}
