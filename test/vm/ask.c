/*
 * The clients of the traffic matrix: asks many questions at once, each from a network namespace of its own, so that those
 * which get no answer wait together.
 *
 *     vm-ask SECONDS < QUESTIONS
 *
 * A question is a line: NAMESPACE PROTOCOL ADDRESS PORT. Protocols are tcp, udp, sctp, ping (PORT is ignored) and http.
 * Each is printed again, in the same order, with what came of it:
 *
 *     answer TEXT      the first line of the answer; of http, its status code; of ping, the word pong
 *     refused          by a reset, an abort or an ICMP error, before anything had to be sent again
 *     refused late     by a reset, but TCP had to ask more than once, three times in a row
 *     timeout          nothing in SECONDS
 *     closed           a connection without an answer
 *     error TEXT       anything else
 */
#include "namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define QUESTIONS_AT_ONCE 400

struct question {
	char from[16], protocol[8], address[INET6_ADDRSTRLEN];
	unsigned port;
	char result[128];
	const struct way *way;
	int fd; /* -1: not asked yet, or done */
	bool connected;
	bool done;
	int64_t end_ms;
};

static const struct way {
	const char *name;
	int type, protocol4, protocol6;
	bool connects; /* the kernel says when there is a peer */
	const char *request;
} ways[] = {
        {"tcp", SOCK_STREAM, IPPROTO_TCP, IPPROTO_TCP, true, NULL},
        {"udp", SOCK_DGRAM, IPPROTO_UDP, IPPROTO_UDP, false, "ask\n"},
        {"sctp", SOCK_STREAM, IPPROTO_SCTP, IPPROTO_SCTP, true, NULL},
        {"http", SOCK_STREAM, IPPROTO_TCP, IPPROTO_TCP, true, "GET / HTTP/1.0\r\n\r\n"},
        {"ping", SOCK_DGRAM, IPPROTO_ICMP, IPPROTO_ICMPV6, false, NULL},
};

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void conclude(struct question *q, const char *word, const char *text)
{
	snprintf(q->result, sizeof(q->result), "%s%s%.100s", word, *text ? " " : "", text);
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
	q->done = true;
}

/* A port that refuses at once does so before TCP's first retransmission. */
static bool was_sent_again(const struct question *q)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	return q->way->protocol4 == IPPROTO_TCP &&
	       getsockopt(q->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_total_retrans > 0;
}

static void conclude_error(struct question *q, int error)
{
	if (error == ECONNREFUSED)
		conclude(q, "refused", was_sent_again(q) ? "late" : "");
	else
		conclude(q, "error", strerror(error));
}

/* The address of a question for connect(); 0: it is none. */
static socklen_t parse_target(const struct question *q, struct sockaddr_storage *ret_target)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret_target;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret_target;
	memset(ret_target, 0, sizeof(*ret_target));
	if (inet_pton(AF_INET, q->address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)q->port);
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, q->address, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)q->port);
		return sizeof(*six);
	}
	return 0;
}

/* ICMP errors have to reach the socket: SCTP and ICMP pass them on only if asked to. */
static void prepare(int fd, int family)
{
	int on = 1;
	if (family == AF_INET) {
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	}
}

static void send_request(struct question *q, int family)
{
	struct icmphdr ping4 = {.type = ICMP_ECHO};
	struct icmp6_hdr ping6 = {.icmp6_type = ICMP6_ECHO_REQUEST};
	ssize_t sent = 0;
	if (q->way->request)
		sent = send(q->fd, q->way->request, strlen(q->way->request), MSG_NOSIGNAL);
	else if (q->way->protocol4 == IPPROTO_ICMP && family == AF_INET)
		sent = send(q->fd, &ping4, sizeof(ping4), 0);
	else if (q->way->protocol4 == IPPROTO_ICMP)
		sent = send(q->fd, &ping6, sizeof(ping6), 0);
	/* What the node's own filter refuses or drops is EPERM first; whether an ICMP error follows is the answer. */
	if (sent < 0 && errno != EPERM)
		conclude_error(q, errno);
}

/*
 * SCTP names all addresses of its host in its first packet, those on dummy interfaces included, which does not fit into a
 * packet when there are many. So it is bound to the one that the kernel would choose.
 */
