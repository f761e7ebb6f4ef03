/*
 * Delimiting JSON values in pieces: wherever the pieces are cut, the same values come out.
 */
#include "json_push.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

struct seen {
	struct text text; /* "<value>" a line, "large N head", "rest <value>" */
	int answer;       /* what the handler returns */
};

static int on_value(void *context, char *text, size_t length)
{
	struct seen *seen = context;
	text_addf(&seen->text, "%.*s\n", (int)length, text);
	return seen->answer;
}

static int on_oversized(void *context, const char *head, size_t head_length, size_t length)
{
	struct seen *seen = context;
	text_addf(&seen->text, "large %zu %.*s\n", length, (int)(head_length < 12 ? head_length : 12), head);
	return seen->answer;
}

static int on_rest(void *context, const char *text, size_t length)
{
	struct seen *seen = context;
	text_addf(&seen->text, "rest %.*s\n", (int)length, text);
	return seen->answer;
}

/* Each piece in a block of its own, so that reading one byte too far is seen by valgrind and the sanitizers. */
static int feed(struct json_push *push, const char *bytes, size_t length, struct fault *fault)
{
	if (length == 0)
		return 0;
	char *copy = malloc(length);
	memcpy(copy, bytes, length);
	int r = json_push_feed(push, copy, length, fault);
	free(copy);
	return r;
}

/* Feeds the text cut at two places, and writes down what comes of it. */
static void feed_cut(enum json_push_mode mode, size_t limit, const char *text, size_t length, size_t first,
                     size_t second, struct text *got)
{
	struct seen seen = {0};
	struct fault fault = {0};
	struct json_push push;
	const struct json_push_handler handler = {&seen, on_value, on_oversized, on_rest};
	json_push_init(&push, mode, limit, &handler);
	int r = feed(&push, text, first, &fault);
	if (!r)
		r = feed(&push, text + first, second - first, &fault);
	if (!r)
		r = feed(&push, text + second, length - second, &fault);
	if (!r)
		r = json_push_end(&push, &fault);
	text_add(got, text_string(&seen.text));
	if (r)
		text_addf(got, "%s: %s\n", r == JSON_PUSH_E_ENDLESS ? "endless" : "broken", fault.sentence);
	text_done(&seen.text);
	json_push_done(&push);
}

static void check_whole(enum json_push_mode mode, size_t limit, const char *text, size_t length,
                        const char *wanted)
{
	auto_text got = {0};
	feed_cut(mode, limit, text, length, length, length, &got);
	ck_assert_texts(text, wanted, text_string(&got));
}

struct row {
	const char *text;
	const char *wanted;
};

static const struct row sequences[] = {
        {"", ""},
        {" \r\n\t", ""},
        {"{}", "{}\n"},
        {"{}{}", "{}\n{}\n"},
        {"{\"a\":1}\n{\"b\":[{}]}\n", "{\"a\":1}\n{\"b\":[{}]}\n"},
        {" {\"a\":\"}\"} ", "{\"a\":\"}\"}\n"},
        {"{\"a\":\"\\\"}{[\\\\\"}{}", "{\"a\":\"\\\"}{[\\\\\"}\n{}\n"},
        {"{\"\\u007d\":\"\xc3\xa9\xff\"}", "{\"\\u007d\":\"\xc3\xa9\xff\"}\n"},
        {"{\"items\":[{},{}]}", "{\"items\":[{},{}]}\n"},
};

START_TEST(every_event_of_a_watch_comes_out_by_itself)
{
	check_whole(JSON_PUSH_SEQUENCE, 100, sequences[_i].text, strlen(sequences[_i].text),
	            sequences[_i].wanted);
}
END_TEST

