/*
 * The configuration as kube-proxy writes it: one object, as JSON for /configz and as YAML for a file.
 */
#include "config_private.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- values */

/* As Go prints durations: 24h0m0s, 1m30s, 1.5s, 500ms, 0s. */
static json_t *render_duration(int64_t milliseconds)
{
	char text[48];
	long long seconds = milliseconds / 1000, hours = seconds / 3600, minutes = seconds / 60 % 60;
	int rest = (int)(milliseconds % 1000);
	if (milliseconds == 0)
		return json_string("0s");
	if (seconds == 0)
		snprintf(text, sizeof(text), "%dms", rest);
	else if (hours > 0)
		snprintf(text, sizeof(text), "%lldh%lldm%lld", hours, minutes, seconds % 60);
	else if (minutes > 0)
		snprintf(text, sizeof(text), "%lldm%lld", minutes, seconds % 60);
	else
		snprintf(text, sizeof(text), "%lld", seconds);
	if (seconds == 0)
		return json_string(text);
	size_t length = strlen(text);
	if (rest) {
		length += (size_t)snprintf(text + length, sizeof(text) - length, ".%03d", rest);
		while (text[length - 1] == '0')
			text[--length] = '\0';
	}
	snprintf(text + length, sizeof(text) - length, "s");
	return json_string(text);
}

/* 5, not 5.0. */
static json_t *render_float(double number)
{
	if (fabs(number) < 1e15 && number == floor(number))
		return json_integer((json_int_t)number);
	return json_real(number);
}

