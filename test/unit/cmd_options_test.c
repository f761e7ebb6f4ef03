#include "node_name.h"
#include "options.h"

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

/* A row of each kind. */
struct values {
	bool help, strict_arp, version;
	const char *manifests, *scheduler, *ip, *listen, *quantity;
	struct cidr_list excluded;
	struct node_port_addresses node_ports;
	int64_t sync_period_ms;
	uint32_t verbosity, size;
	int32_t integer;
	double number;
	struct text_list gates, modules;
};

#define AT(field) offsetof(struct values, field)

static const struct option_row rows[] = {
        {"manifests", 0, OPTION_TEXT, AT(manifests), "DIR", "x"},
        {"proxy-mode", 0, OPTION_MODE, 0, "MODE", "x"},
        {"mode", 0, OPTION_MODE, 0, "MODE", "x"},
        {"ipvs-scheduler", 0, OPTION_TEXT, AT(scheduler), "NAME", "x"},
        {"ipvs-exclude-cidrs", 0, OPTION_CIDRS, AT(excluded), "CIDR,...", "x"},
        {"", 0, OPTION_TEXT, AT(ip), NULL, ""}, /* no flag */
        {"ipvs-strict-arp", 0, OPTION_SWITCH, AT(strict_arp), NULL, "x"},
        {"ipvs-sync-period", 0, OPTION_DURATION, AT(sync_period_ms), "DURATION", "x"},
        {"nodeport-addresses", 0, OPTION_NODE_PORTS, AT(node_ports), "CIDR,...", "x"},
        {"v", 'v', OPTION_NUMBER, AT(verbosity), "LEVEL", "x"},
        {"integer", 0, OPTION_INTEGER, AT(integer), "N", "x"},
        {"number", 0, OPTION_FLOAT, AT(number), "N", "x"},
        {"size", 0, OPTION_SIZE, AT(size), "BYTES", "x"},
        {"ip", 0, OPTION_IP, AT(ip), "IP", "x"},
        {"listen", 0, OPTION_LISTEN, AT(listen), "IP:PORT", "x"},
        {"quantity", 0, OPTION_QUANTITY, AT(quantity), "SIZE", "x"},
        {"gates", 0, OPTION_GATES, AT(gates), "NAME=BOOL,...", "x"},
        {"modules", 0, OPTION_MODULES, AT(modules), "PATTERN=LEVEL,...", "x"},
        {"version", 0, OPTION_VERSION, AT(version), NULL, "x"},
        OPTION_HELP_ROW(struct values),
        {0},
};

static const struct command_line test_line = {.synopsis = "test", .purpose = "tests", .rows = rows};