static const struct row lists[] = {
        {"{}", "rest {}\n"},
        {"{\"items\":[]}", "rest {\"items\":[]}\n"},
        {"{\"items\":null}", "rest {\"items\":null}\n"},
        {"{\"items\":[{}]}", "{}\nrest {\"items\":[]}\n"},
        {"{\"kind\":\"L\",\"items\":[{\"a\":\"]\"}, {\"b\":{\"items\":[{}]}}\n]}\n",
         "{\"a\":\"]\"}\n{\"b\":{\"items\":[{}]}}\nrest {\"kind\":\"L\",\"items\":[]}\n"},
        {"{ \"items\" : [ {} , {} ] , \"kind\":\"L\"}", "{}\n{}\nrest { \"items\" : [] , \"kind\":\"L\"}\n"},
        /* Only the member of the object itself is meant. */
        {"{\"metadata\":{\"items\":[{}]},\"x\":[[{\"items\":[{}]}]],\"items\":[{}]}",
         "{}\nrest {\"metadata\":{\"items\":[{}]},\"x\":[[{\"items\":[{}]}]],\"items\":[]}\n"},
        {"{\"x\":\"items\",\"y\":[{}]}", "rest {\"x\":\"items\",\"y\":[{}]}\n"},
        {"{\"my\\\"items\":[{}]}", "rest {\"my\\\"items\":[{}]}\n"},
        {"{\"\\\"items\\\"\":[1]}", "rest {\"\\\"items\\\"\":[1]}\n"},
        {"{\"items\":{\"items\":[1]}}", "rest {\"items\":{\"items\":[1]}}\n"},
};

START_TEST(every_item_of_a_list_comes_out_by_itself)
{
	check_whole(JSON_PUSH_LIST, 200, lists[_i].text, strlen(lists[_i].text), lists[_i].wanted);
}
END_TEST

#define NOT_JSON "broken: not valid JSON: "

static const struct {
	enum json_push_mode mode;
	const char *text;
	const char *wanted;
} broken[] = {
        {JSON_PUSH_SEQUENCE, "{", "broken: the answer ends in the middle of a value, after 1 bytes of it\n"},
        {JSON_PUSH_SEQUENCE, "{}{\"a",
         "{}\nbroken: the answer ends in the middle of a value, after 3 bytes of it\n"},
        {JSON_PUSH_SEQUENCE, "<html>\n",
         NOT_JSON "'<html>.' where an object, which begins with {, belongs\n"},
        {JSON_PUSH_SEQUENCE, "{},{}",
         "{}\n" NOT_JSON "',{}' where an object, which begins with {, belongs\n"},
        {JSON_PUSH_SEQUENCE, "[]", NOT_JSON "'[]' where an object, which begins with {, belongs\n"},
        {JSON_PUSH_SEQUENCE, "\xef\xbb\xbf{}",
         NOT_JSON "'...{}' where an object, which begins with {, belongs\n"},
        {JSON_PUSH_SEQUENCE, "null", NOT_JSON "'null' where an object, which begins with {, belongs\n"},
        {JSON_PUSH_LIST, "", "broken: the answer is empty\n"},
        {JSON_PUSH_LIST, " \n", "broken: the answer is empty\n"},
        {JSON_PUSH_LIST, "404 page not found",
         NOT_JSON "'404 page not found' where an object, which begins with {, belongs\n"},
        {JSON_PUSH_LIST, "{} {}", NOT_JSON "'{}' where the end belongs\n"},
        {JSON_PUSH_LIST, "{\"items\":[{}", "{}\nbroken: the answer ends in the middle of a list\n"},
        {JSON_PUSH_LIST, "{\"items\":[{},", "{}\nbroken: the answer ends in the middle of a list\n"},
        {JSON_PUSH_LIST, "{\"items\":[{}]", "{}\nbroken: the answer ends in the middle of a list\n"},
        {JSON_PUSH_LIST, "{\"items\":[{\"",
         "broken: the answer ends in the middle of a value, after 2 bytes of it\n"},
        {JSON_PUSH_LIST, "{\"items\":[{},]}",
         "{}\n" NOT_JSON "']}' where an object, which begins with {, belongs\n"},
        {JSON_PUSH_LIST, "{\"items\":[{} {}]}", "{}\n" NOT_JSON "'{}]}' where ',' or ']' belongs\n"},
        {JSON_PUSH_LIST, "{\"items\":[1]}", NOT_JSON "'1]}' where an object or ']' belongs\n"},
        {JSON_PUSH_LIST, "{\"items\":[{}],\"items\":[{}]}", "{}\n" NOT_JSON "\"items\" stands twice\n"},
};

START_TEST(what_is_no_json_is_refused_with_a_sentence)
{
	check_whole(broken[_i].mode, 100, broken[_i].text, strlen(broken[_i].text), broken[_i].wanted);
}
END_TEST

