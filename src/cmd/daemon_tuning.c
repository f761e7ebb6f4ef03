/*
 * Kernel tuning that follows what there is. Each thing is an option, said once, and never a reason to fail.
 *
 * What is set here by itself is undone by itself only while this process lives: of a value found at the start nobody knows
 * whose it is.
 */
#include "daemon_private.h"

#include "apply/tuning.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

/*
 * 50,000 of them took 200 ms on a machine with 104 CPUs, which is about 40 ns for each of them on each CPU; so these take
 * 20 ms there, and 3 ms on one with 16.
 */
#define MOST_ESTIMATED 5000
#define FEW_ESTIMATED  4000 /* from here on downwards it is switched on again */

static bool is(const char *setting, const char *value)
{
	return strcmp(setting, value) == 0;
}

/* Said when it begins and when the reason is another one. */
static void say_failure(struct daemon *daemon, enum tunable tunable, bool on, int e)
{
	const char *name = tunable_name(tunable);
	const char *why = e == -ENOENT ? "this kernel does not have it" : strerror(-e);
	if (memo_put(&daemon->tuning.failures, name, why))
		log_warning(daemon->log, "sysctl %s: it cannot be set to %d: %s; Services work without", name,
		            on, why);
}

static void set(struct daemon *daemon, enum tunable tunable, bool on, const char *why)
{
	bool changed;
	int e = tunable_set("/proc/sys", tunable, on, &changed);
	if (e) {
		say_failure(daemon, tunable, on, e);
		return;
	}
	memo_remove(&daemon->tuning.failures, tunable_name(tunable));
	if (changed)
		log_info(daemon->log, "sysctl %s: set to %d%s", tunable_name(tunable), on, why);
}

/* ---- estimators */

static void estimate_less(struct daemon *daemon, size_t entries)
{
	struct tuning *tuning = &daemon->tuning;
	bool on;
	char why[256];
	tuning->many = true;
	if (tunable_read("/proc/sys", TUNABLE_ESTIMATION, &on) == 0 && !on)
		return; /* somebody else did it, and may want it to stay */
	snprintf(why, sizeof(why),
	         ": adding up the counters of %zu virtual and real servers holds packets up on this kernel; "
	         "ipvsadm --stats and --rate stand still meanwhile. --ipvs-estimation=on keeps it",
	         entries);
	set(daemon, TUNABLE_ESTIMATION, false, why);
	tuning->estimation_is_off = true;
}

static void estimate_again(struct daemon *daemon)
{
	struct tuning *tuning = &daemon->tuning;
	tuning->many = false;
	if (tuning->estimation_is_off)
		set(daemon, TUNABLE_ESTIMATION, true, ": there are few virtual and real servers again");
	tuning->estimation_is_off = false;
}

static void tune_estimation(struct daemon *daemon)
{
	size_t entries = daemon->serving.virtual_servers + daemon->serving.real_servers;
	if (!is(daemon->config->estimation, "auto") || !daemon->tuning.estimates_in_timer)
		return;
	if (!daemon->tuning.many && entries > MOST_ESTIMATED)
		estimate_less(daemon, entries);
	else if (daemon->tuning.many && entries <= FEW_ESTIMATED)
		estimate_again(daemon);
}

/* ---- SCTP */

/* It stays: associations that began without it may be there. */
static void tune_sctp(struct daemon *daemon)
{
	struct tuning *tuning = &daemon->tuning;
	if (!is(daemon->config->sloppy_sctp, "auto") || tuning->sctp_seen || !daemon->planner.sctp_seen)
		return;
	tuning->sctp_seen = true;
	set(daemon, TUNABLE_SLOPPY_SCTP, true, ", for there are SCTP Services");
}

/* ---- timeouts */

static void say_clash(const struct daemon *daemon, const struct timeout_pair *pair)
{
	auto_text remedy = {0};
	if (pair->tracked_option)
		text_addf(&remedy, "%s to %us or more", pair->tracked_option, pair->ipvs_seconds);
	else
		text_addf(&remedy, "the sysctl %s to %u or more", pair->tracked_sysctl, pair->ipvs_seconds);
	log_warning(
	        daemon->log,
	        "timeouts: IPVS keeps %s for %u s, but connection tracking forgets it after %u s, and what "
	        "comes then is not masqueraded as it was; set %s, or %s to %us or less",
	        pair->what, pair->ipvs_seconds, pair->tracked_seconds, text_string(&remedy),
	        pair->ipvs_option, pair->tracked_seconds);
}

static void check_timeouts(const struct daemon *daemon)
{
	struct kernel_timeouts ipvs;
	struct timeout_pair pairs[TIMEOUT_PAIRS];
	int e = kernel_read_timeouts(daemon->syncer.kernel, &ipvs);
	if (e) {
		log_warning(
		        daemon->log,
		        "timeouts: those of IPVS cannot be read: %s; whether connection tracking's fit is "
		        "not known",
		        strerror(-e));
		return;
	}
	size_t count = timeouts_that_clash("/proc/sys", &ipvs, pairs);
	for (size_t i = 0; i < count; i++)
		say_clash(daemon, &pairs[i]);
}

/* ---- when */

void daemon_begin_tuning(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct utsname kernel;
	daemon->tuning.estimates_in_timer =
	        uname(&kernel) == 0 && kernel_release_before(kernel.release, 6, 2);
	if (!is(config->estimation, "auto"))
		set(daemon, TUNABLE_ESTIMATION, is(config->estimation, "on"), ", as --ipvs-estimation asks");
	if (!is(config->sloppy_sctp, "auto"))
		set(daemon, TUNABLE_SLOPPY_SCTP, is(config->sloppy_sctp, "on"),
		    ", as --ipvs-sloppy-sctp asks");
	if (config->check_timeouts)
		check_timeouts(daemon);
}

void daemon_tune(struct daemon *daemon)
{
	tune_estimation(daemon);
	tune_sctp(daemon);
}

void daemon_end_tuning(struct daemon *daemon)
{
	memo_done(&daemon->tuning.failures);
}
