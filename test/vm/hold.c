/*
 * Connections that stay open, and what becomes of them.
 *
 *     vm-hold serve PORT NAMESPACE...
 *
 * answers each line on a connection, over TCP and SCTP, with a line: the namespace's name. When its client will send no
 * more it closes, or, if the last line was "stay", does not. It goes into the background.
 *
 *     vm-hold NAMESPACE tcp|sctp ADDRESS PORT < ORDERS
 *
 * does what it is told, a line for each order, and prints one line for each:
 *
 *     open N     opens N connections more and asks on each: how many each server has answered, "pod-1 100 pod-2 100",
 *                "refused 3" and "silent 3"
 *     ask        the same on all that are open, and "cut 3" for those that ended instead
 *     half       says "stay" on all of them, and then that it will send no more
 *     listen     how many of them the server has not ended: "standing 5"
 *     close [N]  closes N of them, or all: "open 0"
 */
#include "namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { MOST = 1024, WAIT_SECONDS = 10 };

/* ---- the server */

struct end {
	const char *name;
	int fd;
	bool listens, stays;
};

static void watch(int poll, const char *name, int fd, bool listens)
{
	struct end *end = calloc(1, sizeof(*end));
	struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = end};
	if (!end || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted) != 0)
		err(1, "a connection cannot be watched");
	*end = (struct end){.name = name, .fd = fd, .listens = listens};
}

static void listen_at(int poll, const char *name, int protocol, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, MOST) != 0)
		err(1, "%s: port %u", name, port);
	watch(poll, name, fd, true);
}

/* What stays is not looked at again, and left open. */
static void answer(int poll, struct end *end)
{
	char text[64], line[64];
	ssize_t length = recv(end->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (length > 0) {
		text[length] = '\0';
		end->stays = strncmp(text, "stay", 4) == 0;
		int size = snprintf(line, sizeof(line), "%s\n", end->name);
		if (send(end->fd, line, (size_t)size, MSG_NOSIGNAL) == size)
			return;
	}
	epoll_ctl(poll, EPOLL_CTL_DEL, end->fd, NULL);
	if (length != 0 || !end->stays)
		close(end->fd);
	free(end);
}

static void serve(uint16_t port, char **names)
{
	int poll = epoll_create1(EPOLL_CLOEXEC);
	for (; *names; names++) {
		namespace_enter(*names);
		listen_at(poll, *names, IPPROTO_TCP, port);
		listen_at(poll, *names, IPPROTO_SCTP, port);
	}
	if (daemon(1, 1) != 0)
		err(1, "daemon");
	for (;;) {
		struct epoll_event event;
		if (epoll_wait(poll, &event, 1, -1) != 1)
			continue;
		struct end *end = event.data.ptr;
		int fd = end->listens ? accept4(end->fd, NULL, NULL, SOCK_CLOEXEC) : -1;
		if (fd >= 0)
			watch(poll, end->name, fd, false);
		else if (!end->listens)
			answer(poll, end);
	}
}

/* ---- the client */

struct count {
	char what[32];
	unsigned times;
};

struct client {
	int protocol;
	struct sockaddr_in address;
	int fds[MOST];
	size_t open;
	struct count counts[16];
};

static void count(struct client *client, const char *what)
{
	struct count *entry = client->counts;
	while (*entry->what && strcmp(entry->what, what) != 0)
		entry++;
	snprintf(entry->what, sizeof(entry->what), "%s", what);
	entry->times++;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct count *)a)->what, ((const struct count *)b)->what);
}

static void print_counts(struct client *client)
{
	size_t kinds = 0;
	while (*client->counts[kinds].what)
		kinds++;
	qsort(client->counts, kinds, sizeof(*client->counts), by_name);
	for (size_t i = 0; i < kinds; i++)
		printf("%s%s %u", i ? " " : "", client->counts[i].what, client->counts[i].times);
	puts("");
	memset(client->counts, 0, sizeof(client->counts));
}

/* Who answers on this connection, or what happens instead. */
static bool ask(struct client *client, int fd, const char *words)
{
	char text[32];
	ssize_t length = send(fd, words, strlen(words), MSG_NOSIGNAL);
	if (length > 0)
		length = recv(fd, text, sizeof(text) - 1, 0);
	if (length > 0)
		text[length - 1] = '\0';
	count(client, length > 0 ? text : length < 0 && errno == EAGAIN ? "silent" : "cut");
	return length > 0;
}

static void open_more(struct client *client, size_t more)
{
	const struct timeval wait = {.tv_sec = WAIT_SECONDS};
	for (size_t i = 0; i < more && client->open < MOST; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, client->protocol);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
		if (connect(fd, (struct sockaddr *)&client->address, sizeof(client->address)) != 0) {
			count(client, errno == ECONNREFUSED || errno == ECONNRESET ? "refused" : "silent");
			close(fd);
		} else {
			client->fds[client->open++] = fd;
			ask(client, fd, "ask\n");
		}
	}
	print_counts(client);
}

static void ask_all(struct client *client, const char *words)
{
	size_t kept = 0;
	for (size_t i = 0; i < client->open; i++)
		if (ask(client, client->fds[i], words))
			client->fds[kept++] = client->fds[i];
		else
			close(client->fds[i]);
	client->open = kept;
	print_counts(client);
}

static void end_halves(struct client *client)
{
	ask_all(client, "stay\n");
	for (size_t i = 0; i < client->open; i++)
		shutdown(client->fds[i], SHUT_WR);
}

static void listen_to_all(struct client *client)
{
	unsigned standing = 0;
	char byte;
	for (size_t i = 0; i < client->open; i++)
		standing += recv(client->fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
	printf("standing %u\n", standing);
}

static void close_some(struct client *client, size_t number)
{
	for (size_t i = 0; i < number && client->open > 0; i++)
		close(client->fds[--client->open]);
	printf("open %zu\n", client->open);
}

static void obey(struct client *client)
{
	char line[64], order[16];
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		size_t number = MOST;
		if (sscanf(line, "%15s %zu", order, &number) < 1)
			continue;
		if (strcmp(order, "open") == 0)
			open_more(client, number);
		else if (strcmp(order, "ask") == 0)
			ask_all(client, "ask\n");
		else if (strcmp(order, "half") == 0)
			end_halves(client);
		else if (strcmp(order, "listen") == 0)
			listen_to_all(client);
		else if (strcmp(order, "close") == 0)
			close_some(client, number);
		else
			errx(1, "%s is no order", order);
	}
}

int main(int argc, char **argv)
{
	static struct client client;
	if (argc >= 4 && strcmp(argv[1], "serve") == 0)
		serve((uint16_t)atoi(argv[2]), argv + 3);
	if (argc != 5 || inet_pton(AF_INET, argv[3], &client.address.sin_addr) != 1)
		errx(1, "usage: vm-hold serve PORT NAMESPACE... | vm-hold NAMESPACE tcp|sctp ADDRESS PORT < "
		        "ORDERS");
	client.protocol = strcmp(argv[2], "sctp") == 0 ? IPPROTO_SCTP : IPPROTO_TCP;
	client.address.sin_family = AF_INET;
	client.address.sin_port = htons((uint16_t)atoi(argv[4]));
	namespace_enter(argv[1]);
	obey(&client);
}
