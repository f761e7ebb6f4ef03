/*
 * Passes over a kernel that fails on demand: what is removed, what is recorded, what a failed pass leaves.
 */
#include "kube_proxy_claims.h"
#include "syncer.h"
#include "syncer_record.h"

#include "expectation_check.h"
#include "fake_kernel.h"
#include "support.h"
#include "test_directory.h"

#include "base/check.h"
#include "base/text.h"
#include "plan/filter_text.h"
#include "plan/render.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DUMMY "kube-ipvs0"

static struct fake_kernel fake;
static struct planner planner;
static struct syncer syncer;
static char directory[TEST_DIRECTORY_SIZE];

static void nothing_said(void *context, const char *owner, const char *const *sentences, size_t count)
{
	(void)context, (void)owner, (void)sentences, (void)count;
}

static void nothing_remarked(void *context, const char *sentence)
{
	(void)context, (void)sentence;
}

static struct address address(const char *text)
{
	struct address parsed;
	CHECK(address_parse(text, &parsed));
	return parsed;
}

static struct cidr excluded_range;

/* Of the packet filter; lives as long as the test. */
static const char *rules_text(void)
{
	static struct text text;
	const struct filter_rules rules = {.masquerade_mark = 0x4000, .answer_ping = true};
	text_clear(&text);
	filter_text_rules(&rules, &text);
	return text_string(&text);
}

/* A daemon's worth of parts, as after a start; `excluded` NULL is none. */
static void begin(const char *excluded)
{
	static const struct planner_listener listener = {.warned = nothing_said,
	                                                 .remarked = nothing_remarked};
	const struct node_port_rule all = {0};
	struct interface_address own = {.address = address("192.0.2.10"), .interface = "eth0"};
	struct kernel *kernel = NULL;
	struct fault fault = {0};
	size_t unreadable = 0;
	planner_init(&planner, "n1", DUMMY, "rr", &all, &listener);
	planner_refresh_node(&planner, &own, 1);
	ck_assert_int_eq(kernel_open(DUMMY, false, &fake.transport, &kernel, &fault), 0);
	kernel_use_filter(kernel, rules_text());
	if (excluded != NULL)
		CHECK(cidr_parse(excluded, false, &excluded_range));
	ck_assert_int_eq(syncer_init(&syncer, kernel, &planner, directory, &excluded_range, excluded != NULL,
	                             &unreadable),
	                 0);
}

static void end(void)
{
	syncer_done(&syncer);
	planner_done(&planner);
}

static void set_up(void)
{
	static const char *const schedulers[] = {"rr", "wlc", NULL};
	fake_kernel_init(&fake);
	fake.schedulers = schedulers;
	test_directory_make(directory);
}

static void tear_down(void)
{
	test_directory_remove(directory);
	fake_kernel_done(&fake);
}

/* The slice of default/NAME: one endpoint at port 8080. */
static void put_endpoint(const char *name, const char *endpoint_address)
{
	struct slice_port slice_port = {.name = "", .port = 8080, .protocol = PROTOCOL_TCP};
	struct endpoint endpoint = {.address = address(endpoint_address), .ready = true, .serving = true};
	struct slice slice = {.name = {"default", name},
	                      .service = name,
	                      .family = FAMILY_IPV4,
	                      .ports = &slice_port,
	                      .endpoints = &endpoint,
	                      .port_count = 1,
	                      .endpoint_count = 1};
	cluster_put_slice(planner.cluster, slice_new(&slice));
}

/* default/NAME with one port 80 and, unless 0, a node port; one endpoint 10.244.0.1:8080. */
static void put_service(const char *name, const char *cluster_ip, uint16_t node_port)
{
	struct service_port port = {.name = "", .port = 80, .node_port = node_port, .protocol = PROTOCOL_TCP};
	struct service service = {.name = {"default", name},
	                          .type = node_port ? SERVICE_NODE_PORT : SERVICE_CLUSTER_IP,
	                          .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	                          .cluster_ip = address(cluster_ip),
	                          .ports = &port,
	                          .port_count = 1};
	cluster_put_service(planner.cluster, service_new(&service));
	put_endpoint(name, "10.244.0.1");
}

static void remove_service(const char *name)
{
	cluster_remove_service(planner.cluster, (struct object_name){"default", name});
	cluster_remove_slice(planner.cluster, (struct object_name){"default", name});
}

