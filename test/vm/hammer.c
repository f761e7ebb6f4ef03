/*
 * A client that never rests: asks every target again and again, and counts what came of it.
 *
 *     vm-hammer NAMESPACE tcp|udp PACE WAIT ADDRESS:PORT... > COUNTS
 *
 * Of each target one question is under way at a time; the next follows PACE milliseconds after its end, which comes after
 * WAIT milliseconds at the latest. TCP: a new connection for each; UDP: all datagrams of a target leave from one source
 * port, so that they are one flow. SIGTERM ends it, and then it prints what happened, a line for each kind, and how often:
 *
 *     answer NAME N    the first word of an answer
 *     refused N        by a reset or an ICMP error, before there was a connection
 *     silence N        nothing in WAIT ms; of TCP: no connection
 *     unfinished N     TCP only: connected, then a reset, an end or silence instead of an answer
 *     sent N           all of them
 *     in-a-row N       the most questions of one target, one after the other, that nobody answered
 */
#include "namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

struct target {
	struct sockaddr_in address;
	int fd;                   /* -1: no question is under way; UDP keeps it */
	bool asking;              /* a question is under way */
	bool connected;           /* TCP: there is a peer */
	int64_t due_ms;           /* when the question ends, or the next begins */
	unsigned long unanswered; /* in a row */
};

struct count {
	char what[64];
	unsigned long times;
};

struct hammer {
	int type, poll;
	int64_t pace_ms, wait_ms;
	struct target *targets;
	size_t target_count;
	struct count counts[64];
	unsigned long sent, most_unanswered;
};

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void count(struct hammer *hammer, const char *what)
{
	struct count *entry = hammer->counts, *last = entry + sizeof(hammer->counts) / sizeof(*entry) - 1;
	while (entry != last && *entry->what && strcmp(entry->what, what) != 0)
		entry++;
	snprintf(entry->what, sizeof(entry->what), "%s", entry == last ? "other" : what);
	entry->times++;
}

/* ---- one question */

