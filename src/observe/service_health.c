/*
 * One HTTP server for all ports. What a request is answered is looked up by the port on which it came, at the moment
 * it is complete; a port that is nobody's any more answers 503.
 *
 * A port is kept by its number: when it goes from one Service to another within a pass, it stays open.
 */
#include "observe/service_health.h"

#include "observe/http_server.h"

#include "base/memory.h"
#include "base/vector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_malloc(size)       memory_alloc(size)
#define uthash_free(memory, size) free(memory)
#include <uthash.h>

/* Load balancers keep connections open to many ports at once; the oldest idle ones make room. */
enum { CONNECTIONS = 256 };

struct port_listener {
	struct address address;
	struct http_listener *http;
};

struct health_port {
	uint16_t port;
	char *namespace, *name;
	uint32_t local_endpoints[2];
	unsigned wanted_in; /* the pass that gave it last */
	vector_of(struct port_listener) listeners;
	UT_hash_handle hh;
};

/* A port that its Service does not have, and why, as told. */
struct lack {
	char *service; /* "namespace/name" */
	uint16_t port;
	int error;
	unsigned found_in;
	UT_hash_handle hh;
};

struct service_health {
	struct service_health_listener listener;
	struct http_server *server;
	struct health_port *ports;
	struct lack *lacks;
	vector_of(struct address) addresses;
	unsigned pass;
};

static struct health_port *find_port(const struct service_health *health, uint16_t number)
{
	struct health_port *port;
	HASH_FIND(hh, health->ports, &number, sizeof(number), port);
	return port;
}

/* ---- answering */

/* Appendix A. Names are DNS labels, which JSON takes as they are. */
static void render(const struct health_port *port, uint32_t count, bool well, struct text *body)
{
	text_addf(body,
	          "{\n\t\"service\": {\n\t\t\"namespace\": \"%s\",\n\t\t\"name\": \"%s\"\n\t},\n"
	          "\t\"localEndpoints\": %u,\n\t\"serviceProxyHealthy\": %s\n}",
	          port->namespace, port->name, count, well ? "true" : "false");
}

static void handle(void *context, const struct http_question *question, struct http_answer *answer)
{
	struct service_health *health = context;
	const struct health_port *port = find_port(health, question->local_port);
	answer->content_type = "application/json";
	answer->status = 503;
	if (!port)
		return;
	bool well =
	        !health->listener.proxy_is_well || health->listener.proxy_is_well(health->listener.context);
	uint32_t count = port->local_endpoints[question->over_ipv6];
	strcpy(answer->header_name, "X-Load-Balancing-Endpoint-Weight");
	snprintf(answer->header_value, sizeof(answer->header_value), "%u", count);
	answer->status = count && well ? 200 : 503;
	render(port, count, well, &answer->body);
}

/* ---- what a Service lacks is told once */

static char *service_text(const char *namespace, const char *name)
{
	struct text text = {0};
	text_addf(&text, "%s/%s", namespace, name);
	return text.bytes;
}

static struct lack *find_lack(const struct service_health *health, const char *namespace, const char *name)
{
	char *service auto_free = service_text(namespace, name);
	struct lack *lack;
	HASH_FIND_STR(health->lacks, service, lack);
	return lack;
}

static void drop_lack(struct service_health *health, struct lack *lack)
{
	HASH_DEL(health->lacks, lack);
	free(lack->service);
	free(lack);
}

static void note_lack(struct service_health *health, const char *namespace, const char *name, uint16_t port,
                      int error)
{
	struct lack *lack = find_lack(health, namespace, name);
	bool told = lack && lack->port == port && lack->error == error;
	if (!lack) {
		lack = memory_alloc(sizeof(*lack));
		lack->service = service_text(namespace, name);
		HASH_ADD_KEYPTR(hh, health->lacks, lack->service, strlen(lack->service), lack);
	}
	lack->port = port;
	lack->error = error;
	lack->found_in = health->pass;
	if (!told && health->listener.failed)
		health->listener.failed(health->listener.context, namespace, name, port, error);
}

static void note_success(struct service_health *health, const struct health_port *port)
{
	struct lack *lack = health->lacks ? find_lack(health, port->namespace, port->name) : NULL;
	if (!lack)
		return;
	bool same = lack->port == port->port;
	drop_lack(health, lack);
	if (same && health->listener.recovered)
		health->listener.recovered(health->listener.context, port->namespace, port->name, port->port);
}

/* Those of Services that are gone. */
static void forget_old_lacks(struct service_health *health)
{
	struct lack *lack, *next;
	HASH_ITER (hh, health->lacks, lack, next)
		if (lack->found_in != health->pass)
			drop_lack(health, lack);
}

/* ---- listening */

static bool address_is_wanted(const struct service_health *health, const struct address *address)
{
	for (size_t i = 0; i < health->addresses.count; i++)
		if (address_equal(&health->addresses.items[i], address))
			return true;
	return false;
}

