/*
 * The daemon's command line: what it asks for, and what it has to say before anything runs.
 */
#include "command.h"
#include "config.h"
#include "daemon.h"
#include "node_name.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(void *context, const struct fault *fault)
{
	(void)context;
	complain(FAULT_REFUSED, fault);
}

static void warn(const struct config *config, const struct log *log)
{
	for (size_t i = 0; i < config->warning_count; i++)
		log_warning(log, "%s", config->warnings[i]);
}

static struct log open_log(const struct config *config)
{
	struct log log;
	log_init(&log);
	log.as_json = strcmp(config->logging_format, "json") == 0;
	if (config->verbosity > 0)
		log.most = LOG_LEVEL_DEBUG;
	return log;
}

static int write_config(const struct config *config, const struct log *log)
{
	auto_text yaml = {0};
	config_render_yaml(config, &yaml);
	int e = text_write_file(config->write_config_to, yaml.bytes, yaml.length);
	if (e == 0) {
		log_info(log, "%s: the configuration is written", config->write_config_to);
		return EXIT_SUCCESS;
	}
	log_error(log, "%s: the configuration cannot be written: %s", config->write_config_to, strerror(-e));
	return EXIT_FAILURE;
}

/* As `kube-ipvs cleanup --kube-proxy` does it: who gives kube-proxy's flag wants to be rid of what a proxy left. */
static int clean_up(const struct config *config)
{
	char command[] = "cleanup", run_dir[] = "--run-dir", exclude[] = "--ipvs-exclude-cidrs";
	char kube_proxy[] = "--kube-proxy", range[] = "--service-node-port-range",
	     ports[sizeof("65535-65535")];
	char cidr[CIDR_TEXT_SIZE];
	auto_free char *directory = memory_copy_text(config->run_directory);
	auto_text excluded = {0};
	for (size_t i = 0; i < config->excluded.count; i++) {
		cidr_format(&config->excluded.items[i], cidr);
		text_addf(&excluded, "%s%s", i ? "," : "", cidr);
	}
	text_reserve(&excluded, 0)[0] = '\0';
	(void)snprintf(ports, sizeof(ports), "%u-%u", config->service_node_ports.first,
	               config->service_node_ports.last);
	char *arguments[] = {command,    run_dir, directory, exclude, excluded.bytes,
	                     kube_proxy, range,   ports,     NULL};
	return command_cleanup(8, arguments);
}

static int run_daemon(const struct config *config, const struct log *log)
{
	struct fault fault = {0};
	char text[FAULT_TEXT_SIZE];
	auto_free char *node_name = NULL;
	const char *override = *config->hostname_override ? config->hostname_override : NULL;
	if (node_name_read(override, &node_name, &fault) == 0)
		return daemon_run(config, node_name, log);
	log_error(log, "%s", fault_format(&fault, text));
	return EXIT_FAILURE;
}

static int run(const struct config *config)
{
	const struct log log = open_log(config);
	warn(config, &log);
	if (*config->write_config_to)
		return write_config(config, &log);
	return config->cleanup ? clean_up(config) : run_daemon(config, &log);
}

int command_proxy(int argc, char **argv)
{
	struct config config;
	int status = EXIT_SUCCESS;
	if (config_read(argc, argv, &config, refuse, NULL) != 0)
		status = EXIT_FAILURE;
	else if (config.help)
		options_print_help(&proxy_line, stdout);
	else if (config.version)
		status = command_version(1, argv);
	else
		status = run(&config);
	config_done(&config);
	return status;
}
