/*
 * Who the server is and who we are to it, seen from a real server: certificates, tokens, names, proxies, HTTP/2.
 */
#include "certificates.h"
#include "relay.h"
#include "source_client.h"
#include "support.h"

#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct api_test test;
static struct relay *relay;

static void setup(void)
{
	static const char *const proxies[] = {"http_proxy",  "https_proxy", "all_proxy", "no_proxy",
	                                      "HTTPS_PROXY", "ALL_PROXY",   "NO_PROXY"};
	for (size_t i = 0; i < sizeof(proxies) / sizeof(*proxies); i++)
		unsetenv(proxies[i]);
	api_test_init(&test);
}

static void teardown(void)
{
	relay_stop(relay);
	relay = NULL;
	api_test_done(&test);
}

/* A TLS server whose certificate is good for that name too, and the access to it. */
static struct api_access *serve_tls(const char *name, const char *client_authority)
{
	api_test_make_certificates(&test, name);
	api_test_serve(&test, NULL, true, client_authority);
	return api_test_access(&test, NULL);
}

static void open_and_get(struct api_access *access)
{
	api_test_open(&test, access, NULL);
	api_test_get(&test, "/hello");
}

/* Ends with the sentence, the server in front. */
static void check_error(int error, const char *wanted)
{
	auto_text whole = {0};
	text_addf(&whole, "%s: %s", api_client_server(test.client), wanted);
	ck_assert_texts("sentence", whole.bytes, text_string(&test.sentence));
	ck_assert_int_eq(test.error, error);
	ck_assert_int_eq(test.status, 0);
	ck_assert_uint_eq(api_test_count(&test, "GET"), 0);
}

/* ---- the server's certificate */

START_TEST(a_server_of_the_given_authority_is_trusted)
{
	open_and_get(serve_tls(NULL, NULL));
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
}
END_TEST

START_TEST(an_authority_in_the_kubeconfig_itself_serves_as_well)
{
	char path[256];
	struct api_access *access = serve_tls(NULL, NULL);
	access->authority.bytes = read_test_file(api_test_path(&test, "ca.crt", path));
	access->authority.length = strlen(access->authority.bytes);
	api_test_set(&access->authority.file, "/no/such/file");
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
}
END_TEST

START_TEST(a_server_of_another_authority_is_refused)
{
	struct api_access *access = serve_tls(NULL, NULL);
	api_test_set_file(&test, &access->authority.file, "other-ca.crt");
	open_and_get(access);
	check_error(-EKEYREJECTED, "the server's certificate is not signed by the given authority; is the "
	                           "certificate-authority that of this cluster?");
}
END_TEST

START_TEST(without_an_authority_those_of_the_system_count)
{
	struct api_access *access = serve_tls(NULL, NULL);
	free(access->authority.file);
	access->authority.file = NULL;
	open_and_get(access);
	ck_assert_int_eq(test.error, -EKEYREJECTED);
}
END_TEST

START_TEST(an_insecure_access_checks_nothing)
{
	struct api_access *access = serve_tls(NULL, NULL);
	free(access->authority.file);
	access->authority.file = NULL;
	access->insecure = true;
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
}
END_TEST

START_TEST(an_authority_that_is_no_certificate_is_told)
{
	struct api_access *access = serve_tls(NULL, NULL);
	api_test_put(&test, "ca.crt", "-----BEGIN CERTIFICATE-----\nnonsense\n");
	open_and_get(access);
	ck_assert_int_eq(test.error, -EKEYREJECTED);
	ck_assert_ptr_nonnull(
	        strstr(text_string(&test.sentence), ": the certificate authority cannot be used"));
}
END_TEST

START_TEST(an_authority_file_that_is_away_is_told)
{
	char wanted[400], path[256];
	struct api_access *access = serve_tls(NULL, NULL);
	api_test_set_file(&test, &access->authority.file, "none.crt");
	snprintf(wanted, sizeof(wanted),
	         "the certificate authority %s cannot be read: No such file or directory",
	         api_test_path(&test, "none.crt", path));
	open_and_get(access);
	check_error(-ENOENT, wanted);
}
END_TEST

