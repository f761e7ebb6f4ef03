#include "model_reference.h"

#include "base/check.h"
#include "plan/node_ips.h"
#include "plan/service_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- planning everything */

void reference_view(const struct world *world, struct arena *arena, struct node_view *ret_view)
{
	static const struct node_port_rule all = {0};
	static const struct address no_bind_address = {0};
	static const struct node unknown = {0};
	struct interface_address *host =
	        arena_new_array(arena, WORLD_HOST_ADDRESSES, struct interface_address);
	const struct node *node = world_node(world, arena);
	struct node_ips ips;
	size_t count = world_host(world, host);
	if (!node)
		node = &unknown;
	node_ips_detect(&no_bind_address, node->addresses, node->address_count, &ips);
	node_view_build(WORLD_NODE_NAME, node->zone, host, count, "kube-ipvs0", ips.ips, 2, &all, arena,
	                ret_view);
}

static bool belongs(const struct slice *slice, const struct service *service)
{
	return slice && slice->service && strcmp(slice->service, service->name.name) == 0 &&
	       strcmp(slice->name.namespace, service->name.namespace) == 0;
}

static void plan(const struct world *world, const struct service *service, const struct node_view *view,
                 struct arena *arena, struct fragment *ret_fragment)
{
	const struct plan_options options = {.scheduler = "rr", .schedulers = known_schedulers};
	const struct slice **slices = arena_new_array(arena, WORLD_SLICES, const struct slice *);
	size_t count = 0;
	for (size_t i = 0; i < WORLD_SLICES; i++) {
		const struct slice *slice = world_slice(world, i, arena);
		if (belongs(slice, service))
			slices[count++] = slice;
	}
	plan_service(service, slices, count, view, &options, arena, ret_fragment);
}

/* ---- who has what */

/* What one Service says of one port: its virtual server, or an element of the filter for it. */
struct claim {
	struct virtual_server_key key;
	const struct service *owner;
	const struct virtual_server *server;
	const struct filter_element *element;
};

struct heap {
	vector_of(struct claim) claims;
	vector_of(struct address) held;
	vector_of(struct fake_filter_element) elements;
};

static int older_first(const struct service *a, const struct service *b)
{
	if (a->created_seconds != b->created_seconds) {
		if (a->created_seconds == 0 || b->created_seconds == 0)
			return a->created_seconds == 0 ? 1 : -1;
		return a->created_seconds < b->created_seconds ? -1 : 1;
	}
	char left[64], right[64];
	snprintf(left, sizeof(left), "%s/%s", a->name.namespace, a->name.name);
	snprintf(right, sizeof(right), "%s/%s", b->name.namespace, b->name.name);
	return strcmp(left, right);
}

static int by_port_then_age(const void *a, const void *b)
{
	const struct claim *left = a, *right = b;
	int order = virtual_server_key_compare(&left->key, &right->key);
	if (order == 0 && left->owner != right->owner)
		order = older_first(left->owner, right->owner);
	return order;
}

static int by_address(const void *a, const void *b)
{
	return address_compare(a, b);
}

static int by_name(const void *a, const void *b)
{
	const struct fake_filter_element *left = a, *right = b;
	int order = strcmp(left->set, right->set);
	return order ? order : strcmp(left->key, right->key);
}

/* ---- elements as nft writes them */

