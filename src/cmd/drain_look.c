#include "drain_look.h"

#include "base/deadline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	MOST_CLOSED = 1000000,      /* so many are remembered; with more, a drain waits */
	EACH_SHARE = 20,            /* of the time, one part goes into the list of connections */
	SCTP_SILENCE_SECONDS = 900, /* the kernel's own: it is no setting (ip_vs_proto_sctp.c) */
	IDLE_PAUSE_MS = 30000,      /* between two lists read for the sake of a warning alone */
	NO_NUMBER = UINT32_MAX,
};

void drain_look_init(struct drain_look *look, struct drain_book *book, struct kernel *kernel,
                     const char *connections_path)
{
	*look = (struct drain_look){.book = book, .kernel = kernel, .connections_path = connections_path};
}

static void rest(struct drain_look *look)
{
	connections_close(look->connections);
	look->connections = NULL;
	look->stage = LOOK_REST;
	look->has_last = false;
	vector_clear(&look->closed);
}

void drain_look_done(struct drain_look *look)
{
	rest(look);
	vector_done(&look->closed);
	vector_done(&look->sights);
	arena_done(&look->arena);
}

void drain_look_begin(struct drain_look *look, bool fresh_only)
{
	rest(look);
	look->stage = LOOK_COUNTS;
	look->fresh_only = fresh_only;
	vector_for_each (&look->book->drains, drain) {
		drain->number = NO_NUMBER;
		drain->in_look = false;
		drain->sight.taken = false;
	}
}

bool drain_may_be_idle(const struct drain *drain, int64_t now_ms)
{
	return !drain->warned && !drain->over && now_ms - drain->since_ms >= DRAIN_IDLE_MS;
}

/* ---- counts */

static const struct real_server *find_real(const struct real_server *servers, size_t count,
                                           const struct flow_end *end)
{
	const struct real_server like = {.address = end->address, .port = end->port};
	for (size_t i = 0; i < count; i++)
		if (real_server_compare(&servers[i], &like) == 0)
			return &servers[i];
	return NULL;
}

/* The drains from `first` on that are of one virtual server. */
static size_t same_server(const struct drain_book *book, size_t first)
{
	size_t last = first + 1;
	while (last < book->drains.count &&
	       virtual_server_key_compare(&book->drains.items[last].key, &book->drains.items[first].key) == 0)
		last++;
	return last;
}

static int look_at_server(struct drain_look *look, size_t first, size_t last)
{
	const struct real_server *servers;
	size_t count;
	struct drain *drains = look->book->drains.items;
	arena_reset(&look->arena);
	int e = kernel_read_real_servers(look->kernel, &drains[first].key, &look->arena, &servers, &count);
	for (size_t i = first; i < last && e == 0; i++) {
		const struct real_server *server = find_real(servers, count, &drains[i].end);
		drains[i].looked = drains[i].in_look = true;
		drains[i].absent = server == NULL;
		drains[i].found = server ? *server : (struct real_server){0};
		drains[i].active = server ? server->active_connections : 0;
		drains[i].inactive = server ? server->inactive_connections : 0;
	}
	return e;
}

/* Whether it is the turn of any of them. */
static bool takes_part(const struct drain_look *look, size_t first, size_t last)
{
	for (size_t i = first; i < last; i++) {
		const struct drain *drain = &look->book->drains.items[i];
		if (look->stage == LOOK_AGAIN ? drain->number != NO_NUMBER
		                              : !look->fresh_only || !drain->looked)
			return true;
	}
	return false;
}

