#include "model_daemon.h"

#include "expectation_check.h"

#include "base/check.h"
#include "plan/filter_text.h"

#include <string.h>

#define DUMMY "kube-ipvs0"

static void nothing_said(void *context, const char *owner, const char *const *sentences, size_t count)
{
	(void)context, (void)owner, (void)sentences, (void)count;
}

static void nothing_remarked(void *context, const char *sentence)
{
	(void)context, (void)sentence;
}

void model_daemon_begin(struct model_daemon *daemon)
{
	static const struct planner_listener listener = {.warned = nothing_said,
	                                                 .remarked = nothing_remarked};
	static const struct node_port_rule all = {0};
	const struct filter_rules rules = {.masquerade_mark = 0x4000, .answer_ping = true};
	struct kernel *kernel = NULL;
	struct fault fault = {0};
	size_t unreadable = 0;
	auto_text text = {0};
	filter_text_rules(&rules, &text);
	planner_init(&daemon->planner, WORLD_NODE_NAME, DUMMY, "rr", &all, &listener);
	CHECK(kernel_open(DUMMY, false, &daemon->fake->transport, &kernel, &fault) == 0);
	kernel_use_filter(kernel, text_string(&text));
	CHECK(syncer_init(&daemon->syncer, kernel, &daemon->planner, daemon->directory, daemon->excluded,
	                  daemon->excluded_count, &unreadable) == 0);
	CHECK(unreadable == 0);
}

void model_daemon_end(struct model_daemon *daemon)
{
	syncer_done(&daemon->syncer);
	planner_done(&daemon->planner);
}

static void tell_service(struct cluster *cluster, const struct world *world, size_t slot, struct arena *arena)
{
	const struct service *service = world_service(world, slot, arena);
	if (service)
		cluster_put_service(cluster, service_new(service));
	else
		cluster_remove_service(cluster, world_name(WORLD_SERVICE, slot));
}

static void tell_slice(struct cluster *cluster, const struct world *world, size_t slot, struct arena *arena)
{
	const struct slice *slice = world_slice(world, slot, arena);
	if (slice)
		cluster_put_slice(cluster, slice_new(slice));
	else
		cluster_remove_slice(cluster, world_name(WORLD_SLICE, slot));
}

static void tell_node(struct cluster *cluster, const struct world *world, struct arena *arena)
{
	const struct node *node = world_node(world, arena);
	if (node)
		cluster_put_node(cluster, node_new(node));
	else
		cluster_remove_node(cluster, WORLD_NODE_NAME);
}

void model_daemon_tell(struct model_daemon *daemon, const struct world *world, enum world_kind kind,
                       size_t slot)
{
	struct arena arena = {0};
	struct cluster *cluster = daemon->planner.cluster;
	if (kind == WORLD_SERVICE)
		tell_service(cluster, world, slot, &arena);
	else if (kind == WORLD_SLICE)
		tell_slice(cluster, world, slot, &arena);
	else if (kind == WORLD_NODE)
		tell_node(cluster, world, &arena);
	else
		daemon->host_count = world_host(world, daemon->host);
	daemon->node_stale |= kind == WORLD_NODE || kind == WORLD_HOST;
	arena_done(&arena);
}

static void give_turn(const struct model_pass *pass, bool planned)
{
	if (pass->turn)
		pass->turn(pass->context, planned);
}

static int send_changes(struct model_daemon *daemon, struct model_pass *pass, enum sync_kind kind)
{
	struct syncer *syncer = &daemon->syncer;
	int e;
	sync_begin(syncer, kind, pass->may_remove);
	while ((e = sync_go_on(syncer, pass->turn ? 0 : NO_DEADLINE)) == SYNC_E_MORE)
		give_turn(pass, !daemon->starting);
	if (e)
		text_addf(&pass->complaint, "the pass ended with %d: %s", e, syncer->outcome.fault.sentence);
	else if (syncer->outcome.failed > 0)
		text_addf(&pass->complaint, "%zu changes failed", syncer->outcome.failed);
	pass->changes += syncer->outcome.changes.count;
	return e;
}

/* The API server's and DNS's Services, before all others. Whether that works does not matter. */
static void send_first(struct model_daemon *daemon, struct model_pass *pass)
{
	struct model_pass small = {
	        .may_remove = pass->may_remove, .turn = pass->turn, .context = pass->context};
	planner_plan_next(&daemon->planner);
	planner_plan_next(&daemon->planner);
	daemon->starting = true;
	send_changes(daemon, &small, SYNC_FIRST);
	sync_end(&daemon->syncer);
	daemon->starting = false;
	pass->first_changes = small.changes;
	text_done(&small.complaint);
}

/* The look that follows a pass (cmd/daemon_drains.c); no drain here is over by its time. */
static void end_drains(struct model_daemon *daemon, struct model_pass *pass)
{
	struct drain_book *book = &daemon->syncer.drains;
	struct drain_look look;
	struct changes changes = {0};
	struct arena arena = {0};
	drain_look_init(&look, book, daemon->syncer.kernel, "/dev/null");
	drain_look_begin(&look, false);
	int e = drain_look_go_on(&look, 0, NO_DEADLINE);
	vector_for_each (&book->drains, drain) {
		struct virtual_server *server = arena_new(&arena, struct virtual_server);
		struct real_server *found = arena_new(&arena, struct real_server);
		server->key = drain->key;
		*found = drain->found;
		if (e == 0 && drain_judge(drain, 0, 0) == DRAIN_DONE &&
		    drain_still_unwanted(drain, daemon->planner.ledger))
			vector_push(&changes, (struct change){.kind = CHANGE_REAL_SERVER_REMOVE,
			                                      .rank = RANK_OTHER,
			                                      .virtual_server = server,
			                                      .real_server = found});
	}
	drain_look_done(&look);
	sync_begin_given(&daemon->syncer, &changes);
	if (e == 0)
		e = sync_go_on(&daemon->syncer, NO_DEADLINE);
	vector_for_each (&daemon->syncer.outcome.changes, change) {
		struct flow_end end = {change->real_server->address, change->real_server->port};
		if (e == 0 && change->result == 0)
			drains_end(book, drains_find(book, &change->virtual_server->key, &end), DRAIN_DONE);
	}
	if (e || daemon->syncer.outcome.failed > 0)
		text_addf(&pass->complaint, "drains could not be ended: %d", e);
	sync_end(&daemon->syncer);
	arena_done(&arena);
}

/* What the daemon believes the kernel to be, by which it looks quickly later on, is what it is. */
static void check_expectation(struct model_daemon *daemon, struct model_pass *pass)
{
	const char *what = expected_otherwise(&daemon->syncer);
	if (what)
		text_addf(&pass->complaint, "other %s are expected than there are; ", what);
}

void model_daemon_pass(struct model_daemon *daemon, struct model_pass *pass)
{
	struct planner *planner = &daemon->planner;
	if (daemon->node_stale)
		planner_refresh_node(planner, daemon->host, daemon->host_count);
	daemon->node_stale = false;
	if (pass->first)
		send_first(daemon, pass);
	while (!planner_go_on(planner, pass->turn ? 0 : NO_DEADLINE))
		give_turn(pass, false);
	if (pass->before_sending)
		pass->before_sending(pass->context);
	if (pass->whole || ledger_has_touched(planner->ledger)) {
		send_changes(daemon, pass, pass->whole ? SYNC_WHOLE : SYNC_TOUCHED);
		sync_end(&daemon->syncer);
	}
	if (daemon->syncer.drains.drains.count > 0)
		end_drains(daemon, pass);
	if (pass->expects)
		check_expectation(daemon, pass);
}
