/*
 * What a real API server sent (test/data/apiserver): every list and every watch is read, and list plus watch give the
 * cluster that the list taken afterwards gives.
 *
 * The reflector is driven without requests: its answers come from the recordings, in pieces of several sizes.
 */
#include "api_status.h"
#include "reflector.h"
#include "source_recorded.h"
#include "support.h"

#include "base/memory.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct event_base *base;
	struct cluster *cluster;
	struct inlet inlet;
	struct reflector_shared shared;
	struct text told;
	char node_name[128];
};

static void on_changed(void *context)
{
	(void)context;
}

static void on_complete(void *context, enum object_kind kind)
{
	struct reader *reader = context;
	text_addf(&reader->told, "complete %d\n", (int)kind);
}

static void on_node(void *context, bool deleted)
{
	struct reader *reader = context;
	text_addf(&reader->told, "node %s\n", deleted ? "deleted" : "told");
}

static void on_failing(void *context, const char *subject, const char *sentence)
{
	struct reader *reader = context;
	text_addf(&reader->told, "failing %s: %s\n", subject, sentence);
}

static void on_recovered(void *context, const char *subject)
{
	struct reader *reader = context;
	text_addf(&reader->told, "recovered %s\n", subject);
}

static void on_refused(void *context, const struct fault *fault)
{
	struct reader *reader = context;
	text_addf(&reader->told, "refused %s\n", fault->sentence);
}

/* The name of the only Node in the recorded list. */
static void find_node_name(struct reader *reader)
{
	char *body = recorded("node-list");
	char *name = strstr(body, "\"name\":\"");
	ck_assert_ptr_nonnull(name);
	sscanf(name + strlen("\"name\":\""), "%127[^\"]", reader->node_name);
	free(body);
}

static void reader_open(struct reader *reader)
{
	*reader = (struct reader){.base = event_base_new(), .cluster = cluster_new()};
	find_node_name(reader);
	inlet_init(&reader->inlet, reader->cluster, ORIGIN_API_SERVER);
	reader->shared = (struct reflector_shared){
	        .base = reader->base,
	        .inlet = &reader->inlet,
	        .options = {.node_name = reader->node_name,
	                    .object_bytes = 1 << 20,
	                    .objects = 1000,
	                    .endpoints_per_service = 1000,
	                    .page_limit = 7,
	                    .quiet_margin_ms = 1000},
	        .listener = {reader, on_changed, on_complete, on_node, on_failing, on_recovered, on_refused},
	};
}

static void reader_close(struct reader *reader)
{
	refusals_done(&reader->shared.refusals);
	cluster_free(reader->cluster);
	event_base_free(reader->base);
	text_done(&reader->told);
}

/* The recorded answer as that of the request under way, in pieces. */
static void read_answer(struct reflector *reflector, const char *name, size_t piece)
{
	char *body = recorded(name);
	const size_t length = strlen(body);
	reflector_begin_answer(reflector);
	for (size_t at = 0; at < length; at += piece) {
		const size_t here = length - at < piece ? length - at : piece;
		/* In a block of its own, so that reading one byte too far is seen by valgrind and the sanitizers. */
		char *copy = malloc(here);
		memcpy(copy, body + at, here);
		int r = reflector_read(reflector, copy, here);
		free(copy);
		ck_assert_msg(r == 0, "%s: %s", name, reflector->own.sentence);
	}
	reflector_read_end(reflector);
	ck_assert_msg(reflector->own.verdict == VERDICT_NONE, "%s: %s", name, reflector->own.sentence);
	free(body);
}

/* Lists are NULL-terminated; the first answers a list, pages or a stream, the others watches. */
struct story {
	enum object_kind kind;
	enum phase phase;
	const char *answers[5];
	const char *same_as; /* a list that gives the same cluster */
};

static void read_story(struct reader *reader, const struct story *story, size_t piece)
{
	struct reflector reflector;
	reflector_init(&reflector, &reader->shared, story->kind);
	reflector.phase = story->phase;
	reflector_begin_list(&reflector);
	for (size_t i = 0; story->answers[i]; i++)
		read_answer(&reflector, story->answers[i], piece);
	ck_assert_int_eq(reflector.phase, PHASE_WATCH);
	reflector_done(&reflector);
}

static void print_story(const struct story *story, size_t piece, struct text *ret_text)
{
	struct reader reader;
	reader_open(&reader);
	read_story(&reader, story, piece);
	print_cluster(ret_text, reader.cluster, reader.node_name);
	ck_assert_msg(!strstr(text_string(&reader.told), "refused"), "%s", text_string(&reader.told));
	reader_close(&reader);
}

