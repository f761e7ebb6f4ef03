#include "apply/connections.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE_BYTES = 16384 }; /* the kernel gives 4,096 */

struct connections {
	int fd;
	size_t length;         /* of an unfinished line, kept for the next page */
	char page[PAGE_BYTES]; /* always ends with a NUL */
};

int connections_open(const char *path, struct connections **ret_connections)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct connections *connections = memory_alloc(sizeof(*connections));
	connections->fd = fd;
	*ret_connections = connections;
	return 0;
}

void connections_close(struct connections *connections)
{
	if (!connections)
		return;
	close(connections->fd);
	free(connections);
}

/* ---- one line: "TCP C0000264 9C40 0A600001 0050 0AF4000B 1F90 ESTABLISHED     897" (ip_vs_conn_seq_show) */

/* What is none of these is open. NONE is a packet that nobody has answered yet. */
static const struct {
	const char *name;
	enum connection_phase phase;
} states[] = {
        {"FIN_WAIT", CONNECTION_HALF_CLOSED},
        {"CLOSE_WAIT", CONNECTION_HALF_CLOSED},
        {"LAST_ACK", CONNECTION_HALF_CLOSED},
        {"SHUTDOWN_SENT", CONNECTION_HALF_CLOSED},
        {"SHUTDOWN_RECEIVED", CONNECTION_HALF_CLOSED},
        {"SHUTDOWN_ACK_SENT", CONNECTION_HALF_CLOSED},
        {"TIME_WAIT", CONNECTION_CLOSED},
        {"CLOSE", CONNECTION_CLOSED},
        {"CLOSED", CONNECTION_CLOSED},
        {"REJECTED", CONNECTION_CLOSED},
};

static enum connection_phase phase_of(const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(states[i].name, state) == 0)
			return states[i].phase;
	return CONNECTION_OPEN;
}

/* IPv4 as eight hexadecimal digits, IPv6 in full. */
static bool parse_address(const char *text, struct address *ret_address)
{
	struct in6_addr six;
	char *end;
	*ret_address = (struct address){0};
	if (strchr(text, ':')) {
		if (inet_pton(AF_INET6, text, &six) != 1)
			return false;
		ret_address->family = FAMILY_IPV6;
		memcpy(ret_address->bytes, &six, sizeof(six));
		return true;
	}
	unsigned long number = strtoul(text, &end, 16);
	uint32_t four = htonl((uint32_t)number);
	if (strlen(text) != 8 || *end != '\0')
		return false;
	ret_address->family = FAMILY_IPV4;
	memcpy(ret_address->bytes, &four, sizeof(four));
	return true;
}

static uint8_t protocol_of(const char *name)
{
	uint8_t protocol = PROTOCOL_NONE;
	protocol_parse(name, &protocol);
	return protocol;
}

static bool parse_line(const char *line, struct connection *ret_connection)
{
	char protocol[16], from[48], to[48], destination[48], state[32];
	unsigned from_port, to_port, destination_port;
	struct connection connection = {0};
	if (sscanf(line, "%15s %47s %4x %47s %4x %47s %4x %31s %" SCNu32, protocol, from, &from_port, to,
	           &to_port, destination, &destination_port, state, &connection.expires_seconds) != 9)
		return false;
	connection.key.protocol = protocol_of(protocol);
	connection.key.port = (uint16_t)to_port;
	connection.client.port = (uint16_t)from_port;
	connection.real_server.port = (uint16_t)destination_port;
	connection.phase = phase_of(state);
	/* A template has no port of a client. */
	if (connection.key.protocol == PROTOCOL_NONE || from_port == 0 ||
	    !parse_address(from, &connection.client.address) || !parse_address(to, &connection.key.address) ||
	    !parse_address(destination, &connection.real_server.address))
		return false;
	*ret_connection = connection;
	return true;
}

/* ---- a page */

static size_t tell_lines(struct connections *connections,
                         void (*tell)(void *context, const struct connection *connection), void *context)
{
	struct connection connection;
	char *line = connections->page, *end;
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		if (parse_line(line, &connection))
			tell(context, &connection);
		line = end + 1;
	}
	return (size_t)(line - connections->page);
}

int connections_read(struct connections *connections,
                     void (*tell)(void *context, const struct connection *connection), void *context)
{
	size_t room = PAGE_BYTES - 1 - connections->length;
	ssize_t got = read(connections->fd, connections->page + connections->length, room);
	if (got < 0)
		return errno == EINTR ? 1 : -errno;
	if (got == 0)
		return 0;
	/* A NUL would hide what is behind it. */
	for (ssize_t i = 0; i < got; i++)
		if (connections->page[connections->length + (size_t)i] == '\0')
			connections->page[connections->length + (size_t)i] = '?';
	connections->length += (size_t)got;
	connections->page[connections->length] = '\0';
	size_t used = tell_lines(connections, tell, context);
	/* No line of the kernel's is as long as a page. */
	if (used == 0 && connections->length == PAGE_BYTES - 1)
		used = connections->length;
	connections->length -= used;
	memmove(connections->page, connections->page + used, connections->length + 1);
	return 1;
}
