#include "metrics_table.h"

#include "base/check.h"

#define ROWS(table) (sizeof(table) / sizeof(*(table)))
#define BUCKETS(array)                                  \
	{                                               \
		.bounds = (array), .count = ROWS(array) \
	}

/* R13.14. N begins with 0 because kube-proxy's does. */
static const double E[] = {0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128,
                           0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384};
static const double N[] = {0,  0.25, 0.5, 1,   2,   3,   4,   5,   6,   7,   8,   9,   10, 11, 12, 13, 14,
                           15, 16,   17,  18,  19,  20,  21,  22,  23,  24,  25,  26,  27, 28, 29, 30, 31,
                           32, 33,   34,  35,  36,  37,  38,  39,  40,  41,  42,  43,  44, 45, 46, 47, 48,
                           49, 50,   51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  65, 70, 75, 80, 85,
                           90, 95,   100, 105, 110, 115, 120, 150, 180, 210, 240, 270, 300};
static const struct metric_buckets BUCKETS_E = BUCKETS(E);
static const struct metric_buckets BUCKETS_N = BUCKETS(N);

static const char *const FAMILY[METRIC_LABELS] = {
        [LABEL_IPV4] = "ip_family=\"IPv4\"",
        [LABEL_IPV6] = "ip_family=\"IPv6\"",
};
static const char *const CODE[METRIC_LABELS] = {
        [LABEL_200] = "code=\"200\"",
        [LABEL_503] = "code=\"503\"",
};
static const char *const FAMILY_AND_POLICY[METRIC_LABELS] = {
        [LABEL_IPV4_EXTERNAL] = "ip_family=\"IPv4\",traffic_policy=\"external\"",
        [LABEL_IPV4_INTERNAL] = "ip_family=\"IPv4\",traffic_policy=\"internal\"",
        [LABEL_IPV6_EXTERNAL] = "ip_family=\"IPv6\",traffic_policy=\"external\"",
        [LABEL_IPV6_INTERNAL] = "ip_family=\"IPv6\",traffic_policy=\"internal\"",
};
static const char *const RESOURCE[METRIC_LABELS] = {
        [LABEL_SERVICES] = "resource=\"services\"",
        [LABEL_ENDPOINT_SLICES] = "resource=\"endpointslices\"",
        [LABEL_NODES] = "resource=\"nodes\"",
};

static const char *const DRIFT_KIND[METRIC_LABELS] = {
        [LABEL_DRIFT_VIRTUAL_SERVER] = "kind=\"virtual_server\"",
        [LABEL_DRIFT_REAL_SERVER] = "kind=\"real_server\"",
        [LABEL_DRIFT_ADDRESS] = "kind=\"address\"",
        [LABEL_DRIFT_FILTER_ELEMENT] = "kind=\"filter_element\"",
        [LABEL_DRIFT_FILTER_RULES] = "kind=\"filter_rules\"",
        [LABEL_DRIFT_INTERFACE] = "kind=\"interface\"",
};

static const char *const END[METRIC_LABELS] = {
        [LABEL_DONE] = "end=\"done\"",
        [LABEL_TIMEOUT] = "end=\"timeout\"",
        [LABEL_GRACE_OVER] = "end=\"grace_over\"",
        [LABEL_RETURNED] = "end=\"returned\"",
        [LABEL_GONE] = "end=\"gone\"",
};

