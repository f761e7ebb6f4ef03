/*
 * Objects that are left out, because they break the API's rules or exceed a bound: named once, and what the store
 * holds under their names stays.
 */
#include "source_follower.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STREAM "services?watch=1&sendInitialEvents"
#define WATCH  "services?watch=1&resourceVersion="

static struct follower f;

static void setup(void)
{
	follower_init(&f);
	follower_put_node(&f, "n1", "z1");
}

static void teardown(void)
{
	follower_done(&f);
}

static void must_be_told_once(const char *line)
{
	ck_assert_msg(follower_count_told(&f, line) == 1, "'%s' was told %zu times:\n%s", line,
	              follower_count_told(&f, line), text_string(&f.told));
}

/* All kinds are listed anew. */
static void list_anew(void)
{
	const size_t before = follower_requests(&f, STREAM) + follower_requests(&f, "services?limit=");
	follower_run(&f, 50);
	api_server_compact(f.server);
	follower_fail(&f, API_FAIL_STATUS, WATCH, 1, 410);
	api_server_end_watches(f.server);
	if (f.options.no_streaming_lists)
		follower_wait_requests(&f, "services?limit=", before + 1);
	else
		follower_wait_requests(&f, STREAM, before + 1);
	follower_wait_watches(&f);
	follower_run(&f, 50);
}

static void put_broken_service(const char *name)
{
	auto_text json = {0};
	text_addf(&json,
	          "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\",\"namespace\":"
	          "\"default\"},"
	          "\"spec\":{\"clusterIP\":\"10.0.0.9\",\"clusterIPs\":[\"10.0.0.9\"],\"ports\":[{\"port\":"
	          "70000}]}}",
	          name);
	api_server_put(f.server, text_string(&json));
}

#define BROKEN                                                                                            \
	"refused spec.ports[0].port: Service \"default/a\": Invalid value: 70000: must be between 1 and " \
	"65535, "                                                                                         \
	"inclusive\n"

START_TEST(an_object_that_breaks_the_rules_leaves_the_old_one_in_force)
{
	f.options.no_streaming_lists = _i;
	follower_put_service(&f, "a", "10.0.0.1");
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_watches(&f);
	put_broken_service("a");
	follower_wait_told(&f, BROKEN);
	follower_wait_store(&f, "default/a 10.0.0.1\nnode n1 in z1\n");
	/* Again, and in a new list: no second word, and it still stays. */
	put_broken_service("a");
	list_anew();
	follower_wait_store(&f, "default/a 10.0.0.1\nnode n1 in z1\n");
	must_be_told_once(BROKEN);
	/* Mended, it counts; deleted, it goes. */
	follower_put_service(&f, "a", "10.0.0.2");
	follower_wait_store(&f, "default/a 10.0.0.2\nnode n1 in z1\n");
	put_broken_service("a");
	api_server_delete(f.server, "Service", "default", "a");
	follower_wait_store(&f, "node n1 in z1\n");
}
END_TEST

START_TEST(an_object_that_breaks_the_rules_does_not_hinder_the_others)
{
	f.options.no_streaming_lists = _i;
	put_broken_service("a");
	follower_put_service(&f, "b", "10.0.0.2");
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, "default/b 10.0.0.2\nnode n1 in z1\n");
	must_be_told_once(BROKEN);
}
END_TEST

/* A Service with an annotation of so many bytes. */
static void put_large_service(const char *name, const char *address, size_t bytes)
{
	auto_text json = {0};
	char *annotation = malloc(bytes + 1);
	memset(annotation, 'x', bytes);
	annotation[bytes] = '\0';
	text_addf(&json,
	          "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\",\"namespace\":"
	          "\"default\","
	          "\"annotations\":{\"a\":\"%s\"}},\"spec\":{\"clusterIP\":\"%s\",\"clusterIPs\":[\"%s\"],"
	          "\"ports\":[{\"port\":80}]}}",
	          name, annotation, address, address);
	free(annotation);
	api_server_put(f.server, text_string(&json));
}

