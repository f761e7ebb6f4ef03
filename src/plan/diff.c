/*
 * Both states are sorted arrays, so that one walk over both finds everything. It finds changes in the order
 * of the keys; diff_order.c then deals them out by rank and kind.
 */
#include "plan/diff.h"

#include "base/check.h"
#include "base/memory.h"
#include "diff_order.h"

#include <stdlib.h>

struct difference {
	size_t stage; /* of comparisons */
	size_t i, j;  /* the next of what is present, and of what is wanted */
	struct arranging arranging;
	const struct state *present;
	const struct state *wanted;
	const struct removal_rules *rules;
	struct changes *found;
	size_t first; /* of those found, behind what was there */
	struct placing placing;
};

static bool is_excluded(const struct removal_rules *rules, const struct address *address)
{
	return cidrs_contain(rules->excluded, rules->excluded_count, address);
}

static bool is_recorded(const struct removal_rules *rules, const struct virtual_server_key *key)
{
	bool found;
	virtual_server_key_place(rules->recorded, rules->recorded_count, key, &found);
	return found;
}

/* The record goes before the exclusion: it names only what we made for a Service that is gone. */
bool removal_allowed(const struct removal_rules *rules, const struct state *present,
                     const struct virtual_server_key *key)
{
	if (key->firewall_mark)
		return false;
	if (is_recorded(rules, key))
		return true;
	if (is_excluded(rules, &key->address))
		return false;
	return rules->all_ours || state_holds(present, &key->address);
}

