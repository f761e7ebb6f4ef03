#include "proxy_options.h"

#include "apply/record.h"
#include "base/memory.h"
#include "command.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define ROW(field) offsetof(struct proxy_options, field)

static const struct option_row rows[] = {
        {"manifests", 0, OPTION_TEXT, ROW(manifests), "DIR",
         "read Services, EndpointSlices, Endpoints and Nodes from the YAML and JSON files in DIR, and follow "
         "it"},
        {"hostname-override", 0, OPTION_TEXT, ROW(hostname_override), "NAME",
         "the name of this node, which tells which endpoints are local (default: the host name)"},
        {"proxy-mode", 0, OPTION_MODE, 0, "MODE", "ipvs is the only one"},
        {"mode", 0, OPTION_MODE, 0, "MODE", "the same as --proxy-mode"},
        {"ipvs-scheduler", 0, OPTION_TEXT, ROW(scheduler), "NAME",
         "how IPVS chooses a real server, for Services that do not say it themselves (default rr)"},
        {"ipvs-exclude-cidrs", 0, OPTION_CIDRS, ROW(excluded), "CIDR,...",
         "never remove virtual servers and addresses in these ranges that are not known to be ours"},
        {"ipvs-strict-arp", 0, OPTION_SWITCH, ROW(strict_arp), NULL,
         "set arp_ignore to 1 and arp_announce to 2, so that the host does not answer ARP for kube-ipvs0"},
        {"ipvs-sync-period", 0, OPTION_DURATION, ROW(sync_period_ms), "DURATION",
         "how often the kernel is read and put right (default 30s)"},
        {"ipvs-min-sync-period", 0, OPTION_DURATION, ROW(min_sync_period_ms), "DURATION",
         "the least time between two updates of the kernel (default 0s: a change takes effect at once)"},
        {"ipvs-tcp-timeout", 0, OPTION_DURATION, ROW(tcp_timeout_ms), "DURATION",
         "the time after which an idle TCP connection is forgotten (default 0s: as the kernel has it)"},
        {"ipvs-tcpfin-timeout", 0, OPTION_DURATION, ROW(tcp_fin_timeout_ms), "DURATION",
         "the same after a FIN (default 0s: as the kernel has it)"},
        {"ipvs-udp-timeout", 0, OPTION_DURATION, ROW(udp_timeout_ms), "DURATION",
         "the same for UDP (default 0s: as the kernel has it)"},
        {"nodeport-addresses", 0, OPTION_NODE_PORTS, ROW(node_ports), "CIDR,...",
         "serve NodePorts on the node's addresses in these ranges; primary: on the Node's own IP (default: "
         "on all)"},
        {"run-dir", 0, OPTION_TEXT, ROW(run_directory), "DIR",
         "where the record of our virtual servers and the lock are kept (default " RECORD_DIRECTORY ")"},
        {"v", 'v', OPTION_NUMBER, ROW(verbosity), "LEVEL",
         "how much to log: 0 what matters, 1 every single change (default 0)"},
        {"version", 0, OPTION_SWITCH, ROW(version), NULL, "print the version and exit"},
        OPTION_HELP_ROW(struct proxy_options),
        {0},
};

const struct command_line proxy_line = {
        .synopsis = "kube-ipvs [proxy] --manifests DIR [flags]",
        .purpose = "Programs the Services into IPVS and keeps the kernel so. This is the daemon; it is also "
                   "what\n"
                   "runs when no command is named.",
        .rows = rows,
};

int node_name_read(const char *override, char **ret_name, struct fault *fault)
{
	char host[256] = "";
	if (override == NULL && gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	const char *from = override ? override : host;
	from += strspn(from, " \t\r\n");
	char *name = memory_copy_text(from);
	size_t length = strlen(name);
	while (length > 0 && isspace((unsigned char)name[length - 1]))
		name[--length] = '\0';
	for (char *c = name; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	if (length > 0) {
		*ret_name = name;
		return 0;
	}
	memory_free_pointer(&name);
	if (override == NULL)
		return fault_set(fault, NULL,
		                 "this host has no name; give the node's name with --hostname-override");
	fault_place(fault, "--hostname-override");
	return fault_set(
	        fault, NULL,
	        "the name is empty; give the node's name, or leave the flag out to use the host name");
}
