/*
 * One thing goes wrong, once: every call, at every place, in every way. Then the daemon tries again as it does, with a whole
 * pass. In the end all is as if nothing had been wrong; on the way nothing is removed that stays, no weight is taken from
 * what keeps it, and nothing is sent that the kernel has already.
 *
 * With TEST_ROUNDS set, about so many of the cases are tried, out of all.
 */
#include "model_daemon.h"
#include "model_reference.h"
#include "plan_states.h"
#include "support.h"

#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what can go wrong */

enum place {
	AT_OPEN,
	AT_SEND,
	AT_RECEIVE,
	AT_DATAGRAM,
	AT_DUMP,
	AT_TRANSACTION,
	AT_CHANGE, /* the kernel refuses it */
};

static const struct fault_kind {
	const char *name;
	enum place place;
	int error;
	enum fake_spoiling spoiling;
	bool done; /* the transaction happens all the same */
} fault_kinds[] = {
        {"open: no memory", AT_OPEN, -ENOMEM, 0, false},
        {"open: too many files", AT_OPEN, -EMFILE, 0, false},
        {"open: not permitted", AT_OPEN, -EPERM, 0, false},
        {"send: interrupted", AT_SEND, -EINTR, 0, false},
        {"send: no buffer", AT_SEND, -ENOBUFS, 0, false},
        {"send: try again", AT_SEND, -EAGAIN, 0, false},
        {"send: no memory", AT_SEND, -ENOMEM, 0, false},
        {"send: not permitted", AT_SEND, -EPERM, 0, false},
        {"receive: interrupted", AT_RECEIVE, -EINTR, 0, false},
        {"receive: no buffer", AT_RECEIVE, -ENOBUFS, 0, false},
        {"receive: try again", AT_RECEIVE, -EAGAIN, 0, false},
        {"receive: no memory", AT_RECEIVE, -ENOMEM, 0, false},
        {"receive: not permitted", AT_RECEIVE, -EPERM, 0, false},
        {"a short read", AT_DATAGRAM, 0, FAKE_CUT, false},
        {"garbage", AT_DATAGRAM, 0, FAKE_GARBAGE, false},
        {"an empty message", AT_DATAGRAM, 0, FAKE_EMPTY, false},
        {"a stranger answers", AT_DATAGRAM, 0, FAKE_STRANGER, false},
        {"no reply", AT_DATAGRAM, 0, FAKE_LOST, false},
        {"an overrun", AT_DATAGRAM, 0, FAKE_OVERRUN, false},
        {"an interrupted dump", AT_DUMP, 0, 0, false},
        {"transaction: interrupted", AT_TRANSACTION, -EINTR, 0, false},
        {"transaction: no buffer", AT_TRANSACTION, -ENOBUFS, 0, false},
        {"transaction: try again", AT_TRANSACTION, -EAGAIN, 0, false},
        {"transaction: no memory", AT_TRANSACTION, -ENOMEM, 0, false},
        {"transaction: not permitted", AT_TRANSACTION, -EPERM, 0, false},
        {"transaction: done, but its reply is lost", AT_TRANSACTION, -ENOBUFS, 0, true},
        {"transaction: done, and then interrupted", AT_TRANSACTION, -EINTR, 0, true},
        {"change: interrupted", AT_CHANGE, -EINTR, 0, false},
        {"change: no buffer", AT_CHANGE, -ENOBUFS, 0, false},
        {"change: try again", AT_CHANGE, -EAGAIN, 0, false},
        {"change: no memory", AT_CHANGE, -ENOMEM, 0, false},
        {"change: not permitted", AT_CHANGE, -EPERM, 0, false},
};
enum { FAULT_KINDS = sizeof(fault_kinds) / sizeof(*fault_kinds) };

/* ---- the scene: a daemon over a fake kernel */

struct names {
	struct arena arena;
	vector_of(const char *) names; /* ascending */
};

struct scene {
	struct fake_kernel fake;
	struct model_daemon daemon;
	char directory[64];
	struct fake_refusal refusal;
	const struct names *staying; /* NULL: nobody watches */
	size_t needless;
	struct text wrong, sent;
};

