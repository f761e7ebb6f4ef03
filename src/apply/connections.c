#include "apply/connections.h"

#include "base/memory.h"
#include "proc_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct connections {
	struct proc_lines lines;
};

int connections_open(const char *path, struct connections **ret_connections)
{
	struct connections *connections = memory_alloc(sizeof(*connections));
	int error = proc_lines_open(&connections->lines, path);
	if (error) {
		free(connections);
		return error;
	}
	*ret_connections = connections;
	return 0;
}

void connections_close(struct connections *connections)
{
	if (!connections)
		return;
	proc_lines_close(&connections->lines);
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

static uint8_t protocol_of(const char *name)
{
	uint8_t protocol = PROTOCOL_NONE;
	protocol_parse(name, &protocol);
	return protocol;
}

static bool is_address(const char *text, struct address *ret_address)
{
	size_t length = proc_lines_address(text, ret_address);
	return length > 0 && text[length] == '\0';
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
	    !is_address(from, &connection.client.address) || !is_address(to, &connection.key.address) ||
	    !is_address(destination, &connection.real_server.address))
		return false;
	*ret_connection = connection;
	return true;
}

int connections_read(struct connections *connections,
                     void (*tell)(void *context, const struct connection *connection), void *context)
{
	struct connection connection;
	int more = proc_lines_read(&connections->lines);
	for (char *line; (line = proc_lines_take(&connections->lines));)
		if (parse_line(line, &connection))
			tell(context, &connection);
	return more;
}