/* Puts somebody else's virtual server into the kernel. */
static void put_alien(const char *where, uint16_t port)
{
	struct virtual_server server = {
	        .key = {.address = address(where), .port = port, .protocol = PROTOCOL_TCP},
	        .scheduler = "wlc",
	        .netmask_bits = 32};
	fake_kernel_put(&fake, &server);
}

static void pass(bool whole, bool may_remove, int wanted_result, size_t wanted_failures)
{
	struct sync_outcome outcome;
	planner_run(&planner);
	int e = whole ? sync_whole(&syncer, may_remove, &outcome) : sync_touched(&syncer, &outcome);
	ck_assert_msg(e == wanted_result, "the pass ended with %d: %s", e, outcome.fault.sentence);
	ck_assert_uint_eq(outcome.failed, wanted_failures);
	/* Whoever reports them reads all changes, those of Services that are gone too. */
	auto_text text = {0};
	render_changes(&outcome.changes, &text);
	ck_assert((outcome.changes.count > 0) == (text.length > 0));
	sync_done(&syncer, &outcome);
	ck_assert(!whole || wanted_result != 0 || syncer.expectation.known);
	if (wanted_result == 0)
		expectation_must_be_the_kernel(&syncer);
}

static void whole(void)
{
	pass(true, true, 0, 0);
}

static void touched(void)
{
	pass(false, true, 0, 0);
}

/* The virtual servers of the kernel, sorted, one a line, and what the dummy holds. */
static void must_hold(const char *wanted)
{
	struct arena arena = {0};
	struct state state;
	struct fault fault = {0};
	auto_text text = {0};
	char key[VIRTUAL_SERVER_TEXT_SIZE], held[ADDRESS_TEXT_SIZE];
	ck_assert_int_eq(kernel_read(syncer.kernel, &arena, &state, &fault), 0);
	for (size_t i = 0; i < state.virtual_server_count; i++)
		text_addf(&text, "%s %s %zu\n", virtual_server_key_format(&state.virtual_servers[i].key, key),
		          state.virtual_servers[i].scheduler, state.virtual_servers[i].real_server_count);
	for (size_t i = 0; i < state.held_count; i++) {
		address_format(&state.held[i], held);
		text_addf(&text, "held %s\n", held);
	}
	ck_assert_texts("the kernel", wanted, text_string(&text));
	arena_done(&arena);
}

static void record_must_be(const char *wanted)
{
	char path[TEST_PATH_SIZE];
	auto_text text = {0};
	test_directory_path(directory, "virtual-servers", path);
	int e = text_read_file(path, 1 << 20, &text);
	ck_assert_msg(e == 0 || (e == -ENOENT && *wanted == '\0'), "%s: %s", path, strerror(-e));
	ck_assert_texts("the record", wanted, text_string(&text));
}

START_TEST(a_service_comes_and_goes_with_small_passes)
{
	begin(NULL);
	whole();
	put_service("web", "10.96.0.1", 0);
	touched();
	must_hold("TCP 10.96.0.1:80 rr 1\nheld 10.96.0.1\n");
	remove_service("web");
	touched();
	must_hold("");
	end();
}
END_TEST

/* What goes is a part of what was wanted before; it has to be there still when the pass is reported. */
START_TEST(an_endpoint_that_is_exchanged_can_be_reported)
{
	struct sync_outcome outcome;
	auto_text text = {0};
	begin(NULL);
	whole();
	put_service("web", "10.96.0.1", 0);
	touched();
	put_endpoint("web", "10.244.0.2");
	planner_run(&planner);
	ck_assert_int_eq(sync_touched(&syncer, &outcome), 0);
	render_changes(&outcome.changes, &text);
	ck_assert_texts("the changes",
	                "+ -a -t 10.96.0.1:80 -r 10.244.0.2:8080 -m -w 1\n"
	                "~ -e -t 10.96.0.1:80 -r 10.244.0.1:8080 -m -w 0 (was -m -w 1)\n",
	                text_string(&text));
	sync_done(&syncer, &outcome);
	end();
}
END_TEST

