/*
 * KubeProxyConfiguration v1alpha1: every field goes through the text that its flag would have.
 *
 * A null, an empty text and, where the row says so, a zero are as if they were not written, as kube-proxy has it: the
 * configurations that cluster installers write are full of them.
 */
#include "config_private.h"

#include "base/check.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_VERSION "kubeproxy.config.k8s.io/v1alpha1"
#define KIND        "KubeProxyConfiguration"

enum { FILE_BYTES_MOST = 1 << 20, NAME_MOST = 64 };

/* Finding a line means reading the text again: enough is told when a person has that much to do. */
enum { REFUSALS_MOST = 50, WARNINGS_MOST = 50 };

static const struct config_row *row_find(const char *path)
{
	for (const struct config_row *row = config_rows; row->option.name; row++)
		if (row->path && strcmp(row->path, path) == 0)
			return row;
	return NULL;
}

static bool is_section(const char *path)
{
	size_t length = strlen(path);
	for (const struct config_row *row = config_rows; row->option.name; row++)
		if (row->path && strncmp(row->path, path, length) == 0 && row->path[length] == '.')
			return true;
	return false;
}

/* --- what a field's value may be */

static bool takes_list(const struct config_row *row)
{
	return (row->option.kind == OPTION_CIDRS && !(row->marks & CONFIG_JOINED)) ||
	       row->option.kind == OPTION_NODE_PORTS || row->option.kind == OPTION_MODULES;
}

/* What belongs there, for the refusal of something else. */
static const char *wanted_value(const struct config_row *row)
{
	if (takes_list(row))
		return row->option.kind == OPTION_MODULES ? "a list of filePattern and verbosity"
		                                          : "a list of texts, as [10.0.0.0/8],";
	switch (row->option.kind) {
	case OPTION_SWITCH:
		return "true or false, without quotes,";
	case OPTION_NUMBER:
	case OPTION_INTEGER:
		return "a whole number without quotes";
	case OPTION_FLOAT:
		return "a number without quotes";
	case OPTION_DURATION:
		return "a duration with its unit, as 30s,";
	case OPTION_GATES:
		return "a mapping of names to true or false";
	default:
		return "a text in quotes";
	}
}

static bool is_allowed_type(const struct config_row *row, const json_t *value)
{
	switch (row->option.kind) {
	case OPTION_SWITCH:
		return json_is_boolean(value);
	case OPTION_NUMBER:
	case OPTION_INTEGER:
		return json_is_integer(value);
	case OPTION_FLOAT:
		return json_is_number(value);
	case OPTION_DURATION:
		return json_is_string(value) || (json_is_integer(value) && (json_integer_value(value) == 0 ||
		                                                            row->marks & CONFIG_NANOSECONDS));
	case OPTION_QUANTITY:
		return json_is_string(value) || json_is_integer(value);
	case OPTION_GATES:
		return json_is_object(value);
	default:
		return takes_list(row) ? json_is_array(value) : json_is_string(value);
	}
}

/* The text that a flag would have; `value` has a type that is allowed. */
static void add_scalar(const struct config_row *row, const json_t *value, struct text *text)
{
	if (json_is_string(value))
		text_add(text, json_string_value(value));
	else if (json_is_boolean(value))
		text_add(text, json_is_true(value) ? "true" : "false");
	else if (json_is_real(value))
		text_addf(text, "%.17g", json_real_value(value));
	else
		text_addf(text, "%" JSON_INTEGER_FORMAT "%s", json_integer_value(value),
		          row->option.kind == OPTION_DURATION ? "ns" : "");
}

static bool says_nothing(const struct config_row *row, const json_t *value)
{
	if (json_is_string(value) && json_string_length(value) == 0)
		return true;
	if (!(row->marks & CONFIG_ZERO_IS_DEFAULT))
		return false;
	if (json_is_number(value))
		return json_number_value(value) == 0;
	int64_t milliseconds;
	return json_is_string(value) && duration_parse(json_string_value(value), &milliseconds) &&
	       milliseconds == 0;
}

/* --- storing */

