/*
 * Kills a daemon again and again while the cluster changes, and starts it each time.
 *
 *     vm-crash SEED KILLS SNAPSHOT NAMESPACE...
 *
 * The API server that feeds the daemon is part of this program. Service 0 (test/fake/sketch.h) has the endpoint
 * 10.244.0.11 and never changes; from each namespace one connection to it is opened at the beginning, which must answer
 * after every kill. Most kills come shortly after a change, and so within a pass; others while a daemon starts, and others
 * as soon as something is written in its run directory. At the end "SNAPSHOT survived" is run; then everything is
 * removed and made anew by another daemon, and "SNAPSHOT fresh" is run.
 */
#include "api_server.h"
#include "churn.h"
#include "machine.h"
#include "namespace.h"
#include "running_daemon.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_DIRECTORY "/run/crash"

enum {
	SERVICES = 30,
	MOST_CONNECTIONS = 4,
	PATIENCE_SECONDS = 120,
	ANSWER_MS = 30000,
	MOST_CHANGES = 12,            /* before a kill */
	PASS_US = 12000,              /* kills come within so long after a change */
	WRITING_US = 400,             /* and after something was written */
	WRITING_WAIT_MS = 300,        /* if nothing is */
	QUIET_MS = 4000,              /* at the end: time for drains to be over */
	STEADY_ENDPOINT = 0x0af4000b, /* 10.244.0.11 */
};

enum moment { IN_A_PASS, WHILE_STARTING, WHILE_WRITING, MOMENTS };

struct crash {
	struct event_base *base;
	struct api_server *server;
	struct running_daemon daemon;
	struct churn churn;
	uint64_t random;
	bool in_sync, written;
	int64_t start_ns; /* how long the last complete start took */
	int64_t started_ns;
	int inotify;
	int connections[MOST_CONNECTIONS];
	size_t connection_count;
	size_t kills[MOMENTS], before_sync, lost;
};

/* ---- the daemon */

static void take_line(void *context, const char *line, int64_t at_ns)
{
	struct crash *crash = context;
	if (!strstr(line, "kernel: in sync"))
		return;
	crash->in_sync = true;
	crash->start_ns = at_ns - crash->started_ns;
}

static void start_daemon(struct crash *crash)
{
	char master[64];
	const char *arguments[] = {"kube-ipvs",           "proxy",         "--master",  master,
	                           "--hostname-override", "node-1",        "--run-dir", RUN_DIRECTORY,
	                           "--cluster-cidr",      "10.244.0.0/16", NULL};
	snprintf(master, sizeof(master), "http://127.0.0.1:%u", api_server_port(crash->server));
	crash->in_sync = false;
	crash->started_ns = machine_now_ns();
	running_daemon_start(&crash->daemon, arguments);
}

static void wait_for_sync(struct crash *crash)
{
	if (loop_until(crash->base, &crash->in_sync, PATIENCE_SECONDS))
		return;
	printf("not in sync %d s after a start\n", PATIENCE_SECONDS);
	exit(EXIT_FAILURE);
}

static void kill_daemon(struct crash *crash, enum moment moment)
{
	crash->kills[moment]++;
	crash->before_sync += !crash->in_sync;
	int status = running_daemon_end(&crash->daemon, SIGKILL);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	printf("the daemon had ended by itself: %d\n", status);
	exit(EXIT_FAILURE);
}

/* ---- what is written */

static void on_written(evutil_socket_t fd, short what, void *context)
{
	struct crash *crash = context;
	char bytes[4096];
	(void)what;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	crash->written = true;
}

static void watch_writing(struct crash *crash)
{
	mkdir(RUN_DIRECTORY, 0755);
	crash->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CHECK(inotify_add_watch(crash->inotify, RUN_DIRECTORY,
	                        IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO) >= 0);
	event_add(event_new(crash->base, crash->inotify, EV_READ | EV_PERSIST, on_written, crash), NULL);
}

/* ---- connections that nothing may disturb */

static int connect_from(const char *namespace)
{
	struct sockaddr_in service = {.sin_family = AF_INET, .sin_port = htons(80)};
	const struct timeval patience = {.tv_sec = ANSWER_MS / 1000};
	struct virtual_server_key key = sketch_key(0);
	memcpy(&service.sin_addr, key.address.bytes, 4);
	namespace_enter(namespace);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0);
	if (connect(fd, (struct sockaddr *)&service, sizeof(service)) != 0)
		err(EXIT_FAILURE, "connecting from %s", namespace);
	return fd;
}

/* What goes there has to come back. */
static bool answers(int fd, uint32_t word)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	uint32_t back = ~word;
	return send(fd, &word, sizeof(word), MSG_NOSIGNAL) == (ssize_t)sizeof(word) &&
	       poll(&pollfd, 1, ANSWER_MS) > 0 &&
	       recv(fd, &back, sizeof(back), MSG_WAITALL) == (ssize_t)sizeof(back) && back == word;
}

