/*
 * iptables' backend nf_tables, and the tables of kube-proxy's mode nftables.
 *
 * What iptables puts into nf_tables and nft(8) cannot print (matches and targets called "xt") is never printed or put
 * again: a rule is removed by its handle, and one transaction takes all that goes out of a table.
 */
#include "kube_proxy_chains.h"
#include "nf_tables.h"

#include "base/text.h"

#include <errno.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_comment.h>

enum { FAMILIES = 2 };

static const struct {
	enum family family;
	uint8_t number;
	const char *name;
} families[FAMILIES] = {{FAMILY_IPV4, NFPROTO_IPV4, "ip"}, {FAMILY_IPV6, NFPROTO_IPV6, "ip6"}};

/* All that is in nf_tables. */
struct nft_remains {
	struct arena *arena;
	struct chain_table tables[FAMILIES][OWN_TABLES];
	bool own_table[FAMILIES]; /* of the mode nftables */
	/* while reading */
	int family;
	struct chain_table *table;
};

static void remains_done(struct nft_remains *remains)
{
	for (int f = 0; f < FAMILIES; f++)
		for (int t = 0; t < OWN_TABLES; t++)
			chain_table_done(&remains->tables[f][t]);
}

/* ---- chains */

static void forget_chains(void *context)
{
	struct nft_remains *remains = context;
	for (int t = 0; t < OWN_TABLES; t++)
		memset(remains->tables[remains->family][t].present, 0, sizeof(remains->tables[0][0].present));
}

static int take_chain(void *context, const struct nlmsghdr *answer)
{
	struct nft_remains *remains = context;
	struct nlattr *chain[NFTA_CHAIN_MAX + 1];
	if (!nf_tables_parse(answer, NFT_MSG_NEWCHAIN, chain, NFTA_CHAIN_MAX))
		return -EBADMSG;
	const char *table = nf_tables_text(chain[NFTA_CHAIN_TABLE]);
	const char *name = nf_tables_text(chain[NFTA_CHAIN_NAME]);
	const struct own_table *own = table && name ? own_table_find(table) : NULL;
	/* None of kube-proxy's has a hook of its own. */
	int place = own && !chain[NFTA_CHAIN_HOOK] ? own_chain_find(own, name) : NO_CHAIN;
	if (place != NO_CHAIN)
		remains->tables[remains->family][own - own_tables].present[place] = true;
	return 0;
}

/* ---- rules */

/* What matters of a rule's expressions. */
struct parsed_rule {
	const char *target; /* NULL: leads nowhere */
	const char *comment;
	bool plain; /* besides, it only counts */
	char comment_copy[XT_MAX_COMMENT_LEN];
};

static void parse_verdict(struct nlattr *data, struct parsed_rule *rule)
{
	struct nlattr *immediate[NFTA_IMMEDIATE_MAX + 1], *value[NFTA_DATA_MAX + 1],
	        *verdict[NFTA_VERDICT_MAX + 1];
	rule->plain = rule->plain && !rule->target;
	if (nla_parse_nested(immediate, NFTA_IMMEDIATE_MAX, data, NULL) < 0 ||
	    !immediate[NFTA_IMMEDIATE_DATA] ||
	    nla_parse_nested(value, NFTA_DATA_MAX, immediate[NFTA_IMMEDIATE_DATA], NULL) < 0 ||
	    !value[NFTA_DATA_VERDICT] ||
	    nla_parse_nested(verdict, NFTA_VERDICT_MAX, value[NFTA_DATA_VERDICT], NULL) < 0)
		return;
	rule->target = nf_tables_text(verdict[NFTA_VERDICT_CHAIN]);
	if (!verdict[NFTA_VERDICT_CODE] || (int)ntohl(nla_get_u32(verdict[NFTA_VERDICT_CODE])) != NFT_JUMP)
		rule->plain = false;
}

static void parse_match(struct nlattr *data, struct parsed_rule *rule)
{
	struct nlattr *match[NFTA_MATCH_MAX + 1];
	const char *name = nla_parse_nested(match, NFTA_MATCH_MAX, data, NULL) < 0
	                           ? NULL
	                           : nf_tables_text(match[NFTA_MATCH_NAME]);
	if (!name || strcmp(name, "comment") != 0 || !match[NFTA_MATCH_INFO] || rule->comment) {
		rule->plain = false;
		return;
	}
	nla_memcpy(rule->comment_copy, match[NFTA_MATCH_INFO], sizeof(rule->comment_copy) - 1);
	rule->comment = rule->comment_copy;
}