static void weights_must_be(const char *wanted)
{
	struct arena arena = {0};
	struct state state;
	struct fault fault = {0};
	auto_text text = {0};
	char end[ENDPOINT_TEXT_SIZE];
	ck_assert_int_eq(kernel_read(syncer.kernel, &arena, &state, &fault), 0);
	for (size_t i = 0; i < state.virtual_server_count; i++)
		for (size_t j = 0; j < state.virtual_servers[i].real_server_count; j++) {
			const struct real_server *server = &state.virtual_servers[i].real_servers[j];
			endpoint_format(&server->address, server->port, end);
			text_addf(&text, "%s %u\n", end, server->weight);
		}
	ck_assert_texts("the real servers", wanted, text_string(&text));
	arena_done(&arena);
}

START_TEST(an_endpoint_that_goes_drains_and_one_that_comes_back_serves)
{
	begin(NULL);
	whole();
	put_service("web", "10.96.0.1", 0);
	touched();
	put_endpoint("web", "10.244.0.2");
	touched();
	weights_must_be("10.244.0.1:8080 0\n10.244.0.2:8080 1\n");
	ck_assert_uint_eq(syncer.drains.drains.count, 1);
	put_endpoint("web", "10.244.0.1");
	touched();
	weights_must_be("10.244.0.1:8080 1\n10.244.0.2:8080 0\n");
	whole();
	weights_must_be("10.244.0.1:8080 1\n10.244.0.2:8080 0\n");
	ck_assert_uint_eq(syncer.drains.drains.count, 1);
	ck_assert_uint_eq(syncer.drains.ended[DRAIN_RETURNED], 1);
	remove_service("web");
	touched();
	must_hold("");
	ck_assert_uint_eq(syncer.drains.drains.count, 0);
	end();
}
END_TEST

/* C47, and Q-5: what drained before goes on draining, what is wanted serves. */
START_TEST(after_a_restart_what_is_wanted_serves_and_what_is_not_drains)
{
	begin(NULL);
	put_service("web", "10.96.0.1", 0);
	whole();
	put_endpoint("web", "10.244.0.2");
	touched();
	end();
	begin(NULL);
	put_service("web", "10.96.0.1", 0);
	whole();
	weights_must_be("10.244.0.1:8080 1\n10.244.0.2:8080 0\n");
	ck_assert_uint_eq(syncer.drains.drains.count, 1);
	end();
}
END_TEST

START_TEST(nobody_drains_in_a_pass_that_may_not_remove)
{
	begin(NULL);
	put_service("web", "10.96.0.1", 0);
	whole();
	end();
	begin(NULL);
	put_service("web", "10.96.0.1", 0);
	put_endpoint("web", "10.244.0.2");
	pass(true, false, 0, 0);
	weights_must_be("10.244.0.1:8080 1\n10.244.0.2:8080 1\n");
	ck_assert_uint_eq(syncer.drains.drains.count, 0);
	whole();
	weights_must_be("10.244.0.1:8080 0\n10.244.0.2:8080 1\n");
	end();
}
END_TEST

/* R5.9: its weight is what it was, so it serves on; the next whole pass tries again. */
START_TEST(a_weight_that_is_refused_is_tried_again)
{
	struct sync_outcome outcome;
	begin(NULL);
	put_service("web", "10.96.0.1", 0);
	whole();
	put_endpoint("web", "10.244.0.2");
	planner_run(&planner);
	const struct fake_refusal refusal = {.message = fake.counters.changes + 2, .error = -ENOMEM};
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	ck_assert_int_eq(sync_touched(&syncer, &outcome), 0);
	ck_assert_uint_eq(outcome.failed, 1);
	sync_done(&syncer, &outcome);
	fake.failures.refusal_count = 0;
	weights_must_be("10.244.0.1:8080 1\n10.244.0.2:8080 1\n");
	whole();
	weights_must_be("10.244.0.1:8080 0\n10.244.0.2:8080 1\n");
	end();
}
END_TEST

