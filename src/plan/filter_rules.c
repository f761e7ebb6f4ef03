/*
 * The rules of our table, in nft's own layout.
 *
 * All chains but one that the kernel enters are of the nat type: they see the first packet of a connection only, so what is
 * established costs nothing, and reject and drop work in them (since Linux 5.9). New traffic is looked up in one map, which
 * says what to do with it:
 *
 *	to-cluster-ip  who is not a local pod is masqueraded
 *	to-external    everybody is masqueraded
 *	to-local       keeps its source, except that clients inside may be led to the cluster IP
 *	to-elsewhere   only clients inside may be led to the cluster IP; the rest is dropped
 *	to-nobody      refused
 *
 * What comes from the node itself would carry the held address as its source (R7.3), so it is always masqueraded: the
 * output chain sets the mark before it looks anything up, and the chains behind it know the node's own traffic by that
 * mark. What IPVS takes over leaves by `settle`, which translates the destination to itself, so that no later nat chain,
 * say that of a hostPort, can have it (N2).
 *
 * Priorities: before the destination NAT (-100) and the IPVS (-98) of others, and before their masquerade (100) (N1). The guard
 * stands behind the IPVS of LOCAL_IN (98 and 99).
 */
#include "plan/filter_text.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

enum { FAMILIES = 2, INTERFACE_NAME_MAX = 15, INTERFACE_WORDS_SIZE = INTERFACE_NAME_MAX + 2 };

static const struct family_words {
	char digit;
	const char *header; /* of the packet */
	const char *protocol;
	const char *type;
} families[FAMILIES] = {{'4', "ip", "ipv4", "ipv4_addr"}, {'6', "ip6", "ipv6", "ipv6_addr"}};

static void add_line(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_line(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	text_add(text, "\t\t");
	text_add_list(text, format, arguments);
	text_add_char(text, '\n');
	va_end(arguments);
}

static void open_chain(struct text *text, const char *name)
{
	text_addf(text, "\tchain %s {\n", name);
}

static void close_chain(struct text *text)
{
	text_add(text, "\t}\n");
}

static void add_sets(struct text *text)
{
	for (int f = 0; f < FAMILIES; f++) {
		const char digit = families[f].digit, *type = families[f].type;
		text_addf(text, "\tset held-%c {\n\t\ttype %s\n\t}\n", digit, type);
		text_addf(
		        text,
		        "\tmap service-ports-%c {\n\t\ttype %s . inet_proto . inet_service : verdict\n\t}\n",
		        digit, type);
		text_addf(text,
		          "\tset source-ranges-%c {\n\t\ttype %s . inet_proto . inet_service . %s\n"
		          "\t\tflags interval\n\t}\n",
		          digit, type, type);
		text_addf(text,
		          "\tmap redirects-%c {\n"
		          "\t\ttype %s . inet_proto . inet_service : %s . inet_service\n\t}\n",
		          digit, type, type);
		text_addf(text, "\tset local-endpoints-%c {\n\t\ttype %s . %s\n\t}\n", digit, type, type);
	}
	text_add(text, "\tset health-check-ports {\n\t\ttype inet_service\n\t}\n");
}

/*
 * How nft writes an interface's name, or the beginning of one: a star at the end means any rest, unless it is told not to.
 * A beginning as long as a name can be is a name. False: nft cannot write it, and then nothing is local.
 */
static bool interface_words(const struct local_detector *detector, char words[static INTERFACE_WORDS_SIZE])
{
	const char *name = detector->interface ? detector->interface : "";
	size_t length = strlen(name);
	if (length == 0 || length > INTERFACE_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] == '"' || name[i] == '\\' || (unsigned char)name[i] < ' ')
			return false;
	bool prefix = detector->kind == DETECTOR_INTERFACE_PREFIX && length < INTERFACE_NAME_MAX;
	if (!prefix && name[length - 1] == '*') {
		snprintf(words, INTERFACE_WORDS_SIZE, "%.*s\\*", (int)length - 1, name);
		return length < INTERFACE_NAME_MAX;
	}
	snprintf(words, INTERFACE_WORDS_SIZE, "%s%s", name, prefix ? "*" : "");
	return true;
}

static bool tells_pods(const struct local_detector *detector)
{
	char words[INTERFACE_WORDS_SIZE];
	return detector->kind == DETECTOR_CIDR ||
	       (detector->kind != DETECTOR_NONE && interface_words(detector, words));
}

