/*
 * Opening the kernel, the dummy interface, the probe of a scheduler, timeouts, and the words for errnos.
 */
#include "apply/kernel.h"
#include "fake_kernel.h"
#include "fake_objects.h"
#include "support.h"

#include <errno.h>
#include <string.h>

static struct fake_kernel fake;
static struct kernel *kernel;
static struct fault fault;

static int open_kernel(void)
{
	kernel = NULL;
	fault = (struct fault){0};
	return kernel_open("kube-ipvs0", false, &fake.transport, &kernel, &fault);
}

static void start(void)
{
	fake_kernel_init(&fake);
	ck_assert_int_eq(open_kernel(), 0);
}

static void end(void)
{
	kernel_close(kernel);
	fake_kernel_done(&fake);
}

static void have_link(const char *kind)
{
	strcpy(fake.link_name, "kube-ipvs0");
	fake.link_kind = kind;
}

/* ---- opening */

START_TEST(an_open_kernel_tells_its_version_and_table_size)
{
	start();
	struct kernel_info info;
	ck_assert_int_eq(kernel_info(kernel, &info), 0);
	ck_assert_uint_eq(info.version, 0x010201);
	ck_assert_uint_eq(info.connection_table_size, 4096);
	end();
}
END_TEST

START_TEST(closing_no_kernel_is_fine)
{
	kernel_close(NULL);
}
END_TEST

static const struct {
	struct fake_failures failures;
	int error;
	const char *sentence; /* how it begins */
} open_rows[] = {
        {{.no_family = true}, -EOPNOTSUPP, "IPVS: "},
        {{.no_permission = true}, -EPERM, "IPVS: no permission; run as root, with CAP_NET_ADMIN"},
        {{.open_error = -EPROTONOSUPPORT},
         -EPROTONOSUPPORT,
         "IPVS: netlink cannot be used here (Protocol not supported)"},
        {{.open_error = -EMFILE}, -EMFILE, "IPVS: netlink cannot be used here (Too many open files)"},
        {{.spoil_at = 1, .spoiling = FAKE_LOST}, -ETIMEDOUT, "IPVS: the kernel did not answer in time"},
        {{.spoil_at = 3, .spoiling = FAKE_LOST}, -ETIMEDOUT, "IPVS: the kernel did not answer in time"},
        {{.spoil_at = 1, .spoiling = FAKE_GARBAGE}, -EBADMSG, "IPVS: netlink cannot be used here"},
        {{.spoil_at = 1, .spoiling = FAKE_EMPTY}, -EBADMSG, "IPVS: netlink cannot be used here"},
        {{.spoil_at = 3, .spoiling = FAKE_EMPTY}, -EBADMSG, "IPVS: netlink cannot be used here"},
        {{.send_error_at = 1, .send_error = -ECONNREFUSED},
         -ECONNREFUSED,
         "IPVS: netlink cannot be used here (Connection refused)"},
};

START_TEST(what_cannot_be_opened_is_explained_in_one_sentence)
{
	fake_kernel_init(&fake);
	fake.failures = open_rows[_i].failures;
	ck_assert_int_eq(open_kernel(), open_rows[_i].error);
	ck_assert_ptr_null(kernel);
	ck_assert_msg(strncmp(fault.sentence, open_rows[_i].sentence, strlen(open_rows[_i].sentence)) == 0,
	              "the sentence is: %s", fault.sentence);
	fake_kernel_done(&fake);
}
END_TEST

static const char *const bad_names[] = {"", "sixteen-letters!"};

START_TEST(an_interface_name_that_the_kernel_cannot_have_is_refused)
{
	fake_kernel_init(&fake);
	ck_assert_int_eq(kernel_open(bad_names[_i], false, &fake.transport, &kernel, &fault), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fault.sentence, "a name has 1 to 15 characters"));
	fake_kernel_done(&fake);
}
END_TEST

/* ---- the dummy interface */

START_TEST(a_missing_dummy_is_created_and_one_that_is_there_is_taken)
{
	start();
	ck_assert_int_eq(kernel_ensure_dummy(kernel, &fault), 0);
	ck_assert_str_eq(fake.link_kind, "dummy");
	ck_assert_str_eq(fake.link_name, "kube-ipvs0");
	ck_assert_int_eq(kernel_ensure_dummy(kernel, &fault), 0);
	end();
}
END_TEST

