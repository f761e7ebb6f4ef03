/*
 * A state for a person at a terminal:
 *
 *	default/web
 *	  TCP 10.96.1.14:80     http  rr, sticky 100 s  cluster address
 *	      10.244.1.10:8080
 *	      10.244.2.11:8080  weight 0
 *	  TCP 192.0.2.10:30080  http  rr, sticky 100 s  node address
 *	      no real servers
 *
 * Columns are as wide as one Service needs, since eyes compare within it.
 */
#include "base/memory.h"
#include "forms.h"
#include "plan/render.h"

#include <stdlib.h>
#include <string.h>

struct row {
	const struct virtual_server *server;
	const char *service; /* the label; "" for none */
	size_t service_length;
};

enum { INDENT = 2, TYPE_WIDTH = 4, COLUMN_GAP = 2 }; /* "TCP " */

static struct row row_of(const struct virtual_server *server)
{
	const char *label = server->label ? server->label : "";
	return (struct row){server, label, strcspn(label, ":")};
}

static int compare_services(const struct row *a, const struct row *b)
{
	if ((a->service_length == 0) != (b->service_length == 0))
		return a->service_length == 0 ? 1 : -1; /* what no Service wants comes last */
	size_t shorter = a->service_length < b->service_length ? a->service_length : b->service_length;
	int order = memcmp(a->service, b->service, shorter);
	if (order)
		return order;
	return (a->service_length > b->service_length) - (a->service_length < b->service_length);
}

static int by_service(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int order = compare_services(left, right);
	return order ? order : virtual_server_key_compare(&left->server->key, &right->server->key);
}

static const char *port_name(const struct row *row)
{
	const char *rest = row->service + row->service_length;
	return *rest == ':' ? rest + 1 : rest;
}

static void pad(struct text *text, size_t from, size_t width)
{
	for (size_t length = text->length - from; length < width; length++)
		text_add_char(text, ' ');
}

static void add_name(const struct virtual_server_key *key, struct text *text)
{
	char name[VIRTUAL_SERVER_TEXT_SIZE];
	text_add(text, virtual_server_key_format(key, name));
}

static void add_scheduling(const struct virtual_server *server, struct text *text)
{
	text_add(text, server->scheduler);
	if (server->flags & VIRTUAL_SERVER_PERSISTENT) {
		text_addf(text, ", sticky %u s", server->timeout_seconds);
		if (server->netmask_bits != family_bits(server->key.address.family))
			text_addf(text, " by /%u", server->netmask_bits);
	}
	if (server->engine[0])
		text_addf(text, ", engine %s", server->engine);
	if (server->flags & VIRTUAL_SERVER_ONE_PACKET)
		text_add(text, ", packet by packet");
	size_t before = text->length;
	text_add(text, ", ");
	form_scheduler_flags(server, text);
	if (text->length == before + 2) {
		text->length = before;
		text->bytes[before] = '\0';
	}
}

