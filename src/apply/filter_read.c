/*
 * One dump for each set. A key of several fields has each padded to four bytes; what is read goes into one scratch
 * vector, is sorted there, and copied into the arena once.
 */
#include "filter_read.h"

#include "base/deadline.h"
#include "base/memory.h"
#include "base/sorting.h"
#include "base/vector.h"
#include "nf_tables.h"
#include "plan/filter_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- how elements lie in the kernel's memory */

enum field { FIELD_END, FIELD_ADDRESS, FIELD_OTHER_ADDRESS, FIELD_PROTOCOL, FIELD_PORT };

enum { FIELDS_MOST = 4 };

/* By kind. */
static const struct layout {
	uint8_t key[FIELDS_MOST + 1]; /* enum field */
	uint8_t data[FIELDS_MOST + 1];
	bool verdict;
	bool range;   /* the other address may be a range */
	bool pair;    /* the other address must be the same */
	bool one_set; /* for both families */
} layouts[] = {
        [FILTER_HELD_ADDRESS] = {.key = {FIELD_ADDRESS}},
        [FILTER_SERVICE_PORT] = {.key = {FIELD_ADDRESS, FIELD_PROTOCOL, FIELD_PORT}, .verdict = true},
        [FILTER_SOURCE_RANGE] = {.key = {FIELD_ADDRESS, FIELD_PROTOCOL, FIELD_PORT, FIELD_OTHER_ADDRESS},
                                 .range = true},
        [FILTER_REDIRECT] = {.key = {FIELD_ADDRESS, FIELD_PROTOCOL, FIELD_PORT},
                             .data = {FIELD_ADDRESS, FIELD_PORT}},
        [FILTER_HAIRPIN] = {.key = {FIELD_ADDRESS, FIELD_OTHER_ADDRESS}, .pair = true},
        [FILTER_HEALTH_CHECK_PORT] = {.key = {FIELD_PORT}, .one_set = true},
};

/* What a key, or a redirect's target, says. */
struct fields {
	struct address address;
	struct address other_address;
	uint8_t protocol;
	uint16_t port;
};

static size_t field_size(uint8_t field, uint8_t family)
{
	switch (field) {
	case FIELD_PROTOCOL:
		return 1;
	case FIELD_PORT:
		return 2;
	default:
		return family_bits(family) / 8;
	}
}

static void get_field(uint8_t field, uint8_t family, const uint8_t *bytes, struct fields *fields)
{
	struct address *address = field == FIELD_ADDRESS ? &fields->address : &fields->other_address;
	switch (field) {
	case FIELD_PROTOCOL:
		fields->protocol = bytes[0];
		return;
	case FIELD_PORT:
		fields->port = (uint16_t)(bytes[0] << 8 | bytes[1]);
		return;
	default:
		address->family = family;
		memcpy(address->bytes, bytes, field_size(field, family));
	}
}

/* False: these are not the bytes of such fields. */
static bool get_fields(const uint8_t *layout, uint8_t family, const struct nlattr *attribute,
                       struct fields *ret_fields)
{
	struct nlattr *data[NFTA_DATA_MAX + 1];
	*ret_fields = (struct fields){0};
	if (!attribute ||
	    nla_parse_nested(data, NFTA_DATA_MAX, (struct nlattr *)(uintptr_t)attribute, NULL) < 0 ||
	    !data[NFTA_DATA_VALUE])
		return false;
	const uint8_t *bytes = nla_data(data[NFTA_DATA_VALUE]);
	size_t length = (size_t)nla_len(data[NFTA_DATA_VALUE]), at = 0;
	for (; *layout != FIELD_END; layout++) {
		size_t size = field_size(*layout, family);
		/* A lone field is not padded. */
		size_t padded = at == 0 && layout[1] == FIELD_END ? size : (size + 3) / 4 * 4;
		if (at + padded > length)
			return false;
		get_field(*layout, family, bytes + at, ret_fields);
		at += padded;
	}
	return at == length;
}

