/*
 * The daemon: sources, planner and syncer on one event loop, and what is served about them.
 */
#ifndef KUBE_IPVS_CMD_DAEMON_H
#define KUBE_IPVS_CMD_DAEMON_H

#include "base/log.h"
#include "config.h"

/*
 * Runs until SIGTERM or SIGINT; what is programmed stays (R10.11). With config->init_only only prepares the kernel.
 * A changed configuration file, once it is found valid, makes the process execute itself anew. Borrows all. Returns the
 * exit status.
 */
int daemon_run(const struct config *config, const char *node_name, const struct log *log);

#endif
