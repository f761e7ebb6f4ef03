#include "drains.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OWNER_SIZE (VIRTUAL_SERVER_TEXT_SIZE + 1)

int64_t boot_clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *drain_end_name(enum drain_end end)
{
	static const char *const names[DRAIN_ENDS] = {
	        [DRAIN_DONE] = "done",         [DRAIN_TIMEOUT] = "timeout", [DRAIN_GRACE_OVER] = "grace_over",
	        [DRAIN_RETURNED] = "returned", [DRAIN_GONE] = "gone",
	};
	CHECK(end < DRAIN_ENDS);
	return names[end];
}

void drains_done(struct drain_book *book)
{
	vector_for_each (&book->drains, drain)
		free(drain->label);
	vector_done(&book->drains);
	vector_done(&book->left_over);
	vector_done(&book->released);
}

/* ---- sets of keys */

static bool keys_have(const drain_keys *keys, const struct virtual_server_key *key)
{
	bool found;
	virtual_server_key_place(keys->items, keys->count, key, &found);
	return found;
}

static void keys_add(drain_keys *keys, const struct virtual_server_key *key)
{
	bool found;
	size_t at = virtual_server_key_place(keys->items, keys->count, key, &found);
	if (found)
		return;
	vector_push(keys, *key);
	memmove(&keys->items[at + 1], &keys->items[at], (keys->count - 1 - at) * sizeof(*keys->items));
	keys->items[at] = *key;
}

static void keys_drop(drain_keys *keys, const struct virtual_server_key *key)
{
	bool found;
	size_t at = virtual_server_key_place(keys->items, keys->count, key, &found);
	if (!found)
		return;
	memmove(&keys->items[at], &keys->items[at + 1], (keys->count - 1 - at) * sizeof(*keys->items));
	keys->count--;
}

/* ---- what is left of a Service, in the ledger */

static const char *owner_of(const struct virtual_server_key *key, char owner[static OWNER_SIZE])
{
	owner[0] = LEDGER_LEFT_OVER;
	virtual_server_key_format(key, owner + 1);
	return owner;
}

/* A Service has the port again: nothing is left over there. */
static bool give_way(struct drain_book *book, struct ledger *ledger)
{
	size_t kept = 0, count = book->left_over.count;
	for (size_t i = 0; i < count; i++) {
		char owner[OWNER_SIZE];
		struct virtual_server_key *key = &book->left_over.items[i];
		if (ledger_has_port(ledger, owner_of(key, owner), key))
			book->left_over.items[kept++] = *key;
		else
			ledger_put(ledger, owner, 0, NULL);
	}
	book->left_over.count = kept;
	return kept != count;
}

static bool leave_over(struct drain_book *book, struct ledger *ledger, const struct removal_rules *rules,
                       struct arena *arena, const struct drain_pass *pass)
{
	struct state *left = NULL;
	size_t count = 0;
	if (!book->on_delete)
		return false;
	drains_left_over(&pass->present, &pass->wanted, rules, book->released.items, book->released.count,
	                 arena, &left, &count);
	for (size_t i = 0; i < count; i++) {
		char owner[OWNER_SIZE];
		const struct virtual_server_key *key = &left[i].virtual_servers[0].key;
		ledger_put(ledger, owner_of(key, owner), 0, &left[i]);
		if (ledger_has_port(ledger, owner, key))
			keys_add(&book->left_over, key);
		else
			ledger_put(ledger, owner, 0, NULL);
	}
	return count > 0;
}

/* ---- before the changes */

static struct draining_list list_of(const struct drain_book *book, struct arena *arena)
{
	struct draining *items = arena_new_array(arena, book->drains.count, struct draining);
	for (size_t i = 0; i < book->drains.count; i++)
		items[i] =
		        (struct draining){.key = book->drains.items[i].key, .end = book->drains.items[i].end};
	return (struct draining_list){.items = items, .count = book->drains.count};
}

static void join_known(const struct drain_book *book, struct arena *arena, struct drain_pass *pass)
{
	if (pass->whole || book->drains.count == 0)
		return;
	struct draining_list known = list_of(book, arena);
	drains_join(&pass->present, &known, arena, &pass->present);
}

static void read_ledger_again(struct ledger *ledger, struct arena *arena, struct drain_pass *pass)
{
	if (pass->whole)
		ledger_wanted(ledger, arena, &pass->wanted);
	else
		ledger_touched(ledger, arena, &pass->present, &pass->wanted);
}

static int by_draining(const void *a, const void *b)
{
	return draining_compare(a, b);
}