static void parse_expression(struct nlattr *attribute, struct parsed_rule *rule)
{
	struct nlattr *expression[NFTA_EXPR_MAX + 1];
	const char *name = nla_parse_nested(expression, NFTA_EXPR_MAX, attribute, NULL) < 0
	                           ? NULL
	                           : nf_tables_text(expression[NFTA_EXPR_NAME]);
	if (name && expression[NFTA_EXPR_DATA] && strcmp(name, "immediate") == 0)
		parse_verdict(expression[NFTA_EXPR_DATA], rule);
	else if (name && expression[NFTA_EXPR_DATA] && strcmp(name, "match") == 0)
		parse_match(expression[NFTA_EXPR_DATA], rule);
	else if (!name || strcmp(name, "counter") != 0)
		rule->plain = false;
}

/* Some versions of iptables keep the comment beside the rule: type, length, text. */
static void parse_user_data(struct nlattr *attribute, struct parsed_rule *rule)
{
	const uint8_t *bytes = nla_data(attribute);
	int length = nla_len(attribute);
	if (rule->comment || length < 3 || bytes[0] != 0 || bytes[1] > length - 2 ||
	    bytes[2 + bytes[1] - 1] != '\0')
		return;
	rule->comment = (const char *)bytes + 2;
}

static void parse_rule(struct nlattr **attributes, struct parsed_rule *rule)
{
	struct nlattr *expression;
	int rest;
	rule->plain = true;
	nla_for_each_nested(expression, attributes[NFTA_RULE_EXPRESSIONS], rest)
	        parse_expression(expression, rule);
	if (attributes[NFTA_RULE_USERDATA])
		parse_user_data(attributes[NFTA_RULE_USERDATA], rule);
}

static int take_rule(void *context, const struct nlmsghdr *answer)
{
	struct nft_remains *remains = context;
	struct chain_table *table = remains->table;
	struct nlattr *attributes[NFTA_RULE_MAX + 1];
	struct parsed_rule parsed = {0};
	if (!nf_tables_parse(answer, NFT_MSG_NEWRULE, attributes, NFTA_RULE_MAX))
		return -EBADMSG;
	const char *chain = nf_tables_text(attributes[NFTA_RULE_CHAIN]);
	const char *name = nf_tables_text(attributes[NFTA_RULE_TABLE]);
	if (!chain || !name || strcmp(name, table->own->name) != 0 || !attributes[NFTA_RULE_HANDLE] ||
	    !attributes[NFTA_RULE_EXPRESSIONS])
		return 0;
	parse_rule(attributes, &parsed);
	int to = parsed.target ? own_chain_find(table->own, parsed.target) : NO_CHAIN;
	if (to == NO_CHAIN)
		return 0;
	uint64_t handle;
	nla_memcpy(&handle, attributes[NFTA_RULE_HANDLE], sizeof(handle));
	vector_push(&table->rules,
	            (struct leading_rule){
	                    .chain = arena_copy_text(remains->arena, chain),
	                    .to = to,
	                    .own = own_jump(table->own, chain, to, parsed.plain ? parsed.comment : NULL),
	                    .place = be64toh(handle)});
	return 0;
}

static void forget_rules(void *context)
{
	struct nft_remains *remains = context;
	vector_clear(&remains->table->rules);
}

/* ---- all of it */

static int take_own_table(void *context, const struct nlmsghdr *answer)
{
	struct nft_remains *remains = context;
	(void)answer;
	remains->own_table[remains->family] = true;
	return 0;
}

static int read_own_table(struct conversation *netfilter, struct nft_remains *remains)
{
	message_put_text(nf_tables_begin(netfilter, families[remains->family].number, NFT_MSG_GETTABLE),
	                 NFTA_TABLE_NAME, "kube-proxy");
	int error = conversation_ask(netfilter, take_own_table, remains);
	return error == -ENOENT ? 0 : error;
}

static int read_rules(struct conversation *netfilter, struct nft_remains *remains, struct chain_table *table)
{
	const struct dump rules = {.restart = forget_rules, .take = take_rule, .context = remains};
	remains->table = table;
	message_put_text(nf_tables_begin(netfilter, families[remains->family].number, NFT_MSG_GETRULE),
	                 NFTA_RULE_TABLE, table->own->name);
	int error = conversation_dump(netfilter, &rules);
	chain_table_decide(table);
	return error;
}

static int read_family(struct conversation *netfilter, struct nft_remains *remains)
{
	const struct dump chains = {.restart = forget_chains, .take = take_chain, .context = remains};
	struct chain_table *tables = remains->tables[remains->family];
	int error = read_own_table(netfilter, remains);
	if (error)
		return error;
	nf_tables_begin(netfilter, families[remains->family].number, NFT_MSG_GETCHAIN);
	error = conversation_dump(netfilter, &chains);
	for (int t = 0; t < OWN_TABLES && !error; t++)
		if (!chain_table_is_empty(&tables[t]))
			error = read_rules(netfilter, remains, &tables[t]);
	return error;
}

