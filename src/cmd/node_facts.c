#include "node_facts.h"

#include <string.h>

void node_facts_init(struct node_facts *facts, const char *name, bool waits, bool needs_pod_cidrs,
                     int64_t now_ms)
{
	*facts = (struct node_facts){
	        .name = name,
	        .waits = waits,
	        .needs_pod_cidrs = needs_pod_cidrs,
	        .start_ms = now_ms,
	};
}

void node_facts_done(struct node_facts *facts)
{
	node_free(facts->node);
	node_free(facts->began);
	facts->node = facts->began = NULL;
}

void node_facts_told(struct node_facts *facts, int64_t now_ms)
{
	if (!facts->told)
		facts->told_ms = now_ms;
	facts->told = true;
}

const struct node *node_facts_node(const struct node_facts *facts)
{
	return facts->node;
}

static bool is_eligible(const struct node *node)
{
	return !node->deleting && !node->to_be_deleted;
}

bool node_facts_eligible(const struct node_facts *facts)
{
	return !facts->node || is_eligible(facts->node);
}

/* ---- changes */

static const struct node unknown = {0};

static const struct node *known_or_empty(const struct node *node)
{
	return node ? node : &unknown;
}

static void detect_ips(const struct node *node, struct node_ips *ips)
{
	const struct address none = {.family = FAMILY_NONE};
	node_ips_detect(&none, node->addresses, node->address_count, ips);
}

static bool same_ips(const struct node *a, const struct node *b)
{
	struct node_ips of_a, of_b;
	detect_ips(a, &of_a);
	detect_ips(b, &of_b);
	return of_a.primary == of_b.primary && address_equal(&of_a.ips[0], &of_b.ips[0]) &&
	       address_equal(&of_a.ips[1], &of_b.ips[1]);
}

/* R1.34: an empty label is another thing than none. */
static bool same_zone(const struct node *a, const struct node *b)
{
	return a->zone && b->zone ? strcmp(a->zone, b->zone) == 0 : a->zone == b->zone;
}

/* R1.36: the order counts. */
static bool same_pod_cidrs(const struct node *a, const struct node *b)
{
	if (a->pod_cidr_count != b->pod_cidr_count)
		return false;
	for (uint32_t i = 0; i < a->pod_cidr_count; i++)
		if (!address_equal(&a->pod_cidrs[i].base, &b->pod_cidrs[i].base) ||
		    a->pod_cidrs[i].prefix_bits != b->pod_cidrs[i].prefix_bits)
			return false;
	return true;
}

static unsigned compare(const struct node *before, const struct node *after)
{
	unsigned changes = 0;
	changes |= same_ips(before, after) ? 0 : NODE_IPS_CHANGED;
	changes |= same_zone(before, after) ? 0 : NODE_ZONE_CHANGED;
	changes |= is_eligible(before) == is_eligible(after) ? 0 : NODE_ELIGIBILITY_CHANGED;
	changes |= same_pod_cidrs(before, after) ? 0 : NODE_POD_CIDRS_CHANGED;
	return changes;
}

static void say_ips(const struct node *node, struct text *said)
{
	struct node_ips ips;
	char first[ADDRESS_TEXT_SIZE], second[ADDRESS_TEXT_SIZE];
	detect_ips(node, &ips);
	bool swapped = ips.primary == FAMILY_IPV6;
	if (address_is_loopback(&ips.ips[swapped])) {
		text_add(said, "it has no IP");
		return;
	}
	address_format(&ips.ips[swapped], first);
	address_format(&ips.ips[!swapped], second);
	if (address_is_loopback(&ips.ips[!swapped]))
		text_addf(said, "its IP is %s", first);
	else
		text_addf(said, "its IPs are %s and %s", first, second);
}

static void say_zone(const struct node *node, struct text *said)
{
	if (node->zone && *node->zone)
		text_addf(said, "its zone is %s", node->zone);
	else
		text_add(said, "it has no zone");
}

static void say_eligibility(const struct node *node, struct text *said)
{
	text_add(said, node->deleting        ? "it is being deleted"
	               : node->to_be_deleted ? "it is about to be deleted by the autoscaler"
	                                     : "it stays after all");
}

static void say_pod_cidrs(const struct node *node, struct text *said)
{
	char cidr[CIDR_TEXT_SIZE];
	if (!node->pod_cidr_count)
		text_add(said, "it has no pod CIDRs");
	for (uint32_t i = 0; i < node->pod_cidr_count; i++) {
		cidr_format(&node->pod_cidrs[i], cidr);
		text_addf(said, "%s%s",
		          i                          ? ", "
		          : node->pod_cidr_count > 1 ? "its pod CIDRs are "
		                                     : "its pod CIDR is ",
		          cidr);
	}
}