/* Parses, writes what came of it as text, releases. */
static void describe(const char *const *arguments, char *text, size_t size)
{
	struct command_words line = words_of(arguments);
	struct values options = {.scheduler = "rr", .sync_period_ms = 30000};
	struct fault fault = {0};
	char fault_text[FAULT_TEXT_SIZE];
	if (options_parse(&test_line, line.count, line.words, &options, &fault) != 0)
		snprintf(text, size, "%s", fault_format(&fault, fault_text));
	else
		snprintf(text, size,
		         "manifests=%s scheduler=%s sync=%lld strict=%d excluded=%zu nodeports=%zu%s v=%u",
		         options.manifests ? options.manifests : "", options.scheduler,
		         (long long)options.sync_period_ms, options.strict_arp, options.excluded.count,
		         options.node_ports.cidrs.count, options.node_ports.primary ? "+primary" : "",
		         options.verbosity);
	options_release(&test_line, &options);
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
        {{"--ipvs-sync-period", "-1s"}, "--ipvs-sync-period: \"-1s\" is below zero; 0 or more is allowed"},
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
        {{"-v=1"}, "manifests= scheduler=rr sync=30000 strict=0 excluded=0 nodeports=0 v=1"},
        {{"-v", "=1"}, "--v: \"=1\" is not a number from 0 to 4294967295"},
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

/* What one flag of a kind that is not above comes to. */
static void describe_value(const char *argument, char *text, size_t size)
{
	const char *const arguments[] = {argument, NULL};
	struct command_words line = words_of(arguments);
	struct values got = {.ip = "", .listen = "", .quantity = ""};
	struct fault fault = {0};
	if (options_parse(&test_line, line.count, line.words, &got, &fault) != 0) {
		snprintf(text, size, "%s", fault.sentence);
	} else {
		snprintf(text, size, "%d %g %u %s%s%s%d", got.integer, got.number, got.size, got.ip,
		         got.listen, got.quantity, got.version);
		for (size_t i = 0; i < got.gates.count; i++)
			snprintf(text + strlen(text), size - strlen(text), " %s", got.gates.items[i]);
		for (size_t i = 0; i < got.modules.count; i++)
			snprintf(text + strlen(text), size - strlen(text), " %s", got.modules.items[i]);
	}
	options_release(&test_line, &got);
	words_free(&line);
}

#define NO_NUMBER " is not a whole number"
#define NO_SIZE   " is not a size below 4Gi: write it as 65536, 64Ki or 8Mi"
#define NO_LISTEN \
	" is not an address with a port: write it as 0.0.0.0:10256 or [::]:10256; port 0 switches it off"
#define NO_GATE     " is not a feature gate: write NAME=true or NAME=false"
#define NO_MODULE   " is not a log level of a file: write PATTERN=LEVEL"
#define NO_QUANTITY " is not a size: write it as 0, 65536 or 64Ki"

static const struct {
	const char *argument;
	const char *wanted;
} values[] = {
        {"--integer=-999", "-999 0 0 0"},
        {"--integer=+7", "7 0 0 0"},
        {"--integer=2147483647", "2147483647 0 0 0"},
        {"--integer=2147483648", "\"2147483648\"" NO_NUMBER},
        {"--integer=-2147483649", "\"-2147483649\"" NO_NUMBER},
        {"--integer=", "\"\"" NO_NUMBER},
        {"--integer= 1", "\" 1\"" NO_NUMBER},
        {"--integer=1.5", "\"1.5\"" NO_NUMBER},
        {"--number=0.5", "0 0.5 0 0"},
        {"--number=5", "0 5 0 0"},
        {"--number=nan", "\"nan\" is not a number"},
        {"--number=1e999", "\"1e999\" is not a number"},
        {"--number=", "\"\" is not a number"},
        {"--size=4096", "0 0 4096 0"},
        {"--size=64Ki", "0 0 65536 0"},
        {"--size=8Mi", "0 0 8388608 0"},
        {"--size=3Gi", "0 0 3221225472 0"},
        {"--size=4Gi", "\"4Gi\"" NO_SIZE},
        {"--size=8M", "\"8M\"" NO_SIZE},
        {"--size=-1", "\"-1\"" NO_SIZE},
        {"--ip=192.0.2.1", "0 0 0 192.0.2.10"},
        {"--ip=fd00::1", "0 0 0 fd00::10"},
        {"--ip=[fd00::1]", "\"[fd00::1]\" is not an IP address"},
        {"--ip=", "\"\" is not an IP address"},
        {"--listen=0.0.0.0:10256", "0 0 0 0.0.0.0:102560"},
        {"--listen=[::]:10256", "0 0 0 [::]:102560"},
        {"--listen=fd00:1::5", "0 0 0 fd00:1::50"},
        {"--listen=192.0.2.1:0", "0 0 0 192.0.2.1:00"},
        {"--listen=", "0 0 0 0"},
        {"--listen=[fd00:1::5]", "\"[fd00:1::5]\"" NO_LISTEN},
        {"--listen=[192.0.2.1]:80", "\"[192.0.2.1]:80\"" NO_LISTEN},
        {"--listen=192.0.2.1:65536", "\"192.0.2.1:65536\"" NO_LISTEN},
        {"--listen=192.0.2.1:", "\"192.0.2.1:\"" NO_LISTEN},
        {"--listen=:10256", "\":10256\"" NO_LISTEN},
        {"--listen=localhost:10256", "\"localhost:10256\"" NO_LISTEN},
        {"--listen=[", "\"[\"" NO_LISTEN},
        {"--listen=]:1", "\"]:1\"" NO_LISTEN},
        {"--listen=[:1", "\"[:1\"" NO_LISTEN},
        {"--quantity=0", "0 0 0 00"},
        {"--quantity=1.5Gi", "0 0 0 1.5Gi0"},
        {"--quantity=64KiB", "\"64KiB\"" NO_QUANTITY},
        {"--quantity=Ki", "\"Ki\"" NO_QUANTITY},
        {"--gates=A=true,B=f", "0 0 0 0 A=true B=false"},
        {"--gates=", "0 0 0 0"},
        {"--gates=A", "\"A\"" NO_GATE},
        {"--gates==true", "\"=true\"" NO_GATE},
        {"--gates=A=maybe", "\"A=maybe\"" NO_GATE},
        {"--modules=a*=2, b=0", "0 0 0 0 a*=2 b=0"},
        {"--modules=a", "\"a\"" NO_MODULE},
        {"--modules=a=x", "\"a=x\"" NO_MODULE},
        {"--version", "0 0 0 1"},
        {"--version=raw", "0 0 0 1"},
        {"--version=false", "0 0 0 0"},
        {"--version=v1.2.3", "\"v1.2.3\" is neither true nor false: give --version or --version=false"},
        {"--=x", "there is no such flag; --help lists all of them"},
};

START_TEST(a_value_of_each_kind_is_read_or_refused)
{
	char text[FAULT_TEXT_SIZE];
	describe_value(values[_i].argument, text, sizeof(text));
	ck_assert_texts(values[_i].argument, values[_i].wanted, text);
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

static void check_row(const struct command *command, size_t index)
{
	const struct option_row *row = option_row_at(command->line, index), *other;
	if (*row->name == '\0')
		return;
	ck_assert_msg(row->help != NULL && *row->help != '\0', "%s --%s", command->name, row->name);
	ck_assert_msg(option_is_switch(row) == (row->value == NULL), "%s --%s", command->name, row->name);
	for (size_t i = index + 1; (other = option_row_at(command->line, i))->name != NULL; i++) {
		ck_assert_str_ne(row->name, other->name);
		ck_assert(row->letter == 0 || row->letter != other->letter);
	}
}

START_TEST(every_flag_has_a_help_line_and_a_name_of_its_own)
{
	for (const struct command *command = commands; command->name != NULL; command++) {
		if (command->line == NULL)
			continue;
		const struct option_row *row;
		for (size_t i = 0; (row = option_row_at(command->line, i))->name != NULL; i++)
			check_row(command, i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmd options");
	TCase *tests = tcase_create("options");
	tcase_add_loop_test(tests, flags_are_read_or_refused_in_one_sentence, 0,
	                    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tests, a_value_of_each_kind_is_read_or_refused, 0,
	                    sizeof(values) / sizeof(values[0]));
	tcase_add_loop_test(tests, durations_are_spelled_as_in_go, 0,
	                    sizeof(durations) / sizeof(durations[0]));
	tcase_add_loop_test(tests, a_node_name_is_trimmed_and_in_lower_case, 0,
	                    sizeof(names) / sizeof(names[0]));
	tcase_add_test(tests, every_flag_has_a_help_line_and_a_name_of_its_own);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
