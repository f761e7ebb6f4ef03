/*
 * The dot behind a key is taken with it, save where the rest of the path is one key with dots of its own:
 * a path that begins with a dot is such a key.
 */
#include "field_path.h"

#include <stdlib.h>
#include <string.h>

static bool holds_dotted_keys(const struct field_step *step)
{
	static const char *const words[] = {"labels", "annotations"};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (step->key_length == strlen(words[i]) &&
		    memcmp(step->key, words[i], step->key_length) == 0)
			return true;
	return false;
}

static void take_key(const char **path, struct field_step *ret_step)
{
	bool whole = **path == '.';
	ret_step->key = *path + whole;
	ret_step->key_length = whole ? strlen(ret_step->key) : strcspn(*path, ".[");
	*path = ret_step->key + ret_step->key_length;
}

static void take_index(const char **path, struct field_step *ret_step)
{
	char *end;
	ret_step->is_index = true;
	ret_step->index = strtoul(*path + 1, &end, 10);
	*path = *end == ']' ? end + 1 : "";
}

bool field_path_next(const char **path, struct field_step *ret_step)
{
	*ret_step = (struct field_step){0};
	if (**path == '\0')
		return false;
	if (**path == '[')
		take_index(path, ret_step);
	else
		take_key(path, ret_step);
	if (**path == '.' && (ret_step->is_index || !holds_dotted_keys(ret_step)))
		(*path)++;
	return true;
}
