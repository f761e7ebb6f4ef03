/*
 * The book of drains: which real servers drain, since when, and what the last look found.
 *
 * A pass writes into it what drains after it (drains_prepare, drains_settle); who looks at the connections asks it what is
 * over (drain_judge). It is also a small file, RECORD_DIRECTORY/drains, so that a restart knows when a drain began:
 *
 *	drain-timeout 900.000
 *	TCP 10.96.0.10:80 10.244.0.3:8080 12345.678 terminating
 *
 * (virtual server, real server, beginning in seconds since the boot, and whether the endpoint was seen terminating). Losing
 * it is safe: drains then begin anew.
 *
 * With --drain-on-delete what is left of a Service is kept in the ledger, under an owner of its own (LEDGER_LEFT_OVER),
 * until all its drains are over; then that virtual server is *released*.
 */
#ifndef KUBE_IPVS_CMD_DRAINS_H
#define KUBE_IPVS_CMD_DRAINS_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/vector.h"
#include "plan/drains.h"
#include "plan/ledger.h"

#include <stdint.h>

#define DRAINS_FILE "drains"

/* How a drain ends. */
enum drain_end {
	DRAIN_DONE,       /* no connection is open any more */
	DRAIN_TIMEOUT,    /* --drain-timeout */
	DRAIN_GRACE_OVER, /* the endpoint was terminating, and is in no slice any more */
	DRAIN_RETURNED,   /* it is wanted again */
	DRAIN_GONE,       /* somebody removed it, or its virtual server went */
	DRAIN_ENDS,
	DRAIN_WAITS = DRAIN_ENDS, /* not yet */
};

/* What the connections of one real server do; counted by a look at each of them. */
struct drain_sight {
	bool taken;                 /* all below is of the last look */
	uint32_t open, half_closed; /* half closed: one side has said that it will send no more */
	uint32_t closed;            /* the kernel only remembers them */
	uint32_t most_idle_seconds; /* of the open ones, the one that has been silent longest; 0: not known */
	struct flow_end most_idle;  /* its client */
};

struct drain {
	struct virtual_server_key key;
	struct flow_end end;
	int64_t since_ms; /* CLOCK_BOOTTIME */
	char *label;      /* owned; NULL: nobody told */
	bool terminating; /* its endpoint was, when last told */
	bool leaving;     /* and is still in a slice */
	bool left_over;   /* its virtual server is, too */
	bool over;        /* its end was told; it waits for the others of a left-over virtual server */
	bool saved;       /* the file has it */
	bool confirmed;   /* by a pass; until then it is what the last process left */
	bool told, warned;
	uint32_t number; /* of a look that is under way */
	bool quiet;      /* the last look found no open connection */
	/* As the last look found it in the kernel. */
	bool looked, absent;
	bool in_look;             /* it took part in the last one */
	struct real_server found; /* unless it is absent */
	uint32_t active, inactive;
	struct drain_sight sight;
};

typedef vector_of(struct virtual_server_key) drain_keys;

struct drain_book {
	vector_of(struct drain) drains; /* ascending by key and end */
	drain_keys left_over;           /* ascending, as are all */
	drain_keys released;            /* drains are over; they go with the next pass */
	bool on_delete;                 /* --drain-on-delete */
	bool unsaved;                   /* the file says something that is so no more */
	size_t ended[DRAIN_ENDS];       /* all told so far */
};

void drains_done(struct drain_book *book);
const char *drain_end_name(enum drain_end end); /* as the metric's label: "done", "timeout", ... */

/* ---- a pass */

struct drain_pass {
	bool whole;
	struct state present, wanted; /* to be compared: `wanted` is extended by what drains */
	struct draining_list draining;
};

/*
 * Between reading and comparing. `pass` has whole, present and wanted set: of a whole pass what the kernel holds and all
 * that the ledger wants, of a small one what ledger_touched gave; and gets present, wanted and draining. It may put what is
 * left of Services into the ledger. Builds in `arena`, borrows until the ledger's next put.
 */
void drains_prepare(struct drain_book *book, struct ledger *ledger, const struct removal_rules *rules,
                    struct arena *arena, struct drain_pass *pass);
/* After the changes were performed. Returns how many are to be looked at at once: they began, or their grace period is over. */
size_t drains_settle(struct drain_book *book, const struct drain_pass *pass, const struct changes *changes,
                     int64_t now_ms);

/* ---- between passes */

/* NULL: it does not drain. */
struct drain *drains_find(struct drain_book *book, const struct virtual_server_key *key,
                          const struct flow_end *end);
/* What becomes of a drain after a look; notes whether it is quiet. */
enum drain_end drain_judge(struct drain *drain, int64_t now_ms, int64_t timeout_ms);
/* Whether it cannot be judged without a look at each connection. */
bool drain_needs_sight(const struct drain *drain);
/* Nobody wants it any more; the ledger may know better than the last pass. */
bool drain_still_unwanted(const struct drain *drain, const struct ledger *ledger);
/* It is over: counted, and out of the book. What is left of a Service stays in it, as `over`, until it is released. */
void drains_end(struct drain_book *book, struct drain *drain, enum drain_end end);
/*
 * Takes what is left of Services out of the ledger where all drains are over. True: there was some, and the next pass
 * removes it.
 */
bool drains_release(struct drain_book *book, struct ledger *ledger);
size_t drains_count(const struct drain_book *book); /* those that are not over */
/* SCTP flows to who drains may go on; those of UDP never do. In `arena`. */
void drains_keep_flows(const struct drain_book *book, struct arena *arena, struct flow_port *ports,
                       size_t count);

/* ---- the file */

/* No file is an empty book. Lines that cannot be read are left out and counted. A negative errno when it cannot be read. */
int drains_read(struct drain_book *book, const char *directory, int64_t now_ms, size_t *ret_unreadable);
/*
 * For who only shows it: the --drain-timeout that the file was written under; 0: none, or not known.
 */
int drains_read_timeout(const char *directory, int64_t *ret_timeout_ms);
/* Writes it if that is not what it says already. 0 or a negative errno, with a sentence. */
int drains_write(struct drain_book *book, const char *directory, int64_t timeout_ms, struct fault *fault);

int64_t boot_clock_ms(void);

#endif
