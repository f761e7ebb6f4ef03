#include "command.h"
#include "node_name.h"
#include "plan_json.h"
#include "planner.h"

#include "apply/host.h"
#include "apply/kernel.h"
#include "apply/record.h"
#include "base/memory.h"
#include "plan/drains.h"
#include "plan/render.h"
#include "source/manifest.h"

#include <stdlib.h>
#include <string.h>

struct plan_command_options {
	bool help;
	bool diff;
	const char *manifests;
	const char *hostname_override;
	const char *run_directory;
	const char *scheduler;
	struct cidr_list excluded;
	struct node_port_addresses node_ports;
	struct address_list node_addresses;
	enum output_format output;
};

/* One run of the command. */
struct plan_command {
	const struct plan_command_options *options;
	char *node_name;
	struct planner planner;
	struct arena arena;
	struct interface_address *addresses;
	size_t address_count;
	bool refused; /* some manifest could not be read */
};

#define ROW(field) offsetof(struct plan_command_options, field)

static const struct option_row rows[] = {
        {"manifests", 0, OPTION_TEXT, ROW(manifests), "PATH",
         "the directory of manifests, or one file, to plan for"},
        {"output", 'o', OPTION_OUTPUT, ROW(output), "FORMAT",
         "text; json; or save, which is what ipvsadm -Sn prints (default text)"},
        {"diff", 0, OPTION_SWITCH, ROW(diff), NULL,
         "show what would change in this machine's kernel instead; this needs root and IPVS"},
        {"hostname-override", 0, OPTION_TEXT, ROW(hostname_override), "NAME",
         "the name of the node to plan for (default: the host name)"},
        {"node-addresses", 0, OPTION_ADDRESSES, ROW(node_addresses), "ADDR,...",
         "the addresses of the node to plan for (default: those of this machine's interfaces)"},
        {"nodeport-addresses", 0, OPTION_NODE_PORTS, ROW(node_ports), "CIDR,...",
         "serve NodePorts on the node's addresses in these ranges; primary: on the Node's own IP (default: "
         "on all)"},
        {"ipvs-scheduler", 0, OPTION_TEXT, ROW(scheduler), "NAME",
         "how IPVS chooses a real server, for Services that do not say it themselves (default rr)"},
        {"ipvs-exclude-cidrs", 0, OPTION_CIDRS, ROW(excluded), "CIDR,...",
         "with --diff: never remove virtual servers and addresses in these ranges that are not known to be "
         "ours"},
        {"run-dir", 0, OPTION_TEXT, ROW(run_directory), "DIR",
         "with --diff: where the daemon keeps its record (default " RECORD_DIRECTORY ")"},
        OPTION_HELP_ROW(struct plan_command_options),
        {0},
};

const struct command_line plan_line = {
        .synopsis = "kube-ipvs plan --manifests PATH [flags]",
        .purpose = "Prints what the daemon would program for these manifests, and touches nothing. Needs no "
                   "root.",
        .rows = rows,
};

static void on_changed(void *context)
{
	(void)context;
}

static void on_refused(void *context, const struct fault *fault)
{
	struct plan_command *plan = context;
	complain(FAULT_REFUSED, fault);
	plan->refused = true;
}

static void on_recovered(void *context, const char *place)
{
	(void)context, (void)place;
}

static void on_remarked(void *context, bool grave, const char *sentence)
{
	(void)context;
	if (grave)
		fprintf(stderr, "kube-ipvs: warning: %s\n", sentence);
}

static void on_warned(void *context, const char *owner, const char *const *sentences, size_t count)
{
	(void)context, (void)owner;
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "kube-ipvs: warning: %s\n", sentences[i]);
}

static void on_planner_remark(void *context, const char *sentence)
{
	(void)context;
	fprintf(stderr, "kube-ipvs: warning: %s\n", sentence);
}

static int read_node_addresses(struct plan_command *plan, struct fault *fault)
{
	const struct address_list *given = &plan->options->node_addresses;
	if (given->count == 0) {
		int e = host_read_addresses(&plan->arena, &plan->addresses, &plan->address_count);
		if (e)
			fault_set(fault, NULL,
			          "this machine's addresses cannot be read: %s; give them with "
			          "--node-addresses",
			          strerror(-e));
		return e;
	}
	plan->addresses = arena_new_array(&plan->arena, given->count, struct interface_address);
	plan->address_count = given->count;
	for (size_t i = 0; i < given->count; i++)
		plan->addresses[i] =
		        (struct interface_address){.address = given->items[i], .interface = "node"};
	return 0;
}

static int build_plan(struct plan_command *plan, struct state *ret_state, struct fault *fault)
{
	struct manifest_listener listener = {.context = plan,
	                                     .changed = on_changed,
	                                     .refused = on_refused,
	                                     .recovered = on_recovered,
	                                     .remarked = on_remarked};
	struct manifest_directory *manifests = NULL;
	struct inlet inlet;
	inlet_init(&inlet, plan->planner.cluster, ORIGIN_MANIFESTS);
	int e = read_node_addresses(plan, fault);
	if (e == 0)
		e = manifest_directory_open(plan->options->manifests, &inlet, &listener, &manifests, fault);
	manifest_directory_close(manifests);
	if (e)
		return e;
	planner_refresh_node(&plan->planner, plan->addresses, plan->address_count);
	planner_run(&plan->planner);
	ledger_wanted(plan->planner.ledger, &plan->arena, ret_state);
	return 0;
}

