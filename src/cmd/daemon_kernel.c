/*
 * Making the kernel ready, before any virtual server is touched.
 */
#include "daemon_private.h"
#include "run_lock.h"

#include "apply/host.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Two daemons on one node would undo each other's work. */
int daemon_take_lock(struct daemon *daemon)
{
	const char *directory = daemon->config->run_directory;
	struct fault fault = {0};
	if (mkdir(directory, 0755) != 0 && errno != EEXIST) {
		int e = -errno;
		log_error(daemon->log, "%s: %s; run as root, or choose another place with --run-dir",
		          directory, strerror(-e));
		return e;
	}
	int e = run_lock_take(directory, "/proc", &daemon->lock, &fault);
	return e ? daemon_say_fault(daemon, e, &fault) : 0;
}

int daemon_probe_scheduler(struct daemon *daemon, const char *scheduler)
{
	if (daemon->schedulers.count > 0 && scheduler_in_list(daemon->schedulers.items, scheduler))
		return 0;
	/* A Service's endpoints may change often, and a search for a module costs a process each time. */
	if (memo_has(&daemon->absent_schedulers, scheduler))
		return -ENOENT;
	int e = kernel_probe_scheduler(daemon->syncer.kernel, scheduler);
	if (e) {
		memo_put(&daemon->absent_schedulers, scheduler, "");
		return e;
	}
	if (daemon->schedulers.count > 0)
		daemon->schedulers.count--; /* the NULL */
	vector_push(&daemon->schedulers, memory_copy_text(scheduler));
	vector_push(&daemon->schedulers, NULL);
	daemon->planner.options.schedulers = daemon->schedulers.items;
	return 0;
}

static int probe_default_scheduler(struct daemon *daemon)
{
	const char *scheduler = daemon->config->scheduler;
	int e = daemon_probe_scheduler(daemon, scheduler);
	if (e == -ENOENT)
		log_error(daemon->log,
		          "--ipvs-scheduler: this kernel has no scheduler \"%s\", and no module ip_vs_%s "
		          "that brings it; choose another, for example rr",
		          scheduler, scheduler);
	else if (e)
		log_error(daemon->log, "--ipvs-scheduler: \"%s\" could not be tried: %s", scheduler,
		          strerror(-e));
	return e;
}

static uint32_t seconds(int64_t milliseconds)
{
	return (uint32_t)(milliseconds / 1000);
}

static int set_conntrack(const struct config *config, struct fault *fault)
{
	struct conntrack_settings settings = {
	        .max_per_core = (uint32_t)config->conntrack_max_per_core,
	        .min = (uint32_t)config->conntrack_min,
	        .tcp_established_seconds = seconds(config->conntrack_tcp_established_ms),
	        .tcp_close_wait_seconds = seconds(config->conntrack_tcp_close_wait_ms),
	        .udp_seconds = seconds(config->conntrack_udp_ms),
	        .udp_stream_seconds = seconds(config->conntrack_udp_stream_ms),
	        .tcp_be_liberal = config->conntrack_tcp_be_liberal,
	};
	return host_set_conntrack("/proc/sys", "/sys", &settings, fault);
}

static void set_timeouts(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct fault fault = {0};
	struct kernel_timeouts timeouts = {.tcp_seconds = seconds(config->tcp_timeout_ms),
	                                   .tcp_fin_seconds = seconds(config->tcp_fin_timeout_ms),
	                                   .udp_seconds = seconds(config->udp_timeout_ms)};
	bool any = timeouts.tcp_seconds || timeouts.tcp_fin_seconds || timeouts.udp_seconds;
	if (any && kernel_set_timeouts(daemon->syncer.kernel, &timeouts, &fault) != 0)
		daemon_say_fault(daemon, 0, &fault); /* not fatal (R8.6) */
}

static int open_kernel(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct fault fault = {0};
	struct kernel *kernel = NULL;
	size_t unreadable = 0;
	int e = kernel_open(DUMMY_INTERFACE, true, NULL, &kernel, &fault);
	if (e)
		return daemon_say_fault(daemon, e, &fault);
	if (config->hold_by_routes)
		kernel_hold_by_routes(kernel);
	e = syncer_init(&daemon->syncer, kernel, &daemon->planner, config->run_directory,
	                config->excluded.items, config->excluded.count, &unreadable);
	if (e)
		log_warning(
		        daemon->log,
		        "%s: the record of our virtual servers cannot be read: %s; it is written anew, and "
		        "those that it named are left alone until a Service wants them",
		        config->run_directory, strerror(-e));
	if (unreadable > 0)
		log_warning(daemon->log,
		            "%s: %zu lines of the record cannot be read; it is written anew, and the virtual "
		            "servers that they named are left alone until a Service wants them",
		            config->run_directory, unreadable);
	return 0;
}

/* Not set here: it would have this host ignore router advertisements. */
static void warn_of_forwarding(const struct daemon *daemon)
{
	if (daemon->families[IPV6] && !host_forwards_ipv6("/proc"))
		log_warning(
		        daemon->log,
		        "net.ipv6.conf.all.forwarding: it is 0, so this node does not pass on what endpoints "
		        "answer over IPv6; if Services use IPv6 here, run sysctl -w "
		        "net.ipv6.conf.all.forwarding=1 (and accept_ra=2 where routes come from router "
		        "advertisements)");
}

int daemon_open_kernel(struct daemon *daemon)
{
	struct fault fault = {0};
	int e = open_kernel(daemon);
	if (e)
		return e;
	/* --init-only programs nothing, not even the interface (R14.14). */
	if (!daemon->config->init_only)
		e = kernel_ensure_dummy(daemon->syncer.kernel, &fault);
	if (e == 0)
		e = set_conntrack(daemon->config, &fault);
	if (e == 0)
		e = host_set_sysctls("/proc/sys", daemon->config->strict_arp, &fault);
	if (e)
		return daemon_say_fault(daemon, e, &fault);
	set_timeouts(daemon);
	daemon_begin_tuning(daemon);
	warn_of_forwarding(daemon);
	return probe_default_scheduler(daemon);
}
