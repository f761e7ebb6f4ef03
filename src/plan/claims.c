#include "claims.h"

#include "sorting.h"

static const char *const kind_words[] = {
        [CLAIM_CLUSTER_IP] = "a cluster IP",
        [CLAIM_EXTERNAL_IP] = "an external IP",
        [CLAIM_BALANCER_IP] = "a load-balancer IP",
        [CLAIM_NODE_PORT] = "a node port",
};

static int sort_claims(const void *a, const void *b)
{
	const struct claim *left = a, *right = b;
	int order = virtual_server_key_compare(&left->server.key, &right->server.key);
	if (order != 0)
		return order;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

static bool real_servers_equal(const struct virtual_server *a, const struct virtual_server *b)
{
	if (a->real_server_count != b->real_server_count)
		return false;
	if (a->real_servers == b->real_servers)
		return true;
	for (size_t i = 0; i < a->real_server_count; i++)
		if (real_server_compare(&a->real_servers[i], &b->real_servers[i]) != 0 ||
		    !real_server_same(&a->real_servers[i], &b->real_servers[i]))
			return false;
	return true;
}

static bool claims_equal(const struct claim *a, const struct claim *b)
{
	return virtual_server_same(&a->server, &b->server) && real_servers_equal(&a->server, &b->server) &&
	       a->verdict == b->verdict && a->restricted == b->restricted &&
	       a->redirect_port == b->redirect_port;
}

static void warn_of_loser(struct planning *planning, const struct claim *winner, const struct claim *loser)
{
	char key[VIRTUAL_SERVER_TEXT_SIZE];
	planning_warn(
	        planning,
	        "%s is asked for twice, as %s of %s and as %s of %s, and the two differ; the first has it",
	        virtual_server_key_format(&winner->server.key, key), kind_words[winner->kind],
	        winner->server.label, kind_words[loser->kind], loser->server.label);
}

void service_claims_settle(struct planning *planning, struct claims *claims)
{
	size_t kept = 0;
	sort_array(claims->items, claims->count, sizeof(*claims->items), sort_claims);
	for (size_t i = 0; i < claims->count; i++) {
		struct claim *claim = &claims->items[i], *winner = &claims->items[kept - (kept > 0)];
		if (kept == 0 || virtual_server_key_compare(&winner->server.key, &claim->server.key) != 0)
			claims->items[kept++] = *claim;
		else if (!claims_equal(winner, claim))
			warn_of_loser(planning, winner, claim);
	}
	claims->count = kept;
}
