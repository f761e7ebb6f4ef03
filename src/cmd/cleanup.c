#include "command.h"
#include "node_name.h"
#include "run_lock.h"

#include "apply/kernel.h"
#include "apply/record.h"
#include "base/memory.h"
#include "base/text.h"
#include "plan/filter_text.h"
#include "plan/render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cleanup_options {
	bool help;
	const char *run_directory;
	struct cidr_list excluded;
};

static const struct option_row rows[] = {
        {"ipvs-exclude-cidrs", 0, OPTION_CIDRS, offsetof(struct cleanup_options, excluded), "CIDR,...",
         "leave virtual servers and addresses in these ranges, unless the record names them"},
        {"run-dir", 0, OPTION_TEXT, offsetof(struct cleanup_options, run_directory), "DIR",
         "where the daemon kept its record (default " RECORD_DIRECTORY ")"},
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
                "Everything else stays. Stop the daemon first.",
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

static int remove_ours(struct kernel *kernel, const struct cleanup_options *options, struct arena *arena,
                       struct fault *fault)
{
	struct state present;
	const struct state nothing = {0};
	struct changes changes = {0};
	struct virtual_server_key *recorded = NULL;
	size_t recorded_count = 0, unreadable = 0;
	int e = kernel_read(kernel, arena, &present, fault);
	if (e == 0)
		e = record_read(options->run_directory, arena, &recorded, &recorded_count, &unreadable);
	if (e)
		return e;
	struct removal_rules rules = {.recorded = recorded,
	                              .recorded_count = recorded_count,
	                              .excluded = options->excluded.items,
	                              .excluded_count = options->excluded.count};
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
	static const char *const files[] = {RECORD_FILE, RUN_LOCK_FILE, NULL};
	for (size_t i = 0; files[i] != NULL; i++) {
		auto_free char *path = NULL;
		if (asprintf(&path, "%s/%s", directory, files[i]) >= 0)
			unlink(path);
	}
	rmdir(directory);
}

static int run(const struct cleanup_options *options)
{
	struct fault fault = {0};
	struct kernel *kernel = NULL;
	struct arena arena = {0};
	int lock = -1;
	int e = take_lock(options->run_directory, &lock, &fault);
	if (e == 0)
		e = kernel_open(DUMMY_INTERFACE, true, NULL, &kernel, &fault);
	if (e == 0)
		e = remove_ours(kernel, options, &arena, &fault);
	if (e == 0)
		forget_record(options->run_directory);
	else
		complain(e, &fault);
	kernel_close(kernel);
	arena_done(&arena);
	if (lock >= 0)
		close(lock);
	return e ? EXIT_FAILURE : EXIT_SUCCESS;
}

int command_cleanup(int argc, char **argv)
{
	struct cleanup_options options = {.run_directory = RECORD_DIRECTORY};
	int status = EXIT_SUCCESS;
	if (!options_begin(&cleanup_line, argc, argv, &options, &options.help, &status))
		return status;
	status = run(&options);
	options_release(&cleanup_line, &options);
	return status;
}
