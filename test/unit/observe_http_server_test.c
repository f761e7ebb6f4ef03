/*
 * The server, and what clients do that are slow, confused or hostile.
 */
#include "http_private.h"
#include "observe/http_server.h"
#include "observe_http_client.h"
#include "support.h"

#include "base/memory.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct event_base *base;
static struct http_server *server;
static struct http_listener *listener;
static uint16_t port;
static struct text asked; /* "METHOD path family;" of each request that was handed on */
static size_t answer_bytes;

static void answer_question(void *context, const struct http_question *question, struct http_answer *answer)
{
	ck_assert_ptr_eq(context, &asked);
	ck_assert_int_eq(answer->status, 200);
	text_addf(&asked, "%s %s %d;", question->method, question->path, question->over_ipv6 ? 6 : 4);
	if (strcmp(question->path, "/json") == 0) {
		answer->content_type = "application/json";
		strcpy(answer->header_name, "X-Load-Balancing-Endpoint-Weight");
		strcpy(answer->header_value, "7");
		text_add(&answer->body, "{}");
	} else if (strcmp(question->path, "/large") == 0) {
		memset(text_reserve(&answer->body, answer_bytes), 'x', answer_bytes);
		answer->body.length = answer_bytes;
	} else if (strcmp(question->path, "/missing") == 0) {
		answer->status = 404;
		text_add(&answer->body, "no\n");
	} else if (strcmp(question->path, "/empty") != 0) {
		text_addf(&answer->body, "port %u\n", question->local_port);
	}
}

static void open_server(const struct http_limits *limits)
{
	const struct address loopback = {FAMILY_IPV4, {127, 0, 0, 1}};
	server = http_server_open(base, limits, answer_question, &asked);
	ck_assert_int_eq(http_server_listen(server, &loopback, 0, &listener), 0);
	port = http_listener_port(listener);
	ck_assert_uint_ne(port, 0);
}

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	answer_bytes = 8 << 20;
}

static void tear_down(void)
{
	http_server_close(server);
	server = NULL;
	event_base_free(base);
	text_done(&asked);
}

static struct http_client connect_client(void)
{
	struct http_client client = client_open(base, FAMILY_IPV4, port);
	ck_assert_int_ge(client.fd, 0);
	run_loop(base, 0);
	return client;
}

/* Somebody else, who is well-behaved, gets an answer. */
static void others_are_served(void)
{
	struct http_client client = connect_client();
	ck_assert_int_eq(client_ask(&client, "GET", "/json"), 200);
	client_close(&client);
	run_loop(base, 0);
}

/* ---- answers */

/* Without the value of Date, which is checked for its form. */
static void remove_date(char *answer)
{
	char *date = strstr(answer, "Date: ");
	int day, year, hour, minute, second, length = 0;
	char weekday[4], month[4];
	ck_assert_ptr_nonnull(date);
	ck_assert_int_eq(sscanf(date, "Date: %3[A-Z-a-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT\r\n%n", weekday,
	                        &day, month, &year, &hour, &minute, &second, &length),
	                 7);
	ck_assert_int_eq(length, (int)strlen("Date: Sat, 21 Nov 2026 08:42:46 GMT\r\n"));
	memmove(date, date + length, strlen(date + length) + 1);
}

START_TEST(an_answer_has_the_headers_that_kube_proxy_sends)
{
	char *recorded auto_free = read_test_file(TEST_DATA "/data/kube-proxy/service-health");
	open_server(NULL);
	struct http_client client = connect_client();
	ck_assert_int_eq(client_ask(&client, "GET", "/json"), 200);
	remove_date(recorded);
	remove_date(client.got.bytes);
	strstr(recorded, "\r\n\r\n")[4] = '\0';
	strstr(client.got.bytes, "\r\n\r\n")[4] = '\0';
	/* Of the numbers only the value differs. */
	*strstr(recorded, "Weight: 1\r") = '\0';
	*strstr(client.got.bytes, "Weight: 7\r") = '\0';
	ck_assert_texts("headers", recorded, client.got.bytes);
	const char *recorded_rest = recorded + strlen(recorded) + 1;
	const char *rest = client.got.bytes + strlen(client.got.bytes) + 1;
	ck_assert_int_eq(strncmp(recorded_rest, "eight: 1\r\nContent-Length: 115\r\n\r\n", 60), 0);
	ck_assert_texts("the last headers", "eight: 7\r\nContent-Length: 2\r\n\r\n", rest);
	client_close(&client);
}
END_TEST

