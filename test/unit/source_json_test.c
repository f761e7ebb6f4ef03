/*
 * JSON files: the order of members, several documents, broken text, and lines.
 */
#include "json_scan.h"
#include "source/manifest.h"
#include "source_print.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *text;
	const char *wanted;
};

static void check_text(const char *text, size_t length, const char *wanted)
{
	struct decoded decoded;
	struct fault fault = {0};
	auto_text got = {0};
	char line[FAULT_TEXT_SIZE];
	/* In a block of its own, so that reading one byte too far is seen by valgrind and the sanitizers. */
	char *copy = malloc(length ? length : 1);
	memcpy(copy, text, length);
	if (manifest_decode("a.json", copy, length, &decoded, &fault))
		text_addf(&got, "%s\n", fault_format(&fault, line));
	free(copy);
	print_decoded(&got, &decoded);
	ck_assert_texts(text, wanted, text_string(&got));
	decoded_done(&decoded);
}

#define NODE(name) "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"" name "\"}}"
#define BARE(name) "{\"metadata\":{\"name\":\"" name "\"}}"

static const struct row forms[] = {
        {"", ""},
        {" \n\t\r ", ""},
        {NODE("a"), "node a\n"},
        {NODE("a") NODE("b") "\n\n" NODE("c") "\n", "node a\nnode b\nnode c\n"},
        {"\xef\xbb\xbf" NODE("a"), "node a\n"},
        {"{\"apiVersion\":\"v1\",\"items\":[" NODE("a") "," NODE("b") "],\"kind\":\"List\"}",
         "node a\nnode b\n"},
        {"{\"kind\":\"List\",\"items\":[" NODE("a") "]}", "node a\n"},
        {"{\"kind\":\"List\",\"items\":[ ]}", ""},
        {"{\"kind\":\"List\",\"items\":null}", ""},
        {"{\"kind\":\"List\"}", ""},
        {"{\"kind\":\"NodeList\",\"apiVersion\":\"v1\",\"items\":[" BARE("a") "," BARE("b") "]}",
         "node a\nnode b\n"},
        /* The kind behind the items, which name none themselves. */
        {"{\"items\":[" BARE("a") "," BARE("b") "],\"kind\":\"NodeList\",\"apiVersion\":\"v1\"}",
         "node a\nnode b\n"},
        {"{\"apiVersion\":\"v1\",\"items\":[" BARE(
                 "a") "],\"metadata\":{\"x\":[{\"kind\":\"no\"}]},\"kind\":\"NodeList\"}",
         "node a\n"},
        {"{\"kind\":\"NodeList\",\"items\":[" BARE("a") "],\"apiVersion\":\"v1\"}", "node a\n"},
        {"{\"items\":[" NODE("a") "," BARE("b") "],\"k\\u0069nd\":\"NodeList\",\"apiVersion\":\"v1\"}",
         "node a\nnode b\n"},
        /* No list of ours after all. */
        {"{\"items\":[" NODE("a") "],\"kind\":\"Other\"}", "ignored 1\n"},
        {"{\"items\":[" NODE("a") ",1," NODE("A") "],\"kind\":\"Other\"}", "ignored 1\n"},
        {"{\"items\":[" NODE("A") "],\"kind\":\"Other\"}", "ignored 1\n"},
        {"{\"kind\":\"Other\",\"items\":[" NODE("a") "]}", "ignored 1\n"},
        {"{\"items\":[7],\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}", "node a\n"},
        {"{\"kind\":\"List\",\"items\":[{\"kind\":\"NodeList\",\"apiVersion\":\"v1\",\"items\":[" BARE(
                 "a") "]}]}",
         "node a\n"},
};

START_TEST(every_form_of_json_is_read)
{
	check_text(forms[_i].text, strlen(forms[_i].text), forms[_i].wanted);
}
END_TEST

static const struct row broken[] = {
        {"[]", "a.json:1: a manifest is a JSON object, which begins with {\n"},
        {"\n\n true", "a.json:3: a manifest is a JSON object, which begins with {\n"},
        {NODE("a") "\nrest", "a.json:2: a manifest is a JSON object, which begins with {\n"},
        {"{", "a.json:1: not valid JSON: a name in quotes belongs here\n"},
        {"{\"kind\"\n}", "a.json:2: not valid JSON: ':' belongs behind a name\n"},
        {"{\"kind\":\n\n", "a.json:3: the JSON text ends before its last bracket is closed\n"},
        {"{\"kind\":\"List\",\n\"items\":[\n" NODE("a") "\n" NODE("b") "]}",
         "a.json:4: not valid JSON: ',' or ']' belongs behind a list's element\n"},
        {"{\"kind\":\"List\",\n\"items\":[\n" NODE("a") ",\n]}",
         "a.json:4: not valid JSON: unexpected token near ']'\n"},
        {"{\"kind\":\"List\"\n\"items\":[]}",
         "a.json:2: not valid JSON: ',' or '}' belongs behind a member\n"},
        {"{\"kind\":\"List\",\n}", "a.json:2: not valid JSON: a name in quotes belongs here\n"},
        {"{\"a\":{\n\"b\":\n tru}}", "a.json:3: not valid JSON: invalid token near 'tru'\n"},
        {"{\"a\":1,\n\"a\":1}", "a.json:2: the same name stands twice in one object\n"},
        {"{\"items\":[],\n\"items\":[]}", "a.json:2: the same name stands twice in one object\n"},
        {"{\"a\":{\"b\":1,\n\"b\":2}}", "a.json:2: not valid JSON: duplicate object key near '\"b\"'\n"},
        {"{\"a\":\"\\u0000\"}", "a.json:1: a NUL character is not allowed\n"},
        {"{\"a\":{\"\\u0000\":1}}", "a.json:1: a NUL character is not allowed\n"},
        {"{\"a\":\n\"\xff\"}", "a.json:2: this is not UTF-8 text\n"},
        {"{\"a\":\"\\ud800\"}", "a.json:1: not valid JSON: invalid Unicode '\\uD800' near '\"\\ud800\"'\n"},
        {"{\"a\":123456789012345678901234567890}", "a.json:1: a number is too large\n"},
        {"{\"a\":1e999}", "a.json:1: a number is too large\n"},
};

