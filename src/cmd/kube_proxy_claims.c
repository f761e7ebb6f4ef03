#include "kube_proxy_claims.h"

#include "node_name.h"

#include <string.h>

static bool is_node_address(const struct kube_proxy_claims *claims, const struct address *address)
{
	for (size_t i = 0; i < claims->host_count; i++)
		if (strcmp(claims->host[i].interface, DUMMY_INTERFACE) != 0 &&
		    address_equal(&claims->host[i].address, address))
			return true;
	return false;
}

static bool is_external(const struct kube_proxy_claims *claims, const struct virtual_server_key *key)
{
	for (size_t i = 0; i < claims->external_count; i++)
		if (virtual_server_key_compare(&claims->external[i], key) == 0)
			return true;
	return false;
}

static bool is_masqueraded(const struct virtual_server *server)
{
	for (size_t i = 0; i < server->real_server_count; i++)
		if (server->real_servers[i].forwarding != FORWARD_MASQUERADE)
			return false;
	return true;
}

static bool is_claimed(const struct kube_proxy_claims *claims, const struct virtual_server *server)
{
	const struct virtual_server_key *key = &server->key;
	bool node_port = key->port >= claims->node_ports.first && key->port <= claims->node_ports.last;
	return key->firewall_mark == 0 && (node_port || is_external(claims, key)) && is_masqueraded(server) &&
	       is_node_address(claims, &key->address) &&
	       !cidrs_contain(claims->excluded, claims->excluded_count, &key->address);
}

size_t kube_proxy_claims_find(const struct kube_proxy_claims *claims, const struct state *present,
                              struct arena *arena, struct virtual_server_key **ret_keys)
{
	size_t count = 0;
	*ret_keys = arena_new_array(arena, present->virtual_server_count, struct virtual_server_key);
	for (size_t i = 0; i < present->virtual_server_count; i++)
		if (is_claimed(claims, &present->virtual_servers[i]))
			(*ret_keys)[count++] = present->virtual_servers[i].key;
	return count;
}
