/*
 * The fields of an object by key and type.
 */
#include "decoder.h"

#include <stdio.h>
#include <string.h>

/* NULL for absent and for null, which the API treats alike. */
static const json_t *find_field(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return json_is_null(value) ? NULL : value;
}

int field_text(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
               const char **ret_text)
{
	const json_t *value = find_field(object, key);
	*ret_text = NULL;
	if (value && !json_is_string(value))
		return refuse_type(decoder, spot, key, value, "text");
	*ret_text = json_string_value(value);
	return 0;
}

int field_number(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
                 int64_t *ret_number)
{
	const json_t *value = find_field(object, key);
	if (!value)
		return 0;
	if (!json_is_integer(value))
		return refuse_type(decoder, spot, key, value, "a whole number");
	*ret_number = json_integer_value(value);
	return 0;
}

int field_flag(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
               bool *ret_flag)
{
	const json_t *value = find_field(object, key);
	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return refuse_type(decoder, spot, key, value, "true or false");
	*ret_flag = json_is_true(value);
	return 0;
}

int field_list(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
               const json_t **ret_list)
{
	const json_t *value = find_field(object, key);
	*ret_list = NULL;
	if (value && !json_is_array(value))
		return refuse_type(decoder, spot, key, value, "a list");
	*ret_list = value;
	return 0;
}

int field_object(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
                 const json_t **ret_object)
{
	const json_t *value = find_field(object, key);
	*ret_object = NULL;
	if (value && !json_is_object(value))
		return refuse_type(decoder, spot, key, value, "an object");
	*ret_object = value;
	return 0;
}

int element_text(struct decoder *decoder, const json_t *element, struct spot spot, const char **ret_text)
{
	if (!json_is_string(element))
		return refuse_type(decoder, spot, NULL, element, "text");
	*ret_text = json_string_value(element);
	return 0;
}

int element_object(struct decoder *decoder, const json_t *element, struct spot spot)
{
	return json_is_object(element) ? 0 : refuse_type(decoder, spot, NULL, element, "an object");
}

int field_word(struct decoder *decoder, const json_t *object, struct spot spot, const char *key,
               const char *const words[], uint8_t *ret_index)
{
	const char *text;
	int r = field_text(decoder, object, spot, key, &text);
	if (r || !text || !*text)
		return r;
	for (uint8_t i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0) {
			*ret_index = i;
			return 0;
		}
	char supported[128];
	size_t length = 0;
	for (size_t i = 0; words[i] && length < sizeof(supported); i++)
		length += (size_t)snprintf(supported + length, sizeof(supported) - length, "%s\"%s\"",
		                           i ? ", " : "", words[i]);
	return refuse_unsupported(decoder, spot, key, json_object_get(object, key), supported);
}
