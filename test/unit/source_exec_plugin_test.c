/*
 * Credential plug-ins as real programs: good, slow, failing, talking nonsense, talking without end, not there; and what
 * the API server gets to see of their answers.
 */
#include "source_client.h"
#include "support.h"

#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER(status)                                                                 \
	"echo "                                                                        \
	"'{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/" \
	"v1\",\"status\":{" status "}}'\n"

static struct api_test test;

static void setup(void)
{
	api_test_init(&test);
	api_test_serve(&test, NULL, false, NULL);
}

static void teardown(void)
{
	api_test_done(&test);
}

static char **list_of(const char *first, const char *second)
{
	char **list = memory_alloc(3 * sizeof(*list));
	list[0] = first ? memory_copy_text(first) : NULL;
	list[1] = second ? memory_copy_text(second) : NULL;
	return list;
}

/* The program is a script in the test's directory, run there. NULL: there is none. */
static struct api_access *with_plugin(const char *script)
{
	char path[256];
	auto_text content = {0};
	struct api_access *access = api_test_access(&test, NULL);
	api_test_path(&test, "plugin", path);
	if (script) {
		text_addf(&content, "#!/bin/sh\ncd %s || exit\necho run >>runs\n%s", test.directory, script);
		api_test_put(&test, "plugin", content.bytes);
		ck_assert_int_eq(chmod(path, 0755), 0);
	}
	access->exec = memory_alloc(sizeof(*access->exec));
	access->exec->command = memory_copy_text(path);
	access->exec->arguments = list_of(path, "an argument");
	access->exec->environment = list_of("PLUGIN_SAYS=hello there", NULL);
	access->exec->api_version = memory_copy_text("client.authentication.k8s.io/v1");
	access->exec->install_hint = memory_copy_text("install it with apt");
	return access;
}

static void open_with(const char *script, int64_t exec_limit_ms)
{
	const struct api_client_options options = {.user_agent = "test", .exec_limit_ms = exec_limit_ms};
	api_test_open(&test, with_plugin(script), &options);
}

/* How often the plug-in ran. */
static size_t count_runs(void)
{
	char path[256];
	char *content = read_test_file(api_test_path(&test, "runs", path));
	size_t count = strlen(content) / strlen("run\n");
	free(content);
	return count;
}

static void check_file(const char *name, const char *wanted)
{
	char path[256];
	char *content = read_test_file(api_test_path(&test, name, path));
	ck_assert_texts(name, wanted, content);
	free(content);
}

START_TEST(the_token_of_a_plug_in_is_sent_and_kept)
{
	open_with(ANSWER("\"token\":\"from-plugin\""), 0);
	for (int i = 0; i < 3; i++)
		api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Bearer from-plugin\n"), 3);
	ck_assert_uint_eq(count_runs(), 1);
}
END_TEST

START_TEST(requests_wait_for_one_run_of_the_plug_in)
{
	open_with("sleep 0.1\n" ANSWER("\"token\":\"t\""), 0);
	for (int i = 0; i < 4; i++)
		api_test_ask(&test, "/hello");
	api_test_finish(&test);
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Bearer t\n"), 4);
	ck_assert_uint_eq(count_runs(), 1);
}
END_TEST

START_TEST(a_plug_in_gets_its_arguments_environment_and_question_and_nothing_else)
{
	enum { INHERITABLE = 77 };
	char path[256];
	ck_assert_int_eq(dup2(STDERR_FILENO, INHERITABLE), INHERITABLE);
	open_with("echo \"$1 $PLUGIN_SAYS\" >said\nprintf %s \"$KUBERNETES_EXEC_INFO\" >info\ncat >input\n"
	          "ls /proc/$$/fd >descriptors\nps -o pgid= -p $$ >group\necho $$ >pid\n" ANSWER(
	                  "\"token\":\"t\""),
	          0);
	api_test_get(&test, "/hello");
	close(INHERITABLE);
	ck_assert_int_eq(test.status, 200);
	check_file("said", "an argument hello there\n");
	check_file(
	        "info",
	        "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{"
	        "\"interactive\":false}}");
	check_file("input", "");
	char *pid = read_test_file(api_test_path(&test, "pid", path));
	char *group = read_test_file(api_test_path(&test, "group", path));
	ck_assert_int_eq(atoi(group), atoi(pid));
	/* The shell has some of its own. */
	char *descriptors = read_test_file(api_test_path(&test, "descriptors", path));
	ck_assert_ptr_nonnull(strstr(descriptors, "2\n"));
	ck_assert_ptr_null(strstr(descriptors, "77\n"));
	free(pid);
	free(group);
	free(descriptors);
}
END_TEST

