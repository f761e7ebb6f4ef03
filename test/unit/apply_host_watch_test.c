/*
 * Addresses that come and go, in a network namespace of our own. Interfaces are veth pairs here, so that the kernel
 * needs no module.
 */
#include "apply/host_watch.h"
#include "conversation.h"
#include "holding.h"
#include "link.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DUMMY "kube-ipvs0"

static struct conversation route;
static struct host_watch *watch;

static int loopback(void)
{
	return (int)if_nametoindex("lo");
}

/* IPv6 addresses of an interface that is down are not told of before it is up. */
static void set_loopback_up(void)
{
	const struct ifinfomsg header = {
	        .ifi_family = AF_UNSPEC, .ifi_index = loopback(), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	message_begin(&route.message, RTM_NEWLINK, 0, &header, sizeof(header));
	ck_assert_int_eq(conversation_ask(&route, NULL, NULL), 0);
}

static void prepare(void)
{
	enter_network_namespace();
	conversation_init(&route, &kernel_transport_real, NETLINK_ROUTE);
	ck_assert_int_eq(conversation_open(&route), 0);
	set_loopback_up();
	ck_assert_int_eq(host_watch_open(DUMMY, &watch), 0);
}

static void clean(void)
{
	host_watch_close(watch);
	conversation_done(&route);
}

/* Both ends in one go, the other one named by the kernel. Returns the index. */
static int add_interface(const char *name)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct link link;
	message_begin(&route.message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	message_put_text(&route.message, IFLA_IFNAME, name);
	struct nlattr *nest = message_begin_nest(&route.message, IFLA_LINKINFO);
	message_put_text(&route.message, IFLA_INFO_KIND, "veth");
	message_end_nest(&route.message, nest);
	ck_assert_int_eq(conversation_ask(&route, NULL, NULL), 0);
	ck_assert_int_eq(link_find(&route, name, &link), 0);
	return link.index;
}

static void rename_interface(int index, const char *name)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	message_begin(&route.message, RTM_NEWLINK, 0, &header, sizeof(header));
	message_put_text(&route.message, IFLA_IFNAME, name);
	ck_assert_int_eq(conversation_ask(&route, NULL, NULL), 0);
}

static struct address address_of(const char *text)
{
	struct address address;
	ck_assert(address_parse(text, &address));
	return address;
}

static void add_address(int index, const char *text)
{
	const struct address address = address_of(text);
	link_put_address(&route, index, &address);
	ck_assert_int_eq(conversation_ask(&route, NULL, NULL), 0);
}

static void remove_address(int index, const char *text)
{
	const struct address address = address_of(text);
	link_put_address_removal(&route, index, &address);
	ck_assert_int_eq(conversation_ask(&route, NULL, NULL), 0);
}

/* Of IPv4 and of interfaces, the kernel has told everything by the time that it answers a request. */
static struct host_news news(void)
{
	struct host_news result;
	ck_assert_int_eq(host_watch_read(watch, &result), 0);
	return result;
}

static bool changed(void)
{
	return news().addresses_changed;
}

static bool is_readable(void)
{
	struct pollfd descriptor = {.fd = host_watch_descriptor(watch), .events = POLLIN};
	return poll(&descriptor, 1, 0) == 1;
}

/* IPv6 addresses are told of a little later: they are looked for on the network first. */
static void wait_until_readable(void)
{
	struct pollfd descriptor = {.fd = host_watch_descriptor(watch), .events = POLLIN};
	ck_assert_int_eq(poll(&descriptor, 1, 30000), 1);
}

START_TEST(an_address_that_comes_or_goes_is_told)
{
	static const char *const addresses[] = {"192.0.2.1", "2001:db8::1"};
	ck_assert(!is_readable());
	ck_assert(!changed());
	add_address(loopback(), addresses[_i]);
	wait_until_readable();
	ck_assert(changed());
	ck_assert(!is_readable());
	ck_assert(!changed());
	remove_address(loopback(), addresses[_i]);
	wait_until_readable();
	ck_assert(changed());
	ck_assert(!changed());
}
END_TEST

START_TEST(an_interface_alone_is_no_address)
{
	add_interface("eth7");
	ck_assert(is_readable());
	ck_assert(!changed());
}
END_TEST

START_TEST(an_interface_that_goes_takes_its_addresses_with_it)
{
	int index = add_interface("eth7");
	add_address(index, "192.0.2.1");
	ck_assert(changed());
	ck_assert_int_eq(link_remove(&route, index), 0);
	ck_assert(changed());
}
END_TEST

