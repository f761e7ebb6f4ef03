/*
 * The chains and jumps of kube-proxy's mode ipvs in one table of iptables, whatever the backend: their names, and which of
 * those that are there may go.
 */
#ifndef KUBE_IPVS_APPLY_KUBE_PROXY_CHAINS_H
#define KUBE_IPVS_APPLY_KUBE_PROXY_CHAINS_H

#include "apply/kube_proxy.h"

enum { OWN_CHAINS_MOST = 8, OWN_TABLES = 3, NO_CHAIN = -1 };

/* A table that may hold chains of kube-proxy's. */
struct own_table {
	const char *name;
	const char *chains[OWN_CHAINS_MOST]; /* NULL after the last */
};

extern const struct own_table own_tables[OWN_TABLES];

/* NULL: no table with chains of kube-proxy's has this name. */
const struct own_table *own_table_find(const char *name);
/* Its place in `chains`, or NO_CHAIN. */
int own_chain_find(const struct own_table *own, const char *name);
/* Whether it is one of the nine jumps: `comment` is that of a rule which has no other condition; NULL: it has others, or none. */
bool own_jump(const struct own_table *own, const char *from, int to, const char *comment);

/* A rule that leads to one of kube-proxy's chains, by a jump or otherwise. */
struct leading_rule {
	const char *chain; /* in which it stands; in an arena */
	int to;            /* place in `chains` */
	bool own;          /* one of the nine */
	uint64_t place;    /* in nf_tables its handle, in a legacy table its number in its chain, from 0 */
};

/* One table as read. */
struct chain_table {
	const struct own_table *own;
	enum family family;
	bool present[OWN_CHAINS_MOST];
	vector_of(struct leading_rule) rules;
	/* Worked out by chain_table_decide: NULL, or in which chain somebody else's rule stands, or one of a chain that stays. */
	const char *kept_by[OWN_CHAINS_MOST];
};

void chain_table_done(struct chain_table *table);
bool chain_table_is_empty(const struct chain_table *table);
void chain_table_decide(struct chain_table *table);
void chain_table_count(const struct chain_table *table, struct kube_proxy_traces *traces);
/* Reports all of it: as removed, or as failed if `error` is not 0, with `words` if there are any; and what stays. */
void chain_table_report(const struct chain_table *table, const char *backend, int error, const char *words,
                        struct arena *arena, struct kube_proxy_report *report);

void report_add(struct kube_proxy_report *report, enum kube_proxy_fate fate, const char *what,
                const char *why);
/* What a person should read for a negative errno, in `arena`. */
const char *report_reason(int error, struct arena *arena);

/* Names of its ipsets, those of IPv4 first. False: there are no more. */
enum { OWN_SETS = 34, OWN_SET_NAME_SIZE = 32 };
bool own_set_name(size_t index, char ret_name[static OWN_SET_NAME_SIZE]);

/* ---- the backends: each adds what it finds to `traces`, or removes it. A negative errno: it could not be read. */
int nft_look(const struct kernel_transport *transport, struct kube_proxy_traces *traces);
void nft_remove(const struct kernel_transport *transport, struct arena *arena,
                struct kube_proxy_report *report);
int legacy_look(struct kube_proxy_traces *traces);
void legacy_remove(struct arena *arena, struct kube_proxy_report *report);
int sets_look(const struct kernel_transport *transport, size_t *ret_count);

#endif