START_TEST(an_object_that_is_too_large_is_named_and_leaves_the_old_one_in_force)
{
	f.options.no_streaming_lists = _i;
	f.options.object_bytes = 5000;
	follower_put_service(&f, "a", "10.0.0.1");
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_watches(&f);
	put_large_service("a", "10.0.0.9", 6000);
	follower_wait_told(&f, "refused Service \"default/a\": left out, it has ");
	follower_wait_told(&f, " bytes of JSON; at most 5000 are taken\n");
	follower_put_service(&f, "b", "10.0.0.2");
	follower_wait_store(&f, "default/a 10.0.0.1\ndefault/b 10.0.0.2\nnode n1 in z1\n");
	list_anew();
	follower_wait_store(&f, "default/a 10.0.0.1\ndefault/b 10.0.0.2\nnode n1 in z1\n");
	api_server_delete(f.server, "Service", "default", "a");
	follower_wait_store(&f, "default/b 10.0.0.2\nnode n1 in z1\n");
	ck_assert_ptr_null(strstr(text_string(&f.told), "cannot be"));
}
END_TEST

START_TEST(an_object_that_is_too_large_does_not_hinder_the_others)
{
	f.options.no_streaming_lists = _i;
	f.options.object_bytes = 5000;
	put_large_service("a", "10.0.0.9", 12000);
	follower_put_service(&f, "b", "10.0.0.2");
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, "default/b 10.0.0.2\nnode n1 in z1\n");
	must_be_told_once("refused Service \"default/a\": left out, it has ");
}
END_TEST

START_TEST(a_service_beyond_the_bound_is_left_out_and_known_ones_may_change)
{
	f.options.no_streaming_lists = _i;
	f.options.objects = 2;
	follower_put_service(&f, "a", "10.0.0.1");
	follower_put_service(&f, "b", "10.0.0.2");
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_watches(&f);
	follower_put_service(&f, "c", "10.0.0.3");
	follower_wait_told(&f, "refused Service \"default/c\": left out, at most 2 Services are taken\n");
	follower_put_service(&f, "a", "10.0.0.9");
	follower_wait_store(&f, "default/a 10.0.0.9\ndefault/b 10.0.0.2\nnode n1 in z1\n");
	list_anew();
	follower_wait_store(&f, "default/a 10.0.0.9\ndefault/b 10.0.0.2\nnode n1 in z1\n");
	/* Room again. */
	api_server_delete(f.server, "Service", "default", "b");
	follower_put_service(&f, "c", "10.0.0.4");
	follower_wait_store(&f, "default/a 10.0.0.9\ndefault/c 10.0.0.4\nnode n1 in z1\n");
	must_be_told_once("refused ");
}
END_TEST

START_TEST(endpoints_of_a_service_are_bounded_over_all_its_slices)
{
	f.options.no_streaming_lists = _i;
	f.options.endpoints_per_service = 10;
	follower_put_slice(&f, "a-1", "a", 6);
	follower_put_slice(&f, "b-1", "b", 6);
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_watches(&f);
	follower_put_slice(&f, "a-2", "a", 5);
	follower_wait_told(
	        &f, "refused EndpointSlice \"default/a-2\": left out, Service \"default/a\" would have 11 "
	            "endpoints; at most 10 are taken\n");
	follower_put_slice(&f, "a-1", "a", 11);
	follower_wait_told(
	        &f, "refused EndpointSlice \"default/a-1\": left out, Service \"default/a\" would have 11");
	follower_put_slice(&f, "a-2", "a", 4);
	follower_wait_store(&f,
	                    "default/a-1 of a 6\ndefault/a-2 of a 4\ndefault/b-1 of b 6\nnode n1 in z1\n");
	follower_put_slice(&f, "a-1", "a", 3);
	follower_put_slice(&f, "a-2", "a", 7);
	follower_wait_store(&f,
	                    "default/a-1 of a 3\ndefault/a-2 of a 7\ndefault/b-1 of b 6\nnode n1 in z1\n");
}
END_TEST

