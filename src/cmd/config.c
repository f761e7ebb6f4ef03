/*
 * Flags over defaults; or the file over defaults, with the flags that stand beside it over the file (R14.1).
 */
#include "config_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOMENT_PAUSES = 50 };

void config_refuse(struct config_reader *reader, const struct fault *fault)
{
	reader->refusals++;
	reader->refuse(reader->context, fault);
}

void config_warn(struct config_reader *reader, const char *format, ...)
{
	auto_text warning = {0};
	va_list arguments;
	va_start(arguments, format);
	text_add_list(&warning, format, arguments);
	va_end(arguments);
	vector_push(&reader->memory->warnings, memory_copy_text(text_string(&warning)));
}

/* --- one value */

static int check_bounds(const struct config_row *row, int64_t number, struct fault *fault)
{
	if ((row->least == 0 && row->most == 0) || (number >= row->least && number <= row->most))
		return 0;
	if (row->most == INT32_MAX)
		return fault_set(fault, NULL, "%lld is too small: %lld is the least", (long long)number,
		                 (long long)row->least);
	return fault_set(fault, NULL, "%lld is not within %lld and %lld", (long long)number,
	                 (long long)row->least, (long long)row->most);
}

static int check_choice(const struct config_row *row, const char *text, struct fault *fault)
{
	auto_text names = {0};
	for (const char *const *choice = row->choices; *choice; choice++) {
		if (strcmp(*choice, text) == 0)
			return 0;
		if (**choice)
			text_addf(&names, "%s%s",
			          names.length == 0 ? ""
			          : choice[1]       ? ", "
			                            : " or ",
			          *choice);
	}
	return fault_set(fault, NULL, "\"%s\" is none of what is possible: give %s", text,
	                 text_string(&names));
}

int config_store(struct config_reader *reader, const struct config_row *row, const char *text,
                 struct fault *fault)
{
	struct config_values *values = &reader->memory->values;
	const char *place = (const char *)values + row->option.offset;
	const char *kept = arena_copy_text(&reader->memory->arena, text);
	int r = option_store(&row->option, kept, values, fault);
	if (r)
		return r;
	if (row->option.kind == OPTION_INTEGER)
		return check_bounds(row, *(const int32_t *)place, fault);
	if (row->option.kind == OPTION_NUMBER || row->option.kind == OPTION_SIZE)
		return check_bounds(row, *(const uint32_t *)place, fault);
	if (row->choices)
		return check_choice(row, kept, fault);
	return 0;
}

static void set_defaults(struct config_reader *reader)
{
	options_release(&proxy_line, &reader->memory->values);
	reader->memory->values = (struct config_values){0};
	memset(reader->origins, 0, sizeof(reader->origins));
	for (const struct config_row *row = config_rows; row->option.name; row++)
		if (row->standard)
			CHECK(config_store(reader, row, row->standard, NULL) == 0);
}

/* --- flags */

static int take_flag(void *context, const struct option_row *option, const char *text, struct fault *fault)
{
	struct config_reader *reader = context;
	const struct config_row *row = (const struct config_row *)option;
	struct config_given given = {row, text, config_store(reader, row, text, fault) != 0};
	if (given.refused)
		config_refuse(reader, fault);
	vector_push(&reader->flags, given);
	reader->origins[row - config_rows] = FROM_FLAG;
	return 0;
}

static void read_flags(struct config_reader *reader, int argc, char **argv)
{
	struct fault fault = {0};
	if (options_scan(&proxy_line, argc, argv, take_flag, reader, &fault) != 0)
		config_refuse(reader, &fault);
}

/* "--a, --b" of the flags given that `wanted` says yes to, each once. */
static void list_flags(const struct config_reader *reader, bool (*wanted)(const struct config_given *given),
                       struct text *ret_names)
{
	for (size_t i = 0; i < reader->flags.count; i++) {
		const struct config_given *given = &reader->flags.items[i];
		bool again = false;
		for (size_t k = 0; k < i; k++)
			again = again || reader->flags.items[k].row == given->row;
		if (!again && wanted(given))
			text_addf(ret_names, "%s--%s", ret_names->length ? ", " : "",
			          given->row->option.name);
	}
}

