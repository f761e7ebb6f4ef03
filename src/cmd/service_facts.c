#include "service_facts.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct service_fact {
	struct service_health_port health; /* port 0: none */
	bool no_local_internal[2], no_local_external[2];
	UT_hash_handle hh;
	char key[]; /* "namespace/name", and both apart behind it */
};

static struct service_fact *new_fact(const char *key, const struct object_name *name)
{
	size_t key_size = strlen(key) + 1, namespace_size = strlen(name->namespace) + 1;
	struct service_fact *fact = memory_alloc(sizeof(*fact) + 2 * key_size + 1);
	memcpy(fact->key, key, key_size);
	char *namespace = fact->key + key_size;
	memcpy(namespace, name->namespace, namespace_size);
	fact->health.namespace = namespace;
	fact->health.name = strcpy(namespace + namespace_size, name->name);
	return fact;
}

/* Takes what the Service counts for out of the sums, or puts it in. */
static void account(struct service_facts *facts, const struct service_fact *fact, bool in)
{
	size_t one = in ? 1 : (size_t)-1;
	for (unsigned f = 0; f < 2; f++) {
		facts->no_local_internal[f] += fact->no_local_internal[f] ? one : 0;
		facts->no_local_external[f] += fact->no_local_external[f] ? one : 0;
	}
}

static bool worth_keeping(const struct fragment *fragment)
{
	return fragment != NULL && (fragment->health_check_node_port != 0 || fragment->no_local_internal[0] ||
	                            fragment->no_local_internal[1] || fragment->no_local_external[0] ||
	                            fragment->no_local_external[1]);
}

static void forget(struct service_facts *facts, struct service_fact *fact)
{
	account(facts, fact, false);
	facts->changes += fact->health.port != 0;
	HASH_DEL(facts->by_name, fact);
	free(fact);
}

static void fill(struct service_facts *facts, struct service_fact *fact, const struct fragment *fragment)
{
	struct service_health_port before = fact->health;
	fact->health.port = fragment->health_check_node_port;
	memcpy(fact->health.local_endpoints, fragment->local_ready_endpoints,
	       sizeof(fact->health.local_endpoints));
	memcpy(fact->no_local_internal, fragment->no_local_internal, sizeof(fact->no_local_internal));
	memcpy(fact->no_local_external, fragment->no_local_external, sizeof(fact->no_local_external));
	facts->changes += before.port != fact->health.port ||
	                  memcmp(before.local_endpoints, fact->health.local_endpoints,
	                         sizeof(before.local_endpoints)) != 0;
}

void service_facts_put(struct service_facts *facts, struct object_name name, const struct fragment *fragment)
{
	auto_free char *key = NULL;
	if (asprintf(&key, "%s/%s", name.namespace, name.name) < 0)
		abort();
	struct service_fact *fact;
	HASH_FIND_STR(facts->by_name, key, fact);
	if (!worth_keeping(fragment)) {
		if (fact != NULL)
			forget(facts, fact);
		return;
	}
	if (fact == NULL) {
		fact = new_fact(key, &name);
		HASH_ADD_KEYPTR(hh, facts->by_name, fact->key, strlen(fact->key), fact);
	}
	account(facts, fact, false);
	fill(facts, fact, fragment);
	account(facts, fact, true);
}

void service_facts_done(struct service_facts *facts)
{
	while (facts->by_name != NULL)
		forget(facts, facts->by_name);
}

static int by_name(const void *a, const void *b)
{
	const struct service_health_port *first = a, *second = b;
	int order = strcmp(first->namespace, second->namespace);
	return order != 0 ? order : strcmp(first->name, second->name);
}

size_t service_facts_health_ports(const struct service_facts *facts, struct arena *arena,
                                  struct service_health_port **ret_ports)
{
	size_t count = 0;
	struct service_health_port *ports =
	        arena_new_array(arena, HASH_COUNT(facts->by_name), struct service_health_port);
	for (const struct service_fact *fact = facts->by_name; fact != NULL; fact = fact->hh.next)
		if (fact->health.port != 0)
			ports[count++] = fact->health;
	if (count > 0)
		qsort(ports, count, sizeof(*ports), by_name);
	*ret_ports = ports;
	return count;
}
