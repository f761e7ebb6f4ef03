#include "batch.h"

#include "base/memory.h"

#include <string.h>

void batch_init(struct batch *batch, struct conversation *conversation, struct arena *arena)
{
	*batch = (struct batch){.conversation = conversation, .arena = arena};
	batch->bytes = memory_alloc(BATCH_BYTES);
}

void batch_done(struct batch *batch)
{
	memory_free_pointer(&batch->bytes);
	batch->bytes = NULL;
}

int batch_add(struct batch *batch, struct change *change)
{
	struct nlmsghdr *header = message_header(&batch->conversation->message);
	size_t length = header->nlmsg_len;
	if (batch->count == BATCH_MESSAGES || batch->length + length > BATCH_BYTES) {
		int error = batch_send(batch);
		if (error)
			return error;
	}
	header->nlmsg_seq = ++batch->conversation->sequence;
	if (batch->count == 0)
		batch->first = header->nlmsg_seq;
	memcpy(batch->bytes + batch->length, header, length);
	batch->last = batch->length;
	batch->length += length;
	batch->changes[batch->count++] = change;
	return 0;
}

static void prepare_results(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		batch->changes[i]->result = 0;
		batch->changes[i]->detail = NULL;
	}
}

static void fail_unanswered(struct batch *batch, int error)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->changes[i]->result == 0)
			batch->changes[i]->result = error;
}

static int take_report(void *context, const struct nlmsghdr *answer)
{
	struct batch *batch = context;
	if (answer->nlmsg_type != NLMSG_ERROR)
		return LISTEN_MORE;
	size_t index = answer->nlmsg_seq - batch->first;
	struct change *change = batch->changes[index];
	const char *detail;
	int error = error_answer_read(answer, &change->result, &detail);
	if (error)
		return error;
	if (change->result)
		change->detail = arena_copy_text(batch->arena, detail);
	return index == batch->count - 1 ? 0 : LISTEN_MORE;
}

int batch_send(struct batch *batch)
{
	if (batch->count == 0)
		return 0;
	((struct nlmsghdr *)(batch->bytes + batch->last))->nlmsg_flags |= NLM_F_ACK;
	prepare_results(batch);
	int error = conversation_send(batch->conversation, batch->bytes, batch->length);
	if (!error)
		error = conversation_listen(batch->conversation, batch->first, (uint32_t)batch->count,
		                            take_report, batch);
	if (error)
		fail_unanswered(batch, error);
	batch->count = batch->length = 0;
	return error;
}