static void print_element(const struct filter_element *element, struct fake_filter_element *ret)
{
	static const char *const sets[] = {[FILTER_HELD_ADDRESS] = "held",
	                                   [FILTER_SERVICE_PORT] = "service-ports",
	                                   [FILTER_SOURCE_RANGE] = "source-ranges",
	                                   [FILTER_REDIRECT] = "redirects",
	                                   [FILTER_HAIRPIN] = "local-endpoints"};
	static const char *const chains[] = {[FILTER_MASQUERADE_OUTSIDERS] = "to-cluster-ip",
	                                     [FILTER_MASQUERADE] = "to-external",
	                                     [FILTER_KEEP_SOURCE] = "to-local",
	                                     [FILTER_DROP] = "to-elsewhere",
	                                     [FILTER_REJECT] = "to-nobody"};
	char address[ADDRESS_TEXT_SIZE], other[CIDR_TEXT_SIZE];
	*ret = (struct fake_filter_element){0};
	if (element->kind == FILTER_HEALTH_CHECK_PORT) {
		strcpy(ret->set, "health-check-ports");
		snprintf(ret->key, sizeof(ret->key), "%u", element->port);
		return;
	}
	snprintf(ret->set, sizeof(ret->set), "%s-%c", sets[element->kind],
	         element->address.family == FAMILY_IPV6 ? '6' : '4');
	address_format(&element->address, address);
	if (element->kind == FILTER_HELD_ADDRESS) {
		strcpy(ret->key, address);
		return;
	}
	if (element->kind == FILTER_HAIRPIN) {
		snprintf(ret->key, sizeof(ret->key), "%s . %s", address, address);
		return;
	}
	int length = snprintf(ret->key, sizeof(ret->key), "%s . %s . %u", address,
	                      element->protocol == PROTOCOL_TCP   ? "tcp"
	                      : element->protocol == PROTOCOL_UDP ? "udp"
	                                                          : "sctp",
	                      element->port);
	if (element->kind == FILTER_SOURCE_RANGE) {
		cidr_format(&element->range, other);
		snprintf(ret->key + length, sizeof(ret->key) - (size_t)length, " . %s", other);
	} else if (element->kind == FILTER_REDIRECT) {
		address_format(&element->target, other);
		snprintf(ret->value, sizeof(ret->value), "%s . %u", other, element->target_port);
	} else {
		snprintf(ret->value, sizeof(ret->value), "goto %s%s", chains[element->verdict],
		         element->restricted ? "-restricted" : "");
	}
}

/* ---- the heap */

static bool of_a_port(const struct filter_element *element)
{
	return element->kind == FILTER_SERVICE_PORT || element->kind == FILTER_SOURCE_RANGE ||
	       element->kind == FILTER_REDIRECT;
}

static void throw_in(struct heap *heap, const struct service *owner, const struct state *state)
{
	for (size_t i = 0; i < state->virtual_server_count; i++)
		vector_push(&heap->claims, (struct claim){state->virtual_servers[i].key, owner,
		                                          &state->virtual_servers[i], NULL});
	for (size_t i = 0; i < state->held_count; i++)
		vector_push(&heap->held, state->held[i]);
	for (size_t i = 0; i < state->filter_count; i++) {
		const struct filter_element *element = &state->filter[i];
		struct fake_filter_element shared;
		if (of_a_port(element)) {
			struct virtual_server_key key = {.address = element->address,
			                                 .protocol = element->protocol,
			                                 .port = element->port};
			vector_push(&heap->claims, (struct claim){key, owner, NULL, element});
			continue;
		}
		print_element(element, &shared);
		vector_push(&heap->elements, shared);
	}
}

/* The first of those who claim a port has it, with all that belongs to it. */
static void settle_claims(struct heap *heap, struct reference *reference)
{
	const struct claim *first = NULL;
	qsort(heap->claims.items, heap->claims.count, sizeof(*heap->claims.items), by_port_then_age);
	reference->servers =
	        arena_new_array(&reference->arena, heap->claims.count, const struct virtual_server *);
	reference->server_count = 0;
	vector_for_each (&heap->claims, claim) {
		struct fake_filter_element element;
		if (!first || virtual_server_key_compare(&first->key, &claim->key) != 0)
			first = claim;
		if (claim->owner != first->owner)
			continue;
		if (claim->server) {
			reference->servers[reference->server_count++] = claim->server;
			continue;
		}
		print_element(claim->element, &element);
		vector_push(&heap->elements, element);
	}
}

static size_t sort_once(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	char *bytes = items;
	size_t kept = 0;
	if (count > 0)
		qsort(items, count, size, compare);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || compare(bytes + (kept - 1) * size, bytes + i * size) != 0)
			memmove(bytes + kept++ * size, bytes + i * size, size);
	return kept;
}

static void *kept_in(struct arena *arena, const void *items, size_t count, size_t size)
{
	void *copy = arena_alloc_array(arena, count, size);
	if (count > 0)
		memcpy(copy, items, count * size);
	return copy;
}

