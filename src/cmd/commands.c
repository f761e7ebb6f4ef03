/*
 * The table of subcommands, and those that need no more than a few lines.
 */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command commands[] = {
        {"proxy", "keep this node's IPVS in step with the Services (the daemon)", command_proxy, &proxy_line},
        {"plan", "show what would be programmed, or what would change, and touch nothing", command_plan,
         &plan_line},
        {"list", "show what IPVS holds, as ipvsadm -Ln prints it", command_list, &list_line},
        {"status", "say whether the daemon is running, and what is in force", command_status, &status_line},
        {"cleanup", "remove from the kernel what is ours, and nothing else", command_cleanup, &cleanup_line},
        {"version", "print the version", command_version, NULL},
        {"help", "explain a command: kube-ipvs help plan", command_help, NULL},
        {0},
};

const struct command *command_find(const char *name)
{
	for (const struct command *command = commands; command->name != NULL; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

void command_print_overview(FILE *file)
{
	fputs("Usage: kube-ipvs COMMAND [flags]\n\n"
	      "Kubernetes Services on this node with IPVS, the load balancer in the kernel.\n\nCommands:\n",
	      file);
	for (const struct command *command = commands; command->name != NULL; command++)
		fprintf(file, "  %-8s  %s\n", command->name, command->summary);
	fputs("\nWithout a command, flags start the daemon, as kube-proxy's do: kube-ipvs --proxy-mode=ipvs "
	      "...\n"
	      "The manual: man kube-ipvs\n",
	      file);
}

int command_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fputs("kube-ipvs: version: this command takes no flags\n", stderr);
		return EXIT_FAILURE;
	}
	puts("kube-ipvs " KUBE_IPVS_VERSION);
	return EXIT_SUCCESS;
}

int command_help(int argc, char **argv)
{
	if (argc < 2) {
		command_print_overview(stdout);
		return EXIT_SUCCESS;
	}
	const struct command *command = command_find(argv[1]);
	if (command == NULL) {
		fprintf(stderr,
		        "kube-ipvs: %s: there is no such command; \"kube-ipvs help\" lists all of them\n",
		        argv[1]);
		return EXIT_FAILURE;
	}
	if (command->line != NULL)
		options_print_help(command->line, stdout);
	else
		printf("Usage: kube-ipvs %s\n\n%s\n", command->name, command->summary);
	return EXIT_SUCCESS;
}
