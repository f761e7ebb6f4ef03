/*
 * The kernel, both ways: reading a state, performing changes.
 *
 * Three netlink sockets (generic netlink for IPVS, rtnetlink for the dummy interface, netfilter to read our table of the
 * packet filter), many messages in one send, one acknowledgement at the end of a batch, errors matched by sequence number,
 * with the kernel's own errno and extended acknowledgement; and libnftables to write the packet filter. Waiting is bounded: a reply that does not come within the time
 * limit is -ETIMEDOUT, and the next call starts with fresh sockets. Nothing here decides what should be, and
 * nothing is ever flushed.
 */
#ifndef KUBE_IPVS_APPLY_KERNEL_H
#define KUBE_IPVS_APPLY_KERNEL_H

#include "base/arena.h"
#include "base/fault.h"
#include "plan/diff.h"
#include "plan/state.h"

#include <stdbool.h>
#include <stdint.h>

struct kernel;
struct kernel_transport; /* apply/transport.h: how messages travel; the tests bring their own */

struct kernel_info {
	uint32_t version; /* of IPVS: major << 16 | minor << 8 | patch */
	uint32_t connection_table_size;
};

struct kernel_timeouts {
	uint32_t tcp_seconds; /* 0: leave as it is */
	uint32_t tcp_fin_seconds;
	uint32_t udp_seconds;
};

/*
 * Connects to IPVS; `load_modules` lets it ask for the ip_vs module first, best effort (R8.7). On failure a
 * negative errno and one sentence that says what to do: no IPVS in this kernel, the module missing, no
 * permission, sockets refused. `dummy` is the interface's name; it need not exist yet. `transport` NULL is
 * the real kernel.
 */
int kernel_open(const char *dummy, bool load_modules, const struct kernel_transport *transport,
                struct kernel **ret_kernel, struct fault *fault);
void kernel_close(struct kernel *kernel); /* idempotent; NULL is allowed */

/*
 * From here on what is added is held by routes of the type local instead of addresses on the dummy, which then is there and
 * empty. Whichever way it is: both are read and removed, and adding an address that the last reading found misheld
 * (plan/state.h) also takes it away in the other way, after it is there in ours.
 */
void kernel_hold_by_routes(struct kernel *kernel);

int kernel_info(struct kernel *kernel, struct kernel_info *ret_info);
/*
 * All virtual servers with their real servers, the addresses on the dummy (none when it does not exist; loopback and IPv6
 * link-local ones left out, R6.4, and those with a network of their own, which are not from us) and those that routes of
 * ours hold, and the elements of our
 * table if the filter is used, in `arena`, ascending. A dump that the kernel says was interrupted is taken again, five
 * times; then -EAGAIN. A failed read gives nothing at all: never half a table.
 *
 * An element with a verdict that is not ours has FILTER_NO_VERDICT. What cannot be said as an element is left out, and
 * removed by the next kernel_perform.
 */
int kernel_read(struct kernel *kernel, struct arena *arena, struct state *ret_state, struct fault *fault);

/* The deadline (base/deadline.h) came first: call again. */
enum { KERNEL_E_MORE = 1 };

/*
 * Reading in slices. Each call does some of it, past the deadline by some milliseconds at most: KERNEL_E_MORE; 0 with the
 * state; or what kernel_read returns. To be freed in any case; before the end that gives the reading up.
 */
struct kernel_reading;
struct kernel_reading *kernel_reading_new(struct kernel *kernel, struct arena *arena);
int kernel_reading_go_on(struct kernel_reading *reading, int64_t deadline_ns, struct state *ret_state,
                         struct fault *fault);
void kernel_reading_free(struct kernel_reading *reading); /* NULL is allowed */

/*
 * The real servers of one virtual server with their connections, in `arena`, ascending; none where there is no such
 * virtual server. On failure none, and a negative errno.
 */
int kernel_read_real_servers(struct kernel *kernel, const struct virtual_server_key *key, struct arena *arena,
                             const struct real_server **ret_servers, size_t *ret_count);

/* Creates the dummy if no interface has its name. -EEXIST with a sentence when one has it that is no dummy.
 */
int kernel_ensure_dummy(struct kernel *kernel, struct fault *fault);
/* Removes it if it is a dummy; gone already is fine (R6.8). */
int kernel_remove_dummy(struct kernel *kernel, struct fault *fault);

/*
 * From here on the packet filter is part of what is read and performed. `rules` are commands that make our table and put
 * its rules in place (plan/filter_text.h); copied. Without this call filter changes are passed over. Called again with
 * other rules, the next kernel_ensure_filter puts them.
 */
void kernel_use_filter(struct kernel *kernel, const char *rules);
/*
 * Makes the table what `rules` say, elements aside: at the first call always, later only where it is not. *ret_repaired:
 * it was not, though it had been. A negative errno with a sentence that says what to do: no nf_tables in this kernel, ...
 *
 * Elements stay, except where something is in the way that cannot be changed in place (a set of another type or a chain
 * at another hook, which another version left): then the table is replaced in one transaction, and is without elements
 * until they are added. So a whole pass calls this first, reads then, and adds what it finds missing.
 */
int kernel_ensure_filter(struct kernel *kernel, bool *ret_repaired, struct fault *fault);
/* Removes our table; none there is fine. */
int kernel_remove_filter(struct kernel *kernel, struct fault *fault);

/*
 * Performs all changes in their order and fills in each one's `result` and `detail` (in `arena`). What is
 * there already when added, or gone already when removed, is a success. Returns 0 when the conversation itself worked,
 * whatever single changes met, else a negative errno; then unanswered changes have -EIO or that errno.
 *
 * Neighbouring filter changes are one transaction, which happens wholly or not at all; some thousand of them are several,
 * with all elements of an address in one. One that is refused ends the pass with its errno, since nothing may answer
 * before it is protected: also where an element to be removed is gone already (the next whole pass then sees that).
 */
int kernel_perform(struct kernel *kernel, struct changes *changes, struct arena *arena);

/*
 * Performing in slices, as above; borrows the changes, whose items must stay where they are. Batches and transactions are
 * then as large as their last ones' time allows. Given up before the end, what was performed stays, and its changes have
 * their results; those of all others mean nothing.
 */
struct kernel_performing;
struct kernel_performing *kernel_performing_new(struct kernel *kernel, struct changes *changes,
                                                struct arena *arena);
int kernel_performing_go_on(struct kernel_performing *performing, int64_t deadline_ns);
void kernel_performing_free(struct kernel_performing *performing); /* NULL is allowed */

/* Whether the kernel knows this scheduler; loads ip_vs_NAME when it can (R8.9). 0: yes; -ENOENT: no; else a
 * failure. */
int kernel_probe_scheduler(struct kernel *kernel, const char *scheduler);
/* After how long a silence IPVS forgets a connection. 0 or a negative errno. */
int kernel_read_timeouts(struct kernel *kernel, struct kernel_timeouts *ret_timeouts);
int kernel_set_timeouts(struct kernel *kernel, const struct kernel_timeouts *timeouts, struct fault *fault);

/* What a person should read for an errno of a change: "no such scheduler in this kernel", else strerror's
 * text. */
const char *kernel_error_text(enum change_kind kind, int error);

#endif