/* ---- what has no place in the vocabulary */

struct reader {
	struct filter_element set; /* kind and family of the set that is being read */
	size_t first;              /* of its elements; those before are of other sets */
	size_t oddities_before;
	vector_of(struct filter_element) elements;
	struct text *oddities;
};

static void add_field(uint8_t field, const struct fields *fields, struct text *text)
{
	char address[ADDRESS_TEXT_SIZE];
	switch (field) {
	case FIELD_PROTOCOL:
		text_add_number(text, fields->protocol);
		return;
	case FIELD_PORT:
		text_add_number(text, fields->port);
		return;
	default:
		address_format(field == FIELD_ADDRESS ? &fields->address : &fields->other_address, address);
		text_add(text, address);
	}
}

/* NULL: it matches everything. */
static void add_oddity(struct reader *reader, const struct fields *start, const struct fields *end)
{
	const struct layout *layout = &layouts[reader->set.kind];
	struct text *text = reader->oddities;
	text_addf(text, "delete element inet %s %s { ", FILTER_TABLE, filter_set_name(&reader->set));
	for (const uint8_t *field = layout->key; start && *field != FIELD_END; field++) {
		text_add(text, field == layout->key ? "" : " . ");
		add_field(*field, start, text);
		if (layout->range) {
			text_add(text, "-");
			add_field(*field, end, text);
		}
	}
	text_add(text, start ? " }\n" : "* }\n");
}

/* ---- elements */

/* False: the two are not the ends of a prefix. */
static bool prefix_of(const struct address *start, const struct address *end, struct cidr *ret_range)
{
	uint8_t bits = 0, whole = family_bits(start->family);
	while (bits < whole && ((start->bytes[bits / 8] ^ end->bytes[bits / 8]) & 0x80 >> bits % 8) == 0)
		bits++;
	*ret_range = (struct cidr){.base = *start, .prefix_bits = bits};
	for (uint8_t bit = bits; bit < whole; bit++)
		if ((start->bytes[bit / 8] & 0x80 >> bit % 8) || !(end->bytes[bit / 8] & 0x80 >> bit % 8))
			return false;
	return true;
}

static bool is_known_protocol(uint8_t protocol)
{
	return protocol_name(protocol)[0] != '\0';
}

static bool has_field(const struct layout *layout, uint8_t field)
{
	return memchr(layout->key, field, sizeof(layout->key)) != NULL;
}

/* False: it cannot be said as an element. */
static bool make_element(const struct filter_element *set, const struct fields *start,
                         const struct fields *end, struct filter_element *ret_element)
{
	const struct layout *layout = &layouts[set->kind];
	*ret_element = (struct filter_element){.kind = set->kind,
	                                       .protocol = layout->one_set ? PROTOCOL_TCP : start->protocol,
	                                       .port = start->port,
	                                       .address = start->address};
	if (!address_equal(&start->address, &end->address) || start->protocol != end->protocol ||
	    start->port != end->port)
		return false;
	if (has_field(layout, FIELD_PROTOCOL) && !is_known_protocol(start->protocol))
		return false;
	if (layout->pair && !address_equal(&start->address, &start->other_address))
		return false;
	return !layout->range || prefix_of(&start->other_address, &end->other_address, &ret_element->range);
}

static void get_verdict(const struct nlattr *attribute, struct filter_element *element)
{
	struct nlattr *data[NFTA_DATA_MAX + 1], *verdict[NFTA_VERDICT_MAX + 1];
	enum filter_verdict found = FILTER_NO_VERDICT;
	bool restricted = false;
	if (!attribute ||
	    nla_parse_nested(data, NFTA_DATA_MAX, (struct nlattr *)(uintptr_t)attribute, NULL) < 0 ||
	    !data[NFTA_DATA_VERDICT] ||
	    nla_parse_nested(verdict, NFTA_VERDICT_MAX, data[NFTA_DATA_VERDICT], NULL) < 0 ||
	    !verdict[NFTA_VERDICT_CODE] || nla_len(verdict[NFTA_VERDICT_CODE]) != sizeof(uint32_t))
		return;
	const char *chain = nf_tables_text(verdict[NFTA_VERDICT_CHAIN]);
	if (ntohl(nla_get_u32(verdict[NFTA_VERDICT_CODE])) != (uint32_t)NFT_GOTO || !chain ||
	    !filter_chain_parse(chain, &found, &restricted))
		return;
	element->verdict = (uint8_t)found;
	element->restricted = restricted;
}

