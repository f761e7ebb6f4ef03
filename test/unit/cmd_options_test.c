#include "options.h"
#include "proxy_options.h"

#include "command.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ARGUMENTS 8

/* getopt may not write into string constants, and the parser normalises names in place. */
struct command_words {
	char *words[MOST_ARGUMENTS + 2];
	int count;
};

static struct command_words words_of(const char *const *arguments)
{
	struct command_words line = {.words = {strdup("proxy")}, .count = 1};
	for (; *arguments != NULL; arguments++)
		line.words[line.count++] = strdup(*arguments);
	return line;
}

static void words_free(struct command_words *line)
{
	for (int i = 0; i < line->count; i++)
		free(line->words[i]);
}

/* Parses, writes what came of it as text, releases. */
static void describe(const char *const *arguments, char *text, size_t size)
{
	struct command_words line = words_of(arguments);
	struct proxy_options options = {.scheduler = "rr", .sync_period_ms = 30000};
	struct fault fault = {0};
	char fault_text[FAULT_TEXT_SIZE];
	if (options_parse(&proxy_line, line.count, line.words, &options, &fault) != 0)
		snprintf(text, size, "%s", fault_format(&fault, fault_text));
	else
		snprintf(text, size,
		         "manifests=%s scheduler=%s sync=%lld strict=%d excluded=%zu nodeports=%zu%s v=%u",
		         options.manifests ? options.manifests : "", options.scheduler,
		         (long long)options.sync_period_ms, options.strict_arp, options.excluded.count,
		         options.node_ports.cidrs.count, options.node_ports.primary ? "+primary" : "",
		         options.verbosity);
	options_release(&proxy_line, &options);
	words_free(&line);
}

static const struct {
	const char *arguments[MOST_ARGUMENTS];
	const char *wanted;
} cases[] = {
        {{NULL}, "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=0"},
        {{"--manifests", "dir"}, "manifests=dir scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=0"},
        {{"--manifests=dir"}, "manifests=dir scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=0"},
        {{"--ipvs_scheduler=a_b"}, "manifests= scheduler=a_b sync=30000 strict=0 excluded=0 nodeports=0 v=0"},
        {{"--ipvs-strict-arp"}, "manifests= scheduler=rr sync=30000 strict=1 excluded=0 nodeports=0 v=0"},
        {{"--ipvs-strict-arp=true"},
         "manifests= scheduler=rr sync=30000 strict=1 excluded=0 nodeports=0 v=0"},
        {{"--ipvs-strict-arp", "--ipvs-strict-arp=false"},
         "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=0"},
        {{"--ipvs-strict-arp=maybe"},
         "--ipvs-strict-arp: \"maybe\" is neither true nor false: give --ipvs-strict-arp or "
         "--ipvs-strict-arp=false"},
        {{"--ipvs-sync-period", "1m30s"},
         "manifests= scheduler=rr sync=90000 strict=0 excluded=0 nodeports=0 v=0"},
        {{"--ipvs-sync-period", "10"},
         "--ipvs-sync-period: \"10\" is not a duration: write it as 30s, 500ms or 1h30m"},
        {{"--ipvs-sync-period", "-1s"},
         "--ipvs-sync-period: \"-1s\" is not a duration: write it as 30s, 500ms or 1h30m"},
        {{"--ipvs-exclude-cidrs", "10.0.0.0/8,fd00::/8", "--ipvs-exclude-cidrs=192.0.2.0/24"},
         "manifests= scheduler=rr sync=30000 strict=0 excluded=3 nodeports=0 v=0"},
        {{"--ipvs-exclude-cidrs", "10.0.0.1"},
         "--ipvs-exclude-cidrs: \"10.0.0.1\" is not a CIDR: write ADDRESS/BITS, as 10.0.0.0/8 or fd00::/8"},
        {{"--nodeport-addresses", "primary"},
         "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0+primary v=0"},
        {{"--nodeport-addresses=10.0.0.0/8, fd00::/8"},
         "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=2 v=0"},
        {{"--nodeport-addresses=primary,10.0.0.0/8"},
         "--nodeport-addresses: \"primary\" stands alone: give either it or CIDRs"},
        {{"--nodeport-addresses=primary", "--nodeport-addresses=10.0.0.0/8"},
         "--nodeport-addresses: \"primary\" stands alone: give either it or CIDRs"},
        {{"--nodeport-addresses="}, "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=0"},
        {{"-v", "1"}, "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=1"},
        {{"-v1"}, "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=1"},
        {{"--v=4"}, "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=4"},
        {{"-v", "loud"}, "--v: \"loud\" is not a number from 0 to 4294967295"},
        {{"--mode=ipvs", "--proxy-mode", "ipvs"},
         "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=0"},
        {{"--proxy-mode=nftables"},
         "--proxy-mode: \"nftables\" is not what this program does: kube-ipvs makes Services work with IPVS "
         "and nothing else; "
         "give \"ipvs\", or run kube-proxy for its other modes"},
        {{"--mode", "iptables"},
         "--mode: \"iptables\" is not what this program does: kube-ipvs makes Services work with IPVS and "
         "nothing else; give "
         "\"ipvs\", or run kube-proxy for its other modes"},
        {{"--no-such-flag=1"}, "--no-such-flag: there is no such flag; --help lists all of them"},
        {{"--ipvs-sched", "rr"}, "--ipvs-sched: there is no such flag; --help lists all of them"},
        {{"-x"}, "-x: there is no such flag; --help lists all of them"},
        {{"--manifests"}, "--manifests: a value is missing; --help shows what it takes"},
        {{"somewhere"}, "somewhere: this command takes flags only; --help lists them"},
        {{"--ipvs-strict-arp", "somewhere", "--v=1"},
         "somewhere: this command takes flags only; --help lists them"},
};