static bool is_no_nf_tables(int error)
{
	return error == -EOPNOTSUPP || error == -EINVAL || error == -EPROTONOSUPPORT;
}

/* remains_done in any case. */
static int read_remains(const struct kernel_transport *transport, struct arena *arena,
                        struct nft_remains *ret_remains)
{
	struct conversation netfilter;
	*ret_remains = (struct nft_remains){.arena = arena};
	for (int f = 0; f < FAMILIES; f++)
		for (int t = 0; t < OWN_TABLES; t++)
			ret_remains->tables[f][t] =
			        (struct chain_table){.own = &own_tables[t], .family = families[f].family};
	conversation_init(&netfilter, transport, NETLINK_NETFILTER);
	int error = conversation_open(&netfilter);
	for (int f = 0; f < FAMILIES && !error; f++) {
		ret_remains->family = f;
		error = read_family(&netfilter, ret_remains);
	}
	conversation_done(&netfilter);
	return is_no_nf_tables(error) ? 0 : error;
}

int nft_look(const struct kernel_transport *transport, struct kube_proxy_traces *traces)
{
	struct arena arena = {0};
	struct nft_remains remains;
	int error = read_remains(transport, &arena, &remains);
	for (int f = 0; f < FAMILIES && !error; f++) {
		traces->tables += remains.own_table[f];
		for (int t = 0; t < OWN_TABLES; t++)
			chain_table_count(&remains.tables[f][t], traces);
	}
	remains_done(&remains);
	arena_done(&arena);
	return error;
}

/* ---- removing */

static void add_commands(const struct chain_table *table, const char *family, struct text *text)
{
	static const char *const verbs[] = {"flush", "delete"};
	for (size_t i = 0; i < table->rules.count; i++) {
		const struct leading_rule *rule = &table->rules.items[i];
		if (rule->own)
			text_addf(text, "delete rule %s %s %s handle %llu\n", family, table->own->name,
			          rule->chain, (unsigned long long)rule->place);
	}
	for (int v = 0; v < 2; v++)
		for (int i = 0; i < OWN_CHAINS_MOST; i++)
			if (table->present[i] && !table->kept_by[i])
				text_addf(text, "%s chain %s %s %s\n", verbs[v], family, table->own->name,
				          table->own->chains[i]);
}

static int run(const struct kernel_transport *transport, void **session, const struct text *commands,
               struct text *words)
{
	text_clear(words);
	if (commands->length == 0)
		return 0;
	if (!transport->filter_run)
		return -EOPNOTSUPP;
	return transport->filter_run(transport->context, session, text_string(commands), words);
}

static const char *spoken(const struct text *words, struct arena *arena)
{
	return words->length ? arena_copy_text(arena, text_string(words)) : NULL;
}

static void remove_family(const struct kernel_transport *transport, void **session,
                          struct nft_remains *remains, int family, struct kube_proxy_report *report)
{
	auto_text commands = {0}, words = {0};
	const char *name = families[family].name;
	for (int t = 0; t < OWN_TABLES; t++) {
		const struct chain_table *table = &remains->tables[family][t];
		text_clear(&commands);
		add_commands(table, name, &commands);
		int error = run(transport, session, &commands, &words);
		chain_table_report(table, "", error, spoken(&words, remains->arena), remains->arena, report);
	}
	if (!remains->own_table[family])
		return;
	text_clear(&commands);
	text_addf(&commands, "delete table %s kube-proxy\n", name);
	int error = run(transport, session, &commands, &words);
	const char *why = spoken(&words, remains->arena);
	report_add(report, error ? KUBE_PROXY_FAILED : KUBE_PROXY_REMOVED,
	           arena_format(remains->arena, "table %s kube-proxy", name),
	           error && !why ? report_reason(error, remains->arena) : why);
}

void nft_remove(const struct kernel_transport *transport, struct arena *arena,
                struct kube_proxy_report *report)
{
	struct nft_remains remains;
	void *session = NULL;
	int error = read_remains(transport, arena, &remains);
	if (error)
		report_add(report, KUBE_PROXY_FAILED, "iptables' chains in nf_tables",
		           report_reason(error, arena));
	for (int f = 0; f < FAMILIES && !error; f++)
		remove_family(transport, &session, &remains, f, report);
	if (session)
		transport->filter_close(transport->context, session);
	remains_done(&remains);
}
