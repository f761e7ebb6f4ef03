/*
 * Many changes in one send, one acknowledgement at the end.
 *
 * The kernel works through the messages of one send in their order and reports every one that fails; only the
 * last asks to be acknowledged. So a message of which nothing was heard when the last one's answer arrives
 * has succeeded. A batch is so small that a report of every single message fits the receive buffer, even one
 * limited to the kernel's default of 208 KiB (net.core.rmem_max): BATCH_MESSAGES reports of at most 1,280
 * bytes with their bookkeeping, in a buffer that the kernel makes twice that size.
 */
#ifndef KUBE_IPVS_APPLY_BATCH_H
#define KUBE_IPVS_APPLY_BATCH_H

#include "base/arena.h"
#include "conversation.h"
#include "plan/diff.h"

enum { BATCH_MESSAGES = 256, BATCH_BYTES = 64 * 1024 };

struct batch {
	struct conversation *conversation;
	struct arena *arena; /* for the kernel's words */
	uint32_t first;      /* sequence number of the first message */
	size_t count;
	struct change *changes[BATCH_MESSAGES];
	size_t length;
	size_t last; /* where the last message begins */
	char *bytes;
};

void batch_init(struct batch *batch, struct conversation *conversation, struct arena *arena);
void batch_done(struct batch *batch);

/*
 * Adds the message that the conversation is building, for `change`; sends what is there first when it would
 * not fit. 0, or what batch_send returns; the change is then not in the batch.
 */
int batch_add(struct batch *batch, struct change *change);
/*
 * Sends what is there and fills in `result` and `detail` of each change. 0 when the conversation worked;
 * else its errno, which is then also the result of all changes of which nothing was heard.
 */
int batch_send(struct batch *batch);

#endif
