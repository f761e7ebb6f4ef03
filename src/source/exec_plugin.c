#include "exec_plugin.h"

#include "base/memory.h"
#include "base/text.h"
#include "exec_spawn.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ERRORS_LIMIT = 400, ASK_MS = 50, FAREWELL_MS = 200 };

struct exec_run {
	const struct api_exec_plugin *plugin;
	void (*ended)(void *context, const struct exec_end *end);
	void *context;
	int64_t limit_ms;
	pid_t child;
	int pidfd;            /* -1: the kernel has none */
	int output, errors;   /* read ends; -1: closed */
	struct event *exited; /* the pidfd is readable, or it is time to ask */
	struct event *output_ready, *errors_ready, *late;
	struct text collected, complaint;
	int killed_for; /* 0, -ETIMEDOUT or -EFBIG */
};

static struct timeval as_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static void kill_group(const struct exec_run *run)
{
	kill(-run->child, SIGKILL);
	kill(run->child, SIGKILL); /* should it have gone to another group */
}

static void close_pipe(int *fd, struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void run_free(struct exec_run *run)
{
	close_pipe(&run->output, &run->output_ready);
	close_pipe(&run->errors, &run->errors_ready);
	close_pipe(&run->pidfd, &run->exited);
	if (run->late)
		event_free(run->late);
	text_done(&run->collected);
	text_done(&run->complaint);
	free(run);
}

/* Reads all there is; false at the end of the pipe. What is above the limit is thrown away. */
static bool drain(int fd, struct text *text, size_t limit, bool *ret_too_much)
{
	char buffer[16384];
	ssize_t got;
	while ((got = read(fd, buffer, sizeof(buffer))) > 0 || (got < 0 && errno == EINTR)) {
		size_t room = limit - text->length, more = got > 0 ? (size_t)got : 0;
		*ret_too_much |= more > room;
		text_add_bytes(text, buffer, more < room ? more : room);
		if (*ret_too_much)
			return true;
	}
	return got < 0 && errno == EAGAIN;
}

static void read_output(struct exec_run *run)
{
	bool too_much = false;
	if (!drain(run->output, &run->collected, EXEC_OUTPUT_LIMIT, &too_much))
		close_pipe(&run->output, &run->output_ready);
	if (too_much && !run->killed_for) {
		run->killed_for = -EFBIG;
		kill_group(run);
	}
}

static void read_errors(struct exec_run *run)
{
	bool too_much = false;
	if (!drain(run->errors, &run->complaint, ERRORS_LIMIT, &too_much))
		close_pipe(&run->errors, &run->errors_ready);
}

static void on_output(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	read_output(context);
}

static void on_errors(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	read_errors(context);
}

static void on_late(evutil_socket_t fd, short what, void *context)
{
	struct exec_run *run = context;
	(void)fd;
	(void)what;
	if (!run->killed_for)
		run->killed_for = -ETIMEDOUT;
	kill_group(run);
}

/* What the plug-in said on its standard error, as the end of a sentence. */
static void add_complaint(const struct exec_run *run, struct text *sentence)
{
	const char *at = text_string(&run->complaint);
	at += strspn(at, " \t\r\n");
	size_t length = strlen(at);
	while (length && strchr(" \t\r\n", at[length - 1]))
		length--;
	if (!length)
		return;
	text_add(sentence, "; it said: ");
	for (size_t i = 0; i < length; i++)
		text_add_char(sentence, (unsigned char)at[i] < ' ' ? ' ' : at[i]);
}

static int judge(const struct exec_run *run, int status, struct text *sentence)
{
	int error = run->killed_for;
	text_addf(sentence, "the credential plug-in %s ", run->plugin->command);
	if (error == -ETIMEDOUT)
		text_addf(sentence, "gave no credentials within %g s and was ended",
		          (double)run->limit_ms / 1000);
	else if (error == -EFBIG)
		text_addf(sentence, "wrote more than %zu KiB and was ended", EXEC_OUTPUT_LIMIT >> 10);
	else if (WIFSIGNALED(status))
		text_addf(sentence, "was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		text_addf(sentence, "failed with exit status %d", WEXITSTATUS(status));
	else
		return 0;
	add_complaint(run, sentence);
	return error ? error : -EACCES;
}

/* The child is no more. What it left in the pipes counts; who else holds their other end is not waited for. */
static void finish(struct exec_run *run, int status)
{
	if (run->output >= 0)
		read_output(run);
	if (run->errors >= 0)
		read_errors(run);
	auto_text sentence = {0};
	struct exec_end end = {.error = judge(run, status, &sentence)};
	end.sentence = end.error ? text_string(&sentence) : "";
	end.output = text_string(&run->collected);
	end.length = run->collected.length;
	run->ended(run->context, &end);
	run_free(run);
}

static void on_exited(evutil_socket_t fd, short what, void *context)
{
	struct exec_run *run = context;
	(void)fd;
	(void)what;
	int status = 0;
	pid_t reaped = waitpid(run->child, &status, WNOHANG);
	if (reaped == run->child || (reaped < 0 && errno == ECHILD)) {
		run->child = 0;
		finish(run, status);
	} else if (run->pidfd < 0) {
		const struct timeval delay = as_timeval(ASK_MS);
		event_add(run->exited, &delay);
	}
}

static int watch_run(struct event_base *base, struct exec_run *run)
{
	const struct timeval limit = as_timeval(run->limit_ms), ask = as_timeval(ASK_MS);
	run->pidfd = pidfd_open(run->child, 0);
	run->exited = event_new(base, run->pidfd, run->pidfd < 0 ? 0 : EV_READ | EV_PERSIST, on_exited, run);
	run->output_ready = event_new(base, run->output, EV_READ | EV_PERSIST, on_output, run);
	run->errors_ready = event_new(base, run->errors, EV_READ | EV_PERSIST, on_errors, run);
	run->late = event_new(base, -1, 0, on_late, run);
	if (!run->exited || !run->output_ready || !run->errors_ready || !run->late)
		return -ENOMEM;
	bool added = event_add(run->exited, run->pidfd < 0 ? &ask : NULL) == 0;
	added &= event_add(run->output_ready, NULL) == 0;
	added &= event_add(run->errors_ready, NULL) == 0;
	added &= event_add(run->late, &limit) == 0;
	return added ? 0 : -ENOMEM;
}

int exec_plugin_start(struct event_base *base, const struct api_exec_plugin *plugin, const char *info,
                      int64_t limit_ms, void (*ended)(void *context, const struct exec_end *end),
                      void *context, struct exec_run **ret_run, struct fault *fault)
{
	struct exec_run *run = memory_alloc(sizeof(*run));
	*run = (struct exec_run){.plugin = plugin,
	                         .ended = ended,
	                         .context = context,
	                         .limit_ms = limit_ms,
	                         .pidfd = -1,
	                         .output = -1,
	                         .errors = -1};
	int error = exec_spawn(plugin, info, &run->child, &run->output, &run->errors, fault);
	if (error < 0) {
		free(run);
		return error;
	}
	error = watch_run(base, run);
	if (error < 0) {
		fault_set(fault, NULL, "the credential plug-in %s cannot be watched: %s", plugin->command,
		          strerror(-error));
		exec_plugin_cancel(run);
		return error;
	}
	*ret_run = run;
	return 0;
}

void exec_plugin_cancel(struct exec_run *run)
{
	if (!run)
		return;
	kill_group(run);
	/* A killed child is gone in no time, unless the kernel holds it; then it is nobody's to wait for. */
	int status;
	struct pollfd gone = {.fd = run->pidfd, .events = POLLIN};
	if (waitpid(run->child, &status, WNOHANG) == 0) {
		poll(&gone, 1, FAREWELL_MS);
		waitpid(run->child, &status, WNOHANG);
	}
	run_free(run);
}
