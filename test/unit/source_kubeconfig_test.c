/*
 * Kubeconfigs as people and programs write them: what is read, and how each mistake is refused.
 */
#include "base/text.h"
#include "source/api_access.h"
#include "support.h"
#include "test_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEM64       "LS0tLS1CRUdJTiBYLS0tLS0K" /* "-----BEGIN X-----" and a line end */
#define HEAD        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
#define CONTEXT     "contexts: [{name: other}, {name: c, context: {cluster: k, user: u}}]\n"
#define CLUSTER(of) "clusters: [{name: k, cluster: {" of "}}]\n"
#define USER(of)    "users:\n- name: u\n  user: {" of "}\n"
#define SERVER      CLUSTER("server: 'https://192.0.2.1:6443'")

static char directory[TEST_DIRECTORY_SIZE];

static void setup(void)
{
	test_directory_make(directory);
}

static void teardown(void)
{
	test_directory_remove(directory);
}

static void put(const char *name, const char *content)
{
	test_directory_put(directory, name, content);
}

static int read_with(const char *content, const char *master, struct api_access **ret_access,
                     struct fault *fault)
{
	char path[256];
	put("config", content);
	const struct api_access_options options = {
	        .kubeconfig = test_directory_path(directory, "config", path), .master = master};
	return api_access_read(&options, ret_access, fault);
}

/* What was made in the temporary directory is told as if that were ".". */
static void add_without_directory(struct text *text, const char *string)
{
	const char *found;
	while ((found = strstr(string, directory))) {
		text_add_bytes(text, string, (size_t)(found - string));
		text_add(text, ".");
		string = found + strlen(directory);
	}
	text_add(text, string);
}

static void print_text(struct text *text, const char *name, const char *value)
{
	if (!value)
		return;
	text_addf(text, "%s ", name);
	add_without_directory(text, value);
	text_add(text, "\n");
}

static void print_exec(struct text *text, const struct api_exec_plugin *exec)
{
	print_text(text, "command", exec->command);
	for (char **argument = exec->arguments; *argument; argument++)
		print_text(text, "argument", *argument);
	for (char **variable = exec->environment; *variable; variable++)
		print_text(text, "variable", *variable);
	print_text(text, "api-version", exec->api_version);
	print_text(text, "hint", exec->install_hint);
	print_text(text, "cluster-config", exec->cluster_config);
	if (exec->provide_cluster_info)
		text_add(text, "cluster-info\n");
}

static void print_access(struct text *text, const struct api_access *access)
{
	print_text(text, "server", access->server);
	print_text(text, "authority", access->authority.file);
	print_text(text, "authority-bytes", access->authority.bytes);
	print_text(text, "certificate", access->certificate.file);
	print_text(text, "certificate-bytes", access->certificate.bytes);
	print_text(text, "key", access->key.file);
	print_text(text, "key-bytes", access->key.bytes);
	print_text(text, "token", access->token);
	print_text(text, "token-file", access->token_file);
	print_text(text, "username", access->username);
	print_text(text, "password", access->password);
	print_text(text, "server-name", access->server_name);
	print_text(text, "proxy", access->proxy_url);
	if (access->insecure)
		text_add(text, "insecure\n");
	if (access->plain_answers)
		text_add(text, "plain-answers\n");
	if (access->in_cluster)
		text_add(text, "in-cluster\n");
	if (access->exec)
		print_exec(text, access->exec);
	for (size_t i = 0; i < access->warning_count; i++)
		print_text(text, "warning", access->warnings[i]);
}

/* What came of it: the access, or the refusal. */
static void check_result(int result, struct api_access *access, const struct fault *fault, const char *what,
                         const char *wanted)
{
	auto_text got = {0};
	char line[FAULT_TEXT_SIZE];
	if (result == 0)
		print_access(&got, access);
	else
		add_without_directory(&got, fault_format(fault, line));
	ck_assert_texts(what, wanted, text_string(&got));
	if (result == 0)
		api_access_free(access);
}

static void check_read(const char *content, const char *master, const char *wanted)
{
	struct fault fault = {0};
	struct api_access *access = NULL;
	int result = read_with(content, master, &access, &fault);
	check_result(result, access, &fault, content, wanted);
}

START_TEST(the_current_context_leads_to_cluster_and_user)
{
	check_read(HEAD CONTEXT "clusters: [{name: x, cluster: {server: 'https://x'}}, {name: k, cluster: "
	                        "{server: 'https://192.0.2.1:6443/'}}]\n" USER("token: secret"),
	           NULL, "server https://192.0.2.1:6443\ntoken secret\n");
}
END_TEST

