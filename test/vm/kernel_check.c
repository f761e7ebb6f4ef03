/*
 * Drives apply/kernel.h against the kernel it runs on; kernel.test looks at the results with other tools.
 *
 *     vm-kernel_check reach STATE        makes the kernel hold one of the states below: its difference to what is
 *                                        there is performed, read back, and must then be none; prints the table as
 *                                        `ipvsadm -Sn` would, and the held addresses
 *     vm-kernel_check refusals           what the kernel answers to changes that it refuses
 *     vm-kernel_check probe SCHEDULER    and timeouts TCP FIN UDP, ensure-dummy, remove-dummy, information, sysctls
 */
#include "apply/host.h"
#include "apply/kernel.h"
#include "base/text.h"
#include "plan/diff.h"
#include "plan/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUMMY "kube-ipvs0"

enum { MOST = 64 };

/* A wanted state under construction. */
struct builder {
	struct virtual_server virtual_servers[MOST];
	struct real_server real_servers[MOST][MOST];
	struct address held[MOST];
	size_t count, held_count;
};

static struct address parse(const char *text)
{
	struct address address;
	if (!address_parse(text, &address))
		abort();
	return address;
}

/* Held on the dummy too, once. */
static struct virtual_server *add(struct builder *builder, const char *address, uint8_t protocol,
                                  uint16_t port, const char *scheduler)
{
	struct virtual_server *server = &builder->virtual_servers[builder->count];
	server->key =
	        (struct virtual_server_key){.address = parse(address), .protocol = protocol, .port = port};
	strncpy(server->scheduler, scheduler, sizeof(server->scheduler) - 1);
	server->netmask_bits = family_bits(server->key.address.family);
	server->rank = RANK_OTHER;
	server->real_servers = builder->real_servers[builder->count++];
	for (size_t i = 0; i < builder->held_count; i++)
		if (address_equal(&builder->held[i], &server->key.address))
			return server;
	builder->held[builder->held_count++] = server->key.address;
	return server;
}

static struct real_server *add_real(struct builder *builder, struct virtual_server *owner,
                                    const char *address, uint16_t port)
{
	struct real_server *server =
	        &builder->real_servers[owner - builder->virtual_servers][owner->real_server_count++];
	*server = (struct real_server){.address = parse(address), .port = port, .weight = 1};
	return server;
}

/* ---- the states */

static const char *const schedulers[] = {"rr",    "wrr", "lc", "wlc", "fo",  "ovf", "lblc",
                                         "lblcr", "dh",  "sh", "mh",  "sed", "nq"};

enum { SCHEDULERS = sizeof(schedulers) / sizeof(*schedulers) };

static void build_schedulers(struct builder *builder)
{
	for (unsigned i = 0; i < SCHEDULERS; i++) {
		struct virtual_server *four =
		        add(builder, "10.96.0.10", PROTOCOL_TCP, (uint16_t)(1000 + i), schedulers[i]);
		struct virtual_server *six =
		        add(builder, "fd00:10:96::a", PROTOCOL_TCP, (uint16_t)(1000 + i), schedulers[i]);
		add_real(builder, four, "10.244.0.5", 80);
		add_real(builder, six, "fd00:10:244::5", 80);
	}
}

static void build_protocols(struct builder *builder)
{
	static const uint8_t protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP};
	for (int i = 0; i < 3; i++) {
		struct virtual_server *four = add(builder, "10.96.0.11", protocols[i], 65535, "rr");
		struct virtual_server *six = add(builder, "fd00:10:96::b", protocols[i], 1, "rr");
		add_real(builder, four, "10.244.0.5", 65535);
		add_real(builder, four, "10.244.0.6", 1);
		add_real(builder, six, "fd00:10:244::5", 65535);
	}
}

static void build_flags(struct builder *builder)
{
	static const struct {
		const char *scheduler;
		uint32_t flags;
	} rows[] = {
	        {"sh", VIRTUAL_SERVER_SCHED_1},
	        {"sh", VIRTUAL_SERVER_SCHED_2},
	        {"mh", VIRTUAL_SERVER_SCHED_1 | VIRTUAL_SERVER_SCHED_2},
	        {"rr", VIRTUAL_SERVER_ONE_PACKET},
	        {"rr", VIRTUAL_SERVER_PERSISTENT | VIRTUAL_SERVER_ONE_PACKET},
	};
	for (uint16_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct virtual_server *server =
		        add(builder, "10.96.0.12", PROTOCOL_UDP, i + 1, rows[i].scheduler);
		server->flags = rows[i].flags;
		if (rows[i].flags & VIRTUAL_SERVER_PERSISTENT)
			server->timeout_seconds = 77;
	}
}

