#include "packet_filter.h"

#include "apply/kernel.h"
#include "base/memory.h"
#include "filter_read.h"
#include "filter_table.h"
#include "plan/filter_text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* What must be there for the table to be removed at all, and then is removed, in one transaction. */
#define REMOVE_TABLE "add table inet " FILTER_TABLE "\ndelete table inet " FILTER_TABLE "\n"

void packet_filter_init(struct packet_filter *filter, const struct kernel_transport *transport)
{
	*filter = (struct packet_filter){.transport = transport};
	conversation_init(&filter->netfilter, transport, NETLINK_NETFILTER);
}

void packet_filter_done(struct packet_filter *filter)
{
	conversation_done(&filter->netfilter);
	if (filter->writer)
		filter->transport->filter_close(filter->transport->context, filter->writer);
	filter->writer = NULL;
	memory_free_pointer(&filter->rules);
	filter->rules = NULL;
	text_done(&filter->oddities);
}

void packet_filter_use(struct packet_filter *filter, const char *rules)
{
	char *copy = memory_copy_text(rules);
	memory_free_pointer(&filter->rules);
	filter->rules = copy;
	filter->in_place = false;
}

bool packet_filter_used(const struct packet_filter *filter)
{
	return filter->rules != NULL;
}

static int run(struct packet_filter *filter, const char *commands, struct text *ret_words)
{
	const struct kernel_transport *transport = filter->transport;
	text_clear(ret_words);
	if (!transport->filter_run)
		return -EOPNOTSUPP;
	int error = transport->filter_run(transport->context, &filter->writer, commands, ret_words);
	filter->transactions += !error;
	return error;
}

/* ---- faults */

static int explain(const char *what, int error, const struct text *words, struct fault *fault)
{
	static const struct {
		int error;
		const char *text;
	} remedies[] = {
	        {EPROTONOSUPPORT, "this kernel has no nf_tables; load the module: modprobe nf_tables"},
	        {EPERM, "no permission; run as root (in a container: privileged)"},
	        {EOPNOTSUPP,
	         "this kernel lacks a part of nf_tables (chains of the type nat in the family inet, "
	         "reject, masquerade); 5.9 or newer is needed"},
	        {EMSGSIZE, "it is too large for a netlink socket here; raise the sysctl net.core.wmem_max"},
	};
	const char *reason =
	        words && words->length ? text_string(words) : kernel_error_text(CHANGE_FILTER_ADD, error);
	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (remedies[i].error == -error)
			reason = remedies[i].text;
	fault_set(fault, NULL, "packet filter: %s: %s", what, reason);
	return error;
}

/* nfnetlink has no handlers for nf_tables. */
static int read_table(struct packet_filter *filter, struct filter_table *ret_table)
{
	int error = filter_table_read(&filter->netfilter, ret_table);
	return error == -EINVAL ? -EPROTONOSUPPORT : error;
}

/* ---- putting the rules in place */

static bool is_word_character(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || !is_word_character(at[-1])) && !is_word_character(at[length]))
			return true;
	return false;
}

/* False: a name that cannot be written in a command. */
static bool can_be_named(const char *chain)
{
	const char *end = chain;
	while (is_word_character(*end))
		end++;
	return isalpha((unsigned char)*chain) && *end == '\0';
}

/* Commands that remove the chains which the rules do not know: somebody else's, or those of another version. */
static void add_chain_removals(const struct packet_filter *filter, const struct filter_table *table,
                               struct text *text)
{
	static const char *const verbs[] = {"flush", "delete"};
	for (size_t v = 0; v < sizeof(verbs) / sizeof(*verbs); v++)
		for (size_t i = 0; i < table->chain_count; i++)
			if (!has_word(filter->rules, table->chains[i]) && can_be_named(table->chains[i]))
				text_addf(text, "%s chain inet %s %s\n", verbs[v], FILTER_TABLE,
				          table->chains[i]);
}

static bool has_unknown_chain(const struct packet_filter *filter, const struct filter_table *table)
{
	for (size_t i = 0; i < table->chain_count; i++)
		if (!has_word(filter->rules, table->chains[i]))
			return true;
	return false;
}

