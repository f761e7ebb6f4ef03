/*
 * The host around IPVS: sysctls in a directory of our own, modules that are missing in every way, and this
 * machine's addresses.
 */
#include "apply/host.h"
#include "base/text.h"
#include "fake_kernel.h"
#include "link.h"
#include "modules.h"
#include "support.h"
#include "test_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[TEST_DIRECTORY_SIZE];

static void start(void)
{
	test_directory_make(root);
}

static void end(void)
{
	test_directory_remove(root);
}

static const char *in_root(const char *path)
{
	static char whole[TEST_PATH_SIZE];
	return test_directory_path(root, path, whole);
}

static void have_file(const char *path, const char *content)
{
	test_directory_put(root, path, content);
}

static void file_must_be(const char *path, const char *wanted)
{
	auto_text text = {0};
	ck_assert_int_eq(text_read_file(in_root(path), 100, &text), 0);
	ck_assert_texts(path, wanted, text_string(&text));
}

/* ---- sysctls */

static const char *const sysctls[] = {
        "net/ipv4/vs/conntrack",
        "net/ipv4/vs/expire_nodest_conn",
        "net/ipv4/ip_forward",
        "net/ipv4/vs/expire_quiescent_template",
        "net/ipv4/vs/conn_reuse_mode",
        "net/ipv4/conf/all/arp_ignore",
        "net/ipv4/conf/all/arp_announce",
};

enum { SYSCTLS = sizeof(sysctls) / sizeof(*sysctls) };

static void have_sysctls(const char *value)
{
	for (int i = 0; i < SYSCTLS; i++)
		have_file(sysctls[i], value);
}

static void change_time_must_stay(const char *path, const struct stat *before)
{
	struct stat now;
	ck_assert_int_eq(stat(in_root(path), &now), 0);
	ck_assert_int_eq(now.st_mtim.tv_sec, before->st_mtim.tv_sec);
	ck_assert_int_eq(now.st_mtim.tv_nsec, before->st_mtim.tv_nsec);
}

START_TEST(sysctls_that_differ_are_written)
{
	start();
	have_sysctls("0\n");
	ck_assert_int_eq(host_set_sysctls(root, false, NULL), 0);
	/* A file keeps the newline that we do not write. */
	for (int i = 0; i < 4; i++)
		file_must_be(sysctls[i], "1\n");
	file_must_be("net/ipv4/conf/all/arp_ignore", "0\n");
	file_must_be("net/ipv4/conf/all/arp_announce", "0\n");
	end();
}
END_TEST

/* */
START_TEST(conn_reuse_mode_is_never_touched)
{
	start();
	have_sysctls("1\n");
	ck_assert_int_eq(host_set_sysctls(root, true, NULL), 0);
	file_must_be("net/ipv4/vs/conn_reuse_mode", "1\n");
	end();
}
END_TEST

START_TEST(strict_arp_sets_the_arp_sysctls_too)
{
	start();
	have_sysctls("0\n");
	ck_assert_int_eq(host_set_sysctls(root, true, NULL), 0);
	file_must_be("net/ipv4/conf/all/arp_ignore", "1\n");
	file_must_be("net/ipv4/conf/all/arp_announce", "2\n");
	end();
}
END_TEST

START_TEST(sysctls_that_are_right_are_not_written)
{
	start();
	struct stat before[4];
	struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	have_sysctls("1\n");
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(utimensat(AT_FDCWD, in_root(sysctls[i]), long_ago, 0), 0);
		ck_assert_int_eq(stat(in_root(sysctls[i]), &before[i]), 0);
	}
	ck_assert_int_eq(host_set_sysctls(root, false, NULL), 0);
	for (int i = 0; i < 4; i++)
		change_time_must_stay(sysctls[i], &before[i]);
	end();
}
END_TEST

static const struct {
	const char *missing;
	const char *sentence;
} missing_rows[] = {
        {"net/ipv4/vs/conntrack",
         "sysctl net/ipv4/vs/conntrack: not there; it comes with the module ip_vs: run modprobe ip_vs"},
        {"net/ipv4/ip_forward", "sysctl net/ipv4/ip_forward: it cannot be set to 1 (No such file or "
                                "directory); set it on the host"},
        {"net/ipv4/conf/all/arp_announce", "sysctl net/ipv4/conf/all/arp_announce: it cannot be set to 2 "
                                           "(No such file or directory); set it on the host"},
};

START_TEST(a_missing_sysctl_is_named_with_what_to_do)
{
	start();
	struct fault fault = {0};
	have_sysctls("0\n");
	ck_assert_int_eq(unlink(in_root(missing_rows[_i].missing)), 0);
	ck_assert_int_eq(host_set_sysctls(root, true, &fault), -ENOENT);
	ck_assert_texts("the sentence", missing_rows[_i].sentence, fault.sentence);
	end();
}
END_TEST

/* ---- modules */