START_TEST(an_interface_of_that_name_that_is_no_dummy_is_neither_used_nor_removed)
{
	start();
	have_link("veth");
	ck_assert_int_eq(kernel_ensure_dummy(kernel, &fault), -EEXIST);
	ck_assert_texts("ensuring",
	                "interface kube-ipvs0: it is there, but is no dummy interface; remove or rename it, "
	                "or choose another name for ours",
	                fault.sentence);
	ck_assert_int_eq(kernel_remove_dummy(kernel, &fault), -EEXIST);
	ck_assert_texts("removing",
	                "interface kube-ipvs0: it is there, but is no dummy interface; so it is not ours to "
	                "remove",
	                fault.sentence);
	ck_assert_str_eq(fake.link_kind, "veth");
	end();
}
END_TEST

/* R6.8 */
START_TEST(removing_the_dummy_removes_it_and_removing_it_again_is_fine)
{
	start();
	have_link("dummy");
	ck_assert_int_eq(kernel_remove_dummy(kernel, &fault), 0);
	ck_assert_ptr_null(fake.link_kind);
	ck_assert_int_eq(kernel_remove_dummy(kernel, &fault), 0);
	end();
}
END_TEST

START_TEST(a_dummy_that_cannot_be_made_is_explained)
{
	start();
	fake.failures.no_permission = true;
	ck_assert_int_eq(kernel_ensure_dummy(kernel, &fault), -EPERM);
	ck_assert_texts("the sentence",
	                "interface kube-ipvs0: it cannot be created: no permission; this needs CAP_NET_ADMIN "
	                "in the initial user namespace",
	                fault.sentence);
	end();
}
END_TEST

START_TEST(a_dummy_is_not_created_when_looking_for_it_failed)
{
	start();
	fake.failures.spoiling = FAKE_LOST;
	fake.failures.spoil_at = fake.counters.datagrams + 1;
	ck_assert_int_eq(kernel_ensure_dummy(kernel, &fault), -ETIMEDOUT);
	ck_assert_ptr_null(fake.link_kind);
	ck_assert_int_eq(kernel_ensure_dummy(kernel, &fault), 0);
	end();
}
END_TEST

/* ---- the probe (R8.9, C99) */

static const struct {
	const char *scheduler;
	size_t refused_message; /* 1: adding, 2: removing */
	int refused_error;
	bool left_behind; /* by an earlier process, before the probe */
	int wanted;
} probe_rows[] = {
        {"rr", 0, 0, false, 0},
        {"nosuch", 0, 0, false, -ENOENT},
        {"rr", 0, 0, true, 0},
        {"nosuch", 0, 0, true, -ENOENT},
        {"a-name-too-long-for-any-scheduler", 0, 0, false, -ENOENT},
        {"rr", 1, -ENOMEM, false, -ENOMEM},
        {"rr", 2, -EBUSY, false, -EBUSY},
        {"rr", 2, -ESRCH, false, 0},
};

START_TEST(a_probe_finds_out_whether_the_kernel_has_a_scheduler)
{
	start();
	const struct fake_refusal refusal = {probe_rows[_i].refused_message, probe_rows[_i].refused_error,
	                                     NULL};
	struct virtual_server leftover = make_virtual_server("198.51.100.0", 20000);
	strcpy(leftover.scheduler, "wlc");
	if (probe_rows[_i].left_behind)
		fake_kernel_put(&fake, &leftover);
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	ck_assert_int_eq(kernel_probe_scheduler(kernel, probe_rows[_i].scheduler), probe_rows[_i].wanted);
	if (!probe_rows[_i].refused_error)
		ck_assert_uint_eq(fake.virtual_servers.count, 0);
	end();
}
END_TEST

START_TEST(a_probe_whose_answer_is_lost_leaves_nothing_behind)
{
	start();
	fake.failures.spoiling = FAKE_LOST;
	fake.failures.spoil_at = fake.counters.datagrams + 1;
	ck_assert_int_eq(kernel_probe_scheduler(kernel, "rr"), -ETIMEDOUT);
	ck_assert_uint_eq(fake.counters.changes, 2);
	ck_assert_uint_eq(fake.virtual_servers.count, 0);
	end();
}
END_TEST

START_TEST(a_probe_leaves_other_virtual_servers_alone)
{
	start();
	struct virtual_server other = make_virtual_server("10.96.0.10", 80);
	fake_kernel_put(&fake, &other);
	ck_assert_int_eq(kernel_probe_scheduler(kernel, "mh"), 0);
	ck_assert_uint_eq(fake.virtual_servers.count, 1);
	ck_assert_str_eq(fake.virtual_servers.items[0].server.scheduler, "rr");
	end();
}
END_TEST