/* A target that is not understood is none, which differs from every wanted one. */
static void get_target(const struct layout *layout, uint8_t family, const struct nlattr *attribute,
                       struct filter_element *element)
{
	struct fields fields;
	if (get_fields(layout->data, family, attribute, &fields)) {
		element->target = fields.address;
		element->target_port = fields.port;
	}
}

static bool is_catch_all(const struct nlattr *flags)
{
	return flags && nla_len(flags) == sizeof(uint32_t) &&
	       (ntohl(nla_get_u32(flags)) & NFT_SET_ELEM_CATCHALL) != 0;
}

/* Keys of other fields are those of a set that is not ours yet (kernel_ensure_filter). */
static void take_element(struct reader *reader, struct nlattr **attributes)
{
	const struct layout *layout = &layouts[reader->set.kind];
	uint8_t family = reader->set.address.family;
	const struct nlattr *end_key = attributes[NFTA_SET_ELEM_KEY_END];
	struct filter_element element;
	struct fields start, end;
	if (is_catch_all(attributes[NFTA_SET_ELEM_FLAGS])) {
		add_oddity(reader, NULL, NULL);
		return;
	}
	if (!get_fields(layout->key, family, attributes[NFTA_SET_ELEM_KEY], &start) ||
	    !get_fields(layout->key, family, end_key ? end_key : attributes[NFTA_SET_ELEM_KEY], &end))
		return;
	if (!make_element(&reader->set, &start, &end, &element)) {
		add_oddity(reader, &start, &end);
		return;
	}
	if (layout->verdict)
		get_verdict(attributes[NFTA_SET_ELEM_DATA], &element);
	if (layout->data[0] != FIELD_END)
		get_target(layout, family, attributes[NFTA_SET_ELEM_DATA], &element);
	vector_push(&reader->elements, element);
}

static int take_elements(void *context, const struct nlmsghdr *answer)
{
	struct reader *reader = context;
	struct nlattr *list[NFTA_SET_ELEM_LIST_MAX + 1], *attributes[NFTA_SET_ELEM_MAX + 1], *item;
	int left;
	if (!nf_tables_parse(answer, NFT_MSG_NEWSETELEM, list, NFTA_SET_ELEM_LIST_MAX))
		return -EBADMSG;
	/* The kernel sends no message without (nf_tables_dump_set). */
	if (!list[NFTA_SET_ELEM_LIST_ELEMENTS])
		return -EBADMSG;
	nla_for_each_nested(item, list[NFTA_SET_ELEM_LIST_ELEMENTS], left)
	{
		if (nla_parse_nested(attributes, NFTA_SET_ELEM_MAX, item, NULL) < 0)
			return -EBADMSG;
		take_element(reader, attributes);
	}
	return 0;
}

/* ---- sets */

static void forget(void *context)
{
	struct reader *reader = context;
	reader->elements.count = reader->first;
	reader->oddities->length = reader->oddities_before;
	if (reader->oddities->bytes)
		reader->oddities->bytes[reader->oddities->length] = '\0';
}

struct filter_reading {
	struct conversation *netfilter;
	struct arena *arena;
	struct reader reader;
	struct dumping dumping; /* of one set */
	unsigned set;           /* of the places in a table of all kinds, each for no family and both */
	bool begun;
	bool sorting_begun;
	struct sorting sorting;
};

enum { SORTING_STEPS = 256 }; /* between two looks at the clock */

