#include "metrics_table.h"

#include "base/check.h"
#include "base/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 17 };

struct series {
	bool used;
	double value;      /* of a histogram: the sum */
	uint64_t *buckets; /* of a histogram: how many fell into each, the infinite one last */
};

struct metrics {
	struct series series[METRICS][METRIC_LABELS];
};

struct metrics *metrics_new(void)
{
	struct metrics *metrics = memory_alloc(sizeof(*metrics));
	for (enum metric metric = 0; metric < METRICS; metric++) /* without labels, there from the start */
		metrics->series[metric][LABEL_NONE].used = !metric_row(metric)->labels;
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	for (enum metric metric = 0; metric < METRICS; metric++)
		for (unsigned label = 0; label < METRIC_LABELS; label++)
			free(metrics->series[metric][label].buckets);
	free(metrics);
}

static struct series *series_of(struct metrics *metrics, enum metric metric, unsigned label,
                                enum metric_type type)
{
	const struct metric_row *row = metric_row(metric);
	CHECK(row->type == type);
	CHECK(row->labels ? label < METRIC_LABELS && row->labels[label] : label == LABEL_NONE);
	struct series *series = &metrics->series[metric][label];
	series->used = true;
	return series;
}

void metric_add(struct metrics *metrics, enum metric metric, unsigned label, double more)
{
	CHECK(more >= 0);
	series_of(metrics, metric, label, METRIC_COUNTER)->value += more;
}

void metric_set(struct metrics *metrics, enum metric metric, unsigned label, double value)
{
	series_of(metrics, metric, label, METRIC_GAUGE)->value = value;
}

void metric_observe(struct metrics *metrics, enum metric metric, unsigned label, double value)
{
	struct series *series = series_of(metrics, metric, label, METRIC_HISTOGRAM);
	const struct metric_buckets *buckets = metric_row(metric)->buckets;
	size_t bucket = 0;
	if (!series->buckets)
		series->buckets = memory_alloc((buckets->count + 1) * sizeof(*series->buckets));
	while (bucket < buckets->count && value > buckets->bounds[bucket])
		bucket++;
	series->buckets[bucket]++;
	series->value += value;
}

/* ---- rendering */

/* As Go's strconv writes it, texts being what dashboards and people compare: the fewest digits, and an exponent below
 * 0.0001 and from a million on. */
void metric_render_number(double number, struct text *text)
{
	char digits[DIGITS_MAX + 16];
	int precision = 0;
	if (isnan(number) || isinf(number)) {
		text_add(text, isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf");
		return;
	}
	do
		snprintf(digits, sizeof(digits), "%.*e", precision, number);
	while (strtod(digits, NULL) != number && ++precision < DIGITS_MAX);
	int exponent = atoi(strchr(digits, 'e') + 1);
	if (exponent < -4 || exponent >= 6)
		text_add(text, digits);
	else
		text_addf(text, "%.*f", precision > exponent ? precision - exponent : 0, number);
}

void metric_render_head(const struct metric_row *row, struct text *text)
{
	text_addf(text, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
	          metric_type_name(row->type));
}

static void render_value(const struct metric_row *row, const char *labels, double value, struct text *text)
{
	text_add(text, row->name);
	if (labels)
		text_addf(text, "{%s}", labels);
	text_add_char(text, ' ');
	metric_render_number(value, text);
	text_add_char(text, '\n');
}

static void render_histogram(const struct metric_row *row, const char *labels, const struct series *series,
                             struct text *text)
{
	uint64_t below = 0;
	for (size_t i = 0; i <= row->buckets->count; i++) {
		below += series->buckets[i];
		text_addf(text, "%s_bucket{%s,le=\"", row->name, labels);
		metric_render_number(i < row->buckets->count ? row->buckets->bounds[i] : HUGE_VAL, text);
		text_addf(text, "\"} %llu\n", (unsigned long long)below);
	}
	text_addf(text, "%s_sum{%s} ", row->name, labels);
	metric_render_number(series->value, text);
	text_addf(text, "\n%s_count{%s} %llu\n", row->name, labels, (unsigned long long)below);
}

static void render_metric(const struct metric_row *row, const struct series *series, struct text *text)
{
	bool begun = false;
	for (unsigned label = 0; label < METRIC_LABELS; label++) {
		if (!series[label].used)
			continue;
		if (!begun)
			metric_render_head(row, text);
		begun = true;
		const char *labels = row->labels ? row->labels[label] : NULL;
		if (row->type == METRIC_HISTOGRAM)
			render_histogram(row, labels, &series[label], text);
		else
			render_value(row, labels, series[label].value, text);
	}
}

void metrics_render(const struct metrics *metrics, const char *proc, struct text *text)
{
	for (enum metric metric = 0; metric < METRICS; metric++)
		render_metric(metric_row(metric), metrics->series[metric], text);
	metric_render_process(proc, text);
}