/* What matches packets of this family from local pods, or with "!= " from all others (R14.9), and a blank. */
static void add_pods(const struct filter_rules *rules, int f, const char *negation, struct text *text)
{
	const struct local_detector *detector = &rules->detectors[f];
	char words[CIDR_TEXT_SIZE];
	if (detector->kind == DETECTOR_CIDR) {
		cidr_format(&detector->cidr, words);
		text_addf(text, "%s saddr %s%s ", families[f].header, negation, words);
		return;
	}
	CHECK(interface_words(detector, words));
	text_addf(text, "meta nfproto %s iifname %s\"%s\" ", families[f].protocol, negation, words);
}

static void add_pod_rule(const struct filter_rules *rules, int f, const char *negation, struct text *text,
                         const char *statement)
{
	text_add(text, "\t\t");
	add_pods(rules, f, negation, text);
	text_add(text, statement);
	text_add_char(text, '\n');
}

struct statements {
	char mark[64];
	char unmark[64];
};

static struct statements statements_of(const struct filter_rules *rules)
{
	struct statements statements;
	snprintf(statements.mark, sizeof(statements.mark), "meta mark set meta mark | 0x%x",
	         rules->masquerade_mark);
	snprintf(statements.unmark, sizeof(statements.unmark), "meta mark set meta mark & 0x%x",
	         ~rules->masquerade_mark);
	return statements;
}

static void add_lookups(struct text *text)
{
	for (int f = 0; f < FAMILIES; f++)
		add_line(text, "%s daddr . meta l4proto . th dport vmap @service-ports-%c",
		         families[f].header, families[f].digit);
}

/* A reset that `reject` makes belongs to the connection that it answers, and must not be looked at here (R7.10 too). */
static void add_exceptions(struct text *text)
{
	add_line(text, "ct state != new return");
	add_line(text, "ip saddr 127.0.0.0/8 return");
	add_line(text, "ip6 saddr ::1 return");
}

static void add_rest(struct text *text)
{
	add_line(text, "tcp dport @health-check-ports return");
	for (int f = 0; f < FAMILIES; f++)
		add_line(text, "%s daddr @held-%c goto unserved", families[f].header, families[f].digit);
}

static void add_entrances(const struct statements *statements, struct text *text)
{
	open_chain(text, "prerouting");
	add_line(text, "type nat hook prerouting priority -110; policy accept;");
	add_exceptions(text);
	add_lookups(text);
	add_rest(text);
	close_chain(text);
	open_chain(text, "output");
	add_line(text, "type nat hook output priority -110; policy accept;");
	add_exceptions(text);
	add_line(text, "%s", statements->mark);
	add_lookups(text);
	add_line(text, "%s", statements->unmark);
	add_rest(text);
	close_chain(text);
}

/*
 * Behind IPVS, which keeps what it takes: new traffic to a held address that gets here has no virtual server, which is being
 * put up or taken down, or which the kernel refused. No process of the host may have it. A nat chain would not see
 * the node's own packets here.
 */
static void add_guard(struct text *text)
{
	open_chain(text, "input");
	add_line(text, "type filter hook input priority 110; policy accept;");
	add_exceptions(text);
	add_rest(text);
	close_chain(text);
}

/* R7.20 */
static void add_exit(const struct filter_rules *rules, struct text *text)
{
	open_chain(text, "postrouting");
	add_line(text, "type nat hook postrouting priority 90; policy accept;");
	for (int f = 0; f < FAMILIES; f++)
		add_line(text, "%s saddr . %s daddr @local-endpoints-%c masquerade", families[f].header,
		         families[f].header, families[f].digit);
	add_line(text, "meta mark & 0x%x == 0 return", rules->masquerade_mark);
	add_line(text, "meta mark set meta mark ^ 0x%x", rules->masquerade_mark);
	add_line(text, "masquerade fully-random");
	close_chain(text);
}

static void add_settle(struct text *text)
{
	open_chain(text, "settle");
	for (int f = 0; f < FAMILIES; f++)
		add_line(text, "meta nfproto %s dnat %s to %s daddr", families[f].protocol,
		         families[f].header, families[f].header);
	close_chain(text);
}

static void add_redirection(int f, struct text *text)
{
	const struct family_words *words = &families[f];
	text_addf(text, "dnat %s to %s daddr . meta l4proto . th dport map @redirects-%c\n", words->header,
	          words->header, words->digit);
}