START_TEST(flags_are_read_or_refused_in_one_sentence)
{
	char text[2 * FAULT_TEXT_SIZE];
	describe(cases[_i].arguments, text, sizeof(text));
	ck_assert_texts(cases[_i].arguments[0] ? cases[_i].arguments[0] : "no flags", cases[_i].wanted, text);
}
END_TEST

static const struct {
	const char *text;
	bool good;
	int64_t milliseconds;
} durations[] = {
        {"0", true, 0},           {"0s", true, 0},        {"30s", true, 30000},
        {"1h30m", true, 5400000}, {"500ms", true, 500},   {"1.5s", true, 1500},
        {"1000us", true, 1},      {"1500000ns", true, 1}, {"", false, 0},
        {"5", false, 0},          {"s", false, 0},        {"1x", false, 0},
        {"-1s", false, 0},        {"1s ", false, 0},      {"1e3s", false, 0},
        {"infs", false, 0},       {"nans", false, 0},     {"9999999999999h", false, 0},
};

START_TEST(durations_are_spelled_as_in_go)
{
	int64_t milliseconds = -1;
	bool good = duration_parse(durations[_i].text, &milliseconds);
	ck_assert_msg(good == durations[_i].good, "\"%s\" was %s", durations[_i].text,
	              good ? "taken" : "refused");
	if (good)
		ck_assert_int_eq(milliseconds, durations[_i].milliseconds);
}
END_TEST

static const struct {
	const char *override;
	const char *wanted; /* NULL: refused */
} names[] = {
        {"Node-1", "node-1"},
        {"  worker.Example.COM \n", "worker.example.com"},
        {"", NULL},
        {" \t", NULL},
};

START_TEST(a_node_name_is_trimmed_and_in_lower_case)
{
	char *name = NULL;
	struct fault fault = {0};
	int e = node_name_read(names[_i].override, &name, &fault);
	if (names[_i].wanted == NULL) {
		ck_assert_int_eq(e, FAULT_REFUSED);
		ck_assert_str_eq(fault.place, "--hostname-override");
	} else {
		ck_assert_int_eq(e, 0);
		ck_assert_str_eq(name, names[_i].wanted);
	}
	free(name);
}
END_TEST

START_TEST(every_flag_has_a_help_line_and_a_name_of_its_own)
{
	for (const struct command *command = commands; command->name != NULL; command++) {
		for (const struct option_row *row = command->line ? command->line->rows : NULL;
		     row != NULL && row->name != NULL; row++) {
			ck_assert_msg(row->help != NULL && *row->help != '\0', "%s --%s", command->name,
			              row->name);
			ck_assert_msg((row->kind == OPTION_SWITCH) == (row->value == NULL), "%s --%s",
			              command->name, row->name);
			for (const struct option_row *other = row + 1; other->name != NULL; other++) {
				ck_assert_str_ne(row->name, other->name);
				ck_assert(row->letter == 0 || row->letter != other->letter);
			}
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd options");
	TCase *tests = tcase_create("options");
	tcase_add_loop_test(tests, flags_are_read_or_refused_in_one_sentence, 0,
	                    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tests, durations_are_spelled_as_in_go, 0,
	                    sizeof(durations) / sizeof(durations[0]));
	tcase_add_loop_test(tests, a_node_name_is_trimmed_and_in_lower_case, 0,
	                    sizeof(names) / sizeof(names[0]));
	tcase_add_test(tests, every_flag_has_a_help_line_and_a_name_of_its_own);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
