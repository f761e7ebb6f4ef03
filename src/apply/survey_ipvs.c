#include "survey_ipvs.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	GET_INFO = 64 + 1024 + 64 + 1, /* IP_VS_SO_GET_INFO and so on */
	GET_SERVICES = 64 + 1024 + 64 + 2,
	GET_DESTS = 64 + 1024 + 64 + 4,
	TABLE_BYTES = 1 << 30,
	MOST_SERVICES = 1 << 24,
};

static int ask_kernel(void *context, int option, void *answer, size_t *length)
{
	struct survey_ipvs *survey = context;
	socklen_t size = (socklen_t)*length;
	if (survey->socket < 0)
		survey->socket = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (survey->socket < 0 || getsockopt(survey->socket, IPPROTO_IP, option, answer, &size) < 0)
		return -errno;
	*length = size;
	return 0;
}

void survey_ipvs_init(struct survey_ipvs *survey, bool with_ipv6, const struct survey_source *source)
{
	*survey = (struct survey_ipvs){.with_ipv6 = with_ipv6, .socket = -1};
	survey->source = source ? *source
	                        : (struct survey_source){.context = survey,
	                                                 .ask = ask_kernel,
	                                                 .proc_table = "/proc/net/ip_vs"};
}

void survey_ipvs_done(struct survey_ipvs *survey)
{
	if (survey->socket >= 0)
		close(survey->socket);
	survey->socket = -1;
	free(survey->services);
	free(survey->answer);
	survey->services = NULL;
	survey->answer = NULL;
	vector_done(&survey->real_servers);
	text_done(&survey->table);
}

static int ask(struct survey_ipvs *survey, int option, void *answer, size_t length)
{
	size_t got = length;
	int error = survey->source.ask(survey->source.context, option, answer, &got);
	return error ? error : got > length ? -EBADMSG : 0;
}

/* ---- IPv4 */

/* The kernel wants the room for just so many, and gives as many as there are. */
static int ask_services(struct survey_ipvs *survey)
{
	struct ip_vs_getinfo info;
	int error = ask(survey, GET_INFO, &info, sizeof(info));
	if (error)
		return error;
	if (info.num_services > MOST_SERVICES)
		return -EBADMSG;
	size_t size = sizeof(*survey->services) + info.num_services * sizeof(struct ip_vs_service_entry);
	survey->services = memory_alloc(size);
	survey->services->num_services = info.num_services;
	error = ask(survey, GET_SERVICES, survey->services, size);
	return !error && survey->services->num_services > info.num_services ? -EBADMSG : error;
}

static struct address ipv4(uint32_t network_order)
{
	struct address address = {.family = FAMILY_IPV4};
	memcpy(address.bytes, &network_order, sizeof(network_order));
	return address;
}

static void take_service(const struct ip_vs_service_entry *entry, struct virtual_server *ret_server)
{
	*ret_server = (struct virtual_server){
	        .key = {.address = ipv4(entry->addr), .firewall_mark = entry->fwmark},
	        .flags = entry->flags,
	        .timeout_seconds = entry->timeout,
	        .netmask_bits = (uint8_t)__builtin_popcount(entry->netmask),
	};
	if (entry->fwmark == 0) {
		ret_server->key.protocol = (uint8_t)entry->protocol;
		ret_server->key.port = ntohs(entry->port);
	} else {
		ret_server->key.address = (struct address){.family = FAMILY_IPV4};
	}
	snprintf(ret_server->scheduler, sizeof(ret_server->scheduler), "%.*s",
	         (int)sizeof(ret_server->scheduler) - 1, entry->sched_name);
}

static void make_room(struct survey_ipvs *survey, size_t count)
{
	if (survey->answer && count <= survey->answer_room)
		return;
	free(survey->answer);
	survey->answer_room = count < 64 ? 64 : 2 * count;
	survey->answer =
	        memory_alloc(sizeof(*survey->answer) + survey->answer_room * sizeof(struct ip_vs_dest_entry));
}

static int ask_real_servers(struct survey_ipvs *survey, const struct ip_vs_service_entry *entry)
{
	enum { MASK = 7 }; /* IP_VS_CONN_F_FWD_MASK */
	size_t wanted = entry->num_dests;
	make_room(survey, wanted);
	*survey->answer = (struct ip_vs_get_dests){.protocol = entry->protocol,
	                                           .addr = entry->addr,
	                                           .port = entry->port,
	                                           .fwmark = entry->fwmark,
	                                           .num_dests = (unsigned)wanted};
	int error = ask(survey, GET_DESTS, survey->answer,
	                sizeof(*survey->answer) + wanted * sizeof(struct ip_vs_dest_entry));
	if (!error && survey->answer->num_dests > wanted)
		error = -EBADMSG;
	vector_clear(&survey->real_servers);
	for (size_t i = 0; !error && i < survey->answer->num_dests; i++) {
		const struct ip_vs_dest_entry *dest = &survey->answer->entrytable[i];
		struct real_server server = {.address = ipv4(dest->addr),
		                             .port = ntohs(dest->port),
		                             .forwarding = dest->conn_flags & MASK,
		                             .weight = (uint32_t)dest->weight,
		                             .upper_threshold = dest->u_threshold,
		                             .lower_threshold = dest->l_threshold};
		vector_push(&survey->real_servers, server);
	}
	return error;
}

