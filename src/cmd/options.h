/*
 * Flags as rows of a table: parsing, refusing and --help come from the same row.
 *
 * A row says where in the subcommand's options struct the value goes. Flags are spelled as kube-proxy's are:
 * --name VALUE,
 * --name=VALUE, _ for - (R14.3), a switch alone or with =true or =false. A refusal is one sentence that names
 * the flag.
 */
#ifndef KUBE_IPVS_CMD_OPTIONS_H
#define KUBE_IPVS_CMD_OPTIONS_H

#include "base/address.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
	OPTION_SWITCH,     /* bool */
	OPTION_TEXT,       /* const char *, borrowed from argv */
	OPTION_NUMBER,     /* uint32_t */
	OPTION_DURATION,   /* int64_t milliseconds; Go's spelling: 1h30m, 500ms, 0 */
	OPTION_CIDRS,      /* struct cidr_list */
	OPTION_ADDRESSES,  /* struct address_list */
	OPTION_NODE_PORTS, /* struct node_port_addresses: CIDRs, or `primary` */
	OPTION_MODE,       /* nothing is stored: ipvs, or a refusal that says what this program is */
	OPTION_OUTPUT,     /* enum output_format */
};

struct cidr_list {
	struct cidr *items;
	size_t count;
};

struct address_list {
	struct address *items;
	size_t count;
};

struct node_port_addresses {
	struct cidr_list cidrs;
	bool primary;
};

enum output_format {
	OUTPUT_TEXT,
	OUTPUT_JSON,
	OUTPUT_SAVE,
};

struct option_row {
	const char *name; /* NULL at the table's end */
	char letter;      /* 0: none */
	enum option_kind kind;
	size_t offset;
	const char *value; /* what --help calls the value; NULL for a switch */
	const char *help;
};

struct command_line {
	const char *synopsis; /* "kube-ipvs plan --manifests PATH [flags]" */
	const char *purpose;
	const struct option_row *rows;
};

/* Every command line has this row; its offset is that of a bool. */
#define OPTION_HELP_ROW(type)                                                                 \
	{                                                                                     \
		"help", 'h', OPTION_SWITCH, offsetof(type, help), NULL, "print this and exit" \
	}

/*
 * Reads all of argv[1..] into `values`, which holds the defaults before. Lists in it are to be released by
 * options_release. Returns 0, or FAULT_REFUSED with the flag as place; a positional argument is refused.
 */
int options_parse(const struct command_line *line, int argc, char **argv, void *values, struct fault *fault);
void options_release(const struct command_line *line, void *values);
void options_print_help(const struct command_line *line, FILE *file);

/*
 * The whole beginning of a subcommand: parses, prints help or the refusal. True: go on. False: *ret_status is
 * the exit status. `help` is the bool of OPTION_HELP_ROW.
 */
bool options_begin(const struct command_line *line, int argc, char **argv, void *values, const bool *help,
                   int *ret_status);

/* One line on standard error: the fault, or what the negative errno means when the fault is empty. */
void complain(int error, const struct fault *fault);

/* Go's durations. False: it is none, or negative. */
bool duration_parse(const char *text, int64_t *ret_milliseconds);

#endif
