#include "api_status.h"

#include <stdio.h>
#include <string.h>

/* One line of printable text, cut to its place; bytes above 0x7f are text of another language. */
static void copy_line(const char *from, size_t length, char *to, size_t size)
{
	size_t count = 0;
	for (size_t i = 0; i < length && count < size - 1; i++) {
		unsigned char c = (unsigned char)from[i];
		if (c < ' ' && count == 0)
			continue;
		to[count++] = c < ' ' || c == 0x7f ? ' ' : from[i];
	}
	while (count && to[count - 1] == ' ')
		count--;
	to[count] = '\0';
}

static void copy_member(const json_t *value, const char *key, char *to, size_t size)
{
	const char *text = json_string_value(json_object_get(value, key));
	copy_line(text ? text : "", text ? strlen(text) : 0, to, size);
}

void api_status_read(const json_t *value, struct api_status *ret_status)
{
	*ret_status = (struct api_status){.retry_after_ms = -1};
	const char *kind = json_string_value(json_object_get(value, "kind"));
	if (!kind || strcmp(kind, "Status") != 0)
		return;
	const json_t *code = json_object_get(value, "code");
	const json_t *seconds = json_object_get(json_object_get(value, "details"), "retryAfterSeconds");
	if (json_is_integer(code) && json_integer_value(code) > 0 && json_integer_value(code) < 1000)
		ret_status->code = (int)json_integer_value(code);
	if (json_is_integer(seconds) && json_integer_value(seconds) >= 0 &&
	    json_integer_value(seconds) < 86400)
		ret_status->retry_after_ms = 1000 * (int64_t)json_integer_value(seconds);
	copy_member(value, "reason", ret_status->reason, sizeof(ret_status->reason));
	copy_member(value, "message", ret_status->message, sizeof(ret_status->message));
}

void api_status_parse(const char *body, size_t length, struct api_status *ret_status)
{
	json_t *value = length ? json_loadb(body, length, 0, NULL) : NULL;
	api_status_read(value, ret_status);
	if (!value)
		copy_line(body, length < 200 ? length : 200, ret_status->message,
		          sizeof(ret_status->message));
	json_decref(value);
}
