/*
 * What the parts of the daemon share.
 *
 *	daemon.c          start, loop, end
 *	daemon_kernel.c   making the kernel ready: modules, sysctls, the dummy, timeouts, schedulers
 *	daemon_takeover.c taking over from kube-proxy
 *	daemon_drains.c   real servers that drain; what is said of them is in daemon_drain_words.c
 *	daemon_tuning.c   kernel tuning that follows what there is
 *	daemon_sources.c  manifests, the API server, the events written to it
 *	daemon_node.c     what this node is: its Node object, its host's addresses; when programming may begin
 *	daemon_filter.c   the packet filter's rules; flows that lead nowhere any more
 *	daemon_pass.c     when a pass runs, and what follows from how it went
 *	daemon_drift.c    what others changed
 *	daemon_serve.c    health, metrics and configuration over HTTP
 *	daemon_reload.c   a changed configuration file
 *	daemon_report.c   what is said, once each
 */
#ifndef KUBE_IPVS_CMD_DAEMON_PRIVATE_H
#define KUBE_IPVS_CMD_DAEMON_PRIVATE_H

#include "daemon.h"
#include "drain_look.h"
#include "kube_proxy_claims.h"
#include "memo.h"
#include "node_facts.h"
#include "node_name.h"
#include "planner.h"
#include "syncer.h"

#include "apply/host_watch.h"
#include "apply/kube_proxy.h"
#include "model/inlet.h"
#include "observe/health.h"
#include "observe/http_server.h"
#include "observe/metrics.h"
#include "observe/service_health.h"
#include "source/api_client.h"
#include "source/api_events.h"
#include "source/api_source.h"
#include "source/file_watch.h"
#include "source/manifest.h"

struct event;
struct event_base;
struct daemon;

enum { IPV4, IPV6, IP_FAMILIES };

struct sources {
	struct inlet inlets[ORIGINS];
	struct manifest_directory *manifests;
	bool manifests_opening; /* they are being read for the first time */
	struct memo unread;     /* manifests that could not be read since the start */
	bool use_api_server;
	struct api_client *client;
	struct api_source *api;
	struct api_events *events;
	struct event *redelivery; /* R1.8 */
};

/* One HTTP server of ours, and the address at which it should listen. */
struct served {
	struct daemon *daemon;
	const char *reason; /* of the Event when it fails for good */
	const char *flag;
	const char *where; /* "0.0.0.0:10256"; "": disabled */
	struct http_server *server;
	struct event *retry;
	bool failing;
};

enum { SERVED_HEALTHZ, SERVED_METRICS, SERVED };

struct serving {
	struct health health;
	struct metrics *metrics;
	struct service_health *service_health;
	struct served served[SERVED];

	uint64_t events_counted[OBJECT_KINDS];  /* of the inlets, already in the metrics */
	uint64_t changes_planned[OBJECT_KINDS]; /* taken in by the pass that is running */
	uint64_t changes_applied[OBJECT_KINDS];
	size_t virtual_servers, real_servers, addresses; /* in force */
	double longest_slice;                            /* seconds */
};

/* The pass that is running (daemon_pass.c). */
struct pass {
	bool running;
	bool asked; /* for another one, since it began */
	bool whole;
	bool looks;   /* begins with a quick look at the kernel */
	bool repairs; /* which found something */
	bool first;   /* begins with the Services of the first ranks */
	bool host_known;
	bool ending; /* what was sent is forgotten next */
	size_t phase;
	int result; /* what broke it off, or 0 */
	bool good;  /* nothing failed */
	int64_t began_ns, sending_since_ms;
};

/* Taking over from kube-proxy (daemon_takeover.c). */
struct takeover {
	bool pending; /* what it left is still to be removed */
	unsigned set_tries;
	struct event *again; /* looks once more at sets that were in use */
	struct arena memory; /* of what follows */
	struct kube_proxy_claims claims;
	struct kube_proxy_report report;
};

/* Real servers that drain (daemon_drains.c); the book of them is the syncer's. */
struct drainer {
	struct event *timer; /* armed while there is one */
	struct drain_look look;
	bool looking;
	bool ending;     /* more was found to be over than ends at once */
	bool held_up;    /* by a pass */
	bool pass_waits; /* for the look, whose turn it is */
	int64_t turn_ns; /* what is left of that */
	int64_t next_look_ms;
	int64_t cost_ns;               /* of the look so far */
	size_t ended_told[DRAIN_ENDS]; /* already in the metrics */
};