START_TEST(a_plug_in_hears_of_the_cluster_if_it_wants_to)
{
	char wanted[512];
	struct api_access *access =
	        with_plugin("printf %s \"$KUBERNETES_EXEC_INFO\" >info\n" ANSWER("\"token\":\"t\""));
	access->exec->provide_cluster_info = true;
	access->exec->cluster_config = memory_copy_text("{\"audience\":\"x\"}");
	access->authority.bytes = memory_copy_text("-----BEGIN X-----\n");
	access->authority.length = strlen(access->authority.bytes);
	snprintf(wanted, sizeof(wanted),
	         "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{"
	         "\"interactive\":false,\"cluster\":{\"server\":\"%s\",\"certificate-authority-data\":"
	         "\"LS0tLS1CRUdJTiBYLS0tLS0K\",\"config\":{\"audience\":\"x\"}}}}",
	         access->server);
	api_test_open(&test, access, NULL);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
	check_file("info", wanted);
}
END_TEST

START_TEST(a_plug_in_on_the_path_is_found)
{
	struct api_access *access = with_plugin(ANSWER("\"token\":\"t\""));
	auto_text path = {0};
	text_addf(&path, "/no-such-directory::%s:%s", test.directory, getenv("PATH"));
	setenv("PATH", path.bytes, 1);
	api_test_set(&access->exec->command, "plugin");
	api_test_open(&test, access, NULL);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
}
END_TEST

START_TEST(an_answer_is_used_until_it_expires)
{
	open_with(ANSWER("\"token\":\"t\",\"expirationTimestamp\":\"2099-01-01T00:00:00Z\""), 0);
	api_test_get(&test, "/hello");
	api_test_get(&test, "/hello");
	ck_assert_uint_eq(count_runs(), 1);
}
END_TEST

START_TEST(an_answer_that_has_expired_is_asked_for_again)
{
	open_with(ANSWER("\"token\":\"t\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\""), 0);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
	ck_assert_uint_eq(count_runs(), 2);
}
END_TEST

START_TEST(a_refused_token_is_asked_for_again)
{
	open_with("echo x >>tokens\n"
	          "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
	          "\"status\":{\"token\":\"number-'$(grep -c x tokens)'\"}}'\n",
	          0);
	api_test_get(&test, "/unauthorized");
	ck_assert_int_eq(test.status, 401);
	api_test_get(&test, "/hello");
	api_test_get(&test, "/hello");
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Bearer number-1\n"), 1);
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Bearer number-2\n"), 2);
}
END_TEST

static void check_failure(int64_t limit_ms, const char *script, int error, const char *wanted)
{
	auto_text got = {0};
	open_with(script, limit_ms);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.error, error);
	/* The server's URL in front and the directory of the plug-in differ from run to run. */
	const char *sentence = text_string(&test.sentence), *found;
	size_t server = strlen(api_client_server(test.client));
	ck_assert_msg(strncmp(sentence, api_client_server(test.client), server) == 0, "%s", sentence);
	sentence += server;
	if ((found = strstr(sentence, test.directory))) {
		text_add_bytes(&got, sentence, (size_t)(found - sentence));
		text_add(&got, ".");
		sentence = found + strlen(test.directory);
	}
	text_add(&got, sentence);
	ck_assert_texts(script ? script : "none", wanted, text_string(&got));
	ck_assert_uint_eq(api_test_count(&test, "GET"), 0);
}

static const struct {
	const char *script;
	int error;
	const char *wanted;
} FAILURES[] = {
        {NULL, -ENOENT,
         ": the credential plug-in ./plugin cannot be run: No such file or directory; install it with apt"},
        {"exit 3\n", -EACCES, ": the credential plug-in ./plugin failed with exit status 3"},
        {"echo; echo 'no cloud\ttoday' >&2; exit 1\n", -EACCES,
         ": the credential plug-in ./plugin failed with exit status 1; it said: no cloud today"},
        {"kill -TERM $$\n", -EACCES, ": the credential plug-in ./plugin was ended by signal 15"},
        {"yes\n", -EFBIG, ": the credential plug-in ./plugin wrote more than 1024 KiB and was ended"},
#define UNUSABLE ": the answer of the credential plug-in ./plugin cannot be used: "
        {"echo garbage\n", -EBADMSG, UNUSABLE "it is no JSON object"},
        {"true\n", -EBADMSG, UNUSABLE "it is no JSON object"},
        {"echo '{}'\n", -EBADMSG, UNUSABLE "its kind is not ExecCredential"},
        {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}'\n",
         -EBADMSG, UNUSABLE "its apiVersion is not the one that the kubeconfig names"},
        {ANSWER(""), -EBADMSG, UNUSABLE "status has neither a token nor a clientCertificateData"},
        {ANSWER("\"token\":\"a b\""), -EBADMSG,
         UNUSABLE "status.token must be one line of printable characters"},
        {ANSWER("\"clientCertificateData\":\"x\""), -EBADMSG,
         UNUSABLE "status.clientCertificateData and status.clientKeyData must come together"},
        {ANSWER("\"token\":\"t\",\"expirationTimestamp\":\"tomorrow\""), -EBADMSG,
         UNUSABLE "status.expirationTimestamp must be a time such as 2006-01-02T15:04:05Z"},
};