static const struct {
	const char *method, *path, *asked;
	int status;
} QUESTIONS[] = {
        {"GET", "/a", "GET /a 4;", 200},           {"HEAD", "/a", "HEAD /a 4;", 200},
        {"POST", "/a?b=c", "POST /a 4;", 200},     {"PUT", "/", "PUT / 4;", 200},
        {"DELETE", "/a/b", "DELETE /a/b 4;", 200}, {"OPTIONS", "*", "OPTIONS * 4;", 200},
        {"TRACE", "/", "TRACE / 4;", 200},         {"PATCH", "/", "PATCH / 4;", 200},
        {"BREW", "/coffee", " /coffee 4;", 200},   {"GET", "/missing", "GET /missing 4;", 404},
        {"GET", "/empty", "GET /empty 4;", 200},
};

START_TEST(every_method_and_path_reaches_the_handler)
{
	open_server(NULL);
	struct http_client client = connect_client();
	ck_assert_int_eq(client_ask(&client, QUESTIONS[_i].method, QUESTIONS[_i].path), QUESTIONS[_i].status);
	ck_assert_texts("asked", QUESTIONS[_i].asked, text_string(&asked));
	/* The connection is good for another one. */
	text_clear(&asked);
	ck_assert_int_eq(client_ask(&client, "GET", "/again"), 200);
	ck_assert_texts("asked again", "GET /again 4;", text_string(&asked));
	client_close(&client);
}
END_TEST

static const struct {
	const char *target, *asked;
} PROXIED[] = {
        {"http://other/a?b", "GET /a 4;"}, {"http://other", "GET / 4;"}, {"HTTP://a:80/b", "GET /b 4;"}};

/* As to a proxy, which need not keep the connection. */
START_TEST(a_target_may_name_a_host)
{
	open_server(NULL);
	struct http_client client = connect_client();
	ck_assert_int_eq(client_ask(&client, "GET", PROXIED[_i].target), 200);
	ck_assert_texts("asked", PROXIED[_i].asked, text_string(&asked));
	client_close(&client);
}
END_TEST

START_TEST(head_tells_the_length_and_sends_no_body)
{
	open_server(NULL);
	struct http_client client = connect_client();
	ck_assert_int_eq(client_ask(&client, "HEAD", "/json"), 200);
	ck_assert_ptr_nonnull(strstr(client.got.bytes, "Content-Length: 2\r\n"));
	run_loop(base, 20);
	ck_assert_int_eq(client_ask(&client, "GET", "/json"), 200);
	ck_assert_int_eq(strncmp(client.got.bytes, "HTTP/1.1 200 OK\r\n", 17), 0);
	ck_assert_texts("body", "{}", client.got.bytes + client.body_from);
	client_close(&client);
}
END_TEST

START_TEST(a_large_answer_arrives_whole_even_when_the_connection_then_ends)
{
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client, "GET /large HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n");
	ck_assert_int_eq(client_wait_answer(&client, false), 200);
	client_wait_end(&client);
	ck_assert(!client.reset);
	ck_assert_ptr_nonnull(strstr(client.got.bytes, "\r\nConnection: close\r\n"));
	ck_assert_uint_eq(client.got.length - client.body_from, answer_bytes);
	client_close(&client);
}
END_TEST

START_TEST(a_client_of_http_1_0_gets_one_answer)
{
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client, "GET /json HTTP/1.0\r\n\r\n");
	ck_assert_int_eq(client_wait_answer(&client, false), 200);
	client_wait_end(&client);
	ck_assert(!client.reset);
	client_close(&client);
}
END_TEST

START_TEST(a_client_that_keeps_the_connection_in_http_1_0_may)
{
	open_server(NULL);
	struct http_client client = connect_client();
	for (int i = 0; i < 2; i++) {
		text_clear(&client.got);
		client_send(&client, "GET /json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
		ck_assert_int_eq(client_wait_answer(&client, false), 200);
		ck_assert_ptr_nonnull(strstr(client.got.bytes, "\r\nConnection: keep-alive\r\n"));
	}
	client_close(&client);
}
END_TEST

START_TEST(a_client_that_has_closed_its_side_gets_the_whole_answer)
{
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
	ck_assert_int_eq(client_wait_answer(&client, false), 200);
	client_wait_end(&client);
	ck_assert(!client.reset);
	ck_assert_uint_eq(client.got.length - client.body_from, answer_bytes);
	client_close(&client);
}
END_TEST

START_TEST(requests_sent_at_once_are_answered_one_by_one)
{
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\nHost: a\n\n"
	                     "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /4 HTTP/1.1\r\n");
	client_wait_end(&client);
	ck_assert_texts("asked", "GET /1 4;GET /2 4;GET /3 4;", text_string(&asked));
	client_close(&client);
}
END_TEST