/* Kernel tuning (daemon_tuning.c). */
struct tuning {
	bool estimates_in_timer; /* before Linux 6.2 */
	bool many;               /* virtual and real servers: too many for that */
	bool estimation_is_off;  /* by us */
	bool sctp_seen;
	struct memo failures; /* per sysctl, why */
};

/* What others change in the kernel (daemon_drift.c). */
struct drift {
	bool due;                     /* the next pass looks */
	bool interface_gone;          /* somebody removed the dummy */
	struct kernel_survey *survey; /* the look that is under way */
	bool held_touched;            /* since the last look */
	bool held_looked_at, filter_looked_at, foreign_known;
	uint32_t foreign; /* kernel_foreign_transactions() when it began */
};

struct daemon {
	const struct config *config;
	const struct log *log;
	const char *node_name;
	int lock;
	int status;
	bool execute_anew;
	bool families[IP_FAMILIES]; /* that this host supports */
	struct event_base *base;
	struct event *terminate;  /* SIGTERM */
	struct event *interrupt;  /* SIGINT */
	struct event *last_words; /* a failed daemon's time to write its Events */
	int64_t last_words_end_ms;

	struct planner planner;
	struct syncer syncer;
	struct sources sources;
	struct serving serving;
	struct tuning tuning;
	struct drainer drainer;
	struct drift drift;
	struct takeover takeover;
	struct file_watch *config_watch;

	/* the node */
	struct node_facts node_facts;
	struct host_watch *host_watch;
	struct event *host_readable;
	struct event *node_wait;  /* looks again whether programming may begin */
	struct arena host_memory; /* the interfaces' addresses as read last */
	struct interface_address *host_addresses;
	size_t host_address_count;
	bool host_stale;     /* they are to be read again */
	bool host_unwatched; /* they cannot be followed, and are read with each look */
	bool node_stale;     /* the planner is to look at the node again */

	/* passes */
	struct event *due;    /* the next pass */
	struct event *period; /* the next whole pass */
	struct event *slice;  /* of the pass that is running, the next */
	struct pass pass;
	bool open; /* programming has begun */
	bool whole_needed;
	bool first_tried; /* the Services of the first ranks had their turn */
	bool programmed_once;
	int64_t retry_ms; /* the next back-off; 0: nothing fails */
	int64_t last_pass_ms;

	/* what was said or found out */
	vector_of(const char *) schedulers; /* that the kernel has, NULL at the end; texts owned */
	struct memo warnings;               /* per owner, what was said */
	struct memo failures;               /* per change or subject that fails, why */
	struct memo troubles;               /* per subject outside of the kernel, why */
	struct memo absent_schedulers;      /* asked for since the last whole pass, and not in this kernel */
};

/* daemon.c */
int64_t now_ms(void); /* monotonic */
int64_t now_ns(void);
int64_t wall_clock_ns(void); /* since the epoch, as annotations and health count */
void daemon_arm(struct event *event, int64_t after_ms);
int daemon_say_fault(const struct daemon *daemon, int e, const struct fault *fault);
/* The end, with exit status 1, when the Events told so far are written or some seconds are over. */
void daemon_fail(struct daemon *daemon);

/* daemon_kernel.c */
int daemon_take_lock(struct daemon *daemon);
int daemon_open_kernel(struct daemon *daemon);
/* 0: the kernel has this scheduler, and it is in the list from now on. -ENOENT: it has not. */
int daemon_probe_scheduler(struct daemon *daemon, const char *scheduler);

/* daemon_takeover.c */
/* Before the first pass. */
void daemon_begin_takeover(struct daemon *daemon);
/* After a whole pass in which nothing failed. */
void daemon_end_takeover(struct daemon *daemon);
void daemon_close_takeover(struct daemon *daemon);

/* daemon_drains.c */
void daemon_open_drains(struct daemon *daemon);
void daemon_close_drains(struct daemon *daemon);
/* After each pass, when none runs any more. */
void daemon_drains_after_pass(struct daemon *daemon);
/* True: a look that passes held up has its turn; it asks for the pass when that is over. */
bool daemon_drains_go_first(struct daemon *daemon);

/* daemon_drain_words.c */
enum { FEW_DRAINS = 8 }; /* so many are named one by one */
/* Of those that were looked at: who waits for connections, and for what too long. */
void daemon_say_drains(struct daemon *daemon);
void daemon_say_drain_ended(const struct daemon *daemon, const struct drain *drain, enum drain_end end);

