/*
 * The packet filter's text: against the folders of test/golden/filter, and against the kernel, which has to take each of
 * them and must end up with the same elements whichever way it got there.
 *
 * With UPDATE_GOLDEN set, the folders get what comes out now; read the difference before you keep it.
 */
#include "plan/filter_text.h"

#include "plan_model.h"
#include "plan_states.h"
#include "support.h"

#include <dirent.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOLDEN TEST_DATA "/golden/filter"
enum { MOST_SITUATIONS = 64, KERNEL_ROUNDS = 30 };

static struct arena arena;

static void teardown(void)
{
	arena_done(&arena);
}

static struct {
	char names[MOST_SITUATIONS][64];
	int count;
} situations;

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void find_situations(void)
{
	DIR *folder = opendir(GOLDEN);
	struct dirent *entry;
	while (folder && (entry = readdir(folder)) && situations.count < MOST_SITUATIONS)
		if (!strchr(entry->d_name, '.'))
			snprintf(situations.names[situations.count++], sizeof(situations.names[0]), "%.63s",
			         entry->d_name);
	qsort(situations.names, (size_t)situations.count, sizeof(situations.names[0]), by_name);
	if (folder)
		closedir(folder);
}

/* A file of a situation in the arena; NULL: it has none of that name. */
static char *find_file(const char *situation, const char *name)
{
	struct stat status;
	const char *path = arena_format(&arena, GOLDEN "/%s/%s", situation, name);
	if (stat(path, &status) != 0)
		return NULL;
	char *read = read_test_file(path), *text = arena_copy_text(&arena, read);
	free(read);
	return text;
}

static void set_detectors(struct filter_rules *rules, enum local_detector_kind kind, const char *value)
{
	if (kind == DETECTOR_CIDR) {
		struct cidr cidr = cidr_of(value);
		rules->detectors[cidr.base.family - FAMILY_IPV4] =
		        (struct local_detector){.kind = kind, .cidr = cidr};
		return;
	}
	for (int f = 0; f < 2; f++)
		rules->detectors[f] = (struct local_detector){.kind = kind, .interface = value};
}

static void set_option(struct filter_rules *rules, const char *word, const char *value)
{
	if (strcmp(word, "mark") == 0)
		rules->masquerade_mark = (uint32_t)strtoul(value, NULL, 0);
	else if (strcmp(word, "masquerade-all") == 0)
		rules->masquerade_all = true;
	else if (strcmp(word, "no-ping") == 0)
		rules->answer_ping = false;
	else if (strcmp(word, "pod-cidr") == 0)
		set_detectors(rules, DETECTOR_CIDR, value);
	else if (strcmp(word, "bridge") == 0)
		set_detectors(rules, DETECTOR_INTERFACE, value);
	else if (strcmp(word, "prefix") == 0)
		set_detectors(rules, DETECTOR_INTERFACE_PREFIX, value);
	else
		ck_abort_msg("\"%s\" is no option", word);
}

