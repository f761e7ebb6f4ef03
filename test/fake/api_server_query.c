/*
 * What a request asks for: which kind, which objects of it, and how.
 */
#include "api_server_private.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- the path */

/* The part of `text` up to the next '/', as a copy; moves `text` behind it. */
static char *take_part(const char **text)
{
	size_t length = strcspn(*text, "/");
	char *part = memory_alloc(length + 1);
	memcpy(part, *text, length);
	*text += length + ((*text)[length] == '/' ? 1 : 0);
	return part;
}

static const char *behind_prefix(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);
	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* PREFIX[/namespaces/NAMESPACE]/PLURAL[/NAME] */
static bool fits_kind(const struct api_kind *kind, const char *path, struct api_question *question)
{
	const char *rest = behind_prefix(path, kind->prefix);
	if (rest == NULL || *rest++ != '/')
		return false;
	const char *namespace = kind->namespaced ? behind_prefix(rest, "namespaces/") : NULL;
	char *place = NULL;
	if (namespace != NULL) {
		rest = namespace;
		place = take_part(&rest);
	}
	auto_free char *plural = take_part(&rest);
	if (strcmp(plural, kind->plural) != 0) {
		free(place);
		return false;
	}
	question->kind = kind;
	question->namespace = place;
	question->name = *rest == '\0' ? NULL : take_part(&rest);
	return *rest == '\0';
}

static int read_uri(const struct evhttp_uri *uri, struct api_question *question)
{
	const char *query = evhttp_uri_get_query(uri), *path = evhttp_uri_get_path(uri);
	if (query != NULL && evhttp_parse_query_str(query, &question->query) != 0)
		return 400;
	question->is_watch = api_question_is_true(question, "watch");
	question->wants_initial_events = api_question_is_true(question, "sendInitialEvents");
	for (size_t i = 0; i < API_KINDS; i++) {
		if (fits_kind(&api_kinds[i], path == NULL ? "" : path, question))
			return 0;
	}
	return 404;
}

struct api_question *api_question_new(struct evhttp_request *request, int *ret_status)
{
	struct api_question *question = memory_alloc(sizeof(*question));
	TAILQ_INIT(&question->query);
	*ret_status = read_uri(evhttp_request_get_evhttp_uri(request), question);
	return question;
}

void api_question_free(struct api_question *question)
{
	free(question->namespace);
	free(question->name);
	evhttp_clear_headers(&question->query);
	free(question);
}

/* ---- the query */

const char *api_question_value(const struct api_question *question, const char *name)
{
	const char *value = evhttp_find_header(&question->query, name);
	return value == NULL ? "" : value;
}

bool api_question_is_true(const struct api_question *question, const char *name)
{
	const char *value = api_question_value(question, name);
	return strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
}

uint64_t api_question_number(const struct api_question *question, const char *name)
{
	return strtoull(api_question_value(question, name), NULL, 10);
}

/* ---- selectors: terms with commas between, "!key", "key", "key=value", "key==value", "key!=value" */

struct term {
	char key[320], value[320];
	enum { TERM_ABSENT, TERM_PRESENT, TERM_EQUAL, TERM_DIFFERENT } kind;
};

static void copy_part(char *to, size_t size, const char *from, size_t length)
{
	if (length >= size)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
}

/* Reads one term and moves behind it. False: there is none left. */
static bool next_term(const char **text, struct term *ret_term)
{
	if (**text == '\0')
		return false;
	size_t length = strcspn(*text, ",");
	const char *term = *text, *end = term + length;
	*text = end + (*end == ',' ? 1 : 0);
	*ret_term = (struct term){.kind = TERM_PRESENT};
	if (*term == '!') {
		ret_term->kind = TERM_ABSENT;
		term++;
	}
	size_t key = strcspn(term, "!=,");
	copy_part(ret_term->key, sizeof(ret_term->key), term, key);
	const char *sign = term + key;
	if (sign >= end)
		return true;
	ret_term->kind = *sign == '!' ? TERM_DIFFERENT : TERM_EQUAL;
	sign += strspn(sign, "!=");
	copy_part(ret_term->value, sizeof(ret_term->value), sign, sign < end ? (size_t)(end - sign) : 0);
	return true;
}

/* `value` NULL: not there. */
static bool fits_term(const struct term *term, const char *value)
{
	switch (term->kind) {
	case TERM_ABSENT:
		return value == NULL;
	case TERM_PRESENT:
		return value != NULL;
	case TERM_EQUAL:
		return value != NULL && strcmp(value, term->value) == 0;
	case TERM_DIFFERENT:
		return value == NULL || strcmp(value, term->value) != 0;
	}
	return false;
}

static const char *field_value(const struct api_object *object, const char *field)
{
	return strcmp(field, "metadata.name") == 0        ? object->name
	       : strcmp(field, "metadata.namespace") == 0 ? object->namespace
	       : strcmp(field, "spec.clusterIP") == 0     ? object->cluster_ip
	       : strcmp(field, "spec.type") == 0          ? object->type
	                                                  : NULL;
}

static bool field_is_known(const struct api_kind *kind, const char *field)
{
	if (strcmp(field, "metadata.name") == 0 ||
	    (kind->namespaced && strcmp(field, "metadata.namespace") == 0))
		return true;
	return strcmp(kind->kind, "Service") == 0 &&
	       (strcmp(field, "spec.clusterIP") == 0 || strcmp(field, "spec.type") == 0);
}

const char *api_question_check_selectors(const struct api_question *question, struct text *why)
{
	const char *fields = api_question_value(question, "fieldSelector");
	struct term term;
	while (next_term(&fields, &term)) {
		if (field_is_known(question->kind, term.key))
			continue;
		text_clear(why);
		text_addf(why, "field label not supported: %s", term.key);
		return text_string(why);
	}
	return NULL;
}

bool api_question_selects(const struct api_question *question, const struct api_object *object)
{
	const char *labels = api_question_value(question, "labelSelector");
	const char *fields = api_question_value(question, "fieldSelector");
	struct term term;
	if (object->kind != question->kind ||
	    (question->namespace != NULL && strcmp(question->namespace, object->namespace) != 0))
		return false;
	while (next_term(&labels, &term)) {
		if (!fits_term(&term, json_string_value(json_object_get(object->labels, term.key))))
			return false;
	}
	while (next_term(&fields, &term)) {
		if (!fits_term(&term, field_value(object, term.key)))
			return false;
	}
	return true;
}