START_TEST(a_client_that_only_sends_requests_is_not_read_any_more)
{
	open_server(&(struct http_limits){.request_seconds = 1000});
	struct http_client client = connect_client();
	static const char REQUEST[] = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
	int pushed = 0;
	for (int i = 0; i < 100000; i++)
		pushed += client_push(&client, REQUEST, sizeof(REQUEST) - 1);
	ck_assert_int_eq(pushed, 100000);
	run_loop(base, 50);
	ck_assert_texts("asked", "GET /large 4;", text_string(&asked));
	others_are_served();
	client_close(&client);
}
END_TEST

/* ---- what is not well-formed */

#define HUGE_LENGTH "99999999999999999999999"

static const struct {
	const char *request;
	int status;
} REFUSED[] = {
        {"GET\r\n\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"\x16\x03\x01\x02\x01 / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400}, /* no host */
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n: nameless\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 16385\r\n\r\n", 413},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " HUGE_LENGTH "\r\n\r\n", 413},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: applause\r\nContent-Length: 1\r\n\r\n", 417},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/-1.-1\r\nHost: a\r\n\r\n", 505},
};

START_TEST(what_is_not_well_formed_gets_its_status_and_the_end)
{
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client, REFUSED[_i].request);
	ck_assert_int_eq(client_wait_answer(&client, false), REFUSED[_i].status);
	client_wait_end(&client);
	ck_assert(!client.reset);
	ck_assert_ptr_nonnull(strstr(client.got.bytes, "\r\nConnection: close\r\n"));
	ck_assert_texts("asked", "", text_string(&asked));
	client_close(&client);
}
END_TEST

START_TEST(a_head_may_come_byte_by_byte)
{
	static const char REQUEST[] = "GET /json HTTP/1.1\r\nHost: a\r\n\r\n";
	open_server(NULL);
	struct http_client client = connect_client();
	for (size_t i = 0; i < sizeof(REQUEST) - 1; i++) {
		ck_assert_texts("asked", "", text_string(&asked));
		ck_assert(client_push(&client, &REQUEST[i], 1));
		run_loop(base, 1);
	}
	ck_assert_int_eq(client_wait_answer(&client, false), 200);
	client_close(&client);
}
END_TEST

/* Whatever a byte is exchanged for: an answer or the end, and others are served (sanitizers and valgrind see more). */
START_TEST(no_damage_to_a_request_is_dangerous)
{
	static const char REQUEST[] = "POST http://h/p?q#f HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
	                              "Connection: a, close ,\r\nX:\t y \r\n\r\nhi";
	static const char DAMAGE[] = {'\0', '\n', '\r', ' ', ':', ',', '/', '9', 'A', '\xff'};
	static const char STATUSES[] = "0 200 400 413 505";
	unsigned refused = 0;
	open_server(NULL);
	for (size_t at = 0; at < sizeof(REQUEST) - 1; at++)
		for (size_t d = 0; d < sizeof(DAMAGE); d++) {
			char *bytes auto_free = memory_copy_text(REQUEST);
			struct http_client client = connect_client();
			char status[16];
			bytes[at] = DAMAGE[d];
			ck_assert(client_push(&client, bytes, sizeof(REQUEST) - 1));
			ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
			client_wait_end(&client);
			int got = client.got.length ? client_wait_answer(&client, false) : 0;
			snprintf(status, sizeof(status), "%d", got);
			ck_assert_msg(strstr(STATUSES, status), "%s", status);
			refused += got >= 400;
			client_close(&client);
		}
	ck_assert_uint_gt(refused, 100);
	others_are_served();
}
END_TEST

/* ---- bodies */

static const char *const WITH_BODY[] = {
        "POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST /json HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
        "POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /json HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
};

START_TEST(a_body_is_never_taken_for_a_request)
{
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client, WITH_BODY[_i]);
	ck_assert_int_eq(client_wait_answer(&client, false), 200);
	client_wait_end(&client);
	ck_assert(!client.reset);
	ck_assert_texts("asked", "POST /json 4;", text_string(&asked));
	client_close(&client);
}
END_TEST