static const struct story stories[] = {
        {KIND_SERVICE, PHASE_PAGES, {"services-list", "services-watch"}, "services-list-final"},
        {KIND_SLICE,
         PHASE_PAGES,
         {"endpointslices-list", "endpointslices-watch"},
         "endpointslices-list-final"},
        {KIND_NODE, PHASE_PAGES, {"node-list", "node-watch"}, "node-list-final"},
        {KIND_SERVICE,
         PHASE_PAGES,
         {"services-list-page-1", "services-list-page-2", "services-list-page-3"},
         "services-list"},
        {KIND_SERVICE, PHASE_PAGES, {"services-list-rv0"}, "services-list"},
        {KIND_SERVICE, PHASE_STREAM, {"services-watch-initial-events"}, "services-list"},
        {KIND_SLICE, PHASE_STREAM, {"endpointslices-watch-initial-events"}, "endpointslices-list"},
        {KIND_SERVICE,
         PHASE_STREAM,
         {"services-watch-initial-events", "services-watch"},
         "services-list-final"},
        {KIND_SLICE,
         PHASE_STREAM,
         {"endpointslices-watch-initial-events", "endpointslices-watch"},
         "endpointslices-list-final"},
};

static const size_t pieces[] = {1, 7, 1000, 16384, 1 << 20};

START_TEST(recorded_answers_give_the_same_cluster_as_the_list_taken_afterwards)
{
	const struct story *story = &stories[_i];
	const struct story final = {story->kind, PHASE_PAGES, {story->same_as}, NULL};
	auto_text wanted = {0};
	print_story(&final, 1 << 20, &wanted);
	ck_assert_uint_gt(wanted.length, 0);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		auto_text got = {0};
		print_story(story, pieces[i], &got);
		ck_assert_texts(story->same_as, text_string(&wanted), text_string(&got));
	}
}
END_TEST

START_TEST(a_recorded_watch_changes_the_cluster_and_deletes_from_it)
{
	const struct story before = {KIND_SERVICE, PHASE_PAGES, {"services-list"}, NULL};
	struct reader reader;
	reader_open(&reader);
	read_story(&reader, &before, 1000);
	auto_text listed = {0}, watched = {0};
	print_cluster(&listed, reader.cluster, reader.node_name);
	struct reflector reflector;
	reflector_init(&reflector, &reader.shared, KIND_SERVICE);
	reflector.phase = PHASE_WATCH;
	const uint64_t events = reader.inlet.events[KIND_SERVICE];
	const size_t count = reader.inlet.count[KIND_SERVICE];
	read_answer(&reflector, "services-watch", 1000);
	print_cluster(&watched, reader.cluster, reader.node_name);
	ck_assert_str_ne(text_string(&listed), text_string(&watched));
	char *body = recorded("services-watch");
	size_t deleted = 0, others = 0, added = 0;
	for (const char *at = body; (at = strstr(at, "{\"type\":\"")); at++) {
		deleted += strncmp(at + 9, "DELETED", 7) == 0;
		added += strncmp(at + 9, "ADDED", 5) == 0;
		others += strncmp(at + 9, "MODIFIED", 8) == 0;
	}
	ck_assert_uint_gt(deleted, 0);
	ck_assert_uint_eq(reader.inlet.events[KIND_SERVICE] - events, deleted + added + others);
	ck_assert_uint_eq(reader.inlet.count[KIND_SERVICE], count + added - deleted);
	free(body);
	reflector_done(&reflector);
	reader_close(&reader);
}
END_TEST

static const struct {
	enum object_kind kind;
	const char *name;
	const char *version;
} versions[] = {
        {KIND_SERVICE, "services-watch", "7515"},
        {KIND_SLICE, "endpointslices-watch", "7503"},
        {KIND_NODE, "node-watch", "7515"},
};

START_TEST(the_last_recorded_bookmark_is_where_the_watch_goes_on)
{
	struct reader reader;
	struct reflector reflector;
	reader_open(&reader);
	reflector_init(&reflector, &reader.shared, versions[_i].kind);
	reflector.phase = PHASE_WATCH;
	read_answer(&reflector, versions[_i].name, 100);
	ck_assert_str_eq(reflector.version, versions[_i].version);
	reflector_done(&reflector);
	reader_close(&reader);
}
END_TEST

