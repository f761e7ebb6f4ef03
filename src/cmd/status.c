/*
 * What is in force on this node, and whether somebody looks after it.
 */
#include "command.h"
#include "drain_table.h"
#include "node_name.h"
#include "run_lock.h"

#include "apply/kernel.h"
#include "apply/record.h"
#include "base/text.h"
#include "plan/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { STATUS_NOT_RUNNING = 3 }; /* as for init scripts (LSB) */

struct status_options {
	bool help;
	const char *run_directory;
};

static const struct option_row rows[] = {
        {"run-dir", 0, OPTION_TEXT, offsetof(struct status_options, run_directory), "DIR",
         "where the daemon keeps its record and its lock (default " RECORD_DIRECTORY ")"},
        OPTION_HELP_ROW(struct status_options),
        {0},
};

const struct command_line status_line = {
        .synopsis = "kube-ipvs status [--run-dir DIR]",
        .purpose = "Says whether the daemon is running, and what is in force on this node: virtual servers, "
                   "real\n"
                   "servers, addresses, and the real servers that drain.",
        .rows = rows,
};

/* ---- the daemon */

static void format_time(int64_t since, char *text, size_t size)
{
	time_t seconds = (time_t)since;
	struct tm local;
	if (localtime_r(&seconds, &local) == NULL ||
	    strftime(text, size, "%Y-%m-%d %H:%M:%S %z", &local) == 0)
		snprintf(text, size, "an unknown time");
}

/* Returns whether it is running. */
static bool add_daemon(const char *directory, struct text *text)
{
	struct run_lock_holder holder;
	char since[64];
	if (!run_lock_find(directory, "/proc", &holder)) {
		text_add(text, "daemon:            not running; what is in force stays as it is\n");
		return false;
	}
	int pid = holder.pid ? holder.pid : holder.noted_pid;
	format_time(holder.since, since, sizeof(since));
	text_add(text, "daemon:            running");
	if (pid)
		text_addf(text, ", process %d", pid);
	if (holder.since > 0)
		text_addf(text, ", since %s", since);
	if (holder.command[0] != '\0')
		text_addf(text, "\n                   %s", holder.command);
	text_add_char(text, '\n');
	return true;
}

/* ---- what is in force */

struct tally {
	size_t virtual_servers, real_servers, aliens;
};

static struct tally count_ours(const struct state *present, const struct removal_rules *rules)
{
	struct tally tally = {0};
	for (size_t i = 0; i < present->virtual_server_count; i++) {
		const struct virtual_server *server = &present->virtual_servers[i];
		bool ours = removal_allowed(rules, present, &server->key);
		tally.virtual_servers += ours;
		tally.aliens += !ours;
		tally.real_servers += ours ? server->real_server_count : 0;
	}
	return tally;
}

static int add_in_force(struct kernel *kernel, const char *directory, struct text *text, struct fault *fault)
{
	struct arena arena = {0};
	struct state present;
	struct virtual_server_key *recorded = NULL;
	size_t recorded_count = 0, unreadable = 0;
	int e = kernel_read(kernel, &arena, &present, fault);
	if (e == 0)
		e = record_read(directory, &arena, &recorded, &recorded_count, &unreadable);
	if (e == 0) {
		const struct removal_rules rules = {.recorded = recorded, .recorded_count = recorded_count};
		struct tally tally = count_ours(&present, &rules);
		text_addf(text, "virtual servers:   %zu\nreal servers:      %zu\naddresses:         %zu\n",
		          tally.virtual_servers, tally.real_servers, present.held_count);
		text_addf(text, "alien:             %zu virtual servers that are not ours\n", tally.aliens);
	}
	arena_done(&arena);
	return e;
}

static int add_kernel(const char *directory, struct text *text, struct fault *fault)
{
	struct kernel *kernel = NULL;
	auto_text table = {0};
	size_t drains = 0;
	int e = kernel_open(DUMMY_INTERFACE, false, NULL, &kernel, fault);
	if (e == 0)
		e = add_in_force(kernel, directory, text, fault);
	if (e == 0)
		e = drain_table_add(directory, kernel, &table, &drains, fault);
	if (e == 0)
		text_addf(text, "drains:            %zu\n%s", drains, text_string(&table));
	kernel_close(kernel);
	return e;
}

int command_status(int argc, char **argv)
{
	struct status_options options = {.run_directory = RECORD_DIRECTORY};
	struct fault fault = {0};
	auto_text text = {0};
	int status = EXIT_SUCCESS;
	if (!options_begin(&status_line, argc, argv, &options, &options.help, &status))
		return status;
	bool running = add_daemon(options.run_directory, &text);
	int e = add_kernel(options.run_directory, &text, &fault);
	fwrite(text.bytes, 1, text.length, stdout);
	if (e != 0)
		complain(e, &fault);
	options_release(&status_line, &options);
	return e ? EXIT_FAILURE : running ? EXIT_SUCCESS : STATUS_NOT_RUNNING;
}
