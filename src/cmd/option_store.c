/*
 * Values of flags and fields: what each kind's text may be, and where it goes.
 */
#include "options.h"

#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool truth_parse(const char *text, bool *ret_truth)
{
	static const char *const yes[] = {"true", "t", "1", "T", "TRUE", "True", NULL};
	static const char *const no[] = {"false", "f", "0", "F", "FALSE", "False", NULL};
	for (size_t i = 0; yes[i] != NULL; i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*ret_truth = strcmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

static int store_switch(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	if (truth_parse(text ? text : "true", value))
		return 0;
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
	int64_t ignored;
	if (*text == '-' && duration_parse(text + 1, &ignored))
		return fault_set(fault, NULL, "\"%s\" is below zero; 0 or more is allowed", text);
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

static int store_integer(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row;
	char *end = NULL;
	errno = 0;
	long number = strtol(text, &end, 10);
	bool digits = isdigit((unsigned char)text[*text == '-' || *text == '+']);
	if (errno != 0 || !digits || *end != '\0' || number < INT32_MIN || number > INT32_MAX)
		return fault_set(fault, NULL, "\"%s\" is not a whole number", text);
	*(int32_t *)value = (int32_t)number;
	return 0;
}

static int store_float(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row;
	char *end = NULL;
	double number = strtod(text, &end);
	if (*text == '\0' || strspn(text, "+-.0123456789eE") != strlen(text) || *end != '\0' ||
	    !isfinite(number))
		return fault_set(fault, NULL, "\"%s\" is not a number", text);
	*(double *)value = number;
	return 0;
}

static int store_size(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	static const char *const suffixes[] = {"", "Ki", "Mi", "Gi"};
	(void)row;
	char *end = NULL;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	for (unsigned i = 0; isdigit((unsigned char)*text) && errno == 0 && i < 4; i++) {
		if (strcmp(end, suffixes[i]) != 0 || number > UINT32_MAX >> (10 * i))
			continue;
		*(uint32_t *)value = (uint32_t)(number << (10 * i));
		return 0;
	}
	return fault_set(fault, NULL, "\"%s\" is not a size below 4Gi: write it as 65536, 64Ki or 8Mi", text);
}

static int store_ip(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	struct address address;
	if (!address_parse(text, &address))
		return fault_set(fault, NULL, "\"%s\" is not an IP address", text);
	return store_text(row, text, value, fault);
}

bool listen_address_parse(const char *text, struct address *ret_address, uint16_t *ret_port)
{
	char host[ADDRESS_TEXT_SIZE];
	const char *colon = strrchr(text, ':');
	if (colon == NULL || !isdigit((unsigned char)colon[1]))
		return false;
	char *end = NULL;
	unsigned long port = strtoul(colon + 1, &end, 10);
	bool brackets = *text == '[' && colon[-1] == ']';
	const char *start = text + brackets;
	size_t length = (size_t)(colon - start) - brackets;
	if (*end != '\0' || end - colon > 6 || port > UINT16_MAX || length >= sizeof(host))
		return false;
	memcpy(host, start, length);
	host[length] = '\0';
	/* Without brackets the last part of an IPv6 address would be taken for the port. */
	if (brackets != (strchr(host, ':') != NULL) || !address_parse(host, ret_address))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static int store_listen(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	struct address address;
	uint16_t port;
	if (*text != '\0' && !address_parse(text, &address) && !listen_address_parse(text, &address, &port))
		return fault_set(fault, NULL,
		                 "\"%s\" is not an address with a port: write it as 0.0.0.0:10256 or "
		                 "[::]:10256; port 0 switches it off",
		                 text);
	return store_text(row, text, value, fault);
}

/* resource.Quantity: a number with a suffix of powers of ten or of two. */
static int store_quantity(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	static const char *const suffixes[] = {"",  "n", "u",  "m",  "k",  "M",  "G",  "T",
	                                       "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	size_t whole = strspn(text, "0123456789");
	size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	const char *suffix = text + whole + (text[whole] == '.') + fraction;
	for (size_t i = 0; whole + fraction > 0 && i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (strcmp(suffix, suffixes[i]) == 0)
			return store_text(row, text, value, fault);
	return fault_set(fault, NULL, "\"%s\" is not a size: write it as 0, 65536 or 64Ki", text);
}

static void add_text(struct text_list *list, const char *text)
{
	list->items = memory_resize(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = memory_copy_text(text);
}

static int add_gate(struct text_list *list, char *item, struct fault *fault)
{
	bool on;
	char *equals = strchr(item, '=');
	if (equals == NULL || equals == item || !truth_parse(equals + 1, &on))
		return fault_set(fault, NULL, "\"%s\" is not a feature gate: write NAME=true or NAME=false",
		                 item);
	equals[1] = '\0';
	char *gate = NULL;
	if (asprintf(&gate, "%s%s", item, on ? "true" : "false") < 0)
		abort();
	add_text(list, gate);
	free(gate);
	return 0;
}

static int add_module(struct text_list *list, char *item, struct fault *fault)
{
	char *equals = strrchr(item, '=');
	size_t digits = equals ? strspn(equals + 1, "0123456789") : 0;
	if (equals == NULL || equals == item || digits == 0 || digits > 9 || equals[1 + digits] != '\0')
		return fault_set(fault, NULL, "\"%s\" is not a log level of a file: write PATTERN=LEVEL",
		                 item);
	add_text(list, item);
	return 0;
}

static int store_list(const char *text, struct text_list *list, struct fault *fault,
                      int (*add)(struct text_list *list, char *item, struct fault *fault))
{
	auto_free char *copy = memory_copy_text(text);
	char *rest = *copy ? copy : NULL;
	for (char *item = list_item(&rest); item != NULL; item = list_item(&rest)) {
		int e = *item ? add(list, item, fault) : 0;
		if (e)
			return e;
	}
	return 0;
}

static int store_gates(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row;
	return store_list(text, value, fault, add_gate);
}

static int store_modules(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row;
	return store_list(text, value, fault, add_module);
}

static int store_version(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	if (text == NULL || strcmp(text, "raw") != 0)
		return store_switch(row, text, value, fault);
	*(bool *)value = true;
	return 0;
}

static int store_port_range(const struct option_row *row, const char *text, void *value, struct fault *fault)
{
	(void)row;
	unsigned first = 0, last = 0;
	int end = 0;
	if (strspn(text, "0123456789-") != strlen(text) || strlen(text) > strlen("65535-65535") ||
	    sscanf(text, "%5u-%5u%n", &first, &last, &end) != 2 || text[end] != '\0' || first == 0 ||
	    first > last || last > UINT16_MAX)
		return fault_set(fault, NULL, "\"%s\" is not a range of ports: write it as 30000-32767",
		                 text);
	*(struct port_range *)value = (struct port_range){(uint16_t)first, (uint16_t)last};
	return 0;
}

typedef int store_function(const struct option_row *row, const char *text, void *value, struct fault *fault);

static store_function *const stores[] = {
        [OPTION_SWITCH] = store_switch,
        [OPTION_TEXT] = store_text,
        [OPTION_NUMBER] = store_number,
        [OPTION_DURATION] = store_duration,
        [OPTION_CIDRS] = store_cidrs,
        [OPTION_ADDRESSES] = store_addresses,
        [OPTION_NODE_PORTS] = store_node_ports,
        [OPTION_MODE] = store_mode,
        [OPTION_OUTPUT] = store_output,
        [OPTION_INTEGER] = store_integer,
        [OPTION_FLOAT] = store_float,
        [OPTION_SIZE] = store_size,
        [OPTION_IP] = store_ip,
        [OPTION_LISTEN] = store_listen,
        [OPTION_QUANTITY] = store_quantity,
        [OPTION_GATES] = store_gates,
        [OPTION_MODULES] = store_modules,
        [OPTION_VERSION] = store_version,
        [OPTION_PORT_RANGE] = store_port_range,
};

int option_store(const struct option_row *row, const char *text, void *values, struct fault *fault)
{
	return stores[row->kind](row, text, (char *)values + row->offset, fault);
}

static void release_texts(struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct text_list){0};
}

void option_release(const struct option_row *row, void *values)
{
	void *value = (char *)values + row->offset;
	if (row->kind == OPTION_CIDRS)
		memory_free_pointer(&((struct cidr_list *)value)->items);
	if (row->kind == OPTION_ADDRESSES)
		memory_free_pointer(&((struct address_list *)value)->items);
	if (row->kind == OPTION_NODE_PORTS)
		memory_free_pointer(&((struct node_port_addresses *)value)->cidrs.items);
	if (row->kind == OPTION_GATES || row->kind == OPTION_MODULES)
		release_texts(value);
}
