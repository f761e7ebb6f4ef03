/*
 * What single values do not show (R14.7), and what follows from several (R14.5).
 */
#include "config_private.h"

#include "base/check.h"

#include <ctype.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct config_values, config.field)

/* The row that gave the value at that offset; the first one when it is a default. */
static const struct config_row *row_at(const struct config_reader *reader, size_t offset)
{
	const struct config_row *first = NULL;
	for (const struct config_row *row = config_rows; row->option.name; row++) {
		if (row->option.offset != offset || row->option.kind == OPTION_MODE)
			continue;
		if (reader->origins[row - config_rows] != FROM_DEFAULT)
			return row;
		first = first ? first : row;
	}
	CHECK(first != NULL);
	return first;
}

static bool was_given(const struct config_reader *reader, size_t offset)
{
	return reader->origins[row_at(reader, offset) - config_rows] != FROM_DEFAULT;
}

/* What a person calls the value: as it was given, else by its flag. */
static const char *name_of(const struct config_reader *reader, size_t offset, char name[static 80])
{
	const struct config_row *row = row_at(reader, offset);
	enum config_origin origin = reader->origins[row - config_rows];
	if (row->path && (origin == FROM_FILE || (reader->has_document && origin == FROM_DEFAULT)))
		snprintf(name, 80, "%s", row->path);
	else
		snprintf(name, 80, "--%s", row->option.name);
	return name;
}

static void refuse(struct config_reader *reader, size_t offset, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void refuse(struct config_reader *reader, size_t offset, const char *format, ...)
{
	const struct config_row *row = row_at(reader, offset);
	enum config_origin origin = reader->origins[row - config_rows];
	struct fault fault = {0};
	auto_text sentence = {0};
	va_list arguments;
	va_start(arguments, format);
	text_add_list(&sentence, format, arguments);
	va_end(arguments);
	if (row->path && (origin == FROM_FILE || (reader->has_document && origin == FROM_DEFAULT))) {
		document_refuse(&reader->document, row->path, &fault, "%s", text_string(&sentence));
	} else {
		fault_place(&fault, "--%s", row->option.name);
		fault_set(&fault, NULL, "%s", text_string(&sentence));
	}
	config_refuse(reader, &fault);
}

/* --- what follows */

static bool is_ipv6(const char *text)
{
	struct address address;
	return address_parse(text, &address) && address.family == FAMILY_IPV6;
}

/*
 * An address that nobody gave is the family's standard one with the port of the deprecated flag, one without a port
 * gets that port, and port 0 in either place switches the server off ("").
 */
static const char *listen_address(struct config_reader *reader, const char *given, const char *standard,
                                  uint32_t port)
{
	struct address address;
	char text[ENDPOINT_TEXT_SIZE];
	uint16_t own_port = 1;
	const char *host = given ? given : standard;
	if (port == 0 || port > UINT16_MAX || !*host)
		return "";
	if (listen_address_parse(host, &address, &own_port))
		return own_port == 0 ? "" : host;
	if (!address_parse(host, &address))
		return "";
	endpoint_format(&address, (uint16_t)port, text);
	return arena_copy_text(&reader->memory->arena, text);
}

static enum local_detect_mode detect_mode(const char *text)
{
	static const char *const names[] = {
	        [DETECT_CLUSTER_CIDR] = "ClusterCIDR",
	        [DETECT_NODE_CIDR] = "NodeCIDR",
	        [DETECT_BRIDGE_INTERFACE] = "BridgeInterface",
	        [DETECT_INTERFACE_NAME_PREFIX] = "InterfaceNamePrefix",
	};
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], text) == 0)
			return (enum local_detect_mode)i;
	return DETECT_CLUSTER_CIDR;
}

static int compare_gates(const void *a, const void *b)
{
	const char *left = *(char *const *)a, *right = *(char *const *)b;
	size_t left_length = strcspn(left, "="), right_length = strcspn(right, "=");
	int order = memcmp(left, right, left_length < right_length ? left_length : right_length);
	return order ? order : (left_length > right_length) - (left_length < right_length);
}

/* Sorted by name; of two with the same name the later one counts. */
static const char *join_gates(struct config_reader *reader)
{
	struct text_list *gates = &reader->memory->values.gates;
	size_t kept = 0;
	for (size_t i = 0; i < gates->count; i++) {
		size_t at = 0;
		while (at < kept && compare_gates(&gates->items[at], &gates->items[i]) != 0)
			at++;
		char *later = gates->items[i];
		if (at < kept)
			free(gates->items[at]);
		else
			kept++;
		gates->items[at] = later;
	}
	gates->count = kept;
	if (kept > 1)
		qsort(gates->items, kept, sizeof(*gates->items), compare_gates);
	auto_text joined = {0};
	for (size_t i = 0; i < kept; i++)
		text_addf(&joined, "%s%s", i ? "," : "", gates->items[i]);
	return arena_copy_text(&reader->memory->arena, text_string(&joined));
}

