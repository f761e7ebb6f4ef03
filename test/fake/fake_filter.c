/*
 * The fake's packet filter: the elements of sets and maps by their text, as commands bring them, and in netlink's form, as
 * dumps show them. It knows no types: a word's look says what it is. Of chains and rules it keeps nothing.
 */
#include "fake_kernel.h"

#include "base/check.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATOR " . "

/* ---- commands */

static struct fake_filter_element *find_in(struct fake_filter_element *elements, size_t count,
                                           const char *set, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(elements[i].key, key) == 0 && strcmp(elements[i].set, set) == 0)
			return &elements[i];
	return NULL;
}

static struct fake_filter_element *find(struct fake_filter *filter, const char *set, const char *key)
{
	return find_in(filter->elements.items, filter->elements.count, set, key);
}

static struct fake_filter_element named(const char *set, const char *key)
{
	struct fake_filter_element element = {0};
	CHECK(strlen(set) < sizeof(element.set) && strlen(key) < sizeof(element.key));
	strcpy(element.set, set);
	strcpy(element.key, key);
	return element;
}

static int add(struct fake_filter *filter, const char *set, const char *key, const char *value)
{
	const struct fake_filter_element *present = find(filter, set, key);
	struct fake_filter_element element = named(set, key);
	CHECK(strlen(value) < sizeof(element.value));
	strcpy(element.value, value);
	vector_push(&filter->touched, element);
	if (present)
		return strcmp(present->value, value) == 0 ? 0 : -EEXIST;
	vector_push(&filter->elements, element);
	return 0;
}

static int delete (struct fake_filter *filter, const char *set, const char *key, const char *value)
{
	(void)value;
	struct fake_filter_element *present = find(filter, set, key);
	if (!present)
		return -ENOENT;
	vector_push(&filter->touched, *present);
	*present = filter->elements.items[--filter->elements.count];
	return 0;
}

static char *trimmed(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	for (char *end = text + strlen(text); end > text && isspace((unsigned char)end[-1]);)
		*--end = '\0';
	return text;
}

