#include "command.h"
#include "drains.h"
#include "kube_proxy_claims.h"
#include "node_name.h"
#include "run_lock.h"

#include "apply/host.h"
#include "apply/kernel.h"
#include "apply/kube_proxy.h"
#include "apply/record.h"
#include "base/memory.h"
#include "base/text.h"
#include "plan/filter_text.h"
#include "plan/render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct cleanup_options {
	bool help;
	const char *run_directory;
	struct cidr_list excluded;
	bool kube_proxy;
	struct port_range node_ports;
};

static const struct option_row rows[] = {
        {"ipvs-exclude-cidrs", 0, OPTION_CIDRS, offsetof(struct cleanup_options, excluded), "CIDR,...",
         "leave virtual servers and addresses in these ranges, unless the record names them"},
        {"kube-proxy", 0, OPTION_SWITCH, offsetof(struct cleanup_options, kube_proxy), NULL,
         "remove what kube-proxy left too: its iptables chains, ipsets and virtual servers"},
        {"run-dir", 0, OPTION_TEXT, offsetof(struct cleanup_options, run_directory), "DIR",
         "where the daemon kept its record (default " RECORD_DIRECTORY ")"},
        {"service-node-port-range", 0, OPTION_PORT_RANGE, offsetof(struct cleanup_options, node_ports),
         "FIRST-LAST",
         "the cluster's NodePorts, by which kube-proxy's virtual servers on the node's addresses are known "
         "(default 30000-32767)"},
        OPTION_HELP_ROW(struct cleanup_options),
        {0},
};

const struct command_line cleanup_line = {
        .synopsis = "kube-ipvs cleanup [flags]",
        .purpose =
                "Removes from the kernel what is ours: the virtual servers on addresses of " DUMMY_INTERFACE
                " and those\n"
                "that the record names, then the nftables table inet " FILTER_TABLE " and " DUMMY_INTERFACE
                " itself.\n"
                "With --kube-proxy, also what kube-proxy left there: its chains and jumps in iptables, its "
                "ipsets, its\n"
                "virtual servers, the tables of its mode nftables. Everything else stays. Stop the daemon, "
                "or\n"
                "kube-proxy, first.",
        .rows = rows,
};

/* The daemon's lock, for as long as the cleaning lasts. No directory: nothing of ours ever ran from there. */
static int take_lock(const char *directory, int *ret_lock, struct fault *fault)
{
	int e = run_lock_take(directory, "/proc", ret_lock, fault);
	return e == -ENOENT ? 0 : e;
}

/* Prints each removal, failures on standard error. Returns how many failed. */
static size_t report(const struct changes *changes)
{
	size_t failed = 0;
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		auto_text line = {0};
		render_change(change, &line);
		if (change->result == 0) {
			puts(text_string(&line));
			continue;
		}
		failed++;
		fprintf(stderr, "kube-ipvs: the kernel refused \"%s\": %s\n", text_string(&line),
		        kernel_error_text(change->kind, change->result));
	}
	return failed;
}

/* ---- virtual servers, addresses, our table */

/* Both are ascending; the record then names all of them. */
static void merge(struct removal_rules *rules, const struct virtual_server_key *keys, size_t count,
                  struct arena *arena)
{
	const struct virtual_server_key *recorded = rules->recorded;
	struct virtual_server_key *all =
	        arena_new_array(arena, count + rules->recorded_count, struct virtual_server_key);
	size_t all_count = 0, i = 0;
	for (size_t j = 0; j < rules->recorded_count; j++) {
		int order = -1;
		while (i < count && (order = virtual_server_key_compare(&keys[i], &recorded[j])) < 0)
			all[all_count++] = keys[i++];
		i += i < count && order == 0;
		all[all_count++] = recorded[j];
	}
	while (i < count)
		all[all_count++] = keys[i++];
	rules->recorded = all;
	rules->recorded_count = all_count;
}

/* Adds to what the record names the virtual servers of kube-proxy's that no address of the dummy tells. */
static int add_claims(const struct cleanup_options *options, const struct state *present, struct arena *arena,
                      struct removal_rules *rules)
{
	struct kube_proxy_claims claims = {.node_ports = options->node_ports,
	                                   .excluded = options->excluded.items,
	                                   .excluded_count = options->excluded.count};
	struct interface_address *host = NULL;
	struct virtual_server_key *external = NULL, *keys = NULL;
	int e = host_read_addresses(arena, &host, &claims.host_count);
	if (e == 0)
		e = kube_proxy_read_external(NULL, arena, &external, &claims.external_count);
	if (e)
		return e;
	claims.host = host;
	claims.external = external;
	size_t count = kube_proxy_claims_find(&claims, present, arena, &keys);
	merge(rules, keys, count, arena);
	return 0;
}

/* What cannot be read of it names nothing: those virtual servers stay, and that is said. */
static void read_record(const char *directory, struct arena *arena, struct virtual_server_key **ret_recorded,
                        size_t *ret_count)
{
	size_t unreadable = 0;
	int e = record_read(directory, arena, ret_recorded, ret_count, &unreadable);
	if (e)
		fprintf(stderr,
		        "kube-ipvs: %s/" RECORD_FILE ": it cannot be read: %s; what it names is left alone\n",
		        directory, strerror(-e));
	if (unreadable > 0)
		fprintf(stderr,
		        "kube-ipvs: %s/" RECORD_FILE ": %zu lines cannot be read; what they name is left "
		        "alone\n",
		        directory, unreadable);
}

