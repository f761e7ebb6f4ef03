/*
 * C108: CIDRs and addresses of the wrong family, the two fatal cases, and what --nodeport-addresses leaves open.
 */
#include "config_reading.h"

#include "base/memory.h"
#include "config_families.h"

struct findings {
	struct text text;
	bool fatal;
};

static void note(void *context, bool fatal, const char *sentence)
{
	struct findings *findings = context;
	findings->fatal |= fatal;
	text_addf(&findings->text, "%s%s\n", fatal ? "FATAL: " : "", sentence);
}

/* Comma separated; the result is valid until the next call with the same array. */
static size_t parse_cidrs(const char *texts, struct cidr cidrs[4])
{
	size_t count = 0;
	auto_free char *copy = memory_copy_text(texts);
	for (char *text = strtok(copy, ","); text; text = strtok(NULL, ","))
		ck_assert(cidr_parse(text, false, &cidrs[count++]));
	return count;
}

#define ONLY6    ": only IPv6 there, but this node has nothing but IPv4; add its IPv4 counterpart\n"
#define ONLY4    ": only IPv4 there, but this node has nothing but IPv6; add its IPv6 counterpart\n"
#define PREFERS4 ": only IPv6 there, but this node prefers IPv4; add its IPv4 counterpart\n"
#define UNSET                                                                                               \
	"--nodeport-addresses: not given, so NodePorts are served on all addresses of this node; consider " \
	"--nodeport-addresses=primary\n"
#define OPEN(family)                                                                                 \
	"--nodeport-addresses: no range of it is " family ", so NodePorts are served on all " family \
	" addresses of this node; add one\n"
#define P " --nodeport-addresses=primary"

static const struct {
	const char *flags;
	const char *pod_cidrs;
	enum family primary;
	bool dual_stack;
	const char *wanted;
} rows[] = {
        /* Test_checkBadIPConfig: single-stack, all right. */
        {"--cluster-cidr=10.0.0.0/8 --ipvs-exclude-cidrs=10.0.0.0/8" P, "10.1.0.0/16", FAMILY_IPV4, false,
         ""},
        {"--cluster-cidr=fd01:2345::/64" P, "fd01:2345::/64", FAMILY_IPV6, false, ""},
        /* single-stack, each of the wrong family */
        {"--cluster-cidr=fd01:2345::/64" P, "", FAMILY_IPV4, false, "FATAL: --cluster-cidr" ONLY6},
        {"--cluster-cidr=10.0.0.0/8" P, "", FAMILY_IPV6, false, "FATAL: --cluster-cidr" ONLY4},
        {"--cluster-cidr=fd01:2345::/64 --detect-local-mode=NodeCIDR" P, "10.0.0.0/8", FAMILY_IPV4, false,
         "--cluster-cidr" ONLY6},
        {"--detect-local-mode=NodeCIDR" P, "fd01:2345::/64", FAMILY_IPV4, false,
         "FATAL: the Node's podCIDRs" ONLY6},
        {P, "fd01:2345::/64", FAMILY_IPV4, false, "the Node's podCIDRs" ONLY6},
        {"--ipvs-exclude-cidrs=fd01:2345::/64" P, "", FAMILY_IPV4, false, "--ipvs-exclude-cidrs" ONLY6},
        {"--healthz-bind-address=[fd00::1]:1 --metrics-bind-address=[fd00::1]:2" P, "", FAMILY_IPV4, false,
         "--healthz-bind-address" ONLY6 "--metrics-bind-address" ONLY6},
        {"--healthz-bind-address=[::]:1" P, "", FAMILY_IPV4, false, ""},
        {"--healthz-bind-address=0.0.0.0:1 --metrics-bind-address=127.0.0.1:2" P, "", FAMILY_IPV6, false, ""},
        {"--metrics-bind-address=192.0.2.1:2" P, "", FAMILY_IPV6, false, "--metrics-bind-address" ONLY4},
        /* both families in each: never wrong */
        {"--cluster-cidr=10.0.0.0/8,fd01:2345::/64 --ipvs-exclude-cidrs=10.0.0.0/8,fd01:2345::/64" P,
         "10.0.0.0/8,fd01:2345::/64", FAMILY_IPV4, false, ""},
        /* dual-stack: not fatal, and the rest does not matter */
        {"--cluster-cidr=fd01:2345::/64" P, "", FAMILY_IPV4, true, "--cluster-cidr" PREFERS4},
        {"--detect-local-mode=NodeCIDR" P, "fd01:2345::/64", FAMILY_IPV4, true,
         "the Node's podCIDRs" PREFERS4},
        {"--ipvs-exclude-cidrs=fd01:2345::/64 --healthz-bind-address=[fd00::1]:1" P, "", FAMILY_IPV4, true,
         ""},
        /* Test_checkBadConfig: --nodeport-addresses. */
        {"", "", FAMILY_IPV4, false, UNSET},
        {"--cluster-cidr=10.0.0.0/8,fd09::/64", "", FAMILY_IPV4, true, UNSET},
        {"--nodeport-addresses=primary", "", FAMILY_IPV4, true, ""},
        {"--cluster-cidr=10.0.0.0/8 --nodeport-addresses=192.0.2.0/24", "", FAMILY_IPV4, false, ""},
        {"--cluster-cidr=10.0.0.0/8 --nodeport-addresses=192.0.2.0/24", "", FAMILY_IPV4, true, ""},
        {"--cluster-cidr=10.0.0.0/8,fd09::/64 --nodeport-addresses=192.0.2.0/24", "", FAMILY_IPV4, true,
         OPEN("IPv6")},
        {"--nodeport-addresses=192.0.2.0/24", "10.0.0.0/8,fd09::/64", FAMILY_IPV4, true, OPEN("IPv6")},
        {"--cluster-cidr=10.0.0.0/8,fd09::/64 --nodeport-addresses=192.0.2.0/24,fd00::/8", "", FAMILY_IPV4,
         true, ""},
        {"--cluster-cidr=10.0.0.0/8 --nodeport-addresses=fd00::/8", "", FAMILY_IPV4, false, OPEN("IPv4")},
        {"--cluster-cidr=fd09::/64 --nodeport-addresses=192.0.2.0/24", "", FAMILY_IPV6, false, OPEN("IPv6")},
};

START_TEST(settings_of_the_wrong_family_are_told)
{
	struct reading reading;
	struct cidr pod_cidrs[4];
	struct findings findings = {0};
	const char *arguments[20];
	auto_free char *line = memory_copy_text(rows[_i].flags);
	reading_split(line, arguments);
	reading_open(&reading, arguments);
	ck_assert_texts("refusals", "", text_string(&reading.refusals));
	const struct config_families families = {.primary = rows[_i].primary,
	                                         .dual_stack = rows[_i].dual_stack,
	                                         .pod_cidrs = pod_cidrs,
	                                         .pod_cidr_count =
	                                                 parse_cidrs(rows[_i].pod_cidrs, pod_cidrs)};
	bool fatal = config_check_families(&reading.config, &families, note, &findings);
	ck_assert_texts(rows[_i].flags, rows[_i].wanted, text_string(&findings.text));
	ck_assert_int_eq(fatal, findings.fatal);
	text_done(&findings.text);
	reading_close(&reading);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd config: families");
	TCase *cases = tcase_create("families");
	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, settings_of_the_wrong_family_are_told, 0,
	                    (int)(sizeof(rows) / sizeof(*rows)));
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