static bool touched(void)
{
	return news().dummy_touched;
}

START_TEST(whether_the_dummy_was_touched_is_told_apart)
{
	int index = add_interface(DUMMY);
	ck_assert(!touched());
	add_address(index, "10.96.0.1");
	ck_assert(touched());
	ck_assert(!touched());
	add_address(loopback(), "192.0.2.1");
	ck_assert(!touched());
	remove_address(index, "10.96.0.1");
	ck_assert(touched());
	ck_assert_int_eq(link_remove(&route, index), 0);
	ck_assert(touched());
}
END_TEST

START_TEST(addresses_of_the_dummy_do_not_matter)
{
	int index = add_interface(DUMMY);
	add_address(index, "10.96.0.1");
	add_address(index, "fd00::1");
	ck_assert(!changed());
	remove_address(index, "10.96.0.1");
	ck_assert(!changed());
	add_address(loopback(), "192.0.2.1");
	add_address(index, "10.96.0.2");
	ck_assert(changed());
}
END_TEST

START_TEST(a_dummy_that_was_there_before_is_known)
{
	int index = add_interface(DUMMY);
	host_watch_close(watch);
	ck_assert_int_eq(host_watch_open(DUMMY, &watch), 0);
	add_address(index, "10.96.0.1");
	ck_assert(!changed());
}
END_TEST

START_TEST(a_dummy_that_goes_and_comes_back_is_followed)
{
	int first = add_interface(DUMMY);
	add_address(first, "10.96.0.1");
	ck_assert_int_eq(link_remove(&route, first), 0);
	ck_assert(!changed());
	int other = add_interface("eth7");
	int second = add_interface(DUMMY);
	ck_assert_int_ne(first, second);
	add_address(second, "10.96.0.1");
	ck_assert(!changed());
	add_address(other, "192.0.2.1");
	ck_assert(changed());
}
END_TEST

START_TEST(a_dummy_that_goes_is_told)
{
	int index = add_interface(DUMMY);
	ck_assert(!news().dummy_gone);
	ck_assert_int_eq(link_remove(&route, index), 0);
	ck_assert(news().dummy_gone);
	ck_assert(!news().dummy_gone);
	index = add_interface(DUMMY);
	ck_assert(!news().dummy_gone);
	rename_interface(index, "eth7");
	ck_assert(news().dummy_gone);
	index = add_interface(DUMMY);
	ck_assert_int_eq(link_remove(&route, index), 0);
	add_interface(DUMMY);
	ck_assert_msg(news().dummy_gone, "another one of the same name holds nothing of what it held");
}
END_TEST

static const struct holding by_routes = {.by_routes = true};

static void change_route(const char *text, bool coming)
{
	const struct address address = address_of(text);
	if (coming)
		holding_put_add(&by_routes, &route, 0, &address);
	else
		holding_put_removal(&by_routes, &route, 0, &address);
	ck_assert_int_eq(conversation_ask(&route, NULL, NULL), 0);
}

/* By a process of its own, with a socket of its own. */
static void let_others_remove(const char *text)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		conversation_done(&route);
		conversation_init(&route, &kernel_transport_real, NETLINK_ROUTE);
		change_route(text, false);
		conversation_done(&route);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

START_TEST(a_route_that_holds_an_address_and_that_others_remove_is_told)
{
	static const char *const addresses[] = {"10.96.0.1", "fd00::1"};
	change_route(addresses[_i], true);
	ck_assert(!is_readable());
	change_route(addresses[_i], false);
	struct host_news own = news();
	ck_assert_msg(!own.held_route_gone, "we removed it ourselves");
	change_route(addresses[_i], true);
	let_others_remove(addresses[_i]);
	struct host_news others = news();
	ck_assert(others.held_route_gone);
	ck_assert(!others.addresses_changed && !others.dummy_gone);
	ck_assert(!news().held_route_gone);
}
END_TEST

/* A routing protocol's, say. */
static void change_foreign_route(uint16_t type, uint16_t flags)
{
	const struct rtmsg header = {.rtm_family = AF_INET,
	                             .rtm_dst_len = 32,
	                             .rtm_table = RT_TABLE_MAIN,
	                             .rtm_protocol = RTPROT_BGP,
	                             .rtm_scope = RT_SCOPE_LINK,
	                             .rtm_type = RTN_UNICAST};
	const struct address address = address_of("198.51.100.1");
	message_begin(&route.message, type, flags, &header, sizeof(header));
	message_put(&route.message, RTA_DST, address.bytes, 4);
	message_put_u32(&route.message, RTA_OIF, (uint32_t)loopback());
	ck_assert_int_eq(conversation_ask(&route, NULL, NULL), 0);
}

