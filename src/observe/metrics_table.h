/*
 * What /metrics has: one row for each name. A new series is a new row, and an entry in kube-ipvs-metrics(7).
 */
#ifndef KUBE_IPVS_OBSERVE_METRICS_TABLE_H
#define KUBE_IPVS_OBSERVE_METRICS_TABLE_H

#include "observe/metrics.h"

#include <stddef.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Upper bounds, ascending, without the last one, which is infinite. */
struct metric_buckets {
	const double *bounds;
	size_t count;
};

struct metric_row {
	const char *name;
	const char *help;
	enum metric_type type;
	/* name="value" of each label value, by enum metric_label; NULL: no label. */
	const char *const *labels;
	const struct metric_buckets *buckets; /* of a histogram */
};

const struct metric_row *metric_row(enum metric metric);
const char *metric_type_name(enum metric_type type);

/* What is read when the page is asked for: how the process does, and what was built. */
enum process_metric {
	PROCESS_CPU_SECONDS,
	PROCESS_MAX_FDS,
	PROCESS_OPEN_FDS,
	PROCESS_RESIDENT_BYTES,
	PROCESS_START_TIME,
	PROCESS_VIRTUAL_BYTES,
	PROCESS_VIRTUAL_MAX_BYTES,
	BUILD_INFO,
	KUBERNETES_BUILD_INFO,
	PROCESS_METRICS,
};

const struct metric_row *process_metric_row(enum process_metric metric);

/* "# HELP" and "# TYPE". */
void metric_render_head(const struct metric_row *row, struct text *text);
/* The shortest number that reads back as the same: 0.25, 27, 1.5e+06, +Inf. */
void metric_render_number(double number, struct text *text);
void metric_render_process(const char *proc, struct text *text);

#endif