static const struct metric_row TABLE[METRICS] = {
        [METRIC_CONNTRACK_DELETED] = {"kubeproxy_conntrack_reconciler_deleted_entries_total",
                                      "[ALPHA] Cumulative conntrack flows deleted by conntrack reconciler",
                                      METRIC_COUNTER, FAMILY, NULL},
        [METRIC_CONNTRACK_DURATION] = {"kubeproxy_conntrack_reconciler_sync_duration_seconds",
                                       "[ALPHA] ReconcileConntrackFlowsLatency latency in seconds",
                                       METRIC_HISTOGRAM, FAMILY, &BUCKETS_E},
        [METRIC_NETWORK_PROGRAMMING] =
                {"kubeproxy_network_programming_duration_seconds",
                 "[ALPHA] Seconds from a change of endpoints in the cluster to the kernel", METRIC_HISTOGRAM,
                 FAMILY, &BUCKETS_N},
        [METRIC_PROXY_HEALTHZ] = {"kubeproxy_proxy_healthz_total",
                                  "[ALPHA] Cumulative answers of /healthz by HTTP status", METRIC_COUNTER,
                                  CODE, NULL},
        [METRIC_PROXY_LIVEZ] = {"kubeproxy_proxy_livez_total",
                                "[ALPHA] Cumulative answers of /livez by HTTP status", METRIC_COUNTER, CODE,
                                NULL},
        [METRIC_SYNC_DURATION] = {"kubeproxy_sync_proxy_rules_duration_seconds",
                                  "[ALPHA] SyncProxyRules latency in seconds", METRIC_HISTOGRAM, FAMILY,
                                  &BUCKETS_E},
        [METRIC_ENDPOINT_CHANGES_PENDING] = {"kubeproxy_sync_proxy_rules_endpoint_changes_pending",
                                             "[ALPHA] Pending proxy rules Endpoint changes", METRIC_GAUGE,
                                             NULL, NULL},
        [METRIC_ENDPOINT_CHANGES] = {"kubeproxy_sync_proxy_rules_endpoint_changes_total",
                                     "[ALPHA] Cumulative proxy rules Endpoint changes", METRIC_COUNTER, NULL,
                                     NULL},
        [METRIC_RESTORE_FAILURES] = {"kubeproxy_sync_proxy_rules_iptables_restore_failures_total",
                                     "[ALPHA] Cumulative filter rule loads that the kernel refused",
                                     METRIC_COUNTER, FAMILY, NULL},
        [METRIC_LAST_QUEUED] = {"kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
                                "[ALPHA] The last time a sync of proxy rules was queued", METRIC_GAUGE,
                                FAMILY, NULL},
        [METRIC_LAST_SYNC] = {"kubeproxy_sync_proxy_rules_last_timestamp_seconds",
                              "[ALPHA] The last time proxy rules were successfully synced", METRIC_GAUGE,
                              FAMILY, NULL},
        [METRIC_NO_LOCAL_ENDPOINTS] =
                {"kubeproxy_sync_proxy_rules_no_local_endpoints_total",
                 "[ALPHA] Number of services with a Local traffic policy and no endpoints", METRIC_GAUGE,
                 FAMILY_AND_POLICY, NULL},
        [METRIC_SERVICE_CHANGES_PENDING] = {"kubeproxy_sync_proxy_rules_service_changes_pending",
                                            "[ALPHA] Pending proxy rules Service changes", METRIC_GAUGE, NULL,
                                            NULL},
        [METRIC_SERVICE_CHANGES] = {"kubeproxy_sync_proxy_rules_service_changes_total",
                                    "[ALPHA] Cumulative proxy rules Service changes", METRIC_COUNTER, NULL,
                                    NULL},
        [METRIC_ADDRESSES] = {"kubeipvs_addresses", "Service addresses that the node holds", METRIC_GAUGE,
                              NULL, NULL},
        [METRIC_API_CONNECTED] =
                {"kubeipvs_api_connected",
                 "Whether the API server sends changes of a resource (1) or cannot be reached (0)",
                 METRIC_GAUGE, RESOURCE, NULL},
        [METRIC_ALIEN_VIRTUAL_SERVERS] =
                {"kubeipvs_alien_virtual_servers",
                 "Virtual servers in the kernel that are not ours and are left alone", METRIC_GAUGE, NULL,
                 NULL},
        [METRIC_DRIFT_REPAIRED] = {"kubeipvs_drift_repaired_total",
                                   "What others had changed in the kernel and was put right, by kind",
                                   METRIC_COUNTER, DRIFT_KIND, NULL},
        [METRIC_CONFIG_RELOAD_FAILED] = {"kubeipvs_config_reload_failed",
                                         "Whether the configuration file as it is now was refused (1)",
                                         METRIC_GAUGE, NULL, NULL},
        [METRIC_DRAINING_REAL_SERVERS] = {"kubeipvs_draining_real_servers",
                                          "Real servers that keep their connections, but get no new ones",
                                          METRIC_GAUGE, NULL, NULL},
        [METRIC_DRAINS_ENDED] = {"kubeipvs_drains_ended_total", "Drains that ended, by what ended them",
                                 METRIC_COUNTER, END, NULL},
        [METRIC_FAILED_CHANGES] = {"kubeipvs_failed_changes",
                                   "What the kernel refused at last, and is tried again", METRIC_GAUGE, NULL,
                                   NULL},
        [METRIC_LONGEST_SLICE] = {"kubeipvs_longest_slice_seconds",
                                  "The longest time that programming kept everything else waiting",
                                  METRIC_GAUGE, NULL, NULL},
        [METRIC_REAL_SERVERS] = {"kubeipvs_real_servers", "Real servers in the kernel that are ours",
                                 METRIC_GAUGE, NULL, NULL},
        [METRIC_VIRTUAL_SERVERS] = {"kubeipvs_virtual_servers", "Virtual servers in the kernel that are ours",
                                    METRIC_GAUGE, NULL, NULL},
};