/* The real servers of what is left over drain as well, though the ledger wants them, at weight 0. */
static void add_left_over(const struct drain_book *book, struct arena *arena, struct drain_pass *pass)
{
	vector_of(struct draining) all = {0};
	for (size_t i = 0; i < pass->wanted.virtual_server_count; i++) {
		const struct virtual_server *server = &pass->wanted.virtual_servers[i];
		if (!keys_have(&book->left_over, &server->key))
			continue;
		for (size_t j = 0; j < server->real_server_count; j++)
			vector_push(&all, (struct draining){.key = server->key,
			                                    .end = {server->real_servers[j].address,
			                                            server->real_servers[j].port},
			                                    .label = server->label});
	}
	if (all.count == 0)
		return;
	for (size_t i = 0; i < pass->draining.count; i++)
		if (!keys_have(&book->left_over, &pass->draining.items[i].key))
			vector_push(&all, pass->draining.items[i]);
	struct draining *items = arena_new_array(arena, all.count, struct draining);
	memcpy(items, all.items, all.count * sizeof(*items));
	qsort(items, all.count, sizeof(*items), by_draining);
	pass->draining = (struct draining_list){.items = items, .count = all.count};
	vector_done(&all);
}

void drains_prepare(struct drain_book *book, struct ledger *ledger, const struct removal_rules *rules,
                    struct arena *arena, struct drain_pass *pass)
{
	struct state wanted = pass->wanted;
	join_known(book, arena, pass);
	bool changed = give_way(book, ledger);
	changed |= leave_over(book, ledger, rules, arena, pass);
	if (changed) {
		read_ledger_again(ledger, arena, pass);
		join_known(book, arena, pass);
		wanted = pass->wanted;
	}
	drains_extend(&pass->present, &wanted, arena, &pass->wanted, &pass->draining);
	if (book->left_over.count > 0)
		add_left_over(book, arena, pass);
}

/* ---- after the changes */

static bool is_wanted(const struct virtual_server *server, const struct flow_end *end)
{
	const struct real_server like = {.address = end->address, .port = end->port};
	for (size_t i = 0; server && i < server->real_server_count; i++)
		if (real_server_compare(&server->real_servers[i], &like) == 0)
			return true;
	return false;
}

/* A small pass says nothing of virtual servers that it did not look at. */
static bool in_scope(const struct drain_pass *pass, const struct virtual_server_key *key)
{
	return pass->whole || state_find_virtual_server(&pass->present, key) ||
	       state_find_virtual_server(&pass->wanted, key);
}

static struct drain begin_drain(const struct draining *draining, int64_t now_ms)
{
	return (struct drain){
	        .key = draining->key, .end = draining->end, .since_ms = now_ms, .number = UINT32_MAX};
}

/* True: there is something to look at now. */
static bool tell_drain(struct drain_book *book, struct drain *drain, const struct draining *draining)
{
	bool terminating = drain->terminating || draining->leaving;
	bool was_leaving = drain->leaving;
	if (draining->label && (!drain->label || strcmp(drain->label, draining->label) != 0)) {
		free(drain->label);
		drain->label = memory_copy_text(draining->label);
	}
	book->unsaved |= terminating != drain->terminating;
	drain->terminating = terminating;
	drain->leaving = draining->leaving;
	drain->confirmed = true;
	drain->left_over = keys_have(&book->left_over, &drain->key);
	if (!drain->left_over)
		drain->over = false;
	if (!drain->looked || (was_leaving && !drain->leaving))
		drain->looked = false;
	return !drain->looked;
}

static void end_drain(struct drain_book *book, struct drain *drain, enum drain_end end)
{
	if (!drain->over)
		book->ended[end]++;
	book->unsaved = true;
	free(drain->label);
	drain->label = NULL;
}

static int compare_drain(const struct drain *drain, const struct draining *draining)
{
	int order = virtual_server_key_compare(&drain->key, &draining->key);
	return order ? order : flow_end_compare(&drain->end, &draining->end);
}

static void forget_released(struct drain_book *book, const struct drain_pass *pass,
                            const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind == CHANGE_VIRTUAL_SERVER_REMOVE && changes->items[i].result == 0)
			keys_drop(&book->released, &changes->items[i].virtual_server->key);
	for (size_t i = book->released.count; i-- > 0;) {
		const struct virtual_server_key *key = &book->released.items[i];
		if (state_find_virtual_server(&pass->wanted, key) ||
		    (pass->whole && !state_find_virtual_server(&pass->present, key)))
			keys_drop(&book->released, key);
	}
}

/* One walk over the old book and over what drains now makes the new one. */
size_t drains_settle(struct drain_book *book, const struct drain_pass *pass, const struct changes *changes,
                     int64_t now_ms)
{
	__typeof__(book->drains) merged = {0};
	size_t i = 0, j = 0, fresh = 0;
	while (i < book->drains.count || j < pass->draining.count) {
		struct drain *known = i < book->drains.count ? &book->drains.items[i] : NULL;
		const struct draining *drains = j < pass->draining.count ? &pass->draining.items[j] : NULL;
		int order = !known ? 1 : !drains ? -1 : compare_drain(known, drains);
		i += order <= 0;
		j += order >= 0;
		if (order < 0 && in_scope(pass, &known->key)) {
			const struct virtual_server *server =
			        state_find_virtual_server(&pass->wanted, &known->key);
			end_drain(book, known, is_wanted(server, &known->end) ? DRAIN_RETURNED : DRAIN_GONE);
			continue;
		}
		vector_push(&merged, order > 0 ? begin_drain(drains, now_ms) : *known);
		book->unsaved |= order > 0;
		if (order >= 0)
			fresh += tell_drain(book, &merged.items[merged.count - 1], drains);
	}
	vector_done(&book->drains);
	book->drains = merged;
	forget_released(book, pass, changes);
	return fresh;
}

