#include "drains_private.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* ---- shared with drains_pass.c */

bool drain_keys_have(const drain_keys *keys, const struct virtual_server_key *key)
{
	bool found;
	virtual_server_key_place(keys->items, keys->count, key, &found);
	return found;
}

void drain_keys_add(drain_keys *keys, const struct virtual_server_key *key)
{
	bool found;
	size_t at = virtual_server_key_place(keys->items, keys->count, key, &found);
	if (found)
		return;
	vector_push(keys, *key);
	memmove(&keys->items[at + 1], &keys->items[at], (keys->count - 1 - at) * sizeof(*keys->items));
	keys->items[at] = *key;
}

void drain_keys_drop(drain_keys *keys, const struct virtual_server_key *key)
{
	bool found;
	size_t at = virtual_server_key_place(keys->items, keys->count, key, &found);
	if (!found)
		return;
	memmove(&keys->items[at], &keys->items[at + 1], (keys->count - 1 - at) * sizeof(*keys->items));
	keys->count--;
}

const char *drain_owner(const struct virtual_server_key *key, char owner[static OWNER_SIZE])
{
	owner[0] = LEDGER_LEFT_OVER;
	virtual_server_key_format(key, owner + 1);
	return owner;
}

bool drain_is_wanted(const struct virtual_server *server, const struct flow_end *end)
{
	const struct real_server like = {.address = end->address, .port = end->port};
	for (size_t i = 0; server && i < server->real_server_count; i++)
		if (real_server_compare(&server->real_servers[i], &like) == 0)
			return true;
	return false;
}

int drain_compare(const struct drain *drain, const struct draining *draining)
{
	int order = virtual_server_key_compare(&drain->key, &draining->key);
	return order ? order : flow_end_compare(&drain->end, &draining->end);
}

void drain_forget(struct drain_book *book, struct drain *drain, enum drain_end end)
{
	if (!drain->over)
		book->ended[end]++;
	book->unsaved |= drain->saved;
	free(drain->label);
	drain->label = NULL;
}

/* ---- between passes */

struct drain *drains_find(struct drain_book *book, const struct virtual_server_key *key,
                          const struct flow_end *end)
{
	const struct draining probe = {.key = *key, .end = *end};
	size_t low = 0, high = book->drains.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = drain_compare(&book->drains.items[middle], &probe);
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
	return drain->left_over || !drain_is_wanted(server, &drain->end);
}

void drains_end(struct drain_book *book, struct drain *drain, enum drain_end end)
{
	if (drain->left_over) {
		book->ended[end] += !drain->over;
		drain->over = true;
		return;
	}
	drain_forget(book, drain, end);
	size_t at = (size_t)(drain - book->drains.items);
	memmove(drain, drain + 1, (book->drains.count - 1 - at) * sizeof(*drain));
	book->drains.count--;
}

/* Whether any drain of that virtual server is not over yet. */
static bool waits(const struct drain_book *book, const struct virtual_server_key *key)
{
	size_t low = 0, high = book->drains.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (virtual_server_key_compare(&book->drains.items[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < book->drains.count; low++) {
		const struct drain *drain = &book->drains.items[low];
		if (virtual_server_key_compare(&drain->key, key) != 0)
			return false;
		if (!drain->over)
			return true;
	}
	return false;
}

bool drains_release(struct drain_book *book, struct ledger *ledger)
{
	bool any = false;
	for (size_t i = book->left_over.count; i-- > 0;) {
		struct virtual_server_key key = book->left_over.items[i];
		char owner[OWNER_SIZE];
		if (waits(book, &key))
			continue;
		bool has_it = ledger_has_port(ledger, drain_owner(&key, owner), &key);
		ledger_put(ledger, owner, 0, NULL);
		drain_keys_drop(&book->left_over, &key);
		/* Else a Service has the port by now, and nothing goes. */
		if (has_it)
			drain_keys_add(&book->released, &key);
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
