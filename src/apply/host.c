/*
 * The host around IPVS: addresses and sysctls.
 *
 * net.ipv4.vs.conn_reuse_mode is the one line of R8.1's table that is missing here on purpose. kube-proxy
 * sets it to 0 on kernels from 4.1 up to 5.9, where it costs new connections a second each when a client
 * reuses a port; but with 0, port reuse keeps feeding a real server that drains. It stays as the
 * kernel or the administrator has it: later kernels need no change, and on earlier ones draining matters
 * more.
 */
#include "apply/host.h"

#include "link.h"
#include "sysctl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

static const struct sysctl_setting always[] = {
        {"net/ipv4/vs/conntrack", "1"},
        {"net/ipv4/vs/expire_nodest_conn", "1"},
        {"net/ipv4/vs/expire_quiescent_template", "1"},
        {"net/ipv4/ip_forward", "1"},
};

static const struct sysctl_setting for_strict_arp[] = {
        {"net/ipv4/conf/all/arp_ignore", "1"},
        {"net/ipv4/conf/all/arp_announce", "2"},
};

int host_read_addresses(struct arena *arena, struct interface_address **ret_addresses, size_t *ret_count)
{
	struct conversation route;
	conversation_init(&route, &kernel_transport_real, NETLINK_ROUTE);
	int error = link_read_addresses(&route, arena, ret_addresses, ret_count);
	conversation_done(&route);
	return error;
}

/* ---- sysctls */

static void explain(const struct sysctl_setting *setting, int error, struct fault *fault)
{
	bool of_ipvs = strncmp(setting->path, "net/ipv4/vs/", strlen("net/ipv4/vs/")) == 0;
	if (error == -ENOENT && of_ipvs)
		fault_set(fault, NULL,
		          "sysctl %s: not there; it comes with the module ip_vs: run modprobe ip_vs",
		          setting->path);
	else if (error == -EACCES || error == -EPERM)
		fault_set(fault, NULL, "sysctl %s: no permission to set it to %s; run as root", setting->path,
		          setting->value);
	else if (error == -EROFS)
		fault_set(fault, NULL,
		          "sysctl %s: /proc/sys is read-only here, so it cannot be set to %s; run the "
		          "container privileged, or set it on the host",
		          setting->path, setting->value);
	else
		fault_set(fault, NULL, "sysctl %s: it cannot be set to %s (%s); set it on the host",
		          setting->path, setting->value, strerror(-error));
}

static int set_all(const char *root, const struct sysctl_setting *settings, size_t count, struct fault *fault)
{
	for (size_t i = 0; i < count; i++) {
		int error = sysctl_set(root, settings[i].path, settings[i].value);
		if (error) {
			explain(&settings[i], error, fault);
			return error;
		}
	}
	return 0;
}

int host_set_sysctls(const char *root, bool strict_arp, struct fault *fault)
{
	int error = set_all(root, always, sizeof(always) / sizeof(*always), fault);
	if (!error && strict_arp)
		error = set_all(root, for_strict_arp, sizeof(for_strict_arp) / sizeof(*for_strict_arp),
		                fault);
	return error;
}