static int remove_ours(struct kernel *kernel, const struct cleanup_options *options, struct arena *arena,
                       struct fault *fault)
{
	struct state present;
	const struct state nothing = {0};
	struct changes changes = {0};
	struct virtual_server_key *recorded = NULL;
	size_t recorded_count = 0;
	int e = kernel_read(kernel, arena, &present, fault);
	if (e)
		return e;
	read_record(options->run_directory, arena, &recorded, &recorded_count);
	struct removal_rules rules = {.recorded = recorded,
	                              .recorded_count = recorded_count,
	                              .excluded = options->excluded.items,
	                              .excluded_count = options->excluded.count};
	if (options->kube_proxy && (e = add_claims(options, &present, arena, &rules)) != 0)
		return e;
	diff_build(&present, &nothing, &rules, &changes);
	size_t removed_addresses = 0;
	for (size_t i = 0; i < changes.count; i++)
		removed_addresses += changes.items[i].kind == CHANGE_ADDRESS_REMOVE;
	e = kernel_perform(kernel, &changes, arena);
	size_t failed = report(&changes);
	if (e == 0)
		e = kernel_remove_filter(kernel, fault);
	/* An excluded address lives on the dummy, so the dummy stays with it. */
	if (e == 0 && failed == 0 && removed_addresses == present.held_count)
		e = kernel_remove_dummy(kernel, fault);
	if (e == 0 && failed > 0) {
		fault_set(fault, NULL, "%zu removals failed; run it again", failed);
		e = -EIO;
	}
	vector_done(&changes);
	return e;
}

static void forget_record(const char *directory)
{
	static const char *const files[] = {RECORD_FILE, DRAINS_FILE, RUN_LOCK_FILE, NULL};
	for (size_t i = 0; files[i] != NULL; i++) {
		auto_free char *path = NULL;
		if (asprintf(&path, "%s/%s", directory, files[i]) >= 0)
			unlink(path);
	}
	rmdir(directory);
}

/* ---- kube-proxy's rules and sets */

static void wait_for_sets(struct arena *arena, struct kube_proxy_report *found)
{
	const struct timespec pause = {.tv_nsec = KUBE_PROXY_SET_PAUSE_MS * 1000000L};
	for (int i = 1; kube_proxy_remove_sets(NULL, i == KUBE_PROXY_SET_TRIES, arena, found) > 0 &&
	                i < KUBE_PROXY_SET_TRIES;
	     i++)
		nanosleep(&pause, NULL);
}

static int clean_kube_proxys(void)
{
	struct fault fault = {0};
	struct arena arena = {0};
	struct kube_proxy_report found = {0};
	kube_proxy_remove_rules(NULL, &arena, &found);
	wait_for_sets(&arena, &found);
	vector_for_each (&found.items, item) {
		if (item->fate == KUBE_PROXY_REMOVED)
			printf("- %s\n", item->what);
		else
			fprintf(stderr, "kube-ipvs: %s %s: %s\n", item->what,
			        item->fate == KUBE_PROXY_LEFT ? "is left" : "could not be removed",
			        item->why);
	}
	size_t failed = found.counts[KUBE_PROXY_FAILED];
	vector_done(&found.items);
	arena_done(&arena);
	if (failed == 0)
		return 0;
	fault_set(&fault, NULL, "%zu of kube-proxy's things could not be removed; run it again", failed);
	complain(-EIO, &fault);
	return -EIO;
}

static int clean_ours(const struct cleanup_options *options)
{
	struct fault fault = {0};
	struct kernel *kernel = NULL;
	struct arena arena = {0};
	int e = kernel_open(DUMMY_INTERFACE, true, NULL, &kernel, &fault);
	if (e == 0)
		e = remove_ours(kernel, options, &arena, &fault);
	if (e == 0)
		forget_record(options->run_directory);
	else
		complain(e, &fault);
	kernel_close(kernel);
	arena_done(&arena);
	return e;
}

static int run(const struct cleanup_options *options)
{
	struct fault fault = {0};
	int lock = -1;
	int e = take_lock(options->run_directory, &lock, &fault);
	if (e) {
		complain(e, &fault);
		return EXIT_FAILURE;
	}
	e = clean_ours(options);
	/* Also where the kernel has no IPVS: then kube-proxy had another mode last. */
	if (options->kube_proxy && clean_kube_proxys() != 0)
		e = -EIO;
	if (lock >= 0)
		close(lock);
	return e ? EXIT_FAILURE : EXIT_SUCCESS;
}

int command_cleanup(int argc, char **argv)
{
	struct cleanup_options options = {.run_directory = RECORD_DIRECTORY, .node_ports = {30000, 32767}};
	int status = EXIT_SUCCESS;
	if (!options_begin(&cleanup_line, argc, argv, &options, &options.help, &status))
		return status;
	status = run(&options);
	options_release(&cleanup_line, &options);
	return status;
}
