#include "render_filter.h"
#include "forms.h"
#include "plan/render.h"

const char *filter_kind_name(enum filter_kind kind)
{
	static const char *const names[] = {
	        [FILTER_HELD_ADDRESS] = "held-address", [FILTER_SERVICE_PORT] = "service-port",
	        [FILTER_SOURCE_RANGE] = "source-range", [FILTER_REDIRECT] = "redirect",
	        [FILTER_HAIRPIN] = "hairpin",           [FILTER_HEALTH_CHECK_PORT] = "health-check-port",
	};
	return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "";
}

const char *filter_verdict_name(enum filter_verdict verdict)
{
	static const char *const names[] = {
	        [FILTER_NO_VERDICT] = "",
	        [FILTER_MASQUERADE_OUTSIDERS] = "masquerade-outsiders",
	        [FILTER_MASQUERADE] = "masquerade",
	        [FILTER_KEEP_SOURCE] = "keep-source",
	        [FILTER_DROP] = "drop",
	        [FILTER_REJECT] = "reject",
	};
	return (size_t)verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "";
}

static void add_port(const struct filter_element *element, struct text *text)
{
	form_endpoint(&element->address, element->port, text);
	text_add_char(text, ' ');
	text_add(text, protocol_name(element->protocol));
}

static void add_held_address(const struct filter_element *element, struct text *text)
{
	text->length += address_format(&element->address, text_reserve(text, ADDRESS_TEXT_SIZE));
	text_add(text, " refuses all other ports");
}

static void add_verdict(const struct filter_element *element, struct text *text)
{
	text_add(text, filter_verdict_name(element->verdict));
	if (element->restricted)
		text_add(text, ", allowed sources only");
}

static void add_service_port(const struct filter_element *element, struct text *text)
{
	add_port(element, text);
	text_add_char(text, ' ');
	add_verdict(element, text);
}

static void add_source_range(const struct filter_element *element, struct text *text)
{
	add_port(element, text);
	text_add(text, " allow ");
	text->length += cidr_format(&element->range, text_reserve(text, CIDR_TEXT_SIZE));
}

static void add_target(const struct filter_element *element, struct text *text)
{
	text_add(text, "to ");
	form_endpoint(&element->target, element->target_port, text);
}

static void add_redirect(const struct filter_element *element, struct text *text)
{
	add_port(element, text);
	text_add(text, " from inside ");
	add_target(element, text);
}

static void add_hairpin(const struct filter_element *element, struct text *text)
{
	text->length += address_format(&element->address, text_reserve(text, ADDRESS_TEXT_SIZE));
	text_add(text, " may reach itself");
}

static void add_health_check_port(const struct filter_element *element, struct text *text)
{
	text_addf(text, "port %u ", element->port);
	text_add(text, protocol_name(element->protocol));
	text_add(text, " accept health checks");
}

void render_filter_element(const struct filter_element *element, struct text *text)
{
	static void (*const words[])(const struct filter_element *, struct text *) = {
	        [FILTER_HELD_ADDRESS] = add_held_address, [FILTER_SERVICE_PORT] = add_service_port,
	        [FILTER_SOURCE_RANGE] = add_source_range, [FILTER_REDIRECT] = add_redirect,
	        [FILTER_HAIRPIN] = add_hairpin,           [FILTER_HEALTH_CHECK_PORT] = add_health_check_port,
	};
	if (element->kind < sizeof(words) / sizeof(words[0]))
		words[element->kind](element, text);
}

void render_filter_content(const struct filter_element *element, struct text *text)
{
	if (element->kind == FILTER_SERVICE_PORT)
		add_verdict(element, text);
	if (element->kind == FILTER_REDIRECT)
		add_target(element, text);
}
