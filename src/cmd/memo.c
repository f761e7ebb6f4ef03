#include "memo.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct memo_entry {
	char *subject;
	char *text;
	unsigned generation;
	UT_hash_handle hh;
};

static struct memo_entry *find(const struct memo *memo, const char *subject)
{
	struct memo_entry *entry;
	HASH_FIND_STR(memo->entries, subject, entry);
	return entry;
}

static void forget(struct memo *memo, struct memo_entry *entry)
{
	HASH_DEL(memo->entries, entry);
	free(entry->subject);
	free(entry->text);
	free(entry);
}

void memo_done(struct memo *memo)
{
	struct memo_entry *entry, *next;
	HASH_ITER (hh, memo->entries, entry, next) {
		forget(memo, entry);
	}
}

bool memo_put(struct memo *memo, const char *subject, const char *text)
{
	struct memo_entry *entry = find(memo, subject);
	if (entry == NULL) {
		entry = memory_alloc(sizeof(*entry));
		entry->subject = memory_copy_text(subject);
		HASH_ADD_KEYPTR(hh, memo->entries, entry->subject, strlen(entry->subject), entry);
	}
	entry->generation = memo->generation;
	if (entry->text != NULL && strcmp(entry->text, text) == 0)
		return false;
	free(entry->text);
	entry->text = memory_copy_text(text);
	return true;
}

bool memo_has(const struct memo *memo, const char *subject)
{
	return find(memo, subject) != NULL;
}

bool memo_remove(struct memo *memo, const char *subject)
{
	struct memo_entry *entry = find(memo, subject);
	if (entry != NULL)
		forget(memo, entry);
	return entry != NULL;
}

size_t memo_count(const struct memo *memo)
{
	return HASH_COUNT(memo->entries);
}

void memo_begin_round(struct memo *memo)
{
	memo->generation++;
}

void memo_sweep(struct memo *memo, void (*forgotten)(void *context, const char *subject), void *context)
{
	struct memo_entry *entry, *next;
	HASH_ITER (hh, memo->entries, entry, next) {
		if (entry->generation == memo->generation)
			continue;
		forgotten(context, entry->subject);
		forget(memo, entry);
	}
}
