#include "options.h"

#include "base/check.h"
#include "base/memory.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const struct option_row *option_row_at(const struct command_line *line, size_t index)
{
	size_t size = line->row_size ? line->row_size : sizeof(*line->rows);
	return (const struct option_row *)((const char *)line->rows + index * size);
}

static size_t row_count(const struct command_line *line)
{
	size_t count = 0;
	while (option_row_at(line, count)->name != NULL)
		count++;
	return count;
}

bool option_is_switch(const struct option_row *row)
{
	return row->kind == OPTION_SWITCH || row->kind == OPTION_VERSION;
}

/* getopt_long's two tables from ours. Returns the long one, which the caller frees. */
static struct option *build_long_options(const struct command_line *line, size_t count, char *ret_letters)
{
	struct option *options = memory_alloc((count + 1) * sizeof(*options));
	*ret_letters++ = '+'; /* stop at the first argument that is no flag */
	*ret_letters++ = ':'; /* tell a missing value from an unknown flag */
	struct option *option = options;
	for (size_t i = 0; i < count; i++) {
		const struct option_row *row = option_row_at(line, i);
		if (*row->name == '\0')
			continue;
		*option++ = (struct option){
		        .name = row->name,
		        .has_arg = option_is_switch(row) ? optional_argument : required_argument,
		        .val = (int)(256 + i),
		};
		if (row->letter == 0)
			continue;
		*ret_letters++ = row->letter;
		if (!option_is_switch(row))
			*ret_letters++ = ':';
	}
	*ret_letters = '\0';
	return options;
}

/* Flag names may be written with _ for -: kube-proxy's own normalisation (R14.3). */
static char *normalised(const char *argument)
{
	char *copy = memory_copy_text(argument);
	if (strncmp(copy, "--", 2) != 0)
		return copy;
	for (char *c = copy + 2; *c != '\0' && *c != '='; c++)
		if (*c == '_')
			*c = '-';
	return copy;
}

static const struct option_row *row_of(const struct command_line *line, size_t count, int found)
{
	if (found >= 256)
		return option_row_at(line, (size_t)found - 256);
	for (size_t i = 0; i < count; i++)
		if (option_row_at(line, i)->letter == found)
			return option_row_at(line, i);
	return NULL;
}

static int refuse_unknown(const char *argument, struct fault *fault)
{
	fault_place(fault, "%.*s", (int)strcspn(argument, "="), argument);
	return fault_set(fault, NULL, "there is no such flag; --help lists all of them");
}

/* getopt_long takes unambiguous beginnings of a name; kube-proxy does not, and a typing error must not pass.
 */
static bool spelled_out(const struct option_row *row, const char *argument)
{
	if (strncmp(argument, "--", 2) != 0)
		return true;
	size_t length = strcspn(argument + 2, "=");
	return length == strlen(row->name) && strncmp(argument + 2, row->name, length) == 0;
}

struct scan {
	const struct command_line *line;
	size_t count;
	options_take *take;
	void *context;
};

static int take_option(const struct scan *scan, int found, const char *argument, struct fault *fault)
{
	if (found == '?')
		return refuse_unknown(argument, fault);
	const struct option_row *row = found == ':' ? NULL : row_of(scan->line, scan->count, found);
	if (row == NULL) {
		fault_place(fault, "%s", argument);
		return fault_set(fault, NULL, "a value is missing; --help shows what it takes");
	}
	if (found >= 256 && !spelled_out(row, argument))
		return refuse_unknown(argument, fault);
	fault_place(fault, "--%s", row->name);
	/* "-v=2", which getopt takes for the value "=2". */
	bool joined = found < 256 && optarg != NULL && optarg == argument + 2 && *optarg == '=';
	return scan->take(scan->context, row, joined ? optarg + 1 : optarg, fault);
}

static int scan_normalised(const struct scan *scan, int argc, char **argv, struct fault *fault)
{
	char letters[256];
	CHECK(scan->count < 120);
	auto_free struct option *options = build_long_options(scan->line, scan->count, letters);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	for (;;) {
		int at = optind == 0 ? 1 : optind;
		int found = getopt_long(argc, argv, letters, options, NULL);
		if (found == -1)
			break;
		int e = take_option(scan, found, argv[at], fault);
		if (e)
			return e;
	}
	if (optind < argc) {
		fault_place(fault, "%s", argv[optind]);
		return fault_set(fault, NULL, "this command takes flags only; --help lists them");
	}
	return 0;
}

int options_scan(const struct command_line *line, int argc, char **argv, options_take *take, void *context,
                 struct fault *fault)
{
	const struct scan scan = {line, row_count(line), take, context};
	/* Values borrow from argv, so what is normalised must live as long: only names change, values stay
	 * where they are. */
	for (int i = 1; i < argc; i++) {
		auto_free char *copy = normalised(argv[i]);
		memcpy(argv[i], copy, strlen(copy));
	}
	return scan_normalised(&scan, argc, argv, fault);
}

static int store_at_once(void *values, const struct option_row *row, const char *text, struct fault *fault)
{
	return option_store(row, text, values, fault);
}

int options_parse(const struct command_line *line, int argc, char **argv, void *values, struct fault *fault)
{
	return options_scan(line, argc, argv, store_at_once, values, fault);
}

void options_release(const struct command_line *line, void *values)
{
	for (size_t i = 0; option_row_at(line, i)->name != NULL; i++)
		option_release(option_row_at(line, i), values);
}

static void print_row(const struct option_row *row, FILE *file)
{
	char flag[80];
	snprintf(flag, sizeof(flag), "--%s%s%s", row->name, row->value ? " " : "",
	         row->value ? row->value : "");
	if (row->letter)
		fprintf(file, "  -%c, %s\n", row->letter, flag);
	else
		fprintf(file, "      %s\n", flag);
	fprintf(file, "            %s\n", row->help);
}

void options_print_help(const struct command_line *line, FILE *file)
{
	fprintf(file, "Usage: %s\n\n%s\n\nFlags:\n", line->synopsis, line->purpose);
	for (size_t i = 0; option_row_at(line, i)->name != NULL; i++)
		if (*option_row_at(line, i)->name != '\0')
			print_row(option_row_at(line, i), file);
}

void complain(int error, const struct fault *fault)
{
	char text[FAULT_TEXT_SIZE];
	fault_format(fault, text);
	fprintf(stderr, "kube-ipvs: %s\n", *text ? text : strerror(error < 0 ? -error : error));
}

bool options_begin(const struct command_line *line, int argc, char **argv, void *values, const bool *help,
                   int *ret_status)
{
	struct fault fault = {0};
	if (options_parse(line, argc, argv, values, &fault) != 0) {
		complain(FAULT_REFUSED, &fault);
		options_release(line, values);
		*ret_status = EXIT_FAILURE;
		return false;
	}
	if (*help) {
		options_print_help(line, stdout);
		options_release(line, values);
		*ret_status = EXIT_SUCCESS;
		return false;
	}
	return true;
}