/* The first drain behind the virtual server that was looked at last. */
static size_t resume(const struct drain_look *look)
{
	size_t low = 0, high = look->book->drains.count;
	while (look->has_last && low < high) {
		size_t middle = low + (high - low) / 2;
		if (virtual_server_key_compare(&look->book->drains.items[middle].key, &look->last) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* 1: the deadline came first. */
static int count_connections(struct drain_look *look, int64_t deadline_ns)
{
	size_t first = resume(look), last;
	for (; first < look->book->drains.count; first = last) {
		last = same_server(look->book, first);
		look->last = look->book->drains.items[first].key;
		look->has_last = true;
		if (!takes_part(look, first, last))
			continue;
		int e = look_at_server(look, first, last);
		if (e)
			return e;
		if (deadline_over(deadline_ns))
			return 1;
	}
	look->has_last = false;
	return 0;
}

/* ---- each connection */

static bool each_is_due(struct drain_look *look, int64_t now_ms)
{
	bool needed = look->each_always, idle = false;
	if (now_ms < look->next_each_ms)
		return false;
	vector_for_each (&look->book->drains, drain) {
		needed |= drain->in_look && drain_needs_sight(drain);
		idle |= drain->in_look && drain_may_be_idle(drain, now_ms);
	}
	if (idle && now_ms >= look->next_idle_ms) {
		look->next_idle_ms = now_ms + IDLE_PAUSE_MS;
		needed = true;
	}
	return needed;
}

static int begin_each(struct drain_look *look, int64_t now_ms)
{
	look->counted = 0;
	look->cost_ns = 0;
	look->each_began_ms = now_ms;
	vector_clear(&look->closed);
	vector_clear(&look->sights);
	vector_for_each (&look->book->drains, drain) {
		if (!drain->in_look)
			continue;
		drain->number = look->counted++;
		vector_push(&look->sights, (struct drain_sight){0});
	}
	int e = kernel_read_timeouts(look->kernel, &look->timeouts);
	return e ? e : connections_open(look->connections_path, &look->connections);
}

/* FNV-1a; a client is an address and a port. */
static uint64_t hash_client(const struct flow_end *client)
{
	uint64_t hash = 0xcbf29ce484222325;
	for (size_t i = 0; i < sizeof(client->address.bytes); i++)
		hash = (hash ^ client->address.bytes[i]) * 0x100000001b3;
	hash = (hash ^ (client->port & 0xff)) * 0x100000001b3;
	return (hash ^ (client->port >> 8)) * 0x100000001b3;
}

static void note_idle(const struct drain_look *look, const struct connection *connection,
                      struct drain_sight *sight)
{
	uint32_t silence =
	        connection->key.protocol == PROTOCOL_TCP ? look->timeouts.tcp_seconds : SCTP_SILENCE_SECONDS;
	uint32_t idle = silence > connection->expires_seconds ? silence - connection->expires_seconds : 0;
	if (idle <= sight->most_idle_seconds)
		return;
	sight->most_idle_seconds = idle;
	sight->most_idle = connection->client;
}

static void see(void *context, const struct connection *connection)
{
	struct drain_look *look = context;
	const struct drain *drain = drains_find(look->book, &connection->key, &connection->real_server);
	if (!drain || drain->number == NO_NUMBER)
		return;
	struct drain_sight *sight = &look->sights.items[drain->number];
	switch (connection->phase) {
	case CONNECTION_OPEN:
		sight->open++;
		note_idle(look, connection, sight);
		break;
	case CONNECTION_HALF_CLOSED:
		sight->half_closed++;
		break;
	case CONNECTION_CLOSED:
		if (look->closed.count < MOST_CLOSED)
			vector_push(&look->closed, (__typeof__(*look->closed.items)){
			                                   drain->number, hash_client(&connection->client)});
		break;
	}
}

static int by_drain_and_client(const void *a, const void *b)
{
	const __typeof__(*((struct drain_look *)0)->closed.items) *left = a, *right = b;
	if (left->drain != right->drain)
		return left->drain < right->drain ? -1 : 1;
	return (left->client > right->client) - (left->client < right->client);
}

static void finish_each(struct drain_look *look)
{
	__typeof__(look->closed.items) closed = look->closed.items;
	if (look->closed.count)
		qsort(closed, look->closed.count, sizeof(*closed), by_drain_and_client);
	for (size_t i = 0; i < look->closed.count; i++)
		if (i == 0 || by_drain_and_client(&closed[i - 1], &closed[i]) != 0)
			look->sights.items[closed[i].drain].closed++;
	vector_for_each (&look->book->drains, drain) {
		if (drain->number == NO_NUMBER)
			continue;
		drain->sight = look->sights.items[drain->number];
		drain->sight.taken = true;
	}
	look->next_each_ms = look->each_began_ms + EACH_SHARE * look->cost_ns / 1000000;
}

/* Of this process, also what it spends in the kernel; not what others take. */
static int64_t own_time_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* 1: the deadline came first. */
static int read_each(struct drain_look *look, int64_t deadline_ns)
{
	int e;
	int64_t began = own_time_ns();
	do
		e = connections_read(look->connections, see, look);
	while (e > 0 && !deadline_over(deadline_ns));
	look->cost_ns += own_time_ns() - began;
	if (e > 0)
		return 1;
	connections_close(look->connections);
	look->connections = NULL;
	if (e == 0)
		finish_each(look);
	return e;
}

/* ---- the whole */

static int go_on(struct drain_look *look, int64_t now_ms, int64_t deadline_ns)
{
	int e = 0;
	if (look->stage == LOOK_COUNTS) {
		e = count_connections(look, deadline_ns);
		if (e)
			return e;
		look->stage = each_is_due(look, now_ms) ? LOOK_EACH : LOOK_REST;
		if (look->stage == LOOK_EACH)
			e = begin_each(look, now_ms);
	}
	if (e == 0 && look->stage == LOOK_EACH) {
		e = read_each(look, deadline_ns);
		if (e == 0)
			look->stage = LOOK_AGAIN;
	}
	if (e == 0 && look->stage == LOOK_AGAIN)
		e = count_connections(look, deadline_ns);
	return e;
}

int drain_look_go_on(struct drain_look *look, int64_t now_ms, int64_t deadline_ns)
{
	int e = go_on(look, now_ms, deadline_ns);
	if (e <= 0)
		rest(look);
	return e;
}
