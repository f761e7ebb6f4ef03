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
	OPTION_INTEGER,    /* int32_t */
	OPTION_FLOAT,      /* double */
	OPTION_SIZE,       /* uint32_t bytes; 4096, 64Ki, 8Mi, 1Gi */
	OPTION_IP,         /* const char *, borrowed: an IP address */
	OPTION_LISTEN,     /* const char *, borrowed: IP:port, or an IP alone; may be empty */
	OPTION_QUANTITY,   /* const char *, borrowed: Kubernetes' quantities, as 64Ki */
	OPTION_GATES,      /* struct text_list of "Name=true" */
	OPTION_MODULES,    /* struct text_list of "pattern=2" */
	OPTION_VERSION,    /* bool; a switch that may also have the value raw */
	OPTION_PORT_RANGE, /* struct port_range: 30000-32767 */
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

struct port_range {
	uint16_t first, last;
};

struct text_list {
	char **items;
	size_t count;
};

enum output_format {
	OUTPUT_TEXT,
	OUTPUT_JSON,
	OUTPUT_SAVE,
};

struct option_row {
	const char *name; /* NULL at the table's end; "": no flag, passed over here */
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
	size_t row_size; /* of what each row is the beginning of; 0: of the row alone */
};

/* The row of that index; that of the table's end has no name. */
const struct option_row *option_row_at(const struct command_line *line, size_t index);

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

/*
 * The same for who wants to decide what becomes of each value: `take` gets the row and the text, NULL for a switch
 * alone, and what it returns ends the scan unless it is 0. `text` points into argv.
 */
typedef int options_take(void *context, const struct option_row *row, const char *text, struct fault *fault);
int options_scan(const struct command_line *line, int argc, char **argv, options_take *take, void *context,
                 struct fault *fault);
/* Reads one value into `values`. Lists grow. 0, or FAULT_REFUSED with the sentence; the place is the caller's. */
int option_store(const struct option_row *row, const char *text, void *values, struct fault *fault);
void option_release(const struct option_row *row, void *values);
/* A switch may stand without a value. */
bool option_is_switch(const struct option_row *row);

void options_print_help(const struct command_line *line, FILE *file);

/*
 * The whole beginning of a subcommand: parses, prints help or the refusal. True: go on. False: *ret_status is
 * the exit status. `help` is the bool of OPTION_HELP_ROW.
 */
bool options_begin(const struct command_line *line, int argc, char **argv, void *values, const bool *help,
                   int *ret_status);

/* One line on standard error: the fault, or what the negative errno means when the fault is empty. */
void complain(int error, const struct fault *fault);

/* "192.0.2.1:80" or "[fd00::1]:80", nothing else. */
bool listen_address_parse(const char *text, struct address *ret_address, uint16_t *ret_port);

/* Go's durations. False: it is none, or negative. */
bool duration_parse(const char *text, int64_t *ret_milliseconds);

#endif
