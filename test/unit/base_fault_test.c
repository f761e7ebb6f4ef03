#include "base/fault.h"
#include "support.h"

#include <string.h>

static const struct {
	const char *place, *field, *sentence;
	const char *text;
} faults[] = {
        {"web.yaml:12", "spec.ports[0].port", "must be between 1 and 65535",
         "web.yaml:12: spec.ports[0].port: must be between 1 and 65535"},
        {"--ipvs-scheduler", "", "no such scheduler", "--ipvs-scheduler: no such scheduler"},
        {"", "kind", "is missing", "kind: is missing"},
        {"", "", "is missing", "is missing"},
        {"web.yaml:1", "", "", "web.yaml:1"},
        {"", "", "", ""},
};

START_TEST(a_fault_is_one_line_of_the_parts_that_are_there)
{
	struct fault fault = {0};
	char text[FAULT_TEXT_SIZE];
	fault_place(&fault, "%s", faults[_i].place);
	ck_assert_int_eq(fault_set(&fault, faults[_i].field, "%s", faults[_i].sentence), FAULT_REFUSED);
	ck_assert_str_eq(fault_format(&fault, text), faults[_i].text);
	ck_assert_ptr_eq(fault_format(&fault, text), text);
}
END_TEST

START_TEST(a_fault_without_a_field_forgets_the_field_before)
{
	struct fault fault = {0};
	fault_place(&fault, "%s:%d", "web.yaml", 3);
	fault_set(&fault, "kind", "is %s", "missing");
	fault_set(&fault, NULL, "is %s", "empty");
	ck_assert_str_eq(fault.place, "web.yaml:3");
	ck_assert_str_eq(fault.field, "");
	ck_assert_str_eq(fault.sentence, "is empty");
}
END_TEST

START_TEST(a_fault_that_nobody_wants_is_still_a_refusal)
{
	fault_place(NULL, "%s", "web.yaml");
	ck_assert_int_eq(fault_set(NULL, "kind", "is missing"), FAULT_REFUSED);
}
END_TEST

START_TEST(texts_that_do_not_fit_are_cut)
{
	struct fault fault = {0};
	char longer[2000], text[FAULT_TEXT_SIZE];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	fault_place(&fault, "%s", longer);
	fault_set(&fault, longer, "%s", longer);
	ck_assert_uint_eq(strlen(fault.place), sizeof(fault.place) - 1);
	ck_assert_uint_eq(strlen(fault.field), sizeof(fault.field) - 1);
	ck_assert_uint_eq(strlen(fault.sentence), sizeof(fault.sentence) - 1);
	ck_assert_uint_lt(strlen(fault_format(&fault, text)), FAULT_TEXT_SIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/fault");
	TCase *cases = tcase_create("fault");
	tcase_add_loop_test(cases, a_fault_is_one_line_of_the_parts_that_are_there, 0,
	                    (int)(sizeof(faults) / sizeof(faults[0])));
	tcase_add_test(cases, a_fault_without_a_field_forgets_the_field_before);
	tcase_add_test(cases, a_fault_that_nobody_wants_is_still_a_refusal);
	tcase_add_test(cases, texts_that_do_not_fit_are_cut);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