static void put_slice(struct scene *scene, const char *name, uint8_t protocol, const char *endpoints)
{
	struct slice_port port = {.name = "", .port = 8080, .protocol = protocol};
	struct endpoint list[8] = {{.ready = false}};
	struct slice slice = {.name = {"default", name},
	                      .service = name,
	                      .family = FAMILY_IPV4,
	                      .ports = &port,
	                      .port_count = 1,
	                      .endpoints = list};
	for (; *endpoints; endpoints++) {
		char text[16];
		snprintf(text, sizeof(text), "10.244.0.%c", *endpoints);
		list[slice.endpoint_count++] =
		        (struct endpoint){.address = address_of(text), .ready = true, .serving = true};
	}
	cluster_put_slice(scene->daemon.planner.cluster, slice_new(&slice));
}

struct wish {
	const char *name, *cluster_ip;
	uint8_t protocol;
	uint16_t node_port;
	const char *external, *ingress, *range, *scheduler;
	int64_t created;
	const char *endpoints; /* "12": 10.244.0.1 and .2 */
};

static void put_service(struct scene *scene, const struct wish *wish)
{
	struct service_port port = {
	        .name = "", .port = 80, .node_port = wish->node_port, .protocol = wish->protocol};
	struct address external = {0};
	struct load_balancer_ingress ingress = {0};
	struct cidr range;
	struct service service = {.name = {"default", wish->name},
	                          .created_seconds = wish->created,
	                          .type = wish->ingress     ? SERVICE_LOAD_BALANCER
	                                  : wish->node_port ? SERVICE_NODE_PORT
	                                                    : SERVICE_CLUSTER_IP,
	                          .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	                          .cluster_ip = address_of(wish->cluster_ip),
	                          .has_selector = true,
	                          .external_ips = &external,
	                          .ingress = &ingress,
	                          .source_ranges = &range,
	                          .scheduler = wish->scheduler,
	                          .ports = &port,
	                          .port_count = 1};
	if (wish->external)
		external = address_of(wish->external), service.external_ip_count = 1;
	if (wish->ingress)
		ingress.address = address_of(wish->ingress), service.ingress_count = 1;
	if (wish->range)
		range = cidr_of(wish->range), service.source_range_count = 1;
	cluster_put_service(scene->daemon.planner.cluster, service_new(&service));
	put_slice(scene, wish->name, wish->protocol, wish->endpoints);
}

static void remove_service(struct scene *scene, const char *name)
{
	cluster_remove_service(scene->daemon.planner.cluster, (struct object_name){"default", name});
	cluster_remove_slice(scene->daemon.planner.cluster, (struct object_name){"default", name});
}

static const struct wish api = {"kubernetes", "10.96.0.1", PROTOCOL_TCP, .endpoints = "9"};
static const struct wish dns = {"dns", "10.96.0.10", PROTOCOL_UDP, .endpoints = "78"};
static const struct wish web = {
        "web",          "10.96.0.2",      PROTOCOL_TCP, 30080, .ingress = "192.0.2.50", .range = "10.0.0.0/8",
        .created = 100, .endpoints = "12"};
static const struct wish other = {"other",        "10.96.0.3",      PROTOCOL_TCP, .external = "192.0.2.50",
                                  .created = 200, .endpoints = "34"};

static void set_host(struct scene *scene, const char *second)
{
	struct model_daemon *daemon = &scene->daemon;
	daemon->host[0] = (struct interface_address){address_of("192.0.2.10"), "eth0"};
	daemon->host_count = 1;
	if (second)
		daemon->host[daemon->host_count++] = (struct interface_address){address_of(second), "eth0"};
	daemon->node_stale = true;
}

static void put_all(struct scene *scene)
{
	set_host(scene, NULL);
	put_service(scene, &api);
	put_service(scene, &dns);
	put_service(scene, &web);
	put_service(scene, &other);
}

/* ---- before: what the pass that meets the fault finds changed */