START_TEST(who_waits_to_be_told_to_send_the_body_is_told)
{
	static const char GO_ON[] = "HTTP/1.1 100 Continue\r\n\r\n";
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client,
	            "POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
	client_wait_bytes(&client, sizeof(GO_ON) - 1);
	ck_assert_texts("got", GO_ON, text_string(&client.got));
	text_clear(&client.got);
	client_send(&client, "hello");
	ck_assert_int_eq(client_wait_answer(&client, false), 200);
	client_close(&client);
}
END_TEST

/* Closed with something unread, the kernel would send a reset, which may overtake the answer. */
START_TEST(a_body_still_on_its_way_does_not_cost_the_answer)
{
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client, "POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n");
	ck_assert_int_eq(client_wait_answer(&client, false), 413);
	ck_assert_uint_eq(server->connection_count, 1);
	ck_assert_int_eq(TAILQ_FIRST(&server->connections)->state, HTTP_LINGERING);
	client_wait_end(&client);
	client_push(&client, "hello", 5);
	client_close(&client);
	for (int i = 0; i < 1000 && server->connection_count; i++)
		run_loop(base, 5);
	ck_assert_uint_eq(server->connection_count, 0);
	ck_assert_texts("asked", "", text_string(&asked));
}
END_TEST

START_TEST(a_huge_body_is_refused_and_thrown_away)
{
	char block[65536];
	bool there = true;
	memset(block, 'b', sizeof(block));
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
	ck_assert_int_eq(client_wait_answer(&client, false), 413);
	for (int i = 0; i < 10000 && there; i++) {
		there = client_push(&client, block, sizeof(block));
		run_loop(base, 1);
	}
	ck_assert(!there); /* it was not listened to for ever */
	ck_assert_uint_eq(server->connection_count, 0);
	others_are_served();
	client_close(&client);
}
END_TEST

/* ---- slow and hostile clients */

START_TEST(an_endless_head_is_refused)
{
	open_server(&(struct http_limits){.header_bytes = 4096});
	struct http_client client = connect_client();
	client_send(&client, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 4096 && !client.got.length; i++) {
		client_push(&client, "X-Filler: filler filler filler\r\n", 32);
		run_loop(base, 0);
		if (i > 200)
			break;
	}
	ck_assert_int_eq(client_wait_answer(&client, false), 400);
	client_wait_end(&client);
	others_are_served();
	client_close(&client);
}
END_TEST

START_TEST(a_line_without_end_is_refused)
{
	char line[4097];
	memset(line, 'G', sizeof(line));
	open_server(&(struct http_limits){.header_bytes = 4096});
	struct http_client client = connect_client();
	ck_assert(client_push(&client, line, sizeof(line)));
	ck_assert_int_eq(client_wait_answer(&client, false), 400);
	client_close(&client);
}
END_TEST

START_TEST(a_request_that_trickles_in_must_be_whole_in_time)
{
	open_server(&(struct http_limits){.request_seconds = 1});
	struct http_client client = connect_client();
	client_send(&client, "GET / HTTP/1.1\r\nX: ");
	/* Each byte comes in time; the request does not. */
	int bytes = 0;
	for (; bytes < 1000 && TAILQ_FIRST(&server->connections)->state == HTTP_ASKING; bytes++) {
		client_push(&client, "x", 1);
		run_loop(base, 20);
		if (!server->connection_count)
			break;
	}
	ck_assert_int_lt(bytes, 1000);
	client_wait_end(&client);
	ck_assert_texts("got", "", text_string(&client.got));
	ck_assert_texts("asked", "", text_string(&asked));
	client_close(&client);
}
END_TEST

START_TEST(a_body_that_trickles_in_must_be_whole_in_time)
{
	open_server(&(struct http_limits){.request_seconds = 1});
	struct http_client client = connect_client();
	client_send(&client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
	int bytes = 0;
	for (; bytes < 1000 && server->connection_count; bytes++) {
		client_push(&client, "x", 1);
		run_loop(base, 20);
	}
	ck_assert_int_lt(bytes, 1000);
	client_wait_end(&client);
	ck_assert_texts("asked", "", text_string(&asked));
	client_close(&client);
}
END_TEST

static void send_many(struct http_client *client, const char *part, size_t count)
{
	auto_text parts = {0};
	for (size_t i = 0; i < count; i++)
		text_add(&parts, part);
	client_push(client, parts.bytes, parts.length);
}

static const struct {
	const char *begin, *part;
	size_t count;
} MANY[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n", ":\n", 7000},
        {"GET / HTTP/1.1\r\nHost: a\r\n", " \n", 7000},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\nx\n", 3000},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\n", ":\n", 7000},
};

