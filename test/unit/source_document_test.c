/*
 * Documents with the lines of their fields: YAML, JSON, duplicates, refusals.
 */
#include "source/document.h"
#include "support.h"
#include "test_directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The value as JSON and "duplicate PATH at LINE" for each; or the fault as one line. */
static void describe(const char *text, size_t length, struct text *ret_text)
{
	struct document document;
	struct fault fault = {0};
	char line[FAULT_TEXT_SIZE];
	if (document_parse("a.conf", text, length, &document, &fault)) {
		text_add(ret_text, fault_format(&fault, line));
		return;
	}
	char *dumped = json_dumps(document.value, JSON_COMPACT);
	text_add(ret_text, dumped);
	free(dumped);
	for (size_t i = 0; i < document.duplicate_count; i++)
		text_addf(ret_text, "\nduplicate %s at %zu", document.duplicates[i],
		          document.duplicate_lines[i]);
	document_done(&document);
}

static void check_document(const char *text, const char *wanted)
{
	auto_text got = {0};
	describe(text, strlen(text), &got);
	ck_assert_texts(text, wanted, text_string(&got));
}

struct row {
	const char *text;
	const char *wanted;
};

static const struct row values[] = {
        {"kind: Config\nclusters:\n- name: a\n", "{\"kind\":\"Config\",\"clusters\":[{\"name\":\"a\"}]}"},
        {"\xef\xbb\xbfkind: Config\n", "{\"kind\":\"Config\"}"},
        {"", "{}"},
        {"# nothing yet\n", "{}"},
        {"---\n---\n# empty ones do not count\n---\na: 1\n---\n", "{\"a\":1}"},
        {"{\"a\": [1, 2.5, true, null], \"b\": {\"c\": \"d\"}}",
         "{\"a\":[1,2.5,true,null],\"b\":{\"c\":\"d\"}}"},
        {"{\n\t\"a\":\t1,\n\t\"b\": {\n\t\t\"c\":\"d\"\n\t}\n}\n", "{\"a\":1,\"b\":{\"c\":\"d\"}}"},
        {"\t{\n\t\"a\": 1\n\t}\n", "{\"a\":1}"},
        {"{\"a\": \"\\u00e4\\/\\t\\\"\"}", "{\"a\":\"\xc3\xa4/\\t\\\"\"}"},
        {"{\"a\": \"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}"},
        {"a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"},
};

START_TEST(yaml_and_json_are_read_alike)
{
	check_document(values[_i].text, values[_i].wanted);
}
END_TEST

static const struct row twice[] = {
        {"a: 1\nb: 2\na: 3\n", "{\"a\":3,\"b\":2}\nduplicate a at 3"},
        {"a:\n  b: 1\n  c: 2\n  b: 3\nc: 1\n", "{\"a\":{\"b\":3,\"c\":2},\"c\":1}\nduplicate a.b at 4"},
        {"l:\n- x: 1\n- x: 1\n  x: 2\n", "{\"l\":[{\"x\":1},{\"x\":2}]}\nduplicate l[1].x at 4"},
        {"a: 1\na: 2\na: 3\n", "{\"a\":3}\nduplicate a at 2\nduplicate a at 3"},
        {"{\"a\": {\"b\": 1},\n \"a\": {\"b\": 2}}", "{\"a\":{\"b\":2}}\nduplicate a at 2"},
        {"a: {b: 1}\nc: {b: 1}\nb: 1\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1},\"b\":1}"},
        {"a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n", "{\"a\":{\"b\":1},\"c\":{\"b\":2}}"},
};

START_TEST(the_last_of_two_equal_keys_counts_and_both_are_told)
{
	check_document(twice[_i].text, twice[_i].wanted);
}
END_TEST

START_TEST(of_very_many_equal_keys_the_first_are_told)
{
	auto_text text = {0};
	struct document document;
	for (int i = 0; i < 1000; i++)
		text_addf(&text, "a: %d\n", i);
	ck_assert_int_eq(document_parse("a.conf", text.bytes, text.length, &document, NULL), 0);
	ck_assert_uint_eq(document.duplicate_count, 64);
	ck_assert_int_eq(json_integer_value(json_object_get(document.value, "a")), 999);
	document_done(&document);
}
END_TEST

static const struct row refusals[] = {
        {"- a\n- b\n", "a.conf:1: this is a list, but fields belong here, as in \"kind: Config\""},
        {"\n\nhello\n", "a.conf:3: this is text, but fields belong here, as in \"kind: Config\""},
        {"7\n", "a.conf:1: this is a single value, but fields belong here, as in \"kind: Config\""},
        {"a: 1\n---\nb: 2\n", "a.conf:3: a second document begins here; this file holds one only"},
        {"a: 1\nb: c: d\n", "a.conf:2: not valid YAML: mapping values are not allowed in this context"},
        {"a: [1,\nb\n",
         "a.conf:3: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence"},
        {"{\"a\": \"\\ud83d\"}", "a.conf:1: not valid YAML: found invalid Unicode character escape code "
                                 "while parsing a quoted scalar"},
        {"{\"a\": 1",
         "a.conf:2: not valid YAML: did not find expected ',' or '}' while parsing a flow mapping"},
        {"a: *x\n", "a.conf:1: there is no anchor &x before this alias"},
        {"a: \"x\xff\"\n", "a.conf:1: not valid YAML: invalid leading UTF-8 octet"},
};

