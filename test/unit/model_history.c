#include "model_history.h"

#include "base/check.h"
#include "base/memory.h"
#include "model_daemon.h"
#include "model_reference.h"
#include "model_tamper.h"
#include "plan_states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- rolling */

static const struct {
	uint8_t chance; /* in percent; all together 100 */
	uint8_t deed, kind;
} likely[] = {
        {16, DEED_CHANGE, WORLD_SERVICE},
        {8, DEED_ROLL, WORLD_SERVICE},
        {5, DEED_REMOVE, WORLD_SERVICE},
        {20, DEED_CHANGE, WORLD_SLICE},
        {11, DEED_ROLL, WORLD_SLICE},
        {6, DEED_REMOVE, WORLD_SLICE},
        {4, DEED_CHANGE, WORLD_NODE},
        {1, DEED_REMOVE, WORLD_NODE},
        {5, DEED_CHANGE, WORLD_HOST},
        {4, DEED_WHOLE_PASS, 0},
        {3, DEED_RESTART, 0},
        {2, DEED_RESTART_IN_PARTS, 0},
        {9, DEED_TAMPER, 0},
        {6, DEED_CONNECT, 0},
};

static struct operation roll_operation(struct dice *dice)
{
	uint32_t roll = dice_roll(dice, 100);
	size_t i = 0;
	while (roll >= likely[i].chance)
		roll -= likely[i++].chance;
	struct operation operation = {.deed = likely[i].deed, .kind = likely[i].kind};
	operation.slot = (uint8_t)dice_roll(dice, (uint32_t)world_slots(operation.kind));
	operation.waits = dice_chance(dice, 20);
	operation.seed = dice_roll(dice, UINT32_MAX);
	return operation;
}

void history_roll(uint64_t seed, size_t length, struct history *ret_history)
{
	struct dice dice = {.state = seed * 0x2545f4914f6cdd1d + 1};
	*ret_history = (struct history){.excluding = dice_chance(&dice, 30)};
	for (size_t i = 0; i < length; i++)
		vector_push(&ret_history->operations, roll_operation(&dice));
}

void history_done(struct history *history)
{
	vector_done(&history->operations);
}

void verdict_done(struct verdict *verdict)
{
	text_done(&verdict->sentence);
	text_done(&verdict->wanted);
	text_done(&verdict->got);
	text_done(&verdict->story);
}

/* ---- living */

struct life {
	struct world world;
	struct fake_kernel fake;
	struct model_daemon daemon;
	struct reference reference; /* of the world as it is now */
	struct strangers strangers;
	struct cidr excluded;
	char directory[64];
	bool pending;    /* the world changed since the last pass */
	bool tampered;   /* the kernel did, or something of strangers is ours now */
	bool knows_half; /* the daemon, of the Services */
	const struct operation *begin, *next, *last;
	bool starts;    /* the daemon's next pass is its first */
	bool slices;    /* passes work in slices */
	unsigned turns; /* between slices, so far */
	bool miscounts; /* the daemon, what it expects of the kernel */
	bool overtaken; /* the world changed in the middle of a pass */
	bool tells;
	struct verdict *verdict;
};

static void complain(struct life *life, const char *what, const char *about)
{
	if (life->verdict->failed)
		return;
	life->verdict->failed = true;
	text_addf(&life->verdict->sentence, "%s: %s", what, about);
}

static void complain_of(struct life *life, const char *what, const struct fake_event *event)
{
	auto_text text = {0};
	fake_event_print(event, &text);
	complain(life, what, text_string(&text));
}

static bool is_wanted(const struct reference *reference, const struct fake_event *event)
{
	if (event->address)
		return reference_holds(reference, event->address);
	if (event->element)
		return reference_has_element(reference, event->element->set, event->element->key);
	const struct virtual_server *server = reference_find_server(reference, event->key);
	return server && (!event->real_server || reference_wants_real_server(server, event->real_server));
}

static bool is_held(struct fake_kernel *fake, const struct address *address)
{
	vector_for_each (&fake->held, held)
		if (address_equal(held, address))
			return true;
	return false;
}

static bool is_filtered(struct fake_kernel *fake, const char *set, const char *key)
{
	vector_for_each (&fake->filter.elements, element)
		if (strcmp(element->key, key) == 0 && strcmp(element->set, set) == 0)
			return true;
	return false;
}

