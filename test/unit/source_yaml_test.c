/*
 * YAML as Kubernetes reads it: scalars, anchors, merge keys, documents, and lines.
 */
#include "source/manifest.h"
#include "support.h"
#include "yaml_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *text;
	const char *wanted;
};

/* All documents as JSON, one a line; or "line N: sentence". */
static void check_yaml(const char *text, const char *wanted)
{
	struct yaml_reader *reader = yaml_reader_new(text, strlen(text));
	char got[8192] = "";
	size_t length = 0, line;
	struct fault fault = {0};
	json_t *document;
	int r;
	while ((r = yaml_read_document(reader, &document, &line, &fault)) == 0 && document) {
		char *dumped = json_dumps(document, JSON_ENCODE_ANY | JSON_COMPACT);
		length += (size_t)snprintf(got + length, sizeof(got) - length, "%s\n", dumped);
		free(dumped);
		json_decref(document);
	}
	if (r)
		snprintf(got + length, sizeof(got) - length, "line %zu: %s\n", line, fault.sentence);
	ck_assert_texts(text, wanted, got);
	yaml_reader_free(reader);
}

static const struct row scalars[] = {
        {"[null, Null, NULL, ~, ]", "[null,null,null,null]\n"},
        {"a:", "{\"a\":null}\n"},
        {"[true, True, TRUE, yes, Yes, YES, on, On, ON, y, Y]",
         "[true,true,true,true,true,true,true,true,true,true,true]\n"},
        {"[false, no, No, NO, off, OFF, n, N]", "[false,false,false,false,false,false,false,false]\n"},
        {"[tRUE, yEs, nULL, oN, yess, nope, o, t]",
         "[\"tRUE\",\"yEs\",\"nULL\",\"oN\",\"yess\",\"nope\",\"o\",\"t\"]\n"},
        {"['null', \"true\", 'yes', \"80\", '~', '']", "[\"null\",\"true\",\"yes\",\"80\",\"~\",\"\"]\n"},
        {"[0, 80, -1, +7, 0x1F, 0o17, 017, 0b101, 1_000, -0x10]", "[0,80,-1,7,31,15,15,5,1000,-16]\n"},
        /* A float without a fraction is a whole number by the time that the API server sees it. */
        {"[80.0, 1e3, 080, 0.5, .5, -1.25, 1.]", "[80,1000,80,0.5,0.5,-1.25,1]\n"},
        {"[9223372036854775807, 9223372036854775808]", "[9223372036854775807,9.2233720368547758e18]\n"},
        {"[1.2.3.4, 10.0.0.1, 1:30, 0x, 0xg, '-', +, -, ., 1e, e3, 12ab, .inf, .nan, 1__, _1]",
         "[\"1.2.3.4\",\"10.0.0.1\",\"1:30\",\"0x\",\"0xg\",\"-\",\"+\",\"-\",\".\",\"1e\",\"e3\",\"12ab\","
         "\".inf\","
         "\".nan\",1,\"_1\"]\n"},
        {"[2026-11-21, 2026-11-21T08:02:01Z, '2026-11-21']",
         "[\"2026-11-21\",\"2026-11-21T08:02:01Z\",\"2026-11-21\"]\n"},
        {"[!!str 80, !!int '80', !!bool 'yes', !!float 1, ! 80, !!null '']",
         "[\"80\",80,true,1,\"80\",null]\n"},
        {"[!!int x]", "line 1: \"x\" is nothing that the tag tag:yaml.org,2002:int could stand before\n"},
        {"[!own x]", "line 1: \"x\" is nothing that the tag !own could stand before\n"},
        {"a: |\n  80\nb: >\n  x\n  y\n", "{\"a\":\"80\\n\",\"b\":\"x y\\n\"}\n"},
        {"{80: a, true: b, 1.5: c, ~: d}", "{\"80\":\"a\",\"true\":\"b\",\"1.5\":\"c\",\"null\":\"d\"}\n"},
        {"\"a\\x41\\u00e4\"", "\"aA\xc3\xa4\"\n"},
        {"\"a\\0b\"", "line 1: a NUL character is not allowed\n"},
};

START_TEST(a_scalar_is_what_kubernetes_takes_it_for)
{
	check_yaml(scalars[_i].text, scalars[_i].wanted);
}
END_TEST