START_TEST(pages_are_followed_and_only_the_last_one_completes_the_list)
{
	struct reader reader;
	struct reflector reflector;
	reader_open(&reader);
	reflector_init(&reflector, &reader.shared, KIND_SERVICE);
	reflector.phase = PHASE_PAGES;
	reflector_begin_list(&reflector);
	read_answer(&reflector, "services-list-page-1", 100);
	ck_assert_ptr_nonnull(reflector.next_page);
	ck_assert_int_eq(reflector.phase, PHASE_PAGES);
	read_answer(&reflector, "services-list-page-2", 100);
	ck_assert_ptr_nonnull(reflector.next_page);
	ck_assert_str_eq(text_string(&reader.told), "");
	read_answer(&reflector, "services-list-page-3", 100);
	ck_assert_ptr_null(reflector.next_page);
	ck_assert_str_eq(text_string(&reader.told), "complete 0\n");
	ck_assert_str_eq(reflector.version, "7417");
	reflector_done(&reflector);
	reader_close(&reader);
}
END_TEST

START_TEST(the_recorded_expired_watch_leads_to_a_new_list)
{
	struct reader reader;
	struct reflector reflector;
	reader_open(&reader);
	reflector_init(&reflector, &reader.shared, KIND_SERVICE);
	reflector.phase = PHASE_WATCH;
	char *body = recorded("error-410-watch");
	reflector_begin_answer(&reflector);
	ck_assert_int_ne(reflector_read(&reflector, body, strlen(body)), 0);
	ck_assert_int_eq(reflector.own.verdict, VERDICT_RELIST);
	ck_assert_str_eq(reflector.own.sentence,
	                 "Services cannot be watched: the API server answers 410: too old "
	                 "resource version: 1 (6996)");
	free(body);
	reflector_done(&reflector);
	reader_close(&reader);
}
END_TEST

static const struct {
	const char *name;
	int code;
	int64_t retry_after_ms;
	const char *reason;
	const char *message;
} errors[] = {
        {"error-400-selector", 400, -1, "BadRequest", "field label not supported: nonsense"},
        {"error-401", 401, -1, "Unauthorized", "Unauthorized"},
        {"error-403", 403, -1, "Forbidden",
         "services is forbidden: User \"system:anonymous\" cannot list resource \"services\" in API group "
         "\"\" at "
         "the cluster scope"},
        {"error-404", 404, -1, "NotFound", "the server could not find the requested resource"},
        {"error-410-list", 410, -1, "Expired", "The resourceVersion for the provided list is too old."},
        {"error-504-future-version", 504, 1000, "Timeout",
         "Timeout: Too large resource version: 99999999, current: 7521"},
};

START_TEST(the_reason_of_every_recorded_error_is_read)
{
	struct api_status status;
	char *body = recorded(errors[_i].name);
	api_status_parse(body, strlen(body), &status);
	ck_assert_int_eq(status.code, errors[_i].code);
	ck_assert_int_eq(status.retry_after_ms, errors[_i].retry_after_ms);
	ck_assert_str_eq(status.reason, errors[_i].reason);
	ck_assert_str_eq(status.message, errors[_i].message);
	free(body);
}
END_TEST

START_TEST(an_error_that_is_no_json_is_shown_as_one_line)
{
	struct api_status status;
	const char *body = "<html>\n<b>502 Bad\tGateway\x1b</b>\n";
	api_status_parse(body, strlen(body), &status);
	ck_assert_str_eq(status.message, "<html> <b>502 Bad Gateway </b>");
	ck_assert_int_eq(status.code, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: recorded answers of an API server");
	TCase *recorded = tcase_create("recorded");
	tcase_set_timeout(recorded, 120);
	tcase_add_loop_test(recorded, recorded_answers_give_the_same_cluster_as_the_list_taken_afterwards, 0,
	                    sizeof(stories) / sizeof(*stories));
	tcase_add_test(recorded, a_recorded_watch_changes_the_cluster_and_deletes_from_it);
	tcase_add_loop_test(recorded, the_last_recorded_bookmark_is_where_the_watch_goes_on, 0,
	                    sizeof(versions) / sizeof(*versions));
	tcase_add_test(recorded, pages_are_followed_and_only_the_last_one_completes_the_list);
	tcase_add_test(recorded, the_recorded_expired_watch_leads_to_a_new_list);
	tcase_add_loop_test(recorded, the_reason_of_every_recorded_error_is_read, 0,
	                    sizeof(errors) / sizeof(*errors));
	tcase_add_test(recorded, an_error_that_is_no_json_is_shown_as_one_line);
	suite_add_tcase(suite, recorded);
	return run_suite(suite);
}
