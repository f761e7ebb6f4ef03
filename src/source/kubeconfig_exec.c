#include "base/memory.h"
#include "base/text.h"
#include "kubeconfig_section.h"

#include <stdlib.h>
#include <string.h>

static const char *const EXEC_FIELDS[] = {
        "command", "args", "env", "apiVersion", "installHint", "provideClusterInfo", "interactiveMode", NULL};

static int read_version(const struct section *section, struct api_exec_plugin *exec)
{
	int result = section_text(section, "apiVersion", &exec->api_version);
	if (result)
		return result;
	if (!exec->api_version || (strcmp(exec->api_version, "client.authentication.k8s.io/v1") != 0 &&
	                           strcmp(exec->api_version, "client.authentication.k8s.io/v1beta1") != 0))
		return section_refuse(
		        section, "apiVersion",
		        "must be client.authentication.k8s.io/v1 (or v1beta1), which the plug-in has "
		        "to speak as well");
	return 0;
}

/* Nobody sits in front of a daemon. */
static int read_mode(const struct section *section)
{
	static const char *const modes[] = {"Never", "IfAvailable"};
	char *mode auto_free = NULL;
	int result = section_text(section, "interactiveMode", &mode);
	if (result || !mode)
		return result;
	if (strcmp(mode, "Always") == 0)
		return section_refuse(
		        section, "interactiveMode",
		        "is Always, but there is nobody to ask here; use a plug-in that works with "
		        "Never or IfAvailable");
	for (size_t i = 0; i < 2; i++)
		if (strcmp(mode, modes[i]) == 0)
			return 0;
	return section_refuse(section, "interactiveMode", "must be Never or IfAvailable");
}

/* With a slash in it the command is a file, relative to the kubeconfig; else it is searched for. */
static int read_command(const struct section *section, struct api_exec_plugin *exec)
{
	int result = section_text(section, "command", &exec->command);
	if (!result && !exec->command)
		return section_refuse(section, "command", "is missing; name the program to run");
	if (!result && strchr(exec->command, '/'))
		result = section_file(section, "command", &exec->command);
	return result;
}

static int refuse_item(const struct section *section, const char *list, size_t index, const char *what)
{
	auto_text key = {0};
	text_addf(&key, "%s[%zu]", list, index);
	return section_refuse(section, key.bytes, "%s", what);
}

static bool is_c_string(const json_t *value)
{
	const char *text = json_string_value(value);
	return text && strlen(text) == json_string_length(value);
}

static int open_list(const struct section *section, const char *key, const json_t **ret_list)
{
	*ret_list = json_object_get(section->object, key);
	if (!*ret_list || json_is_null(*ret_list) || json_is_array(*ret_list))
		return 0;
	return section_refuse(section, key, "must be a list");
}

static int read_arguments(const struct section *section, struct api_exec_plugin *exec)
{
	const json_t *list;
	int result = open_list(section, "args", &list);
	if (result)
		return result;
	size_t count = json_array_size(list);
	exec->arguments = memory_alloc((count + 2) * sizeof(char *));
	exec->arguments[0] = memory_copy_text(exec->command);
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		if (!is_c_string(item))
			return refuse_item(section, "args", i, "must be text; put it in quotes");
		exec->arguments[i + 1] = memory_copy_text(json_string_value(item));
	}
	return 0;
}

static int read_environment(const struct section *section, struct api_exec_plugin *exec)
{
	const json_t *list;
	int result = open_list(section, "env", &list);
	if (result)
		return result;
	size_t count = json_array_size(list);
	exec->environment = memory_alloc((count + 1) * sizeof(char *));
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		const json_t *name = json_object_get(item, "name"), *value = json_object_get(item, "value");
		if (!is_c_string(name) || !json_string_length(name) || strchr(json_string_value(name), '=') ||
		    (value && !is_c_string(value)))
			return refuse_item(section, "env", i, "must have a name and a value, both text");
		struct text variable = {0};
		text_addf(&variable, "%s=%s", json_string_value(name), value ? json_string_value(value) : "");
		exec->environment[i] = variable.bytes;
	}
	return 0;
}

int kubeconfig_read_exec(const struct section *user)
{
	struct section section;
	if (!section_has(user, "exec"))
		return 0;
	int result = section_open(user->config, json_object_get(user->object, "exec"), &section, "%s.exec",
	                          user->path);
	if (result)
		return result;
	struct api_exec_plugin *exec = memory_alloc(sizeof(*exec));
	user->config->access->exec = exec; /* whose it is from here on */
	section_warn_of_unknown(&section, EXEC_FIELDS);
	result = read_version(&section, exec);
	if (!result)
		result = read_mode(&section);
	if (!result)
		result = read_command(&section, exec);
	if (!result)
		result = read_arguments(&section, exec);
	if (!result)
		result = read_environment(&section, exec);
	if (!result)
		result = section_text(&section, "installHint", &exec->install_hint);
	if (!result)
		result = section_flag(&section, "provideClusterInfo", &exec->provide_cluster_info);
	return result;
}
