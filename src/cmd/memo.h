/*
 * What was said already, so that each thing is said once: a text per subject.
 */
#ifndef KUBE_IPVS_CMD_MEMO_H
#define KUBE_IPVS_CMD_MEMO_H

#include <stdbool.h>
#include <stddef.h>

struct memo_entry;

/* Ready when all zero. */
struct memo {
	struct memo_entry *entries;
	unsigned generation;
};

void memo_done(struct memo *memo);
/* Notes `text` for `subject`, copying both. True: it is new, or another text than before. */
bool memo_put(struct memo *memo, const char *subject, const char *text);
bool memo_has(const struct memo *memo, const char *subject);
/* True: something was noted for it. */
bool memo_remove(struct memo *memo, const char *subject);
size_t memo_count(const struct memo *memo);
/* A round begins: what is not put from here on is forgotten by the sweep that ends it. */
void memo_begin_round(struct memo *memo);
/* Forgets the subjects that were not put since the round began, telling `forgotten` of each. */
void memo_sweep(struct memo *memo, void (*forgotten)(void *context, const char *subject), void *context);

#endif
