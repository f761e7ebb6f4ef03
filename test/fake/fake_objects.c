#include "fake_objects.h"

#include "base/check.h"

#include <string.h>

struct address make_address(const char *text)
{
	struct address address;
	CHECK(address_parse(text, &address));
	return address;
}

struct virtual_server make_virtual_server(const char *address, uint16_t port)
{
	struct virtual_server server = {.scheduler = "rr", .rank = RANK_OTHER};
	server.key.address = make_address(address);
	server.key.protocol = PROTOCOL_TCP;
	server.key.port = port;
	server.netmask_bits = family_bits(server.key.address.family);
	return server;
}

struct real_server make_real_server(const char *address, uint16_t port)
{
	return (struct real_server){.address = make_address(address), .port = port, .weight = 1};
}

void want_virtual_server(struct changes *changes, enum change_kind kind, const struct virtual_server *server)
{
	vector_push(changes, (struct change){.kind = (uint8_t)kind, .virtual_server = server});
}

void want_real_server(struct changes *changes, enum change_kind kind, const struct virtual_server *server,
                      const struct real_server *real_server)
{
	vector_push(
	        changes,
	        (struct change){.kind = (uint8_t)kind, .virtual_server = server, .real_server = real_server});
}

void want_address(struct changes *changes, enum change_kind kind, const char *address)
{
	vector_push(changes, (struct change){.kind = (uint8_t)kind, .address = make_address(address)});
}
