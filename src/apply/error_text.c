/*
 * What an errno of the kernel means for a change. A new row is the only edit; the first that fits counts.
 */
#include "apply/kernel.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define KIND(kind) (1u << (kind))

enum {
	VIRTUAL_SERVERS = KIND(CHANGE_VIRTUAL_SERVER_ADD) | KIND(CHANGE_VIRTUAL_SERVER_EDIT),
	REAL_SERVERS = KIND(CHANGE_REAL_SERVER_ADD) | KIND(CHANGE_REAL_SERVER_EDIT),
	ADDRESSES = KIND(CHANGE_ADDRESS_ADD) | KIND(CHANGE_ADDRESS_REMOVE),
	FILTERS = KIND(CHANGE_FILTER_RESTRICT) | KIND(CHANGE_FILTER_ADD) | KIND(CHANGE_FILTER_REMOVE),
	EVERYTHING = KIND(CHANGE_KINDS) - 1,
};

static const struct {
	unsigned kinds;
	int error;
	const char *text;
} rows[] = {
        /* ip_vs_add_service, ip_vs_edit_service; the persistence engine is looked up after the scheduler. */
        {VIRTUAL_SERVERS, ENOENT, "no such scheduler in this kernel"},
        {VIRTUAL_SERVERS, EINVAL, "the kernel does not take these flags, timeout or netmask"},
        {VIRTUAL_SERVERS, EAFNOSUPPORT, "IPVS in this kernel has no support for this address family"},
        {VIRTUAL_SERVERS, EPROTONOSUPPORT, "IPVS in this kernel has no support for this protocol"},
        {KIND(CHANGE_VIRTUAL_SERVER_EDIT), ESRCH, "the virtual server is no longer in the kernel"},
        {REAL_SERVERS, ESRCH, "its virtual server is not in the kernel"},
        {REAL_SERVERS, ENOENT, "the real server is no longer in the kernel"},
        /* ip_vs_new_dest */
        {REAL_SERVERS, EINVAL,
         "the kernel does not take this address or forwarding method for a real server"},
        {REAL_SERVERS, ERANGE, "weight or thresholds are out of range"},
        {REAL_SERVERS, EAFNOSUPPORT, "IPVS in this kernel has no support for this address family"},
        {ADDRESSES, ENODEV, "the dummy interface is not there"},
        /* fib6_nh_init, of a route that holds one */
        {ADDRESSES, ENETDOWN, "the interface lo is down; set it up: ip link set lo up"},
        /* inet6_addr_add, under net.ipv6.conf.*.disable_ipv6 */
        {ADDRESSES, EACCES, "IPv6 is switched off for the dummy interface (sysctl disable_ipv6)"},
        {ADDRESSES, EOPNOTSUPP, "this kernel has no support for this address family"},
        {ADDRESSES, EAFNOSUPPORT, "this kernel has no support for this address family"},
        {FILTERS, ENOENT, "the packet filter has no such table, set, chain or element"},
        {FILTERS, EEXIST, "the packet filter has something else in this place"},
        {FILTERS, EOPNOTSUPP, "this kernel has no nf_tables, or lacks a part of it"},
        {FILTERS, EPROTONOSUPPORT, "this kernel has no nf_tables"},
        {ADDRESSES | FILTERS, ECANCELED, "a virtual server that may need it could not be removed"},
        {EVERYTHING, EPERM, "no permission; this needs CAP_NET_ADMIN in the initial user namespace"},
        {EVERYTHING, EOPNOTSUPP, "IPVS is not (or no longer) in this kernel"},
        {EVERYTHING, ETIMEDOUT, "the kernel did not answer in time"},
        {EVERYTHING, ENOBUFS, "the kernel's answer was lost, too many came at once"},
        {EVERYTHING, EBADMSG, "the kernel's answer was not understood"},
        {EVERYTHING, EAGAIN, "the kernel's table changed each time it was read"},
        {EVERYTHING, EIO, "the kernel gave no answer"},
        {EVERYTHING, ENOMEM, "the kernel has no memory for it"},
};

const char *kernel_error_text(enum change_kind kind, int error)
{
	int number = error < 0 ? -error : error;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].error == number && (rows[i].kinds & KIND(kind)))
			return rows[i].text;
	return strerror(number);
}