/* Each line costs more memory than it is long, so the bound on the bytes is not enough. */
START_TEST(a_request_of_thousands_of_lines_is_not_kept)
{
	open_server(&(struct http_limits){.request_seconds = 1000});
	struct http_client client = connect_client();
	client_send(&client, MANY[_i].begin);
	send_many(&client, MANY[_i].part, MANY[_i].count);
	client_wait_end(&client);
	ck_assert_texts("asked", "", text_string(&asked));
	ck_assert_uint_eq(server->connection_count, 0);
	client_close(&client);
	/* Nor when it comes behind another one. */
	client = connect_client();
	client_send(&client, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_int_eq(client_wait_answer(&client, false), 200);
	send_many(&client, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 300);
	client_push(&client, MANY[_i].begin, strlen(MANY[_i].begin));
	send_many(&client, MANY[_i].part, MANY[_i].count);
	client_wait_end(&client);
	ck_assert_uint_eq(asked.length, 301 * strlen("GET /1 4;"));
	others_are_served();
	client_close(&client);
}
END_TEST

START_TEST(who_connects_and_says_nothing_is_let_go)
{
	open_server(&(struct http_limits){.request_seconds = 1});
	struct http_client client = connect_client();
	client_wait_end(&client);
	ck_assert_texts("got", "", text_string(&client.got));
	ck_assert_uint_eq(server->connection_count, 0);
	client_close(&client);
}
END_TEST

START_TEST(who_does_not_take_the_answer_is_let_go)
{
	open_server(&(struct http_limits){.request_seconds = 1});
	struct http_client client = connect_client();
	client_send(&client, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
	run_loop(base, 20);
	ck_assert_uint_eq(server->connection_count, 1);
	ck_assert_int_eq(TAILQ_FIRST(&server->connections)->state, HTTP_ANSWERING);
	for (int i = 0; i < 3000 && server->connection_count; i++)
		run_loop(base, 10);
	ck_assert_uint_eq(server->connection_count, 0);
	others_are_served();
	client_close(&client);
}
END_TEST

START_TEST(of_200_idle_connections_the_oldest_go)
{
	struct http_client clients[200];
	size_t before = count_open_files();
	open_server(NULL);
	for (int i = 0; i < 200; i++)
		clients[i] = connect_client();
	ck_assert_uint_eq(server->connection_count, 64);
	ck_assert_uint_le(count_open_files(), before + 200 + 64 + 8);
	client_wait_end(&clients[0]);
	client_wait_end(&clients[135]);
	ck_assert_int_eq(client_ask(&clients[136], "GET", "/json"), 200);
	ck_assert_int_eq(client_ask(&clients[199], "GET", "/json"), 200);
	others_are_served();
	for (int i = 0; i < 200; i++)
		client_close(&clients[i]);
}
END_TEST

START_TEST(an_active_connection_outlives_idle_ones)
{
	struct http_client clients[10];
	open_server(&(struct http_limits){.connections = 4});
	struct http_client active = connect_client();
	for (int i = 0; i < 10; i++) {
		clients[i] = connect_client();
		ck_assert_int_eq(client_ask(&active, "GET", "/json"), 200);
	}
	for (int i = 0; i < 10; i++)
		client_close(&clients[i]);
	client_close(&active);
}
END_TEST

START_TEST(unfinished_requests_give_way_when_nothing_is_idle)
{
	struct http_client clients[8];
	open_server(&(struct http_limits){.connections = 4});
	for (int i = 0; i < 8; i++) {
		clients[i] = connect_client();
		client_send(&clients[i], "GET / HT");
	}
	ck_assert_uint_eq(server->connection_count, 4);
	others_are_served();
	client_wait_end(&clients[0]);
	for (int i = 0; i < 8; i++)
		client_close(&clients[i]);
}
END_TEST

START_TEST(when_all_are_being_answered_a_new_one_is_refused)
{
	struct http_client clients[4];
	open_server(&(struct http_limits){.connections = 4, .request_seconds = 1000});
	for (int i = 0; i < 4; i++) {
		clients[i] = connect_client();
		client_send(&clients[i], "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
		run_loop(base, 20);
	}
	struct http_client late = connect_client();
	ck_assert_int_eq(client_wait_answer(&late, false), 503);
	client_wait_end(&late);
	ck_assert_int_eq(client_wait_answer(&clients[0], false), 200);
	others_are_served();
	for (int i = 0; i < 4; i++)
		client_close(&clients[i]);
	client_close(&late);
}
END_TEST

/* What the server keeps for its clients, but for the answers. */
static size_t bytes_kept(void)
{
	const struct http_connection *connection;
	size_t bytes = 0;
	TAILQ_FOREACH(connection, &server->connections, next)
	if (connection->stream)
		bytes += evbuffer_get_length(bufferevent_get_input(connection->stream));
	return bytes;
}

START_TEST(a_crowd_of_bad_clients_hinders_nobody_and_costs_little)
{
	enum { CROWD = 200, PLACES = 64, HEADER_BYTES = 16384 };
	static const char *const KINDS[] = {"", "GE", "GET / HTTP/1.1\r\n",
	                                    "GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
	                                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 77777777\r\n\r\n"};
	struct http_client crowd[CROWD];
	char filler[4096];
	memset(filler, 'f', sizeof(filler));
	answer_bytes = 1 << 20;
	open_server(NULL);
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = connect_client();
		client_push(&crowd[i], KINDS[i % 5], strlen(KINDS[i % 5]));
		run_loop(base, 0);
		/* Those who wait for large answers are a few, or all places would be theirs. */
		if (i % 5 == 3 && i > 100)
			client_close(&crowd[i]);
	}
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < CROWD; i++)
			if (crowd[i].fd >= 0 && i % 5 != 0)
				client_push(&crowd[i], filler, sizeof(filler));
		run_loop(base, 0);
		ck_assert_uint_le(server->connection_count, PLACES);
		ck_assert_uint_le(bytes_kept(), PLACES * (HEADER_BYTES + 1));
		others_are_served();
	}
	for (int i = 0; i < CROWD; i++)
		client_close(&crowd[i]);
}
END_TEST

/* As while a client does not take evhttp's own answer to something that is not well-formed. */
START_TEST(what_evhttp_leaves_unread_stays_with_the_client)
{
	char filler[65536];
	memset(filler, 'f', sizeof(filler));
	open_server(NULL);
	struct http_client client = connect_client();
	struct bufferevent *stream = TAILQ_FIRST(&server->connections)->stream;
	bufferevent_setcb(stream, NULL, NULL, NULL, NULL);
	for (int i = 0; i < 100; i++) {
		client_push(&client, filler, sizeof(filler));
		run_loop(base, 0);
	}
	ck_assert_uint_gt(evbuffer_get_length(bufferevent_get_input(stream)), 0);
	ck_assert_uint_le(evbuffer_get_length(bufferevent_get_input(stream)), 16384 + 1);
	client_close(&client);
}
END_TEST

START_TEST(clients_that_vanish_at_any_point_leave_nothing)
{
	static const char *const PARTS[] = {"", "G", "GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
	                                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
	                                    "x\r\n\r\n"};
	const struct linger reset = {.l_onoff = 1};
	open_server(NULL);
	size_t before = count_open_files();
	for (int i = 0; i < 50; i++) {
		struct http_client client = connect_client();
		client_send(&client, PARTS[i % 5]);
		if (i % 2)
			setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		if (i % 3)
			run_loop(base, 2);
		client_close(&client);
	}
	for (int i = 0; i < 1000 && server->connection_count; i++)
		run_loop(base, 5);
	ck_assert_uint_eq(server->connection_count, 0);
	ck_assert_uint_eq(count_open_files(), before);
}
END_TEST

/* ---- descriptors and listeners */

START_TEST(without_descriptors_the_loop_does_not_spin)
{
	open_server(NULL);
	struct rlimit limit, few;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	struct http_client client = client_open(base, FAMILY_IPV4, port);
	few = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	/* It is noticed once; until the rest is over, nothing is left to do. */
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert(listener->resting);
	ck_assert_int_eq(event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), 0);
	ck_assert(!event_pending(listener->acceptable, EV_READ, NULL));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Not by the client that waits: valgrind takes it in and throws it away to pretend that there is a limit. */
	others_are_served();
	ck_assert(!listener->resting);
	client_close(&client);
}
END_TEST