static void build_persistence(struct builder *builder)
{
	struct virtual_server *four = add(builder, "10.96.0.13", PROTOCOL_TCP, 80, "rr");
	struct virtual_server *range = add(builder, "10.96.0.13", PROTOCOL_TCP, 81, "wlc");
	struct virtual_server *six = add(builder, "fd00:10:96::d", PROTOCOL_TCP, 80, "rr");
	struct virtual_server *range6 = add(builder, "fd00:10:96::d", PROTOCOL_TCP, 81, "rr");
	struct virtual_server *sip = add(builder, "10.96.0.13", PROTOCOL_UDP, 5060, "rr");
	four->flags = range->flags = six->flags = range6->flags = sip->flags = VIRTUAL_SERVER_PERSISTENT;
	four->timeout_seconds = six->timeout_seconds = 10800;
	range->timeout_seconds = range6->timeout_seconds = 86400;
	sip->timeout_seconds = 1;
	range->netmask_bits = 20;
	range6->netmask_bits = 64;
	strcpy(sip->engine, "sip");
}

static void build_real_servers(struct builder *builder)
{
	struct virtual_server *server = add(builder, "10.96.0.14", PROTOCOL_TCP, 80, "wrr");
	struct real_server *draining = add_real(builder, server, "10.244.0.5", 80);
	struct real_server *heavy = add_real(builder, server, "10.244.0.6", 80);
	struct real_server *routed = add_real(builder, server, "10.244.0.7", 80);
	struct real_server *ipip = add_real(builder, server, "10.244.0.8", 80);
	struct real_server *gue = add_real(builder, server, "10.244.0.9", 80);
	struct real_server *gre = add_real(builder, server, "10.244.0.10", 80);
	struct real_server *other_family = add_real(builder, server, "fd00:10:244::5", 80);
	draining->weight = 0;
	heavy->weight = 65535;
	heavy->upper_threshold = 1000;
	heavy->lower_threshold = 500;
	routed->forwarding = FORWARD_DIRECT_ROUTE;
	ipip->forwarding = gue->forwarding = gre->forwarding = other_family->forwarding = FORWARD_TUNNEL;
	gue->tunnel_type = 1;
	gue->tunnel_port = 6080;
	gue->tunnel_flags = 1;
	gre->tunnel_type = 2;
}

static void build_edited_real_servers(struct builder *builder)
{
	build_real_servers(builder);
	struct virtual_server *server = &builder->virtual_servers[0];
	strcpy(server->scheduler, "mh");
	server->flags = VIRTUAL_SERVER_PERSISTENT | VIRTUAL_SERVER_SCHED_2;
	server->timeout_seconds = 300;
	server->netmask_bits = 24;
	for (size_t i = 0; i < server->real_server_count; i++)
		builder->real_servers[0][i].weight = (uint32_t)i + 7;
	builder->real_servers[0][4].tunnel_port = 6081;
	builder->real_servers[0][4].tunnel_flags = 2;
}

static void build_marks(struct builder *builder)
{
	struct virtual_server *four = &builder->virtual_servers[builder->count++];
	*four = (struct virtual_server){.key = {.address.family = FAMILY_IPV4, .firewall_mark = 7},
	                                .scheduler = "rr",
	                                .netmask_bits = 32,
	                                .real_servers = builder->real_servers[0]};
	struct virtual_server *six = &builder->virtual_servers[builder->count++];
	*six = (struct virtual_server){.key = {.address.family = FAMILY_IPV6, .firewall_mark = 7},
	                               .scheduler = "wlc",
	                               .netmask_bits = 128,
	                               .real_servers = builder->real_servers[1]};
	add_real(builder, four, "10.244.0.5", 0);
	add_real(builder, six, "fd00:10:244::5", 0);
}

/* For traffic: two pods behind one address of each family; `live-edited` is what becomes of it. */
static void build_live(struct builder *builder)
{
	struct virtual_server *four = add(builder, "10.96.0.20", PROTOCOL_TCP, 80, "rr");
	struct virtual_server *six = add(builder, "fd00:10:96::20", PROTOCOL_TCP, 80, "rr");
	add_real(builder, four, "10.244.0.5", 8080);
	add_real(builder, six, "fd00:10:244::5", 8080);
}

static void build_live_edited(struct builder *builder)
{
	build_live(builder);
	strcpy(builder->virtual_servers[0].scheduler, "wlc");
	builder->virtual_servers[0].flags = VIRTUAL_SERVER_PERSISTENT;
	builder->virtual_servers[0].timeout_seconds = 60;
	builder->real_servers[0][0].weight = 0;
	add_real(builder, &builder->virtual_servers[0], "10.244.0.6", 8080);
}

static void build_nothing(struct builder *builder)
{
	(void)builder;
}