static void exchange_endpoints(struct scene *scene)
{
	put_slice(scene, "web", PROTOCOL_TCP, "23");
	put_slice(scene, "dns", PROTOCOL_UDP, "6");
}

static void restart(struct scene *scene)
{
	model_daemon_end(&scene->daemon);
	model_daemon_begin(&scene->daemon);
	put_all(scene);
}

static void restart_after_changes(struct scene *scene)
{
	static const struct wish fresh = {"fresh", "10.96.0.4", PROTOCOL_SCTP, 30081, .endpoints = "5"};
	restart(scene);
	exchange_endpoints(scene);
	remove_service(scene, "other");
	put_service(scene, &fresh);
}

static void remove_web(struct scene *scene)
{
	remove_service(scene, "web");
}

static void remove_dns(struct scene *scene)
{
	remove_service(scene, "dns");
}

static void connect_all(struct scene *scene, uint32_t connections)
{
	vector_for_each (&scene->fake.virtual_servers, server)
		vector_for_each (&server->real_servers, real_server)
			real_server->active_connections = connections;
}

static void begin_drains(struct scene *scene)
{
	connect_all(scene, 3);
	exchange_endpoints(scene);
}

/* A real server that drains is wanted again, another begins. */
static void return_from_drains(struct scene *scene)
{
	begin_drains(scene);
	struct model_pass pass = {.may_remove = true};
	model_daemon_pass(&scene->daemon, &pass);
	CHECK(pass.complaint.length == 0);
	put_slice(scene, "web", PROTOCOL_TCP, "13");
}

static void end_drains(struct scene *scene)
{
	return_from_drains(scene);
	connect_all(scene, 0);
}

static void change_schedulers(struct scene *scene)
{
	struct wish changed = web;
	changed.scheduler = "wlc";
	put_service(scene, &changed);
	changed = dns;
	changed.scheduler = "sh";
	put_service(scene, &changed);
}

static void change_ranges(struct scene *scene)
{
	struct wish changed = web;
	changed.range = "10.1.0.0/16";
	put_service(scene, &changed);
}

static void become_node_address(struct scene *scene)
{
	set_host(scene, "192.0.2.50");
}

static void tamper(struct scene *scene)
{
	struct fake_kernel *fake = &scene->fake;
	fake->link_kind = NULL;
	vector_clear(&fake->held);
	fake->filter.present = false;
	vector_clear(&fake->filter.elements);
	vector_done(&fake->virtual_servers.items[0].real_servers);
	strcpy(fake->virtual_servers.items[1].server.scheduler, "dh");
}

static void change_nothing(struct scene *scene)
{
	(void)scene;
}

static const struct scenario {
	const char *name;
	bool empty; /* nothing is in the kernel before */
	void (*before)(struct scene *scene);
	bool whole, first;
} scenarios[] = {
        {"the first sync", true, put_all, true, true},
        {"a restart", false, restart, true, true},
        {"a restart after changes", false, restart_after_changes, true, true},
        {"endpoints are exchanged", false, exchange_endpoints, false, false},
        {"a Service goes, and another has its address", false, remove_web, false, false},
        {"a Service of UDP goes", false, remove_dns, false, false},
        {"drains begin", false, begin_drains, false, false},
        {"one comes back from its drain", false, return_from_drains, false, false},
        {"drains end", false, end_drains, false, false},
        {"other schedulers", false, change_schedulers, false, false},
        {"other ranges", false, change_ranges, false, false},
        {"an address becomes the node's own", false, become_node_address, false, false},
        {"somebody took things away", false, tamper, true, false},
        {"a whole pass with nothing to do", false, change_nothing, true, false},
};
enum { SCENARIOS = sizeof(scenarios) / sizeof(*scenarios) };

/* ---- names of what the kernel holds */

