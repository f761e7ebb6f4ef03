/*
 * A history: operations on a world, one after the other, each followed by what the daemon does about it and by a look whether
 * the kernel is what the reference says. An operation means something whatever went before it, so that a history with
 * some of its operations left out is one too.
 */
#ifndef KUBE_IPVS_TEST_UNIT_MODEL_HISTORY_H
#define KUBE_IPVS_TEST_UNIT_MODEL_HISTORY_H

#include "base/text.h"
#include "base/vector.h"
#include "model_world.h"

enum deed {
	DEED_ROLL,   /* a thing is made, or made wholly new */
	DEED_CHANGE, /* one field of it */
	DEED_REMOVE,
	DEED_WHOLE_PASS,
	DEED_RESTART,
	DEED_RESTART_IN_PARTS, /* some Services can be read only after a first pass that removes nothing */
	DEED_TAMPER,           /* somebody changes the kernel; a whole pass follows */
	DEED_CONNECT,          /* some connections begin, others end */
};

struct operation {
	uint8_t deed;
	uint8_t kind; /* enum world_kind */
	uint8_t slot;
	bool waits; /* no pass follows at once */
	uint32_t seed;
};

struct history {
	vector_of(struct operation) operations;
	bool excluding; /* --ipvs-exclude-cidrs covers one of the addresses */
};

struct verdict {
	bool failed;
	struct text sentence;
	struct text wanted, got; /* the tables, if they differ */
	struct text story;       /* if told to: each operation, and what the kernel was sent for it */
};

/* `length` random operations. */
void history_roll(uint64_t seed, size_t length, struct history *ret_history);
/* Lives the history, to its end or to the first thing that is wrong. */
void history_live(const struct history *history, bool tell_story, struct verdict *ret_verdict);
void history_done(struct history *history);
void verdict_done(struct verdict *verdict);

#endif