START_TEST(a_kubeconfig_in_json_is_read)
{
	check_read(
	        "{\"kind\": \"Config\", \"apiVersion\": \"v1\", \"current-context\": \"c\",\n"
	        "\"contexts\": [{\"name\": \"c\", \"context\": {\"cluster\": \"k\"}}],\n"
	        "\"clusters\": [{\"name\": \"k\", \"cluster\": {\"server\": \"https://[fd00::1]:6443\"}}]}",
	        NULL, "server https://[fd00::1]:6443\n");
}
END_TEST

START_TEST(certificates_come_from_data_or_from_files_beside_the_kubeconfig)
{
	put("client.crt", "-----BEGIN CERTIFICATE-----\n");
	put("client.key", "-----BEGIN PRIVATE KEY-----\n");
	check_read(HEAD CONTEXT CLUSTER("server: 'https://k', certificate-authority-data: " PEM64)
	                   USER("client-certificate: client.crt, client-key: ./client.key"),
	           NULL,
	           "server https://k\nauthority-bytes -----BEGIN X-----\n\ncertificate ./client.crt\n"
	           "key ././client.key\n");
}
END_TEST

START_TEST(data_wins_over_a_file_with_a_warning)
{
	check_read(
	        HEAD CONTEXT SERVER USER("client-certificate: no-such-file, client-certificate-data: " PEM64
	                                 ", client-key-data: " PEM64),
	        NULL,
	        "server https://192.0.2.1:6443\ncertificate-bytes -----BEGIN X-----\n\n"
	        "key-bytes -----BEGIN X-----\n\n"
	        "warning ./config:8: users[0].user.client-certificate: client-certificate-data is given too, "
	        "and "
	        "is what counts\n");
}
END_TEST

/* As kubeadm writes it for kube-proxy. */
START_TEST(the_kubeconfig_of_the_daemon_set_is_read)
{
	put("ca.crt", "-----BEGIN CERTIFICATE-----\n");
	put("token", "t\n");
	check_read("apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    certificate-authority: ca.crt\n"
	           "    server: https://192.0.2.1:6443\n  name: default\ncontexts:\n- context:\n"
	           "    cluster: default\n    namespace: default\n    user: default\n  name: default\n"
	           "current-context: default\nusers:\n- name: default\n  user:\n    tokenFile: token\n",
	           NULL, "server https://192.0.2.1:6443\nauthority ./ca.crt\ntoken-file ./token\n");
}
END_TEST

START_TEST(all_that_a_cluster_can_say_is_read)
{
	check_read(HEAD CONTEXT CLUSTER(
	                   "server: 'https://k', tls-server-name: kubernetes.default.svc, proxy-url: "
	                   "'http://192.0.2.9:3128', disable-compression: true")
	                   USER("username: me, password: '1:2'"),
	           NULL,
	           "server https://k\nusername me\npassword 1:2\nserver-name kubernetes.default.svc\n"
	           "proxy http://192.0.2.9:3128\nplain-answers\n");
}
END_TEST

START_TEST(a_server_that_is_not_checked_gets_a_warning)
{
	check_read(HEAD CONTEXT CLUSTER("server: 'https://k', insecure-skip-tls-verify: true") USER(""), NULL,
	           "server https://k\ninsecure\n"
	           "warning ./config:5: clusters[0].cluster.insecure-skip-tls-verify: the server's "
	           "certificate is not "
	           "checked, so whoever is on the way can stand in for it; give its certificate-authority "
	           "instead\n");
}
END_TEST

START_TEST(a_plug_in_is_read)
{
	check_read(
	        HEAD CONTEXT "clusters: [{name: k, cluster: {server: 'https://k', extensions: [{name: "
	                     "client.authentication.k8s.io/exec, extension: {a: 1}}]}}]\n" USER(
	                             "exec: {command: ./bin/get-token, args: [one, 'two three'], env: "
	                             "[{name: A, value: b}], "
	                             "apiVersion: client.authentication.k8s.io/v1, installHint: 'get it', "
	                             "provideClusterInfo: true, interactiveMode: IfAvailable}"),
	        NULL,
	        "server https://k\ncommand ././bin/get-token\nargument ././bin/get-token\nargument one\n"
	        "argument two three\nvariable A=b\napi-version client.authentication.k8s.io/v1\nhint get it\n"
	        "cluster-config {\"a\":1}\ncluster-info\n");
}
END_TEST

