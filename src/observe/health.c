#include "observe/health.h"

#include "base/check.h"

#include <time.h>

enum { FAMILIES = 2, SECOND_NS = 1000000000 };

void health_init(struct health *health, int64_t sync_period_ms)
{
	*health = (struct health){.limit_ns = 2 * sync_period_ms * 1000000};
}

void health_start(struct health *health, unsigned family, int64_t now_ns)
{
	CHECK(family < FAMILIES);
	health->families[family] = (struct family_health){.started = true, .last_updated_ns = now_ns};
}

void health_queue(struct health *health, unsigned family, int64_t now_ns)
{
	CHECK(family < FAMILIES);
	if (!health->families[family].queued_ns)
		health->families[family].queued_ns = now_ns;
}

void health_synced(struct health *health, unsigned family, int64_t now_ns)
{
	health_start(health, family, now_ns);
}

static bool family_is_well(const struct health *health, unsigned family, int64_t now_ns)
{
	const struct family_health *state = &health->families[family];
	return !state->started || !state->queued_ns || now_ns - state->queued_ns < health->limit_ns;
}

bool health_is_well(const struct health *health, int64_t now_ns)
{
	return family_is_well(health, 0, now_ns) && family_is_well(health, 1, now_ns);
}

bool health_node_eligible(const struct health *health)
{
	return health->node_known && !health->node_deleting && !health->node_to_be_deleted;
}

/* ---- the body */

/* RFC 3339 with as many digits of a second as there are; 0 is the time that stands for none. */
static void add_time(int64_t time_ns, struct text *body)
{
	time_t seconds = time_ns / SECOND_NS;
	unsigned fraction = (unsigned)(time_ns % SECOND_NS), digits = 9;
	struct tm utc;
	if (!time_ns) {
		text_add(body, "\"0001-01-01T00:00:00Z\"");
		return;
	}
	gmtime_r(&seconds, &utc);
	text_addf(body, "\"%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
	          utc.tm_hour, utc.tm_min, utc.tm_sec);
	for (; fraction && fraction % 10 == 0; digits--)
		fraction /= 10;
	if (fraction)
		text_addf(body, ".%0*u", (int)digits, fraction);
	text_add(body, "Z\"");
}

static void add_bool(const char *name, bool value, struct text *body)
{
	text_addf(body, "\"%s\":%s", name, value ? "true" : "false");
}

static void add_families(const struct health *health, int64_t now_ns, struct text *body)
{
	static const char *const NAMES[FAMILIES] = {"IPv4", "IPv6"};
	const char *before = ",\"status\":{";
	bool any = false;
	for (unsigned family = 0; family < FAMILIES; family++) {
		if (!health->families[family].started)
			continue;
		text_addf(body, "%s\"%s\":{\"lastUpdated\":", before, NAMES[family]);
		add_time(health->families[family].last_updated_ns, body);
		text_add_char(body, ',');
		add_bool("healthy", family_is_well(health, family, now_ns), body);
		text_add_char(body, '}');
		before = ",";
		any = true;
	}
	if (any)
		text_add_char(body, '}');
}

static int64_t last_updated(const struct health *health)
{
	int64_t a = health->families[0].last_updated_ns, b = health->families[1].last_updated_ns;
	return a > b ? a : b;
}

/* `node`: whether the node counts, and is told (R12.6, R12.7). */
static int render(const struct health *health, int64_t now_ns, bool node, struct text *body)
{
	bool well = health_is_well(health, now_ns), eligible = health_node_eligible(health);
	bool good = well && (!node || eligible);
	text_add(body, "{\"lastUpdated\":");
	add_time(good ? now_ns : last_updated(health), body);
	text_add(body, ",\"currentTime\":");
	add_time(now_ns, body);
	text_add_char(body, ',');
	if (node) {
		add_bool("nodeEligible", eligible, body);
		text_add_char(body, ',');
	}
	add_bool("healthy", well, body);
	add_families(health, now_ns, body);
	text_add_char(body, '}');
	return good ? 200 : 503;
}

int health_render_healthz(const struct health *health, int64_t now_ns, struct text *body)
{
	return render(health, now_ns, true, body);
}

int health_render_livez(const struct health *health, int64_t now_ns, struct text *body)
{
	return render(health, now_ns, false, body);
}
