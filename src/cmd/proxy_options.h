/*
 * What the daemon runs with, and the node's name.
 */
#ifndef KUBE_IPVS_CMD_PROXY_OPTIONS_H
#define KUBE_IPVS_CMD_PROXY_OPTIONS_H

#include "options.h"

#define DUMMY_INTERFACE "kube-ipvs0"

struct proxy_options {
	const char *manifests;
	const char *hostname_override;
	const char *run_directory;
	const char *scheduler;
	struct cidr_list excluded;
	struct node_port_addresses node_ports;
	bool strict_arp;
	int64_t sync_period_ms;
	int64_t min_sync_period_ms;
	int64_t tcp_timeout_ms;
	int64_t tcp_fin_timeout_ms;
	int64_t udp_timeout_ms;
	uint32_t verbosity;
};

/*
 * The name this node goes by (R14.10): the override, else the kernel's host name; trimmed, lower-cased. The
 * caller frees it. 0, or FAULT_REFUSED when nothing is left.
 */
int node_name_read(const char *override, char **ret_name, struct fault *fault);

#endif
