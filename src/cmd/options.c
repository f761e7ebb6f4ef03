#include "options.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/vector.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct duration_unit {
	const char *name;
	double milliseconds;
};

/* Longer names before those that they begin with. */
static const struct duration_unit duration_units[] = {
        {"ns", 1e-6}, {"us", 1e-3}, {"µs", 1e-3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3},
};

static const struct duration_unit *unit_find(const char *text)
{
	for (size_t i = 0; i < sizeof(duration_units) / sizeof(duration_units[0]); i++)
		if (strncmp(text, duration_units[i].name, strlen(duration_units[i].name)) == 0)
			return &duration_units[i];
	return NULL;
}

bool duration_parse(const char *text, int64_t *ret_milliseconds)
{
	if (strcmp(text, "0") == 0) {
		*ret_milliseconds = 0;
		return true;
	}
	double sum = 0;
	const char *rest = text;
	while (*rest) {
		/* Digits and a point only: strtod alone would also take 1e3 and inf. */
		char digits[32] = "";
		size_t length = strspn(rest, "0123456789.");
		const struct duration_unit *unit = unit_find(rest + length);
		if (length == 0 || length >= sizeof(digits) || unit == NULL)
			return false;
		memcpy(digits, rest, length);
		char *end = NULL;
		double number = strtod(digits, &end);
		if (*end != '\0')
			return false;
		sum += number * unit->milliseconds;
		rest += length + strlen(unit->name);
	}
	if (rest == text || sum > 1e15)
		return false;
	*ret_milliseconds = (int64_t)sum;
	return true;
}

/* One item of a comma separated list, blanks trimmed; NULL at the end. Takes the next piece off *rest. */
static char *list_item(char **rest)
{
	char *item = strsep(rest, ",");
	if (item == NULL)
		return NULL;
	item += strspn(item, " \t");
	size_t length = strlen(item);
	while (length > 0 && strchr(" \t", item[length - 1]) != NULL)
		length--;
	item[length] = '\0';
	return item;
}

static int store_switch(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	static const char *const yes[] = {"true", "t", "1", "T", "TRUE", "True", NULL};
	static const char *const no[] = {"false", "f", "0", "F", "FALSE", "False", NULL};
	if (text == NULL) {
		*(bool *)value = true;
		return 0;
	}
	for (size_t i = 0; yes[i] != NULL; i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*(bool *)value = strcmp(text, yes[i]) == 0;
			return 0;
		}
	}
	return fault_set(fault, NULL, "\"%s\" is neither true nor false: give --%s or --%s=false", text,
	                 row->name, row->name);
}

static int store_text(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row, (void)fault;
	*(const char **)value = text;
	return 0;
}

static int store_number(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row;
	char *end = NULL;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || number > UINT32_MAX)
		return fault_set(fault, NULL, "\"%s\" is not a number from 0 to %u", text, UINT32_MAX);
	*(uint32_t *)value = (uint32_t)number;
	return 0;
}

static int store_duration(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row;
	if (!duration_parse(text, value))
		return fault_set(fault, NULL, "\"%s\" is not a duration: write it as 30s, 500ms or 1h30m",
		                 text);
	return 0;
}

static int add_cidr(struct cidr_list *list, const char *text, struct fault *fault)
{
	struct cidr cidr;
	if (!cidr_parse(text, false, &cidr))
		return fault_set(fault, NULL,
		                 "\"%s\" is not a CIDR: write ADDRESS/BITS, as 10.0.0.0/8 or fd00::/8", text);
	list->items = memory_resize(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = cidr;
	return 0;
}

static int store_cidrs(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row;
	auto_free char *copy = memory_copy_text(text);
	char *rest = *copy ? copy : NULL;
	for (char *item = list_item(&rest); item != NULL; item = list_item(&rest)) {
		int e = add_cidr(value, item, fault);
		if (e)
			return e;
	}
	return 0;
}

static int store_addresses(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row;
	struct address_list *list = value;
	auto_free char *copy = memory_copy_text(text);
	char *rest = *copy ? copy : NULL;
	for (char *item = list_item(&rest); item != NULL; item = list_item(&rest)) {
		struct address address;
		if (!address_parse(item, &address))
			return fault_set(fault, NULL, "\"%s\" is not an IP address", item);
		list->items = memory_resize(list->items, list->count + 1, sizeof(*list->items));
		list->items[list->count++] = address;
	}
	return 0;
}

static int store_node_ports(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	struct node_port_addresses *addresses = value;
	if (strcmp(text, "primary") == 0 && addresses->cidrs.count == 0) {
		addresses->primary = true;
		return 0;
	}
	if (addresses->primary || strstr(text, "primary") != NULL)
		return fault_set(fault, NULL, "\"primary\" stands alone: give either it or CIDRs");
	return store_cidrs(row, text, &addresses->cidrs, fault);
}

static int store_mode(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row, (void)value;
	if (*text == '\0' || strcmp(text, "ipvs") == 0)
		return 0;
	return fault_set(fault, NULL,
	                 "\"%s\" is not what this program does: kube-ipvs makes Services work with IPVS and "
	                 "nothing else; give "
	                 "\"ipvs\", or run kube-proxy for its other modes",
	                 text);
}

static int store_output(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	static const char *const names[] = {
	        [OUTPUT_TEXT] = "text", [OUTPUT_JSON] = "json", [OUTPUT_SAVE] = "save"};
	(void)row;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*(enum output_format *)value = (enum output_format)i;
			return 0;
		}
	}
	return fault_set(fault, NULL, "\"%s\" is not a format: give text, json or save", text);
}

