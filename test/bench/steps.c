/*
 * The daemon's work without the daemon: from an event's text to the kernel's answer, step by step, in one process.
 *
 *     bench-steps SERVICES ENDPOINTS
 *
 * Prints lines "NAME SECONDS" for the first pass, for one that finds nothing to do, and for one changed endpoint.
 */
#include "machine.h"
#include "planner.h"
#include "sketch.h"

#include "apply/kernel.h"
#include "base/check.h"
#include "base/memory.h"
#include "model/inlet.h"
#include "plan/filter_text.h"
#include "source/decode.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_ENDPOINTS = 100, CHANGES = 100 };

struct steps {
	struct planner planner;
	struct inlet inlet;
	struct kernel *kernel;
	struct arena pass;
	struct text text;
	const char *prefix;
	int64_t last_ns;
};

static void step_done(struct steps *steps, const char *name)
{
	int64_t now = machine_now_ns();
	if (steps->prefix)
		printf("%s_%s %.6f\n", steps->prefix, name, (double)(now - steps->last_ns) / 1e9);
	steps->last_ns = machine_now_ns();
}

/* ---- events */

static void take_text(struct steps *steps)
{
	struct decoded decoded = {0};
	struct fault fault;
	json_t *value = json_loadb(steps->text.bytes, steps->text.length, 0, NULL);
	CHECK(value && decode_object(value, NULL, NULL, &decoded, &fault) == 0);
	for (size_t i = 0; i < decoded.service_count; i++)
		inlet_put_service(&steps->inlet, decoded.services[i]);
	for (size_t i = 0; i < decoded.slice_count; i++)
		inlet_put_slice(&steps->inlet, decoded.slices[i]);
	decoded.service_count = decoded.slice_count = 0;
	decoded_done(&decoded);
	json_decref(value);
}

static void fill(struct steps *steps, uint32_t services, size_t endpoints)
{
	uint32_t addresses[MOST_ENDPOINTS];
	for (uint32_t i = 0; i < services; i++) {
		for (size_t j = 0; j < endpoints; j++)
			addresses[j] = 0x0a800001 + (uint32_t)(i * endpoints + j);
		struct sketch sketch = {.number = i, .endpoints = addresses, .endpoint_count = endpoints};
		sketch_service(&sketch, &steps->text);
		take_text(steps);
		sketch_slice(&sketch, &steps->text);
		take_text(steps);
	}
}

/* ---- passes */

static void perform(struct steps *steps, const struct state *before, const struct state *now,
                    size_t *ret_changes)
{
	struct changes changes = {0};
	const struct removal_rules rules = {.all_ours = true, .order_seed = order_seed("node-1")};
	diff_build(before, now, &rules, &changes);
	step_done(steps, "diff");
	CHECK(kernel_perform(steps->kernel, &changes, &steps->pass) == 0);
	step_done(steps, "perform");
	for (size_t i = 0; i < changes.count; i++)
		CHECK(changes.items[i].result == 0);
	*ret_changes = changes.count;
	vector_done(&changes);
}

static void run_whole_pass(struct steps *steps, const char *prefix)
{
	struct state present, wanted;
	size_t changes;
	steps->prefix = prefix;
	steps->last_ns = machine_now_ns();
	planner_run(&steps->planner);
	step_done(steps, "plan");
	CHECK(kernel_read(steps->kernel, &steps->pass, &present, NULL) == 0);
	step_done(steps, "read");
	ledger_wanted(steps->planner.ledger, &steps->pass, &wanted);
	step_done(steps, "wanted");
	perform(steps, &present, &wanted, &changes);
	ledger_settle(steps->planner.ledger);
	arena_done(&steps->pass);
	step_done(steps, "settle");
	printf("%s_changes %zu\n", prefix, changes);
}

static void run_small_pass(struct steps *steps)
{
	struct state before, now;
	size_t changes;
	steps->last_ns = machine_now_ns();
	take_text(steps);
	step_done(steps, "decode");
	planner_run(&steps->planner);
	step_done(steps, "plan");
	ledger_touched(steps->planner.ledger, &steps->pass, &before, &now);
	step_done(steps, "touched");
	perform(steps, &before, &now, &changes);
	CHECK(changes == 2);
	ledger_settle(steps->planner.ledger);
	arena_reset(&steps->pass);
	step_done(steps, "settle");
}

static void change_endpoints(struct steps *steps, uint32_t services, size_t endpoints)
{
	uint32_t addresses[MOST_ENDPOINTS];
	for (uint32_t i = 0; i < CHANGES; i++) {
		uint32_t number = i * 7919 % services;
		for (size_t j = 0; j < endpoints; j++)
			addresses[j] = 0x0a800001 + (uint32_t)(number * endpoints + j);
		addresses[0] = 0x0a400001 + i;
		struct sketch sketch = {
		        .number = number, .endpoints = addresses, .endpoint_count = endpoints};
		sketch_slice(&sketch, &steps->text);
		/* The last one tells, since all memory is there by then. */
		steps->prefix = i + 1 == CHANGES ? "change" : NULL;
		run_small_pass(steps);
	}
}

static void ignore_warnings(void *context, const char *owner, const char *const *sentences, size_t count)
{
	(void)context, (void)owner, (void)sentences, (void)count;
}

static void ignore_remark(void *context, const char *sentence)
{
	(void)context, (void)sentence;
}

static void open_kernel(struct steps *steps)
{
	const struct filter_rules rules = {.masquerade_mark = 1U << 14};
	struct fault fault;
	bool repaired;
	auto_text text = {0};
	filter_text_rules(&rules, &text);
	CHECK(machine_enter_network() == 0);
	CHECK(kernel_open("kube-ipvs0", true, NULL, &steps->kernel, &fault) == 0);
	CHECK(kernel_ensure_dummy(steps->kernel, &fault) == 0);
	kernel_use_filter(steps->kernel, text_string(&text));
	CHECK(kernel_ensure_filter(steps->kernel, &repaired, &fault) == 0);
}

int main(int argc, char **argv)
{
	static const struct planner_listener listener = {.warned = ignore_warnings,
	                                                 .remarked = ignore_remark};
	static const struct node_port_rule node_ports = {0};
	struct steps steps = {.prefix = "first"};
	uint32_t services = argc == 3 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	size_t endpoints = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	if (services < 1 || services > SKETCH_MOST || endpoints < 1 || endpoints > MOST_ENDPOINTS) {
		fprintf(stderr, "usage: bench-steps SERVICES ENDPOINTS\n");
		return EXIT_FAILURE;
	}
	planner_init(&steps.planner, "node-1", "kube-ipvs0", "rr", &node_ports, &listener);
	inlet_init(&steps.inlet, steps.planner.cluster, ORIGIN_API_SERVER);
	open_kernel(&steps);
	CHECK(kernel_probe_scheduler(steps.kernel, "rr") == 0);
	steps.last_ns = machine_now_ns();
	fill(&steps, services, endpoints);
	step_done(&steps, "decode");
	run_whole_pass(&steps, "first");
	cluster_mark_all(steps.planner.cluster);
	run_whole_pass(&steps, "again");
	change_endpoints(&steps, services, endpoints);
	kernel_close(steps.kernel);
	planner_done(&steps.planner);
	arena_done(&steps.pass);
	text_done(&steps.text);
	return EXIT_SUCCESS;
}
