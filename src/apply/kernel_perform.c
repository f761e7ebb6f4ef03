/*
 * Performing changes: each kind by its own messages, the packet filter's by transactions.
 */
#include "base/deadline.h"
#include "base/memory.h"
#include "batch.h"
#include "filter_parts.h"
#include "kernel_parts.h"
#include "link.h"
#include "pace.h"

#include <errno.h>
#include <linux/ip_vs.h>

enum { UNSENT = 1 }; /* a result that the kernel cannot give */

struct performer {
	struct kernel *kernel;
	struct arena *arena;
	int link_index; /* of the dummy; 0: not looked up yet in this slice, -ENODEV: there is none */
};

struct kernel_performing {
	struct performer performer;
	struct changes *changes;
	size_t next;    /* the first change without an answer */
	size_t run_end; /* of the run of its kind, which begins at run_start */
	size_t run_start;
	struct change **ordered; /* of a run of the filter, in the order in which it can be cut */
	struct pace messages, elements;
	bool begun;
	bool removal_refused; /* of a virtual server */
};

/*
 * Each change that has a message of its own may meet a table of the kernel's that has to grow just then, which takes some
 * 30 ms with 8,192 addresses; so a portion of them takes less.
 */
enum { MESSAGES_LEAST = 16, MESSAGES_MS = 8, ELEMENTS_MS = 15 };

static void put_virtual_server_add(struct performer *performer, const struct change *change)
{
	ipvs_put_virtual_server(&performer->kernel->ipvs, IPVS_CMD_NEW_SERVICE, change->virtual_server);
}

static void put_virtual_server_edit(struct performer *performer, const struct change *change)
{
	ipvs_put_virtual_server(&performer->kernel->ipvs, IPVS_CMD_SET_SERVICE, change->virtual_server);
}

static void put_virtual_server_removal(struct performer *performer, const struct change *change)
{
	ipvs_put_virtual_server_removal(&performer->kernel->ipvs, &change->virtual_server->key);
}

static void put_real_server_add(struct performer *performer, const struct change *change)
{
	ipvs_put_real_server(&performer->kernel->ipvs, IPVS_CMD_NEW_DEST, &change->virtual_server->key,
	                     change->real_server);
}

static void put_real_server_edit(struct performer *performer, const struct change *change)
{
	ipvs_put_real_server(&performer->kernel->ipvs, IPVS_CMD_SET_DEST, &change->virtual_server->key,
	                     change->real_server);
}

static void put_real_server_removal(struct performer *performer, const struct change *change)
{
	ipvs_put_real_server_removal(&performer->kernel->ipvs, &change->virtual_server->key,
	                             change->real_server);
}

static void put_address_add(struct performer *performer, const struct change *change)
{
	struct kernel *kernel = performer->kernel;
	holding_put_add(&kernel->holding, &kernel->route, performer->link_index, &change->address);
}

static void put_address_removal(struct performer *performer, const struct change *change)
{
	struct kernel *kernel = performer->kernel;
	holding_put_removal(&kernel->holding, &kernel->route, performer->link_index, &change->address);
}

static void put_other_removal(struct performer *performer, const struct change *change)
{
	struct kernel *kernel = performer->kernel;
	holding_put_other_removal(&kernel->holding, &kernel->route, performer->link_index, &change->address);
}

typedef void (*put_function)(struct performer *performer, const struct change *change);

/* How each kind is performed, and which errnos mean that the kernel is as wanted already. */
static const struct kind_row {
	put_function put; /* NULL: no message of its own */
	put_function
	        put_over; /* sent after -EEXIST, so that what is there becomes what is wanted (R4.9, Q-8) */
	bool of_link;
	int fine[4];
} kind_rows[CHANGE_KINDS] = {
        [CHANGE_ADDRESS_ADD] = {put_address_add, NULL, true, {-EEXIST}},
        [CHANGE_VIRTUAL_SERVER_ADD] = {put_virtual_server_add, put_virtual_server_edit, false, {0}},
        [CHANGE_VIRTUAL_SERVER_EDIT] = {put_virtual_server_edit, NULL, false, {0}},
        [CHANGE_REAL_SERVER_ADD] = {put_real_server_add, put_real_server_edit, false, {0}},
        [CHANGE_REAL_SERVER_EDIT] = {put_real_server_edit, NULL, false, {0}},
        [CHANGE_REAL_SERVER_REMOVE] = {put_real_server_removal, NULL, false, {-ENOENT, -ESRCH}},
        [CHANGE_VIRTUAL_SERVER_REMOVE] = {put_virtual_server_removal, NULL, false, {-ESRCH}},
        [CHANGE_ADDRESS_REMOVE] = {put_address_removal,
                                   NULL,
                                   true,
                                   {-EADDRNOTAVAIL, -ENODEV, -ENXIO, -ESRCH}},
};

static bool is_fine(const struct kind_row *row, int result)
{
	for (size_t i = 0; i < sizeof(row->fine) / sizeof(*row->fine); i++)
		if (row->fine[i] && row->fine[i] == result)
			return true;
	return false;
}