static void refuse(struct config_reader *reader, const char *path, struct fault *fault)
{
	if (reader->refusals > REFUSALS_MOST)
		return;
	if (reader->refusals == REFUSALS_MOST) {
		fault_place(fault, "%s", reader->document.name);
		fault_set(fault, NULL, "more is wrong; it is not told");
	} else {
		fault_place(fault, "%s:%zu", reader->document.name, document_line(&reader->document, path));
		snprintf(fault->field, sizeof(fault->field), "%s", path);
	}
	config_refuse(reader, fault);
}

static void store(struct config_reader *reader, const struct config_row *row, const char *path,
                  const char *text)
{
	struct fault fault = {0};
	if (config_store(reader, row, text, &fault) != 0)
		refuse(reader, path, &fault);
}

static void refuse_type(struct config_reader *reader, const struct config_row *row, const char *path)
{
	struct fault fault = {0};
	fault_set(&fault, NULL, "%s belongs here", wanted_value(row));
	refuse(reader, path, &fault);
}

static void read_gates(struct config_reader *reader, const struct config_row *row, json_t *gates)
{
	const char *name;
	json_t *value;
	json_object_foreach(gates, name, value)
	{
		auto_free char *text = NULL;
		if (!json_is_boolean(value) || strpbrk(name, "=, "))
			refuse_type(reader, row, row->path);
		else if (asprintf(&text, "%s=%s", name, json_is_true(value) ? "true" : "false") >= 0)
			store(reader, row, row->path, text);
	}
}

static void read_module(struct config_reader *reader, const struct config_row *row, const json_t *item,
                        const char *path)
{
	const char *pattern = json_string_value(json_object_get(item, "filePattern"));
	const json_t *level = json_object_get(item, "verbosity");
	auto_free char *text = NULL;
	if (!pattern || !json_is_integer(level) || strchr(pattern, ','))
		refuse_type(reader, row, path);
	else if (asprintf(&text, "%s=%" JSON_INTEGER_FORMAT, pattern, json_integer_value(level)) >= 0)
		store(reader, row, path, text);
}

static void read_list(struct config_reader *reader, const struct config_row *row, const json_t *list)
{
	size_t index;
	json_t *item;
	json_array_foreach(list, index, item)
	{
		char path[NAME_MOST];
		snprintf(path, sizeof(path), "%s[%zu]", row->path, index);
		if (row->option.kind == OPTION_MODULES)
			read_module(reader, row, item, path);
		else if (json_is_string(item) && !strchr(json_string_value(item), ',') &&
		         json_string_length(item) > 0)
			store(reader, row, path, json_string_value(item));
		else
			refuse_type(reader, row, path);
	}
}

/* Of fields without meaning, those that say something else than the default: installers write them all. */
static bool is_in_vain(const struct config_reader *reader, const struct config_row *row)
{
	struct config_values standard = {0};
	if (!(row->marks & CONFIG_INERT))
		return false;
	if (row->standard)
		CHECK(option_store(&row->option, row->standard, &standard, NULL) == 0);
	json_t *then = config_render_value(row, &standard);
	json_t *now = config_render_value(row, &reader->memory->values);
	bool differ = !json_equal(then, now);
	json_decref(then);
	json_decref(now);
	return differ;
}

static void read_field(struct config_reader *reader, const struct config_row *row, json_t *value,
                       struct text *inert)
{
	if (json_is_null(value) || says_nothing(row, value))
		return;
	reader->origins[row - config_rows] = FROM_FILE;
	if (!is_allowed_type(row, value)) {
		refuse_type(reader, row, row->path);
		return;
	}
	if (row->option.kind == OPTION_GATES) {
		read_gates(reader, row, value);
	} else if (takes_list(row)) {
		read_list(reader, row, value);
	} else {
		auto_text text = {0};
		add_scalar(row, value, &text);
		store(reader, row, row->path, text_string(&text));
	}
	if (is_in_vain(reader, row))
		text_addf(inert, "%s%s", inert->length ? ", " : "", row->path);
}

/* --- names that are not known */

/* How many letters have to be changed, added or left out; NAME_MOST when it is not worth knowing. */
static size_t distance(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b), row[NAME_MOST];
	if (a_length >= NAME_MOST || b_length >= NAME_MOST)
		return NAME_MOST;
	for (size_t k = 0; k <= b_length; k++)
		row[k] = k;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t k = 1; k <= b_length; k++) {
			size_t changed = diagonal + (a[i - 1] != b[k - 1]);
			size_t shorter = row[k - 1] < row[k] ? row[k - 1] : row[k];
			diagonal = row[k];
			row[k] = changed < shorter + 1 ? changed : shorter + 1;
		}
	}
	return row[b_length];
}