/*
 * With masquerade_all, pods that are led to a cluster IP are masqueraded as if they had asked for it. The mark has to
 * come first, since the translation ends all; who is not led anywhere loses it again.
 */
static void add_inside(const struct filter_rules *rules, const struct statements *statements,
                       struct text *text)
{
	open_chain(text, "inside");
	for (int f = 0; f < FAMILIES; f++) {
		text_addf(text, "\t\tmeta mark & 0x%x != 0 ", rules->masquerade_mark);
		add_redirection(f, text);
	}
	if (rules->masquerade_all)
		add_line(text, "meta mark & 0x%x != 0 return", rules->masquerade_mark);
	for (int f = 0; f < FAMILIES; f++) {
		if (!tells_pods(&rules->detectors[f]))
			continue;
		if (rules->masquerade_all)
			add_pod_rule(rules, f, "", text, statements->mark);
		text_add(text, "\t\t");
		add_pods(rules, f, "", text);
		add_redirection(f, text);
		if (rules->masquerade_all)
			add_pod_rule(rules, f, "", text, statements->unmark);
	}
	close_chain(text);
}

/* R7.12; without anything that tells pods from others, all keep their source but the node. */
static void add_to_cluster_ip(const struct filter_rules *rules, const struct statements *statements,
                              struct text *text)
{
	open_chain(text, filter_chain_name(FILTER_MASQUERADE_OUTSIDERS, false));
	if (rules->masquerade_all)
		add_line(text, "%s", statements->mark);
	for (int f = 0; f < FAMILIES && !rules->masquerade_all; f++)
		if (tells_pods(&rules->detectors[f]))
			add_pod_rule(rules, f, "!= ", text, statements->mark);
	add_line(text, "goto settle");
	close_chain(text);
}

/*
 * The protocol is asked of connection tracking, which always knows it in a nat chain: libnftables 1.0.6 brings `meta l4proto`
 * into the byte order of ranges by an operation that does nothing to one byte, and that newer kernels (7.2) refuse.
 */
static void add_restricted(enum filter_verdict verdict, struct text *text)
{
	open_chain(text, filter_chain_name(verdict, true));
	for (int f = 0; f < FAMILIES; f++) {
		const char *header = families[f].header;
		add_line(text, "%s daddr . ct protocol . th dport . %s saddr @source-ranges-%c goto %s",
		         header, header, families[f].digit, filter_chain_name(verdict, false));
	}
	add_line(text, "drop");
	close_chain(text);
}

static void add_verdicts(const struct filter_rules *rules, const struct statements *statements,
                         struct text *text)
{
	const struct {
		enum filter_verdict verdict;
		const char *first;
		const char *second;
	} rows[] = {
	        {FILTER_MASQUERADE, statements->mark, "goto settle"},
	        {FILTER_KEEP_SOURCE, "jump inside", "goto settle"},
	        {FILTER_DROP, "jump inside", "drop"},
	        {FILTER_REJECT, "meta l4proto tcp reject with tcp reset",
	         "reject with icmpx port-unreachable"},
	};
	add_to_cluster_ip(rules, statements, text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_chain(text, filter_chain_name(rows[i].verdict, false));
		add_line(text, "%s", rows[i].first);
		add_line(text, "%s", rows[i].second);
		close_chain(text);
		add_restricted(rows[i].verdict, text);
	}
}

static void add_unserved(const struct filter_rules *rules, struct text *text)
{
	open_chain(text, "unserved");
	if (rules->answer_ping) {
		add_line(text, "icmp type echo-request accept");
		add_line(text, "icmpv6 type echo-request accept");
	}
	add_line(text, "goto %s", filter_chain_name(FILTER_REJECT, false));
	close_chain(text);
}

void filter_text_rules(const struct filter_rules *rules, struct text *text)
{
	struct statements statements = statements_of(rules);
	/* A table has to be there before its rules, not its elements, can be flushed. */
	text_add(text, "table inet " FILTER_TABLE " {\n}\nflush table inet " FILTER_TABLE "\n");
	text_add(text, "table inet " FILTER_TABLE " {\n");
	add_sets(text);
	add_entrances(&statements, text);
	add_guard(text);
	add_exit(rules, text);
	add_settle(text);
	add_inside(rules, &statements, text);
	add_verdicts(rules, &statements, text);
	add_unserved(rules, text);
	text_add(text, "}\n");
}