START_TEST(a_crowd_at_the_door_is_let_in_by_and_by)
{
	struct http_client clients[60];
	open_server(NULL);
	for (int i = 0; i < 60; i++)
		clients[i] = client_open(base, FAMILY_IPV4, port);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_gt(server->connection_count, 0);
	ck_assert_uint_lt(server->connection_count, 30);
	for (int i = 0; i < 60; i++)
		ck_assert_int_eq(client_ask(&clients[i], "GET", "/json"), 200);
	for (int i = 0; i < 60; i++)
		client_close(&clients[i]);
}
END_TEST

START_TEST(descriptors_are_nonblocking_and_not_inherited)
{
	open_server(NULL);
	struct http_client client = connect_client();
	ck_assert_int_eq(client_ask(&client, "GET", "/json"), 200);
	/* The next free number is behind all that are open. */
	int beyond = dup(0);
	unsigned checked = 0;
	for (int fd = 3; fd < beyond; fd++) {
		struct sockaddr_storage name;
		socklen_t size = sizeof(name);
		if (fd == client.fd || getsockname(fd, (void *)&name, &size) < 0 || name.ss_family != AF_INET)
			continue;
		ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
		ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		checked++;
	}
	ck_assert_uint_eq(checked, 2); /* listener and connection */
	close(beyond);
	client_close(&client);
}
END_TEST

