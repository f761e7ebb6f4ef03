/* C109: what tells local pods' traffic apart, per mode and family. */
#include "base/text.h"
#include "plan/local_detector.h"
#include "support.h"

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

static const char *const kinds[] = {
        [DETECTOR_NONE] = "none",
        [DETECTOR_CIDR] = "from",
        [DETECTOR_INTERFACE] = "by",
        [DETECTOR_INTERFACE_PREFIX] = "by any",
};

static void print_detector(const struct local_detector *detector, struct text *text)
{
	char cidr[CIDR_TEXT_SIZE];
	text_add(text, kinds[detector->kind]);
	if (detector->kind == DETECTOR_CIDR) {
		cidr_format(&detector->cidr, cidr);
		text_addf(text, " %s", cidr);
	} else if (detector->kind != DETECTOR_NONE) {
		text_addf(text, " %s", detector->interface);
	}
}

static size_t read_cidrs(const char *const *texts, struct cidr *cidrs)
{
	size_t count = 0;
	for (; texts[count]; count++)
		ck_assert(cidr_parse(texts[count], false, &cidrs[count]));
	return count;
}

#define V4     "10.0.0.0/14"
#define OTHER4 "10.8.0.0/14"
#define V6     "2002::1234:abcd:ffff:c0a8:0/112"
#define OTHER6 "2003::/64"

static const struct {
	enum local_detect_mode mode;
	const char *cluster_cidrs[5];
	const char *pod_cidrs[5];
	const char *bridge, *prefix;
	const char *wanted; /* IPv4, IPv6 */
} rows[] = {
        {DETECT_CLUSTER_CIDR, {NULL}, {V4, V6}, NULL, NULL, "none, none"},
        {DETECT_CLUSTER_CIDR, {V4}, {OTHER4, OTHER6}, NULL, NULL, "from " V4 ", none"},
        {DETECT_CLUSTER_CIDR, {V6}, {OTHER4, OTHER6}, NULL, NULL, "none, from " V6},
        {DETECT_CLUSTER_CIDR, {V4, V6}, {NULL}, NULL, NULL, "from " V4 ", from " V6},
        {DETECT_CLUSTER_CIDR, {V6, V4}, {NULL}, NULL, NULL, "from " V4 ", from " V6},
        {DETECT_CLUSTER_CIDR, {OTHER6, OTHER4, V6, V4}, {NULL}, NULL, NULL, "from " OTHER4 ", from " OTHER6},
        {DETECT_NODE_CIDR, {OTHER4, OTHER6}, {NULL}, NULL, NULL, "none, none"},
        {DETECT_NODE_CIDR, {OTHER4, OTHER6}, {V4}, NULL, NULL, "from " V4 ", none"},
        {DETECT_NODE_CIDR, {OTHER4, OTHER6}, {V6}, NULL, NULL, "none, from " V6},
        {DETECT_NODE_CIDR, {OTHER4, OTHER6}, {V6, V4, OTHER4}, NULL, NULL, "from " V4 ", from " V6},
        {DETECT_BRIDGE_INTERFACE, {V4, V6}, {V4, V6}, "eth", "veth", "by eth, by eth"},
        {DETECT_BRIDGE_INTERFACE,
         {NULL},
         {NULL},
         "1234567890123456789",
         NULL,
         "by 1234567890123456789, by 1234567890123456789"},
        {DETECT_BRIDGE_INTERFACE, {V4, V6}, {V4, V6}, "", "veth", "none, none"},
        {DETECT_INTERFACE_NAME_PREFIX, {V4, V6}, {V4, V6}, "cbr0", "veth", "by any veth, by any veth"},
        {DETECT_INTERFACE_NAME_PREFIX, {V4, V6}, {V4, V6}, "cbr0", NULL, "none, none"},
        {(enum local_detect_mode)99, {V4, V6}, {V4, V6}, "cbr0", "veth", "none, none"},
};

START_TEST(each_mode_has_a_detector_for_the_families_that_it_can_tell)
{
	struct cidr cluster_cidrs[5], pod_cidrs[5];
	struct local_detector detectors[2];
	auto_text got = {0};
	const struct local_detect_options options = {
	        .mode = rows[_i].mode,
	        .cluster_cidrs = cluster_cidrs,
	        .cluster_cidr_count = read_cidrs(rows[_i].cluster_cidrs, cluster_cidrs),
	        .bridge_interface = rows[_i].bridge,
	        .interface_name_prefix = rows[_i].prefix,
	};
	local_detectors_build(&options, pod_cidrs, read_cidrs(rows[_i].pod_cidrs, pod_cidrs), detectors);
	print_detector(&detectors[0], &got);
	text_add(&got, ", ");
	print_detector(&detectors[1], &got);
	ck_assert_texts("IPv4, IPv6", rows[_i].wanted, text_string(&got));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan/local_detector");
	TCase *tests = tcase_create("all");
	tcase_add_loop_test(tests, each_mode_has_a_detector_for_the_families_that_it_can_tell, 0, ROWS(rows));
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
