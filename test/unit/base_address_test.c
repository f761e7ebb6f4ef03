#include "base/address.h"
#include "support.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct reading {
	const char *text;
	const char *canonical; /* NULL: this is no address */
};

/* R0.3, and RFC 5952 for what is written. */
static const struct reading address_readings[] = {
        {"10.0.0.1", "10.0.0.1"},
        {"010.0.0.1", "10.0.0.1"},
        {"010.000.000.001", "10.0.0.1"},
        {"0000000000000000000000000000000000000000000000000010.0.0.1", "10.0.0.1"},
        {"08.09.0.1", "8.9.0.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"1.20.100.99", "1.20.100.99"},
        {"::ffff:10.0.0.1", "10.0.0.1"},
        {"::FFFF:010.0.0.1", "10.0.0.1"},
        {"::ffff:a00:1", "10.0.0.1"},
        {"0:0:0:0:0:ffff:10.0.0.1", "10.0.0.1"},
        {"::", "::"},
        {"::1", "::1"},
        {"fd00::1", "fd00::1"},
        {"FD00:0:0:0:0:0:0:1", "fd00::1"},
        {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:db8:0:0:1::", "2001:db8:0:0:1::"},
        {"1::", "1::"},
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
        {"64:ff9b::192.000.002.001", "64:ff9b::c000:201"},
        {"1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888"},
        {"", NULL},
        {" 10.0.0.1", NULL},
        {"10.0.0.1 ", NULL},
        {"10.0.0", NULL},
        {"10.0.0.", NULL},
        {"10.0.0.1.", NULL},
        {"10.0.0.1.2", NULL},
        {"10..0.1", NULL},
        {"10.0.0.256", NULL},
        {"10.0.0.4294967297", NULL},
        {"10.0.0.-1", NULL},
        {"10.0.0.+1", NULL},
        {"10.0.0.0x1", NULL},
        {"10.0.0.1/32", NULL},
        {"example.org", NULL},
        {"None", NULL},
        {":", NULL},
        {":::", NULL},
        {"1::2::3", NULL},
        {"fd00::12345", NULL},
        {"fd00::g", NULL},
        {"fe80::1%eth0", NULL},
        {"[fd00::1]", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1:2:3:4:5:6:7:1.2.3.4", NULL},
        {"::1.2.3", NULL},
        {"::1.2.3.4:5", NULL},
        {"1.2.3.4::", NULL},
        {"::ffff:10.0.0.256", NULL},
        {"0000000000000000000000000000000000000000000000000000000000000000:1.2.3.4", NULL},
};

START_TEST(an_address_is_read_leniently_and_written_canonically)
{
	const struct reading *reading = &address_readings[_i];
	struct address address = {.family = 77};
	char text[ADDRESS_TEXT_SIZE];
	if (!reading->canonical) {
		ck_assert_msg(!address_parse(reading->text, &address), "\"%s\" was read", reading->text);
		ck_assert_int_eq(address.family, 77);
		return;
	}
	ck_assert_msg(address_parse(reading->text, &address), "\"%s\" was not read", reading->text);
	size_t length = address_format(&address, text);
	ck_assert_str_eq(text, reading->canonical);
	ck_assert_uint_eq(length, strlen(text));
}
END_TEST

START_TEST(an_ipv4_address_has_a_zero_tail)
{
	static const uint8_t wanted[16] = {10, 1, 2, 3};
	struct address address;
	memset(&address, 0xff, sizeof(address));
	ck_assert(address_parse("::ffff:10.1.2.3", &address));
	ck_assert_int_eq(address.family, FAMILY_IPV4);
	ck_assert_mem_eq(address.bytes, wanted, sizeof(wanted));
}
END_TEST

START_TEST(no_address_is_written_as_nothing)
{
	struct address none = {0};
	char text[ADDRESS_TEXT_SIZE] = "x";
	ck_assert_uint_eq(address_format(&none, text), 0);
	ck_assert_str_eq(text, "");
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void must_be_written_as_by_libc(const struct address *address)
{
	char wanted[INET6_ADDRSTRLEN], got[ADDRESS_TEXT_SIZE];
	int af = address->family == FAMILY_IPV4 ? AF_INET : AF_INET6;
	ck_assert_ptr_nonnull(inet_ntop(af, address->bytes, wanted, sizeof(wanted)));
	address_format(address, got);
	ck_assert_str_eq(got, wanted);
}

START_TEST(every_octet_is_written_as_by_libc)
{
	for (unsigned octet = 0; octet <= 255; octet++) {
		uint8_t byte = (uint8_t)octet;
		struct address address = {FAMILY_IPV4, {byte, (uint8_t)(255 - byte), byte, byte}};
		must_be_written_as_by_libc(&address);
	}
}
END_TEST

/* Every pattern of zero words, with words of one to four digits between: 256 x 40 addresses. */
START_TEST(every_run_of_zero_words_is_written_as_by_libc)
{
	uint32_t state = 1;
	for (unsigned pattern = 0; pattern < 256; pattern++) {
		for (int i = 0; i < 40; i++) {
			struct address address = {.family = FAMILY_IPV6};
			for (int word = 0; word < 8; word++) {
				unsigned value = next_random(&state) & (0xffffu >> (4 * (i % 4)));
				if (i % 5 == 0)
					value = 0xffff;
				if (pattern >> word & 1)
					value = 0;
				address.bytes[2 * word] = (uint8_t)(value >> 8);
				address.bytes[2 * word + 1] = (uint8_t)value;
			}
			must_be_written_as_by_libc(&address);
		}
	}
}
END_TEST

static const struct reading cidr_readings[] = {
        {"10.1.2.3/8", "10.0.0.0/8"},
        {"10.1.2.3/32", "10.1.2.3/32"},
        {"10.1.2.3/31", "10.1.2.2/31"},
        {"10.1.2.255/25", "10.1.2.128/25"},
        {"255.255.255.255/0", "0.0.0.0/0"},
        {"0.0.0.0/1", "0.0.0.0/1"},
        {"010.1.2.3/08", "10.0.0.0/8"},
        {"fd00::ffff/64", "fd00::/64"},
        {"fd00::ffff/121", "fd00::ff80/121"},
        {"fd00::ffff/128", "fd00::ffff/128"},
        {"2001:db8::1/0", "::/0"},
        {"::ffff:10.1.2.3/104", "10.0.0.0/8"},
        {"::ffff:10.1.2.3/128", "10.1.2.3/32"},
        {"1111:2222:3333:4444:5555:6666:7777:8888/127", "1111:2222:3333:4444:5555:6666:7777:8888/127"},
        {"::ffff:10.1.2.3/95", NULL},
        {"10.0.0.0/33", NULL},
        {"fd00::/129", NULL},
        {"10.0.0.0/", NULL},
        {"10.0.0.0/-1", NULL},
        {"10.0.0.0/8/8", NULL},
        {"10.0.0.0/8 ", NULL},
        {"10.0.0.0/255.0.0.0", NULL},
        {"/8", NULL},
        {"", NULL},
        {"10.0.0/8", NULL},
};

START_TEST(a_prefix_is_read_without_its_host_bits)
{
	const struct reading *reading = &cidr_readings[_i];
	for (int bare_allowed = 0; bare_allowed < 2; bare_allowed++) {
		struct cidr cidr = {.prefix_bits = 77};
		char text[CIDR_TEXT_SIZE];
		if (!reading->canonical) {
			ck_assert_msg(!cidr_parse(reading->text, bare_allowed, &cidr), "\"%s\" was read",
			              reading->text);
			ck_assert_int_eq(cidr.prefix_bits, 77);
			continue;
		}
		ck_assert_msg(cidr_parse(reading->text, bare_allowed, &cidr), "\"%s\" was not read",
		              reading->text);
		ck_assert_uint_eq(cidr_format(&cidr, text), strlen(reading->canonical));
		ck_assert_str_eq(text, reading->canonical);
	}
}
END_TEST

START_TEST(a_bare_address_is_a_host_prefix_where_allowed)
{
	struct cidr cidr;
	char text[CIDR_TEXT_SIZE];
	ck_assert(!cidr_parse("10.0.0.1", false, &cidr));
	ck_assert(cidr_parse("10.0.0.1", true, &cidr));
	cidr_format(&cidr, text);
	ck_assert_str_eq(text, "10.0.0.1/32");
	ck_assert(cidr_parse("fd00::1", true, &cidr));
	cidr_format(&cidr, text);
	ck_assert_str_eq(text, "fd00::1/128");
	ck_assert(cidr_parse("::ffff:10.0.0.1", true, &cidr));
	cidr_format(&cidr, text);
	ck_assert_str_eq(text, "10.0.0.1/32");
}
END_TEST

static struct address read_address(const char *text)
{
	struct address address;
	ck_assert_msg(address_parse(text, &address), "\"%s\" was not read", text);
	return address;
}

static const struct {
	const char *cidr;
	const char *address;
	bool contained;
} containments[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.128/25", "10.0.0.128", true},
        {"10.0.0.128/25", "10.0.0.127", false},
        {"0.0.0.0/0", "203.0.113.7", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "::1", true},
        {"::/0", "203.0.113.7", false},
        {"fd00::/64", "fd00::ffff:0:0:1", true},
        {"fd00::/64", "fd00:0:0:1::", false},
        {"10.0.0.1/32", "::ffff:10.0.0.1", true},
        {"fe80::/10", "febf::1", true},
        {"fe80::/10", "fec0::1", false},
};

START_TEST(a_prefix_contains_addresses_of_its_family_only)
{
	struct cidr cidr;
	struct address address = read_address(containments[_i].address);
	ck_assert(cidr_parse(containments[_i].cidr, false, &cidr));
	ck_assert_msg(cidr_contains(&cidr, &address) == containments[_i].contained, "%s and %s",
	              containments[_i].cidr, containments[_i].address);
}
END_TEST

START_TEST(a_prefix_does_not_contain_no_address)
{
	struct address none = {0};
	struct cidr empty = {0}, everything;
	ck_assert(cidr_parse("0.0.0.0/0", false, &everything));
	ck_assert(!cidr_contains(&everything, &none));
	ck_assert(!cidr_contains(&empty, &none));
}
END_TEST

static const struct {
	const char *address;
	uint16_t port;
	const char *text;
} endpoints[] = {
        {"10.0.0.1", 80, "10.0.0.1:80"},
        {"255.255.255.255", 65535, "255.255.255.255:65535"},
        {"10.0.0.1", 0, "10.0.0.1:0"},
        {"fd00::1", 443, "[fd00::1]:443"},
        {"1111:2222:3333:4444:5555:6666:7777:8888", 10000, "[1111:2222:3333:4444:5555:6666:7777:8888]:10000"},
};

START_TEST(an_endpoint_is_written_with_brackets_around_ipv6)
{
	char text[ENDPOINT_TEXT_SIZE];
	struct address address = read_address(endpoints[_i].address);
	size_t length = endpoint_format(&address, endpoints[_i].port, text);
	ck_assert_str_eq(text, endpoints[_i].text);
	ck_assert_uint_eq(length, strlen(text));
}
END_TEST

START_TEST(the_longest_texts_fit_their_buffers)
{
	struct address longest = {.family = FAMILY_IPV6};
	char text[ADDRESS_TEXT_SIZE], with_port[ENDPOINT_TEXT_SIZE], with_bits[CIDR_TEXT_SIZE];
	memset(longest.bytes, 0xff, sizeof(longest.bytes));
	ck_assert_uint_lt(address_format(&longest, text), sizeof(text));
	ck_assert_uint_lt(endpoint_format(&longest, 65535, with_port), sizeof(with_port));
	struct cidr cidr = {longest, 128};
	ck_assert_uint_lt(cidr_format(&cidr, with_bits), sizeof(with_bits));
	/* The longest text that libc has for IPv6 embeds an IPv4 address. */
	struct address mapped = {FAMILY_IPV6, {[10] = 255, 255, 255, 255, 255, 255}};
	address_format(&mapped, text);
	ck_assert_str_eq(text, "::ffff:255.255.255.255");
}
END_TEST

START_TEST(addresses_are_ordered_by_family_and_bytes_not_by_text)
{
	static const char *const ordered[] = {"0.0.0.0", "9.0.0.0", "10.0.0.1", "10.0.0.2",
	                                      "::",      "9::",     "10::",     "fd00::1"};
	enum { COUNT = sizeof(ordered) / sizeof(ordered[0]) };
	for (int i = 0; i < COUNT; i++) {
		struct address a = read_address(ordered[i]);
		for (int j = 0; j < COUNT; j++) {
			struct address b = read_address(ordered[j]);
			int order = address_compare(&a, &b);
			ck_assert_msg((order > 0) - (order < 0) == (i > j) - (i < j), "%s and %s", ordered[i],
			              ordered[j]);
			ck_assert(address_equal(&a, &b) == (i == j));
		}
	}
}
END_TEST

enum { LOOPBACK = 1, UNSPECIFIED = 2, LINK_LOCAL = 4, MULTICAST = 8, LINK_LOCAL_MULTICAST = 16 };

static const struct {
	const char *address;
	int kinds;
} special[] = {
        {"127.0.0.0", LOOPBACK},
        {"127.255.255.255", LOOPBACK},
        {"128.0.0.0", 0},
        {"126.255.255.255", 0},
        {"::1", LOOPBACK},
        {"::2", 0},
        {"::ffff:127.0.0.1", LOOPBACK},
        {"0.0.0.0", UNSPECIFIED},
        {"0.0.0.1", 0},
        {"::", UNSPECIFIED},
        {"169.254.0.0", LINK_LOCAL},
        {"169.254.255.255", LINK_LOCAL},
        {"169.255.0.0", 0},
        {"169.253.255.255", 0},
        {"fe80::1", LINK_LOCAL},
        {"febf:ffff::", LINK_LOCAL},
        {"fec0::", 0},
        {"fe7f::", 0},
        {"224.0.0.0", MULTICAST | LINK_LOCAL_MULTICAST},
        {"224.0.0.255", MULTICAST | LINK_LOCAL_MULTICAST},
        {"224.0.1.0", MULTICAST},
        {"239.255.255.255", MULTICAST},
        {"240.0.0.0", 0},
        {"223.255.255.255", 0},
        {"ff02::1", MULTICAST | LINK_LOCAL_MULTICAST},
        {"ff02:ffff::", MULTICAST | LINK_LOCAL_MULTICAST},
        {"ff01::1", MULTICAST},
        {"ff12::1", MULTICAST},
        {"feff::", 0},
        {"10.0.0.1", 0},
        {"fd00::1", 0},
};

static int kinds_of(const struct address *address)
{
	return (address_is_loopback(address) ? LOOPBACK : 0) |
	       (address_is_unspecified(address) ? UNSPECIFIED : 0) |
	       (address_is_link_local(address) ? LINK_LOCAL : 0) |
	       (address_is_multicast(address) ? MULTICAST : 0) |
	       (address_is_link_local_multicast(address) ? LINK_LOCAL_MULTICAST : 0);
}

START_TEST(special_addresses_are_known_up_to_the_edges_of_their_ranges)
{
	struct address address = read_address(special[_i].address);
	ck_assert_msg(kinds_of(&address) == special[_i].kinds, "%s: %d instead of %d", special[_i].address,
	              kinds_of(&address), special[_i].kinds);
}
END_TEST

START_TEST(no_address_is_of_no_special_kind)
{
	struct address none = {0};
	ck_assert_int_eq(kinds_of(&none), 0);
}
END_TEST

START_TEST(families_have_the_names_and_lengths_of_the_api)
{
	ck_assert_str_eq(family_name(FAMILY_IPV4), "IPv4");
	ck_assert_str_eq(family_name(FAMILY_IPV6), "IPv6");
	ck_assert_uint_eq(family_bits(FAMILY_IPV4), 32);
	ck_assert_uint_eq(family_bits(FAMILY_IPV6), 128);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("base/address");
	TCase *cases = tcase_create("address");
	tcase_add_loop_test(cases, an_address_is_read_leniently_and_written_canonically, 0,
	                    ROWS(address_readings));
	tcase_add_test(cases, an_ipv4_address_has_a_zero_tail);
	tcase_add_test(cases, no_address_is_written_as_nothing);
	tcase_add_test(cases, every_octet_is_written_as_by_libc);
	tcase_add_test(cases, every_run_of_zero_words_is_written_as_by_libc);
	tcase_add_loop_test(cases, a_prefix_is_read_without_its_host_bits, 0, ROWS(cidr_readings));
	tcase_add_test(cases, a_bare_address_is_a_host_prefix_where_allowed);
	tcase_add_loop_test(cases, a_prefix_contains_addresses_of_its_family_only, 0, ROWS(containments));
	tcase_add_test(cases, a_prefix_does_not_contain_no_address);
	tcase_add_loop_test(cases, an_endpoint_is_written_with_brackets_around_ipv6, 0, ROWS(endpoints));
	tcase_add_test(cases, the_longest_texts_fit_their_buffers);
	tcase_add_test(cases, addresses_are_ordered_by_family_and_bytes_not_by_text);
	tcase_add_loop_test(cases, special_addresses_are_known_up_to_the_edges_of_their_ranges, 0,
	                    ROWS(special));
	tcase_add_test(cases, no_address_is_of_no_special_kind);
	tcase_add_test(cases, families_have_the_names_and_lengths_of_the_api);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
