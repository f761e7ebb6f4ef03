#include "apply/kernel.h"

#include "base/deadline.h"
#include "base/memory.h"
#include "filter_read.h"
#include "kernel_parts.h"
#include "link.h"
#include "modules.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* ---- opening */

static void explain_open(int error, struct fault *fault)
{
	struct utsname name;
	if (error == -EOPNOTSUPP && uname(&name) == 0)
		module_explain_no_ipvs("", name.release, fault);
	else if (error == -EPERM || error == -EACCES)
		fault_set(
		        fault, NULL,
		        "IPVS: no permission; run as root, with CAP_NET_ADMIN in the initial user namespace "
		        "(in a container: privileged)");
	else if (error == -ETIMEDOUT)
		fault_set(fault, NULL,
		          "IPVS: the kernel did not answer in time; try again, and look into dmesg");
	else
		fault_set(fault, NULL,
		          "IPVS: netlink cannot be used here (%s); check the limits set on this process",
		          strerror(-error));
}

/* Finding the family needs no privilege, so information is asked for as well. */
static int try_ipvs(struct kernel *kernel, bool load_modules)
{
	struct kernel_info info;
	int error = ipvs_read_info(&kernel->ipvs, &info);
	if (error == -EOPNOTSUPP && load_modules) {
		(void)module_load("", "ip_vs");
		error = ipvs_read_info(&kernel->ipvs, &info);
	}
	return error;
}

int kernel_open(const char *dummy, bool load_modules, const struct kernel_transport *transport,
                struct kernel **ret_kernel, struct fault *fault)
{
	if (dummy[0] == '\0' || strlen(dummy) >= IFNAMSIZ) {
		fault_set(fault, NULL, "interface %s: a name has 1 to %d characters", dummy, IFNAMSIZ - 1);
		return -EINVAL;
	}
	if (!transport)
		transport = &kernel_transport_real;
	struct kernel *kernel = memory_alloc(sizeof(*kernel));
	strcpy(kernel->dummy, dummy);
	ipvs_init(&kernel->ipvs, transport);
	conversation_init(&kernel->route, transport, NETLINK_ROUTE);
	packet_filter_init(&kernel->filter, transport);
	int error = try_ipvs(kernel, load_modules);
	if (!error)
		error = conversation_open(&kernel->route);
	if (error) {
		explain_open(error, fault);
		kernel_close(kernel);
		return error;
	}
	*ret_kernel = kernel;
	return 0;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	ipvs_done(&kernel->ipvs);
	conversation_done(&kernel->route);
	packet_filter_done(&kernel->filter);
	holding_done(&kernel->holding);
	memory_free_pointer(&kernel);
}

void kernel_hold_by_routes(struct kernel *kernel)
{
	kernel->holding.by_routes = true;
}

int kernel_info(struct kernel *kernel, struct kernel_info *ret_info)
{
	return ipvs_read_info(&kernel->ipvs, ret_info);
}

/* ---- reading */

static int read_held(struct kernel *kernel, struct arena *arena, struct state *state)
{
	struct link link;
	int error = link_find(&kernel->route, kernel->dummy, &link);
	if (error && error != -ENODEV)
		return error;
	return holding_read(&kernel->holding, &kernel->route, error ? 0 : link.index, arena, state);
}

/* What failed, in the fault. */
static int not_read(int error, const char *what, enum change_kind kind, struct fault *fault)
{
	fault_set(fault, NULL, "%s cannot be read: %s", what, kernel_error_text(kind, error));
	return error;
}

struct kernel_reading {
	struct kernel *kernel;
	struct arena *arena;
	struct state state;
	size_t stage; /* of reading_stages */
	struct ipvs_reading *ipvs;
	struct filter_reading *filter;
};

struct kernel_reading *kernel_reading_new(struct kernel *kernel, struct arena *arena)
{
	struct kernel_reading *reading = memory_alloc(sizeof(*reading));
	reading->kernel = kernel;
	reading->arena = arena;
	reading->ipvs = ipvs_reading_new(&kernel->ipvs, true, arena);
	if (packet_filter_used(&kernel->filter))
		reading->filter = packet_filter_read(&kernel->filter, arena);
	return reading;
}

void kernel_reading_free(struct kernel_reading *reading)
{
	if (!reading)
		return;
	ipvs_reading_free(reading->ipvs);
	filter_reading_free(reading->filter);
	memory_free_pointer(&reading);
}

static int read_table(struct kernel_reading *reading, int64_t deadline_ns, struct fault *fault)
{
	struct state *state = &reading->state;
	int error = ipvs_reading_go_on(reading->ipvs, deadline_ns, &state->virtual_servers,
	                               &state->virtual_server_count);
	return error < 0 ? not_read(error, "IPVS: its table", CHANGE_VIRTUAL_SERVER_ADD, fault) : error;
}

static int read_dummy(struct kernel_reading *reading, int64_t deadline_ns, struct fault *fault)
{
	char what[IFNAMSIZ + 32];
	(void)deadline_ns;
	int error = read_held(reading->kernel, reading->arena, &reading->state);
	if (!error)
		return 0;
	snprintf(what, sizeof(what), "interface %s: its addresses", reading->kernel->dummy);
	return not_read(error, what, CHANGE_ADDRESS_ADD, fault);
}

