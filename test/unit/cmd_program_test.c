/*
 * The program as it is typed: exit status, and what it prints on both outputs.
 */
#include "support.h"
#include "test_directory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[TEST_DIRECTORY_SIZE];

static void make_directory(void)
{
	test_directory_make(directory);
	ck_assert_int_eq(chmod(directory, 0755), 0);
	test_directory_put(directory, "web.yaml",
	                   "apiVersion: v1\n"
	                   "kind: Service\n"
	                   "metadata:\n"
	                   "  name: web\n"
	                   "  annotations: {kube-ipvs.io/scheduler: fastest}\n"
	                   "spec:\n"
	                   "  type: NodePort\n"
	                   "  clusterIP: 10.96.0.10\n"
	                   "  ports:\n"
	                   "  - {name: http, port: 80, nodePort: 30080}\n"
	                   "---\n"
	                   "apiVersion: discovery.k8s.io/v1\n"
	                   "kind: EndpointSlice\n"
	                   "addressType: IPv4\n"
	                   "metadata:\n"
	                   "  name: web-1\n"
	                   "  labels: {kubernetes.io/service-name: web}\n"
	                   "ports:\n"
	                   "- {name: http, port: 8080}\n"
	                   "endpoints:\n"
	                   "- addresses: [10.244.1.2]\n"
	                   "- addresses: [10.244.1.10]\n"
	                   "  conditions: {ready: false}\n"
	                   "- addresses: [10.244.1.1]\n");
}

static void remove_directory(void)
{
	test_directory_remove(directory);
}

/* Runs "PROGRAM ARGUMENTS"; @ in the arguments is the directory of manifests. Returns the exit status. */
static int run_program(const char *program, const char *arguments, char *output, size_t size)
{
	char command[1024];
	size_t length = (size_t)snprintf(command, sizeof(command), "%s ", program);
	for (; *arguments != '\0' && length < sizeof(command) - 64; arguments++)
		if (*arguments == '@')
			length += (size_t)snprintf(command + length, 64, "%s", directory);
		else
			command[length++] = *arguments;
	command[length] = '\0';
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	size_t got = fread(output, 1, size - 1, pipe);
	output[got] = '\0';
	int status = pclose(pipe);
	ck_assert_msg(WIFEXITED(status), "%s did not exit: %s", command, output);
	return WEXITSTATUS(status);
}

static int run(const char *arguments, char *output, size_t size)
{
	return run_program(KUBE_IPVS_BINARY, arguments, output, size);
}

#define IN_DIRECTORY "--manifests @ --hostname-override n1 --node-addresses 192.0.2.10 "

