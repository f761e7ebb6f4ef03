/*
 * The packet filter's rules, which follow from the configuration and the Node; and flows that lead nowhere any more.
 */
#include "daemon_private.h"

#include "apply/firewalls.h"
#include "apply/flows.h"
#include "plan/filter_text.h"

#include <string.h>

static void detect_local(const struct daemon *daemon, struct local_detector ret_detectors[static 2])
{
	const struct config *config = daemon->config;
	const struct node *node = node_facts_node(&daemon->node_facts);
	const struct local_detect_options options = {
	        .mode = config->local_mode,
	        .cluster_cidrs = config->cluster_cidrs.items,
	        .cluster_cidr_count = config->cluster_cidrs.count,
	        .bridge_interface = config->bridge_interface,
	        .interface_name_prefix = config->interface_name_prefix,
	};
	local_detectors_build(&options, node ? node->pod_cidrs : NULL, node ? node->pod_cidr_count : 0,
	                      ret_detectors);
}

/* No rule of ours can let through what they drop. */
static void warn_of_firewalls(const struct daemon *daemon)
{
	static const char *const what[] = {
	        [DROPS_INPUT] = "traffic to Services from outside ends there",
	        [DROPS_FORWARD] = "what endpoints answer ends there",
	};
	struct arena arena = {0};
	struct dropping_chain *chains = NULL;
	size_t count = 0;
	int e = firewalls_find(NULL, &arena, &chains, &count);
	if (e)
		log_warning(daemon->log,
		            "firewall: whether one drops what Services need could not be found out: %s",
		            strerror(-e));
	for (size_t i = 0; i < count; i++)
		log_warning(daemon->log,
		            "firewall: chain %s of the table %s %s has the policy drop: %s unless one of its "
		            "rules accepts it; kube-ipvs-proxy(8) has the rules to add under \"Firewalls of "
		            "the host\"",
		            chains[i].name, chains[i].family, chains[i].table, what[chains[i].hook]);
	arena_done(&arena);
}

int daemon_open_filter(struct daemon *daemon)
{
	struct filter_rules rules = {
	        .masquerade_mark = 1U << daemon->config->masquerade_bit,
	        .masquerade_all = daemon->config->masquerade_all,
	        .answer_ping = daemon->config->vip_ping,
	};
	struct fault fault = {0};
	bool repaired = false;
	auto_text text = {0};
	detect_local(daemon, rules.detectors);
	filter_text_rules(&rules, &text);
	kernel_use_filter(daemon->syncer.kernel, text_string(&text));
	int e = kernel_ensure_filter(daemon->syncer.kernel, &repaired, &fault);
	if (e)
		return daemon_say_fault(daemon, e, &fault);
	warn_of_firewalls(daemon);
	return 0;
}

/* ---- stale flows (R11) */

static void tell_metrics(struct daemon *daemon, const size_t removed[static 2], double seconds)
{
	for (unsigned f = 0; f < IP_FAMILIES; f++) {
		if (!daemon->families[f])
			continue;
		metric_observe(daemon->serving.metrics, METRIC_CONNTRACK_DURATION, f, seconds);
		metric_add(daemon->serving.metrics, METRIC_CONNTRACK_DELETED, f, (double)removed[f]);
	}
}

static void remove_stale(struct daemon *daemon, const struct flow_port *ports, size_t count)
{
	static const char subject[] = "connection tracking";
	struct fault fault = {0};
	size_t removed[IP_FAMILIES] = {0}, failed = 0;
	int64_t began = now_ns();
	int e = flows_remove_stale(ports, count, removed, &failed, &fault);
	tell_metrics(daemon, removed, (double)(now_ns() - began) / 1e9);
	if (removed[IPV4] + removed[IPV6] > 0)
		log_info(daemon->log, "%s: %zu flows to endpoints that serve no more were ended", subject,
		         removed[IPV4] + removed[IPV6]);
	if (e == 0 && failed > 0)
		fault_set(
		        &fault, NULL,
		        "%zu flows to endpoints that serve no more could not be ended; their clients may get "
		        "no answer until they pause",
		        failed);
	char text[FAULT_TEXT_SIZE];
	if (e || failed > 0)
		daemon_report_trouble(daemon, subject, fault_format(&fault, text));
	else
		daemon_report_trouble_over(daemon, subject);
}

void daemon_remove_stale_flows(struct daemon *daemon)
{
	struct arena arena = {0};
	struct flow_port *ports = NULL;
	size_t count = 0;
	planner_take_flows(&daemon->planner, &arena, &ports, &count);
	drains_keep_flows(&daemon->syncer.drains, &arena, ports, count);
	if (count > 0)
		remove_stale(daemon, ports, count);
	arena_done(&arena);
}