static bool is_ignored(const struct config_given *given)
{
	return !(given->row->marks & CONFIG_BESIDE);
}

static bool is_inert(const struct config_given *given)
{
	return given->row->marks & CONFIG_INERT;
}

static bool is_inert_beside(const struct config_given *given)
{
	return is_inert(given) && !is_ignored(given);
}

static void warn_of_flags(struct config_reader *reader, const char *file)
{
	auto_text ignored = {0}, inert = {0};
	if (*file)
		list_flags(reader, is_ignored, &ignored);
	list_flags(reader, *file ? is_inert_beside : is_inert, &inert);
	if (ignored.length)
		config_warn(reader, "%s: ignored, because --config replaces them; write them into %s",
		            text_string(&ignored), file);
	if (inert.length)
		config_warn(reader, "%s: accepted, but of no meaning here; they can be left out",
		            text_string(&inert));
}

/* The flags that count beside the file. Lists grow, so one that the file adds to is read before it. */
static void apply_beside(struct config_reader *reader, bool lists)
{
	for (size_t i = 0; i < reader->flags.count; i++) {
		const struct config_given *given = &reader->flags.items[i];
		bool is_list = given->row->option.kind == OPTION_MODULES;
		bool says_nothing = given->text && !*given->text;
		if (is_ignored(given) || given->refused || says_nothing || is_list != lists)
			continue;
		CHECK(config_store(reader, given->row, given->text, NULL) == 0);
		reader->origins[given->row - config_rows] = FROM_FLAG;
	}
}

/* How a file looks; one that somebody replaces by removing it first is there again after a moment. */
static void await_file(const char *path, struct stat *ret_seen)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000000};
	unsigned pauses = 0;
	while (stat(path, ret_seen) < 0 && errno == ENOENT && pauses++ < MOMENT_PAUSES)
		nanosleep(&pause, NULL);
}

/* False: the file is not there or is no such document, so that nothing else can be judged. */
static bool read_file_over_flags(struct config_reader *reader)
{
	const char *path = reader->memory->values.config.config_file;
	set_defaults(reader);
	apply_beside(reader, true);
	await_file(path, &reader->memory->values.config.config_file_seen); /* it will be read, or refused */
	bool read = config_file_read(reader, path);
	apply_beside(reader, false);
	return read;
}

static void read_all(struct config_reader *reader, int argc, char **argv)
{
	const struct config *config = &reader->memory->values.config;
	set_defaults(reader);
	read_flags(reader, argc, argv);
	if (config->help || config->version)
		return;
	warn_of_flags(reader, config->config_file);
	if (*config->config_file && !read_file_over_flags(reader))
		return;
	config_derive(reader);
	config_validate(reader);
}

int config_read(int argc, char **argv, struct config *ret_config,
                void (*refuse)(void *context, const struct fault *fault), void *context)
{
	struct config_reader reader = {
	        .memory = memory_alloc(sizeof(*reader.memory)), .refuse = refuse, .context = context};
	read_all(&reader, argc, argv);
	*ret_config = reader.memory->values.config;
	ret_config->memory = reader.memory;
	ret_config->warnings = reader.memory->warnings.items;
	ret_config->warning_count = reader.memory->warnings.count;
	vector_done(&reader.flags);
	if (reader.has_document)
		document_done(&reader.document);
	return reader.refusals ? FAULT_REFUSED : 0;
}

void config_done(struct config *config)
{
	struct config_memory *memory = config->memory;
	if (!memory)
		return;
	options_release(&proxy_line, &memory->values);
	vector_for_each (&memory->warnings, warning)
		free(*warning);
	vector_done(&memory->warnings);
	arena_done(&memory->arena);
	free(memory);
	*config = (struct config){0};
}

bool config_split_address(const char *text, struct address *ret_address, uint16_t *ret_port)
{
	return listen_address_parse(text, ret_address, ret_port);
}