/* The first wanted virtual server that does not sort before this address. */
static size_t first_with_address(const struct state *wanted, const struct address *address)
{
	size_t low = 0, high = wanted->virtual_server_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (address_compare(&wanted->virtual_servers[middle].key.address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint8_t address_rank(const struct state *wanted, const struct address *address)
{
	uint8_t rank = RANK_OTHER;
	for (size_t i = first_with_address(wanted, address); i < wanted->virtual_server_count; i++) {
		const struct virtual_server *server = &wanted->virtual_servers[i];
		if (!address_equal(&server->key.address, address))
			break;
		if (server->rank < rank)
			rank = server->rank;
	}
	return rank;
}

static uint8_t filter_rank(const struct state *wanted, const struct filter_element *element)
{
	if (element->kind == FILTER_HELD_ADDRESS)
		return address_rank(wanted, &element->address);
	struct virtual_server_key key = {
	        .address = element->address, .protocol = element->protocol, .port = element->port};
	const struct virtual_server *server = state_find_virtual_server(wanted, &key);
	return server ? server->rank : RANK_OTHER;
}

static void found(struct difference *difference, const struct change *change)
{
	CHECK(change->rank <= RANK_OTHER);
	vector_push(difference->found, *change);
}

static void found_filter(struct difference *difference, enum change_kind kind, uint8_t rank,
                         const struct filter_element *element, const struct filter_element *before)
{
	found(difference,
	      &(struct change){.kind = (uint8_t)kind, .rank = rank, .filter = element, .before = before});
}

/* Whether an element of this kind is wanted for the port of `element`. */
static bool port_has(const struct state *wanted, enum filter_kind kind, const struct filter_element *element)
{
	struct filter_element first = {.kind = (uint8_t)kind,
	                               .protocol = element->protocol,
	                               .port = element->port,
	                               .address = element->address};
	size_t low = 0, high = wanted->filter_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (filter_element_compare(&wanted->filter[middle], &first) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == wanted->filter_count)
		return false;
	first.range = wanted->filter[low].range;
	return filter_element_compare(&wanted->filter[low], &first) == 0;
}

/*
 * A range that a port loses goes before ranges that it gets, since the kernel refuses those that overlap (N8), and before
 * the port is opened to all or comes under another owner. If the port itself goes, its ranges stay as long as it does.
 */
static void found_unwanted_filter(struct difference *difference, const struct filter_element *element)
{
	const struct state *wanted = difference->wanted;
	bool restricts =
	        element->kind == FILTER_SOURCE_RANGE && (port_has(wanted, FILTER_SERVICE_PORT, element) ||
	                                                 port_has(wanted, FILTER_SOURCE_RANGE, element));
	if (restricts)
		found_filter(difference, CHANGE_FILTER_RESTRICT, filter_rank(wanted, element), element, NULL);
	else
		found_filter(difference, CHANGE_FILTER_REMOVE, RANK_OTHER, element, NULL);
}

static bool compare_filter(struct difference *difference, size_t *left)
{
	const struct state *present = difference->present, *wanted = difference->wanted;
	size_t i = difference->i, j = difference->j;
	bool through = true;
	while (i < present->filter_count || j < wanted->filter_count) {
		if (*left == 0) {
			through = false;
			break;
		}
		--*left;
		const struct filter_element *is = i < present->filter_count ? &present->filter[i] : NULL;
		const struct filter_element *should = j < wanted->filter_count ? &wanted->filter[j] : NULL;
		int order = !is ? 1 : !should ? -1 : filter_element_compare(is, should);
		if (order < 0)
			found_unwanted_filter(difference, is);
		else if (order > 0 || !filter_element_same(is, should))
			found_filter(difference, CHANGE_FILTER_ADD, filter_rank(wanted, should), should,
			             order == 0 ? is : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	difference->i = i;
	difference->j = j;
	return through;
}

static void found_address(struct difference *difference, enum change_kind kind, uint8_t rank,
                          const struct address *address)
{
	found(difference, &(struct change){.kind = (uint8_t)kind, .rank = rank, .address = *address});
}

/* Adding is what puts it right. */
static bool is_misheld(const struct state *present, const struct address *address)
{
	return addresses_contain(present->misheld, present->misheld_count, address);
}

static bool compare_held(struct difference *difference, size_t *left)
{
	const struct state *present = difference->present, *wanted = difference->wanted;
	size_t i = difference->i, j = difference->j;
	bool through = true;
	while (i < present->held_count || j < wanted->held_count) {
		if (*left == 0) {
			through = false;
			break;
		}
		--*left;
		const struct address *is = i < present->held_count ? &present->held[i] : NULL;
		const struct address *should = j < wanted->held_count ? &wanted->held[j] : NULL;
		int order = !is ? 1 : !should ? -1 : address_compare(is, should);
		if (order < 0 && !is_excluded(difference->rules, is))
			found_address(difference, CHANGE_ADDRESS_REMOVE, RANK_OTHER, is);
		else if (order > 0 || (order == 0 && is_misheld(present, should)))
			found_address(difference, CHANGE_ADDRESS_ADD, address_rank(wanted, should), should);
		i += order <= 0;
		j += order >= 0;
	}
	difference->i = i;
	difference->j = j;
	return through;
}

static void found_real_server(struct difference *difference, enum change_kind kind,
                              const struct virtual_server *server, const struct real_server *real,
                              const struct real_server *before)
{
	found(difference,
	      &(struct change){.kind = (uint8_t)kind,
	                       .rank = kind == CHANGE_REAL_SERVER_REMOVE ? RANK_OTHER : server->rank,
	                       .virtual_server = server,
	                       .real_server = real,
	                       .before = before});
}

/* Adds are collected first, since their order is not that of the keys. */
static void found_placed(struct difference *difference, const struct virtual_server *wanted)
{
	struct placing *placing = &difference->placing;
	if (placing->count > 0)
		placing_sort(placing, wanted, difference->rules->order_seed);
	for (size_t i = 0; i < placing->count; i++)
		found_real_server(difference, CHANGE_REAL_SERVER_ADD, wanted, placing->items[i].server, NULL);
	vector_clear(placing);
}

static void compare_real_servers(struct difference *difference, const struct virtual_server *present,
                                 const struct virtual_server *wanted)
{
	size_t i = 0, j = 0;
	while (i < present->real_server_count || j < wanted->real_server_count) {
		const struct real_server *is =
		        i < present->real_server_count ? &present->real_servers[i] : NULL;
		const struct real_server *should =
		        j < wanted->real_server_count ? &wanted->real_servers[j] : NULL;
		int order = !is ? 1 : !should ? -1 : real_server_compare(is, should);
		if (order < 0)
			found_real_server(difference, CHANGE_REAL_SERVER_REMOVE, present, is, NULL);
		else if (order > 0)
			vector_push(&difference->placing, (struct placed){.server = should});
		else if (!real_server_same(is, should))
			found_real_server(difference, CHANGE_REAL_SERVER_EDIT, wanted, should, is);
		i += order <= 0;
		j += order >= 0;
	}
	found_placed(difference, wanted);
}

static void found_virtual_server(struct difference *difference, enum change_kind kind,
                                 const struct virtual_server *server, const struct virtual_server *before)
{
	found(difference,
	      &(struct change){.kind = (uint8_t)kind,
	                       .rank = kind == CHANGE_VIRTUAL_SERVER_REMOVE ? RANK_OTHER : server->rank,
	                       .virtual_server = server,
	                       .before = before});
}

static bool compare_virtual_servers(struct difference *difference, size_t *left)
{
	static const struct virtual_server nothing;
	const struct state *present = difference->present, *wanted = difference->wanted;
	size_t i = difference->i, j = difference->j;
	bool through = true;
	while (i < present->virtual_server_count || j < wanted->virtual_server_count) {
		if (*left == 0) {
			through = false;
			break;
		}
		--*left;
		const struct virtual_server *is =
		        i < present->virtual_server_count ? &present->virtual_servers[i] : NULL;
		const struct virtual_server *should =
		        j < wanted->virtual_server_count ? &wanted->virtual_servers[j] : NULL;
		int order = !is ? 1 : !should ? -1 : virtual_server_key_compare(&is->key, &should->key);
		if (order < 0 && removal_allowed(difference->rules, present, &is->key))
			found_virtual_server(difference, CHANGE_VIRTUAL_SERVER_REMOVE, is, NULL);
		if (order > 0)
			found_virtual_server(difference, CHANGE_VIRTUAL_SERVER_ADD, should, NULL);
		if (order == 0 && !virtual_server_same(is, should))
			found_virtual_server(difference, CHANGE_VIRTUAL_SERVER_EDIT, should, is);
		if (order >= 0) {
			compare_real_servers(difference, order == 0 ? is : &nothing, should);
			*left -= should->real_server_count < *left ? should->real_server_count : *left;
		}
		i += order <= 0;
		j += order >= 0;
	}
	difference->i = i;
	difference->j = j;
	return through;
}

static bool begin_arranging(struct difference *difference, size_t *left)
{
	(void)left;
	arranging_begin(&difference->arranging, difference->found, difference->first);
	return true;
}

static bool arrange(struct difference *difference, size_t *left)
{
	return arranging_go_on(&difference->arranging, left);
}

static bool (*const stages[])(struct difference *difference, size_t *left) = {
        compare_filter, compare_held, compare_virtual_servers, begin_arranging, arrange,
};

struct difference *difference_new(const struct state *present, const struct state *wanted,
                                  const struct removal_rules *rules, struct changes *ret_changes)
{
	struct difference *difference = memory_alloc(sizeof(*difference));
	difference->present = present;
	difference->wanted = wanted;
	difference->rules = rules;
	difference->found = ret_changes;
	difference->first = ret_changes->count;
	return difference;
}

void difference_free(struct difference *difference)
{
	if (!difference)
		return;
	arranging_done(&difference->arranging);
	vector_done(&difference->placing);
	free(difference);
}

bool difference_go_on(struct difference *difference, size_t steps)
{
	for (; difference->stage < sizeof(stages) / sizeof(*stages); difference->stage++) {
		if (!stages[difference->stage](difference, &steps))
			return false;
		difference->i = difference->j = 0;
	}
	return true;
}

void diff_build(const struct state *present, const struct state *wanted, const struct removal_rules *rules,
                struct changes *ret_changes)
{
	struct difference *difference = difference_new(present, wanted, rules, ret_changes);
	difference_go_on(difference, SIZE_MAX);
	difference_free(difference);
}

bool changes_touch_protocol(const struct changes *changes, uint8_t protocol)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct virtual_server *server = changes->items[i].virtual_server;
		if (server && server->key.protocol == protocol)
			return true;
	}
	return false;
}

const char *change_kind_name(enum change_kind kind)
{
	static const char *const names[CHANGE_KINDS] = {
	        [CHANGE_FILTER_RESTRICT] = "withdraw source range",
	        [CHANGE_FILTER_ADD] = "add filter element",
	        [CHANGE_ADDRESS_ADD] = "add address",
	        [CHANGE_VIRTUAL_SERVER_ADD] = "add virtual server",
	        [CHANGE_VIRTUAL_SERVER_EDIT] = "change virtual server",
	        [CHANGE_REAL_SERVER_ADD] = "add real server",
	        [CHANGE_REAL_SERVER_EDIT] = "change real server",
	        [CHANGE_REAL_SERVER_REMOVE] = "remove real server",
	        [CHANGE_VIRTUAL_SERVER_REMOVE] = "remove virtual server",
	        [CHANGE_ADDRESS_REMOVE] = "remove address",
	        [CHANGE_FILTER_REMOVE] = "remove filter element",
	};
	return kind < CHANGE_KINDS ? names[kind] : "";
}
