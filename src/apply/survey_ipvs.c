#include "survey_ipvs.h"

#include "base/memory.h"
#include "survey_sums.h"

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

void survey_ipvs_init(struct survey_ipvs *survey, const struct survey_source *source)
{
	*survey = (struct survey_ipvs){.socket = -1, .table.fd = -1};
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
	proc_lines_close(&survey->table);
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

/* "[0000:...:0001]:0050"; what follows, or NULL: it is something else. */
static const char *read_end(const char *text, struct address *ret_address, uint16_t *ret_port)
{
	if (*text++ != '[')
		return NULL;
	text += proc_lines_address(text, ret_address);
	if (strncmp(text, "]:", 2) != 0 || !proc_lines_port(text + 2, ret_port))
		return NULL;
	return text + 6;
}

static size_t word_length(const char *text)
{
	return strcspn(text, " ");
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " ");
}

/* What is none, such as a firewall mark, has a key without an address. */
static struct virtual_server_key read_owner(char *line)
{
	struct virtual_server_key key = {0};
	char *end = line + word_length(line);
	bool known = *end == ' ';
	*end = '\0';
	known = known && protocol_parse(line, &key.protocol) &&
	        read_end(skip_blanks(end + 1), &key.address, &key.port);
	return known ? key : (struct virtual_server_key){0};
}

static uint8_t read_forwarding(const char *word, size_t length)
{
	static const struct {
		const char *name;
		uint8_t forwarding;
	} ways[] = {{"Masq", FORWARD_MASQUERADE},
	            {"Local", FORWARD_LOCAL},
	            {"Tunnel", FORWARD_TUNNEL},
	            {"Route", FORWARD_DIRECT_ROUTE}};
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (strncmp(ways[i].name, word, length) == 0 && ways[i].name[length] == '\0')
			return ways[i].forwarding;
	return UINT8_MAX;
}

static bool read_ipv6_real_server(const char *line, struct real_server *ret_server)
{
	static const char arrow[] = "  -> ";
	const char *rest;
	*ret_server = (struct real_server){0};
	if (strncmp(line, arrow, strlen(arrow)) != 0 ||
	    !(rest = read_end(line + strlen(arrow), &ret_server->address, &ret_server->port)))
		return false;
	rest = skip_blanks(rest);
	ret_server->forwarding = read_forwarding(rest, word_length(rest));
	ret_server->weight = (uint32_t)strtoul(rest + word_length(rest), NULL, 10);
	return true;
}

/* Reads until there is a whole line. */
static int first_line(struct survey_ipvs *survey, char **ret_line)
{
	int more = 1;
	if (survey->table.fd < 0) {
		int error = proc_lines_open(&survey->table, survey->source.proc_table);
		if (error)
			return error;
	}
	while (!(*ret_line = proc_lines_take(&survey->table)) && more > 0)
		more = proc_lines_read(&survey->table);
	return *ret_line ? 0 : more < 0 ? more : SURVEY_E_END;
}

/* To the next virtual server, or to the end of a page. */
static int next_ipv6(struct survey_ipvs *survey, struct virtual_server *ret_server)
{
	struct real_server server;
	char *line;
	int error = first_line(survey, &line);
	*ret_server = (struct virtual_server){.key = survey->owner};
	vector_clear(&survey->real_servers);
	for (; !error && line; line = proc_lines_take(&survey->table)) {
		if (*line != ' ') {
			survey->owner = read_owner(line);
			if (survey->real_servers.count > 0)
				break;
			ret_server->key = survey->owner;
		} else if (survey->owner.address.family == FAMILY_IPV6 &&
		           read_ipv6_real_server(line, &server)) {
			vector_push(&survey->real_servers, server);
		}
	}
	give_real_servers(survey, ret_server);
	return error;
}

int survey_ipvs_next(struct survey_ipvs *survey, struct virtual_server *ret_server)
{
	int error = next_ipv4(survey, ret_server);
	return error == SURVEY_E_END && survey->with_ipv6 ? next_ipv6(survey, ret_server) : error;
}

uint64_t survey_ipvs_sum(const struct virtual_server *server)
{
	bool whole = server->key.address.family == FAMILY_IPV4;
	return (whole ? survey_sum_of_virtual_server(server) : 0) + survey_sum_of_real_servers(server);
}
