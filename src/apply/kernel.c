#include "apply/kernel.h"

#include "base/check.h"
#include "base/memory.h"
#include "batch.h"
#include "ipvs.h"
#include "link.h"
#include "modules.h"

#include <errno.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/utsname.h>

struct kernel {
	char dummy[IFNAMSIZ];
	struct ipvs ipvs;
	struct conversation route;
};

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
	memory_free_pointer(&kernel);
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
	if (error == -ENODEV)
		return 0;
	if (!error)
		error = link_read_held(&kernel->route, link.index, arena, &state->held, &state->held_count);
	return error;
}

int kernel_read(struct kernel *kernel, struct arena *arena, struct state *ret_state, struct fault *fault)
{
	struct state state = {0};
	*ret_state = state;
	int error = ipvs_read(&kernel->ipvs, arena, &state.virtual_servers, &state.virtual_server_count);
	if (error) {
		fault_set(fault, NULL, "IPVS: its table cannot be read: %s",
		          kernel_error_text(CHANGE_VIRTUAL_SERVER_ADD, error));
		return error;
	}
	error = read_held(kernel, arena, &state);
	if (error) {
		fault_set(fault, NULL, "interface %s: its addresses cannot be read: %s", kernel->dummy,
		          kernel_error_text(CHANGE_ADDRESS_ADD, error));
		return error;
	}
	*ret_state = state;
	return 0;
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

/* ---- performing */

enum { UNSENT = 1 }; /* a result that the kernel cannot give */

struct performer {
	struct kernel *kernel;
	struct arena *arena;
	int link_index; /* of the dummy; 0: not looked up yet, -ENODEV: there is none */
};

static void put_virtual_server_add(struct performer *performer, const struct change *change)
{
	ipvs_put_virtual_server(&performer->kernel->ipvs, IPVS_CMD_NEW_SERVICE, change->virtual_server);
}

static void put_virtual_server_edit(struct performer *performer, const struct change *change)
{
	ipvs_put_virtual_server(&performer->kernel->ipvs, IPVS_CMD_SET_SERVICE, change->virtual_server);
}

static void put_virtual_server_removal(struct performer *performer, const struct change *change)
{
	ipvs_put_virtual_server_removal(&performer->kernel->ipvs, &change->virtual_server->key);
}

static void put_real_server_add(struct performer *performer, const struct change *change)
{
	ipvs_put_real_server(&performer->kernel->ipvs, IPVS_CMD_NEW_DEST, &change->virtual_server->key,
	                     change->real_server);
}

static void put_real_server_edit(struct performer *performer, const struct change *change)
{
	ipvs_put_real_server(&performer->kernel->ipvs, IPVS_CMD_SET_DEST, &change->virtual_server->key,
	                     change->real_server);
}

static void put_real_server_removal(struct performer *performer, const struct change *change)
{
	ipvs_put_real_server_removal(&performer->kernel->ipvs, &change->virtual_server->key,
	                             change->real_server);
}

static void put_address_add(struct performer *performer, const struct change *change)
{
	link_put_address(&performer->kernel->route, performer->link_index, &change->address);
}

static void put_address_removal(struct performer *performer, const struct change *change)
{
	link_put_address_removal(&performer->kernel->route, performer->link_index, &change->address);
}

typedef void (*put_function)(struct performer *performer, const struct change *change);

/* How each kind is performed, and which errnos mean that the kernel is as wanted already. */
static const struct kind_row {
	put_function put; /* NULL: not ours to perform */
	put_function
	        put_over; /* sent after -EEXIST, so that what is there becomes what is wanted (R4.9, Q-8) */
	bool of_link;
	int fine[3];
} kind_rows[CHANGE_KINDS] = {
        [CHANGE_ADDRESS_ADD] = {put_address_add, NULL, true, {-EEXIST}},
        [CHANGE_VIRTUAL_SERVER_ADD] = {put_virtual_server_add, put_virtual_server_edit, false, {0}},
        [CHANGE_VIRTUAL_SERVER_EDIT] = {put_virtual_server_edit, NULL, false, {0}},
        [CHANGE_REAL_SERVER_ADD] = {put_real_server_add, put_real_server_edit, false, {0}},
        [CHANGE_REAL_SERVER_EDIT] = {put_real_server_edit, NULL, false, {0}},
        [CHANGE_REAL_SERVER_REMOVE] = {put_real_server_removal, NULL, false, {-ENOENT, -ESRCH}},
        [CHANGE_VIRTUAL_SERVER_REMOVE] = {put_virtual_server_removal, NULL, false, {-ESRCH}},
        [CHANGE_ADDRESS_REMOVE] = {put_address_removal, NULL, true, {-EADDRNOTAVAIL, -ENODEV, -ENXIO}},
};

static bool is_fine(const struct kind_row *row, int result)
{
	for (size_t i = 0; i < sizeof(row->fine) / sizeof(*row->fine); i++)
		if (row->fine[i] && row->fine[i] == result)
			return true;
	return false;
}

static void set_results(struct change *changes, size_t count, int result)
{
	for (size_t i = 0; i < count; i++) {
		changes[i].result = result;
		changes[i].detail = NULL;
	}
}

/* What the messages of this kind need first: an open conversation, the family's number, the dummy's index. */
static int prepare(struct performer *performer, const struct kind_row *row)
{
	struct kernel *kernel = performer->kernel;
	struct link link;
	if (!row->of_link)
		return ipvs_ready(&kernel->ipvs);
	if (performer->link_index)
		return performer->link_index < 0 ? performer->link_index : 0;
	int error = link_find(&kernel->route, kernel->dummy, &link);
	if (!error)
		performer->link_index = link.index;
	else if (error == -ENODEV)
		performer->link_index = error;
	return error;
}

/* Puts those changes into the batch whose result is `wanted_result`, and sends it. */
static int send_those_with(struct performer *performer, struct batch *batch, put_function put,
                           int wanted_result, struct change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (changes[i].result != wanted_result)
			continue;
		put(performer, &changes[i]);
		int error = batch_add(batch, &changes[i]);
		if (error)
			return error;
	}
	return batch_send(batch);
}

