/*
 * kube-ipvs: one program, subcommands from a table.
 *
 * Without a subcommand the flags decide: ipvsadm's -L starts the listing, all others the daemon, as
 * kube-proxy's do.
 */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ipvsadm's own spellings of a listing: -L, -l, and with -n in one word. */
static int asks_for_list(const char *argument)
{
	static const char *const spellings[] = {"-L", "-l", "-Ln", "-ln", "-nL", "-nl", "--list", NULL};
	for (size_t i = 0; spellings[i] != NULL; i++)
		if (strcmp(argument, spellings[i]) == 0)
			return 1;
	return 0;
}

static int run_without_command(int argc, char **argv)
{
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return command_help(1, argv);
	return asks_for_list(argv[1]) ? command_list(argc, argv) : command_proxy(argc, argv);
}

int main(int argc, char **argv)
{
	int status;
	if (argc < 2) {
		command_print_overview(stderr);
		return EXIT_FAILURE;
	}
	if (argv[1][0] == '-') {
		status = run_without_command(argc, argv);
	} else {
		const struct command *command = command_find(argv[1]);
		if (command == NULL) {
			fprintf(stderr,
			        "kube-ipvs: %s: there is no such command; \"kube-ipvs help\" lists all of "
			        "them\n",
			        argv[1]);
			return EXIT_FAILURE;
		}
		status = command->run(argc - 1, argv + 1);
	}
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("kube-ipvs: standard output");
		return EXIT_FAILURE;
	}
	return status;
}
