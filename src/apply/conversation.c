#include "conversation.h"

#include "base/deadline.h"
#include "base/memory.h"

#include <errno.h>
#include <netlink/attr.h>
#include <string.h>

enum {
	BUFFER_SIZE = 64 * 1024, /* the kernel's largest dump datagram has 32 KiB */
	TIMEOUT_MS = 5000,
	STRAY_DATAGRAMS = 1000, /* so many that answer nothing we asked, and the conversation is broken */
	DUMP_RETRIES = 5,
};

void conversation_init(struct conversation *conversation, const struct kernel_transport *transport,
                       int protocol)
{
	*conversation = (struct conversation){.transport = transport, .protocol = protocol};
	conversation->message.bytes = memory_alloc(MESSAGE_SIZE);
	conversation->buffer = memory_alloc(BUFFER_SIZE);
}

void conversation_done(struct conversation *conversation)
{
	conversation_close(conversation);
	memory_free_pointer(&conversation->message.bytes);
	memory_free_pointer(&conversation->buffer);
	conversation->message.bytes = NULL;
	conversation->buffer = NULL;
}

int conversation_open(struct conversation *conversation)
{
	if (conversation->socket)
		return 0;
	const struct kernel_transport *transport = conversation->transport;
	return transport->open(transport->context, conversation->protocol, &conversation->socket);
}

void conversation_close(struct conversation *conversation)
{
	const struct kernel_transport *transport = conversation->transport;
	if (conversation->socket)
		transport->close(transport->context, conversation->socket);
	conversation->socket = NULL;
	conversation->dumping = false;
}

/* ---- talking */

static int broken(struct conversation *conversation, int error)
{
	conversation_close(conversation);
	return error;
}

int conversation_send(struct conversation *conversation, const void *messages, size_t length)
{
	/* Whose answers nobody waits for any more. */
	if (conversation->dumping)
		conversation_close(conversation);
	int error = conversation_open(conversation);
	if (error)
		return error;
	const struct kernel_transport *transport = conversation->transport;
	conversation->strays = 0;
	error = transport->send(transport->context, conversation->socket, messages, length);
	return error ? broken(conversation, error) : 0;
}

struct listener {
	uint32_t first, count;
	int (*take)(void *context, const struct nlmsghdr *answer);
	void *context;
	bool answered; /* the last datagram held something for us */
};

/* LISTEN_MORE, or how listening ends. */
static int take_datagram(struct listener *listener, const char *bytes, size_t length)
{
	listener->answered = false;
	while (length) {
		const struct nlmsghdr *answer = (const struct nlmsghdr *)bytes;
		if (length < sizeof(*answer) || answer->nlmsg_len < sizeof(*answer) ||
		    answer->nlmsg_len > length)
			return -EBADMSG;
		if (answer->nlmsg_type == NLMSG_OVERRUN)
			return -ENOBUFS;
		if (answer->nlmsg_seq - listener->first < listener->count) {
			listener->answered = true;
			int more = listener->take(listener->context, answer);
			if (more != LISTEN_MORE)
				return more;
		}
		size_t step = NLMSG_ALIGN(answer->nlmsg_len);
		bytes += step < length ? step : length;
		length -= step < length ? step : length;
	}
	return LISTEN_MORE;
}

/* One datagram: LISTEN_MORE, or how listening ends. */
static int listen_once(struct conversation *conversation, struct listener *listener)
{
	const struct kernel_transport *transport = conversation->transport;
	ssize_t got = transport->receive(transport->context, conversation->socket, conversation->buffer,
	                                 BUFFER_SIZE, TIMEOUT_MS);
	if (got <= 0)
		return broken(conversation, got ? (int)got : -EIO);
	int more = take_datagram(listener, conversation->buffer, (size_t)got);
	if (more < 0)
		return broken(conversation, more);
	if (more != 0 && !listener->answered && ++conversation->strays > STRAY_DATAGRAMS)
		return broken(conversation, -EPROTO);
	return more;
}

int conversation_listen(struct conversation *conversation, uint32_t first, uint32_t count,
                        int (*take)(void *context, const struct nlmsghdr *answer), void *context)
{
	struct listener listener = {.first = first, .count = count, .take = take, .context = context};
	int more;
	do {
		more = listen_once(conversation, &listener);
	} while (more == LISTEN_MORE);
	return more;
}

/* Sends the message being built under a new sequence number. */
static int send_message(struct conversation *conversation)
{
	struct nlmsghdr *header = message_header(&conversation->message);
	header->nlmsg_seq = ++conversation->sequence;
	return conversation_send(conversation, header, header->nlmsg_len);
}

/* ---- one request */

struct question {
	int (*take)(void *context, const struct nlmsghdr *answer);
	void *context;
	int result; /* the kernel's errno */
};

