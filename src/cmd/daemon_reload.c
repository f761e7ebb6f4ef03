/*
 * A changed configuration file: validated first. Valid, the process executes itself anew, which takes over what
 * the kernel holds as any start does; invalid, what was read at the start stays in force.
 */
#include "daemon_private.h"

#include "base/memory.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_LINE       "/proc/self/cmdline"
#define COMMAND_LINE_LIMIT ((size_t)4 << 20)

/* The process' own arguments, as one block and as pointers into it. */
struct command_line_copy {
	struct text block;
	vector_of(char *) arguments; /* NULL at the end */
};

static void command_line_done(struct command_line_copy *copy)
{
	vector_done(&copy->arguments);
	text_done(&copy->block);
}

static int command_line_read(struct command_line_copy *ret_copy)
{
	*ret_copy = (struct command_line_copy){0};
	int e = text_read_file(COMMAND_LINE, COMMAND_LINE_LIMIT, &ret_copy->block);
	if (e)
		return e;
	for (size_t at = 0; at < ret_copy->block.length; at += strlen(ret_copy->block.bytes + at) + 1)
		vector_push(&ret_copy->arguments, ret_copy->block.bytes + at);
	vector_push(&ret_copy->arguments, NULL);
	return 0;
}

static void say_refusal(void *context, const struct fault *fault)
{
	char text[FAULT_TEXT_SIZE];
	log_error(context, "%s", fault_format(fault, text));
}

/* Whether the command line, with the file as it is now, is one to start with. It may be gone for a moment, or only half of
 * it written: then the watch tells once more. */
static bool is_valid(const struct daemon *daemon)
{
	struct command_line_copy line;
	struct config config;
	struct log log = *daemon->log;
	int e = command_line_read(&line);
	if (e) {
		log_error(&log, COMMAND_LINE ": %s", strerror(-e));
		return false;
	}
	/* argv[1] may be the subcommand's name. */
	bool named = line.arguments.count > 2 && *line.arguments.items[1] != '-';
	e = config_read((int)line.arguments.count - 1 - named, line.arguments.items + named, &config,
	                say_refusal, &log);
	file_watch_was_read(daemon->config_watch, &config.config_file_seen);
	config_done(&config);
	command_line_done(&line);
	return e == 0;
}

static void on_config_changed(void *context)
{
	struct daemon *daemon = context;
	const char *file = daemon->config->config_file;
	bool valid = is_valid(daemon);
	metric_set(daemon->serving.metrics, METRIC_CONFIG_RELOAD_FAILED, LABEL_NONE, !valid);
	if (!valid) {
		daemon_report_trouble(
		        daemon, file,
		        "is not valid any more; the configuration read at the start stays in force");
		return;
	}
	log_info(daemon->log, "%s: changed; starting anew with it, and everything programmed stays", file);
	daemon->execute_anew = true;
	event_base_loopbreak(daemon->base);
}

int daemon_watch_config(struct daemon *daemon)
{
	const char *file = daemon->config->config_file;
	if (*file == '\0')
		return 0;
	int e = file_watch_open(daemon->base, file, on_config_changed, daemon, &daemon->config_watch);
	if (e)
		log_error(daemon->log, "%s: cannot be followed for changes: %s", file, strerror(-e));
	else
		file_watch_was_read(daemon->config_watch, &daemon->config->config_file_seen);
	return e;
}

void daemon_execute_anew(const struct log *log)
{
	struct command_line_copy line;
	int e = command_line_read(&line);
	if (e == 0) {
		execv("/proc/self/exe", line.arguments.items);
		e = -errno;
		command_line_done(&line);
	}
	log_error(log, "kube-ipvs: cannot start anew: %s; ending, so that what supervises it can",
	          strerror(-e));
}