static void ask_all(struct crash *crash, uint32_t word)
{
	for (size_t i = 0; i < crash->connection_count; i++) {
		if (crash->connections[i] < 0 || answers(crash->connections[i], word))
			continue;
		printf("connection %zu: no answer after kill %u: %s\n", i, word, strerror(errno));
		close(crash->connections[i]);
		crash->connections[i] = -1;
		crash->lost++;
	}
}

/* ---- the instants */

static void change_some(struct crash *crash)
{
	for (uint32_t i = churn_random(&crash->random, MOST_CHANGES) + 1; i > 0; i--)
		churn_change(&crash->churn);
}

static void wait_us(struct crash *crash, uint32_t most)
{
	static const bool never = false;
	loop_until_ns(crash->base, &never, (int64_t)churn_random(&crash->random, most + 1) * 1000);
}

static void kill_in_a_pass(struct crash *crash)
{
	wait_for_sync(crash);
	change_some(crash);
	wait_us(crash, PASS_US);
}

static void kill_while_starting(struct crash *crash)
{
	wait_us(crash, (uint32_t)(crash->start_ns / 1000));
}

static void kill_while_writing(struct crash *crash)
{
	wait_for_sync(crash);
	crash->written = false;
	churn_change_node_port(&crash->churn);
	if (loop_until_ns(crash->base, &crash->written, (int64_t)WRITING_WAIT_MS * 1000000))
		wait_us(crash, WRITING_US);
}

static void kill_at_random(struct crash *crash)
{
	static void (*const wait[MOMENTS])(struct crash * crash) = {kill_in_a_pass, kill_while_starting,
	                                                            kill_while_writing};
	uint32_t choice = churn_random(&crash->random, 100);
	enum moment moment = choice < 55 ? IN_A_PASS : choice < 80 ? WHILE_STARTING : WHILE_WRITING;
	wait[moment](crash);
	kill_daemon(crash, moment);
}

/* ---- the whole */

static void fill(struct crash *crash)
{
	static const uint32_t endpoint = STEADY_ENDPOINT;
	const struct sketch steady = {.number = 0, .endpoints = &endpoint, .endpoint_count = 1};
	struct text text = {0};
	sketch_node("node-1", &text);
	api_server_put(crash->server, text_string(&text));
	sketch_service(&steady, &text);
	api_server_put(crash->server, text_string(&text));
	sketch_slice(&steady, &text);
	api_server_put(crash->server, text_string(&text));
	text_done(&text);
	churn_init(&crash->churn, crash->server, crash->random, 1, SERVICES);
}

static void snapshot(const char *program, const char *name)
{
	char command[256];
	snprintf(command, sizeof(command), "%s %s", program, name);
	CHECK(system(command) == 0);
}

static void kill_again_and_again(struct crash *crash, uint32_t kills)
{
	for (uint32_t i = 1; i <= kills; i++) {
		kill_at_random(crash);
		ask_all(crash, i);
		if (churn_random(&crash->random, 3) == 0)
			change_some(crash);
		start_daemon(crash);
	}
}

static void settle_and_show(struct crash *crash, const char *program, const char *name)
{
	wait_for_sync(crash);
	loop_for_ms(crash->base, QUIET_MS);
	snapshot(program, name);
}

static void tell(const struct crash *crash)
{
	printf("%zu kills within %d us of changes, %zu while starting, %zu while writing; %zu before the "
	       "kernel was in "
	       "sync; %zu changes\n",
	       crash->kills[IN_A_PASS], PASS_US, crash->kills[WHILE_STARTING], crash->kills[WHILE_WRITING],
	       crash->before_sync, crash->churn.changes);
}

int main(int argc, char **argv)
{
	const struct api_server_options options = {0};
	struct crash crash = {0};
	if (argc < 5 || argc - 4 > MOST_CONNECTIONS)
		errx(EXIT_FAILURE, "usage: vm-crash SEED KILLS SNAPSHOT NAMESPACE...");
	crash.random = strtoull(argv[1], NULL, 10);
	crash.base = event_base_new();
	crash.server = api_server_start(crash.base, &options);
	crash.daemon = (struct running_daemon){.base = crash.base,
	                                       .said = take_line,
	                                       .context = &crash,
	                                       .log = fopen("/out/daemon.log", "we")};
	setlinebuf(stdout);
	setlinebuf(crash.daemon.log);
	fill(&crash);
	watch_writing(&crash);
	start_daemon(&crash);
	wait_for_sync(&crash);
	for (int i = 4; i < argc; i++)
		crash.connections[crash.connection_count++] = connect_from(argv[i]);
	namespace_enter("node");
	ask_all(&crash, 0);
	kill_again_and_again(&crash, (uint32_t)strtoul(argv[2], NULL, 10));
	settle_and_show(&crash, argv[3], "survived");
	ask_all(&crash, ~0U);
	tell(&crash);
	running_daemon_end(&crash.daemon, SIGTERM);
	CHECK(system("kube-ipvs cleanup --run-dir " RUN_DIRECTORY " >/dev/null") == 0);
	start_daemon(&crash);
	settle_and_show(&crash, argv[3], "fresh");
	running_daemon_end(&crash.daemon, SIGTERM);
	churn_done(&crash.churn);
	api_server_stop(crash.server);
	return crash.lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
