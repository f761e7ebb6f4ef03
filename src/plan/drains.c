/*
 * Both states are sorted arrays, so that one walk over both finds what drains.
 */
#include "plan/drains.h"

#include "base/vector.h"

#include <string.h>

bool protocol_drains(uint8_t protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_SCTP;
}

int draining_compare(const struct draining *a, const struct draining *b)
{
	int order = virtual_server_key_compare(&a->key, &b->key);
	return order ? order : flow_end_compare(&a->end, &b->end);
}

size_t draining_first(const struct draining_list *list, const struct virtual_server_key *key)
{
	size_t low = 0, high = list->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (virtual_server_key_compare(&list->items[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct flow_end end_of(const struct real_server *server)
{
	return (struct flow_end){.address = server->address, .port = server->port};
}

static bool is_leaving(const struct virtual_server *server, const struct flow_end *end)
{
	size_t low = 0, high = server->leaving_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = flow_end_compare(&server->leaving[middle], end);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* ---- extending */

struct extension {
	struct arena *arena;
	struct virtual_server *servers; /* the extended ones; NULL: nothing drains so far */
	vector_of(struct draining) draining;
};

/* How many real servers of `present` are not in `wanted`. */
static size_t count_unwanted(const struct virtual_server *present, const struct virtual_server *wanted)
{
	size_t unwanted = 0;
	for (size_t i = 0, j = 0; i < present->real_server_count; i++) {
		int order = 1;
		while (j < wanted->real_server_count &&
		       (order = real_server_compare(&wanted->real_servers[j], &present->real_servers[i])) < 0)
			j++;
		unwanted += j == wanted->real_server_count || order != 0;
	}
	return unwanted;
}

static void note(struct extension *extension, const struct virtual_server *wanted,
                 const struct real_server *server)
{
	struct draining draining = {.key = wanted->key, .end = end_of(server), .label = wanted->label};
	draining.leaving = is_leaving(wanted, &draining.end);
	vector_push(&extension->draining, draining);
}

/* Merges both into one ascending array, those that only `present` has at weight 0. */
static void extend_server(struct extension *extension, const struct virtual_server *present,
                          const struct virtual_server *wanted, size_t unwanted,
                          struct virtual_server *extended)
{
	size_t i = 0, j = 0, count = 0;
	struct real_server *merged =
	        arena_new_array(extension->arena, wanted->real_server_count + unwanted, struct real_server);
	while (i < present->real_server_count || j < wanted->real_server_count) {
		const struct real_server *is =
		        i < present->real_server_count ? &present->real_servers[i] : NULL;
		const struct real_server *should =
		        j < wanted->real_server_count ? &wanted->real_servers[j] : NULL;
		int order = !is ? 1 : !should ? -1 : real_server_compare(is, should);
		merged[count] = order < 0 ? *is : *should;
		if (order < 0) {
			merged[count].weight = 0;
			note(extension, wanted, is);
		}
		count++;
		i += order <= 0;
		j += order >= 0;
	}
	extended->real_servers = merged;
	extended->real_server_count = count;
}

static void extend_matching(struct extension *extension, const struct state *wanted, size_t at,
                            const struct virtual_server *present)
{
	const struct virtual_server *server = &wanted->virtual_servers[at];
	size_t unwanted = protocol_drains(server->key.protocol) ? count_unwanted(present, server) : 0;
	if (unwanted == 0)
		return;
	if (!extension->servers) {
		extension->servers = arena_new_array(extension->arena, wanted->virtual_server_count,
		                                     struct virtual_server);
		memcpy(extension->servers, wanted->virtual_servers,
		       wanted->virtual_server_count * sizeof(*extension->servers));
	}
	extend_server(extension, present, server, unwanted, &extension->servers[at]);
}

static void give_list(struct extension *extension, struct draining_list *ret_draining)
{
	size_t count = extension->draining.count;
	struct draining *items = arena_new_array(extension->arena, count, struct draining);
	if (count)
		memcpy(items, extension->draining.items, count * sizeof(*items));
	*ret_draining = (struct draining_list){.items = items, .count = count};
	vector_done(&extension->draining);
}

void drains_extend(const struct state *present, const struct state *wanted, struct arena *arena,
                   struct state *ret_extended, struct draining_list *ret_draining)
{
	struct extension extension = {.arena = arena};
	size_t i = 0, j = 0;
	while (i < present->virtual_server_count && j < wanted->virtual_server_count) {
		int order = virtual_server_key_compare(&present->virtual_servers[i].key,
		                                       &wanted->virtual_servers[j].key);
		if (order == 0)
			extend_matching(&extension, wanted, j, &present->virtual_servers[i]);
		i += order <= 0;
		j += order >= 0;
	}
	*ret_extended = *wanted;
	if (extension.servers)
		ret_extended->virtual_servers = extension.servers;
	give_list(&extension, ret_draining);
}

/* ---- joining */

static struct real_server at_rest(const struct flow_end *end)
{
	return (struct real_server){
	        .address = end->address, .port = end->port, .forwarding = FORWARD_MASQUERADE};
}

/* Those which were wanted are at their weight, whatever is known of them. */
static void join_server(struct virtual_server *server, const struct draining *known, size_t known_count,
                        struct arena *arena)
{
	size_t i = 0, j = 0, count = 0;
	struct real_server *merged =
	        arena_new_array(arena, server->real_server_count + known_count, struct real_server);
	while (i < server->real_server_count || j < known_count) {
		struct real_server drains = {0};
		int order = -1;
		if (j < known_count) {
			drains = at_rest(&known[j].end);
			order = i == server->real_server_count
			                ? 1
			                : real_server_compare(&server->real_servers[i], &drains);
		}
		merged[count++] = order <= 0 ? server->real_servers[i] : drains;
		i += order <= 0;
		j += order >= 0;
	}
	server->real_servers = merged;
	server->real_server_count = count;
}

void drains_join(const struct state *before, const struct draining_list *known, struct arena *arena,
                 struct state *ret_present)
{
	struct virtual_server *servers = NULL;
	*ret_present = *before;
	for (size_t i = 0; i < before->virtual_server_count && known->count > 0; i++) {
		const struct virtual_server_key *key = &before->virtual_servers[i].key;
		size_t first = draining_first(known, key), last = first;
		while (last < known->count && virtual_server_key_compare(&known->items[last].key, key) == 0)
			last++;
		if (first == last)
			continue;
		if (!servers) {
			servers = arena_new_array(arena, before->virtual_server_count, struct virtual_server);
			memcpy(servers, before->virtual_servers,
			       before->virtual_server_count * sizeof(*servers));
			ret_present->virtual_servers = servers;
		}
		join_server(&servers[i], &known->items[first], last - first, arena);
	}
}

/* ---- what is left of a Service */

static void leave_server(const struct virtual_server *present, bool held, struct arena *arena,
                         struct state *ret_state)
{
	struct virtual_server *server = arena_new(arena, struct virtual_server);
	struct real_server *real_servers =
	        arena_new_array(arena, present->real_server_count, struct real_server);
	struct filter_element *filter = arena_new_array(arena, 2, struct filter_element);
	struct address *address = arena_new(arena, struct address);
	*server = *present;
	server->rank = RANK_OTHER;
	server->leaving = NULL;
	server->leaving_count = 0;
	server->real_servers = real_servers;
	for (size_t i = 0; i < present->real_server_count; i++) {
		real_servers[i] = present->real_servers[i];
		real_servers[i].weight = 0;
	}
	*address = present->key.address;
	/* In the order of their kinds. */
	filter[0] = (struct filter_element){.kind = FILTER_HELD_ADDRESS, .address = *address};
	filter[1] = (struct filter_element){.kind = FILTER_SERVICE_PORT,
	                                    .verdict = FILTER_REJECT,
	                                    .protocol = present->key.protocol,
	                                    .port = present->key.port,
	                                    .address = *address};
	*ret_state = (struct state){.virtual_servers = server,
	                            .virtual_server_count = 1,
	                            .held = address,
	                            .held_count = held,
	                            .filter = held ? filter : filter + 1,
	                            .filter_count = 1 + (size_t)held};
}

void drains_left_over(const struct state *present, const struct state *wanted,
                      const struct removal_rules *rules, const struct virtual_server_key *released,
                      size_t released_count, struct arena *arena, struct state **ret_states,
                      size_t *ret_count)
{
	struct state left;
	vector_of(struct state) found = {0};
	for (size_t i = 0; i < present->virtual_server_count; i++) {
		const struct virtual_server *server = &present->virtual_servers[i];
		bool is_released;
		virtual_server_key_place(released, released_count, &server->key, &is_released);
		if (is_released || server->real_server_count == 0 || !protocol_drains(server->key.protocol) ||
		    !removal_allowed(rules, present, &server->key) ||
		    state_find_virtual_server(wanted, &server->key))
			continue;
		leave_server(server, state_holds(present, &server->key.address), arena, &left);
		vector_push(&found, left);
	}
	*ret_count = found.count;
	*ret_states = arena_new_array(arena, found.count, struct state);
	if (found.count)
		memcpy(*ret_states, found.items, found.count * sizeof(**ret_states));
	vector_done(&found);
}
