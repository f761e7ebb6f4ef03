/*
 * Changes as lines: a sign, then what would have to be told to ipvsadm, or words.
 */
#include "forms.h"
#include "plan/render.h"
#include "render_filter.h"

/* " (was -s wlc)" */
static void add_options_before(const struct virtual_server *before, struct text *text)
{
	auto_text was = {0};
	form_virtual_server_options(before, &was);
	text_addf(text, " (was%s)", text_string(&was));
}

static void add_virtual_server(const struct change *change, struct text *text)
{
	form_virtual_server_name(&change->virtual_server->key, text);
	if (change->kind != CHANGE_VIRTUAL_SERVER_REMOVE)
		form_virtual_server_options(change->virtual_server, text);
	if (change->kind == CHANGE_VIRTUAL_SERVER_EDIT && change->before)
		add_options_before(change->before, text);
}

static void add_real_server_options(const struct real_server *server, struct text *text)
{
	form_real_server_options(server, text);
	form_real_server_thresholds(server, text);
}

static void add_real_server(const struct change *change, struct text *text)
{
	form_virtual_server_name(&change->virtual_server->key, text);
	text_add(text, " -r ");
	form_endpoint(&change->real_server->address, change->real_server->port, text);
	if (change->kind == CHANGE_REAL_SERVER_REMOVE)
		return;
	add_real_server_options(change->real_server, text);
	if (change->kind != CHANGE_REAL_SERVER_EDIT || !change->before)
		return;
	text_add(text, " (was");
	add_real_server_options(change->before, text);
	text_add_char(text, ')');
}

static void add_address(const struct change *change, struct text *text)
{
	text->length += address_format(&change->address, text_reserve(text, ADDRESS_TEXT_SIZE));
	text_addf(text, "/%u on the dummy interface", family_bits(change->address.family));
}

static void add_filter(const struct change *change, struct text *text)
{
	render_filter_element(change->filter, text);
	if (!change->before)
		return;
	text_add(text, " (was ");
	render_filter_content(change->before, text);
	text_add_char(text, ')');
}

static const struct {
	const char *start;
	void (*add)(const struct change *change, struct text *text);
} forms[CHANGE_KINDS] = {
        [CHANGE_FILTER_RESTRICT] = {"- filter ", add_filter},
        [CHANGE_FILTER_ADD] = {"+ filter ", add_filter},
        [CHANGE_ADDRESS_ADD] = {"+ address ", add_address},
        [CHANGE_VIRTUAL_SERVER_ADD] = {"+ -A ", add_virtual_server},
        [CHANGE_VIRTUAL_SERVER_EDIT] = {"~ -E ", add_virtual_server},
        [CHANGE_REAL_SERVER_ADD] = {"+ -a ", add_real_server},
        [CHANGE_REAL_SERVER_EDIT] = {"~ -e ", add_real_server},
        [CHANGE_REAL_SERVER_REMOVE] = {"- -d ", add_real_server},
        [CHANGE_VIRTUAL_SERVER_REMOVE] = {"- -D ", add_virtual_server},
        [CHANGE_ADDRESS_REMOVE] = {"- address ", add_address},
        [CHANGE_FILTER_REMOVE] = {"- filter ", add_filter},
};

void render_change(const struct change *change, struct text *text)
{
	if (change->kind >= CHANGE_KINDS)
		return;
	bool edit = change->kind == CHANGE_FILTER_ADD && change->before;
	text_add(text, edit ? "~ filter " : forms[change->kind].start);
	forms[change->kind].add(change, text);
}

void render_changes(const struct changes *changes, struct text *text)
{
	for (size_t i = 0; i < changes->count; i++) {
		render_change(&changes->items[i], text);
		text_add_char(text, '\n');
	}
}
