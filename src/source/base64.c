#include "base64.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	const char *found = c ? strchr(LETTERS, c) : NULL;
	return found ? (int)(found - LETTERS) : -1;
}

/* The letters and padding alone: wrapped text is usual, other blanks are not. Gives. */
static char *without_line_breaks(const char *text, size_t *ret_length)
{
	char *bare = memory_alloc(strlen(text) + 1);
	size_t length = 0;
	for (; *text; text++)
		if (*text != '\n' && *text != '\r')
			bare[length++] = *text;
	*ret_length = length;
	return bare;
}

static bool decode_group(const char *group, unsigned padding, uint8_t bytes[static 3])
{
	uint32_t bits = 0;
	for (unsigned i = 0; i < 4; i++) {
		int value = i < 4 - padding ? value_of(group[i]) : 0;
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	bytes[0] = (uint8_t)(bits >> 16);
	bytes[1] = (uint8_t)(bits >> 8);
	bytes[2] = (uint8_t)bits;
	return true;
}

char *base64_decode(const char *text, size_t *ret_length)
{
	size_t length;
	char *bare auto_free = without_line_breaks(text, &length);
	if (length % 4)
		return NULL;
	unsigned padding = 0;
	while (padding < 2 && padding < length && bare[length - 1 - padding] == '=')
		padding++;
	uint8_t *bytes = memory_alloc(length / 4 * 3 + 1);
	for (size_t i = 0; i < length; i += 4)
		if (!decode_group(bare + i, i + 4 == length ? padding : 0, bytes + i / 4 * 3)) {
			free(bytes);
			return NULL;
		}
	*ret_length = length / 4 * 3 - padding;
	bytes[*ret_length] = 0;
	return (char *)bytes;
}

char *base64_encode(const char *bytes, size_t length)
{
	char *text = memory_alloc((length + 2) / 3 * 4 + 1);
	char *at = text;
	for (size_t i = 0; i < length; i += 3) {
		size_t have = length - i < 3 ? length - i : 3;
		uint32_t bits = 0;
		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (j < have ? (uint8_t)bytes[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			*at++ = j <= have ? LETTERS[bits >> (18 - 6 * j) & 63] : '=';
	}
	return text;
}
