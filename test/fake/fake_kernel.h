/*
 * A kernel that can fail on demand, behind apply/transport.h: generic netlink with IPVS, rtnetlink with one
 * interface, and the elements of the packet filter.
 *
 * It keeps tables, refuses what the kernel refuses with the kernel's errnos, and answers as it does: reports
 * of failures and an acknowledgement where one is asked for, each in a datagram of its own, within a receive
 * buffer of limited size; dumps in several datagrams, one dump at a time.
 */
#ifndef KUBE_IPVS_TEST_FAKE_KERNEL_H
#define KUBE_IPVS_TEST_FAKE_KERNEL_H

#include "apply/transport.h"
#include "base/text.h"
#include "base/vector.h"
#include "plan/state.h"

#include <linux/netlink.h>

/* What happens to one datagram on its way to the caller. */
enum fake_spoiling {
	FAKE_WHOLE,
	FAKE_CUT,      /* its last 5 bytes are missing */
	FAKE_GARBAGE,  /* noise instead of a message */
	FAKE_EMPTY,    /* the header as it was, all zero behind it */
	FAKE_STRANGER, /* answers that nobody asked for, for ever */
	FAKE_LOST,     /* dropped, with all that is behind it: nothing comes */
	FAKE_OVERRUN,  /* -ENOBUFS; this datagram and all behind it are dropped */
};

/* The change message number `message`, counted from 1, is refused. */
struct fake_refusal {
	size_t message;
	int error; /* negative */
	const char *detail;
};

struct fake_failures {
	bool no_family;
	bool no_permission;
	int open_error;       /* of every open */
	size_t open_error_at; /* only of the open of this number, counted from 1; 0: of all */
	size_t send_error_at; /* the send of this number, counted from 1, fails with `send_error`; 0: none */
	int send_error;
	size_t receive_error_at; /* the wait for a datagram of this number fails with `receive_error`, and loses none */
	int receive_error;
	size_t spoil_at; /* the datagram of this number, counted from 1; 0: none */
	enum fake_spoiling spoiling;
	size_t interrupted_dumps; /* so many dumps are flagged as interrupted */
	size_t interrupt_dump_at; /* the dump of this number is */
	const struct fake_refusal *refusals;
	size_t refusal_count;
	size_t refuse_transaction_at; /* the packet filter's transaction of this number, counted from 1; 0: none */
	int transaction_error;
	bool transaction_done; /* that one happens, though it is said to have failed */
};

struct fake_counters {
	size_t opens, closes, sends, datagrams, dumps;
	size_t refused_opens;
	size_t waits;            /* for datagrams */
	size_t changes;          /* messages that change something */
	size_t most_messages;    /* in one send */
	size_t acknowledgements; /* asked for by change messages */
};

struct fake_virtual_server {
	struct virtual_server server;    /* its real_servers are not used */
	bool without_address;            /* in answers */
	bool without_real_server_family; /* in answers, as kernels before 3.18 */
	vector_of(struct real_server) real_servers;
};

/* As nft writes it: "service-ports-4", "10.96.0.1 . tcp . 80", "goto to-local". */
struct fake_filter_element {
	char set[32];
	char key[128];
	char value[64];
};

struct fake_filter {
	bool present; /* our table */
	vector_of(struct fake_filter_element) elements;
	vector_of(struct fake_filter_element) touched; /* named by the transaction that runs */
	size_t transactions;                           /* asked for */
};

/* What one change message, or one element of a transaction, came to. Pointers live for the call; those that do not matter are NULL. */
enum fake_deed {
	FAKE_ADD,
	FAKE_CHANGE,
	FAKE_REMOVE,
};

struct fake_event {
	enum fake_deed deed;
	const struct virtual_server_key *key;
	/* Of that virtual server, when removed as it was; NULL: it is about the virtual server itself. */
	const struct real_server *real_server;
	const struct address *address; /* on the interface */
	bool by_route;                 /* the address is held by one */
	const struct fake_filter_element *element;
	int error;     /* the kernel's answer, 0 or negative; of elements only what was done is told */
	bool needless; /* all is as it was before */
};

struct fake_datagram {
	char *bytes;
	size_t length;
	bool of_dump;
};

struct fake_socket {
	int protocol;
	vector_of(struct fake_datagram) queue;
	size_t next; /* in the queue */
	int pending_error;
};

struct fake_route {
	struct address address;
	uint8_t protocol;
	uint32_t metric;
	uint32_t interface;
};

struct fake_kernel {
	struct kernel_transport transport;
	struct fake_failures failures;
	struct fake_counters counters;
	const char *const *schedulers; /* NULL at the end */
	vector_of(struct fake_virtual_server) virtual_servers;
	/* The one interface beside lo. */
	char link_name[16];
	const char *link_kind; /* NULL: it is not there */
	vector_of(struct address) held;
	vector_of(struct fake_route) routes; /* of the type local */
	uint32_t timeouts[3];
	struct fake_filter filter;
	/* Told of every change once it is done, or refused; NULL: nobody. */
	void (*saw)(void *watcher, const struct fake_event *event);
	void *watcher;
};

void fake_kernel_init(struct fake_kernel *fake);
/* Every socket must be closed by now. */
void fake_kernel_done(struct fake_kernel *fake);
/* Puts a virtual server with its real servers into the table; returns its entry. */
struct fake_virtual_server *fake_kernel_put(struct fake_kernel *fake, const struct virtual_server *server);
/* The tables as text, in the order in which things were added. */
void fake_kernel_print(struct fake_kernel *fake, struct text *text);
/* "remove TCP 10.96.0.1:80 -> 10.244.0.1:8080: No such file or directory" */
void fake_event_print(const struct fake_event *event, struct text *text);

/* What becomes of a datagram; one of a stranger, and a whole one, stay as they are. Its length, or a negative errno. */
ssize_t fake_spoil(enum fake_spoiling spoiling, char *buffer, ssize_t length);

/* ---- between the parts of the fake */

#define FAKE_FAMILY     0x2a
#define FAKE_LINK_INDEX 7

struct nl_msg;

/* Queues this answer to `request` as a datagram; takes the message. */
void fake_answer(struct fake_socket *socket, const struct nlmsghdr *request, struct nl_msg *message,
                 bool of_dump);
void fake_tell(const struct fake_kernel *fake, const struct fake_event *event);
/* Each queues what a request asks for, and returns 0 or the kernel's errno. */
int fake_ipvs_handle(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request);
int fake_link_handle(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request);
int fake_route_handle(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request);
int fake_filter_handle(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request);
int fake_filter_run(void *context, void **session, const char *commands, struct text *ret_words);
void fake_filter_close(void *context, void *session);

#endif