START_TEST(with_drain_on_delete_a_service_that_goes_stays_at_weight_0)
{
	begin(NULL);
	syncer.drains.on_delete = true;
	whole();
	put_service("web", "10.96.0.1", 30080);
	touched();
	remove_service("web");
	touched();
	must_hold("TCP 10.96.0.1:80 rr 1\nTCP 192.0.2.10:30080 rr 1\nheld 10.96.0.1\n");
	record_must_be("-t 192.0.2.10:30080\n");
	weights_must_be("10.244.0.1:8080 0\n10.244.0.1:8080 0\n");
	end();
	begin(NULL);
	syncer.drains.on_delete = true;
	whole();
	must_hold("TCP 10.96.0.1:80 rr 1\nTCP 192.0.2.10:30080 rr 1\nheld 10.96.0.1\n");
	ck_assert_uint_eq(syncer.drains.drains.count, 2);
	vector_for_each (&syncer.drains.drains, drain)
		drains_end(&syncer.drains, drain, DRAIN_DONE);
	ck_assert(drains_release(&syncer.drains, planner.ledger));
	touched();
	must_hold("");
	record_must_be("");
	end();
}
END_TEST

START_TEST(a_whole_pass_finds_nothing_to_do_after_a_small_one)
{
	struct sync_outcome outcome;
	begin(NULL);
	whole();
	put_service("web", "10.96.0.1", 30080);
	touched();
	ck_assert_int_eq(sync_whole(&syncer, true, &outcome), 0);
	ck_assert_uint_eq(outcome.changes.count, 0);
	ck_assert_uint_eq(outcome.virtual_servers, 2);
	ck_assert_uint_eq(outcome.real_servers, 2);
	ck_assert_uint_eq(outcome.addresses, 1);
	sync_done(&syncer, &outcome);
	end();
}
END_TEST

START_TEST(node_ports_are_in_the_record_for_as_long_as_they_are_wanted)
{
	begin(NULL);
	put_service("web", "10.96.0.1", 30080);
	put_service("api", "10.96.0.2", 0);
	whole();
	record_must_be("-t 192.0.2.10:30080\n");
	remove_service("web");
	touched();
	record_must_be("");
	must_hold("TCP 10.96.0.2:80 rr 1\nheld 10.96.0.2\n");
	end();
}
END_TEST

START_TEST(after_a_restart_recorded_node_ports_go_and_alien_ones_stay)
{
	begin(NULL);
	put_alien("192.0.2.10", 9999);
	put_service("web", "10.96.0.1", 30080);
	whole();
	end();
	begin(NULL);
	whole();
	must_hold("TCP 192.0.2.10:9999 wlc 0\n");
	record_must_be("");
	end();
}
END_TEST

START_TEST(without_the_record_node_ports_of_an_earlier_life_are_alien)
{
	char path[TEST_PATH_SIZE];
	begin(NULL);
	put_service("web", "10.96.0.1", 30080);
	whole();
	end();
	test_directory_path(directory, "virtual-servers", path);
	ck_assert_int_eq(unlink(path), 0);
	begin(NULL);
	whole();
	must_hold("TCP 192.0.2.10:30080 rr 1\n");
	end();
}
END_TEST

START_TEST(what_a_takeover_claims_goes_unless_it_is_wanted)
{
	struct interface_address own = {.address = address("192.0.2.10"), .interface = "eth0"};
	const struct kube_proxy_claims claims = {
	        .host = &own, .host_count = 1, .node_ports = {.first = 30000, .last = 32767}};
	begin(NULL);
	put_alien("192.0.2.10", 9999);
	put_alien("192.0.2.10", 30080);
	put_alien("192.0.2.10", 30081);
	put_service("web", "10.96.0.1", 30080);
	whole();
	must_hold("TCP 10.96.0.1:80 rr 1\nTCP 192.0.2.10:9999 wlc 0\nTCP 192.0.2.10:30080 rr 1\n"
	          "TCP 192.0.2.10:30081 wlc 0\nheld 10.96.0.1\n");
	syncer.claims = &claims;
	pass(true, false, 0, 0);
	ck_assert_uint_eq(syncer.claimed, 2);
	record_must_be("-t 192.0.2.10:30080\n-t 192.0.2.10:30081\n");
	whole();
	must_hold("TCP 10.96.0.1:80 rr 1\nTCP 192.0.2.10:9999 wlc 0\nTCP 192.0.2.10:30080 rr 1\n"
	          "held 10.96.0.1\n");
	record_must_be("-t 192.0.2.10:30080\n");
	end();
}
END_TEST

