/*
 * The packet filter as text for nft(8): our table, and changes to its elements. Pure.
 *
 * One table, `inet kube-ipvs`. What depends on Services is elements of its sets and maps, one family each ("-4", "-6");
 * what depends on the configuration is the rules, which never change while the daemon runs.
 *
 *	held-F             addresses on the dummy interface
 *	service-ports-F    address, protocol, port: the chain that new traffic goes to
 *	source-ranges-F    address, protocol, port, range: who may use a restricted port
 *	redirects-F        address, protocol, port: the cluster IP and port for clients inside
 *	local-endpoints-F  (endpoint, itself): traffic that left an endpoint and came back to it through a Service
 *	health-check-ports TCP ports
 */
#ifndef KUBE_IPVS_PLAN_FILTER_TEXT_H
#define KUBE_IPVS_PLAN_FILTER_TEXT_H

#include "base/text.h"
#include "plan/diff.h"
#include "plan/local_detector.h"
#include "plan/state.h"

#define FILTER_TABLE "kube-ipvs" /* of the family inet */

struct filter_rules {
	uint32_t masquerade_mark; /* one bit: such packets are masqueraded on their way out (R8.10) */
	bool masquerade_all;      /* also what local pods send to cluster IPs */
	bool answer_ping;         /* ICMP echo to held addresses is answered; else refused as any other */
	struct local_detector detectors[2]; /* [0] IPv4, [1] IPv6; their texts are borrowed */
};

/*
 * Commands that make the table, its sets, maps and chains where they are missing, and put these rules in the place of all
 * rules that its chains have. Elements stay. To be run as one transaction, again and again if need be.
 */
void filter_text_rules(const struct filter_rules *rules, struct text *text);

/*
 * Commands for the filter changes among these (CHANGE_FILTER_*), others are passed over: removals first, one command for
 * each set or map. An element that changes its content is removed and added. To be run as one transaction; the kernel
 * refuses all of it when an element to be removed is not there. Many changes may also be several transactions, in their
 * order: each change is whole by itself, and every beginning of the list is safe (plan/diff.h). libnftables takes 1 kB of
 * memory for an element, so a large first table is better done in parts.
 */
void filter_text_changes(const struct change *changes, size_t count, struct text *text);

/*
 * The set or map that holds elements like this one, and the chain that stands for its verdict. FILTER_MASQUERADE_OUTSIDERS is
 * never restricted: source ranges are for load-balancer addresses.
 */
const char *filter_set_name(const struct filter_element *element);
const char *filter_chain_name(enum filter_verdict verdict, bool restricted);
/* The reverse; false: no such chain of ours. */
bool filter_chain_parse(const char *name, enum filter_verdict *ret_verdict, bool *ret_restricted);

#endif