static int read_filter(struct kernel_reading *reading, int64_t deadline_ns, struct fault *fault)
{
	struct state *state = &reading->state;
	if (!reading->filter)
		return 0;
	int error = filter_reading_go_on(reading->filter, deadline_ns, &state->filter, &state->filter_count);
	return error < 0 ? not_read(error, "packet filter: our table", CHANGE_FILTER_ADD, fault) : error;
}

static int (*const reading_stages[])(struct kernel_reading *reading, int64_t deadline_ns,
                                     struct fault *fault) = {read_table, read_dummy, read_filter};

int kernel_reading_go_on(struct kernel_reading *reading, int64_t deadline_ns, struct state *ret_state,
                         struct fault *fault)
{
	const size_t stages = sizeof(reading_stages) / sizeof(*reading_stages);
	*ret_state = (struct state){0};
	while (reading->stage < stages) {
		int error = reading_stages[reading->stage](reading, deadline_ns, fault);
		if (error)
			return error < 0 ? error : KERNEL_E_MORE;
		if (++reading->stage < stages && deadline_over(deadline_ns))
			return KERNEL_E_MORE;
	}
	*ret_state = reading->state;
	return 0;
}

int kernel_read(struct kernel *kernel, struct arena *arena, struct state *ret_state, struct fault *fault)
{
	struct kernel_reading *reading = kernel_reading_new(kernel, arena);
	int error = kernel_reading_go_on(reading, NO_DEADLINE, ret_state, fault);
	kernel_reading_free(reading);
	return error;
}

int kernel_read_real_servers(struct kernel *kernel, const struct virtual_server_key *key, struct arena *arena,
                             const struct real_server **ret_servers, size_t *ret_count)
{
	*ret_servers = NULL;
	*ret_count = 0;
	return ipvs_read_real_servers(&kernel->ipvs, key, arena, ret_servers, ret_count);
}

/* ---- the dummy interface */

static int must_be_dummy(const struct kernel *kernel, const struct link *link, const char *remedy,
                         struct fault *fault)
{
	if (link->dummy)
		return 0;
	fault_set(fault, NULL, "interface %s: it is there, but is no dummy interface; %s", kernel->dummy,
	          remedy);
	return -EEXIST;
}

static int dummy_failed(const struct kernel *kernel, const char *what, int error, struct fault *fault)
{
	const char *reason = error == -EOPNOTSUPP ? "this kernel has no dummy interfaces; load the module "
	                                            "dummy: modprobe dummy"
	                                          : kernel_error_text(CHANGE_ADDRESS_ADD, error);
	fault_set(fault, NULL, "interface %s: it cannot be %s: %s", kernel->dummy, what, reason);
	return error;
}

int kernel_ensure_dummy(struct kernel *kernel, struct fault *fault)
{
	struct link link;
	int error = link_find(&kernel->route, kernel->dummy, &link);
	if (error == -ENODEV) {
		error = link_create_dummy(&kernel->route, kernel->dummy);
		/* Somebody else may have been quicker. */
		if (error != -EEXIST)
			return error ? dummy_failed(kernel, "created", error, fault) : 0;
		error = link_find(&kernel->route, kernel->dummy, &link);
	}
	if (error)
		return dummy_failed(kernel, "looked up", error, fault);
	return must_be_dummy(kernel, &link, "remove or rename it, or choose another name for ours", fault);
}

int kernel_remove_dummy(struct kernel *kernel, struct fault *fault)
{
	struct link link;
	int error = link_find(&kernel->route, kernel->dummy, &link);
	if (error == -ENODEV)
		return 0;
	if (error)
		return dummy_failed(kernel, "looked up", error, fault);
	error = must_be_dummy(kernel, &link, "so it is not ours to remove", fault);
	if (error)
		return error;
	error = link_remove(&kernel->route, link.index);
	return error && error != -ENODEV ? dummy_failed(kernel, "removed", error, fault) : 0;
}

/* ---- the packet filter */

void kernel_use_filter(struct kernel *kernel, const char *rules)
{
	packet_filter_use(&kernel->filter, rules);
}

int kernel_ensure_filter(struct kernel *kernel, bool *ret_repaired, struct fault *fault)
{
	*ret_repaired = false;
	return packet_filter_used(&kernel->filter)
	               ? packet_filter_ensure(&kernel->filter, ret_repaired, fault)
	               : 0;
}

int kernel_remove_filter(struct kernel *kernel, struct fault *fault)
{
	return packet_filter_remove(&kernel->filter, fault);
}

/* ---- schedulers and timeouts */

int kernel_probe_scheduler(struct kernel *kernel, const char *scheduler)
{
	return ipvs_probe_scheduler(&kernel->ipvs, scheduler);
}

int kernel_set_timeouts(struct kernel *kernel, const struct kernel_timeouts *timeouts, struct fault *fault)
{
	if (timeouts->tcp_seconds == 0 && timeouts->tcp_fin_seconds == 0 && timeouts->udp_seconds == 0)
		return 0;
	int error = ipvs_set_timeouts(&kernel->ipvs, timeouts);
	if (error)
		fault_set(fault, NULL, "IPVS: its timeouts cannot be set: %s",
		          error == -EINVAL ? "the kernel finds them too long"
		                           : kernel_error_text(CHANGE_VIRTUAL_SERVER_EDIT, error));
	return error;
}