void config_derive(struct config_reader *reader)
{
	struct config_values *values = &reader->memory->values;
	struct config *config = &values->config;
	bool ipv6 = is_ipv6(config->bind_address);
	config->healthz_bind_address = listen_address(reader, config->healthz_bind_address,
	                                              ipv6 ? "::" : "0.0.0.0", values->healthz_port);
	config->metrics_bind_address = listen_address(reader, config->metrics_bind_address,
	                                              ipv6 ? "::1" : "127.0.0.1", values->metrics_port);
	config->local_mode = detect_mode(config->detect_local_mode);
	config->mode = "ipvs";
	config->scheduler = *values->scheduler ? values->scheduler : "rr";
	config->hold_by_routes = strcmp(config->vip_binding, "route") == 0;
	config->feature_gates = join_gates(reader);
	if (config->qps == 0)
		config->qps = 5;
	if (config->burst == 0)
		config->burst = 10;
}

/* --- what is wrong */

static void check_periods(struct config_reader *reader)
{
	const struct config *config = &reader->memory->values.config;
	char name[80];
	if (config->sync_period_ms <= 0)
		refuse(reader, AT(sync_period_ms), "it must be longer than 0s; the usual is 30s");
	if (config->config_sync_period_ms < 1000)
		refuse(reader, AT(config_sync_period_ms), "it must be 1s or longer; the usual is 15m");
	if (config->sync_period_ms > 0 && config->min_sync_period_ms > config->sync_period_ms)
		refuse(reader, AT(min_sync_period_ms), "it must not be longer than %s",
		       name_of(reader, AT(sync_period_ms), name));
}

static void check_cluster_cidrs(struct config_reader *reader)
{
	const struct cidr_list *cidrs = &reader->memory->values.config.cluster_cidrs;
	if (cidrs->count > 2)
		refuse(reader, AT(cluster_cidrs),
		       "%zu CIDRs are too many: give one, or one IPv4 and one IPv6 CIDR", cidrs->count);
	else if (cidrs->count == 2 && cidrs->items[0].base.family == cidrs->items[1].base.family)
		refuse(reader, AT(cluster_cidrs),
		       "both CIDRs are %s: give one, or one IPv4 and one IPv6 CIDR",
		       family_name(cidrs->items[0].base.family));
}

/* `offset` is of the text that the mode needs. */
/* What no interface can be called, and what nftables could not write. */
static bool is_interface_name(const char *text)
{
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at <= ' ' || strchr("/:\"\\", *at))
			return false;
	return strlen(text) < IFNAMSIZ;
}

static void check_needed(struct config_reader *reader, const char *mode, size_t offset)
{
	const char *text = *(const char *const *)((const char *)&reader->memory->values + offset);
	if (!*text)
		refuse(reader, offset, "it is missing: %s needs it to know local pods", mode);
	else if (!is_interface_name(text))
		refuse(reader, offset,
		       "no interface is called \"%s\": give at most %d characters, without blanks, quotes, "
		       "slashes, backslashes and colons",
		       text, IFNAMSIZ - 1);
}

static void check_local_detection(struct config_reader *reader)
{
	switch (reader->memory->values.config.local_mode) {
	case DETECT_CLUSTER_CIDR:
		check_cluster_cidrs(reader);
		break;
	case DETECT_NODE_CIDR:
		break;
	case DETECT_BRIDGE_INTERFACE:
		check_needed(reader, "BridgeInterface", AT(bridge_interface));
		break;
	case DETECT_INTERFACE_NAME_PREFIX:
		check_needed(reader, "InterfaceNamePrefix", AT(interface_name_prefix));
		break;
	}
}

/* R14.10: a name of nothing but blanks was meant to be one. */
static void check_name(struct config_reader *reader)
{
	const char *name = reader->memory->values.config.hostname_override;
	if (*name && name[strspn(name, " \t\r\n")] == '\0')
		refuse(reader, AT(hostname_override),
		       "the name is blank; give the node's name, or leave it out to use the host name");
}

static void warn_of_ports(struct config_reader *reader)
{
	for (const struct config_row *row = config_rows; row->option.name; row++) {
		if (!(row->marks & CONFIG_DEPRECATED) || reader->origins[row - config_rows] == FROM_DEFAULT)
			continue;
		config_warn(reader, "--%s: deprecated; give the port in --%.7s-bind-address",
		            row->option.name, row->option.name);
	}
}

void config_validate(struct config_reader *reader)
{
	const struct config *config = &reader->memory->values.config;
	check_periods(reader);
	check_local_detection(reader);
	check_name(reader);
	warn_of_ports(reader);
	if (config->local_mode != DETECT_CLUSTER_CIDR && config->cluster_cidrs.count > 0 &&
	    was_given(reader, AT(detect_local_mode))) {
		char name[80], mode[80];
		config_warn(reader, "%s: it says nothing where %s is %s",
		            name_of(reader, AT(cluster_cidrs), name),
		            name_of(reader, AT(detect_local_mode), mode), config->detect_local_mode);
	}
}