static void print_plan(const struct plan_command *plan, const struct state *state)
{
	auto_text text = {0};
	switch (plan->options->output) {
	case OUTPUT_JSON:
		plan_print_json(plan->node_name, state, stdout);
		return;
	case OUTPUT_SAVE:
		render_save(state, &text);
		break;
	case OUTPUT_TEXT:
		render_text(state, &text);
		break;
	}
	fwrite(text_string(&text), 1, text.length, stdout);
}

static void print_changes(const struct plan_command *plan, const struct changes *changes)
{
	auto_text text = {0};
	if (plan->options->output == OUTPUT_JSON) {
		changes_print_json(plan->node_name, changes, stdout);
		return;
	}
	render_changes(changes, &text);
	fwrite(text_string(&text), 1, text.length, stdout);
}

/* Reads the kernel and shows what a whole pass of the daemon would send. */
static int print_diff(struct plan_command *plan, struct state *wanted, struct fault *fault)
{
	struct kernel *kernel = NULL;
	struct state present;
	struct changes changes = {0};
	struct virtual_server_key *recorded = NULL;
	size_t recorded_count = 0, unreadable = 0;
	int e = kernel_open(DUMMY_INTERFACE, false, NULL, &kernel, fault);
	if (e == 0)
		kernel_use_filter(kernel, ""); /* for reading */
	if (e == 0)
		e = kernel_read(kernel, &plan->arena, &present, fault);
	if (e == 0)
		present.misheld_count = 0; /* the daemon's flags are not known here; either way is right */
	if (e == 0)
		e = record_read(plan->options->run_directory, &plan->arena, &recorded, &recorded_count,
		                &unreadable);
	if (e == 0) {
		struct removal_rules rules = {.recorded = recorded,
		                              .recorded_count = recorded_count,
		                              .excluded = plan->options->excluded.items,
		                              .excluded_count = plan->options->excluded.count,
		                              .order_seed = order_seed(plan->node_name)};
		struct state extended;
		struct draining_list draining;
		drains_extend(&present, wanted, &plan->arena, &extended, &draining);
		diff_build(&present, &extended, &rules, &changes);
		print_changes(plan, &changes);
		vector_done(&changes);
	}
	kernel_close(kernel);
	return e;
}

static int check(const struct plan_command_options *options, struct fault *fault)
{
	if (options->manifests == NULL) {
		fault_place(fault, "--manifests");
		return fault_set(fault, NULL,
		                 "there is nothing to plan for; name a directory of manifests, or a file");
	}
	if (options->diff && options->output == OUTPUT_SAVE) {
		fault_place(fault, "--output");
		return fault_set(fault, NULL, "--diff prints text or json, not save");
	}
	return 0;
}

static int run(struct plan_command *plan, struct fault *fault)
{
	const struct plan_command_options *options = plan->options;
	struct node_port_rule node_ports = {.primary = options->node_ports.primary,
	                                    .cidrs = options->node_ports.cidrs.items,
	                                    .cidr_count = options->node_ports.cidrs.count};
	struct planner_listener listener = {
	        .context = plan, .warned = on_warned, .remarked = on_planner_remark};
	struct state wanted;
	int e = check(options, fault);
	if (e == 0)
		e = node_name_read(options->hostname_override, &plan->node_name, fault);
	if (e)
		return e;
	if (!scheduler_in_list(known_schedulers, options->scheduler))
		fprintf(stderr,
		        "kube-ipvs: warning: --ipvs-scheduler: no mainline kernel has a scheduler \"%s\"\n",
		        options->scheduler);
	planner_init(&plan->planner, plan->node_name, DUMMY_INTERFACE, options->scheduler, &node_ports,
	             &listener);
	e = build_plan(plan, &wanted, fault);
	if (e == 0) {
		if (!options->diff)
			print_plan(plan, &wanted);
		else
			e = print_diff(plan, &wanted, fault);
	}
	planner_done(&plan->planner);
	return e;
}

int command_plan(int argc, char **argv)
{
	struct plan_command_options options = {.scheduler = "rr", .run_directory = RECORD_DIRECTORY};
	struct plan_command plan = {.options = &options};
	struct fault fault = {0};
	int status = EXIT_SUCCESS;
	if (!options_begin(&plan_line, argc, argv, &options, &options.help, &status))
		return status;
	int e = run(&plan, &fault);
	if (e)
		complain(e, &fault);
	memory_free_pointer(&plan.node_name);
	arena_done(&plan.arena);
	options_release(&plan_line, &options);
	return e || plan.refused ? EXIT_FAILURE : EXIT_SUCCESS;
}