static int take_reply(void *context, const struct nlmsghdr *answer)
{
	struct question *question = context;
	const char *detail;
	if (answer->nlmsg_type == NLMSG_ERROR)
		return error_answer_read(answer, &question->result, &detail);
	int error = question->take ? question->take(question->context, answer) : 0;
	return error ? error : LISTEN_MORE;
}

int conversation_ask(struct conversation *conversation,
                     int (*take)(void *context, const struct nlmsghdr *answer), void *context)
{
	message_header(&conversation->message)->nlmsg_flags |= NLM_F_ACK;
	int error = send_message(conversation);
	if (error)
		return error;
	struct question question = {.take = take, .context = context};
	error = conversation_listen(conversation, conversation->sequence, 1, take_reply, &question);
	return error ? error : question.result;
}

/* ---- one dump */

/* NLMSG_DONE carries the errno with which the kernel's dump function ended. */
static int done_result(const struct nlmsghdr *answer)
{
	int result = 0;
	if (answer->nlmsg_len >= NLMSG_LENGTH(sizeof(result)))
		memcpy(&result, NLMSG_DATA(answer), sizeof(result));
	return result < 0 ? result : 0;
}

static int take_dump_part(void *context, const struct nlmsghdr *answer)
{
	struct dumping *dumping = context;
	const char *detail;
	if (answer->nlmsg_flags & NLM_F_DUMP_INTR)
		dumping->interrupted = true;
	if (answer->nlmsg_type == NLMSG_ERROR)
		return error_answer_read(answer, &dumping->result, &detail);
	if (answer->nlmsg_type == NLMSG_DONE) {
		dumping->result = done_result(answer);
		return 0;
	}
	int error = dumping->dump.take(dumping->dump.context, answer);
	return error ? error : LISTEN_MORE;
}

void conversation_dump_begin(struct conversation *conversation, const struct dump *dump,
                             struct dumping *ret_dumping)
{
	struct nlmsghdr *header = message_header(&conversation->message);
	header->nlmsg_flags |= NLM_F_DUMP;
	*ret_dumping = (struct dumping){.dump = *dump};
	memcpy(ret_dumping->request, header, header->nlmsg_len);
}

static int dump_once_more(struct conversation *conversation, struct dumping *dumping)
{
	struct nlmsghdr *header = (struct nlmsghdr *)dumping->request;
	if (dumping->tries++ > DUMP_RETRIES)
		return -EAGAIN;
	dumping->interrupted = false;
	dumping->result = 0;
	dumping->dump.restart(dumping->dump.context);
	header->nlmsg_seq = dumping->sequence = ++conversation->sequence;
	int error = conversation_send(conversation, header, header->nlmsg_len);
	conversation->dumping = !error;
	return error;
}

int conversation_dump_go_on(struct conversation *conversation, struct dumping *dumping, int64_t deadline_ns)
{
	struct listener listener = {.count = 1, .take = take_dump_part, .context = dumping};
	for (;;) {
		if (!conversation->dumping || conversation->sequence != dumping->sequence) {
			int error = dump_once_more(conversation, dumping);
			if (error)
				return error;
		}
		listener.first = dumping->sequence;
		int more = listen_once(conversation, &listener);
		if (more < 0)
			return more;
		if (more == 0) {
			conversation->dumping = false;
			if (dumping->result || !dumping->interrupted)
				return dumping->result;
		} else if (deadline_over(deadline_ns)) {
			return LISTEN_MORE;
		}
	}
}

int conversation_dump(struct conversation *conversation, const struct dump *dump)
{
	struct dumping dumping;
	conversation_dump_begin(conversation, dump, &dumping);
	return conversation_dump_go_on(conversation, &dumping, NO_DEADLINE);
}

/* ---- error messages */

static const char *detail_text(const struct nlattr *attribute, int length)
{
	const struct nlattr *text = nla_find(attribute, length, NLMSGERR_ATTR_MSG);
	if (!text || nla_len(text) < 2)
		return NULL;
	const char *bytes = nla_data(text);
	return bytes[nla_len(text) - 1] == '\0' ? bytes : NULL;
}

int error_answer_read(const struct nlmsghdr *answer, int *ret_error, const char **ret_detail)
{
	if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return -EBADMSG;
	const struct nlmsgerr *report = NLMSG_DATA(answer);
	if (report->error > 0)
		return -EBADMSG;
	*ret_error = report->error;
	*ret_detail = NULL;
	if (!(answer->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	/* Without NLM_F_CAPPED the whole request is repeated before the attributes. */
	size_t offset = NLMSG_LENGTH(sizeof(*report));
	if (!(answer->nlmsg_flags & NLM_F_CAPPED) && report->msg.nlmsg_len > sizeof(report->msg))
		offset += NLMSG_ALIGN(report->msg.nlmsg_len - sizeof(report->msg));
	if (offset < answer->nlmsg_len)
		*ret_detail = detail_text((const struct nlattr *)((const char *)answer + offset),
		                          (int)(answer->nlmsg_len - offset));
	return 0;
}