START_TEST(routes_of_others_do_not_even_wake_us)
{
	change_foreign_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	change_foreign_route(RTM_DELROUTE, 0);
	ck_assert(!is_readable());
}
END_TEST

START_TEST(names_decide_and_they_can_change)
{
	int index = add_interface(DUMMY);
	rename_interface(index, "eth7");
	add_address(index, "192.0.2.1");
	ck_assert(changed());
	rename_interface(index, DUMMY);
	add_address(index, "192.0.2.2");
	ck_assert(!changed());
}
END_TEST

/* What was lost may have been anything, also what became of the dummy. */
START_TEST(messages_that_the_kernel_had_to_drop_count_as_a_change)
{
	int index = add_interface(DUMMY);
	const int queue_bytes = 4096;
	ck_assert(!changed());
	ck_assert_int_eq(setsockopt(host_watch_descriptor(watch), SOL_SOCKET, SO_RCVBUF, &queue_bytes,
	                            sizeof(queue_bytes)),
	                 0);
	for (int i = 0; i < 50; i++) {
		add_address(index, "10.96.0.1");
		remove_address(index, "10.96.0.1");
	}
	ck_assert_int_eq(link_remove(&route, index), 0);
	index = add_interface(DUMMY);
	ck_assert(changed());
	ck_assert(!is_readable());
	add_address(index, "10.96.0.1");
	ck_assert(!changed());
	add_address(loopback(), "192.0.2.1");
	ck_assert(changed());
}
END_TEST

/* What a start puts on the dummy goes by without a loss. */
START_TEST(a_thousand_addresses_on_the_dummy_are_no_change)
{
	int index = add_interface(DUMMY);
	char address[32];
	for (int i = 0; i < 1000; i++) {
		snprintf(address, sizeof(address), "10.96.%d.%d", i / 250, 1 + i % 250);
		add_address(index, address);
	}
	ck_assert(!changed());
}
END_TEST

START_TEST(the_descriptor_is_not_left_to_other_programs)
{
	int descriptor = host_watch_descriptor(watch);
	ck_assert_int_ne(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(a_socket_that_is_no_use_any_more_is_an_error)
{
	struct host_news result = {true, true, true, true};
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(dup2(other, host_watch_descriptor(watch)), 0);
	close(other);
	ck_assert_int_eq(host_watch_read(watch, &result), -ENOTSOCK);
	ck_assert(!result.addresses_changed && !result.dummy_gone && !result.held_route_gone);
}
END_TEST

START_TEST(a_name_that_no_interface_can_have_is_refused)
{
	struct host_watch *none = watch;
	ck_assert_int_eq(host_watch_open("an-interface-name-too-long", &none), -EINVAL);
	ck_assert_ptr_null(none);
	host_watch_close(NULL);
}
END_TEST

int main(void)
{
	int status;
	if (skip_without_network_namespace("apply: host watch", &status))
		return status;
	Suite *suite = suite_create("apply: host watch");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, prepare, clean);
	tcase_add_loop_test(all, an_address_that_comes_or_goes_is_told, 0, 2);
	tcase_add_test(all, an_interface_alone_is_no_address);
	tcase_add_test(all, an_interface_that_goes_takes_its_addresses_with_it);
	tcase_add_test(all, addresses_of_the_dummy_do_not_matter);
	tcase_add_test(all, whether_the_dummy_was_touched_is_told_apart);
	tcase_add_test(all, a_dummy_that_was_there_before_is_known);
	tcase_add_test(all, a_dummy_that_goes_is_told);
	tcase_add_test(all, a_dummy_that_goes_and_comes_back_is_followed);
	tcase_add_loop_test(all, a_route_that_holds_an_address_and_that_others_remove_is_told, 0, 2);
	tcase_add_test(all, routes_of_others_do_not_even_wake_us);
	tcase_add_test(all, names_decide_and_they_can_change);
	tcase_add_test(all, messages_that_the_kernel_had_to_drop_count_as_a_change);
	tcase_add_test(all, a_thousand_addresses_on_the_dummy_are_no_change);
	tcase_add_test(all, the_descriptor_is_not_left_to_other_programs);
	tcase_add_test(all, a_socket_that_is_no_use_any_more_is_an_error);
	tcase_add_test(all, a_name_that_no_interface_can_have_is_refused);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
