/*
 * The kernel's list of connections, as a Linux 6.1 kernel writes it.
 */
#include "apply/connections.h"

#include "base/text.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void write_file(const char *content, size_t length)
{
	ck_assert_int_eq(text_write_file(path, content, length), 0);
}

static void set_up(void)
{
	snprintf(path, sizeof(path), "/tmp/kube-ipvs-connections-%d", getpid());
}

static void tear_down(void)
{
	unlink(path);
}

static void print(void *context, const struct connection *connection)
{
	static const char *const phases[] = {[CONNECTION_OPEN] = "open",
	                                     [CONNECTION_HALF_CLOSED] = "half",
	                                     [CONNECTION_CLOSED] = "closed"};
	char key[VIRTUAL_SERVER_TEXT_SIZE], client[ENDPOINT_TEXT_SIZE], real[ENDPOINT_TEXT_SIZE];
	endpoint_format(&connection->client.address, connection->client.port, client);
	endpoint_format(&connection->real_server.address, connection->real_server.port, real);
	text_addf(context, "%s %s %s %s %u\n", virtual_server_key_format(&connection->key, key), client, real,
	          phases[connection->phase], connection->expires_seconds);
}

static void must_read(const char *content, size_t length, const char *wanted)
{
	struct connections *connections = NULL;
	auto_text text = {0};
	int e;
	write_file(content, length);
	ck_assert_int_eq(connections_open(path, &connections), 0);
	while ((e = connections_read(connections, print, &text)) > 0)
		;
	ck_assert_int_eq(e, 0);
	ck_assert_texts("the connections", wanted, text_string(&text));
	connections_close(connections);
}

#define HEAD "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"

START_TEST(each_line_is_a_connection)
{
	static const char content[] =
	        HEAD "TCP C0000264 9C40 0A600001 0050 0AF4000B 1F90 ESTABLISHED     897\n"
	             "TCP C0000264 9C41 0A600001 0050 0AF4000B 1F90 FIN_WAIT        118\n"
	             "TCP C0000264 9C42 0A600001 0050 0AF4000B 1F90 CLOSE_WAIT       58\n"
	             "TCP C0000264 9C43 0A600001 0050 0AF4000B 1F90 LAST_ACK         28\n"
	             "TCP C0000264 9C44 0A600001 0050 0AF4000B 1F90 TIME_WAIT       117\n"
	             "TCP C0000264 9C45 0A600001 0050 0AF4000B 1F90 CLOSE             9\n"
	             "TCP C0000264 9C46 0A600001 0050 0AF4000B 1F90 SYN_RECV         59\n"
	             "SCTP C0000264 9C46 0A600001 0050 0AF4000B 1F90 ESTABLISHED     897 \n"
	             "SCTP C0000264 9C47 0A600001 0050 0AF4000B 1F90 SHUTDOWN_SENT    30\n"
	             "SCTP C0000264 9C48 0A600001 0050 0AF4000B 1F90 CLOSED            9\n"
	             "UDP C0000264 9C48 0A600001 0035 0AF4000B 0035 UDP             299\n"
	             "TCP 20010db8000100000000000000000100 9C48 x\n"
	             "TCP 2001:0db8:0001:0000:0000:0000:0000:0100 9C48 "
	             "fd00:0000:0000:0000:0000:0000:0000:0001 0050 "
	             "fd00:0010:0244:0000:0000:0000:0000:0011 1F90 ESTABLISHED     899\n";
	must_read(content, strlen(content),
	          "TCP 10.96.0.1:80 192.0.2.100:40000 10.244.0.11:8080 open 897\n"
	          "TCP 10.96.0.1:80 192.0.2.100:40001 10.244.0.11:8080 half 118\n"
	          "TCP 10.96.0.1:80 192.0.2.100:40002 10.244.0.11:8080 half 58\n"
	          "TCP 10.96.0.1:80 192.0.2.100:40003 10.244.0.11:8080 half 28\n"
	          "TCP 10.96.0.1:80 192.0.2.100:40004 10.244.0.11:8080 closed 117\n"
	          "TCP 10.96.0.1:80 192.0.2.100:40005 10.244.0.11:8080 closed 9\n"
	          "TCP 10.96.0.1:80 192.0.2.100:40006 10.244.0.11:8080 open 59\n"
	          "SCTP 10.96.0.1:80 192.0.2.100:40006 10.244.0.11:8080 open 897\n"
	          "SCTP 10.96.0.1:80 192.0.2.100:40007 10.244.0.11:8080 half 30\n"
	          "SCTP 10.96.0.1:80 192.0.2.100:40008 10.244.0.11:8080 closed 9\n"
	          "UDP 10.96.0.1:53 192.0.2.100:40008 10.244.0.11:53 open 299\n"
	          "TCP [fd00::1]:80 [2001:db8:1::100]:40008 [fd00:10:244::11]:8080 open 899\n");
}
END_TEST