START_TEST(nul_bytes_are_refused_everywhere)
{
	static const char sentence[] = NOT_JSON "a NUL byte is not allowed\n";
	static const struct {
		enum json_push_mode mode;
		const char text[32];
		size_t length;
	} rows[] = {
	        {JSON_PUSH_SEQUENCE, "{\0}", 3},
	        {JSON_PUSH_SEQUENCE, "{\"a\0\":1}", 8},
	        {JSON_PUSH_SEQUENCE, "{\"\\\0\":1}", 8},
	        {JSON_PUSH_LIST, "{\0}", 3},
	        {JSON_PUSH_LIST, "{\"items\":[{\0}]}", 15},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_whole(rows[i].mode, 100, rows[i].text, rows[i].length, sentence);
	check_whole(JSON_PUSH_SEQUENCE, 100, "\0", 1,
	            NOT_JSON "'.' where an object, which begins with {, belongs\n");
}
END_TEST

static char *repeated(const char *text, size_t times)
{
	auto_text all = {0};
	for (size_t i = 0; i < times; i++)
		text_add(&all, text);
	return strdup(text_string(&all));
}

START_TEST(deep_nesting_is_refused)
{
	static const char sentence[] = "broken: brackets are nested too deeply\n";
	char *deep = repeated("{\"a\":", 100000);
	check_whole(JSON_PUSH_SEQUENCE, 1 << 20, deep, strlen(deep), sentence);
	check_whole(JSON_PUSH_LIST, 1 << 20, deep, strlen(deep), sentence);
	free(deep);
}
END_TEST

START_TEST(a_value_at_the_limit_passes_and_one_above_it_is_left_out)
{
	check_whole(JSON_PUSH_SEQUENCE, 9, "{\"a\":123}{\"b\":1234}{\"c\":1}",
	            strlen("{\"a\":123}{\"b\":1234}{\"c\":1}"),
	            "{\"a\":123}\nlarge 10 {\"b\":1234}\n{\"c\":1}\n");
	check_whole(JSON_PUSH_LIST, 12, "{\"items\":[{\"a\":123456789},{}]}",
	            strlen("{\"items\":[{\"a\":123456789},{}]}"),
	            "large 15 {\"a\":1234567\n{}\nrest {\"items\":[]}\n");
}
END_TEST

START_TEST(of_a_value_that_is_too_large_only_the_beginning_is_kept)
{
	struct seen seen = {0};
	struct fault fault = {0};
	struct json_push push;
	const struct json_push_handler handler = {&seen, on_value, on_oversized, on_rest};
	json_push_init(&push, JSON_PUSH_SEQUENCE, 100000, &handler);
	char *blanks = repeated(" ", 50000);
	ck_assert_int_eq(json_push_feed(&push, "{", 1, &fault), 0);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(json_push_feed(&push, blanks, 50000, &fault), 0);
		ck_assert_uint_le(push.value.capacity, 200000);
	}
	ck_assert_uint_le(push.value.capacity, 4 * JSON_PUSH_HEAD);
	ck_assert_int_eq(json_push_feed(&push, "}{}", 3, &fault), 0);
	ck_assert_texts("sizes", "large 250002 {           \n{}\n", text_string(&seen.text));
	free(blanks);
	text_done(&seen.text);
	json_push_done(&push);
}
END_TEST

START_TEST(a_value_that_never_ends_is_given_up)
{
	char *endless = repeated("[", 10), *blanks = repeated(" ", 500);
	auto_text text = {0};
	text_addf(&text, "{\"a\":%s%s", endless, blanks);
	check_whole(JSON_PUSH_SEQUENCE, 100, text_string(&text), text.length,
	            "endless: a value has not ended after 515 bytes; at most 100 are allowed\n");
	check_whole(JSON_PUSH_LIST, 100, text_string(&text), text.length,
	            "endless: a value has not ended after 101 bytes; at most 100 are allowed\n");
	free(endless);
	free(blanks);
}
END_TEST

/* The whole table again, cut at every pair of places: nothing may depend on where the pieces end. */
static void check_cuts(enum json_push_mode mode, size_t limit, const char *text, size_t length,
                       const char *wanted)
{
	for (size_t first = 0; first <= length; first++)
		for (size_t second = first; second <= length; second++) {
			auto_text got = {0};
			feed_cut(mode, limit, text, length, first, second, &got);
			if (strcmp(wanted, text_string(&got)) != 0)
				ck_assert_texts(text, wanted, text_string(&got));
		}
}

