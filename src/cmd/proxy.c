#include "command.h"
#include "daemon.h"

#include "apply/record.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

static int check(const struct proxy_options *options, struct fault *fault)
{
	if (options->manifests == NULL) {
		fault_place(fault, "--manifests");
		return fault_set(fault, NULL,
		                 "there is nothing to read Services from; name a directory of manifests");
	}
	if (options->sync_period_ms <= 0) {
		fault_place(fault, "--ipvs-sync-period");
		return fault_set(fault, NULL, "it must be longer than 0s; the usual is 30s");
	}
	if (options->min_sync_period_ms > options->sync_period_ms) {
		fault_place(fault, "--ipvs-min-sync-period");
		return fault_set(fault, NULL, "it must not be longer than --ipvs-sync-period");
	}
	return 0;
}

static int run(const struct proxy_options *options)
{
	struct fault fault = {0};
	auto_free char *node_name = NULL;
	struct log log;
	log_init(&log);
	if (options->verbosity > 0)
		log.most = LOG_LEVEL_DEBUG;
	if (check(options, &fault) != 0 ||
	    node_name_read(options->hostname_override, &node_name, &fault) != 0) {
		char text[FAULT_TEXT_SIZE];
		log_error(&log, "%s", fault_format(&fault, text));
		return EXIT_FAILURE;
	}
	return daemon_run(options, node_name, &log);
}

int command_proxy(int argc, char **argv)
{
	struct proxy_options options = {
	        .scheduler = "rr", .run_directory = RECORD_DIRECTORY, .sync_period_ms = 30000};
	int status = EXIT_SUCCESS;
	if (!options_begin(&proxy_line, argc, argv, &options, &options.help, &status))
		return status;
	if (options.version)
		status = command_version(1, argv);
	else
		status = run(&options);
	options_release(&proxy_line, &options);
	return status;
}
