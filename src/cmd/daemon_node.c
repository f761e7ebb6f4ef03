/*
 * What this node is: its Node object and its host's addresses. And when programming may begin.
 *
 * Nothing is written to the kernel before all sources have told everything, for what is missing from half a picture
 * would be removed; and not before the Node is known, for its zone and addresses decide where traffic goes, but
 * that only for a time (R1.32).
 */
#include "daemon_private.h"

#include "apply/host.h"
#include "config_families.h"

#include <event2/event.h>
#include <string.h>

int daemon_read_host(struct daemon *daemon)
{
	struct arena memory = {0};
	struct interface_address *addresses = NULL;
	size_t count = 0;
	int e = host_read_addresses(&memory, &addresses, &count);
	if (e) {
		arena_done(&memory);
		if (memo_put(&daemon->failures, "node addresses", strerror(-e)))
			log_error(daemon->log,
			          "node addresses: cannot be read: %s; those known stay in force",
			          strerror(-e));
		return e;
	}
	arena_done(&daemon->host_memory);
	daemon->host_memory = memory;
	daemon->host_addresses = addresses;
	daemon->host_address_count = count;
	daemon->host_stale = false;
	daemon->node_stale = true;
	return 0;
}

/* ---- where health-check node ports listen (R12.9) */

static bool of_dummy(const struct interface_address *present)
{
	return strcmp(present->interface, DUMMY_INTERFACE) == 0;
}

static bool has_range(const struct cidr_list *ranges, enum family family, bool *ret_all)
{
	bool any = false;
	for (size_t i = 0; i < ranges->count; i++) {
		if (ranges->items[i].base.family != family)
			continue;
		any = true;
		*ret_all |= ranges->items[i].prefix_bits == 0;
	}
	return any;
}

static void listen_on_ranges(struct daemon *daemon, const struct cidr_list *ranges)
{
	static const enum family families[IP_FAMILIES] = {FAMILY_IPV4, FAMILY_IPV6};
	bool any[IP_FAMILIES] = {false, false};
	struct arena arena = {0};
	struct address *addresses = arena_new_array(&arena, daemon->host_address_count, struct address);
	size_t count = 0;
	for (unsigned f = 0; f < IP_FAMILIES; f++)
		if (!has_range(ranges, families[f], &any[f]))
			any[f] = true; /* R9.2 */
	for (size_t i = 0; i < daemon->host_address_count; i++) {
		const struct interface_address *present = &daemon->host_addresses[i];
		if (!of_dummy(present) && cidrs_contain(ranges->items, ranges->count, &present->address))
			addresses[count++] = present->address;
	}
	service_health_listen_on(daemon->serving.service_health, daemon->families, any, addresses, count);
	arena_done(&arena);
}

static void place_service_health(struct daemon *daemon)
{
	static const bool none[IP_FAMILIES] = {false, false};
	const struct node_port_addresses *rule = &daemon->config->node_ports;
	const struct node_view *view = &daemon->planner.view;
	if (rule->primary)
		service_health_listen_on(daemon->serving.service_health, daemon->families, none,
		                         view->node_port_addresses, view->node_port_address_count);
	else
		listen_on_ranges(daemon, &rule->cidrs);
}

void daemon_refresh_node(struct daemon *daemon)
{
	daemon->node_stale = false;
	planner_refresh_node(&daemon->planner, daemon->host_addresses, daemon->host_address_count);
	place_service_health(daemon);
}

/* ---- the Node object */

void daemon_node_told(struct daemon *daemon, bool deleted)
{
	auto_text said = {0};
	const struct node *node =
	        deleted ? NULL : cluster_find_node(daemon->planner.cluster, daemon->node_name);
	unsigned changes = node_facts_update(&daemon->node_facts, node, &said);
	if (said.length > 0)
		log_write(daemon->log, changes & NODE_MUST_END ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "%s",
		          text_string(&said));
	if (changes & NODE_MUST_END) {
		daemon_fail(daemon);
		return;
	}
	if (changes == 0)
		return;
	daemon->node_stale = true;
	daemon_request_pass(daemon);
	daemon_try_to_begin(daemon);
}