static void set_results(struct change *changes, size_t count, int result)
{
	for (size_t i = 0; i < count; i++) {
		changes[i].result = result;
		changes[i].detail = NULL;
	}
}

/* What is said of the dummy then is of an interface that nobody has. */
static bool routes_matter(const struct kernel *kernel)
{
	return kernel->holding.by_routes || kernel->holding.misheld.count > 0;
}

/* What the messages of this kind need first: an open conversation, the family's number, the dummy's index. */
static int prepare(struct performer *performer, const struct kind_row *row)
{
	struct kernel *kernel = performer->kernel;
	struct link link;
	if (!row->of_link)
		return ipvs_ready(&kernel->ipvs);
	if (performer->link_index)
		return performer->link_index < 0 && !routes_matter(kernel) ? performer->link_index : 0;
	int error = link_find(&kernel->route, kernel->dummy, &link);
	if (!error)
		performer->link_index = link.index;
	else if (error == -ENODEV)
		performer->link_index = error;
	return error == -ENODEV && routes_matter(kernel) ? 0 : error;
}

/* Puts those changes into the batch whose result is `wanted_result`, and sends it. */
static int send_those_with(struct performer *performer, struct batch *batch, put_function put,
                           int wanted_result, struct change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (changes[i].result != wanted_result)
			continue;
		put(performer, &changes[i]);
		int error = batch_add(batch, &changes[i]);
		if (error)
			return error;
	}
	return batch_send(batch);
}

/* Where addresses are now held in our way, or not at all, the other way goes; not after an error, which then stays theirs. */
static int send_other_removals(struct performer *performer, struct batch *batch, const struct kind_row *row,
                               struct change *changes, size_t count, int error)
{
	const struct holding *holding = &performer->kernel->holding;
	if (holding->misheld.count == 0)
		return error;
	struct change **sent = arena_new_array(performer->arena, count, struct change *);
	size_t sent_count = 0;
	for (size_t i = 0; i < count; i++)
		if ((changes[i].result == 0 || is_fine(row, changes[i].result)) &&
		    holding_is_misheld(holding, &changes[i].address)) {
			changes[i].result = UNSENT;
			sent[sent_count++] = &changes[i];
		}
	for (size_t i = 0; i < sent_count && !error; i++) {
		put_other_removal(performer, sent[i]);
		error = batch_add(batch, sent[i]);
	}
	if (!error)
		error = batch_send(batch);
	for (size_t i = 0; i < sent_count; i++)
		if (is_fine(&kind_rows[CHANGE_ADDRESS_REMOVE], sent[i]->result))
			set_results(sent[i], 1, 0);
	return error;
}

static int send_run(struct performer *performer, const struct kind_row *row, struct change *changes,
                    size_t count)
{
	struct kernel *kernel = performer->kernel;
	struct batch batch;
	batch_init(&batch, row->of_link ? &kernel->route : &kernel->ipvs.conversation, performer->arena);
	set_results(changes, count, UNSENT);
	int error = send_those_with(performer, &batch, row->put, UNSENT, changes, count);
	if (!error && row->put_over)
		error = send_those_with(performer, &batch, row->put_over, -EEXIST, changes, count);
	if (row->of_link)
		error = send_other_removals(performer, &batch, row, changes, count, error);
	batch_done(&batch);
	return error;
}

/*
 * Some changes of one kind; the next kind goes out after all answers to this one. When growing, what depends on a change
 * that failed is refused by the kernel itself; an address that could not be added does not keep its virtual server from being made.
 */
static int perform_messages(struct performer *performer, struct change *changes, size_t count)
{
	const struct kind_row *row = &kind_rows[changes->kind];
	set_results(changes, count, 0);
	if (!row->put)
		return 0;
	int error = prepare(performer, row);
	if (error) {
		bool no_link = row->of_link && performer->link_index == -ENODEV;
		set_results(changes, count, is_fine(row, error) ? 0 : error);
		return no_link ? 0 : error;
	}
	error = send_run(performer, row, changes, count);
	for (size_t i = 0; i < count; i++) {
		/* -EEXIST is only the first half of an answer where there is a message to send over it. */
		if (changes[i].result == UNSENT || (error && row->put_over && changes[i].result == -EEXIST))
			changes[i].result = error;
		if (is_fine(row, changes[i].result))
			set_results(&changes[i], 1, 0);
	}
	return error;
}

/* ---- portions */

static size_t end_of_portion(const struct kernel_performing *performing, bool of_filter, bool paced)
{
	size_t run = performing->run_end - performing->run_start,
	       done = performing->next - performing->run_start;
	size_t most = paced ? performing->messages.size : run;
	if (of_filter)
		return performing->run_start +
		       filter_parts_end(performing->ordered, run, done,
		                        paced ? performing->elements.size : performing->elements.most);
	return run - done <= most ? performing->run_end : performing->next + most;
}