/* Nothing answers before its address is held and the packet filter knows it. */
static void must_be_protected(struct life *life, const struct fake_event *event)
{
	const struct reference *reference = &life->reference;
	const struct virtual_server_key *key = event->key;
	if (reference_holds(reference, &key->address) && !is_held(&life->fake, &key->address))
		complain_of(life, "its address is not held yet", event);
	char address[ADDRESS_TEXT_SIZE], port[96];
	address_format(&key->address, address);
	snprintf(port, sizeof(port), "%s . %s . %u", address,
	         key->protocol == PROTOCOL_TCP   ? "tcp"
	         : key->protocol == PROTOCOL_UDP ? "udp"
	                                         : "sctp",
	         key->port);
	for (size_t i = 0; i < reference->element_count; i++) {
		const struct fake_filter_element *element = &reference->elements[i];
		bool guards = strcmp(element->key, port) == 0 || strcmp(element->key, address) == 0;
		if (guards && !is_filtered(&life->fake, element->set, element->key))
			complain_of(life, "the packet filter does not guard it yet", event);
	}
}

/*
 * What the kernel has, a daemon that starts with a small pass does not know; nor any small pass that somebody holds an address
 * which an excluded range lets stay.
 */
static bool may_be_needless(struct life *life, const struct fake_event *event)
{
	if (life->daemon.starting)
		return true;
	if (event->deed == FAKE_ADD && event->address)
		vector_for_each (&life->strangers.held, stranger)
			if (address_equal(stranger, event->address))
				return true;
	return false;
}

/* While the Service that comes first is not known, the next has its port, and the ranges are that one's. */
static bool may_narrow(const struct life *life, const struct fake_event *event)
{
	return life->knows_half && event->element &&
	       strncmp(event->element->set, "source-ranges", strlen("source-ranges")) == 0;
}

/* A real server that drains stays for as long as it has connections, except where its virtual server goes. */
static bool may_go(const struct life *life, const struct fake_event *event)
{
	return !event->real_server || event->real_server->active_connections == 0 ||
	       !reference_drains(&life->reference, event->key);
}

static void watch(void *watcher, const struct fake_event *event)
{
	struct life *life = watcher;
	bool wanted = is_wanted(&life->reference, event);
	if (life->tells) {
		text_add(&life->verdict->story, "        ");
		fake_event_print(event, &life->verdict->story);
		text_add(&life->verdict->story, "\n");
	}
	if (event->needless && !may_be_needless(life, event))
		complain_of(life, "sent without need", event);
	else if (event->deed == FAKE_REMOVE && wanted && !may_narrow(life, event))
		complain_of(life, "wanted, and removed", event);
	else if (event->deed == FAKE_REMOVE && !may_go(life, event))
		complain_of(life, "has connections, and is removed", event);
	else if (event->real_server && wanted && event->deed != FAKE_REMOVE &&
	         event->real_server->weight != 1)
		complain_of(life, "wanted, and without its weight", event);
	else if (event->deed == FAKE_ADD && event->key && !event->real_server && wanted)
		must_be_protected(life, event);
}

/* ---- operations on the world */

static void tell_operation(struct life *life, const struct operation *operation, const char *when)
{
	static const char *const deeds[] = {[DEED_ROLL] = "new",
	                                    [DEED_CHANGE] = "one field changes",
	                                    [DEED_REMOVE] = "remove",
	                                    [DEED_WHOLE_PASS] = "whole pass",
	                                    [DEED_RESTART] = "restart",
	                                    [DEED_RESTART_IN_PARTS] = "restart, some Services are read later",
	                                    [DEED_TAMPER] = "somebody changes the kernel, whole pass",
	                                    [DEED_CONNECT] = "connections come and go"};
	struct text *story = &life->verdict->story;
	if (!life->tells)
		return;
	text_addf(story, "%3zu%s %s", (size_t)(operation - life->begin), when, deeds[operation->deed]);
	if (operation->deed <= DEED_REMOVE) {
		struct world after = life->world;
		struct dice dice = {operation->seed};
		if (operation->deed != DEED_REMOVE)
			world_roll(&after, operation->kind, operation->slot, operation->deed == DEED_CHANGE,
			           &dice);
		else
			world_remove(&after, operation->kind, operation->slot);
		text_add(story, ": ");
		world_print(&after, operation->kind, operation->slot, story);
		text_add(story, operation->waits ? "; no pass yet" : "");
	}
	text_add(story, "\n");
}