/* "KEY : VALUE, KEY : VALUE" */
static int run_elements(struct fake_filter *filter, char *list, const char *set,
                        int (*each)(struct fake_filter *, const char *, const char *, const char *),
                        struct text *words)
{
	char *rest = NULL;
	for (char *item = strtok_r(list, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
		char *value = strstr(item, " : ");
		if (value) {
			*value = '\0';
			value = trimmed(value + 3);
		}
		int error = each(filter, set, trimmed(item), value ? value : "");
		if (error) {
			text_addf(words, "%s, at %s", strerror(-error), trimmed(item));
			return error;
		}
	}
	return 0;
}

/* False: it is about the table, its chains and rules. */
static bool run_command(struct fake_filter *filter, char *line, struct text *words, int *ret_error)
{
	char verb[16], set[64];
	char *open = strchr(line, '{'), *close = strrchr(line, '}');
	if (sscanf(line, "%15s element inet kube-ipvs %63s", verb, set) != 2 || !open || !close)
		return false;
	*close = '\0';
	*ret_error = run_elements(filter, open + 1, set, strcmp(verb, "add") == 0 ? add : delete, words);
	return true;
}

static int run_commands(struct fake_filter *filter, char *commands, struct text *words)
{
	char *rest = NULL;
	int error = 0;
	if (strstr(commands, "delete table inet kube-ipvs")) {
		vector_for_each (&filter->elements, element)
			vector_push(&filter->touched, *element);
		vector_clear(&filter->elements);
		filter->present = strstr(commands, "chain") != NULL;
		return 0;
	}
	for (char *line = strtok_r(commands, ";\n", &rest); line && !error;
	     line = strtok_r(NULL, ";\n", &rest)) {
		if (!run_command(filter, line, words, &error))
			filter->present = true;
		else if (!filter->present)
			return -ENOENT;
	}
	return error;
}

/* What came of elements that a transaction names, each told once: one that is deleted and added has changed. */
static void tell(const struct fake_kernel *fake, struct fake_filter *before, struct fake_filter *after)
{
	for (size_t i = 0; i < after->touched.count; i++) {
		const struct fake_filter_element *element = &after->touched.items[i];
		if (find_in(after->touched.items, i, element->set, element->key))
			continue;
		const struct fake_filter_element *old = find(before, element->set, element->key);
		const struct fake_filter_element *now = find(after, element->set, element->key);
		struct fake_event event = {.deed = !now  ? FAKE_REMOVE
		                                   : old ? FAKE_CHANGE
		                                         : FAKE_ADD,
		                           .element = now ? now : element,
		                           .needless = old && now ? strcmp(old->value, now->value) == 0
		                                                  : old == now};
		fake_tell(fake, &event);
	}
}

int fake_filter_run(void *context, void **session, const char *commands, struct text *ret_words)
{
	struct fake_kernel *fake = context;
	struct fake_filter *filter = &fake->filter;
	(void)session;
	bool refused = ++filter->transactions == fake->failures.refuse_transaction_at;
	if (refused) {
		text_add(ret_words, "refused");
		if (!fake->failures.transaction_done)
			return fake->failures.transaction_error;
	}
	struct fake_filter copy = {.present = filter->present};
	vector_for_each (&filter->elements, element)
		vector_push(&copy.elements, *element);
	auto_free char *text = memory_copy_text(commands);
	int error = run_commands(&copy, text, ret_words);
	if (!error)
		tell(fake, filter, &copy);
	vector_done(&copy.touched);
	if (error) {
		vector_done(&copy.elements);
		return error;
	}
	copy.transactions = filter->transactions;
	vector_done(&filter->elements);
	*filter = copy;
	return refused ? fake->failures.transaction_error : 0;
}

void fake_filter_close(void *context, void *session)
{
	(void)context, (void)session;
}

/* ---- netlink */

struct bytes {
	unsigned char bytes[64];
	size_t length;
};

static void put(struct bytes *bytes, const void *part, size_t length, bool padded)
{
	CHECK(bytes->length + 16 <= sizeof(bytes->bytes));
	memcpy(bytes->bytes + bytes->length, part, length);
	bytes->length += padded ? (length + 3) / 4 * 4 : length;
}

/* The first, or with `last` the last, address of what is an address or a prefix. */
static void put_address(struct bytes *bytes, const char *word, bool last, bool padded)
{
	struct cidr range;
	CHECK(cidr_parse(word, true, &range));
	unsigned bits = family_bits(range.base.family);
	for (unsigned bit = range.prefix_bits; last && bit < bits; bit++)
		range.base.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	put(bytes, range.base.bytes, bits / 8, padded);
}

static void put_word(struct bytes *bytes, const char *word, bool last, bool padded)
{
	static const struct {
		const char *word;
		uint8_t protocol;
	} protocols[] = {{"tcp", PROTOCOL_TCP}, {"udp", PROTOCOL_UDP}, {"sctp", PROTOCOL_SCTP}};
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(word, protocols[i].word) == 0) {
			put(bytes, &protocols[i].protocol, 1, padded);
			return;
		}
	if (strpbrk(word, ".:")) {
		put_address(bytes, word, last, padded);
		return;
	}
	uint16_t port = htons((uint16_t)strtoul(word, NULL, 10));
	put(bytes, &port, sizeof(port), padded);
}

static struct bytes encode(const char *fields, bool last)
{
	struct bytes bytes = {0};
	char word[ADDRESS_TEXT_SIZE + 4];
	bool padded = strstr(fields, SEPARATOR) != NULL;
	while (*fields) {
		const char *end = strstr(fields, SEPARATOR);
		size_t length = end ? (size_t)(end - fields) : strlen(fields);
		CHECK(length < sizeof(word));
		memcpy(word, fields, length);
		word[length] = '\0';
		put_word(&bytes, word, last, padded);
		fields += length + (end ? strlen(SEPARATOR) : 0);
	}
	return bytes;
}

