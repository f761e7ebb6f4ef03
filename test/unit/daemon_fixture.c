#include "daemon_fixture.h"

#include "support.h"

#include "plan/filter_text.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fake_kernel fake;
struct daemon proxy;
char directory[TEST_DIRECTORY_SIZE];

static struct config config;
static struct log log_file;

const char *in_directory(const char *name)
{
	static char path[TEST_PATH_SIZE];
	return test_directory_path(directory, name, path);
}

void daemon_fixture_init(enum log_level most)
{
	static const char *const schedulers[] = {"rr", NULL};
	fake_kernel_init(&fake);
	fake.schedulers = schedulers;
	test_directory_make(directory);
	log_file = (struct log){.most = most};
	log_file.fd = open(in_directory("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ck_assert_int_ge(log_file.fd, 0);
}

void daemon_fixture_done(void)
{
	test_directory_remove(directory);
	close(log_file.fd);
	fake_kernel_done(&fake);
}

static void refused(void *context, const struct fault *fault)
{
	(void)context;
	ck_abort_msg("%s", fault->sentence);
}

static void read_config(const char *const *flags)
{
	static const char *const usual[] = {"kube-ipvs", "--manifests",
	                                    directory,   "--run-dir",
	                                    directory,   "--healthz-bind-address",
	                                    "",          "--metrics-bind-address",
	                                    ""};
	enum { USUAL = sizeof(usual) / sizeof(*usual), MOST = USUAL + 8 };
	/* They are written to, and must live as long as the configuration. */
	static char texts[MOST][80];
	char *arguments[MOST + 1] = {0};
	int count = 0;
	for (size_t i = 0; i < USUAL; i++, count++)
		arguments[count] = strcpy(texts[count], usual[i]);
	for (; *flags; flags++, count++) {
		ck_assert_int_lt(count, MOST);
		arguments[count] = strcpy(texts[count], *flags);
	}
	ck_assert_int_eq(config_read(count, arguments, &config, refused, NULL), 0);
	config.takeover = false;
}

static void open_syncer(void)
{
	const struct filter_rules rules = {.masquerade_mark = 0x4000, .answer_ping = true};
	struct kernel *kernel = NULL;
	struct fault fault = {0};
	size_t unreadable = 0;
	auto_text text = {0};
	filter_text_rules(&rules, &text);
	ck_assert_int_eq(kernel_open(DUMMY_INTERFACE, false, &fake.transport, &kernel, &fault), 0);
	kernel_use_filter(kernel, text_string(&text));
	ck_assert_int_eq(syncer_init(&proxy.syncer, kernel, &proxy.planner, directory, NULL, 0, &unreadable),
	                 0);
}

void daemon_fixture_start(const char *const *flags)
{
	const struct node_port_rule all = {0};
	read_config(flags);
	proxy = (struct daemon){.config = &config, .log = &log_file, .node_name = "n1", .lock = -1};
	struct planner_listener listener = daemon_planner_listener(&proxy);
	listener.scheduler_wanted = NULL;
	planner_init(&proxy.planner, "n1", DUMMY_INTERFACE, "rr", &all, &listener);
	proxy.families[IPV4] = true;
	proxy.base = event_base_new();
	daemon_init_passes(&proxy);
	open_syncer();
	ck_assert_int_eq(daemon_open_serving(&proxy), 0);
	proxy.open = true;
}

void daemon_fixture_stop(void)
{
	daemon_close_serving(&proxy);
	syncer_done(&proxy.syncer);
	planner_done(&proxy.planner);
	daemon_done_passes(&proxy);
	event_base_free(proxy.base);
	arena_done(&proxy.host_memory);
	memo_done(&proxy.warnings);
	memo_done(&proxy.failures);
	memo_done(&proxy.troubles);
	memo_done(&proxy.absent_schedulers);
	daemon_end_tuning(&proxy);
	config_done(&config);
}
