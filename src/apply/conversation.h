/*
 * One netlink conversation: build a message, send it, match the answers by sequence number.
 *
 * A conversation opens its socket when it is first used. Whatever leaves it in doubt what the socket will
 * say next (no answer in time, answers lost, garbage) closes the socket, so that the next use starts with a
 * fresh one. Waiting is bounded: a time limit for each datagram, and a limit for datagrams that answer
 * nothing we asked.
 */
#ifndef KUBE_IPVS_APPLY_CONVERSATION_H
#define KUBE_IPVS_APPLY_CONVERSATION_H

#include "apply/transport.h"
#include "message.h"

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

struct conversation {
	const struct kernel_transport *transport;
	int protocol;
	void *socket;           /* NULL: closed */
	uint32_t sequence;      /* of the last message sent or batched */
	struct message message; /* the one being built; whoever sends it gives it a sequence number */
	char *buffer;           /* of one received datagram */
	bool dumping;           /* answers to a dump are still to come */
	int strays;             /* datagrams since the last request that answered nothing we asked */
};

void conversation_init(struct conversation *conversation, const struct kernel_transport *transport,
                       int protocol);
void conversation_done(struct conversation *conversation);
/* 0 at once when it is open already. */
int conversation_open(struct conversation *conversation);
void conversation_close(struct conversation *conversation); /* idempotent */

enum { LISTEN_MORE = 1 };

/*
 * Receives, and gives each answer to the `count` requests from sequence number `first` on to `take`, until
 * that returns something else than LISTEN_MORE: 0, or a negative errno, which closes the conversation as a
 * broken one does.
 */
int conversation_listen(struct conversation *conversation, uint32_t first, uint32_t count,
                        int (*take)(void *context, const struct nlmsghdr *answer), void *context);
int conversation_send(struct conversation *conversation, const void *messages, size_t length);

/*
 * Sends the message being built and waits for its acknowledgement; answers before it go to `take` (may be
 * NULL), which returns 0 or a negative errno. 0, the kernel's errno, or that of the broken conversation.
 */
int conversation_ask(struct conversation *conversation,
                     int (*take)(void *context, const struct nlmsghdr *answer), void *context);

struct dump {
	void (*restart)(void *context); /* forgets everything taken: an interrupted dump is taken again */
	int (*take)(void *context, const struct nlmsghdr *answer); /* 0 or a negative errno */
	void *context;
};

/* Sends the message being built as a dump. Interrupted: taken again, five times; then -EAGAIN. */
int conversation_dump(struct conversation *conversation, const struct dump *dump);

/*
 * The same in slices. What the conversation is asked meanwhile ends the dump, which is then taken again as an interrupted
 * one.
 */
struct dumping {
	struct dump dump;
	int tries;
	bool interrupted;
	int result; /* the kernel's errno */
	uint32_t sequence;
	_Alignas(struct nlmsghdr) char request[MESSAGE_SIZE];
};

void conversation_dump_begin(struct conversation *conversation, const struct dump *dump,
                             struct dumping *ret_dumping);
/* 0: all is taken; LISTEN_MORE: the deadline came first; else a negative errno. */
int conversation_dump_go_on(struct conversation *conversation, struct dumping *dumping, int64_t deadline_ns);

/*
 * What an NLMSG_ERROR says: 0 or a negative errno, and in *ret_detail the kernel's words (NULL: none), which
 * live as long as the answer. -EBADMSG: it is too short to say anything.
 */
int error_answer_read(const struct nlmsghdr *answer, int *ret_error, const char **ret_detail);

#endif
