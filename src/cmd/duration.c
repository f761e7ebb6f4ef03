/*
 * Durations as Go spells them.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

struct duration_unit {
	const char *name;
	double milliseconds;
};

/* Longer names before those that they begin with. */
static const struct duration_unit duration_units[] = {
        {"ns", 1e-6}, {"us", 1e-3}, {"µs", 1e-3}, {"μs", 1e-3},
        {"ms", 1},    {"s", 1e3},   {"m", 60e3},  {"h", 3600e3},
};

static const struct duration_unit *unit_find(const char *text)
{
	for (size_t i = 0; i < sizeof(duration_units) / sizeof(duration_units[0]); i++)
		if (strncmp(text, duration_units[i].name, strlen(duration_units[i].name)) == 0)
			return &duration_units[i];
	return NULL;
}

bool duration_parse(const char *text, int64_t *ret_milliseconds)
{
	if (strcmp(text, "0") == 0) {
		*ret_milliseconds = 0;
		return true;
	}
	double sum = 0;
	const char *rest = text;
	while (*rest) {
		/* Digits and a point only: strtod alone would also take 1e3 and inf. */
		char digits[32] = "";
		size_t length = strspn(rest, "0123456789.");
		const struct duration_unit *unit = unit_find(rest + length);
		if (length == 0 || length >= sizeof(digits) || unit == NULL)
			return false;
		memcpy(digits, rest, length);
		char *end = NULL;
		double number = strtod(digits, &end);
		if (*end != '\0')
			return false;
		sum += number * unit->milliseconds;
		rest += length + strlen(unit->name);
	}
	if (rest == text || sum > 1e15)
		return false;
	*ret_milliseconds = (int64_t)sum;
	return true;
}