void reference_build(struct reference *reference, const struct world *world)
{
	struct heap heap = {0};
	struct node_view view;
	arena_reset(&reference->arena);
	reference_view(world, &reference->arena, &view);
	for (size_t i = 0; i < WORLD_SERVICES; i++) {
		const struct service *service = world_service(world, i, &reference->arena);
		struct fragment fragment;
		if (!service)
			continue;
		plan(world, service, &view, &reference->arena, &fragment);
		throw_in(&heap, service, &fragment.state);
	}
	if (heap.claims.count > 0)
		settle_claims(&heap, reference);
	else
		reference->server_count = 0;
	reference->held_count =
	        sort_once(heap.held.items, heap.held.count, sizeof(*heap.held.items), by_address);
	reference->held =
	        kept_in(&reference->arena, heap.held.items, reference->held_count, sizeof(*heap.held.items));
	reference->element_count =
	        sort_once(heap.elements.items, heap.elements.count, sizeof(*heap.elements.items), by_name);
	reference->elements = kept_in(&reference->arena, heap.elements.items, reference->element_count,
	                              sizeof(*heap.elements.items));
	vector_done(&heap.claims);
	vector_done(&heap.held);
	vector_done(&heap.elements);
}

void reference_done(struct reference *reference)
{
	arena_done(&reference->arena);
	*reference = (struct reference){0};
}

/* ---- asking */

const struct virtual_server *reference_find_server(const struct reference *reference,
                                                   const struct virtual_server_key *key)
{
	for (size_t i = 0; i < reference->server_count; i++)
		if (virtual_server_key_compare(&reference->servers[i]->key, key) == 0)
			return reference->servers[i];
	return NULL;
}

bool reference_wants_real_server(const struct virtual_server *server, const struct real_server *real_server)
{
	for (size_t i = 0; i < server->real_server_count; i++)
		if (real_server_compare(&server->real_servers[i], real_server) == 0)
			return true;
	return false;
}

bool reference_drains(const struct reference *reference, const struct virtual_server_key *key)
{
	return key->protocol != PROTOCOL_UDP && reference_find_server(reference, key);
}

bool reference_holds(const struct reference *reference, const struct address *address)
{
	for (size_t i = 0; i < reference->held_count; i++)
		if (address_equal(&reference->held[i], address))
			return true;
	return false;
}

bool reference_has_element(const struct reference *reference, const char *set, const char *key)
{
	for (size_t i = 0; i < reference->element_count; i++)
		if (strcmp(reference->elements[i].key, key) == 0 &&
		    strcmp(reference->elements[i].set, set) == 0)
			return true;
	return false;
}

/* ---- comparing with the kernel */

static bool as_wanted(const struct virtual_server *wanted, const struct real_server *is)
{
	for (size_t i = 0; i < wanted->real_server_count; i++) {
		const struct real_server *other = &wanted->real_servers[i];
		if (real_server_compare(other, is) == 0)
			return other->weight == is->weight && other->forwarding == is->forwarding &&
			       other->upper_threshold == is->upper_threshold &&
			       other->lower_threshold == is->lower_threshold;
	}
	return false;
}

/* Nobody wants it, and it waits for its connections. */
static bool drains(const struct virtual_server *wanted, const struct real_server *is)
{
	return wanted->key.protocol != PROTOCOL_UDP && is->active_connections > 0 && is->weight == 0 &&
	       !reference_wants_real_server(wanted, is);
}

static bool same_real_servers(const struct virtual_server *wanted, struct fake_virtual_server *is)
{
	size_t found = 0;
	vector_for_each (&is->real_servers, real_server) {
		bool right = as_wanted(wanted, real_server);
		found += right;
		if (!right && !drains(wanted, real_server))
			return false;
	}
	return found == wanted->real_server_count;
}

static bool same_server(const struct virtual_server *wanted, struct fake_virtual_server *is)
{
	return strcmp(wanted->scheduler, is->server.scheduler) == 0 &&
	       (wanted->flags | VIRTUAL_SERVER_HASHED) == is->server.flags &&
	       wanted->timeout_seconds == is->server.timeout_seconds &&
	       wanted->netmask_bits == is->server.netmask_bits &&
	       strcmp(wanted->engine, is->server.engine) == 0 && same_real_servers(wanted, is);
}

static bool servers_agree(const struct reference *reference, struct strangers *strangers,
                          struct fake_kernel *fake)
{
	if (fake->virtual_servers.count != reference->server_count + strangers->servers.count)
		return false;
	vector_for_each (&fake->virtual_servers, is) {
		const struct virtual_server *wanted = reference_find_server(reference, &is->server.key);
		vector_for_each (&strangers->servers, stranger)
			if (virtual_server_key_compare(&stranger->key, &is->server.key) == 0)
				wanted = stranger;
		if (!wanted || !same_server(wanted, is))
			return false;
	}
	return true;
}

