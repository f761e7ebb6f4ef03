/*
 * The subcommands, as rows of one table: a new one is a row and a file.
 */
#ifndef KUBE_IPVS_CMD_COMMAND_H
#define KUBE_IPVS_CMD_COMMAND_H

#include "options.h"

struct command {
	const char *name;
	const char *summary;
	/* argv[0] is the subcommand's name. Returns the exit status. */
	int (*run)(int argc, char **argv);
	const struct command_line *line; /* what --help prints; NULL: takes no options */
};

/* NULL name at the end, in the order of the help page. */
extern const struct command commands[];

const struct command *command_find(const char *name);
void command_print_overview(FILE *file);

int command_proxy(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_list(int argc, char **argv);
int command_status(int argc, char **argv);
int command_cleanup(int argc, char **argv);
int command_version(int argc, char **argv);
int command_help(int argc, char **argv);

extern const struct command_line proxy_line, plan_line, list_line, status_line, cleanup_line;

#endif
