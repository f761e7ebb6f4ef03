#include "running_daemon.h"

#include "base/check.h"
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void take_line(struct running_daemon *daemon, int64_t at_ns)
{
	const char *line = text_string(&daemon->line);
	if (daemon->log)
		fprintf(daemon->log, "%lld.%06lld %s\n", (long long)(at_ns / 1000000000),
		        (long long)(at_ns / 1000 % 1000000), line);
	if (daemon->said)
		daemon->said(daemon->context, line, at_ns);
	text_clear(&daemon->line);
}

/* False: nothing more comes. */
static bool read_some(struct running_daemon *daemon)
{
	char bytes[4096];
	ssize_t got = read(daemon->pipe, bytes, sizeof(bytes));
	int64_t now = machine_now_ns();
	for (ssize_t i = 0; i < got; i++) {
		if (bytes[i] == '\n')
			take_line(daemon, now);
		else
			text_add_char(&daemon->line, bytes[i]);
	}
	return got > 0 || (got < 0 && errno == EAGAIN);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct running_daemon *daemon = context;
	(void)fd, (void)what;
	if (!read_some(daemon))
		event_del(daemon->readable);
}

void running_daemon_start(struct running_daemon *daemon, const char *const *arguments)
{
	int ends[2];
	CHECK(daemon->process == 0 && pipe2(ends, O_CLOEXEC) == 0);
	daemon->process = fork();
	CHECK(daemon->process >= 0);
	if (daemon->process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDERR_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		execvp(arguments[0], (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	close(ends[1]);
	daemon->pipe = ends[0];
	evutil_make_socket_nonblocking(daemon->pipe);
	daemon->readable = event_new(daemon->base, daemon->pipe, EV_READ | EV_PERSIST, on_readable, daemon);
	event_add(daemon->readable, NULL);
}

int running_daemon_end(struct running_daemon *daemon, int signal)
{
	int status = 0, flags = fcntl(daemon->pipe, F_GETFL);
	kill(daemon->process, signal);
	event_free(daemon->readable);
	fcntl(daemon->pipe, F_SETFL, flags & ~O_NONBLOCK);
	while (read_some(daemon))
		;
	waitpid(daemon->process, &status, 0);
	close(daemon->pipe);
	text_done(&daemon->line);
	daemon->readable = NULL;
	daemon->process = 0;
	return status;
}

/* ---- what /proc says */

static FILE *open_proc(const struct running_daemon *daemon, const char *file)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)daemon->process, file);
	return fopen(path, "re");
}

int64_t running_daemon_cpu_ns(const struct running_daemon *daemon)
{
	FILE *file = open_proc(daemon, "schedstat");
	long long ns = -1;
	if (!file)
		return -1;
	if (fscanf(file, "%lld", &ns) != 1)
		ns = -1;
	fclose(file);
	return ns;
}

long running_daemon_kib(const struct running_daemon *daemon, const char *field)
{
	FILE *file = open_proc(daemon, "status");
	char line[256];
	long kib = -1;
	size_t length = strlen(field);
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, field, length) == 0 && line[length] == ':')
			kib = strtol(line + length + 1, NULL, 10);
	if (file)
		fclose(file);
	return kib;
}

long running_daemon_descriptors(const struct running_daemon *daemon)
{
	char path[64];
	long count = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)daemon->process);
	DIR *directory = opendir(path);
	if (!directory)
		return -1;
	for (struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

/* ---- the loop */

static void wake(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
}

bool loop_until_ns(struct event_base *base, const bool *until, int64_t ns)
{
	struct event *timer = evtimer_new(base, wake, NULL);
	int64_t end = machine_now_ns() + ns;
	for (int64_t left = ns; left > 0 && !*until; left = end - machine_now_ns()) {
		struct timeval time = {.tv_sec = left / 1000000000, .tv_usec = left / 1000 % 1000000};
		evtimer_add(timer, &time);
		event_base_loop(base, EVLOOP_ONCE);
	}
	event_free(timer);
	return *until;
}

void loop_for_ms(struct event_base *base, int ms)
{
	static const bool never = false;
	loop_until_ns(base, &never, (int64_t)ms * 1000000);
}

bool loop_until(struct event_base *base, const bool *until, int seconds)
{
	return loop_until_ns(base, until, (int64_t)seconds * 1000000000);
}