static const char *name_of(const struct fake_event *event, char name[static 256])
{
	char endpoint[ENDPOINT_TEXT_SIZE], key[VIRTUAL_SERVER_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];
	*name = '\0';
	if (event->address) {
		address_format(event->address, address);
		snprintf(name, 256, "held %s", address);
	} else if (event->element) {
		snprintf(name, 256, "%s %s", event->element->set, event->element->key);
	} else if (event->real_server) {
		endpoint_format(&event->real_server->address, event->real_server->port, endpoint);
		snprintf(name, 256, "%s -> %s", virtual_server_key_format(event->key, key), endpoint);
	} else {
		virtual_server_key_format(event->key, name);
	}
	return name;
}

static void add_name(struct names *names, struct fake_event event)
{
	char name[256];
	vector_push(&names->names, arena_copy_text(&names->arena, name_of(&event, name)));
}

/* Real servers by their name, and those that have a weight by "serves" and their name once more. */
static void add_real_servers(struct names *names, struct fake_virtual_server *server)
{
	char name[256];
	vector_for_each (&server->real_servers, real_server) {
		struct fake_event event = {.key = &server->server.key, .real_server = real_server};
		add_name(names, event);
		if (real_server->weight > 0)
			vector_push(&names->names,
			            arena_format(&names->arena, "serves %s", name_of(&event, name)));
	}
}

static int by_text(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	return strcmp(*left, *right);
}

static struct names names_in(struct fake_kernel *fake)
{
	struct names names = {0};
	vector_for_each (&fake->virtual_servers, server) {
		add_name(&names, (struct fake_event){.key = &server->server.key});
		add_real_servers(&names, server);
	}
	vector_for_each (&fake->held, address)
		add_name(&names, (struct fake_event){.address = address});
	vector_for_each (&fake->filter.elements, element)
		add_name(&names, (struct fake_event){.element = element});
	if (names.names.count > 0)
		qsort(names.names.items, names.names.count, sizeof(*names.names.items), by_text);
	return names;
}

static bool has_name(const struct names *names, const char *name)
{
	return names->names.count > 0 && bsearch(&name, names->names.items, names->names.count,
	                                         sizeof(*names->names.items), by_text) != NULL;
}

/* Keeps those that are in the other list too. */
static void intersect(struct names *names, const struct names *others)
{
	size_t kept = 0;
	for (size_t i = 0; i < names->names.count; i++)
		if (has_name(others, names->names.items[i]))
			names->names.items[kept++] = names->names.items[i];
	names->names.count = kept;
}

static void names_done(struct names *names)
{
	vector_done(&names->names);
	arena_done(&names->arena);
}

/* ---- watching */

static void watch(void *watcher, const struct fake_event *event)
{
	struct scene *scene = watcher;
	char name[256], serving[272];
	if (!scene->staying)
		return;
	fake_event_print(event, &scene->sent);
	text_add(&scene->sent, "\n");
	/* What the first small pass cannot find out, it sends; and the real servers of a refused virtual server are on their way. */
	bool in_vain = event->needless && event->error != -ESRCH;
	scene->needless += in_vain && !scene->daemon.starting;
	name_of(event, name);
	snprintf(serving, sizeof(serving), "serves %s", name);
	bool gone = event->deed == FAKE_REMOVE && event->error == 0 && has_name(scene->staying, name);
	bool idle = event->real_server && event->deed != FAKE_REMOVE && event->real_server->weight == 0 &&
	            has_name(scene->staying, serving);
	if (gone || idle)
		text_addf(&scene->wrong, "%s stays, and %s\n", name,
		          gone ? "is removed" : "loses its weight");
}

/* ---- the whole */

static void begin_scene(struct scene *scene, const struct scenario *scenario)
{
	fake_kernel_init(&scene->fake);
	scene->fake.saw = watch;
	scene->fake.watcher = scene;
	strcpy(scene->directory, access("/dev/shm", W_OK) == 0 ? "/dev/shm/kube-ipvs-faults-XXXXXX"
	                                                       : "/tmp/kube-ipvs-faults-XXXXXX");
	CHECK(mkdtemp(scene->directory));
	scene->daemon = (struct model_daemon){.fake = &scene->fake, .directory = scene->directory};
	model_daemon_begin(&scene->daemon);
	if (!scenario->empty) {
		struct model_pass pass = {.whole = true, .first = true, .may_remove = true};
		put_all(scene);
		model_daemon_pass(&scene->daemon, &pass);
		CHECK(pass.complaint.length == 0);
	}
	scenario->before(scene);
}

