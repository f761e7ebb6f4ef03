#include "forms.h"

#include <string.h>

enum { TUNNEL_GUE = 1, TUNNEL_GRE = 2, TUNNEL_TYPES = 3, TUNNEL_FLAGS = 3 };

void form_endpoint(const struct address *address, uint16_t port, struct text *text)
{
	text->length += endpoint_format(address, port, text_reserve(text, ENDPOINT_TEXT_SIZE));
}

static const char *protocol_option(uint8_t protocol)
{
	if (protocol == PROTOCOL_TCP)
		return "-t ";
	return protocol == PROTOCOL_UDP ? "-u " : "--sctp-service ";
}

void form_virtual_server_name(const struct virtual_server_key *key, struct text *text)
{
	if (key->firewall_mark) {
		text_add(text, "-f ");
		text_add_number(text, key->firewall_mark);
		if (key->address.family == FAMILY_IPV6)
			text_add(text, " -6");
		return;
	}
	text_add(text, protocol_option(key->protocol));
	form_endpoint(&key->address, key->port, text);
}

static void add_netmask(const struct virtual_server *server, struct text *text)
{
	uint8_t bits = server->netmask_bits;
	if (bits == family_bits(server->key.address.family))
		return;
	text_add(text, " -M ");
	if (server->key.address.family == FAMILY_IPV6) {
		text_add_number(text, bits);
		return;
	}
	uint32_t mask = bits ? ~(uint32_t)0 << (32 - bits) : 0;
	text_addf(text, "%u.%u.%u.%u", mask >> 24, mask >> 16 & 0xff, mask >> 8 & 0xff, mask & 0xff);
}

struct flag_names {
	const char *scheduler; /* NULL: every other one */
	const char *names[3];  /* NULL: that flag is passed over */
};

static const struct flag_names flag_names[] = {
        {"sh", {"sh-fallback", "sh-port", NULL}},
        {"mh", {"mh-fallback", "mh-port", NULL}},
        {NULL, {"flag-1", "flag-2", "flag-3"}},
};

enum { SCHEDULER_FLAGS = VIRTUAL_SERVER_SCHED_1 | VIRTUAL_SERVER_SCHED_2 | VIRTUAL_SERVER_SCHED_3 };

void form_scheduler_flags(const struct virtual_server *server, struct text *text)
{
	static const uint32_t bits[] = {VIRTUAL_SERVER_SCHED_1, VIRTUAL_SERVER_SCHED_2,
	                                VIRTUAL_SERVER_SCHED_3};
	const struct flag_names *row = flag_names;
	while (row->scheduler && strcmp(row->scheduler, server->scheduler) != 0)
		row++;
	const char *separator = "";
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (!(server->flags & bits[i]) || !row->names[i])
			continue;
		text_add(text, separator);
		text_add(text, row->names[i]);
		separator = ",";
	}
}

void form_virtual_server_options(const struct virtual_server *server, struct text *text)
{
	text_add(text, " -s ");
	text_add(text, server->scheduler);
	if (server->flags & VIRTUAL_SERVER_PERSISTENT) {
		text_add(text, " -p ");
		text_add_number(text, server->timeout_seconds);
		add_netmask(server, text);
	}
	if (server->engine[0]) {
		text_add(text, " --pe ");
		text_add(text, server->engine);
	}
	if (server->flags & VIRTUAL_SERVER_ONE_PACKET)
		text_add(text, " -o");
	if (server->flags & SCHEDULER_FLAGS) {
		text_add(text, " -b ");
		form_scheduler_flags(server, text);
	}
}

static void add_tunnel(const struct real_server *server, struct text *text)
{
	static const char *const types[TUNNEL_TYPES] = {"ipip", "gue", "gre"};
	static const char *const flags[TUNNEL_FLAGS] = {" --tun-nocsum", " --tun-csum", " --tun-remcsum"};
	if (server->tunnel_type >= TUNNEL_TYPES)
		return;
	text_add(text, " --tun-type ");
	text_add(text, types[server->tunnel_type]);
	if (server->tunnel_type == TUNNEL_GUE) {
		text_add(text, " --tun-port ");
		text_add_number(text, server->tunnel_port);
	}
	if ((server->tunnel_type == TUNNEL_GUE || server->tunnel_type == TUNNEL_GRE) &&
	    server->tunnel_flags < TUNNEL_FLAGS)
		text_add(text, flags[server->tunnel_flags]);
}

void form_real_server_options(const struct real_server *server, struct text *text)
{
	static const char *const options[] = {
	        [FORWARD_MASQUERADE] = " -m -w ", [FORWARD_LOCAL] = " -g -w ",
	        [FORWARD_TUNNEL] = " -i -w ",     [FORWARD_DIRECT_ROUTE] = " -g -w ",
	        [FORWARD_BYPASS] = " -g -w ",
	};
	bool known = server->forwarding <= FORWARD_BYPASS;
	text_add(text, options[known ? server->forwarding : FORWARD_DIRECT_ROUTE]);
	text_add_number(text, server->weight);
	if (server->forwarding == FORWARD_TUNNEL)
		add_tunnel(server, text);
}

void form_real_server_thresholds(const struct real_server *server, struct text *text)
{
	if (server->upper_threshold)
		text_addf(text, " -x %u", server->upper_threshold);
	if (server->lower_threshold)
		text_addf(text, " -y %u", server->lower_threshold);
}