static int send_run(struct performer *performer, const struct kind_row *row, struct change *changes,
                    size_t count)
{
	struct kernel *kernel = performer->kernel;
	struct batch batch;
	batch_init(&batch, row->of_link ? &kernel->route : &kernel->ipvs.conversation, performer->arena);
	set_results(changes, count, UNSENT);
	int error = send_those_with(performer, &batch, row->put, UNSENT, changes, count);
	if (!error && row->put_over)
		error = send_those_with(performer, &batch, row->put_over, -EEXIST, changes, count);
	batch_done(&batch);
	return error;
}

/*
 * A run of changes of one kind; the next kind goes out after all answers to this one. What depends on a
 * change that failed is refused by the kernel itself; an address that could not be added does not keep its
 * virtual server from being made.
 */
static int perform_run(struct performer *performer, struct change *changes, size_t count)
{
	const struct kind_row *row = &kind_rows[changes->kind];
	set_results(changes, count, 0);
	if (!row->put)
		return 0;
	int error = prepare(performer, row);
	if (error) {
		bool no_link = row->of_link && performer->link_index == -ENODEV;
		set_results(changes, count, is_fine(row, error) ? 0 : error);
		return no_link ? 0 : error;
	}
	error = send_run(performer, row, changes, count);
	for (size_t i = 0; i < count; i++) {
		/* -EEXIST is only the first half of an answer where there is a message to send over it. */
		if (changes[i].result == UNSENT || (error && row->put_over && changes[i].result == -EEXIST))
			changes[i].result = error;
		if (is_fine(row, changes[i].result))
			set_results(&changes[i], 1, 0);
	}
	return error;
}

int kernel_perform(struct kernel *kernel, struct changes *changes, struct arena *arena)
{
	struct performer performer = {.kernel = kernel, .arena = arena};
	struct change *items = changes->items;
	for (size_t start = 0, end; start < changes->count; start = end) {
		for (end = start + 1; end < changes->count && items[end].kind == items[start].kind;)
			end++;
		int error = perform_run(&performer, &items[start], end - start);
		if (error) {
			set_results(&items[end], changes->count - end, error);
			return error;
		}
	}
	return 0;
}