START_TEST(every_failure_of_a_plug_in_is_told)
{
	check_failure(0, FAILURES[_i].script, FAILURES[_i].error, FAILURES[_i].wanted);
}
END_TEST

START_TEST(a_slow_plug_in_is_ended_with_all_its_children)
{
	check_failure(
	        300, "echo working >&2\nsleep 1000 & echo $! >child\nwait\n", -ETIMEDOUT,
	        ": the credential plug-in ./plugin gave no credentials within 0.3 s and was ended; it said: "
	        "working");
	char path[256];
	char *child = read_test_file(api_test_path(&test, "child", path));
	/* It is gone, or a zombie until who inherited it has looked. */
	snprintf(path, sizeof(path), "/proc/%d/cmdline", atoi(child));
	free(child);
	for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++) {
		auto_text arguments = {0};
		if (text_read_file(path, 1000, &arguments) < 0 || !arguments.length)
			return;
		usleep(10000);
	}
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(after_a_failure_the_next_request_runs_the_plug_in_again)
{
	open_with("if [ ! -e once ]; then touch once; exit 1; fi\n" ANSWER("\"token\":\"t\""), 0);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.error, -EACCES);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
}
END_TEST

START_TEST(what_a_plug_in_leaves_behind_is_not_waited_for)
{
	open_with(ANSWER("\"token\":\"t\"") "sleep 5 &\n", 0);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
}
END_TEST

START_TEST(a_client_is_closed_while_a_plug_in_runs)
{
	open_with("echo $$ >pid.new; mv pid.new pid; exec sleep 1000\n", 0);
	api_test_ask(&test, "/hello");
	char path[256];
	api_test_path(&test, "pid", path);
	while (access(path, F_OK) < 0) {
		event_base_loop(test.base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	char *pid = read_test_file(path);
	api_client_close(test.client);
	test.client = NULL;
	/* Killed and reaped: not even a zombie. */
	ck_assert_int_eq(kill(atoi(pid), 0), -1);
	ck_assert_int_eq(errno, ESRCH);
	free(pid);
}
END_TEST

static Suite *exec_plugin_suite(void)
{
	Suite *suite = suite_create("source/exec_plugin");
	TCase *running = tcase_create("running");
	tcase_set_timeout(running, 150);
	tcase_add_checked_fixture(running, setup, teardown);
	tcase_add_test(running, the_token_of_a_plug_in_is_sent_and_kept);
	tcase_add_test(running, requests_wait_for_one_run_of_the_plug_in);
	tcase_add_test(running, a_plug_in_gets_its_arguments_environment_and_question_and_nothing_else);
	tcase_add_test(running, a_plug_in_hears_of_the_cluster_if_it_wants_to);
	tcase_add_test(running, a_plug_in_on_the_path_is_found);
	tcase_add_test(running, an_answer_is_used_until_it_expires);
	tcase_add_test(running, an_answer_that_has_expired_is_asked_for_again);
	tcase_add_test(running, a_refused_token_is_asked_for_again);
	tcase_add_loop_test(running, every_failure_of_a_plug_in_is_told, 0,
	                    (int)(sizeof(FAILURES) / sizeof(*FAILURES)));
	tcase_add_test(running, a_slow_plug_in_is_ended_with_all_its_children);
	tcase_add_test(running, after_a_failure_the_next_request_runs_the_plug_in_again);
	tcase_add_test(running, what_a_plug_in_leaves_behind_is_not_waited_for);
	tcase_add_test(running, a_client_is_closed_while_a_plug_in_runs);
	suite_add_tcase(suite, running);
	return suite;
}

int main(void)
{
	return run_suite(exec_plugin_suite());
}
