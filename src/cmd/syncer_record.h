/*
 * The syncer's record of virtual servers that are ours by nothing that can be read back: those on an address of the node
 * itself, or on one that is excluded from removal.
 *
 * What could not be written stays to be written, with syncer.record_fault; Services are served meanwhile. Only if the process
 * ends before it could be, those virtual servers count as alien afterwards, until a Service wants them.
 */
#ifndef KUBE_IPVS_CMD_SYNCER_RECORD_H
#define KUBE_IPVS_CMD_SYNCER_RECORD_H

#include "syncer.h"

/* Before anything of `wanted` is programmed. */
void syncer_record_wanted(struct syncer *syncer, const struct state *wanted);
/* Of the present virtual servers, those that a takeover claims; to be written with what is wanted. */
void syncer_record_claimed(struct syncer *syncer, const struct state *present);
/* After changes were performed. */
void syncer_record_removed(struct syncer *syncer, const struct changes *changes);
/* What the record names, nobody wants and the kernel does not hold. */
void syncer_record_forget_absent(struct syncer *syncer, const struct state *present,
                                 const struct state *wanted);
/* Writes what could not be written. */
void syncer_record_again(struct syncer *syncer);

#endif
