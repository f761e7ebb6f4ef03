/*
 * What libnftables says of a failure, and what we make of it.
 */
#include "filter_writer.h"
#include "support.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *said;
	bool quoted;
	int error;
	const char *words;
} rows[] = {
        {"Error: Could not process rule: File exists\n"
         "create element inet kube-ipvs held-4 { 1.2.3.4 }\n"
         "                                       ^^^^^^^\n",
         true, -EEXIST, "File exists, at 1.2.3.4"},
        {"Error: Could not process rule: File exists\n"
         "create element inet kube-ipvs held-4 { 1.2.3.4 }\n"
         "                                       ^^^^^^^\n",
         false, -EEXIST, "File exists"},
        /* Found by libnftables itself, before the kernel was asked. */
        {"Error: No such file or directory\n"
         "add element inet kube-ipvs nosuch { 10.0.0.3 }\n"
         "                           ^^^^^^\n",
         true, -ENOENT, "No such file or directory, at nosuch"},
        {"Error: No such file or directory; did you mean set ‘held-4’ in table inet ‘kube-ipvs’?\n", true,
         -EINVAL, "No such file or directory; did you mean set ‘held-4’ in table inet ‘kube-ipvs’?"},
        {"Error: syntax error, unexpected newline\n"
         "garbage here\n"
         "            ^\n",
         true, -EINVAL, "syntax error, unexpected newline"},
        {"<cmdline>:1:1-7: Error: Could not process rule: Operation not permitted\n"
         "add table inet kube-ipvs\n"
         "^^^^^^^^^^^^^^^^^^^^^^^^\n",
         true, -EPERM, "Operation not permitted, at add table inet kube-ipvs"},
        {"Error: Could not process rule: Operation not supported\n"
         "add chain inet kube-ipvs x { type nat hook prerouting priority 0; }\n"
         "~~~~~~~~~ ^^^^^^^^^^^^^^\n",
         true, -EOPNOTSUPP, "Operation not supported, at inet kube-ipvs"},
        {"Error: Could not process rule: Message too long\n"
         "Please, rise /proc/sys/net/core/wmem_max on the host namespace. Hint: 42 bytes\n",
         true, -EMSGSIZE, "Message too long"},
        /* The first of several. */
        {"Error: Could not process rule: No such file or directory\n"
         "delete element inet t s { 1.2.3.4 }; add element inet t s { 1.2.3.5 }\n"
         "                          ^^^^^^^\n"
         "Error: Could not process rule: File exists\n",
         true, -ENOENT, "No such file or directory, at 1.2.3.4"},
        {"Error: Could not process rule: File exists\n", true, -EEXIST, "File exists"},
        {"Error: Could not process rule: File exists", true, -EEXIST, "File exists"},
        {"Error: Could not process rule: File exists\nshort\n      ^^^^\n", true, -EEXIST, "File exists"},
        {"Error: Could not process rule: File exists\nshort", true, -EEXIST, "File exists"},
        {"internal:0:0-0: Error: Could not process rule: Cannot allocate memory\n\n", true, -ENOMEM,
         "Cannot allocate memory"},
        {"netlink: Error: whatever", true, -EINVAL, "whatever"},
        {"", true, -EINVAL, ""},
};

START_TEST(a_failure_is_one_sentence_and_an_errno)
{
	auto_text words = {0};
	ck_assert_int_eq(filter_writer_explain(rows[_i].said, rows[_i].quoted, &words), rows[_i].error);
	ck_assert_texts("the sentence", rows[_i].words, text_string(&words));
}
END_TEST

START_TEST(a_long_quotation_is_cut)
{
	auto_text said = {0}, words = {0};
	text_add(&said, "Error: Could not process rule: File exists\n");
	for (int i = 0; i < 500; i++)
		text_add_char(&said, 'x');
	text_add_char(&said, '\n');
	for (int i = 0; i < 500; i++)
		text_add_char(&said, '^');
	ck_assert_int_eq(filter_writer_explain(text_string(&said), true, &words), -EEXIST);
	ck_assert_uint_eq(words.length, strlen("File exists, at ") + 120 + strlen("..."));
	ck_assert_str_eq(words.bytes + words.length - 5, "xx...");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply: filter writer");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, a_failure_is_one_sentence_and_an_errno, 0, sizeof(rows) / sizeof(*rows));
	tcase_add_test(all, a_long_quotation_is_cut);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