static bool held_agrees(const struct reference *reference, struct strangers *strangers,
                        struct fake_kernel *fake)
{
	if (fake->held.count != reference->held_count + strangers->held.count)
		return false;
	vector_for_each (&fake->held, address) {
		bool found = reference_holds(reference, address);
		vector_for_each (&strangers->held, stranger)
			found |= address_equal(stranger, address);
		if (!found)
			return false;
	}
	return true;
}

static bool filter_agrees(const struct reference *reference, struct fake_kernel *fake)
{
	size_t count = fake->filter.elements.count;
	if (count != reference->element_count)
		return false;
	vector_of(struct fake_filter_element) is = {0};
	vector_for_each (&fake->filter.elements, element)
		vector_push(&is, *element);
	bool same = true;
	sort_once(is.items, count, sizeof(*is.items), by_name);
	for (size_t i = 0; i < count && same; i++)
		same = by_name(&is.items[i], &reference->elements[i]) == 0 &&
		       strcmp(is.items[i].value, reference->elements[i].value) == 0;
	vector_done(&is);
	return same;
}

bool reference_agrees(const struct reference *reference, struct strangers *strangers,
                      struct fake_kernel *fake)
{
	return servers_agree(reference, strangers, fake) && held_agrees(reference, strangers, fake) &&
	       filter_agrees(reference, fake);
}

/* ---- as text */

struct lines {
	struct arena arena;
	vector_of(const char *) lines;
};

static int by_line(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	return strcmp(*left, *right);
}

static void print_sorted(struct lines *lines, struct text *text)
{
	if (lines->lines.count > 0)
		qsort(lines->lines.items, lines->lines.count, sizeof(*lines->lines.items), by_line);
	vector_for_each (&lines->lines, line)
		text_addf(text, "%s\n", *line);
	vector_done(&lines->lines);
	arena_done(&lines->arena);
}

static void add_server(struct lines *lines, const struct virtual_server *server,
                       const struct real_server *real_servers, size_t count)
{
	char name[VIRTUAL_SERVER_TEXT_SIZE], endpoint[ENDPOINT_TEXT_SIZE];
	virtual_server_key_format(&server->key, name);
	vector_push(&lines->lines,
	            arena_format(&lines->arena, "%s %s flags 0x%x timeout %u mask %u%s", name,
	                         server->scheduler, server->flags | VIRTUAL_SERVER_HASHED,
	                         server->timeout_seconds, server->netmask_bits, server->engine));
	for (size_t i = 0; i < count; i++) {
		endpoint_format(&real_servers[i].address, real_servers[i].port, endpoint);
		vector_push(&lines->lines,
		            arena_format(&lines->arena, "%s -> %s weight %u forwarding %u%s", name, endpoint,
		                         real_servers[i].weight, real_servers[i].forwarding,
		                         real_servers[i].active_connections ? ", has connections" : ""));
	}
}

static void add_held(struct lines *lines, const struct address *address)
{
	char name[ADDRESS_TEXT_SIZE];
	address_format(address, name);
	vector_push(&lines->lines, arena_format(&lines->arena, "held %s", name));
}

static void add_element(struct lines *lines, const struct fake_filter_element *element)
{
	vector_push(&lines->lines, arena_format(&lines->arena, "filter %s %s %s", element->set, element->key,
	                                        element->value));
}

void reference_print(const struct reference *reference, struct strangers *strangers, struct text *text)
{
	struct lines lines = {0};
	for (size_t i = 0; i < reference->server_count; i++)
		add_server(&lines, reference->servers[i], reference->servers[i]->real_servers,
		           reference->servers[i]->real_server_count);
	vector_for_each (&strangers->servers, server)
		add_server(&lines, server, NULL, 0);
	for (size_t i = 0; i < reference->held_count; i++)
		add_held(&lines, &reference->held[i]);
	vector_for_each (&strangers->held, address)
		add_held(&lines, address);
	for (size_t i = 0; i < reference->element_count; i++)
		add_element(&lines, &reference->elements[i]);
	print_sorted(&lines, text);
}

void reference_print_kernel(struct fake_kernel *fake, struct text *text)
{
	struct lines lines = {0};
	vector_for_each (&fake->virtual_servers, is)
		add_server(&lines, &is->server, is->real_servers.items, is->real_servers.count);
	vector_for_each (&fake->held, address)
		add_held(&lines, address);
	vector_for_each (&fake->filter.elements, element)
		add_element(&lines, element);
	print_sorted(&lines, text);
}
