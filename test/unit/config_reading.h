/*
 * A configuration as text, for the tests of the command line and of the file: what was refused, what was warned of, and
 * what differs from the defaults, one line each.
 */
#ifndef KUBE_IPVS_TEST_UNIT_CONFIG_READING_H
#define KUBE_IPVS_TEST_UNIT_CONFIG_READING_H

#include "config.h"
#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reading {
	struct config config;
	int result;
	struct text refusals; /* "place: field: sentence\n" each */
	char *words[20];
};

static inline void reading_add_refusal(void *context, const struct fault *fault)
{
	char line[FAULT_TEXT_SIZE];
	text_addf(context, "%s\n", fault_format(fault, line));
}

/* `arguments` ends with NULL; the parser normalises names in place, so it gets copies. */
static inline void reading_open(struct reading *reading, const char *const *arguments)
{
	int count = 1;
	*reading = (struct reading){.words = {strdup("proxy")}};
	for (; arguments && *arguments; arguments++)
		reading->words[count++] = strdup(*arguments);
	reading->result =
	        config_read(count, reading->words, &reading->config, reading_add_refusal, &reading->refusals);
}

static inline void reading_close(struct reading *reading)
{
	config_done(&reading->config);
	text_done(&reading->refusals);
	for (size_t i = 0; reading->words[i]; i++)
		free(reading->words[i]);
}

static inline json_t *reading_object(const struct config *config)
{
	auto_text text = {0};
	config_render_configz(config, &text);
	json_t *whole = json_loads(text_string(&text), 0, NULL);
	ck_assert_ptr_nonnull(whole);
	json_t *object = json_incref(json_object_get(whole, "kubeproxy.config.k8s.io"));
	json_decref(whole);
	return object;
}

/* "path=value" of what is not the same in `before`; a field that is gone is not told. */
static inline void reading_add_differences(const char *path, json_t *before, json_t *now, struct text *text)
{
	const char *key;
	json_t *value;
	if (json_equal(before, now))
		return;
	if (!json_is_object(now) || !json_is_object(before)) {
		char *dumped = json_dumps(now, JSON_ENCODE_ANY | JSON_COMPACT);
		text_addf(text, "%s=%s\n", path, dumped);
		free(dumped);
		return;
	}
	json_object_foreach(now, key, value)
	{
		auto_text inner = {0};
		text_addf(&inner, "%s%s%s", path, *path ? "." : "", key);
		reading_add_differences(text_string(&inner), json_object_get(before, key), value, text);
	}
}

static inline void reading_describe(const struct reading *reading, struct text *text)
{
	struct reading standard;
	text_add(text, text_string(&reading->refusals));
	for (size_t i = 0; i < reading->config.warning_count; i++)
		text_addf(text, "warning: %s\n", reading->config.warnings[i]);
	ck_assert_int_eq(reading->result, reading->refusals.length ? FAULT_REFUSED : 0);
	if (reading->result)
		return;
	reading_open(&standard, NULL);
	ck_assert_int_eq(standard.result, 0);
	json_t *before = reading_object(&standard.config), *now = reading_object(&reading->config);
	reading_add_differences("", before, now, text);
	json_decref(before);
	json_decref(now);
	reading_close(&standard);
}

/* For tables of flags: "--a=1 --b" split at blanks; a blank within a word is written as _. */
static inline void reading_split(char *line, const char **ret_arguments)
{
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		char *equals = strchr(word, '=');
		for (char *c = equals; c && *c; c++)
			if (*c == '_')
				*c = ' ';
		*ret_arguments++ = word;
	}
	*ret_arguments = NULL;
}

#endif