static const struct {
	const char *const files[4]; /* path, content, path, content; under the root */
	const char *sentence;
} module_rows[] = {
        {{NULL},
         "IPVS: this kernel (6.1.0-9) has none built in and loads no modules; boot a kernel that has "
         "CONFIG_IP_VS"},
        {{"proc/modules", ""},
         "IPVS: this kernel (6.1.0-9) has none built in and loads no modules; boot a kernel that has "
         "CONFIG_IP_VS"},
        {{"proc/modules", "", "proc/sys/kernel/modprobe", "/sbin/modprobe\n"},
         "IPVS: the module ip_vs is not loaded, and /lib/modules/6.1.0-9 is not here; run modprobe ip_vs on "
         "the host, or let this container see the host's /lib/modules"},
};

START_TEST(a_missing_module_is_explained)
{
	start();
	struct fault fault = {0};
	for (int i = 0; i < 4 && module_rows[_i].files[i]; i += 2)
		have_file(module_rows[_i].files[i], module_rows[_i].files[i + 1]);
	module_explain_no_ipvs(root, "6.1.0-9", &fault);
	ck_assert_texts("the sentence", module_rows[_i].sentence, fault.sentence);
	end();
}
END_TEST

static const struct {
	const char *index;
	const char *sentence;
} index_rows[] = {
        {"kernel/net/netfilter/ipvs/ip_vs.ko: kernel/lib/libcrc32c.ko\n",
         "IPVS: the module ip_vs is there but not loaded, and could not be loaded from here; run modprobe "
         "ip_vs as root on the host"},
        {"kernel/net/netfilter/ipvs/ip_vs.ko.zst:\n",
         "IPVS: the module ip_vs is there but not loaded, and could not be loaded from here; run modprobe "
         "ip_vs as root on the host"},
        {"kernel/net/netfilter/ipvs/ip_vs_rr.ko:\n",
         "IPVS: this kernel (6.1.0-9) has no module ip_vs; install the package that has it (Debian: "
         "linux-image-6.1.0-9, Ubuntu: linux-modules-extra-6.1.0-9, Fedora: kernel-modules)"},
};

START_TEST(a_module_that_the_kernels_index_has_or_lacks_is_told_apart)
{
	start();
	struct fault fault = {0};
	have_file("proc/modules", "");
	have_file("proc/sys/kernel/modprobe", "/sbin/modprobe\n");
	have_file("lib/modules/6.1.0-9/modules.dep", index_rows[_i].index);
	module_explain_no_ipvs(root, "6.1.0-9", &fault);
	ck_assert_texts("the sentence", index_rows[_i].sentence, fault.sentence);
	end();
}
END_TEST

static void have_loader(const char *script)
{
	char path[600];
	have_file("loader", script);
	ck_assert_int_eq(chmod(in_root("loader"), 0755), 0);
	snprintf(path, sizeof(path), "%s\n", in_root("loader"));
	have_file("proc/sys/kernel/modprobe", path);
}

START_TEST(a_module_is_asked_for_as_the_kernel_itself_would_ask)
{
	start();
	char script[768];
	snprintf(script, sizeof(script), "#!/bin/sh\necho \"$@\" in \"$HOME\" with \"$PATH\" > %s\n",
	         in_root("asked"));
	have_loader(script);
	ck_assert_int_eq(module_load(root, "ip_vs"), 0);
	file_must_be("asked", "-q -- ip_vs in / with /sbin:/usr/sbin:/bin:/usr/bin\n");
	end();
}
END_TEST

START_TEST(a_loader_that_fails_or_is_missing_is_a_failure)
{
	start();
	ck_assert_int_eq(module_load(root, "ip_vs"), -ENOENT);
	have_loader("#!/bin/sh\nexit 1\n");
	ck_assert_int_eq(module_load(root, "ip_vs"), -ENOENT);
	ck_assert_int_eq(unlink(in_root("loader")), 0);
	ck_assert_int_eq(module_load(root, "ip_vs"), -ENOENT);
	have_file("proc/sys/kernel/modprobe", "\n");
	ck_assert_int_eq(module_load(root, "ip_vs"), -ENOENT);
	end();
}
END_TEST

START_TEST(a_loader_that_does_not_end_is_ended)
{
	start();
	have_loader("#!/bin/sh\nexec sleep 60\n");
	ck_assert_int_eq(module_load(root, "ip_vs"), -ETIMEDOUT);
	end();
}
END_TEST

/* ---- addresses */

static void print_addresses(const struct interface_address *addresses, size_t count, struct text *text)
{
	char address[ADDRESS_TEXT_SIZE];
	for (size_t i = 0; i < count; i++) {
		address_format(&addresses[i].address, address);
		text_addf(text, "%s %s\n", addresses[i].interface, address);
	}
}

static void have_two_interfaces(struct fake_kernel *fake)
{
	const struct address addresses[] = {
	        {.family = FAMILY_IPV6, .bytes = {0xfe, 0x80, [15] = 1}},
	        {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 10}},
	};
	fake_kernel_init(fake);
	strcpy(fake->link_name, "eth0");
	fake->link_kind = "veth";
	vector_push(&fake->held, addresses[0]);
	vector_push(&fake->held, addresses[1]);
}

