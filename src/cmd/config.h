/*
 * What the daemon is configured to do: KubeProxyConfiguration's fields and ours, from flags or a file (R14.1-R14.8).
 *
 * One table (config_table.c) says for every value its flag, its path in the file, its kind, its default and its bounds;
 * parsing, --help, the file, --write-config-to and /configz all come from it. Texts are never NULL; lists may be empty.
 */
#ifndef KUBE_IPVS_CMD_CONFIG_H
#define KUBE_IPVS_CMD_CONFIG_H

#include "options.h"

#include "base/log.h"
#include "base/text.h"
#include "plan/local_detector.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct config {
	/* --- where Services come from */
	const char *manifests; /* ours; "": none */
	const char *kubeconfig;
	const char *master;
	double qps;
	int32_t burst;
	const char *content_type; /* as written; JSON is what is spoken */
	const char *accept_content_types;
	int64_t config_sync_period_ms;
	uint32_t max_object_bytes;          /* ours */
	uint32_t max_objects;               /* ours, of one kind */
	uint32_t max_endpoints_per_service; /* ours */

	/* --- this node */
	const char *hostname_override; /* "": the kernel's host name */
	const char *bind_address;
	const char *detect_local_mode; /* as written; "" is ClusterCIDR */
	enum local_detect_mode local_mode;
	struct cidr_list cluster_cidrs;
	const char *bridge_interface;
	const char *interface_name_prefix;
	struct node_port_addresses node_ports;
	struct port_range service_node_ports; /* ours */
	bool takeover;                        /* ours */
	const char *run_directory;            /* ours */
	int32_t oom_score_adj;

	/* --- what is served about ourselves */
	const char *healthz_bind_address; /* "IP:port", defaults filled in; "": disabled */
	const char *metrics_bind_address;
	bool bind_address_hard_fail;
	bool profiling;
	const char *show_hidden_metrics_for_version;
	const char *feature_gates; /* "A=true,B=false", sorted; accepted and without effect */

	/* --- IPVS */
	const char *mode;      /* "ipvs": nothing else is accepted, and it is the default */
	const char *scheduler; /* "rr" when none is named */
	struct cidr_list excluded;
	bool strict_arp;
	int64_t sync_period_ms;
	int64_t min_sync_period_ms;
	int64_t tcp_timeout_ms;
	int64_t tcp_fin_timeout_ms;
	int64_t udp_timeout_ms;
	const char *vip_binding; /* ours, as written: "", "address" or "route" */
	bool hold_by_routes;     /* what follows from it */
	const char *estimation;  /* ours: "auto", "on" or "off" */
	const char *sloppy_sctp; /* ours, likewise */
	bool check_timeouts;     /* ours */
	bool masquerade_all;
	int32_t masquerade_bit;
	bool vip_ping;            /* ours */
	bool allow_external_ips;  /* ours */
	int64_t drain_timeout_ms; /* ours; 0: for ever */
	bool drain_on_delete;     /* ours */

	/* --- conntrack */
	int32_t conntrack_max_per_core;
	int32_t conntrack_min;
	int64_t conntrack_tcp_established_ms;
	int64_t conntrack_tcp_close_wait_ms;
	bool conntrack_tcp_be_liberal;
	int64_t conntrack_udp_ms;
	int64_t conntrack_udp_stream_ms;

	/* --- the log */
	uint32_t verbosity;
	const char *logging_format; /* "text" or "json" */

	/* --- what to do instead of running */
	const char *config_file;      /* "": none */
	struct stat config_file_seen; /* just before it was read; all zero without one */
	const char *write_config_to;
	bool cleanup;
	bool init_only;
	bool version;
	bool help;

	/* Sentences for the log: flags and fields without meaning here, unknown fields, doubtful combinations
	 * (R14.6, R14.8). Owned. */
	char **warnings;
	size_t warning_count;
	struct config_memory *memory; /* owns what the texts point at */
};

/*
 * Reads flags, then the file that --config names, and validates. All that is wrong is told, one line each, through
 * `refuse`; returns 0 or FAULT_REFUSED. config_done releases in either case. Flags that ask for something else than
 * running (help, version) are not validated further. It may be called again with the same argv: for a changed file.
 */
int config_read(int argc, char **argv, struct config *ret_config,
                void (*refuse)(void *context, const struct fault *fault), void *context);
void config_done(struct config *config);

/* As YAML (--write-config-to) and as the JSON of /configz (R14.15). */
void config_render_yaml(const struct config *config, struct text *text);
void config_render_configz(const struct config *config, struct text *text);

/* "IP:port" or "[IP]:port" that config_read accepted. */
bool config_split_address(const char *text, struct address *ret_address, uint16_t *ret_port);

#endif