START_TEST(a_pass_that_may_not_remove_adds_and_changes_only)
{
	begin(NULL);
	put_service("web", "10.96.0.1", 0);
	whole();
	end();
	begin(NULL);
	put_service("api", "10.96.0.2", 0);
	pass(true, false, 0, 0);
	must_hold("TCP 10.96.0.1:80 rr 1\nTCP 10.96.0.2:80 rr 1\nheld 10.96.0.1\nheld 10.96.0.2\n");
	whole();
	must_hold("TCP 10.96.0.2:80 rr 1\nheld 10.96.0.2\n");
	end();
}
END_TEST

/* C45: with its real servers, which do not drain. */
START_TEST(what_others_hold_in_an_excluded_range_stays)
{
	static const struct real_server idle[] = {
	        {.address = {FAMILY_IPV4, {10, 244, 5, 1}}, .port = 8080, .weight = 1},
	        {.address = {FAMILY_IPV4, {10, 244, 5, 2}}, .port = 8080, .weight = 1}};
	begin("10.96.5.0/24");
	put_service("web", "10.96.0.1", 0);
	put_alien("10.96.5.5", 80);
	for (size_t i = 0; i < 2; i++)
		vector_push(&fake.virtual_servers.items[0].real_servers, idle[i]);
	whole();
	vector_push(&fake.held, address("10.96.5.5"));
	remove_service("web");
	whole();
	must_hold("TCP 10.96.5.5:80 wlc 2\nheld 10.96.5.5\n");
	vector_for_each (&fake.virtual_servers.items[0].real_servers, real_server)
		ck_assert_uint_eq(real_server->weight, 1);
	ck_assert_uint_eq(syncer.drains.drains.count, 0);
	end();
}
END_TEST

START_TEST(what_we_made_in_an_excluded_range_goes_even_after_a_restart)
{
	begin("10.96.0.0/16");
	put_service("web", "10.96.0.1", 0);
	whole();
	record_must_be("-t 10.96.0.1:80\n");
	end();
	begin("10.96.0.0/16");
	whole();
	must_hold("held 10.96.0.1\n");
	record_must_be("");
	end();
}
END_TEST

START_TEST(a_refused_change_fails_alone_and_a_whole_pass_repairs_it)
{
	begin(NULL);
	whole();
	put_service("web", "10.96.0.1", 0);
	put_service("api", "10.96.0.2", 0);
	const struct fake_refusal refusal = {.message = fake.counters.changes + 3, .error = -ENOMEM};
	fake.failures.refusals = &refusal;
	fake.failures.refusal_count = 1;
	struct sync_outcome outcome;
	planner_run(&planner);
	ck_assert_int_eq(sync_touched(&syncer, &outcome), 0);
	ck_assert_uint_ge(outcome.failed, 1);
	sync_done(&syncer, &outcome);
	fake.failures.refusal_count = 0;
	whole();
	must_hold("TCP 10.96.0.1:80 rr 1\nTCP 10.96.0.2:80 rr 1\nheld 10.96.0.1\nheld 10.96.0.2\n");
	end();
}
END_TEST

START_TEST(what_others_change_differs_from_what_is_expected)
{
	struct arena arena = {0};
	struct state state;
	struct kernel_sums sums;
	begin(NULL);
	ck_assert(!syncer.expectation.known);
	put_service("web", "10.96.0.1", 30080);
	whole();
	touched();
	put_alien("203.0.113.1", 80);
	ck_assert_int_eq(kernel_read(syncer.kernel, &arena, &state, NULL), 0);
	kernel_sums_of(&state, &sums);
	ck_assert_uint_ne(syncer.expectation.sums.ipvs, sums.ipvs);
	ck_assert_uint_eq(syncer.expectation.sums.held, sums.held);
	arena_done(&arena);
	whole();
	end();
}
END_TEST

START_TEST(aliens_are_counted_by_a_whole_pass)
{
	struct sync_outcome outcome;
	begin(NULL);
	put_service("web", "10.96.0.1", 30080);
	put_alien("203.0.113.1", 80);
	put_alien("203.0.113.1", 81);
	put_alien("10.96.0.1", 80); /* wanted: it is taken over */
	planner_run(&planner);
	ck_assert_int_eq(sync_whole(&syncer, true, &outcome), 0);
	ck_assert_uint_eq(outcome.aliens, 2);
	sync_done(&syncer, &outcome);
	end();
}
END_TEST