/* Whether the Node's part is there; if not yet, asks again in time. */
static bool node_lets_begin(struct daemon *daemon)
{
	struct fault fault = {0};
	int64_t wait_ms = 0;
	char text[FAULT_TEXT_SIZE];
	switch (node_facts_wait(&daemon->node_facts, now_ms(), &wait_ms, &fault)) {
	case NODE_GOES_WITHOUT:
		log_warning(daemon->log, "%s", fault_format(&fault, text));
		return true;
	case NODE_GOES:
		return true;
	case NODE_WAITS:
		daemon_arm(daemon->node_wait, wait_ms);
		return false;
	case NODE_FAILS:
		daemon_say_fault(daemon, 0, &fault);
		daemon_fail(daemon);
		return false;
	}
	return false;
}

static void tell_families(void *context, bool fatal, const char *sentence)
{
	const struct daemon *daemon = context;
	log_write(daemon->log, fatal ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s", sentence);
}

/* R14.8, as far as it takes knowing the Node. False: with these settings it cannot work at all. */
static bool settings_fit(struct daemon *daemon)
{
	struct node_ips ips;
	const struct node *node = node_facts_node(&daemon->node_facts);
	node_ips_detect(&daemon->planner.bind_address, node ? node->addresses : NULL,
	                node ? node->address_count : 0, &ips);
	struct config_families families = {.primary = ips.primary,
	                                   .dual_stack = daemon->families[IPV4] && daemon->families[IPV6],
	                                   .pod_cidrs = node ? node->pod_cidrs : NULL,
	                                   .pod_cidr_count = node ? node->pod_cidr_count : 0};
	return !config_check_families(daemon->config, &families, tell_families, daemon);
}

void daemon_try_to_begin(struct daemon *daemon)
{
	if (daemon->open || daemon->status != 0 || !daemon_sources_complete(daemon) ||
	    !node_lets_begin(daemon))
		return;
	evtimer_del(daemon->node_wait);
	if (!settings_fit(daemon) || daemon_open_filter(daemon) != 0) {
		daemon_fail(daemon);
		return;
	}
	daemon_begin_takeover(daemon);
	daemon->open = true;
	daemon_run_whole_pass(daemon);
}

static void on_node_wait(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	daemon_try_to_begin(context);
}

/* ---- the host's addresses */

static void on_host_readable(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;
	struct host_news news;
	(void)fd, (void)what;
	int e = host_watch_read(daemon->host_watch, &news);
	if (e) {
		log_error(
		        daemon->log,
		        "node addresses: cannot be followed any more: %s; they are read every %lld s instead",
		        strerror(-e), (long long)daemon->config->sync_period_ms / 1000);
		event_del(daemon->host_readable);
		daemon->host_unwatched = true;
		return;
	}
	if (news.dummy_gone && daemon->open) {
		log_warning(daemon->log,
		            DUMMY_INTERFACE ": somebody removed it; it is made anew, with all its addresses");
		daemon->drift.interface_gone = daemon->drift.due = true;
	}
	daemon->drift.held_touched |= news.dummy_touched;
	daemon->host_stale |= news.addresses_changed;
	daemon->drift.due |= news.held_route_gone;
	if (news.addresses_changed || news.dummy_gone || news.held_route_gone)
		daemon_request_pass(daemon);
}

int daemon_open_node(struct daemon *daemon)
{
	int e = host_watch_open(DUMMY_INTERFACE, &daemon->host_watch);
	if (e == 0)
		e = daemon_read_host(daemon);
	if (e) {
		log_error(daemon->log, "node addresses: cannot be followed: %s", strerror(-e));
		return e;
	}
	node_facts_init(&daemon->node_facts, daemon->node_name, daemon->sources.use_api_server,
	                daemon->config->local_mode == DETECT_NODE_CIDR, now_ms());
	/* The manifests have been read already. */
	node_facts_update(&daemon->node_facts, cluster_find_node(daemon->planner.cluster, daemon->node_name),
	                  NULL);
	daemon->node_wait = evtimer_new(daemon->base, on_node_wait, daemon);
	daemon->host_readable = event_new(daemon->base, host_watch_descriptor(daemon->host_watch),
	                                  EV_READ | EV_PERSIST, on_host_readable, daemon);
	event_add(daemon->host_readable, NULL);
	return 0;
}

void daemon_close_node(struct daemon *daemon)
{
	if (daemon->host_readable != NULL)
		event_free(daemon->host_readable);
	if (daemon->node_wait != NULL)
		event_free(daemon->node_wait);
	host_watch_close(daemon->host_watch);
	node_facts_done(&daemon->node_facts);
	arena_done(&daemon->host_memory);
}
