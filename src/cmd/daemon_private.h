/*
 * What the parts of the daemon share: its state, and what it says.
 */
#ifndef KUBE_IPVS_CMD_DAEMON_PRIVATE_H
#define KUBE_IPVS_CMD_DAEMON_PRIVATE_H

#include "daemon.h"
#include "memo.h"
#include "planner.h"
#include "source/manifest.h"
#include "syncer.h"

struct event;
struct event_base;

struct daemon {
	const struct proxy_options *options;
	const struct log *log;
	const char *node_name;
	struct event_base *base;
	struct event *due;       /* the next pass */
	struct event *period;    /* the next whole pass */
	struct event *terminate; /* SIGTERM */
	struct event *interrupt; /* SIGINT */
	struct inlet manifest_inlet;
	struct manifest_directory *manifests;
	struct planner planner;
	struct syncer syncer;
	vector_of(const char *) schedulers; /* that the kernel has, NULL at the end; texts owned */
	struct arena host_memory;           /* the interfaces' addresses as read last */
	struct interface_address *host_addresses;
	size_t host_address_count;
	struct memo warnings;          /* per owner, what was said */
	struct memo failures;          /* per change or subject that fails, why */
	struct memo absent_schedulers; /* asked for since the last whole pass, and not in this kernel */
	struct memo unread;            /* manifests that could not be read since the start */
	bool opening;                  /* the manifests are being read for the first time */
	bool whole_needed;
	bool programmed_once;
	int64_t retry_ms; /* the next back-off; 0: nothing fails */
	int64_t last_pass_ms;
	int lock;
};

int64_t now_ms(void);

/* What the manifests have to say: the listener for manifest_directory_open. */
struct manifest_listener daemon_manifest_listener(struct daemon *daemon);
/* What the planner has to say. */
struct planner_listener daemon_planner_listener(struct daemon *daemon);
/* Asks for a pass as soon as --ipvs-min-sync-period allows. */
void daemon_request_pass(struct daemon *daemon);
/* Logs what a pass did, what fails now and what fails no more. */
void daemon_report(struct daemon *daemon, const struct sync_outcome *outcome, int result, int64_t took_ms);
/* 0: the kernel has this scheduler, and it is in the list from now on. -ENOENT: it has not. */
int daemon_probe_scheduler(struct daemon *daemon, const char *scheduler);

#endif
