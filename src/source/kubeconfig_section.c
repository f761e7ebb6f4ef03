#include "kubeconfig_section.h"

#include "base/memory.h"
#include "base/text.h"
#include "base64.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int section_open(struct kubeconfig *config, const json_t *value, struct section *ret_section,
                 const char *format, ...)
{
	va_list arguments;
	*ret_section = (struct section){.config = config, .object = value};
	va_start(arguments, format);
	vsnprintf(ret_section->path, sizeof(ret_section->path), format, arguments);
	va_end(arguments);
	if (!value || json_is_null(value) || json_is_object(value))
		return 0;
	return document_refuse(&config->document, ret_section->path, config->fault,
	                       "must be an object with fields of its own");
}

static void path_of(const struct section *section, const char *key, struct text *path)
{
	text_addf(path, "%s%s%s", section->path, *section->path && *key ? "." : "", key);
}

int section_refuse(const struct section *section, const char *key, const char *format, ...)
{
	auto_text path = {0};
	auto_text sentence = {0};
	va_list arguments;
	va_start(arguments, format);
	text_add_list(&sentence, format, arguments);
	va_end(arguments);
	path_of(section, key, &path);
	return document_refuse(&section->config->document, text_string(&path), section->config->fault, "%s",
	                       text_string(&sentence));
}

void section_warn(const struct section *section, const char *key, const char *format, ...)
{
	auto_text path = {0};
	auto_text sentence = {0};
	const struct document *document = &section->config->document;
	va_list arguments;
	va_start(arguments, format);
	text_add_list(&sentence, format, arguments);
	va_end(arguments);
	path_of(section, key, &path);
	api_access_warn(section->config->access, "%s:%zu: %s: %s", document->name,
	                document_line(document, text_string(&path)), text_string(&path),
	                text_string(&sentence));
}

void section_warn_of_unknown(const struct section *section, const char *const *known)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)section->object, key, value)
	{
		size_t i = 0;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			section_warn(section, key, "no such field is known; it means nothing here");
	}
}

bool section_has(const struct section *section, const char *key)
{
	const json_t *value = json_object_get(section->object, key);
	const char *text = json_string_value(value);
	return value && !json_is_null(value) && (!text || *text);
}

int section_text(const struct section *section, const char *key, char **ret_text)
{
	if (!section_has(section, key))
		return 0;
	const json_t *value = json_object_get(section->object, key);
	if (!json_is_string(value))
		return section_refuse(section, key, "must be text; put it in quotes");
	if (strlen(json_string_value(value)) != json_string_length(value))
		return section_refuse(section, key, "must be text without zero bytes");
	free(*ret_text);
	*ret_text = memory_copy_text(json_string_value(value));
	return 0;
}

int section_flag(const struct section *section, const char *key, bool *ret_flag)
{
	const json_t *value = json_object_get(section->object, key);
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_boolean(value))
		return section_refuse(section, key, "must be true or false");
	*ret_flag = json_is_true(value);
	return 0;
}

int section_file(const struct section *section, const char *key, char **ret_path)
{
	char *name auto_free = NULL;
	int result = section_text(section, key, &name);
	if (result || !name)
		return result;
	struct text path = {0};
	if (*name != '/')
		text_add(&path, section->config->directory);
	text_add(&path, name);
	free(*ret_path);
	*ret_path = path.bytes;
	return 0;
}

static int read_data(const struct section *section, const char *key, struct api_blob *blob)
{
	char *text auto_free = NULL;
	int result = section_text(section, key, &text);
	if (result || !text)
		return result;
	blob->bytes = base64_decode(text, &blob->length);
	explicit_bzero(text, strlen(text));
	if (!blob->bytes)
		return section_refuse(section, key, "must be base64, as \"base64 -w 0 FILE\" writes it");
	if (!strstr(blob->bytes, "-----BEGIN "))
		return section_refuse(section, key, "must be a PEM file (\"-----BEGIN ...\") in base64");
	return 0;
}

int section_pem(const struct section *section, const char *key, struct api_blob *blob)
{
	auto_text data_key = {0};
	text_addf(&data_key, "%s-data", key);
	int result = read_data(section, data_key.bytes, blob);
	if (result)
		return result;
	if (blob->bytes) {
		if (section_has(section, key))
			section_warn(section, key, "%s is given too, and is what counts", data_key.bytes);
		return 0;
	}
	result = section_file(section, key, &blob->file);
	if (result || !blob->file)
		return result;
	int error = api_access_check_pem_file(blob->file);
	if (error == -EBADMSG)
		return section_refuse(section, key, "%s must be a PEM file (\"-----BEGIN ...\")", blob->file);
	if (error < 0)
		return section_refuse(section, key, "%s cannot be read: %s", blob->file, strerror(-error));
	return 0;
}