static const struct {
	const char *name;
	void (*build)(struct builder *builder);
} states[] = {
        {"nothing", build_nothing},
        {"schedulers", build_schedulers},
        {"protocols", build_protocols},
        {"flags", build_flags},
        {"persistence", build_persistence},
        {"real-servers", build_real_servers},
        {"edited-real-servers", build_edited_real_servers},
        {"marks", build_marks},
        {"live", build_live},
        {"live-edited", build_live_edited},
};

enum { STATES = sizeof(states) / sizeof(*states) };

static int by_key(const void *a, const void *b)
{
	return virtual_server_key_compare(&((const struct virtual_server *)a)->key,
	                                  &((const struct virtual_server *)b)->key);
}

static int by_real_server(const void *a, const void *b)
{
	return real_server_compare(a, b);
}

static int by_address(const void *a, const void *b)
{
	return address_compare(a, b);
}

static struct state finish(struct builder *builder)
{
	for (size_t i = 0; i < builder->count; i++)
		qsort(builder->real_servers[i], builder->virtual_servers[i].real_server_count,
		      sizeof(struct real_server), by_real_server);
	qsort(builder->virtual_servers, builder->count, sizeof(struct virtual_server), by_key);
	qsort(builder->held, builder->held_count, sizeof(struct address), by_address);
	return (struct state){.virtual_servers = builder->virtual_servers,
	                      .virtual_server_count = builder->count,
	                      .held = builder->held,
	                      .held_count = builder->held_count};
}

/* ---- the commands */

struct session {
	struct kernel *kernel;
	struct arena arena;
	struct fault fault;
};

static int print_failures(const struct changes *changes)
{
	int failures = 0;
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		if (change->result == 0)
			continue;
		failures++;
		fprintf(stderr, "%s: %d, %s (%s)\n", change_kind_name(change->kind), change->result,
		        kernel_error_text(change->kind, change->result),
		        change->detail ? change->detail : "no detail");
	}
	return failures;
}

static int print_state(const struct state *state)
{
	auto_text text = {0};
	char address[ADDRESS_TEXT_SIZE];
	render_save(state, &text);
	for (size_t i = 0; i < state->held_count; i++) {
		address_format(&state->held[i], address);
		text_addf(&text, "held %s\n", address);
	}
	fputs(text_string(&text), stdout);
	return 0;
}

static int perform_difference(struct session *session, const struct state *wanted, size_t *ret_count)
{
	const struct removal_rules rules = {.all_ours = true};
	struct changes changes = {0};
	struct state present;
	int error = kernel_read(session->kernel, &session->arena, &present, &session->fault);
	if (error)
		return error;
	diff_build(&present, wanted, &rules, &changes);
	*ret_count = changes.count;
	error = kernel_perform(session->kernel, &changes, &session->arena);
	int failures = print_failures(&changes);
	vector_done(&changes);
	return error ? error : failures ? -1 : 0;
}

static int reach(struct session *session, char **words)
{
	static struct builder builder;
	struct state present;
	size_t changes = 0, i = 0;
	while (i < STATES && strcmp(states[i].name, words[0]) != 0)
		i++;
	if (i == STATES)
		return -1;
	states[i].build(&builder);
	struct state wanted = finish(&builder);
	int error = perform_difference(session, &wanted, &changes);
	if (!error)
		error = perform_difference(session, &wanted, &changes);
	if (!error && changes) {
		fprintf(stderr, "after performing, there are still %zu changes\n", changes);
		return -1;
	}
	if (!error)
		error = kernel_read(session->kernel, &session->arena, &present, &session->fault);
	return error ? error : print_state(&present);
}