static const char *in_directory(const struct scene *scene, const char *file, char path[static 128])
{
	snprintf(path, 128, "%s/%s", scene->directory, file);
	return path;
}

static void end_scene(struct scene *scene)
{
	static const char *const files[] = {"virtual-servers", "drains"};
	char path[128];
	model_daemon_end(&scene->daemon);
	fake_kernel_done(&scene->fake);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(in_directory(scene, files[i], path));
	CHECK(rmdir(scene->directory) == 0);
	text_done(&scene->wrong);
	text_done(&scene->sent);
}

static void no_turn(void *context, bool planned)
{
	(void)context, (void)planned;
}

/* True: it went well. */
static bool pass_once(struct scene *scene, bool whole, bool first, bool slices)
{
	struct model_pass pass = {
	        .whole = whole, .first = first, .may_remove = true, .turn = slices ? no_turn : NULL};
	model_daemon_pass(&scene->daemon, &pass);
	bool good = pass.complaint.length == 0;
	if (!good)
		text_addf(&scene->sent, "-- %s\n", text_string(&pass.complaint));
	text_done(&pass.complaint);
	return good;
}

static void print_end(struct scene *scene, struct text *text)
{
	char path[128];
	reference_print_kernel(&scene->fake, text);
	text_add(text, "the record:\n");
	int e = text_read_file(in_directory(scene, "virtual-servers", path), 1 << 20, text);
	CHECK(e == 0 || e == -ENOENT);
}

/* What is to come out of a scenario: the end, what stays from before, and how much is sent in vain anyhow. */
struct outcome {
	struct text end;
	struct names staying;
	size_t needless;
};

static void find_outcome(const struct scenario *scenario, bool slices, struct outcome *ret_outcome)
{
	static const struct names nothing;
	struct scene scene = {0};
	*ret_outcome = (struct outcome){0};
	begin_scene(&scene, scenario);
	ret_outcome->staying = names_in(&scene.fake);
	scene.staying = &nothing;
	ck_assert_msg(pass_once(&scene, scenario->whole, scenario->first, slices), "%s: %s", scenario->name,
	              text_string(&scene.sent));
	print_end(&scene, &ret_outcome->end);
	ret_outcome->needless = scene.needless;
	struct names after = names_in(&scene.fake);
	intersect(&ret_outcome->staying, &after);
	names_done(&after);
	end_scene(&scene);
}

static void outcome_done(struct outcome *outcome)
{
	text_done(&outcome->end);
	names_done(&outcome->staying);
}

/* The counter that tells whether the place was reached. */
static size_t count_of(const struct fake_kernel *fake, enum place place)
{
	const struct fake_counters *counters = &fake->counters;
	switch (place) {
	case AT_OPEN:
		return counters->opens + counters->refused_opens;
	case AT_SEND:
		return counters->sends;
	case AT_RECEIVE:
		return counters->waits;
	case AT_DATAGRAM:
		return counters->datagrams;
	case AT_DUMP:
		return counters->dumps;
	case AT_TRANSACTION:
		return fake->filter.transactions;
	case AT_CHANGE:
	default:
		return counters->changes;
	}
}

static void set_fault(struct scene *scene, const struct fault_kind *kind, size_t at)
{
	struct fake_failures *failures = &scene->fake.failures;
	switch (kind->place) {
	case AT_OPEN:
		failures->open_error = kind->error;
		failures->open_error_at = at;
		break;
	case AT_SEND:
		failures->send_error = kind->error;
		failures->send_error_at = at;
		break;
	case AT_RECEIVE:
		failures->receive_error = kind->error;
		failures->receive_error_at = at;
		break;
	case AT_DATAGRAM:
		failures->spoiling = kind->spoiling;
		failures->spoil_at = at;
		break;
	case AT_DUMP:
		failures->interrupt_dump_at = at;
		break;
	case AT_TRANSACTION:
		failures->transaction_error = kind->error;
		failures->transaction_done = kind->done;
		failures->refuse_transaction_at = at;
		break;
	case AT_CHANGE:
		scene->refusal = (struct fake_refusal){.message = at, .error = kind->error};
		failures->refusals = &scene->refusal;
		failures->refusal_count = 1;
	}
}