static void give_real_servers(const struct survey_ipvs *survey, struct virtual_server *server)
{
	server->real_servers = survey->real_servers.items;
	server->real_server_count = survey->real_servers.count;
}

static int next_ipv4(struct survey_ipvs *survey, struct virtual_server *ret_server)
{
	if (!survey->services) {
		int error = ask_services(survey);
		if (error)
			return error;
	}
	while (survey->next < survey->services->num_services) {
		const struct ip_vs_service_entry *entry = &survey->services->entrytable[survey->next++];
		int error = ask_real_servers(survey, entry);
		if (error == -ESRCH)
			continue; /* it went meanwhile: the sum then tells */
		take_service(entry, ret_server);
		give_real_servers(survey, ret_server);
		return error;
	}
	return SURVEY_E_END;
}

/* ---- IPv6: "TCP  [0000:...:0001]:0050 rr ", then "  -> [0000:...:0002]:1F90      Masq    1      0          0" */

static char *next_line(struct survey_ipvs *survey)
{
	char *line = survey->rest, *end = strchr(line, '\n');
	if (*line == '\0')
		return NULL;
	if (end)
		*end = '\0';
	survey->rest = end ? end + 1 : line + strlen(line);
	return line;
}

/* "[0000:...:0001]:0050"; false: it is something else. */
static bool read_end(const char *text, struct address *ret_address, uint16_t *ret_port)
{
	char address[ADDRESS_TEXT_SIZE];
	unsigned port;
	if (sscanf(text, "[%45[0-9a-fA-F:]]:%4x", address, &port) != 2 || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return address_parse(address, ret_address) && ret_address->family == FAMILY_IPV6;
}

static uint8_t read_protocol(const char *name)
{
	static const struct {
		const char *name;
		uint8_t protocol;
	} protocols[] = {{"TCP", PROTOCOL_TCP}, {"UDP", PROTOCOL_UDP}, {"SCTP", PROTOCOL_SCTP}};
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return protocols[i].protocol;
	return PROTOCOL_NONE;
}

static bool read_ipv6_server(const char *line, struct virtual_server *ret_server)
{
	char protocol[8], end[80], scheduler[SCHEDULER_NAME_SIZE];
	*ret_server = (struct virtual_server){0};
	if (sscanf(line, "%7s %79s %15s", protocol, end, scheduler) != 3 ||
	    !read_end(end, &ret_server->key.address, &ret_server->key.port))
		return false;
	ret_server->key.protocol = read_protocol(protocol);
	strcpy(ret_server->scheduler, scheduler);
	return ret_server->key.protocol != PROTOCOL_NONE;
}

static bool read_ipv6_real_server(const char *line, struct real_server *ret_server)
{
	static const struct {
		const char *name;
		uint8_t forwarding;
	} ways[] = {{"Masq", FORWARD_MASQUERADE},
	            {"Local", FORWARD_LOCAL},
	            {"Tunnel", FORWARD_TUNNEL},
	            {"Route", FORWARD_DIRECT_ROUTE}};
	char end[80], way[16];
	*ret_server = (struct real_server){.forwarding = UINT8_MAX};
	if (sscanf(line, " -> %79s %15s %u", end, way, &ret_server->weight) != 3 ||
	    !read_end(end, &ret_server->address, &ret_server->port))
		return false;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (strcmp(ways[i].name, way) == 0)
			ret_server->forwarding = ways[i].forwarding;
	return true;
}

static void collect_ipv6_real_servers(struct survey_ipvs *survey)
{
	struct real_server server;
	vector_clear(&survey->real_servers);
	while (survey->rest[0] == ' ') {
		if (read_ipv6_real_server(next_line(survey), &server))
			vector_push(&survey->real_servers, server);
	}
}

static int next_ipv6(struct survey_ipvs *survey, struct virtual_server *ret_server)
{
	if (!survey->rest) {
		int error = text_read_file(survey->source.proc_table, TABLE_BYTES, &survey->table);
		if (error)
			return error;
		survey->rest = text_reserve(&survey->table, 0) - survey->table.length;
	}
	for (const char *line = next_line(survey); line; line = next_line(survey)) {
		if (!read_ipv6_server(line, ret_server))
			continue;
		collect_ipv6_real_servers(survey);
		give_real_servers(survey, ret_server);
		return 0;
	}
	return SURVEY_E_END;
}

int survey_ipvs_next(struct survey_ipvs *survey, struct virtual_server *ret_server)
{
	int error = next_ipv4(survey, ret_server);
	return error == SURVEY_E_END && survey->with_ipv6 ? next_ipv6(survey, ret_server) : error;
}