/* A reset instead of the long goodbye: tens of thousands of closed connections would stay for minutes. */
static void hang_up(struct target *target)
{
	struct linger at_once = {.l_onoff = 1};
	setsockopt(target->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(target->fd);
	target->fd = -1;
}

static void conclude(struct hammer *hammer, struct target *target, const char *what)
{
	count(hammer, what);
	target->unanswered = strncmp(what, "answer ", 7) == 0 ? 0 : target->unanswered + 1;
	if (target->unanswered > hammer->most_unanswered)
		hammer->most_unanswered = target->unanswered;
	target->asking = target->connected = false;
	target->due_ms = now_ms() + hammer->pace_ms;
	if (hammer->type == SOCK_STREAM)
		hang_up(target);
}

static void conclude_error(struct hammer *hammer, struct target *target, int error)
{
	bool refused = error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH;
	/* Of these two TCP speaks only when there has been a connection. */
	if (target->connected || error == ECONNRESET || error == EPIPE)
		conclude(hammer, target, "unfinished");
	else
		conclude(hammer, target,
		         refused              ? "refused"
		         : error == ETIMEDOUT ? "silence"
		                              : strerror(error));
}

static void open_socket(struct hammer *hammer, struct target *target)
{
	struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = target};
	int on = 1;
	if (hammer->type == SOCK_STREAM)
		wanted.events |= EPOLLOUT;
	target->fd = socket(AF_INET, hammer->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (target->fd < 0 || epoll_ctl(hammer->poll, EPOLL_CTL_ADD, target->fd, &wanted) != 0)
		err(1, "socket");
	/* ICMP errors count at once. With datagrams they would stay in a queue that nobody reads. */
	if (hammer->type == SOCK_STREAM)
		setsockopt(target->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
}

static void ask(struct hammer *hammer, struct target *target)
{
	bool fresh = target->fd < 0;
	if (fresh)
		open_socket(hammer, target);
	hammer->sent++;
	target->asking = true;
	target->due_ms = now_ms() + hammer->wait_ms;
	if (fresh && connect(target->fd, (struct sockaddr *)&target->address, sizeof(target->address)) != 0 &&
	    errno != EINPROGRESS) {
		conclude_error(hammer, target, errno);
		/* A datagram socket without a peer is no use. */
		if (target->fd >= 0)
			hang_up(target);
	} else if (hammer->type == SOCK_DGRAM && send(target->fd, "ask\n", 4, 0) < 0) {
		conclude_error(hammer, target, errno);
	}
}

static bool finish_connecting(struct hammer *hammer, struct target *target)
{
	int error = 0;
	socklen_t size = sizeof(error);
	struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = target};
	getsockopt(target->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		conclude_error(hammer, target, error);
		return false;
	}
	target->connected = true;
	epoll_ctl(hammer->poll, EPOLL_CTL_MOD, target->fd, &wanted);
	return true;
}

/* An answer that comes after WAIT is none to the question that is under way by now, but there is someone who answers. */
static void go_on(struct hammer *hammer, struct target *target)
{
	char text[256], what[300];
	if (hammer->type == SOCK_STREAM && !target->connected && !finish_connecting(hammer, target))
		return;
	ssize_t length = recv(target->fd, text, sizeof(text) - 1, 0);
	if (length > 0) {
		text[length] = '\0';
		snprintf(what, sizeof(what), "answer %.50s", strtok(text, " \n") ? text : "?");
		conclude(hammer, target, what);
	} else if (length == 0) {
		conclude(hammer, target, "unfinished");
	} else if (errno != EAGAIN && (target->asking || hammer->type == SOCK_STREAM)) {
		conclude_error(hammer, target, errno);
	}
}

/* ---- all of them */

/* Begins and ends what is due; when the next is. */
static int64_t look_around(struct hammer *hammer)
{
	int64_t now = now_ms(), next = now + 100;
	for (size_t i = 0; i < hammer->target_count; i++) {
		struct target *target = &hammer->targets[i];
		if (target->due_ms <= now && target->asking)
			conclude(hammer, target, target->connected ? "unfinished" : "silence");
		else if (target->due_ms <= now)
			ask(hammer, target);
		next = target->due_ms < next ? target->due_ms : next;
	}
	return next;
}

static void run(struct hammer *hammer)
{
	while (!ended) {
		struct epoll_event events[64];
		int64_t wait = look_around(hammer) - now_ms();
		int ready = epoll_wait(hammer->poll, events, 64, wait > 0 ? (int)wait : 0);
		for (int i = 0; i < ready; i++) {
			struct target *target = events[i].data.ptr;
			if (target->fd >= 0)
				go_on(hammer, target);
		}
	}
}

static void parse_target(char *text, struct target *ret_target)
{
	char *colon = strrchr(text, ':');
	*ret_target = (struct target){.address.sin_family = AF_INET, .fd = -1};
	if (colon)
		*colon = '\0';
	if (!colon || inet_pton(AF_INET, text, &ret_target->address.sin_addr) != 1)
		errx(1, "%s is no ADDRESS:PORT", text);
	ret_target->address.sin_port = htons((uint16_t)atoi(colon + 1));
}

static void print(const struct hammer *hammer)
{
	for (const struct count *entry = hammer->counts; *entry->what; entry++)
		printf("%s %lu\n", entry->what, entry->times);
	printf("sent %lu\nin-a-row %lu\n", hammer->sent, hammer->most_unanswered);
}

int main(int argc, char **argv)
{
	static struct hammer hammer;
	if (argc < 6)
		errx(1, "usage: vm-hammer NAMESPACE tcp|udp PACE WAIT ADDRESS:PORT...");
	hammer.type = strcmp(argv[2], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
	hammer.pace_ms = atoi(argv[3]);
	hammer.wait_ms = atoi(argv[4]);
	hammer.target_count = (size_t)argc - 5;
	hammer.targets = calloc(hammer.target_count, sizeof(*hammer.targets));
	hammer.poll = epoll_create1(EPOLL_CLOEXEC);
	if (!hammer.targets || hammer.poll < 0)
		err(1, "vm-hammer");
	for (int i = 5; i < argc; i++)
		parse_target(argv[i], &hammer.targets[i - 5]);
	namespace_enter(argv[1]);
	signal(SIGTERM, end);
	run(&hammer);
	print(&hammer);
}
