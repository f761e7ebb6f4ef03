/*
 * The table as `ipvsadm -Sn` saves it.
 *
 * Each name is made once, and pointers are sorted by it. The names of the virtual servers lie behind one
 * another in one text; since that moves while it grows, they are remembered by offset until it is complete.
 */
#include "plan/render.h"

#include "base/memory.h"
#include "forms.h"

#include <stdlib.h>
#include <string.h>

struct named_virtual_server {
	const char *name;
	const struct virtual_server *server;
};

struct named_real_server {
	char name[ENDPOINT_TEXT_SIZE];
	const struct real_server *server;
};

struct save {
	struct text *text;
	struct named_real_server *named; /* room for those of the largest virtual server */
	struct named_real_server **order;
};

static int by_name(const void *a, const void *b)
{
	const struct named_virtual_server *left = a, *right = b;
	return strcmp(left->name, right->name);
}

/* The names of all virtual servers, each with its NUL. */
static void name_all(const struct state *state, struct named_virtual_server *named, struct text *names)
{
	size_t *offsets = memory_resize(NULL, state->virtual_server_count + 1, sizeof(*offsets));
	for (size_t i = 0; i < state->virtual_server_count; i++) {
		offsets[i] = names->length;
		form_virtual_server_name(&state->virtual_servers[i].key, names);
		text_add_char(names, '\0');
	}
	for (size_t i = 0; i < state->virtual_server_count; i++)
		named[i] =
		        (struct named_virtual_server){names->bytes + offsets[i], &state->virtual_servers[i]};
	free(offsets);
}

/* Most virtual servers have few real servers, and for those qsort's calls cost more than the comparisons. */
enum { FEW = 32 };

static int by_endpoint(const void *a, const void *b)
{
	const struct named_real_server *const *left = a, *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

static void sort_few(struct named_real_server **order, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct named_real_server *moved = order[i];
		size_t at = i;
		for (; at > 0 && strcmp(order[at - 1]->name, moved->name) > 0; at--)
			order[at] = order[at - 1];
		order[at] = moved;
	}
}

static void save_real_servers(struct save *save, const char *name, const struct virtual_server *server)
{
	size_t count = server->real_server_count;
	for (size_t i = 0; i < count; i++) {
		const struct real_server *real = &server->real_servers[i];
		endpoint_format(&real->address, real->port, save->named[i].name);
		save->named[i].server = real;
		save->order[i] = &save->named[i];
	}
	if (count <= FEW)
		sort_few(save->order, count);
	else
		qsort(save->order, count, sizeof(*save->order), by_endpoint);
	for (size_t i = 0; i < count; i++) {
		text_add(save->text, "-a ");
		text_add(save->text, name);
		text_add(save->text, " -r ");
		text_add(save->text, save->order[i]->name);
		form_real_server_options(save->order[i]->server, save->text);
		text_add_char(save->text, '\n');
	}
}

static size_t largest_real_server_count(const struct state *state)
{
	size_t largest = 0;
	for (size_t i = 0; i < state->virtual_server_count; i++)
		if (state->virtual_servers[i].real_server_count > largest)
			largest = state->virtual_servers[i].real_server_count;
	return largest;
}

void render_save(const struct state *state, struct text *text)
{
	size_t count = state->virtual_server_count, largest = largest_real_server_count(state);
	struct named_virtual_server *named = memory_resize(NULL, count + 1, sizeof(*named));
	struct save save = {.text = text,
	                    .named = memory_resize(NULL, largest + 1, sizeof(*save.named)),
	                    .order = memory_resize(NULL, largest + 1, sizeof(struct named_real_server *))};
	auto_text names = {0};
	name_all(state, named, &names);
	qsort(named, count, sizeof(*named), by_name);
	for (size_t i = 0; i < count; i++) {
		text_add(text, "-A ");
		text_add(text, named[i].name);
		form_virtual_server_options(named[i].server, text);
		text_add_char(text, '\n');
		save_real_servers(&save, named[i].name, named[i].server);
	}
	free(save.order);
	free(save.named);
	free(named);
}
