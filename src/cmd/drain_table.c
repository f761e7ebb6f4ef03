#include "drain_table.h"

#include "base/deadline.h"
#include "drain_look.h"

#include <stdio.h>
#include <string.h>

/* "34s", "14m26s", "3h20m", as Go writes durations, two parts at most. */
static const char *format_duration(int64_t ms, char *text, size_t size)
{
	long long seconds = ms > 0 ? (long long)ms / 1000 : 0;
	if (seconds < 60)
		snprintf(text, size, "%llds", seconds);
	else if (seconds < 3600)
		snprintf(text, size, "%lldm%llds", seconds / 60, seconds % 60);
	else
		snprintf(text, size, "%lldh%lldm", seconds / 3600, seconds / 60 % 60);
	return text;
}

static bool drains_still(const struct drain *drain)
{
	return drain->looked && !drain->absent && drain->found.weight == 0;
}

static void add_reason(const struct drain *drain, struct text *text)
{
	const struct drain_sight *sight = &drain->sight;
	const char *comma = "";
	if (sight->open > 0) {
		text_addf(text, "%u open", sight->open);
		comma = ", ";
	}
	if (sight->half_closed > 0)
		text_addf(text, "%s%u half closed", comma, sight->half_closed);
	else if (sight->open == 0)
		text_add(text, "nothing");
	if (sight->most_idle_seconds >= DRAIN_IDLE_MS / 1000)
		text_addf(text, ", silent for %us", sight->most_idle_seconds);
}

static void add_drain(const struct drain *drain, int64_t now_ms, int64_t timeout_ms, struct text *text)
{
	char key[ENDPOINT_TEXT_SIZE], end[ENDPOINT_TEXT_SIZE], age[32], left[32] = "no limit";
	endpoint_format(&drain->key.address, drain->key.port, key);
	endpoint_format(&drain->end.address, drain->end.port, end);
	if (timeout_ms > 0)
		format_duration(drain->since_ms + timeout_ms - now_ms, left, sizeof(left));
	text_addf(text, "%-4s %-24s %-24s %-8s %-8s %10u %9u  ", protocol_name(drain->key.protocol), key, end,
	          format_duration(now_ms - drain->since_ms, age, sizeof(age)), left, drain->active,
	          drain->inactive);
	add_reason(drain, text);
	text_add_char(text, '\n');
}

static int look_at_all(struct drain_book *book, struct kernel *kernel, struct fault *fault)
{
	struct drain_look look;
	drain_look_init(&look, book, kernel, CONNECTIONS_PATH);
	look.each_always = true;
	drain_look_begin(&look, false);
	int e = drain_look_go_on(&look, boot_clock_ms(), NO_DEADLINE);
	drain_look_done(&look);
	if (e)
		fault_set(fault, NULL, "IPVS: its connections cannot be read: %s", strerror(-e));
	return e;
}

int drain_table_add(const char *directory, struct kernel *kernel, struct text *text, size_t *ret_count,
                    struct fault *fault)
{
	struct drain_book book = {0};
	size_t unreadable = 0;
	int64_t now = boot_clock_ms(), timeout = 0;
	*ret_count = 0;
	int e = drains_read(&book, directory, now, &unreadable);
	if (e == 0)
		e = drains_read_timeout(directory, &timeout);
	if (e)
		fault_set(fault, NULL, "%s/" DRAINS_FILE ": it cannot be read: %s", directory, strerror(-e));
	else if (book.drains.count > 0)
		e = look_at_all(&book, kernel, fault);
	vector_for_each (&book.drains, drain) {
		if (e || !drains_still(drain))
			continue;
		if ((*ret_count)++ == 0)
			text_addf(text, "%-4s %-24s %-24s %-8s %-8s %10s %9s  %s\n", "Prot",
			          "LocalAddress:Port", "RemoteAddress:Port", "Age", "Left", "ActiveConn",
			          "InActConn", "WaitsFor");
		add_drain(drain, now, timeout, text);
	}
	drains_done(&book);
	return e;
}
