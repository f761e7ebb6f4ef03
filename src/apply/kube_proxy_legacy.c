/*
 * iptables' legacy backend: a table is one blob, read, changed in memory and put back by libiptc, which keeps the counters
 * of what stays. A table that this network namespace does not use yet is never opened, since that would load its module.
 *
 * Who puts a table back overwrites what others changed meanwhile, so all programs do it under one lock; the kernel refuses
 * where it can tell.
 */
#include "kube_proxy_chains.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
#include <linux/netfilter/xt_comment.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define LOCK_FILE "/run/xtables.lock"

enum { NAMES_BYTES = 4096, LOCK_TRIES = 50, LOCK_PAUSE_MS = 10, COMMIT_TRIES = 5 };

/* ---- libiptc for one family. Both have the same functions under two names, and rules of two types. */

struct iptables {
	enum family family;
	const char *names; /* which tables are in use */
	struct xtc_handle *(*init)(const char *table);
	void (*free)(struct xtc_handle *handle);
	const char *(*first_chain)(struct xtc_handle *handle);
	const char *(*next_chain)(struct xtc_handle *handle);
	/* NULL `before`: the first; NULL: no more. */
	const void *(*next_rule)(const char *chain, const void *before, struct xtc_handle *handle);
	const char *(*target)(const void *rule, struct xtc_handle *handle);
	/* Of a rule that jumps and has no condition but a comment: that. */
	const char *(*comment)(const void *rule);
	int (*delete_rule)(const xt_chainlabel chain, unsigned number, struct xtc_handle *handle);
	int (*flush_chain)(const xt_chainlabel chain, struct xtc_handle *handle);
	int (*delete_chain)(const xt_chainlabel chain, struct xtc_handle *handle);
	int (*commit)(struct xtc_handle *handle);
};

static bool is_zero(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < size; i++)
		if (at[i])
			return false;
	return true;
}

/* The only match among these bytes is a comment. */
static const char *only_comment(const void *matches, size_t size)
{
	const struct xt_entry_match *match = matches;
	if (size < sizeof(*match) + sizeof(struct xt_comment_info) || match->u.match_size != size ||
	    strcmp(match->u.user.name, "comment") != 0)
		return NULL;
	const struct xt_comment_info *info = (const void *)match->data;
	return info->comment;
}

static const void *next_rule_4(const char *chain, const void *before, struct xtc_handle *handle)
{
	return before ? iptc_next_rule(before, handle) : iptc_first_rule(chain, handle);
}

static const char *target_4(const void *rule, struct xtc_handle *handle)
{
	return iptc_get_target(rule, handle);
}

static const char *comment_4(const void *rule)
{
	const struct ipt_entry *entry = rule;
	return is_zero(&entry->ip, sizeof(entry->ip))
	               ? only_comment(entry->elems, entry->target_offset - sizeof(*entry))
	               : NULL;
}

static const void *next_rule_6(const char *chain, const void *before, struct xtc_handle *handle)
{
	return before ? ip6tc_next_rule(before, handle) : ip6tc_first_rule(chain, handle);
}

static const char *target_6(const void *rule, struct xtc_handle *handle)
{
	return ip6tc_get_target(rule, handle);
}

static const char *comment_6(const void *rule)
{
	const struct ip6t_entry *entry = rule;
	return is_zero(&entry->ipv6, sizeof(entry->ipv6))
	               ? only_comment(entry->elems, entry->target_offset - sizeof(*entry))
	               : NULL;
}

static const struct iptables both[] = {
        {FAMILY_IPV4, "/proc/net/ip_tables_names", iptc_init, iptc_free, iptc_first_chain, iptc_next_chain,
         next_rule_4, target_4, comment_4, iptc_delete_num_entry, iptc_flush_entries, iptc_delete_chain,
         iptc_commit},
        {FAMILY_IPV6, "/proc/net/ip6_tables_names", ip6tc_init, ip6tc_free, ip6tc_first_chain,
         ip6tc_next_chain, next_rule_6, target_6, comment_6, ip6tc_delete_num_entry, ip6tc_flush_entries,
         ip6tc_delete_chain, ip6tc_commit},
};

/* ---- reading */

static void read_rules(const struct iptables *iptables, struct xtc_handle *handle, const char *chain,
                       struct arena *arena, struct chain_table *table)
{
	unsigned number = 0;
	for (const void *rule = iptables->next_rule(chain, NULL, handle); rule;
	     rule = iptables->next_rule(chain, rule, handle), number++) {
		const char *target = iptables->target(rule, handle);
		int to = target ? own_chain_find(table->own, target) : NO_CHAIN;
		if (to == NO_CHAIN)
			continue;
		vector_push(&table->rules, (struct leading_rule){.chain = arena_copy_text(arena, chain),
		                                                 .to = to,
		                                                 .own = own_jump(table->own, chain, to,
		                                                                 iptables->comment(rule)),
		                                                 .place = number});
	}
}