START_TEST(unknown_and_doubled_fields_get_a_warning)
{
	check_read(
	        HEAD CONTEXT SERVER USER("token: a, tokne: b, token: c"), NULL,
	        "server https://192.0.2.1:6443\ntoken c\n"
	        "warning ./config:8: users[0].user.token: stands twice; the last one counts\n"
	        "warning ./config:8: users[0].user.tokne: no such field is known; it means nothing here\n");
}
END_TEST

START_TEST(credentials_over_plain_http_get_a_warning)
{
	check_read(HEAD CONTEXT CLUSTER("server: 'http://k'") USER("token: t"), NULL,
	           "server http://k\ntoken t\nwarning http://k: the credentials travel in the clear; use "
	           "https\n");
}
END_TEST

START_TEST(a_master_stands_in_for_the_server)
{
	check_read(HEAD CONTEXT CLUSTER("server: 'https://k'") USER("token: t"), "https://192.0.2.2:443/",
	           "server https://192.0.2.2:443\ntoken t\n");
	check_read(HEAD CONTEXT CLUSTER("certificate-authority-data: " PEM64) USER(""), "192.0.2.2:6443",
	           "server https://192.0.2.2:6443\nauthority-bytes -----BEGIN X-----\n\n");
	check_read(
	        HEAD CONTEXT SERVER USER(""), "ftp://x",
	        "--master: \"ftp://x\": must begin with https:// (or http://), as in https://192.0.2.1:6443");
}
END_TEST

static void check_in_cluster(const char *master, const char *wanted)
{
	struct fault fault = {0};
	struct api_access *access = NULL;
	const struct api_access_options options = {.master = master, .service_account_directory = directory};
	int result = api_access_read(&options, &access, &fault);
	check_result(result, access, &fault, "in-cluster", wanted);
}

START_TEST(a_master_alone_is_enough)
{
	check_in_cluster("127.0.0.1:8080", "server http://127.0.0.1:8080\n");
	check_in_cluster("https://k/", "server https://k\n");
}
END_TEST

START_TEST(a_pod_uses_its_service_account)
{
	put("token", "t\n");
	put("ca.crt", "-----BEGIN CERTIFICATE-----\n");
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	check_in_cluster(
	        NULL, "server https://10.96.0.1:443\nauthority ./ca.crt\ntoken-file ./token\nin-cluster\n");
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	check_in_cluster(
	        "", "server https://[fd00::1]:443\nauthority ./ca.crt\ntoken-file ./token\nin-cluster\n");
}
END_TEST

START_TEST(a_pod_without_an_authority_gets_a_warning)
{
	put("token", "t\n");
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	check_in_cluster(NULL,
	                 "server https://10.96.0.1:443\ntoken-file ./token\nin-cluster\n"
	                 "warning ./ca.crt: cannot be used (No such file or directory), so the API server's "
	                 "certificate is checked against the authorities of this system\n");
}
END_TEST

START_TEST(what_is_no_pod_is_told_what_to_do)
{
	unsetenv("KUBERNETES_SERVICE_HOST");
	check_in_cluster(NULL,
	                 "neither --kubeconfig nor --master is given, and this is no pod of a cluster "
	                 "(KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set); name a "
	                 "kubeconfig with --kubeconfig, or a directory of manifests with --manifests");
}
END_TEST

START_TEST(a_pod_without_a_token_is_told_so)
{
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	check_in_cluster(
	        NULL, "./token: neither --kubeconfig nor --master is given, and this pod's token cannot be "
	              "used: No such file or directory; is automountServiceAccountToken false?");
	put("token", "\n");
	check_in_cluster(
	        NULL, "./token: neither --kubeconfig nor --master is given, and this pod's token cannot be "
	              "used: it must be one line of printable characters; is automountServiceAccountToken "
	              "false?");
}
END_TEST

START_TEST(a_kubeconfig_that_is_not_there_is_refused)
{
	struct fault fault = {0};
	struct api_access *access = NULL;
	char path[256];
	const struct api_access_options options = {.kubeconfig =
	                                                   test_directory_path(directory, "none", path)};
	ck_assert_int_ne(api_access_read(&options, &access, &fault), 0);
	check_result(1, NULL, &fault, "no file",
	             "./none: the file cannot be read: No such file or directory");
}
END_TEST

