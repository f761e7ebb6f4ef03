#include "secret_text.h"

#include "base/memory.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

char *secret_text(const char *bytes, size_t length)
{
	while (length && is_blank(bytes[0])) {
		bytes++;
		length--;
	}
	while (length && is_blank(bytes[length - 1]))
		length--;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)bytes[i] < '!' || (unsigned char)bytes[i] > '~')
			return NULL;
	if (!length)
		return NULL;
	char *text = memory_alloc(length + 1);
	memcpy(text, bytes, length);
	return text;
}