START_TEST(what_is_no_document_is_refused_with_its_line)
{
	check_document(refusals[_i].text, refusals[_i].wanted);
}
END_TEST

START_TEST(a_nul_in_the_text_is_refused)
{
	auto_text got = {0};
	describe("a: 1\nb: \0\n", 10, &got);
	ck_assert_texts("NUL", "a.conf:2: not valid YAML: control characters are not allowed",
	                text_string(&got));
}
END_TEST

static const struct {
	const char *path;
	size_t line;
} places[] = {
        {"kind", 3},    {"ipvs", 4},       {"ipvs.syncPeriod", 5}, {"ipvs.strictARP", 6}, {"ipvs.none", 4},
        {"list[1]", 9}, {"list[1].a", 10}, {"list[2].a", 7},       {"none", 3},           {"", 3},
};

START_TEST(a_fields_line_is_told)
{
	static const char text[] = "---\n"
	                           "---\n"
	                           "kind: Config\n"
	                           "ipvs:\n"
	                           "  syncPeriod: 30s\n"
	                           "  strictARP: true\n"
	                           "list:\n"
	                           "- a: 1\n"
	                           "- b: 2\n"
	                           "  a: 3\n";
	struct document document;
	ck_assert_int_eq(document_parse("a.conf", text, strlen(text), &document, NULL), 0);
	ck_assert_uint_eq(document_line(&document, places[_i].path), places[_i].line);
	document_done(&document);
}
END_TEST

START_TEST(the_line_of_a_key_that_stands_twice_is_that_of_the_one_that_counts)
{
	static const char text[] = "a: 1\nb: 2\na: 3\n";
	struct document document;
	ck_assert_int_eq(document_parse("a.conf", text, strlen(text), &document, NULL), 0);
	ck_assert_uint_eq(document_line(&document, "a"), 3);
	document_done(&document);
}
END_TEST

START_TEST(a_refusal_names_file_line_path_and_sentence)
{
	static const char text[] = "a:\n  b: x\n";
	char line[FAULT_TEXT_SIZE];
	struct document document;
	struct fault fault = {0};
	ck_assert_int_eq(document_parse("/etc/a.conf", text, strlen(text), &document, NULL), 0);
	ck_assert_int_eq(document_refuse(&document, "a.b", &fault, "\"%s\" is no number", "x\ny"),
	                 FAULT_REFUSED);
	ck_assert_str_eq(fault_format(&fault, line), "/etc/a.conf:2: a.b: \"x y\" is no number");
	ck_assert_int_eq(document_refuse(&document, "a.b", NULL, "nobody asks"), FAULT_REFUSED);
	document_done(&document);
}
END_TEST

START_TEST(a_file_is_read_within_its_limit)
{
	char folder[TEST_DIRECTORY_SIZE], path[TEST_PATH_SIZE], line[FAULT_TEXT_SIZE];
	struct document document;
	struct fault fault = {0};
	test_directory_make(folder);
	test_directory_put(folder, "a", "a: 1\n");
	test_directory_path(folder, "a", path);
	ck_assert_int_eq(document_read(path, 5, &document, &fault), 0);
	ck_assert_str_eq(document.name, path);
	document_done(&document);
	document_done(&document);
	ck_assert_int_eq(document_read(path, 4, &document, &fault), -EFBIG);
	ck_assert_str_eq(fault.sentence, "the file is larger than 4 bytes, which is no such file");
	unlink(path);
	fault = (struct fault){0};
	ck_assert_int_eq(document_read(path, 5, &document, &fault), -ENOENT);
	test_directory_remove(folder);
	char wanted[TEST_PATH_SIZE + 64];
	snprintf(wanted, sizeof(wanted), "%s: the file cannot be read: No such file or directory", path);
	ck_assert_str_eq(fault_format(&fault, line), wanted);
}
END_TEST

#define add_rows(cases, test, table) \
	tcase_add_loop_test(cases, test, 0, (int)(sizeof(table) / sizeof(*(table))))

int main(void)
{
	Suite *suite = suite_create("source: documents");
	TCase *cases = tcase_create("document");
	tcase_set_timeout(cases, 60);
	add_rows(cases, yaml_and_json_are_read_alike, values);
	add_rows(cases, the_last_of_two_equal_keys_counts_and_both_are_told, twice);
	tcase_add_test(cases, of_very_many_equal_keys_the_first_are_told);
	add_rows(cases, what_is_no_document_is_refused_with_its_line, refusals);
	tcase_add_test(cases, a_nul_in_the_text_is_refused);
	add_rows(cases, a_fields_line_is_told, places);
	tcase_add_test(cases, the_line_of_a_key_that_stands_twice_is_that_of_the_one_that_counts);
	tcase_add_test(cases, a_refusal_names_file_line_path_and_sentence);
	tcase_add_test(cases, a_file_is_read_within_its_limit);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