static const struct {
	const char *content, *wanted;
} REFUSALS[] = {
        {"apiVersion: v2\n", "./config:1: apiVersion: must be v1, as in every kubeconfig"},
        {"kind: Pod\n", "./config:1: kind: must be Config, as in every kubeconfig"},
        {"kind: Config\n" CONTEXT,
         "./config:1: current-context: is missing; name one of the contexts (\"other\", \"c\")"},
        {"", "./config:1: current-context: is missing; name one of the contexts (none)"},
        {HEAD "contexts: [{name: d}]\n",
         "./config:3: current-context: there is no context \"c\"; contexts in this file: \"d\""},
        {HEAD CONTEXT,
         "./config:4: contexts[1].context.cluster: there is no cluster \"k\"; clusters in this file: "
         "none"},
        {HEAD CONTEXT SERVER,
         "./config:4: contexts[1].context.user: there is no user \"u\"; users in this file: none"},
        {HEAD "contexts: [{name: c, context: {user: u}}]\n",
         "./config:4: contexts[0].context.cluster: is missing; name one of the clusters"},
        {HEAD "contexts: [{name: c, context: 1}]\n",
         "./config:4: contexts[0].context: must be an object with fields of its own"},
        {HEAD CONTEXT CLUSTER("") USER(""),
         "./config:5: clusters[0].cluster.server: is missing; give the API server's URL, such as "
         "https://192.0.2.1:6443"},
        {HEAD CONTEXT CLUSTER("server: 'https://'") USER(""),
         "./config:5: clusters[0].cluster.server: must be a URL such as https://192.0.2.1:6443"},
        {HEAD CONTEXT CLUSTER("server: 7") USER(""),
         "./config:5: clusters[0].cluster.server: must be text; put it in quotes"},
        {HEAD CONTEXT CLUSTER("server: 'https://me@k'") USER(""),
         "./config:5: clusters[0].cluster.server: must have no user and password in it; give them as "
         "username and "
         "password of the user"},
        {HEAD CONTEXT CLUSTER("server: 'https://k?x=1'") USER(""),
         "./config:5: clusters[0].cluster.server: must end with the path: nothing behind ? or #"},
        {HEAD CONTEXT CLUSTER("server: 'https://k', tls-server-name: 'a/b'") USER(""),
         "./config:5: clusters[0].cluster.tls-server-name: must be a host name or an address, such as "
         "kubernetes.default.svc"},
        {HEAD CONTEXT CLUSTER("server: 'https://k', proxy-url: 'gopher://x'") USER(""),
         "./config:5: clusters[0].cluster.proxy-url: must be a URL such as http://192.0.2.1:3128 (http, "
         "https or "
         "socks5)"},
        {HEAD CONTEXT CLUSTER("insecure-skip-tls-verify: 'yes'") USER(""),
         "./config:5: clusters[0].cluster.insecure-skip-tls-verify: must be true or false"},
        {HEAD CONTEXT CLUSTER("insecure-skip-tls-verify: true, certificate-authority-data: " PEM64) USER(""),
         "./config:5: clusters[0].cluster.insecure-skip-tls-verify: cannot be true where a "
         "certificate-authority is "
         "given; remove one of them"},
        {HEAD CONTEXT CLUSTER("certificate-authority-data: 'a*b='") USER(""),
         "./config:5: clusters[0].cluster.certificate-authority-data: must be base64, as \"base64 -w 0 "
         "FILE\" "
         "writes it"},
        {HEAD CONTEXT CLUSTER("certificate-authority-data: aGVsbG8=") USER(""),
         "./config:5: clusters[0].cluster.certificate-authority-data: must be a PEM file (\"-----BEGIN "
         "...\") in "
         "base64"},
        {HEAD CONTEXT CLUSTER("certificate-authority: config") USER(""),
         "./config:5: clusters[0].cluster.certificate-authority: ./config must be a PEM file (\"-----BEGIN "
         "...\")"},
        {HEAD CONTEXT CLUSTER("certificate-authority: none.crt") USER(""),
         "./config:5: clusters[0].cluster.certificate-authority: ./none.crt cannot be read: No such file or "
         "directory"},
        {HEAD CONTEXT SERVER USER("client-certificate-data: " PEM64),
         "./config:8: users[0].user.client-certificate: has no key; give client-key or client-key-data as "
         "well"},
        {HEAD CONTEXT SERVER USER("client-key-data: " PEM64),
         "./config:8: users[0].user.client-key: has no certificate; give client-certificate or "
         "client-certificate-data as well"},
        {HEAD CONTEXT SERVER USER("token: \"a\\nb\""),
         "./config:8: users[0].user.token: must be one line of printable characters"},
        {HEAD CONTEXT SERVER USER("tokenFile: none"),
         "./config:8: users[0].user.tokenFile: ./none cannot be read: No such file or directory"},
        {HEAD CONTEXT SERVER USER("username: a, token: b"),
         "./config:8: users[0].user.username: cannot be used together with a token; remove one of them"},
        {HEAD CONTEXT SERVER USER("password: a"),
         "./config:8: users[0].user.password: has no username; give both or neither"},
        {HEAD CONTEXT SERVER USER("auth-provider: {name: gcp}"),
         "./config:8: users[0].user.auth-provider: is not supported; use exec with a credential plug-in"},
        {HEAD CONTEXT SERVER USER("as: root"), "./config:8: users[0].user.as: is not supported: who we are "
                                               "cannot be changed to somebody else; remove it"},
        {HEAD CONTEXT SERVER USER("exec: {command: x}"),
         "./config:8: users[0].user.exec.apiVersion: must be client.authentication.k8s.io/v1 (or v1beta1), "
         "which "
         "the plug-in has to speak as well"},
#define EXEC(more) HEAD CONTEXT SERVER USER("exec: {apiVersion: client.authentication.k8s.io/v1" more "}")
        {EXEC(""), "./config:8: users[0].user.exec.command: is missing; name the program to run"},
        {EXEC(", command: x, interactiveMode: Always"),
         "./config:8: users[0].user.exec.interactiveMode: is Always, but there is nobody to ask here; use a "
         "plug-in "
         "that works with Never or IfAvailable"},
        {EXEC(", command: x, interactiveMode: Maybe"),
         "./config:8: users[0].user.exec.interactiveMode: must be Never or IfAvailable"},
        {EXEC(", command: x, args: [a, 1]"),
         "./config:8: users[0].user.exec.args[1]: must be text; put it in quotes"},
        {EXEC(", command: x, args: a"), "./config:8: users[0].user.exec.args: must be a list"},
        {EXEC(", command: x, env: [{name: 'a=b', value: c}]"),
         "./config:8: users[0].user.exec.env[0]: must have a name and a value, both text"},
};