START_TEST(an_authority_that_was_exchanged_is_used_by_the_next_connection)
{
	open_and_get(serve_tls(NULL, NULL));
	ck_assert_int_eq(test.status, 200);
	char from[256], to[256];
	rename(api_test_path(&test, "other-ca.crt", from), api_test_path(&test, "ca.crt", to));
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.error, -EKEYREJECTED);
}
END_TEST

START_TEST(a_server_that_speaks_no_tls_is_told)
{
	api_test_serve(&test, NULL, false, NULL);
	struct api_access *access = api_test_access(&test, NULL);
	char url[64];
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", web_server_port(test.server));
	api_test_set(&access->server, url);
	open_and_get(access);
	ck_assert_int_eq(test.error, -EPROTO);
	ck_assert_ptr_nonnull(
	        strstr(text_string(&test.sentence), ": no TLS connection: does this port speak TLS?"));
}
END_TEST

/* ---- tls-server-name */

START_TEST(the_tls_server_name_is_asked_for_and_verified)
{
	char host[64];
	struct api_access *access = serve_tls("kube.example", NULL);
	api_test_set(&access->server_name, "kube.example");
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
	ck_assert_uint_eq(api_test_count(&test, "sni kube.example\n"), 1);
	snprintf(host, sizeof(host), "Host: 127.0.0.1:%u\n", web_server_port(test.server));
	ck_assert_uint_eq(api_test_count(&test, host), 1);
}
END_TEST

START_TEST(a_certificate_for_another_name_is_refused)
{
	struct api_access *access = serve_tls("kube.example", NULL);
	api_test_set(&access->server_name, "kube.example.org");
	open_and_get(access);
	check_error(
	        -EKEYREJECTED,
	        "the server's certificate is for another name or address than the one that is connected to; "
	        "tls-server-name can name the one to expect (SSL: no alternative certificate subject name "
	        "matches "
	        "target host name 'kube.example.org')");
}
END_TEST

START_TEST(a_tls_server_name_may_be_an_address)
{
	struct api_access *access = serve_tls("2001:db8::5", NULL);
	api_test_set(&access->server_name, "2001:db8::5");
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
}
END_TEST

/* ---- client certificates */

static void show_certificate(struct api_access *access)
{
	api_test_set_file(&test, &access->certificate.file, "client.crt");
	api_test_set_file(&test, &access->key.file, "client.key");
}

START_TEST(a_client_certificate_is_shown)
{
	struct api_access *access = serve_tls(NULL, "ca.crt");
	show_certificate(access);
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
}
END_TEST

START_TEST(a_client_certificate_in_the_kubeconfig_itself_is_shown)
{
	char path[256];
	struct api_access *access = serve_tls(NULL, "ca.crt");
	access->certificate.bytes = read_test_file(api_test_path(&test, "client.crt", path));
	access->certificate.length = strlen(access->certificate.bytes);
	access->key.bytes = read_test_file(api_test_path(&test, "client.key", path));
	access->key.length = strlen(access->key.bytes);
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
}
END_TEST

START_TEST(a_server_that_wants_a_certificate_gets_none_from_who_has_none)
{
	open_and_get(serve_tls(NULL, "ca.crt"));
	ck_assert_int_lt(test.error, 0);
	ck_assert_int_eq(test.status, 0);
	ck_assert_ptr_nonnull(strstr(text_string(&test.sentence), "certificate required"));
}
END_TEST

START_TEST(a_key_that_does_not_belong_to_the_certificate_is_told)
{
	struct api_access *access = serve_tls(NULL, NULL);
	show_certificate(access);
	api_test_set_file(&test, &access->key.file, "server.key");
	open_and_get(access);
	ck_assert_int_eq(test.error, -EKEYREJECTED);
	ck_assert_ptr_nonnull(
	        strstr(text_string(&test.sentence), ": the client certificate or its key cannot be used"));
}
END_TEST

START_TEST(a_client_certificate_that_was_exchanged_makes_a_new_connection)
{
	struct api_access *access = serve_tls(NULL, NULL);
	show_certificate(access);
	open_and_get(access);
	api_test_get(&test, "/hello");
	ck_assert_uint_eq(web_server_count_connections(test.server), 1);
	api_test_make_certificates(&test, NULL);
	/* The server still has the certificates of before, and so does the authority that verifies it. */
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.error, -EKEYREJECTED);
	ck_assert_uint_eq(web_server_count_connections(test.server), 2);
}
END_TEST