/* ---- between passes */

struct drain *drains_find(struct drain_book *book, const struct virtual_server_key *key,
                          const struct flow_end *end)
{
	const struct draining probe = {.key = *key, .end = *end};
	size_t low = 0, high = book->drains.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_drain(&book->drains.items[middle], &probe);
		if (order == 0)
			return &book->drains.items[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* A connection that its client and its server have both ended. What the kernel counts beyond those that were seen may be
 * open: its list of connections is read in pieces, and one can be missed. */
static bool all_closed(const struct drain *drain)
{
	return drain->active == 0 && drain->sight.taken && drain->sight.open == 0 &&
	       drain->sight.half_closed == 0 && drain->sight.closed >= drain->inactive;
}

/* What has been closed stays closed: new connections do not come here. So the counts alone tell now. */
static bool still_closed(const struct drain *drain)
{
	if (drain->sight.taken)
		return all_closed(drain);
	return drain->active == 0 && drain->inactive <= drain->sight.closed;
}

bool drain_needs_sight(const struct drain *drain)
{
	if (drain->quiet && drain->inactive <= drain->sight.closed)
		return false;
	return drain->looked && !drain->absent && !drain->over && drain->active == 0 && drain->inactive > 0;
}

enum drain_end drain_judge(struct drain *drain, int64_t now_ms, int64_t timeout_ms)
{
	bool was_quiet = drain->quiet;
	drain->quiet = drain->sight.taken ? all_closed(drain) : was_quiet && still_closed(drain);
	if (!drain->looked)
		return DRAIN_WAITS;
	if (drain->absent)
		return DRAIN_GONE;
	if (drain->active == 0 && drain->inactive == 0)
		return DRAIN_DONE;
	/* Twice, so that the last acknowledgement of the last connection may still arrive. */
	if (drain->quiet && was_quiet)
		return DRAIN_DONE;
	if (drain->terminating && !drain->leaving && !drain->left_over)
		return DRAIN_GRACE_OVER;
	if (timeout_ms > 0 && now_ms - drain->since_ms >= timeout_ms)
		return DRAIN_TIMEOUT;
	return DRAIN_WAITS;
}

bool drain_still_unwanted(const struct drain *drain, const struct ledger *ledger)
{
	const struct virtual_server *server = ledger_find(ledger, &drain->key);
	return drain->left_over || !is_wanted(server, &drain->end);
}

void drains_end(struct drain_book *book, struct drain *drain, enum drain_end end)
{
	if (drain->left_over) {
		book->ended[end] += !drain->over;
		drain->over = true;
		return;
	}
	end_drain(book, drain, end);
	size_t at = (size_t)(drain - book->drains.items);
	memmove(drain, drain + 1, (book->drains.count - 1 - at) * sizeof(*drain));
	book->drains.count--;
}

bool drains_release(struct drain_book *book, struct ledger *ledger)
{
	bool any = false;
	for (size_t i = book->left_over.count; i-- > 0;) {
		struct virtual_server_key key = book->left_over.items[i];
		bool waits = false;
		char owner[OWNER_SIZE];
		vector_for_each (&book->drains, drain)
			waits |= virtual_server_key_compare(&drain->key, &key) == 0 && !drain->over;
		if (waits)
			continue;
		bool has_it = ledger_has_port(ledger, owner_of(&key, owner), &key);
		ledger_put(ledger, owner, 0, NULL);
		keys_drop(&book->left_over, &key);
		/* Else a Service has the port by now, and nothing goes. */
		if (has_it)
			keys_add(&book->released, &key);
		any |= has_it;
	}
	return any;
}

size_t drains_count(const struct drain_book *book)
{
	size_t count = 0;
	for (size_t i = 0; i < book->drains.count; i++)
		count += !book->drains.items[i].over;
	return count;
}

static int by_end(const void *a, const void *b)
{
	return flow_end_compare(a, b);
}

void drains_keep_flows(const struct drain_book *book, struct arena *arena, struct flow_port *ports,
                       size_t count)
{
	for (size_t i = 0; i < count && book->drains.count > 0; i++) {
		struct flow_port *port = &ports[i];
		if (port->key.protocol != PROTOCOL_SCTP)
			continue;
		struct flow_end *ends =
		        arena_new_array(arena, port->serving_count + book->drains.count, struct flow_end);
		memcpy(ends, port->serving, port->serving_count * sizeof(*ends));
		/* Of any virtual server: clients inside are led from an external address to the cluster IP. */
		for (size_t j = 0; j < book->drains.count; j++)
			if (book->drains.items[j].key.protocol == PROTOCOL_SCTP)
				ends[port->serving_count++] = book->drains.items[j].end;
		qsort(ends, port->serving_count, sizeof(*ends), by_end);
		port->serving = ends;
	}
}