static bool read_table(const struct iptables *iptables, struct xtc_handle *handle, struct arena *arena,
                       struct chain_table *table)
{
	for (const char *chain = iptables->first_chain(handle); chain; chain = iptables->next_chain(handle)) {
		int place = own_chain_find(table->own, chain);
		if (place != NO_CHAIN)
			table->present[place] = true;
	}
	if (chain_table_is_empty(table))
		return false;
	for (const char *chain = iptables->first_chain(handle); chain; chain = iptables->next_chain(handle))
		read_rules(iptables, handle, chain, arena, table);
	chain_table_decide(table);
	return true;
}

/* Calls `visit` for each table in use that may hold chains of kube-proxy's. The first negative errno. */
static int for_each_table(int (*visit)(void *context, const struct iptables *iptables,
                                       const struct own_table *own),
                          void *context)
{
	int first_error = 0;
	for (size_t i = 0; i < sizeof(both) / sizeof(*both); i++) {
		auto_text names = {0};
		int error = text_read_file(both[i].names, NAMES_BYTES, &names);
		char *rest = names.length ? names.bytes : NULL;
		for (char *name = strsep(&rest, "\n"); name; name = strsep(&rest, "\n")) {
			const struct own_table *own = own_table_find(name);
			int failed = own ? visit(context, &both[i], own) : 0;
			error = error ? error : failed;
		}
		first_error = first_error || error == -ENOENT ? first_error : error;
	}
	return first_error;
}

static int look_at_table(void *context, const struct iptables *iptables, const struct own_table *own)
{
	struct kube_proxy_traces *traces = context;
	struct chain_table table = {.own = own, .family = iptables->family};
	struct arena arena = {0};
	struct xtc_handle *handle = iptables->init(own->name);
	if (!handle)
		return -errno;
	if (read_table(iptables, handle, &arena, &table))
		chain_table_count(&table, traces);
	iptables->free(handle);
	chain_table_done(&table);
	arena_done(&arena);
	return 0;
}

int legacy_look(struct kube_proxy_traces *traces)
{
	return for_each_table(look_at_table, traces);
}

/* ---- removing */

static int negative_errno(int good)
{
	return good ? 0 : errno ? -errno : -EIO;
}

/* From the last rule to the first, so that the numbers stay right. */
static int change_table(const struct iptables *iptables, struct xtc_handle *handle,
                        const struct chain_table *table)
{
	int error = 0;
	for (size_t i = table->rules.count; i-- > 0 && !error;) {
		const struct leading_rule *rule = &table->rules.items[i];
		xt_chainlabel label = {0};
		strncpy(label, rule->chain, sizeof(label) - 1);
		if (rule->own)
			error = negative_errno(iptables->delete_rule(label, (unsigned)rule->place, handle));
	}
	for (int step = 0; step < 2; step++) {
		for (int i = 0; i < OWN_CHAINS_MOST && !error; i++) {
			xt_chainlabel label = {0};
			if (!table->present[i] || table->kept_by[i])
				continue;
			strncpy(label, table->own->chains[i], sizeof(label) - 1);
			error = negative_errno(step == 0 ? iptables->flush_chain(label, handle)
			                                 : iptables->delete_chain(label, handle));
		}
	}
	return error ? error : negative_errno(iptables->commit(handle));
}

/* Waits for other programs that have their hands on the tables. No such place: nobody else locks either. */
static int take_lock(int *ret_lock)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
	*ret_lock = open(LOCK_FILE, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (*ret_lock < 0)
		return errno == ENOENT || errno == EROFS ? 0 : -errno;
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(*ret_lock, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	close(*ret_lock);
	return -EBUSY;
}

struct removal {
	struct arena *arena;
	struct kube_proxy_report *report;
};

/* -EAGAIN: somebody changed the table meanwhile. */
static int try_table(const struct iptables *iptables, struct arena *arena, struct chain_table *table)
{
	struct xtc_handle *handle = iptables->init(table->own->name);
	if (!handle)
		return negative_errno(0);
	int error = read_table(iptables, handle, arena, table) ? change_table(iptables, handle, table) : 0;
	iptables->free(handle);
	return error;
}

static int remove_from_table(void *context, const struct iptables *iptables, const struct own_table *own)
{
	const struct removal *removal = context;
	struct chain_table table = {0};
	int lock, error = take_lock(&lock);
	const char *why = error == -EBUSY ? "another program holds " LOCK_FILE : NULL;
	bool locked = !error && lock >= 0;
	if (!error)
		error = -EAGAIN;
	for (int i = 0; i < COMMIT_TRIES && error == -EAGAIN; i++) {
		chain_table_done(&table);
		table = (struct chain_table){.own = own, .family = iptables->family};
		error = try_table(iptables, removal->arena, &table);
	}
	if (locked)
		close(lock);
	if (error && !table.own) {
		report_add(removal->report, KUBE_PROXY_FAILED,
		           arena_format(removal->arena, "table %s of iptables-legacy", own->name),
		           why ? why : report_reason(error, removal->arena));
	} else {
		chain_table_report(&table, " (legacy)", error, why, removal->arena, removal->report);
	}
	chain_table_done(&table);
	return 0;
}

void legacy_remove(struct arena *arena, struct kube_proxy_report *report)
{
	struct removal removal = {.arena = arena, .report = report};
	int error = for_each_table(remove_from_table, &removal);
	if (error)
		report_add(report, KUBE_PROXY_FAILED, "iptables' chains in legacy tables",
		           report_reason(error, arena));
}
