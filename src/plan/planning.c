#include "planning.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

enum { FIRST_WARNINGS = 4 };

static void make_room(struct planning *planning)
{
	if (planning->warning_count < planning->warning_capacity)
		return;
	size_t capacity = planning->warning_capacity ? 2 * planning->warning_capacity : FIRST_WARNINGS;
	const char **grown = arena_new_array(planning->arena, capacity, const char *);
	if (planning->warning_count > 0)
		memcpy(grown, planning->warnings, planning->warning_count * sizeof(*grown));
	planning->warnings = grown;
	planning->warning_capacity = capacity;
}

void planning_warn(struct planning *planning, const char *format, ...)
{
	auto_text text = {0};
	va_list arguments;
	text_addf(&text, "%s/%s: ", planning->service->name.namespace, planning->service->name.name);
	va_start(arguments, format);
	text_add_list(&text, format, arguments);
	va_end(arguments);
	make_room(planning);
	planning->warnings[planning->warning_count++] = arena_copy_text(planning->arena, text_string(&text));
}
