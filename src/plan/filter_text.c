/*
 * Elements as text. One command names all elements of a set that come, or that go: whether they are split over several
 * made no difference (30,000 elements: 0.3 s either way).
 *
 * Protocols are named by words that nft's own grammar knows, not by numbers or names of /etc/protocols.
 */
#include "plan/filter_text.h"

#include "base/check.h"

#include <string.h>

enum { FAMILIES = 2 };
#define VERDICTS (FILTER_REJECT + 1)

static const char *const chains[VERDICTS][2] = {
        [FILTER_MASQUERADE_OUTSIDERS] = {"to-cluster-ip",
                                         NULL}, /* ranges restrict load-balancer addresses only */
        [FILTER_MASQUERADE] = {"to-external", "to-external-restricted"},
        [FILTER_KEEP_SOURCE] = {"to-local", "to-local-restricted"},
        [FILTER_DROP] = {"to-elsewhere", "to-elsewhere-restricted"},
        [FILTER_REJECT] = {"to-nobody", "to-nobody-restricted"},
};

const char *filter_chain_name(enum filter_verdict verdict, bool restricted)
{
	CHECK(verdict < VERDICTS && chains[verdict][restricted]);
	return chains[verdict][restricted];
}

bool filter_chain_parse(const char *name, enum filter_verdict *ret_verdict, bool *ret_restricted)
{
	for (int verdict = 0; verdict < VERDICTS; verdict++)
		for (int restricted = 0; restricted < 2; restricted++) {
			const char *chain = chains[verdict][restricted];
			if (!chain || strcmp(chain, name) != 0)
				continue;
			*ret_verdict = (enum filter_verdict)verdict;
			*ret_restricted = restricted;
			return true;
		}
	return false;
}

static void add_address(const struct address *address, struct text *text)
{
	text->length += address_format(address, text_reserve(text, ADDRESS_TEXT_SIZE));
}

static void add_port_key(const struct filter_element *element, struct text *text)
{
	static const struct {
		uint8_t protocol;
		const char *words;
	} words[] = {{PROTOCOL_TCP, " . tcp . "}, {PROTOCOL_UDP, " . udp . "}, {PROTOCOL_SCTP, " . sctp . "}};
	const char *protocol = NULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].protocol == element->protocol)
			protocol = words[i].words;
	CHECK(protocol != NULL);
	add_address(&element->address, text);
	text_add(text, protocol);
	text_add_number(text, element->port);
}

static void add_address_key(const struct filter_element *element, struct text *text)
{
	add_address(&element->address, text);
}

static void add_range_key(const struct filter_element *element, struct text *text)
{
	add_port_key(element, text);
	text_add(text, " . ");
	text->length += cidr_format(&element->range, text_reserve(text, CIDR_TEXT_SIZE));
}

static void add_pair_key(const struct filter_element *element, struct text *text)
{
	add_address(&element->address, text);
	text_add(text, " . ");
	add_address(&element->address, text);
}

static void add_number_key(const struct filter_element *element, struct text *text)
{
	text_add_number(text, element->port);
}

static void add_verdict(const struct filter_element *element, struct text *text)
{
	text_add(text, " : goto ");
	text_add(text, filter_chain_name(element->verdict, element->restricted));
}

static void add_target(const struct filter_element *element, struct text *text)
{
	text_add(text, " : ");
	add_address(&element->target, text);
	text_add(text, " . ");
	text_add_number(text, element->target_port);
}

static const struct {
	const char *names[FAMILIES + 1]; /* by enum family */
	void (*add_key)(const struct filter_element *element, struct text *text);
	void (*add_content)(const struct filter_element *element, struct text *text); /* NULL: has none */
} sets[] = {
        [FILTER_HELD_ADDRESS] = {{NULL, "held-4", "held-6"}, add_address_key, NULL},
        [FILTER_SERVICE_PORT] = {{NULL, "service-ports-4", "service-ports-6"}, add_port_key, add_verdict},
        [FILTER_SOURCE_RANGE] = {{NULL, "source-ranges-4", "source-ranges-6"}, add_range_key, NULL},
        [FILTER_REDIRECT] = {{NULL, "redirects-4", "redirects-6"}, add_port_key, add_target},
        [FILTER_HAIRPIN] = {{NULL, "local-endpoints-4", "local-endpoints-6"}, add_pair_key, NULL},
        [FILTER_HEALTH_CHECK_PORT] = {{"health-check-ports", NULL, NULL}, add_number_key, NULL},
};
enum { KINDS = sizeof(sets) / sizeof(sets[0]) };

const char *filter_set_name(const struct filter_element *element)
{
	CHECK(element->kind < KINDS && sets[element->kind].names[element->address.family]);
	return sets[element->kind].names[element->address.family];
}

/* Whether the element as it is now has to go, and whether it has to come. */
static bool takes_away(const struct change *change)
{
	return change->kind == CHANGE_FILTER_RESTRICT || change->kind == CHANGE_FILTER_REMOVE ||
	       (change->kind == CHANGE_FILTER_ADD && change->before);
}

static bool brings(const struct change *change)
{
	return change->kind == CHANGE_FILTER_ADD;
}

struct command {
	const char *verb;
	bool (*concerns)(const struct change *change);
	bool with_content;
};

/* The command for one set; nothing if it concerns none of its elements. */
static void add_command(const struct command *command, unsigned kind, unsigned family,
                        const struct change *changes, size_t count, struct text *text)
{
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		const struct filter_element *element = changes[i].filter;
		if (!command->concerns(&changes[i]) || element->kind != kind ||
		    element->address.family != family)
			continue;
		if (any)
			text_add(text, ", ");
		else
			text_addf(text, "%s element inet " FILTER_TABLE " %s { ", command->verb,
			          sets[kind].names[family]);
		any = true;
		sets[kind].add_key(element, text);
		if (command->with_content && sets[kind].add_content)
			sets[kind].add_content(element, text);
	}
	if (any)
		text_add(text, " }\n");
}

void filter_text_changes(const struct change *changes, size_t count, struct text *text)
{
	static const struct command commands[] = {{"delete", takes_away, false}, {"add", brings, true}};
	for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]); c++)
		for (unsigned kind = 0; kind < KINDS; kind++)
			for (unsigned family = 0; family <= FAMILIES; family++)
				if (sets[kind].names[family])
					add_command(&commands[c], kind, family, changes, count, text);
}