static bool listens_on(const struct health_port *port, const struct address *address)
{
	for (size_t i = 0; i < port->listeners.count; i++)
		if (address_equal(&port->listeners.items[i].address, address))
			return true;
	return false;
}

static void stop_listening(struct health_port *port)
{
	vector_for_each (&port->listeners, listener)
		http_listener_close(listener->http);
	vector_clear(&port->listeners);
}

static void stop_listening_elsewhere(const struct service_health *health, struct health_port *port)
{
	size_t kept = 0;
	for (size_t i = 0; i < port->listeners.count; i++) {
		struct port_listener listener = port->listeners.items[i];
		if (address_is_wanted(health, &listener.address))
			port->listeners.items[kept++] = listener;
		else
			http_listener_close(listener.http);
	}
	port->listeners.count = kept;
}

/* All addresses or none (R12.10): half a health check would split the load balancer's view. */
static void start_listening(struct service_health *health, struct health_port *port)
{
	for (size_t i = 0; i < health->addresses.count; i++) {
		struct port_listener listener = {.address = health->addresses.items[i]};
		if (listens_on(port, &listener.address))
			continue;
		int error = http_server_listen(health->server, &listener.address, port->port, &listener.http);
		if (error) {
			stop_listening(port);
			note_lack(health, port->namespace, port->name, port->port, -error);
			return;
		}
		vector_push(&port->listeners, listener);
	}
	note_success(health, port);
}

static void follow_addresses(struct service_health *health)
{
	struct health_port *port, *next;
	HASH_ITER (hh, health->ports, port, next)
		stop_listening_elsewhere(health, port);
	HASH_ITER (hh, health->ports, port, next)
		start_listening(health, port);
}

static bool same_addresses(const struct service_health *health, const struct address *addresses, size_t count)
{
	if (count != health->addresses.count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!address_is_wanted(health, &addresses[i]))
			return false;
	return true;
}

void service_health_listen_on(struct service_health *health, const bool families[2], const bool any[2],
                              const struct address *addresses, size_t count)
{
	vector_of(struct address) wanted = {0};
	for (unsigned f = 0; f < 2; f++) {
		const uint8_t family = f ? FAMILY_IPV6 : FAMILY_IPV4;
		if (families[f] && any[f])
			vector_push(&wanted, (struct address){.family = family});
		for (size_t i = 0; families[f] && !any[f] && i < count; i++)
			if (addresses[i].family == family)
				vector_push(&wanted, addresses[i]);
	}
	if (same_addresses(health, wanted.items, wanted.count)) {
		vector_done(&wanted);
		return;
	}
	vector_done(&health->addresses);
	vector_for_each (&wanted, address)
		vector_push(&health->addresses, *address);
	vector_done(&wanted);
	follow_addresses(health);
}

/* ---- what is wanted */

static void close_port(struct service_health *health, struct health_port *port)
{
	stop_listening(port);
	vector_done(&port->listeners);
	HASH_DEL(health->ports, port);
	free(port->namespace);
	free(port->name);
	free(port);
}

static void close_unwanted(struct service_health *health)
{
	struct health_port *port, *next;
	HASH_ITER (hh, health->ports, port, next)
		if (port->wanted_in != health->pass)
			close_port(health, port);
}

static void set_text(char **text, const char *value)
{
	if (*text && strcmp(*text, value) == 0)
		return;
	free(*text);
	*text = memory_copy_text(value);
}

static void want_port(struct service_health *health, const struct service_health_port *wanted)
{
	struct health_port *port = find_port(health, wanted->port);
	if (port && port->wanted_in == health->pass) {
		note_lack(health, wanted->namespace, wanted->name, wanted->port, EADDRINUSE);
		return;
	}
	if (!port) {
		port = memory_alloc(sizeof(*port));
		port->port = wanted->port;
		HASH_ADD(hh, health->ports, port, sizeof(port->port), port);
	}
	port->wanted_in = health->pass;
	set_text(&port->namespace, wanted->namespace);
	set_text(&port->name, wanted->name);
	memcpy(port->local_endpoints, wanted->local_endpoints, sizeof(port->local_endpoints));
}

void service_health_want(struct service_health *health, const struct service_health_port *ports, size_t count)
{
	struct health_port *port, *next;
	health->pass++;
	for (size_t i = 0; i < count; i++)
		want_port(health, &ports[i]);
	close_unwanted(health);
	HASH_ITER (hh, health->ports, port, next)
		start_listening(health, port);
	forget_old_lacks(health);
}

/* ---- beginning and end */

struct service_health *service_health_open(struct event_base *base,
                                           const struct service_health_listener *listener)
{
	static const struct http_limits LIMITS = {.connections = CONNECTIONS};
	struct service_health *health = memory_alloc(sizeof(*health));
	health->listener = *listener;
	health->server = http_server_open(base, &LIMITS, handle, health);
	return health;
}

void service_health_close(struct service_health *health)
{
	if (!health)
		return;
	health->pass++;
	close_unwanted(health);
	forget_old_lacks(health);
	vector_done(&health->addresses);
	http_server_close(health->server);
	free(health);
}