typedef int store_function(const struct option_row *row, const char *text, void *value, struct fault *fault);

static store_function *const stores[] = {
        [OPTION_SWITCH] = store_switch,         [OPTION_TEXT] = store_text,
        [OPTION_NUMBER] = store_number,         [OPTION_DURATION] = store_duration,
        [OPTION_CIDRS] = store_cidrs,           [OPTION_ADDRESSES] = store_addresses,
        [OPTION_NODE_PORTS] = store_node_ports, [OPTION_MODE] = store_mode,
        [OPTION_OUTPUT] = store_output,
};

static size_t row_count(const struct command_line *line)
{
	size_t count = 0;
	while (line->rows[count].name != NULL)
		count++;
	return count;
}

/* getopt_long's two tables from ours. Returns the long one, which the caller frees. */
static struct option *build_long_options(const struct command_line *line, size_t count, char *ret_letters)
{
	struct option *options = memory_alloc((count + 1) * sizeof(*options));
	*ret_letters++ = '+'; /* stop at the first argument that is no flag */
	*ret_letters++ = ':'; /* tell a missing value from an unknown flag */
	for (size_t i = 0; i < count; i++) {
		const struct option_row *row = &line->rows[i];
		options[i].name = row->name;
		options[i].has_arg = row->kind == OPTION_SWITCH ? optional_argument : required_argument;
		options[i].val = (int)(256 + i);
		if (row->letter == 0)
			continue;
		*ret_letters++ = row->letter;
		if (row->kind != OPTION_SWITCH)
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
		return &line->rows[found - 256];
	for (size_t i = 0; i < count; i++)
		if (line->rows[i].letter == found)
			return &line->rows[i];
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

static int take_option(const struct command_line *line, size_t count, int found, const char *argument,
                       void *values, struct fault *fault)
{
	if (found == '?')
		return refuse_unknown(argument, fault);
	const struct option_row *row = found == ':' ? NULL : row_of(line, count, found);
	if (row == NULL) {
		fault_place(fault, "%s", argument);
		return fault_set(fault, NULL, "a value is missing; --help shows what it takes");
	}
	if (found >= 256 && !spelled_out(row, argument))
		return refuse_unknown(argument, fault);
	fault_place(fault, "--%s", row->name);
	return stores[row->kind](row, optarg, (char *)values + row->offset, fault);
}

static int parse_normalised(const struct command_line *line, int argc, char **argv, void *values,
                            struct fault *fault)
{
	size_t count = row_count(line);
	char letters[256];
	CHECK(count < 100);
	auto_free struct option *options = build_long_options(line, count, letters);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	for (;;) {
		int at = optind == 0 ? 1 : optind;
		int found = getopt_long(argc, argv, letters, options, NULL);
		if (found == -1)
			break;
		int e = take_option(line, count, found, argv[at], values, fault);
		if (e)
			return e;
	}
	if (optind < argc) {
		fault_place(fault, "%s", argv[optind]);
		return fault_set(fault, NULL, "this command takes flags only; --help lists them");
	}
	return 0;
}

int options_parse(const struct command_line *line, int argc, char **argv, void *values, struct fault *fault)
{
	/* Values borrow from argv, so what is normalised must live as long: only names change, values stay
	 * where they are. */
	for (int i = 1; i < argc; i++) {
		auto_free char *copy = normalised(argv[i]);
		memcpy(argv[i], copy, strlen(copy));
	}
	return parse_normalised(line, argc, argv, values, fault);
}

void options_release(const struct command_line *line, void *values)
{
	for (const struct option_row *row = line->rows; row->name != NULL; row++) {
		void *value = (char *)values + row->offset;
		if (row->kind == OPTION_CIDRS)
			memory_free_pointer(&((struct cidr_list *)value)->items);
		if (row->kind == OPTION_ADDRESSES)
			memory_free_pointer(&((struct address_list *)value)->items);
		if (row->kind == OPTION_NODE_PORTS)
			memory_free_pointer(&((struct node_port_addresses *)value)->cidrs.items);
	}
}

void options_print_help(const struct command_line *line, FILE *file)
{
	fprintf(file, "Usage: %s\n\n%s\n\nFlags:\n", line->synopsis, line->purpose);
	for (const struct option_row *row = line->rows; row->name != NULL; row++) {
		char flag[80];
		snprintf(flag, sizeof(flag), "--%s%s%s", row->name, row->value ? " " : "",
		         row->value ? row->value : "");
		if (row->letter)
			fprintf(file, "  -%c, %s\n", row->letter, flag);
		else
			fprintf(file, "      %s\n", flag);
		fprintf(file, "            %s\n", row->help);
	}
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