START_TEST(it_does_not_matter_where_the_pieces_are_cut)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++)
		check_cuts(JSON_PUSH_SEQUENCE, 100, sequences[i].text, strlen(sequences[i].text),
		           sequences[i].wanted);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		check_cuts(JSON_PUSH_LIST, 200, lists[i].text, strlen(lists[i].text), lists[i].wanted);
}
END_TEST

START_TEST(what_the_handler_answers_ends_the_feeding)
{
	struct seen seen = {.answer = -7};
	struct fault fault = {0};
	struct json_push push;
	const struct json_push_handler handler = {&seen, on_value, on_oversized, on_rest};
	json_push_init(&push, JSON_PUSH_SEQUENCE, 100, &handler);
	ck_assert_int_eq(json_push_feed(&push, "{\"a\":1}{\"b\":1}", 14, &fault), -7);
	ck_assert_texts("only the first", "{\"a\":1}\n", text_string(&seen.text));
	text_done(&seen.text);
	json_push_done(&push);
}
END_TEST

START_TEST(bytes_after_a_refusal_are_refused_too)
{
	struct seen seen = {0};
	struct fault fault = {0};
	struct json_push push;
	const struct json_push_handler handler = {&seen, on_value, on_oversized, on_rest};
	json_push_init(&push, JSON_PUSH_SEQUENCE, 100, &handler);
	ck_assert_int_eq(json_push_feed(&push, "]", 1, &fault), JSON_PUSH_E_BROKEN);
	ck_assert_int_eq(json_push_feed(&push, "{}", 2, &fault), JSON_PUSH_E_BROKEN);
	ck_assert_int_eq(json_push_end(&push, &fault), JSON_PUSH_E_BROKEN);
	ck_assert_str_eq(text_string(&seen.text), "");
	text_done(&seen.text);
	json_push_done(&push);
}
END_TEST

static const struct row cuts[] = {
        {"{}", "{}"},
        {"{\"a\":1,\"managedFields\":[{\"b\":[\"]\"]}],\"c\":2}", "{\"a\":1,\"c\":2}"},
        {"{\"a\":1,\"managedFields\":[]}", "{\"a\":1}"},
        {"{\"a\":1,\"managedFields\":null}", "{\"a\":1,\"managedFields\":null}"},
        {"{\"managedFields\":[],\"a\":1}", "{\"managedFields\":[],\"a\":1}"},
        {"{\"a\":\",\\\"managedFields\\\":[\"}", "{\"a\":\",\\\"managedFields\\\":[\"}"},
        {"{\"a\":1,\"managedFields\":[[}", "{\"a\":1,\"managedFields\":[[}"},
};

START_TEST(managed_fields_are_cut_out_and_nothing_else)
{
	char *text = strdup(cuts[_i].text);
	size_t length = json_push_cut_managed_fields(text, strlen(text));
	text[length] = '\0';
	ck_assert_texts(cuts[_i].text, cuts[_i].wanted, text);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: JSON in pieces");
	TCase *push = tcase_create("push");
	tcase_set_timeout(push, 120);
	tcase_add_loop_test(push, every_event_of_a_watch_comes_out_by_itself, 0,
	                    sizeof(sequences) / sizeof(*sequences));
	tcase_add_loop_test(push, every_item_of_a_list_comes_out_by_itself, 0,
	                    sizeof(lists) / sizeof(*lists));
	tcase_add_loop_test(push, what_is_no_json_is_refused_with_a_sentence, 0,
	                    sizeof(broken) / sizeof(*broken));
	tcase_add_test(push, nul_bytes_are_refused_everywhere);
	tcase_add_test(push, deep_nesting_is_refused);
	tcase_add_test(push, a_value_at_the_limit_passes_and_one_above_it_is_left_out);
	tcase_add_test(push, of_a_value_that_is_too_large_only_the_beginning_is_kept);
	tcase_add_test(push, a_value_that_never_ends_is_given_up);
	tcase_add_test(push, it_does_not_matter_where_the_pieces_are_cut);
	tcase_add_test(push, what_the_handler_answers_ends_the_feeding);
	tcase_add_test(push, bytes_after_a_refusal_are_refused_too);
	tcase_add_loop_test(push, managed_fields_are_cut_out_and_nothing_else, 0,
	                    sizeof(cuts) / sizeof(*cuts));
	suite_add_tcase(suite, push);
	return run_suite(suite);
}
