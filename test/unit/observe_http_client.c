#include "observe_http_client.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, STEP_MS = 5 };

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct http_client client_open(struct event_base *base, enum family family, uint16_t port)
{
	struct http_client client = {.base = base};
	const struct sockaddr_in ipv4 = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 ipv6 = {
	        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	client.fd = socket(family == FAMILY_IPV6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(client.fd, 0);
	if (family == FAMILY_IPV6 ? connect(client.fd, (const void *)&ipv6, sizeof(ipv6))
	                          : connect(client.fd, (const void *)&ipv4, sizeof(ipv4))) {
		ck_assert_int_eq(errno, ECONNREFUSED);
		close(client.fd);
		client.fd = -1;
		return client;
	}
	fcntl(client.fd, F_SETFL, O_NONBLOCK);
	return client;
}

void client_close(struct http_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	text_done(&client->got);
}

bool client_push(struct http_client *client, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN;
		bytes += sent;
		length -= (size_t)sent;
	}
	return true;
}

void client_send(struct http_client *client, const char *bytes)
{
	ck_assert(client_push(client, bytes, strlen(bytes)));
	run_loop(client->base, 0);
}

/* Reads what is there. */
static void take(struct http_client *client)
{
	for (;;) {
		char *into = text_reserve(&client->got, 65536);
		ssize_t got = recv(client->fd, into, 65536, 0);
		if (got > 0) {
			client->got.length += (size_t)got;
			into[got] = '\0';
			continue;
		}
		into[0] = '\0';
		client->ended |= got == 0 || errno != EAGAIN;
		client->reset |= got < 0 && errno == ECONNRESET;
		return;
	}
}

static void wait_a_step(struct http_client *client)
{
	struct pollfd readable = {.fd = client->fd, .events = POLLIN};
	run_loop(client->base, 0);
	poll(&readable, 1, STEP_MS);
	take(client);
}

static bool is_complete(struct http_client *client, bool without_body)
{
	static const char LENGTH[] = "Content-Length: ";
	const char *text = text_string(&client->got), *end = strstr(text, "\r\n\r\n");
	if (!end)
		return false;
	const char *length = strstr(text, LENGTH);
	ck_assert_msg(length && length < end, "no Content-Length in\n%s", text);
	client->body_from = (size_t)(end - text) + 4;
	size_t wanted = without_body ? 0 : strtoul(length + strlen(LENGTH), NULL, 10);
	return client->got.length >= client->body_from + wanted;
}

int client_wait_answer(struct http_client *client, bool without_body)
{
	int64_t until = now_ms() + PATIENCE_MS;
	while (!is_complete(client, without_body)) {
		if (client->ended)
			return 0;
		ck_assert_msg(now_ms() < until, "no answer, only\n%s", text_string(&client->got));
		wait_a_step(client);
	}
	ck_assert_int_eq(strncmp(client->got.bytes, "HTTP/1.", 7), 0);
	return atoi(client->got.bytes + 9);
}

void client_wait_bytes(struct http_client *client, size_t count)
{
	int64_t until = now_ms() + PATIENCE_MS;
	while (client->got.length < count && !client->ended) {
		ck_assert_msg(now_ms() < until, "only\n%s", text_string(&client->got));
		wait_a_step(client);
	}
}

void client_wait_end(struct http_client *client)
{
	int64_t until = now_ms() + PATIENCE_MS;
	while (!client->ended) {
		ck_assert_msg(now_ms() < until, "still open after\n%s", text_string(&client->got));
		wait_a_step(client);
	}
}

int client_ask(struct http_client *client, const char *method, const char *path)
{
	auto_text request = {0};
	text_addf(&request, "%s %s HTTP/1.1\r\nHost: test\r\n\r\n", method, path);
	text_clear(&client->got);
	if (!client_push(client, request.bytes, request.length))
		return 0;
	return client_wait_answer(client, strcmp(method, "HEAD") == 0);
}

int client_ask_once(struct event_base *base, enum family family, uint16_t port, struct text *ret_answer)
{
	struct http_client client = client_open(base, family, port);
	if (client.fd < 0)
		return 0;
	int status = client_ask(&client, "GET", "/");
	text_clear(ret_answer);
	text_add(ret_answer, text_string(&client.got));
	client_close(&client);
	return status;
}

void run_loop(struct event_base *base, unsigned milliseconds)
{
	int64_t until = now_ms() + milliseconds;
	do {
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (milliseconds)
			poll(NULL, 0, STEP_MS);
	} while (now_ms() < until);
}

size_t count_open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;
	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}