static const struct {
	const char *arguments;
	int status;
	const char *beginning; /* of both outputs together */
} cases[] = {
        {"2>&1", 1, "Usage: kube-ipvs COMMAND [flags]\n"},
        {"help 2>&1", 0, "Usage: kube-ipvs COMMAND [flags]\n"},
        {"--help 2>&1", 0, "Usage: kube-ipvs COMMAND [flags]\n"},
        {"help plan 2>&1", 0, "Usage: kube-ipvs plan --manifests PATH [flags]\n"},
        {"plan --help 2>&1", 0, "Usage: kube-ipvs plan --manifests PATH [flags]\n"},
        {"proxy -h 2>&1", 0, "Usage: kube-ipvs [proxy] [flags]\n"},
        {"help bogus 2>&1", 1,
         "kube-ipvs: bogus: there is no such command; \"kube-ipvs help\" lists all of them\n"},
        {"bogus 2>&1", 1,
         "kube-ipvs: bogus: there is no such command; \"kube-ipvs help\" lists all of them\n"},
        {"version 2>&1", 0, "kube-ipvs " KUBE_IPVS_VERSION "\n"},
        {"--version 2>&1", 0, "kube-ipvs " KUBE_IPVS_VERSION "\n"},
        {"version --short 2>&1", 1, "kube-ipvs: version: this command takes no flags\n"},
        {"--proxy-mode=iptables 2>&1", 1,
         "kube-ipvs: --proxy-mode: \"iptables\" is not what this program does: "},
        {"proxy --mode=userspace 2>&1", 1,
         "kube-ipvs: --mode: \"userspace\" is not what this program does: "},
        {"--proxy-mode=ipvs 2>&1", 1,
         "neither --kubeconfig nor --master is given, and this is no pod of a cluster"},
        {"--mode=ipvs --manifests @ --ipvs-sync-period 0s 2>&1", 1,
         "kube-ipvs: --ipvs-sync-period: it must be longer than 0s; the usual is 30s\n"},
        {"--manifests @ --ipvs-sync-period 1s --ipvs-min-sync-period 2s 2>&1", 1,
         "kube-ipvs: --ipvs-min-sync-period: it must not be longer than --ipvs-sync-period\n"},
        {"--manifests @ --hostname-override ' ' 2>&1", 1,
         "kube-ipvs: --hostname-override: the name is blank; give the node's name, or leave it out to use "
         "the "
         "host name\n"},
        {"plan 2>&1", 1,
         "kube-ipvs: --manifests: there is nothing to plan for; name a directory of manifests, or a file\n"},
        {"plan --manifests @ --diff -o save 2>&1", 1,
         "kube-ipvs: --output: --diff prints text or json, not save\n"},
        {"plan --manifests @ -o table 2>&1", 1,
         "kube-ipvs: --output: \"table\" is not a format: give text, json or save\n"},
        {"plan --manifests @/nowhere 2>&1", 1, "kube-ipvs: "},
        {"plan " IN_DIRECTORY "-o save 2>/dev/null", 0,
         "-A -t 10.96.0.10:80 -s rr\n"
         "-a -t 10.96.0.10:80 -r 10.244.1.1:8080 -m -w 1\n"
         "-a -t 10.96.0.10:80 -r 10.244.1.2:8080 -m -w 1\n"
         "-A -t 192.0.2.10:30080 -s rr\n"
         "-a -t 192.0.2.10:30080 -r 10.244.1.1:8080 -m -w 1\n"
         "-a -t 192.0.2.10:30080 -r 10.244.1.2:8080 -m -w 1\n"},
        {"plan " IN_DIRECTORY "--nodeport-addresses 198.51.100.0/24 -o save 2>/dev/null | grep -- '^-A'", 0,
         "-A -t 10.96.0.10:80 -s rr\n"},
        {"plan " IN_DIRECTORY "--ipvs-scheduler mh -o save 2>/dev/null | grep -- '^-A'", 0,
         "-A -t 10.96.0.10:80 -s mh -b mh-port\n"},
        {"plan " IN_DIRECTORY "-o save 2>&1 >/dev/null", 0,
         "kube-ipvs: warning: default/web: annotation kube-ipvs.io/scheduler asks for \"fastest\""},
        {"plan " IN_DIRECTORY ">/dev/full 2>/dev/null", 1, ""},
        {"list --rate 2>&1", 1, "kube-ipvs: --rate: there is no such flag; --help lists all of them\n"},
        {"cleanup everything 2>&1", 1,
         "kube-ipvs: everything: this command takes flags only; --help lists them\n"},
};

START_TEST(what_is_typed_is_answered)
{
	char output[16384];
	int status = run(cases[_i].arguments, output, sizeof(output));
	output[strnlen(output, strlen(cases[_i].beginning))] = '\0';
	ck_assert_texts(cases[_i].arguments, cases[_i].beginning, output);
	ck_assert_int_eq(status, cases[_i].status);
}
END_TEST

/* As nobody, with a copy of the program: the build directory may be one that only root can enter. */
static int plan_as_nobody(void)
{
	char output[4096], program[128];
	snprintf(program, sizeof(program), "%s/kube-ipvs", directory);
	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 99;
	int status = run_program(program, "plan --manifests @ --hostname-override n1 -o save 2>&1", output,
	                         sizeof(output));
	if (status != 0)
		fprintf(stderr, "%s", output);
	return status;
}

