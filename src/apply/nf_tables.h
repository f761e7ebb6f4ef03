/*
 * What the readers of nf_tables share: beginning a message, and looking at attributes.
 */
#ifndef KUBE_IPVS_APPLY_NF_TABLES_H
#define KUBE_IPVS_APPLY_NF_TABLES_H

#include "conversation.h"

#include <arpa/inet.h> /* before linux/in.h, which steps back then */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

/* A message to be completed with attributes. `family` is an NFPROTO_*, `type` an NFT_MSG_*. */
static inline struct message *nf_tables_begin(struct conversation *netfilter, uint8_t family, uint16_t type)
{
	const struct nfgenmsg header = {.nfgen_family = family, .version = NFNETLINK_V0};
	message_begin(&netfilter->message, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), 0, &header,
	              sizeof(header));
	return &netfilter->message;
}

/* Whether the answer is of this type; its attributes are then parsed. */
static inline bool nf_tables_parse(const struct nlmsghdr *answer, uint16_t type, struct nlattr **attributes,
                                   int max)
{
	return answer->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type) &&
	       nlmsg_parse((struct nlmsghdr *)(uintptr_t)answer, sizeof(struct nfgenmsg), attributes, max,
	                   NULL) >= 0;
}

/* A text as the kernel sends it, with its NUL; NULL: it is none. */
static inline const char *nf_tables_text(const struct nlattr *attribute)
{
	if (!attribute || nla_len(attribute) < 1)
		return NULL;
	const char *text = nla_data(attribute);
	return text[nla_len(attribute) - 1] == '\0' ? text : NULL;
}

#endif
