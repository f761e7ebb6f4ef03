/*
 * kube-proxy has these chains and jumps in the lists that it cleans up by (pkg/proxy/ipvs/proxier.go: iptablesJumpChain,
 * iptablesChains), and makes one more chain to notice when all are flushed (pkg/proxy/iptables: KUBE-PROXY-CANARY).
 *
 * Not here, for kubelet makes them or made them (pkg/kubelet/kubelet_network_linux.go), and other programs look for them:
 * KUBE-FIREWALL, KUBE-MARK-DROP, KUBE-KUBELET-CANARY, KUBE-IPTABLES-HINT. Nor is what belongs to other modes of kube-proxy:
 * KUBE-SVC-*, KUBE-SEP-* and the like.
 */
#include "kube_proxy_chains.h"

#include <errno.h>
#include <string.h>

const struct own_table own_tables[OWN_TABLES] = {
        {"nat",
         {"KUBE-SERVICES", "KUBE-POSTROUTING", "KUBE-NODE-PORT", "KUBE-LOAD-BALANCER", "KUBE-MARK-MASQ",
          "KUBE-PROXY-CANARY"}},
        {"filter",
         {"KUBE-FORWARD", "KUBE-NODE-PORT", "KUBE-PROXY-FIREWALL", "KUBE-SOURCE-RANGES-FIREWALL",
          "KUBE-IPVS-FILTER", "KUBE-IPVS-OUT-FILTER", "KUBE-PROXY-CANARY"}},
        {"mangle", {"KUBE-PROXY-CANARY"}},
};

/* R7.8 */
static const struct jump {
	const char *table, *from, *to, *comment;
} jumps[] = {
        {"nat", "PREROUTING", "KUBE-SERVICES", "kubernetes service portals"},
        {"nat", "OUTPUT", "KUBE-SERVICES", "kubernetes service portals"},
        {"nat", "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules"},
        {"filter", "INPUT", "KUBE-IPVS-FILTER", "kubernetes ipvs access filter"},
        {"filter", "INPUT", "KUBE-PROXY-FIREWALL", "kube-proxy firewall rules"},
        {"filter", "INPUT", "KUBE-NODE-PORT", "kubernetes health check rules"},
        {"filter", "FORWARD", "KUBE-PROXY-FIREWALL", "kube-proxy firewall rules"},
        {"filter", "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules"},
        {"filter", "OUTPUT", "KUBE-IPVS-OUT-FILTER", "kubernetes ipvs access filter"},
};

const struct own_table *own_table_find(const char *name)
{
	for (int i = 0; i < OWN_TABLES; i++)
		if (strcmp(own_tables[i].name, name) == 0)
			return &own_tables[i];
	return NULL;
}

int own_chain_find(const struct own_table *own, const char *name)
{
	for (int i = 0; i < OWN_CHAINS_MOST && own->chains[i]; i++)
		if (strcmp(own->chains[i], name) == 0)
			return i;
	return NO_CHAIN;
}

bool own_jump(const struct own_table *own, const char *from, int to, const char *comment)
{
	for (size_t i = 0; comment && i < sizeof(jumps) / sizeof(*jumps); i++)
		if (strcmp(jumps[i].table, own->name) == 0 && strcmp(jumps[i].from, from) == 0 &&
		    strcmp(jumps[i].to, own->chains[to]) == 0 && strcmp(jumps[i].comment, comment) == 0)
			return true;
	return false;
}

void chain_table_done(struct chain_table *table)
{
	vector_done(&table->rules);
}

bool chain_table_is_empty(const struct chain_table *table)
{
	for (int i = 0; i < OWN_CHAINS_MOST; i++)
		if (table->present[i])
			return false;
	return true;
}

/* Keeps the chain that the rule leads to, if the rule itself stays. True: that is news. */
static bool keep_by(struct chain_table *table, const struct leading_rule *rule)
{
	int from = own_chain_find(table->own, rule->chain);
	bool stays = from == NO_CHAIN ? !rule->own : table->kept_by[from] != NULL;
	if (!stays || table->kept_by[rule->to])
		return false;
	table->kept_by[rule->to] = rule->chain;
	return true;
}

void chain_table_decide(struct chain_table *table)
{
	for (bool news = true; news;) {
		news = false;
		vector_for_each (&table->rules, rule)
			news |= keep_by(table, rule);
	}
}

void chain_table_count(const struct chain_table *table, struct kube_proxy_traces *traces)
{
	for (int i = 0; i < OWN_CHAINS_MOST; i++)
		traces->chains += table->present[i];
	for (size_t i = 0; i < table->rules.count; i++)
		traces->jumps += table->rules.items[i].own;
}

/* ---- reports */

void report_add(struct kube_proxy_report *report, enum kube_proxy_fate fate, const char *what,
                const char *why)
{
	vector_push(&report->items, (struct kube_proxy_item){.fate = fate, .what = what, .why = why});
	report->counts[fate]++;
}

const char *report_reason(int error, struct arena *arena)
{
	if (error == -EPERM || error == -EACCES)
		return "no permission; run as root (in a container: privileged)";
	return arena_copy_text(arena, strerror(-error));
}

static void report_rules(const struct chain_table *table, const char *where, enum kube_proxy_fate fate,
                         const char *why, struct arena *arena, struct kube_proxy_report *report)
{
	for (size_t i = 0; i < table->rules.count; i++) {
		const struct leading_rule *rule = &table->rules.items[i];
		if (rule->own)
			report_add(report, fate,
			           arena_format(arena, "jump from %s to %s of the table %s", rule->chain,
			                        table->own->chains[rule->to], where),
			           why);
	}
}

void chain_table_report(const struct chain_table *table, const char *backend, int error, const char *words,
                        struct arena *arena, struct kube_proxy_report *report)
{
	enum kube_proxy_fate fate = error ? KUBE_PROXY_FAILED : KUBE_PROXY_REMOVED;
	const char *why = error && words ? words : error ? report_reason(error, arena) : NULL;
	const char *where = arena_format(arena, "%s %s%s", table->family == FAMILY_IPV4 ? "ip" : "ip6",
	                                 table->own->name, backend);
	report_rules(table, where, fate, why, arena, report);
	for (int i = 0; i < OWN_CHAINS_MOST; i++) {
		if (!table->present[i])
			continue;
		const char *what =
		        arena_format(arena, "chain %s of the table %s", table->own->chains[i], where);
		if (table->kept_by[i])
			report_add(
			        report, KUBE_PROXY_LEFT, what,
			        arena_format(arena, "a rule of the chain %s leads to it", table->kept_by[i]));
		else
			report_add(report, fate, what, why);
	}
}
