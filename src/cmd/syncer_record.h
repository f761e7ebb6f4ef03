/*
 * The syncer's record of virtual servers that are ours by nothing that can be read back: those on an address of the node
 * itself, or on one that is excluded from removal.
 *
 * What could not be written stays to be written. Each returns 0 or a negative errno with outcome.fault.
 */
#ifndef KUBE_IPVS_CMD_SYNCER_RECORD_H
#define KUBE_IPVS_CMD_SYNCER_RECORD_H

#include "syncer.h"

/* Before anything of `wanted` is programmed. */
int syncer_record_wanted(struct syncer *syncer, const struct state *wanted);
/* Of the present virtual servers, those that a takeover claims; to be written with what is wanted. */
void syncer_record_claimed(struct syncer *syncer, const struct state *present);
/* After changes were performed. */
int syncer_record_removed(struct syncer *syncer, const struct changes *changes);
/* What the record names, nobody wants and the kernel does not hold. */
int syncer_record_forget_absent(struct syncer *syncer, const struct state *present,
                                const struct state *wanted);

#endif