START_TEST(one_server_listens_on_both_families_and_tells_them_apart)
{
	const struct address any6 = {FAMILY_IPV6, {0}}, any4 = {FAMILY_IPV4, {0}};
	struct http_listener *listener6;
	open_server(NULL);
	http_listener_close(listener);
	ck_assert_int_eq(http_server_listen(server, &any6, 0, &listener6), 0);
	port = http_listener_port(listener6);
	/* IPv6 only: the same port of IPv4 is nobody's, and free. */
	struct http_client client = client_open(base, FAMILY_IPV4, port);
	ck_assert_int_eq(client.fd, -1);
	ck_assert_int_eq(http_server_listen(server, &any4, port, &listener), 0);
	client = client_open(base, FAMILY_IPV4, port);
	ck_assert_int_eq(client_ask(&client, "GET", "/4"), 200);
	client_close(&client);
	client = client_open(base, FAMILY_IPV6, port);
	ck_assert_int_eq(client_ask(&client, "GET", "/6"), 200);
	client_close(&client);
	ck_assert_texts("asked", "GET /4 4;GET /6 6;", text_string(&asked));
}
END_TEST

START_TEST(a_taken_port_is_an_error_and_leaves_nothing)
{
	const struct address loopback = {FAMILY_IPV4, {127, 0, 0, 1}},
	                     foreign = {FAMILY_IPV4, {192, 0, 2, 1}};
	struct http_listener *second = NULL;
	open_server(NULL);
	size_t before = count_open_files();
	ck_assert_int_eq(http_server_listen(server, &loopback, port, &second), -EADDRINUSE);
	ck_assert_int_eq(http_server_listen(server, &foreign, 0, &second), -EADDRNOTAVAIL);
	ck_assert_ptr_null(second);
	ck_assert_uint_eq(count_open_files(), before);
}
END_TEST