START_TEST(a_plug_in_gives_a_certificate)
{
	char path[256];
	struct api_access *access = serve_tls(NULL, "ca.crt");
	auto_text script = {0};
	text_addf(&script,
	          "#!/bin/sh\ncd %s\npem() { awk '{printf \"%%s\\\\n\", $0}' $1; }\n"
	          "printf '%%s' "
	          "'{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",'\n"
	          "printf '%%s' '\"status\":{\"clientCertificateData\":\"'\npem client.crt\n"
	          "printf '%%s' '\",\"clientKeyData\":\"'\npem client.key\necho '\"}}'\n",
	          test.directory);
	api_test_put(&test, "plugin", script.bytes);
	api_test_path(&test, "plugin", path);
	chmod(path, 0755);
	access->exec = memory_alloc(sizeof(*access->exec));
	access->exec->command = memory_copy_text(path);
	access->exec->arguments = memory_alloc(2 * sizeof(char *));
	access->exec->arguments[0] = memory_copy_text(path);
	access->exec->api_version = memory_copy_text("client.authentication.k8s.io/v1");
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
}
END_TEST

START_TEST(a_401_with_a_certificate_makes_the_next_request_connect_anew)
{
	struct api_access *access = serve_tls(NULL, "ca.crt");
	show_certificate(access);
	api_test_open(&test, access, NULL);
	api_test_get(&test, "/unauthorized");
	ck_assert_int_eq(test.status, 401);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
	ck_assert_uint_eq(web_server_count_connections(test.server), 2);
}
END_TEST

/* ---- tokens and passwords */

START_TEST(a_token_is_sent)
{
	api_test_serve(&test, NULL, false, NULL);
	struct api_access *access = api_test_access(&test, NULL);
	api_test_set(&access->token, "secret");
	open_and_get(access);
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Bearer secret\n"), 1);
}
END_TEST

START_TEST(a_password_is_sent)
{
	api_test_serve(&test, NULL, false, NULL);
	struct api_access *access = api_test_access(&test, NULL);
	api_test_set(&access->username, "me");
	api_test_set(&access->password, "it");
	open_and_get(access);
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Basic bWU6aXQ=\n"), 1);
}
END_TEST

START_TEST(a_token_file_is_read_again_when_it_changes)
{
	api_test_serve(&test, NULL, false, NULL);
	struct api_access *access = api_test_access(&test, NULL);
	api_test_put(&test, "token", "first\n");
	api_test_set_file(&test, &access->token_file, "token");
	open_and_get(access);
	api_test_put(&test, "token", "second\n");
	api_test_get(&test, "/hello");
	char path[256];
	unlink(api_test_path(&test, "token", path));
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Bearer first\n"), 1);
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Bearer second\n"), 2);
}
END_TEST

START_TEST(a_token_file_that_is_not_there_is_told)
{
	char wanted[400], path[256];
	api_test_serve(&test, NULL, false, NULL);
	struct api_access *access = api_test_access(&test, NULL);
	api_test_set_file(&test, &access->token_file, "token");
	snprintf(wanted, sizeof(wanted), "the token file %s cannot be used: No such file or directory",
	         api_test_path(&test, "token", path));
	open_and_get(access);
	check_error(-ENOENT, wanted);
	api_test_put(&test, "token", "there");
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
}
END_TEST

START_TEST(a_token_file_that_holds_no_token_is_told)
{
	char wanted[400], path[256];
	api_test_serve(&test, NULL, false, NULL);
	struct api_access *access = api_test_access(&test, NULL);
	api_test_put(&test, "token", "a\r\nX-Other: b\n");
	api_test_set_file(&test, &access->token_file, "token");
	snprintf(wanted, sizeof(wanted), "the token file %s cannot be used: it must hold one line, the token",
	         api_test_path(&test, "token", path));
	open_and_get(access);
	check_error(-EINVAL, wanted);
}
END_TEST

/* ---- proxies */