/* A template stands for a client's persistence, and is no connection. */
START_TEST(templates_and_what_cannot_be_read_are_passed_over)
{
	static const char content[] =
	        HEAD "TCP C0000264 0000 0A600001 0050 0AF4000B 1F90 ASSURED         899\n"
	             "TCP C0000264 9C40 0A600001 0050\n\n"
	             "TCP C000026 9C40 0A600001 0050 0AF4000B 1F90 ESTABLISHED     897\n"
	             "IP  C0000264 9C40 0A600001 0050 0AF4000B 1F90 NONE            897\n"
	             "TCP C0000264 9C40 0A600001 0050 0AF4\0"
	             "00B 1F90 NONE 897\n"
	             "TCP C0000264 9C40 0A600001 0050 0AF4000B 1F90 NONE            897\n"
	             "TCP C0000264 9C40 0A600001";
	must_read(content, sizeof(content) - 1,
	          "TCP 10.96.0.1:80 192.0.2.100:40000 10.244.0.11:8080 open 897\n");
}
END_TEST

static void count(void *context, const struct connection *connection)
{
	(void)connection;
	++*(size_t *)context;
}

START_TEST(a_long_list_comes_in_pieces)
{
	struct connections *connections = NULL;
	auto_text text = {0};
	size_t seen = 0, steps = 0;
	text_add(&text, HEAD);
	for (unsigned i = 1; i <= 5000; i++)
		text_addf(&text, "TCP C0000264 %04X 0A600001 0050 0AF4000B 1F90 ESTABLISHED %7u\n", i, i);
	write_file(text.bytes, text.length);
	ck_assert_int_eq(connections_open(path, &connections), 0);
	while (connections_read(connections, count, &seen) > 0)
		steps++;
	ck_assert_uint_eq(seen, 5000);
	ck_assert_uint_gt(steps, 10);
	connections_close(connections);
	connections_close(NULL);
}
END_TEST

START_TEST(a_line_without_end_does_not_stop_it)
{
	auto_text text = {0};
	for (int i = 0; i < 40000; i++)
		text_add_char(&text, 'x');
	text_add(&text, "\nTCP C0000264 9C40 0A600001 0050 0AF4000B 1F90 CLOSE 1\n");
	must_read(text.bytes, text.length, "TCP 10.96.0.1:80 192.0.2.100:40000 10.244.0.11:8080 closed 1\n");
}
END_TEST

START_TEST(no_list_is_an_error)
{
	struct connections *connections = NULL;
	ck_assert_int_eq(connections_open("/nowhere/ip_vs_conn", &connections), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply connections");
	TCase *tests = tcase_create("connections");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, each_line_is_a_connection);
	tcase_add_test(tests, templates_and_what_cannot_be_read_are_passed_over);
	tcase_add_test(tests, a_long_list_comes_in_pieces);
	tcase_add_test(tests, a_line_without_end_does_not_stop_it);
	tcase_add_test(tests, no_list_is_an_error);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
