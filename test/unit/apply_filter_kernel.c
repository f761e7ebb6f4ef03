#include "apply_filter_kernel.h"

#include "base/memory.h"
#include "plan/filter_text.h"
#include "support.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct socket {
	bool real; /* of nf_tables */
	void *inner;
};

static const struct kernel_transport *transport_of(const struct filter_kernel *machine,
                                                   const struct socket *socket)
{
	return socket->real ? &kernel_transport_real : &machine->fake.transport;
}

static int open_socket(void *context, int protocol, void **ret_socket)
{
	struct filter_kernel *machine = context;
	if (protocol == NETLINK_NETFILTER && machine->open_error)
		return machine->open_error;
	struct socket *socket = memory_alloc(sizeof(*socket));
	socket->real = protocol == NETLINK_NETFILTER;
	const struct kernel_transport *transport = transport_of(machine, socket);
	int error = transport->open(transport->context, protocol, &socket->inner);
	if (error)
		free(socket);
	else
		*ret_socket = socket;
	return error;
}

static void close_socket(void *context, void *opened)
{
	struct socket *socket = opened;
	const struct kernel_transport *transport = transport_of(context, socket);
	transport->close(transport->context, socket->inner);
	free(socket);
}

static int send_messages(void *context, void *opened, const void *messages, size_t length)
{
	struct filter_kernel *machine = context;
	struct socket *socket = opened;
	const struct kernel_transport *transport = transport_of(machine, socket);
	const struct nlmsghdr *header = messages;
	machine->dumps += socket->real && (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	return transport->send(transport->context, socket->inner, messages, length);
}

/* Of a dump, all messages are flagged; the last one ends it. */
static void flag_interrupted(struct filter_kernel *machine, char *buffer, size_t length)
{
	bool ended = false;
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= length;) {
		struct nlmsghdr *header = (struct nlmsghdr *)(buffer + at);
		if (header->nlmsg_flags & NLM_F_MULTI)
			header->nlmsg_flags |= NLM_F_DUMP_INTR;
		ended |= header->nlmsg_type == NLMSG_DONE;
		at += NLMSG_ALIGN(header->nlmsg_len);
	}
	machine->interrupted_dumps -= ended;
}

static ssize_t receive(void *context, void *opened, void *buffer, size_t size, int timeout_ms)
{
	struct filter_kernel *machine = context;
	struct socket *socket = opened;
	const struct kernel_transport *transport = transport_of(machine, socket);
	ssize_t length = transport->receive(transport->context, socket->inner, buffer, size, timeout_ms);
	if (!socket->real || length <= 0)
		return length;
	if (machine->interrupted_dumps)
		flag_interrupted(machine, buffer, (size_t)length);
	return ++machine->datagrams == machine->spoil_at ? fake_spoil(machine->spoiling, buffer, length)
	                                                 : length;
}

static int run(void *context, void **session, const char *commands, struct text *ret_words)
{
	struct filter_kernel *machine = context;
	machine->transactions++;
	return kernel_transport_real.filter_run(NULL, session, commands, ret_words);
}

static void end_session(void *context, void *session)
{
	(void)context;
	kernel_transport_real.filter_close(NULL, session);
}

const char *filter_kernel_rules(void)
{
	static struct text text;
	struct filter_rules rules = {.masquerade_mark = 0x4000, .answer_ping = true};
	rules.detectors[0].kind = DETECTOR_CIDR;
	ck_assert(cidr_parse("10.244.0.0/16", false, &rules.detectors[0].cidr));
	text_clear(&text);
	filter_text_rules(&rules, &text);
	return text_string(&text);
}

void filter_kernel_init(struct filter_kernel *machine)
{
	*machine = (struct filter_kernel){.transport = {.context = machine,
	                                                .open = open_socket,
	                                                .close = close_socket,
	                                                .send = send_messages,
	                                                .receive = receive,
	                                                .filter_run = run,
	                                                .filter_close = end_session}};
	enter_network_namespace();
	fake_kernel_init(&machine->fake);
	strcpy(machine->fake.link_name, "kube-ipvs0");
	machine->fake.link_kind = "dummy";
	ck_assert_int_eq(kernel_open("kube-ipvs0", false, &machine->transport, &machine->kernel, NULL), 0);
	kernel_use_filter(machine->kernel, filter_kernel_rules());
}

void filter_kernel_done(struct filter_kernel *machine)
{
	kernel_close(machine->kernel);
	machine->kernel = NULL;
	fake_kernel_done(&machine->fake);
}

char *output_of(const char *command)
{
	auto_text text = {0};
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	for (int c = getc(pipe); c != EOF; c = getc(pipe))
		text_add_char(&text, (char)c);
	int status = pclose(pipe);
	ck_assert_msg(status == 0, "%s: %d\n%s", command, status, text_string(&text));
	return memory_copy_text(text_string(&text));
}