static const struct metric_row PROCESS_TABLE[PROCESS_METRICS] = {
        [PROCESS_CPU_SECONDS] = {"process_cpu_seconds_total",
                                 "Total user and system CPU time spent in seconds.", METRIC_COUNTER, NULL,
                                 NULL},
        [PROCESS_MAX_FDS] = {"process_max_fds", "Maximum number of open file descriptors.", METRIC_GAUGE,
                             NULL, NULL},
        [PROCESS_OPEN_FDS] = {"process_open_fds", "Number of open file descriptors.", METRIC_GAUGE, NULL,
                              NULL},
        [PROCESS_RESIDENT_BYTES] = {"process_resident_memory_bytes", "Resident memory size in bytes.",
                                    METRIC_GAUGE, NULL, NULL},
        [PROCESS_START_TIME] = {"process_start_time_seconds",
                                "Start time of the process since unix epoch in seconds.", METRIC_GAUGE, NULL,
                                NULL},
        [PROCESS_VIRTUAL_BYTES] = {"process_virtual_memory_bytes", "Virtual memory size in bytes.",
                                   METRIC_GAUGE, NULL, NULL},
        [PROCESS_VIRTUAL_MAX_BYTES] = {"process_virtual_memory_max_bytes",
                                       "Maximum amount of virtual memory available in bytes.", METRIC_GAUGE,
                                       NULL, NULL},
        [BUILD_INFO] = {"kubeipvs_build_info", "The version of kube-ipvs; always 1", METRIC_GAUGE, NULL,
                        NULL},
        [KUBERNETES_BUILD_INFO] = {"kubernetes_build_info",
                                   "[ALPHA] What runs here in place of kube-proxy; always 1", METRIC_GAUGE,
                                   NULL, NULL},
};

const struct metric_row *metric_row(enum metric metric)
{
	CHECK((unsigned)metric < METRICS);
	return &TABLE[metric];
}

const struct metric_row *process_metric_row(enum process_metric metric)
{
	CHECK((unsigned)metric < PROCESS_METRICS);
	return &PROCESS_TABLE[metric];
}

const char *metric_type_name(enum metric_type type)
{
	static const char *const NAMES[] = {
	        [METRIC_COUNTER] = "counter",
	        [METRIC_GAUGE] = "gauge",
	        [METRIC_HISTOGRAM] = "histogram",
	};
	CHECK((unsigned)type < ROWS(NAMES));
	return NAMES[type];
}