START_TEST(a_proxy_leads_to_the_server_and_never_sees_the_token)
{
	char url[64], head[64];
	struct api_access *access = serve_tls(NULL, NULL);
	relay = relay_start(test.base, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", relay_port(relay));
	api_test_set(&access->proxy_url, url);
	api_test_set(&access->token, "secret");
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
	ck_assert_str_eq(text_string(&test.told), "began 200\nended 200\n");
	ck_assert_uint_eq(relay_count_connections(relay), 1);
	snprintf(head, sizeof(head), "CONNECT 127.0.0.1:%u HTTP/1.1\r\n", web_server_port(test.server));
	ck_assert_ptr_nonnull(strstr(relay_heads(relay), head));
	ck_assert_ptr_null(strstr(relay_heads(relay), "secret"));
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Bearer secret\n"), 1);
}
END_TEST

START_TEST(a_proxy_is_asked_for_the_address_and_not_for_the_tls_server_name)
{
	char url[64], head[64];
	struct api_access *access = serve_tls("kube.example", NULL);
	relay = relay_start(test.base, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", relay_port(relay));
	api_test_set(&access->proxy_url, url);
	api_test_set(&access->server_name, "kube.example");
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
	snprintf(head, sizeof(head), "CONNECT 127.0.0.1:%u HTTP/1.1\r\n", web_server_port(test.server));
	ck_assert_ptr_nonnull(strstr(relay_heads(relay), head));
}
END_TEST

START_TEST(a_proxy_of_the_environment_is_used_unless_no_proxy_names_the_server)
{
	char url[64];
	struct api_access *access = serve_tls(NULL, NULL);
	relay = relay_start(test.base, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", relay_port(relay));
	setenv("HTTPS_PROXY", url, 1);
	open_and_get(access);
	ck_assert_msg(test.status == 200, "%s", text_string(&test.sentence));
	ck_assert_uint_eq(relay_count_connections(relay), 1);
	setenv("NO_PROXY", "10.0.0.0/8,127.0.0.0/8", 1);
	api_test_get(&test, "/hello");
	ck_assert_int_eq(test.status, 200);
	ck_assert_uint_eq(relay_count_connections(relay), 1);
	ck_assert_uint_eq(web_server_count_connections(test.server), 2);
	unsetenv("HTTPS_PROXY");
	unsetenv("NO_PROXY");
}
END_TEST

/* ---- HTTP/2 */

static pid_t start_http2(const char *socket_path)
{
	char front[320], back[64], key[256], certificate[256], errors[320];
	snprintf(front, sizeof(front), "--frontend=unix:%s", socket_path);
	snprintf(back, sizeof(back), "--backend=127.0.0.1,%u", web_server_port(test.server));
	snprintf(errors, sizeof(errors), "--errorlog-file=%s.log", socket_path);
	char *const arguments[] = {"nghttpx",
	                           "--conf=/dev/null",
	                           front,
	                           back,
	                           errors,
	                           "--workers=1",
	                           "--backend-connections-per-host=100",
	                           (char *)(uintptr_t)api_test_path(&test, "server.key", key),
	                           (char *)(uintptr_t)api_test_path(&test, "server.crt", certificate),
	                           NULL};
	pid_t child;
	ck_assert_int_eq(posix_spawnp(&child, "nghttpx", NULL, NULL, arguments, environ), 0);
	for (int i = 0; i < 3000 && access(socket_path, F_OK) < 0; i++)
		usleep(10000);
	ck_assert_int_eq(access(socket_path, F_OK), 0);
	return child;
}

static void start_watch(const char *path)
{
	const struct api_request watch = {.method = "GET", .path = path, .is_watch = true};
	api_test_request(&test, &watch);
}

/* nghttpx speaks HTTP/2 to us and HTTP/1.1 to the server behind it; the relay before it counts connections. */
START_TEST(all_calls_share_one_connection_where_the_server_speaks_http2)
{
	char path[256], url[64];
	api_test_make_certificates(&test, NULL);
	api_test_serve(&test, NULL, false, NULL);
	api_test_path(&test, "front", path);
	pid_t child = start_http2(path);
	relay = relay_start(test.base, path);
	struct api_access *access = api_test_access(&test, NULL);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", relay_port(relay));
	api_test_set(&access->server, url);
	api_test_set(&access->token, "secret");
	api_test_open(&test, access, NULL);
	for (int i = 0; i < 3; i++)
		start_watch("/stall");
	while (test.body.length < 3 * strlen("some"))
		api_test_turn(&test);
	for (int i = 0; i < 10; i++)
		api_test_ask(&test, "/hello");
	while (test.running > 3)
		api_test_turn(&test);
	ck_assert_int_eq(test.error, 0);
	ck_assert_int_eq(test.status, 200);
	ck_assert_uint_eq(relay_count_connections(relay), 1);
	ck_assert_uint_eq(api_test_count(&test, "GET /stall\n"), 3);
	ck_assert_uint_eq(api_test_count(&test, "GET /hello\n"), 10);
	ck_assert_uint_eq(api_test_count(&test, "Authorization: Bearer secret\n"), 13);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}
END_TEST

START_TEST(a_call_waits_for_no_other_where_the_server_speaks_http1_only)
{
	struct api_access *access = serve_tls(NULL, NULL);
	api_test_open(&test, access, NULL);
	start_watch("/silence");
	start_watch("/stall");
	api_test_ask(&test, "/hello");
	while (test.running > 2)
		api_test_turn(&test);
	ck_assert_int_eq(test.error, 0);
	ck_assert_int_eq(test.status, 200);
	ck_assert_uint_ge(web_server_count_connections(test.server), 2);
}
END_TEST

static Suite *api_access_suite(void)
{
	Suite *suite = suite_create("source/api_access");
	TCase *seen = tcase_create("seen from the server");
	tcase_set_timeout(seen, 150);
	tcase_add_checked_fixture(seen, setup, teardown);
	tcase_add_test(seen, a_server_of_the_given_authority_is_trusted);
	tcase_add_test(seen, an_authority_in_the_kubeconfig_itself_serves_as_well);
	tcase_add_test(seen, a_server_of_another_authority_is_refused);
	tcase_add_test(seen, without_an_authority_those_of_the_system_count);
	tcase_add_test(seen, an_insecure_access_checks_nothing);
	tcase_add_test(seen, an_authority_that_is_no_certificate_is_told);
	tcase_add_test(seen, an_authority_file_that_is_away_is_told);
	tcase_add_test(seen, an_authority_that_was_exchanged_is_used_by_the_next_connection);
	tcase_add_test(seen, a_server_that_speaks_no_tls_is_told);
	tcase_add_test(seen, the_tls_server_name_is_asked_for_and_verified);
	tcase_add_test(seen, a_certificate_for_another_name_is_refused);
	tcase_add_test(seen, a_tls_server_name_may_be_an_address);
	tcase_add_test(seen, a_client_certificate_is_shown);
	tcase_add_test(seen, a_client_certificate_in_the_kubeconfig_itself_is_shown);
	tcase_add_test(seen, a_server_that_wants_a_certificate_gets_none_from_who_has_none);
	tcase_add_test(seen, a_key_that_does_not_belong_to_the_certificate_is_told);
	tcase_add_test(seen, a_client_certificate_that_was_exchanged_makes_a_new_connection);
	tcase_add_test(seen, a_plug_in_gives_a_certificate);
	tcase_add_test(seen, a_401_with_a_certificate_makes_the_next_request_connect_anew);
	tcase_add_test(seen, a_token_is_sent);
	tcase_add_test(seen, a_password_is_sent);
	tcase_add_test(seen, a_token_file_is_read_again_when_it_changes);
	tcase_add_test(seen, a_token_file_that_is_not_there_is_told);
	tcase_add_test(seen, a_token_file_that_holds_no_token_is_told);
	tcase_add_test(seen, a_proxy_leads_to_the_server_and_never_sees_the_token);
	tcase_add_test(seen, a_proxy_is_asked_for_the_address_and_not_for_the_tls_server_name);
	tcase_add_test(seen, a_proxy_of_the_environment_is_used_unless_no_proxy_names_the_server);
	tcase_add_test(seen, all_calls_share_one_connection_where_the_server_speaks_http2);
	tcase_add_test(seen, a_call_waits_for_no_other_where_the_server_speaks_http1_only);
	suite_add_tcase(suite, seen);
	return suite;
}

int main(void)
{
	return run_suite(api_access_suite());
}
