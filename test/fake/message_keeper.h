/*
 * A transport that keeps changes instead of performing them, so that they can be only sent later: the floor below which
 * no code that makes and checks them can come.
 *
 * What reads goes to the real kernel. Changes of IPVS and of addresses and routes are kept and acknowledged by the keeper
 * itself. Those of the packet filter are performed, since libnftables makes its messages while it sends them; kept are
 * the messages that it sent, and how long it took to run the text. They can be sent to the namespace that they were
 * recorded in only after what they did was undone.
 */
#ifndef KUBE_IPVS_TEST_FAKE_MESSAGE_KEEPER_H
#define KUBE_IPVS_TEST_FAKE_MESSAGE_KEEPER_H

#include "apply/transport.h"
#include "base/vector.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct kept_batch {
	int protocol; /* of netlink */
	char *bytes;
	size_t length;
	size_t messages;
};

struct message_keeper {
	vector_of(struct kept_batch) batches;
	bool keeping;           /* to be set: changes are kept from here on; false: all goes to the kernel */
	int64_t filter_text_ns; /* how long libnftables took for what was kept */
};

/* At most one keeper at a time keeps the packet filter's messages. */
struct kernel_transport message_keeper_transport(struct message_keeper *keeper);
/*
 * libnftables sends with sendmsg of the C library. The program has to have a sendmsg of its own, which shows here what
 * passes and then makes the system call.
 */
void message_keeper_saw(const struct msghdr *message);
/* Forgets what was kept. */
void message_keeper_clear(struct message_keeper *keeper);

/* Where kept messages go, in the network namespace of the caller. */
struct message_sender {
	int generic, route, netfilter;
	char *answer;
};

void message_sender_open(struct message_sender *sender);
void message_sender_close(struct message_sender *sender);
/* Sends the batch and waits for the answer; aborts where the kernel refuses a message. How long it took. */
int64_t message_sender_send(struct message_sender *sender, const struct kept_batch *batch);
int message_sender_socket(const struct message_sender *sender, int protocol);

#endif