static struct filter_rules rules_of(const char *situation)
{
	struct filter_rules rules = {.masquerade_mark = 0x4000, .answer_ping = true};
	char *options = find_file(situation, "options"), *rest = NULL;
	for (char *line = options ? strtok_r(options, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *value = strchr(line, ' ');
		if (value)
			*value++ = '\0';
		set_option(&rules, line, value);
	}
	return rules;
}

static struct state state_in(const char *situation, const char *name)
{
	const char *text = find_file(situation, name);
	return text ? state_of(&arena, text) : (struct state){0};
}

static const char *rules_text(const struct filter_rules *rules)
{
	auto_text text = {0};
	filter_text_rules(rules, &text);
	return arena_copy_text(&arena, text_string(&text));
}

/* The commands that lead from one state's elements to another's. */
static const char *commands_text(const struct state *from, const struct state *to)
{
	struct removal_rules removal_rules = {.all_ours = true};
	struct changes changes = {0};
	auto_text text = {0};
	diff_build(from, to, &removal_rules, &changes);
	filter_text_changes(changes.items, changes.count, &text);
	vector_done(&changes);
	return arena_copy_text(&arena, text_string(&text));
}

static void compare_with_file(const char *situation, const char *name, const char *got)
{
	const char *what = arena_format(&arena, "%s/%s", situation, name);
	const char *path = arena_format(&arena, GOLDEN "/%s", what);
	if (getenv("UPDATE_GOLDEN")) {
		ck_assert_int_eq(text_write_file(path, got, strlen(got)), 0);
		return;
	}
	const char *wanted = find_file(situation, name);
	ck_assert_msg(wanted != NULL, "%s is missing", path);
	ck_assert_texts(what, wanted, got);
}

START_TEST(rules_and_commands_are_those_of_the_golden_files)
{
	const char *situation = situations.names[_i];
	struct filter_rules rules = rules_of(situation);
	struct state present = state_in(situation, "present"), wanted = state_in(situation, "wanted");
	compare_with_file(situation, "rules.nft", rules_text(&rules));
	if (wanted.filter_count + present.filter_count > 0)
		compare_with_file(situation, "commands.nft", commands_text(&present, &wanted));
}
END_TEST

START_TEST(nothing_to_change_is_no_command)
{
	struct state state = state_of(&arena, "guard 10.96.0.1\nport 10.96.0.1:80 tcp outsiders\n"
	                                      "hairpin 10.244.0.1\nhealth 30000\n");
	ck_assert_str_eq(commands_text(&state, &state), "");
	ck_assert_str_eq(commands_text(&(struct state){0}, &(struct state){0}), "");
}
END_TEST

START_TEST(other_changes_are_passed_over)
{
	struct state nothing = {0},
	             state = state_of(&arena, "tcp 10.96.0.1:80 rr\n> 10.0.0.1:1\nheld 10.96.0.1\n"
	                                      "guard 10.96.0.1\n");
	ck_assert_str_eq(commands_text(&nothing, &state),
	                 "add element inet kube-ipvs held-4 { 10.96.0.1 }\n");
	ck_assert_str_eq(commands_text(&state, &nothing),
	                 "delete element inet kube-ipvs held-4 { 10.96.0.1 }\n");
}
END_TEST

START_TEST(each_verdict_has_a_chain_that_tells_it)
{
	for (int verdict = FILTER_MASQUERADE_OUTSIDERS; verdict <= FILTER_REJECT; verdict++)
		for (int restricted = 0; restricted < 2; restricted++) {
			enum filter_verdict read_verdict;
			bool read_restricted;
			if (verdict == FILTER_MASQUERADE_OUTSIDERS && restricted)
				continue;
			const char *name = filter_chain_name((enum filter_verdict)verdict, restricted);
			ck_assert(filter_chain_parse(name, &read_verdict, &read_restricted));
			ck_assert_int_eq(read_verdict, verdict);
			ck_assert_int_eq(read_restricted, restricted);
		}
}
END_TEST

START_TEST(a_chain_of_others_tells_no_verdict)
{
	static const char *const names[] = {"",          "inside",  "settle", "to-cluster-ip-restricted",
	                                    "to-local2", "TO-LOCAL"};
	enum filter_verdict verdict;
	bool restricted;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(!filter_chain_parse(names[i], &verdict, &restricted), "%s", names[i]);
}
END_TEST

/* A name that nft cannot write means that no pod is told from others, as if there were no detector. */
START_TEST(a_name_that_nft_cannot_write_tells_nothing)
{
	static const char *const names[] = {"", "a\"b", "a\\", "a\nb", "sixteen-letters-", "fifteen-letter*"};
	struct filter_rules plain = {.masquerade_mark = 1};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct filter_rules rules = plain;
		set_detectors(&rules, DETECTOR_INTERFACE, names[i]);
		ck_assert_texts(names[i], rules_text(&plain), rules_text(&rules));
	}
}
END_TEST

/* In a child, whose network is its own: what the table is after these texts, one transaction each. */

struct kernel_run {
	const char *texts[4];
	size_t count;
};

/* Prints what is wrong; the exit status says whether. */
static int run_in_kernel(const struct kernel_run *run, FILE *result)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	for (size_t i = 0; i < run->count; i++)
		if (*run->texts[i] && nft_run_cmd_from_buffer(nft, run->texts[i]) != 0) {
			fprintf(stderr, "%s\nwas refused:\n%s", run->texts[i], nft_ctx_get_error_buffer(nft));
			return 1;
		}
	if (nft_run_cmd_from_buffer(nft, "list table inet " FILTER_TABLE) != 0)
		return 1;
	fputs(nft_ctx_get_output_buffer(nft), result);
	nft_ctx_free(nft);
	return 0;
}

