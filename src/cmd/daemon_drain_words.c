/*
 * What is said of drains: when one begins that has connections, when it lasts, and how it ended.
 */
#include "daemon_private.h"

#include <stdio.h>

enum { SECOND_MS = 1000 };

struct names {
	char end[ENDPOINT_TEXT_SIZE], key[VIRTUAL_SERVER_TEXT_SIZE], age[32];
	const char *label; /* of the virtual server, as people know it */
};

static void format_age(int64_t ms, char *text, size_t size)
{
	int64_t seconds = ms / 1000;
	if (seconds < 120)
		snprintf(text, size, "%lld s", (long long)seconds);
	else if (seconds < 7200)
		snprintf(text, size, "%lld min", (long long)seconds / 60);
	else
		snprintf(text, size, "%lld h", (long long)seconds / 3600);
}

static void name_drain(const struct drain *drain, struct names *names)
{
	endpoint_format(&drain->end.address, drain->end.port, names->end);
	virtual_server_key_format(&drain->key, names->key);
	names->label = drain->label ? drain->label : names->key;
	format_age(boot_clock_ms() - drain->since_ms, names->age, sizeof(names->age));
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void say_waits(const struct daemon *daemon, const struct drain *drain)
{
	struct names names;
	uint32_t connections = drain->active + drain->inactive;
	bool old = boot_clock_ms() - drain->since_ms >= SECOND_MS;
	name_drain(drain, &names);
	log_info(daemon->log, "%s: %s drains%s%s: %u connection%s", names.label, names.end,
	         old ? ", since " : "", old ? names.age : "", connections, plural(connections));
}

void daemon_say_drain_ended(const struct daemon *daemon, const struct drain *drain, enum drain_end end)
{
	struct names names;
	uint32_t left = drain->sight.taken ? drain->sight.open + drain->sight.half_closed : drain->active;
	name_drain(drain, &names);
	if (end == DRAIN_DONE && drain->told)
		log_info(daemon->log, "%s: %s is drained after %s", names.label, names.end, names.age);
	else if (end == DRAIN_DONE)
		log_info(daemon->log, "%s: %s had no open connection and is removed", names.label, names.end);
	else if (end == DRAIN_TIMEOUT)
		log_warning(daemon->log,
		            "%s: %s is removed with %u open connection%s, after %s (--drain-timeout)",
		            names.label, names.end, left, plural(left), names.age);
	else if (end == DRAIN_GRACE_OVER)
		log_info(daemon->log,
		         "%s: %s is removed with %u open connection%s after %s: its endpoint has terminated",
		         names.label, names.end, left, plural(left), names.age);
	else
		log_info(daemon->log, "%s: %s is gone from the kernel, and drains no more", names.label,
		         names.end);
}

/* What it waits for, and what else would end it. */
static void warn_of_idle(struct daemon *daemon, struct drain *drain)
{
	struct names names;
	char client[ENDPOINT_TEXT_SIZE], limit[96], left[32];
	int64_t now = boot_clock_ms(), timeout = daemon->config->drain_timeout_ms;
	if (!drain_may_be_idle(drain, now) || !drain->sight.taken || drain->sight.open == 0 ||
	    (int64_t)drain->sight.most_idle_seconds * 1000 < DRAIN_IDLE_MS)
		return;
	drain->warned = true;
	name_drain(drain, &names);
	endpoint_format(&drain->sight.most_idle.address, drain->sight.most_idle.port, client);
	format_age(drain->since_ms + timeout - now, left, sizeof(left));
	if (timeout > 0)
		snprintf(limit, sizeof(limit), "in %s it is removed all the same (--drain-timeout)", left);
	else
		snprintf(limit, sizeof(limit), "there is no --drain-timeout");
	log_warning(
	        daemon->log,
	        "%s: %s drains for %s and still has %u open connection%s; that of %s is older than that and "
	        "has been silent for %u s; it ends when either side closes it, or with the IPVS timeout "
	        "after "
	        "%u s of silence; %s",
	        names.label, names.end, names.age, drain->sight.open, plural(drain->sight.open), client,
	        drain->sight.most_idle_seconds, daemon->drainer.look.timeouts.tcp_seconds, limit);
}

static void say_who_waits(struct daemon *daemon)
{
	size_t count = 0, connections = 0;
	vector_for_each (&daemon->syncer.drains.drains, drain)
		count += drain->in_look && !drain->told && !drain->over;
	vector_for_each (&daemon->syncer.drains.drains, drain) {
		if (!drain->in_look || drain->told || drain->over)
			continue;
		drain->told = true;
		connections += drain->active + drain->inactive;
		if (count <= FEW_DRAINS)
			say_waits(daemon, drain);
	}
	if (count > FEW_DRAINS)
		log_info(daemon->log, "kernel: %zu real servers drain: %zu connections", count, connections);
}

void daemon_say_drains(struct daemon *daemon)
{
	say_who_waits(daemon);
	vector_for_each (&daemon->syncer.drains.drains, drain)
		warn_of_idle(daemon, drain);
}
