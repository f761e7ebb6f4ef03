/*
 * The least that the kernel needs for what the daemon does: the same messages, made before, and only sent.
 *
 *     bench-floors [--ipv6] SERVICES ENDPOINTS [route]
 *
 * Prints lines "NAME SECONDS". With "route", addresses are held by routes. The messages come from apply, over a
 * transport that keeps them; they are sent in a network namespace of their own. Of the packet filter there are two
 * floors: libnftables fed with prebuilt text, and the messages that it made of it.
 */
#include "apply/kernel.h"
#include "ipvs_probe.h"
#include "machine.h"
#include "message_keeper.h"
#include "plan/diff.h"
#include "plan/filter_text.h"
#include "sketch.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DUMMY "kube-ipvs0"

enum { REPEATS = 25, MANY = 1000 };

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	message_keeper_saw(message);
	return syscall(SYS_sendmsg, fd, message, flags);
}

/* ---- states: the addresses are those that bench-steady has */

static bool ipv6;

/* The first endpoint is another one with `changed`. */
static void build_virtual_server(struct arena *arena, size_t service, size_t endpoints, bool changed,
                                 struct virtual_server *ret_server)
{
	struct real_server *real_servers =
	        sketch_virtual_server((uint32_t)service, endpoints, arena, ret_server);
	if (changed)
		real_servers[0].address = sketch_address(0x0a400000 + (uint32_t)service);
}

struct span {
	size_t first, count, endpoints;
	bool changed;
};

static struct state build_state(struct arena *arena, const struct span *span)
{
	size_t count = span->count;
	struct virtual_server *servers = arena_new_array(arena, count, struct virtual_server);
	struct address *held = arena_new_array(arena, count, struct address);
	struct filter_element *elements = arena_new_array(arena, 2 * count, struct filter_element);
	for (size_t i = 0; i < count; i++) {
		build_virtual_server(arena, span->first + i, span->endpoints, span->changed, &servers[i]);
		held[i] = servers[i].key.address;
		elements[i] = (struct filter_element){.kind = FILTER_HELD_ADDRESS, .address = held[i]};
		elements[count + i] = (struct filter_element){.kind = FILTER_SERVICE_PORT,
		                                              .verdict = FILTER_MASQUERADE_OUTSIDERS,
		                                              .address = held[i],
		                                              .protocol = PROTOCOL_TCP,
		                                              .port = 80};
	}
	return (struct state){.virtual_servers = servers,
	                      .virtual_server_count = count,
	                      .held = held,
	                      .held_count = count,
	                      .filter = elements,
	                      .filter_count = 2 * count};
}

/* ---- recording */

struct side {
	struct message_keeper keeper;
	struct kernel_transport transport;
	struct kernel *kernel;
	struct arena arena;
};

/* A network namespace with the dummy, and the table without elements. */
static void prepare(struct side *side, bool by_routes)
{
	struct fault fault = {0};
	const struct filter_rules rules = {.masquerade_mark = 1U << 14};
	auto_text text = {0};
	bool repaired;
	side->transport = message_keeper_transport(&side->keeper);
	filter_text_rules(&rules, &text);
	CHECK(machine_enter_network() == 0);
	CHECK(kernel_open(DUMMY, true, &side->transport, &side->kernel, &fault) == 0);
	if (by_routes)
		kernel_hold_by_routes(side->kernel);
	CHECK(kernel_ensure_dummy(side->kernel, &fault) == 0);
	kernel_use_filter(side->kernel, text_string(&text));
	CHECK(kernel_ensure_filter(side->kernel, &repaired, &fault) == 0);
}

/* What turns the one into the other, as kept messages; NULL: nothing. */
static void record(struct side *side, const struct span *from, const struct span *to,
                   struct message_keeper *ret_kept)
{
	static const struct span none = {0};
	const struct removal_rules rules = {.all_ours = true, .order_seed = order_seed("node-1")};
	struct changes changes = {0};
	struct state before = build_state(&side->arena, from ? from : &none);
	struct state after = build_state(&side->arena, to ? to : &none);
	diff_build(&before, &after, &rules, &changes);
	side->keeper.keeping = true;
	CHECK(kernel_perform(side->kernel, &changes, &side->arena) == 0);
	side->keeper.keeping = false;
	*ret_kept = side->keeper;
	side->keeper = (struct message_keeper){0};
	vector_done(&changes);
}