static const struct row structures[] = {
        {"", ""},
        {"# only a comment\n", ""},
        {"---\na: 1\n---\n# none\n---\nb: 2\n...\n---\nc: 3\n", "{\"a\":1}\nnull\n{\"b\":2}\n{\"c\":3}\n"},
        {"%YAML 1.1\n---\na: 1\n", "{\"a\":1}\n"},
        {"a: &x [1, 2]\nb: *x\n", "{\"a\":[1,2],\"b\":[1,2]}\n"},
        {"a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}\n"},
        {"a: &x 1\n---\nb: *x\n", "{\"a\":1}\nline 3: there is no anchor &x before this alias\n"},
        {"a: &x\n  b: *x\n", "line 2: there is no anchor &x before this alias\n"},
        {"a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n  r: 4\n",
         "{\"a\":{\"p\":1,\"q\":2},\"b\":{\"q\":3,\"r\":4,\"p\":1}}\n"},
        {"a: {<<: [{p: 1}, {p: 2, q: 2}], r: 3}\n", "{\"a\":{\"r\":3,\"p\":1,\"q\":2}}\n"},
        {"a:\n  <<: 1\n", "line 2: '<<' merges a mapping, or a list of mappings\n"},
        {"a:\n  <<: [1]\n", "line 2: '<<' merges a mapping, or a list of mappings\n"},
        {"a: {'<<': 1}\n", "{\"a\":{\"<<\":1}}\n"},
        {"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "line 5: the key \"c\" stands twice in one mapping\n"},
        {"a: 1\n'a': 2\n", "line 2: the key \"a\" stands twice in one mapping\n"},
        {"a: 1\n? [b]\n: 2\n", "line 2: only a word can be a key\n"},
        {"a: 1\nb: c: d\n", "line 2: not valid YAML: mapping values are not allowed in this context\n"},
        {"a:\n\t- b\n", "line 2: not valid YAML: found character that cannot start any token while scanning "
                        "for the next token\n"},
        {"a: [1,\nb\n",
         "line 3: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence\n"},
        {"a: 1\nb: \"x\xff\"\n", "line 2: not valid YAML: invalid leading UTF-8 octet\n"},
        {"a: 1\n\nb: \"x\x01\"\n", "line 3: not valid YAML: control characters are not allowed\n"},
};

START_TEST(documents_anchors_and_merge_keys_are_read)
{
	check_yaml(structures[_i].text, structures[_i].wanted);
}
END_TEST

START_TEST(a_billion_laughs_are_refused)
{
	char text[1024] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
	for (int i = 1; i < 10; i++)
		sprintf(text + strlen(text),
		        "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
		        i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	check_yaml(text, "line 6: aliases stand for more than 1000000 values\n");
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
	char text[20001];
	struct decoded decoded;
	struct fault fault = {0};
	memset(text, '[', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(manifest_decode("a.yaml", text, strlen(text), &decoded, &fault), FAULT_REFUSED);
	ck_assert_str_eq(fault.place, "a.yaml:1");
	ck_assert_str_eq(fault.sentence, "this is nested too deeply");
}
END_TEST

START_TEST(a_fault_is_one_line_whatever_it_quotes)
{
	static const char *const texts[] = {"\"a\\nb\": 1\n\"a\\nb\": 2\n", "!<a%0Ab> x\n",
	                                    "{\"a\": \"\n\"}"};
	for (size_t i = 0; i < 2 * sizeof(texts) / sizeof(*texts); i++) {
		const char *text = texts[i / 2];
		struct decoded decoded;
		struct fault fault = {0};
		const char *name = i % 2 ? "a.json" : "a.yaml";
		ck_assert_int_eq(manifest_decode(name, text, strlen(text), &decoded, &fault), FAULT_REFUSED);
		ck_assert_msg(!strpbrk(fault.sentence, "\n\t\r"), "%s: %s", name, fault.sentence);
	}
}
END_TEST

static const struct {
	size_t document;
	const char *path;
	size_t line;
} places[] = {
        {0, "", 2},
        {0, "spec", 3},
        {0, "spec.ports", 4},
        {0, "spec.ports[0]", 5},
        {0, "spec.ports[0].port", 6},
        {0, "spec.ports[1]", 7},
        {0, "spec.ports[1].name", 7},
        {0, "spec.ports[2].name", 4},
        {0, "spec.ports[0].nodePort", 5},
        {0, "spec.ports[0].port.x", 6},
        {0, "status", 2},
        {0, "metadata.annotations.kube-ipvs.io/scheduler", 10},
        {1, "items[1].metadata.name", 18},
        {1, "items[0].metadata.name", 15}, /* behind an alias */
        {2, "a", 19},
        {3, "a", 1},
};

START_TEST(a_fields_line_is_found_by_its_path)
{
	const char *text = "# a comment\n"
	                   "kind: Service\n"
	                   "spec:\n"
	                   "  ports:\n"
	                   "  - name: a\n"
	                   "    port: 1\n"
	                   "  - {name: b, port: 2}\n"
	                   "metadata:\n"
	                   "  annotations:\n"
	                   "    kube-ipvs.io/scheduler: rr\n"
	                   "---\n"
	                   "x: &x\n"
	                   "  {a: 1}\n"
	                   "items:\n"
	                   "- *x\n"
	                   "- metadata:\n"
	                   "\n"
	                   "    name: c\n"
	                   "--- {a: 1}\n";
	ck_assert_uint_eq(yaml_place(text, strlen(text), places[_i].document, places[_i].path),
	                  places[_i].line);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source: YAML");
	TCase *yaml = tcase_create("yaml");
	tcase_add_loop_test(yaml, a_scalar_is_what_kubernetes_takes_it_for, 0,
	                    sizeof(scalars) / sizeof(*scalars));
	tcase_add_loop_test(yaml, documents_anchors_and_merge_keys_are_read, 0,
	                    sizeof(structures) / sizeof(*structures));
	tcase_add_test(yaml, a_billion_laughs_are_refused);
	tcase_add_test(yaml, deep_nesting_is_refused);
	tcase_add_test(yaml, a_fault_is_one_line_whatever_it_quotes);
	tcase_add_loop_test(yaml, a_fields_line_is_found_by_its_path, 0, sizeof(places) / sizeof(*places));
	suite_add_tcase(suite, yaml);
	return run_suite(suite);
}