START_TEST(a_kernel_that_cannot_be_read_loses_nothing)
{
	begin(NULL);
	put_service("web", "10.96.0.1", 0);
	whole();
	remove_service("web");
	fake.failures.interrupted_dumps = 1000;
	pass(true, true, -EAGAIN, 0);
	fake.failures.interrupted_dumps = 0;
	must_hold("TCP 10.96.0.1:80 rr 1\nheld 10.96.0.1\n");
	whole();
	must_hold("");
	end();
}
END_TEST

START_TEST(what_cannot_be_recorded_is_programmed_all_the_same_and_recorded_later)
{
	begin(NULL);
	whole();
	put_service("web", "10.96.0.1", 30080);
	syncer.run_directory = "/proc/nowhere";
	struct sync_outcome outcome;
	planner_run(&planner);
	ck_assert_int_eq(sync_touched(&syncer, &outcome), 0);
	sync_done(&syncer, &outcome);
	ck_assert_str_ne(syncer.record_fault.sentence, "");
	ck_assert(syncer.record_unsaved);
	must_hold("TCP 10.96.0.1:80 rr 1\nTCP 192.0.2.10:30080 rr 1\nheld 10.96.0.1\n");
	syncer.run_directory = directory;
	syncer_record_again(&syncer);
	ck_assert_str_eq(syncer.record_fault.sentence, "");
	record_must_be("-t 192.0.2.10:30080\n");
	end();
}
END_TEST

START_TEST(a_record_that_cannot_be_read_is_written_anew)
{
	static const char *const contents[] = {"\377\376\n", "-t 192.0.2.10:\n-t 192.0.2.10:30080\n", NULL};
	size_t unreadable = 0;
	begin(NULL);
	put_service("web", "10.96.0.1", 30080);
	whole();
	for (size_t i = 0; i < 3; i++) {
		char path[TEST_PATH_SIZE];
		test_directory_path(directory, "virtual-servers", path);
		if (contents[i]) {
			ck_assert_int_eq(text_write_file(path, contents[i], strlen(contents[i])), 0);
		} else {
			ck_assert_int_eq(unlink(path), 0);
			ck_assert_int_eq(mkdir(path, 0755), 0);
		}
		struct kernel *kernel = syncer.kernel;
		vector_done(&syncer.record);
		arena_done(&syncer.memory);
		int e = syncer_init(&syncer, kernel, &planner, directory, NULL, 0, &unreadable);
		ck_assert_int_eq(e, contents[i] ? 0 : -EISDIR);
		ck_assert(e != 0 || unreadable == 1);
		whole();
		record_must_be("-t 192.0.2.10:30080\n");
		test_directory_path(directory, "virtual-servers.aside", path);
		rmdir(path);
	}
	end();
}
END_TEST

START_TEST(nothing_answers_before_the_packet_filter_protects_it)
{
	struct sync_outcome outcome;
	begin(NULL);
	whole();
	put_service("web", "10.96.0.1", 0);
	fake.failures.refuse_transaction_at = fake.filter.transactions + 1;
	fake.failures.transaction_error = -ENOMEM;
	planner_run(&planner);
	ck_assert_int_eq(sync_touched(&syncer, &outcome), -ENOMEM);
	ck_assert(outcome.filter_refused);
	ck_assert_ptr_nonnull(strstr(outcome.fault.sentence, "the packet filter did not take 2 elements: "));
	sync_done(&syncer, &outcome);
	must_hold("");
	whole();
	must_hold("TCP 10.96.0.1:80 rr 1\nheld 10.96.0.1\n");
	end();
}
END_TEST

/* default/web, for which a load balancer has 192.0.2.50, and only `range` may use it. */
static void put_restricted_service(const char *range)
{
	struct service_port port = {.name = "", .port = 80, .protocol = PROTOCOL_TCP};
	struct load_balancer_ingress ingress = {.address = address("192.0.2.50")};
	struct cidr ranges[1];
	struct service service = {.name = {"default", "web"},
	                          .type = SERVICE_LOAD_BALANCER,
	                          .cluster_ip_kind = CLUSTER_IP_ADDRESS,
	                          .cluster_ip = address("10.96.0.1"),
	                          .ports = &port,
	                          .port_count = 1,
	                          .ingress = &ingress,
	                          .ingress_count = 1,
	                          .source_ranges = ranges,
	                          .source_range_count = 1};
	CHECK(cidr_parse(range, false, &ranges[0]));
	cluster_put_service(planner.cluster, service_new(&service));
	put_endpoint("web", "10.244.0.1");
}

