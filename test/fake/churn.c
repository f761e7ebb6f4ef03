#include "churn.h"

#include "api_server.h"
#include "base/memory.h"

#include <stdlib.h>

#define FIRST_ENDPOINT 0x0a800001 /* 10.128.0.1 */

enum { FIRST_NODE_PORT = 30000, NODE_PORTS = 2700, ENDPOINTS_MADE = 60000 };

/* splitmix64 */
uint32_t churn_random(uint64_t *random, uint32_t limit)
{
	uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) % limit);
}

static uint32_t pick(struct churn *churn, uint32_t limit)
{
	return churn_random(&churn->random, limit);
}

static void put_service(struct churn *churn, struct churn_service *service)
{
	sketch_service(&service->sketch, &churn->text);
	api_server_put(churn->server, text_string(&churn->text));
}

static void put_slice(struct churn *churn, struct churn_service *service)
{
	sketch_slice(&service->sketch, &churn->text);
	api_server_put(churn->server, text_string(&churn->text));
}

/* Addresses come back after a while, as those of pods do. */
static uint32_t new_endpoint(struct churn *churn)
{
	return FIRST_ENDPOINT + churn->endpoints_made++ % ENDPOINTS_MADE;
}

static void come(struct churn *churn, struct churn_service *service)
{
	service->sketch.endpoints = service->endpoints;
	service->sketch.endpoint_count = 1 + pick(churn, CHURN_ENDPOINTS);
	service->sketch.node_port = 0;
	for (size_t i = 0; i < service->sketch.endpoint_count; i++)
		service->endpoints[i] = new_endpoint(churn);
	service->present = true;
	put_service(churn, service);
	put_slice(churn, service);
}

static void go(struct churn *churn, struct churn_service *service)
{
	struct sketch_name name;
	sketch_name(service->sketch.number, &name);
	service->present = false;
	api_server_delete(churn->server, "Service", name.namespace, name.service);
	api_server_delete(churn->server, "EndpointSlice", name.namespace, name.slice);
}

static void replace_endpoint(struct churn *churn, struct churn_service *service)
{
	size_t count = service->sketch.endpoint_count;
	if (count == 0)
		service->sketch.endpoint_count = count = 1;
	service->endpoints[pick(churn, (uint32_t)count)] = new_endpoint(churn);
	put_slice(churn, service);
}

static void resize(struct churn *churn, struct churn_service *service)
{
	size_t wanted = pick(churn, CHURN_ENDPOINTS + 1);
	for (size_t i = service->sketch.endpoint_count; i < wanted; i++)
		service->endpoints[i] = new_endpoint(churn);
	service->sketch.endpoint_count = wanted;
	put_slice(churn, service);
}

static void move_node_port(struct churn *churn, struct churn_service *service)
{
	uint32_t own = service->sketch.number % (NODE_PORTS / 2);
	bool second = service->sketch.node_port == FIRST_NODE_PORT + own;
	service->sketch.node_port = (uint16_t)(FIRST_NODE_PORT + own + (second ? NODE_PORTS / 2 : 0));
	put_service(churn, service);
}

void churn_change(struct churn *churn)
{
	struct churn_service *service = &churn->services[pick(churn, churn->count)];
	uint32_t choice = pick(churn, 100);
	churn->changes++;
	if (!service->present)
		come(churn, service);
	else if (choice < 60)
		replace_endpoint(churn, service);
	else if (choice < 78)
		resize(churn, service);
	else if (choice < 90)
		go(churn, service);
	else
		move_node_port(churn, service);
}

void churn_change_node_port(struct churn *churn)
{
	struct churn_service *service = &churn->services[pick(churn, churn->count)];
	churn->changes++;
	if (!service->present)
		come(churn, service);
	move_node_port(churn, service);
}

void churn_init(struct churn *churn, struct api_server *server, uint64_t seed, uint32_t first, uint32_t count)
{
	*churn = (struct churn){.server = server, .random = seed, .first = first, .count = count};
	churn->services = memory_resize(NULL, count, sizeof(*churn->services));
	for (uint32_t i = 0; i < count; i++) {
		churn->services[i] = (struct churn_service){.sketch.number = first + i};
		come(churn, &churn->services[i]);
	}
}

void churn_done(struct churn *churn)
{
	text_done(&churn->text);
	free(churn->services);
	churn->services = NULL;
}
