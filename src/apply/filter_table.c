#include "filter_table.h"

#include "base/memory.h"
#include "base/vector.h"
#include "nf_tables.h"
#include "plan/filter_text.h"

#include <errno.h>
#include <string.h>

/* ---- the digest: FNV-1a of whole attributes */

#define DIGEST_START UINT64_C(0xcbf29ce484222325)
#define DIGEST_PRIME UINT64_C(0x100000001b3)

static void digest_add(uint64_t *digest, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		*digest = (*digest ^ ((const uint8_t *)bytes)[i]) * DIGEST_PRIME;
}

/* `types` ends with 0. */
static void digest_add_attributes(uint64_t *digest, struct nlattr **attributes, const uint8_t *types)
{
	for (; *types; types++) {
		const struct nlattr *attribute = attributes[*types];
		if (attribute)
			digest_add(digest, attribute, attribute->nla_len);
	}
}

/* ---- the parts */

static int take_table(void *context, const struct nlmsghdr *answer)
{
	static const uint8_t counted[] = {NFTA_TABLE_FLAGS, 0};
	struct filter_table *table = context;
	struct nlattr *attributes[NFTA_TABLE_MAX + 1];
	if (!nf_tables_parse(answer, NFT_MSG_NEWTABLE, attributes, NFTA_TABLE_MAX))
		return -EBADMSG;
	digest_add_attributes(&table->digest, attributes, counted);
	table->present = true;
	return 0;
}

static void forget_chains(struct filter_table *table)
{
	for (size_t i = 0; i < table->chain_count; i++)
		memory_free_pointer(&table->chains[i]);
	table->chain_count = 0;
}

/* A part that may be read again. */
struct part {
	struct filter_table *table;
	uint64_t digest_before;
};

static void restart(void *context)
{
	struct part *part = context;
	part->table->digest = part->digest_before;
}

static void restart_chains(void *context)
{
	struct part *part = context;
	restart(context);
	forget_chains(part->table);
}

static bool of_our_table(const struct nlattr *attribute)
{
	const char *name = nf_tables_text(attribute);
	return name && strcmp(name, FILTER_TABLE) == 0;
}

/* The kernel gives the chains of all tables of the family. */
static int take_chain(void *context, const struct nlmsghdr *answer)
{
	static const uint8_t counted[] = {NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK,  NFTA_CHAIN_POLICY,
	                                  NFTA_CHAIN_TYPE, NFTA_CHAIN_FLAGS, 0};
	struct filter_table *table = ((struct part *)context)->table;
	struct nlattr *attributes[NFTA_CHAIN_MAX + 1];
	if (!nf_tables_parse(answer, NFT_MSG_NEWCHAIN, attributes, NFTA_CHAIN_MAX))
		return -EBADMSG;
	if (!of_our_table(attributes[NFTA_CHAIN_TABLE]))
		return 0;
	const char *name = nf_tables_text(attributes[NFTA_CHAIN_NAME]);
	if (!name)
		return -EBADMSG;
	if (table->chain_count == table->chain_capacity)
		table->chains = vector_grown(table->chains, table->chain_count, &table->chain_capacity,
		                             sizeof(*table->chains));
	table->chains[table->chain_count++] = memory_copy_text(name);
	digest_add_attributes(&table->digest, attributes, counted);
	return 0;
}

static int take_rule(void *context, const struct nlmsghdr *answer)
{
	static const uint8_t counted[] = {NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS, 0};
	struct filter_table *table = ((struct part *)context)->table;
	struct nlattr *attributes[NFTA_RULE_MAX + 1];
	if (!nf_tables_parse(answer, NFT_MSG_NEWRULE, attributes, NFTA_RULE_MAX))
		return -EBADMSG;
	if (of_our_table(attributes[NFTA_RULE_TABLE]))
		digest_add_attributes(&table->digest, attributes, counted);
	return 0;
}

/* ---- the whole */

static int read_chains_and_rules(struct conversation *netfilter, struct filter_table *table)
{
	struct part part = {.table = table, .digest_before = table->digest};
	const struct dump chains = {.restart = restart_chains, .take = take_chain, .context = &part};
	const struct dump rules = {.restart = restart, .take = take_rule, .context = &part};
	nf_tables_begin(netfilter, NFPROTO_INET, NFT_MSG_GETCHAIN);
	int error = conversation_dump(netfilter, &chains);
	if (error)
		return error;
	part.digest_before = table->digest;
	message_put_text(nf_tables_begin(netfilter, NFPROTO_INET, NFT_MSG_GETRULE), NFTA_RULE_TABLE,
	                 FILTER_TABLE);
	return conversation_dump(netfilter, &rules);
}

int filter_table_read(struct conversation *netfilter, struct filter_table *ret_table)
{
	forget_chains(ret_table);
	ret_table->present = false;
	ret_table->digest = DIGEST_START;
	message_put_text(nf_tables_begin(netfilter, NFPROTO_INET, NFT_MSG_GETTABLE), NFTA_TABLE_NAME,
	                 FILTER_TABLE);
	int error = conversation_ask(netfilter, take_table, ret_table);
	if (error == -ENOENT)
		return 0;
	if (!error && !ret_table->present)
		return -EBADMSG;
	return error ? error : read_chains_and_rules(netfilter, ret_table);
}

void filter_table_done(struct filter_table *table)
{
	forget_chains(table);
	vector_free_items(table->chains);
	*table = (struct filter_table){0};
}
