#include "apply/host.h"

#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

bool host_has_ipv6(const char *proc)
{
	char path[PATH_MAX];
	auto_text disabled = {0};
	snprintf(path, sizeof(path), "%s/net/if_inet6", proc);
	if (access(path, F_OK) != 0)
		return false;
	snprintf(path, sizeof(path), "%s/sys/net/ipv6/conf/all/disable_ipv6", proc);
	return text_read_file(path, 16, &disabled) != 0 || *text_string(&disabled) != '1';
}

bool host_forwards_ipv6(const char *proc)
{
	char path[PATH_MAX];
	auto_text forwarding = {0};
	snprintf(path, sizeof(path), "%s/sys/net/ipv6/conf/all/forwarding", proc);
	return text_read_file(path, 16, &forwarding) == 0 && *text_string(&forwarding) != '0';
}