START_TEST(closing_a_listener_ends_its_connections_only)
{
	const struct address loopback = {FAMILY_IPV4, {127, 0, 0, 1}};
	struct http_listener *other;
	open_server(NULL);
	ck_assert_int_eq(http_server_listen(server, &loopback, 0, &other), 0);
	struct http_client stays = client_open(base, FAMILY_IPV4, http_listener_port(other));
	struct http_client idle = connect_client(), asking = connect_client(), answering = connect_client();
	client_send(&asking, "GET / HT");
	client_send(&answering, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
	run_loop(base, 20);
	http_listener_close(listener);
	client_wait_end(&idle);
	client_wait_end(&asking);
	client_wait_end(&answering);
	ck_assert_int_eq(client_ask(&stays, "GET", "/json"), 200);
	/* The port can be had again at once. */
	ck_assert_int_eq(http_server_listen(server, &loopback, port, &listener), 0);
	others_are_served();
	client_close(&idle);
	client_close(&asking);
	client_close(&answering);
	client_close(&stays);
}
END_TEST

START_TEST(a_server_closes_with_all_it_has)
{
	size_t before = count_open_files();
	open_server(NULL);
	struct http_client client = connect_client();
	client_send(&client, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
	http_server_close(server);
	server = NULL;
	http_server_close(NULL);
	http_listener_close(NULL);
	client_wait_end(&client);
	client_close(&client);
	ck_assert_uint_eq(count_open_files(), before);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

static void add_hostile(TCase *hostile)
{
	tcase_add_test(hostile, an_endless_head_is_refused);
	tcase_add_test(hostile, a_line_without_end_is_refused);
	tcase_add_test(hostile, a_request_that_trickles_in_must_be_whole_in_time);
	tcase_add_test(hostile, a_body_that_trickles_in_must_be_whole_in_time);
	tcase_add_loop_test(hostile, a_request_of_thousands_of_lines_is_not_kept, 0, COUNT(MANY));
	tcase_add_test(hostile, who_connects_and_says_nothing_is_let_go);
	tcase_add_test(hostile, who_does_not_take_the_answer_is_let_go);
	tcase_add_test(hostile, of_200_idle_connections_the_oldest_go);
	tcase_add_test(hostile, an_active_connection_outlives_idle_ones);
	tcase_add_test(hostile, unfinished_requests_give_way_when_nothing_is_idle);
	tcase_add_test(hostile, when_all_are_being_answered_a_new_one_is_refused);
	tcase_add_test(hostile, a_crowd_of_bad_clients_hinders_nobody_and_costs_little);
	tcase_add_test(hostile, what_evhttp_leaves_unread_stays_with_the_client);
	tcase_add_test(hostile, clients_that_vanish_at_any_point_leave_nothing);
	tcase_add_test(hostile, a_client_that_only_sends_requests_is_not_read_any_more);
	tcase_add_test(hostile, a_huge_body_is_refused_and_thrown_away);
	tcase_add_test(hostile, a_crowd_at_the_door_is_let_in_by_and_by);
	tcase_add_test(hostile, without_descriptors_the_loop_does_not_spin);
}

static void add_answers(TCase *answers)
{
	tcase_add_test(answers, an_answer_has_the_headers_that_kube_proxy_sends);
	tcase_add_loop_test(answers, every_method_and_path_reaches_the_handler, 0, COUNT(QUESTIONS));
	tcase_add_loop_test(answers, a_target_may_name_a_host, 0, COUNT(PROXIED));
	tcase_add_test(answers, head_tells_the_length_and_sends_no_body);
	tcase_add_test(answers, a_large_answer_arrives_whole_even_when_the_connection_then_ends);
	tcase_add_test(answers, a_client_of_http_1_0_gets_one_answer);
	tcase_add_test(answers, a_client_that_keeps_the_connection_in_http_1_0_may);
	tcase_add_test(answers, a_client_that_has_closed_its_side_gets_the_whole_answer);
	tcase_add_test(answers, requests_sent_at_once_are_answered_one_by_one);
	tcase_add_loop_test(answers, what_is_not_well_formed_gets_its_status_and_the_end, 0, COUNT(REFUSED));
	tcase_add_test(answers, a_head_may_come_byte_by_byte);
	tcase_add_test(answers, no_damage_to_a_request_is_dangerous);
	tcase_add_test(answers, who_waits_to_be_told_to_send_the_body_is_told);
	tcase_add_test(answers, a_body_still_on_its_way_does_not_cost_the_answer);
	tcase_add_loop_test(answers, a_body_is_never_taken_for_a_request, 0, COUNT(WITH_BODY));
}

static void add_listeners(TCase *listeners)
{
	tcase_add_test(listeners, descriptors_are_nonblocking_and_not_inherited);
	tcase_add_test(listeners, one_server_listens_on_both_families_and_tells_them_apart);
	tcase_add_test(listeners, a_taken_port_is_an_error_and_leaves_nothing);
	tcase_add_test(listeners, closing_a_listener_ends_its_connections_only);
	tcase_add_test(listeners, a_server_closes_with_all_it_has);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*add)(TCase *tests);
	} PARTS[] = {
	        {"answers", add_answers}, {"hostile clients", add_hostile}, {"listeners", add_listeners}};
	Suite *suite = suite_create("http_server");
	for (int i = 0; i < COUNT(PARTS); i++) {
		TCase *tests = tcase_create(PARTS[i].name);
		tcase_add_checked_fixture(tests, set_up, tear_down);
		tcase_set_timeout(tests, 120);
		PARTS[i].add(tests);
		suite_add_tcase(suite, tests);
	}
	return run_suite(suite);
}
