/*
 * What this node is called, and its dummy interface.
 */
#ifndef KUBE_IPVS_CMD_NODE_NAME_H
#define KUBE_IPVS_CMD_NODE_NAME_H

#include "base/fault.h"

#define DUMMY_INTERFACE "kube-ipvs0"

/*
 * The name this node goes by (R14.10): the override, else the kernel's host name; trimmed, lower-cased. The
 * caller frees it. 0, or FAULT_REFUSED when nothing is left.
 */
int node_name_read(const char *override, char **ret_name, struct fault *fault);

#endif