static void put_value(struct nl_msg *message, int type, const struct bytes *bytes)
{
	struct nlattr *nest = nla_nest_start(message, type);
	CHECK(nest && nla_put(message, NFTA_DATA_VALUE, (int)bytes->length, bytes->bytes) == 0);
	nla_nest_end(message, nest);
}

static void put_verdict(struct nl_msg *message, const char *chain)
{
	struct nlattr *data = nla_nest_start(message, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = nla_nest_start(message, NFTA_DATA_VERDICT);
	CHECK(data && verdict && nla_put_u32(message, NFTA_VERDICT_CODE, htonl((uint32_t)NFT_GOTO)) == 0 &&
	      nla_put_string(message, NFTA_VERDICT_CHAIN, chain) == 0);
	nla_nest_end(message, verdict);
	nla_nest_end(message, data);
}

static void put_element(struct nl_msg *message, const struct fake_filter_element *element)
{
	struct nlattr *list = nla_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *item = nla_nest_start(message, NFTA_LIST_ELEM);
	struct bytes key = encode(element->key, false), end = encode(element->key, true);
	CHECK(list && item);
	put_value(message, NFTA_SET_ELEM_KEY, &key);
	if (strncmp(element->set, "source-ranges", strlen("source-ranges")) == 0)
		put_value(message, NFTA_SET_ELEM_KEY_END, &end);
	if (strncmp(element->value, "goto ", 5) == 0) {
		put_verdict(message, element->value + 5);
	} else if (element->value[0]) {
		struct bytes value = encode(element->value, false);
		put_value(message, NFTA_SET_ELEM_DATA, &value);
	}
	nla_nest_end(message, item);
	nla_nest_end(message, list);
}

static struct nl_msg *begin(uint16_t type)
{
	const struct nfgenmsg header = {.version = NFNETLINK_V0};
	struct nl_msg *message = nlmsg_alloc();
	CHECK(message && nlmsg_put(message, 0, 0, NFNL_SUBSYS_NFTABLES << 8 | type, 0, 0));
	CHECK(nlmsg_append(message, (void *)(uintptr_t)&header, sizeof(header), NLMSG_ALIGNTO) == 0);
	return message;
}

static int dump_elements(struct fake_filter *filter, struct fake_socket *socket, struct nlmsghdr *request)
{
	struct nlattr *set = nlmsg_find_attr(request, sizeof(struct nfgenmsg), NFTA_SET_ELEM_LIST_SET);
	if (!filter->present || !set)
		return -ENOENT;
	vector_for_each (&filter->elements, element) {
		if (nla_strcmp(set, element->set) != 0)
			continue;
		struct nl_msg *message = begin(NFT_MSG_NEWSETELEM);
		put_element(message, element);
		fake_answer(socket, request, message, true);
	}
	return 0;
}

static struct nl_msg *new_table_answer(void)
{
	struct nl_msg *message = begin(NFT_MSG_NEWTABLE);
	CHECK(nla_put_string(message, NFTA_TABLE_NAME, "kube-ipvs") == 0);
	CHECK(nla_put_u32(message, NFTA_TABLE_FLAGS, 0) == 0);
	return message;
}

int fake_filter_handle(struct fake_kernel *fake, struct fake_socket *socket, struct nlmsghdr *request)
{
	switch (request->nlmsg_type & 0xff) {
	case NFT_MSG_GETTABLE:
		if (!fake->filter.present)
			return -ENOENT;
		fake_answer(socket, request, new_table_answer(), false);
		return 0;
	case NFT_MSG_GETCHAIN:
	case NFT_MSG_GETRULE:
		return 0;
	case NFT_MSG_GETSETELEM:
		return dump_elements(&fake->filter, socket, request);
	default:
		return -EINVAL;
	}
}