static void change_thing(struct life *life, const struct operation *operation)
{
	struct dice dice = {operation->seed};
	if (operation->deed == DEED_REMOVE)
		world_remove(&life->world, operation->kind, operation->slot);
	else
		world_roll(&life->world, operation->kind, operation->slot, operation->deed == DEED_CHANGE,
		           &dice);
	model_daemon_tell(&life->daemon, &life->world, operation->kind, operation->slot);
}

/* ---- passes */

/* What a whole pass leaves of others' things. Looks at the kernel as it is before. */
static void reckon_strangers(void *context)
{
	struct life *life = context;
	struct strangers left = {0};
	vector_for_each (&life->strangers.servers, server) {
		const struct address *address = &server->key.address;
		if (!is_held(&life->fake, address) ||
		    cidrs_contain(life->daemon.excluded, life->daemon.excluded_count, address))
			vector_push(&left.servers, *server);
	}
	vector_for_each (&life->fake.held, address)
		if (!reference_holds(&life->reference, address) &&
		    cidrs_contain(life->daemon.excluded, life->daemon.excluded_count, address))
			vector_push(&left.held, *address);
	life->tampered |= left.servers.count != life->strangers.servers.count;
	vector_done(&life->strangers.servers);
	vector_done(&life->strangers.held);
	life->strangers = left;
}

static void forget_wanted_strangers(struct life *life)
{
	struct strangers *strangers = &life->strangers;
	for (size_t i = 0; i < strangers->held.count;)
		if (reference_holds(&life->reference, &strangers->held.items[i]))
			strangers->held.items[i] = strangers->held.items[--strangers->held.count];
		else
			i++;
}

static void compare(struct life *life)
{
	struct verdict *verdict = life->verdict;
	if (verdict->failed || reference_agrees(&life->reference, &life->strangers, &life->fake))
		return;
	reference_print(&life->reference, &life->strangers, &verdict->wanted);
	reference_print_kernel(&life->fake, &verdict->got);
	complain(life, "the kernel", "holds something else than the reference");
}

/* Between two slices: now and then the next operation, if it is one on the world, happens already. */
static void take_turn(void *context, bool planned)
{
	struct life *life = context;
	const struct operation *next = life->next;
	bool about_node = next->kind == WORLD_NODE || next->kind == WORLD_HOST;
	if (next == life->last || next->deed > DEED_REMOVE || ++life->turns % 4 != 0)
		return;
	/* What the node is was looked at when the pass began; what is planned is the world as it is now. */
	if (!planned && about_node)
		return;
	tell_operation(life, next, " in the middle of the pass");
	life->next++;
	change_thing(life, next);
	life->overtaken |= planned;
	if (planned)
		return;
	life->pending = true;
	reference_build(&life->reference, &life->world);
}

/*
 * A first small pass that had something to do may have given a port to one Service before it knew of another that
 * comes before it; so may a first pass of a half.
 */
static void pass_once(struct life *life, bool whole)
{
	/* An address that is added though a stranger's is there counts twice, until a whole pass counts anew. */
	life->miscounts = !whole && (life->miscounts || life->strangers.held.count > 0);
	struct model_pass pass = {.whole = whole,
	                          .first = life->starts,
	                          .may_remove = true,
	                          .expects = !life->miscounts,
	                          .context = life};
	if (life->slices)
		pass.turn = take_turn;
	life->overtaken = life->starts = false;
	if (whole)
		pass.before_sending = reckon_strangers;
	model_daemon_pass(&life->daemon, &pass);
	forget_wanted_strangers(life);
	if (pass.complaint.length > 0)
		complain(life, whole ? "whole pass" : "small pass", text_string(&pass.complaint));
	else if (!life->pending && !life->tampered && pass.first_changes == 0 && pass.changes > 0)
		complain(life, "a pass", "asked for changes, and nothing had changed");
	text_done(&pass.complaint);
	life->pending = life->tampered = false;
	compare(life);
}

static void pass(struct life *life, bool whole)
{
	pass_once(life, whole);
	while (life->overtaken && !life->verdict->failed) {
		reference_build(&life->reference, &life->world);
		life->pending = true;
		pass_once(life, false);
	}
}

/* `part` 0 or 1: only every other Service; else all. */
static void tell_all(struct life *life, unsigned part)
{
	for (enum world_kind kind = 0; kind < WORLD_KINDS; kind++)
		for (size_t slot = 0; slot < world_slots(kind); slot++)
			if (kind != WORLD_SERVICE || part > 1 || slot % 2 == part)
				model_daemon_tell(&life->daemon, &life->world, kind, slot);
}