START_TEST(many_refusals_are_bounded_by_a_last_word)
{
	char name[32];
	for (unsigned i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		put_broken_service(name);
	}
	follower_put_service(&f, "a", "10.0.0.1");
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_store(&f, "default/a 10.0.0.1\nnode n1 in z1\n");
	ck_assert_uint_eq(follower_count_told(&f, "refused "), 1025);
	must_be_told_once(
	        "refused 1024 objects were left out since the start; further ones are left out without a "
	        "word\n");
}
END_TEST

/* ---- events that no server should send */

static void replay(const char *body, char *path)
{
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	dprintf(fd,
	        "GET / \n\nHTTP/1.1 200 OK\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n%s",
	        body);
	close(fd);
	const struct api_failure_order order = {
	        .failure = API_FAIL_REPLAY, .path_part = WATCH, .times = 1, .path = path};
	api_server_fail(f.server, &order);
	api_server_end_watches(f.server);
}

static const struct {
	const char *body;
	const char *told;
} strange[] = {
        {"{\"type\":\"RENAMED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}\n",
         "refused Services: the API server sends events of the unknown type \"RENAMED\", which are passed "
         "over\n"},
        {"{\"type\":\"MODIFIED\"}\n", "failing Services: Services cannot be watched: the API server's answer "
                                      "cannot be read: an event has no type "
                                      "or no object\n"},
        {"{\"object\":{}}\n", "failing Services: Services cannot be watched: the API server's answer cannot "
                              "be read: an event has no type "
                              "or no object\n"},
        {"{\"type\":\"DELETED\",\"object\":{\"metadata\":{}}}\n",
         "failing Services: Services cannot be watched: the API server's answer cannot be read: a DELETED "
         "event names "
         "no object\n"},
        {"{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\"},"
         "\"spec\":{x}}}\n",
         "refused Service \"default/a\": left out, it is not valid JSON: "},
        {"{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{}}}\n",
         "refused metadata.name: Service: Required value"},
        {"{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Service\",\"apiVersion\":\"v9\",\"metadata\":{"
         "\"name\":\"a\"}}}\n",
         "refused apiVersion: Service: Unsupported value: \"v9\""},
};

START_TEST(strange_events_change_nothing_and_are_told)
{
	char path[] = "/tmp/events-XXXXXX";
	follower_put_service(&f, "a", "10.0.0.1");
	follower_follow(&f);
	follower_wait_complete(&f);
	follower_wait_watches(&f);
	follower_run(&f, 50);
	replay(strange[_i].body, path);
	follower_wait_told(&f, strange[_i].told);
	follower_wait_store(&f, "default/a 10.0.0.1\nnode n1 in z1\n");
	follower_put_service(&f, "b", "10.0.0.2");
	follower_wait_store(&f, "default/a 10.0.0.1\ndefault/b 10.0.0.2\nnode n1 in z1\n");
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: objects that are left out");
	TCase *bounds = tcase_create("bounds");
	tcase_add_checked_fixture(bounds, setup, teardown);
	tcase_set_timeout(bounds, 120);
	/* 0: streaming lists, 1: pages. */
	tcase_add_loop_test(bounds, an_object_that_breaks_the_rules_leaves_the_old_one_in_force, 0, 2);
	tcase_add_loop_test(bounds, an_object_that_breaks_the_rules_does_not_hinder_the_others, 0, 2);
	tcase_add_loop_test(bounds, an_object_that_is_too_large_is_named_and_leaves_the_old_one_in_force, 0,
	                    2);
	tcase_add_loop_test(bounds, an_object_that_is_too_large_does_not_hinder_the_others, 0, 2);
	tcase_add_loop_test(bounds, a_service_beyond_the_bound_is_left_out_and_known_ones_may_change, 0, 2);
	tcase_add_loop_test(bounds, endpoints_of_a_service_are_bounded_over_all_its_slices, 0, 2);
	tcase_add_test(bounds, many_refusals_are_bounded_by_a_last_word);
	tcase_add_loop_test(bounds, strange_events_change_nothing_and_are_told, 0,
	                    sizeof(strange) / sizeof(*strange));
	suite_add_tcase(suite, bounds);
	return run_suite(suite);
}
