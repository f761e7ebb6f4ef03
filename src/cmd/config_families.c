#include "config_families.h"

#include <stdio.h>
#include <string.h>

struct check {
	const struct config *config;
	const struct config_families *families;
	enum family wrong; /* the one that is not the primary */
	void (*tell)(void *context, bool fatal, const char *sentence);
	void *context;
	bool fatal;
};

static bool has_family(const struct cidr *cidrs, size_t count, enum family family)
{
	for (size_t i = 0; i < count; i++)
		if (cidrs[i].base.family == family)
			return true;
	return false;
}

static bool are_all_wrong(const struct check *check, const struct cidr *cidrs, size_t count)
{
	return count > 0 && !has_family(cidrs, count, check->families->primary);
}

static void tell_wrong(struct check *check, const char *what, bool fatal)
{
	char sentence[256];
	enum family primary = check->families->primary;
	snprintf(sentence, sizeof(sentence), "%s: only %s there, but this node %s %s; add its %s counterpart",
	         what, family_name(check->wrong), check->families->dual_stack ? "prefers" : "has nothing but",
	         family_name(primary), family_name(primary));
	check->fatal |= fatal;
	check->tell(check->context, fatal, sentence);
}

/* CIDRs that tell local traffic: fatal where the host has no other family and nothing else tells it. */
static void check_pods(struct check *check)
{
	const struct config *config = check->config;
	const struct config_families *families = check->families;
	bool alone = !families->dual_stack;
	if (are_all_wrong(check, config->cluster_cidrs.items, config->cluster_cidrs.count))
		tell_wrong(check, "--cluster-cidr", alone && config->local_mode == DETECT_CLUSTER_CIDR);
	if (are_all_wrong(check, families->pod_cidrs, families->pod_cidr_count))
		tell_wrong(check, "the Node's podCIDRs", alone && config->local_mode == DETECT_NODE_CIDR);
}

/* The unspecified address is every one, and a loopback interface has its own of both families. */
static void check_listening(struct check *check, const char *flag, const char *text)
{
	struct address address;
	uint16_t port;
	if (config_split_address(text, &address, &port) && address.family == check->wrong &&
	    !address_is_unspecified(&address) && !address_is_loopback(&address))
		tell_wrong(check, flag, false);
}

/* Only where the other family is not there at all. */
static void check_others(struct check *check)
{
	const struct config *config = check->config;
	if (check->families->dual_stack)
		return;
	if (are_all_wrong(check, config->excluded.items, config->excluded.count))
		tell_wrong(check, "--ipvs-exclude-cidrs", false);
	check_listening(check, "--healthz-bind-address", config->healthz_bind_address);
	check_listening(check, "--metrics-bind-address", config->metrics_bind_address);
}

static bool names_both(const struct cidr *cidrs, size_t count)
{
	return has_family(cidrs, count, FAMILY_IPV4) && has_family(cidrs, count, FAMILY_IPV6);
}

static void check_node_ports(struct check *check)
{
	const struct config *config = check->config;
	const struct config_families *families = check->families;
	const struct cidr_list *cidrs = &config->node_ports.cidrs;
	bool dual_hints = names_both(config->cluster_cidrs.items, config->cluster_cidrs.count) ||
	                  names_both(families->pod_cidrs, families->pod_cidr_count);
	char sentence[256];
	if (config->node_ports.primary)
		return;
	if (cidrs->count == 0) {
		check->tell(
		        check->context, false,
		        "--nodeport-addresses: not given, so NodePorts are served on all addresses of this "
		        "node; consider --nodeport-addresses=primary");
		return;
	}
	enum family missing =
	        !has_family(cidrs->items, cidrs->count, families->primary) ? families->primary : check->wrong;
	bool matters = missing == families->primary || dual_hints;
	if (has_family(cidrs->items, cidrs->count, missing) || !matters)
		return;
	snprintf(sentence, sizeof(sentence),
	         "--nodeport-addresses: no range of it is %s, so NodePorts are served on all %s addresses of "
	         "this "
	         "node; add one",
	         family_name(missing), family_name(missing));
	check->tell(check->context, false, sentence);
}

bool config_check_families(const struct config *config, const struct config_families *families,
                           void (*tell)(void *context, bool fatal, const char *sentence), void *context)
{
	struct check check = {.config = config,
	                      .families = families,
	                      .wrong = families->primary == FAMILY_IPV6 ? FAMILY_IPV4 : FAMILY_IPV6,
	                      .tell = tell,
	                      .context = context};
	check_pods(&check);
	check_others(&check);
	check_node_ports(&check);
	return check.fatal;
}