static void bind_to_chosen_source(int fd, const struct sockaddr_storage *target, socklen_t size)
{
	struct sockaddr_storage source;
	int chooser = socket(target->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (chooser >= 0 && connect(chooser, (const struct sockaddr *)target, size) == 0 &&
	    getsockname(chooser, (struct sockaddr *)&source, &size) == 0) {
		if (source.ss_family == AF_INET)
			((struct sockaddr_in *)&source)->sin_port = 0;
		else
			((struct sockaddr_in6 *)&source)->sin6_port = 0;
		if (bind(fd, (struct sockaddr *)&source, size) != 0)
			warn("bind");
	}
	if (chooser >= 0)
		close(chooser);
}

static void ask(struct question *q, int poll, int64_t limit_ms)
{
	struct sockaddr_storage target;
	socklen_t size = parse_target(q, &target);
	int family = target.ss_family;
	if (size == 0 || !q->way) {
		conclude(q, "error", "is no question");
		return;
	}
	namespace_enter(q->from);
	q->fd = socket(family, q->way->type | SOCK_NONBLOCK | SOCK_CLOEXEC,
	               family == AF_INET ? q->way->protocol4 : q->way->protocol6);
	if (q->fd < 0) {
		conclude_error(q, errno);
		return;
	}
	struct epoll_event wanted = {.events = EPOLLIN | (q->way->connects ? EPOLLOUT : 0), .data.ptr = q};
	if (epoll_ctl(poll, EPOLL_CTL_ADD, q->fd, &wanted) != 0)
		err(1, "epoll");
	prepare(q->fd, family);
	if (q->way->protocol4 == IPPROTO_SCTP)
		bind_to_chosen_source(q->fd, &target, size);
	q->end_ms = now_ms() + limit_ms;
	if (connect(q->fd, (struct sockaddr *)&target, size) != 0 && errno != EINPROGRESS)
		conclude_error(q, errno);
	else if (!q->way->connects)
		send_request(q, family);
}

/* True: there is a peer. */
static bool finish_connecting(struct question *q, int poll)
{
	int error = 0;
	socklen_t size = sizeof(error);
	struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = q};
	getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		conclude_error(q, error);
		return false;
	}
	epoll_ctl(poll, EPOLL_CTL_MOD, q->fd, &wanted);
	q->connected = true;
	if (q->way->request)
		send_request(q, AF_UNSPEC);
	return !q->done;
}

static void conclude_answer(struct question *q, char *text)
{
	const char *word = "pong";
	if (strcmp(q->way->name, "http") == 0)
		word = strtok(text, " ") ? strtok(NULL, " \r\n") : NULL;
	else if (q->way->protocol4 != IPPROTO_ICMP)
		word = strtok(text, "\n");
	conclude(q, "answer", word ? word : "");
}

static void go_on(struct question *q, int poll)
{
	char text[256] = "";
	if (q->way->connects && !q->connected && !finish_connecting(q, poll))
		return;
	ssize_t length = recv(q->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (length > 0)
		conclude_answer(q, text);
	else if (length == 0)
		conclude(q, "closed", "");
	else if (errno != EAGAIN)
		conclude_error(q, errno);
}

/* Concludes those that waited long enough; how many still wait. */
static size_t count_waiting(struct question *questions, size_t count)
{
	size_t waiting = 0;
	int64_t now = now_ms();
	for (size_t i = 0; i < count; i++) {
		if (questions[i].fd >= 0 && questions[i].end_ms <= now)
			conclude(&questions[i], "timeout", "");
		waiting += questions[i].fd >= 0;
	}
	return waiting;
}

static void ask_all(struct question *questions, size_t count, int64_t limit_ms)
{
	int poll = epoll_create1(EPOLL_CLOEXEC);
	size_t next = 0, waiting = 0;
	while (next < count || waiting > 0) {
		struct epoll_event events[64];
		/* A few at a time: what has been asked is to be answered before more is. */
		for (int i = 0; i < 16 && next < count && waiting < QUESTIONS_AT_ONCE; i++, next++, waiting++)
			if (!questions[next].done)
				ask(&questions[next], poll, limit_ms);
		int ready =
		        epoll_wait(poll, events, 64, next < count && waiting < QUESTIONS_AT_ONCE ? 1 : 20);
		for (int i = 0; i < ready; i++)
			go_on(events[i].data.ptr, poll);
		waiting = count_waiting(questions, next);
	}
	close(poll);
}

/* On a busy machine TCP may ask twice though the first time was refused; what refuses late does so each time. */
static void forget_late(struct question *questions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(questions[i].result, "refused late") == 0)
			questions[i].done = questions[i].connected = false;
}

static bool read_question(struct question *q)
{
	*q = (struct question){.fd = -1};
	if (scanf("%15s %7s %45s %u", q->from, q->protocol, q->address, &q->port) != 4)
		return false;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (strcmp(q->protocol, ways[i].name) == 0)
			q->way = &ways[i];
	return true;
}

int main(int argc, char **argv)
{
	size_t count = 0, room = 64;
	struct question *questions = calloc(room, sizeof(*questions));
	if (argc != 2 || atoi(argv[1]) <= 0)
		errx(1, "usage: vm-ask SECONDS < QUESTIONS");
	while (questions && read_question(&questions[count]))
		if (++count == room)
			questions = reallocarray(questions, room *= 2, sizeof(*questions));
	if (!questions)
		err(1, "calloc");
	for (int round = 0; round < 3; round++) {
		forget_late(questions, count);
		ask_all(questions, count, atoi(argv[1]) * INT64_C(1000));
	}
	for (size_t i = 0; i < count; i++)
		printf("%s %s %s %u %s\n", questions[i].from, questions[i].protocol, questions[i].address,
		       questions[i].port, questions[i].result);
	free(questions);
}