/* ---- timeouts (R8.6) */

START_TEST(timeouts_are_set_and_zero_leaves_one_as_it_is)
{
	start();
	const uint32_t wanted[] = {900, 30, 0};
	const struct kernel_timeouts timeouts = {.tcp_seconds = 900, .tcp_fin_seconds = 30};
	ck_assert_int_eq(kernel_set_timeouts(kernel, &timeouts, &fault), 0);
	ck_assert_mem_eq(fake.timeouts, wanted, sizeof(wanted));
	end();
}
END_TEST

START_TEST(no_timeout_at_all_says_nothing_to_the_kernel)
{
	start();
	const struct kernel_timeouts nothing = {0};
	size_t sends = fake.counters.sends;
	ck_assert_int_eq(kernel_set_timeouts(kernel, &nothing, &fault), 0);
	ck_assert_uint_eq(fake.counters.sends, sends);
	end();
}
END_TEST

START_TEST(timeouts_that_are_too_long_are_refused_with_a_sentence)
{
	start();
	const struct kernel_timeouts timeouts = {.udp_seconds = UINT32_MAX};
	ck_assert_int_eq(kernel_set_timeouts(kernel, &timeouts, &fault), -EINVAL);
	ck_assert_texts("the sentence", "IPVS: its timeouts cannot be set: the kernel finds them too long",
	                fault.sentence);
	end();
}
END_TEST

/* ---- words for errnos */

static const struct {
	enum change_kind kind;
	int error;
	const char *text;
} text_rows[] = {
        {CHANGE_VIRTUAL_SERVER_ADD, -ENOENT, "no such scheduler in this kernel"},
        {CHANGE_VIRTUAL_SERVER_ADD, ENOENT, "no such scheduler in this kernel"},
        {CHANGE_REAL_SERVER_ADD, -ESRCH, "its virtual server is not in the kernel"},
        {CHANGE_REAL_SERVER_EDIT, -ENOENT, "the real server is no longer in the kernel"},
        {CHANGE_ADDRESS_ADD, -ENODEV, "the dummy interface is not there"},
        {CHANGE_ADDRESS_ADD, -EPERM, "no permission; this needs CAP_NET_ADMIN in the initial user namespace"},
        {CHANGE_REAL_SERVER_ADD, -ETIMEDOUT, "the kernel did not answer in time"},
        {CHANGE_VIRTUAL_SERVER_REMOVE, -EXDEV, "Invalid cross-device link"},
};

START_TEST(an_errno_is_told_in_words)
{
	ck_assert_texts("the words", text_rows[_i].text,
	                kernel_error_text(text_rows[_i].kind, text_rows[_i].error));
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

int main(void)
{
	Suite *suite = suite_create("apply: opening");
	TCase *all = tcase_create("all");
	tcase_add_test(all, an_open_kernel_tells_its_version_and_table_size);
	tcase_add_test(all, closing_no_kernel_is_fine);
	tcase_add_loop_test(all, what_cannot_be_opened_is_explained_in_one_sentence, 0, ROWS(open_rows));
	tcase_add_loop_test(all, an_interface_name_that_the_kernel_cannot_have_is_refused, 0,
	                    ROWS(bad_names));
	tcase_add_test(all, a_missing_dummy_is_created_and_one_that_is_there_is_taken);
	tcase_add_test(all, an_interface_of_that_name_that_is_no_dummy_is_neither_used_nor_removed);
	tcase_add_test(all, removing_the_dummy_removes_it_and_removing_it_again_is_fine);
	tcase_add_test(all, a_dummy_that_cannot_be_made_is_explained);
	tcase_add_test(all, a_dummy_is_not_created_when_looking_for_it_failed);
	tcase_add_loop_test(all, a_probe_finds_out_whether_the_kernel_has_a_scheduler, 0, ROWS(probe_rows));
	tcase_add_test(all, a_probe_whose_answer_is_lost_leaves_nothing_behind);
	tcase_add_test(all, a_probe_leaves_other_virtual_servers_alone);
	tcase_add_test(all, timeouts_are_set_and_zero_leaves_one_as_it_is);
	tcase_add_test(all, no_timeout_at_all_says_nothing_to_the_kernel);
	tcase_add_test(all, timeouts_that_are_too_long_are_refused_with_a_sentence);
	tcase_add_loop_test(all, an_errno_is_told_in_words, 0, ROWS(text_rows));
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