/* ---- sending */

struct times {
	int64_t generic, route, netfilter;
};

static int64_t total(const struct times *times)
{
	return times->generic + times->route + times->netfilter;
}

static struct times send_kept(struct message_sender *sender, const struct message_keeper *kept)
{
	struct times times = {0};
	for (size_t i = 0; i < kept->batches.count; i++) {
		const struct kept_batch *batch = &kept->batches.items[i];
		int64_t took = message_sender_send(sender, batch);
		*(batch->protocol == NETLINK_GENERIC ? &times.generic
		  : batch->protocol == NETLINK_ROUTE ? &times.route
		                                     : &times.netfilter) += took;
	}
	return times;
}

static void print(const char *name, int64_t ns)
{
	printf("%s %.6f\n", name, (double)ns / 1e9);
	fflush(stdout);
}

static int by_size(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

/* The one, and what undoes it, in turns; each by its median. */
static void print_turns(struct message_sender *sender, const char *name, const struct message_keeper *kept,
                        const char *back_name, const struct message_keeper *back, size_t turns)
{
	int64_t *there = memory_resize(NULL, turns, sizeof(*there)),
	        *again = memory_resize(NULL, turns, sizeof(*again));
	for (size_t i = 0; i < turns; i++) {
		struct times one = send_kept(sender, kept), other = send_kept(sender, back);
		there[i] = total(&one);
		again[i] = total(&other);
	}
	qsort(there, turns, sizeof(*there), by_size);
	qsort(again, turns, sizeof(*again), by_size);
	print(name, there[turns / 2]);
	if (back_name)
		print(back_name, again[turns / 2]);
	free(there);
	free(again);
}

/* ---- reading */

static int64_t dump_ipvs(const struct message_sender *sender, size_t services)
{
	struct ipvs_probe probe;
	char(*messages)[PROBE_MESSAGE_BYTES] = memory_resize(NULL, services + 1, sizeof(*messages));
	ipvs_probe_open(&probe);
	ipvs_probe_listing(&probe, NULL, messages[services]);
	for (size_t i = 0; i < services; i++) {
		struct virtual_server_key key = sketch_key((uint32_t)i);
		ipvs_probe_listing(&probe, &key, messages[i]);
	}
	int64_t began = machine_now_ns();
	for (size_t i = 0; i <= services; i++)
		CHECK(ipvs_probe_dump(sender->generic, (const struct nlmsghdr *)messages[i], probe.buffer) ==
		      0);
	int64_t took = machine_now_ns() - began;
	ipvs_probe_close(&probe);
	free(messages);
	return took;
}

static int64_t dump_addresses(const struct message_sender *sender)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg address;
	} message = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
	                        .nlmsg_type = RTM_GETADDR,
	                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	char *buffer = memory_alloc(PROBE_BUFFER_BYTES);
	int64_t began = machine_now_ns();
	CHECK(ipvs_probe_dump(sender->route, &message.header, buffer) == 0);
	int64_t took = machine_now_ns() - began;
	free(buffer);
	return took;
}

static int64_t dump_set(const struct message_sender *sender, const char *set)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg family;
		struct nlattr table;
		char table_name[12];
		struct nlattr set;
		char set_name[20];
	} message = {.header = {.nlmsg_len = sizeof(message),
	                        .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM,
	                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	             .family = {.nfgen_family = NFPROTO_INET},
	             .table = {.nla_len = sizeof(struct nlattr) + sizeof(FILTER_TABLE),
	                       .nla_type = NFTA_SET_ELEM_LIST_TABLE},
	             .set = {.nla_len = (uint16_t)(sizeof(struct nlattr) + strlen(set) + 1),
	                     .nla_type = NFTA_SET_ELEM_LIST_SET}};
	strcpy(message.table_name, FILTER_TABLE);
	strcpy(message.set_name, set);
	char *buffer = memory_alloc(PROBE_BUFFER_BYTES);
	int64_t began = machine_now_ns();
	CHECK(ipvs_probe_dump(sender->netfilter, &message.header, buffer) == 0);
	int64_t took = machine_now_ns() - began;
	free(buffer);
	return took;
}

