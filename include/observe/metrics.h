/*
 * The numbers behind /metrics: series under kube-proxy's own names, labels, buckets and help texts (R13), and ours.
 *
 * A table says what there is; a series with labels appears when it is first used. Rendering is Prometheus' text format.
 */
#ifndef KUBE_IPVS_OBSERVE_METRICS_H
#define KUBE_IPVS_OBSERVE_METRICS_H

#include "base/text.h"

#include <stdint.h>

/* One name, in the order in which they are rendered. */
enum metric {
	METRIC_CONNTRACK_DELETED,        /* counter, family */
	METRIC_CONNTRACK_DURATION,       /* histogram E, family */
	METRIC_NETWORK_PROGRAMMING,      /* histogram N, family */
	METRIC_PROXY_HEALTHZ,            /* counter, code */
	METRIC_PROXY_LIVEZ,              /* counter, code */
	METRIC_SYNC_DURATION,            /* histogram E, family */
	METRIC_ENDPOINT_CHANGES_PENDING, /* gauge */
	METRIC_ENDPOINT_CHANGES,         /* counter */
	METRIC_RESTORE_FAILURES,         /* counter, family */
	METRIC_LAST_QUEUED,              /* gauge, family, seconds since the epoch */
	METRIC_LAST_SYNC,                /* gauge, family, seconds since the epoch */
	METRIC_NO_LOCAL_ENDPOINTS,       /* gauge, family and traffic policy */
	METRIC_SERVICE_CHANGES_PENDING,  /* gauge */
	METRIC_SERVICE_CHANGES,          /* counter */
	METRIC_ADDRESSES,                /* gauge */
	METRIC_ALIEN_VIRTUAL_SERVERS,    /* gauge */
	METRIC_API_CONNECTED,            /* gauge, resource: 0 or 1 */
	METRIC_CONFIG_RELOAD_FAILED,     /* gauge: 0 or 1 */
	METRIC_DRIFT_REPAIRED,           /* counter, kind */
	METRIC_DRAINING_REAL_SERVERS,    /* gauge */
	METRIC_DRAINS_ENDED,             /* counter, end */
	METRIC_FAILED_CHANGES,           /* gauge */
	METRIC_LONGEST_SLICE,            /* gauge */
	METRIC_REAL_SERVERS,             /* gauge */
	METRIC_VIRTUAL_SERVERS,          /* gauge */
	METRICS,
};

/* The values of the label that a series has; which of them applies is the metric's row. */
enum metric_label {
	LABEL_NONE = 0,
	LABEL_IPV4 = 0, /* ip_family */
	LABEL_IPV6 = 1,
	LABEL_200 = 0, /* code */
	LABEL_503 = 1,
	/* ip_family and traffic_policy */
	LABEL_IPV4_EXTERNAL = 0,
	LABEL_IPV4_INTERNAL,
	LABEL_IPV6_EXTERNAL,
	LABEL_IPV6_INTERNAL,
	/* resource */
	LABEL_SERVICES = 0,
	LABEL_ENDPOINT_SLICES,
	LABEL_NODES,
	/* kind of drift */
	LABEL_DRIFT_VIRTUAL_SERVER = 0,
	LABEL_DRIFT_REAL_SERVER,
	LABEL_DRIFT_ADDRESS,
	LABEL_DRIFT_FILTER_ELEMENT,
	LABEL_DRIFT_FILTER_RULES,
	LABEL_DRIFT_INTERFACE,
	/* end */
	LABEL_DONE = 0,
	LABEL_TIMEOUT,
	LABEL_GRACE_OVER,
	LABEL_RETURNED,
	LABEL_GONE,
	METRIC_LABELS = 6, /* at most, of one metric */
};

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics); /* NULL is allowed */
void metric_add(struct metrics *metrics, enum metric metric, unsigned label, double more);  /* counters */
void metric_set(struct metrics *metrics, enum metric metric, unsigned label, double value); /* gauges */
void metric_observe(struct metrics *metrics, enum metric metric, unsigned label,
                    double value); /* histograms */

/*
 * All series; then process_* as dashboards expect them, read from `proc` ("/proc/self"), and what was built. What cannot
 * be read there is left out. The page is text/plain; version=0.0.4; charset=utf-8.
 */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void metrics_render(const struct metrics *metrics, const char *proc, struct text *text);

#endif
