/*
 * What the kernel cannot be asked: which virtual servers are ours on addresses that the dummy does not hold
 * (NodePorts, external addresses that are the node's own).
 *
 * A small text file, one virtual server a line in ipvsadm's spelling ("-t 192.0.2.10:30080"), replaced
 * atomically, file and directory synced. It is written before what it names is programmed, and what is gone from the
 * kernel leaves it after that: a crash in between leaves a line too many, never one too few. Losing it is safe: those
 * virtual servers then count as alien until they are wanted again.
 */
#ifndef KUBE_IPVS_APPLY_RECORD_H
#define KUBE_IPVS_APPLY_RECORD_H

#include "base/arena.h"
#include "base/fault.h"
#include "plan/state.h"

#define RECORD_DIRECTORY "/run/kube-ipvs"
#define RECORD_FILE      "virtual-servers"

/*
 * Reads DIRECTORY/virtual-servers: ascending, in `arena`. No file is an empty record. Lines that cannot be
 * read are left out and counted in *ret_unreadable. A negative errno when the file is there and cannot be
 * read.
 */
int record_read(const char *directory, struct arena *arena, struct virtual_server_key **ret_keys,
                size_t *ret_count, size_t *ret_unreadable);
/*
 * Makes the directory (0755) where it is missing and replaces the file; a directory of that name is put aside, as
 * "virtual-servers.aside". 0 or a negative errno and a sentence; then the old record stands.
 */
int record_write(const char *directory, const struct virtual_server_key *keys, size_t count,
                 struct fault *fault);

/* Removes what writers that were killed left behind: files under temporary names (base/text.h). Only who has the lock may. */
void record_remove_leftovers(const char *directory);

#endif