/* The nearest path that differs in few letters, or the one with the same last name elsewhere; NULL: none. */
static const struct config_row *nearest(const char *path)
{
	const struct config_row *best = NULL;
	size_t least = strlen(path) / 4 + 1 < 4 ? strlen(path) / 4 + 1 : 4;
	for (const struct config_row *row = config_rows; row->option.name; row++) {
		size_t far = row->path ? distance(path, row->path) : NAME_MOST;
		if (far < least) {
			least = far;
			best = row;
		}
	}
	const char *last = strrchr(path, '.') ? strrchr(path, '.') + 1 : path;
	for (const struct config_row *row = config_rows; row->option.name && !best; row++) {
		const char *dot = row->path ? strrchr(row->path, '.') : NULL;
		if (dot && strcmp(dot + 1, last) == 0)
			best = row;
	}
	return best;
}

static void warn_unknown(struct config_reader *reader, const char *path)
{
	size_t warned = reader->memory->warnings.count;
	if (warned == WARNINGS_MOST)
		config_warn(reader, "%s: there are more fields that count for nothing",
		            reader->document.name);
	if (warned >= WARNINGS_MOST)
		return;
	const struct config_row *near = nearest(path);
	config_warn(reader, "%s:%zu: %s: there is no such field, so it counts for nothing%s%s",
	            reader->document.name, document_line(&reader->document, path), path,
	            near ? "; perhaps it should be " : "", near ? near->path : "");
}

/* --- the whole */

/* `section` is the path of the object, "" for the file itself. */
static void read_section(struct config_reader *reader, const char *section, json_t *object,
                         struct text *inert)
{
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		auto_text path = {0};
		text_addf(&path, "%s%s%s", section, *section ? "." : "", key);
		const char *name = text_string(&path);
		const struct config_row *row = row_find(name);
		struct fault fault = {0};
		if (!*section && (strcmp(key, "kind") == 0 || strcmp(key, "apiVersion") == 0))
			continue;
		if (row)
			read_field(reader, row, value, inert);
		else if (!is_section(name))
			warn_unknown(reader, name);
		else if (json_is_object(value))
			read_section(reader, name, value, inert);
		else if (!json_is_null(value)) {
			fault_set(&fault, NULL, "fields belong below this one");
			refuse(reader, name, &fault);
		}
	}
}

/* The file is what it says it is (R14.2). */
static bool check_type(struct config_reader *reader, const char *field, const char *wanted)
{
	const json_t *value = json_object_get(reader->document.value, field);
	const char *got = json_string_value(value);
	if (got && strcmp(got, wanted) == 0)
		return true;
	struct fault fault = {0};
	if (value)
		fault_set(&fault, NULL, "\"%s\" is not what is read here; it has to be %s",
		          got ? got : "(no text)", wanted);
	else
		fault_set(&fault, NULL, "this field is missing; it has to be %s", wanted);
	refuse(reader, field, &fault);
	return false;
}

static void warn_of_duplicates(struct config_reader *reader)
{
	const struct document *document = &reader->document;
	for (size_t i = 0; i < document->duplicate_count && i < WARNINGS_MOST / 2; i++)
		config_warn(reader,
		            "%s:%zu: %s: this field stands here for the second time; the last one counts",
		            document->name, document->duplicate_lines[i], document->duplicates[i]);
}

bool config_file_read(struct config_reader *reader, const char *path)
{
	struct fault fault = {0};
	auto_text inert = {0};
	if (document_read(path, FILE_BYTES_MOST, &reader->document, &fault) != 0) {
		config_refuse(reader, &fault);
		return false;
	}
	reader->has_document = true;
	bool right_version = check_type(reader, "apiVersion", API_VERSION);
	bool right_kind = check_type(reader, "kind", KIND);
	if (!right_version || !right_kind)
		return false;
	warn_of_duplicates(reader);
	read_section(reader, "", reader->document.value, &inert);
	if (inert.length)
		config_warn(reader, "%s: accepted, but of no meaning here: %s", path, text_string(&inert));
	return true;
}
