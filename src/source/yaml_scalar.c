/*
 * Plain scalars, with the results that the API server's users get: kubectl turns YAML into JSON first, and
 * writes a float without fraction as a whole number.
 */
#include "yaml_tree.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_BYTES = 64 };

/* Each in three spellings: lower case, capitalized, upper case. */
static const struct {
	const char *word;
	json_type type;
} words[] = {
        {"null", JSON_NULL}, {"true", JSON_TRUE}, {"yes", JSON_TRUE},    {"on", JSON_TRUE},
        {"y", JSON_TRUE},    {"~", JSON_NULL},    {"false", JSON_FALSE}, {"no", JSON_FALSE},
        {"off", JSON_FALSE}, {"n", JSON_FALSE},
};

/* "yes", "Yes" or "YES", but not "yEs". */
static bool is_word(const char *word, const char *text, size_t length)
{
	if (strlen(word) != length || strncasecmp(word, text, length) != 0)
		return false;
	bool upper_tail = length > 1 && isupper((unsigned char)text[1]);
	for (size_t i = 1; i < length; i++)
		if ((isupper((unsigned char)text[i]) != 0) != upper_tail)
			return false;
	return !upper_tail || isupper((unsigned char)text[0]);
}

static json_t *resolve_word(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!is_word(words[i].word, text, length))
			continue;
		return words[i].type == JSON_NULL ? json_null() : json_boolean(words[i].type == JSON_TRUE);
	}
	return NULL;
}

/* Without underscores, which may stand anywhere in a number. False: too long for one. */
static bool copy_number(const char *text, size_t length, char copy[static NUMBER_BYTES])
{
	size_t used = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '_')
			continue;
		if (used == NUMBER_BYTES - 1)
			return false;
		copy[used++] = text[i];
	}
	copy[used] = '\0';
	return used > 0;
}

/* Takes "0x", "0o", "0b" or the "0" of an octal number off. */
static int take_base(const char **digits)
{
	static const struct {
		char letter;
		int base;
	} bases[] = {{'x', 16}, {'o', 8}, {'b', 2}};
	if ((*digits)[0] != '0' || !(*digits)[1])
		return 10;
	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++)
		if (tolower((unsigned char)(*digits)[1]) == bases[i].letter) {
			*digits += 2;
			return bases[i].base;
		}
	*digits += 1;
	return 8;
}

static json_t *resolve_whole(const char *number)
{
	bool negative = *number == '-';
	const char *digits = number + (*number == '-' || *number == '+');
	int base = take_base(&digits);
	if (!isxdigit((unsigned char)*digits))
		return NULL;
	char *end;
	errno = 0;
	unsigned long long value = strtoull(digits, &end, base);
	if (*end)
		return NULL;
	if (errno == 0 && value <= INT64_MAX)
		return json_integer(negative ? -(json_int_t)value : (json_int_t)value);
	return base == 10 ? NULL : json_real(negative ? -(double)value : (double)value);
}

/* [-+]? digits with at most one point, then perhaps an exponent. */
static bool is_float(const char *c)
{
	c += *c == '-' || *c == '+';
	size_t whole = strspn(c, "0123456789"), fraction = 0;
	c += whole;
	if (*c == '.') {
		fraction = strspn(++c, "0123456789");
		c += fraction;
	}
	if (!whole && !fraction)
		return false;
	if (*c == 'e' || *c == 'E') {
		c++;
		c += *c == '-' || *c == '+';
		size_t exponent = strspn(c, "0123456789");
		if (!exponent)
			return false;
		c += exponent;
	}
	return *c == '\0';
}

static json_t *resolve_float(const char *number)
{
	if (!is_float(number))
		return NULL;
	double value = strtod(number, NULL);
	if (!isfinite(value))
		return NULL;
	if (fabs(value) < 1e15 && value == floor(value))
		return json_integer((json_int_t)value);
	return json_real(value);
}

json_t *yaml_plain_scalar(const char *text, size_t length)
{
	char number[NUMBER_BYTES];
	json_t *value = NULL;
	if (length == 0)
		return json_null();
	if (strchr("nNtTyYfFoO~", text[0]))
		value = resolve_word(text, length);
	else if (strchr("0123456789+-.", text[0]) && copy_number(text, length, number)) {
		value = resolve_whole(number);
		if (!value)
			value = resolve_float(number);
	}
	return value ? value : json_stringn(text, length);
}
