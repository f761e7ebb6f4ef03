#include "model_tamper.h"

#include "plan_states.h"

#include <string.h>

struct tampering {
	struct fake_kernel *fake;
	struct strangers *strangers;
	struct dice *dice;
	struct text *words;
};

static struct fake_virtual_server *any_server(const struct tampering *tampering)
{
	struct fake_kernel *fake = tampering->fake;
	char name[VIRTUAL_SERVER_TEXT_SIZE];
	if (fake->virtual_servers.count == 0)
		return NULL;
	size_t at = dice_roll(tampering->dice, (uint32_t)fake->virtual_servers.count);
	struct fake_virtual_server *server = &fake->virtual_servers.items[at];
	/* What strangers have stays as they have it. */
	vector_for_each (&tampering->strangers->servers, stranger)
		if (virtual_server_key_compare(&stranger->key, &server->server.key) == 0)
			return NULL;
	text_addf(tampering->words, "%s ", virtual_server_key_format(&server->server.key, name));
	return server;
}

static void remove_server(const struct tampering *tampering)
{
	struct fake_virtual_server *server = any_server(tampering);
	text_add(tampering->words, "is removed");
	if (!server)
		return;
	vector_done(&server->real_servers);
	*server = tampering->fake->virtual_servers.items[--tampering->fake->virtual_servers.count];
}

static void edit_server(const struct tampering *tampering)
{
	struct fake_virtual_server *server = any_server(tampering);
	text_add(tampering->words, "gets another scheduler and timeout");
	if (!server)
		return;
	strcpy(server->server.scheduler, "dh");
	server->server.timeout_seconds += 7;
}

static void remove_real_server(const struct tampering *tampering)
{
	struct fake_virtual_server *server = any_server(tampering);
	text_add(tampering->words, "loses a real server");
	if (server && server->real_servers.count > 0)
		server->real_servers.count--;
}

static void weigh_real_servers(const struct tampering *tampering)
{
	struct fake_virtual_server *server = any_server(tampering);
	uint32_t weight = dice_roll(tampering->dice, 2) * 7;
	text_addf(tampering->words, "has all weights %u", weight);
	if (server)
		vector_for_each (&server->real_servers, real_server)
			real_server->weight = weight;
}

static void add_real_server(const struct tampering *tampering)
{
	struct fake_virtual_server *server = any_server(tampering);
	text_add(tampering->words, "gets a real server");
	if (!server)
		return;
	bool ipv6 = server->server.key.address.family == FAMILY_IPV6;
	struct real_server stranger = {
	        .address = address_of(ipv6 ? "2001:db8::99" : "198.51.100.99"), .port = 99, .weight = 1};
	vector_push(&server->real_servers, stranger);
}

/* At addresses that may be the node's, a Service's, or nobody's; a port that no Service ever has. */
static void add_server(const struct tampering *tampering)
{
	static const char *const addresses[] = {"192.0.2.10", "192.0.2.30", "203.0.113.7",
	                                        "10.96.0.1",  "192.0.2.20", "2001:db8::20"};
	struct virtual_server server = {.scheduler = "lc", .rank = RANK_OTHER};
	server.key.address = address_of(addresses[dice_roll(tampering->dice, 6)]);
	server.key.protocol = PROTOCOL_TCP;
	server.key.port = (uint16_t)(9990 + dice_roll(tampering->dice, 3));
	server.netmask_bits = family_bits(server.key.address.family);
	char name[VIRTUAL_SERVER_TEXT_SIZE];
	text_addf(tampering->words, "%s is made", virtual_server_key_format(&server.key, name));
	vector_for_each (&tampering->strangers->servers, stranger)
		if (virtual_server_key_compare(&stranger->key, &server.key) == 0)
			return;
	fake_kernel_put(tampering->fake, &server);
	vector_push(&tampering->strangers->servers, server);
}

static void remove_address(const struct tampering *tampering)
{
	struct fake_kernel *fake = tampering->fake;
	text_add(tampering->words, "an address is taken from the dummy");
	if (fake->held.count == 0)
		return;
	size_t at = dice_roll(tampering->dice, (uint32_t)fake->held.count);
	fake->held.items[at] = fake->held.items[--fake->held.count];
}

static void add_address(const struct tampering *tampering)
{
	static const char *const addresses[] = {"203.0.113.7", "192.0.2.30"};
	struct address address = address_of(addresses[dice_roll(tampering->dice, 2)]);
	text_add(tampering->words, "an address is given to the dummy");
	vector_for_each (&tampering->fake->held, held)
		if (address_equal(held, &address))
			return;
	vector_push(&tampering->fake->held, address);
}

static void remove_dummy(const struct tampering *tampering)
{
	text_add(tampering->words, "the dummy is removed");
	tampering->fake->link_kind = NULL;
	vector_clear(&tampering->fake->held);
}

static struct fake_filter_element *any_element(const struct tampering *tampering)
{
	struct fake_filter *filter = &tampering->fake->filter;
	if (filter->elements.count == 0)
		return NULL;
	struct fake_filter_element *element =
	        &filter->elements.items[dice_roll(tampering->dice, (uint32_t)filter->elements.count)];
	text_addf(tampering->words, "%s %s ", element->set, element->key);
	return element;
}

static void remove_element(const struct tampering *tampering)
{
	struct fake_filter_element *element = any_element(tampering);
	struct fake_filter *filter = &tampering->fake->filter;
	text_add(tampering->words, "is removed");
	if (element)
		*element = filter->elements.items[--filter->elements.count];
}

static void edit_element(const struct tampering *tampering)
{
	struct fake_filter_element *element = any_element(tampering);
	text_add(tampering->words, "says something else");
	if (element && strncmp(element->value, "goto ", 5) == 0)
		strcpy(element->value,
		       strcmp(element->value, "goto to-nobody") == 0 ? "goto to-local" : "goto to-nobody");
}

static void add_element(const struct tampering *tampering)
{
	static const struct fake_filter_element elements[] = {
	        {"held-4", "203.0.113.9", ""},
	        {"service-ports-4", "203.0.113.9 . tcp . 80", "goto to-external"},
	        {"health-check-ports", "31999", ""}};
	const struct fake_filter_element *element = &elements[dice_roll(tampering->dice, 3)];
	text_addf(tampering->words, "%s %s is made", element->set, element->key);
	vector_for_each (&tampering->fake->filter.elements, present)
		if (strcmp(present->set, element->set) == 0 && strcmp(present->key, element->key) == 0)
			return;
	vector_push(&tampering->fake->filter.elements, *element);
}

static void remove_table(const struct tampering *tampering)
{
	text_add(tampering->words, "our table is removed");
	tampering->fake->filter.present = false;
	vector_clear(&tampering->fake->filter.elements);
}

void model_tamper(struct fake_kernel *fake, struct strangers *strangers, struct dice *dice,
                  struct text *ret_words)
{
	static void (*const ways[])(const struct tampering *) = {
	        remove_server,  edit_server,  remove_real_server, weigh_real_servers, add_real_server,
	        add_server,     add_server,   remove_address,     add_address,        remove_dummy,
	        remove_element, edit_element, add_element,        remove_table};
	const struct tampering tampering = {fake, strangers, dice, ret_words};
	ways[dice_roll(dice, sizeof(ways) / sizeof(ways[0]))](&tampering);
}