static void ranges_must_be(const char *wanted)
{
	struct arena arena = {0};
	struct state state;
	struct fault fault = {0};
	auto_text text = {0};
	ck_assert_int_eq(kernel_read(syncer.kernel, &arena, &state, &fault), 0);
	for (size_t i = 0; i < state.filter_count; i++) {
		if (state.filter[i].kind != FILTER_SOURCE_RANGE)
			continue;
		render_filter_element(&state.filter[i], &text);
		text_add_char(&text, '\n');
	}
	ck_assert_texts("the source ranges", wanted, text_string(&text));
	arena_done(&arena);
}

START_TEST(a_pass_that_may_not_remove_narrows_the_ranges_of_a_port_that_stays)
{
	begin(NULL);
	put_restricted_service("10.0.0.0/8");
	whole();
	end();
	begin(NULL);
	put_restricted_service("10.1.0.0/16");
	pass(true, false, 0, 0);
	ranges_must_be("192.0.2.50:80 TCP allow 10.1.0.0/16\n");
	end();
}
END_TEST

START_TEST(a_pass_that_may_not_remove_leaves_the_ranges_of_a_port_that_nobody_wants)
{
	begin(NULL);
	put_restricted_service("10.0.0.0/8");
	whole();
	end();
	begin(NULL);
	pass(true, false, 0, 0);
	ranges_must_be("192.0.2.50:80 TCP allow 10.0.0.0/8\n");
	must_hold("TCP 10.96.0.1:80 rr 1\nTCP 192.0.2.50:80 rr 1\nheld 10.96.0.1\nheld 192.0.2.50\n");
	whole();
	ranges_must_be("");
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd syncer");
	TCase *tests = tcase_create("syncer");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_service_comes_and_goes_with_small_passes);
	tcase_add_test(tests, an_endpoint_that_is_exchanged_can_be_reported);
	tcase_add_test(tests, an_endpoint_that_goes_drains_and_one_that_comes_back_serves);
	tcase_add_test(tests, after_a_restart_what_is_wanted_serves_and_what_is_not_drains);
	tcase_add_test(tests, nobody_drains_in_a_pass_that_may_not_remove);
	tcase_add_test(tests, a_weight_that_is_refused_is_tried_again);
	tcase_add_test(tests, with_drain_on_delete_a_service_that_goes_stays_at_weight_0);
	tcase_add_test(tests, a_whole_pass_finds_nothing_to_do_after_a_small_one);
	tcase_add_test(tests, node_ports_are_in_the_record_for_as_long_as_they_are_wanted);
	tcase_add_test(tests, after_a_restart_recorded_node_ports_go_and_alien_ones_stay);
	tcase_add_test(tests, without_the_record_node_ports_of_an_earlier_life_are_alien);
	tcase_add_test(tests, what_a_takeover_claims_goes_unless_it_is_wanted);
	tcase_add_test(tests, a_pass_that_may_not_remove_adds_and_changes_only);
	tcase_add_test(tests, what_others_hold_in_an_excluded_range_stays);
	tcase_add_test(tests, what_we_made_in_an_excluded_range_goes_even_after_a_restart);
	tcase_add_test(tests, a_refused_change_fails_alone_and_a_whole_pass_repairs_it);
	tcase_add_test(tests, a_kernel_that_cannot_be_read_loses_nothing);
	tcase_add_test(tests, what_others_change_differs_from_what_is_expected);
	tcase_add_test(tests, aliens_are_counted_by_a_whole_pass);
	tcase_add_test(tests, what_cannot_be_recorded_is_programmed_all_the_same_and_recorded_later);
	tcase_add_test(tests, a_record_that_cannot_be_read_is_written_anew);
	tcase_add_test(tests, nothing_answers_before_the_packet_filter_protects_it);
	tcase_add_test(tests, a_pass_that_may_not_remove_narrows_the_ranges_of_a_port_that_stays);
	tcase_add_test(tests, a_pass_that_may_not_remove_leaves_the_ranges_of_a_port_that_nobody_wants);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