/* daemon_tuning.c */
/* Once the kernel is ready: what the options ask for; timeouts that do not fit. */
void daemon_begin_tuning(struct daemon *daemon);
/* After a pass: what follows from what there is now. */
void daemon_tune(struct daemon *daemon);
void daemon_end_tuning(struct daemon *daemon);

/* daemon_sources.c */
int daemon_open_sources(struct daemon *daemon);
void daemon_start_sources(struct daemon *daemon); /* the API server's, once everything else is ready */
void daemon_close_sources(struct daemon *daemon);
bool daemon_sources_complete(const struct daemon *daemon);
void daemon_tell_event(struct daemon *daemon, const struct api_event *event);

/* daemon_node.c */
int daemon_open_node(struct daemon *daemon);
void daemon_close_node(struct daemon *daemon);
/* Reads the interfaces' addresses; on failure what was known stays in force. */
int daemon_read_host(struct daemon *daemon);
void daemon_refresh_node(struct daemon *daemon);
/* The Node object was told, changed or deleted. */
void daemon_node_told(struct daemon *daemon, bool deleted);
/* Begins programming if all that it waits for is there. */
void daemon_try_to_begin(struct daemon *daemon);

/* daemon_filter.c */
/* Puts the packet filter's rules in place, once the Node is known. 0, or a negative errno, and it was said. */
int daemon_open_filter(struct daemon *daemon);
/* To be called after a pass: UDP and SCTP flows of the Services that were planned since the last call (R11). */
void daemon_remove_stale_flows(struct daemon *daemon);

/* daemon_pass.c */
void daemon_init_passes(struct daemon *daemon);
void daemon_done_passes(struct daemon *daemon);
/* Asks for a pass as soon as --ipvs-min-sync-period allows; one that runs is followed by another. */
void daemon_request_pass(struct daemon *daemon);
/* A quick look at the kernel, and what follows from it, as soon as no pass runs. */
void daemon_look_again(struct daemon *daemon);
/* A whole pass, as soon as none runs. */
void daemon_run_whole_pass(struct daemon *daemon);

/* daemon_drift.c */
/* Phases of a pass: whether it is through. */
bool daemon_look_for_drift(struct daemon *daemon, int64_t deadline_ns);
/* What the pass that put the kernel right had to change. */
void daemon_tell_drift(struct daemon *daemon, const struct sync_outcome *outcome, int result);
void daemon_end_drift(struct daemon *daemon);

/* daemon_serve.c */
int daemon_open_serving(struct daemon *daemon);
void daemon_close_serving(struct daemon *daemon);
void daemon_serve_queued(struct daemon *daemon);
/* All that the sources have told so far is planned. */
void daemon_serve_planned(struct daemon *daemon);
/* A pass of so many seconds ended; `failed`: it broke off. */
void daemon_serve_pass(struct daemon *daemon, double seconds, bool failed);
void daemon_serve_slice(struct daemon *daemon, double seconds);
/* How the kernel's tables changed. */
void daemon_serve_outcome(struct daemon *daemon, const struct sync_outcome *outcome);
/* The packet filter did not take a transaction, which is of both families at once. */
void daemon_serve_refused_filter(struct daemon *daemon);
/* Whether this kind is being followed at the API server, as far as is known. */
void daemon_serve_connected(struct daemon *daemon, enum object_kind kind, bool connected);
/* All objects were delivered once more (R1.8). */
void daemon_serve_redelivery(struct daemon *daemon);

/* daemon_reload.c */
int daemon_watch_config(struct daemon *daemon);
/* Does not return when it succeeds. */
void daemon_execute_anew(const struct log *log);

/* daemon_report.c */
struct manifest_listener daemon_manifest_listener(struct daemon *daemon);
struct api_source_listener daemon_api_listener(struct daemon *daemon);
struct planner_listener daemon_planner_listener(struct daemon *daemon);
/* Logs what a pass did, what fails now and what fails no more. */
void daemon_report(struct daemon *daemon, const struct sync_outcome *outcome, int result, int64_t took_ms);
/* Whether the record could be written. */
void daemon_report_record(struct daemon *daemon);
/* Told when it begins and when the sentence changes. */
void daemon_report_trouble(struct daemon *daemon, const char *subject, const char *sentence);
void daemon_report_trouble_over(struct daemon *daemon, const char *subject);

#endif