START_TEST(every_address_comes_with_its_interface_in_the_kernels_order)
{
	struct fake_kernel fake;
	struct conversation route;
	struct arena arena;
	struct interface_address *addresses;
	size_t count;
	auto_text text = {0};
	have_two_interfaces(&fake);
	arena_init(&arena);
	conversation_init(&route, &fake.transport, NETLINK_ROUTE);
	ck_assert_int_eq(link_read_addresses(&route, &arena, &addresses, &count), 0);
	print_addresses(addresses, count, &text);
	ck_assert_texts("addresses", "lo 127.0.0.1\neth0 fe80::1\neth0 192.0.2.10\n", text_string(&text));
	conversation_done(&route);
	arena_done(&arena);
	fake_kernel_done(&fake);
}
END_TEST

/* */
START_TEST(addresses_that_cannot_all_be_read_are_none)
{
	struct conversation route;
	struct arena arena;
	arena_init(&arena);
	/* Two interfaces, their end, three addresses, their end. */
	for (size_t datagram = 1; datagram <= 7; datagram++) {
		struct fake_kernel fake;
		struct interface_address *addresses = NULL;
		size_t count = 99;
		have_two_interfaces(&fake);
		fake.failures.spoiling = FAKE_LOST;
		fake.failures.spoil_at = datagram;
		conversation_init(&route, &fake.transport, NETLINK_ROUTE);
		ck_assert_int_eq(link_read_addresses(&route, &arena, &addresses, &count), -ETIMEDOUT);
		ck_assert_ptr_null(addresses);
		ck_assert_uint_eq(count, 99);
		conversation_done(&route);
		fake_kernel_done(&fake);
	}
	arena_done(&arena);
}
END_TEST

START_TEST(this_machines_addresses_can_be_read_without_privilege)
{
	struct arena arena;
	struct interface_address *addresses = NULL;
	size_t count = 0;
	arena_init(&arena);
	ck_assert_int_eq(host_read_addresses(&arena, &addresses, &count), 0);
	for (size_t i = 0; i < count; i++) {
		ck_assert_str_ne(addresses[i].interface, "");
		ck_assert(addresses[i].address.family == FAMILY_IPV4 ||
		          addresses[i].address.family == FAMILY_IPV6);
	}
	arena_done(&arena);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

/* ---- families */

static const struct {
	const char *interfaces; /* of net/if_inet6; NULL: no such file */
	const char *disabled;   /* NULL: no such sysctl */
	bool wanted;
} ipv6_rows[] = {
        {NULL, NULL, false},
        {"", "0\n", true},
        {"", "1\n", false},
        {"", NULL, true},
};

/* R8.11 */
START_TEST(a_host_has_ipv6_if_the_kernel_has_it_and_nobody_disabled_it)
{
	start();
	have_file("self", "");
	if (ipv6_rows[_i].interfaces)
		have_file("net/if_inet6", ipv6_rows[_i].interfaces);
	if (ipv6_rows[_i].disabled)
		have_file("sys/net/ipv6/conf/all/disable_ipv6", ipv6_rows[_i].disabled);
	ck_assert_int_eq(host_has_ipv6(root), ipv6_rows[_i].wanted);
	end();
}
END_TEST

START_TEST(whether_ipv6_is_forwarded_is_what_the_sysctl_says)
{
	static const char *const values[] = {"0\n", "1\n", "2\n"};
	start();
	ck_assert_msg(!host_forwards_ipv6(root), "without the sysctl there is nothing to forward");
	for (int i = 0; i < 3; i++) {
		have_file("sys/net/ipv6/conf/all/forwarding", values[i]);
		ck_assert_int_eq(host_forwards_ipv6(root), i > 0);
	}
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply: host");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, sysctls_that_differ_are_written);
	tcase_add_test(all, conn_reuse_mode_is_never_touched);
	tcase_add_test(all, strict_arp_sets_the_arp_sysctls_too);
	tcase_add_test(all, sysctls_that_are_right_are_not_written);
	tcase_add_loop_test(all, a_missing_sysctl_is_named_with_what_to_do, 0, ROWS(missing_rows));
	tcase_add_loop_test(all, a_host_has_ipv6_if_the_kernel_has_it_and_nobody_disabled_it, 0,
	                    ROWS(ipv6_rows));
	tcase_add_test(all, whether_ipv6_is_forwarded_is_what_the_sysctl_says);
	tcase_add_loop_test(all, a_missing_module_is_explained, 0, ROWS(module_rows));
	tcase_add_loop_test(all, a_module_that_the_kernels_index_has_or_lacks_is_told_apart, 0,
	                    ROWS(index_rows));
	tcase_add_test(all, a_module_is_asked_for_as_the_kernel_itself_would_ask);
	tcase_add_test(all, a_loader_that_fails_or_is_missing_is_a_failure);
	tcase_add_test(all, a_loader_that_does_not_end_is_ended);
	tcase_add_test(all, every_address_comes_with_its_interface_in_the_kernels_order);
	tcase_add_test(all, addresses_that_cannot_all_be_read_are_none);
	tcase_add_test(all, this_machines_addresses_can_be_read_without_privilege);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