static int perform_elements(struct kernel_performing *performing, size_t end)
{
	struct packet_filter *filter = &performing->performer.kernel->filter;
	struct change **changes = performing->ordered + (performing->next - performing->run_start);
	size_t count = end - performing->next;
	if (packet_filter_used(filter))
		return packet_filter_perform(filter, changes, count, performing->performer.arena);
	for (size_t i = 0; i < count; i++)
		set_results(changes[i], 1, 0);
	return 0;
}

/* All that are left have this result. */
static void give_up(struct kernel_performing *performing, size_t from, int error)
{
	struct changes *changes = performing->changes;
	for (size_t i = from; performing->ordered && i < performing->run_end; i++)
		set_results(performing->ordered[i - performing->run_start], 1, error);
	if (performing->ordered)
		from = performing->run_end;
	set_results(&changes->items[from], changes->count - from, error);
	performing->next = changes->count;
}

static void note_refusals(struct kernel_performing *performing, size_t end)
{
	for (size_t i = performing->next; i < end; i++)
		performing->removal_refused |=
		        performing->changes->items[i].kind == CHANGE_VIRTUAL_SERVER_REMOVE &&
		        performing->changes->items[i].result != 0;
}

/*
 * A virtual server that could not be removed still answers: what protects it stays, and its address, by which it is known
 * to be ours. All that is left then waits for the next pass.
 */
static bool must_wait(const struct kernel_performing *performing)
{
	return performing->removal_refused &&
	       performing->changes->items[performing->next].kind > CHANGE_VIRTUAL_SERVER_REMOVE;
}

static int perform_portion(struct kernel_performing *performing, bool paced)
{
	bool of_filter = performing->ordered != NULL;
	size_t end = end_of_portion(performing, of_filter, paced), count = end - performing->next;
	int64_t began_ns = deadline_clock_ns();
	int error = of_filter ? perform_elements(performing, end)
	                      : perform_messages(&performing->performer,
	                                         &performing->changes->items[performing->next], count);
	note_refusals(performing, end);
	if (end < performing->run_end)
		pace_learn(of_filter ? &performing->elements : &performing->messages, count,
		           deadline_clock_ns() - began_ns);
	if (error)
		give_up(performing, end, error);
	else
		performing->next = end;
	return error;
}

/* ---- runs */

static bool is_of_filter(const struct change *change)
{
	return change->kind == CHANGE_FILTER_RESTRICT || change->kind == CHANGE_FILTER_ADD ||
	       change->kind == CHANGE_FILTER_REMOVE;
}

static bool same_run(const struct change *a, const struct change *b)
{
	return is_of_filter(a) ? is_of_filter(b) : a->kind == b->kind;
}

static void begin_run(struct kernel_performing *performing)
{
	struct change *items = performing->changes->items;
	size_t start = performing->next, end = start + 1;
	while (end < performing->changes->count && same_run(&items[start], &items[end]))
		end++;
	performing->run_start = start;
	performing->run_end = end;
	performing->ordered = is_of_filter(&items[start]) ? filter_parts_order(performing->performer.arena,
	                                                                       &items[start], end - start)
	                                                  : NULL;
	/* Adding an address costs more the more there are; the other kinds know nothing of that. */
	performing->messages.size = BATCH_MESSAGES / 4;
}

struct kernel_performing *kernel_performing_new(struct kernel *kernel, struct changes *changes,
                                                struct arena *arena)
{
	struct kernel_performing *performing = memory_alloc(sizeof(*performing));
	performing->performer = (struct performer){.kernel = kernel, .arena = arena};
	performing->changes = changes;
	performing->messages =
	        (struct pace){.least = MESSAGES_LEAST, .most = BATCH_MESSAGES, .wanted_ms = MESSAGES_MS};
	performing->elements = (struct pace){.size = 2 * FILTER_PART_LEAST,
	                                     .least = FILTER_PART_LEAST,
	                                     .most = FILTER_PART_MOST,
	                                     .wanted_ms = ELEMENTS_MS,
	                                     .has_fixed_part = true};
	return performing;
}

void kernel_performing_free(struct kernel_performing *performing)
{
	memory_free_pointer(&performing);
}

int kernel_performing_go_on(struct kernel_performing *performing, int64_t deadline_ns)
{
	bool paced = deadline_ns != NO_DEADLINE;
	performing->performer.link_index = 0;
	if (!performing->begun)
		packet_filter_remove_oddities(&performing->performer.kernel->filter);
	performing->begun = true;
	while (performing->next < performing->changes->count) {
		if (performing->next == performing->run_end && must_wait(performing)) {
			give_up(performing, performing->next, -ECANCELED);
			break;
		}
		if (performing->next == performing->run_end)
			begin_run(performing);
		int error = perform_portion(performing, paced);
		if (error)
			return error;
		if (performing->next < performing->changes->count && deadline_over(deadline_ns))
			return KERNEL_E_MORE;
	}
	return 0;
}

int kernel_perform(struct kernel *kernel, struct changes *changes, struct arena *arena)
{
	struct kernel_performing *performing = kernel_performing_new(kernel, changes, arena);
	int error = kernel_performing_go_on(performing, NO_DEADLINE);
	kernel_performing_free(performing);
	return error;
}
