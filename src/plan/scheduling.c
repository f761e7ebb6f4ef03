/*
 * The scheduler of a Service.
 *
 * Without annotations it is the configured one, mh with the source port in its hash (R4.3). The annotation
 * kube-ipvs.io/scheduler chooses another of those that this kernel has; kube-ipvs.io/scheduler-flags names
 * exactly the flags wanted, so an empty one takes mh's port away. What cannot be followed is left out, and
 * said once for each Service.
 */
#include "scheduling.h"

#include "base/text.h"

#include <string.h>

#define SCHEDULER_ANNOTATION "kube-ipvs.io/scheduler"
#define FLAGS_ANNOTATION     "kube-ipvs.io/scheduler-flags"

const char *const known_schedulers[] = {
        "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos", NULL,
};

bool scheduler_in_list(const char *const *schedulers, const char *name)
{
	for (; *schedulers; schedulers++)
		if (strcmp(*schedulers, name) == 0)
			return true;
	return false;
}

/* IP_VS_SVC_F_SCHED_SH_* and IP_VS_SVC_F_SCHED_MH_* of linux/ip_vs.h; `ops` goes with every scheduler. */
struct flag {
	const char *name;
	const char *scheduler;
	uint32_t bit;
};

static const struct flag flags[] = {
        {"sh-port", "sh", VIRTUAL_SERVER_SCHED_2}, {"sh-fallback", "sh", VIRTUAL_SERVER_SCHED_1},
        {"mh-port", "mh", VIRTUAL_SERVER_SCHED_2}, {"mh-fallback", "mh", VIRTUAL_SERVER_SCHED_1},
        {"ops", NULL, VIRTUAL_SERVER_ONE_PACKET},
};

enum { FLAG_COUNT = sizeof(flags) / sizeof(*flags) };

static bool flag_fits(const struct flag *flag, const char *scheduler)
{
	return !flag->scheduler || strcmp(flag->scheduler, scheduler) == 0;
}

static const struct flag *find_flag(const char *scheduler, const char *name, size_t length)
{
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (flag_fits(&flags[i], scheduler) && strlen(flags[i].name) == length &&
		    memcmp(flags[i].name, name, length) == 0)
			return &flags[i];
	return NULL;
}

static const char *choose_scheduler(struct planning *planning)
{
	const char *wish = planning->service->scheduler;
	if (!wish || scheduler_in_list(planning->options->schedulers, wish))
		return wish ? wish : planning->options->scheduler;
	planning_warn(planning,
	              "annotation " SCHEDULER_ANNOTATION " asks for \"%s\", which this kernel does not have; "
	              "\"%s\" is used instead",
	              wish, planning->options->scheduler);
	return planning->options->scheduler;
}

static void warn_of_flags(struct planning *planning, const char *scheduler, const struct text *wrong)
{
	auto_text right = {0};
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (flag_fits(&flags[i], scheduler))
			text_addf(&right, "%s%s", right.length ? ", " : "", flags[i].name);
	planning_warn(planning,
	              "annotation " FLAGS_ANNOTATION " asks for %s, which \"%s\" does not have and which is "
	              "ignored; right would be: %s",
	              text_string(wrong), scheduler, text_string(&right));
}

/* The next word between commas, blanks around it cut off; false: no further one. */
static bool next_word(const char **rest, const char **ret_word, size_t *ret_length)
{
	static const char blanks[] = " \t\r\n";
	if (!*rest)
		return false;
	size_t length = strcspn(*rest, ",");
	const char *word = *rest;
	*rest = word[length] ? word + length + 1 : NULL;
	size_t leading = strspn(word, blanks);
	leading = leading < length ? leading : length;
	word += leading;
	length -= leading;
	while (length > 0 && strchr(blanks, word[length - 1]))
		length--;
	*ret_word = word;
	*ret_length = length;
	return true;
}

static uint32_t read_flags(struct planning *planning, const char *scheduler)
{
	auto_text wrong = {0};
	const char *rest = planning->service->scheduler_flags, *word;
	uint32_t bits = 0;
	size_t length;
	while (next_word(&rest, &word, &length)) {
		const struct flag *flag = find_flag(scheduler, word, length);
		if (flag)
			bits |= flag->bit;
		else if (length > 0)
			text_addf(&wrong, "%s\"%.*s\"", wrong.length ? ", " : "", (int)length, word);
	}
	if (wrong.length > 0)
		warn_of_flags(planning, scheduler, &wrong);
	return bits;
}

static bool has_udp_port(const struct service *service)
{
	for (uint32_t i = 0; i < service->port_count; i++)
		if (service->ports[i].protocol == PROTOCOL_UDP)
			return true;
	return false;
}

void scheduling_choose(struct planning *planning, struct scheduling *ret_scheduling)
{
	const char *scheduler = choose_scheduler(planning);
	*ret_scheduling = (struct scheduling){.scheduler = scheduler};
	if (!planning->service->scheduler_flags) {
		ret_scheduling->flags = strcmp(scheduler, "mh") == 0 ? VIRTUAL_SERVER_SCHED_2 : 0;
		return;
	}
	uint32_t bits = read_flags(planning, scheduler);
	ret_scheduling->flags = bits & ~(uint32_t)VIRTUAL_SERVER_ONE_PACKET;
	ret_scheduling->one_packet = bits & VIRTUAL_SERVER_ONE_PACKET;
	if (ret_scheduling->one_packet && !has_udp_port(planning->service))
		planning_warn(planning,
		              "annotation " FLAGS_ANNOTATION " asks for \"ops\", which works for UDP "
		              "ports only, and there is none; it is ignored");
}