static void restart(struct life *life, bool in_parts, uint32_t seed)
{
	model_daemon_end(&life->daemon);
	model_daemon_begin(&life->daemon);
	life->starts = true;
	if (in_parts) {
		struct model_pass half = {.whole = true, .first = true, .may_remove = false};
		life->starts = false;
		tell_all(life, seed % 2);
		life->knows_half = true;
		model_daemon_pass(&life->daemon, &half);
		life->knows_half = false;
		if (half.complaint.length > 0)
			complain(life, "first pass of a half", text_string(&half.complaint));
		text_done(&half.complaint);
		life->pending = true;
	}
	tell_all(life, 2);
	pass(life, true);
}

/* ---- operations */

static void change_world(struct life *life, const struct operation *operation)
{
	change_thing(life, operation);
	reference_build(&life->reference, &life->world);
	life->pending = true;
	if (!operation->waits)
		pass(life, false);
}

static void tamper(struct life *life, const struct operation *operation)
{
	struct dice dice = {operation->seed};
	if (life->pending)
		pass(life, false);
	auto_text what = {0};
	model_tamper(&life->fake, &life->strangers, &dice, &what);
	if (life->tells)
		text_addf(&life->verdict->story, "        somebody: %s\n", text_string(&what));
	life->tampered = true;
	pass(life, true);
}

/* Each real server has connections, or has none any more, with one chance of two; the next pass looks. */
static void connect(struct life *life, uint32_t seed)
{
	struct dice dice = {seed};
	vector_for_each (&life->fake.virtual_servers, server)
		vector_for_each (&server->real_servers, real_server)
			real_server->active_connections = dice_chance(&dice, 50);
}

static void live_through(struct life *life, const struct operation *operation)
{
	switch (operation->deed) {
	case DEED_WHOLE_PASS:
		pass(life, true);
		break;
	case DEED_RESTART:
	case DEED_RESTART_IN_PARTS:
		restart(life, operation->deed == DEED_RESTART_IN_PARTS, operation->seed);
		break;
	case DEED_TAMPER:
		tamper(life, operation);
		break;
	case DEED_CONNECT:
		connect(life, operation->seed);
		pass(life, false);
		break;
	default:
		change_world(life, operation);
	}
}

/* Where there is one, in a file system that has nothing to wait for when told to write through. */
static void make_directory(char directory[static 64])
{
	strcpy(directory, access("/dev/shm", W_OK) == 0 ? "/dev/shm/kube-ipvs-model-XXXXXX"
	                                                : "/tmp/kube-ipvs-model-XXXXXX");
	CHECK(mkdtemp(directory));
}

static void remove_directory(const char *directory)
{
	char command[96];
	snprintf(command, sizeof(command), "rm -r %s", directory);
	CHECK(system(command) == 0);
}

static void begin(struct life *life, const struct history *history)
{
	struct dice dice = {1};
	fake_kernel_init(&life->fake);
	life->fake.saw = watch;
	life->fake.watcher = life;
	life->excluded = cidr_of("192.0.2.30/32");
	make_directory(life->directory);
	life->daemon = (struct model_daemon){.fake = &life->fake,
	                                     .directory = life->directory,
	                                     .excluded = &life->excluded,
	                                     .excluded_count = history->excluding};
	world_roll(&life->world, WORLD_HOST, 0, false, &dice);
	reference_build(&life->reference, &life->world);
	model_daemon_begin(&life->daemon);
	tell_all(life, 2);
	life->pending = life->starts = true;
	pass(life, true);
}

static void end(struct life *life)
{
	model_daemon_end(&life->daemon);
	fake_kernel_done(&life->fake);
	reference_done(&life->reference);
	vector_done(&life->strangers.servers);
	vector_done(&life->strangers.held);
	remove_directory(life->directory);
}

void history_live(const struct history *history, bool tell_story, struct verdict *ret_verdict)
{
	struct life *life = memory_alloc(sizeof(*life));
	*ret_verdict = (struct verdict){0};
	life->verdict = ret_verdict;
	life->tells = tell_story;
	life->begin = life->next = history->operations.items;
	life->last = life->begin + (life->begin ? history->operations.count : 0);
	begin(life, history);
	while (life->next != life->last && !ret_verdict->failed) {
		const struct operation *operation = life->next++;
		life->slices = operation->seed % 3 == 0;
		tell_operation(life, operation, "");
		live_through(life, operation);
	}
	if (!ret_verdict->failed && life->pending)
		pass(life, false);
	end(life);
	free(life);
}
