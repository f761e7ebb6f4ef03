#include "apply/firewalls.h"

#include "base/vector.h"
#include "nf_tables.h"

#include <errno.h>

struct search {
	struct arena *arena;
	vector_of(struct dropping_chain) found;
};

static const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	default:
		return NULL;
	}
}

/* False: the chain has no hook, or one that packets of Services do not pass. */
static bool read_hook(struct nlattr *attribute, enum dropping_hook *ret_hook)
{
	struct nlattr *hook[NFTA_HOOK_MAX + 1];
	if (!attribute || nla_parse_nested(hook, NFTA_HOOK_MAX, attribute, NULL) < 0 ||
	    !hook[NFTA_HOOK_HOOKNUM])
		return false;
	uint32_t number = ntohl(nla_get_u32(hook[NFTA_HOOK_HOOKNUM]));
	*ret_hook = number == NF_INET_LOCAL_IN ? DROPS_INPUT : DROPS_FORWARD;
	return number == NF_INET_LOCAL_IN || number == NF_INET_FORWARD;
}

static int take_chain(void *context, const struct nlmsghdr *answer)
{
	struct search *search = context;
	struct nlattr *chain[NFTA_CHAIN_MAX + 1];
	const struct nfgenmsg *header = nlmsg_data(answer);
	struct dropping_chain dropping;
	if (!nf_tables_parse(answer, NFT_MSG_NEWCHAIN, chain, NFTA_CHAIN_MAX))
		return -EBADMSG;
	dropping.family = family_name(header->nfgen_family);
	dropping.table = nf_tables_text(chain[NFTA_CHAIN_TABLE]);
	dropping.name = nf_tables_text(chain[NFTA_CHAIN_NAME]);
	if (!dropping.family || !dropping.table || !dropping.name || !chain[NFTA_CHAIN_POLICY] ||
	    ntohl(nla_get_u32(chain[NFTA_CHAIN_POLICY])) != NF_DROP ||
	    !read_hook(chain[NFTA_CHAIN_HOOK], &dropping.hook))
		return 0;
	dropping.table = arena_copy_text(search->arena, dropping.table);
	dropping.name = arena_copy_text(search->arena, dropping.name);
	vector_push(&search->found, dropping);
	return 0;
}

static void forget_all(void *context)
{
	struct search *search = context;
	vector_clear(&search->found);
}

static int search_chains(struct conversation *conversation, struct search *search)
{
	const struct dump dump = {.restart = forget_all, .take = take_chain, .context = search};
	int error = conversation_open(conversation);
	if (error)
		return error;
	nf_tables_begin(conversation, NFPROTO_UNSPEC, NFT_MSG_GETCHAIN);
	return conversation_dump(conversation, &dump);
}

int firewalls_find(const struct kernel_transport *transport, struct arena *arena,
                   struct dropping_chain **ret_chains, size_t *ret_count)
{
	struct conversation conversation;
	struct search search = {.arena = arena};
	conversation_init(&conversation, transport ? transport : &kernel_transport_real, NETLINK_NETFILTER);
	int error = search_chains(&conversation, &search);
	conversation_done(&conversation);
	if (error == -EOPNOTSUPP || error == -EINVAL || error == -EPROTONOSUPPORT)
		error = 0; /* no nf_tables here, so none of its chains */
	*ret_count = error ? 0 : search.found.count;
	*ret_chains = arena_new_array(arena, search.found.count, struct dropping_chain);
	for (size_t i = 0; i < *ret_count; i++)
		(*ret_chains)[i] = search.found.items[i];
	vector_done(&search.found);
	return error;
}