static const struct {
	enum node_change change;
	void (*say)(const struct node *node, struct text *said);
} sayings[] = {
        {NODE_IPS_CHANGED, say_ips},
        {NODE_ZONE_CHANGED, say_zone},
        {NODE_ELIGIBILITY_CHANGED, say_eligibility},
        {NODE_POD_CIDRS_CHANGED, say_pod_cidrs},
};

static void say(const struct node_facts *facts, unsigned changes, struct text *said)
{
	const char *before = ": ";
	if (!said || !changes)
		return;
	text_addf(said, "node %s", facts->name);
	if (changes & NODE_APPEARED) {
		text_add(said, ": its Node is there");
		before = "; ";
	}
	for (size_t i = 0; i < sizeof(sayings) / sizeof(*sayings); i++) {
		if (!(changes & sayings[i].change))
			continue;
		text_add(said, before);
		sayings[i].say(facts->node, said);
		before = "; ";
	}
	if (changes & NODE_GONE)
		text_add(said, ": its Node is gone; what it told last stays in force");
	if (changes & NODE_MUST_END)
		text_add(said, "; with --detect-local-mode=NodeCIDR that needs a restart");
}

unsigned node_facts_update(struct node_facts *facts, const struct node *node, struct text *said)
{
	unsigned changes = 0;
	if (!node) {
		changes = facts->node && !facts->gone ? NODE_GONE : 0;
		facts->gone = facts->node != NULL;
		say(facts, changes, said);
		return changes;
	}
	changes = compare(known_or_empty(facts->node), node);
	changes |= !facts->node || facts->gone ? NODE_APPEARED : 0;
	if (facts->running && facts->needs_pod_cidrs && !same_pod_cidrs(known_or_empty(facts->began), node))
		changes |= NODE_MUST_END;
	struct node *copy = node_new(node);
	node_free(facts->node);
	facts->node = copy;
	facts->gone = false;
	say(facts, changes, said);
	return changes;
}

/* ---- waiting */

static enum node_wait begin(struct node_facts *facts, enum node_wait answer)
{
	facts->running = true;
	facts->began = facts->node ? node_new(facts->node) : NULL;
	return answer;
}

static bool has_addresses(const struct node_facts *facts)
{
	return facts->node && facts->node->address_count > 0;
}

static bool has_pod_cidrs(const struct node_facts *facts)
{
	return facts->node && facts->node->pod_cidr_count > 0;
}

/* R1.32's texts, and what to do. */
static enum node_wait fail(const struct node_facts *facts, struct fault *fault)
{
	if (facts->node)
		fault_set(
		        fault, NULL,
		        "node %s: timeout waiting for PodCIDR allocation on node \"%s\"; let the controller "
		        "manager allocate node CIDRs, or choose another --detect-local-mode",
		        facts->name, facts->name);
	else
		fault_set(fault, NULL,
		          "node %s: timeout waiting for node \"%s\" to exist; name the Node of this machine "
		          "with --hostname-override, or choose another --detect-local-mode",
		          facts->name, facts->name);
	return NODE_FAILS;
}

/* Not before the Nodes are known: that an API server is away is no fault of the Node's. */
static enum node_wait wait_for_pod_cidrs(const struct node_facts *facts, int64_t now_ms, int64_t *ret_wait_ms,
                                         struct fault *fault)
{
	int64_t left_ms = facts->told ? facts->told_ms + NODE_POD_PATIENCE_MS - now_ms : NODE_POD_PATIENCE_MS;
	if (left_ms <= 0)
		return fail(facts, fault);
	*ret_wait_ms = left_ms;
	return NODE_WAITS;
}

static enum node_wait go_without(struct node_facts *facts, struct fault *fault)
{
	fault_set(fault, NULL,
	          facts->node ? "node %s: its Node has no addresses after %lld s; going on without them"
	                      : "node %s: there is no Node of this name after %lld s; going on without it "
	                        "(--hostname-override names another)",
	          facts->name, (long long)NODE_PATIENCE_MS / 1000);
	return begin(facts, NODE_GOES_WITHOUT);
}

enum node_wait node_facts_wait(struct node_facts *facts, int64_t now_ms, int64_t *ret_wait_ms,
                               struct fault *fault)
{
	int64_t left_ms = facts->start_ms + NODE_PATIENCE_MS - now_ms;
	*ret_wait_ms = 0;
	if (facts->running)
		return NODE_GOES;
	if (!facts->waits)
		return begin(facts, NODE_GOES);
	if (facts->needs_pod_cidrs && !has_pod_cidrs(facts))
		return wait_for_pod_cidrs(facts, now_ms, ret_wait_ms, fault);
	if (has_addresses(facts))
		return begin(facts, NODE_GOES);
	if (left_ms <= 0)
		return go_without(facts, fault);
	*ret_wait_ms = left_ms;
	return NODE_WAITS;
}