static const char *kernel_table(const struct kernel_run *run)
{
	FILE *result = tmpfile();
	int status;
	ck_assert_ptr_nonnull(result);
	pid_t child = fork();
	if (child == 0) {
		int failed = unshare(CLONE_NEWNET) != 0 || run_in_kernel(run, result) != 0;
		fflush(result);
		_exit(failed);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	auto_text text = {0};
	char buffer[4096];
	rewind(result);
	for (size_t got; (got = fread(buffer, 1, sizeof(buffer), result)) > 0;)
		text_add_bytes(&text, buffer, got);
	fclose(result);
	return arena_copy_text(&arena, text_string(&text));
}

/* The kernel lists some sets in the order of their making: one element a line, and the lines sorted. */
static const char *without_order(const char *table)
{
	auto_text text = {0};
	for (const char *c = table; *c; c++) {
		bool at_start = text.length == 0 || text.bytes[text.length - 1] == '\n';
		bool at_end = c[1] == '}' || c[1] == '\n';
		if (*c != ' ' || (!at_start && !at_end))
			text_add_char(&text, strchr(",{}\t", *c) ? '\n' : *c);
	}
	return sorted_lines(text_string(&text), &arena);
}

/* Rules put in place a second time change nothing, and leave the elements alone. */
static void check_in_kernel(const char *what, const struct filter_rules *rules, const struct state *present,
                            const struct state *wanted)
{
	static const struct state nothing;
	const char *all = rules_text(rules);
	const char *there = kernel_table(&(struct kernel_run){
	        {all, commands_text(&nothing, present), commands_text(present, wanted), all}, 4});
	const char *straight = kernel_table(&(struct kernel_run){{all, commands_text(&nothing, wanted)}, 2});
	ck_assert_texts(what, without_order(straight), without_order(there));
}

START_TEST(the_kernel_takes_each_golden_file)
{
	const char *situation = situations.names[_i];
	struct filter_rules rules = rules_of(situation);
	struct state present = state_in(situation, "present"), wanted = state_in(situation, "wanted");
	check_in_kernel(situation, &rules, &present, &wanted);
}
END_TEST

START_TEST(performing_a_difference_in_the_kernel_makes_the_wanted_elements)
{
	struct filter_rules rules = {.masquerade_mark = 0x4000};
	for (unsigned seed = 0; seed < KERNEL_ROUNDS; seed++) {
		struct dice dice = {seed};
		struct state present = random_state(&dice, dice_roll(&dice, 90), seed % 2, &arena),
		             wanted = random_state(&dice, dice_roll(&dice, 90), seed % 2, &arena);
		check_in_kernel(arena_format(&arena, "seed %u", seed), &rules, &present, &wanted);
		arena_reset(&arena);
	}
}
END_TEST

/* Why the kernel cannot be asked here; NULL: it can. */
static const char *reason_to_skip(void)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		FILE *result = fopen("/dev/null", "w");
		if (!result || unshare(CLONE_NEWNET) != 0)
			_exit(1);
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		_exit(run_in_kernel(&(struct kernel_run){{"add table inet kube-ipvs"}, 1}, result) ? 2 : 0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 1)
		return "no network namespace can be made here";
	return WEXITSTATUS(status) == 2 ? "no nftables table can be made here" : NULL;
}

static void add_kernel_tests(Suite *suite, const char *reason)
{
	const char *ci = getenv("CI");
	if (reason && !(ci && *ci)) {
		printf("SKIPPED: plan: filter text in the kernel: %s\n", reason);
		return;
	}
	TCase *tests = tcase_create("kernel");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_set_timeout(tests, 300);
	tcase_add_loop_test(tests, the_kernel_takes_each_golden_file, 0, situations.count);
	tcase_add_test(tests, performing_a_difference_in_the_kernel_makes_the_wanted_elements);
	suite_add_tcase(suite, tests);
}

START_TEST(there_are_golden_files)
{
	ck_assert_int_gt(situations.count, 0);
	ck_assert_int_lt(situations.count, MOST_SITUATIONS);
}
END_TEST

int main(void)
{
	const char *reason = reason_to_skip();
	Suite *suite = suite_create("plan/filter_text");
	TCase *tests = tcase_create("texts");
	find_situations();
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, there_are_golden_files);
	tcase_add_loop_test(tests, rules_and_commands_are_those_of_the_golden_files, 0, situations.count);
	tcase_add_test(tests, nothing_to_change_is_no_command);
	tcase_add_test(tests, other_changes_are_passed_over);
	tcase_add_test(tests, each_verdict_has_a_chain_that_tells_it);
	tcase_add_test(tests, a_chain_of_others_tells_no_verdict);
	tcase_add_test(tests, a_name_that_nft_cannot_write_tells_nothing);
	suite_add_tcase(suite, tests);
	add_kernel_tests(suite, reason);
	return run_suite(suite);
}