/* The errnos that say: what is there stands in the way. */
static bool is_in_the_way(int error)
{
	static const int errors[] = {EEXIST, EBUSY, EINVAL, ENOENT, EOPNOTSUPP, EMLINK, ELOOP};
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i] == -error)
			return true;
	return false;
}

static int replace(struct packet_filter *filter, struct text *words)
{
	auto_text text = {0};
	text_add(&text, REMOVE_TABLE);
	text_add(&text, filter->rules);
	return run(filter, text_string(&text), words);
}

static int put(struct packet_filter *filter, const struct filter_table *present, struct text *words)
{
	auto_text text = {0};
	if (filter->beyond_repair)
		return replace(filter, words);
	text_add(&text, filter->rules);
	text_add_char(&text, '\n');
	add_chain_removals(filter, present, &text);
	int error = run(filter, text_string(&text), words);
	return error && present->present && is_in_the_way(error) ? replace(filter, words) : error;
}

/* Puts them, and looks what came of it. */
static int put_rules(struct packet_filter *filter, struct filter_table *table, struct fault *fault)
{
	auto_text words = {0};
	int error = put(filter, table, &words);
	if (!error)
		error = read_table(filter, table);
	if (!error && has_unknown_chain(filter, table)) {
		error = replace(filter, &words);
		if (!error)
			error = read_table(filter, table);
	}
	if (error)
		return explain("our table cannot be put in place", error, &words, fault);
	filter->digest = table->digest;
	filter->in_place = true;
	filter->beyond_repair = false;
	return 0;
}

int packet_filter_ensure(struct packet_filter *filter, bool *ret_repaired, struct fault *fault)
{
	struct filter_table table = {0};
	*ret_repaired = false;
	int error = read_table(filter, &table);
	bool intact = filter->in_place && !filter->beyond_repair && table.digest == filter->digest;
	if (error) {
		explain("our table cannot be read", error, NULL, fault);
	} else if (!intact) {
		bool was_in_place = filter->in_place;
		error = put_rules(filter, &table, fault);
		*ret_repaired = !error && was_in_place;
	}
	filter_table_done(&table);
	return error;
}

int packet_filter_remove(struct packet_filter *filter, struct fault *fault)
{
	struct filter_table table = {0};
	auto_text words = {0};
	int error = read_table(filter, &table);
	bool present = table.present;
	filter_table_done(&table);
	filter->in_place = false;
	/* Without nf_tables there is no table. */
	if (error == -EPROTONOSUPPORT || (!error && !present))
		return 0;
	if (!error)
		error = run(filter, REMOVE_TABLE, &words);
	return error ? explain("our table cannot be removed", error, &words, fault) : 0;
}

/* ---- elements */

struct filter_reading *packet_filter_read(struct packet_filter *filter, struct arena *arena)
{
	return filter_reading_new(&filter->netfilter, arena, &filter->oddities);
}

void packet_filter_remove_oddities(struct packet_filter *filter)
{
	auto_text words = {0};
	if (filter->oddities.length == 0)
		return;
	if (run(filter, text_string(&filter->oddities), &words) != 0)
		filter->beyond_repair = true;
	text_clear(&filter->oddities);
}

/* ---- changes */

static void set_results(struct change *const *changes, size_t count, int result, const char *detail)
{
	for (size_t i = 0; i < count; i++) {
		changes[i]->result = result;
		changes[i]->detail = detail;
	}
}

/* One line, since of several libnftables cannot tell in which of them a failure is. */
static void join_lines(struct text *commands)
{
	for (size_t i = 0; i < commands->length; i++)
		if (commands->bytes[i] == '\n')
			commands->bytes[i] = ';';
}

int packet_filter_perform(struct packet_filter *filter, struct change *const *changes, size_t count,
                          struct arena *arena)
{
	auto_text commands = {0};
	auto_text words = {0};
	struct change *copies = memory_resize(NULL, count, sizeof(*copies));
	for (size_t i = 0; i < count; i++)
		copies[i] = *changes[i];
	filter_text_changes(copies, count, &commands);
	memory_free_pointer(&copies);
	join_lines(&commands);
	int error = run(filter, text_string(&commands), &words);
	const char *detail = error && words.length ? arena_copy_text(arena, text_string(&words)) : NULL;
	set_results(changes, count, error, detail);
	return error;
}
