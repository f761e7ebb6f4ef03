#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fault_set(struct fault *fault, const char *field, const char *format, ...)
{
	if (!fault)
		return FAULT_REFUSED;
	snprintf(fault->field, sizeof(fault->field), "%s", field ? field : "");
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(fault->sentence, sizeof(fault->sentence), format, arguments);
	va_end(arguments);
	return FAULT_REFUSED;
}

void fault_place(struct fault *fault, const char *format, ...)
{
	if (!fault)
		return;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(fault->place, sizeof(fault->place), format, arguments);
	va_end(arguments);
}

static char *add_part(char *end, const char *text, const char *part)
{
	if (!*part)
		return end;
	if (end != text)
		end = stpcpy(end, ": ");
	return stpcpy(end, part);
}

const char *fault_format(const struct fault *fault, char text[static FAULT_TEXT_SIZE])
{
	_Static_assert(FAULT_TEXT_SIZE >= sizeof(struct fault) + 4, "the parts and what joins them fit");
	char *end = text;
	*end = '\0';
	end = add_part(end, text, fault->place);
	end = add_part(end, text, fault->field);
	add_part(end, text, fault->sentence);
	return text;
}
