/*
 * Which virtual servers beside those on kube-ipvs0 count as kube-proxy's.
 */
#include "kube_proxy_claims.h"
#include "support.h"

#include "base/text.h"

#include <string.h>

static struct arena arena;

static struct address address(const char *text)
{
	struct address parsed = {0};
	ck_assert_msg(address_parse(text, &parsed), "%s", text);
	return parsed;
}

static struct virtual_server_key key(uint8_t protocol, const char *text, uint16_t port)
{
	return (struct virtual_server_key){.address = address(text), .protocol = protocol, .port = port};
}

static const struct real_server masqueraded = {.weight = 1, .forwarding = FORWARD_MASQUERADE};
static const struct real_server routed = {.weight = 1, .forwarding = FORWARD_DIRECT_ROUTE};

/* `wanted`: the keys that are claimed, a line each. */
static void claimed_must_be(const struct kube_proxy_claims *claims, const struct virtual_server *servers,
                            size_t count, const char *wanted)
{
	struct state present = {.virtual_servers = servers, .virtual_server_count = count};
	struct virtual_server_key *keys = NULL;
	auto_text got = {0};
	size_t found = kube_proxy_claims_find(claims, &present, &arena, &keys);
	for (size_t i = 0; i < found; i++) {
		char text[VIRTUAL_SERVER_TEXT_SIZE];
		text_addf(&got, "%s\n", virtual_server_key_format(&keys[i], text));
	}
	ck_assert_texts("what is kube-proxy's", wanted, text_string(&got));
	arena_done(&arena);
}

static struct kube_proxy_claims node(struct interface_address host[static 4])
{
	host[0] = (struct interface_address){address("192.0.2.10"), "eth0"};
	host[1] = (struct interface_address){address("2001:db8::10"), "eth0"};
	host[2] = (struct interface_address){address("10.96.0.10"), "kube-ipvs0"};
	host[3] = (struct interface_address){address("192.0.2.11"), "eth0"};
	return (struct kube_proxy_claims){
	        .host = host, .host_count = 4, .node_ports = {.first = 30000, .last = 32767}};
}

START_TEST(node_ports_on_the_nodes_addresses_are)
{
	struct interface_address host[4];
	struct kube_proxy_claims claims = node(host);
	const struct virtual_server servers[] = {
	        {.key = key(PROTOCOL_TCP, "10.96.0.10", 30080), .real_servers = &masqueraded},
	        {.key = key(PROTOCOL_TCP, "192.0.2.10", 29999)},
	        {.key = key(PROTOCOL_TCP, "192.0.2.10", 30000)},
	        {.key = key(PROTOCOL_TCP, "192.0.2.10", 32767)},
	        {.key = key(PROTOCOL_TCP, "192.0.2.10", 32768)},
	        {.key = key(PROTOCOL_TCP, "198.51.100.1", 30080)},
	        {.key = key(PROTOCOL_UDP, "192.0.2.10", 30053)},
	        {.key = {.address = {.family = FAMILY_IPV4}, .firewall_mark = 7}},
	        {.key = key(PROTOCOL_SCTP, "2001:db8::10", 30080)},
	};
	claimed_must_be(&claims, servers, sizeof(servers) / sizeof(*servers),
	                "TCP 192.0.2.10:30000\nTCP 192.0.2.10:32767\nUDP 192.0.2.10:30053\n"
	                "SCTP [2001:db8::10]:30080\n");
}
END_TEST

START_TEST(external_addresses_of_the_node_that_it_knew_are)
{
	struct interface_address host[4];
	struct kube_proxy_claims claims = node(host);
	const struct virtual_server_key external[] = {key(PROTOCOL_TCP, "192.0.2.10", 80),
	                                              key(PROTOCOL_TCP, "198.51.100.1", 80)};
	const struct virtual_server servers[] = {
	        {.key = key(PROTOCOL_TCP, "192.0.2.10", 80)}, {.key = key(PROTOCOL_TCP, "192.0.2.10", 443)},
	        {.key = key(PROTOCOL_TCP, "192.0.2.11", 80)}, {.key = key(PROTOCOL_TCP, "198.51.100.1", 80)},
	        {.key = key(PROTOCOL_UDP, "192.0.2.10", 80)},
	};
	claims.external = external;
	claims.external_count = 2;
	claimed_must_be(&claims, servers, sizeof(servers) / sizeof(*servers), "TCP 192.0.2.10:80\n");
}
END_TEST

START_TEST(what_is_excluded_or_not_masqueraded_is_not)
{
	struct interface_address host[4];
	struct kube_proxy_claims claims = node(host);
	struct cidr excluded;
	const struct real_server mixed[] = {masqueraded, routed};
	const struct virtual_server servers[] = {
	        {.key = key(PROTOCOL_TCP, "192.0.2.10", 30080),
	         .real_servers = mixed,
	         .real_server_count = 2},
	        {.key = key(PROTOCOL_TCP, "192.0.2.10", 30081),
	         .real_servers = mixed,
	         .real_server_count = 1},
	        {.key = key(PROTOCOL_TCP, "192.0.2.11", 30080)},
	};
	ck_assert(cidr_parse("192.0.2.11/32", false, &excluded));
	claims.excluded = &excluded;
	claims.excluded_count = 1;
	claimed_must_be(&claims, servers, sizeof(servers) / sizeof(*servers), "TCP 192.0.2.10:30081\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd: kube-proxy's virtual servers");
	TCase *all = tcase_create("all");
	tcase_add_test(all, node_ports_on_the_nodes_addresses_are);
	tcase_add_test(all, external_addresses_of_the_node_that_it_knew_are);
	tcase_add_test(all, what_is_excluded_or_not_masqueraded_is_not);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