static json_t *render_cidrs(const struct cidr_list *cidrs)
{
	char text[CIDR_TEXT_SIZE];
	json_t *list = json_array();
	for (size_t i = 0; i < cidrs->count; i++) {
		cidr_format(&cidrs->items[i], text);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *render_joined(const struct cidr_list *cidrs)
{
	auto_text joined = {0};
	char text[CIDR_TEXT_SIZE];
	for (size_t i = 0; i < cidrs->count; i++) {
		cidr_format(&cidrs->items[i], text);
		text_addf(&joined, "%s%s", i ? "," : "", text);
	}
	return json_string(text_string(&joined));
}

static json_t *render_node_ports(const struct node_port_addresses *addresses)
{
	if (!addresses->primary)
		return render_cidrs(&addresses->cidrs);
	json_t *list = json_array();
	json_array_append_new(list, json_string("primary"));
	return list;
}

static json_t *render_gates(const struct text_list *gates)
{
	json_t *object = json_object();
	for (size_t i = 0; i < gates->count; i++) {
		const char *equals = strchr(gates->items[i], '=');
		json_object_setn_new(object, gates->items[i], (size_t)(equals - gates->items[i]),
		                     json_boolean(strcmp(equals, "=true") == 0));
	}
	return object;
}

static json_t *render_modules(const struct text_list *modules)
{
	json_t *list = json_array();
	for (size_t i = 0; i < modules->count; i++) {
		const char *equals = strrchr(modules->items[i], '=');
		json_array_append_new(list, json_pack("{s:s%, s:i}", "filePattern", modules->items[i],
		                                      (size_t)(equals - modules->items[i]), "verbosity",
		                                      atoi(equals + 1)));
	}
	return list;
}

/* An address that is switched off is one with port 0, since an empty one in the file is the default. */
static json_t *render_listen(const char *text)
{
	return json_string(*text ? text : "0.0.0.0:0");
}

json_t *config_render_value(const struct config_row *row, const struct config_values *values)
{
	const void *value = (const char *)values + row->option.offset;
	switch (row->option.kind) {
	case OPTION_SWITCH:
		return json_boolean(*(const bool *)value);
	case OPTION_NUMBER:
		return json_integer(*(const uint32_t *)value);
	case OPTION_INTEGER:
		return json_integer(*(const int32_t *)value);
	case OPTION_FLOAT:
		return render_float(*(const double *)value);
	case OPTION_DURATION:
		return render_duration(*(const int64_t *)value);
	case OPTION_CIDRS:
		return row->marks & CONFIG_JOINED ? render_joined(value) : render_cidrs(value);
	case OPTION_NODE_PORTS:
		return render_node_ports(value);
	case OPTION_GATES:
		return render_gates(value);
	case OPTION_MODULES:
		return render_modules(value);
	case OPTION_LISTEN:
		return render_listen(*(const char *const *)value);
	case OPTION_MODE:
		return json_string("ipvs");
	default:
		return json_string(*(const char *const *)value);
	}
}

/* --- the object */

static bool is_empty(const json_t *value)
{
	return json_is_false(value) || (json_is_string(value) && json_string_length(value) == 0) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

/* Puts the value at "a.b.c", making what it stands in. */
static void put(json_t *object, const char *path, json_t *value)
{
	const char *dot;
	while ((dot = strchr(path, '.')) != NULL) {
		size_t length = (size_t)(dot - path);
		json_t *inner = json_object_getn(object, path, length);
		if (!inner) {
			inner = json_object();
			json_object_setn_new(object, path, length, inner);
		}
		object = inner;
		path = dot + 1;
	}
	json_object_set_new(object, path, value);
}

json_t *config_build_object(const struct config_values *values)
{
	json_t *object = json_object();
	put(object, "kind", json_string("KubeProxyConfiguration"));
	put(object, "apiVersion", json_string("kubeproxy.config.k8s.io/v1alpha1"));
	for (const struct config_row *row = config_rows; row->option.name; row++) {
		if (!row->path)
			continue;
		json_t *value = config_render_value(row, values);
		/* Go writes an empty list that nobody made as null, and leaves some fields out when empty. */
		if (row->marks & CONFIG_OMIT_EMPTY && is_empty(value)) {
			json_decref(value);
			continue;
		}
		if (json_is_array(value) && is_empty(value)) {
			json_decref(value);
			value = json_null();
		}
		put(object, row->path, value);
	}
	if (!*values->config.detect_local_mode)
		put(object, "detectLocalMode", json_string("ClusterCIDR"));
	return object;
}

enum { REAL_DIGITS = 9 };

/* The characters that Go's encoder escapes, so that a page may hold the text, are not escaped: it is JSON either way.
 */
void config_render_configz(const struct config *config, struct text *text)
{
	json_t *object = json_object();
	json_object_set_new(object, "kubeproxy.config.k8s.io", config_build_object(&config->memory->values));
	char *dumped = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	text_add(text, dumped);
	free(dumped);
	json_decref(object);
}

/* --- YAML */

/* Safe without quotes: a word that no reader takes for a number, a truth value or null. */
static bool is_plain(const char *text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(words[i], text) == 0)
			return false;
	return isalpha((unsigned char)*text) &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./-")] ==
	               '\0';
}

/* JSON's spelling of a scalar is one of YAML's. */
static void add_scalar(struct text *text, const json_t *value)
{
	if (json_is_string(value) && is_plain(json_string_value(value))) {
		text_add(text, json_string_value(value));
		return;
	}
	char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	text_add(text, dumped);
	free(dumped);
}

static void add_object(struct text *text, const json_t *object, int indent);

static void add_list(struct text *text, const json_t *list, int indent)
{
	size_t index;
	json_t *item;
	json_array_foreach(list, index, item)
	{
		text_addf(text, "%*s- ", indent, "");
		/* Flow style is JSON's. */
		add_scalar(text, item);
		text_add_char(text, '\n');
	}
}

static void add_object(struct text *text, const json_t *object, int indent)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		text_addf(text, "%*s", indent, "");
		json_t *name = json_string(key);
		add_scalar(text, name);
		json_decref(name);
		text_add(text, ":");
		if (json_is_object(value)) {
			text_add_char(text, '\n');
			add_object(text, value, indent + 2);
		} else if (json_is_array(value)) {
			text_add_char(text, '\n');
			add_list(text, value, indent);
		} else {
			text_add_char(text, ' ');
			add_scalar(text, value);
			text_add_char(text, '\n');
		}
	}
}

void config_render_yaml(const struct config *config, struct text *text)
{
	json_t *object = config_build_object(&config->memory->values);
	add_object(text, object, 0);
	json_decref(object);
}