START_TEST(a_plan_is_made_without_root)
{
	char command[512];
	snprintf(command, sizeof(command), "cp %s %s/kube-ipvs", KUBE_IPVS_BINARY, directory);
	ck_assert_int_eq(system(command), 0);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(plan_as_nobody());
	int status = 0;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_broken_file_fails_the_plan_and_the_others_are_planned_all_the_same)
{
	char output[16384];
	test_directory_put(
	        directory, "broken.yaml",
	        "kind: Service\napiVersion: v1\nmetadata: {name: x}\nspec:\n  clusterIP: 10.96.0.11\n"
	        "  ports:\n  - port: 70000\n");
	ck_assert_int_eq(run("plan " IN_DIRECTORY "-o save 2>/dev/null", output, sizeof(output)), 1);
	ck_assert_ptr_nonnull(strstr(output, "-A -t 10.96.0.10:80 -s rr\n"));
	ck_assert_int_eq(run("plan " IN_DIRECTORY
	                     "2>&1 >/dev/null | grep -c 'broken.yaml:7: spec.ports\\[0\\].port: '",
	                     output, sizeof(output)),
	                 0);
	ck_assert_str_eq(output, "1\n");
}
END_TEST

START_TEST(a_plan_as_json_has_everything)
{
	char output[16384];
	json_error_t error;
	const char *address, *service, *scheduler, *protocol, *real_address, *forwarding, *held;
	int port, real_port, weight, persistence;
	ck_assert_int_eq(run("plan " IN_DIRECTORY "-o json 2>/dev/null", output, sizeof(output)), 0);
	json_t *plan = json_loads(output, 0, &error);
	ck_assert_msg(plan != NULL, "line %d: %s", error.line, error.text);
	const json_t *first = json_array_get(json_object_get(plan, "virtualServers"), 0);
	ck_assert_int_eq(json_unpack_ex((json_t *)first, &error, 0,
	                                "{s:s, s:i, s:s, s:s, s:s, s:[], s:i, s:[{s:s, s:i, s:i, s:s}]}",
	                                "address", &address, "port", &port, "protocol", &protocol, "service",
	                                &service, "scheduler", &scheduler, "flags", "persistenceSeconds",
	                                &persistence, "realServers", "address", &real_address, "port",
	                                &real_port, "weight", &weight, "forwarding", &forwarding),
	                 0);
	ck_assert_str_eq(address, "10.96.0.10");
	ck_assert_int_eq(port, 80);
	ck_assert_str_eq(protocol, "TCP");
	ck_assert_str_eq(service, "default/web:http");
	ck_assert_str_eq(scheduler, "rr");
	ck_assert_int_eq(persistence, 0);
	ck_assert_str_eq(real_address, "10.244.1.1");
	ck_assert_int_eq(real_port, 8080);
	ck_assert_int_eq(weight, 1);
	ck_assert_str_eq(forwarding, "masquerade");
	ck_assert_int_eq(json_unpack(plan, "{s:[s]}", "addresses", &held), 0);
	ck_assert_str_eq(held, "10.96.0.10/32");
	ck_assert_uint_eq(json_array_size(json_object_get(plan, "virtualServers")), 2);
	ck_assert_uint_gt(json_array_size(json_object_get(plan, "filter")), 0);
	json_decref(plan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd program");
	TCase *tests = tcase_create("program");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, make_directory, remove_directory);
	tcase_add_loop_test(tests, what_is_typed_is_answered, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tests, a_plan_is_made_without_root);
	tcase_add_test(tests, a_broken_file_fails_the_plan_and_the_others_are_planned_all_the_same);
	tcase_add_test(tests, a_plan_as_json_has_everything);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