struct trial {
	const struct scenario *scenario;
	const struct fault_kind *kind;
	size_t number; /* of the call, from 1 */
	bool slices;
	const struct outcome *outcome;
};

static void judge(const struct trial *trial, struct scene *scene, bool good)
{
	char what[256];
	auto_text end = {0};
	snprintf(what, sizeof(what), "%s, %s%s, call %zu", trial->scenario->name, trial->kind->name,
	         trial->slices ? ", in slices" : "", trial->number);
	print_end(scene, &end);
	if (!good || scene->wrong.length > 0 || scene->needless > trial->outcome->needless ||
	    strcmp(text_string(&end), text_string(&trial->outcome->end)) != 0)
		fprintf(stderr, "%s: this was sent:\n%s", what, text_string(&scene->sent));
	if (!good)
		ck_abort_msg("%s: trying again does not help", what);
	if (scene->wrong.length > 0)
		ck_abort_msg("%s: %s", what, text_string(&scene->wrong));
	if (strcmp(text_string(&end), text_string(&trial->outcome->end)) != 0)
		ck_assert_texts(what, text_string(&trial->outcome->end), text_string(&end));
	if (scene->needless > trial->outcome->needless)
		ck_abort_msg("%s: %zu changes were sent without need", what, scene->needless);
}

/* False: the call is not reached. */
static bool try(const struct trial *trial)
{
	struct scene scene = {0};
	begin_scene(&scene, trial->scenario);
	scene.staying = &trial->outcome->staying;
	size_t at = count_of(&scene.fake, trial->kind->place) + trial->number;
	set_fault(&scene, trial->kind, at);
	bool good = pass_once(&scene, trial->scenario->whole, trial->scenario->first, trial->slices);
	bool reached = count_of(&scene.fake, trial->kind->place) >= at;
	scene.fake.failures = (struct fake_failures){0};
	if (!good)
		good = pass_once(&scene, true, false, trial->slices);
	judge(trial, &scene, good);
	end_scene(&scene);
	return reached;
}

/* All places of one kind of fault, or every so many of them. Returns how many were tried. */
static size_t try_everywhere(struct trial *trial, size_t step, size_t *place)
{
	size_t tried = 0;
	for (trial->number = 1;; trial->number++) {
		if ((*place)++ % step == 0) {
			tried++;
			if (!try(trial))
				return tried;
		} else if (trial->number > 500) {
			return tried;
		}
	}
}

START_TEST(one_fault_is_mended_by_trying_again)
{
	enum { ALL = 20000 };
	size_t step = test_rounds(ALL) < ALL ? ALL / test_rounds(ALL) : 1, place = 0, tried = 0;
	const struct scenario *scenario = &scenarios[_i / 2];
	struct outcome outcome;
	find_outcome(scenario, _i % 2, &outcome);
	for (size_t i = 0; i < FAULT_KINDS; i++) {
		struct trial trial = {
		        .scenario = scenario, .kind = &fault_kinds[i], .slices = _i % 2, .outcome = &outcome};
		tried += try_everywhere(&trial, step, &place);
	}
	printf("%s%s: %zu cases\n", scenario->name, _i % 2 ? ", in slices" : "", tried);
	ck_assert_uint_gt(tried, 0);
	outcome_done(&outcome);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd faults");
	TCase *tests = tcase_create("faults");
	tcase_set_timeout(tests, 600);
	tcase_add_loop_test(tests, one_fault_is_mended_by_trying_again, 0, 2 * SCENARIOS);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