START_TEST(every_mistake_is_refused_with_its_place)
{
	check_read(REFUSALS[_i].content, NULL, REFUSALS[_i].wanted);
}
END_TEST

START_TEST(a_file_that_is_too_large_is_refused)
{
	size_t size = ((size_t)4 << 20) + 100;
	char *content = malloc(size + 1);
	memset(content, '#', size);
	content[size] = '\0';
	check_read(content, NULL, "./config: the file is larger than 4194304 bytes, which is no such file");
	free(content);
}
END_TEST

static Suite *kubeconfig_suite(void)
{
	Suite *suite = suite_create("source/kubeconfig");
	TCase *reading = tcase_create("reading");
	tcase_set_timeout(reading, 60);
	tcase_add_checked_fixture(reading, setup, teardown);
	tcase_add_test(reading, the_current_context_leads_to_cluster_and_user);
	tcase_add_test(reading, a_kubeconfig_in_json_is_read);
	tcase_add_test(reading, certificates_come_from_data_or_from_files_beside_the_kubeconfig);
	tcase_add_test(reading, data_wins_over_a_file_with_a_warning);
	tcase_add_test(reading, the_kubeconfig_of_the_daemon_set_is_read);
	tcase_add_test(reading, all_that_a_cluster_can_say_is_read);
	tcase_add_test(reading, a_server_that_is_not_checked_gets_a_warning);
	tcase_add_test(reading, a_plug_in_is_read);
	tcase_add_test(reading, unknown_and_doubled_fields_get_a_warning);
	tcase_add_test(reading, credentials_over_plain_http_get_a_warning);
	tcase_add_test(reading, a_master_stands_in_for_the_server);
	tcase_add_test(reading, a_master_alone_is_enough);
	tcase_add_test(reading, a_pod_uses_its_service_account);
	tcase_add_test(reading, a_pod_without_an_authority_gets_a_warning);
	tcase_add_test(reading, what_is_no_pod_is_told_what_to_do);
	tcase_add_test(reading, a_pod_without_a_token_is_told_so);
	tcase_add_test(reading, a_kubeconfig_that_is_not_there_is_refused);
	tcase_add_loop_test(reading, every_mistake_is_refused_with_its_place, 0,
	                    (int)(sizeof(REFUSALS) / sizeof(*REFUSALS)));
	tcase_add_test(reading, a_file_that_is_too_large_is_refused);
	suite_add_tcase(suite, reading);
	return suite;
}

int main(void)
{
	return run_suite(kubeconfig_suite());
}