static void print_dumps(const struct message_sender *sender, size_t services)
{
	int64_t ipvs = dump_ipvs(sender, services), addresses = dump_addresses(sender),
	        elements = dump_set(sender, ipv6 ? "held-6" : "held-4") +
	                   dump_set(sender, ipv6 ? "service-ports-6" : "service-ports-4");
	print("dump_ipvs", ipvs);
	print("dump_addresses", addresses);
	print("dump_elements", elements);
	print("dump", ipvs + addresses + elements);
}

/* ---- all of it */

struct records {
	struct message_keeper first, add, remove, change, back, change_many, back_many;
};

static void record_all(struct side *side, size_t services, size_t endpoints, struct records *ret_records)
{
	size_t many = services < MANY ? services : MANY;
	const struct span all = {.count = services, .endpoints = endpoints},
	                  more = {.first = services, .count = 1, .endpoints = endpoints},
	                  one = {.first = services / 2, .count = 1, .endpoints = endpoints},
	                  one_changed = {services / 2, 1, endpoints, true},
	                  some = {.count = many, .endpoints = endpoints},
	                  some_changed = {0, many, endpoints, true};
	record(side, NULL, &all, &ret_records->first);
	record(side, NULL, &more, &ret_records->add);
	record(side, &more, NULL, &ret_records->remove);
	record(side, &one, &one_changed, &ret_records->change);
	record(side, &one_changed, &one, &ret_records->back);
	record(side, &some, &some_changed, &ret_records->change_many);
	record(side, &some_changed, &some, &ret_records->back_many);
}

static void print_first(const struct message_keeper *kept, const struct times *times)
{
	size_t messages = 0;
	for (size_t i = 0; i < kept->batches.count; i++)
		messages += kept->batches.items[i].messages;
	print("first_ipvs", times->generic);
	print("first_addresses", times->route);
	print("first_elements", times->netfilter);
	print("first_elements_text", kept->filter_text_ns);
	print("first", times->generic + times->route + times->netfilter);
	print("first_with_text", times->generic + times->route + kept->filter_text_ns);
	printf("first_messages %zu\n", messages);
}

static size_t number(int argc, char **argv, int index, size_t most)
{
	size_t value = argc > index ? strtoul(argv[index], NULL, 10) : 0;
	if (value < 1 || value > most) {
		fprintf(stderr, "usage: bench-floors [--ipv6] SERVICES ENDPOINTS [route]\n");
		exit(EXIT_FAILURE);
	}
	return value;
}

int main(int argc, char **argv)
{
	ipv6 = argc > 1 && strcmp(argv[1], "--ipv6") == 0;
	if (ipv6) {
		sketch_in_ipv6();
		argc--;
		argv++;
	}
	size_t services = number(argc, argv, 1, 1000000), endpoints = number(argc, argv, 2, 1000);
	struct records records;
	struct side here = {0}, there = {0};
	struct message_sender sender;
	bool by_routes = argc > 3 && strcmp(argv[3], "route") == 0;
	prepare(&here, by_routes);
	record_all(&here, services, endpoints, &records);
	prepare(&there, by_routes);
	message_sender_open(&sender);
	machine_wait_until_idle();
	struct times first = send_kept(&sender, &records.first);
	print_first(&records.first, &first);
	machine_wait_until_idle();
	print_dumps(&sender, services);
	print_turns(&sender, "change", &records.change, NULL, &records.back, REPEATS);
	print_turns(&sender, "add", &records.add, "delete", &records.remove, REPEATS);
	print_turns(&sender, "change_many", &records.change_many, NULL, &records.back_many, 3);
	return EXIT_SUCCESS;
}
