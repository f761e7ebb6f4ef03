/*
 * A Service, its slices and its node, told in lines; what plan_service() makes of them, in lines.
 *
 *	service default/web           default/web unless said
 *	type NodePort                 ClusterIP unless said
 *	cluster-ip 10.0.0.1 fd00::1   with ipFamilies to match; "None"; without the line: absent
 *	families IPv6 IPv4            instead of those; "families" alone: no ipFamilies, as old Services
 *	port http TCP 80 30080        the node port may be left out; "-" is a port without name
 *	external-ip ADDRESS...        ingress ADDRESS...     ingress-proxy ADDRESS...     range CIDR...
 *	internal-local, external-local, selector, other-proxy
 *	affinity SECONDS              health-check PORT
 *	scheduler NAME                flags TEXT          the annotations; "flags" alone is an empty one
 *	slice IPv4                    what follows is in it; "slice IPv4 mirrored"; "slice FQDN"
 *	slice-port http TCP 8080      "?": no name given; port 0: none given
 *	endpoint ADDRESS WORD...      ready, serving, not terminating, elsewhere unless a word says otherwise:
 *	                              local, node=NAME, unready, serving (only that), serving-terminating, terminating,
 *	                              zones=a,b nodes=x,y; ADDRESS "-": none
 *	node NAME ZONE                test-node unless said; "-" is none
 *	address INTERFACE ADDRESS...  the node's; the dummy interface is kube-ipvs0
 *	node-ip ADDRESS...            node-ports CIDR... or node-ports primary
 *	option-scheduler NAME         rr unless said
 *	option-without-ipv6           the host has no IPv6
 *	option-without-external-ips   --allow-external-ips=false
 */
#ifndef KUBE_IPVS_TEST_UNIT_PLAN_SCENARIO_H
#define KUBE_IPVS_TEST_UNIT_PLAN_SCENARIO_H

#include "base/arena.h"
#include "base/text.h"
#include "plan/node_view.h"
#include "plan/service_plan.h"

enum { SCENARIO_SLICES = 8, SCENARIO_PARTS = 32 };

struct scenario {
	struct arena arena;
	struct service service;
	struct slice slices[SCENARIO_SLICES];
	const struct slice *slice_list[SCENARIO_SLICES];
	size_t slice_count;
	struct plan_options options;
	const char *node_name, *zone;
	struct interface_address interfaces[SCENARIO_PARTS];
	size_t interface_count;
	struct address node_ips[SCENARIO_PARTS];
	size_t node_ip_count;
	struct cidr node_port_cidrs[SCENARIO_PARTS];
	struct node_port_rule node_ports;
	struct node_view node;
	struct fragment fragment;
};

/* Reads the lines of all texts in turn (NULL ends them), builds the node view and plans. Fails the test on a
 * line that it does not know. */
void scenario_plan(struct scenario *scenario, const char *const *texts);
void scenario_done(struct scenario *scenario);

/* What of a fragment to print. */
enum scenario_part {
	SHOW_SERVERS = 1, /* "TCP 10.0.0.1:80 rr -> 10.0.1.1:80 10.0.1.2:80" */
	SHOW_HELD = 2,    /* "held 10.0.0.1" */
	/* "hairpin 10.0.1.1", "port TCP 10.0.0.1:80 reject"; of held addresses only those that are not guarded */
	SHOW_FILTER = 4,
	SHOW_HAIRPINS = 8, /* only those of the filter elements */
	SHOW_NO_LOCAL = 16,
	SHOW_WARNINGS = 32,
	SHOW_LEAVING = 128,    /* "leaving TCP 10.0.0.1:80 -> 10.0.1.1:80"; not part of SHOW_ALL */
	SHOW_LOCAL_READY = 64, /* "local-ready 2 1": IPv4 and IPv6; not part of SHOW_ALL */
	SHOW_ALL = SHOW_SERVERS | SHOW_HELD | SHOW_FILTER | SHOW_NO_LOCAL | SHOW_WARNINGS,
};
void fragment_print(const struct fragment *fragment, unsigned parts, struct text *text);
void real_servers_print(const struct real_server *servers, size_t count, struct text *text);

/* Plans the scenario of the lines in `given` and `more` (NULL: none), and compares. */
void plan_must_be(const char *file, int line, const char *given, const char *more, unsigned parts,
                  const char *wanted);
#define ck_assert_plan(given, parts, wanted) \
	plan_must_be(__FILE__, __LINE__, (given), NULL, (parts), (wanted))
#define ck_assert_plan_with(given, more, parts, wanted) \
	plan_must_be(__FILE__, __LINE__, (given), (more), (parts), (wanted))

#endif