START_TEST(broken_json_is_refused_at_its_line)
{
	check_text(broken[_i].text, strlen(broken[_i].text), broken[_i].wanted);
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
	const char inside[] = "{\"kind\":\"a\0b\"}", behind[] = NODE("a") "\0";
	check_text(inside, sizeof(inside) - 1,
	           "a.json:1: not valid JSON: control character 0x0 near '\"a'\n");
	check_text(behind, sizeof(behind) - 1,
	           "a.json:1: a manifest is a JSON object, which begins with {\n");
}
END_TEST

/* Any beginning of a text must be refused or accepted without reading further than it goes. */
START_TEST(a_text_may_end_anywhere)
{
	const char *text = "{\"items\":[" BARE("a") "," NODE(
	        "b") "],\"k\\u0069nd\":\"NodeList\",\"apiVersion\":\"v1\"} ";
	for (size_t length = 0; length < strlen(text) - 1; length++) {
		char *copy = malloc(length ? length : 1);
		memcpy(copy, text, length);
		struct decoded decoded;
		struct fault fault = {0};
		int r = manifest_decode("a.json", copy, length, &decoded, &fault);
		ck_assert_msg((r == 0) == (length == 0), "the first %zu bytes: %d", length, r);
		ck_assert(length == 0 || fault.place[0]);
		decoded_done(&decoded);
		free(copy);
	}
}
END_TEST

static char *nested(const char *opening, const char *repeated, size_t times)
{
	auto_text text = {0};
	text_add(&text, opening);
	for (size_t i = 0; i < times; i++)
		text_add(&text, repeated);
	return strdup(text_string(&text));
}

START_TEST(deep_nesting_is_refused)
{
	static const char *const openings[] = {"{\"a\":", "{\"items\":", "{\"items\":[1,",
	                                       "{\"kind\":\"List\",\"items\":"};
	for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
		char *text = nested(openings[i], i % 2 ? "[" : "{\"a\":", 100000);
		struct decoded decoded;
		struct fault fault = {0};
		ck_assert_int_eq(manifest_decode("a.json", text, strlen(text), &decoded, &fault),
		                 FAULT_REFUSED);
		ck_assert_str_eq(fault.sentence, "brackets are nested too deeply");
		free(text);
	}
}
END_TEST

#define ITEM_AT_7                                                                                       \
	"{\n \"items\": [\n  " NODE(                                                                    \
	        "a") ",\n  {\n"                                                                         \
	             "\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Service\",\n\t\"metadata\": {\"name\": " \
	             "\"web\\/\\ud83d\\ude00\"},\n"                                                     \
	             "\t\"spec\": {}\n  }\n ],\n \"kind\": \"List\"\n}"

START_TEST(tabs_and_escapes_do_not_move_the_line)
{
	check_text(ITEM_AT_7, strlen(ITEM_AT_7),
	           "a.json:7: metadata.name: Service: Invalid value: \"web/\\uD83D\\uDE00\": must be lower "
	           "case letters, "
	           "digits and '-', begin and end with a letter or a digit, and have at most 63 characters "
	           "(an RFC 1123 "
	           "label)\n");
}
END_TEST

static const struct {
	const char *path;
	size_t line;
} places[] = {
        {"", 1},
        {"spec", 2},
        {"spec.ports", 3},
        {"spec.ports[0]", 4},
        {"spec.ports[0].port", 5},
        {"spec.ports[1]", 7},
        {"spec.ports[1].name", 7},
        {"spec.ports[2].name", 3},   /* no such element */
        {"spec.ports[0].name", 4},   /* no such member */
        {"spec.ports[0].port.x", 5}, /* no object */
        {"spec.clusterIP", 2},
        {"status", 1},
        {"metadata.labels.a.b/c", 10},
        {"metadata.labels.a", 9},
        {"esc", 12},
};

START_TEST(a_fields_line_is_found_by_its_path)
{
	const char *text = "{\n"
	                   " \"spec\": {\n"
	                   "  \"ports\":\n"
	                   "   [ {\"protocol\": \"}\\\"\",\n"
	                   "      \"port\":\n"
	                   "       1 },\n"
	                   "     {\"name\": \"x\"} ]},\n"
	                   " \"metadata\":\n"
	                   "  {\"labels\": {\n"
	                   "    \"a.b/c\": 1\n"
	                   "  }},\n"
	                   " \"\\u0065sc\": 1 }\n";
	ck_assert_uint_eq(json_place(text, strlen(text), 0, places[_i].path), places[_i].line);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: JSON");
	TCase *json = tcase_create("json");
	tcase_add_loop_test(json, every_form_of_json_is_read, 0, sizeof(forms) / sizeof(*forms));
	tcase_add_loop_test(json, broken_json_is_refused_at_its_line, 0, sizeof(broken) / sizeof(*broken));
	tcase_add_test(json, a_nul_byte_is_refused);
	tcase_add_test(json, a_text_may_end_anywhere);
	tcase_add_test(json, deep_nesting_is_refused);
	tcase_add_test(json, tabs_and_escapes_do_not_move_the_line);
	tcase_add_loop_test(json, a_fields_line_is_found_by_its_path, 0, sizeof(places) / sizeof(*places));
	suite_add_tcase(suite, json);
	return run_suite(suite);
}
