#include "command.h"
#include "drain_table.h"
#include "node_name.h"

#include "apply/kernel.h"
#include "apply/record.h"
#include "base/text.h"
#include "observe/list.h"

#include <stdio.h>
#include <stdlib.h>

struct list_options {
	bool help;
	bool list;
	bool list_short;
	bool numeric;
	bool drains;
	const char *run_directory;
};

static const struct option_row rows[] = {
        {"list", 'L', OPTION_SWITCH, offsetof(struct list_options, list), NULL,
         "list; there is nothing else that this command does, so it may be left out"},
        {"l", 'l', OPTION_SWITCH, offsetof(struct list_options, list_short), NULL, "the same as --list"},
        {"numeric", 'n', OPTION_SWITCH, offsetof(struct list_options, numeric), NULL,
         "addresses and ports as numbers; they always are, so it may be left out"},
        {"drains", 0, OPTION_SWITCH, offsetof(struct list_options, drains), NULL,
         "list the real servers that drain instead: since when, how long they may, and what they wait for"},
        {"run-dir", 0, OPTION_TEXT, offsetof(struct list_options, run_directory), "DIR",
         "where the daemon keeps when each drain began (default " RECORD_DIRECTORY ")"},
        OPTION_HELP_ROW(struct list_options),
        {0},
};

const struct command_line list_line = {
        .synopsis = "kube-ipvs list [-L] [-n] [--drains]",
        .purpose = "Prints what IPVS holds, ours and others', byte for byte as ipvsadm -Ln does.",
        .rows = rows,
};

static int print_list(struct kernel *kernel, struct fault *fault)
{
	struct arena arena = {0};
	struct state state;
	struct kernel_info info;
	auto_text text = {0};
	int e = kernel_info(kernel, &info);
	if (e == 0)
		e = kernel_read(kernel, &arena, &state, fault);
	if (e == 0) {
		struct list_header header = {.version = info.version,
		                             .connection_table_size = info.connection_table_size};
		list_render(&header, &state, &text);
		fwrite(text.bytes, 1, text.length, stdout);
	}
	arena_done(&arena);
	return e;
}

static int print_drains(struct kernel *kernel, const char *directory, struct fault *fault)
{
	auto_text text = {0};
	size_t count;
	int e = drain_table_add(directory, kernel, &text, &count, fault);
	if (e == 0 && count > 0)
		fwrite(text.bytes, 1, text.length, stdout);
	return e;
}

int command_list(int argc, char **argv)
{
	struct list_options options = {.run_directory = RECORD_DIRECTORY};
	int status = EXIT_SUCCESS;
	if (!options_begin(&list_line, argc, argv, &options, &options.help, &status))
		return status;
	struct fault fault = {0};
	struct kernel *kernel = NULL;
	int e = kernel_open(DUMMY_INTERFACE, true, NULL, &kernel, &fault);
	if (e == 0)
		e = options.drains ? print_drains(kernel, options.run_directory, &fault)
		                   : print_list(kernel, &fault);
	if (e != 0)
		complain(e, &fault);
	kernel_close(kernel);
	return e ? EXIT_FAILURE : EXIT_SUCCESS;
}
