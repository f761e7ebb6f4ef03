/* C107: which addresses the node's own IPs are, from a bind address and the Node's addresses. */
#include "base/text.h"
#include "plan/node_ips.h"
#include "support.h"

#include <string.h>

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

static struct address address_of(const char *text)
{
	struct address address = {0};
	ck_assert_msg(!*text || address_parse(text, &address), "%s", text);
	return address;
}

static const char *print(const struct node_ips *ips, struct text *text)
{
	char address[ADDRESS_TEXT_SIZE];
	text_add(text, family_name(ips->primary));
	for (int i = 0; i < 2; i++) {
		address_format(&ips->ips[i], address);
		text_addf(text, " %s", address);
	}
	return text_string(text);
}

struct row {
	const char *bind_address;
	const char *node_addresses[4];
	const char *wanted; /* the primary family, the IPv4 address, the IPv6 address */
};

static void check_row(const struct row *row)
{
	struct address addresses[4], bind_address = address_of(row->bind_address);
	struct node_ips ips;
	size_t count = 0;
	auto_text got = {0};
	while (count < 4 && row->node_addresses[count]) {
		addresses[count] = address_of(row->node_addresses[count]);
		count++;
	}
	node_ips_detect(&bind_address, addresses, count, &ips);
	ck_assert_texts(row->bind_address, row->wanted, print(&ips, &got));
}

static const struct row table[] = {
        /* Nothing is known of the node. */
        {"", {NULL}, "IPv4 127.0.0.1 ::1"},
        {"0.0.0.0", {NULL}, "IPv4 127.0.0.1 ::1"},
        {"::", {NULL}, "IPv4 127.0.0.1 ::1"},
        {"192.0.2.9", {NULL}, "IPv4 192.0.2.9 ::1"},
        {"2001:db8::9", {NULL}, "IPv6 127.0.0.1 2001:db8::9"},
        /* One family. */
        {"0.0.0.0", {"192.0.2.1"}, "IPv4 192.0.2.1 ::1"},
        {"::", {"192.0.2.1"}, "IPv4 192.0.2.1 ::1"},
        {"192.0.2.9", {"192.0.2.1"}, "IPv4 192.0.2.9 ::1"},
        {"0.0.0.0", {"2001:db8::1"}, "IPv6 127.0.0.1 2001:db8::1"},
        {"2001:db8::9", {"192.0.2.1"}, "IPv6 192.0.2.1 2001:db8::9"},
        /* Both families. */
        {"0.0.0.0", {"192.0.2.1", "2001:db8::1"}, "IPv4 192.0.2.1 2001:db8::1"},
        {"::", {"2001:db8::1", "192.0.2.1"}, "IPv6 192.0.2.1 2001:db8::1"},
        {"2001:db8::9", {"192.0.2.1", "2001:db8::1"}, "IPv6 192.0.2.1 2001:db8::9"},
        {"192.0.2.9", {"2001:db8::1", "192.0.2.1"}, "IPv4 192.0.2.9 2001:db8::1"},
};

START_TEST(a_bind_address_comes_before_the_nodes_addresses_and_those_before_loopback)
{
	check_row(&table[_i]);
}
END_TEST

static const struct row several[] = {
        {"", {"192.0.2.1", "192.0.2.2"}, "IPv4 192.0.2.1 ::1"},
        {"", {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}, "IPv4 192.0.2.1 2001:db8::1"},
        {"", {"2001:db8::2", "2001:db8::1", "192.0.2.2", "192.0.2.1"}, "IPv6 192.0.2.2 2001:db8::2"},
        {"", {"", "192.0.2.1"}, "IPv4 192.0.2.1 ::1"},
        {"127.0.0.1", {"192.0.2.1"}, "IPv4 127.0.0.1 ::1"},
        {"::1", {"192.0.2.1"}, "IPv6 192.0.2.1 ::1"},
};

/* R1.33 */
START_TEST(the_first_address_of_each_family_counts)
{
	check_row(&several[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/node_ips");
	TCase *tests = tcase_create("all");
	tcase_add_loop_test(tests, a_bind_address_comes_before_the_nodes_addresses_and_those_before_loopback,
	                    0, ROWS(table));
	tcase_add_loop_test(tests, the_first_address_of_each_family_counts, 0, ROWS(several));
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