static const struct filter_element *service_port(const struct state *state,
                                                 const struct virtual_server_key *key)
{
	const struct filter_element probe = {.kind = FILTER_SERVICE_PORT,
	                                     .protocol = key->protocol,
	                                     .port = key->port,
	                                     .address = key->address};
	size_t low = 0, high = state->filter_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = filter_element_compare(&state->filter[middle], &probe);
		if (order == 0)
			return &state->filter[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* As far as a state tells: a verdict that only cluster addresses get, and who holds the address. */
static const char *address_kind(const struct state *state, const struct virtual_server_key *key)
{
	if (key->firewall_mark)
		return "";
	if (!state_holds(state, &key->address))
		return "node address";
	const struct filter_element *element = service_port(state, key);
	if (!element || element->verdict == FILTER_REJECT)
		return "held address";
	return element->verdict == FILTER_MASQUERADE_OUTSIDERS ? "cluster address" : "external address";
}

static void add_real_server_words(const struct real_server *server, struct text *text)
{
	static const char *const ways[] = {
	        [FORWARD_MASQUERADE] = "",   [FORWARD_LOCAL] = "local",
	        [FORWARD_TUNNEL] = "tunnel", [FORWARD_DIRECT_ROUTE] = "direct route",
	        [FORWARD_BYPASS] = "bypass",
	};
	const char *way = server->forwarding <= FORWARD_BYPASS ? ways[server->forwarding] : "unknown way";
	const char *separator = "";
	if (*way) {
		text_add(text, way);
		separator = ", ";
	}
	if (server->weight != 1) {
		text_addf(text, "%sweight %u", separator, server->weight);
		separator = ", ";
	}
	if (server->upper_threshold) {
		text_addf(text, "%sfull at %u connections", separator, server->upper_threshold);
		separator = ", ";
	}
	if (server->lower_threshold)
		text_addf(text, "%sback at %u", separator, server->lower_threshold);
}

/* A line's first column, and a second one that may be empty. */
static void add_real_server(const struct real_server *server, size_t name_width, struct text *text)
{
	pad(text, text->length, INDENT + TYPE_WIDTH);
	size_t start = text->length;
	form_endpoint(&server->address, server->port, text);
	size_t end = text->length;
	pad(text, start, name_width - TYPE_WIDTH + COLUMN_GAP);
	size_t words = text->length;
	add_real_server_words(server, text);
	if (text->length == words) {
		text->length = end;
		text->bytes[end] = '\0';
	}
	text_add_char(text, '\n');
}

struct widths {
	size_t name;
	size_t port;
	size_t scheduling;
};

static void widen(size_t *width, size_t needed)
{
	if (*width < needed)
		*width = needed;
}

/* What one virtual server and its real servers need. */
static void widen_for(struct widths *widths, const struct row *row, struct text *scratch)
{
	text_clear(scratch);
	add_name(&row->server->key, scratch);
	widen(&widths->name, scratch->length);
	for (size_t i = 0; i < row->server->real_server_count; i++) {
		const struct real_server *real = &row->server->real_servers[i];
		text_clear(scratch);
		form_endpoint(&real->address, real->port, scratch);
		widen(&widths->name, scratch->length + TYPE_WIDTH);
	}
	widen(&widths->port, strlen(port_name(row)));
	text_clear(scratch);
	add_scheduling(row->server, scratch);
	widen(&widths->scheduling, scratch->length);
}

static void add_virtual_server(const struct state *state, const struct row *row, const struct widths *widths,
                               struct text *text)
{
	const struct virtual_server *server = row->server;
	pad(text, text->length, INDENT);
	size_t start = text->length;
	add_name(&server->key, text);
	pad(text, start, widths->name + COLUMN_GAP);
	if (widths->port > 0) {
		start = text->length;
		text_add(text, port_name(row));
		pad(text, start, widths->port + COLUMN_GAP);
	}
	start = text->length;
	add_scheduling(server, text);
	const char *kind = address_kind(state, &server->key);
	if (*kind) {
		pad(text, start, widths->scheduling + COLUMN_GAP);
		text_add(text, kind);
	}
	text_add_char(text, '\n');
	for (size_t i = 0; i < server->real_server_count; i++)
		add_real_server(&server->real_servers[i], widths->name, text);
	if (server->real_server_count == 0)
		text_addf(text, "%*sno real servers\n", INDENT + TYPE_WIDTH, "");
}

static void add_blank_line(struct text *text, size_t start)
{
	if (text->length > start)
		text_add_char(text, '\n');
}

/* Rows of one Service; returns how many. */
static size_t add_service(const struct state *state, const struct row *rows, size_t count, struct text *text)
{
	auto_text scratch = {0};
	struct widths widths = {0};
	size_t mine = 0;
	for (; mine < count && compare_services(&rows[mine], &rows[0]) == 0; mine++)
		widen_for(&widths, &rows[mine], &scratch);
	if (rows->service_length)
		text_add_bytes(text, rows->service, rows->service_length);
	else
		text_add(text, "of no Service");
	text_add_char(text, '\n');
	for (size_t i = 0; i < mine; i++)
		add_virtual_server(state, &rows[i], &widths, text);
	return mine;
}

static void add_services(const struct state *state, struct text *text, size_t start)
{
	size_t count = state->virtual_server_count;
	struct row *rows = memory_resize(NULL, count + 1, sizeof(*rows));
	for (size_t i = 0; i < count; i++)
		rows[i] = row_of(&state->virtual_servers[i]);
	qsort(rows, count, sizeof(*rows), by_service);
	for (size_t i = 0; i < count;) {
		add_blank_line(text, start);
		i += add_service(state, &rows[i], count - i, text);
	}
	free(rows);
}

static void add_held(const struct state *state, struct text *text)
{
	text_add(text, "addresses on the dummy interface\n");
	for (size_t i = 0; i < state->held_count; i++) {
		text_add(text, "  ");
		text->length += address_format(&state->held[i], text_reserve(text, ADDRESS_TEXT_SIZE));
		text_add_char(text, '\n');
	}
}

static void add_filter(const struct state *state, struct text *text)
{
	text_add(text, "packet filter\n");
	for (size_t i = 0; i < state->filter_count; i++) {
		text_add(text, "  ");
		render_filter_element(&state->filter[i], text);
		text_add_char(text, '\n');
	}
}

void render_text(const struct state *state, struct text *text)
{
	size_t start = text->length;
	add_services(state, text, start);
	if (state->held_count > 0) {
		add_blank_line(text, start);
		add_held(state, text);
	}
	if (state->filter_count > 0) {
		add_blank_line(text, start);
		add_filter(state, text);
	}
}
