/*
 * How long the first packet of a connection takes: connections are opened one after the other, and each time it is taken
 * how long connect() waits for the other end's kernel.
 *
 *	bench-first_packet listen PORT                   takes connections and ends them, for ever
 *	bench-first_packet measure ADDRESS PORT COUNT    prints the median in microseconds
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "first_packet: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static struct sockaddr_in ipv4_address(const char *text, const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	if (inet_pton(AF_INET, text, &address.sin_addr) != 1) {
		fprintf(stderr, "first_packet: %s is no IPv4 address\n", text);
		exit(EXIT_FAILURE);
	}
	return address;
}

static int listen_at(const char *port)
{
	const struct sockaddr_in address = ipv4_address("0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0)
		return fail("cannot listen");
	for (;;) {
		int client = accept(fd, NULL, NULL);
		if (client >= 0)
			close(client);
	}
}

static double now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Below 0: it failed. */
static double connect_once(const struct sockaddr_in *address)
{
	const struct linger at_once = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	double began = now_us();
	int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	double took = now_us() - began;
	close(fd);
	return result == 0 ? took : -1;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

static int measure(const char *to, const char *port, size_t count)
{
	const struct sockaddr_in address = ipv4_address(to, port);
	double *times = calloc(count + 1, sizeof(*times));
	if (!times)
		return fail("no memory");
	for (size_t i = 0; i < count; i++) {
		times[i] = connect_once(&address);
		if (times[i] < 0)
			return fail("a connection failed");
	}
	qsort(times, count, sizeof(*times), by_value);
	printf("%.1f\n", times[count / 2]);
	free(times);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "listen") == 0)
		return listen_at(argv[2]);
	if (argc == 5 && strcmp(argv[1], "measure") == 0 && atoi(argv[4]) > 0)
		return measure(argv[2], argv[3], (size_t)atoi(argv[4]));
	fprintf(stderr, "usage: bench-first_packet listen PORT | measure ADDRESS PORT COUNT\n");
	return EXIT_FAILURE;
}
