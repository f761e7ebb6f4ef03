/*
 * The daemon: source, planner and syncer on one event loop.
 */
#ifndef KUBE_IPVS_CMD_DAEMON_H
#define KUBE_IPVS_CMD_DAEMON_H

#include "base/log.h"
#include "proxy_options.h"

/* Runs until SIGTERM or SIGINT; what is programmed stays (R10.11). Borrows all. Returns the exit status. */
int daemon_run(const struct proxy_options *options, const char *node_name, const struct log *log);

#endif
