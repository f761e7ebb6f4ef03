#include "base/protocol.h"

#include <stddef.h>
#include <string.h>

struct protocol_row {
	uint8_t protocol;
	const char *name;
};

static const struct protocol_row protocols[] = {
        {PROTOCOL_TCP, "TCP"},
        {PROTOCOL_UDP, "UDP"},
        {PROTOCOL_SCTP, "SCTP"},
};

enum { PROTOCOL_COUNT = sizeof(protocols) / sizeof(protocols[0]) };

const char *protocol_name(uint8_t protocol)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		if (protocols[i].protocol == protocol)
			return protocols[i].name;
	return "";
}

bool protocol_parse(const char *text, uint8_t *ret_protocol)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		if (strcmp(protocols[i].name, text) == 0) {
			*ret_protocol = protocols[i].protocol;
			return true;
		}
	}
	return false;
}