enum { KINDS = sizeof(layouts) / sizeof(*layouts), PLACES_OF_KIND = FAMILY_IPV6 + 1 };

/* False: there is no such set. */
static bool begin_set(struct filter_reading *reading)
{
	struct reader *reader = &reading->reader;
	const struct dump dump = {.restart = forget, .take = take_elements, .context = reader};
	uint8_t kind = (uint8_t)(reading->set / PLACES_OF_KIND),
	        family = (uint8_t)(reading->set % PLACES_OF_KIND);
	if (layouts[kind].one_set != (family == FAMILY_NONE))
		return false;
	reader->set = (struct filter_element){.kind = kind, .address.family = family};
	reader->first = reader->elements.count;
	reader->oddities_before = reader->oddities->length;
	struct message *message = nf_tables_begin(reading->netfilter, NFPROTO_INET, NFT_MSG_GETSETELEM);
	message_put_text(message, NFTA_SET_ELEM_LIST_TABLE, FILTER_TABLE);
	message_put_text(message, NFTA_SET_ELEM_LIST_SET, filter_set_name(&reader->set));
	conversation_dump_begin(reading->netfilter, &dump, &reading->dumping);
	return true;
}

static int read_sets(struct filter_reading *reading, int64_t deadline_ns)
{
	for (; reading->set < KINDS * PLACES_OF_KIND; reading->set++, reading->begun = false) {
		if (!reading->begun && !begin_set(reading))
			continue;
		reading->begun = true;
		int error = conversation_dump_go_on(reading->netfilter, &reading->dumping, deadline_ns);
		if (error == -ENOENT)
			forget(&reading->reader);
		else if (error)
			return error;
	}
	return 0;
}

static int order(const void *a, const void *b)
{
	return filter_element_compare(a, b);
}

/* While a set grows, a dump may show an element twice. */
static size_t drop_doubles(struct filter_element *elements, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || filter_element_compare(&elements[kept - 1], &elements[i]) != 0)
			elements[kept++] = elements[i];
	return kept;
}

static int sort(struct filter_reading *reading, int64_t deadline_ns)
{
	struct reader *reader = &reading->reader;
	if (!reading->sorting_begun)
		sorting_begin(&reading->sorting, reader->elements.items, reader->elements.count,
		              sizeof(*reader->elements.items), order);
	reading->sorting_begun = true;
	for (size_t left = SORTING_STEPS; !sorting_go_on(&reading->sorting, &left); left = SORTING_STEPS)
		if (deadline_over(deadline_ns))
			return LISTEN_MORE;
	sorting_done(&reading->sorting);
	reader->elements.count = drop_doubles(reader->elements.items, reader->elements.count);
	return 0;
}

struct filter_reading *filter_reading_new(struct conversation *netfilter, struct arena *arena,
                                          struct text *ret_oddities)
{
	struct filter_reading *reading = memory_alloc(sizeof(*reading));
	text_clear(ret_oddities);
	reading->netfilter = netfilter;
	reading->arena = arena;
	reading->reader.oddities = ret_oddities;
	return reading;
}

void filter_reading_free(struct filter_reading *reading)
{
	if (!reading)
		return;
	vector_done(&reading->reader.elements);
	sorting_done(&reading->sorting);
	memory_free_pointer(&reading);
}

int filter_reading_go_on(struct filter_reading *reading, int64_t deadline_ns,
                         const struct filter_element **ret_elements, size_t *ret_count)
{
	struct reader *reader = &reading->reader;
	int error = read_sets(reading, deadline_ns);
	if (error < 0)
		text_clear(reader->oddities);
	if (!error)
		error = sort(reading, deadline_ns);
	if (error)
		return error;
	size_t count = reader->elements.count;
	struct filter_element *copy = arena_new_array(reading->arena, count, struct filter_element);
	if (count)
		memcpy(copy, reader->elements.items, count * sizeof(*copy));
	*ret_elements = copy;
	*ret_count = count;
	return 0;
}