static int refusals(struct session *session, char **words)
{
	static struct builder builder;
	(void)words;
	struct virtual_server *odd = add(&builder, "10.96.0.30", PROTOCOL_TCP, 80, "nosuch");
	struct virtual_server *good = add(&builder, "10.96.0.31", PROTOCOL_TCP, 80, "rr");
	struct virtual_server *gone = add(&builder, "10.96.0.32", PROTOCOL_TCP, 80, "rr");
	struct virtual_server *wide = add(&builder, "fd00:10:96::30", PROTOCOL_TCP, 80, "rr");
	struct real_server *real = add_real(&builder, odd, "10.244.0.5", 80);
	struct real_server *reversed = add_real(&builder, good, "10.244.0.5", 80);
	wide->netmask_bits = 200;
	reversed->lower_threshold = 2;
	reversed->upper_threshold = 1;
	struct change items[] = {
	        {.kind = CHANGE_ADDRESS_ADD, .address = parse("ff02::1")},
	        {.kind = CHANGE_ADDRESS_ADD, .address = parse("10.96.0.30")},
	        {.kind = CHANGE_ADDRESS_ADD, .address = parse("10.96.0.30")},
	        {.kind = CHANGE_VIRTUAL_SERVER_ADD, .virtual_server = odd},
	        {.kind = CHANGE_VIRTUAL_SERVER_ADD, .virtual_server = good},
	        {.kind = CHANGE_VIRTUAL_SERVER_ADD, .virtual_server = wide},
	        {.kind = CHANGE_VIRTUAL_SERVER_ADD, .virtual_server = good},
	        {.kind = CHANGE_VIRTUAL_SERVER_EDIT, .virtual_server = gone},
	        {.kind = CHANGE_REAL_SERVER_ADD, .virtual_server = odd, .real_server = real},
	        {.kind = CHANGE_REAL_SERVER_ADD, .virtual_server = good, .real_server = reversed},
	        {.kind = CHANGE_REAL_SERVER_ADD, .virtual_server = good, .real_server = real},
	        {.kind = CHANGE_REAL_SERVER_ADD, .virtual_server = good, .real_server = real},
	        {.kind = CHANGE_REAL_SERVER_REMOVE, .virtual_server = gone, .real_server = real},
	        {.kind = CHANGE_REAL_SERVER_REMOVE, .virtual_server = good, .real_server = real},
	        {.kind = CHANGE_REAL_SERVER_REMOVE, .virtual_server = good, .real_server = real},
	        {.kind = CHANGE_VIRTUAL_SERVER_REMOVE, .virtual_server = good},
	        {.kind = CHANGE_VIRTUAL_SERVER_REMOVE, .virtual_server = gone},
	        {.kind = CHANGE_ADDRESS_REMOVE, .address = parse("10.96.0.30")},
	        {.kind = CHANGE_ADDRESS_REMOVE, .address = parse("10.96.0.30")},
	        {.kind = CHANGE_ADDRESS_REMOVE, .address = parse("fd00:10:96::30")},
	};
	struct changes changes = {.items = items, .count = sizeof(items) / sizeof(*items)};
	int error = kernel_perform(session->kernel, &changes, &session->arena);
	for (size_t i = 0; i < changes.count; i++)
		printf("%s: %d %s\n", change_kind_name(items[i].kind), items[i].result,
		       items[i].detail ? items[i].detail : "-");
	return error;
}

static int probe(struct session *session, char **words)
{
	printf("%d\n", kernel_probe_scheduler(session->kernel, words[0]));
	return 0;
}

static int set_timeouts(struct session *session, char **words)
{
	const struct kernel_timeouts timeouts = {.tcp_seconds = (uint32_t)atoi(words[0]),
	                                         .tcp_fin_seconds = (uint32_t)atoi(words[1]),
	                                         .udp_seconds = (uint32_t)atoi(words[2])};
	return kernel_set_timeouts(session->kernel, &timeouts, &session->fault);
}

static int ensure_dummy(struct session *session, char **words)
{
	(void)words;
	return kernel_ensure_dummy(session->kernel, &session->fault);
}

static int remove_dummy(struct session *session, char **words)
{
	(void)words;
	return kernel_remove_dummy(session->kernel, &session->fault);
}

static int information(struct session *session, char **words)
{
	struct kernel_info info;
	(void)words;
	int error = kernel_info(session->kernel, &info);
	if (!error)
		printf("version %u.%u.%u size %u\n", info.version >> 16, info.version >> 8 & 0xff,
		       info.version & 0xff, info.connection_table_size);
	return error;
}

static int sysctls(struct session *session, char **words)
{
	(void)words;
	return host_set_sysctls("/proc/sys", true, &session->fault);
}

static const struct {
	const char *name;
	int words;
	int (*run)(struct session *session, char **words);
} commands[] = {
        {"reach", 1, reach},
        {"refusals", 0, refusals},
        {"probe", 1, probe},
        {"timeouts", 3, set_timeouts},
        {"ensure-dummy", 0, ensure_dummy},
        {"remove-dummy", 0, remove_dummy},
        {"information", 0, information},
        {"sysctls", 0, sysctls},
};

int main(int argc, char **argv)
{
	struct session session = {0};
	int error = kernel_open(DUMMY, true, NULL, &session.kernel, &session.fault);
	size_t i = 0;
	while (i < sizeof(commands) / sizeof(*commands) &&
	       (argc < 2 || strcmp(commands[i].name, argv[1]) != 0 || commands[i].words != argc - 2))
		i++;
	if (!error)
		error = i < sizeof(commands) / sizeof(*commands) ? commands[i].run(&session, argv + 2) : -1;
	if (error)
		fprintf(stderr, "vm-kernel_check: %d %s\n", error, session.fault.sentence);
	kernel_close(session.kernel);
	arena_done(&session.arena);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
